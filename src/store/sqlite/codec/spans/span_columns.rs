//! Spans as columns: which column each field of a [`Span`] goes to, and back.

use rustc_hash::FxHashMap;

use super::super::bytes::{unzigzag, zigzag};
use super::super::columns::{AttributeWriter, Block, ColumnWriter, Numbers, Segment, Strings, TraceRuns, seal_rows};
use super::super::error::{CodecError, Result};
use super::super::shared_tables::SharedColumns;
use super::event_columns::{EventParts, EventReader, WHOLE};
use super::span_rows::{get_events, get_links};
use super::span_slices::{SpanRow, SpanRows};
use crate::model::{Kind, Nanos, Parts, Span, SpanId, Status, StatusCode, Text};

/// Codes in the column `parent`; larger ones are how many rows away the parent is, zigzag, plus two.
const NO_PARENT: u64 = 0;
const PARENT_ELSEWHERE: u64 = 1;
/// The columns of how many attributes, events and links the SDK dropped.
const DROPPED: [&str; 3] = ["dropped.attributes", "dropped.events", "dropped.links"];

/// Seals spans into a segment; with it comes, for each of its rows, the place of the payload it was in.
///
/// # Errors
/// The rows are damaged.
pub fn seal_spans(spans: &SpanRows<'_>) -> Result<(Segment, Vec<usize>)> {
    let mut rows: Vec<&SpanRow<'_>> = spans.rows.iter().collect();
    // Stable, so that records in order stay in their order.
    rows.sort_by(|a, b| a.trace_id.cmp(&b.trace_id).then_with(|| (a.start, a.span_id).cmp(&(b.start, b.span_id))));
    let attributes = AttributeWriter::new(&spans.shapes, rows.iter().map(|row| row.attributes).collect());
    let events = EventParts::new(rows.iter().map(|row| row.events))?;
    let segment = seal_rows(&rows, Some(&attributes), |columns, block, earliest_ns| {
        write_block(columns, spans, &rows[block.clone()], earliest_ns);
        events.write_block(columns, block);
    })?;
    Ok((segment, rows.iter().map(|row| row.payload).collect()))
}

fn write_block<'a>(columns: &mut ColumnWriter<'a>, tables: &'a SpanRows<'a>, spans: &[&SpanRow<'a>], earliest_ns: u64) {
    columns.numbers("span", spans.iter().map(|span| u64::from_be_bytes(span.span_id.0)));
    columns.numbers("kind", spans.iter().map(|span| u64::from(span.kind)));
    columns.numbers("status", spans.iter().map(|span| u64::from(span.status)));
    columns.numbers("duration", spans.iter().map(|span| zigzag(span.end.0.wrapping_sub(span.start.0) as i64)));
    columns.numbers("flags", spans.iter().map(|span| u64::from(span.flags)));
    for (what, name) in DROPPED.into_iter().enumerate() {
        columns.numbers(name, spans.iter().map(|span| u64::from(span.dropped[what])));
    }
    columns.times("start", earliest_ns, spans.iter().map(|span| span.start.0));
    let (parents, elsewhere) = parents(spans);
    columns.numbers("parent", parents);
    columns.numbers("parent.id", elsewhere);
    columns.shared_strings("name", &tables.names, spans.iter().map(|span| span.name));
    columns.shared_strings("resource", &tables.resources, spans.iter().map(|span| span.resource));
    columns.shared_strings("scope", &tables.scopes, spans.iter().map(|span| span.scope));
    columns.strings("message", spans.iter().map(|span| span.message));
    columns.strings("trace_state", spans.iter().map(|span| span.trace_state));
    columns.bytes("links", &spans.iter().map(|span| span.links).collect::<Vec<_>>());
}

