//! One record a line, as `tail` prints them: dense text for people, one JSON object for programs.

use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json, json};

use crate::model::json::{log_to_json, object};
use crate::model::time::nanos_to_ms;
use crate::model::{Direction, Nanos, Record, Severity, SpanId, TraceId, display_name};
use crate::query::tail::Arrival;
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::{Style, TimeStyle};
use crate::view::out::text::{cut, width};

/// Columns of the time of day on a terminal.
pub(in crate::view) const CLOCK_COLUMNS: usize = 12;
/// Columns of the kind of a record.
const MARK_COLUMNS: usize = 5;
/// Columns of the service on a terminal.
const SERVICE_COLUMNS: usize = 10;
/// Columns of a duration.
const DURATION_COLUMNS: usize = 6;
/// Columns of a shortened id.
const ID_COLUMNS: usize = 8;
/// Fewest columns a name gets, however narrow the terminal.
const LEAST_NAME_COLUMNS: usize = 8;

/// One record as an object: `kind` (`span`, `checkpoint` or `log`), `trace_id`, then the record as `show` has it. A
/// span's own kind is `span_kind`, its `self_ms` is `null` because only the whole trace tells it, and a checkpoint
/// also has the duration of the operation it closes.
pub fn to_json(arrival: &Arrival) -> Map<String, Json> {
    let (kind, record) = match &arrival.record {
        Record::Span(span) => ("span", object(span)),
        Record::Checkpoint(checkpoint) => ("checkpoint", object(checkpoint)),
        Record::Log(log) => ("log", log_to_json(log)),
    };
    let mut object = Map::new();
    object.insert("kind".to_owned(), json!(kind));
    object.insert("trace_id".to_owned(), json!(arrival.record.trace_id().map(TraceId::to_string)));
    for (key, value) in record {
        match (kind, key.as_str()) {
            ("span", "kind") => object.insert("span_kind".to_owned(), value),
            ("span", "self_ms") => object.insert(key, Json::Null),
            _ => object.insert(key, value),
        };
    }
    if kind == "checkpoint" {
        object.insert("duration_ms".to_owned(), json!(arrival.duration_ns.map(nanos_to_ms)));
        object.insert("duration_ns".to_owned(), json!(arrival.duration_ns));
    }
    object
}

/// Draws some records, one line each. On a terminal lines are as wide as it is at most; elsewhere times, names and ids
/// are whole. When all records are of one trace (`is_one_trace`), a terminal shows the ids of spans instead.
pub fn render(arrivals: &[Arrival], is_one_trace: bool, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    for arrival in arrivals {
        add_line(arrival, is_one_trace, &Note::None, &mut sheet, style);
    }
    sheet.finish()
}

/// What else is to be said of a record, and where on its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Nothing.
    None,
    /// Behind its name.
    Behind(String),
    /// Before its name.
    Before(String),
    /// In place of its name.
    Instead(String),
}

/// Draws records as [`render`] does, each with a note.
pub fn render_with_notes(records: &[(Arrival, Note)], style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    for (arrival, note) in records {
        add_line(arrival, false, note, &mut sheet, style);
    }
    sheet.finish()
}

fn add_line(arrival: &Arrival, is_one_trace: bool, note: &Note, sheet: &mut Sheet<'_>, style: &Style) {
    let mut name = name(arrival, sheet);
    match note {
        Note::None => {}
        Note::Behind(text) => {
            name.add("  ", Paint::Plain).add(sheet.stored(text), Paint::Dim);
        }
        Note::Before(text) => {
            let mut line = Line::painted(sheet.stored(text), Paint::Plain);
            line.add("  ", Paint::Plain).append(name);
            name = line;
        }
        Note::Instead(text) => name = Line::painted(sheet.stored(text), Paint::Plain),
    }
    let line = match style.is_terminal {
        true => narrow_line(arrival, is_one_trace, name, sheet, style),
        false => wide_line(arrival, name, sheet, style),
    };
    sheet.line(line);
}

