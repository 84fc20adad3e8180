//! Floor 4: the SDK for programs that send to a tracehub server.
//!
//! A program hands records over and goes on: nothing here blocks it, panics, or grows without bound, with or without
//! an async runtime, before and after a fork. What cannot be delivered is dropped, oldest first, and counted, so that
//! `sends == sent + dropped + failed` once a client is closed.
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
//! The same with a client of one's own, and a server that takes one request:
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
mod correlation;
mod logger;
mod pipeline;
mod queue;
mod record;
mod transport;
mod variables;
mod worker;

pub use checkpoint::{CheckpointClient, CheckpointClientBuilder};
pub use correlation::{
    CorrelationGuard, WithCorrelationId, correlation_id, set_correlation_id, with_correlation_id,
    with_current_correlation_id,
};
pub use logger::{CheckpointLogger, Operation};
pub use record::CheckpointRecord;
pub use worker::{ClientStats, Report};
