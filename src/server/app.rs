//! What every request handler shares.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::sync::{Semaphore, watch};

use crate::store::Backend;

use crate::server::{
    access::{Access, Site},
    compat::{checkpoint_feed::CheckpointFeed, large_traces::LargeTraces, sources::Sources},
    counters::Counters,
    http::{Budget, Limits},
    ingest::FirstSeen,
    open_streams::OpenStreams,
};

/// The server as its handlers see it.
#[derive(Debug)]
pub(crate) struct App {
    /// The store.
    pub(crate) backend: Arc<dyn Backend>,
    /// Where its file lies.
    pub(crate) db: PathBuf,
    /// How long records are kept.
    pub(crate) retention: Option<Duration>,
    /// Under which names it is reached.
    pub(crate) site: Site,
    /// Who may do what.
    pub(crate) access: Arc<Access>,
    /// How much a client may ask.
    pub(crate) limits: Limits,
    /// Bytes under way.
    pub(crate) budget: Arc<Budget>,
    /// Large bodies that may be decoded at once.
    pub(crate) decoding: Semaphore,
    /// Bytes of stored records that streams hold while they send them.
    pub(crate) stream_budget: Arc<Budget>,
    /// The newest checkpoints, and those to come.
    pub(crate) feed: CheckpointFeed,
    /// When log entries without a time of their own came.
    pub(crate) first_seen: FirstSeen,
    /// What is known of correlation ids with very many records.
    pub(crate) large_traces: LargeTraces,
    /// The streams that are open.
    pub(crate) checkpoint_streams: OpenStreams,
    /// The streams of everything that are open.
    pub(crate) scan_streams: OpenStreams,
    /// How much each source of checkpoints sends.
    pub(crate) sources: Sources,
    /// What was counted.
    pub(crate) counters: Counters,
    /// Whether the log already says that metrics are dropped.
    pub(crate) metrics_mentioned: AtomicBool,
    /// Base URL of the main port.
    pub(crate) url: String,
    /// Addresses of the side ports: OTLP/gRPC, OTLP/HTTP.
    pub(crate) side_ports: (Option<SocketAddr>, Option<SocketAddr>),
    /// Turns true, or closes, when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl App {
    /// Bytes of the database file and its log; `None` when it cannot be looked at.
    pub(crate) fn database_bytes(&self) -> Option<u64> {
        let mut log = self.db.clone().into_os_string();
        log.push("-wal");
        let file = std::fs::metadata(&self.db).ok()?.len();
        Some(file + std::fs::metadata(log).map_or(0, |log| log.len()))
    }
}
