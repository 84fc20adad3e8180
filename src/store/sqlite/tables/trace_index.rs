//! Which row of `traces` an OpenTelemetry trace id leads to.
//!
//! Ids are drawn by lot, so an index over all of them has every new trace on another page, and a large file would be
//! written again and again. Here the newest ids lie in a small table; when that is full it becomes a sorted run, and
//! eight runs become a larger one. A key is the beginning of an id, so that ids can be looked up by theirs, and a hash
//! of all of it, so that ids which begin alike are told apart. What is found is only where to look: rows are removed
//! without a word here, and whoever finds one compares the id in it.

use std::sync::Arc;

use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::super::codec::{Piece, build_of_keys, encode_piece, may_contain_key};
use super::super::damage::{Part, tolerate};
use super::super::sql;
use crate::model::TraceId;
use crate::store::Result;

/// Ids that become a run.
const RUN: usize = 4_096;
/// Runs of a level that become one of the next.
const RUNS: usize = 8;
/// Runs of this level stay as they are.
const LAST_LEVEL: i64 = 2;
/// Most ids of a run.
const LARGEST_RUN: usize = RUN * RUNS * RUNS;
/// Ids in a piece: just under a page.
const PIECE: usize = 1_300;
/// Of more rows for a beginning nobody wants to read each.
const MOST_ROWS: usize = 20_000;

/// The key of an id.
fn key_of(id: &[u8; 16]) -> u64 {
    (beginning(id) << 32) | (xxh3_64(id) >> 32)
}

fn beginning([a, b, c, d, ..]: &[u8; 16]) -> u64 {
    u64::from(u32::from_be_bytes([*a, *b, *c, *d]))
}

/// A key as a column, in the same order.
fn to_column(key: u64) -> i64 {
    (key ^ (1 << 63)) as i64
}

fn from_column(column: i64) -> u64 {
    column as u64 ^ (1 << 63)
}

/// Notes the row of a new trace; ids that are text have an index of their own.
pub fn add(transaction: &Connection, id: &TraceId, row: i64) -> Result<()> {
    if let TraceId::Otel(id) = id {
        let sql = "INSERT OR IGNORE INTO trace_recent(key, row) VALUES (?1, ?2)";
        sql::run(transaction, sql, params![to_column(key_of(id)), row])?;
    }
    Ok(())
}

/// Makes runs of what became too much, and drops those that lead nowhere any more.
pub fn tidy(transaction: &Connection) -> Result<()> {
    if sql::value::<i64>(transaction, "SELECT COUNT(*) FROM trace_recent", [])? < RUN as i64 {
        return Ok(());
    }
    let mut entries = recent(transaction)?;
    sql::run(transaction, "DELETE FROM trace_recent", [])?;
    let first_row = first_row(transaction)?;
    let run_over = "SELECT id FROM trace_runs WHERE last_row < ?1";
    for run in sql::all(transaction, run_over, [first_row], |row| Ok(row.get(0)?))? {
        remove_run(transaction, run)?;
    }
    let mut level = 0;
    while level < LAST_LEVEL {
        let select = "SELECT id FROM trace_runs WHERE level = ?1";
        let runs: Vec<i64> = sql::all(transaction, select, [level], |row| Ok(row.get(0)?))?;
        if runs.len() + 1 < RUNS {
            break;
        }
        for run in runs {
            entries_of(transaction, run, &mut entries)?;
            remove_run(transaction, run)?;
        }
        level += 1;
    }
    entries.retain(|(_, row)| *row >= first_row);
    insert_runs(transaction, level, entries)
}

/// Forgets everything.
pub fn clear(transaction: &Connection) -> Result<()> {
    for table in ["trace_recent", "trace_pieces", "trace_runs"] {
        sql::run(transaction, &format!("DELETE FROM {table}"), [])?;
    }
    Ok(())
}

