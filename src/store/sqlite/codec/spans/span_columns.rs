//! Spans as columns: which column each field of a [`Span`] goes to, and back.
//!
//! Another kind of record needs a file like this one and nothing else.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::super::bytes::{unzigzag, zigzag};
use super::super::columns::{
    AttributeReader, AttributeWriter, BlockIndex, BlockSummary, Cells, ColumnReader, ColumnSource, ColumnWriter,
    Numbers, Segment, SharedValues, Strings, TraceRuns, WantedRows, block_summary, once, seal_rows, trace_runs,
};
use super::super::error::{CodecError, Result};
use super::super::shared_tables::{get_resource, get_scope};
use super::span_rows::{get_events, get_links};
use super::span_slices::{Numbered, SpanRow, SpanRows};
use crate::model::{Attributes, Kind, Nanos, Span, SpanId, Status, StatusCode, Text, TraceId};

/// Codes in the column `parent`; larger ones are how many rows away the parent is, zigzag, plus two.
const NO_PARENT: u64 = 0;
const PARENT_ELSEWHERE: u64 = 1;

/// Seals spans into a segment; with it comes, for each of its rows, the place of the payload it was in.
///
/// # Errors
/// The rows are damaged.
pub fn seal_spans(spans: &SpanRows<'_>) -> Result<(Segment, Vec<usize>)> {
    let mut rows: Vec<&SpanRow<'_>> = spans.rows.iter().collect();
    // Stable, so that records in order stay in their order.
    rows.sort_by(|a, b| a.trace_id.cmp(&b.trace_id).then_with(|| (a.start, a.span_id).cmp(&(b.start, b.span_id))));
    let attributes = AttributeWriter::new(&spans.shapes, rows.iter().map(|row| row.attributes).collect());
    let segment = seal_rows(
        &rows,
        |columns, block, min_start_ns| {
            write_block(columns, spans, &rows[block.clone()], min_start_ns);
            attributes.write_block(columns, block)
        },
        |columns| attributes.finish(columns),
    )?;
    Ok((segment, rows.iter().map(|row| row.payload).collect()))
}

