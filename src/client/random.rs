//! Random numbers that tell things apart: ids, suffixes, pauses. They are no secrets.

use std::hash::{BuildHasher as _, Hash, RandomState};

/// Bits that differ between programs, threads and calls; not for secrets. A forked child's first thread goes on with its
/// parent's state: give a salt that differs, such as the time.
pub(crate) fn random_bits(salt: impl Hash) -> u64 {
    RandomState::new().hash_one(salt)
}
