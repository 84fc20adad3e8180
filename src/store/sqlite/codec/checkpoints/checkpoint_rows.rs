//! Checkpoints as the inbox keeps them: row after row, every field in place; lz4 takes care of what repeats.

use super::super::bytes::{Reader, bits_of, put_bytes, put_trace_id, put_varint};
use super::super::error::Result;
use crate::model::{Checkpoint, Direction, Text, TraceId};

/// Bit of a checkpoint with data.
pub const HAS_DATA: u64 = 1;
/// Bit of a checkpoint with the line it was read from.
pub const HAS_RAW_LINE: u64 = 1 << 1;
/// The correlation id is the trace id as it is written out.
const SAME_ID: u64 = 1 << 2;
const HAS_PROJECT: u64 = 1 << 3;

/// Encodes checkpoints in their order, without envelope.
pub fn encode(checkpoints: &[&Checkpoint]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + checkpoints.len() * 128);
    put_varint(&mut out, checkpoints.len() as u64);
    for checkpoint in checkpoints {
        put(&mut out, checkpoint);
    }
    out
}

fn put(out: &mut Vec<u8>, checkpoint: &Checkpoint) {
    let is_same = is_text_of_trace(checkpoint);
    let bits = bits_of([
        (HAS_DATA, checkpoint.data.is_some()),
        (HAS_RAW_LINE, checkpoint.raw_line.is_some()),
        (SAME_ID, is_same),
        (HAS_PROJECT, !checkpoint.project.is_empty()),
    ]);
    put_varint(out, bits);
    put_trace_id(out, &checkpoint.trace_id);
    if !is_same {
        put_bytes(out, checkpoint.correlation_id.as_bytes());
    }
    out.extend_from_slice(&checkpoint.timestamp_ms.to_bits().to_be_bytes());
    let texts = [
        checkpoint.source_id.as_str(),
        &checkpoint.suffix,
        checkpoint.direction.as_str(),
        &checkpoint.operation,
        &checkpoint.endpoint,
        &checkpoint.hostname,
    ];
    texts.into_iter().for_each(|text| put_bytes(out, text.as_bytes()));
    let project = Some(&checkpoint.project).filter(|project| !project.is_empty());
    for text in [checkpoint.data.as_ref(), checkpoint.raw_line.as_ref(), project].into_iter().flatten() {
        put_bytes(out, text.as_bytes());
    }
}

/// Whether the correlation id is what its trace id prints as, which needs no allocation to find out where it matters.
fn is_text_of_trace(checkpoint: &Checkpoint) -> bool {
    matches!(&checkpoint.trace_id, TraceId::Text(text) if *text == checkpoint.correlation_id)
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// The bytes are no such encoding.
pub fn decode(mut reader: Reader) -> Result<Vec<Checkpoint>> {
    let checkpoints = reader.list(get)?;
    reader.finish()?;
    Ok(checkpoints)
}

fn get(reader: &mut Reader) -> Result<Checkpoint> {
    let bits = reader.varint()?;
    let has = |bit| bits & bit != 0;
    let trace_id = reader.trace_id()?;
    let correlation_id = match &trace_id {
        TraceId::Text(text) if has(SAME_ID) => text.clone(),
        _ => reader.text()?,
    };
    let timestamp_ms = f64::from_bits(u64::from_be_bytes(reader.array()?));
    Ok(Checkpoint {
        trace_id,
        correlation_id,
        timestamp_ms,
        source_id: reader.text()?,
        suffix: reader.text()?,
        direction: direction(&reader.text()?),
        operation: reader.text()?,
        endpoint: reader.text()?,
        hostname: reader.text()?,
        data: has(HAS_DATA).then(|| reader.text()).transpose()?,
        raw_line: has(HAS_RAW_LINE).then(|| reader.text()).transpose()?,
        project: has(HAS_PROJECT).then(|| reader.text()).transpose()?.unwrap_or_default(),
    })
}

/// The direction a text names; an unusual text is shared with it.
pub fn direction(text: &Text) -> Direction {
    match Direction::parse(text) {
        Direction::Other(_) => Direction::Other(text.clone()),
        usual => usual,
    }
}
