//! Dead letters: what could not be delivered, kept in files until it can.
//!
//! One [`file`] holds one batch, a JSON entry a line. It is written under a hidden temporary name, synced and renamed, so
//! that a program that dies leaves the whole file or none; whoever starts next rescues the complete lines of the
//! temporary one. The name says for which server and key (as a hash), when, by which process and how many, so the
//! directory is the index. Whoever writes or replays a file holds a lock on it that ends with the process. How entries
//! look and where they go, the dead letters must not know.

mod file;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, io};

use file::{FileName, SUFFIX, TEMPORARY_SUFFIX, make_directory, write_file};
use sha2::{Digest as _, Sha256};

use crate::model::Nanos;
use crate::model::id::to_hex;

pub(crate) use file::{ClaimedFile, is_json};

/// What the names of the published Python SDK's files begin with.
const FOREIGN_PREFIX: &str = "failed_";
/// Files are kept to about this size, so that replaying one is no great matter.
const USUAL_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// So many files are written before the directory is looked through for old ones.
const FILES_BETWEEN_LOOKS: u64 = 64;
/// At most this share of all that may be kept is written before the directory is looked through: others write, too.
const SHARES: u64 = 16;
/// So many names are tried for a file.
const MOST_NAMES: usize = 16;
/// So many files fit at least, or the first would leave no room for what is newer.
const FEWEST_FILES: u64 = 8;

/// Where dead letters lie, and how many may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetterSettings {
    /// The directory; made when the first file is written.
    pub directory: PathBuf,
    /// Whether files of the published Python SDK in it are taken, too: they do not say for whom they are.
    pub takes_foreign: bool,
    /// Most bytes of all files for one server and key; the oldest go first.
    pub max_bytes: u64,
    /// Files older than this are deleted.
    pub max_age: Duration,
}

/// The dead letters of one server and key.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    settings: DeadLetterSettings,
    target: String,
    written: AtomicU64,
    evicted: AtomicU64,
    /// How many bytes may be written before the directory is looked through again. Atomic, because a forked child
    /// cannot trust a lock.
    room: AtomicU64,
}

impl DeadLetters {
    /// The dead letters for the server at `address` and a key, which is kept as part of a hash only.
    pub fn new(settings: DeadLetterSettings, address: &str, key: &str) -> DeadLetters {
        let digest = Sha256::new().chain_update(address).chain_update(b"\n").chain_update(key).finalize();
        let target = to_hex(digest.get(..8).unwrap_or_default());
        let [written, evicted, room] = [0; 3].map(AtomicU64::new);
        DeadLetters { settings, target, written, evicted, room }
    }

    /// The directory the files lie in.
    pub fn directory(&self) -> &Path {
        &self.settings.directory
    }

    /// How many entries were deleted because of their age or for want of room.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// About how many bytes to give to one file.
    pub fn file_bytes(&self) -> u64 {
        USUAL_FILE_BYTES.min(self.settings.max_bytes / FEWEST_FILES)
    }

    /// Keeps `count` entries, lines of `text`; they are on disk when this returns.
    ///
    /// # Errors
    /// The entries are not on disk: they are more than all dead letters may be, or writing fails.
    pub fn park(&self, count: u64, text: &[u8]) -> io::Result<()> {
        self.park_as_of(Nanos::now().0, count, text)
    }

    fn park_as_of(&self, time_ns: u64, count: u64, text: &[u8]) -> io::Result<()> {
        if text.len() as u64 > self.settings.max_bytes {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than all dead letters may be together"));
        }
        make_directory(&self.settings.directory)?;
        self.make_room(text.len() as u64);
        let mut written = Ok(());
        for _ in 0..MOST_NAMES {
            let name = FileName {
                time_ns,
                process_id: std::process::id(),
                number: self.written.fetch_add(1, Ordering::Relaxed),
                target: self.target.clone(),
                count,
            };
            written = write_file(&self.settings.directory, &name, text);
            match &written {
                // Between creating and locking it somebody may have taken the file for a left-over, and in a container
                // every start has the process id of the one before, whose file may be what is kept here.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => {}
                _ => break,
            }
        }
        written
    }

