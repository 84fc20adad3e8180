//! The place a database lies in: its file system, the room there, and who may do what to the files.

use std::path::{Path, PathBuf};

use super::super::file::files::beside;

/// Where a file lies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes that are free for this user; `None` when that cannot be seen.
    pub free_bytes: Option<u64>,
    /// The kind of file system, where it is one of those known.
    pub file_system: Option<FileSystem>,
    /// Whether everyone may remove and replace files of the folder.
    pub is_folder_open: bool,
}

/// A kind of file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// The name people know it by.
    pub name: &'static str,
    /// What it means for a database.
    pub keeps: Keeps,
}

/// How well a file system keeps a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// As a disk does.
    Well,
    /// Until the machine or the container goes.
    ForNow,
    /// Not: it lies on another machine, where locks and the log do not work.
    Badly,
}

/// Kinds of file systems by the number the system has for each (`statfs(2)`).
const KINDS: [(u64, &str, Keeps); 22] = [
    (0xef53, "ext4", Keeps::Well),
    (0x5846_5342, "xfs", Keeps::Well),
    (0x9123_683e, "btrfs", Keeps::Well),
    (0x2fc1_2fc1, "zfs", Keeps::Well),
    (0xf2f5_2010, "f2fs", Keeps::Well),
    (0xca45_1a4e, "bcachefs", Keeps::Well),
    (0x0102_1994, "tmpfs", Keeps::ForNow),
    (0x8584_58f6, "ramfs", Keeps::ForNow),
    (0x794c_7630, "overlay", Keeps::ForNow),
    (0x6969, "NFS", Keeps::Badly),
    (0x517b, "SMB", Keeps::Badly),
    (0xfe53_4d42, "SMB", Keeps::Badly),
    (0xff53_4d42, "CIFS", Keeps::Badly),
    (0x0102_1997, "9p", Keeps::Badly),
    (0x6573_5546, "FUSE", Keeps::Badly),
    (0x00c3_6400, "Ceph", Keeps::Badly),
    (0x5346_414f, "AFS", Keeps::Badly),
    (0x7375_7245, "Coda", Keeps::Badly),
    (0x0bd0_0bd0, "Lustre", Keeps::Badly),
    (0x0116_1970, "GFS2", Keeps::Badly),
    (0x7461_636f, "OCFS2", Keeps::Badly),
    (0x786f_4256, "vboxsf", Keeps::Badly),
];

/// The kind of file system with a number; `None` for one nobody here knows.
pub fn kind(number: u64) -> Option<FileSystem> {
    let found = KINDS.iter().find(|(known, ..)| *known == number);
    found.map(|(_, name, keeps)| FileSystem { name, keeps: *keeps })
}

/// A file by who may do what to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMode {
    /// The path.
    pub path: PathBuf,
    /// The permission bits.
    pub mode: u32,
}

impl FileMode {
    /// Whether anybody but the owner may read or write the file.
    pub fn is_open_to_others(&self) -> bool {
        self.mode & 0o077 != 0
    }
}

/// The place of the database at a path.
pub fn of(path: &Path) -> Place {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    look_at(folder)
}

/// The database at a path and the files beside it, as far as they are there.
pub fn modes(path: &Path) -> Vec<FileMode> {
    let paths = ["", "-wal", "-shm", ".lock", ".reserve"].into_iter().map(|suffix| beside(path, suffix));
    paths.filter_map(|path| Some(FileMode { mode: mode(&path)?, path })).collect()
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

/// Bits of a folder in which everyone may write, and in which only owners may remove.
const WRITABLE_BY_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;

#[cfg(unix)]
fn look_at(folder: PathBuf) -> Place {
    let free_bytes = rustix::fs::statvfs(&folder).ok().map(|found| found.f_bavail.saturating_mul(found.f_frsize));
    let is_folder_open = mode(&folder).is_some_and(|mode| mode & (WRITABLE_BY_ALL | STICKY) == WRITABLE_BY_ALL);
    Place { free_bytes, file_system: file_system(&folder), is_folder_open, folder }
}

#[cfg(not(unix))]
fn look_at(folder: PathBuf) -> Place {
    Place { folder, ..Place::default() }
}

#[cfg(target_os = "linux")]
fn file_system(folder: &Path) -> Option<FileSystem> {
    // The numbers have 32 bits, in a type that some systems sign.
    kind(rustix::fs::statfs(folder).ok()?.f_type as u64 & 0xffff_ffff)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn file_system(_: &Path) -> Option<FileSystem> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_told_from_disks() {
        for (number, name, keeps) in [
            (0xef53, "ext4", Keeps::Well),
            (0x6969, "NFS", Keeps::Badly),
            (0xff53_4d42, "CIFS", Keeps::Badly),
            (0x0102_1997, "9p", Keeps::Badly),
            (0x6573_5546, "FUSE", Keeps::Badly),
            (0x0102_1994, "tmpfs", Keeps::ForNow),
        ] {
            assert_eq!(kind(number), Some(FileSystem { name, keeps }));
        }
        assert_eq!(kind(1), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_open_when_everyone_may_replace_its_files() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temp dir");
        let is_open = |mode: u32| {
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(mode)).expect("changed");
            of(&folder.path().join("t.db")).is_folder_open
        };
        assert_eq!([0o700, 0o755, 0o1777, 0o777].map(is_open), [false, false, false, true]);
        assert!(of(&folder.path().join("t.db")).free_bytes.is_some());
    }
}
