//! Checkpoints as columns: which column each field of a [`Checkpoint`] goes to, and back.
//!
//! Times are doubles of milliseconds, which must come back to the last bit. Almost all of them are whole milliseconds,
//! or have three decimals, or come from a clock of seconds times a thousand and so lie on the grid doubles have at that
//! size; a block takes the coarsest of these units that all its times lie on and stores differences, and the bits
//! themselves where none fits.

use std::ops::Range;

use super::super::bytes::{bits_of, put_varint, unzigzag, zigzag};
use super::super::columns::{
    BlockIndex, Cells, ColumnReader, ColumnSource, ColumnWriter, Columnar, Numbers, Segment, TraceRuns, WantedRows,
    block_summary, put_planes, seal_rows, trace_runs,
};
use super::super::error::{CodecError, Result};
use super::checkpoint_rows::{HAS_DATA, HAS_RAW_LINE, direction};
use crate::model::{Checkpoint, Direction, Nanos, Text, TraceId};

/// What the column `id` says of a correlation id that is the trace id as it prints.
const AS_TRACE_ID: u64 = 0;
/// What the column `id` says of a correlation id that lies in the column `correlation`.
const AS_WRITTEN: u64 = 1;
/// Units of time per millisecond, coarsest first; a double between 2^40 and 2^41, which is now, is a multiple of 2^-12.
const UNITS_PER_MS: [f64; 3] = [1.0, 1_000.0, 4_096.0];
/// Stands where a block has no unit of [`UNITS_PER_MS`]: it holds the bits of its times.
const BITS: u8 = u8::MAX;
/// The first integer beyond which a double does not hold every one.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;
/// The column of projects; segments sealed before there was one lack it.
pub const PROJECT_COLUMN: &str = "project";

impl Columnar for Checkpoint {
    fn trace_id(&self) -> &TraceId {
        &self.trace_id
    }

    fn start(&self) -> Nanos {
        self.time()
    }

    fn service(&self) -> &str {
        &self.source_id
    }

    fn bytes(&self) -> usize {
        let optional = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.len());
        self.correlation_id.len() + self.endpoint.len() + optional(&self.data) + optional(&self.raw_line)
    }
}

/// Seals checkpoints that come sorted by trace id and time.
///
/// # Errors
/// None that is known: nothing here is read.
pub fn seal_checkpoints(rows: &[&Checkpoint]) -> Result<Segment> {
    seal_rows(
        rows,
        |columns, block, _| {
            write_block(columns, &rows[block]);
            Ok(())
        },
        |_| {},
    )
}

