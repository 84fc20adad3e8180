//! The senders of records: a plain table, which the server replaces now and then.

use rusqlite::{Connection, Transaction, params};
use serde_json::Value as Json;

use super::super::file::schema;
use super::super::sql;
use super::to_column;
use crate::model::json;
use crate::model::sender::Sender;
use crate::store::Result;

/// Most senders that are kept.
const MOST_SENDERS: i64 = 1_000;

/// All senders, the one heard of last first. A row that a later version wrote differently is left out.
pub fn list(connection: &Connection) -> Result<Vec<Sender>> {
    if !schema::knows_senders(connection)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT document FROM senders ORDER BY last_seen_ns DESC, address, agent, project LIMIT ?1";
    let documents: Vec<String> = sql::all(connection, sql, [MOST_SENDERS], |row| Ok(row.get(0)?))?;
    let read = |text: &String| json::read(&serde_json::from_str::<Json>(text).ok()?).ok();
    Ok(documents.iter().filter_map(read).collect())
}

/// Writes what is known of some senders now, and drops those not heard of for longest when there are too many.
pub fn keep(transaction: &Transaction<'_>, senders: &[Sender]) -> Result<()> {
    let sql = "INSERT INTO senders(address, agent, project, last_seen_ns, document) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT(address, agent, project) DO UPDATE SET last_seen_ns = excluded.last_seen_ns, document = excluded.document";
    for sender in senders {
        let document = json::text(sender);
        sql::run(
            transaction,
            sql,
            params![
                sender.address.as_str(),
                sender.agent.as_str(),
                sender.project.as_str(),
                to_column(sender.last_seen.0),
                document
            ],
        )?;
    }
    let sql = "DELETE FROM senders WHERE rowid NOT IN (SELECT rowid FROM senders ORDER BY last_seen_ns DESC LIMIT ?1)";
    sql::run(transaction, sql, [MOST_SENDERS])?;
    Ok(())
}
