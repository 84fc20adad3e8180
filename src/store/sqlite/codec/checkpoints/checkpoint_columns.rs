//! Checkpoints as columns: which column each field of a [`Checkpoint`] goes to, and back.
//!
//! Times are doubles of milliseconds, which must come back to the last bit. Almost all of them are whole milliseconds,
//! or have three decimals, or come from a clock of seconds times a thousand and so lie on the grid doubles have at that
//! size; a block takes the coarsest of these units that all its times lie on and stores differences, and the bits
//! themselves where none fits.

use std::ops::Range;

use super::super::bytes::{bits_of, put_varint, unzigzag, zigzag};
use super::super::columns::{
    Block, BlockIndex, ColumnReader, ColumnSource, ColumnWriter, Columnar, Numbers, Segment, TraceRuns, put_planes,
    seal_rows,
};
use super::super::error::{CodecError, Result};
use super::checkpoint_rows::{HAS_DATA, HAS_RAW_LINE, direction};
use crate::model::{Checkpoint, Nanos, Text, TraceId};

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
    seal_rows(rows, None, |columns, block, _| write_block(columns, &rows[block]))
}

fn write_block<'a>(columns: &mut ColumnWriter<'a>, checkpoints: &[&'a Checkpoint]) {
    columns.raw("time", &times(checkpoints));
    let (forms, written) = correlation_ids(checkpoints);
    columns.numbers("id", forms);
    columns.bytes("correlation", &written);
    let mut strings = |name: &str, string: &dyn Fn(&'a Checkpoint) -> &'a str| {
        columns.strings(name, checkpoints.iter().map(|checkpoint| string(checkpoint).as_bytes()));
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
    columns.numbers("present", checkpoints.iter().map(present));
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
    let difference = |checkpoint: &&Checkpoint| {
        let number = number(checkpoint);
        zigzag(number.wrapping_sub(std::mem::replace(&mut previous, number)))
    };
    let differences: Vec<u64> = checkpoints.iter().map(difference).collect();
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

fn read_times(block: &mut Block<'_, '_>) -> Result<Vec<f64>> {
    let mut content = block.raw("time")?;
    let unit = content.byte()?;
    let units_per_ms = UNITS_PER_MS.get(usize::from(unit)).copied();
    if units_per_ms.is_none() && unit != BITS {
        return Err(CodecError::Malformed("unit of time"));
    }
    let mut number = unzigzag(content.varint()?);
    let differences = Numbers::read(&mut content, block.summary.rows)?;
    content.finish()?;
    let mut time = |row| {
        number = number.wrapping_add(unzigzag(differences.get(row)?));
        Ok(match units_per_ms {
            Some(units_per_ms) => number as f64 / units_per_ms,
            None => f64::from_bits(number as u64),
        })
    };
    (0..block.summary.rows).map(&mut time).collect()
}

/// Of each row how its correlation id follows from its trace id, and those that do not.
fn correlation_ids<'a>(checkpoints: &[&'a Checkpoint]) -> (Vec<u64>, Vec<&'a [u8]>) {
    let of_run = |run: &[&'a Checkpoint]| {
        let id = run[0].trace_id.to_string();
        let form = |checkpoint: &&'a Checkpoint| match checkpoint.correlation_id.as_str() {
            text if text == id => (AS_TRACE_ID, &[][..]),
            text => (AS_WRITTEN, text.as_bytes()),
        };
        run.iter().map(form).collect::<Vec<_>>()
    };
    checkpoints.chunk_by(|a, b| a.trace_id == b.trace_id).flat_map(of_run).unzip()
}

/// Reads what statistics need of the checkpoints in `blocks`, in their order: all that pairs them; everything else is
/// empty.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn read_checkpoints_for_stats(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    blocks: Range<usize>,
) -> Result<Vec<Checkpoint>> {
    let mut columns = ColumnReader::new(source);
    let mut checkpoints = Vec::new();
    for number in blocks {
        let mut block = columns.block(index, number)?;
        let traces = TraceRuns::read(&mut block)?;
        let rows = traces.rows_of(None);
        checkpoints.extend(read_core(&mut block, &traces, rows)?);
    }
    Ok(checkpoints)
}

/// Reads what pairs some rows of a block; everything else is empty.
fn read_core(block: &mut Block<'_, '_>, traces: &TraceRuns, rows: Range<usize>) -> Result<Vec<Checkpoint>> {
    let times = read_times(block)?;
    let sources = block.strings("source")?;
    let directions = block.strings("direction")?;
    let operations = block.strings("operation")?;
    let endpoints = block.strings("endpoint")?;
    let mut checkpoints = Vec::with_capacity(rows.len());
    for row in rows {
        checkpoints.push(Checkpoint {
            trace_id: traces.id(row)?.clone(),
            source_id: sources.text(row)?,
            timestamp_ms: times.get(row).copied().ok_or(CodecError::Truncated)?,
            direction: direction(&directions.text(row)?),
            operation: operations.text(row)?,
            endpoint: endpoints.text(row)?,
            correlation_id: Text::EMPTY,
            suffix: Text::EMPTY,
            data: None,
            hostname: Text::EMPTY,
            raw_line: None,
            project: Text::EMPTY,
        });
    }
    Ok(checkpoints)
}

/// Reads some rows of a block.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn read_checkpoints(block: &mut Block<'_, '_>, traces: &TraceRuns, rows: Range<usize>) -> Result<Vec<Checkpoint>> {
    let mut checkpoints = read_core(block, traces, rows.clone())?;
    let forms = block.numbers("id")?;
    let written = block.strings("correlation")?;
    let suffixes = block.strings("suffix")?;
    let hostnames = block.strings("hostname")?;
    let data = block.strings("data")?;
    let raw_lines = block.strings("raw_line")?;
    let projects = block.strings(PROJECT_COLUMN)?;
    let present = block.numbers("present")?;
    let mut known: Option<(TraceId, Text)> = None;
    for (row, checkpoint) in rows.zip(&mut checkpoints) {
        checkpoint.correlation_id = match (forms.get(row)?, &checkpoint.trace_id) {
            (AS_TRACE_ID, TraceId::Text(text)) => text.clone(),
            (AS_TRACE_ID, id) => match &known {
                Some((known, text)) if known == id => text.clone(),
                _ => known.insert((id.clone(), Text::from(id.to_string()))).1.clone(),
            },
            (AS_WRITTEN, _) => written.text(row)?,
            _ => return Err(CodecError::Malformed("correlation id")),
        };
        let present = present.get(row)?;
        checkpoint.suffix = suffixes.text(row)?;
        checkpoint.hostname = hostnames.text(row)?;
        checkpoint.data = (present & HAS_DATA != 0).then(|| data.text(row)).transpose()?;
        checkpoint.raw_line = (present & HAS_RAW_LINE != 0).then(|| raw_lines.text(row)).transpose()?;
        checkpoint.project = projects.text(row)?;
    }
    Ok(checkpoints)
}
