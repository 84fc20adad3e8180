//! Floor 2: where records live. One trait, [`Backend`], with facets that some stores offer besides, and its implementors,
//! chosen by the scheme of a URL in [`open()`].
//!
//! A remote server is just another implementor, so nothing above knows whether it reads a file or a network. Trees,
//! diffs and tables are questions for `query`; a backend only stores and finds.
//!
//! A new store:
//! 1. a folder `store/NAME/` that implements [`Backend`], and of the facets those it really has; nothing is stubbed,
//! 2. one row in `store/open.rs`: in `SCHEMES` for what has a URL, in `FILES` for what is a file,
//! 3. its kind in words in [`Info::kind`], from which the errors about facets it lacks are made,
//! 4. `backend_suite!(NAME, fixture, …)` in `tests/it/suite/NAME.rs`, with the suites of its facets; `tests/it/list_only.rs`
//!    shows one without any.
//!
//! Issues and keys it need not keep: [`sidecar`] keeps them for every store with a feed.

mod backend;
pub mod error;
mod facet;
pub mod issues;
mod mode;
pub mod old;
pub mod open;
mod own;
mod python_server;
pub mod redact;
pub mod remote;
pub mod sidecar;
pub mod sqlite;
mod top_page;
mod trace_cursor;
mod trace_filter;
pub mod wire;

pub(crate) use backend::MOST_CHUNK_BYTES;
pub use backend::{
    Answers, Backend, BatchEdit, Chunk, DiskUse, Feed, Info, Issues, Keys, Logs, SavedFilters, Senders, Sink, Warning,
};
pub use error::{Error, Result};
pub use facet::Facet;
pub use mode::Mode;
pub use open::{Target, open};
pub use own::{Owned, own};
