//! What every request handler shares: the store, the limits, the counters, and what is remembered between requests. Has
//! no behaviour of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::query::facets;
use crate::server::access::{Access, Quota, Site};
use crate::server::compat::checkpoint_feed::CheckpointFeed;
use crate::server::compat::large_traces::LargeTraces;
use crate::server::compat::sources::Sources;
use crate::server::counters::Counters;
use crate::server::http::connection::Connections;
use crate::server::http::{Budget, Limits};
use crate::server::ingest::{FirstSeen, MendLog};
use crate::server::open_streams::OpenStreams;
use crate::server::project_counts::ProjectCounts;
use crate::server::retention_clock::RetentionClock;
use crate::server::senders::Tally;
use crate::server::tls::Tls;
use crate::store::redact::Redaction;
use crate::store::{self, Backend, Sink};

/// The server as its handlers see it.
#[derive(Debug)]
pub(crate) struct App {
    /// The store.
    pub(crate) backend: Arc<dyn Backend>,
    /// How long records are kept after they were received; `None` for ever.
    pub(crate) retention: Option<Duration>,
    /// The time that retention goes by.
    pub(crate) clock: RetentionClock,
    /// The names this server goes by.
    pub(crate) site: Site,
    /// The keys, and who may do what.
    pub(crate) access: Arc<Access>,
    /// The most a client may ask.
    pub(crate) limits: Limits,
    /// The bytes of request bodies, raw, inflated and as records, that may be held at once.
    pub(crate) budget: Arc<Budget>,
    /// What callers may send in a second.
    pub(crate) quota: Quota,
    /// The turns to decode a large body: as many as may be decoded at once.
    pub(crate) decoding: Semaphore,
    /// The bytes of stored records that all streams together may hold while they send them.
    pub(crate) stream_budget: Arc<Budget>,
    /// The newest checkpoints, and those to come.
    pub(crate) checkpoints: CheckpointFeed,
    /// The times at which bodies of log entries without a time of their own came first.
    pub(crate) first_seen: FirstSeen,
    /// The correlation rows of traces with very many checkpoints, as far as they are known.
    pub(crate) large_traces: LargeTraces,
    /// The open streams of single correlation ids.
    pub(crate) checkpoint_streams: OpenStreams,
    /// The open streams of scans.
    pub(crate) scan_streams: OpenStreams,
    /// The connections that are open.
    pub(crate) connections: Arc<Connections>,
    /// The rates at which each source sends checkpoints.
    pub(crate) sources: Sources,
    /// What is known of those who send.
    pub(crate) senders: Tally,
    /// What takes secrets out of records before they are stored; `None` for nothing.
    pub(crate) redaction: Option<Arc<Redaction>>,
    /// The certificate of all ports; `None` for HTTP in the clear.
    pub(crate) tls: Option<Arc<Tls>>,
    /// The counters of this run.
    pub(crate) counters: Counters,
    /// What was counted of each project in this run.
    pub(crate) project_counts: ProjectCounts,
    /// Whether the log already says that metrics are dropped.
    pub(crate) metrics_mentioned: AtomicBool,
    /// What the log says about requests that were mended.
    pub(crate) mend_log: MendLog,
    /// The base URL of the main port.
    pub(crate) url: String,
    /// The addresses of the side ports: OTLP/gRPC, OTLP/HTTP.
    pub(crate) side_ports: (Option<SocketAddr>, Option<SocketAddr>),
    /// Turns true, or closes, when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl App {
    /// Writing to the store and removing from it.
    ///
    /// # Errors
    /// [`store::Error::Lacks`]
    pub(crate) fn sink(&self) -> store::Result<&dyn Sink> {
        facets::sink(&*self.backend)
    }
}
