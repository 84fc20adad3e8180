//! What was wrong with rows, each counted once however often it is read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashSet;

use crate::store::Warning;

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flaw {
    /// The row is no record at all, because of this.
    Skipped(&'static str),
    /// The row became a record in spite of this.
    Mended(&'static str),
}

/// All flaws found so far, with the numbers of the rows that have them.
#[derive(Debug, Default)]
pub(super) struct Warnings(Mutex<BTreeMap<Flaw, FxHashSet<i64>>>);

impl Warnings {
    /// Adds a flaw of a row.
    pub(super) fn add(&self, row: i64, flaw: Flaw) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(flaw).or_default().insert(row);
    }

    /// One warning per flaw.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let warnings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let warning = |(flaw, rows): (&Flaw, &FxHashSet<i64>)| {
            let noun = if rows.len() == 1 { "row" } else { "rows" };
            let count = rows.len();
            match flaw {
                Flaw::Skipped(why) => Warning { text: format!("{count} {noun} skipped: {why}"), skipped: count as u64 },
                Flaw::Mended(what) => Warning { text: format!("{count} {noun} mended: {what}"), skipped: 0 },
            }
        };
        warnings.iter().map(warning).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_read_twice_counts_once() {
        let warnings = Warnings::default();
        [3, 3, 4].into_iter().for_each(|row| warnings.add(row, Flaw::Skipped("no time")));
        warnings.add(3, Flaw::Mended("payload is no JSON object"));
        let texts: Vec<(String, u64)> = warnings.warnings().into_iter().map(|one| (one.text, one.skipped)).collect();
        let expected = [("2 rows skipped: no time", 2), ("1 row mended: payload is no JSON object", 0)];
        assert_eq!(texts, expected.map(|(text, skipped)| (text.to_owned(), skipped)));
    }
}
