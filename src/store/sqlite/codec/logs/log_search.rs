//! Which log records of a segment a question names, reading only the columns that can say so.
//!
//! Cheapest first: the times of a block, then levels, then what lies in dictionaries, then messages, then attributes;
//! a block none of whose rows are left is not read further. Which trace a record belongs to and which issue is not
//! decided here.

use super::super::bytes::Reader;
use super::super::columns::{
    AttributeReader, BYTES_PER_BLOCK, BlockIndex, BlockShapes, BlockSummary, ColumnReader, ColumnSource, Known,
    PlaceCells, block_summary,
};
use super::super::error::{CodecError, Result};
use super::super::shared_tables::get_resource;
use super::log_columns::times;
use crate::model::log_match::{Condition, ERROR_KEYS, TextFilter};
use crate::model::{LogMatcher, Needle, Severity};

/// A log record that was found, by where its row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRow {
    /// The block of the row.
    pub block: usize,
    /// The place of the row in the block.
    pub row: usize,
    /// The place of the row in the segment.
    pub row_of_segment: usize,
    /// When the record was made, unix nanoseconds.
    pub time_ns: u64,
    /// The row's share of the bytes that make a block full.
    pub share_bytes: usize,
}

/// The rows that may match and happened from the first to the last of `times_ns`, in their order. None that matches is
/// left out; what the question says of trace and issue is not looked at, but for whether a row tells of an error.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn search_logs(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    matcher: &LogMatcher<'_>,
    times_ns: (u64, u64),
) -> Result<Vec<LogRow>> {
    let mut columns = ColumnReader::new(source);
    let attributes = AttributeReader::open(&mut columns)?;
    let mut known = KnownStrings {
        of_service: Known::default(),
        messages: Known::default(),
        resources: vec![
            Known::default();
            matcher.conditions.len() + matcher.text.as_ref().map_or(0, |text| text.elsewhere.len())
        ],
    };
    let mut found = Vec::new();
    let mut rows_before = 0;
    for block in 0..index.len() {
        let summary = block_summary(index, block)?;
        if summary.min_start_ns <= times_ns.1 && summary.max_start_ns >= times_ns.0 {
            let mut search = BlockSearch {
                columns: &mut columns,
                attributes: &attributes,
                block,
                summary,
                shapes: None,
                left: (0..summary.rows).collect(),
            };
            let times = search.run(matcher, &mut known, times_ns)?;
            found.extend(search.left.iter().zip(times).map(|(row, time_ns)| LogRow {
                block,
                row: *row,
                row_of_segment: rows_before + row,
                time_ns,
                share_bytes: BYTES_PER_BLOCK / summary.rows.max(1),
            }));
        }
        rows_before += summary.rows;
    }
    Ok(found)
}

/// What was found out of the strings of a segment.
struct KnownStrings {
    of_service: Known<bool>,
    messages: Known<bool>,
    /// What each condition says of each resource: those of the question, then those of its text.
    resources: Vec<Known<Option<bool>>>,
}

struct BlockSearch<'c, 's> {
    columns: &'c mut ColumnReader<'s>,
    attributes: &'c AttributeReader,
    block: usize,
    summary: &'c BlockSummary,
    shapes: Option<BlockShapes>,
    /// Rows not ruled out yet, in order.
    left: Vec<usize>,
}

impl BlockSearch<'_, '_> {
    /// Rules out rows; returns the times of those that are left.
    fn run(&mut self, matcher: &LogMatcher<'_>, known: &mut KnownStrings, times_ns: (u64, u64)) -> Result<Vec<u64>> {
        if let Some(least) = matcher.query.level {
            self.keep_level(least)?;
        }
        let mut times = self.keep_times(times_ns)?;
        if let Some(service) = matcher.query.service.as_deref() {
            self.keep_service(service, &mut known.of_service)?;
        }
        if matcher.wants_errors() {
            self.keep_errors()?;
        }
        let (conditions, elsewhere) = known.resources.split_at_mut(matcher.conditions.len());
        for (condition, resources) in matcher.conditions.iter().zip(conditions) {
            if self.left.is_empty() {
                return Ok(Vec::new());
            }
            let holds = self.holds(condition, resources)?;
            self.left.retain(|row| holds[*row]);
        }
        if let Some(text) = &matcher.text {
            self.keep_text(text, &mut known.messages, elsewhere)?;
        }
        let mut place = 0;
        times.retain(|(row, _)| {
            let is_left = self.left.get(place) == Some(row);
            place += usize::from(is_left);
            is_left
        });
        Ok(times.into_iter().map(|(_, time_ns)| time_ns).collect())
    }

