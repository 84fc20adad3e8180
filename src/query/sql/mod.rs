//! Statements in SQL over what a store holds: its records become tables of a database in memory, as far as the statement
//! names them, and SQLite answers.
//!
//! Works on every store. A table that is not named is empty, a column that is not named is null, and records outside the
//! time asked for are not read into it, so that memory holds what the statement needs. It can do nothing but read those
//! tables: SQLite refuses everything else before it begins.

mod tables;

use std::fs::{self, OpenOptions};
use std::path::Path;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, params_from_iter};
use rustc_hash::FxHashSet;
use serde_json::{Map, Value as Json};

use crate::model::{IssueQuery, Nanos, Record, RecordKind, TraceQuery};
use crate::query::facets;
use crate::query::records::{self, RecordQuery};
use crate::store::Backend;

pub use tables::Table;

/// Longest statement, in bytes.
const MOST_BYTES: usize = 64 << 10;
/// Traces of a page.
const PAGE: usize = 1_000;

/// Which question is asked of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlQuery {
    /// The statement.
    pub statement: String,
    /// Only records and traces that began at or after this.
    pub since: Option<Nanos>,
    /// Only records and traces that began before this.
    pub until: Option<Nanos>,
}

/// What came of a statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SqlAnswer {
    /// The columns of the answer, each name once.
    pub columns: Vec<String>,
    /// The rows of the answer.
    pub rows: Vec<Map<String, Json>>,
    /// How many rows of tables were read for it.
    pub read: u64,
}

/// Why a statement was not answered.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The statement is not one that only reads.
    #[error("a statement is one SELECT, and can read the tables and nothing else")]
    NotAQuestion,
    /// The statement is too long.
    #[error("a statement is at most {MOST_BYTES} bytes long")]
    TooLong,
    /// What SQLite says of the statement.
    #[error("{0}")]
    Statement(String),
    /// The file of an export cannot be written.
    #[error("the file cannot be written")]
    File(#[from] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

/// Answers a statement.
///
/// # Errors
/// The statement is none, or the store fails or lacks what a table is made of.
pub async fn ask(backend: &dyn Backend, query: &SqlQuery) -> Result<SqlAnswer, SqlError> {
    if query.statement.len() > MOST_BYTES {
        return Err(SqlError::TooLong);
    }
    let mut connection = Connection::open_in_memory().map_err(of_statement)?;
    create_tables(&connection)?;
    // What is wrong with it is said before anything is read.
    check(&mut connection, &query.statement)?;
    let named = Named::of(&query.statement);
    let read = fill(backend, (query.since, query.until), &connection, &named).await?;
    let (columns, rows) = answer(&mut connection, &query.statement)?;
    Ok(SqlAnswer { columns, rows, read })
}

/// Writes all tables with all columns into a new SQLite file at `path`, which is there when it is whole and not before;
/// how many rows that were.
///
/// # Errors
/// Something is at `path`, the file cannot be written, or the store fails or lacks what a table is made of.
pub async fn export(backend: &dyn Backend, path: &Path, times: Times) -> Result<u64, SqlError> {
    // The name is taken first, so that nobody else's file is ever replaced.
    OpenOptions::new().write(true).create_new(true).open(path)?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = Path::new(&unfinished);
    let written = write_tables(backend, unfinished, times).await;
    let written = written.and_then(|rows| Ok(fs::rename(unfinished, path).map(|()| rows)?));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = (fs::remove_file(unfinished), fs::remove_file(path));
    }
    written
}

async fn write_tables(backend: &dyn Backend, path: &Path, times: Times) -> Result<u64, SqlError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let connection = Connection::open(path).map_err(of_statement)?;
    // Until it is whole it has another name, so there is nothing that a log would have to save.
    connection.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;").map_err(of_statement)?;
    create_tables(&connection)?;
    let rows = fill(backend, times, &connection, &Named::everything()).await?;
    connection.close().map_err(|(_, error)| of_statement(error))?;
    file.sync_all()?;
    Ok(rows)
}

fn create_tables(connection: &Connection) -> Result<(), SqlError> {
    for table in Table::ALL {
        let columns: Vec<String> = table.columns().iter().map(|column| format!("\"{column}\"")).collect();
        let create = format!("CREATE TABLE {}({})", table.as_str(), columns.join(", "));
        connection.execute_batch(&create).map_err(of_statement)?;
    }
    Ok(())
}

fn of_statement(error: rusqlite::Error) -> SqlError {
    match error {
        rusqlite::Error::SqliteFailure(error, _) if error.extended_code == rusqlite::ffi::SQLITE_AUTH => {
            SqlError::NotAQuestion
        }
        rusqlite::Error::MultipleStatement => SqlError::NotAQuestion,
        rusqlite::Error::SqlInputError { error, .. } if error.extended_code == rusqlite::ffi::SQLITE_AUTH => {
            SqlError::NotAQuestion
        }
        rusqlite::Error::SqlInputError { msg, .. } => SqlError::Statement(msg),
        rusqlite::Error::SqliteFailure(_, Some(message)) => SqlError::Statement(message),
        other => SqlError::Statement(other.to_string()),
    }
}

