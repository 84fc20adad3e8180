//! Room kept in hand: records are refused while the disk has little more than removing some of them would take.
//!
//! Removing writes before it frees: first into the log, and the log goes into the file before it is emptied. So a disk
//! that records have filled to the last byte could never be emptied again. Beside that a small file of zeros lies by the
//! database, the reserve, for the time when others have filled the disk: whoever removes records or starts gives it up.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::lock;
use super::disk::Space;
use super::files::{self, beside};
use crate::store::{Error, Result};

/// Room that is kept in hand on a large disk.
const MOST_KEPT_BYTES: u64 = 64 << 20;
/// Of a small disk this part is kept in hand.
const KEPT_PART: u64 = 8;
/// Length of the reserve on a large disk.
const MOST_RESERVE_BYTES: u64 = 2 << 20;
/// Of a small disk the reserve is this part.
const RESERVE_PART: u64 = 16;
/// The disk is looked at this often at most, unless what was written since would fill it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What the name of the reserve ends with.
const RESERVE_SUFFIX: &str = ".reserve";

/// How the room on the disk of a file is found out.
pub type FindSpace = fn(&Path) -> Option<Space>;

/// The room on the disk of one database, and its reserve.
#[derive(Debug)]
pub struct Room {
    path: PathBuf,
    find_space: FindSpace,
    look: Mutex<Option<Look>>,
}

/// What was seen of the disk, and what was written since.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    space: Option<Space>,
    written_bytes: u64,
}

impl Room {
    /// The room for the database at `path`.
    pub fn new(path: &Path, find_space: FindSpace) -> Room {
        Room { path: path.to_owned(), find_space, look: Mutex::new(None) }
    }

    /// Whether records of so many bytes can be written while the log is so long, with what is kept in hand left over.
    ///
    /// # Errors
    /// [`Error::DiskFull`] and [`Error::SizeLimit`].
    pub fn require(&self, bytes: u64, log_bytes: u64) -> Result<()> {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = look.take().filter(|look| look.at.elapsed() < LOOK_EVERY);
        let current = fresh.unwrap_or_else(|| self.look());
        *look = Some(current);
        match current.space {
            Some(space) if current.free_bytes().saturating_sub(bytes) < kept_bytes(space).max(log_bytes + bytes) => {
                Err(if space.is_limited { Error::SizeLimit } else { Error::DiskFull })
            }
            _ => Ok(()),
        }
    }

    /// Notes that so many bytes were written.
    pub fn note_written(&self, bytes: u64) {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = look.as_mut() {
            look.written_bytes += bytes;
        }
    }

    /// Has the disk looked at again the next time.
    pub fn look_again(&self) {
        self.look.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Whether there is less room than is kept in hand, by what the disk says now.
    pub fn is_short(&self) -> bool {
        self.look_again();
        self.require(0, 0).is_err()
    }

    /// Bytes that are free on the disk now; `None` where the system does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        (self.find_space)(&self.path).map(|space| space.free_bytes)
    }

    fn look(&self) -> Look {
        Look { at: Instant::now(), space: (self.find_space)(&self.path), written_bytes: 0 }
    }

    /// Does something that may need room; when there is none, gives up the reserve and tries once more.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn with_reserve<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        match work() {
            Err(error) if is_about_room(&error) && self.give_up_reserve() => work(),
            done => done,
        }
    }

    /// Gives the room of the reserve back to the disk; whether there was any.
    pub fn give_up_reserve(&self) -> bool {
        let give_up = || -> io::Result<bool> {
            let file = lock::open_plain(&mut files::private_file(), &self.reserve(), &self.path)?;
            let had_room = file.metadata()?.len() > 0;
            file.set_len(0)?;
            Ok(had_room)
        };
        self.look_again();
        give_up().unwrap_or(false)
    }

    /// Makes the reserve unless it is there, or there is too little room for one.
    pub fn keep_reserve(&self) {
        let Some(space) = (self.find_space)(&self.path) else { return };
        let wanted = (space.total_bytes / RESERVE_PART).min(MOST_RESERVE_BYTES);
        if files::length(&self.reserve()) >= wanted || space.free_bytes < kept_bytes(space) + 2 * wanted {
            return;
        }
        // Whoever has no reserve gets by as long as there is room.
        let _ = self.fill_reserve(wanted);
        self.look_again();
    }

    fn fill_reserve(&self, bytes: u64) -> io::Result<()> {
        let file = lock::open_plain(files::private_file().create(true), &self.reserve(), &self.path)?;
        allocate(&file, bytes).or_else(|_| fill(file, bytes))
    }

    fn reserve(&self) -> PathBuf {
        beside(&self.path, RESERVE_SUFFIX)
    }
}

impl Look {
    fn free_bytes(&self) -> u64 {
        // What lies in the log goes into the file besides.
        self.space.map_or(u64::MAX, |space| space.free_bytes.saturating_sub(self.written_bytes))
    }
}

