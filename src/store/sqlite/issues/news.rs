//! What happened to issues since somebody last heard: which ones are new, and which an event opened again.
//!
//! Rows of issues and of their history are numbered as they are made, so two numbers are a place. Each subscriber's lies
//! in `meta`, and what they have not heard yet is in the tables anyway: there is no queue that could fill up or be lost.

use rusqlite::{Connection, params};

use crate::model::{IssueStatus, Nanos};
use crate::store::issues::{IssueNews, NewsPlace};
use crate::store::sqlite::issues::list;
use crate::store::sqlite::sql;
use crate::store::sqlite::tables::column_types::{from_column, to_column};
use crate::store::{Error, Result};

/// What a subscriber has not heard of yet, at most `most` of it, new issues first; `None` of a subscriber nobody
/// knows.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn read(
    connection: &Connection,
    subscriber: &str,
    most: usize,
) -> Result<Option<Vec<IssueNews>>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let known: Option<String> = sql::find(connection, "SELECT value FROM meta WHERE key = ?1", [key(subscriber)])?;
    let Some(known) = known else { return Ok(None) };
    let (last_issue, last_change) = newest(connection)?;
    let mut place = read_place(&known).ok_or_else(|| Error::Corrupt("what a subscriber of issues heard".to_owned()))?;
    // After a deletion of everything numbers begin anew; what came before then the clock tells.
    let since = if last_issue < place.issue { place.time } else { Nanos(0) };
    let after = if last_issue < place.issue { 0 } else { place.issue };
    place.change = if last_change < place.change { 0 } else { place.change };
    let mut news = Vec::new();
    let sql = "SELECT id, created_ns FROM issues WHERE id > ?1 AND created_ns >= ?2 ORDER BY id LIMIT ?3";
    let made = sql::all(connection, sql, params![after, to_column(since.0), most], |row| {
        Ok((row.get::<_, i64>(0)?, Nanos(from_column(row.get(1)?))))
    })?;
    for (row, time) in made {
        place = NewsPlace { issue: row, time: time.max(place.time), ..place };
        if let Some(issue) = list::issue(connection, row, None)? {
            news.push(IssueNews { issue, is_new: true, number: row, place });
        }
    }
    let sql = "SELECT id, issue, time_ns FROM issue_history
               WHERE id > ?1 AND by_event AND status = ?2 AND time_ns >= ?3 ORDER BY id LIMIT ?4";
    let bounds = params![place.change, IssueStatus::Open as u8, to_column(since.0), most];
    let opened = sql::all(connection, sql, bounds, |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, Nanos(from_column(row.get(2)?))))
    })?;
    for (change, row, time) in opened {
        place = NewsPlace { change, time: time.max(place.time), ..place };
        if let Some(issue) = list::issue(connection, row, None)? {
            news.push(IssueNews { issue, is_new: false, number: change, place });
        }
    }
    Ok(Some(news))
}

/// Makes a subscriber known, who is told what happens from now on.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn begin(transaction: &Connection, subscriber: &str) -> Result<()> {
    let (issue, change) = newest(transaction)?;
    note(transaction, subscriber, &NewsPlace { issue, change, time: Nanos::now() })
}

/// The numbers of the newest issue and of the newest change of a status; 0 without any.
fn newest(connection: &Connection) -> Result<(i64, i64)> {
    let issue = sql::value(connection, "SELECT COALESCE(MAX(id), 0) FROM issues", [])?;
    Ok((issue, sql::value(connection, "SELECT COALESCE(MAX(id), 0) FROM issue_history", [])?))
}

/// Notes that a subscriber has heard everything up to a place.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn note(transaction: &Connection, subscriber: &str, place: &NewsPlace) -> Result<()> {
    let sql = "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value";
    let NewsPlace { issue, change, time } = place;
    sql::run(transaction, sql, params![key(subscriber), format!("{issue} {change} {}", time.0)])?;
    Ok(())
}

fn key(subscriber: &str) -> String {
    format!("issue_news:{subscriber}")
}

fn read_place(text: &str) -> Option<NewsPlace> {
    let mut parts = text.split(' ');
    let (issue, change) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(NewsPlace { issue, change, time: Nanos(parts.next()?.parse().ok()?) })
}
