//! Records line by line: the list picture, and records that belong to no span.

use rustc_hash::FxHashSet;

use super::{details::log_line, scene::Scene, steps::Step};
use crate::{
    model::{Nanos, SpanId},
    view::{
        format,
        line::{Line, Paint, Sheet},
        table::{Column, Table},
    },
};

/// Writes one line a span or operation, by start time.
pub(super) fn write(scene: &Scene<'_>, sheet: &mut Sheet<'_>) {
    let mut start = Column::right("START");
    let mut time = Column::right("TIME").at_least(7);
    let mut own = Column::right("SELF").at_least(7);
    let mut mark = Column::left("");
    let mut service = Column::left("SERVICE").limit(16);
    let mut id = Column::left("ID").gap(2);
    let has_spans = scene.drawn.iter().any(|index| scene.step(*index).is_none());
    let mut name = Column::left(if has_spans { "SPAN" } else { "OPERATION" }).gap(2).stretch();
    let mut by_start = scene.drawn.clone();
    by_start.sort_by_key(|index| scene.span(*index).start);
    for index in by_start {
        let span = scene.span(index);
        let paint = if span.is_error() { Paint::Bad } else { Paint::Plain };
        start.push(offset(scene, span.start), Paint::Dim);
        let step = scene.step(index);
        let (took, itself) = match step {
            Some(Step::Open) => (format::duration(scene.age_ns(index)), "·".to_owned()),
            Some(Step::Exit | Step::Note) => ("·".to_owned(), "·".to_owned()),
            Some(Step::Closed) | None => {
                (format::duration(span.duration_ns()), format::duration(scene.report.self_ns[index]))
            }
        };
        time.push(took, if step == Some(Step::Open) { Paint::Warn } else { Paint::Plain });
        own.push(itself, Paint::Plain);
        match step {
            Some(step) => mark.push(step.mark(), Paint::Warn),
            None => mark.push(if span.is_error() { "✗" } else { " " }, Paint::Bad),
        }
        service.push(sheet.stored(span.service()), scene.hue(span.service()));
        id.push(if step.is_some() { String::new() } else { span.span_id.to_string() }, Paint::Dim);
        name.push(sheet.stored(&span.name), paint);
    }
    let id = has_spans.then_some(id);
    let columns = [start, time, own, mark, service].into_iter().chain(id).chain([name]);
    Table { columns: columns.collect() }.write(sheet, scene.style);
}

/// Writes log records that belong to nothing that is drawn.
pub(super) fn write_loose_records(scene: &Scene<'_>, sheet: &mut Sheet<'_>) {
    if scene.options.span.is_some() {
        return;
    }
    let trace = &scene.report.trace;
    let drawn: FxHashSet<SpanId> = trace.spans.iter().map(|span| span.span_id).collect();
    let is_loose = |id: Option<SpanId>| id.is_none_or(|id| !drawn.contains(&id));
    let logs: Vec<_> = trace.logs.iter().filter(|log| scene.draws(log.severity) && is_loose(log.span_id)).collect();
    if !logs.is_empty() {
        sheet.line(Line::of("LOGS", Paint::Bold));
    }
    for log in logs {
        let mut line = offset_line(scene, log.time);
        line.append(log_line(log, sheet));
        sheet.line(line);
    }
}

fn offset_line(scene: &Scene<'_>, time: Nanos) -> Line {
    let mut line = Line::of("  ", Paint::Plain);
    line.add_right(offset(scene, time), 8, Paint::Dim).add("  ", Paint::Plain);
    line
}

/// Time since the first thing that has one.
fn offset(scene: &Scene<'_>, time: Nanos) -> String {
    let trace = &scene.report.trace;
    let records =
        trace.checkpoints.iter().map(|checkpoint| checkpoint.time()).chain(trace.logs.iter().map(|log| log.time));
    let start = match scene.drawn.is_empty() {
        true => records.min().unwrap_or_default(),
        false => scene.window.start,
    };
    if time.0 == 0 { "?".to_owned() } else { format!("+{}", format::duration(time.since(start))) }
}
