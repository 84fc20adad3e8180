//! Reading: a few read-only connections, each call in one snapshot of the file.
//!
//! Snapshots are short, because the log cannot be emptied past the oldest one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::super::damage::{self, DamageLog, Part};
use super::super::file::open;
use super::super::tables::{from_column, inbox, traces};
use super::super::{failure, segments, sql};
use crate::model::{Batch, Nanos, Record, Trace, TraceFold, TraceId};
use crate::store::{Error, Result};

/// Calls that read at once; more of them wait.
const CONNECTIONS: usize = 4;

/// Steps of SQLite's machine between two looks at the clock; reading a row takes about ten.
const STEPS_PER_LOOK: i32 = 100;

/// Read-only connections to one file.
#[derive(Debug)]
pub struct Readers {
    path: PathBuf,
    /// The damage that calls met.
    pub damage: DamageLog,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    timeout: Duration,
}

impl Readers {
    /// Readers of the file at `path`, with a first connection if there is one. A question may take so long, the wait for
    /// its turn included.
    pub fn new(path: PathBuf, first: Option<Connection>, timeout: Duration, damage: DamageLog) -> Readers {
        let idle = Mutex::new(first.into_iter().collect());
        Readers { path, damage, idle, permits: Arc::new(Semaphore::new(CONNECTIONS)), timeout }
    }

    /// Runs `work` in one snapshot, off the async threads.
    ///
    /// # Errors
    /// [`Error::TooSlow`] at the deadline, [`Error::Closed`], what opening says, and what `work` says.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let deadline = Instant::now() + self.timeout;
        let turn = Arc::clone(&self.permits).acquire_owned();
        let turn = tokio::time::timeout_at(deadline.into(), turn).await.map_err(|_| Error::TooSlow)?;
        let permit = turn.map_err(|_| Error::Closed)?;
        let readers = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut connection = readers.take_connection()?;
            connection.progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() >= deadline))?;
            let (result, damage) = damage::collect(|| snapshot(&connection, work));
            readers.damage.add(damage);
            connection.progress_handler(0, None::<fn() -> bool>)?;
            if result.as_ref().err().is_none_or(|error| !failure::spoils_connection(error)) {
                readers.put_back(connection);
            }
            result
        });
        task.await.map_err(|error| Error::Io(error.into()))?
    }

    fn take_connection(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| open::open_for_reading(&self.path), Ok)
    }

    fn put_back(&self, connection: Connection) {
        if !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    /// Refuses further calls and closes the connections nobody uses.
    pub fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn snapshot<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    // Dropping it ends the snapshot; there is nothing to commit.
    let _transaction = connection.unchecked_transaction()?;
    work(connection)
}

/// All records of a trace; `None` when there are none.
///
/// # Errors
/// [`Error::Corrupt`] when what there was of it lies in a damaged segment, and the store fails.
pub fn trace(connection: &Connection, id: &TraceId) -> Result<Option<Trace>> {
    part_of_trace(connection, id, None)
}

/// The records of a trace that are of a project, or all of them; `None` when there are none.
pub fn part_of_trace(connection: &Connection, id: &TraceId, project: Option<&str>) -> Result<Option<Trace>> {
    let (records, fold) = records(connection, id)?;
    let mut batch = Batch::default();
    let own = records.into_iter().filter(|record| project.is_none_or(|project| record.project() == project));
    own.for_each(|record| record.push_to(&mut batch));
    Ok(Trace::within(&fold.bounds(), id.clone(), batch))
}

/// All records of a trace, in no order, and the fold of all of them; none when there is no such trace.
pub fn records(connection: &Connection, id: &TraceId) -> Result<(Vec<Record>, TraceFold)> {
    let has_damaged_row = || damage::count_noted(|part| matches!(part, Part::Trace(_))) > 0;
    let (mut records, mut fold) = inbox::records_of(connection, id)?;
    match traces::find(connection, id)? {
        Some(stored) => {
            records.extend(segments::records_of(connection, id, &stored.fold, None)?);
            fold.merge(&stored.fold);
        }
        // A row can be damaged while the records are not; an index that is keeps its id from being found.
        None if !records.is_empty() && !has_damaged_row() => {}
        None => {
            let sealed = segments::all_records_of(connection, id)?;
            if !sealed.is_empty() && !has_damaged_row() {
                damage::note(Part::Row("traces"), format!("trace {id} has records but no row"));
            }
            records.extend(sealed);
        }
    }
    if let Some(segment) = damage::noted_segment().filter(|_| records.is_empty()) {
        return Err(Error::Corrupt(segment));
    }
    Ok((records, fold))
}

/// When the newest record was received; `None` without any.
pub fn newest_received(connection: &Connection) -> Result<Option<Nanos>> {
    let sql = "SELECT max(newest) FROM (SELECT max(received_ns) AS newest FROM inbox
                                        UNION ALL SELECT max(max_received_ns) FROM segments)";
    let newest: Option<i64> = sql::value(connection, sql, [])?;
    Ok(newest.map(|newest| Nanos(from_column(newest))))
}
