//! One file of dead letters: its name, its lock, its lines, and how it comes onto disk whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

const PREFIX: &str = "tracehub";
/// A line longer than this is not an entry any server would take.
const LONGEST_LINE_BYTES: u64 = 128 * 1024 * 1024;
/// The end of the name of every file of entries.
pub(super) const SUFFIX: &str = ".jsonl";
/// The end of the name of a file that is being written.
pub(super) const TEMPORARY_SUFFIX: &str = ".jsonl.tmp";

/// What the name of a file says; the order is by age.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileName {
    /// When the entries were parked.
    pub time_ns: u64,
    /// The process that parked them.
    pub process_id: u32,
    /// Tells apart the files of one process.
    pub number: u64,
    /// The server and key they are for, as a hash.
    pub target: String,
    /// How many entries there are.
    pub count: u64,
}

/// A file that nobody else replays now.
#[derive(Debug)]
pub(crate) struct ClaimedFile {
    /// Where the file lies.
    pub path: PathBuf,
    file: BufReader<File>,
    /// When its entries were parked; `None` for a file of the published SDK.
    pub(super) time_ns: Option<u64>,
}

impl ClaimedFile {
    /// Opens and locks a file; `None` when somebody else holds it, or it is gone.
    pub fn open(path: PathBuf, time_ns: Option<u64>) -> Option<ClaimedFile> {
        let file = File::open(&path).ok()?;
        file.try_lock().ok()?;
        // Who held it before may have deleted it between our opening and locking it.
        path.exists().then(|| ClaimedFile { path, file: BufReader::new(file), time_ns })
    }

    /// What is left to read of the file.
    #[cfg(feature = "app")]
    pub fn reader(&mut self) -> &mut BufReader<File> {
        &mut self.file
    }

    /// The next line that is not blank, without its end; `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let mut line = Vec::new();
            if (&mut self.file).take(LONGEST_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_ascii();
            if !line.is_empty() {
                return Ok(Some(line.to_vec()));
            }
        }
    }

    /// Deletes the file.
    ///
    /// # Errors
    /// The file cannot be deleted; others may claim it then.
    pub fn delete(self) -> io::Result<()> {
        let deleted = fs::remove_file(&self.path);
        self.unlock();
        deleted
    }

    /// Leaves the file for others.
    pub fn unlock(self) {
        // Said, because a forked child may hold the same open file.
        let _ = self.file.get_ref().unlock();
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let FileName { time_ns, process_id, number, target, count } = self;
        write!(f, "{PREFIX}-{time_ns:020}-{process_id}-{number}-{target}-{count}")
    }
}

impl FileName {
    /// Reads a name that ends in `suffix`, such as `tracehub-00001795252442117000-7-0-5d41402abc4b2a76-12.jsonl`; `None`
    /// when it has another form.
    pub fn parse(name: &str, suffix: &str) -> Option<FileName> {
        let mut parts = name.strip_suffix(suffix)?.split('-');
        (parts.next()? == PREFIX).then_some(())?;
        let name = FileName {
            time_ns: parts.next()?.parse().ok()?,
            process_id: parts.next()?.parse().ok()?,
            number: parts.next()?.parse().ok()?,
            target: parts.next()?.to_owned(),
            count: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(name)
    }
}

/// Whether a line is one whole JSON document that this crate can read.
pub(crate) fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<&serde_json::value::RawValue>(line).is_ok()
}

/// Writes a file under a temporary name, and gives it its own when it is whole and on disk.
///
/// # Errors
/// There is no such file then.
pub(super) fn write_file(directory: &Path, name: &FileName, text: &[u8]) -> io::Result<()> {
    let temporary = directory.join(format!(".{name}{TEMPORARY_SUFFIX}"));
    let mut file = create(&temporary)?;
    let written =
        write_whole(&mut file, text).and_then(|()| fs::rename(&temporary, directory.join(format!("{name}{SUFFIX}"))));
    match written {
        Ok(()) => sync_directory(directory),
        Err(_) => drop(fs::remove_file(&temporary)),
    }
    written
}

/// Makes a file that was not there.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_whole(file: &mut File, text: &[u8]) -> io::Result<()> {
    // Where files cannot be locked they are not left over either: others see the same failure.
    let _ = file.lock();
    file.write_all(text)?;
    file.sync_all()
}

/// Makes a directory for this user alone, and those above it; one that is there stays as it is.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a rename last; where directories cannot be synced the system does it by itself.
fn sync_directory(path: &Path) {
    let _ = File::open(path).and_then(|directory| directory.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_right_form_are_ours() {
        let name = FileName { time_ns: 7, process_id: 8, number: 9, target: "ab".to_owned(), count: 10 };
        assert_eq!(format!("{name}{SUFFIX}"), "tracehub-00000000000000000007-8-9-ab-10.jsonl");
        assert_eq!(FileName::parse(&format!("{name}{SUFFIX}"), SUFFIX), Some(name));
        for other in ["", ".jsonl", "tracehub-1-2-3-ab.jsonl", "tracehub-1-2-3-ab-4-5.jsonl", "x-1-2-3-ab-4.jsonl"] {
            assert_eq!(FileName::parse(other, SUFFIX), None, "{other}");
        }
    }
}