    fn keep_level(&mut self, least: Severity) -> Result<()> {
        let severities = self.columns.numbers("severity", self.block, self.summary.rows)?;
        self.keep(|row| Ok(severities.get(row)? >= least as u64))
    }

    /// Keeps what happened in time; returns when the rows that are left did.
    fn keep_times(&mut self, (from_ns, to_ns): (u64, u64)) -> Result<Vec<(usize, u64)>> {
        if self.left.is_empty() {
            return Ok(Vec::new());
        }
        let times = times(self.columns, self.block, self.summary.rows, self.summary.min_start_ns)?;
        self.keep(|row| Ok(times.get(row).is_some_and(|time| (from_ns..=to_ns).contains(&time.0))))?;
        Ok(self.left.iter().filter_map(|row| Some((*row, times.get(*row)?.0))).collect())
    }

    fn keep_service(&mut self, service: &str, known: &mut Known<bool>) -> Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        let resources = self.columns.strings("resource", self.block, self.summary.rows)?;
        // An encoded resource begins with its service.
        self.keep(|row| known.look_up(&resources, row, |bytes| Ok(Reader::new(bytes).text()? == service)))
    }

    fn keep_errors(&mut self) -> Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        let severities = self.columns.numbers("severity", self.block, self.summary.rows)?;
        let mut tells = vec![false; self.summary.rows];
        for key in ERROR_KEYS {
            self.each_value(key, &mut |row, _, _| {
                tells[row] = true;
                Ok(())
            })?;
        }
        self.keep(|row| Ok(tells[row] || severities.get(row)? >= Severity::Error as u64))
    }

    fn keep_text(
        &mut self,
        text: &TextFilter,
        messages: &mut Known<bool>,
        resources: &mut [Known<Option<bool>>],
    ) -> Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        let mut matches = vec![false; self.summary.rows];
        let strings = self.columns.strings("message", self.block, self.summary.rows)?;
        for row in &self.left {
            // A message without a place in the dictionary hardly comes again.
            matches[*row] = match strings.code(*row)? {
                Some(_) => messages.look_up(&strings, *row, |bytes| is_in(&text.needle, &bytes))?,
                None => is_in(&text.needle, strings.slice(*row)?)?,
            };
        }
        for (condition, resources) in text.elsewhere.iter().zip(resources) {
            let holds = self.holds(condition, resources)?;
            matches.iter_mut().zip(holds).for_each(|(matches, holds)| *matches |= holds);
        }
        self.left.retain(|row| matches[*row]);
        Ok(())
    }

    /// Of which rows a condition holds; of those ruled out already it may say anything.
    fn holds(&mut self, condition: &Condition<'_>, known: &mut Known<Option<bool>>) -> Result<Vec<bool>> {
        let mut verdicts: Vec<Option<bool>> = vec![None; self.summary.rows];
        for place in condition.own_places() {
            self.each_value(place.key, &mut |row, cells, cell| {
                if verdicts[row].is_none() {
                    verdicts[row] = condition.verdict_at(place, &cells.pair(cell)?.1);
                }
                Ok(())
            })?;
        }
        if verdicts.iter().any(Option::is_none) {
            let resources = self.columns.strings("resource", self.block, self.summary.rows)?;
            let look = |bytes| Ok(condition.verdict(&get_resource(&mut Reader::new(bytes))?.attributes));
            for row in self.left.iter().filter(|row| verdicts[**row].is_none()).copied().collect::<Vec<_>>() {
                verdicts[row] = known.look_up(&resources, row, look)?;
            }
        }
        Ok(verdicts.into_iter().map(|verdict| condition.concludes(verdict)).collect())
    }

    /// Tells each row that has an attribute of a key, with its value.
    fn each_value(&mut self, key: &str, found: &mut dyn FnMut(usize, &PlaceCells, usize) -> Result<()>) -> Result<()> {
        if !self.attributes.may_have(key) {
            return Ok(());
        }
        if self.shapes.is_none() {
            self.shapes = Some(self.attributes.block(self.columns, self.block, self.summary.rows)?);
        }
        let shapes = self.shapes.as_ref().ok_or(CodecError::MissingColumn)?;
        self.attributes.find(self.columns, shapes, key, found)
    }

    fn keep(&mut self, mut wanted: impl FnMut(usize) -> Result<bool>) -> Result<()> {
        let mut kept = Vec::with_capacity(self.left.len());
        for row in &self.left {
            if wanted(*row)? {
                kept.push(*row);
            }
        }
        self.left = kept;
        Ok(())
    }
}

fn is_in(needle: &Needle, bytes: &[u8]) -> Result<bool> {
    let text = std::str::from_utf8(bytes).map_err(|_| CodecError::Malformed("text is not UTF-8"))?;
    Ok(needle.is_in(text))
}
