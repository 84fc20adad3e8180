//! Spans as columns: which column each field of a [`Span`] goes to, and back.
//!
//! Another kind of record needs a file like this one and nothing else.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{
    attributes::{AttributeReader, AttributeWriter},
    bytes::{unzigzag, zigzag},
    columns::{Cells, ColumnReader, ColumnWriter, Numbers, Strings},
    error::{CodecError, Result},
    inbox::{get_events, get_links, get_resource, get_scope, put_events, put_links, put_resource, put_scope},
    index::{BlockIndex, BlockSummary},
    rows::{Columnar, Shared, SharedValues, TraceRuns, block_summary, once, seal_rows, trace_runs},
    segment::{ColumnSource, Segment},
    value::approximate_bytes,
};
use crate::model::{Attributes, Kind, Nanos, Span, SpanId, Status, StatusCode, Text, TraceId};

impl Columnar for Span {
    fn trace_id(&self) -> &TraceId {
        &self.trace_id
    }

    fn start(&self) -> Nanos {
        self.start
    }

    fn service(&self) -> &str {
        Span::service(self)
    }

    fn bytes(&self) -> usize {
        size(self)
    }
}

/// Codes in the column `parent`; larger ones are how many rows away the parent is, zigzag, plus two.
const NO_PARENT: u64 = 0;
const PARENT_ELSEWHERE: u64 = 1;

fn size(span: &Span) -> usize {
    let all = |attributes: &Attributes| {
        attributes.iter().map(|(key, value)| key.len() + approximate_bytes(value)).sum::<usize>()
    };
    let events: usize = span.events.iter().map(|event| event.name.len() + all(&event.attributes)).sum();
    let links: usize = span.links.iter().map(|link| link.trace_state.len() + all(&link.attributes)).sum();
    all(&span.attributes) + events + links + span.name.len() + span.trace_state.len() + span.status.message.len()
}

/// Seals spans that come sorted by trace id, start and span id.
pub fn seal_spans(rows: &[&Span]) -> Segment {
    let resources = Shared::new(rows, |span| &span.resource, put_resource);
    let scopes = Shared::new(rows, |span| &span.scope, put_scope);
    let attributes = AttributeWriter::new(rows.iter().map(|span| &span.attributes).collect());
    seal_rows(
        rows,
        |columns, block, min_start_ns| {
            write_block(columns, &rows[block.clone()], min_start_ns);
            columns.strings("resource", &resources.of(block.clone()));
            columns.strings("scope", &scopes.of(block.clone()));
            attributes.write_block(columns, block);
        },
        |columns| attributes.finish(columns),
    )
}

fn write_block<'a>(columns: &mut ColumnWriter<'a>, spans: &[&'a Span], min_start_ns: u64) {
    columns.raw("trace", &trace_runs(spans));
    let mut numbers = |name: &str, number: &dyn Fn(&Span) -> u64| {
        let numbers: Vec<u64> = spans.iter().map(|span| number(span)).collect();
        columns.numbers(name, &numbers);
    };
    numbers("span", &|span| u64::from_be_bytes(span.span_id.0));
    numbers("kind", &|span| span.kind as u64);
    numbers("status", &|span| span.status.code as u64);
    numbers("duration", &|span| zigzag(span.end.0.wrapping_sub(span.start.0) as i64));
    numbers("flags", &|span| u64::from(span.flags));
    numbers("dropped.attributes", &|span| u64::from(span.dropped_attributes));
    numbers("dropped.events", &|span| u64::from(span.dropped_events));
    numbers("dropped.links", &|span| u64::from(span.dropped_links));
    let mut previous = min_start_ns;
    let start = |span: &&Span| zigzag(span.start.0.wrapping_sub(std::mem::replace(&mut previous, span.start.0)) as i64);
    columns.numbers("start", &spans.iter().map(start).collect::<Vec<_>>());
    let (parents, elsewhere) = parents(spans);
    columns.numbers("parent", &parents);
    columns.numbers("parent.id", &elsewhere);
    let mut strings = |name: &str, string: &dyn Fn(&'a Span) -> &'a Text| {
        let strings: Vec<&[u8]> = spans.iter().map(|span| string(span).as_bytes()).collect();
        columns.strings(name, &strings);
    };
    strings("name", &|span| &span.name);
    strings("message", &|span| &span.status.message);
    strings("trace_state", &|span| &span.trace_state);
    let (mut events, mut links) = (Cells::default(), Cells::default());
    for span in spans {
        events.push(|out| {
            if !span.events.is_empty() {
                put_events(out, &span.events, span.start)
            }
        });
        links.push(|out| {
            if !span.links.is_empty() {
                put_links(out, &span.links)
            }
        });
    }
    columns.bytes("events", &events);
    columns.bytes("links", &links);
}

/// Where the parent of each row is, and the ids of those that are in no row of the same trace and block.
fn parents(spans: &[&Span]) -> (Vec<u64>, Vec<u64>) {
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

/// Reads spans, in their order: those of `blocks`, or only those of one trace in them.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn read_spans(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    blocks: Range<usize>,
    only: Option<&TraceId>,
) -> Result<Vec<Span>> {
    let mut columns = ColumnReader::new(source);
    let attributes = AttributeReader::open(&mut columns)?;
    let mut shared = SharedValues::default();
    let mut spans = Vec::new();
    for block in blocks {
        let summary = block_summary(index, block)?;
        let traces = TraceRuns::read(&mut columns, block, summary.rows)?;
        let rows = traces.rows_of(only);
        if !rows.is_empty() {
            let shapes = attributes.block(&mut columns, block, summary.rows)?;
            let attributes = attributes.read(&mut columns, &shapes, rows.clone())?;
            let core = CoreSpan::read(&mut columns, block, summary, rows.clone())?;
            let rest = Rest::read(&mut columns, block, summary.rows)?;
            for ((row, attributes), core) in rows.zip(attributes).zip(core) {
                spans.push(rest.span(row, traces.id(row)?, core, attributes, &mut shared)?);
            }
        }
    }
    Ok(spans)
}

/// What every reader needs of a row.
pub(super) struct CoreSpan {
    pub(super) span_id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) start: Nanos,
    pub(super) end: Nanos,
    pub(super) name: Text,
    pub(super) status: StatusCode,
}

impl CoreSpan {
    /// Reads some rows of a block.
    pub(super) fn read(
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