/// How much of the room is kept in hand: so much of a small disk that it can still be used.
fn kept_bytes(space: Space) -> u64 {
    (space.total_bytes / KEPT_PART).min(MOST_KEPT_BYTES)
}

/// Whether more room may help against an error.
pub fn is_about_room(error: &Error) -> bool {
    use io::ErrorKind as Kind;
    match error {
        Error::DiskFull | Error::SizeLimit => true,
        Error::Open { source, .. } => {
            matches!(source.kind(), Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge)
        }
        _ => false,
    }
}

#[cfg(unix)]
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return Err(io::ErrorKind::Unsupported.into());
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Ok(rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes)?)
}

#[cfg(not(unix))]
fn allocate(_: &File, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn fill(mut file: File, bytes: u64) -> io::Result<()> {
    io::copy(&mut io::Read::take(io::repeat(0), bytes), &mut file)?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const MEBIBYTE: u64 = 1 << 20;

    #[test]
    fn a_small_disk_is_used_up_to_an_eighth_and_a_large_one_up_to_64_mebibytes() {
        static FREE: AtomicU64 = AtomicU64::new(0);
        fn small(_: &Path) -> Option<Space> {
            Some(Space { free_bytes: FREE.load(Ordering::Relaxed), total_bytes: 12 * MEBIBYTE, is_limited: false })
        }
        fn large(_: &Path) -> Option<Space> {
            Some(Space { total_bytes: 500_000 * MEBIBYTE, ..small(Path::new(""))? })
        }
        let takes = |disk: FindSpace, free_bytes: u64, bytes, log_bytes| {
            FREE.store(free_bytes, Ordering::Relaxed);
            Room::new(Path::new("t.db"), disk).require(bytes, log_bytes).is_ok()
        };
        assert!(takes(small, 2 * MEBIBYTE, 1_000, 0));
        assert!(!takes(small, MEBIBYTE, 1_000, 0));
        assert!(!takes(small, 2 * MEBIBYTE, MEBIBYTE, 0), "what comes in counts");
        assert!(!takes(small, 4 * MEBIBYTE, 1_000, 4 * MEBIBYTE), "the log must go into the file");
        assert!(takes(large, 65 * MEBIBYTE, 1_000, 0));
        assert!(!takes(large, 63 * MEBIBYTE, 1_000, 0));
    }

    #[test]
    fn what_is_written_between_two_looks_counts() {
        let disk: FindSpace =
            |_| Some(Space { free_bytes: 70 * MEBIBYTE, total_bytes: 500_000 * MEBIBYTE, is_limited: false });
        let room = Room::new(Path::new("t.db"), disk);
        assert!(room.require(MEBIBYTE, 0).is_ok());
        room.note_written(6 * MEBIBYTE);
        assert!(matches!(room.require(MEBIBYTE, 0), Err(Error::DiskFull)));
        room.look_again();
        assert!(room.require(MEBIBYTE, 0).is_ok());
    }

    #[test]
    fn a_limit_on_the_size_of_files_has_its_own_answer() {
        let limited: FindSpace = |_| Some(Space { free_bytes: 10, total_bytes: 2 * MEBIBYTE, is_limited: true });
        assert!(matches!(Room::new(Path::new("t.db"), limited).require(1, 0), Err(Error::SizeLimit)));
        let unknown: FindSpace = |_| None;
        assert!(Room::new(Path::new("t.db"), unknown).require(u64::MAX / 4, 0).is_ok());
    }

    #[test]
    fn the_reserve_is_made_once_and_given_up_once() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        let disk: FindSpace =
            |_| Some(Space { free_bytes: 8 * MEBIBYTE, total_bytes: 16 * MEBIBYTE, is_limited: false });
        let room = Room::new(&path, disk);
        assert!(!room.give_up_reserve());
        room.keep_reserve();
        assert_eq!(files::length(&room.reserve()), MEBIBYTE);
        let mut tries = 0;
        let failed: Result<()> = room.with_reserve(|| {
            tries += 1;
            Err(Error::DiskFull)
        });
        assert!(matches!(failed, Err(Error::DiskFull)));
        assert_eq!((tries, files::length(&room.reserve())), (2, 0));
        assert!(!room.give_up_reserve());
    }

    #[cfg(unix)]
    #[test]
    fn what_somebody_else_put_in_the_place_of_the_reserve_is_left_alone() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        let diary = folder.path().join("diary");
        std::fs::write(&diary, "dear").expect("written");
        let disk: FindSpace =
            |_| Some(Space { free_bytes: 8 * MEBIBYTE, total_bytes: 16 * MEBIBYTE, is_limited: false });
        let room = Room::new(&path, disk);
        std::os::unix::fs::symlink(&diary, room.reserve()).expect("linked");
        room.keep_reserve();
        assert!(!room.give_up_reserve());
        std::fs::remove_file(room.reserve()).expect("removed");
        std::fs::hard_link(&diary, room.reserve()).expect("linked");
        room.keep_reserve();
        assert!(!room.give_up_reserve());
        assert_eq!(std::fs::read_to_string(&diary).expect("readable"), "dear");
    }
}
