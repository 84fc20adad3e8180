//! Floor 4: the SDK for programs that send to a tracehub server.
//!
//! A program hands records over and goes on: nothing here blocks it, panics, or grows without bound, with or without
//! an async runtime, before and after a fork. What cannot be delivered is counted, and log records are kept on disk
//! until it can. A program that wants nothing else takes the crate with `default-features = false`, and the features
//! `tracing` and `tower` for the two layers.
//!
//! # Logs
//!
//! [`Logger`] sends log records and errors. After [`Logger::close`] each was sent, dropped, parked on disk, or failed:
//!
//! ```
//! use std::time::Duration;
//! use tracehub::client::{Logger, install_panic_hook, set_trace_id};
//!
//! # let folder = tempfile::tempdir()?;
//! let logger = Logger::builder("th_your_key", "checkout", "production")
//!     .endpoint("http://127.0.0.1:1") // Nobody listens there.
//!     .dlq_path(folder.path())
//!     .build()?;
//! install_panic_hook(&logger);
//!
//! let _trace = set_trace_id("req-12345"); // In async code: with_trace_id(id, future).await
//! logger.info("started").module("main");
//! if let Err(error) = "12x".parse::<u32>() {
//!     logger.error("payment failed").module("billing").extra("order_id", 123).error(&error);
//! }
//!
//! // Once, when the program ends. Without a server the records wait on disk for the next start.
//! let report = logger.close(Duration::from_secs(5));
//! assert_eq!((report.logged, report.parked), (2, 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A program that uses `tracing` adds a layer instead of calls, and one that serves HTTP with `tower` or `axum` another
//! that gives each request its trace id:
//!
//! ```
//! use tracehub::client::{LogLayer, Logger, TraceIdLayer};
//! use tracing_subscriber::layer::SubscriberExt as _;
//!
//! let logger = Logger::builder("th_your_key", "checkout", "production").without_dlq().build()?;
//! let subscriber = tracing_subscriber::registry().with(LogLayer::new(&logger));
//! let app: axum::Router = axum::Router::new().layer(TraceIdLayer::new());
//! # drop((subscriber, app));
//! # Ok::<(), tracehub::client::LoggerError>(())
//! ```
//!
//! # Checkpoints
//!
//! With `CHECKPOINT_TRACING=1` and `TRACEHUB_URL=http://…` in the environment this is all a program needs:
//!
//! ```no_run
//! use std::time::Duration;
//! use serde_json::json;
//! use tracehub::client::{CheckpointClient, CheckpointLogger, with_correlation_id};
//!
//! # async fn load(_id: u32) {}
//! # async fn handle() {
//! let logger = CheckpointLogger::new("MA");
//! with_correlation_id("req-12345", async {
//!     let operation = logger.operation("REST", "/api/agents");
//!     load(123).await;
//!     operation.exit_with(json!({"status": "ok"}));
//! })
//! .await;
//! // Once, when the program ends:
//! CheckpointClient::shared().close(Duration::from_secs(2));
//! # }
//! ```
//!
//! A client of one's own sends to a server without any environment; this one takes one request:
//!
//! ```
//! use std::{io::{BufRead, BufReader, Read, Write}, net::TcpListener, thread, time::Duration};
//! use serde_json::{Value, json};
//! use tracehub::client::{CheckpointClient, CheckpointRecord};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("http://{}", listener.local_addr()?);
//! let server = thread::spawn(move || -> std::io::Result<Vec<u8>> {
//!     let mut connection = BufReader::new(listener.accept()?.0);
//!     let (mut line, mut length) = (String::new(), 0);
//!     while line != "\r\n" {
//!         line.clear();
//!         connection.read_line(&mut line)?;
//!         if let Some(value) = line.strip_prefix("content-length: ") {
//!             length = value.trim().parse().unwrap_or(0);
//!         }
//!     }
//!     let mut body = vec![0; length];
//!     connection.read_exact(&mut body)?;
//!     connection.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
//!     Ok(body)
//! });
//!
//! let client = CheckpointClient::builder(&url).batch_size(2).build();
//! client.send(CheckpointRecord::enter("MA", "req-12345", "REST", "/api/agents"));
//! client.send(
//!     CheckpointRecord::exit("MA", "req-12345", "REST", "/api/agents").with_data(json!({"status": "ok"})),
//! );
//! let report = client.close(Duration::from_secs(5));
//! assert_eq!((report.sent, report.is_complete()), (2, true));
//!
//! let body: Value = serde_json::from_slice(&server.join().expect("no panic")?)?;
//! assert_eq!(body["traces"][1]["data"]["status"], "ok");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checkpoint;
mod context;
mod host;
mod log;
mod pipeline;
mod random;
mod variables;

// For `tracehub log`, which also writes to files.
#[cfg(feature = "app")]
pub(crate) use host::hostname;
#[cfg(feature = "app")]
pub(crate) use log::{
    entry::{Details, LogEncoding, LogEntry},
    settings::new_dead_letters,
};
#[cfg(feature = "app")]
pub(crate) use pipeline::dead_letter::{ClaimedFile, DeadLetters};

pub use checkpoint::client::{CheckpointClient, CheckpointClientBuilder, ClientStats, Report};
pub use checkpoint::logger::{CheckpointLogger, Operation};
pub use checkpoint::record::CheckpointRecord;
pub use context::correlation::{
    CorrelationGuard, WithCorrelationId, correlation_id, set_correlation_id, with_correlation_id,
    with_current_correlation_id,
};
#[cfg(feature = "tower")]
pub use context::tower_layer::{RequestTraceId, TraceIdFuture, TraceIdLayer, TraceIdService};
pub use context::trace_id::{
    TRACE_ID_HEADER, TRACEPARENT_HEADER, new_trace_id, set_trace_id, set_traceparent, span_id, trace_id,
    trace_id_of_request, with_current_trace_id, with_trace_id, with_traceparent,
};
pub use log::logger::{LogCall, Logger, LoggerReport, LoggerStats};
pub use log::panic_hook::install_panic_hook;
pub use log::settings::{LoggerBuilder, LoggerError};
#[cfg(feature = "tracing")]
pub use log::tracing_layer::LogLayer;
