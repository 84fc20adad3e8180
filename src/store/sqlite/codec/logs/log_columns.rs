//! Log records as columns: which column each field of a [`LogRecord`] goes to, and back.
//!
//! Records that belong to no trace lie under [`NO_TRACE`], which sorts among the others and is taken off again here.

use std::ops::Range;

use super::super::bytes::{unzigzag, zigzag};
use super::super::columns::{
    AttributeReader, BlockIndex, BlockSummary, ColumnReader, ColumnSource, ColumnWriter, Columnar, EncodedAttributes,
    Segment, SharedArcs, SharedValues, TraceRuns, WantedRows, block_summary, once, seal_rows, trace_runs,
};
use super::super::error::{CodecError, Result};
use super::super::record::NO_TRACE;
use super::super::shared_tables::{get_resource, get_scope, put_resource, put_scope};
use super::log_rows::severity;
use crate::model::{LogRecord, Nanos, Severity, SpanId, Text, TraceId};

impl Columnar for LogRecord {
    fn trace_id(&self) -> &TraceId {
        self.trace_id.as_ref().unwrap_or(&NO_TRACE)
    }

    fn start(&self) -> Nanos {
        self.time
    }

    fn service(&self) -> &str {
        &self.resource.service
    }

    fn bytes(&self) -> usize {
        self.message.len() + self.attributes.bytes()
    }
}

/// Seals log records that come sorted by trace id and time.
///
/// # Errors
/// None that is known: what is sealed was encoded just before.
pub fn seal_logs(rows: &[&LogRecord]) -> Result<Segment> {
    let resources = SharedArcs::new(rows, |log| &log.resource, put_resource);
    let scopes = SharedArcs::new(rows, |log| &log.scope, put_scope);
    let attributes = EncodedAttributes::new(rows.iter().map(|log| &log.attributes));
    let attributes = attributes.writer();
    seal_rows(
        rows,
        |columns, block, min_start_ns| {
            write_block(columns, &rows[block.clone()], min_start_ns);
            columns.strings("resource", &resources.encoded(block.clone()));
            columns.strings("scope", &scopes.encoded(block.clone()));
            attributes.write_block(columns, block)
        },
        |columns| attributes.finish(columns),
    )
}

fn write_block<'a>(columns: &mut ColumnWriter<'a>, logs: &[&'a LogRecord], min_start_ns: u64) {
    columns.raw("trace", &trace_runs(logs));
    let mut previous = min_start_ns;
    let time = |log: &&LogRecord| zigzag(log.time.0.wrapping_sub(std::mem::replace(&mut previous, log.time.0)) as i64);
    columns.numbers("time", &logs.iter().map(time).collect::<Vec<_>>());
    let mut numbers = |name: &str, number: &dyn Fn(&LogRecord) -> u64| {
        columns.numbers(name, &logs.iter().map(|log| number(log)).collect::<Vec<_>>());
    };
    numbers("severity", &|log| log.severity as u64);
    numbers("has_span", &|log| u64::from(log.span_id.is_some()));
    numbers("span", &|log| log.span_id.map_or(0, |span| u64::from_be_bytes(span.0)));
    columns.strings("message", &logs.iter().map(|log| log.message.as_bytes()).collect::<Vec<_>>());
}

/// Reads log records, in their order, block after block.
///
/// # Errors
/// The source fails or what it gives is damaged, and those of `visit`.
pub fn each_block_of_logs(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    wanted: WantedRows<'_, impl IntoIterator<Item = usize>>,
    mut visit: impl FnMut(usize, Vec<LogRecord>) -> Result<()>,
) -> Result<()> {
    let mut reader = LogReader::open(source)?;
    for block in wanted.blocks {
        let summary = block_summary(index, block)?;
        let traces = TraceRuns::read(&mut reader.columns, block, summary.rows)?;
        let rows = traces.rows_of(wanted.trace);
        if !rows.is_empty() {
            visit(block, reader.read(block, summary, &traces, rows)?)?;
        }
    }
    Ok(())
}

