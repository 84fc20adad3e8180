//! Why a store could not do what it was asked, in terms a caller can act on.

use std::path::PathBuf;

use super::facet::Facet;
use crate::connect::Distrust;

/// Result of the store floor.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no database at the path.
    #[error("no database at `{}`", .0.display())]
    Missing(PathBuf),
    /// The path is there but cannot be opened: permissions, a directory, a missing parent folder.
    #[error("cannot open `{}`", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file, but no SQLite database or not one of ours.
    #[error("`{}` is not a tracehub database", .0.display())]
    NotOurs(PathBuf),
    /// Written by a newer version.
    #[error("`{}` was written by a newer tracehub (schema {found}, this one knows {known})", path.display())]
    NewerSchema {
        /// The path.
        path: PathBuf,
        /// The schema of the file.
        found: u32,
        /// The newest schema this version reads.
        known: u32,
    },
    /// The content contradicts itself.
    #[error("database is corrupt: {0}")]
    Corrupt(String),
    /// Another process holds it.
    #[error("database is locked: {0}")]
    Locked(String),
    /// Opened for reading, or lies on a read-only medium.
    #[error("database is read-only")]
    ReadOnly,
    /// The disk has no room.
    #[error("disk is full")]
    DiskFull,
    /// The file lies on a disk of another machine, where two machines that write destroy it.
    #[error("`{}` lies on a network file system ({kind})", path.display())]
    NetworkDisk {
        /// The path.
        path: PathBuf,
        /// What kind of file system it is.
        kind: &'static str,
    },
    /// Everybody on this machine may put files in place of others in the folder.
    #[error("everybody may write to the folder `{}`, and so replace the database", .0.display())]
    OpenFolder(PathBuf),
    /// The system limits how large a file may become, and the database has become so large.
    #[error("the database is as large as a file may be here")]
    SizeLimit,
    /// Someone reads an old state, so the log of the database cannot be emptied and has grown as long as it may.
    #[error("the log of the database cannot be emptied: {0}")]
    LogHeld(String),
    /// More waits to be written than may wait.
    #[error("too much is waiting to be written")]
    Busy,
    /// The question was given up because its answer took too long.
    #[error("the answer takes too long")]
    TooSlow,
    /// The file was moved, removed, replaced or written by somebody else while in use.
    #[error("database file `{}` was removed, replaced or overwritten", .0.display())]
    Gone(PathBuf),
    /// The store was closed.
    #[error("store is closed")]
    Closed,
    /// Not a cursor this store gave out.
    #[error("cursor is not valid here")]
    BadCursor,
    /// The URL or path names nothing this build can open.
    #[error("cannot use `{target}`: {reason}")]
    BadTarget {
        /// What was given, without secrets.
        target: String,
        /// Why not.
        reason: String,
    },
    /// A server could not be reached.
    #[error("cannot reach `{url}`")]
    Unreachable {
        /// The address of the server.
        url: String,
        /// What went wrong on the way.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something answers, but does not prove to be the server, or does not speak TLS.
    #[error("will not talk to `{url}`: {why}")]
    Untrusted {
        /// The address of the server.
        url: String,
        /// What is wrong.
        why: Distrust,
    },
    /// A server answered, but not with what the API says.
    #[error("`{url}` does not answer like a tracehub server: {reason}")]
    Protocol {
        /// The address of the server.
        url: String,
        /// What was wrong.
        reason: String,
    },
    /// A server refused the request for want of a key, or of rights.
    #[error("`{url}` denied access: {reason}")]
    Denied {
        /// The address of the server.
        url: String,
        /// What it said.
        reason: String,
    },
    /// The file is one that another program wrote, which is read but never written to or served.
    #[error("`{}` is {kind}, not a tracehub database", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What kind of file it is ([`super::Info::kind`]).
        kind: &'static str,
    },
    /// A server understood the request and refused it.
    #[error("`{url}` refused the request: {reason}")]
    Refused {
        /// The address of the server.
        url: String,
        /// What it said.
        reason: String,
    },
    /// Rules of redaction hash secrets, and nothing has a salt to key the hashes with.
    #[error("the rules of redaction hash secrets, and there is no salt: this kind of store keeps none")]
    NoSalt,
    /// A key has the same id or digest.
    #[error("there is such a key already")]
    KeyExists,
    /// This kind of store lacks a facet, and no other of its kind has it.
    #[error("{reason}")]
    Lacks {
        /// The facet.
        facet: Facet,
        /// What kind of store lacks what, as a sentence.
        reason: String,
        /// Where the store is ([`super::Info::location`]), when it was asked directly.
        location: Option<String>,
    },
    /// Reading or writing failed for another reason.
    #[error("database failed")]
    Io(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The error of a store of this kind and place ([`super::Info`]) that is asked for a facet it lacks.
    pub fn lacks(kind: &str, location: &str, facet: Facet) -> Error {
        Error::Lacks { facet, reason: facet.lacked_by(kind), location: Some(location.to_owned()) }
    }

    /// Whether the same call may succeed later without anyone changing it.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Error::Locked(_)
                | Error::DiskFull
                | Error::SizeLimit
                | Error::LogHeld(_)
                | Error::Busy
                | Error::TooSlow
                | Error::Closed
                | Error::Unreachable { .. }
                | Error::Io(_)
                | Error::Gone(_)
        )
    }
}
