//! What must hold of the whole codec: exact round trips, and no harm from any bytes.

use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::model::checkpoint_pairs::pair;
use crate::model::stats::SpanForStats;
use crate::model::{
    Attributes, Checkpoint, FieldFilter, FieldOperator, LogMatcher, LogQuery, LogRecord, Nanos, RecordKind, Span,
    SpanId, Text, TimeBounds, TraceFold, TraceId, Value, json,
};
use crate::store::sqlite::codec::samples::{exact_records, records, spans};
use crate::store::sqlite::codec::*;

/// A segment in memory, cut up as a store cuts it up.
struct Memory(Vec<(String, Vec<u8>)>);

impl ColumnSource for Memory {
    fn block(&mut self, column: &str, block: usize) -> Result<Option<Vec<u8>>, CodecError> {
        let Some((_, bytes)) = self.0.iter().find(|(name, _)| name == column) else { return Ok(None) };
        let range = block_range(bytes, block).ok_or(CodecError::Truncated)?;
        bytes.get(range).map(|frame| Some(frame.to_vec())).ok_or(CodecError::Truncated)
    }
}

fn open(segment: &Segment) -> (Memory, BlockIndex) {
    (Memory(segment.columns.clone()), BlockIndex::decode(&segment.blocks).expect("own index"))
}

fn read(segment: &Segment, blocks: Option<Range<usize>>, only: Option<&TraceId>) -> Vec<Span> {
    let (mut source, index) = open(segment);
    let blocks = blocks.unwrap_or(0..index.len());
    let wanted = WantedRows { blocks, trace: only };
    let records = read_records(RecordKind::Spans, &mut source, &index, wanted).expect("own segment");
    Record::spans(&records).into_iter().cloned().collect()
}

fn all_rows(index: &BlockIndex) -> WantedRows<'static, Range<usize>> {
    WantedRows { blocks: 0..index.len(), trace: None }
}

fn sorted(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| (&a.trace_id, a.start, a.span_id).cmp(&(&b.trace_id, b.start, b.span_id)));
    spans
}

/// Some time in November 2026.
const RECEIVED: Nanos = Nanos(1_795_252_442_000_000_000);

fn as_records(spans: &[Span]) -> Vec<Record> {
    spans.iter().cloned().map(Record::Span).collect()
}

fn seal_spans(spans: Vec<Span>) -> Segment {
    seal_records(&as_records(&spans))
}

fn prepare_spans(spans: &[Span]) -> Prepared {
    prepare(RecordKind::Spans, &as_records(spans), RECEIVED)
}

fn kind_of(records: &[Record]) -> RecordKind {
    records.first().map_or(RecordKind::Spans, Record::kind)
}

fn sorted_records(records: &[Record]) -> Vec<Record> {
    let mut records = records.to_vec();
    records.sort_by(Record::order);
    records
}

