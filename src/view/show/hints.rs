//! The HINTS block: findings as sentences, and what to type next.

use rustc_hash::FxHashSet;

use super::fold::{Row, What};
use super::scene::Scene;
use crate::model::{TraceId, display_name};
use crate::query::trace::findings::{Finding, LateStart, OwnGap, is_database_call};
use crate::query::trace::runs::Run;
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::text::width;

/// How many findings of one kind become hints.
const MOST: usize = 3;
/// What stands between two commands.
const SEPARATOR: &str = " │ ";

/// Writes the HINTS block: on a terminal always, for the commands; elsewhere only when there is a finding.
pub(super) fn write(scene: &Scene<'_>, rows: &[Row], sheet: &mut Sheet<'_>) {
    let hints = sentences(scene, rows, sheet);
    let commands = if scene.style.is_terminal { commands(scene, rows) } else { None };
    if hints.is_empty() && commands.is_none() {
        return;
    }
    sheet.line(Line::painted("HINTS", Paint::Bold));
    hints.into_iter().for_each(|hint| sheet.line(Line::painted(format!("  {hint}"), Paint::Plain)));
    if let Some(commands) = commands {
        sheet.line(Line::painted(format!("  {commands}"), Paint::Dim));
    }
}

/// The sentences of findings; errors told again are nothing to say, only to leave out.
fn sentences(scene: &Scene<'_>, rows: &[Row], sheet: &Sheet<'_>) -> Vec<String> {
    let runs = rows.iter().filter(|row| matches!(row.what, What::Run(_)));
    let drawn: FxHashSet<usize> = runs.filter_map(|row| row.what.first()).collect();
    let (mut many_calls, mut own_gap, mut late_starts) = (Vec::new(), Vec::new(), Vec::new());
    for finding in &scene.findings {
        match finding {
            Finding::ManyCalls(run) if many_calls.len() < MOST && scene.part.is_noteworthy(run.busy_ns) => {
                let first = run.members.first().filter(|first| drawn.contains(*first));
                many_calls.extend(first.map(|first| many_calls_sentence(scene, run, *first, sheet)));
            }
            Finding::OwnGap(gap) => own_gap.push(own_gap_sentence(scene, gap, sheet)),
            Finding::LateStart(late) if late_starts.len() < MOST => {
                late_starts.push(late_start_sentence(scene, late, sheet));
            }
            Finding::ManyCalls(_) | Finding::LateStart(_) | Finding::Echo(_) => {}
        }
    }
    many_calls.into_iter().chain(own_gap).chain(late_starts).collect()
}

fn many_calls_sentence(scene: &Scene<'_>, run: &Run, first: usize, sheet: &Sheet<'_>) -> String {
    let caller = scene.report.tree.parent[first].map_or("the trace".to_owned(), |parent| name(scene, parent, sheet));
    let question = match is_database_call(scene.span(first)) {
        true => "an N+1 query?",
        false => "could they be one call, or run at once?",
    };
    let (call, times) = (name(scene, first, sheet), format::count(run.members.len() as u64));
    format!("{caller} runs {call} {times} times in a row ({}): {question}", format::duration(run.busy_ns))
}

fn own_gap_sentence(scene: &Scene<'_>, gap: &OwnGap, sheet: &Sheet<'_>) -> String {
    let name = |index| name(scene, index, sheet);
    let place = match (gap.after.map(name), gap.before.map(name)) {
        (Some(after), Some(before)) => format!("between {after} and {before}"),
        (Some(after), None) => format!("after {after}"),
        (None, before) => format!("before {}", before.unwrap_or_default()),
    };
    let (took, share) = (format::duration(gap.gap_ns), format::share(gap.gap_ns, scene.window.length_ns()));
    format!("{} spends {took} ({share}) by itself {place}", name(gap.span))
}

fn late_start_sentence(scene: &Scene<'_>, late: &LateStart, sheet: &Sheet<'_>) -> String {
    let (child, parent) = (name(scene, late.span, sheet), name(scene, late.parent, sheet));
    format!("{child} starts {} after {parent} ended: did it wait in a queue?", format::duration(late.gap_ns))
}

fn name(scene: &Scene<'_>, index: usize, sheet: &Sheet<'_>) -> String {
    sheet.name(&display_name(scene.span(index)))
}

/// What to type next: the span that failed or took longest, and the views not shown yet.
fn commands(scene: &Scene<'_>, rows: &[Row]) -> Option<String> {
    let trace = argument(&scene.report.trace.summary.trace_id)?;
    if scene.options.span.is_some() {
        return Some(format!("tracehub show {trace}"));
    }
    let spans = || scene.drawn.iter().filter(|index| scene.step(**index).is_none());
    if spans().next().is_none() {
        return commands_without_spans(scene, rows, &trace);
    }
    let has_children = |index: &usize| scene.report.tree.size[*index] > 1;
    let failed = spans().filter(|index| scene.span(**index).is_error() && !has_children(index));
    let slowest = || spans().max_by_key(|index| scene.report.self_ns[**index]);
    let span = failed.max_by_key(|index| scene.span(**index).start).or_else(slowest)?;
    let mut commands = vec![format!("tracehub show {trace} --span {}", scene.span(*span).span_id)];
    commands.extend(flags(scene, rows));
    Some(fitting(scene, commands))
}

/// What to type next where there are only operations or log lines: what they carry, what is folded or not drawn, and
/// what still comes.
fn commands_without_spans(scene: &Scene<'_>, rows: &[Row], trace: &str) -> Option<String> {
    let mut commands: Vec<String> = flags(scene, rows).collect();
    if let Some(first) = commands.first_mut() {
        first.insert_str(0, &format!("tracehub show {trace} "));
    }
    if !scene.open.is_empty() {
        commands.push(format!("tracehub tail {trace}"));
    }
    match scene.drawn.is_empty() {
        _ if commands.is_empty() => None,
        true => Some(commands.join(SEPARATOR)),
        false => Some(fitting(scene, commands)),
    }
}

/// The flags that show more of the trace than is drawn.
fn flags(scene: &Scene<'_>, rows: &[Row]) -> impl Iterator<Item = String> {
    let has_attributes =
        !scene.drawn.is_empty() || scene.report.trace.logs.iter().any(|log| !log.attributes.is_empty());
    let flags = [
        (has_attributes && !scene.options.attributes, "--attrs"),
        (rows.iter().any(|row| matches!(row.what, What::Run(_))), "--expand"),
        (scene.has_hidden_logs(), "--logs all"),
    ];
    flags.into_iter().filter(|(is_useful, _)| *is_useful).map(|(_, flag)| flag.to_owned())
}

/// As many of the commands as a line holds, the first of them in any case.
fn fitting(scene: &Scene<'_>, mut commands: Vec<String>) -> String {
    loop {
        let joined = commands.join(SEPARATOR);
        if commands.len() <= 1 || width(&joined) + 2 <= scene.style.width {
            return joined;
        }
        commands.pop();
    }
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
