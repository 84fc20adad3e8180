//! Reading issues: lists a page at a time, one with all that is known of it, and how many are open.
//!
//! Rows of issues are small and few beside records, so a list looks at all of them and SQLite keeps the page.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::model::grouping::Why;
use crate::model::id::from_hex;
use crate::model::{
    Fingerprint, HourCount, Issue, IssueDetail, IssueId, IssueQuery, IssueSort, IssueStatus, Nanos, Page, StatsQuery,
    StatusChange, Text, json,
};
use crate::store::issues::hours::hour_ns;
use crate::store::issues::{IssueCursor, IssueRows, issue_title};
use crate::store::sqlite::damage::{Part, tolerate};
use crate::store::sqlite::file::schema;
use crate::store::sqlite::issues::rows::{Rows, find_row, read_status};
use crate::store::sqlite::sql;
use crate::store::sqlite::tables::column_types::{from_column, to_column};
use crate::store::{Error, Result};

const COLUMNS: &str = "id, issue_id, project, service, status, is_regressed, error_type, message, pattern, \
                       messages_differ, culprit, environments, first_ns, last_ns, events, traces, fingerprint";

/// One page of the issues `query` names.
///
/// # Errors
/// [`Error::BadCursor`] for the cursor of another list, and what the store says.
pub(in crate::store::sqlite) fn list(connection: &Connection, query: &IssueQuery) -> Result<Page<Issue>> {
    let after = query.cursor.as_ref().map(|cursor| IssueCursor::read(cursor, query)).transpose()?;
    let mut page = Page { items: Vec::new(), next: None, total: Some(0), failed: Some(0) };
    if !schema::knows_issues_and_keys(connection)? {
        return Ok(page);
    }
    let mut named = Conditions::of(query);
    let sql = format!("SELECT COUNT(*), COALESCE(SUM(status = {}), 0) FROM issues WHERE {}", OPEN, named.sql);
    let count = |row: &Row<'_>, column| row.get(column).map(|count| Some(from_column(count)));
    let totals = |row: &Row<'_>| Ok((count(row, 0)?, count(row, 1)?));
    (page.total, page.failed) = connection.prepare(&sql)?.query_row(params_from_iter(&named.values), totals)?;
    let key = key_column(query.sort);
    let (beyond, order, id_beyond, id_order) =
        if query.reverse { (">", "ASC", "<", "DESC") } else { ("<", "DESC", ">", "ASC") };
    if let Some(after) = &after {
        let condition = format!(" AND ({key} {beyond} ? OR ({key} = ? AND issue_id {id_beyond} ?))");
        named.add(&condition, [to_column(after.key).into(), to_column(after.key).into(), blob(after.id)]);
    }
    // One more tells whether there is another page.
    let limit = match query.limit {
        0 => i64::MAX,
        limit => i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM issues WHERE {} ORDER BY {key} {order}, issue_id {id_order} LIMIT {limit}",
        named.sql
    );
    sql::each(connection, &sql, params_from_iter(&named.values), |row| {
        if query.limit > 0 && page.items.len() == query.limit {
            page.next = page.items.last().map(|last| IssueCursor::behind(last, query.sort).write(query));
            return Ok(());
        }
        let issue = read(row).and_then(|(row, mut issue)| {
            complete(connection, row, &mut issue, query.counts_since)?;
            Ok(issue)
        });
        page.items.extend(tolerate(Part::Row("issues"), issue)?);
        Ok(())
    })?;
    Ok(page)
}

/// All that is known of an issue; `None` when there is none of this id.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn detail(connection: &Connection, id: &IssueId) -> Result<Option<IssueDetail>> {
    if !schema::knows_issues_and_keys(connection)? {
        return Ok(None);
    }
    let Some(row) = find_row(connection, id)? else { return Ok(None) };
    let Some(issue) = issue(connection, row, Some(Nanos(0)))? else { return Ok(None) };
    let stack_trace: Option<String> =
        sql::find(connection, "SELECT stack_trace FROM issue_stacks WHERE issue = ?1", [row])?;
    let (fingerprints, why) = fingerprints(connection, row, &issue.fingerprint)?;
    let history = history(connection, row)?;
    Ok(Some(IssueDetail { issue, stack_trace: stack_trace.map(Text::from), why, fingerprints, history }))
}

