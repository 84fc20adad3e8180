//! What stands below a span: exceptions, log lines, warnings, links, and on request its attributes and events.

use rustc_hash::FxHashSet;

use super::scene::Scene;
use crate::model::json::value_to_text;
use crate::model::{Attributes, Event, IssueStatus, LogRecord, Nanos, Severity, Span};
use crate::query::Warning;
use crate::query::trace::issues::KnownIssue;
use crate::view::lists::tail_line::level_paint;
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;

/// Resource attributes that say more about the machine than about the service.
const NOISY_RESOURCE: [&str; 4] = ["host.", "process.", "telemetry.", "os."];

/// The lines below a span, in the order things happened, without guides.
pub(super) fn below_span(scene: &Scene<'_>, index: usize, sheet: &Sheet<'_>) -> Vec<Line> {
    let span = scene.span(index);
    let in_full = scene.chosen.contains(&index);
    let mut lines: Vec<Line> = Vec::new();
    if in_full {
        lines.push(identity(span, sheet));
    }
    lines.extend(scene.report.warnings[index].iter().filter_map(warning));
    let mut moments = moments(scene, index, in_full, sheet);
    moments.sort_by_key(|(time, _)| *time);
    let is_explained = span.events.iter().any(Event::is_exception) || scene.marks.echoed_messages.contains(&index);
    lines.extend(moments.into_iter().flat_map(|(_, lines)| lines));
    if span.is_error() && !span.status.message.is_empty() && (in_full || !is_explained) {
        lines.push(Line::painted(format!("✗ {}", sheet.stored(&span.status.message)), Paint::Bad));
    }
    if in_full {
        lines.extend(links(span, sheet));
    } else if !span.links.is_empty() {
        lines.push(Line::painted(format!("↗ {}", format::counted(span.links.len() as u64, "link")), Paint::Dim));
    }
    if in_full || scene.options.attributes {
        lines.extend(attributes(&span.attributes, sheet));
        lines.extend(dropped(span));
    }
    lines
}

/// Attributes of what recorded the drawn spans, once for each service.
pub(super) fn write_resources(scene: &Scene<'_>, sheet: &mut Sheet<'_>) {
    let mut seen = FxHashSet::default();
    let mut has_heading = false;
    for index in &scene.drawn {
        let resource = &scene.span(*index).resource;
        if !seen.insert(resource.service.as_str()) {
            continue;
        }
        let is_shown = |key: &str| {
            let is_noisy = NOISY_RESOURCE.iter().any(|noisy| key.starts_with(noisy));
            key != "service.name" && (scene.options.span.is_some() || !is_noisy)
        };
        let shown = resource.attributes.iter().filter(|(key, _)| is_shown(key)).cloned().collect();
        let lines = attributes(&Attributes(shown), sheet);
        if lines.is_empty() {
            continue;
        }
        if !has_heading {
            sheet.line(Line::painted("RESOURCES", Paint::Bold));
            has_heading = true;
        }
        let service = Line::painted(sheet.name(&resource.service), scene.hue(&resource.service));
        sheet.line(service.indented(2));
        lines.into_iter().for_each(|line| sheet.line(line.indented(4)));
    }
}

/// `Type: message`, as much of it as there is; escaped.
pub(super) fn exception_title(attributes: &Attributes, sheet: &Sheet<'_>) -> String {
    let text = |key: &str| attributes.get(key).map(value_to_text).filter(|text| !text.is_empty());
    let message = text("exception.message").map(|message| message.lines().next().unwrap_or_default().to_owned());
    match (text("exception.type"), message) {
        (Some(kind), Some(message)) => sheet.stored(&format!("{kind}: {message}")),
        (kind, message) => sheet.stored(&kind.or(message).unwrap_or_else(|| "exception".to_owned())),
    }
}

/// `• WARN cart  message  issue 7f3a ×412`; `place` is the one of the record in the trace.
fn log_line(scene: &Scene<'_>, place: usize, log: &LogRecord, sheet: &Sheet<'_>) -> Line {
    let mut line = Line::painted("• ", Paint::Dim);
    line.add(log.severity.as_str().to_uppercase(), level_paint(log.severity));
    if !log.resource.service.is_empty() {
        line.add(format!(" {}", sheet.name(&log.resource.service)), Paint::Dim);
    }
    line.add("  ", Paint::Plain).append(log_message(log, sheet));
    line.append(issue_note(scene.report.issues.of_log(place)));
    line
}

/// The first line of a record's message, and how many follow; of a record without a message, what was raised.
pub(super) fn log_message(log: &LogRecord, sheet: &Sheet<'_>) -> Line {
    let mut lines = log.message.trim().lines();
    let first = match lines.next() {
        Some(first) => sheet.stored(first),
        None if is_exceptional(&log.attributes) => exception_title(&log.attributes, sheet),
        None => String::new(),
    };
    let mut line = Line::painted(first, if log.severity < Severity::Info { Paint::Dim } else { Paint::Plain });
    let more = lines.count();
    if more > 0 {
        line.add(format!("  (+{})", format::counted(more as u64, "line")), Paint::Dim);
    }
    line
}

