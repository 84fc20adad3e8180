//! Admission: which records of a write are stored already, and which are not.
//!
//! A record is looked up among what was written lately, and the traces of a write that are not known there in the file.

use rusqlite::Connection;

use super::super::codec::{self, Prepared};
use super::super::segments;
use super::super::tables::trace_index::Filters;
use super::super::tables::traces::Finder;
use super::super::tables::{inbox, part_hash};
use super::commit::without_old;
use super::dedup::Dedup;
use super::write_queue::{Job, Part};
use crate::model::{Nanos, Record, RecordKind, TraceId, Written, content_identities, identities};
use crate::store::Result;

/// Of a trace with more checkpoints or log records than this only those of the same instants are read back to recognise
/// late repetitions.
const LONG_TRACE: u64 = 10_000;
/// A trace with more spans than this is not read back at all.
const GIANT_TRACE: u64 = 200_000;

/// What is to be stored of a write, and what the caller of that write will be told.
pub struct Admitted {
    /// How many records are new, and how many are not.
    pub outcome: Written,
    /// Each part without what is stored already; `None` for one that is all new. The job itself stays what the caller
    /// sent, for when its group fails and it is tried again alone.
    pub fresh: Vec<Option<Part>>,
}

/// Finds out, in one view of the file, what of some writes is new.
pub struct Admission<'a> {
    /// The view.
    pub connection: &'a Connection,
    /// What was written lately, which learns what is found out.
    pub known: &'a mut Dedup,
    /// Which traces the runs of the index do not have.
    pub filters: &'a mut Filters,
    /// Finds rows of traces, once one is looked up.
    pub finder: Option<Finder<'a>>,
    /// The first write that is not sealed.
    pub first_unsealed: Option<i64>,
    /// The new records, to be taken back when their commit fails.
    pub added: &'a mut Vec<u64>,
}

impl Admission<'_> {
    /// Finds out what of a write is not stored yet.
    pub fn admit(&mut self, job: &Job) -> Result<Admitted> {
        let mut outcome = Written { accepted: 0, duplicates: job.duplicates };
        let mut fresh = Vec::with_capacity(job.parts.len());
        for part in &job.parts {
            let identities = &part.records.identities;
            self.learn_traces(&part.records)?;
            let now_ns = Nanos::now().0;
            let is_new: Vec<bool> = identities.iter().map(|record| self.known.add(*record, now_ns)).collect();
            let records = identities.iter().zip(&is_new);
            self.added.extend(records.filter(|(_, new)| **new).map(|(record, _)| *record));
            let repeated = is_new.iter().filter(|new| !**new).count();
            outcome.accepted += (is_new.len() - repeated) as u64;
            outcome.duplicates += repeated as u64;
            fresh.push(if repeated > 0 { Some(without_old(part, &is_new)?) } else { None });
        }
        Ok(Admitted { outcome, fresh })
    }

    /// Looks up what is stored of the traces of a part of a write.
    fn learn_traces(&mut self, part: &Prepared) -> Result<()> {
        let kind = part.kind;
        let mut too_long: Vec<&TraceId> = part.has_traceless.then_some(&codec::NO_TRACE).into_iter().collect();
        for trace in &part.traces {
            let hash = part_hash(kind, trace);
            if self.known.knows(hash) {
                continue;
            }
            let finder = match &mut self.finder {
                Some(finder) => finder,
                none => none.insert(Finder::for_many(self.connection, self.filters)?),
            };
            let stored = finder.find(trace)?.map(|stored| stored.fold).unwrap_or_default();
            let count = match kind {
                RecordKind::Spans => stored.spans,
                RecordKind::Checkpoints => stored.checkpoints,
                RecordKind::Logs => stored.logs,
            };
            if count > LONG_TRACE && kind != RecordKind::Spans {
                too_long.push(trace);
                continue;
            }
            let records = match count {
                1..=GIANT_TRACE => segments::records_of_kind(self.connection, kind, trace, &stored, None)?,
                _ => Vec::new(),
            };
            self.known.learn(hash, identities(records.iter()).into_iter(), Nanos::now().0, self.first_unsealed);
        }
        if kind == RecordKind::Logs && part.requests < part.identities.len() {
            self.learn_equal_logs(part)?;
        }
        if part.requests > 0 {
            self.known.note_requests();
        }
        if too_long.is_empty() {
            return Ok(());
        }
        let times_ns = times_of(part);
        for trace in too_long {
            let up_to_seq = self.known.last_unknown_seq();
            let records = segments::records_at(self.connection, kind, trace, &times_ns, up_to_seq)?;
            self.known.remember(identities(records.iter()).into_iter(), Nanos::now().0);
        }
        Ok(())
    }

    /// Looks up stored log records that may equal those of a part of which nobody knows with what request they came:
    /// those count as repetitions of records that came with any.
    fn learn_equal_logs(&mut self, part: &Prepared) -> Result<()> {
        let times_ns = times_of(part);
        let (Some(first), Some(last)) = (times_ns.first(), times_ns.last()) else { return Ok(()) };
        let waiting = match self.known.has_requests() {
            true => inbox::timed(self.connection, RecordKind::Logs, (*first, *last))?,
            false => Vec::new(),
        };
        let are_sealed = segments::has_requests(self.connection, (*first, *last))?;
        if waiting.is_empty() && !are_sealed {
            // What is stored came without a request too, and is known by its content already.
            return Ok(());
        }
        let mut stored = Vec::new();
        for (seq, _) in waiting {
            let row = inbox::row(self.connection, seq)?;
            let is_of_time = |record: &Record| times_ns.binary_search(&record.start().0).is_ok();
            stored.extend(row.into_iter().flat_map(|row| row.records).filter(is_of_time));
        }
        let traceless = part.has_traceless.then_some(&codec::NO_TRACE);
        for trace in part.traces.iter().chain(traceless) {
            stored.extend(segments::records_at(self.connection, RecordKind::Logs, trace, &times_ns, i64::MAX)?);
        }
        self.known.remember(content_identities(stored.iter()).into_iter(), Nanos::now().0);
        Ok(())
    }
}

/// When the records of a part began, unix nanoseconds, sorted, each time once.
fn times_of(part: &Prepared) -> Vec<u64> {
    let mut times_ns = part.starts_ns.clone();
    times_ns.sort_unstable();
    times_ns.dedup();
    times_ns
}