/// Reads chosen log records: `rows` are block and row within it, in order.
///
/// # Errors
/// The source fails or what it gives is damaged, or there is no such row.
pub fn read_log_rows(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    rows: &[(usize, usize)],
) -> Result<Vec<LogRecord>> {
    let mut reader = LogReader::open(source)?;
    let mut logs = Vec::with_capacity(rows.len());
    for of_block in rows.chunk_by(|a, b| a.0 == b.0) {
        let block = of_block.first().map_or(0, |(block, _)| *block);
        let summary = block_summary(index, block)?;
        let traces = TraceRuns::read(&mut reader.columns, block, summary.rows)?;
        logs.extend(reader.read(block, summary, &traces, of_block.iter().map(|(_, row)| *row))?);
    }
    Ok(logs)
}

/// The columns of a segment of log records, and what its rows share.
struct LogReader<'s> {
    columns: ColumnReader<'s>,
    attributes: AttributeReader,
    shared: SharedValues,
}

impl<'s> LogReader<'s> {
    fn open(source: &'s mut dyn ColumnSource) -> Result<LogReader<'s>> {
        let mut columns = ColumnReader::new(source);
        let attributes = AttributeReader::open(&mut columns)?;
        Ok(LogReader { columns, attributes, shared: SharedValues::default() })
    }

    /// Reads rows of a block, which come in order.
    fn read(
        &mut self,
        block: usize,
        summary: &BlockSummary,
        traces: &TraceRuns,
        rows: impl Iterator<Item = usize> + Clone,
    ) -> Result<Vec<LogRecord>> {
        let LogReader { columns, attributes, shared } = self;
        let count = summary.rows;
        let shapes = attributes.block(columns, block, count)?;
        let attributes = attributes.read(columns, &shapes, rows.clone())?;
        let times = times(columns, block, count, summary.min_start_ns)?;
        let severities = columns.numbers("severity", block, count)?;
        let (has_span, spans) = (columns.numbers("has_span", block, count)?, columns.numbers("span", block, count)?);
        let messages = columns.strings("message", block, count)?;
        let (resources, scopes) = (columns.strings("resource", block, count)?, columns.strings("scope", block, count)?);
        let mut logs = Vec::with_capacity(attributes.len());
        for (row, attributes) in rows.zip(attributes) {
            let span_id = SpanId(spans.get(row)?.to_be_bytes());
            let trace_id = traces.id(row)?;
            logs.push(LogRecord {
                time: times.get(row).copied().ok_or(CodecError::Truncated)?,
                severity: severity(severities.get(row)?)?,
                message: messages.text(row)?,
                trace_id: (*trace_id != NO_TRACE).then(|| trace_id.clone()),
                span_id: (has_span.get(row)? != 0).then_some(span_id),
                attributes,
                resource: once(&mut shared.resources, resources.bytes(row)?, get_resource)?,
                scope: once(&mut shared.scopes, scopes.bytes(row)?, get_scope)?,
            });
        }
        Ok(logs)
    }
}

/// When each row of a block happened.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn times(columns: &mut ColumnReader<'_>, block: usize, count: usize, min_start_ns: u64) -> Result<Vec<Nanos>> {
    let differences = columns.numbers("time", block, count)?;
    let mut time = min_start_ns;
    let mut next = |row| {
        time = time.wrapping_add(unzigzag(differences.get(row)?) as u64);
        Ok(Nanos(time))
    };
    (0..count).map(&mut next).collect()
}

/// What statistics need of a log record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogForStats {
    /// When the record was made.
    pub time: Nanos,
    /// How bad what the record tells of is.
    pub severity: Severity,
    /// The service the record is of.
    pub service: Text,
    /// Whether the record belongs to a trace.
    pub has_trace: bool,
}

/// Reads what statistics need of the log records in `blocks`, in their order.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn read_logs_for_stats(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    blocks: Range<usize>,
) -> Result<Vec<LogForStats>> {
    let mut columns = ColumnReader::new(source);
    let mut shared = SharedValues::default();
    let mut logs = Vec::new();
    for block in blocks {
        let summary = block_summary(index, block)?;
        let traces = TraceRuns::read(&mut columns, block, summary.rows)?;
        let times = times(&mut columns, block, summary.rows, summary.min_start_ns)?;
        let severities = columns.numbers("severity", block, summary.rows)?;
        let resources = columns.strings("resource", block, summary.rows)?;
        for (row, time) in times.into_iter().enumerate() {
            let resource = once(&mut shared.resources, resources.bytes(row)?, get_resource)?;
            let service = resource.service.clone();
            let has_trace = *traces.id(row)? != NO_TRACE;
            logs.push(LogForStats { time, severity: severity(severities.get(row)?)?, service, has_trace });
        }
    }
    Ok(logs)
}