/// `09:14:02.117 ✗ span  shop       POST /checkout: 402            1.24s  4bf92f35`
fn narrow_line(arrival: &Arrival, is_one_trace: bool, mut name: Line, sheet: &Sheet<'_>, style: &Style) -> Line {
    let mut line = head(arrival, style);
    let service = sheet.name(arrival.record.service());
    let name_column = line.width() + SERVICE_COLUMNS + 1;
    line.add(cut(&service, SERVICE_COLUMNS), hue(&service)).pad(name_column);
    let tail_columns = 1 + DURATION_COLUMNS + 2 + ID_COLUMNS;
    let room = style.width.saturating_sub(name_column + tail_columns).max(LEAST_NAME_COLUMNS);
    line.append(name.cut(room).clone()).pad(name_column + room + 1);
    line.add_right(duration(arrival), DURATION_COLUMNS, Paint::Plain).add("  ", Paint::Plain);
    let id = match is_one_trace {
        true => span_id(&arrival.record).map(|id| id.to_string()),
        false => arrival.record.trace_id().map(TraceId::brief),
    };
    let id = sheet.stored(&id.unwrap_or_default());
    line.add(cut_id(&id), Paint::Dim);
    line
}

/// A line in which nothing is cut, with the ids before the name, since the name has any length.
fn wide_line(arrival: &Arrival, name: Line, sheet: &Sheet<'_>, style: &Style) -> Line {
    let mut line = head(arrival, style);
    let trace = arrival.record.trace_id().map(TraceId::to_string).unwrap_or_default();
    let span = span_id(&arrival.record).map(|id| id.to_string()).unwrap_or_default();
    line.add(dash(sheet.stored(&trace)), Paint::Dim).add(" ", Paint::Plain);
    line.add(dash(span), Paint::Dim).add(" ", Paint::Plain);
    line.add_right(dash(duration(arrival)), DURATION_COLUMNS, Paint::Plain).add(" ", Paint::Plain);
    let service = sheet.name(arrival.record.service());
    line.add(dash(service.clone()), hue(&service)).add(" ", Paint::Plain);
    line.append(name);
    line
}

/// The beginning of a line: the time, whether the record tells of a failure, and its kind.
fn head(arrival: &Arrival, style: &Style) -> Line {
    let mut line = Line::painted(time(arrival.time, style), Paint::Dim);
    if style.is_terminal {
        let column = if style.times == Some(TimeStyle::Relative) { 4 } else { CLOCK_COLUMNS };
        line.pad(column);
    }
    let severity = arrival.record.severity();
    let error = if severity >= Severity::Error { "✗" } else { " " };
    line.add(" ", Paint::Plain).add(error, Paint::Bad).add(" ", Paint::Plain);
    let (mark, paint) = match &arrival.record {
        Record::Span(_) => ("span".to_owned(), Paint::Dim),
        Record::Checkpoint(checkpoint) => match checkpoint.direction {
            Direction::Enter => ("->".to_owned(), Paint::Dim),
            Direction::Exit => ("<-".to_owned(), Paint::Dim),
            Direction::Other(_) => ("--".to_owned(), Paint::Dim),
        },
        Record::Log(log) => (log.severity.as_str().to_uppercase(), level_paint(severity)),
    };
    let column = line.width() + MARK_COLUMNS + 1;
    line.add(mark, paint).pad(column);
    line
}

/// What a record tells: a span's name and what went wrong, a checkpoint's operation, the first line of a message.
fn name(arrival: &Arrival, sheet: &Sheet<'_>) -> Line {
    match &arrival.record {
        Record::Span(span) => {
            let paint = if span.is_error() { Paint::Bad } else { Paint::Plain };
            let mut line = Line::painted(sheet.name(&display_name(span)), paint);
            if !span.status.message.is_empty() {
                line.add(": ", Paint::Dim).add(first_line(&span.status.message, sheet), paint);
            }
            line
        }
        Record::Checkpoint(checkpoint) => {
            let mut line = Line::painted(sheet.name(&checkpoint.operation), Paint::Plain);
            line.add(format!(" {}", sheet.name(&checkpoint.endpoint)), Paint::Plain);
            if let Direction::Other(direction) = &checkpoint.direction {
                line.add(format!(" ({})", sheet.name(direction)), Paint::Dim);
            }
            line
        }
        Record::Log(log) => {
            let paint = if log.is_error() { Paint::Bad } else { Paint::Plain };
            Line::painted(first_line(&log.message, sheet), paint)
        }
    }
}

