//! Issues of records that lie in another store: its errors are counted into this file, which keeps none of its records.
//!
//! What was counted and the place in the other store's feed up to which it was are one commit, so every record counts
//! once, whatever ends the process and however many count at the same time.

use rusqlite::Connection;

use super::issues::Rows;
use super::{Sqlite, sql};
use crate::model::{Batch, Cursor, Nanos, Record};
use crate::store::{Error, Result, issues};

impl Sqlite {
    /// The place in the other store's feed up to which errors are counted; `None` for its beginning.
    ///
    /// # Errors
    /// The store fails.
    pub(in crate::store) async fn feed_cursor(&self) -> Result<Option<Cursor>> {
        self.readers.run(read_cursor).await
    }

    /// Counts the errors among records the other store's feed holds between two places. Does nothing when somebody else
    /// has already moved on from the first place.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], or the store fails; nothing is counted then.
    pub(in crate::store) async fn count_issues_of(
        &self,
        batch: Batch,
        from: Option<Cursor>,
        next: Option<Cursor>,
    ) -> Result<()> {
        let queue = self.owner()?.queue.clone();
        let group = move || {
            let spans: Vec<Record> = batch.spans.into_iter().map(Record::Span).collect();
            let logs: Vec<Record> = batch.logs.into_iter().map(Record::Log).collect();
            [spans, logs].map(|records| issues::Errors::find(&records))
        };
        let errors = tokio::task::spawn_blocking(group).await.map_err(|error| Error::Io(error.into()))?;
        // The other store does not say when it received them.
        let received_ns = Nanos::now().0;
        let count = move |transaction: &rusqlite::Transaction<'_>| {
            if read_cursor(transaction)? != from {
                return Ok(());
            }
            issues::count(&Rows(transaction), errors.iter().map(|errors| (errors, received_ns)))?;
            write_cursor(transaction, next.as_ref())
        };
        queue.decide(count).await
    }
}

fn read_cursor(connection: &Connection) -> Result<Option<Cursor>> {
    Ok(sql::find(connection, "SELECT value FROM meta WHERE key = 'feed_cursor'", [])?.map(Cursor))
}

fn write_cursor(connection: &Connection, cursor: Option<&Cursor>) -> Result<()> {
    match cursor {
        Some(Cursor(cursor)) => {
            let sql = "INSERT INTO meta(key, value) VALUES ('feed_cursor', ?1)
                       ON CONFLICT(key) DO UPDATE SET value = excluded.value";
            sql::run(connection, sql, [cursor])?
        }
        None => sql::run(connection, "DELETE FROM meta WHERE key = 'feed_cursor'", [])?,
    };
    Ok(())
}
