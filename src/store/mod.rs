//! Floor 2: where records live. One trait, [`Backend`], with facets that some stores offer besides, and its implementors,
//! chosen by the scheme of a URL in [`open()`].
//!
//! A remote server is just another implementor, so nothing above knows whether it reads a file or a network. Trees,
//! diffs and tables are questions for `query`; a backend only stores and finds.

mod backend;
mod best;
pub mod error;
mod facet;
mod mode;
pub mod old;
pub mod open;
mod place;
pub mod remote;
mod select;
pub mod sidecar;
pub mod sqlite;
pub mod wire;

pub use backend::{Backend, Chunk, Feed, Info, Issues, Keys, Logs, Sink, Warning};
pub use error::{Error, Result};
pub use facet::Facet;
pub use mode::Mode;
pub use open::{Target, open};

pub(crate) use backend::MOST_CHUNK_BYTES;
