//! What the server counts of each project, for callers who may know of no other. Projects are those of keys, so there are
//! never many.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::{Nanos, Text, Written};
use crate::server::rate::Rate;

/// What came from and went to the callers of one project since the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// How many records were stored.
    pub(crate) accepted: u64,
    /// How many records were there already.
    pub(crate) duplicates: u64,
    /// How many records were refused while their neighbours were taken.
    pub(crate) rejected: u64,
    /// How many requests to send records failed.
    pub(crate) failed: u64,
    /// When the last records were stored; `None` when none were.
    pub(crate) last_received: Option<Nanos>,
    /// How many checkpoints were stored that came through the checkpoint API.
    pub(crate) checkpoints_accepted: u64,
    /// How many checkpoints were there already that came through the checkpoint API.
    pub(crate) checkpoints_duplicate: u64,
    /// How often the newest checkpoints were asked for.
    pub(crate) recent_requests: Rate,
}

impl Counts {
    /// Adds what became of the records of a request, and how many beside them were refused.
    pub(crate) fn add_stored(&mut self, written: Written, rejected: usize) {
        self.accepted += written.accepted;
        self.duplicates += written.duplicates;
        self.rejected += rejected as u64;
        self.last_received = Some(Nanos::now());
    }

    /// Adds what became of checkpoints that came through the checkpoint API.
    pub(crate) fn add_checkpoints(&mut self, written: Written) {
        self.checkpoints_accepted += written.accepted;
        self.checkpoints_duplicate += written.duplicates;
    }
}

/// The counts of all projects.
#[derive(Debug, Default)]
pub(crate) struct ProjectCounts(Mutex<BTreeMap<Text, Counts>>);

impl ProjectCounts {
    /// Changes the counts of a project; of a caller without one nothing is counted here.
    pub(crate) fn change(&self, project: Option<&Text>, change: impl FnOnce(&mut Counts)) {
        let Some(project) = project else { return };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(project) {
            Some(counts) => change(counts),
            None => change(counts.entry(project.clone()).or_default()),
        }
    }

    /// The counts of a project; all zero for one nobody came from.
    pub(crate) fn of(&self, project: &str) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(project).cloned().unwrap_or_default()
    }
}
