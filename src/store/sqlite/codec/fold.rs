//! Trace folds in bytes: what an inbox row says of its traces and what the table of traces keeps.

use super::bytes::{Reader, bits_of, envelope, put_bytes, put_signed, put_trace_id, put_varint};
use super::error::Result;
use crate::model::trace::{Candidate, Era, OddTimes, SpanUsage, Unbelieved, UsageSum};
use crate::model::{TraceFold, TraceId};

/// Encodes folds with their trace ids, in the order given.
pub fn encode_folds(folds: &[(TraceId, TraceFold)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + folds.len() * 96);
    put_varint(&mut out, folds.len() as u64);
    for (id, fold) in folds {
        put_trace_id(&mut out, id);
        put_fold(&mut out, id, fold, true, &mut put_text);
    }
    envelope::wrap(&out)
}

/// Reads what [`encode_folds`] wrote.
///
/// # Errors
/// The bytes are no such encoding.
pub fn decode_folds(bytes: &[u8]) -> Result<Vec<(TraceId, TraceFold)>> {
    let mut reader = Reader::new(envelope::unwrap(bytes)?);
    let folds = reader.list(|reader| {
        let id = reader.trace_id()?;
        let fold = get_fold(reader, &id, None, &mut string)?;
        Ok((id, fold))
    })?;
    reader.finish()?;
    Ok(folds)
}

/// What of a fold lies in columns of their own beside it: start and end, how many spans, checkpoints, log records and
/// errors, and when the last was received, as [`TraceFold`] has them.
pub type FoldColumns = [u64; 7];

/// Tells the word of a number.
pub type FindWord<'w> = &'w mut dyn FnMut(u64) -> Result<String>;

fn columns_of(fold: &TraceFold) -> FoldColumns {
    [fold.start_ns, fold.end_ns, fold.spans, fold.checkpoints, fold.logs, fold.errors, fold.received_s]
}

