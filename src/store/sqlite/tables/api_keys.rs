//! API keys: a plain table, changed by the thread that writes, like everything else in the file.

use std::sync::{Arc, OnceLock};

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::super::file::schema;
use super::super::write::write_queue::{Forget, Queue};
use super::{from_column, to_column};
use crate::model::{Key, KeyScope, Nanos, Removed, Text};
use crate::store::{Error, Result};

const COLUMNS: &str = "id, project, prefix, digest, scopes, created_ns, last_used_ns, revoked_ns";

/// All keys, oldest first.
pub fn list(connection: &Connection) -> Result<Vec<Key>> {
    if !schema::knows_issues_and_keys(connection)? {
        return Ok(Vec::new());
    }
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM keys ORDER BY created_ns, id"))?;
    let mut rows = select.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(read(row)?);
    }
    Ok(keys)
}

/// Adds a key.
///
/// # Errors
/// [`Error::KeyExists`].
pub fn add(transaction: &Transaction<'_>, key: &Key) -> Result<()> {
    let sql = format!("INSERT INTO keys({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING");
    let scopes = key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(",");
    let time = |time: Option<Nanos>| time.map(|time| to_column(time.0));
    let added = transaction.execute(
        &sql,
        rusqlite::params![
            key.id.as_str(),
            key.project.as_str(),
            key.prefix.as_str(),
            key.digest,
            scopes,
            to_column(key.created.0),
            time(key.last_used),
            time(key.revoked),
        ],
    )?;
    if added == 0 { Err(Error::KeyExists) } else { Ok(()) }
}

/// Revokes a key unless it is revoked, and says what it is then.
pub fn revoke(transaction: &Transaction<'_>, id: &str, now: Nanos) -> Result<Option<Key>> {
    let sql = "UPDATE keys SET revoked_ns = ?2 WHERE id = ?1 AND revoked_ns IS NULL";
    transaction.execute(sql, rusqlite::params![id, to_column(now.0)])?;
    let sql = format!("SELECT {COLUMNS} FROM keys WHERE id = ?1");
    transaction.query_row(&sql, [id], |row| Ok(read(row))).optional()?.transpose()
}

/// Notes when keys were last used.
pub fn touch(transaction: &Transaction<'_>, used: &[(Text, Nanos)]) -> Result<()> {
    let sql = "UPDATE keys SET last_used_ns = ?2 WHERE id = ?1 AND coalesce(last_used_ns, 0) < ?2";
    let mut update = transaction.prepare_cached(sql)?;
    for (id, time) in used {
        update.execute(rusqlite::params![id.as_str(), to_column(time.0)])?;
    }
    Ok(())
}

/// Has the writer do something to the keys, and waits for its commit.
///
/// # Errors
/// [`Error::Closed`], and what the work says.
pub async fn change<T: Send + Sync + 'static>(
    queue: Queue,
    work: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let outcome = Arc::new(OnceLock::new());
    let place = Arc::clone(&outcome);
    let work = move |transaction: &Transaction<'_>| {
        let done = work(transaction)?;
        // Set once, because it runs once.
        let _ = place.set(done);
        Ok(Removed::default())
    };
    let waiting = tokio::task::spawn_blocking(move || queue.change(Forget::Nothing, work));
    waiting.await.map_err(|error| Error::Io(error.into()))??;
    Arc::into_inner(outcome).and_then(OnceLock::into_inner).ok_or(Error::Closed)
}

fn read(row: &Row<'_>) -> Result<Key> {
    let text = |column| row.get::<_, String>(column).map(Text::from);
    let time = |column| row.get::<_, Option<i64>>(column).map(|time| time.map(|time| Nanos(from_column(time))));
    let scopes: String = row.get(4)?;
    Ok(Key {
        id: text(0)?,
        project: text(1)?,
        prefix: text(2)?,
        digest: row.get(3)?,
        // A word of a newer version permits nothing here.
        scopes: scopes.split(',').filter_map(KeyScope::parse).collect(),
        created: time(5)?.unwrap_or_default(),
        last_used: time(6)?,
        revoked: time(7)?,
    })
}
