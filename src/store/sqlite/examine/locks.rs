//! Who keeps the log of a database from being emptied: the processes that read from it, as the system lists them.
//!
//! [SQLite](https://sqlite.org/walformat.html#locks) marks what a reader reads with a lock on a byte of the index beside the
//! log. Reading is short, so whoever still holds the same lock a moment later is the one to ask.

use std::path::Path;
use std::time::Duration;

/// A process that reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The id of the process.
    pub pid: u32,
    /// The name of the process, as far as the system tells.
    pub name: String,
}

/// How long to wait before a second look.
const MOMENT: Duration = Duration::from_millis(200);
/// The bytes of the index that readers lock.
const READ_MARKS: std::ops::RangeInclusive<u64> = 123..=127;

/// The processes that keep reading from the log of the database at a path. Empty where the system lists no locks.
pub fn log_readers(path: &Path) -> Vec<Process> {
    let Some(index) = identity(&super::super::file::files::beside(path, "-shm")) else { return Vec::new() };
    let holders = || std::fs::read_to_string("/proc/locks").map(|text| holders(&text, &index)).unwrap_or_default();
    let first = holders();
    if first.is_empty() {
        return Vec::new();
    }
    std::thread::sleep(MOMENT);
    let mut pids: Vec<u32> =
        holders().into_iter().filter(|holder| first.contains(holder)).map(|(pid, _)| pid).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.into_iter().map(|pid| Process { pid, name: name_of(pid) }).collect()
}

/// A file as the list of locks names it: device and inode.
#[cfg(target_os = "linux")]
fn identity(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    let device = metadata.dev();
    Some(format!("{:02x}:{:02x}:{}", rustix::fs::major(device), rustix::fs::minor(device), metadata.ino()))
}

#[cfg(not(target_os = "linux"))]
fn identity(_: &Path) -> Option<String> {
    None
}

/// The processes of a list of locks that read by this index, and the byte each has locked.
fn holders(locks: &str, index: &str) -> Vec<(u32, u64)> {
    let read = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "->").collect();
        let [_, "POSIX", _, "READ", pid, file, first, ..] = words.as_slice() else { return None };
        let (pid, first) = (pid.parse().ok()?, first.parse().ok()?);
        (*file == index && READ_MARKS.contains(&first)).then_some((pid, first))
    };
    locks.lines().filter_map(read).collect()
}

fn name_of(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_of_this_index_are_told_from_all_other_locks() {
        let locks = "1: FLOCK  ADVISORY  WRITE 10870 fe:00:6168625 0 EOF\n\
                     2: POSIX  ADVISORY  READ 10870 fe:00:77 128 128\n\
                     3: POSIX  ADVISORY  READ 4121 fe:00:77 124 124\n\
                     3: -> POSIX  ADVISORY  READ 4122 fe:00:77 125 125\n\
                     4: POSIX  ADVISORY  WRITE 4123 fe:00:77 120 120\n\
                     5: POSIX  ADVISORY  READ 4124 fe:00:78 124 124\n\
                     nonsense\n";
        assert_eq!(holders(locks, "fe:00:77"), [(4_121, 124), (4_122, 125)]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_reader_that_stays_is_found_by_its_process() {
        use rusqlite::Connection;
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        let open = || Connection::open(&path).expect("opened");
        let writer = open();
        writer.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(())).expect("a log");
        writer.execute_batch("CREATE TABLE x(a)").expect("made");
        let reader = open();
        reader.execute_batch("BEGIN; SELECT count(*) FROM x").expect("reading");
        let found = log_readers(&path);
        // Some sandboxes list no locks.
        let lists = std::fs::read_to_string("/proc/locks").is_ok_and(|locks| locks.contains("POSIX"));
        assert!(!lists || found.iter().any(|process| process.pid == std::process::id()), "{found:?}");
    }
}
