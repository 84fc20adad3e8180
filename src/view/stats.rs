//! Statistics as totals, sparklines and a table.

use jiff::tz::TimeZone;

use super::out::canvas::{Line, Paint, Sheet};
use super::out::format;
use super::out::style::Style;
use super::out::table::{Column, Table, bar, count_or_dot, or_dot, sparkline};
use super::out::text::width;
use crate::model::time::{NANOS_PER_DAY, NANOS_PER_MINUTE};
use crate::model::{OperationStats, Stats, StatsBy, Text, Timeline};

/// How many rows are shown when not all are asked for.
const FIRST_ROWS: usize = 15;
/// From how many columns on there is room for rates, maxima, totals and histograms.
const WIDE: usize = 120;

/// What to show of the statistics.
#[derive(Debug, Clone, Default)]
pub struct StatsOptions {
    /// The time range asked for, as typed, such as `last 1h`; empty for all.
    pub range: String,
    /// What the rows stand for.
    pub by: StatsBy,
    /// Whether to show all rows instead of the first.
    pub all: bool,
}

/// Draws statistics.
pub fn render(stats: &Stats, options: &StatsOptions, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    let is_wide = style.width >= WIDE;
    let mut totals = totals(stats, options, &sheet);
    if is_wide {
        totals.extend(database(stats, |time| format!(", keeps {time}")));
    }
    sheet.items(0, totals);
    timelines(stats, style, &mut sheet);
    if !stats.operations.is_empty() {
        sheet.gap();
        table(stats, options, &sheet, style).write(&mut sheet, style);
    }
    last_line(stats, options, style, &mut sheet);
    sheet.finish()
}

fn totals(stats: &Stats, options: &StatsOptions, sheet: &Sheet<'_>) -> Vec<Line> {
    let mut items = vec![Line::painted(format::counted(stats.traces, "trace"), Paint::Bold)];
    let mut count = |number: u64, what: &str| {
        if number > 0 {
            items.push(Line::painted(format::counted(number, what), Paint::Plain));
        }
    };
    count(stats.spans, "span");
    count(stats.checkpoints, "checkpoint");
    count(stats.logs, "log");
    count(stats.issues, "open issue");
    if stats.failed > 0 {
        let share = format::rate(stats.failed, stats.traces);
        items.push(Line::painted(format!("{} failed ({share})", format::count(stats.failed)), Paint::Bad));
    }
    if !options.range.is_empty() {
        items.push(Line::painted(sheet.stored(&options.range), Paint::Dim));
    }
    if let Some(range_ns) = range_ns(stats) {
        items.push(Line::painted(format!("{}/min", format::per_minute(stats.traces, range_ns)), Paint::Dim));
    }
    items
}

/// How much time the traces span; `None` when less than a minute, which says nothing about a rate.
fn range_ns(stats: &Stats) -> Option<u64> {
    let range_ns = stats.last?.since(stats.first?);
    (range_ns >= NANOS_PER_MINUTE).then_some(range_ns)
}

/// `database 84.2 MiB, keeps 24h`; `kept` puts how long records are kept into words.
fn database(stats: &Stats, kept: impl Fn(String) -> String) -> Option<Line> {
    if stats.database.size_bytes == 0 {
        return None;
    }
    let kept = stats.database.retention_seconds.map(|seconds| kept(format::retention(seconds))).unwrap_or_default();
    Some(Line::painted(format!("database {}{kept}", format::bytes(stats.database.size_bytes)), Paint::Dim))
}

fn timelines(stats: &Stats, style: &Style, sheet: &mut Sheet<'_>) {
    let Some(timeline) = &stats.timeline else { return };
    let mut lines = vec![timeline_line("traces ", &timeline.traces, timeline, Paint::Hue(0), style)];
    if timeline.errors.iter().any(|count| *count > 0) {
        lines.push(timeline_line("errors ", &timeline.errors, timeline, Paint::Bad, style));
    }
    let wanted: usize = lines.iter().map(|line| line.width() + 6).sum();
    if style.width >= WIDE && wanted <= style.width + 6 {
        let mut both = Line::new();
        for line in lines {
            both.pad(if both.width() > 0 { both.width() + 6 } else { 0 }).append(line);
        }
        sheet.line(both);
    } else {
        lines.into_iter().for_each(|line| sheet.line(line));
    }
}