fn seal_records(records: &[Record]) -> Segment {
    let records = sorted_records(records);
    seal(kind_of(&records), &records.iter().collect::<Vec<_>>()).expect("own records")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_inbox_gives_back_exactly_the_records_it_was_given(records in records(12)) {
        let kind = kind_of(&records);
        let prepared = prepare(kind, &records, RECEIVED);
        let back = decode_inbox(kind, &prepared.payload).expect("own payload");
        prop_assert_eq!(exact_records(&back), exact_records(&records));
        prop_assert_eq!(&prepare(kind, &back, RECEIVED), &prepared);
    }

    #[test]
    fn a_segment_gives_back_exactly_the_records_it_was_given_sorted(records in records(24)) {
        let (mut source, index) = open(&seal_records(&records));
        let back = read_records(kind_of(&records), &mut source, &index, all_rows(&index)).expect("own segment");
        prop_assert_eq!(exact_records(&back), exact_records(&sorted_records(&records)));
    }

    #[test]
    fn payloads_are_sealed_like_the_spans_in_them(writes in prop::collection::vec(spans(8), 1..5)) {
        let prepared: Vec<Prepared> = writes.iter().map(|spans| prepare_spans(spans)).collect();
        let payloads: Vec<&[u8]> = prepared.iter().map(|write| write.payload.as_slice()).collect();
        let (segment, payload_of_row) = seal_span_payloads(&payloads).expect("own payloads");
        let rows: Vec<(Span, usize)> = read(&segment, None, None).into_iter().zip(payload_of_row).collect();
        let mut sent: Vec<(Span, usize)> =
            writes.iter().enumerate().flat_map(|(at, spans)| spans.iter().cloned().map(move |span| (span, at))).collect();
        sent.sort_by(|(a, _), (b, _)| (&a.trace_id, a.start, a.span_id).cmp(&(&b.trace_id, b.start, b.span_id)));
        let exact = |rows: &[(Span, usize)]| -> Vec<String> {
            rows.iter().map(|(span, at)| format!("{at} {:?}", exact_records(&[Record::Span(span.clone())]))).collect()
        };
        prop_assert_eq!(exact(&rows), exact(&sent));
    }

    #[test]
    fn a_damaged_payload_is_refused_and_never_harms(spans in spans(8), at: prop::sample::Index, byte: u8) {
        let mut content = envelope::unwrap_lz4(&prepare_spans(&spans).payload).expect("own payload").to_vec();
        let at = at.index(content.len());
        content[at] = byte;
        let forged = envelope::wrap_lz4(&content);
        if let Ok((segment, rows)) = seal_span_payloads(&[forged.as_slice()]) {
            prop_assert_eq!(segment.rows as usize, rows.len());
        }
        content.truncate(at);
        prop_assert!(seal_span_payloads(&[envelope::wrap_lz4(&content).as_slice()]).is_err());
    }

    #[test]
    fn one_trace_is_read_alone(records in records(24)) {
        let segment = seal_records(&records);
        let (mut source, index) = open(&segment);
        let sorted = sorted_records(&records);
        for id in records.iter().map(Record::trace_key) {
            prop_assert!(may_contain(&segment.trace_filter, id));
            let wanted = WantedRows { blocks: index.blocks_of(id), trace: Some(id) };
            let found = read_records(kind_of(&records), &mut source, &index, wanted).expect("own segment");
            let rows = rows_of_trace(&mut source, &index, id).expect("own segment");
            prop_assert_eq!(exact_records(&found), exact_records(&sorted[rows]));
            prop_assert_eq!(found.len(), records.iter().filter(|record| record.trace_key() == id).count());
        }
    }

    #[test]
    fn checkpoints_for_statistics_pair_like_whole_ones(records in records(24)) {
        let (mut source, index) = open(&seal_records(&records));
        if kind_of(&records) == RecordKind::Checkpoints {
            let parts = read_checkpoints_for_stats(&mut source, &index, 0..index.len()).expect("own segment");
            let whole = sorted_records(&records);
            let whole: Vec<Checkpoint> = Record::checkpoints(&whole).into_iter().cloned().collect();
            let runs = |checkpoints: &[Checkpoint]| {
                pair(checkpoints).operations.iter().map(|one| (one.enter, one.exit, one.parent)).collect::<Vec<_>>()
            };
            prop_assert_eq!(runs(&parts), runs(&whole));
        }
    }

    #[test]
    fn a_forged_segment_of_any_kind_is_refused_or_read_but_never_harms(
        records in records(12), column: prop::sample::Index, at: prop::sample::Index, byte: u8,
    ) {
        let (memory, index) = open(&seal_records(&records));
        let mut forged = Forged { memory, column, at, byte };
        let _ = read_records(kind_of(&records), &mut forged, &index, all_rows(&index));
        if kind_of(&records) == RecordKind::Logs {
            for query in log_queries(&records) {
                let found = search_logs(&mut forged, &index, &LogMatcher::new(&query), (0, u64::MAX));
                let rows: Vec<_> = found.iter().flatten().map(|row| (row.block, row.row)).collect();
                let _ = read_log_rows(&mut forged, &index, &rows);
            }
        }
    }

    #[test]
    fn a_search_finds_exactly_the_log_records_that_match(records in records(24)) {
        if kind_of(&records) == RecordKind::Logs {
            let (mut source, index) = open(&seal_records(&records));
            let sorted = sorted_records(&records);
            for query in log_queries(&records) {
                let matcher = LogMatcher::new(&query);
                let found = search_logs(&mut source, &index, &matcher, (0, u64::MAX)).expect("own segment");
                let matches = |(_, log): &(usize, &LogRecord)| matcher.matches(log);
                let expected = Record::logs(&sorted).into_iter().enumerate().filter(matches);
                let expected: Vec<(usize, LogRecord)> = expected.map(|(row, log)| (row, log.clone())).collect();
                prop_assert!(found.iter().map(|row| row.row_of_segment).eq(expected.iter().map(|(row, _)| *row)));
                let rows: Vec<_> = found.iter().map(|row| (row.block, row.row)).collect();
                let read = read_log_rows(&mut source, &index, &rows).expect("own segment");
                let exact = |logs: Vec<LogRecord>| exact_records(&logs.into_iter().map(Record::Log).collect::<Vec<_>>());
                prop_assert_eq!(exact(read), exact(expected.into_iter().map(|(_, log)| log).collect()));
            }
        }
    }

    #[test]
    fn folds_read_back_and_are_those_of_the_records(records in records(12)) {
        let prepared = prepare(kind_of(&records), &records, RECEIVED);
        let folds = decode_folds(&prepared.folds).expect("own folds");
        prop_assert_eq!(&fold::encode_folds(&folds), &prepared.folds);
        prop_assert!(folds.iter().map(|(trace, _)| trace).eq(&prepared.traces));
        for (id, fold) in &folds {
            let (mut expected, bounds) = (TraceFold::default(), TimeBounds::received_at(RECEIVED));
            records.iter().filter(|record| record.trace_key() == id).for_each(|record| record.add_to(&mut expected, &bounds));
            prop_assert_eq!(fold, &expected);
            let columns =
                [fold.start_ns, fold.end_ns, fold.spans, fold.checkpoints, fold.logs, fold.errors, fold.received_s];
            let encoded = encode_fold(id, fold, &mut |_| None);
            let decoded = decode_fold(id, &columns, &encoded, &mut |_| Err(CodecError::Truncated));
            prop_assert_eq!(&decoded.expect("own fold"), fold);
        }
    }

    #[test]
    fn damaged_payloads_are_refused(spans in spans(4), at: prop::sample::Index, bit in 0..8u8, cut: bool) {
        let mut payload = prepare_spans(&spans).payload;
        let at = at.index(payload.len());
        if cut { payload.truncate(at) } else { payload[at] ^= 1 << bit }
        prop_assert!(decode_inbox(RecordKind::Spans, &payload).is_err());
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = RecordKind::ALL.map(|kind| decode_inbox(kind, &bytes).is_ok());
        let _ = decode_folds(&bytes);
        let _ = decode_fold(&NO_TRACE, &[0; 7], &bytes, &mut |_| Err(CodecError::Truncated));
        let _ = BlockIndex::decode(&bytes);
        let _ = block_range(&bytes, 0);
        // Past the checksum, where only a program with ill intent gets.
        let reader = bytes::Reader::new(bytes.into());
        let _ = spans::span_rows::decode(reader.clone());
        let _ = checkpoints::checkpoint_rows::decode(reader.clone());
        let _ = logs::log_rows::decode(reader);
    }
}

