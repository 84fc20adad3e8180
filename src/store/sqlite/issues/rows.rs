//! Issues as rows of the file: one statement or two for each operation that counting needs.
//!
//! Counting goes on whatever is damaged, because no record leaves the inbox before its errors are counted: what cannot be
//! read of an issue counts as not there, and a fingerprint that leads nowhere leads to the next issue made of it.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value as Json;

use crate::model::grouping::Why;
use crate::model::{IssueId, IssueStatus, Text, json};
use crate::store::issues::{Alias, IssueRows, IssueState, IssueTraces, IssueUpdate, NewIssue};
use crate::store::sqlite::damage::{Part, tolerate};
use crate::store::sqlite::sql;
use crate::store::sqlite::tables::column_types::{from_column, to_column};
use crate::store::{Error, Result};

/// The rows of issues, in whatever transaction the connection is.
pub(in crate::store::sqlite) struct Rows<'c>(pub &'c Connection);

impl IssueRows for Rows<'_> {
    fn find_issue(&self, grouping: &IssueId) -> Result<Option<i64>> {
        let sql = "SELECT issues.id FROM issue_fingerprints JOIN issues ON issues.id = issue WHERE grouping = ?1";
        sql::find(self.0, sql, [grouping.0])
    }

    fn recent_issues(&self, project: &str, service: &str, most: u64) -> Result<Vec<(i64, Why)>> {
        let sql = "SELECT f.issue, f.why FROM issue_fingerprints f JOIN
                     (SELECT id FROM issues WHERE project = ?1 AND service = ?2 ORDER BY received_ns DESC LIMIT ?3) i
                   ON f.issue = i.id";
        let mut recent = Vec::new();
        sql::each(self.0, sql, params![project, service, to_column(most)], |row| {
            let json: Json = serde_json::from_str(&row.get::<_, String>(1).unwrap_or_default()).unwrap_or_default();
            if let Ok(why) = json::read::<Why>(&json) {
                recent.push((row.get(0)?, why));
            }
            Ok(())
        })?;
        Ok(recent)
    }

    fn count_new_issues(&self, since_ns: u64, project: Option<&str>) -> Result<u64> {
        let sql = "SELECT COUNT(*) FROM issues WHERE created_ns >= ?1 AND (?2 IS NULL OR project = ?2)";
        sql::value(self.0, sql, params![to_column(since_ns), project]).map(from_column)
    }

    fn insert_issue(&self, new: &NewIssue, received_ns: u64) -> Result<i64> {
        let sql = "INSERT INTO issues(issue_id, project, service, status, is_regressed, changed_ns, error_type,
                                      message, pattern, messages_differ, culprit, environments, first_ns, last_ns,
                                      events, traces, fingerprint, created_ns, received_ns)
                   VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, 0, ?9, '[]', ?10, 0, 0, 0, ?11, ?5, ?5)
                   ON CONFLICT(issue_id) DO NOTHING";
        sql::run(
            self.0,
            sql,
            params![
                new.grouping.issue.0,
                new.project.as_str(),
                new.service.as_str(),
                IssueStatus::Open as u8,
                to_column(received_ns),
                new.grouping.error_type.as_deref(),
                new.grouping.message.as_str(),
                new.grouping.message_pattern.as_str(),
                new.grouping.culprit.as_deref(),
                i64::MAX,
                new.grouping.fingerprint.0,
            ],
        )?;
        sql::value(self.0, "SELECT id FROM issues WHERE issue_id = ?1", [new.grouping.issue.0])
    }

    fn add_fingerprint(&self, row: i64, alias: &Alias) -> Result<()> {
        let sql = "INSERT INTO issue_fingerprints(grouping, issue, fingerprint, why) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT(grouping) DO UPDATE
                     SET issue = excluded.issue, fingerprint = excluded.fingerprint, why = excluded.why
                   WHERE issue NOT IN (SELECT id FROM issues)";
        let why = json::text(&alias.why);
        sql::run(self.0, sql, params![alias.grouping.0, row, alias.fingerprint.0, why])?;
        Ok(())
    }

    fn issue_state(&self, row: i64) -> Result<IssueState> {
        let sql = "SELECT status, changed_ns, message, environments, stack_hour_ns FROM issues WHERE id = ?1";
        let read = |row: &Row<'_>| {
            Ok(IssueState {
                status: read_status(row.get(0).unwrap_or_default()),
                changed_ns: from_column(row.get(1).unwrap_or_default()),
                message: Text::from(row.get::<_, String>(2).unwrap_or_default()),
                environments: serde_json::from_str(&row.get::<_, String>(3).unwrap_or_default()).unwrap_or_default(),
                stack_hour_ns: row.get::<_, Option<i64>>(4).unwrap_or_default().map(from_column),
            })
        };
        Ok(self.0.prepare_cached(sql)?.query_row([row], read)?)
    }

    fn issue_traces(&self, row: i64) -> Result<IssueTraces> {
        let sql = "SELECT counted, samples FROM issue_traces WHERE issue = ?1";
        let read = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?));
        let found = self.0.prepare_cached(sql)?.query_row([row], read).optional().map_err(Error::from);
        let read =
            found.and_then(|found| found.map(|(counted, samples)| IssueTraces::read(&counted, &samples)).transpose());
        match tolerate(Part::Row("issues"), read)?.flatten() {
            Some(traces) => Ok(traces),
            None => IssueTraces::read(&[], "[]"),
        }
    }

    fn set_issue_traces(&self, row: i64, traces: &IssueTraces) -> Result<()> {
        let sql = "INSERT INTO issue_traces(issue, counted, samples, oldest_ns) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT(issue) DO UPDATE SET counted = excluded.counted, samples = excluded.samples,
                                                    oldest_ns = excluded.oldest_ns";
        let oldest = traces.oldest_ns().map(to_column);
        sql::run(self.0, sql, params![row, traces.write_counted(), traces.write_samples(), oldest])?;
        Ok(())
    }

    fn update_issue(&self, row: i64, update: &IssueUpdate<'_>) -> Result<()> {
        for (hour_ns, events) in update.hours {
            let sql = "INSERT INTO issue_counts(issue, hour_ns, count) VALUES (?1, ?2, ?3)
                       ON CONFLICT(issue, hour_ns) DO UPDATE SET count = count + excluded.count";
            sql::run(self.0, sql, params![row, to_column(*hour_ns), to_column(*events)])?;
        }
        if let Some((_, stack)) = update.stack {
            let sql = "INSERT OR REPLACE INTO issue_stacks(issue, stack_trace) VALUES (?1, ?2)";
            sql::run(self.0, sql, params![row, stack])?;
        }
        let sql =
            "UPDATE issues SET messages_differ = messages_differ OR ?2, environments = COALESCE(?3, environments),
                                     first_ns = MIN(first_ns, ?4), last_ns = MAX(last_ns, ?5), events = events + ?6,
                                     traces = MAX(traces, ?7), received_ns = MAX(received_ns, ?8),
                                     stack_hour_ns = COALESCE(?9, stack_hour_ns)
                   WHERE id = ?1";
        sql::run(
            self.0,
            sql,
            params![
                row,
                update.messages_differ,
                update.environments.as_ref().map(|names| Json::from(names.as_slice()).to_string()),
                to_column(update.first_ns),
                to_column(update.last_ns),
                to_column(update.events),
                to_column(update.traces),
                to_column(update.received_ns),
                update.stack.map(|(hour_ns, _)| to_column(hour_ns)),
            ],
        )?;
        Ok(())
    }

    fn set_status(&self, row: i64, status: IssueStatus, by_event: bool, now_ns: u64) -> Result<()> {
        let sql = "UPDATE issues SET status = ?2, is_regressed = ?3, changed_ns = ?4 WHERE id = ?1";
        sql::run(self.0, sql, params![row, status as u8, by_event, to_column(now_ns)])?;
        let sql = "INSERT INTO issue_history(issue, time_ns, status, by_event) VALUES (?1, ?2, ?3, ?4)";
        sql::run(self.0, sql, params![row, to_column(now_ns), status as u8, by_event])?;
        Ok(())
    }
}

/// A status as a column has it; what nobody wrote is open.
pub(super) fn read_status(column: i64) -> IssueStatus {
    IssueStatus::ALL.into_iter().find(|status| *status as i64 == column).unwrap_or_default()
}

/// The row of an issue, by its own id or by one its other fingerprints would have given it.
pub(super) fn find_row(connection: &Connection, id: &IssueId) -> Result<Option<i64>> {
    match sql::find(connection, "SELECT id FROM issues WHERE issue_id = ?1", [id.0])? {
        Some(row) => Ok(Some(row)),
        None => Rows(connection).find_issue(id),
    }
}
