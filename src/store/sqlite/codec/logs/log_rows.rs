//! Log records as the inbox keeps them: row after row behind tables of what many rows share.

use super::super::bytes::{Reader, bits_of, put_body, put_bytes, put_signed, put_trace_id, put_varint};
use super::super::error::{CodecError, Result};
use super::super::shared_tables::{ReadTables, SharedTables, entry, put_resource, put_scope};
use crate::model::{LogRecord, Nanos, Severity};

const HAS_TRACE: u64 = 1;
const HAS_SPAN: u64 = 1 << 1;
const HAS_REQUEST: u64 = 1 << 2;

/// Encodes log records in their order, without envelope.
pub fn encode(logs: &[&LogRecord]) -> Vec<u8> {
    let mut tables = SharedTables::default();
    let mut rows = Vec::with_capacity(logs.len() * 160);
    let mut previous = 0;
    for log in logs {
        let resource = tables.resources.id(&log.resource, put_resource);
        let scope = tables.scopes.id(&log.scope, put_scope);
        let shape = tables.shapes.id(&log.attributes);
        put_varint(
            &mut rows,
            bits_of([
                (HAS_TRACE, log.trace_id.is_some()),
                (HAS_SPAN, log.span_id.is_some()),
                (HAS_REQUEST, log.request != 0),
            ]),
        );
        rows.push(log.severity as u8);
        for id in [resource, scope, shape] {
            put_varint(&mut rows, id as u64);
        }
        put_signed(&mut rows, log.time.0.wrapping_sub(previous) as i64);
        previous = log.time.0;
        if let Some(trace_id) = &log.trace_id {
            put_trace_id(&mut rows, trace_id);
        }
        if let Some(span_id) = log.span_id {
            rows.extend_from_slice(&span_id.0);
        }
        log.attributes.iter().for_each(|(_, value)| put_body(&mut rows, value));
        put_bytes(&mut rows, log.message.as_bytes());
        if log.request != 0 {
            rows.extend_from_slice(&log.request.to_le_bytes());
        }
    }
    tables.join(logs.len(), &rows)
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// The bytes are no such encoding.
pub fn decode(mut reader: Reader) -> Result<Vec<LogRecord>> {
    let tables = ReadTables::read(&mut reader)?;
    let mut previous = 0;
    let logs = reader.list(|reader| {
        let log = get(&tables, reader, previous)?;
        previous = log.time.0;
        Ok(log)
    })?;
    reader.finish()?;
    Ok(logs)
}

fn get(tables: &ReadTables, reader: &mut Reader, previous: u64) -> Result<LogRecord> {
    let present = reader.varint()?;
    let severity = severity(u64::from(reader.byte()?))?;
    let resource = entry(&tables.resources, reader)?.clone();
    let scope = entry(&tables.scopes, reader)?.clone();
    let shape = entry(&tables.shapes, reader)?;
    let time = Nanos(previous.wrapping_add(reader.signed()? as u64));
    let trace_id = (present & HAS_TRACE != 0).then(|| reader.trace_id()).transpose()?;
    let span_id = (present & HAS_SPAN != 0).then(|| reader.span_id()).transpose()?;
    let (attributes, message) = (ReadTables::attributes(reader, shape)?, reader.text()?);
    let request = if present & HAS_REQUEST != 0 { u64::from_le_bytes(reader.array()?) } else { 0 };
    Ok(LogRecord { time, severity, message, trace_id, span_id, attributes, resource, scope, request })
}

/// The severity a number stands for.
pub fn severity(number: u64) -> Result<Severity> {
    let place = usize::try_from(number).unwrap_or(usize::MAX);
    Severity::ALL.get(place).copied().ok_or(CodecError::Malformed("severity"))
}
