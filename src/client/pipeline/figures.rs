//! What became of the items that a pipeline was given, in numbers.

/// The items that are settled, by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Items the server has.
    pub sent: u64,
    /// Items that never went out and were not kept.
    pub dropped: u64,
    /// Items that lie in the dead letters.
    pub parked: u64,
    /// Items that went out and were refused or not acknowledged, and were not kept.
    pub failed: u64,
}

/// All counters of a pipeline at one moment; `sends` is the tally's sum and the next two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Items handed over.
    pub sends: u64,
    /// What became of the items that are settled.
    pub tally: Tally,
    /// Items that wait.
    pub queued: u64,
    /// Items in the request under way, or being written to the dead letters.
    pub in_flight: u64,
    /// HTTP requests made.
    pub requests: u64,
    /// HTTP requests that repeated an earlier one.
    pub retries: u64,
    /// Items of dead letters, whoever left them, that the server has now.
    pub replayed: u64,
    /// Items of dead letters that the server refused for good, or that nobody can read.
    pub replay_lost: u64,
    /// Whether the last batch the server refused was refused for its key.
    pub is_denied: bool,
    /// Why the last batch that was not delivered was not.
    pub last_error: Option<String>,
}

/// What became of a few entries of the dead letters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ReplayCounts {
    /// Entries the server has now.
    pub delivered: u64,
    /// Entries that are lost.
    pub lost: u64,
    /// Why entries were lost; `None` when none was.
    pub reason: Option<String>,
}

impl ReplayCounts {
    /// These counts and `count` entries more, of which `refused` were refused for `reason`.
    pub fn add(self, count: u64, refused: u64, reason: Option<String>) -> ReplayCounts {
        ReplayCounts {
            delivered: self.delivered + count.saturating_sub(refused),
            lost: self.lost + refused,
            reason: reason.or(self.reason),
        }
    }
}
