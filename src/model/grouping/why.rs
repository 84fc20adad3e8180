//! What a fingerprint was made of: enough to say why two errors are one issue, and to tell two records of one error.

use crate::model::Text;

/// What a fingerprint was made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why {
    /// Version of the algorithm.
    pub algorithm: u32,
    /// The type of the error; empty for none.
    pub error_type: Text,
    /// The message with everything that varies replaced.
    pub text: Text,
    /// The frames that count, innermost first.
    pub frames: Vec<Text>,
    /// Type and first frame of each cause, outer to root.
    pub causes: Vec<Text>,
    /// The parts a program gave instead; empty when it left the choice to us.
    pub custom: Vec<Text>,
}

impl Why {
    /// Whether two errors, recorded near each other, are one that was recorded twice, the second time further out: all
    /// but the frames is the same, and those of one are the innermost of the other.
    pub fn is_same_error(&self, other: &Why) -> bool {
        let (shorter, longer) = if self.frames.len() <= other.frames.len() { (self, other) } else { (other, self) };
        self.has_same_texts(other) && longer.frames.starts_with(&shorter.frames)
    }

    /// Whether all but the frames is the same in two errors.
    pub(super) fn has_same_texts(&self, other: &Why) -> bool {
        self.error_type == other.error_type
            && self.text == other.text
            && self.causes == other.causes
            && self.custom == other.custom
    }
}
