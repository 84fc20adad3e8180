//! Spans grouped by keys, as a table with what their calls add up to, and a small line of how each went over time.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::model::time::nanos_to_ms;
use crate::query::records::groups::{Group, Groups, Measures};
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::Style;
use crate::view::out::table::{Column, Table, count_or_dot, or_dot, sparkline};

/// Columns that the value of a key takes at most on a terminal.
const MOST_VALUE_COLUMNS: usize = 32;
/// Steps that a line over time draws at most, the last ones.
const MOST_DRAWN_STEPS: usize = 24;

/// Groups with the names of the keys they are by.
#[derive(Debug)]
pub struct GroupTable<'g> {
    /// The names of the keys.
    pub names: &'g [String],
    /// The groups.
    pub found: &'g Groups,
    /// Length of a step of time, where groups are divided.
    pub over: Option<Duration>,
}

impl GroupTable<'_> {
    /// The document of all groups.
    pub fn to_json(&self) -> Json {
        json!({
            "schema": 1,
            "by": self.names,
            "total": self.found.total,
            "groups": self.rows().collect::<Vec<_>>(),
        })
    }

    /// The rows as objects.
    pub fn rows(&self) -> impl Iterator<Item = Map<String, Json>> {
        self.found.groups.iter().map(|group| {
            let values = self.names.iter().zip(&group.values);
            let mut row = Map::new();
            row.insert("group".to_owned(), values.map(|(name, value)| (name.clone(), json!(value))).collect());
            add_measures(&group.measures, &mut row);
            row.insert("series".to_owned(), self.series(group));
            row
        })
    }

    /// What each step adds up to, with when it begins; `null` without a division.
    fn series(&self, group: &Group) -> Json {
        let (Some(over), Some(first)) = (self.over, self.found.first_step) else { return Json::Null };
        let length_ns = u64::try_from(over.as_nanos()).unwrap_or(u64::MAX);
        let step = |(place, measures): (usize, &Measures)| {
            let start = crate::model::Nanos(first.0.saturating_add(length_ns.saturating_mul(place as u64)));
            let mut step = Map::new();
            step.insert("time".to_owned(), json!(start.to_rfc3339()));
            add_measures(measures, &mut step);
            Json::Object(step)
        };
        Json::Array(group.steps.iter().enumerate().map(step).collect())
    }

    /// Draws the table; empty when there are no groups.
    pub fn render(&self, style: &Style) -> String {
        let mut sheet = Sheet::new(style);
        let groups = &self.found.groups;
        if groups.is_empty() {
            return String::new();
        }
        let keys = self.names.iter().enumerate().map(|(place, name)| {
            let cell = |group: &Group| {
                let value = group.values.get(place).cloned().flatten();
                or_dot(value.map(|value| sheet.stored(&value)), Paint::Bold)
            };
            let title = sheet.stored(&name.to_uppercase());
            Column::left(&title).gap(2).limit(MOST_VALUE_COLUMNS).fill(groups, cell)
        });
        let mut columns: Vec<Column> = keys.collect();
        columns.push(Column::right("CALLS").gap(2).plain(groups, |group| format::count(group.measures.calls)));
        columns.push(Column::right("ERR").gap(2).fill(groups, |group| count_or_dot(group.measures.errors, Paint::Bad)));
        // A percentile that is the slowest call itself says nothing more.
        for (title, least, of) in [
            ("P50", 1, (|measures| measures.p50_ns) as fn(&Measures) -> u64),
            ("P95", 20, |measures| measures.p95_ns),
            ("P99", 100, |measures| measures.p99_ns),
            ("MAX", 1, |measures| measures.max_ns),
        ] {
            let cell = |group: &Group| {
                let is_known = group.measures.calls >= least;
                or_dot(is_known.then(|| format::duration(of(&group.measures))), Paint::Plain)
            };
            columns.push(Column::right(title).gap(2).fill(groups, cell));
        }
        if self.over.is_some() {
            let drawn = |group: &Group, of: fn(&Measures) -> u64| {
                let skipped = group.steps.len().saturating_sub(MOST_DRAWN_STEPS);
                sparkline(&group.steps.iter().skip(skipped).map(of).collect::<Vec<_>>())
            };
            columns.push(Column::left("CALLS").gap(2).plain(groups, |group| drawn(group, |step| step.calls)));
            columns.push(Column::left("P95").gap(2).plain(groups, |group| drawn(group, |step| step.p95_ns)));
        }
        let table = Table { columns };
        table.write(&mut sheet, style);
        if style.is_terminal {
            let text = format!(
                "{} of {}",
                format::count(groups.len() as u64),
                format::counted(self.found.total as u64, "group")
            );
            sheet.line(Line::painted(text, Paint::Dim));
        }
        sheet.finish()
    }
}

fn add_measures(measures: &Measures, row: &mut Map<String, Json>) {
    let Measures { calls, errors, p50_ns, p95_ns, p99_ns, max_ns, total_ns } = measures;
    let rate = if *calls == 0 { 0.0 } else { *errors as f64 / *calls as f64 };
    row.insert("calls".to_owned(), json!(calls));
    row.insert("errors".to_owned(), json!(errors));
    row.insert("error_rate".to_owned(), json!(rate));
    for (name, nanos) in
        [("p50_ms", p50_ns), ("p95_ms", p95_ns), ("p99_ms", p99_ns), ("max_ms", max_ns), ("total_ms", total_ns)]
    {
        row.insert(name.to_owned(), json!(nanos_to_ms(*nanos)));
    }
}