/// A segment whose frames were changed by someone who then made the checksums fit.
struct Forged {
    memory: Memory,
    column: prop::sample::Index,
    at: prop::sample::Index,
    byte: u8,
}

impl ColumnSource for Forged {
    fn block(&mut self, column: &str, block: usize) -> Result<Option<Vec<u8>>, CodecError> {
        let Some(frame) = self.memory.block(column, block)? else { return Ok(None) };
        let target = &self.memory.0[self.column.index(self.memory.0.len())].0;
        let mut content = envelope::unframe(frame)?.to_vec();
        if column == target && !content.is_empty() {
            let at = self.at.index(content.len());
            content[at] = self.byte;
        }
        Ok(Some(envelope::frame(&content)))
    }
}

/// Questions that some of the records answer: by level, text, service and each of the first attributes.
fn log_queries(records: &[Record]) -> Vec<LogQuery> {
    let logs = Record::logs(records);
    let is_writable = |key: &str| !key.is_empty() && !key.contains('=') && !key.ends_with(['!', '~']);
    let mut queries: Vec<LogQuery> = Vec::new();
    for log in logs.iter().take(4) {
        let service = Some(log.resource.service.to_string());
        let text = Some(log.message.chars().take(3).collect::<String>().to_uppercase());
        queries.push(LogQuery { level: Some(log.severity), service, ..LogQuery::default() });
        queries.push(LogQuery { text, ..LogQuery::default() });
        let pairs = log.attributes.iter().chain(log.resource.attributes.iter());
        for (key, value) in pairs.filter(|(key, _)| is_writable(key)).take(4) {
            let field = |operator| FieldFilter { name: key.to_string(), operator, value: json::value_to_text(value) };
            let operators = [FieldOperator::Is, FieldOperator::IsNot, FieldOperator::Contains];
            queries.extend(operators.map(|operator| LogQuery { fields: vec![field(operator)], ..LogQuery::default() }));
        }
    }
    queries
}