/// The fold, its columns and its trace's id are one: none can change without the others.
fn key_of(id: &TraceId, columns: &FoldColumns) -> u64 {
    columns.iter().fold(id.hash64(), |key, column| (key ^ column).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
}

/// Encodes the fold of one trace without what lies in the columns beside it; `number` says which names have a number.
/// Columns hold no more than 63 bits, so a fold with more has all of it.
pub fn encode_fold(id: &TraceId, fold: &TraceFold, number: &mut dyn FnMut(&str) -> Option<u64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    let columns = columns_of(fold);
    if columns.iter().any(|column| i64::try_from(*column).is_err()) {
        put_fold(&mut out, id, fold, true, &mut put_text);
        return envelope::wrap_with_key(&out, id.hash64());
    }
    put_fold(&mut out, id, fold, false, &mut |out, text| match number(text) {
        Some(number) => put_varint(out, number),
        None => {
            put_varint(out, NO_WORD);
            put_text(out, text);
        }
    });
    envelope::wrap_with_columns(&out, key_of(id, &columns))
}

/// Stands before a name that has no number.
const NO_WORD: u64 = 0;

/// Reads what [`encode_fold`] wrote of this trace beside these columns. In files before schema 6 folds are whole, and
/// before schema 5 they do not know whose they are.
///
/// # Errors
/// The bytes are no such encoding, or that of another trace, the columns are others, and those of `word`.
pub fn decode_fold(id: &TraceId, columns: &FoldColumns, bytes: &[u8], word: FindWord<'_>) -> Result<TraceFold> {
    let (reader, fold) = match envelope::unwrap_with_columns(bytes, key_of(id, columns))? {
        Some(content) => {
            let mut reader = Reader::new(content);
            let mut text = |reader: &mut Reader| match reader.varint()? {
                NO_WORD => string(reader),
                number => word(number),
            };
            let fold = get_fold(&mut reader, id, Some(columns), &mut text)?;
            (reader, fold)
        }
        None => {
            let mut reader = Reader::new(envelope::unwrap_with_key(bytes, id.hash64())?);
            let fold = get_fold(&mut reader, id, None, &mut string)?;
            (reader, fold)
        }
    };
    reader.finish()?;
    Ok(fold)
}

/// Appends a name.
type PutText<'p> = &'p mut dyn FnMut(&mut Vec<u8>, &str);

/// Reads a name.
type GetText<'g> = &'g mut dyn FnMut(&mut Reader) -> Result<String>;

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

fn put_fold(out: &mut Vec<u8>, id: &TraceId, fold: &TraceFold, with_columns: bool, put_text: PutText<'_>) {
    let present = [
        fold.root.is_some(),
        fold.workflow.is_some(),
        fold.inference.is_some(),
        fold.aggregate.is_some(),
        fold.received_s > 0,
        !fold.odd.is_empty(),
        !fold.usages.is_empty(),
    ];
    out.push(present.iter().rev().fold(0, |bits, bit| bits << 1 | u8::from(*bit)));
    if with_columns {
        put_varint(out, fold.start_ns);
        put_signed(out, fold.end_ns.wrapping_sub(fold.start_ns) as i64);
        for count in [fold.spans, fold.checkpoints, fold.logs, fold.errors] {
            put_varint(out, count);
        }
        if fold.received_s > 0 {
            put_varint(out, fold.received_s);
        }
    }
    put_varint(out, fold.open.len() as u64);
    for (operation, difference) in &fold.open {
        out.extend_from_slice(&operation.to_le_bytes());
        put_signed(out, *difference);
    }
    put_varint(out, fold.services.len() as u64);
    fold.services.iter().for_each(|service| put_text(out, service));
    for candidate in [&fold.root, &fold.workflow].into_iter().flatten() {
        put_candidate(out, candidate, id, fold, put_text);
    }
    for usage in [&fold.inference, &fold.aggregate].into_iter().flatten() {
        put_usage(out, usage);
    }
    if !fold.odd.is_empty() {
        put_odd(out, id, fold, put_text);
    }
    if !fold.usages.is_empty() {
        put_varint(out, fold.usages.len() as u64);
        fold.usages.iter().for_each(|usage| put_span_usage(out, usage, fold.start_ns));
    }
}

fn get_fold(reader: &mut Reader, id: &TraceId, columns: Option<&FoldColumns>, text: GetText<'_>) -> Result<TraceFold> {
    let present = reader.byte()?;
    let has = |bit: u8| present & (1 << bit) != 0;
    let [start_ns, end_ns, spans, checkpoints, logs, errors, received_s] = match columns {
        Some(columns) => *columns,
        None => {
            let start_ns = reader.varint()?;
            let end_ns = start_ns.wrapping_add(reader.signed()? as u64);
            let mut count = || reader.varint();
            let counts = [count()?, count()?, count()?, count()?];
            let received_s = if has(4) { count()? } else { 0 };
            [start_ns, end_ns, counts[0], counts[1], counts[2], counts[3], received_s]
        }
    };
    let mut fold = TraceFold { start_ns, end_ns, spans, checkpoints, logs, errors, received_s, ..TraceFold::default() };
    let open = reader.count()?;
    fold.open =
        (0..open).map(|_| Ok((u64::from_le_bytes(reader.array()?), reader.signed()?))).collect::<Result<_>>()?;
    let services = reader.count()?;
    fold.services = (0..services).map(|_| text(reader)).collect::<Result<_>>()?;
    fold.root = has(0).then(|| get_candidate(reader, id, start_ns, text)).transpose()?;
    fold.workflow = has(1).then(|| get_candidate(reader, id, start_ns, text)).transpose()?;
    fold.inference = has(2).then(|| get_usage(reader)).transpose()?;
    fold.aggregate = has(3).then(|| get_usage(reader)).transpose()?;
    if has(5) {
        fold.odd = get_odd(reader, id, start_ns, text)?;
    }
    if has(6) {
        let count = reader.count()?;
        fold.usages = (0..count).map(|_| get_span_usage(reader, start_ns)).collect::<Result<_>>()?;
    }
    Ok(fold)
}

/// The candidate has a parent, which is not in the trace.
const CANDIDATE_HAS_PARENT: u64 = 1;
/// The candidate is no span.
const NO_SPAN: u64 = 1 << 1;
/// The candidate is named by the id of its trace, as those of traces without spans are.
const NAMED_BY_ID: u64 = 1 << 2;

fn put_candidate(out: &mut Vec<u8>, candidate: &Candidate, id: &TraceId, fold: &TraceFold, put_text: PutText<'_>) {
    let (has_parent, no_span, start_ns, span_id) = candidate.rank;
    let is_named_by_id = matches!(id, TraceId::Text(text) if *text == candidate.name.as_str());
    out.push(bits_of([(CANDIDATE_HAS_PARENT, has_parent), (NO_SPAN, no_span), (NAMED_BY_ID, is_named_by_id)]) as u8);
    put_signed(out, start_ns.wrapping_sub(fold.start_ns) as i64);
    out.extend_from_slice(&span_id);
    if !is_named_by_id {
        put_text(out, &candidate.name);
    }
    put_text(out, &candidate.service);
}

fn get_candidate(reader: &mut Reader, id: &TraceId, fold_start_ns: u64, text: GetText<'_>) -> Result<Candidate> {
    let bits = u64::from(reader.byte()?);
    let start_ns = fold_start_ns.wrapping_add(reader.signed()? as u64);
    let rank = (bits & CANDIDATE_HAS_PARENT != 0, bits & NO_SPAN != 0, start_ns, reader.array()?);
    let name = if bits & NAMED_BY_ID != 0 { id.to_string() } else { text(reader)? };
    Ok(Candidate { rank, name, service: text(reader)? })
}

fn put_odd(out: &mut Vec<u8>, id: &TraceId, fold: &TraceFold, put_text: PutText<'_>) {
    let OddTimes { eras, unbelieved, ends } = &fold.odd;
    put_varint(out, *ends);
    put_varint(out, eras.len() as u64);
    for Era { start_ns, end_ns, records, root } in eras {
        for number in [*start_ns, *end_ns, *records] {
            put_varint(out, number);
        }
        put_root(out, root.as_ref(), id, fold, put_text);
    }
    out.push(u8::from(unbelieved.is_some()));
    if let Some(Unbelieved { records, received_ns, first_ns, last_ns, root }) = unbelieved {
        for number in [*records, *received_ns, *first_ns, *last_ns] {
            put_varint(out, number);
        }
        put_root(out, root.as_ref(), id, fold, put_text);
    }
}

fn get_odd(reader: &mut Reader, id: &TraceId, fold_start_ns: u64, text: GetText<'_>) -> Result<OddTimes> {
    let (ends, count) = (reader.varint()?, reader.count()?);
    let era = |_| {
        let (start_ns, end_ns, records) = (reader.varint()?, reader.varint()?, reader.varint()?);
        Ok(Era { start_ns, end_ns, records, root: get_root(reader, id, fold_start_ns, text)? })
    };
    let eras = (0..count).map(era).collect::<Result<_>>()?;
    if reader.byte()? == 0 {
        return Ok(OddTimes { eras, unbelieved: None, ends });
    }
    let (records, received_ns) = (reader.varint()?, reader.varint()?);
    let (first_ns, last_ns) = (reader.varint()?, reader.varint()?);
    let root = get_root(reader, id, fold_start_ns, text)?;
    Ok(OddTimes { eras, unbelieved: Some(Unbelieved { records, received_ns, first_ns, last_ns, root }), ends })
}

fn put_root(out: &mut Vec<u8>, root: Option<&Candidate>, id: &TraceId, fold: &TraceFold, put_text: PutText<'_>) {
    out.push(u8::from(root.is_some()));
    if let Some(root) = root {
        put_candidate(out, root, id, fold, put_text);
    }
}

fn get_root(reader: &mut Reader, id: &TraceId, fold_start_ns: u64, text: GetText<'_>) -> Result<Option<Candidate>> {
    let has_root = reader.byte()? != 0;
    has_root.then(|| get_candidate(reader, id, fold_start_ns, text)).transpose()
}

/// Bits of what a span that reports usage says.
const HAS_ABOVE: u64 = 1;
const HAS_INPUT: u64 = 1 << 1;
const HAS_OUTPUT: u64 = 1 << 2;
const HAS_COST: u64 = 1 << 3;

fn put_span_usage(out: &mut Vec<u8>, usage: &SpanUsage, fold_start_ns: u64) {
    let present = [
        (HAS_ABOVE, usage.above.is_some()),
        (HAS_INPUT, usage.input.is_some()),
        (HAS_OUTPUT, usage.output.is_some()),
        (HAS_COST, usage.cost_pico.is_some()),
    ];
    out.push(bits_of(present) as u8);
    out.extend_from_slice(&usage.span_id);
    if let Some(above) = usage.above {
        out.extend_from_slice(&above);
    }
    put_signed(out, usage.start_ns.wrapping_sub(fold_start_ns) as i64);
    put_varint(out, usage.end_ns.saturating_sub(usage.start_ns));
    [usage.input, usage.output].into_iter().flatten().for_each(|tokens| put_varint(out, tokens));
    if let Some(pico) = usage.cost_pico {
        put_signed(out, pico);
        put_bytes(out, usage.currency.as_bytes());
    }
}

fn get_span_usage(reader: &mut Reader, fold_start_ns: u64) -> Result<SpanUsage> {
    let present = u64::from(reader.byte()?);
    let has = |bit: u64| present & bit != 0;
    let span_id = reader.array()?;
    let above = has(HAS_ABOVE).then(|| reader.array()).transpose()?;
    let start_ns = fold_start_ns.wrapping_add(reader.signed()? as u64);
    let end_ns = start_ns.saturating_add(reader.varint()?);
    let input = has(HAS_INPUT).then(|| reader.varint()).transpose()?;
    let output = has(HAS_OUTPUT).then(|| reader.varint()).transpose()?;
    let cost_pico = has(HAS_COST).then(|| reader.signed()).transpose()?;
    let currency = if cost_pico.is_some() { string(reader)? } else { String::new() };
    Ok(SpanUsage { span_id, above, start_ns, end_ns, input, output, cost_pico, currency })
}

fn put_usage(out: &mut Vec<u8>, usage: &UsageSum) {
    put_varint(out, usage.input);
    put_varint(out, usage.output);
    put_varint(out, usage.cost_pico.len() as u64);
    for (currency, pico) in &usage.cost_pico {
        put_bytes(out, currency.as_bytes());
        put_signed(out, *pico);
    }
}

fn get_usage(reader: &mut Reader) -> Result<UsageSum> {
    let (input, output, count) = (reader.varint()?, reader.varint()?, reader.count()?);
    let cost_pico = (0..count).map(|_| Ok((string(reader)?, reader.signed()?))).collect::<Result<_>>()?;
    Ok(UsageSum { input, output, cost_pico })
}

fn string(reader: &mut Reader) -> Result<String> {
    reader.text().map(|text| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(id: &TraceId, fold: &TraceFold) -> Vec<u8> {
        encode_fold(id, fold, &mut |word| (word == "shop").then_some(7))
    }

    fn decoded(id: &TraceId, fold: &TraceFold, bytes: &[u8]) -> Result<TraceFold> {
        decode_fold(id, &columns_of(fold), bytes, &mut |number| match number {
            7 => Ok("shop".to_owned()),
            _ => Err(super::super::CodecError::Malformed("no such word")),
        })
    }

    #[test]
    fn times_that_do_not_rule_read_back() {
        let root =
            Candidate { rank: (false, false, u64::MAX, [7; 8]), name: "job".to_owned(), service: "shop".to_owned() };
        let era = |start_ns| Era { start_ns, end_ns: start_ns + 9, records: 2, root: Some(root.clone()) };
        let (first_ns, last_ns) = (0, u64::MAX);
        let unbelieved = Unbelieved { records: 3, received_ns: 1 << 60, first_ns, last_ns, root: Some(root.clone()) };
        let odd = [
            OddTimes { ends: 4, ..OddTimes::default() },
            OddTimes { eras: vec![era(1 << 59), era(u64::MAX - 9)], unbelieved: None, ends: 0 },
            OddTimes { eras: vec![era(5)], unbelieved: Some(unbelieved), ends: 1 },
        ];
        for odd in odd {
            let fold = TraceFold { start_ns: 1 << 60, end_ns: 1 << 61, spans: 9, odd, ..TraceFold::default() };
            let id = TraceId::Text("req-1".into());
            assert_eq!(decoded(&id, &fold, &encoded(&id, &fold)), Ok(fold));
        }
    }

    #[test]
    fn usage_of_spans_reads_back() {
        let plain = SpanUsage { span_id: [3; 8], start_ns: 5, end_ns: 5, input: Some(0), ..SpanUsage::default() };
        let full = SpanUsage {
            span_id: [4; 8],
            above: Some([3; 8]),
            start_ns: 1 << 60,
            end_ns: u64::MAX,
            input: Some(u64::MAX),
            output: Some(7),
            cost_pico: Some(-5),
            currency: "EUR".to_owned(),
        };
        let fold = TraceFold {
            spans: 2,
            start_ns: 1 << 60,
            end_ns: 1 << 60,
            usages: vec![plain, full],
            ..TraceFold::default()
        };
        let id = TraceId::Text("req-1".into());
        assert_eq!(decoded(&id, &fold, &encoded(&id, &fold)), Ok(fold));
    }

    #[test]
    fn operations_entered_and_not_left_read_back() {
        let open = [(7, 2), (u64::MAX, -3)].into();
        let fold = TraceFold { checkpoints: 5, open, ..TraceFold::default() };
        let id = TraceId::Text("req-1".into());
        assert_eq!(decoded(&id, &fold, &encoded(&id, &fold)).expect("own fold"), fold);
    }

    #[test]
    fn a_fold_is_that_of_its_trace_only_unless_an_earlier_version_wrote_it() {
        let fold = TraceFold { checkpoints: 5, ..TraceFold::default() };
        let (id, other) = (TraceId::Text("req-1".into()), TraceId::Text("req-0".into()));
        assert_eq!(decoded(&other, &fold, &encoded(&id, &fold)), Err(super::super::CodecError::Checksum));
        let other_columns = TraceFold { checkpoints: 6, ..fold.clone() };
        assert_eq!(decoded(&id, &other_columns, &encoded(&id, &fold)), Err(super::super::CodecError::Checksum));
        let mut earlier = Vec::new();
        put_fold(&mut earlier, &id, &fold, true, &mut put_text);
        let of_version_5 = envelope::wrap_with_key(&earlier, id.hash64());
        assert_eq!(decoded(&id, &fold, &of_version_5).as_ref(), Ok(&fold));
        assert_eq!(decoded(&id, &fold, &envelope::wrap(&earlier)), Ok(fold));
    }
}
