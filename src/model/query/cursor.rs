//! Cursors: where a list or a scan goes on.

/// An opaque place in a list or in a store's sequence; only the backend that made it can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);