/// The issue of a row with its sample traces, and with the counts since a time if one is given.
pub(super) fn issue(connection: &Connection, row: i64, counts_since: Option<Nanos>) -> Result<Option<Issue>> {
    let found = sql::all(connection, &format!("SELECT {COLUMNS} FROM issues WHERE id = ?1"), [row], read)?.pop();
    let Some((row, mut issue)) = found else { return Ok(None) };
    complete(connection, row, &mut issue, counts_since)?;
    Ok(Some(issue))
}

/// How many issues are open, of those a question for statistics is about.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn open_count(connection: &Connection, query: &StatsQuery) -> Result<u64> {
    if !schema::knows_issues_and_keys(connection)? {
        return Ok(0);
    }
    let StatsQuery { since, until, service, project, .. } = query.clone();
    let named = IssueQuery { status: Some(IssueStatus::Open), since, until, service, project, ..IssueQuery::default() };
    let named = Conditions::of(&named);
    let sql = format!("SELECT COUNT(*) FROM issues WHERE {}", named.sql);
    sql::value(connection, &sql, params_from_iter(&named.values)).map(from_column)
}

const OPEN: i64 = IssueStatus::Open as i64;

fn key_column(sort: IssueSort) -> &'static str {
    match sort {
        IssueSort::LastSeen => "last_ns",
        IssueSort::FirstSeen => "first_ns",
        IssueSort::Count => "events",
    }
}

/// What a query asks of a row.
struct Conditions {
    sql: String,
    values: Vec<Sql>,
}

impl Conditions {
    fn of(query: &IssueQuery) -> Conditions {
        let mut named = Conditions { sql: "1".to_owned(), values: Vec::new() };
        let text = |text: &Option<String>| text.clone().map(Sql::Text);
        let time = |time: Option<Nanos>| time.map(|time| Sql::Integer(to_column(time.0)));
        let in_environment = " AND CASE WHEN json_valid(environments)
                              THEN EXISTS (SELECT 1 FROM json_each(environments) WHERE value = ?) ELSE 0 END";
        let conditions = [
            (" AND status = ?", query.status.map(|status| Sql::Integer(status as i64))),
            (" AND service = ?", text(&query.service)),
            (" AND project = ?", text(&query.project)),
            (in_environment, text(&query.environment)),
            (" AND last_ns >= ?", time(query.since)),
            (" AND first_ns < ?", time(query.until)),
        ];
        for (condition, value) in conditions {
            if let Some(value) = value {
                named.add(condition, [value]);
            }
        }
        if let Some(prefix) = &query.id_prefix {
            match id_range(prefix) {
                Some((low, high)) => named.add(" AND issue_id BETWEEN ? AND ?", [low, high].map(blob)),
                None => named.add(" AND 0", []),
            }
        }
        if !query.ids.is_empty() {
            let places = vec!["?"; query.ids.len()].join(",");
            named.sql.push_str(&format!(" AND issue_id IN ({places})"));
            named.values.extend(query.ids.iter().map(|id| blob(*id)));
        }
        named
    }

    fn add<const N: usize>(&mut self, condition: &str, values: [Sql; N]) {
        self.sql.push_str(condition);
        self.values.extend(values);
    }
}

fn blob(id: IssueId) -> Sql {
    Sql::Blob(id.0.to_vec())
}

/// The first and the last id that begin with these digits; `None` when none does.
fn id_range(prefix: &str) -> Option<(IssueId, IssueId)> {
    let missing = 16_usize.checked_sub(prefix.len())?;
    let padded = |digit: &str| from_hex::<8>(format!("{prefix}{}", digit.repeat(missing)).as_bytes()).map(IssueId);
    Some((padded("0")?, padded("f")?))
}

