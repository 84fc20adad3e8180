//! Which rows of a block a question can be about, found in the columns of a few keys, so that of the others nothing is
//! read. A row may be found that is not meant, never the other way round.

use bytes::Bytes;

use super::bytes::Reader;
use super::columns::{Block, Known};
use super::error::Result;
use super::shared_tables::{SharedColumns, get_resource, get_scope};
use super::spans::event_columns::rows_with_events;
use crate::model::{Attributes, RecordKind, Value};

/// Tells whether a value under a key is asked for.
pub type IsMet<'t> = Box<dyn Fn(&str, &Value) -> bool + 't>;

/// What one attribute of a record must be.
pub struct RowTest<'t> {
    /// The keys of the attribute, and beginnings of them that may name a map it lies in.
    pub keys: Vec<String>,
    /// Whether it may be one of the record itself.
    pub in_own: bool,
    /// Whether it may be one of the resource.
    pub in_resource: bool,
    /// Whether it may be one of the instrumentation.
    pub in_scope: bool,
    /// Whether it may be one of an event.
    pub in_events: bool,
    /// Whether it may be one of a link.
    pub in_links: bool,
    /// Whether a value under one of the keys is asked for.
    pub is_met: IsMet<'t>,
}

/// The tests of a segment, and what is known of what its rows share.
pub struct Candidates<'t> {
    tests: &'t [RowTest<'t>],
    resources: Vec<Known<bool>>,
    scopes: Vec<Known<bool>>,
}

impl<'t> Candidates<'t> {
    /// All tests must be met.
    pub fn new(tests: &'t [RowTest<'t>]) -> Candidates<'t> {
        let known = || vec![Known::default(); tests.len()];
        Candidates { tests, resources: known(), scopes: known() }
    }

    /// Whether every row is one.
    pub fn are_all(&self) -> bool {
        self.tests.is_empty()
    }

    /// Which rows of a block of spans or log records can meet the tests.
    ///
    /// # Errors
    /// The source fails or what it gives is damaged.
    pub fn find(
        &mut self,
        kind: RecordKind,
        block: &mut Block<'_, '_>,
        shared: &mut SharedColumns,
    ) -> Result<Vec<bool>> {
        let mut found = vec![true; block.summary.rows];
        for (test, (resources, scopes)) in self.tests.iter().zip(self.resources.iter_mut().zip(&mut self.scopes)) {
            let mut rows = vec![false; block.summary.rows];
            if test.in_own {
                for key in &test.keys {
                    shared.attributes.find(block, key, &mut |row, cells, cell| {
                        rows[row] = rows[row] || (test.is_met)(key, &cells.pair(cell)?.1);
                        Ok(())
                    })?;
                }
            }
            if test.in_resource {
                let of_row = block.strings("resource")?;
                for (row, is_found) in rows.iter_mut().enumerate().filter(|(_, is_found)| !**is_found) {
                    *is_found = resources.look_up(&of_row, row, |resource| {
                        Ok(test.is_met_in(&get_resource(&mut Reader::new(resource))?.attributes))
                    })?;
                }
            }
            if test.in_scope {
                let of_row = block.strings("scope")?;
                let has = |scope: Bytes| match scope.is_empty() {
                    true => Ok(false),
                    false => Ok(test.is_met_in(&get_scope(&mut Reader::new(scope))?.attributes)),
                };
                for (row, is_found) in rows.iter_mut().enumerate().filter(|(_, is_found)| !**is_found) {
                    *is_found = scopes.look_up(&of_row, row, has)?;
                }
            }
            if kind == RecordKind::Spans && test.in_events {
                rows_with_events(block, &test.keys, &mut rows)?;
            }
            if kind == RecordKind::Spans && test.in_links {
                let links = block.strings("links")?;
                for (row, is_found) in rows.iter_mut().enumerate() {
                    *is_found = *is_found || !links.slice(row)?.is_empty();
                }
            }
            found.iter_mut().zip(rows).for_each(|(found, row)| *found &= row);
            if !found.contains(&true) {
                break;
            }
        }
        Ok(found)
    }
}

impl RowTest<'_> {
    fn is_met_in(&self, attributes: &Attributes) -> bool {
        self.keys.iter().any(|key| attributes.get(key).is_some_and(|value| (self.is_met)(key, value)))
    }
}