/// Where the parent of each row is, and the ids of those that are in no row of the same trace and block.
fn parents(spans: &[&SpanRow<'_>]) -> (Vec<u64>, Vec<u64>) {
    let (mut codes, mut elsewhere) = (Vec::with_capacity(spans.len()), Vec::new());
    let mut rows: FxHashMap<SpanId, usize> = FxHashMap::default();
    for run in spans.chunk_by(|a, b| a.trace_id == b.trace_id) {
        rows.clear();
        rows.extend(run.iter().enumerate().map(|(row, span)| (span.span_id, row)));
        for (row, span) in run.iter().enumerate() {
            codes.push(match span.parent_span_id {
                None => NO_PARENT,
                Some(parent) => match rows.get(&parent) {
                    Some(parent_row) => zigzag(row as i64 - *parent_row as i64) + 2,
                    None => {
                        elsewhere.push(u64::from_be_bytes(parent.0));
                        PARENT_ELSEWHERE
                    }
                },
            });
        }
    }
    (codes, elsewhere)
}

/// Reads these parts of some rows of a block.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn read_spans(
    block: &mut Block<'_, '_>,
    shared: &mut SharedColumns,
    traces: &TraceRuns,
    rows: &[usize],
    parts: &Parts,
) -> Result<Vec<Span>> {
    let Parts { keys, .. } = parts;
    let attributes = shared.attributes.read(block, rows.iter().copied(), keys)?;
    let core = CoreSpan::read(block, rows.iter().copied())?;
    let (resources, scopes) = (block.strings("resource")?, block.strings("scope")?);
    let kinds = block.numbers("kind")?;
    let count = block.summary.rows;
    let mut numbers = |name| if parts.rest { block.numbers(name) } else { Ok(Numbers::zeros(count)) };
    let flags = numbers("flags")?;
    let [dropped_attributes, dropped_events, dropped_links] = DROPPED.map(&mut numbers);
    let (dropped_attributes, dropped_events, dropped_links) = (dropped_attributes?, dropped_events?, dropped_links?);
    let mut strings = |name, is_wanted| if is_wanted { block.strings(name) } else { Ok(Strings::Empty { count }) };
    let (messages, trace_states) = (strings("message", parts.rest)?, strings("trace_state", parts.rest)?);
    // Segments of earlier versions have all of the events in one column.
    let (whole_events, links) = (strings(WHOLE, parts.events)?, strings("links", parts.links)?);
    let events = if parts.events { EventReader::open(block, keys)? } else { None };
    let mut spans = Vec::with_capacity(rows.len());
    for ((row, attributes), core) in rows.iter().copied().zip(attributes).zip(core) {
        let mut links = links.reader(row)?;
        let events = match &events {
            Some(events) => events.read(row, core.start, keys)?,
            None => {
                let mut events = whole_events.reader(row)?;
                if events.remaining() == 0 { Vec::new() } else { get_events(&mut events, core.start)? }
            }
        };
        spans.push(Span {
            trace_id: traces.id(row)?.clone(),
            span_id: core.span_id,
            parent_span_id: core.parent,
            trace_state: trace_states.text(row)?,
            flags: flags.small(row)?,
            name: core.name,
            kind: Kind::from_number(i64::from(kinds.small(row)?)),
            start: core.start,
            end: core.end,
            attributes,
            dropped_attributes: dropped_attributes.small(row)?,
            events,
            dropped_events: dropped_events.small(row)?,
            links: if links.remaining() == 0 { Vec::new() } else { get_links(&mut links)? },
            dropped_links: dropped_links.small(row)?,
            status: Status { code: core.status, message: messages.text(row)? },
            resource: shared.resource(&resources, row)?,
            scope: shared.scope(&scopes, row)?,
        });
    }
    Ok(spans)
}

/// What every reader needs of a row.
pub struct CoreSpan {
    pub span_id: SpanId,
    pub parent: Option<SpanId>,
    pub start: Nanos,
    pub end: Nanos,
    pub name: Text,
    pub status: StatusCode,
}

impl CoreSpan {
    /// Reads some rows of a block, which come in order.
    ///
    /// # Errors
    /// The source fails or what it gives is damaged.
    pub fn read(block: &mut Block<'_, '_>, rows: impl ExactSizeIterator<Item = usize>) -> Result<Vec<CoreSpan>> {
        let ids = block.numbers("span")?;
        let starts = block.times("start", block.summary.rows)?;
        let durations = block.numbers("duration")?;
        let parents = block.numbers("parent")?;
        let names = block.strings("name")?;
        let statuses = block.numbers("status")?;
        let is_elsewhere = |row| parents.get(row).is_ok_and(|code| code == PARENT_ELSEWHERE);
        let count = (0..block.summary.rows).filter(|row| is_elsewhere(*row)).count();
        let elsewhere = block.some_numbers("parent.id", count)?;
        let (mut passed, mut next_elsewhere) = (0, 0);
        let mut spans = Vec::with_capacity(rows.len());
        for row in rows {
            next_elsewhere += (passed..row).filter(|row| is_elsewhere(*row)).count();
            passed = row + 1;
            let start = *starts.get(row).ok_or(CodecError::Malformed("rows of a block"))?;
            let parent = match parents.get(row)? {
                NO_PARENT => None,
                PARENT_ELSEWHERE => {
                    next_elsewhere += 1;
                    Some(elsewhere.get(next_elsewhere - 1)?)
                }
                code => Some(ids.get(parent_row(row, code)?)?),
            };
            spans.push(CoreSpan {
                span_id: SpanId(ids.get(row)?.to_be_bytes()),
                parent: parent.map(|id| SpanId(id.to_be_bytes())),
                start,
                end: Nanos(start.0.wrapping_add(unzigzag(durations.get(row)?) as u64)),
                name: names.text(row)?,
                status: StatusCode::from_number(i64::try_from(statuses.get(row)?).unwrap_or(0)),
            });
        }
        Ok(spans)
    }
}

fn parent_row(row: usize, code: u64) -> Result<usize> {
    let away = isize::try_from(unzigzag(code - 2)).ok();
    let parent = away.and_then(isize::checked_neg).and_then(|back| row.checked_add_signed(back));
    parent.ok_or(CodecError::Malformed("parent outside its block"))
}
