//! What names an issue: the fingerprint of its errors, and the id that follows from it in one service of one project.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::model::id::{IdError, from_hex, to_hex};

/// The id of an issue: 16 hex digits that follow from project, service and fingerprint, so that the same error has the
/// same id in every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssueId(pub [u8; 8]);

impl IssueId {
    /// The id of what has this fingerprint in this service of this project; no project is the empty one.
    pub fn derive(project: &str, service: &str, fingerprint: &Fingerprint) -> IssueId {
        let mut hash = Sha256::new();
        for part in [project.as_bytes(), service.as_bytes(), &fingerprint.0] {
            // With its length, so that no two splits of one text are alike.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        IssueId(id)
    }

    /// Reads 16 hex digits of any case.
    ///
    /// # Errors
    /// [`IdError::NotHex`] for anything else.
    pub fn parse(text: &str) -> Result<IssueId, IdError> {
        from_hex(text.as_bytes()).map(IssueId).ok_or(IdError::NotHex)
    }
}

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

/// What makes two errors the same: a SHA-256 of what [`grouping`](crate::model::grouping) keeps of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}