/// The first line of a text, and a mark when there are more.
pub(in crate::view) fn first_line(text: &str, sheet: &Sheet<'_>) -> String {
    let mut lines = text.trim_end().lines();
    let first = sheet.stored(lines.next().unwrap_or_default());
    if lines.next().is_some() { first + " …" } else { first }
}

/// A text, or `-` where there is none.
pub(in crate::view) fn dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

/// The paint of a level.
pub(in crate::view) fn level_paint(severity: Severity) -> Paint {
    match severity {
        Severity::Error | Severity::Fatal => Paint::Bad,
        Severity::Warn => Paint::Warn,
        Severity::Info => Paint::Plain,
        Severity::Debug | Severity::Trace => Paint::Dim,
    }
}

/// A colour that a service keeps from run to run.
pub(in crate::view) fn hue(service: &str) -> Paint {
    Paint::Hue(service.bytes().fold(0, |sum, byte| sum + usize::from(byte)))
}

fn duration(arrival: &Arrival) -> String {
    arrival.duration_ns.map(format::duration).unwrap_or_default()
}

fn span_id(record: &Record) -> Option<SpanId> {
    match record {
        Record::Span(span) => Some(span.span_id),
        Record::Checkpoint(_) => None,
        Record::Log(log) => log.span_id,
    }
}

/// The beginning of an id, without a mark that it goes on: what is left can be typed as a prefix.
pub(in crate::view) fn cut_id(id: &str) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += width(c.encode_utf8(&mut [0; 4]));
        used <= ID_COLUMNS
    };
    id.chars().take_while(fits).collect()
}

/// A time as the style has it. A terminal shows the time of day, and the date instead of seconds on another day.
pub(in crate::view) fn time(time: Nanos, style: &Style) -> String {
    if time.0 == 0 {
        return "?".to_owned();
    }
    match (style.times, style.is_terminal) {
        (Some(TimeStyle::Relative), _) => format!("{:>4}", format::age(style.now.since(time))),
        (None | Some(TimeStyle::Local), true) => time_of_day(time, style.now, &style.zone),
        (Some(TimeStyle::Utc), true) => time_of_day(time, style.now, &TimeZone::UTC),
        (_, false) => style.plain_time(time),
    }
}

