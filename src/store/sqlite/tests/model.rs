//! The store against a model of it, through random histories: repetitions, impossible clocks, deletions, restarts,
//! damaged rows and full disks. The quick tier is a dozen histories; `TRACEHUB_TEST_CASES=5000` makes it a long one.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Something that happens to a store.
#[derive(Debug, Clone)]
enum Event {
    Write(Vec<(u8, u64)>),
    Seal,
    Reopen,
    Delete(u8),
    DeleteEverything,
    /// A row of the inbox is damaged, in one of several ways.
    DamageRow(usize, usize),
    /// A row of the table of traces is damaged.
    DamageTrace(u8, bool),
    /// There is no room for more than a few pages for a while.
    FullDisk(u8),
}

/// Never seals of its own accord: what sealing has read already is not lost when its row is damaged.
const QUIET: Tuning = Tuning { seal_records: 1_280, ..SMALL };

const ROW_DAMAGE: [&str; 5] = [
    "payload = substr(payload, 1, length(payload) - 1)",
    "payload = zeroblob(30)",
    "folds = x'01'",
    "kind = 7",
    "count = -count",
];

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => prop::collection::vec((0..5_u8, 0..40_u64), 1..9).prop_map(Event::Write),
        4 => Just(Event::Seal),
        2 => Just(Event::Reopen),
        2 => (0..5_u8).prop_map(Event::Delete),
        1 => Just(Event::DeleteEverything),
        3 => (0..9_usize, 0..ROW_DAMAGE.len()).prop_map(|(row, how)| Event::DamageRow(row, how)),
        2 => (0..5_u8, any::<bool>()).prop_map(|(trace, id)| Event::DamageTrace(trace, id)),
        1 => (0..4_u8).prop_map(Event::FullDisk),
    ]
}

/// A span whose clock may be wrong.
fn clocked(trace: u8, number: u64) -> Span {
    let plain = span(trace, number);
    match number % 9 {
        4 => Span { start: Nanos(0), end: Nanos(0), ..plain },
        5 => Span { start: Nanos(u64::MAX - number), end: Nanos(u64::MAX), ..plain },
        6 => Span { end: Nanos(1), ..plain },
        _ => plain,
    }
}

fn batch(records: &[(u8, u64)]) -> Batch {
    Batch::of_spans(records.iter().map(|(trace, number)| clocked(*trace, *number)).collect())
}

/// What a store should hold: the numbers of the spans of each trace.
type Held = BTreeMap<u8, BTreeSet<u64>>;

struct Lived {
    path: PathBuf,
    store: Arc<Sqlite>,
    held: Held,
}

impl Lived {
    async fn write(&mut self, records: &[(u8, u64)]) {
        let new = records.iter().collect::<BTreeSet<_>>();
        let new = new.iter().filter(|(trace, number)| !self.held.get(trace).is_some_and(|held| held.contains(number)));
        let accepted = new.count() as u64;
        let written = self.store.write(batch(records)).await.expect("written");
        assert_eq!(written, Written { accepted, duplicates: records.len() as u64 - accepted });
        self.note(records);
    }

    fn note(&mut self, records: &[(u8, u64)]) {
        for (trace, number) in records {
            self.held.entry(*trace).or_default().insert(*number);
        }
    }

    async fn reopen(&mut self, tuning: Tuning) {
        let options = Options { durability: Durability::Os, ..Options::default() };
        self.store.close().await.expect("closed");
        self.store = Sqlite::open_tuned(self.path.clone(), options, tuning).await.expect("opened");
    }

    /// Meets damage as readers do, and waits until it is put aside or mended.
    async fn meet_damage(&self) {
        all(&*self.store).await;
        self.store.prune(&Retention { received_before: Nanos(0) }, 1).await.expect("pruned");
    }

