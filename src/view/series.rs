//! Series of numbers over time: a row each, with its labels, its last number and a small line of how it went.

use serde_json::{Map, Value as Json, json};

use crate::model::Nanos;
use crate::model::filter::traceql::{Series, SeriesTable};
use crate::model::time::nanos_to_ms;
use crate::view::out::canvas::{Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::Style;
use crate::view::out::table::{Column, Table, or_dot, sparkline};

/// Columns that the value of a label takes at most on a terminal.
const MOST_VALUE_COLUMNS: usize = 48;
/// Steps that a line over time draws at most, the last ones.
const MOST_DRAWN_STEPS: usize = 24;
/// How fine a line over time tells numbers apart.
const LEVELS: f64 = 1_000.0;

/// Series with what was asked.
#[derive(Debug)]
pub struct SeriesView<'s> {
    /// The query.
    pub query: &'s str,
    /// The series.
    pub found: &'s SeriesTable,
    /// Length of a step of time; `None` where everything is one step.
    pub step_ns: Option<u64>,
}

impl SeriesView<'_> {
    /// The document of all series.
    pub fn to_json(&self) -> Json {
        json!({
            "schema": 1,
            "query": self.query,
            "step_ms": self.step_ns.map(nanos_to_ms),
            "spans": self.found.spans,
            "series": self.rows().collect::<Vec<_>>(),
        })
    }

    /// The rows as objects.
    pub fn rows(&self) -> impl Iterator<Item = Map<String, Json>> {
        self.found.series.iter().map(|series| {
            let mut row = Map::new();
            let labels = series.labels.iter().map(|(name, value)| (name.clone(), json!(value)));
            row.insert("labels".to_owned(), Json::Object(labels.collect()));
            row.insert("value".to_owned(), json!(last(series)));
            row.insert("values".to_owned(), self.values(series));
            row
        })
    }

    fn values(&self, series: &Series) -> Json {
        let Some(first) = self.found.first_step else { return Json::Null };
        let step_ns = self.step_ns.unwrap_or(0);
        let value = |(place, value): (usize, &Option<f64>)| {
            let time = Nanos(first.0.saturating_add(step_ns.saturating_mul(place as u64)));
            json!({ "time": time.to_rfc3339(), "value": value })
        };
        Json::Array(series.values.iter().enumerate().map(value).collect())
    }

    /// Draws the table; empty when there are no series.
    pub fn render(&self, style: &Style) -> String {
        let series = &self.found.series;
        let Some(first) = series.first() else { return String::new() };
        let mut sheet = Sheet::new(style);
        let names: Vec<&String> = first.labels.iter().map(|(name, _)| name).collect();
        let is_alike = |one: &Series| one.labels.iter().map(|(name, _)| name).eq(names.iter().copied());
        let mut columns = Vec::new();
        if series.iter().all(is_alike) {
            for (place, name) in names.iter().enumerate() {
                let cell = |one: &Series| {
                    let value = one.labels.get(place).and_then(|(_, value)| value.as_ref());
                    or_dot(value.map(|value| sheet.stored(value)), Paint::Bold)
                };
                let title = sheet.stored(&name.to_uppercase());
                columns.push(Column::left(&title).gap(2).limit(MOST_VALUE_COLUMNS).fill(series, cell));
            }
        } else {
            let label =
                |(name, value): &(String, Option<String>)| format!("{name}={}", value.as_deref().unwrap_or("nil"));
            let cell = |one: &Series| sheet.stored(&one.labels.iter().map(label).collect::<Vec<_>>().join(" "));
            columns.push(Column::left("SERIES").gap(2).stretch().plain(series, cell));
        }
        let title = if self.step_ns.is_some() { "LAST" } else { "VALUE" };
        let number = |value: Option<f64>| or_dot(value.map(written), Paint::Plain);
        columns.push(Column::right(title).gap(2).fill(series, |one| number(last(one))));
        if self.step_ns.is_some() {
            columns.push(Column::right("MAX").gap(2).fill(series, |one| number(largest(one))));
            columns.push(Column::left("OVER TIME").gap(2).plain(series, drawn));
        }
        Table { columns }.write(&mut sheet, style);
        sheet.finish()
    }
}

/// The number of the last step.
fn last(series: &Series) -> Option<f64> {
    series.values.last().copied().flatten()
}

fn largest(series: &Series) -> Option<f64> {
    series.values.iter().copied().flatten().reduce(f64::max)
}

fn drawn(series: &Series) -> String {
    let largest = largest(series).unwrap_or(0.0);
    let level = |value: &Option<f64>| {
        if largest > 0.0 { (value.unwrap_or(0.0).max(0.0) / largest * LEVELS) as u64 } else { 0 }
    };
    let skipped = series.values.len().saturating_sub(MOST_DRAWN_STEPS);
    sparkline(&series.values.iter().skip(skipped).map(level).collect::<Vec<_>>())
}

/// A number with at most three decimals, and of a very small one its first digits.
fn written(number: f64) -> String {
    if number != 0.0 && number.abs() < 0.001 {
        return format!("{number:.2e}");
    }
    if number.fract() == 0.0 && (0.0..1e15).contains(&number) {
        return format::count(number as u64);
    }
    let text = format!("{number:.3}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::out::style::sample_style;

    fn series(labels: &[(&str, Option<&str>)], values: &[Option<f64>]) -> Series {
        let label = |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        Series { labels: labels.iter().map(label).collect(), values: values.to_vec() }
    }

    fn drawn(series: Vec<Series>, step_ns: Option<u64>) -> String {
        let found = SeriesTable { series, first_step: Some(Nanos(0)), spans: 3, dropped_spans: 0 };
        SeriesView { query: "{ } | rate()", found: &found, step_ns }.render(&sample_style(80))
    }

    #[test]
    fn a_row_has_its_labels_its_last_number_and_how_it_went() {
        let rows = vec![
            series(&[("span:name", Some("GET /cart")), (".zone", None)], &[Some(1.0), None, Some(4.25)]),
            series(&[("span:name", Some("charge")), (".zone", Some("eu"))], &[Some(20_000.0), Some(0.000_01), None]),
        ];
        insta::assert_snapshot!(drawn(rows, Some(1_000_000_000)), @"
        SPAN:NAME  .ZONE  LAST     MAX  OVER TIME
        GET /cart  ·      4.25    4.25  ▃▁█
        charge     eu        ·  20,000  █▁▁
        ");
        insta::assert_snapshot!(drawn(vec![series(&[], &[Some(0.5)])], None), @"
        VALUE
          0.5
        ");
    }

    #[test]
    fn series_of_different_labels_stand_in_one_column() {
        let side = ("__meta_type", Some("selection"));
        let rows = vec![
            series(&[side, ("span.zone", Some("eu"))], &[Some(7.0)]),
            series(&[side, ("status", Some("error"))], &[Some(9.0)]),
        ];
        insta::assert_snapshot!(drawn(rows, None), @"
        SERIES                                                                     VALUE
        __meta_type=selection span.zone=eu                                             7
        __meta_type=selection status=error                                             9
        ");
    }
}