    /// Whether there is any file to replay or to rescue. An unreadable directory counts as empty.
    pub fn has_any(&self) -> bool {
        entries(&self.settings.directory).any(|(path, name)| self.classify(&path, &name).is_some())
    }

    /// Rescues what a process that died was writing, and deletes what is too old or too much.
    pub fn tidy(&self) {
        for (path, name) in entries(&self.settings.directory) {
            if let Some(FileKind::Temporary(name)) = self.classify(&path, &name) {
                self.rescue(&path, &name);
            }
        }
        self.evict(0);
    }

    /// The oldest file not among `skipped` that nobody else works on; `None` when there is none.
    pub fn claim(&self, skipped: &HashSet<PathBuf>) -> Option<ClaimedFile> {
        let mut files: Vec<(u64, PathBuf, Option<u64>)> = Vec::new();
        for (path, name) in entries(&self.settings.directory).filter(|(path, _)| !skipped.contains(path)) {
            match self.classify(&path, &name) {
                Some(FileKind::Own(name)) => files.push((name.time_ns, path, Some(name.time_ns))),
                Some(FileKind::Foreign) => files.push((0, path, None)),
                _ => {}
            }
        }
        files.sort();
        files.into_iter().find_map(|(_, path, time_ns)| ClaimedFile::open(path, time_ns))
    }

    /// Gives a file back of which `lines`, and what was not read yet, are still to be delivered; without any of those the
    /// file is deleted. A file that cannot be read to its end stays as it is.
    pub fn put_back(&self, mut claimed: ClaimedFile, lines: impl Iterator<Item = Vec<u8>>) {
        let (mut text, mut count) = (Vec::new(), 0);
        let mut keep = |line: &[u8]| {
            text.extend_from_slice(line);
            text.push(b'\n');
            count += 1;
        };
        lines.for_each(|line| keep(&line));
        loop {
            match claimed.next_line() {
                Ok(Some(line)) => keep(&line),
                Ok(None) => break,
                // As it is, it can be read another time; a server knows what it has.
                Err(_) => return claimed.unlock(),
            }
        }
        if count == 0 || self.park_as_of(claimed.time_ns.unwrap_or_else(|| Nanos::now().0), count, &text).is_ok() {
            let _ = claimed.delete();
        }
    }

    /// Sees to it that `bytes` more fit. The directory may hold many files, so it is looked through now and then only.
    fn make_room(&self, bytes: u64) {
        let room = self.room.load(Ordering::Relaxed);
        if bytes > room || self.written.load(Ordering::Relaxed).is_multiple_of(FILES_BETWEEN_LOOKS) {
            self.evict(bytes);
        } else {
            self.room.store(room - bytes, Ordering::Relaxed);
        }
    }

    /// Deletes the oldest files until all are young enough and `room` more bytes fit. Files being replayed stay.
    fn evict(&self, room: u64) {
        let mut files: Vec<(FileName, PathBuf, u64)> = entries(&self.settings.directory)
            .filter_map(|(path, name)| match self.classify(&path, &name)? {
                FileKind::Own(name) => {
                    let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
                    Some((name, path, bytes))
                }
                _ => None,
            })
            .collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, _, bytes)| bytes).sum();
        let now = Nanos::now();
        for (name, path, bytes) in files {
            let is_old = u128::from(now.since(Nanos(name.time_ns))) > self.settings.max_age.as_nanos();
            if !is_old && total + room <= self.settings.max_bytes {
                continue;
            }
            if let Some(claimed) = ClaimedFile::open(path, None)
                && claimed.delete().is_ok()
            {
                total -= bytes;
                self.evicted.fetch_add(name.count, Ordering::Relaxed);
            }
        }
        let left = self.settings.max_bytes.saturating_sub(total + room);
        self.room.store(left.min(self.settings.max_bytes / SHARES), Ordering::Relaxed);
    }

    /// Makes a whole file of the complete lines of a temporary one whose writer is gone.
    fn rescue(&self, path: &Path, name: &FileName) {
        let Some(mut claimed) = ClaimedFile::open(path.to_owned(), Some(name.time_ns)) else { return };
        let mut lines = Vec::new();
        loop {
            match claimed.next_line() {
                Ok(Some(line)) if is_json(&line) => lines.push(line),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return claimed.unlock(),
            }
        }
        self.put_back(claimed, lines.into_iter());
    }

    fn classify(&self, path: &Path, name: &str) -> Option<FileKind> {
        if let Some(name) = name.strip_prefix('.').and_then(|name| FileName::parse(name, TEMPORARY_SUFFIX)) {
            return (name.target == self.target).then_some(FileKind::Temporary(name));
        }
        if let Some(name) = FileName::parse(name, SUFFIX) {
            return (name.target == self.target).then_some(FileKind::Own(name));
        }
        let is_foreign = self.settings.takes_foreign && name.starts_with(FOREIGN_PREFIX) && name.ends_with(SUFFIX);
        (is_foreign && path.is_file()).then_some(FileKind::Foreign)
    }
}