/// What a statement may do: read.
fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

/// Reads a statement without answering it.
fn check(connection: &mut Connection, statement: &str) -> Result<(), SqlError> {
    restricted(connection, |connection| {
        let prepared = connection.prepare(statement).map_err(of_statement)?;
        match prepared.column_count() {
            0 => Err(SqlError::NotAQuestion),
            _ => Ok(()),
        }
    })
}

fn restricted<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    connection.authorizer(Some(authorize)).map_err(of_statement)?;
    let done = work(connection);
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>).map_err(of_statement)?;
    done
}

type Answer = (Vec<String>, Vec<Map<String, Json>>);

fn answer(connection: &mut Connection, statement: &str) -> Result<Answer, SqlError> {
    restricted(connection, |connection| {
        let mut prepared = connection.prepare(statement).map_err(of_statement)?;
        let columns = distinct(prepared.column_names());
        let mut found = prepared.query([]).map_err(of_statement)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(of_statement)? {
            let mut cells = Map::new();
            for (place, column) in columns.iter().enumerate() {
                cells.insert(column.clone(), to_json(row.get_ref(place).map_err(of_statement)?));
            }
            rows.push(cells);
        }
        Ok((columns, rows))
    })
}

/// Names of columns, with a number behind those that repeat one.
fn distinct<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for name in names {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|free| !columns.contains(free));
        columns.extend(free);
    }
    columns
}

fn to_json(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => Json::from(number),
        ValueRef::Real(number) => Json::from(number),
        ValueRef::Text(text) => Json::from(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => Json::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

fn to_sql(value: Option<&Json>) -> Sql {
    match value {
        None | Some(Json::Null) => Sql::Null,
        Some(Json::Bool(is_true)) => Sql::Integer(i64::from(*is_true)),
        Some(Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Sql::Integer(integer),
            (None, Some(double)) => Sql::Real(double),
            (None, None) => Sql::Null,
        },
        Some(Json::String(text)) => Sql::Text(text.clone()),
        Some(other) => Sql::Text(other.to_string()),
    }
}

/// The words of a statement, which name its tables and columns; that it may hold more does no harm.
struct Named {
    words: FxHashSet<String>,
    has_star: bool,
}

impl Named {
    fn of(statement: &str) -> Named {
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let words = statement.split(|character| !is_part(character)).filter(|word| !word.is_empty());
        let without_counts = statement.replace("(*)", "");
        Named { words: words.map(str::to_lowercase).collect(), has_star: without_counts.contains('*') }
    }

    fn everything() -> Named {
        let words = Table::ALL.into_iter().map(|table| table.as_str().to_owned()).collect();
        Named { words, has_star: true }
    }

    fn has_table(&self, table: Table) -> bool {
        self.words.contains(table.as_str())
    }

    /// Which columns of a table are named; all where a `*` may mean them.
    fn columns(&self, table: Table) -> Vec<&'static str> {
        let columns = table.columns();
        columns.into_iter().filter(|column| self.has_star || self.words.contains(*column)).collect()
    }
}

/// Puts rows into a table.
struct Filler<'c> {
    insert: rusqlite::CachedStatement<'c>,
    columns: Vec<&'static str>,
    read: u64,
}

impl<'c> Filler<'c> {
    fn new(connection: &'c Connection, named: &Named, table: Table) -> Result<Filler<'c>, SqlError> {
        let columns = named.columns(table);
        let sql = match columns.as_slice() {
            // Rows are counted at least.
            [] => format!("INSERT INTO {} DEFAULT VALUES", table.as_str()),
            columns => {
                let names: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
                let places = vec!["?"; columns.len()].join(", ");
                format!("INSERT INTO {}({}) VALUES ({places})", table.as_str(), names.join(", "))
            }
        };
        Ok(Filler { insert: connection.prepare_cached(&sql).map_err(of_statement)?, columns, read: 0 })
    }

    fn add(&mut self, row: &tables::Row) -> Result<(), SqlError> {
        let cells = self.columns.iter().map(|column| to_sql(row.get(*column)));
        self.insert.execute(params_from_iter(cells)).map_err(of_statement)?;
        self.read += 1;
        Ok(())
    }
}

/// From when to when records and traces began.
type Times = (Option<Nanos>, Option<Nanos>);

/// Fills the tables that are named; how many rows that were.
async fn fill(
    backend: &dyn Backend,
    (since, until): Times,
    connection: &Connection,
    named: &Named,
) -> Result<u64, SqlError> {
    connection.execute_batch("BEGIN").map_err(of_statement)?;
    let mut read = 0;
    if named.has_table(Table::Traces) {
        read += fill_traces(backend, (since, until), Filler::new(connection, named, Table::Traces)?).await?;
    }
    if named.has_table(Table::Issues) {
        let mut filler = Filler::new(connection, named, Table::Issues)?;
        let all = IssueQuery { limit: 0, since, until, ..IssueQuery::default() };
        for issue in &facets::issues(backend)?.list_issues(&all).await?.items {
            filler.add(&tables::of_issue(issue))?;
        }
        read += filler.read;
    }
    for (kind, tables) in [
        (RecordKind::Spans, &[Table::Spans, Table::Events][..]),
        (RecordKind::Logs, &[Table::Logs]),
        (RecordKind::Checkpoints, &[Table::Checkpoints]),
    ] {
        if tables.iter().any(|table| named.has_table(*table)) {
            read += fill_records(backend, (since, until), kind, connection, named).await?;
        }
    }
    connection.execute_batch("COMMIT").map_err(of_statement)?;
    Ok(read)
}

async fn fill_traces(backend: &dyn Backend, (since, until): Times, mut filler: Filler<'_>) -> Result<u64, SqlError> {
    let mut page = TraceQuery { limit: PAGE, since, until, ..TraceQuery::default() };
    loop {
        let found = backend.traces(&page).await?;
        for trace in &found.items {
            filler.add(&tables::of_trace(trace))?;
        }
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(filler.read),
        }
    }
}