/// The time of a day, with the day when that is not today.
pub(in crate::view) fn time_of_day(time: Nanos, now: Nanos, zone: &TimeZone) -> String {
    let day = |time| format::clock(time, zone, "%Y-%m-%d");
    match day(time) == day(now) {
        true => format::clock(time, zone, "%H:%M:%S.%3f"),
        false => format::clock(time, zone, "%m-%d %H:%M"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Checkpoint, LogRecord, Resource, Text},
        query::samples::{START, timed},
        view::{machine::RECORD, out::style::sample_style as style},
    };

    fn checkpoint(direction: &str, duration_ns: Option<u64>) -> Arrival {
        let record = Record::Checkpoint(Checkpoint {
            source_id: Text::from("MA"),
            correlation_id: Text::from("cli-12345-abc"),
            trace_id: TraceId::parse("cli-12345-abc").expect("valid"),
            timestamp_ms: (START / 1_000_000) as f64 + 12.5,
            suffix: Text::EMPTY,
            direction: Direction::parse(direction),
            operation: Text::from("REST"),
            endpoint: Text::from("GET /orders/\x1b[31m17"),
            data: Some(Text::from("{\"rows\":3}")),
            hostname: Text::from("h1"),
            raw_line: None,
            project: Text::EMPTY,
        });
        Arrival { time: record.end(), record, duration_ns }
    }

    fn log(severity: Severity, message: &str) -> Arrival {
        let resource = Resource::new([("service.name", "payments-gateway")].into_iter().collect());
        let record = LogRecord {
            time: Nanos(START + 2_000_000),
            severity,
            message: Text::from(message),
            resource: resource.into(),
            ..LogRecord::default()
        };
        Arrival { time: record.time, record: Record::Log(record), duration_ns: None }
    }

    fn arrivals() -> Vec<Arrival> {
        let span = timed("SELECT * FROM cart_items WHERE cart = ? AND price > ?", "shop", (7, 0), 0.0, 1_240.0);
        let mut yesterday = timed("old", "shop", (8, 0), 0.0, 0.0);
        (yesterday.start, yesterday.end) = (Nanos(START - 43_200_000_000_000), Nanos(START - 43_199_996_000_000));
        vec![
            Arrival { time: span.end, duration_ns: Some(span.duration_ns()), record: Record::Span(span) },
            Arrival {
                time: yesterday.end,
                duration_ns: Some(yesterday.duration_ns()),
                record: Record::Span(yesterday),
            },
            checkpoint("->", None),
            checkpoint("<-", Some(412_000_000)),
            checkpoint("==", None),
            log(Severity::Warn, "retrying charge (2/2)"),
            log(Severity::Error, "charge failed\nTraceback"),
        ]
    }

    #[test]
    fn a_terminal_gets_lines_of_its_width() {
        insta::assert_snapshot!(render(&arrivals(), false, &style(80)), @r"
        09:14:03.357   span  shop       SELECT * FROM cart_items WHERE…  1.24s  4bf92f35
        11-20 21:14    span  shop       old                              4.0ms  4bf92f35
        09:14:02.129   ->    MA         REST GET /orders/\x1b[31m17             cli-1234
        09:14:02.129   <-    MA         REST GET /orders/\x1b[31m17      412ms  cli-1234
        09:14:02.129   --    MA         REST GET /orders/\x1b[31m17 (=…         cli-1234
        09:14:02.119   WARN  payments-… retrying charge (2/2)
        09:14:02.119 ✗ ERROR payments-… charge failed …
        ");
        insta::assert_snapshot!(render(&arrivals()[..3], true, &Style { ascii: true, ..style(60) }), @"
        09:14:03.357   span  shop       SELECT * F~  1.24s  387bbc33
        11-20 21:14    span  shop       old          4.0ms  387bbc33
        09:14:02.129   ->    MA         REST GET /~
        ");
        let times = Some(TimeStyle::Relative);
        insta::assert_snapshot!(render(&arrivals()[..2], true, &Style { times, ..style(60) }), @"
        10s   span  shop       SELECT * FROM cart…  1.24s  387bbc33
        12h   span  shop       old                  4.0ms  387bbc33
        ");
    }

    #[test]
    fn elsewhere_nothing_is_cut() {
        let style = Style { is_terminal: false, ..style(80) };
        insta::assert_snapshot!(render(&arrivals(), false, &style), @r"
        2026-11-21T09:14:03.357000000Z   span  4bf92f3577b34da6a3ce929d0e0e4736 387bbc33bd6a0007  1.24s shop SELECT * FROM cart_items WHERE cart = ? AND price > ?
        2026-11-20T21:14:02.121000000Z   span  4bf92f3577b34da6a3ce929d0e0e4736 387bbc33bd6a0008  4.0ms shop old
        2026-11-21T09:14:02.129500000Z   ->    cli-12345-abc -      - MA REST GET /orders/\x1b[31m17
        2026-11-21T09:14:02.129500000Z   <-    cli-12345-abc -  412ms MA REST GET /orders/\x1b[31m17
        2026-11-21T09:14:02.129500000Z   --    cli-12345-abc -      - MA REST GET /orders/\x1b[31m17 (==)
        2026-11-21T09:14:02.119000000Z   WARN  - -      - payments-gateway retrying charge (2/2)
        2026-11-21T09:14:02.119000000Z ✗ ERROR - -      - payments-gateway charge failed …
        ");
    }

    #[test]
    fn every_key_of_every_kind_of_record_is_a_field_that_can_be_asked_for() {
        for arrival in arrivals() {
            for key in to_json(&arrival).keys() {
                assert!(RECORD.names().contains(&key.as_str()), "{key}");
            }
        }
    }

    #[test]
    fn a_checkpoint_has_its_trace_and_the_duration_it_closes() {
        let json = Json::Object(to_json(&checkpoint("<-", Some(412_500_000))));
        assert_eq!((&json["kind"], &json["trace_id"]), (&json!("checkpoint"), &json!("cli-12345-abc")));
        assert_eq!((&json["duration_ms"], &json["data"]["rows"]), (&json!(412.5), &json!(3)));
    }
}
