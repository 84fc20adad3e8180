//! Why bytes could not be read back. One small type, because every reader of this module meets the same few faults.

/// What is wrong with stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes end before what they announce.
    #[error("stored bytes end too early")]
    Truncated,
    /// The bytes are not those that were written.
    #[error("stored bytes do not match their checksum")]
    Checksum,
    /// A newer program wrote the bytes.
    #[error("stored bytes are of format version {0}, which this program does not know")]
    Version(u8),
    /// The bytes contradict themselves.
    #[error("stored bytes are malformed: {0}")]
    Malformed(&'static str),
    /// A column that must be there is not.
    #[error("a column is missing from a segment")]
    MissingColumn,
}

/// What readers of stored bytes return.
pub type Result<T> = std::result::Result<T, CodecError>;
