//! The contract of every store: what all of them can do ([`Backend`]), and the facets that some offer besides.
//!
//! A store that cannot do something leaves the facet out; it never answers with emptiness instead. Each line of each
//! contract is a test that runs on every store that has the facet.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::issues::{IssueNews, NewsPlace};
use super::{Error, Facet, Result};
use crate::model::sender::Sender;
use crate::model::{
    AttributeCount, AttributeQuery, Batch, Contrast, ContrastQuery, Cursor, Issue, IssueChange, IssueDetail, IssueId,
    IssueQuery, Key, LogPage, LogQuery, Nanos, Page, RecordFilter, Removed, Retention, SavedFilter, Stats, StatsQuery,
    Text, Trace, TraceId, TraceQuery, TraceSummary, Written,
};

/// What a store is, known without asking it anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// What this kind of store is called, with its article: `a tracehub database`.
    pub kind: &'static str,
    /// Absolute path or URL, without secrets.
    pub location: String,
    /// Whether writing is refused.
    pub read_only: bool,
    /// Version of the storage format; `None` when the other side keeps that to itself.
    pub schema: Option<u32>,
}

impl Info {
    /// The error of this store when it is asked for a facet it lacks.
    pub fn lacks(&self, facet: Facet) -> Error {
        Error::lacks(self.kind, &self.location, facet)
    }
}

/// Bytes of records ([`Record::bytes`](crate::model::Record::bytes)) an answer ends at, however many records were asked
/// for: it is held in memory more than once on its way out.
pub(crate) const MOST_CHUNK_BYTES: usize = 8 << 20;

/// Part of a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Records in the order they were committed.
    pub batch: Batch,
    /// Where to go on; always valid, also when nothing was found. It may lie within a write.
    pub next: Cursor,
    /// Whether nothing lay beyond `next` when it was read.
    pub at_end: bool,
    /// How many writes between the cursor and `next`, of whatever kind, are known to have left nothing behind: they were
    /// removed before this scan could read them.
    pub missed: u64,
}

/// Something a store had to leave out or mend in what it read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What, as a plain clause: `2 rows skipped: no time`.
    pub text: String,
    /// How many records are missing from the answers because of it; 0 when they were mended.
    pub skipped: u64,
}

/// What a store that lies in a file takes of its disk besides that file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskUse {
    /// Length of the transaction log.
    pub log_bytes: u64,
    /// Bytes that are free on the disk; `None` where the system does not say.
    pub free_bytes: Option<u64>,
}

/// A store of traces: what every store can do.
///
/// The contract:
/// - `traces` pages by key: following `next` visits every match once, whatever arrives meanwhile.
/// - `traces` orders totally: by the sort, then start, then id.
/// - `trace` of an id nobody wrote is `None`, not an error.
/// - summaries equal the fold of the records, however they were split into batches.
/// - `stats` counts the open issues of the service and seen in the time it is asked about, where issues are kept.
///
/// The accessors of facets say what else there is. Each answers the same for as long as the store is open; a store that
/// learns it from a server may offer a facet and still answer [`Error::Lacks`](super::Error::Lacks) when it is used.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// What this is; no I/O.
    fn info(&self) -> &Info;

    /// What was left out or mended in the answers given so far; empty for all stores that only hold what they wrote.
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }

    /// Lists traces; an empty page when none match.
    ///
    /// # Errors
    /// [`Error::BadCursor`](super::Error::BadCursor) for a foreign cursor, or the store fails.
    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>>;

    /// All records of one trace; `None` when there are none.
    ///
    /// # Errors
    /// The store fails.
    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>>;

    /// Totals and rows per operation.
    ///
    /// # Errors
    /// The store fails.
    async fn stats(&self, query: &StatsQuery) -> Result<Stats>;

    /// About how many records there are, to show how far reading them got.
    ///
    /// # Errors
    /// The store fails.
    async fn record_count(&self) -> Result<u64> {
        let stats = self.stats(&StatsQuery::totals()).await?;
        Ok(stats.spans + stats.checkpoints + stats.logs)
    }

    /// Bytes the store takes on disk; `None` when that cannot be seen.
    async fn size_bytes(&self) -> Option<u64> {
        let stats = self.stats(&StatsQuery::totals()).await;
        stats.ok().map(|stats| stats.database.size_bytes)
    }

    /// When the newest record was received, by the clock of whoever received it; `None` without any, and when the store
    /// does not know.
    ///
    /// # Errors
    /// The store fails.
    async fn newest_received(&self) -> Result<Option<Nanos>> {
        Ok(None)
    }

    /// What the store takes of a disk of this machine; `None` when it lies elsewhere.
    fn disk_use(&self) -> Option<DiskUse> {
        None
    }

    /// What hashes of redacted secrets are keyed with, the same for as long as the store lives; `None` where none is kept.
    ///
    /// # Errors
    /// The store fails.
    async fn salt(&self) -> Result<Option<[u8; 32]>> {
        Ok(None)
    }

    /// How many rows and segments do not decode and were put aside; `None` for a store that cannot know.
    async fn damaged_rows(&self) -> Option<u64> {
        None
    }

    /// Finishes what is under way and lets go of the store. Later calls fail with
    /// [`Error::Closed`](super::Error::Closed).
    ///
    /// # Errors
    /// What could not be finished; everything acknowledged is on disk all the same.
    async fn close(&self) -> Result<()>;

    /// All records in the order they arrived, if the store knows it.
    fn feed(&self) -> Option<&dyn Feed> {
        None
    }

    /// Writing and removing, if the store can be written to at all. One that was merely opened for reading offers this
    /// and answers [`Error::ReadOnly`](super::Error::ReadOnly).
    fn sink(&self) -> Option<&dyn Sink> {
        None
    }

    /// Searching log records, if the store holds such records.
    fn logs(&self) -> Option<&dyn Logs> {
        None
    }

    /// Errors counted into issues, if the store keeps them.
    fn issues(&self) -> Option<&dyn Issues> {
        None
    }

    /// The keys of a server's callers, if the store keeps them.
    fn keys(&self) -> Option<&dyn Keys> {
        None
    }

    /// Filters under names, if the store keeps them.
    fn saved_filters(&self) -> Option<&dyn SavedFilters> {
        None
    }

    /// Answers that the store finds itself, beside its records; `None` where whoever asks reads the records.
    fn answers(&self) -> Option<&dyn Answers> {
        None
    }

    /// Who sent the records, if the store keeps that.
    fn senders(&self) -> Option<&dyn Senders> {
        None
    }
}