/// What [`traces_with_attribute`] must find, the slow way.
fn search_slowly(spans: &[Span], pairs: &[(String, String)]) -> Vec<TraceId> {
    let has = |attributes: &Attributes, (key, text): &(String, String)| {
        attributes.get(key).is_some_and(|value| json::value_to_text(value) == *text)
    };
    let has_all =
        |span: &&Span| pairs.iter().all(|pair| has(&span.attributes, pair) || has(&span.resource.attributes, pair));
    let mut traces: Vec<TraceId> = spans.iter().filter(has_all).map(|span| span.trace_id.clone()).collect();
    traces.sort();
    traces.dedup();
    traces
}

fn all_pairs(spans: &[Span]) -> Vec<(String, String)> {
    let lists = spans.iter().flat_map(|span| [&span.attributes, &span.resource.attributes]);
    let pairs = lists.flat_map(Attributes::iter).map(|(key, value)| (key.to_string(), json::value_to_text(value)));
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort();
    pairs.dedup();
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_search_finds_exactly_the_traces_that_have_all_pairs(
        spans in spans(24),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 12),
    ) {
        let (mut source, index) = open(&seal_spans(spans.clone()));
        let known = all_pairs(&spans);
        for (one, other) in picks.iter().filter(|_| !known.is_empty()) {
            let (one, other) = (known[one.index(known.len())].clone(), known[other.index(known.len())].clone());
            for pairs in [vec![one.clone()], vec![one.clone(), other.clone()], vec![(one.0, other.1)]] {
                let found = traces_with_attribute(&mut source, &index, &pairs).expect("own segment");
                prop_assert_eq!(found, search_slowly(&spans, &pairs), "{:?}", pairs);
            }
        }
    }

    #[test]
    fn spans_for_statistics_are_the_spans_with_most_left_out(spans in spans(24)) {
        let (mut source, index) = open(&seal_spans(spans.clone()));
        let spans = sorted(spans);
        for with_model in [false, true] {
            let read = read_spans_for_stats(&mut source, &index, 0..index.len(), with_model).expect("own segment");
            let expected = spans.iter().map(|span| {
                let span = SpanForStats::from(span);
                SpanForStats { model: span.model.filter(|_| with_model), ..span }
            });
            prop_assert_eq!(read, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_forged_segment_is_refused_or_read_but_never_harms(
        spans in spans(12), column: prop::sample::Index, at: prop::sample::Index, byte: u8,
    ) {
        let (memory, index) = open(&seal_spans(spans.clone()));
        let mut forged = Forged { memory, column, at, byte };
        let _ = read_records(RecordKind::Spans, &mut forged, &index, all_rows(&index));
        let _ = read_spans_for_stats(&mut forged, &index, 0..index.len(), true);
        let pair = all_pairs(&spans).into_iter().next();
        let _ = traces_with_attribute(&mut forged, &index, pair.as_slice());
    }

    #[test]
    fn damaged_folds_and_indexes_are_refused(spans in spans(4), at: prop::sample::Index, bit in 0..8u8) {
        let flip = |mut bytes: Vec<u8>| {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            bytes
        };
        prop_assert!(decode_folds(&flip(prepare_spans(&spans).folds)).is_err());
        let fold = flip(encode_fold(&NO_TRACE, &TraceFold::default(), &mut |_| None));
        prop_assert!(decode_fold(&NO_TRACE, &[0; 7], &fold, &mut |_| Err(CodecError::Truncated)).is_err());
        prop_assert!(BlockIndex::decode(&flip(seal_spans(spans).blocks)).is_err());
    }
}

/// A span of trace number `trace` with these attributes.
fn plain_span(trace: u32, id: u32, attributes: Vec<(Text, Value)>) -> Span {
    let mut raw = [7; 16];
    raw[..4].copy_from_slice(&trace.to_be_bytes());
    Span {
        trace_id: TraceId::Otel(raw),
        span_id: SpanId((u64::from(id) + 1).to_be_bytes()),
        parent_span_id: None,
        trace_state: Text::EMPTY,
        flags: 0,
        name: Text::from_static("op"),
        kind: crate::model::Kind::Internal,
        start: Nanos(u64::from(id)),
        end: Nanos(u64::from(id)),
        attributes: Attributes(attributes),
        dropped_attributes: 0,
        events: Vec::new(),
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: crate::model::Status::default(),
        resource: Arc::default(),
        scope: Arc::default(),
    }
}

#[test]
fn keys_without_end_do_not_become_columns_without_end() {
    let pair = |key: u32| (Text::from(format!("key.{key}")), Value::Int(i64::from(key)));
    let mut spans: Vec<Span> = (0..3000)
        .map(|id| plain_span(id / 10, id, vec![("a".into(), true.into()), pair(id), ("b".into(), Value::Empty)]))
        .collect();
    spans.push(plain_span(9999, 3000, (0..50_000).map(pair).collect()));
    let segment = seal_spans(spans.clone());
    assert!(segment.columns.len() < 20, "{}", segment.columns.len());
    assert_eq!(read(&segment, None, None), spans);
    let (mut source, index) = open(&segment);
    let found = traces_with_attribute(&mut source, &index, &[("key.25".into(), "25".into())]).expect("own segment");
    assert_eq!(found, [spans[25].trace_id.clone(), spans[3000].trace_id.clone()]);
}

#[test]
fn a_trace_lies_in_one_block_unless_it_is_larger_than_one() {
    let spans: Vec<Span> = (0..5000).map(|id| plain_span(id.min(3500) / 7, id, Vec::new())).collect();
    let segment = seal_spans(spans.clone());
    let (_, index) = open(&segment);
    assert_eq!(index.iter().map(|block| block.rows).collect::<Vec<_>>(), [1029, 1029, 1029, 413 + 1500]);
    for id in [0, 6, 7, 1029, 3000, 3499, 4999].map(|row: usize| &spans[row].trace_id) {
        assert_eq!(index.blocks_of(id).len(), 1);
        let expected: Vec<&Span> = spans.iter().filter(|span| span.trace_id == *id).collect();
        let found = read(&segment, Some(index.blocks_of(id)), Some(id));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }
    assert!(index.blocks_of(&TraceId::Text("nobody".into())).is_empty());
}

#[test]
fn nothing_seals_into_an_empty_segment() {
    let segment = seal_spans(Vec::new());
    assert_eq!((segment.rows, segment.columns.len()), (0, 0));
    assert_eq!(read(&segment, None, None), []);
}

#[test]
fn equal_resources_are_one_again_after_reading() {
    let runner = &mut proptest::test_runner::TestRunner::deterministic();
    let one = spans(1).prop_filter("one", |spans| !spans.is_empty()).new_tree(runner).expect("sample").current();
    let mut other = one[0].clone();
    other.resource = Arc::new((*other.resource).clone());
    let both = vec![one[0].clone(), other];
    let waiting = decode_inbox(RecordKind::Spans, &prepare_spans(&both).payload).expect("own payload");
    let waiting = Record::spans(&waiting).into_iter().cloned().collect();
    for back in [waiting, read(&seal_spans(both.clone()), None, None)] {
        assert!(Arc::ptr_eq(&back[0].resource, &back[1].resource));
        assert!(Arc::ptr_eq(&back[0].scope, &back[1].scope));
    }
}
