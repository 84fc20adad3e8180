//! The ERRORS block: what was raised or logged, where, the innermost frames, and the issue; the latest first. What a
//! span and a log record both tell stands there once.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::details::{exception_title, is_exceptional, issue_note};
use super::scene::Scene;
use crate::model::json::value_to_text;
use crate::model::{Attributes, Event, Nanos, SpanId, display_name};
use crate::query::trace::echoes::exception_spellings;
use crate::query::trace::issues::KnownIssue;
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::text::{cut, width};
use crate::view::stack_view::{Innermost, innermost};

/// How many errors are written out on a terminal.
const MOST: usize = 5;
/// How many frames of each error are written out.
const FRAMES: usize = 2;
/// From how many columns on the innermost frame stands on the line of its error, and the others are left out.
const WIDE: usize = 110;

/// Errors of one issue, or equal ones, of equal spans or of log records of a service.
struct Failure<'a> {
    title: String,
    /// The name of the span that failed; `None` for a log record without one.
    span: Option<Cow<'a, str>>,
    service: &'a str,
    time: Nanos,
    count: u64,
    stack: Innermost,
    issue: Option<&'a KnownIssue>,
}

/// A failure as text, escaped.
struct Entry {
    title: String,
    times: String,
    place: String,
    frames: Vec<String>,
    others: String,
    issue: Line,
}

impl Entry {
    fn new(scene: &Scene<'_>, failure: Failure<'_>, sheet: &Sheet<'_>) -> Entry {
        let offset = format!("+{}", format::duration(failure.time.since(scene.started().0)));
        let others = failure.stack.others as u64;
        let place: Vec<String> = [failure.span.as_deref().unwrap_or_default(), failure.service]
            .iter()
            .filter(|part| !part.is_empty())
            .map(|part| sheet.stored(part))
            .collect();
        Entry {
            title: failure.title,
            times: if failure.count > 1 { format!(" ×{}", format::count(failure.count)) } else { String::new() },
            place: format!("{} {offset}", place.join("  ")).trim_start().to_owned(),
            frames: failure.stack.frames.iter().map(|frame| sheet.stored(frame)).collect(),
            others: if others > 0 { format!("(+{})", format::counted(others, "frame")) } else { String::new() },
            issue: issue_note(failure.issue),
        }
    }
}

/// Writes the ERRORS block; nothing when nothing failed.
pub(super) fn write(scene: &Scene<'_>, sheet: &mut Sheet<'_>) {
    let failures = failures(scene, sheet);
    if failures.is_empty() {
        return;
    }
    sheet.line(Line::painted("ERRORS", Paint::Bold));
    let is_terminal = scene.style.is_terminal;
    let most = if is_terminal { MOST.min(failures.len()) } else { failures.len() };
    let hidden = failures.len() - most;
    let entries = failures.into_iter().take(most).map(|failure| Entry::new(scene, failure, sheet));
    let entries: Vec<Entry> = entries.collect();
    match scene.style.width {
        _ if !is_terminal => entries.iter().for_each(|entry| write_plain(entry, sheet)),
        total if total >= WIDE => write_wide(&entries, total, sheet),
        total => entries.iter().for_each(|entry| write_narrow(entry, total, sheet)),
    }
    if hidden > 0 {
        sheet.line(Line::painted(format!("  + {} more", format::count(hidden as u64)), Paint::Dim));
    }
}

fn write_plain(entry: &Entry, sheet: &mut Sheet<'_>) {
    let title = Line::painted(format!("  {}{}", entry.title, entry.times), Paint::Bad);
    sheet.line(title.with(format!("  {}", entry.place), Paint::Dim));
    write_frames(entry, 0, sheet);
}

fn write_narrow(entry: &Entry, total: usize, sheet: &mut Sheet<'_>) {
    let place = cut(&entry.place, total * 3 / 5);
    let room = total.saturating_sub(4 + width(&entry.times) + width(&place));
    let mut line = Line::painted(format!("  {}{}", cut(&entry.title, room), entry.times), Paint::Bad);
    line.add_right(place, total.saturating_sub(line.width()), Paint::Dim);
    sheet.line(line);
    write_frames(entry, total, sheet);
}

