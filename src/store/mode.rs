//! What a store is opened for. In a file of its own because every implementor needs it and none may need the others.

/// What one means to do with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Look only: never creates, migrates or locks a file.
    Read,
    /// Own the file: creates and migrates it, and nobody else may write meanwhile.
    Write,
}