fn write_block<'a>(
    columns: &mut ColumnWriter<'a>,
    tables: &'a SpanRows<'a>,
    spans: &[&SpanRow<'a>],
    min_start_ns: u64,
) {
    columns.raw("trace", &trace_runs(spans));
    let mut numbers = |name: &str, number: &dyn Fn(&SpanRow<'a>) -> u64| {
        let numbers: Vec<u64> = spans.iter().map(|span| number(span)).collect();
        columns.numbers(name, &numbers);
    };
    numbers("span", &|span| u64::from_be_bytes(span.span_id.0));
    numbers("kind", &|span| u64::from(span.kind));
    numbers("status", &|span| u64::from(span.status));
    numbers("duration", &|span| zigzag(span.end.0.wrapping_sub(span.start.0) as i64));
    numbers("flags", &|span| u64::from(span.flags));
    let [attributes, events, links] = [0, 1, 2].map(|what| move |span: &SpanRow<'a>| u64::from(span.dropped[what]));
    numbers("dropped.attributes", &attributes);
    numbers("dropped.events", &events);
    numbers("dropped.links", &links);
    let mut previous = min_start_ns;
    let start =
        |span: &&SpanRow<'a>| zigzag(span.start.0.wrapping_sub(std::mem::replace(&mut previous, span.start.0)) as i64);
    columns.numbers("start", &spans.iter().map(start).collect::<Vec<_>>());
    let (parents, elsewhere) = parents(spans);
    columns.numbers("parent", &parents);
    columns.numbers("parent.id", &elsewhere);
    let mut shared = |name: &str, table: &Numbered<'a>, number: &dyn Fn(&SpanRow<'a>) -> usize| {
        columns.shared_strings(name, &table.entries, &spans.iter().map(|span| number(span)).collect::<Vec<_>>());
    };
    shared("name", &tables.names, &|span| span.name);
    shared("resource", &tables.resources, &|span| span.resource);
    shared("scope", &tables.scopes, &|span| span.scope);
    let all = |part: &dyn Fn(&SpanRow<'a>) -> &'a [u8]| spans.iter().map(|span| part(span)).collect::<Vec<_>>();
    columns.strings("message", &all(&|span| span.message));
    columns.strings("trace_state", &all(&|span| span.trace_state));
    columns.bytes("events", &Cells::new(&all(&|span| span.events)));
    columns.bytes("links", &Cells::new(&all(&|span| span.links)));
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

/// Reads spans, in their order, block after block.
///
/// # Errors
/// The source fails or what it gives is damaged, and those of `visit`.
pub fn each_block_of_spans(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    wanted: WantedRows<'_, impl IntoIterator<Item = usize>>,
    mut visit: impl FnMut(usize, Vec<Span>) -> Result<()>,
) -> Result<()> {
    let mut columns = ColumnReader::new(source);
    let attributes = AttributeReader::open(&mut columns)?;
    let mut shared = SharedValues::default();
    for block in wanted.blocks {
        let summary = block_summary(index, block)?;
        let traces = TraceRuns::read(&mut columns, block, summary.rows)?;
        let rows = traces.rows_of(wanted.trace);
        if !rows.is_empty() {
            let shapes = attributes.block(&mut columns, block, summary.rows)?;
            let attributes = attributes.read(&mut columns, &shapes, rows.clone())?;
            let core = CoreSpan::read(&mut columns, block, summary, rows.clone())?;
            let rest = Rest::read(&mut columns, block, summary.rows)?;
            let mut spans = Vec::with_capacity(rows.len());
            for ((row, attributes), core) in rows.zip(attributes).zip(core) {
                spans.push(rest.span(row, traces.id(row)?, core, attributes, &mut shared)?);
            }
            visit(block, spans)?;
        }
    }
    Ok(())
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
    /// Reads some rows of a block.
    pub fn read(
        columns: &mut ColumnReader<'_>,
        block: usize,
        summary: &BlockSummary,
        rows: Range<usize>,
    ) -> Result<Vec<CoreSpan>> {
        let count = summary.rows;
        let ids = columns.numbers("span", block, count)?;
        let starts = columns.numbers("start", block, count)?;
        let durations = columns.numbers("duration", block, count)?;
        let parents = columns.numbers("parent", block, count)?;
        let names = columns.strings("name", block, count)?;
        let statuses = columns.numbers("status", block, count)?;
        let is_elsewhere = |row| parents.get(row).is_ok_and(|code| code == PARENT_ELSEWHERE);
        let elsewhere = columns.numbers("parent.id", block, (0..count).filter(|row| is_elsewhere(*row)).count())?;
        let mut next_elsewhere = (0..rows.start).filter(|row| is_elsewhere(*row)).count();
        let mut start = summary.min_start_ns;
        for row in 0..rows.start {
            start = start.wrapping_add(unzigzag(starts.get(row)?) as u64);
        }
        let mut spans = Vec::with_capacity(rows.len());
        for row in rows {
            start = start.wrapping_add(unzigzag(starts.get(row)?) as u64);
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
                start: Nanos(start),
                end: Nanos(start.wrapping_add(unzigzag(durations.get(row)?) as u64)),
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

/// The columns only a whole span needs.
struct Rest {
    resources: Strings,
    scopes: Strings,
    kinds: Numbers,
    flags: Numbers,
    dropped: [Numbers; 3],
    messages: Strings,
    trace_states: Strings,
    events: Strings,
    links: Strings,
}

impl Rest {
    fn read(columns: &mut ColumnReader<'_>, block: usize, count: usize) -> Result<Rest> {
        Ok(Rest {
            resources: columns.strings("resource", block, count)?,
            scopes: columns.strings("scope", block, count)?,
            kinds: columns.numbers("kind", block, count)?,
            flags: columns.numbers("flags", block, count)?,
            dropped: [
                columns.numbers("dropped.attributes", block, count)?,
                columns.numbers("dropped.events", block, count)?,
                columns.numbers("dropped.links", block, count)?,
            ],
            messages: columns.strings("message", block, count)?,
            trace_states: columns.strings("trace_state", block, count)?,
            events: columns.strings("events", block, count)?,
            links: columns.strings("links", block, count)?,
        })
    }

    fn span(
        &self,
        row: usize,
        trace_id: &TraceId,
        core: CoreSpan,
        attributes: Attributes,
        shared: &mut SharedValues,
    ) -> Result<Span> {
        let (mut events, mut links) = (self.events.reader(row)?, self.links.reader(row)?);
        Ok(Span {
            trace_id: trace_id.clone(),
            span_id: core.span_id,
            parent_span_id: core.parent,
            trace_state: self.trace_states.text(row)?,
            flags: small(&self.flags, row)?,
            name: core.name,
            kind: Kind::from_number(i64::from(small(&self.kinds, row)?)),
            start: core.start,
            end: core.end,
            attributes,
            dropped_attributes: small(&self.dropped[0], row)?,
            events: if events.remaining() == 0 { Vec::new() } else { get_events(&mut events, core.start)? },
            dropped_events: small(&self.dropped[1], row)?,
            links: if links.remaining() == 0 { Vec::new() } else { get_links(&mut links)? },
            dropped_links: small(&self.dropped[2], row)?,
            status: Status { code: core.status, message: self.messages.text(row)? },
            resource: once(&mut shared.resources, self.resources.bytes(row)?, get_resource)?,
            scope: once(&mut shared.scopes, self.scopes.bytes(row)?, get_scope)?,
        })
    }
}

fn small(numbers: &Numbers, row: usize) -> Result<u32> {
    u32::try_from(numbers.get(row)?).map_err(|_| CodecError::Malformed("number over 32 bits"))
}
