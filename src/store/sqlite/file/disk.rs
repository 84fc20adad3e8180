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

/// What kind of network file system a folder lies on; `None` for a disk of this machine, and where the system does not
/// say.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn network_file_system(folder: &Path) -> Option<&'static str> {
    network_kind(rustix::fs::statfs(folder).ok()?.f_type as u32)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}

/// The name of a network file system by its number in [`statfs(2)`](https://man7.org/linux/man-pages/man2/statfs.2.html);
/// those that programs make count, because most of them lead to other machines.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn network_kind(number: u32) -> Option<&'static str> {
    Some(match number {
        0x6969 => "NFS",
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => "SMB",
        0x0102_1997 => "9P",
        0x6573_5546 => "FUSE",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x564c => "NCP",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x0116_1970 => "GFS2",
        0x7461_636f => "OCFS2",
        0x4750_4653 => "GPFS",
        0x786f_4256 => "vboxsf",
        0xbacb_acbc => "vmhgfs",
        _ => return None,
    })
}

/// Whether everybody may put a file into a folder and take away those of others.
#[cfg(unix)]
pub fn is_open_to_all(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & (OTHERS_WRITE | STICKY) == OTHERS_WRITE)
}

#[cfg(not(unix))]
pub fn is_open_to_all(_: &Path) -> bool {
    false
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

    #[test]
    fn file_systems_of_other_machines_are_known_by_their_numbers() {
        assert_eq!(network_kind(0x6969), Some("NFS"));
        assert_eq!(network_kind(0xfe53_4d42), Some("SMB"));
        assert_eq!(network_kind(0x6573_5546), Some("FUSE"));
        for of_this_machine in [0xef53, 0x0102_1994, 0x9123_683e, 0x5846_5342, 0x2fc1_2fc1, 0x794c_7630] {
            assert_eq!(network_kind(of_this_machine), None, "{of_this_machine:x}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_open_to_all_when_everybody_may_write_and_nothing_is_kept_from_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temp dir");
        for (mode, is_open) in [(0o700, false), (0o775, false), (0o777, true), (0o1777, false), (0o703, true)] {
            fs::set_permissions(folder.path(), PermissionsExt::from_mode(mode)).expect("changed");
            assert_eq!(is_open_to_all(folder.path()), is_open, "{mode:o}");
        }
    }
}
