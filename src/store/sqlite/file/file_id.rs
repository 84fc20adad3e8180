//! Which file a path names and what was last written into it, to notice when ours was moved, removed, replaced or written
//! by somebody else while in use.
//!
//! Everything goes into the log first, so between two of our own checkpoints the file itself does not change. A change
//! within the tick of the clock of files, a few milliseconds, that leaves its length as it was is not noticed.

use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

use crate::store::{Error, Result};

/// A file by what the system knows it by, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file that is at a path now.
    fn of(metadata: &Metadata) -> FileId {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            FileId { device: metadata.dev(), inode: metadata.ino() }
        }
        #[cfg(not(unix))]
        {
            // Elsewhere an open file cannot be removed or replaced.
            let _ = metadata;
            FileId { device: 0, inode: 0 }
        }
    }
}

/// A file as this process left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    id: FileId,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl FileState {
    /// The file that is at a path now, as it is now.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn at(path: &Path) -> Result<FileState> {
        let metadata = std::fs::metadata(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
        Ok(FileState { id: FileId::of(&metadata), bytes: metadata.len(), modified: metadata.modified().ok() })
    }

    /// Whether the path still names this file, which nobody has written since.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub fn check(self, path: &Path) -> Result<()> {
        match FileState::at(path) {
            Ok(found) if found == self => Ok(()),
            _ => Err(Error::Gone(path.to_owned())),
        }
    }

    /// Takes note of what this process has just written into the file.
    pub fn note_own_write(&mut self, path: &Path) {
        // One that was replaced meanwhile is not ours, which the next check finds.
        if let Ok(found) = FileState::at(path)
            && found.id == self.id
        {
            *self = found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_only_by_what_is_noted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "one").expect("written");
        let mut state = FileState::at(&path).expect("there");
        state.check(&path).expect("unchanged");
        std::fs::write(&path, "another").expect("written");
        assert!(matches!(state.check(&path), Err(Error::Gone(_))));
        state.note_own_write(&path);
        state.check(&path).expect("our own");
        let other = folder.path().join("b");
        std::fs::write(&other, "another").expect("written");
        std::fs::rename(&other, &path).expect("replaced");
        state.note_own_write(&path);
        assert!(matches!(state.check(&path), Err(Error::Gone(_))));
    }
}
