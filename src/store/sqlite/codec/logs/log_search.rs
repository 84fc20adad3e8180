//! Which log records of a segment a question names, reading only the columns that can say so.
//!
//! Cheapest first: the times of a block, then levels, then what lies in dictionaries, then messages, then attributes;
//! a block none of whose rows are left is not read further. Which trace a record belongs to and which issue is not
//! decided here.

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::super::bytes::{Reader, Type, to_str};
use super::super::columns::{
    AttributeReader, BYTES_PER_BLOCK, Block, BlockIndex, ColumnReader, ColumnSource, Known, PlaceCells,
};
use super::super::error::Result;
use super::super::shared_tables::{get_resource, get_service};
use crate::model::log_match::{Condition, ERROR_KEYS, TextFilter};
use crate::model::{LogMatcher, Nanos, Needle, Severity};

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
    let mut attributes = AttributeReader::open(&mut columns)?;
    let conditions = matcher.conditions.len() + matcher.text.as_ref().map_or(0, |text| text.elsewhere.len());
    let mut known = KnownStrings {
        of_service: Known::default(),
        messages: Known::default(),
        resources: vec![Known::default(); conditions],
        attributes: FxHashMap::default(),
    };
    let mut found = Vec::new();
    let mut rows_before = 0;
    for (number, summary) in index.iter().enumerate() {
        if summary.min_start_ns <= times_ns.1 && summary.max_start_ns >= times_ns.0 {
            let block = columns.block(index, number)?;
            let mut search = BlockSearch { block, attributes: &mut attributes, left: (0..summary.rows).collect() };
            let times = search.run(matcher, &mut known, times_ns)?;
            found.extend(search.left.iter().filter_map(|row| {
                Some(LogRow {
                    block: number,
                    row: *row,
                    row_of_segment: rows_before + row,
                    time_ns: times.get(*row)?.0,
                    share_bytes: BYTES_PER_BLOCK / summary.rows.max(1),
                })
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
    /// In which of the texts of each attribute column the text stands.
    attributes: FxHashMap<usize, Known<bool>>,
}

struct BlockSearch<'c, 's> {
    block: Block<'c, 's>,
    attributes: &'c mut AttributeReader,
    /// Rows not ruled out yet, in order.
    left: Vec<usize>,
}

impl BlockSearch<'_, '_> {
    /// Rules out rows; returns the times of all rows, if any are left.
    fn run(&mut self, matcher: &LogMatcher<'_>, known: &mut KnownStrings, times_ns: (u64, u64)) -> Result<Vec<Nanos>> {
        if let Some(least) = matcher.query.level {
            self.keep_level(least)?;
        }
        let times = self.keep_times(times_ns)?;
        if let Some(service) = matcher.query.service.as_deref() {
            self.keep_service(service, &mut known.of_service)?;
        }
        if matcher.wants_errors() {
            self.keep_errors()?;
        }
        let KnownStrings { resources, messages, attributes, .. } = known;
        let (conditions, elsewhere) = resources.split_at_mut(matcher.conditions.len());
        for (condition, resources) in matcher.conditions.iter().zip(conditions) {
            if self.left.is_empty() {
                return Ok(Vec::new());
            }
            let holds = self.holds(condition, resources)?;
            self.left.retain(|row| holds[*row]);
        }
        if let Some(text) = &matcher.text {
            self.keep_text(text, messages, elsewhere, attributes)?;
        }
        Ok(times)
    }

    fn keep_level(&mut self, least: Severity) -> Result<()> {
        let severities = self.block.numbers("severity")?;
        self.keep(|row| Ok(severities.get(row)? >= least as u64))
    }

    /// Keeps what happened in time; returns when each row of the block happened.
    fn keep_times(&mut self, (from_ns, to_ns): (u64, u64)) -> Result<Vec<Nanos>> {
        if self.left.is_empty() {
            return Ok(Vec::new());
        }
        let times = self.block.times("time", self.block.summary.rows)?;
        self.left.retain(|row| (from_ns..=to_ns).contains(&times[*row].0));
        Ok(times)
    }

    fn keep_service(&mut self, service: &str, known: &mut Known<bool>) -> Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        let resources = self.block.strings("resource")?;
        self.keep(|row| known.look_up(&resources, row, |bytes| Ok(get_service(bytes)? == service)))
    }

    fn keep_errors(&mut self) -> Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        let severities = self.block.numbers("severity")?;
        let mut tells = vec![false; self.block.summary.rows];
        for key in ERROR_KEYS {
            self.attributes.find(&mut self.block, key, &mut |row, _, _| {
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
        attributes: &mut FxHashMap<usize, Known<bool>>,
    ) -> Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        let mut matches = vec![false; self.block.summary.rows];
        let strings = self.block.strings("message")?;
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
        self.find_in_attributes(text, attributes, &mut matches)?;
        self.left.retain(|row| matches[*row]);
        Ok(())
    }

    /// Says for the rows that are left and do not match yet whether the text stands in one of their attributes.
    fn find_in_attributes(
        &mut self,
        text: &TextFilter,
        known: &mut FxHashMap<usize, Known<bool>>,
        matches: &mut [bool],
    ) -> Result<()> {
        let mut is_open = vec![false; matches.len()];
        self.left.iter().for_each(|row| is_open[*row] = !matches[*row]);
        if !is_open.contains(&true) {
            return Ok(());
        }
        let wanted = |key: &str, kind| {
            let is_plain = matches!(kind, Type::Empty | Type::Bool | Type::Int | Type::Double);
            TextFilter::looks_into(key) && (!is_plain || text.may_be_plain)
        };
        self.attributes.each(&mut self.block, &wanted, &mut |row, column, cells, cell| {
            if !is_open[row] || matches[row] {
                return Ok(());
            }
            matches[row] = match cells {
                PlaceCells::Strings(_, Type::String, strings) => match strings.code(cell)? {
                    Some(_) => {
                        let look = |bytes: Bytes| is_in(&text.needle, &bytes);
                        known.entry(column).or_default().look_up(strings, cell, look)?
                    }
                    None => is_in(&text.needle, strings.slice(cell)?)?,
                },
                _ => {
                    let (key, value) = cells.pair(cell)?;
                    TextFilter::looks_into(&key) && text.is_in_value(&value)
                }
            };
            Ok(())
        })
    }

    /// Of which rows a condition holds; of those ruled out already it may say anything.
    fn holds(&mut self, condition: &Condition<'_>, known: &mut Known<Option<bool>>) -> Result<Vec<bool>> {
        let mut verdicts: Vec<Option<bool>> = vec![None; self.block.summary.rows];
        for place in condition.own_places() {
            self.attributes.find(&mut self.block, place.key, &mut |row, cells, cell| {
                if verdicts[row].is_none() {
                    verdicts[row] = condition.verdict_at(place, &cells.pair(cell)?.1);
                }
                Ok(())
            })?;
        }
        if verdicts.iter().any(Option::is_none) {
            let resources = self.block.strings("resource")?;
            let look = |bytes| Ok(condition.verdict(&get_resource(&mut Reader::new(bytes))?.attributes));
            for row in self.left.iter().filter(|row| verdicts[**row].is_none()).copied().collect::<Vec<_>>() {
                verdicts[row] = known.look_up(&resources, row, look)?;
            }
        }
        Ok(verdicts.into_iter().map(|verdict| condition.concludes(verdict)).collect())
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
    Ok(needle.is_in(to_str(bytes)?))
}
