//! What does not decode, and who is told: one damaged row costs only itself.
//!
//! Rows are read deep down and in many places, while whoever asked has to hear of damage once. So where a row is read its
//! damage is noted for the thread ([`tolerate`]), and whoever began the call takes the notes ([`collect`]): a reader warns
//! of them, the process that writes puts the rows aside. Nothing here reads the file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::store::{Error, Result, Warning};

/// Damaged parts that are told apart in one call; of more only the first are noted.
const MOST_NOTED: usize = 10_000;

/// A part of the file that is read, or not, on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A row of the inbox, by the number of its write.
    Write(i64),
    /// A segment, by its id.
    Segment(i64),
    /// A row of the table of traces, by its rowid. It says nothing the segments do not say.
    Trace(i64),
    /// A row of a small table: an issue, a key, a value about the file.
    Row(&'static str),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Write(seq) => write!(f, "write {seq}"),
            Part::Segment(id) => write!(f, "segment {id}"),
            Part::Trace(id) => write!(f, "row {id} of the traces"),
            Part::Row(table) => write!(f, "a row of the {table}"),
        }
    }
}

/// Damaged parts, each with what is wrong with it.
pub type Damage = BTreeMap<Part, String>;

thread_local! {
    static NOTES: RefCell<Damage> = const { RefCell::new(Damage::new()) };
}

/// Notes that a part is damaged.
pub fn note(part: Part, why: impl Into<String>) {
    NOTES.with_borrow_mut(|notes| {
        if notes.len() < MOST_NOTED {
            notes.entry(part).or_insert_with(|| why.into());
        }
    });
}

/// What was read of a part; `None` when it is damaged, which is noted.
///
/// # Errors
/// Every failure but damage.
pub fn tolerate<T>(part: Part, read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(Error::Corrupt(why)) => {
            note(part, why);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What `work` found, and what of the damage it met was noted.
pub fn collect<T>(work: impl FnOnce() -> T) -> (T, Damage) {
    let before = NOTES.take();
    let found = work();
    (found, NOTES.replace(before))
}

/// How many of the parts noted so far in this call `is_counted`.
pub fn count_noted(is_counted: impl Fn(Part) -> bool) -> u64 {
    NOTES.with_borrow(|notes| notes.keys().filter(|part| is_counted(**part)).count() as u64)
}

/// The first damaged segment noted so far in this call, and what is wrong with it.
pub fn noted_segment() -> Option<String> {
    NOTES.with_borrow(|notes| {
        let segment = notes.iter().find(|(part, _)| matches!(part, Part::Segment(_)));
        segment.map(|(part, why)| format!("{part}: {why}"))
    })
}

/// Takes damage that nobody knew of.
type Report = Box<dyn Fn(Damage) + Send + Sync>;

/// All damage that the readers of a file met.
#[derive(Default)]
pub struct DamageLog {
    known: Mutex<Damage>,
    report: Option<Report>,
}

impl fmt::Debug for DamageLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DamageLog").field("known", &self.known).finish_non_exhaustive()
    }
}

impl DamageLog {
    /// A log that hands on what is new in it.
    pub fn reporting(report: impl Fn(Damage) + Send + Sync + 'static) -> DamageLog {
        DamageLog { known: Mutex::default(), report: Some(Box::new(report)) }
    }

    /// Adds the damage a call met.
    pub fn add(&self, mut damage: Damage) {
        if damage.is_empty() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Numbers of rows that went are given out again.
        damage.retain(|part, _| matches!(part, Part::Trace(_)) || !known.contains_key(part));
        let room = MOST_NOTED.saturating_sub(known.len());
        known.extend(damage.iter().take(room).map(|(part, why)| (*part, why.clone())));
        drop(known);
        if let Some(report) = self.report.as_ref().filter(|_| !damage.is_empty()) {
            report(damage);
        }
    }

    /// What readers had to leave out, a sentence for each kind of part.
    pub fn warnings(&self) -> Vec<Warning> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        type Kind = (fn(&Part) -> bool, &'static str, &'static str, u64);
        const KINDS: [Kind; 4] = [
            (|part| matches!(part, Part::Write(_)), "damaged row was skipped", "damaged rows were skipped", 1),
            (
                |part| matches!(part, Part::Segment(_)),
                "damaged segment was skipped; traces in it are not whole",
                "damaged segments were skipped; traces in them are not whole",
                1,
            ),
            (|part| matches!(part, Part::Trace(_)), "trace was left out", "traces were left out", 0),
            (|part| matches!(part, Part::Row(_)), "table has damaged rows", "tables have damaged rows", 0),
        ];
        let sentence = |(is_meant, one, many, skipped): Kind| {
            let mut parts = known.iter().filter(|(part, _)| is_meant(part));
            let (first, why) = parts.next()?;
            let count = 1 + parts.count() as u64;
            let (what, begin) = if count == 1 { (one, "") } else { (many, "first ") };
            Some(Warning { text: format!("{count} {what} ({begin}{first}: {why})"), skipped: skipped * count })
        };
        KINDS.into_iter().filter_map(sentence).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrupt(why: &str) -> Result<u8> {
        Err(Error::Corrupt(why.to_owned()))
    }

    #[test]
    fn damage_is_told_to_the_innermost_call_that_asks_for_it() {
        let ((), outer) = collect(|| {
            note(Part::Write(1), "one");
            let (found, inner) = collect(|| tolerate(Part::Segment(2), corrupt("two")));
            assert!(matches!(found, Ok(None)));
            assert_eq!(inner, Damage::from([(Part::Segment(2), "two".to_owned())]));
            assert_eq!(count_noted(|_| true), 1);
        });
        assert_eq!(outer, Damage::from([(Part::Write(1), "one".to_owned())]));
    }

    #[test]
    fn only_damage_is_tolerated() {
        assert!(matches!(tolerate(Part::Write(1), Err::<u8, _>(Error::DiskFull)), Err(Error::DiskFull)));
        assert!(matches!(tolerate(Part::Write(1), Ok(7)), Ok(Some(7))));
    }

    #[test]
    fn what_is_damaged_is_handed_on_once_and_said_in_one_sentence() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let log = DamageLog::reporting(move |damage| drop(sender.send(damage)));
        let row = |seq| (Part::Write(seq), "no checksum".to_owned());
        log.add(Damage::from([row(4)]));
        log.add(Damage::from([row(4), row(5)]));
        log.add(Damage::from([row(5)]));
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [Damage::from([row(4)]), Damage::from([row(5)])]);
        let text = "2 damaged rows were skipped (first write 4: no checksum)".to_owned();
        assert_eq!(log.warnings(), [Warning { text, skipped: 2 }]);
    }
}
