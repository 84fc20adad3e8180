//! The HINTS block: what in this very trace looks worth a thought, and what to type next. It says nothing it has not
//! seen.

use super::{
    fold::{Row, Run, What, is_database},
    scene::Scene,
};
use crate::{
    model::{Nanos, TraceId},
    view::{
        format,
        line::{Line, Paint, Sheet},
        text::width,
    },
};

/// How many hints of one kind are given.
const MOST: usize = 3;
/// Part of the trace, one in so many, below which nothing is worth a hint.
const NOTEWORTHY: u64 = 10;

/// Writes the block: on a terminal always, for the commands; elsewhere only when there is a hint.
pub(super) fn write(scene: &Scene<'_>, rows: &[Row], sheet: &mut Sheet<'_>) {
    let mut hints = many_calls(scene, rows, sheet);
    hints.extend(own_gap(scene, sheet));
    hints.extend(late_starts(scene, sheet));
    let commands = if scene.style.is_terminal { commands(scene, rows) } else { None };
    if hints.is_empty() && commands.is_none() {
        return;
    }
    sheet.line(Line::of("HINTS", Paint::Bold));
    hints.into_iter().for_each(|hint| sheet.line(Line::of(format!("  {hint}"), Paint::Plain)));
    if let Some(commands) = commands {
        sheet.line(Line::of(format!("  {commands}"), Paint::Dim));
    }
}

fn many_calls(scene: &Scene<'_>, rows: &[Row], sheet: &Sheet<'_>) -> Vec<String> {
    let mut runs: Vec<&Run> = rows
        .iter()
        .filter_map(|row| match &row.what {
            What::Run(run) if run.is_many_calls(scene) && is_noteworthy(scene, run.busy_ns) => Some(run),
            _ => None,
        })
        .collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.busy_ns));
    let hint = |run: &Run| {
        let first = *run.members.first()?;
        let span = scene.span(first);
        let caller =
            scene.report.tree.parent[first].map_or("the trace".to_owned(), |parent| name(scene, parent, sheet));
        let question = if is_database(span) { "an N+1 query?" } else { "could they be one call, or run at once?" };
        let times = format::count(run.members.len() as u64);
        let busy = format::duration(run.busy_ns);
        Some(format!("{caller} runs {} {times} times in a row ({busy}): {question}", name(scene, first, sheet)))
    };
    runs.into_iter().take(MOST).filter_map(hint).collect()
}

/// The longest stretch in which the root waits for nothing we can see.
fn own_gap(scene: &Scene<'_>, sheet: &Sheet<'_>) -> Option<String> {
    let tree = &scene.report.tree;
    let root = *tree.roots.first()?;
    let span = scene.span(root);
    let is_running = span.end.0 == 0;
    if scene.options.span.is_some()
        || is_running
        || span.start.0 == 0
        || tree.size[root] < 3
        || tree.missing_parent[root].is_some()
    {
        return None;
    }
    let mut longest: (u64, Option<usize>, Option<usize>) = (0, None, None);
    let (mut until, mut before) = (span.start, None);
    for child in tree.children(root) {
        let gap = scene.span(child).start.since(until);
        if gap > longest.0 {
            longest = (gap, before, Some(child));
        }
        if scene.span(child).end > until {
            (until, before) = (scene.span(child).end, Some(child));
        }
    }
    let gap = span.end.since(until);
    if gap > longest.0 {
        longest = (gap, before, None);
    }
    let (gap, before, after) = longest;
    if gap < span.duration_ns() / 5 || !is_noteworthy(scene, gap) {
        return None;
    }
    let of = |index| name(scene, index, sheet);
    let place = match (before, after) {
        (Some(before), Some(after)) => format!("between {} and {}", of(before), of(after)),
        (None, Some(after)) => format!("before {}", of(after)),
        (Some(before), None) => format!("after {}", of(before)),
        (None, None) => return None,
    };
    let share = format::share(gap, scene.length_ns());
    Some(format!("{} spends {} ({share}) by itself {place}", of(root), format::duration(gap)))
}

/// Spans that start long after the one they lie in has ended: messages that waited.
fn late_starts(scene: &Scene<'_>, sheet: &Sheet<'_>) -> Vec<String> {
    let mut late: Vec<(u64, usize, usize)> = scene
        .drawn
        .iter()
        .filter_map(|index| {
            let parent = scene.report.tree.parent[*index]?;
            let ended = Some(scene.span(parent).end).filter(|end| *end > Nanos(0))?;
            let waited = scene.span(*index).start.since(ended);
            (waited > 0 && is_noteworthy(scene, waited)).then_some((waited, *index, parent))
        })
        .collect();
    late.sort_by_key(|(waited, ..)| std::cmp::Reverse(*waited));
    let hint = |(waited, index, parent): (u64, usize, usize)| {
        let (child, parent) = (name(scene, index, sheet), name(scene, parent, sheet));
        format!("{child} starts {} after {parent} ended: did it wait in a queue?", format::duration(waited))
    };
    late.into_iter().take(MOST).map(hint).collect()
}

