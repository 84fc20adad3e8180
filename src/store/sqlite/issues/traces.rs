//! The traces of an issue: how many there were, and the newest of them.
//!
//! A row per issue and trace would be exact, but trace ids are random: each would cost a page of its own, and a burst
//! of errors would write more of those than records. So an issue keeps one small row. The count is exact up to
//! [`MOST_EXACT`] traces; beyond that they are counted in a HyperLogLog sketch, whose error is about 1.6 %
//! (Flajolet et al., "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm", 2007).

use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashSet;
use serde_json::{Value as Json, json};

use super::NS_PER_HOUR;
use crate::{
    model::TraceId,
    store::{
        Error, Result,
        sqlite::tables::column_types::{to_column, trace_hash},
    },
};

/// Traces counted one by one.
const MOST_EXACT: usize = 1_024;
/// Registers of the sketch: two to the power of [`REGISTER_BITS`].
const REGISTERS: usize = 1 << REGISTER_BITS;
const REGISTER_BITS: u32 = 12;
/// Traces an issue names.
const SAMPLES: usize = 10;
/// First byte of the encodings.
const EXACT: u8 = 0;
const SKETCH: u8 = 1;

/// Traces that were counted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Counted {
    /// Hashes in the order they came; few enough to look through.
    Exact(Vec<u64>),
    Sketch(Vec<u8>),
}

impl Counted {
    fn read(bytes: &[u8]) -> Result<Counted> {
        let damaged = || Error::Corrupt("counted traces of an issue".to_owned());
        match bytes.split_first() {
            None => Ok(Counted::Exact(Vec::new())),
            Some((&EXACT, rest)) => {
                let (hashes, rest) = rest.as_chunks::<8>();
                let hashes = hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect();
                if rest.is_empty() { Ok(Counted::Exact(hashes)) } else { Err(damaged()) }
            }
            Some((&SKETCH, registers)) if registers.len() == REGISTERS => Ok(Counted::Sketch(registers.to_vec())),
            Some(_) => Err(damaged()),
        }
    }

    fn write(&self) -> Vec<u8> {
        match self {
            Counted::Exact(hashes) => {
                std::iter::once(EXACT).chain(hashes.iter().flat_map(|hash| hash.to_le_bytes())).collect()
            }
            Counted::Sketch(registers) => std::iter::once(SKETCH).chain(registers.iter().copied()).collect(),
        }
    }

    fn add(&mut self, hash: u64) {
        match self {
            Counted::Exact(hashes) => {
                if hashes.contains(&hash) {
                    return;
                }
                hashes.push(hash);
                if hashes.len() > MOST_EXACT {
                    let mut sketch = vec![0; REGISTERS];
                    hashes.iter().for_each(|hash| note(&mut sketch, *hash));
                    *self = Counted::Sketch(sketch);
                }
            }
            Counted::Sketch(registers) => note(registers, hash),
        }
    }

    fn count(&self) -> u64 {
        match self {
            Counted::Exact(hashes) => hashes.len() as u64,
            Counted::Sketch(registers) => estimate(registers),
        }
    }
}

/// Notes a hash: its first bits choose a register, which keeps the longest run of zeros seen in the rest.
fn note(registers: &mut [u8], hash: u64) {
    let place = (hash >> (u64::BITS - REGISTER_BITS)) as usize;
    let run = (hash << REGISTER_BITS | 1 << (REGISTER_BITS - 1)).leading_zeros() as u8 + 1;
    if let Some(longest) = registers.get_mut(place) {
        *longest = run.max(*longest);
    }
}

/// How many different hashes were noted, about.
fn estimate(registers: &[u8]) -> u64 {
    let count = registers.len() as f64;
    let sum: f64 = registers.iter().map(|run| 2_f64.powi(-i32::from(*run))).sum();
    let raw = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
    let empty = registers.iter().filter(|run| **run == 0).count();
    // Few hashes leave registers empty, and how many says more than the runs.
    let estimate = if raw <= 2.5 * count && empty > 0 { count * (count / empty as f64).ln() } else { raw };
    estimate.round() as u64
}

/// A trace an issue names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sample {
    trace: TraceId,
    /// When the error was seen there, by its own clock.
    seen_ns: u64,
    /// When it was received, by ours; exact to an hour.
    received_ns: u64,
}

/// Newest first; of one instant in the order of ids, backwards.
fn sort(samples: &mut [Sample]) {
    samples.sort_unstable_by(|a, b| (b.seen_ns, &b.trace).cmp(&(a.seen_ns, &a.trace)));
}

fn read_samples(text: &str) -> Result<Vec<Sample>> {
    let damaged = || Error::Corrupt("sample traces of an issue".to_owned());
    let json: Vec<Json> = serde_json::from_str(text).map_err(|_| damaged())?;
    let sample = |json: &Json| {
        Some(Sample {
            trace: TraceId::parse(json[0].as_str()?).ok()?,
            seen_ns: json[1].as_u64()?,
            received_ns: json[2].as_u64()?,
        })
    };
    json.iter().map(|json| sample(json).ok_or_else(damaged)).collect()
}

fn write_samples(samples: &[Sample]) -> String {
    let json = |sample: &Sample| json!([sample.trace.to_string(), sample.seen_ns, sample.received_ns]);
    Json::from(samples.iter().map(json).collect::<Vec<_>>()).to_string()
}

