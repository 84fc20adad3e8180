//! Which file a path names, to notice when ours was moved, removed or replaced while in use.

use std::path::Path;

use crate::store::{Error, Result};

/// A file by what the system knows it by, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file that is at a path now.
    pub fn at(path: &Path) -> Result<FileId> {
        let metadata = std::fs::metadata(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Ok(FileId { device: metadata.dev(), inode: metadata.ino() })
        }
        #[cfg(not(unix))]
        {
            // Elsewhere an open file cannot be removed or replaced.
            let _ = metadata;
            Ok(FileId { device: 0, inode: 0 })
        }
    }

    /// Whether the path still names this file.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub fn check(self, path: &Path) -> Result<()> {
        match FileId::at(path) {
            Ok(found) if found == self => Ok(()),
            _ => Err(Error::Gone(path.to_owned())),
        }
    }
}