    async fn happen(&mut self, event: &Event) {
        match event {
            Event::Write(records) => self.write(records).await,
            Event::Seal => self.store.seal_now().await.expect("sealed"),
            Event::Reopen => self.reopen(QUIET).await,
            Event::Delete(trace) => {
                let one = RecordFilter { trace: Some(span(*trace, 0).trace_id), ..RecordFilter::default() };
                let held = self.held.remove(trace).map_or(0, |held| held.len() as u64);
                assert_eq!(self.store.delete(&one, false).await.expect("deleted").spans, held);
            }
            Event::DeleteEverything => {
                self.store.delete(&RecordFilter::default(), false).await.expect("deleted");
                self.held.clear();
            }
            Event::DamageRow(row, how) => self.damage_row(*row, ROW_DAMAGE[*how]).await,
            Event::DamageTrace(trace, id) => {
                let TraceId::Otel(raw) = span(*trace, 0).trace_id else { return };
                let hex = |raw: [u8; 16]| raw.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                let mut other = raw;
                other[15] ^= 0x40;
                let change = if *id { format!("trace_id = x'{}'", hex(other)) } else { "spans = spans + 1".to_owned() };
                let connection = Connection::open(&self.path).expect("opened");
                let sql = format!("UPDATE traces SET {change} WHERE trace_id = x'{}'", hex(raw));
                connection.execute(&sql, []).expect("damaged");
                drop(connection);
                self.meet_damage().await;
            }
            Event::FullDisk(pages) => self.fill_disk(u32::from(*pages)).await,
        }
    }

    async fn damage_row(&mut self, row: usize, how: &str) {
        let connection = Connection::open(&self.path).expect("opened");
        let mut rows = Vec::new();
        tables::inbox::each_row(&connection, 0, |row| rows.push(row)).expect("read");
        let count = rows.len();
        let Some(row) = rows.into_iter().nth(row % count.max(1)) else { return };
        connection.execute(&format!("UPDATE inbox SET {how} WHERE seq = {}", row.seq), []).expect("damaged");
        drop(connection);
        self.meet_damage().await;
        for lost in Record::spans(&row.records) {
            let TraceId::Otel(raw) = &lost.trace_id else { continue };
            let number = u64::from_be_bytes(lost.span_id.0) - 1;
            if let Some(held) = self.held.get_mut(&raw[0]) {
                held.remove(&number);
            }
        }
        self.held.retain(|_, held| !held.is_empty());
    }

    async fn fill_disk(&mut self, pages: u32) {
        let connection = file::open::open_for_reading(&self.path).expect("opened");
        let now: u32 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("counted");
        drop(connection);
        self.reopen(Tuning { most_pages: Some(now + pages), ..QUIET }).await;
        for round in 0..60_u64 {
            let records: Vec<(u8, u64)> = (0..8).map(|number| (5, 100 + round * 8 + number)).collect();
            match self.store.write(batch(&records)).await {
                Ok(_) => self.note(&records),
                Err(error) => {
                    assert!(matches!(error, Error::DiskFull), "{error:?}");
                    break;
                }
            }
        }
        self.check().await;
        self.reopen(QUIET).await;
    }

    /// Every answer is that of the model.
    async fn check(&self) {
        let spans: usize = self.held.values().map(BTreeSet::len).sum();
        let page = all(&*self.store).await;
        assert_eq!(page.total, Some(self.held.len() as u64));
        assert_eq!(page.items.iter().map(|trace| trace.span_count).sum::<u64>(), spans as u64);
        for (trace, held) in &self.held {
            let id = span(*trace, 0).trace_id;
            let expected: Vec<_> = held.iter().map(|number| clocked(*trace, *number)).collect();
            let found = self.store.trace(&id).await.expect("read").expect("there");
            // When a trace was depends on when records were received, which the model does not know.
            let expected = Trace::new(id, expected, vec![], vec![]).expect("spans");
            assert_eq!((found.summary.span_count, found.spans), (expected.summary.span_count, expected.spans));
        }
        let scanned: BTreeSet<_> =
            scan_all(&self.store, 7).await.iter().map(|span| (span.trace_id.clone(), span.span_id)).collect();
        assert_eq!(scanned.len(), spans);
        let stats = self.store.stats(&StatsQuery::default()).await.expect("stats");
        assert_eq!((stats.traces, stats.spans), (self.held.len() as u64, spans as u64));
        is_sound(&self.path);
    }
}

fn cases() -> u32 {
    std::env::var("TRACEHUB_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_answers_are_those_of_what_was_acknowledged_and_not_damaged(
        events in prop::collection::vec(event(), 1..30),
    ) {
        let place = place();
        wait_for(async {
            let store = open_small(&place.path).await;
            let mut lived = Lived { path: place.path.clone(), store, held: Held::new() };
            lived.reopen(QUIET).await;
            for event in &events {
                lived.happen(event).await;
            }
            lived.check().await;
            lived.reopen(QUIET).await;
            lived.check().await;
        });
    }
}