/// What a file in the directory is to these dead letters.
enum FileKind {
    /// Entries for this server and key.
    Own(FileName),
    /// Entries for this server and key that are being written, or were when their program died.
    Temporary(FileName),
    /// Entries of the published Python SDK.
    Foreign,
}

/// Paths and names of the files in a directory; none where the directory cannot be read.
fn entries(directory: &Path) -> impl Iterator<Item = (PathBuf, String)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.path(), entry.file_name().into_string().ok()?)))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{File, OpenOptions},
        io::Write as _,
    };

    use tempfile::TempDir;

    use super::*;

    fn settings(folder: &TempDir) -> DeadLetterSettings {
        DeadLetterSettings {
            directory: folder.path().to_owned(),
            takes_foreign: false,
            max_bytes: 1_000,
            max_age: Duration::from_secs(3_600),
        }
    }

    fn letters(folder: &TempDir) -> DeadLetters {
        DeadLetters::new(settings(folder), "http://hub", "th_key")
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let mut names: Vec<String> = entries(folder.path()).map(|(_, name)| name).collect();
        names.sort();
        names
    }

    fn lines(letters: &DeadLetters) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(mut claimed) = letters.claim(&HashSet::new()) {
            while let Some(line) = claimed.next_line().expect("readable") {
                lines.push(String::from_utf8(line).expect("UTF-8"));
            }
            claimed.delete().expect("deleted");
        }
        lines
    }

    #[test]
    fn a_file_has_one_reader_until_it_is_let_go() {
        let folder = tempfile::tempdir().expect("a directory");
        let (letters, other) = (letters(&folder), letters(&folder));
        letters.park(2, b"1\n2\n").expect("parked");
        let mut claimed = letters.claim(&HashSet::new()).expect("a file");
        assert!(other.claim(&HashSet::new()).is_none());
        assert_eq!(claimed.next_line().expect("readable"), Some(b"1".to_vec()));
        letters.put_back(claimed, std::iter::empty());
        assert_eq!(lines(&other), ["2"]);
        assert!(names(&folder).is_empty() && !letters.has_any());
    }

    #[test]
    fn many_small_files_stay_within_bounds_although_not_each_is_looked_for() {
        let folder = tempfile::tempdir().expect("a directory");
        let settings = DeadLetterSettings { max_bytes: 20_000, ..settings(&folder) };
        let several = [(); 3].map(|()| DeadLetters::new(settings.clone(), "http://hub", "th_key"));
        for number in 0..900 {
            several[number % 3].park(1, &[b'x'; 100]).expect("parked");
        }
        let (kept, evicted) = (names(&folder).len(), several.iter().map(DeadLetters::evicted).sum::<u64>());
        assert_eq!(kept as u64 + evicted, 900);
        assert!((150..=238).contains(&kept), "{kept} files of 100 bytes");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_read_to_its_end_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a directory");
        let letters = letters(&folder);
        // A directory opens, and every read of it fails.
        let path = folder.path().join("sub");
        fs::create_dir(&path).expect("made");
        let claimed = ClaimedFile::open(path, None).expect("opened");
        letters.put_back(claimed, [b"1".to_vec()].into_iter());
        assert_eq!(names(&folder), ["sub"]);
    }

    #[test]
    fn files_are_taken_oldest_first_and_only_by_those_they_are_for() {
        let folder = tempfile::tempdir().expect("a directory");
        let letters = letters(&folder);
        letters.park_as_of(Nanos::now().0, 1, b"new\n").expect("parked");
        letters.park_as_of(Nanos::now().0 - 1_000_000_000, 1, b"old\n").expect("parked");
        for (address, key) in [("http://hub", "th_other"), ("http://other", "th_key")] {
            let stranger = DeadLetters::new(settings(&folder), address, key);
            assert!(!stranger.has_any() && stranger.claim(&HashSet::new()).is_none());
        }
        std::fs::write(folder.path().join("failed_1.jsonl"), "foreign\n").expect("written");
        assert_eq!(lines(&letters), ["old", "new"]);
        assert_eq!(names(&folder), ["failed_1.jsonl"]);
        assert!(names(&folder).iter().all(|name| !name.contains("th_key")));
    }

    #[test]
    fn whole_lines_of_a_file_whose_writer_died_are_rescued_and_one_being_written_is_left_alone() {
        let folder = tempfile::tempdir().expect("a directory");
        let letters = letters(&folder);
        letters.park(2, b"{\"n\":1}\n{\"n\":2}\n").expect("parked");
        let name = names(&folder).pop().expect("a file");
        let torn = folder.path().join(format!(".{name}.tmp"));
        fs::rename(folder.path().join(&name), &torn).expect("renamed");
        OpenOptions::new().append(true).open(&torn).expect("opened").write_all(b"{\"n\":").expect("written");
        assert!(letters.has_any());
        let writer = File::open(&torn).expect("opened");
        writer.lock().expect("locked");
        letters.tidy();
        assert!(torn.exists() && letters.claim(&HashSet::new()).is_none());
        drop(writer);
        letters.tidy();
        assert_eq!(names(&folder).len(), 1);
        assert_eq!(lines(&letters), ["{\"n\":1}", "{\"n\":2}"]);
    }

    #[test]
    fn what_a_process_with_the_same_id_left_whole_is_rescued() {
        let folder = tempfile::tempdir().expect("a directory");
        letters(&folder).park(1, b"{\"n\":1}\n").expect("parked");
        let name = names(&folder).pop().expect("a file");
        // It died between writing and renaming, and the next start has its process id, as in a container.
        fs::rename(folder.path().join(&name), folder.path().join(format!(".{name}.tmp"))).expect("renamed");
        let restarted = letters(&folder);
        restarted.tidy();
        assert_eq!(lines(&restarted), ["{\"n\":1}"]);
        assert!(names(&folder).is_empty());
    }

    #[test]
    fn a_line_of_twenty_megabytes_is_one_line() {
        let folder = tempfile::tempdir().expect("a directory");
        let letters =
            DeadLetters::new(DeadLetterSettings { max_bytes: 1 << 30, ..settings(&folder) }, "http://hub", "");
        let line = "x".repeat(20_000_000);
        letters.park(2, format!("{line}\nsmall\n").as_bytes()).expect("parked");
        assert_eq!(lines(&letters).iter().map(String::len).collect::<Vec<_>>(), [20_000_000, 5]);
    }

    #[test]
    fn the_oldest_go_when_there_is_no_room_and_are_counted() {
        let folder = tempfile::tempdir().expect("a directory");
        let letters = letters(&folder);
        let now = Nanos::now().0;
        for number in 0..4u8 {
            let text = format!("{number}{}\n", " ".repeat(298));
            letters.park_as_of(now + u64::from(number), 5, text.as_bytes()).expect("parked");
        }
        assert_eq!((letters.evicted(), names(&folder).len()), (5, 3));
        assert_eq!(letters.park(1, &[b'x'; 1_001]).expect_err("too large").kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(lines(&letters), ["1", "2", "3"]);
    }

    #[test]
    fn what_is_too_old_goes_unless_it_is_being_replayed() {
        let folder = tempfile::tempdir().expect("a directory");
        let letters = letters(&folder);
        letters.park_as_of(1, 7, b"old\n").expect("parked");
        let claimed = letters.claim(&HashSet::new()).expect("a file");
        letters.tidy();
        assert_eq!(letters.evicted(), 0);
        claimed.unlock();
        letters.tidy();
        assert_eq!((letters.evicted(), names(&folder).len()), (7, 0));
    }
}