/// The facet of a store that knows in which order its records arrived: what copying, exporting and following take.
///
/// The contract:
/// - `scan` yields every record once, in commit order; a record never appears behind a cursor already given out.
/// - a chunk of a `scan` holds some megabytes of records at most, or a single one, and may end within a write: one with
///   fewer records than were asked for, or none, is the end only if it says so.
/// - `scan` with nothing new waits up to `wait`, then returns an empty chunk with a valid cursor.
/// - a cursor the store did not make is [`Error::BadCursor`](super::Error::BadCursor).
/// - `scan` says how many writes behind its cursor were removed whole before it came there.
/// - `cursor_at` a time leads a scan to everything received since, and to nothing received before.
#[async_trait]
pub trait Feed: fmt::Debug + Send + Sync {
    /// Reads records in commit order after `after` (`None` is the beginning), at most about `max` of them, or of large
    /// ones fewer.
    ///
    /// # Errors
    /// [`Error::BadCursor`](super::Error::BadCursor) for a foreign cursor, or the store fails.
    async fn scan(&self, filter: &RecordFilter, after: Option<&Cursor>, max: usize, wait: Duration) -> Result<Chunk>;

    /// The place in commit order where what was received at or after `received` begins: a scan that goes on after it
    /// yields all of that, and what arrives later. [`Nanos`] of `u64::MAX` is the end of the store. Reads no records.
    ///
    /// # Errors
    /// The store fails.
    async fn cursor_at(&self, received: Nanos) -> Result<Cursor>;

    /// The place before the newest `records` records the filter names, or before a few more; `None` when that is the
    /// beginning. With 0 it is the end of the store: a scan from it sees exactly what is committed from now on.
    ///
    /// # Errors
    /// The store fails.
    async fn place(&self, filter: &RecordFilter, records: usize) -> Result<Option<Cursor>> {
        place_by_scanning(self, filter, records).await
    }
}

/// Changes a batch before it is stored.
pub type BatchEdit = Box<dyn FnOnce(&mut Batch) + Send>;

/// The facet of a store that takes records and gives them up again.
///
/// The contract:
/// - `write` returns only after the batch is on disk, all of it or none.
/// - `write` is idempotent: a record seen before counts as a duplicate and changes nothing.
/// - `delete` with `dry_run` counts the same and removes nothing.
/// - `prune` goes by when records were received, never by their own clocks.
#[async_trait]
pub trait Sink: fmt::Debug + Send + Sync {
    /// Stores a batch.
    ///
    /// # Errors
    /// Nothing of the batch is stored then. [`Error::is_retryable`](super::Error::is_retryable) says whether trying
    /// again can help.
    async fn write(&self, batch: Batch) -> Result<Written>;

