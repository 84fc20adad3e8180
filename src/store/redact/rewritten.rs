//! Records that are in a store already, redacted one by one, and the sum of what that changed.

use super::record_texts::RecordTexts;
use super::redactor::{Redactor, Tally};
use crate::model::Record;

/// What became of a store that was looked through and rewritten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// How many records were looked through.
    pub records: u64,
    /// How many of them had secrets.
    pub with_secrets: u64,
    /// How many secrets were taken out.
    pub secrets: u64,
    /// How many damaged rows, which nobody can look through, were removed.
    pub removed_unreadable: u64,
}

/// Records of one part of a store.
pub(in crate::store) struct RecordRedaction<'r> {
    texts: RecordTexts<'r>,
    sum: Rewritten,
}

impl<'r> RecordRedaction<'r> {
    /// No record yet.
    pub(in crate::store) fn new(redactor: &'r Redactor) -> RecordRedaction<'r> {
        RecordRedaction { texts: RecordTexts::new(redactor, Tally::default()), sum: Rewritten::default() }
    }

    /// Redacts a record.
    pub(in crate::store) fn record(&mut self, record: &mut Record) {
        let before = self.texts.tally.total();
        self.texts.record(record);
        self.sum.records += 1;
        self.sum.with_secrets += u64::from(self.texts.tally.total() > before);
    }

    /// Adds what was found to a sum; whether that was anything.
    pub(in crate::store) fn add_to(self, sum: &mut Rewritten) -> bool {
        let secrets = self.texts.tally.total();
        sum.records += self.sum.records;
        sum.with_secrets += self.sum.with_secrets;
        sum.secrets += secrets;
        secrets > 0
    }
}
