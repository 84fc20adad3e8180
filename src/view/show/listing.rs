//! Records line by line: the list picture, and records that belong to no span.

use rustc_hash::FxHashSet;

use super::details::{attributes, issue_note, log_message};
use super::scene::{Scene, step_mark};
use crate::model::{LogRecord, Nanos, SpanId, display_name};
use crate::query::trace::steps::Step;
use crate::view::lists::tail_line::level_paint;
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::table::{Column, Table};
use crate::view::out::text::{cut, width};

/// How many log lines that belong to nothing drawn a terminal shows; the rest is counted.
const MOST_LOOSE: usize = 200;

/// The cells of a line of the list: start, time, self, mark, service, id and name.
type Cells = [(String, Paint); 7];
/// Place of the id among the cells.
const ID: usize = 5;

/// Writes one line a span, operation or log record that belongs to one, by start time.
pub(super) fn write(scene: &Scene<'_>, sheet: &mut Sheet<'_>) {
    let has_spans = scene.drawn.iter().any(|index| scene.step(*index).is_none());
    let columns = [
        Column::right("START"),
        Column::right("TIME").at_least(7),
        Column::right("SELF").at_least(7),
        Column::left(""),
        Column::left("SERVICE").limit(16),
        Column::left("ID").gap(2),
        Column::left(if has_spans { "SPAN" } else { "OPERATION" }).gap(2).stretch(),
    ];
    let spans = scene.drawn.iter().map(|index| (scene.span(*index).start, span_cells(scene, *index, sheet)));
    let of_drawn = scene.drawn.iter().filter_map(|index| scene.logs.get(&scene.span(*index).span_id)).flatten();
    let logs = of_drawn.map(|(_, log)| (log.time, log_cells(scene, log, sheet)));
    let mut rows: Vec<(Nanos, Cells)> = spans.chain(logs).collect();
    rows.sort_by_key(|(time, _)| *time);
    let mut table = Table::of_rows(columns, rows.into_iter().map(|(_, cells)| cells));
    if !has_spans {
        table.columns.remove(ID);
    }
    table.write(sheet, scene.style);
}

fn span_cells(scene: &Scene<'_>, index: usize, sheet: &Sheet<'_>) -> Cells {
    let (span, step) = (scene.span(index), scene.step(index));
    let (took, own) = scene.step_times(index).unwrap_or_else(|| match span.start.0 == 0 || span.end.0 == 0 {
        true => ("?".to_owned(), "?".to_owned()),
        false => (format::duration(span.duration_ns()), format::duration(scene.report.self_ns[index])),
    });
    let (mark, paint) = match step {
        Some(step) => (step_mark(step), Paint::Warn),
        None => (if span.is_error() { "✗" } else { " " }, Paint::Bad),
    };
    [
        (offset(scene, span.start), Paint::Dim),
        (took, if step == Some(Step::Open) { Paint::Warn } else { Paint::Plain }),
        (own, Paint::Plain),
        (mark.to_owned(), paint),
        (sheet.name(span.service()), scene.hue(span.service())),
        (if step.is_some() { String::new() } else { span.span_id.to_string() }, Paint::Dim),
        (sheet.name(&display_name(span)), if span.is_error() { Paint::Bad } else { Paint::Plain }),
    ]
}

fn log_cells(scene: &Scene<'_>, log: &LogRecord, sheet: &Sheet<'_>) -> Cells {
    let paint = level_paint(log.severity);
    let none = || (String::new(), Paint::Plain);
    let service = (sheet.name(&log.resource.service), scene.hue(&log.resource.service));
    let text = format!("{} {}", log.severity.as_str().to_uppercase(), log_message(log, sheet).text());
    let start = (offset(scene, log.time), Paint::Dim);
    [start, none(), none(), ("•".to_owned(), paint), service, none(), (text, paint)]
}

/// Writes log records that belong to nothing that is drawn, each with its time; in a trace of nothing else that is all
/// there is to see.
pub(super) fn write_loose_records(scene: &Scene<'_>, sheet: &mut Sheet<'_>) {
    if scene.options.span.is_some() {
        return;
    }
    let trace = &scene.report.trace;
    let drawn: FxHashSet<SpanId> = trace.spans.iter().map(|span| span.span_id).collect();
    let is_loose =
        |log: &LogRecord| scene.log_lines.draws(log.severity) && log.span_id.is_none_or(|id| !drawn.contains(&id));
    let logs = trace.logs.iter().enumerate().filter(|(_, log)| is_loose(log));
    let mut logs: Vec<(usize, &LogRecord)> = logs.collect();
    if logs.is_empty() {
        return;
    }
    let most = if scene.style.is_terminal { MOST_LOOSE } else { usize::MAX };
    let hidden = logs.len().saturating_sub(most);
    logs.truncate(most);
    sheet.line(Line::painted("LOGS", Paint::Bold));
    let lines = loose_lines(scene, &logs, sheet);
    lines.into_iter().for_each(|line| sheet.line(line));
    if hidden > 0 {
        let hidden = format::count(hidden as u64);
        sheet.line(Line::painted(format!("  + {hidden} more (tracehub logs --trace ID)"), Paint::Dim));
    }
}

/// One line a record that belongs to nothing drawn: time, level, service where there are several, and message.
fn loose_lines(scene: &Scene<'_>, logs: &[(usize, &LogRecord)], sheet: &Sheet<'_>) -> Vec<Line> {
    let services = || logs.iter().map(|(_, log)| log.resource.service.as_str());
    let own = scene.report.trace.summary.service.as_str();
    let stored = |service: &str| cut(&sheet.name(service), MOST_SERVICE).into_owned();
    let service_width = match services().all(|service| service == own) {
        true => 0,
        false => services().map(|service| width(&stored(service))).max().unwrap_or(0),
    };
    let mut lines = Vec::new();
    for (place, log) in logs {
        let mut line = Line::painted("  ", Paint::Plain);
        line.add_right(offset(scene, log.time), OFFSET, Paint::Dim).add("  ", Paint::Plain);
        let level = line.width();
        line.add(log.severity.as_str().to_uppercase(), level_paint(log.severity)).pad(level + LEVEL + 1);
        if service_width > 0 {
            let service = line.width();
            line.add(stored(&log.resource.service), scene.hue(&log.resource.service)).pad(service + service_width + 1);
        }
        let message = line.width() + 1;
        line.add(" ", Paint::Plain).append(log_message(log, sheet));
        line.append(issue_note(scene.report.issues.of_log(*place)));
        lines.push(line);
        if scene.options.attributes {
            lines.extend(attributes(&log.attributes, sheet).into_iter().map(|line| line.indented(message)));
        }
    }
    lines
}

/// Columns of a time since the beginning.
const OFFSET: usize = 8;
/// Columns of a level.
const LEVEL: usize = 5;
/// Widest name of a service shown in full.
const MOST_SERVICE: usize = 16;

/// Time since the first thing that has one.
fn offset(scene: &Scene<'_>, time: Nanos) -> String {
    let trace = &scene.report.trace;
    let records =
        trace.checkpoints.iter().map(|checkpoint| checkpoint.time()).chain(trace.logs.iter().map(|log| log.time));
    let start = match scene.drawn.is_empty() {
        true => records.filter(|time| scene.report.believes(*time)).min().unwrap_or_default(),
        false => scene.window.start,
    };
    if time.0 == 0 || !scene.report.believes(time) {
        "?".to_owned()
    } else {
        format!("+{}", format::duration(time.since(start)))
    }
}