/// Makes the index anew from the rows.
pub fn build(transaction: &Connection) -> Result<()> {
    clear(transaction)?;
    let mut entries = Vec::new();
    sql::each(transaction, "SELECT id, trace_id FROM traces WHERE typeof(trace_id) = 'blob'", [], |row| {
        // What is no id is damaged and found by whoever reads the row.
        if let Ok(id) = <&[u8; 16]>::try_from(sql::bytes(row.get_ref(1)?)?) {
            entries.push((key_of(id), row.get(0)?));
        }
        if entries.len() == LARGEST_RUN {
            insert_runs(transaction, LAST_LEVEL, std::mem::take(&mut entries))?;
        }
        Ok(())
    })?;
    insert_runs(transaction, if entries.len() < LARGEST_RUN / RUNS { 1 } else { LAST_LEVEL }, entries)
}

fn first_row(connection: &Connection) -> Result<i64> {
    Ok(sql::value::<Option<i64>>(connection, "SELECT MIN(id) FROM traces", [])?.unwrap_or(i64::MAX))
}

fn recent(connection: &Connection) -> Result<Vec<(u64, i64)>> {
    let select = "SELECT key, row FROM trace_recent";
    sql::all(connection, select, [], |row| Ok((from_column(row.get(0)?), row.get(1)?)))
}

fn remove_run(transaction: &Connection, run: i64) -> Result<()> {
    sql::run(transaction, "DELETE FROM trace_pieces WHERE run = ?1", [run])?;
    sql::run(transaction, "DELETE FROM trace_runs WHERE id = ?1", [run])?;
    Ok(())
}

/// Appends what a run holds. What is damaged is made anew from the rows when it is mended.
fn entries_of(connection: &Connection, run: i64, entries: &mut Vec<(u64, i64)>) -> Result<()> {
    sql::each(connection, "SELECT data FROM trace_pieces WHERE run = ?1 ORDER BY first", [run], |row| {
        let mut read = || Ok(Piece::read(sql::bytes(row.get_ref(0)?)?)?.entries(entries)?);
        tolerate(Part::Row("traces"), read()).map(|_| ())
    })
}

fn insert_runs(transaction: &Connection, level: i64, mut entries: Vec<(u64, i64)>) -> Result<()> {
    entries.sort_unstable_by_key(|(_, row)| *row);
    for entries in entries.chunks_mut(LARGEST_RUN) {
        entries.sort_unstable();
        let last_row = entries.iter().map(|(_, row)| *row).max().unwrap_or(0);
        let filter = build_of_keys(entries.iter().map(|(key, _)| *key));
        let sql = "INSERT INTO trace_runs(level, last_row, filter) VALUES (?1, ?2, ?3)";
        sql::run(transaction, sql, params![level, last_row, filter])?;
        let run = transaction.last_insert_rowid();
        for piece in entries.chunks(PIECE) {
            let first = piece.first().map_or(0, |(key, _)| to_column(*key));
            let sql = "INSERT INTO trace_pieces(run, first, data) VALUES (?1, ?2, ?3)";
            sql::run(transaction, sql, params![run, first, encode_piece(piece)])?;
        }
    }
    Ok(())
}

/// What runs do not have, by run; runs never change, so whoever looks up many ids keeps it.
#[derive(Debug, Default)]
pub struct Filters(FxHashMap<i64, Arc<[u8]>>);

/// Looks up rows in one view of the file.
pub struct Lookup<'c> {
    connection: &'c Connection,
    runs: Vec<(i64, Option<Arc<[u8]>>)>,
}

