//! Who keeps the log of a database from being emptied: the processes that read an old state of it, as far as the system
//! tells.
//!
//! A reader locks a byte of the log's index (`-shm`) for as long as its view lasts ([WAL-mode file
//! format](https://sqlite.org/walformat.html#locks)). Linux lists all such locks in `/proc/locks`.

use std::fmt;
use std::fs;
use std::path::Path;

use super::files::beside;

/// The bytes of the index that readers lock.
const READER_BYTES: std::ops::RangeInclusive<u64> = 123..=127;

/// A process that reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The id of the process; `None` when the system does not say.
    pub pid: Option<u32>,
    /// The name of the program; empty when the system does not say.
    pub name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) if pid == std::process::id() => f.write_str("a question to this process"),
            Some(pid) if self.name.is_empty() => write!(f, "process {pid}"),
            Some(pid) => write!(f, "process {pid} ({})", self.name),
            None => f.write_str("a process elsewhere"),
        }
    }
}

/// The processes that read the database at `path` now; empty where the system does not tell.
pub fn log_holders(path: &Path) -> Vec<Holder> {
    let Some(inode) = inode(&beside(path, "-shm")) else { return Vec::new() };
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut pids: Vec<Option<u32>> = locks.lines().filter_map(|line| reader_of(line, inode)).collect();
    pids.sort_unstable();
    pids.dedup();
    let name = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
    pids.into_iter().map(|pid| Holder { pid, name: pid.map(name).unwrap_or_default() }).collect()
}

/// Those who keep the log, in words: `process 7 (sqlite3)`.
pub fn name_log_holders(path: &Path) -> String {
    let holders: Vec<String> = log_holders(path).iter().map(ToString::to_string).collect();
    match holders.is_empty() {
        true => "someone reads an old state of it".to_owned(),
        false => format!("{} reads an old state of it", holders.join(", ")),
    }
}

#[cfg(unix)]
fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|metadata| metadata.ino())
}

#[cfg(not(unix))]
fn inode(_: &Path) -> Option<u64> {
    None
}

/// The process that a line of `/proc/locks` says reads the index of this number; the outer `None` when it says
/// something else. Such a line is `1: POSIX  ADVISORY  READ 3548 08:01:2626 124 124`.
fn reader_of(line: &str, inode: u64) -> Option<Option<u32>> {
    let mut words = line.split_whitespace().skip_while(|word| *word != "READ").skip(1);
    let (pid, file, first, last) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let is_ours = file.rsplit(':').next()?.parse() == Ok(inode);
    let first: u64 = first.parse().ok()?;
    // The end of the file is `EOF`.
    let last: u64 = last.parse().unwrap_or(u64::MAX);
    let reads = first <= *READER_BYTES.end() && last >= *READER_BYTES.start();
    // A process of another container has no number here.
    (is_ours && reads).then(|| pid.parse().ok().filter(|pid| *pid > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_known_by_the_bytes_it_locks() {
        let reader = |line| reader_of(line, 2_626);
        assert_eq!(reader("1: POSIX  ADVISORY  READ 3548 08:01:2626 124 124"), Some(Some(3_548)));
        assert_eq!(reader("1: OFDLCK ADVISORY  READ -1 08:01:2626 120 127"), Some(None));
        assert_eq!(reader("2: POSIX  ADVISORY  READ 3548 08:01:2626 128 128"), None, "only has it open");
        assert_eq!(reader("2: POSIX  ADVISORY  WRITE 3548 08:01:2626 124 124"), None);
        assert_eq!(reader("3: POSIX  ADVISORY  READ 3548 08:01:2627 124 124"), None);
        assert_eq!(reader("3: FLOCK  ADVISORY  WRITE 1 08:01:2626 0 EOF"), None);
        assert_eq!(reader("nonsense READ"), None);
    }
}