fn is_noteworthy(scene: &Scene<'_>, nanos: u64) -> bool {
    nanos >= scene.length_ns() / NOTEWORTHY && nanos >= 1_000_000
}

fn name(scene: &Scene<'_>, index: usize, sheet: &Sheet<'_>) -> String {
    sheet.stored(&scene.span(index).name)
}

/// What to type next: the span that failed or took longest, and the views not shown yet.
fn commands(scene: &Scene<'_>, rows: &[Row]) -> Option<String> {
    let trace = argument(&scene.report.trace.summary.trace_id)?;
    if scene.options.span.is_some() {
        return Some(format!("tracehub show {trace}"));
    }
    let spans = || scene.drawn.iter().filter(|index| scene.step(**index).is_none());
    if spans().next().is_none() {
        return match scene.drawn.is_empty() {
            true => commands_of_logs(scene, &trace),
            false => commands_without_spans(scene, rows, &trace),
        };
    }
    let has_children = |index: &usize| scene.report.tree.size[*index] > 1;
    let failed = spans().filter(|index| scene.span(**index).is_error() && !has_children(index));
    let slowest = || spans().max_by_key(|index| scene.report.self_ns[**index]);
    let span = failed.max_by_key(|index| scene.span(**index).start).or_else(slowest)?;
    let mut commands = vec![format!("tracehub show {trace} --span {}", scene.span(*span).span_id)];
    if !scene.options.attributes {
        commands.push("--attrs".to_owned());
    }
    if rows.iter().any(|row| matches!(row.what, What::Run(_))) {
        commands.push("--expand".to_owned());
    }
    commands.extend(all_logs(scene));
    Some(fitting(scene, commands))
}

/// Only operations: their payloads, what is folded, and what still comes.
fn commands_without_spans(scene: &Scene<'_>, rows: &[Row], trace: &str) -> Option<String> {
    let has_runs = rows.iter().any(|row| matches!(row.what, What::Run(_)));
    let flags = [(!scene.options.attributes, "--attrs"), (has_runs && !scene.options.expand, "--expand")];
    let mut commands = Vec::new();
    for (is_useful, flag) in flags {
        if is_useful {
            commands.push(if commands.is_empty() { format!("tracehub show {trace} {flag}") } else { flag.to_owned() });
        }
    }
    if let Some(flag) = all_logs(scene) {
        commands.push(if commands.is_empty() { format!("tracehub show {trace} {flag}") } else { flag });
    }
    if !scene.open.is_empty() {
        commands.push(format!("tracehub tail {trace}"));
    }
    (!commands.is_empty()).then(|| fitting(scene, commands))
}

/// As many of the commands as a line holds, the first of them in any case.
fn fitting(scene: &Scene<'_>, mut commands: Vec<String>) -> String {
    loop {
        let joined = commands.join(" │ ");
        if commands.len() <= 1 || width(&joined) + 2 <= scene.style.width {
            return joined;
        }
        commands.pop();
    }
}

/// Only log lines: what they carry, and those not drawn.
fn commands_of_logs(scene: &Scene<'_>, trace: &str) -> Option<String> {
    let has_attributes = scene.report.trace.logs.iter().any(|log| !log.attributes.is_empty());
    let attributes = (has_attributes && !scene.options.attributes).then(|| "--attrs".to_owned());
    let flags: Vec<String> = attributes.into_iter().chain(all_logs(scene)).collect();
    (!flags.is_empty()).then(|| format!("tracehub show {trace} {}", flags.join(" │ ")))
}

/// The flag that draws the log lines left out, when there are any.
fn all_logs(scene: &Scene<'_>) -> Option<String> {
    scene.has_hidden_logs().then(|| "--logs all".to_owned())
}

/// A trace id as one types it: short for hex, whole and quoted when a shell would read it otherwise.
fn argument(id: &TraceId) -> Option<String> {
    let text = id.to_string();
    match id {
        TraceId::Otel(_) => text.get(..8).map(str::to_owned),
        TraceId::Text(_) if text.len() > 40 || text.contains('\'') || text.contains(char::is_control) => None,
        TraceId::Text(_) => {
            let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(c));
            Some(if is_plain { text } else { format!("'{text}'") })
        }
    }
}
