//! How a SQLite store is opened: what its caller chooses, and the sizes tests make small.

use std::time::Duration;

use super::file::disk;
use super::file::room::FindSpace;
use crate::model::words::words;
use crate::store::MOST_CHUNK_BYTES;

words! {
    /// How durable an acknowledged write is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Durability {
        /// On disk: survives power loss.
        #[default]
        Disk = "disk",
        /// With the operating system: faster, survives only a crash of tracehub.
        Os = "os",
    }
}

/// Settings of a store opened for writing.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How durable an acknowledged write is.
    pub durability: Durability,
    /// How long records are kept; written into the file so that readers can say it. `None` leaves what is there.
    pub retention: Option<Duration>,
    /// Whether the file may lie on a network file system, because only this machine opens it.
    pub allows_network_fs: bool,
    /// Whether a reserve is kept beside the file, for the day the disk is full: see [`super::file::room`].
    pub keeps_reserve: bool,
}

/// Sizes that tests make small; everyone else takes the default.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Records sealed at once.
    pub seal_records: usize,
    /// Age at which fewer records are sealed.
    pub seal_age: Duration,
    /// Unsealed records above which writes wait.
    pub most_unsealed: usize,
    /// Bytes of writes that may wait.
    pub queue_bytes: usize,
    /// Pages the file may grow to.
    pub most_pages: Option<u32>,
    /// How long a server takes to answer a question, the wait for its turn included.
    pub question_timeout: Duration,
    /// How the room on the disk is found out.
    pub find_space: FindSpace,
    /// Length of a log that readers keep from being emptied, in bytes, from which on records are refused.
    pub most_log_bytes: u64,
    /// Bytes of records a chunk of a scan ends at.
    pub chunk_bytes: usize,
    /// Bytes of records up to which a scan decodes a segment as a whole.
    pub decoded_bytes: usize,
}

/// So many records become a segment: traces are not cut up much, and pages of columns are full.
const SEAL_RECORDS: usize = 32_768;

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            seal_records: SEAL_RECORDS,
            seal_age: Duration::from_secs(60),
            most_unsealed: 4 * SEAL_RECORDS,
            queue_bytes: 64 << 20,
            most_pages: None,
            question_timeout: Duration::from_secs(30),
            find_space: disk::space,
            most_log_bytes: 512 << 20,
            chunk_bytes: MOST_CHUNK_BYTES,
            decoded_bytes: 32 << 20,
        }
    }
}
