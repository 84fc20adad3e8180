//! The lines above the picture: what happened, when, how much of it, through which services, and what took longest.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::scene::Scene;
use crate::model::checkpoint::source_in_words;
use crate::model::{Resource, TraceStatus, display_name};
use crate::query::trace::TraceReport;
use crate::view::lists::traces::status_mark;
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::text::{cut, width};

/// From how many columns on the time stands on the first line.
const WIDE: usize = 110;
/// How many of the operations that took longest are named.
const SLOWEST: usize = 3;
/// How many open operations are named.
const MOST_OPEN: usize = 3;
/// Part of the trace an operation must have spent itself, one in so many, to be named.
const NOTEWORTHY: u64 = 20;

/// Writes the lines above the picture.
pub(super) fn write(scene: &Scene<'_>, sheet: &mut Sheet<'_>) {
    let is_wide = scene.style.width >= WIDE;
    let started = scene.style.long_time(scene.started().0, "%a %Y-%m-%d %H:%M:%S.%3f", "%Y-%m-%d %H:%M:%S.%3f %:z");
    let time = Line::painted(started, Paint::Dim);
    let mut items = counts(scene);
    let has_time = write_title(scene, is_wide.then_some(&time), sheet);
    if !has_time {
        items.insert(0, time);
    }
    if !is_wide && scene.report.trace.summary.services.len() > 1 {
        sheet.items(2, std::mem::take(&mut items));
    }
    items.extend(services(scene, sheet));
    sheet.items(2, items);
    sheet.items(2, open(scene, sheet));
    // Shares are dropped when that makes room for one operation more.
    let (with, without) = (slowest(scene, true, sheet), slowest(scene, false, sheet));
    sheet.items(2, if without.len() > with.len() { without } else { with });
}

/// Writes mark, name, duration and id, and the time when there is room for the time; whether there was.
fn write_title(scene: &Scene<'_>, time: Option<&Line>, sheet: &mut Sheet<'_>) -> bool {
    let summary = &scene.report.trace.summary;
    let total = scene.style.width;
    let (mark, paint) = status_mark(scene.status());
    let (start, took) = scene.started();
    let duration = match scene.status() {
        TraceStatus::Open => format!("open for {}", format::duration(scene.style.now.since(start).max(took))),
        _ => format::duration(took),
    };
    let id = sheet.stored(&summary.trace_id.to_string());
    let mut roots = scene.report.tree.roots.iter().map(|index| scene.span(*index));
    let root = roots.find(|span| span.name == summary.name);
    let name = sheet.name(&root.map_or(Cow::Borrowed(summary.name.as_str()), display_name));
    let fixed = 2 + 2 + width(&duration);
    let is_terminal = scene.style.is_terminal;
    let id_fits = !is_terminal || fixed + 12.min(width(&name)) + 2 + width(&id) <= total;
    let room = total.saturating_sub(if id_fits { fixed + 2 + width(&id) } else { fixed });
    let mut line = Line::painted(format!("{mark} "), paint);
    line.add(if is_terminal { cut(&name, room.max(1)).into_owned() } else { name }, Paint::Bold);
    line.add(format!("  {duration}"), Paint::Plain);
    if !id_fits {
        sheet.line(line);
        // Ids are never cut, so a long one takes lines of its own.
        let columns = total.saturating_sub(2).max(1);
        for piece in pieces(&id, columns) {
            sheet.line(Line::painted(format!("  {piece}"), Paint::Dim));
        }
        return false;
    }
    if let Some(time) = time {
        let is_room = !is_terminal || line.width() + 3 + width(&id) + 3 + time.width() <= total;
        line.add(format!("   {id}"), Paint::Dim);
        if is_room {
            line.add("   ", Paint::Plain).append(time.clone());
        }
        sheet.line(line);
        return is_room;
    }
    let rest = if is_terminal { total - line.width() } else { width(&id) + 3 };
    line.add_right(id, rest, Paint::Dim);
    sheet.line(line);
    false
}

fn pieces(text: &str, columns: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in text.chars() {
        if let Some(last) = pieces.last_mut()
            && width(last) + width(c.encode_utf8(&mut [0; 4])) <= columns
        {
            last.push(c);
        } else {
            pieces.push(c.to_string());
        }
    }
    pieces
}

fn counts(scene: &Scene<'_>) -> Vec<Line> {
    let summary = &scene.report.trace.summary;
    let depth = scene.report.tree.depth.iter().max().map_or(0, |depth| u64::from(*depth) + 1);
    let mut items = Vec::new();
    let mut count = |number: u64, what: &str, paint| {
        if number > 0 {
            items.push(Line::painted(format::counted(number, what), paint));
        }
    };
    count(summary.span_count, "span", Paint::Plain);
    count(summary.checkpoint_count, "checkpoint", Paint::Plain);
    count(summary.error_count, "error", Paint::Bad);
    count(summary.log_count, "log", Paint::Plain);
    if depth > 1 {
        items.push(Line::painted(format!("depth {}", format::count(depth)), Paint::Plain));
    }
    if let Some(tokens) = summary.tokens {
        items.push(Line::painted(format!("{} tokens", format::tokens(tokens.input, tokens.output)), Paint::Plain));
    }
    if let Some(cost) = &summary.cost {
        items.push(Line::painted(format::cost(cost), Paint::Plain));
    }
    items
}

