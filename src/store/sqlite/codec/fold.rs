//! Trace folds in bytes: what an inbox row says of its traces and what the table of traces keeps.

use super::bytes::{Reader, bits_of, envelope, put_bytes, put_signed, put_trace_id, put_varint};
use super::error::Result;
use crate::model::trace::{Candidate, UsageSum};
use crate::model::{TraceFold, TraceId};

/// Encodes folds with their trace ids, in the order given.
pub fn encode_folds(folds: &[(TraceId, TraceFold)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + folds.len() * 96);
    put_varint(&mut out, folds.len() as u64);
    for (id, fold) in folds {
        put_trace_id(&mut out, id);
        put_fold(&mut out, id, fold);
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
        let fold = get_fold(reader, &id)?;
        Ok((id, fold))
    })?;
    reader.finish()?;
    Ok(folds)
}

/// Encodes the fold of one trace, which lies beside the trace's id: neither can change without the other.
pub fn encode_fold(id: &TraceId, fold: &TraceFold) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    put_fold(&mut out, id, fold);
    envelope::wrap_with_key(&out, id.hash64())
}

/// Reads what [`encode_fold`] wrote of this trace. Folds of files before schema 5 do not know whose they are.
///
/// # Errors
/// The bytes are no such encoding, or that of another trace.
pub fn decode_fold(id: &TraceId, bytes: &[u8]) -> Result<TraceFold> {
    let mut reader = Reader::new(envelope::unwrap_with_key(bytes, id.hash64())?);
    let fold = get_fold(&mut reader, id)?;
    reader.finish()?;
    Ok(fold)
}

fn put_fold(out: &mut Vec<u8>, id: &TraceId, fold: &TraceFold) {
    let present = [
        fold.root.is_some(),
        fold.workflow.is_some(),
        fold.inference.is_some(),
        fold.aggregate.is_some(),
        fold.received_s > 0,
    ];
    out.push(present.iter().rev().fold(0, |bits, bit| bits << 1 | u8::from(*bit)));
    put_varint(out, fold.start_ns);
    put_signed(out, fold.end_ns.wrapping_sub(fold.start_ns) as i64);
    for count in [fold.spans, fold.checkpoints, fold.logs, fold.errors] {
        put_varint(out, count);
    }
    if fold.received_s > 0 {
        put_varint(out, fold.received_s);
    }
    put_varint(out, fold.open.len() as u64);
    for (operation, difference) in &fold.open {
        out.extend_from_slice(&operation.to_le_bytes());
        put_signed(out, *difference);
    }
    put_varint(out, fold.services.len() as u64);
    fold.services.iter().for_each(|service| put_bytes(out, service.as_bytes()));
    for candidate in [&fold.root, &fold.workflow].into_iter().flatten() {
        put_candidate(out, candidate, id, fold);
    }
    for usage in [&fold.inference, &fold.aggregate].into_iter().flatten() {
        put_usage(out, usage);
    }
}

fn get_fold(reader: &mut Reader, id: &TraceId) -> Result<TraceFold> {
    let present = reader.byte()?;
    let has = |bit: u8| present & (1 << bit) != 0;
    let start_ns = reader.varint()?;
    let mut fold = TraceFold {
        start_ns,
        end_ns: start_ns.wrapping_add(reader.signed()? as u64),
        spans: reader.varint()?,
        checkpoints: reader.varint()?,
        logs: reader.varint()?,
        errors: reader.varint()?,
        received_s: if has(4) { reader.varint()? } else { 0 },
        ..TraceFold::default()
    };
    let open = reader.count()?;
    fold.open =
        (0..open).map(|_| Ok((u64::from_le_bytes(reader.array()?), reader.signed()?))).collect::<Result<_>>()?;
    let services = reader.count()?;
    fold.services = (0..services).map(|_| string(reader)).collect::<Result<_>>()?;
    fold.root = has(0).then(|| get_candidate(reader, id, start_ns)).transpose()?;
    fold.workflow = has(1).then(|| get_candidate(reader, id, start_ns)).transpose()?;
    fold.inference = has(2).then(|| get_usage(reader)).transpose()?;
    fold.aggregate = has(3).then(|| get_usage(reader)).transpose()?;
    Ok(fold)
}

/// The candidate has a parent, which is not in the trace.
const CANDIDATE_HAS_PARENT: u64 = 1;
/// The candidate is no span.
const NO_SPAN: u64 = 1 << 1;
/// The candidate is named by the id of its trace, as those of traces without spans are.
const NAMED_BY_ID: u64 = 1 << 2;

fn put_candidate(out: &mut Vec<u8>, candidate: &Candidate, id: &TraceId, fold: &TraceFold) {
    let (has_parent, no_span, start_ns, span_id) = candidate.rank;
    let is_named_by_id = matches!(id, TraceId::Text(text) if *text == candidate.name.as_str());
    out.push(bits_of([(CANDIDATE_HAS_PARENT, has_parent), (NO_SPAN, no_span), (NAMED_BY_ID, is_named_by_id)]) as u8);
    put_signed(out, start_ns.wrapping_sub(fold.start_ns) as i64);
    out.extend_from_slice(&span_id);
    if !is_named_by_id {
        put_bytes(out, candidate.name.as_bytes());
    }
    put_bytes(out, candidate.service.as_bytes());
}

fn get_candidate(reader: &mut Reader, id: &TraceId, fold_start_ns: u64) -> Result<Candidate> {
    let bits = u64::from(reader.byte()?);
    let start_ns = fold_start_ns.wrapping_add(reader.signed()? as u64);
    let rank = (bits & CANDIDATE_HAS_PARENT != 0, bits & NO_SPAN != 0, start_ns, reader.array()?);
    let name = if bits & NAMED_BY_ID != 0 { id.to_string() } else { string(reader)? };
    Ok(Candidate { rank, name, service: string(reader)? })
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

    #[test]
    fn operations_entered_and_not_left_read_back() {
        let open = [(7, 2), (u64::MAX, -3)].into();
        let fold = TraceFold { checkpoints: 5, open, ..TraceFold::default() };
        let id = TraceId::Text("req-1".into());
        assert_eq!(decode_fold(&id, &encode_fold(&id, &fold)).expect("own fold"), fold);
    }

    #[test]
    fn a_fold_is_that_of_its_trace_only_unless_an_earlier_version_wrote_it() {
        let fold = TraceFold { checkpoints: 5, ..TraceFold::default() };
        let (id, other) = (TraceId::Text("req-1".into()), TraceId::Text("req-0".into()));
        assert_eq!(decode_fold(&other, &encode_fold(&id, &fold)), Err(super::super::CodecError::Checksum));
        let mut earlier = Vec::new();
        put_fold(&mut earlier, &id, &fold);
        assert_eq!(decode_fold(&id, &envelope::wrap(&earlier)), Ok(fold));
    }
}
