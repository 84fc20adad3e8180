//! What every request handler shares.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::sync::{Semaphore, watch};

use crate::store::Backend;

use super::{
    access::Access,
    arrivals::Arrivals,
    checkpoints::Giants,
    counters::Counters,
    limits::{Budget, Limits},
    live::Live,
    sources::Sources,
    watchers::Watchers,
};

/// The server as its handlers see it.
#[derive(Debug)]
pub(super) struct App {
    /// The store.
    pub(super) backend: Arc<dyn Backend>,
    /// How long records are kept.
    pub(super) retention: Option<Duration>,
    /// Who may do what.
    pub(super) access: Arc<Access>,
    /// How much a client may ask.
    pub(super) limits: Limits,
    /// Bytes under way.
    pub(super) budget: Arc<Budget>,
    /// Large bodies that may be decoded at once.
    pub(super) decoding: Semaphore,
    /// Bytes of stored records that streams hold while they send them.
    pub(super) stream_budget: Arc<Budget>,
    /// The newest checkpoints, and those to come.
    pub(super) live: Live,
    /// When log entries without a time of their own came.
    pub(super) arrivals: Arrivals,
    /// What is known of correlation ids with very many records.
    pub(super) giants: Giants,
    /// The streams that are open.
    pub(super) watchers: Watchers,
    /// The streams of everything that are open.
    pub(super) followers: Watchers,
    /// How much each source of checkpoints sends.
    pub(super) sources: Sources,
    /// What was counted.
    pub(super) counters: Counters,
    /// Whether the log already says that metrics are dropped.
    pub(super) metrics_mentioned: AtomicBool,
    /// Base URL of the main port.
    pub(super) url: String,
    /// Addresses of the side ports: OTLP/gRPC, OTLP/HTTP.
    pub(super) side_ports: (Option<SocketAddr>, Option<SocketAddr>),
    /// Turns true, or closes, when the server stops.
    pub(super) stopping: watch::Receiver<bool>,
}

/// The other end of a connection; every request carries it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Returns once the server stops.
pub(super) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that whoever could stop the server is gone, and then it stops too.
    let _ = stopping.wait_for(|stop| *stop).await;
}