impl<'c> Lookup<'c> {
    /// For a few ids.
    pub fn new(connection: &'c Connection) -> Result<Lookup<'c>> {
        let select = "SELECT id FROM trace_runs ORDER BY id DESC";
        let runs = sql::all(connection, select, [], |row| Ok((row.get(0)?, None)))?;
        Ok(Lookup { connection, runs })
    }

    /// For many ids, most of which may lead nowhere.
    pub fn for_many(connection: &'c Connection, filters: &mut Filters) -> Result<Lookup<'c>> {
        let mut lookup = Lookup::new(connection)?;
        for (run, filter) in &mut lookup.runs {
            let known = match filters.0.remove(run) {
                Some(known) => known,
                None => {
                    let read: Vec<u8> = sql::value(connection, "SELECT filter FROM trace_runs WHERE id = ?1", [*run])?;
                    read.into()
                }
            };
            *filter = Some(known);
        }
        let known = |(run, filter): &(i64, Option<Arc<[u8]>>)| Some((*run, Arc::clone(filter.as_ref()?)));
        filters.0 = lookup.runs.iter().filter_map(known).collect();
        Ok(lookup)
    }

    /// The rows an id may lead to; `None` when that is not known, because something is damaged.
    pub fn rows(&self, id: &[u8; 16]) -> Result<Option<Vec<i64>>> {
        let key = key_of(id);
        self.rows_between(key, key)
    }

    /// The rows to which the ids that lie between these, both included, may lead; `None` when they are too many to look
    /// at each, or not known, because something is damaged.
    pub fn rows_of_range(&self, low: &[u8; 16], high: &[u8; 16]) -> Result<Option<Vec<i64>>> {
        let rows = self.rows_between(beginning(low) << 32, beginning(high) << 32 | u64::from(u32::MAX))?;
        Ok(rows.filter(|rows| rows.len() <= MOST_ROWS).map(|mut rows| {
            rows.sort_unstable();
            rows.dedup();
            rows
        }))
    }

    fn rows_between(&self, low: u64, high: u64) -> Result<Option<Vec<i64>>> {
        let select = "SELECT row FROM trace_recent WHERE key BETWEEN ?1 AND ?2";
        let mut rows =
            sql::all(self.connection, select, [to_column(low), to_column(high)], |row| Ok(row.get::<_, i64>(0)?))?;
        for (run, filter) in &self.runs {
            let is_out = |filter: &Arc<[u8]>| low == high && !may_contain_key(filter, low);
            if filter.as_ref().is_some_and(is_out) {
                continue;
            }
            let found = tolerate(Part::Row("traces"), self.rows_in(*run, low, high, &mut rows))?;
            if found.is_none() || rows.len() > MOST_ROWS {
                return Ok(None);
            }
        }
        Ok(Some(rows))
    }

    fn rows_in(&self, run: i64, low: u64, high: u64, rows: &mut Vec<i64>) -> Result<()> {
        // Keys may repeat at the end of the piece before.
        let select = "SELECT data FROM trace_pieces WHERE run = ?1 AND first >=
                        coalesce((SELECT MAX(first) FROM trace_pieces WHERE run = ?1 AND first < ?2), ?2)
                      ORDER BY first";
        let mut pieces = self.connection.prepare_cached(select)?;
        let mut pieces = pieces.query([run, to_column(low)])?;
        while let Some(piece) = pieces.next()? {
            let may_go_on = Piece::read(sql::bytes(piece.get_ref(0)?)?)?.find(low, high, rows)?;
            if !may_go_on || rows.len() > MOST_ROWS {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Connection {
        let mut connection = Connection::open_in_memory().expect("opened");
        super::super::super::file::schema::migrate(&mut connection, std::path::Path::new("t.db")).expect("made");
        connection
    }

    fn id(number: u64) -> [u8; 16] {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        id[8..].copy_from_slice(&number.to_be_bytes());
        id
    }

    fn alike(number: u64) -> [u8; 16] {
        u128::from(number).to_be_bytes()
    }

    fn put(connection: &Connection, numbers: std::ops::Range<u64>, id: fn(u64) -> [u8; 16]) {
        for number in numbers {
            let sql = "INSERT INTO traces(id, trace_id, start_ns, end_ns, spans, checkpoints, logs, errors, fold)
                       VALUES (?1, ?2, 0, 0, 0, 0, 0, 0, x'')";
            let row = number as i64 + 1;
            sql::run(connection, sql, params![row, id(number).as_slice()]).expect("inserted");
            add(connection, &TraceId::Otel(id(number)), row).expect("noted");
            if number % 700 == 0 {
                tidy(connection).expect("tidied");
            }
        }
    }

    fn levels(connection: &Connection) -> Vec<i64> {
        let select = "SELECT level FROM trace_runs ORDER BY level DESC";
        sql::all(connection, select, [], |row| Ok(row.get(0)?)).expect("listed")
    }

    #[test]
    fn every_id_leads_to_its_row_and_others_lead_nowhere_through_runs_of_all_levels() {
        for id in [id, alike] {
            let connection = opened();
            let count = 45_000;
            connection.execute_batch("BEGIN").expect("begun");
            put(&connection, 0..count, id);
            connection.execute_batch("COMMIT").expect("committed");
            assert!(
                levels(&connection).contains(&1) && levels(&connection).len() < 2 * RUNS,
                "{:?}",
                levels(&connection)
            );
            let mut filters = Filters::default();
            for lookup in [
                Lookup::new(&connection),
                Lookup::for_many(&connection, &mut filters),
                Lookup::for_many(&connection, &mut filters),
            ] {
                let lookup = lookup.expect("runs");
                for number in (0..count).step_by(7).chain([count - 1]) {
                    let rows = lookup.rows(&id(number)).expect("looked up").expect("known");
                    assert!(rows.contains(&(number as i64 + 1)) && rows.len() < 4, "{number}: {rows:?}");
                }
                let found = (count..2 * count)
                    .filter(|number| !lookup.rows(&id(*number)).expect("ok").expect("known").is_empty());
                assert!(found.count() < 5, "rows of what is not there");
            }
        }
    }

    #[test]
    fn ids_are_found_by_their_beginning() {
        let connection = opened();
        put(&connection, 0..9_000, id);
        let lookup = Lookup::new(&connection).expect("runs");
        let (mut low, mut high) = (id(17), id(17));
        low[3..].fill(0);
        high[3..].fill(0xff);
        let rows = lookup.rows_of_range(&low, &high).expect("looked up").expect("few");
        let meant: Vec<i64> =
            (0..9_000).filter(|number| id(*number)[..3] == id(17)[..3]).map(|number| number as i64 + 1).collect();
        assert_eq!(rows, meant);
        assert_eq!(lookup.rows_of_range(&[0; 16], &[0xff; 16]).expect("looked up").expect("few").len(), 9_000);
        put(&connection, 9_000..25_000, id);
        let lookup = Lookup::new(&connection).expect("runs");
        assert_eq!(lookup.rows_of_range(&[0; 16], &[0xff; 16]).expect("looked up"), None, "too many");
    }

    #[test]
    fn what_leads_nowhere_any_more_goes_with_the_next_runs() {
        let connection = opened();
        put(&connection, 0..20_000, id);
        connection.execute_batch("DELETE FROM traces WHERE id <= 15000").expect("removed");
        put(&connection, 20_000..60_000, id);
        let mut entries = recent(&connection).expect("read");
        for run in sql::all(&connection, "SELECT id FROM trace_runs", [], |row| Ok(row.get(0)?)).expect("listed") {
            entries_of(&connection, run, &mut entries).expect("read");
        }
        assert!((45_000..48_000).contains(&entries.len()), "{}", entries.len());
    }

    #[test]
    fn a_damaged_piece_is_told_and_the_index_can_be_made_anew() {
        let connection = opened();
        put(&connection, 0..9_000, id);
        connection.execute_batch("UPDATE trace_pieces SET data = x'01ff'").expect("damaged");
        let (unknown, damage) = super::super::super::damage::collect(|| {
            Lookup::new(&connection).expect("runs").rows(&id(3)).expect("looked up")
        });
        assert_eq!((unknown, damage.len()), (None, 1));
        build(&connection).expect("made anew");
        assert_eq!(Lookup::new(&connection).expect("runs").rows(&id(3)).expect("looked up"), Some(vec![4]));
    }
}
