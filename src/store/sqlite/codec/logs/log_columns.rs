//! Log records as columns: which column each field of a [`LogRecord`] goes to, and back.
//!
//! Records that belong to no trace lie under [`NO_TRACE`], which sorts among the others and is taken off again here.

use std::ops::Range;

use super::super::columns::{
    Block, BlockIndex, ColumnReader, ColumnSource, ColumnWriter, Columnar, EncodedAttributes, Known, Segment, Strings,
    TraceRuns, seal_rows,
};
use super::super::error::{CodecError, Result};
use super::super::record::NO_TRACE;
use super::super::shared_tables::{Interned, SharedColumns, get_service, put_resource, put_scope};
use super::log_rows::severity;
use crate::model::{LogRecord, Nanos, Parts, Severity, SpanId, Text, TraceId};

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
    let (mut resources, mut scopes) = (Interned::default(), Interned::default());
    let resource_of_row: Vec<usize> = rows.iter().map(|log| resources.id(&log.resource, put_resource)).collect();
    let scope_of_row: Vec<usize> = rows.iter().map(|log| scopes.id(&log.scope, put_scope)).collect();
    let attributes = EncodedAttributes::new(rows.iter().map(|log| &log.attributes));
    seal_rows(rows, Some(&attributes.writer()), |columns, block, earliest_ns| {
        write_block(columns, &rows[block.clone()], earliest_ns);
        columns.shared_strings("resource", &resources.encoded, resource_of_row[block.clone()].iter().copied());
        columns.shared_strings("scope", &scopes.encoded, scope_of_row[block].iter().copied());
    })
}

fn write_block<'a>(columns: &mut ColumnWriter<'a>, logs: &[&'a LogRecord], earliest_ns: u64) {
    columns.times("time", earliest_ns, logs.iter().map(|log| log.time.0));
    columns.numbers("severity", logs.iter().map(|log| log.severity as u64));
    columns.numbers("has_span", logs.iter().map(|log| u64::from(log.span_id.is_some())));
    columns.numbers("span", logs.iter().map(|log| log.span_id.map_or(0, |span| u64::from_be_bytes(span.0))));
    columns.numbers("request", logs.iter().map(|log| log.request));
    columns.strings("message", logs.iter().map(|log| log.message.as_bytes()));
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
    let mut columns = ColumnReader::new(source);
    let mut shared = SharedColumns::open(&mut columns)?;
    let mut logs = Vec::with_capacity(rows.len());
    for of_block in rows.chunk_by(|a, b| a.0 == b.0) {
        let mut block = columns.block(index, of_block[0].0)?;
        let traces = TraceRuns::read(&mut block)?;
        let rows = of_block.iter().map(|(_, row)| *row);
        logs.extend(read_logs(&mut block, &mut shared, &traces, rows, &Parts::ALL)?);
    }
    Ok(logs)
}

/// Reads these parts of some rows of a block, which come in order.
///
/// # Errors
/// The source fails or what it gives is damaged, or there is no such row.
pub fn read_logs(
    block: &mut Block<'_, '_>,
    shared: &mut SharedColumns,
    traces: &TraceRuns,
    rows: impl Iterator<Item = usize> + Clone,
    parts: &Parts,
) -> Result<Vec<LogRecord>> {
    let attributes = shared.attributes.read(block, rows.clone(), &parts.keys)?;
    let times = block.times("time", block.summary.rows)?;
    let severities = block.numbers("severity")?;
    let (has_span, spans) = (block.numbers("has_span")?, block.numbers("span")?);
    let count = block.summary.rows;
    let messages = if parts.rest { block.strings("message")? } else { Strings::Empty { count } };
    let requests = block.numbers("request")?;
    let (resources, scopes) = (block.strings("resource")?, block.strings("scope")?);
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
            resource: shared.resource(&resources, row)?,
            scope: shared.scope(&scopes, row)?,
            request: requests.get(row)?,
        });
    }
    Ok(logs)
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
    let mut services = Known::<Text>::default();
    let mut logs = Vec::new();
    for number in blocks {
        let mut block = columns.block(index, number)?;
        let traces = TraceRuns::read(&mut block)?;
        let times = block.times("time", block.summary.rows)?;
        let severities = block.numbers("severity")?;
        let resources = block.strings("resource")?;
        for (row, time) in times.into_iter().enumerate() {
            let service = services.look_up(&resources, row, get_service)?;
            let has_trace = *traces.id(row)? != NO_TRACE;
            logs.push(LogForStats { time, severity: severity(severities.get(row)?)?, service, has_trace });
        }
    }
    Ok(logs)
}
