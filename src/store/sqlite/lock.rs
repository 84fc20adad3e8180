//! Who owns a database file for writing: a lock beside it that also says how to reach the owner.
//!
//! The lock is the system's (`flock`), so it ends with its process however that ends; what the file says only counts
//! while the lock is held. The file stays: removing it would let two processes hold two different ones. The database is
//! locked the same way besides, so that one under a second name, or one whose lock file was removed, has one owner too.
//!
//! The lock file holds a secret, and it may lie where others can write. So it is no link, it belongs to whom the database
//! belongs to, and nobody else may read it, before a byte is written to it or believed of it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
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

/// Length of a lock file, which is longer only if what it says is.
const CONTENT_BYTES: usize = 512;

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
    let lock_path = lock_path(&resolved);
    let mut file = without_following_links(File::options().read(true)).open(&lock_path).ok()?;
    check_is_plain(&file, &resolved).ok()?;
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
    /// The database itself, locked; closed after SQLite has closed it, because closing it drops SQLite's own locks.
    database: Option<File>,
}

impl Lock {
    /// Takes the lock of the database at `path`.
    ///
    /// # Errors
    /// [`Error::Locked`] naming the process that holds it, [`Error::Open`] when there can be no lock file.
    pub(super) fn take(path: &Path) -> Result<Lock> {
        let lock_path = lock_path(path);
        let failed = |source| Error::Open { path: lock_path.clone(), source };
        let mut file = open_plain(files::private_file().create(true), &lock_path, path).map_err(failed)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => {
                    let lock = Lock { path: lock_path, file: Mutex::new(file), database: None };
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

    /// Locks the database, too, whatever other names it has. SQLite must not have it open yet.
    ///
    /// # Errors
    /// [`Error::Locked`] when somebody writes to it under another name.
    pub(super) fn with_database(mut self, path: &Path) -> Result<Lock> {
        let failed = |source| Error::Open { path: path.to_owned(), source };
        let database = File::open(path).map_err(failed)?;
        keep_to_owner(&database).map_err(failed)?;
        match database.try_lock() {
            Ok(()) => {
                self.database = Some(database);
                Ok(self)
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
            Err(TryLockError::WouldBlock) => {
                Err(Error::Locked(format!("another process is writing to `{}` under another name", path.display())))
            }
        }
    }

    /// Replaces what the lock says about its owner.
    ///
    /// # Errors
    /// [`Error::Open`] when it cannot be written.
    pub(super) fn publish(&self, owner: &Owner) -> Result<()> {
        self.rewrite(&serde_json::to_vec(owner).unwrap_or_default())
            .map_err(|source| Error::Open { path: self.path.clone(), source })
    }

    /// Writes over what is there. Blanks fill up the rest, so that the file keeps its place on a disk that is full.
    fn rewrite(&self, content: &[u8]) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut content = content.to_vec();
        content.resize(content.len().max(CONTENT_BYTES), b' ');
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&content)?;
        file.set_len(content.len() as u64)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The token in it ends with this run. Nobody could be told if this failed, and nobody trusts it unlocked.
        let _ = self.rewrite(b"");
    }
}

/// Opens a file of ours beside the database, that nobody else can have put there, and keeps it from others.
///
/// # Errors
/// What the system says, and what is wrong with the file.
pub(super) fn open_plain(options: &mut OpenOptions, path: &Path, database: &Path) -> io::Result<File> {
    let file = without_following_links(options.truncate(false)).open(path)?;
    check_is_plain(&file, database)?;
    keep_to_owner(&file)?;
    Ok(file)
}

#[cfg(unix)]
fn without_following_links(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
}

/// Refuses a file that somebody else can have put there: one that is no regular file, has another name, or belongs
/// neither to us nor to whom the database belongs to.
#[cfg(unix)]
fn check_is_plain(lock: &File, database: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let found = lock.metadata()?;
    let refuse = |reason: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    if !found.is_file() || found.nlink() != 1 {
        return refuse("it is a link, or no regular file; remove it if nothing else uses it");
    }
    let owns_database = std::fs::metadata(database).is_ok_and(|database| database.uid() == found.uid());
    if found.uid() != rustix::process::geteuid().as_raw() && !owns_database {
        return refuse("it belongs to another user");
    }
    Ok(())
}

/// Takes from others what they may do to a file that was there before.
#[cfg(unix)]
fn keep_to_owner(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match file.metadata()?.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => file.set_permissions(PermissionsExt::from_mode(0o600)),
    }
}

#[cfg(not(unix))]
fn without_following_links(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(not(unix))]
fn check_is_plain(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn keep_to_owner(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_lock_file_that_somebody_else_put_there_is_refused_with_its_bytes_untouched() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        let diary = folder.path().join("diary");
        std::fs::write(&diary, "dear").expect("written");
        std::os::unix::fs::symlink(&diary, lock_path(&path)).expect("linked");
        assert!(matches!(Lock::take(&path), Err(Error::Open { .. })));
        std::fs::remove_file(lock_path(&path)).expect("removed");
        std::fs::hard_link(&diary, lock_path(&path)).expect("linked");
        assert!(matches!(Lock::take(&path), Err(Error::Open { .. })));
        assert_eq!(std::fs::read_to_string(&diary).expect("readable"), "dear");
        assert_eq!(owner(&path), None);
    }

    #[cfg(unix)]
    #[test]
    fn what_others_could_read_is_closed_to_them_before_anything_is_written() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        for planted in [&path, &lock_path(&path)] {
            std::fs::write(planted, "").expect("written");
            std::fs::set_permissions(planted, PermissionsExt::from_mode(0o666)).expect("changed");
        }
        let _lock = Lock::take(&path).and_then(|lock| lock.with_database(&path)).expect("free");
        for file in [&path, &lock_path(&path)] {
            assert_eq!(std::fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_database_has_one_owner_whatever_its_name_and_whatever_becomes_of_its_lock_file() {
        let folder = tempfile::tempdir().expect("temp dir");
        let (path, other) = (folder.path().join("t.db"), folder.path().join("other.db"));
        std::fs::write(&path, "").expect("written");
        std::fs::hard_link(&path, &other).expect("linked");
        let take = |path: &Path| Lock::take(path).and_then(|lock| lock.with_database(path));
        let lock = take(&path).expect("free");
        assert!(matches!(take(&other), Err(Error::Locked(_))));
        std::fs::remove_file(lock_path(&path)).expect("removed");
        assert!(matches!(take(&path), Err(Error::Locked(_))));
        drop(lock);
        assert!(take(&other).is_ok());
    }

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