/// Writes the innermost frames of an error, and to the right of the last one how many others there are, and the issue.
fn write_frames(entry: &Entry, total: usize, sheet: &mut Sheet<'_>) {
    let mut note = Line::painted(entry.others.as_str(), Paint::Dim);
    note.append(entry.issue.clone());
    for (place, frame) in entry.frames.iter().enumerate() {
        let mut line = Line::painted(format!("    {frame}"), Paint::Plain);
        if place + 1 == entry.frames.len() && note.width() > 0 {
            let indent = total.saturating_sub(note.width()).max(line.width() + 2);
            line.pad(indent).append(note.clone());
        }
        sheet.line(line);
    }
    if entry.frames.is_empty() && entry.issue.width() > 0 {
        sheet.line(entry.issue.clone().indented(total.saturating_sub(entry.issue.width()).max(2)));
    }
}

/// Writes each error on one line, in columns.
fn write_wide(entries: &[Entry], total: usize, sheet: &mut Sheet<'_>) {
    let widest = |part: &dyn Fn(&Entry) -> usize| entries.iter().map(part).max().unwrap_or(0);
    let frames = widest(&|entry| entry.frames.first().map_or(0, |frame| 3 + width(frame))).min(total / 3);
    let places = widest(&|entry| width(&entry.place)).min(total / 3);
    let titles = widest(&|entry| width(&entry.title) + width(&entry.times)).min(total - 5 - places - frames);
    for entry in entries {
        let title = cut(&entry.title, titles.saturating_sub(width(&entry.times)));
        let mut line = Line::painted(format!("  {title}{}", entry.times), Paint::Bad);
        line.pad(2 + titles + 3).add(cut(&entry.place, places), Paint::Dim).pad(2 + titles + 3 + places + 3);
        if let Some(frame) = entry.frames.first() {
            line.add(frame.as_str(), Paint::Plain);
        }
        // The waterfall has it too, so it gives way.
        if line.width() + entry.issue.width() <= total {
            line.append(entry.issue.clone());
        }
        sheet.line(line);
    }
}

fn failures<'a>(scene: &Scene<'a>, sheet: &Sheet<'_>) -> Vec<Failure<'a>> {
    let mut of_spans: Vec<Failure<'a>> = scene.drawn.iter().flat_map(|index| errors_of(scene, *index, sheet)).collect();
    let of_logs = errors_of_logs(scene, &mut of_spans, sheet);
    let mut failures: Vec<Failure<'a>> = Vec::new();
    let mut known: FxHashMap<(String, Option<Cow<'_, str>>, &str), usize> = FxHashMap::default();
    for found in of_spans.into_iter().chain(of_logs) {
        // A person sees a thing that went wrong once, however many numbers its messages had.
        let kind = found.title.split(": ").next().unwrap_or_default();
        let issue = found.issue.filter(|_| scene.style.is_terminal).map(|known| format!("{} {kind}", known.issue.id));
        let key = (issue.unwrap_or_else(|| found.title.clone()), found.span.clone(), found.service);
        match known.get(&key).and_then(|place| failures.get_mut(*place)) {
            Some(failure) => failure.count += 1,
            None => {
                known.insert(key, failures.len());
                failures.push(found);
            }
        }
    }
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.time));
    failures
}

/// The exceptions of a span; without any, why the span failed, unless something below it says so.
fn errors_of<'a>(scene: &Scene<'a>, index: usize, sheet: &Sheet<'_>) -> Vec<Failure<'a>> {
    let span = scene.span(index);
    let failure = |title: String, stack, issue| Failure {
        title,
        span: Some(display_name(span)),
        service: span.service().as_str(),
        time: span.start,
        count: 1,
        stack,
        issue,
    };
    if span.events.iter().any(Event::is_exception) {
        let raised = span.events.iter().enumerate().filter(|(_, event)| event.is_exception());
        let told_here = raised.filter(|(place, _)| !scene.marks.echoed_exceptions.contains(&(index, *place)));
        let error = |(place, event): (usize, &Event)| {
            let issue = scene.report.issues.of_event(index, place);
            failure(exception_title(&event.attributes, sheet), stack_of(&event.attributes), issue)
        };
        return told_here.map(error).collect();
    }
    if !span.is_error() || scene.marks.echoed_messages.contains(&index) {
        return Vec::new();
    }
    let fails_below = || scene.report.tree.children(index).any(|child| scene.report.failed[child]);
    let title = match span.status.message.lines().next().unwrap_or_default() {
        "" if fails_below() => return Vec::new(),
        "" => "failed without saying why".to_owned(),
        message => sheet.stored(message),
    };
    vec![failure(title, Innermost::default(), None)]
}