fn timeline_line(title: &str, counts: &[u64], timeline: &Timeline, paint: Paint, style: &Style) -> Line {
    let mut line = Line::painted(title, Paint::Dim);
    line.add(sparkline(counts), paint);
    let peak = counts.iter().enumerate().max_by_key(|(place, count)| (**count, std::cmp::Reverse(*place)));
    let Some((place, count)) = peak.filter(|(_, count)| **count > 0) else { return line };
    let at_ns = timeline.start.0.saturating_add(timeline.step_ns.saturating_mul(place as u64));
    let length_ns = timeline.step_ns.saturating_mul(counts.len() as u64);
    let is_short = timeline.step_ns < NANOS_PER_MINUTE;
    let pattern = match (length_ns > NANOS_PER_DAY, is_short) {
        (true, _) => "%m-%d %H:%M",
        (false, true) => "%H:%M:%S",
        (false, false) => "%H:%M",
    };
    let at = format::clock(crate::model::Nanos(at_ns), &zone(style), pattern);
    let how_many = match is_short {
        // Less than a minute is no ground to speak of so many a minute.
        true => format!("{} in {}", format::count(*count), format::duration(timeline.step_ns)),
        false => format!("{}/min", per_minute(*count, timeline.step_ns)),
    };
    line.add(format!("  peak {how_many} at {at}"), Paint::Dim);
    line
}

fn per_minute(count: u64, step_ns: u64) -> String {
    let whole = (count as f64 / (step_ns as f64 / NANOS_PER_MINUTE as f64)).round() as u64;
    if whole >= 10 { format::count(whole) } else { format::per_minute(count, step_ns) }
}

fn zone(style: &Style) -> TimeZone {
    match style.times {
        Some(crate::view::out::style::TimeStyle::Utc) => TimeZone::UTC,
        _ => style.zone.clone(),
    }
}

fn table(stats: &Stats, options: &StatsOptions, sheet: &Sheet<'_>, style: &Style) -> Table {
    let rows = shown(stats, options, style);
    if options.by == StatsBy::Source {
        return source_table(stats, rows, sheet, style);
    }
    let is_wide = style.width >= WIDE;
    let mut columns = name_columns(rows, options.by, sheet);
    columns.push(number(rows, "CALLS", |row| format::count(row.calls)));
    if let (true, Some(range_ns)) = (is_wide, range_ns(stats)) {
        columns.push(number(rows, "/MIN", |row| format::per_minute(row.calls, range_ns)));
    }
    columns.push(error_column(rows));
    columns.extend(open_column(rows));
    columns.extend(time_columns(rows, 3, style));
    if !style.is_terminal {
        columns.push(number(rows, "SELF", |row| format::fine_duration(row.self_ns)));
    }
    if !style.is_terminal || style.width >= 72 {
        columns.push(share_column(stats, rows, style, "SELF SHARE", |row| row.self_ns));
    }
    if is_wide && style.is_terminal && rows.iter().any(|row| row.histogram.iter().any(|count| *count > 0)) {
        columns.push(histogram_column(rows));
    }
    Table { columns }
}

/// Who sends how much: records, whether or not they make operations, and how long the operations take.
fn source_table(stats: &Stats, rows: &[OperationStats], sheet: &Sheet<'_>, style: &Style) -> Table {
    let mut columns = name_columns(rows, StatsBy::Source, sheet);
    columns.push(number(rows, "RECORDS", |row| format::count(row.records)));
    if let Some(range_ns) = range_ns(stats) {
        columns.push(number(rows, "/MIN", |row| format::per_minute(row.records, range_ns)));
    }
    columns.push(share_column(stats, rows, style, "SHARE", |row| row.records));
    columns.push(number(rows, "PAIRS", |row| format::count(row.calls)));
    columns.extend(open_column(rows));
    columns.extend(time_columns(rows, 2, style));
    Table { columns }
}

/// A duration that the statistics of an operation hold.
type Nanoseconds = fn(&OperationStats) -> u64;

/// Columns of durations, on a narrow terminal the first so many; rows without a call have none.
fn time_columns(rows: &[OperationStats], narrow: usize, style: &Style) -> impl Iterator<Item = Column> {
    let times: [(&str, Nanoseconds); 5] = [
        ("P50", |row| row.p50_ns),
        ("P95", |row| row.p95_ns),
        ("P99", |row| row.p99_ns),
        ("MAX", |row| row.max_ns),
        ("TOTAL", |row| row.total_ns),
    ];
    let most = if style.width >= WIDE || !style.is_terminal { times.len() } else { narrow };
    times.into_iter().take(most).map(move |(title, ns)| {
        let time = |row: &OperationStats| (row.calls > 0).then(|| format::fine_duration(ns(row)));
        Column::right(title).at_least(6).gap(2).fill(rows, |row| or_dot(time(row), Paint::Plain))
    })
}