/// Notes traces in which an issue was seen, each with the time; how many there were up to now.
///
/// # Errors
/// The store fails.
pub(super) fn note_traces<'a>(
    transaction: &Connection,
    issue: i64,
    traces: impl Iterator<Item = (&'a TraceId, u64)>,
    received_ns: u64,
) -> Result<u64> {
    let sql = "SELECT counted, samples FROM issue_traces WHERE issue = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?));
    let known = transaction.prepare_cached(sql)?.query_row([issue], read).optional()?;
    let (counted_before, samples) = known.unwrap_or_else(|| (Vec::new(), "[]".to_owned()));
    let (mut counted, mut samples) = (Counted::read(&counted_before)?, read_samples(&samples)?);
    let before = samples.clone();
    for (trace, seen_ns) in traces {
        counted.add(trace_hash(trace));
        let has_place = samples.len() < SAMPLES || samples.last().is_some_and(|last| last.seen_ns <= seen_ns);
        match samples.iter_mut().find(|sample| sample.trace == *trace) {
            Some(sample) => {
                sample.seen_ns = sample.seen_ns.max(seen_ns);
                if sample.received_ns.saturating_add(NS_PER_HOUR) < received_ns {
                    sample.received_ns = received_ns;
                }
            }
            None if has_place => {
                samples.push(Sample { trace: trace.clone(), seen_ns, received_ns });
            }
            None => continue,
        }
        sort(&mut samples);
        samples.truncate(SAMPLES);
    }
    let counted_after = counted.write();
    if counted_after != counted_before || samples != before {
        store(transaction, issue, &counted_after, &samples)?;
    }
    Ok(counted.count())
}

fn store(transaction: &Connection, issue: i64, counted: &[u8], samples: &[Sample]) -> Result<()> {
    let sql = "INSERT INTO issue_traces(issue, counted, samples, oldest_ns) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT(issue) DO UPDATE SET counted = excluded.counted, samples = excluded.samples,
                                                oldest_ns = excluded.oldest_ns";
    let oldest = samples.iter().map(|sample| to_column(sample.received_ns)).min();
    transaction.prepare_cached(sql)?.execute(params![issue, counted, write_samples(samples), oldest])?;
    Ok(())
}

/// The newest traces of an issue, newest first.
///
/// # Errors
/// The store fails.
pub(super) fn samples(connection: &Connection, issue: i64) -> Result<Vec<TraceId>> {
    let sql = "SELECT samples FROM issue_traces WHERE issue = ?1";
    let text: Option<String> = connection.prepare_cached(sql)?.query_row([issue], |row| row.get(0)).optional()?;
    let samples = text.map_or(Ok(Vec::new()), |text| read_samples(&text))?;
    Ok(samples.into_iter().map(|sample| sample.trace).collect())
}

/// Drops traces of which no record is left. They stay counted.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn forget_traces(transaction: &Connection, traces: &[TraceId]) -> Result<()> {
    let gone: FxHashSet<&TraceId> = traces.iter().collect();
    if gone.is_empty() {
        return Ok(());
    }
    retain(transaction, i64::MAX, |sample| !gone.contains(&sample.trace))
}

/// Whether there are traces that were received before a time.
///
/// # Errors
/// The store fails.
pub(super) fn has_old(connection: &Connection, received_before_ns: u64) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM issue_traces WHERE oldest_ns < ?1)";
    Ok(connection.prepare_cached(sql)?.query_row([to_column(received_before_ns)], |row| row.get(0))?)
}

/// Drops traces that were received before a time. They stay counted.
///
/// # Errors
/// The store fails.
pub(super) fn forget_old(transaction: &Connection, received_before_ns: u64) -> Result<()> {
    retain(transaction, to_column(received_before_ns), |sample| sample.received_ns >= received_before_ns)
}

/// Drops samples that are not to stay, of issues with any received before a time.
fn retain(transaction: &Connection, before: i64, stays: impl Fn(&Sample) -> bool) -> Result<()> {
    let mut select = transaction.prepare_cached("SELECT issue, samples FROM issue_traces WHERE oldest_ns < ?1")?;
    let mut changed = Vec::new();
    let mut rows = select.query([before])?;
    while let Some(row) = rows.next()? {
        let mut samples = read_samples(&row.get::<_, String>(1)?)?;
        let length = samples.len();
        samples.retain(&stays);
        if samples.len() < length {
            changed.push((row.get::<_, i64>(0)?, samples));
        }
    }
    drop(rows);
    let mut update =
        transaction.prepare_cached("UPDATE issue_traces SET samples = ?2, oldest_ns = ?3 WHERE issue = ?1")?;
    for (issue, samples) in changed {
        let oldest = samples.iter().map(|sample| to_column(sample.received_ns)).min();
        update.execute(params![issue, write_samples(&samples), oldest])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> u64 {
        trace_hash(&TraceId::parse(&format!("req-{number}")).expect("an id"))
    }

    #[test]
    fn a_thousand_traces_are_counted_exactly_and_a_hundred_thousand_about() {
        let mut counted = Counted::read(&[]).expect("nothing");
        for number in 0..100_000 {
            counted.add(hash(number));
            // Seen again.
            counted.add(hash(number / 2));
            let exact = number + 1;
            if exact <= MOST_EXACT as u64 {
                assert_eq!(counted.count(), exact);
            } else if exact % 1_000 == 0 {
                let error = (counted.count() as f64 - exact as f64).abs() / exact as f64;
                assert!(error < 0.06, "{} for {exact}", counted.count());
            }
        }
    }

    #[test]
    fn what_was_counted_reads_back_and_damage_is_refused() {
        let mut counted = Counted::read(&[]).expect("nothing");
        for number in 0..2_000 {
            counted.add(hash(number));
            if number % 500 == 0 {
                assert_eq!(Counted::read(&counted.write()).expect("own"), counted);
            }
        }
        for damaged in [&[EXACT, 1, 2][..], &[SKETCH, 0], &[7]] {
            assert!(Counted::read(damaged).is_err(), "{damaged:?}");
        }
        assert!(read_samples("[[\"req-1\"]]").is_err());
    }
}
