//! How much a client may ask of the server: sizes, times and the bytes that may be under way at once.
//!
//! The sizes are the OTLP specification's recommended 64 MiB, before and after inflation; log entries of the published
//! logger, which may send a whole dead-letter file at once, have their own. Which cap a route has says the table of
//! routes.

use std::time::Duration;

use crate::model::RateLimit;

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body, before and after inflation.
    pub body_bytes: usize,
    /// Largest compressed body of log entries.
    pub entries_bytes: usize,
    /// Largest body of log entries, inflated or sent as it is.
    pub entries_inflated_bytes: usize,
    /// Most bytes of request bodies, raw, inflated and as log records, held at once by all requests.
    pub in_flight_bytes: usize,
    /// Most bytes of stored checkpoints held at once by all streams; a stream that finds no room reads bit by bit.
    pub stream_bytes: usize,
    /// Most connections at once, not counting those with a stream of events. A newcomer gets the place of the one that has
    /// been idle longest, or waits when all are at work.
    pub connections: usize,
    /// Most connections at once from one address (one /64 for IPv6) other than this machine.
    pub connections_per_address: usize,
    /// Longest time to send the head of a request; also how long a connection is kept without an open request.
    pub header_timeout: Duration,
    /// How long an HTTP/2 connection is kept without an open request.
    pub http2_idle_timeout: Duration,
    /// How long a body of at most a mebibyte may pause, in all, beyond what it takes at 64 KiB a second.
    pub body_idle_timeout: Duration,
    /// How long a larger body may pause, beyond what it takes at 64 KiB a second; what was sent early buys no more.
    pub large_body_grace: Duration,
    /// Longest time to send a whole body.
    pub body_timeout: Duration,
    /// A connection with an open request on which nothing moves for this long is closed.
    pub connection_idle_timeout: Duration,
    /// How long requests under way may take to finish when the server stops.
    pub stop_timeout: Duration,
    /// What each key, and each address without one, may send in a second.
    pub rate: RateLimit,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes: 64 << 20,
            entries_bytes: 20 << 20,
            entries_inflated_bytes: 100 << 20,
            in_flight_bytes: 256 << 20,
            stream_bytes: 64 << 20,
            connections: 1_024,
            connections_per_address: 512,
            header_timeout: Duration::from_secs(10),
            http2_idle_timeout: Duration::from_secs(60),
            body_idle_timeout: Duration::from_secs(30),
            large_body_grace: Duration::from_secs(5),
            body_timeout: Duration::from_secs(300),
            connection_idle_timeout: Duration::from_secs(75),
            stop_timeout: Duration::from_secs(8),
            rate: RateLimit::default(),
        }
    }
}

/// How large the body of a route may be, as the table of routes says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cap {
    /// There is no body, and one that comes is not read.
    None,
    /// Records: [`Limits::body_bytes`], before and after inflation.
    Body,
    /// Records in the one message of a gRPC call: [`Limits::body_bytes`] without the prefix of the message.
    Message,
    /// Log entries: [`Limits::entries_bytes`] compressed, [`Limits::entries_inflated_bytes`] inflated.
    Entries,
    /// A document about an issue or a key, which is short.
    Document,
}

/// How large a body may be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caps {
    /// Most bytes of a body as sent, when nothing is compressed around all of it.
    pub(crate) plain: usize,
    /// Most bytes of a compressed body as sent.
    pub(crate) compressed: usize,
    /// Most bytes of a body or message once it is inflated.
    pub(crate) inflated: usize,
}

impl Limits {
    /// The bytes that a cap allows.
    pub(crate) fn caps(&self, cap: Cap) -> Caps {
        let alike = |bytes| Caps { plain: bytes, compressed: bytes, inflated: bytes };
        match cap {
            Cap::None => alike(0),
            Cap::Body => alike(self.body_bytes),
            Cap::Message => Caps { plain: self.body_bytes + GRPC_PREFIX_BYTES, ..alike(self.body_bytes) },
            Cap::Entries => Caps { compressed: self.entries_bytes, ..alike(self.entries_inflated_bytes) },
            Cap::Document => alike(DOCUMENT_BYTES),
        }
    }
}

/// What stands before the message of a gRPC call: a flag byte and four bytes of length.
pub(crate) const GRPC_PREFIX_BYTES: usize = 5;
/// Longest document about an issue or a key.
const DOCUMENT_BYTES: usize = 64 << 10;
/// Largest head of a request: request line and headers.
pub(crate) const HEADER_BYTES: usize = 64 << 10;
/// Most requests under way at once on one HTTP/2 connection.
pub(crate) const HTTP2_STREAMS: u32 = 256;