    /// Stores a batch as `edit` changes it, which takes a while and is done on a thread that may block. A store that has
    /// such a thread for the batch anyway does it there, where the batch is at hand.
    ///
    /// # Errors
    /// As [`Sink::write`].
    async fn write_edited(&self, mut batch: Batch, edit: BatchEdit) -> Result<Written> {
        let edited = tokio::task::spawn_blocking(move || {
            edit(&mut batch);
            batch
        });
        self.write(edited.await.map_err(|error| Error::Io(error.into()))?).await
    }

    /// Removes what the filter names, or only counts it.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](super::Error::ReadOnly), or the store fails.
    async fn delete(&self, filter: &RecordFilter, dry_run: bool) -> Result<Removed>;

    /// Removes at most about `budget` records that are past their retention; call again while it removes some.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](super::Error::ReadOnly), or the store fails.
    async fn prune(&self, keep: &Retention, budget: usize) -> Result<Removed>;
}

/// The facet of a store that finds log records.
///
/// The contract:
/// - `list_logs` lists exactly what [`LogQuery::matches`] says of all log records, and where a filter asks something of
///   their traces, what it is true of; a server first adds the other ids that lead to the issues asked for.
/// - `list_logs` orders totally: by time, then by the order of commits; oldest first is newest first turned round.
/// - `list_logs` pages by key: following `next` visits every match once, whatever arrives meanwhile.
/// - a page of logs may hold fewer than were asked for and still have a next place, because its records are large; it
///   holds at least one then.
#[async_trait]
pub trait Logs: fmt::Debug + Send + Sync {
    /// Lists the log records that [`LogQuery::matches`] is true of, as many as the query asks for or, of large ones,
    /// fewer; an empty page when there are none.
    ///
    /// # Errors
    /// [`Error::BadCursor`](super::Error::BadCursor) for a foreign cursor, or the store fails.
    async fn list_logs(&self, query: &LogQuery) -> Result<LogPage>;
}

/// The facet of a store that counts errors into issues.
///
/// The contract:
/// - a write counts the errors among new records into issues, all of them or none; what is a duplicate counts nowhere.
///   Errors of one fingerprint in one service of one project are one issue, whichever kind of record tells of them.
/// - the first and the last time an issue was seen are the least and the greatest of its events' clocks, whatever order
///   they arrive in, and its events are counted by the hour of those clocks.
/// - an issue's title holds the message of its first event as long as no event says anything else, then the pattern.
/// - an event that happened after an issue was resolved, and arrives after, opens it again; an older one that arrives
///   late does not, and nothing opens one that is ignored.
/// - `set_issue` to what is so already changes nothing; everything else is in the history, also what events did.
/// - `list_issues` orders totally: by the sort, then id; following `next` visits every match to which nothing happens
///   meanwhile once.
/// - issues outlive their records; they name the newest of their traces that are there, and count all there were.
/// - a deletion of everything removes the issues too, and counts them.
#[async_trait]
pub trait Issues: fmt::Debug + Send + Sync {
    /// Lists issues; an empty page when none match. `failed` of the page counts the open ones.
    ///
    /// # Errors
    /// [`Error::BadCursor`](super::Error::BadCursor) for a foreign cursor, or the store fails.
    async fn list_issues(&self, query: &IssueQuery) -> Result<Page<Issue>>;

    /// All that is known of one issue, its counts as far back as they are kept; `None` when there is no such issue.
    ///
    /// # Errors
    /// The store fails.
    async fn issue(&self, id: &IssueId) -> Result<Option<IssueDetail>>;

    /// Changes an issue and returns what it is then; `None` when there is no such issue.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](super::Error::ReadOnly), or the store fails.
    async fn set_issue(&self, id: &IssueId, change: IssueChange) -> Result<Option<Issue>>;

    /// What happened to issues that a subscriber was not told yet ([`Issues::note_news`]), at most about `most` of it; a
    /// subscriber nobody knows is told what happens from now on. Only the store that counts can say.
    ///
    /// # Errors
    /// [`Error::Lacks`](super::Error::Lacks) of a store whose issues another one counts, or the store fails.
    async fn issue_news(&self, _subscriber: &str, _most: usize) -> Result<Vec<IssueNews>> {
        Err(uncounted_here())
    }

    /// Notes up to where a subscriber was told what happened to issues.
    ///
    /// # Errors
    /// As [`Issues::issue_news`].
    async fn note_news(&self, _subscriber: &str, _place: &NewsPlace) -> Result<()> {
        Err(uncounted_here())
    }
}

fn uncounted_here() -> Error {
    let reason = "its issues are counted by another server, which is the one to call webhooks".to_owned();
    Error::Lacks { facet: Facet::Issues, reason, location: None }
}