fn write_block<'a>(columns: &mut ColumnWriter<'a>, checkpoints: &[&'a Checkpoint]) {
    columns.raw("trace", &trace_runs(checkpoints));
    columns.raw("time", &times(checkpoints));
    let (forms, written) = correlation_ids(checkpoints);
    columns.numbers("id", &forms);
    columns.bytes("correlation", &written);
    let mut strings = |name: &str, string: &dyn Fn(&'a Checkpoint) -> &'a str| {
        let strings: Vec<&[u8]> = checkpoints.iter().map(|checkpoint| string(checkpoint).as_bytes()).collect();
        columns.strings(name, &strings);
    };
    strings("source", &|checkpoint| &checkpoint.source_id);
    strings("suffix", &|checkpoint| &checkpoint.suffix);
    strings("direction", &|checkpoint| checkpoint.direction.as_str());
    strings("operation", &|checkpoint| &checkpoint.operation);
    strings("endpoint", &|checkpoint| &checkpoint.endpoint);
    strings("hostname", &|checkpoint| &checkpoint.hostname);
    strings("data", &|checkpoint| checkpoint.data.as_deref().unwrap_or_default());
    strings("raw_line", &|checkpoint| checkpoint.raw_line.as_deref().unwrap_or_default());
    strings(PROJECT_COLUMN, &|checkpoint| &checkpoint.project);
    let present = |checkpoint: &&Checkpoint| {
        bits_of([(HAS_DATA, checkpoint.data.is_some()), (HAS_RAW_LINE, checkpoint.raw_line.is_some())])
    };
    columns.numbers("present", &checkpoints.iter().map(present).collect::<Vec<_>>());
}

/// The times of rows: the unit, the first time, and how far each is from the one before it.
fn times(checkpoints: &[&Checkpoint]) -> Vec<u8> {
    let unit = UNITS_PER_MS.iter().position(|unit| checkpoints.iter().all(|one| lies_on(one.timestamp_ms, *unit)));
    let number = |checkpoint: &Checkpoint| match unit {
        Some(unit) => (checkpoint.timestamp_ms * UNITS_PER_MS[unit]).round() as i64,
        None => checkpoint.timestamp_ms.to_bits() as i64,
    };
    let first = checkpoints.first().map_or(0, |checkpoint| number(checkpoint));
    let mut previous = first;
    let differences: Vec<u64> = checkpoints
        .iter()
        .map(|checkpoint| {
            let number = number(checkpoint);
            zigzag(number.wrapping_sub(std::mem::replace(&mut previous, number)))
        })
        .collect();
    let mut out = vec![unit.map_or(BITS, |unit| unit as u8)];
    put_varint(&mut out, zigzag(first));
    put_planes(&mut out, &differences);
    out
}

/// Whether a time comes back to the last bit from its number of units.
fn lies_on(timestamp_ms: f64, units_per_ms: f64) -> bool {
    let number = (timestamp_ms * units_per_ms).round();
    number.abs() < MOST_EXACT && (number as i64 as f64 / units_per_ms).to_bits() == timestamp_ms.to_bits()
}

fn read_times(columns: &mut ColumnReader<'_>, block: usize, rows: usize) -> Result<Vec<f64>> {
    let mut content = columns.raw("time", block)?;
    let unit = content.byte()?;
    let units_per_ms = UNITS_PER_MS.get(usize::from(unit)).copied();
    if units_per_ms.is_none() && unit != BITS {
        return Err(CodecError::Malformed("unit of time"));
    }
    let mut number = unzigzag(content.varint()?);
    let differences = Numbers::read(&mut content, rows)?;
    content.finish()?;
    let mut times = Vec::with_capacity(rows);
    for row in 0..rows {
        number = number.wrapping_add(unzigzag(differences.get(row)?));
        times.push(match units_per_ms {
            Some(units_per_ms) => number as f64 / units_per_ms,
            None => f64::from_bits(number as u64),
        });
    }
    Ok(times)
}

/// Of each row how its correlation id follows from its trace id, and those that do not.
fn correlation_ids(checkpoints: &[&Checkpoint]) -> (Vec<u64>, Cells) {
    let (mut forms, mut written) = (Vec::with_capacity(checkpoints.len()), Cells::default());
    for run in checkpoints.chunk_by(|a, b| a.trace_id == b.trace_id) {
        let id = run[0].trace_id.to_string();
        for checkpoint in run {
            let text = checkpoint.correlation_id.as_str();
            let form = if text == id { AS_TRACE_ID } else { AS_WRITTEN };
            forms.push(form);
            written.push(|out| {
                if form == AS_WRITTEN {
                    out.extend_from_slice(text.as_bytes());
                }
            });
        }
    }
    (forms, written)
}

/// Reads checkpoints, in their order, block after block.
///
/// # Errors
/// The source fails or what it gives is damaged, and those of `visit`.
pub fn each_block_of_checkpoints(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    wanted: WantedRows<'_, impl IntoIterator<Item = usize>>,
    mut visit: impl FnMut(usize, Vec<Checkpoint>) -> Result<()>,
) -> Result<()> {
    let mut columns = ColumnReader::new(source);
    for block in wanted.blocks {
        let count = block_summary(index, block)?.rows;
        let traces = TraceRuns::read(&mut columns, block, count)?;
        let rows = traces.rows_of(wanted.trace);
        if !rows.is_empty() {
            let core = read_core(&mut columns, block, count, rows.clone(), &traces)?;
            visit(block, read_rest(&mut columns, block, count, rows, core)?)?;
        }
    }
    Ok(())
}

/// What statistics need of a checkpoint: all that pairs it.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointForStats {
    /// The trace of the checkpoint.
    pub trace_id: TraceId,
    /// The component that recorded the checkpoint.
    pub source_id: Text,
    /// When the checkpoint was recorded, unix milliseconds.
    pub timestamp_ms: f64,
    /// Whether an operation began or ended.
    pub direction: Direction,
    /// What kind of operation began or ended.
    pub operation: Text,
    /// Which operation of that kind.
    pub endpoint: Text,
}