/// How many operations were entered and not left; no column when all were.
fn open_column(rows: &[OperationStats]) -> Option<Column> {
    let column = Column::right("OPEN").gap(2).fill(rows, |row| count_or_dot(row.open, Paint::Warn));
    rows.iter().any(|row| row.open > 0).then_some(column)
}

fn shown<'a>(stats: &'a Stats, options: &StatsOptions, style: &Style) -> &'a [OperationStats] {
    let most = if options.all || !style.is_terminal { usize::MAX } else { FIRST_ROWS };
    &stats.operations[..most.min(stats.operations.len())]
}

/// The columns that name a row: service and operation, or the one of them there is.
fn name_columns(rows: &[OperationStats], by: StatsBy, sheet: &Sheet<'_>) -> Vec<Column> {
    let has_service = rows.iter().any(|row| row.operation.service.is_some());
    let has_name = rows.iter().any(|row| row.operation.name.is_some());
    let only = match by {
        StatsBy::Operation => "OPERATION",
        StatsBy::Service => "SERVICE",
        StatsBy::Source => "SOURCE",
        StatsBy::Model | StatsBy::Nothing => "MODEL",
    };
    let cell = |text: &Option<Text>| text.as_ref().map_or("-".to_owned(), |text| sheet.stored(text));
    let services = |column: Column| column.plain(rows, |row| cell(&row.operation.service));
    let names = |column: Column| column.plain(rows, |row| cell(&row.operation.name));
    let column = Column::left(only).stretch();
    match (has_service, has_name) {
        (true, true) => vec![services(Column::left("SERVICE").at_least(8).limit(14)), names(column.gap(2))],
        (true, false) => vec![services(column)],
        (false, _) => vec![names(column)],
    }
}

fn number(rows: &[OperationStats], title: &str, text: impl Fn(&OperationStats) -> String) -> Column {
    Column::right(title).gap(2).plain(rows, text)
}

fn error_column(rows: &[OperationStats]) -> Column {
    let paint = |row: &OperationStats| if row.errors > 0 { Paint::Bad } else { Paint::Dim };
    Column::right("ERR").at_least(4).gap(2).fill(rows, |row| (format::rate(row.errors, row.calls), paint(row)))
}

/// A column of what each row has of all there is, such as self time: a bar on a terminal, and a percentage. The `title`
/// is for a terminal; elsewhere it is `SHARE`.
fn share_column(
    stats: &Stats,
    rows: &[OperationStats],
    style: &Style,
    title: &str,
    value: impl Fn(&OperationStats) -> u64,
) -> Column {
    let total = stats.operations.iter().fold(0_u64, |sum, row| sum.saturating_add(value(row)));
    let largest = rows.iter().map(&value).max().unwrap_or(0);
    let cells = if style.width >= WIDE { 10 } else { 6 };
    if !style.is_terminal {
        return number(rows, "SHARE", |row| format::share(value(row), total));
    }
    Column::left(title).gap(2).at_least(cells + 5).fill(rows, |row| {
        let (bar, share) = (bar(value(row), largest, cells), format::share(value(row), total));
        let gap = " ".repeat((cells + 5).saturating_sub(width(&bar) + width(&share)));
        (format!("{bar}{gap}{share}"), Paint::Hue(0))
    })
}

fn histogram_column(rows: &[OperationStats]) -> Column {
    Column::left("1ms …… 5s+").gap(2).fill(rows, |row| {
        let columns = sparkline(&row.histogram);
        let bars = row.histogram.iter().zip(columns.chars());
        (bars.map(|(count, bar)| if *count == 0 { '·' } else { bar }).collect::<String>(), Paint::Hue(0))
    })
}