/// Who calls whom, each service once, in the order they first appear: `shop → redis · cart → postgres ×37`.
fn services(scene: &Scene<'_>, sheet: &Sheet<'_>) -> Option<Line> {
    let report = scene.report;
    if report.trace.spans.is_empty() {
        let mut line = Line::new();
        for service in report.trace.summary.services.iter().filter(|service| !service.is_empty()) {
            line.add(if line.width() == 0 { "" } else { " · " }, Paint::Plain);
            line.add(sheet.name(service), Paint::Plain).add(in_words(report, service), Paint::Dim);
        }
        return (line.width() > 0).then_some(line);
    }
    let mut entries: FxHashMap<&str, u64> = FxHashMap::default();
    let mut order: Vec<(&str, usize)> = Vec::new();
    let mut depth_of: FxHashMap<&str, usize> = FxHashMap::default();
    for index in &report.tree.order {
        let service = scene.span(*index).service().as_str();
        let caller = report.tree.parent[*index].map(|parent| scene.span(parent).service().as_str());
        if caller == Some(service) {
            continue;
        }
        *entries.entry(service).or_default() += u64::from(caller.is_some());
        if !depth_of.contains_key(service) {
            let depth = caller.and_then(|caller| depth_of.get(caller)).map_or(0, |depth| depth + 1);
            depth_of.insert(service, depth);
            order.push((service, depth));
        }
    }
    let mut line = Line::new();
    let mut last = None;
    for (service, depth) in order {
        match last {
            None => {}
            Some(before) if depth > before => drop(line.add(" → ", Paint::Dim)),
            Some(_) => drop(line.add(" · ", Paint::Dim)),
        }
        last = Some(depth);
        line.add(sheet.name(service), scene.hue(service));
        line.add(in_words(report, service), Paint::Dim);
        let calls = entries.get(service).copied().unwrap_or(0);
        if calls > 2 {
            line.add(format!(" ×{}", format::count(calls)), Paint::Dim);
        }
    }
    Some(line)
}

/// What the id of a service stands for, in brackets, where nothing but checkpoints tells of it: they say no more than that.
fn in_words(report: &TraceReport, service: &str) -> String {
    let is_told_more = |resource: &Resource| resource.service == service && !resource.attributes.is_empty();
    let is_known_by_id_alone = || {
        !report.trace.spans.iter().any(|span| is_told_more(&span.resource))
            && !report.trace.logs.iter().any(|log| log.resource.service == service)
    };
    let words = source_in_words(service).filter(|_| is_known_by_id_alone());
    words.map_or_else(String::new, |words| format!(" ({words})"))
}

/// What was entered and not left, the latest first: whatever waits for something waits for that.
fn open(scene: &Scene<'_>, sheet: &Sheet<'_>) -> Vec<Line> {
    let mut named: Vec<(usize, u64)> = Vec::new();
    let mut places: FxHashMap<(&str, Cow<'_, str>), usize> = FxHashMap::default();
    for index in scene.open.iter().rev() {
        let span = scene.span(*index);
        let place = *places.entry((span.service().as_str(), display_name(span))).or_insert(named.len());
        match named.get_mut(place) {
            // Shown with the age of the oldest, which comes last.
            Some(alike) => *alike = (*index, alike.1 + 1),
            None => named.push((*index, 1)),
        }
    }
    let mut lines = Vec::new();
    for (index, times) in named.iter().take(MOST_OPEN) {
        let span = scene.span(*index);
        let mut line = Line::painted(if lines.is_empty() { "still open: " } else { "" }, Paint::Warn);
        line.add(format!("{} ", sheet.name(span.service())), scene.hue(span.service()));
        line.add(sheet.name(&display_name(span)), Paint::Plain);
        if *times > 1 {
            line.add(format!(" ×{}", format::count(*times)), Paint::Dim);
        }
        line.add(format!(" {}", format::duration(scene.age_ns(*index))), Paint::Warn);
        lines.push(line);
    }
    let more = named.iter().skip(MOST_OPEN).map(|(_, times)| times).sum();
    if more > 0 {
        lines.push(Line::painted(format!("{} more", format::count(more)), Paint::Warn));
    }
    lines
}

/// The operations that spent most time themselves.
fn slowest(scene: &Scene<'_>, with_shares: bool, sheet: &Sheet<'_>) -> Vec<Line> {
    let (_, total) = scene.started();
    if scene.drawn.len() < 3 {
        return Vec::new();
    }
    let mut sums: FxHashMap<(Cow<'_, str>, &str), (u64, u64)> = FxHashMap::default();
    for index in &scene.drawn {
        let span = scene.span(*index);
        if span.start.0 == 0 {
            continue;
        }
        let (own, calls) = sums.entry((display_name(span), span.service().as_str())).or_default();
        *own = own.saturating_add(scene.report.self_ns[*index]);
        *calls += 1;
    }
    let mut sums: Vec<_> = sums.into_iter().filter(|(_, (own, _))| *own > 0 && *own >= total / NOTEWORTHY).collect();
    sums.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    let mut lines = Vec::new();
    let mut used = 2;
    for ((name, _), (own, calls)) in sums.into_iter().take(SLOWEST) {
        let mut line = Line::painted(if lines.is_empty() { "slowest self: " } else { "" }, Paint::Dim);
        line.add(sheet.name(&name), Paint::Plain);
        if calls > 1 {
            line.add(format!(" ×{}", format::count(calls)), Paint::Dim);
        }
        line.add(format!(" {}", format::duration(own)), Paint::Plain);
        if with_shares && own <= total {
            line.add(format!(" ({})", format::share(own, total)), Paint::Dim);
        }
        used += line.width() + 3;
        if scene.style.is_terminal && used > scene.style.width + 3 && !lines.is_empty() {
            break;
        }
        lines.push(line);
    }
    lines
}