impl CheckpointForStats {
    /// A checkpoint of which everything else is empty, for whoever only pairs it.
    pub fn into_checkpoint(self) -> Checkpoint {
        let CheckpointForStats { trace_id, source_id, timestamp_ms, direction, operation, endpoint } = self;
        Checkpoint {
            trace_id,
            source_id,
            timestamp_ms,
            direction,
            operation,
            endpoint,
            correlation_id: Text::EMPTY,
            suffix: Text::EMPTY,
            data: None,
            hostname: Text::EMPTY,
            raw_line: None,
            project: Text::EMPTY,
        }
    }
}

/// Reads what statistics need of the checkpoints in `blocks`, in their order.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn read_checkpoints_for_stats(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    blocks: Range<usize>,
) -> Result<Vec<CheckpointForStats>> {
    let mut columns = ColumnReader::new(source);
    let mut checkpoints = Vec::new();
    for block in blocks {
        let count = block_summary(index, block)?.rows;
        let traces = TraceRuns::read(&mut columns, block, count)?;
        checkpoints.extend(read_core(&mut columns, block, count, 0..count, &traces)?);
    }
    Ok(checkpoints)
}

fn read_core(
    columns: &mut ColumnReader<'_>,
    block: usize,
    count: usize,
    rows: Range<usize>,
    traces: &TraceRuns,
) -> Result<Vec<CheckpointForStats>> {
    let times = read_times(columns, block, count)?;
    let sources = columns.strings("source", block, count)?;
    let directions = columns.strings("direction", block, count)?;
    let operations = columns.strings("operation", block, count)?;
    let endpoints = columns.strings("endpoint", block, count)?;
    let mut checkpoints = Vec::with_capacity(rows.len());
    for row in rows {
        checkpoints.push(CheckpointForStats {
            trace_id: traces.id(row)?.clone(),
            source_id: sources.text(row)?,
            timestamp_ms: times.get(row).copied().ok_or(CodecError::Truncated)?,
            direction: direction(&directions.text(row)?),
            operation: operations.text(row)?,
            endpoint: endpoints.text(row)?,
        });
    }
    Ok(checkpoints)
}

fn read_rest(
    columns: &mut ColumnReader<'_>,
    block: usize,
    count: usize,
    rows: Range<usize>,
    core: Vec<CheckpointForStats>,
) -> Result<Vec<Checkpoint>> {
    let forms = columns.numbers("id", block, count)?;
    let written = columns.strings("correlation", block, count)?;
    let suffixes = columns.strings("suffix", block, count)?;
    let hostnames = columns.strings("hostname", block, count)?;
    let data = columns.strings("data", block, count)?;
    let raw_lines = columns.strings("raw_line", block, count)?;
    let projects = columns.strings(PROJECT_COLUMN, block, count)?;
    let present = columns.numbers("present", block, count)?;
    let mut known: Option<(TraceId, Text)> = None;
    let mut checkpoints = Vec::with_capacity(core.len());
    for (row, core) in rows.zip(core) {
        let correlation_id = match (forms.get(row)?, &core.trace_id) {
            (AS_TRACE_ID, TraceId::Text(text)) => text.clone(),
            (AS_TRACE_ID, id) => match &known {
                Some((known, text)) if known == id => text.clone(),
                _ => {
                    let text = Text::from(id.to_string());
                    known = Some((id.clone(), text.clone()));
                    text
                }
            },
            (AS_WRITTEN, _) => written.text(row)?,
            _ => return Err(CodecError::Malformed("correlation id")),
        };
        let present = present.get(row)?;
        checkpoints.push(Checkpoint {
            correlation_id,
            suffix: suffixes.text(row)?,
            hostname: hostnames.text(row)?,
            data: (present & HAS_DATA != 0).then(|| data.text(row)).transpose()?,
            raw_line: (present & HAS_RAW_LINE != 0).then(|| raw_lines.text(row)).transpose()?,
            project: projects.text(row)?,
            ..core.into_checkpoint()
        });
    }
    Ok(checkpoints)
}
