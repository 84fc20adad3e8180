//! The file and its neighbours on disk, by their names: created for their owner only.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::store::{Error, Result};

/// Creates a folder for its owner only, unless it is there.
///
/// # Errors
/// [`Error::Open`].
pub fn create_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| Error::Open { path: folder.to_owned(), source })
}

/// Creates an empty file for its owner only.
///
/// # Errors
/// [`Error::Open`], also when there is one.
pub fn create(path: &Path) -> Result<()> {
    let created = private_file().create_new(true).open(path);
    created.map(|_| ()).map_err(|source| Error::Open { path: path.to_owned(), source })
}

/// Removes a file and what SQLite leaves beside it, as far as they are there.
///
/// # Errors
/// [`Error::Open`].
pub fn remove_with_companions(path: &Path) -> Result<()> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let path = beside(path, suffix);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(Error::Open { path, source }),
            _ => {}
        }
    }
    Ok(())
}

/// Gives a finished file its name, so that it is there whole after a power cut, or not at all.
///
/// # Errors
/// [`Error::Open`].
pub fn put_in_place(from: &Path, to: &Path) -> Result<()> {
    let place = || {
        fs::File::open(from)?.sync_all()?;
        fs::rename(from, to)?;
        sync_folder(to.parent().unwrap_or(Path::new("/")))
    };
    place().map_err(|source| Error::Open { path: to.to_owned(), source })
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened.
    Ok(())
}

/// Options that open for writing and, when they create, for the owner only.
pub fn private_file() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The path with `suffix` appended to the file name.
pub(in crate::store) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// How long the transaction log of a database is, in bytes.
pub fn log_length(path: &Path) -> u64 {
    length(&beside(path, "-wal"))
}

/// How long a file is, in bytes; 0 when there is none.
pub fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Whether there is a file with anything in it.
pub(in crate::store) fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn file_and_folder_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("new/t.db");
        create_folder(path.parent().expect("parent")).expect("created");
        create(&path).expect("created");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("parent"))), (0o600, 0o700));
    }
}
