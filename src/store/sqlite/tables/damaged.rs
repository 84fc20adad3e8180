//! The table of what does not decode: rows of the inbox that were put aside, and segments that stay where they are.

use rusqlite::Connection;

use super::super::damage::{self, Damage, Part};
use super::super::file::schema;
use super::super::sql;
use super::{from_column, to_column};
use crate::store::Result;

/// How many rows and segments are known to be damaged: those the table holds, and those this call met.
///
/// # Errors
/// The store fails.
pub fn count(connection: &Connection) -> Result<u64> {
    let met = damage::count_noted(|part| matches!(part, Part::Write(_)));
    if !schema::knows_damage(connection)? {
        return Ok(met + damage::count_noted(|part| matches!(part, Part::Segment(_))));
    }
    let stored = stored(connection)?;
    let segments: Vec<i64> = segments(connection)?;
    let is_new = |part| matches!(part, Part::Segment(id) if !segments.contains(&id));
    Ok(stored + met + damage::count_noted(is_new))
}

/// How many rows and segments the table holds, which must be there.
///
/// # Errors
/// The store fails.
pub fn stored(connection: &Connection) -> Result<u64> {
    sql::value(connection, "SELECT COUNT(*) FROM damaged", []).map(from_column)
}

/// The segments that are known to be damaged.
///
/// # Errors
/// The store fails.
pub fn segments(connection: &Connection) -> Result<Vec<i64>> {
    if !schema::knows_damage(connection)? {
        return Ok(Vec::new());
    }
    sql::all(connection, "SELECT segment FROM damaged WHERE segment IS NOT NULL", [], |row| Ok(row.get(0)?))
}

/// The segments that are known to be damaged and were received before a time.
///
/// # Errors
/// The store fails.
pub fn segments_before(connection: &Connection, received_ns: u64) -> Result<Vec<i64>> {
    let sql = "SELECT segment FROM damaged WHERE segment IS NOT NULL AND received_ns < ?1";
    sql::all(connection, sql, [to_column(received_ns)], |row| Ok(row.get(0)?))
}

/// Puts damaged rows of the inbox aside and writes down which segments are damaged, each with what is wrong with it.
///
/// # Errors
/// The store fails.
pub fn put_aside(transaction: &Connection, damage: &Damage, now_ns: u64) -> Result<()> {
    // What came later than now was damaged, too, and would stay for ever.
    const RECEIVED: &str = "CASE WHEN typeof({}) = 'integer' AND {} BETWEEN 0 AND ?3 THEN {} ELSE ?3 END";
    for (part, why) in damage {
        let statement = match part {
            Part::Write(_) => format!(
                "INSERT INTO damaged(seq, kind, received_ns, payload, why)
                 SELECT seq, kind, {}, payload, ?2 FROM inbox WHERE seq = ?1",
                RECEIVED.replace("{}", "received_ns")
            ),
            Part::Segment(_) => format!(
                "INSERT OR IGNORE INTO damaged(seq, kind, received_ns, segment, why)
                 SELECT first_seq, kind, {}, id, ?2 FROM segments WHERE id = ?1",
                RECEIVED.replace("{}", "max_received_ns")
            ),
            Part::Trace(_) | Part::Row(_) => continue,
        };
        let (Part::Write(id) | Part::Segment(id) | Part::Trace(id)) = part else { continue };
        sql::run(transaction, &statement, rusqlite::params![id, why, to_column(now_ns)])?;
        if matches!(part, Part::Write(_)) {
            sql::run(transaction, "DELETE FROM inbox WHERE seq = ?1", [id])?;
        }
    }
    Ok(())
}

/// Forgets the rows that were put aside and received before a time; how many there were.
///
/// # Errors
/// The store fails.
pub fn remove_before(transaction: &Connection, received_ns: u64) -> Result<usize> {
    sql::run(transaction, "DELETE FROM damaged WHERE received_ns < ?1 AND segment IS NULL", [to_column(received_ns)])
}

/// Whether rows were put aside that were received before a time.
///
/// # Errors
/// The store fails.
pub fn has_before(connection: &Connection, received_ns: u64) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM damaged WHERE received_ns < ?1 AND segment IS NULL)";
    sql::value(connection, sql, [to_column(received_ns)])
}

/// Says of damage in the log.
pub fn warn_of(damage: &Damage) {
    for (part, why) in damage {
        match part {
            Part::Write(_) => tracing::warn!("{part} is damaged and was put aside: {why}"),
            Part::Segment(_) => tracing::warn!("{part} is damaged, the traces in it are not whole: {why}"),
            Part::Trace(_) => tracing::warn!("{part} is damaged and is made anew: {why}"),
            Part::Row(_) => tracing::warn!("{part} is damaged: {why}"),
        }
    }
}