fn stack_of(attributes: &Attributes) -> Innermost {
    let trace = attributes.get("exception.stacktrace").map(value_to_text).unwrap_or_default();
    innermost(&trace, FRAMES)
}

/// The errors that log records tell of and no span does. Where a span says no more than what went wrong, the record
/// that says the same lends it the stack and the issue.
fn errors_of_logs<'a>(scene: &Scene<'a>, of_spans: &mut [Failure<'a>], sheet: &Sheet<'_>) -> Vec<Failure<'a>> {
    let trace = &scene.report.trace;
    let spans: FxHashMap<SpanId, usize> =
        scene.drawn.iter().map(|index| (scene.span(*index).span_id, *index)).collect();
    let of_spans_spelled = spellings_of_spans(scene);
    let mut bare: FxHashMap<String, &mut Failure<'a>> = FxHashMap::default();
    for failure in of_spans.iter_mut().filter(|failure| failure.issue.is_none() && failure.stack.frames.is_empty()) {
        bare.entry(failure.title.clone()).or_insert(failure);
    }
    let mut errors = Vec::new();
    for (place, log) in trace.logs.iter().enumerate() {
        let span = log.span_id.and_then(|id| spans.get(&id)).map(|index| scene.span(*index));
        let is_exceptional = is_exceptional(&log.attributes);
        let is_drawn = span.is_some() || scene.options.span.is_none();
        // Where there are only log lines, one of them says it already.
        let is_plain = !is_exceptional && trace.spans.is_empty() && scene.log_lines.draws(log.severity);
        if !is_drawn || is_plain || !(is_exceptional || log.is_error()) {
            continue;
        }
        let mut spelled = if is_exceptional { exception_spellings(&log.attributes) } else { Vec::new() };
        spelled.push(log.message.to_string());
        if spelled.iter().any(|spelling| of_spans_spelled.contains(spelling)) {
            let same = spelled.iter().find_map(|spelling| bare.remove(sheet.stored(spelling).as_str()));
            if let Some(failure) = same {
                failure.stack = stack_of(&log.attributes);
                failure.issue = scene.report.issues.of_log(place);
            }
            continue;
        }
        let message = sheet.stored(log.message.trim().lines().next().unwrap_or_default());
        let [kind, raised] =
            ["exception.type", "exception.message"].map(|key| log.attributes.text(key).unwrap_or_default());
        // What was raised without a message has that of the record, as in the title of its issue.
        let title = match is_exceptional && (!raised.is_empty() || message.is_empty()) {
            true => exception_title(&log.attributes, sheet),
            false if kind.is_empty() => message,
            false => format!("{}: {message}", sheet.stored(kind)),
        };
        errors.push(Failure {
            title,
            span: span.map(display_name),
            service: log.resource.service.as_str(),
            time: log.time,
            count: 1,
            stack: stack_of(&log.attributes),
            issue: scene.report.issues.of_log(place),
        });
    }
    errors
}

/// How the exceptions and messages of the drawn spans may be spelled.
fn spellings_of_spans(scene: &Scene<'_>) -> FxHashSet<String> {
    let mut spelled = FxHashSet::default();
    for index in &scene.drawn {
        let span = scene.span(*index);
        let exceptions = span.events.iter().filter(|event| event.is_exception());
        spelled.extend(exceptions.flat_map(|event| exception_spellings(&event.attributes)));
        if span.is_error() && !span.status.message.is_empty() {
            spelled.insert(span.status.message.to_string());
        }
    }
    spelled
}
