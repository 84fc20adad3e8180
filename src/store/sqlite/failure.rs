//! What SQLite and the codec say when they fail, in the words of the store floor.
//!
//! Nothing here may turn a failure into a success or a duplicate: what is not known is [`Error::Io`].

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use super::codec::CodecError;
use super::file::disk;
use crate::store::Error;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::DiskFull,
            Some(ErrorCode::SystemIoFailure) if could_not_grow(&error) && disk::size_limit().is_some() => {
                Error::SizeLimit
            }
            Some(ErrorCode::SystemIoFailure) if extended_code(&error) == IOERR_SHMSIZE => Error::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked(error.to_string()),
            Some(ErrorCode::OperationInterrupted) => Error::TooSlow,
            Some(ErrorCode::ReadOnly) => Error::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt(error.to_string()),
            None if is_about_content(&error) => Error::Corrupt(error.to_string()),
            _ => Error::Io(Box::new(error)),
        }
    }
}

/// A write failed, for want of room or another reason ([`SQLITE_IOERR_WRITE`](https://sqlite.org/rescode.html#ioerr_write)).
const IOERR_WRITE: i32 = 778;
/// The index of the log could not be made longer ([`SQLITE_IOERR_SHMSIZE`](https://sqlite.org/rescode.html#ioerr_shmsize)).
pub(super) const IOERR_SHMSIZE: i32 = 4_874;

fn extended_code(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

/// Whether writing failed. SQLite keeps the reason to itself; under a limit on the size of files it is that.
fn could_not_grow(error: &rusqlite::Error) -> bool {
    matches!(extended_code(error), IOERR_WRITE | IOERR_SHMSIZE)
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Error {
        Error::Corrupt(error.to_string())
    }
}

fn is_about_content(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::QueryReturnedNoRows
    )
}

/// Whether the connection that failed this way cannot be trusted any more: after a failed sync nobody knows what of
/// its last writes reached the disk.
pub(super) fn spoils_connection(error: &Error) -> bool {
    matches!(error, Error::Io(_) | Error::Corrupt(_))
}

/// Why a file could not be opened.
pub(in crate::store) fn on_open(path: &Path, error: rusqlite::Error) -> Error {
    let open = |source| Error::Open { path: path.to_owned(), source };
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::NotOurs(path.to_owned()),
        // SQLite keeps the reason to itself. Asking the system again is safe here: nobody can have the file open
        // through this process's SQLite when SQLite was refused.
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => match std::fs::File::open(path) {
            Err(source) => open(source),
            Ok(_) => open(io::Error::other(error)),
        },
        Some(ErrorCode::ReadOnly) => open(io::Error::other(error)),
        _ => Error::from(error),
    }
}