fn last_line(stats: &Stats, options: &StatsOptions, style: &Style, sheet: &mut Sheet<'_>) {
    let hidden = stats.operations.len() - shown(stats, options, style).len();
    let mut line = Line::new();
    if hidden > 0 {
        line.add(format!("+ {} more (--all)", format::count(hidden as u64)), Paint::Dim);
    }
    if style.width < WIDE
        && let Some(database) = database(stats, |time| format!(" · {time} kept"))
    {
        let place = if style.is_terminal { style.width.saturating_sub(database.width()) } else { 0 };
        let place = if line.width() > 0 { place.max(line.width() + 2) } else { place };
        line.pad(place).append(database);
    }
    if line.width() > 0 {
        sheet.line(line);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::{Nanos, Operation},
        query::samples,
        view::out::style::sample_style as style,
    };

    fn options() -> StatsOptions {
        StatsOptions { range: "last 1h".to_owned(), ..StatsOptions::default() }
    }

    fn few() -> Stats {
        let mut stats = samples::stats();
        stats.operations.truncate(8);
        stats
    }

    #[test]
    fn eighty_columns() {
        insta::assert_snapshot!(render(&samples::stats(), &options(), &style(80)));
    }

    #[test]
    fn a_hundred_and_twenty_columns_add_rates_maxima_totals_and_histograms() {
        insta::assert_snapshot!(render(&few(), &options(), &style(120)));
    }

    #[test]
    fn ascii_colour_and_without_a_terminal() {
        let ascii = render(&few(), &options(), &Style { ascii: true, ..style(80) });
        assert!(ascii.is_ascii());
        let color = render(&few(), &options(), &Style { color: true, ..style(80) }).replace('\x1b', "␛");
        let piped = render(&few(), &options(), &Style { is_terminal: false, ..style(80) });
        insta::assert_snapshot!(format!("{ascii}\n{color}\n{piped}"));
    }

    #[test]
    fn rows_by_service_or_model_have_one_name() {
        let mut stats = few();
        stats.operations.truncate(3);
        stats.operations.iter_mut().for_each(|row| row.operation.name = None);
        let by_service = render(&stats, &StatsOptions { by: StatsBy::Service, ..options() }, &style(80));
        for row in &mut stats.operations {
            row.operation.name = row.operation.service.take();
        }
        let by_model = render(&stats, &StatsOptions { by: StatsBy::Model, ..options() }, &style(80));
        insta::assert_snapshot!(format!("{by_service}\n{by_model}"));
    }

    #[test]
    fn sources_are_shown_by_what_they_send_and_what_hangs() {
        let mut stats = few();
        stats.operations.truncate(3);
        (stats.spans, stats.checkpoints, stats.logs) = (0, 1_204_118, 0);
        let counts = [("WK", 1_100_204, 549_900, 3), ("MA", 103_900, 51_950, 0), ("FR", 14, 0, 14)];
        for (row, (source, records, calls, open)) in stats.operations.iter_mut().zip(counts) {
            row.operation = Operation { service: Some(Text::from(source)), name: None };
            (row.records, row.calls, row.open, row.errors) = (records, calls, open, 0);
        }
        let by_source = StatsOptions { by: StatsBy::Source, ..options() };
        let styles = [style(80), style(120), Style { is_terminal: false, ..style(80) }];
        let texts = styles.map(|style| render(&stats, &by_source, &style));
        for row in &mut stats.operations {
            row.operation.name = Some(Text::from("REST POST /import"));
        }
        insta::assert_snapshot!(format!("{}\n{}", texts.join("\n"), render(&stats, &options(), &style(80))));
    }

    #[test]
    fn an_empty_database_and_one_of_a_moment() {
        let empty = Stats { database: samples::stats().database, ..Stats::default() };
        let mut moment = few();
        moment.first = moment.last;
        moment.operations.truncate(1);
        if let Some(timeline) = &mut moment.timeline {
            timeline.step_ns = 40_000_000;
            timeline.start = Nanos(samples::START);
        }
        let texts = [empty, moment].map(|stats| render(&stats, &StatsOptions::default(), &style(80)));
        insta::assert_snapshot!(texts.join("\n"));
    }

    proptest! {
        #[test]
        fn no_stored_text_or_number_breaks_a_line(name in any::<String>(), calls: u64, nanos: u64, columns in 1usize..130) {
            let mut stats = few();
            let row = &mut stats.operations[0];
            row.operation.name = Some(Text::from(name.as_str()));
            row.operation.service = Some(Text::from(name));
            (row.calls, row.self_ns, row.max_ns) = (calls, nanos, nanos);
            let text = render(&stats, &options(), &style(columns));
            prop_assert!(text.lines().all(|line| width(line) <= columns && !line.ends_with(' ')), "{}", text);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
