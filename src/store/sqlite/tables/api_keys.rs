//! API keys: a plain table, changed by the thread that writes, like everything else in the file.
//!
//! What a key permits and what may be sent with it stand in one column of words: `ingest,rate:5000,rate:10MB`. Programs that
//! do not know a word pass it over.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::super::damage::{Part, tolerate};
use super::super::file::schema;
use super::super::sql;
use super::{from_column, to_column};
use crate::model::{Key, KeyScope, Nanos, RateLimit, Text};
use crate::store::{Error, Result};

const COLUMNS: &str = "id, project, prefix, digest, scopes, created_ns, last_used_ns, revoked_ns";

/// How a word begins that limits what may be sent in a second.
const RATE: &str = "rate:";

/// All keys, oldest first.
pub fn list(connection: &Connection) -> Result<Vec<Key>> {
    if !schema::knows_issues_and_keys(connection)? {
        return Ok(Vec::new());
    }
    let mut keys = Vec::new();
    sql::each(connection, &format!("SELECT {COLUMNS} FROM keys ORDER BY created_ns, id"), [], |row| {
        // One that cannot be read opens nothing.
        keys.extend(tolerate(Part::Row("keys"), read(row))?);
        Ok(())
    })?;
    Ok(keys)
}

/// Adds a key.
///
/// # Errors
/// [`Error::KeyExists`].
pub fn add(transaction: &Transaction<'_>, key: &Key) -> Result<()> {
    let sql = format!("INSERT INTO keys({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING");
    let limits = key.limit.words().map(|word| format!("{RATE}{word}"));
    let scopes: Vec<String> = key.scopes.iter().map(|scope| scope.as_str().to_owned()).chain(limits).collect();
    let time = |time: Option<Nanos>| time.map(|time| to_column(time.0));
    let values = params![
        key.id.as_str(),
        key.project.as_str(),
        key.prefix.as_str(),
        key.digest,
        scopes.join(","),
        to_column(key.created.0),
        time(key.last_used),
        time(key.revoked),
    ];
    let added = transaction.execute(&sql, values)?;
    if added == 0 { Err(Error::KeyExists) } else { Ok(()) }
}

/// Revokes a key unless it is revoked, and says what it is then.
pub fn revoke(transaction: &Transaction<'_>, id: &str, now: Nanos) -> Result<Option<Key>> {
    let sql = "UPDATE keys SET revoked_ns = ?2 WHERE id = ?1 AND revoked_ns IS NULL";
    transaction.execute(sql, params![id, to_column(now.0)])?;
    let sql = format!("SELECT {COLUMNS} FROM keys WHERE id = ?1");
    transaction.query_row(&sql, [id], |row| Ok(read(row))).optional()?.transpose()
}

/// Notes when keys were last used.
pub fn touch(transaction: &Transaction<'_>, used: &[(Text, Nanos)]) -> Result<()> {
    let sql = "UPDATE keys SET last_used_ns = ?2 WHERE id = ?1 AND coalesce(last_used_ns, 0) < ?2";
    for (id, time) in used {
        sql::run(transaction, sql, params![id.as_str(), to_column(time.0)])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Key> {
    let text = |column| row.get::<_, String>(column).map(Text::from);
    let time = |column| row.get::<_, Option<i64>>(column).map(|time| time.map(|time| Nanos(from_column(time))));
    let scopes: String = row.get(4)?;
    let rates: Vec<&str> = scopes.split(',').filter_map(|word| word.strip_prefix(RATE)).collect();
    Ok(Key {
        id: text(0)?,
        project: text(1)?,
        prefix: text(2)?,
        digest: row.get(3)?,
        // A word of a newer version permits nothing here.
        scopes: scopes.split(',').filter_map(KeyScope::parse).collect(),
        limit: RateLimit::parse(&rates.join(",")).unwrap_or_default(),
        created: time(5)?.unwrap_or_default(),
        last_used: time(6)?,
        revoked: time(7)?,
    })
}
