//! The ERRORS block: what was raised, where, and the innermost frames; the latest first.

use rustc_hash::FxHashMap;

use super::{
    details::{exception_title, is_exception},
    scene::Scene,
    stack::{Stack, innermost},
};
use crate::{
    model::json::value_to_text,
    view::{
        format,
        line::{Line, Paint, Sheet},
        text::{cut, width},
    },
};

/// How many errors are written out on a terminal.
const MOST: usize = 5;
/// How many frames of each.
const FRAMES: usize = 2;
/// From how many columns on the innermost frame stands on the line of its error, and the others are left out.
const WIDE: usize = 110;

/// Equal errors of equal spans.
struct Failure {
    title: String,
    span: usize,
    count: u64,
    stack: Stack,
}

/// A failure as text, escaped.
struct Entry {
    title: String,
    times: String,
    place: String,
    frames: Vec<String>,
    others: String,
}

impl Entry {
    fn new(scene: &Scene<'_>, failure: Failure, sheet: &Sheet<'_>) -> Entry {
        let span = scene.span(failure.span);
        let offset = format::duration(span.start.since(scene.started().0));
        let others = failure.stack.others as u64;
        Entry {
            title: failure.title,
            times: if failure.count > 1 { format!(" ×{}", format::count(failure.count)) } else { String::new() },
            place: format!("{}  {} +{offset}", sheet.stored(&span.name), sheet.stored(span.service())),
            frames: failure.stack.frames.iter().map(|frame| sheet.stored(frame)).collect(),
            others: if others > 0 { format!("(+{})", format::counted(others, "frame")) } else { String::new() },
        }
    }

    fn title_width(&self) -> usize {
        width(&self.title) + width(&self.times)
    }
}

/// Writes the block; nothing when nothing failed.
pub(super) fn write(scene: &Scene<'_>, sheet: &mut Sheet<'_>) {
    let failures = failures(scene, sheet);
    if failures.is_empty() {
        return;
    }
    sheet.line(Line::of("ERRORS", Paint::Bold));
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
        sheet.line(Line::of(format!("  + {} more", format::count(hidden as u64)), Paint::Dim));
    }
}

fn write_plain(entry: &Entry, sheet: &mut Sheet<'_>) {
    let mut line = Line::of(format!("  {}{}", entry.title, entry.times), Paint::Bad);
    line.add(format!("  {}", entry.place), Paint::Dim);
    sheet.line(line);
    write_frames(entry, 0, sheet);
}

fn write_narrow(entry: &Entry, total: usize, sheet: &mut Sheet<'_>) {
    let place = cut(&entry.place, total * 3 / 5);
    let room = total.saturating_sub(4 + width(&entry.times) + width(&place));
    let mut line = Line::of(format!("  {}{}", cut(&entry.title, room), entry.times), Paint::Bad);
    line.add_right(place, total.saturating_sub(line.width()), Paint::Dim);
    sheet.line(line);
    write_frames(entry, total, sheet);
}

/// The innermost frames, and to the right of the last one how many others there are.
fn write_frames(entry: &Entry, total: usize, sheet: &mut Sheet<'_>) {
    for (place, frame) in entry.frames.iter().enumerate() {
        let mut line = Line::of(format!("    {frame}"), Paint::Plain);
        if place + 1 == entry.frames.len() && !entry.others.is_empty() {
            let rest = total.saturating_sub(line.width()).max(width(&entry.others) + 2);
            line.add_right(entry.others.as_str(), rest, Paint::Dim);
        }
        sheet.line(line);
    }
}

/// Everything of an error on one line, in columns.
fn write_wide(entries: &[Entry], total: usize, sheet: &mut Sheet<'_>) {
    let widest = |of: &dyn Fn(&Entry) -> usize| entries.iter().map(of).max().unwrap_or(0);
    let frames = widest(&|entry| entry.frames.first().map_or(0, |frame| 3 + width(frame))).min(total / 3);
    let places = widest(&|entry| width(&entry.place)).min(total / 3);
    let titles = widest(&Entry::title_width).min(total - 5 - places - frames);
    for entry in entries {
        let title = cut(&entry.title, titles.saturating_sub(width(&entry.times)));
        let mut line = Line::of(format!("  {title}{}", entry.times), Paint::Bad);
        line.pad(2 + titles + 3).add(cut(&entry.place, places), Paint::Dim).pad(2 + titles + 3 + places + 3);
        if let Some(frame) = entry.frames.first() {
            line.add(frame.as_str(), Paint::Plain);
        }
        sheet.line(line);
    }
}

fn failures(scene: &Scene<'_>, sheet: &Sheet<'_>) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut known: FxHashMap<(String, &str, &str), usize> = FxHashMap::default();
    for index in &scene.drawn {
        let span = scene.span(*index);
        for (title, stack) in errors_of(scene, *index, sheet) {
            let key = (title.clone(), span.name.as_str(), span.service().as_str());
            match known.get(&key).and_then(|place| failures.get_mut(*place)) {
                Some(failure) => failure.count += 1,
                None => {
                    known.insert(key, failures.len());
                    failures.push(Failure { title, span: *index, count: 1, stack });
                }
            }
        }
    }
    failures.sort_by_key(|failure| std::cmp::Reverse(scene.span(failure.span).start));
    failures
}

/// Its exceptions; without any, why it failed, unless something below it says so.
fn errors_of(scene: &Scene<'_>, index: usize, sheet: &Sheet<'_>) -> Vec<(String, Stack)> {
    let span = scene.span(index);
    let raised = span.events.iter().enumerate().filter(|(_, event)| is_exception(event));
    let mut errors = Vec::new();
    let mut has_exception = false;
    for (place, event) in raised {
        has_exception = true;
        if scene.echoes.exceptions.contains(&(index, place)) {
            continue;
        }
        let trace = event.attributes.get("exception.stacktrace").map(value_to_text).unwrap_or_default();
        errors.push((exception_title(event, sheet), innermost(&trace, FRAMES)));
    }
    if !has_exception && span.is_error() && !scene.echoes.messages.contains(&index) {
        let is_told_below = scene.report.tree.children(index).any(|child| scene.failed[child]);
        let message = sheet.stored(span.status.message.lines().next().unwrap_or_default());
        match (message.is_empty(), is_told_below) {
            (false, _) => errors.push((message, Stack::default())),
            (true, false) => errors.push(("failed without saying why".to_owned(), Stack::default())),
            (true, true) => {}
        }
    }
    errors
}