async fn fill_records(
    backend: &dyn Backend,
    (since, until): Times,
    kind: RecordKind,
    connection: &Connection,
    named: &Named,
) -> Result<u64, SqlError> {
    let filler = |table| named.has_table(table).then(|| Filler::new(connection, named, table)).transpose();
    let (mut spans, mut events) = (filler(Table::Spans)?, filler(Table::Events)?);
    let (mut logs, mut checkpoints) = (filler(Table::Logs)?, filler(Table::Checkpoints)?);
    let asked = RecordQuery { kind: Some(kind), since, until, ..RecordQuery::default() };
    let mut failure = None;
    let mut add = |filler: &mut Option<Filler<'_>>, row: &tables::Row| {
        let added = filler.as_mut().map_or(Ok(()), |filler| filler.add(row));
        failure = failure.take().or(added.err());
    };
    records::each(backend, &asked, |record| match &record {
        Record::Span(span) => {
            if spans.is_some() {
                add(&mut spans, &tables::of_span(span));
            }
            if events.is_some() {
                tables::of_events(span).for_each(|event| add(&mut events, &event));
            }
        }
        Record::Log(log) => add(&mut logs, &tables::of_log(log)),
        Record::Checkpoint(checkpoint) => add(&mut checkpoints, &tables::of_checkpoint(checkpoint)),
    })
    .await?;
    match failure {
        Some(failure) => Err(failure),
        None => Ok([spans, events, logs, checkpoints].into_iter().flatten().map(|filler| filler.read).sum()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_can_only_read_the_tables() {
        let mut connection = Connection::open_in_memory().expect("opened");
        connection.execute_batch("CREATE TABLE spans(name)").expect("made");
        for statement in [
            "DELETE FROM spans",
            "INSERT INTO spans VALUES (1)",
            "DROP TABLE spans",
            "ATTACH 'other.db' AS other",
            "PRAGMA user_version",
            "VACUUM INTO 'copy.db'",
            "BEGIN",
            "SELECT 1; SELECT 2",
            "CREATE TEMP TABLE t(x)",
            "",
            "-- nothing",
        ] {
            assert!(matches!(check(&mut connection, statement), Err(SqlError::NotAQuestion)), "{statement}");
        }
        for statement in ["SELECT name FROM spans", "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1)", "SELECT 1;"] {
            assert!(check(&mut connection, statement).is_ok(), "{statement}");
        }
        for (statement, message) in [
            ("SELECT nam FROM spans", "no such column: nam"),
            ("SELECT name FROM span", "no such table: span"),
            ("SELECT (", "incomplete input"),
        ] {
            match check(&mut connection, statement) {
                Err(SqlError::Statement(found)) => assert_eq!(found, message),
                other => panic!("{statement}: {other:?}"),
            }
        }
    }

    #[test]
    fn columns_that_repeat_a_name_are_numbered() {
        assert_eq!(distinct(["a", "b", "a", "a"].into_iter()), ["a", "b", "a_2", "a_3"]);
    }

    #[test]
    fn only_columns_that_are_named_are_filled_in_unless_a_star_may_mean_them() {
        let columns = |statement| Named::of(statement).columns(Table::Spans);
        assert_eq!(columns("SELECT count(*), Name FROM spans"), ["name"]);
        assert_eq!(columns("SELECT count(*) FROM spans"), Vec::<&str>::new());
        assert_eq!(columns("SELECT * FROM spans"), Table::Spans.columns());
        assert_eq!(columns("SELECT attributes ->> 'http.route' FROM spans"), ["attributes"]);
    }
}
