//! Collect, query and watch traces, in a SQLite file or on a server.
//!
//! The binary `tracehub` is this library with a command line. A program can use it directly: [`open`] gives a backend
//! to query, [`server::start`] runs the collector inside the program, [`server::serve`] serves any store.
//!
//! ```text
//! 5  cli                             flags -> question -> query -> view; env, config, terminal, exit codes
//! 4  view      server      client    text out | network in | the SDK for programs that send
//! 3  query                           answers: one trace, findings, lists, the tail; functions over a store
//! 2  store                           trait Backend and its facets; sqlite, old, remote
//! 1  decode  api  secret  connect    bytes -> model | paths and query strings of our HTTP API | keys | HTTP clients
//!    causes                          errors in one line
//! 0  model                           plain data and what it means: spans, checkpoints, logs, issues, questions, JSON
//! ```
//!
//! A module imports lower floors only, and inside a floor files import each other in no circle; `CONTRIBUTING.md` says what
//! lies in which folder. Without the feature `app` the crate is `model`, `connect`, `causes` and [`client`] alone.
//!
//! # Examples
//!
//! The slow traces, the failed ones, and one of them as a tree:
//!
//! ```
//! use tracehub::{model::TraceQuery, query::TraceReport};
//!
//! # async fn example(path: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let backend = tracehub::open(path).await?;
//!
//! let slow = TraceQuery { min_duration_ns: Some(1_000_000_000), limit: 10, ..TraceQuery::default() };
//! for trace in backend.traces(&slow).await?.items {
//!     println!("{} took {:.1} ms", trace.name, trace.duration_ns() as f64 / 1e6);
//! }
//!
//! let failed = TraceQuery { has_errors: Some(true), workflow: Some("checkout".into()), ..TraceQuery::default() };
//! for summary in backend.traces(&failed).await?.items {
//!     if let Some(trace) = backend.trace(&summary.trace_id).await? {
//!         let tree = TraceReport::new(trace).to_tree_json();
//!         println!("{}", tree["roots"]);
//!     }
//! }
//! # Ok(())
//! # }
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("traces.db");
//! # let runtime = tokio::runtime::Runtime::new().unwrap();
//! # runtime.block_on(async {
//! #     let target = tracehub::store::Target::File(path.clone());
//! #     tracehub::store::open(&target, tracehub::store::Mode::Write).await.unwrap().close().await.unwrap();
//! #     example(path.to_str().unwrap()).await.unwrap();
//! # });
//! ```

// Without the program the links to its parts lead nowhere.
#![cfg_attr(not(feature = "app"), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "app")]
pub mod api;
mod causes;
#[cfg(feature = "app")]
pub mod cli;
pub mod client;
mod connect;
#[cfg(feature = "app")]
pub mod decode;
pub mod model;
#[cfg(feature = "app")]
pub mod query;
#[cfg(feature = "app")]
pub mod secret;
#[cfg(feature = "app")]
pub mod server;
#[cfg(feature = "app")]
pub mod store;
#[cfg(feature = "app")]
pub mod view;

#[cfg(feature = "app")]
use std::sync::Arc;

#[cfg(feature = "app")]
use store::{Backend, Mode, Target};

/// Opens traces for reading: the path of a database file, or the `http://` or `https://` URL of a server.
///
/// Reading needs no server and disturbs none: a file that a server writes to can be read at any time.
///
/// # Errors
/// [`store::Error::Missing`] when there is no such file (none is created), and every other reason it cannot be read.
#[cfg(feature = "app")]
pub async fn open(target: &str) -> store::Result<Arc<dyn Backend>> {
    store::open(&Target::parse(target)?, Mode::Read).await
}

/// The README's examples compile, too.
#[cfg(all(doctest, feature = "app"))]
#[doc = include_str!("../README.md")]
struct Readme;
