//! What the system says of the disk a file lies on: how much room there is, and what kind of file system it is.

use std::path::Path;

#[cfg(unix)]
use std::fs;

#[cfg(unix)]
use super::files::beside;

/// The room on the disk of a file, or in the file where the system limits how large one may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Bytes there are in all.
    pub total_bytes: u64,
    /// Whether a limit on the size of files says so (`ulimit -f`) rather than the disk.
    pub is_limited: bool,
}

/// The room for the database at a path; `None` where the system does not say.
#[cfg(unix)]
pub fn space(path: &Path) -> Option<Space> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    let on_disk = Space { free_bytes: bytes(disk.f_bavail), total_bytes: bytes(disk.f_blocks), is_limited: false };
    // Some file systems do not count.
    let on_disk = Some(on_disk).filter(|disk| disk.total_bytes > 0);
    let Some(limit_bytes) = size_limit() else { return on_disk };
    let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let longest = length(path).max(length(&beside(path, "-wal")));
    let free_bytes = limit_bytes.saturating_sub(longest);
    match on_disk {
        Some(disk) if disk.free_bytes <= free_bytes => Some(disk),
        _ => Some(Space { free_bytes, total_bytes: limit_bytes, is_limited: true }),
    }
}

#[cfg(not(unix))]
pub fn space(_: &Path) -> Option<Space> {
    None
}

/// Bytes that a file of this process may become long; `None` for no limit.
#[cfg(unix)]
pub fn size_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current
}

#[cfg(not(unix))]
pub fn size_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_disk_has_room_and_no_more_of_it_than_there_is() {
        let folder = tempfile::tempdir().expect("temp dir");
        let space = space(&folder.path().join("t.db")).expect("a disk that counts");
        assert!(space.free_bytes > 0 && space.free_bytes <= space.total_bytes, "{space:?}");
    }
}
