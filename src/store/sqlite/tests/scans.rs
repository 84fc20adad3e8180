//! Scans of a store whose chunks are so small that most writes are split, while its records move and go.

use std::collections::BTreeSet;

use super::*;
use crate::model::{LogRecord, Record};

const CHUNK_BYTES: usize = 700;
const TRACES: u64 = 3;

#[derive(Debug, Clone)]
enum Step {
    /// The sizes of the records of one write.
    Write(Vec<usize>),
    Seal,
    Delete(u64),
    /// Which follower reads on, and how many records it asks for.
    Read(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop::collection::vec(prop_oneof![0..40_usize, 0..900_usize], 1..12).prop_map(Step::Write),
        1 => Just(Step::Seal),
        1 => (0..TRACES).prop_map(Step::Delete),
        5 => (0..4_usize, 1..30_usize).prop_map(|(follower, most)| Step::Read(follower, most)),
    ]
}

fn id(trace: u64) -> TraceId {
    TraceId::parse(&format!("trace-{trace}")).expect("valid")
}

/// Records of all kinds by turns; each tells its number in its time.
fn record(number: u64, size: usize) -> Record {
    let (trace, text) = (id(number / 3 % TRACES), Text::from("x".repeat(size)));
    match number % 3 {
        0 => {
            let of_trace = Span { trace_id: trace, name: text, ..span(1, number) };
            Record::Span(Span { start: Nanos(number), end: Nanos(number), ..of_trace })
        }
        1 => {
            let trace_id = (!number.is_multiple_of(4)).then_some(trace);
            Record::Log(LogRecord { time: Nanos(number), message: text, trace_id, ..LogRecord::default() })
        }
        _ => {
            let raw_line = Some(text);
            Record::Checkpoint(Checkpoint {
                timestamp_ms: number as f64,
                raw_line,
                ..checkpoint(&trace.to_string(), number)
            })
        }
    }
}

fn number(record: &Record) -> u64 {
    match record {
        Record::Checkpoint(checkpoint) => checkpoint.timestamp_ms as u64,
        other => other.start().0,
    }
}

fn records(batch: Batch) -> Vec<Record> {
    let Batch { spans, logs, checkpoints } = batch;
    let records = spans.into_iter().map(Record::Span).chain(logs.into_iter().map(Record::Log));
    records.chain(checkpoints.into_iter().map(Record::Checkpoint)).collect()
}

/// Somebody who reads on from time to time.
#[derive(Default)]
struct Follower {
    filter: RecordFilter,
    cursor: Option<Cursor>,
    told: Vec<Record>,
}

impl Follower {
    /// Reads a chunk; whether it was the last.
    async fn read(&mut self, store: &Sqlite, most: usize) -> bool {
        let chunk = store.scan(&self.filter, self.cursor.as_ref(), most, Duration::ZERO).await.expect("scanned");
        let records = records(chunk.batch);
        let bytes: usize = records.iter().map(Record::bytes).sum();
        assert!(bytes <= CHUNK_BYTES || records.len() == 1, "{bytes} bytes in {} records", records.len());
        self.told.extend(records);
        self.cursor = Some(chunk.next);
        chunk.at_end
    }

    fn wants(&self, record: &Record) -> bool {
        let is_of_trace = self.filter.trace.as_ref().is_none_or(|trace| record.trace_id() == Some(trace));
        is_of_trace && self.filter.kind.is_none_or(|kind| record.kind() == kind)
    }
}

fn followers() -> [Follower; 4] {
    let of_kind = |kind| RecordFilter { kind: Some(kind), ..RecordFilter::default() };
    let filters = [
        RecordFilter::default(),
        of_kind(RecordKind::Logs),
        of_kind(RecordKind::Spans),
        RecordFilter { trace: Some(id(1)), ..RecordFilter::default() },
    ];
    filters.map(|filter| Follower { filter, ..Follower::default() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_record_is_told_once_though_writes_are_split_sealed_and_lose_records(
        steps in prop::collection::vec(step(), 1..40),
        decoded_bytes in prop_oneof![Just(0), Just(3_000), Just(1 << 20)],
    ) {
        wait_for(take(steps, decoded_bytes));
    }
}

#[test]
fn a_chunk_that_ends_where_a_segment_was_not_read_yet_does_not_tell_the_write_before_again() {
    let writes = [vec![0], vec![90], vec![8, 143, 6, 3]].map(Step::Write);
    let steps = writes.into_iter().chain([Step::Seal, Step::Read(0, 14), Step::Read(0, 1)]);
    wait_for(take(steps.collect(), 1 << 20));
}

/// Takes the steps, then reads all followers to their ends, who must have been told what they want, once and in order.
async fn take(steps: Vec<Step>, decoded_bytes: usize) {
    let place = place();
    let options = Options { durability: Durability::Os, ..Options::default() };
    let tuning = Tuning { chunk_bytes: CHUNK_BYTES, decoded_bytes, ..SMALL };
    let store = Sqlite::open_tuned(place.path.clone(), options, tuning).await.expect("opened");
    let (mut written, mut gone, mut followers) = (Vec::new(), BTreeSet::new(), followers());
    for step in steps {
        match step {
            Step::Write(sizes) => {
                let mut batch = Batch::default();
                for size in sizes {
                    let record = record(written.len() as u64, size);
                    written.push(record.clone());
                    record.push_to(&mut batch);
                }
                store.write(batch).await.expect("written");
            }
            Step::Seal => store.seal_now().await.expect("sealed"),
            Step::Delete(trace) => {
                let filter = RecordFilter { trace: Some(id(trace)), ..RecordFilter::default() };
                store.delete(&filter, false).await.expect("deleted");
                let of_trace = |record: &&Record| record.trace_id() == Some(&id(trace));
                gone.extend(written.iter().filter(of_trace).map(number));
            }
            Step::Read(follower, most) => {
                followers[follower].read(&store, most).await;
            }
        }
    }
    for follower in &mut followers {
        while !follower.read(&store, 10).await {
            assert!(follower.told.len() <= written.len(), "told twice");
        }
        let told: BTreeSet<u64> = follower.told.iter().map(number).collect();
        assert_eq!(told.len(), follower.told.len(), "told twice");
        for record in &follower.told {
            assert_eq!(format!("{record:?}"), format!("{:?}", written[number(record) as usize]));
        }
        let wanted = written.iter().filter(|record| follower.wants(record)).map(number);
        let wanted: BTreeSet<u64> = wanted.collect();
        assert!(told.is_subset(&wanted), "told what was not asked for");
        let missing: Vec<u64> = wanted.difference(&told).copied().filter(|one| !gone.contains(one)).collect();
        assert!(missing.is_empty(), "never told: {missing:?}");
        for kind in [RecordKind::Checkpoints, RecordKind::Logs] {
            let of_kind = follower.told.iter().filter(|record| record.kind() == kind).map(number);
            assert!(of_kind.is_sorted(), "not in the order they were sent");
        }
    }
}