/// Whether attributes tell of an exception.
pub(super) fn is_exceptional(attributes: &Attributes) -> bool {
    ["exception.type", "exception.message", "exception.stacktrace"].iter().any(|key| attributes.get(key).is_some())
}

/// `  issue 7f3a ×412`, and what was decided about it; nothing for an issue nobody knows.
pub(super) fn issue_note(known: Option<&KnownIssue>) -> Line {
    let Some(KnownIssue { issue, short_id }) = known else { return Line::new() };
    let (paint, decided) = match issue.status {
        IssueStatus::Open => (Paint::Bold, String::new()),
        decided => (Paint::Dim, format!(" {}", decided.as_str())),
    };
    let events = format!("{decided} ×{}", format::count(issue.event_count));
    Line::painted(format!("  issue {short_id}"), paint).with(events, Paint::Dim)
}

fn identity(span: &Span, sheet: &Sheet<'_>) -> Line {
    let mut line = Line::painted("span ", Paint::Dim);
    line.add(span.span_id.to_string(), Paint::Bold);
    if let Some(parent) = span.parent_span_id {
        line.add(" · parent ", Paint::Dim).add(parent.to_string(), Paint::Plain);
    }
    line.add(format!(" · {}", span.kind.as_str()), Paint::Dim);
    let scope = [&span.scope.name, &span.scope.version].map(|text| sheet.stored(text)).join(" ");
    if !scope.trim().is_empty() {
        line.add(format!(" · {}", scope.trim()), Paint::Dim);
    }
    line
}

fn warning(warning: &Warning) -> Option<Line> {
    let text = match warning {
        // The heading above orphans says so already.
        Warning::MissingParent(_) => return None,
        // A line of their own says so.
        Warning::DroppedAttributes(_) | Warning::DroppedEvents(_) | Warning::DroppedLinks(_) => return None,
        Warning::StartsBeforeParent(by_ns) => format!("−{}: starts before its parent", format::duration(*by_ns)),
        Warning::Cycle => "cycle: it is among its own ancestors".to_owned(),
        other => other.to_string(),
    };
    Some(Line::painted(format!("⚠ {text}"), Paint::Warn))
}

/// Events and log records with when they happened.
fn moments(scene: &Scene<'_>, index: usize, in_full: bool, sheet: &Sheet<'_>) -> Vec<(Nanos, Vec<Line>)> {
    let span = scene.span(index);
    let has_attributes = in_full || scene.options.attributes;
    let with_attributes = |line: Line, of: &Attributes, are_shown: bool| -> Vec<Line> {
        let below = are_shown.then(|| attributes(of, sheet)).into_iter().flatten();
        std::iter::once(line).chain(below.map(|line| line.indented(2))).collect()
    };
    let mut moments = Vec::new();
    for (place, event) in span.events.iter().enumerate() {
        if event.is_exception() {
            if scene.marks.echoed_exceptions.contains(&(index, place)) && !in_full {
                continue;
            }
            let mut line =
                Line::painted(format!("◆ exception {}", exception_title(&event.attributes, sheet)), Paint::Bad);
            line.append(issue_note(scene.report.issues.of_event(index, place)));
            moments.push((event.time, with_attributes(line, &event.attributes, in_full)));
        } else if has_attributes {
            let after = format!("  +{}", format::duration(event.time.since(span.start)));
            let line = Line::painted(format!("◆ {}", sheet.name(&event.name)), Paint::Plain).with(after, Paint::Dim);
            moments.push((event.time, with_attributes(line, &event.attributes, true)));
        }
    }
    for (place, log) in scene.logs.get(&span.span_id).into_iter().flatten() {
        let line = log_line(scene, *place, log, sheet);
        moments.push((log.time, with_attributes(line, &log.attributes, has_attributes)));
    }
    moments
}

fn links(span: &Span, sheet: &Sheet<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for link in &span.links {
        let trace = link.trace_id.as_ref().map_or("?".to_owned(), |id| sheet.stored(&id.to_string()));
        let span = link.span_id.map(|span| format!(" span {span}")).unwrap_or_default();
        lines.push(Line::painted(format!("↗ trace {trace}{span}"), Paint::Plain));
        lines.extend(attributes(&link.attributes, sheet).into_iter().map(|line| line.indented(2)));
    }
    lines
}

/// One line an attribute, in the order sent; a value of several lines takes several.
pub(super) fn attributes(attributes: &Attributes, sheet: &Sheet<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (key, value) in attributes.iter() {
        let value = value_to_text(value);
        let mut parts = value.lines();
        let first = sheet.stored(parts.next().unwrap_or_default());
        lines.push(Line::painted(format!("{}=", sheet.name(key)), Paint::Dim).with(first, Paint::Plain));
        lines.extend(parts.map(|part| Line::painted(sheet.stored(part), Paint::Plain).indented(2)));
    }
    lines
}

fn dropped(span: &Span) -> Option<Line> {
    let kinds = [(span.dropped_attributes, "attribute"), (span.dropped_events, "event"), (span.dropped_links, "link")];
    let counts: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format::counted(u64::from(*count), what))
        .collect();
    (!counts.is_empty()).then(|| Line::painted(format!("⚠ {} dropped", counts.join(", ")), Paint::Warn))
}
