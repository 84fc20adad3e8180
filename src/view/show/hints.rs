//! The HINTS block: findings as sentences, and what to type next.

use rustc_hash::FxHashSet;

use super::fold::{Row, What};
use super::scene::Scene;
use crate::model::TraceId;
use crate::query::trace::findings::{Finding, LateStart, OwnGap, is_database_call};
use crate::query::trace::runs::Run;
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::text::width;

/// How many findings of one kind become hints.
const MOST: usize = 3;

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
    let runs = rows.iter().filter_map(|row| match &row.what {
        What::Run(run) => run.members.first(),
        _ => None,
    });
    let drawn: FxHashSet<&usize> = runs.collect();
    let (mut many_calls, mut own_gap, mut late_starts) = (Vec::new(), Vec::new(), Vec::new());
    for finding in &scene.findings {
        match finding {
            Finding::ManyCalls(run) if many_calls.len() < MOST && scene.part.is_noteworthy(run.busy_ns) => {
                let first = run.members.first().filter(|first| drawn.contains(first));
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
    let (took, share) = (format::duration(gap.gap_ns), format::share(gap.gap_ns, scene.length_ns()));
    format!("{} spends {took} ({share}) by itself {place}", name(gap.span))
}

fn late_start_sentence(scene: &Scene<'_>, late: &LateStart, sheet: &Sheet<'_>) -> String {
    let (child, parent) = (name(scene, late.span, sheet), name(scene, late.parent, sheet));
    format!("{child} starts {} after {parent} ended: did it wait in a queue?", format::duration(late.gap_ns))
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

/// What to type next where there are only operations: their payloads, what is folded, and what still comes.
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

/// What to type next where there are only log lines: what they carry, and those not drawn.
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