/// Reads a row of [`COLUMNS`], and its number.
fn read(row: &Row<'_>) -> Result<(i64, Issue)> {
    let text = |column: usize| row.get::<_, String>(column).map(Text::from);
    let optional = |column: usize| row.get::<_, Option<String>>(column).map(|text| text.map(Text::from));
    let time = |column: usize| row.get(column).map(|time| Nanos(from_column(time)));
    let (error_type, message, pattern) = (optional(6)?, text(7)?, text(8)?);
    let environments: Vec<String> = serde_json::from_str(&row.get::<_, String>(11)?)
        .map_err(|error| Error::Corrupt(format!("environments of an issue: {error}")))?;
    let in_title = if row.get(9)? { &pattern } else { &message };
    let issue = Issue {
        id: IssueId(row.get(1)?),
        project: text(2)?,
        service: text(3)?,
        status: read_status(row.get(4)?),
        is_regressed: row.get(5)?,
        title: issue_title(error_type.as_deref(), in_title),
        error_type,
        message,
        culprit: optional(10)?,
        environments: environments.into_iter().map(Text::from).collect(),
        first_seen: time(12)?,
        last_seen: time(13)?,
        event_count: row.get(14).map(from_column)?,
        trace_count: row.get(15).map(from_column)?,
        fingerprint: Fingerprint(row.get(16)?),
        sample_trace_ids: Vec::new(),
        counts: Vec::new(),
    };
    Ok((row.get(0)?, issue))
}

/// Adds the sample traces, and the counts since a time.
fn complete(connection: &Connection, row: i64, issue: &mut Issue, counts_since: Option<Nanos>) -> Result<()> {
    issue.sample_trace_ids = Rows(connection).issue_traces(row)?.newest().cloned().collect();
    if let Some(since) = counts_since {
        issue.counts = counts(connection, row, since)?;
    }
    Ok(())
}

fn counts(connection: &Connection, row: i64, since: Nanos) -> Result<Vec<HourCount>> {
    let sql = "SELECT hour_ns, count FROM issue_counts WHERE issue = ?1 AND hour_ns >= ?2 ORDER BY hour_ns";
    sql::all(connection, sql, [row, to_column(hour_ns(since.0))], |row| {
        Ok(HourCount { hour: Nanos(from_column(row.get(0)?)), count: from_column(row.get(1)?) })
    })
}

/// All fingerprints, the issue's own first, and what that one was made of.
fn fingerprints(connection: &Connection, row: i64, own: &Fingerprint) -> Result<(Vec<Fingerprint>, Why)> {
    let sql =
        "SELECT fingerprint, why FROM issue_fingerprints WHERE issue = ?1 ORDER BY fingerprint <> ?2, fingerprint";
    let (mut fingerprints, mut why) = (Vec::new(), None);
    sql::each(connection, sql, params![row, own.0], |row| {
        fingerprints.push(Fingerprint(row.get(0)?));
        if why.is_none() {
            let corrupt = |what: String| Error::Corrupt(format!("what a fingerprint was made of: {what}"));
            let json = serde_json::from_str(&row.get::<_, String>(1)?).map_err(|error| corrupt(error.to_string()))?;
            why = Some(json::read::<Why>(&json).map_err(|error| corrupt(error.to_string()))?);
        }
        Ok(())
    })?;
    Ok((fingerprints, why.unwrap_or_default()))
}

fn history(connection: &Connection, row: i64) -> Result<Vec<StatusChange>> {
    let sql = "SELECT time_ns, status, by_event FROM issue_history WHERE issue = ?1 ORDER BY id";
    sql::all(connection, sql, [row], |row| {
        let time = Nanos(from_column(row.get(0)?));
        Ok(StatusChange { time, status: read_status(row.get(1)?), by_event: row.get(2)? })
    })
}
