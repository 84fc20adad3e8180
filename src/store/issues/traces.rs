//! The traces an issue was seen in: how many there were, and the newest of them.
//!
//! A row per issue and trace would be exact, but trace ids are random: each would cost a page of its own, and a burst
//! of errors would write more of those than records. So an issue keeps one small row. The count is exact up to
//! [`MOST_EXACT`] traces; beyond that they are counted in a HyperLogLog sketch, whose error is about 1.6 %
//! (Flajolet et al., "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm", 2007).

use serde_json::{Value as Json, json};

use super::hours::NANOS_PER_HOUR;
use crate::model::TraceId;
use crate::store::{Error, Result};

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

/// The traces an issue was seen in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueTraces {
    counted: Counted,
    /// The newest, as many as an issue names.
    samples: Vec<Sample>,
}

impl IssueTraces {
    /// Reads what [`IssueTraces::write_counted`] and [`IssueTraces::write_samples`] wrote; empty bytes are no traces.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything else.
    pub fn read(counted: &[u8], samples: &str) -> Result<IssueTraces> {
        Ok(IssueTraces { counted: Counted::read(counted)?, samples: read_samples(samples)? })
    }

    /// All traces that were counted, as bytes.
    pub fn write_counted(&self) -> Vec<u8> {
        self.counted.write()
    }

    /// The newest traces, as JSON.
    pub fn write_samples(&self) -> String {
        let json = |sample: &Sample| json!([sample.trace.to_string(), sample.seen_ns, sample.received_ns]);
        Json::from(self.samples.iter().map(json).collect::<Vec<_>>()).to_string()
    }

    /// When the first of the named traces was received, unix nanoseconds, to an hour; `None` when none is named.
    pub fn oldest_ns(&self) -> Option<u64> {
        self.samples.iter().map(|sample| sample.received_ns).min()
    }

    /// The newest traces, newest first.
    pub fn newest(&self) -> impl Iterator<Item = &TraceId> {
        self.samples.iter().map(|sample| &sample.trace)
    }

    /// How many traces there were up to now, about.
    pub fn count(&self) -> u64 {
        self.counted.count()
    }

    /// Notes traces in which an issue was seen, each with the time; whether that changed anything.
    pub fn note<'a>(&mut self, traces: impl Iterator<Item = (&'a TraceId, u64)>, received_ns: u64) -> bool {
        let before = self.clone();
        for (trace, seen_ns) in traces {
            self.counted.add(trace.hash64());
            self.note_sample(trace, seen_ns, received_ns);
        }
        *self != before
    }

    fn note_sample(&mut self, trace: &TraceId, seen_ns: u64, received_ns: u64) {
        let samples = &mut self.samples;
        let has_place = samples.len() < SAMPLES || samples.last().is_some_and(|last| last.seen_ns <= seen_ns);
        match samples.iter_mut().find(|sample| sample.trace == *trace) {
            Some(sample) => {
                sample.seen_ns = sample.seen_ns.max(seen_ns);
                if sample.received_ns.saturating_add(NANOS_PER_HOUR) < received_ns {
                    sample.received_ns = received_ns;
                }
            }
            None if has_place => samples.push(Sample { trace: trace.clone(), seen_ns, received_ns }),
            None => return,
        }
        // Newest first; of one instant in the order of ids, backwards.
        samples.sort_unstable_by(|a, b| (b.seen_ns, &b.trace).cmp(&(a.seen_ns, &a.trace)));
        samples.truncate(SAMPLES);
    }

    /// Names only those of the named traces that are to stay, given when each was received; whether any went. All stay
    /// counted.
    pub fn retain(&mut self, stays: impl Fn(&TraceId, u64) -> bool) -> bool {
        let before = self.samples.len();
        self.samples.retain(|sample| stays(&sample.trace, sample.received_ns));
        self.samples.len() < before
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> u64 {
        TraceId::parse(&format!("req-{number}")).expect("an id").hash64()
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
