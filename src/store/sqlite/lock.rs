//! Who owns a database file for writing: a lock beside it that also says how to reach the owner.
//!
//! The lock is the system's (`flock`), so it ends with its process however that ends; what the file says only counts
//! while the lock is held. The file stays: removing it would let two processes hold two different ones.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::file::files;
use crate::store::{Error, Result};

/// How often an answer is asked for again, when it may be about to change.
const TRIES: u32 = 10;
/// How long to wait before an answer is asked for again.
const PAUSE: Duration = Duration::from_millis(20);

/// The process that owns a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// The id of the process.
    pub pid: u32,
    /// Where the server of the process listens; `None` when it is no server (an import, a test).
    pub url: Option<String>,
    /// The secret of this run that grants full rights on that server.
    pub token: Option<String>,
}

/// The living owner of the database at `path`; `None` when nobody holds it.
pub fn owner(path: &Path) -> Option<Owner> {
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut file = File::open(lock_path(&resolved)).ok()?;
    for _ in 0..TRIES {
        // Shared, so that two who ask do not see each other as the owner.
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            Ok(()) | Err(TryLockError::Error(_)) => return None,
        }
        if let Some(owner) = read(&mut file) {
            return Some(owner);
        }
        // Its owner is just writing it.
        thread::sleep(PAUSE);
    }
    None
}

fn lock_path(path: &Path) -> PathBuf {
    files::beside(path, ".lock")
}

fn read(file: &mut File) -> Option<Owner> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: Mutex<File>,
}

impl Lock {
    /// Takes the lock of the database at `path`.
    ///
    /// # Errors
    /// [`Error::Locked`] naming the process that holds it, [`Error::Open`] when there can be no lock file.
    pub(super) fn take(path: &Path) -> Result<Lock> {
        let lock_path = lock_path(path);
        let failed = |source| Error::Open { path: lock_path.clone(), source };
        let mut file = files::private_file().create(true).truncate(false).open(&lock_path).map_err(failed)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => {
                    let lock = Lock { path: lock_path, file: Mutex::new(file) };
                    lock.publish(&Owner { pid: std::process::id(), url: None, token: None })?;
                    return Ok(lock);
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                // `owner` holds it for an instant to find out whether anybody does.
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
        let holder = read(&mut file).map_or("another process".to_owned(), |owner| format!("process {}", owner.pid));
        Err(Error::Locked(format!("{holder} is writing to `{}`", path.display())))
    }

    /// Replaces what the lock says about its owner.
    ///
    /// # Errors
    /// [`Error::Open`] when it cannot be written.
    pub(super) fn publish(&self, owner: &Owner) -> Result<()> {
        self.rewrite(&serde_json::to_vec(owner).unwrap_or_default())
            .map_err(|source| Error::Open { path: self.path.clone(), source })
    }

    fn rewrite(&self, content: &[u8]) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(content)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The token in it ends with this run. Nobody could be told if this failed, and nobody trusts it unlocked.
        let _ = self.rewrite(b"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_and_told_who_the_first_is() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        let lock = Lock::take(&path).expect("free");
        let refused = Lock::take(&path).expect_err("held").to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(lock);
        assert!(Lock::take(&path).is_ok());
    }

    #[test]
    fn the_owner_is_known_only_while_it_holds_the_lock() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        assert_eq!(owner(&path), None);
        let lock = Lock::take(&path).expect("free");
        let me = Owner { pid: 7, url: Some("http://127.0.0.1:1".into()), token: Some("secret".into()) };
        lock.publish(&me).expect("written");
        assert_eq!(owner(&path), Some(me.clone()));
        drop(lock);
        assert_eq!(owner(&path), None);
        std::fs::write(lock_path(&path), serde_json::to_vec(&me).expect("json")).expect("written");
        assert_eq!(owner(&path), None, "what a killed process left behind");
    }

    #[cfg(unix)]
    #[test]
    fn the_lock_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        let _lock = Lock::take(&path).expect("free");
        let mode = std::fs::metadata(lock_path(&path)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