/// The facet of a store that keeps the keys of a server's callers.
///
/// The contract:
/// - `list_keys` lists every key ever issued, oldest first, as it was issued.
/// - `add_key` refuses a key whose id or digest another one has.
/// - `revoke_key` revokes for good: a second time changes nothing, and an id nobody has is `None`.
/// - `touch_keys` notes the latest use and never an earlier one; ids nobody has mean nothing.
/// - a deletion of everything leaves the keys.
#[async_trait]
pub trait Keys: fmt::Debug + Send + Sync {
    /// All keys ever issued, oldest first, revoked ones included.
    ///
    /// # Errors
    /// The store fails.
    async fn list_keys(&self) -> Result<Vec<Key>>;

    /// Issues a key.
    ///
    /// # Errors
    /// [`Error::KeyExists`](super::Error::KeyExists) when there is a key of this id or digest,
    /// [`Error::ReadOnly`](super::Error::ReadOnly), or the store fails.
    async fn add_key(&self, key: Key) -> Result<()>;

    /// Revokes a key for good, and returns it; `None` when there is no such key. One that is revoked stays as it is.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](super::Error::ReadOnly), or the store fails.
    async fn revoke_key(&self, id: &str) -> Result<Option<Key>>;

    /// Notes when keys were last used, by their ids; ids nobody knows mean nothing.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](super::Error::ReadOnly), or the store fails.
    async fn touch_keys(&self, used: &[(Text, Nanos)]) -> Result<()>;
}

/// The facet of a store that keeps what its server knows of those who send to it. Nobody asks a server for it as for a
/// store, so it has no word of its own.
///
/// The contract:
/// - `list_senders` lists what `keep_senders` was given last of each, the one heard of last first; a file of an earlier
///   version has none.
/// - a deletion of everything leaves the senders.
#[async_trait]
pub trait Senders: fmt::Debug + Send + Sync {
    /// The senders, the one heard of last first.
    ///
    /// # Errors
    /// The store fails.
    async fn list_senders(&self) -> Result<Vec<Sender>>;

    /// Keeps what is known of some senders now; of the others, what was known.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](super::Error::ReadOnly), or the store fails.
    async fn keep_senders(&self, senders: &[Sender]) -> Result<()>;
}

/// The facet of a store that keeps filters under names, for all who use it.
///
/// The contract:
/// - `list_saved_filters` lists what was saved last under each name, by name.
/// - `save_filter` replaces what had the name.
/// - `delete_saved_filter` says whether there was one.
/// - a deletion of everything leaves the saved filters.
#[async_trait]
pub trait SavedFilters: fmt::Debug + Send + Sync {
    /// All saved filters by their names.
    ///
    /// # Errors
    /// The store fails.
    async fn list_saved_filters(&self) -> Result<Vec<SavedFilter>>;

    /// Saves a filter in place of what had its name.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](super::Error::ReadOnly), or the store fails.
    async fn save_filter(&self, saved: SavedFilter) -> Result<()>;

    /// Deletes a filter; whether there was one.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](super::Error::ReadOnly), or the store fails.
    async fn delete_saved_filter(&self, name: &str) -> Result<bool>;
}

/// The facet of a store that answers questions about many traces itself, because its records are far from whoever asks.
/// `query` answers them for every other store, so this is asked there only, and has no word of its own.
#[async_trait]
pub trait Answers: fmt::Debug + Send + Sync {
    /// What sets the selected traces apart; `None` when the store cannot tell: an older server.
    ///
    /// # Errors
    /// The store fails.
    async fn contrast(&self, query: &ContrastQuery) -> Result<Option<Contrast>>;

    /// Attribute keys or values with how many records have them.
    ///
    /// # Errors
    /// The store fails.
    async fn attributes(&self, query: &AttributeQuery) -> Result<Page<AttributeCount>>;
}

/// Records per step of [`place_by_scanning`].
const PLACE_STEP: usize = 1_000;

/// [`Feed::place`] for stores that can only be read forwards: from the beginning to the end.
///
/// # Errors
/// The store fails.
pub(super) async fn place_by_scanning<F: Feed + ?Sized>(
    feed: &F,
    filter: &RecordFilter,
    records: usize,
) -> Result<Option<Cursor>> {
    // The newest chunks: the place before each, and its length.
    let mut chunks: VecDeque<(Option<Cursor>, usize)> = VecDeque::new();
    let (mut place, mut found) = (None, 0);
    loop {
        let step = PLACE_STEP.min(records.max(1));
        let chunk = feed.scan(filter, place.as_ref(), step, Duration::ZERO).await?;
        found += chunk.batch.len();
        chunks.push_back((place.replace(chunk.next.clone()), chunk.batch.len()));
        while let Some((_, length)) = chunks.front().filter(|(_, length)| found - length >= records) {
            found -= length;
            chunks.pop_front();
        }
        if chunk.at_end {
            return Ok(chunks.pop_front().map_or(Some(chunk.next), |(before, _)| before));
        }
    }
}
