//! Why a request is not OTLP.

use super::node::ShapeError;
use super::wire::WireError;

/// Why a request is not OTLP; nothing of it can be kept. The text suits a `google.rpc.Status`; HTTP says 400.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not protobuf, or not of this message's shape.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Not JSON; the text holds line and column.
    #[error("malformed JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// JSON of another shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}
