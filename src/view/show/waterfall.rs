//! The waterfall and the tree: one line a span, guides to the left, numbers, and time as a bar to the right.

use super::bars::Ruler;
use super::details;
use super::fold::{Row, What};
use super::options::Picture;
use super::scene::{Scene, step_mark};
use super::usage::{cost, tokens};
use crate::model::{Span, display_name};
use crate::query::Warning;
use crate::query::trace::runs::Run;
use crate::query::trace::steps::Step;
use crate::view::out::canvas::{Line, MOST_PLAIN_COLUMNS, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::text::{cut, width};

/// From how many columns on services have a column of their own.
const WIDE: usize = 100;
const SERVICE: usize = 10;
const TIME: usize = 7;
const SELF: usize = 8;
const TOKENS: usize = 10;
const COST: usize = 9;
const FLAG: usize = 3;
/// Narrowest bar worth drawing.
const MIN_BAR: usize = 10;
/// Cells for what goes on beyond the picture.
const BEYOND: usize = 5;
/// Spans with more events than this get marks for exceptions only.
const MANY_EVENTS: usize = 8;

/// Which columns a waterfall has, and how wide they are.
struct Columns {
    name: usize,
    service: usize,
    has_self: bool,
    has_usage: bool,
    bar: usize,
    /// How many cells of the bar lie beyond the picture.
    beyond: usize,
}

impl Columns {
    fn new(scene: &Scene<'_>) -> Columns {
        let total = scene.style.width;
        let is_wide = total >= WIDE;
        let has_usage = scene.usage.is_some();
        let service = if is_wide { SERVICE + 1 } else { 0 };
        let numbers =
            |has_self: bool| TIME + FLAG + if has_self { SELF } else { 0 } + if has_usage { TOKENS + COST } else { 0 };
        let mut has_self = is_wide || !has_usage;
        if scene.options.picture == Picture::Tree {
            let name = total.saturating_sub(service + numbers(has_self));
            return Columns { name: name.max(MIN_BAR), service, has_self, has_usage, bar: 0, beyond: 0 };
        }
        let part = if is_wide { total * 46 / 120 } else { total * 33 / 80 };
        let name = part.saturating_sub(if has_usage { 4 } else { 0 }).max(MIN_BAR);
        let rest = |has_self: bool| total.saturating_sub(name + service + numbers(has_self));
        has_self &= rest(true) >= MIN_BAR || rest(false) < MIN_BAR;
        let bar = if rest(has_self) < MIN_BAR { 0 } else { rest(has_self) };
        let beyond = if scene.is_cut && bar > 2 * BEYOND { BEYOND } else { 0 };
        Columns { name, service, has_self, has_usage, bar, beyond }
    }
}

/// How far names are indented at most, in levels; what lies deeper says how deep.
fn deepest_indent(scene: &Scene<'_>) -> usize {
    (scene.style.width / 8).clamp(4, 20)
}

/// Writes the waterfall or the tree: the heading and all lines.
pub(super) fn write(scene: &Scene<'_>, rows: &[Row], sheet: &mut Sheet<'_>) {
    let mut columns = Columns::new(scene);
    let mut guides = Guides { more: Vec::new(), cap: deepest_indent(scene) };
    let labels: Vec<Label> = rows.iter().map(|row| Label::new(scene, row, guides.enter(row), sheet)).collect();
    let needed = labels.iter().map(Label::width).max().unwrap_or(0) + 1;
    if !scene.style.is_terminal {
        columns.name = columns.name.max(needed.min(MOST_PLAIN_COLUMNS));
    }
    if scene.options.picture == Picture::Tree {
        columns.name = columns.name.min(needed.max(24));
    }
    let ruler = Ruler::new(scene.window, columns.bar - columns.beyond, columns.beyond);
    sheet.line(heading(scene, &columns));
    guides.more.clear();
    let layout = Layout { scene, columns, ruler };
    for (row, label) in rows.iter().zip(labels) {
        guides.enter(row);
        sheet.line(layout.line(row, label, sheet));
        let stem = guides.below(row);
        for detail in below(scene, row, sheet) {
            let mut line = Line::painted(stem.clone(), Paint::Dim);
            line.append(detail);
            sheet.line(line);
        }
    }
}

/// The lines that join a span with its parent and siblings. Memory is bounded by the cap, however deep a trace is.
struct Guides {
    /// For each level down to the cap, whether a sibling follows.
    more: Vec<bool>,
    cap: usize,
}

impl Guides {
    /// Goes on to a row; returns what stands to the left of the row's name.
    fn enter(&mut self, row: &Row) -> String {
        self.more.truncate(row.depth);
        if row.depth > self.cap {
            return format!("{}⋯{} ", self.stem(self.cap), row.depth);
        }
        let stem = self.stem(row.depth.saturating_sub(1));
        self.more.push(!row.is_last);
        match (row.depth, row.is_last) {
            (0, _) => stem,
            (_, false) => stem + "├ ",
            (_, true) => stem + "└ ",
        }
    }

    /// What stands to the left of the lines below a row.
    fn below(&self, row: &Row) -> String {
        let stem = self.stem(row.depth.min(self.cap));
        stem + if row.has_below && row.depth < self.cap { "│ " } else { "  " }
    }

    fn stem(&self, levels: usize) -> String {
        let guide = |more: &bool| if *more { "│ " } else { "  " };
        self.more.iter().skip(1).take(levels).map(guide).collect()
    }
}

/// What stands in the name column: the name gives way, the rest never does.
struct Label {
    /// Guides, and the source of an operation where services have no column of their own.
    head: Line,
    name: String,
    suffix: String,
    paint: Paint,
    is_heading: bool,
}

impl Label {
    fn new(scene: &Scene<'_>, row: &Row, guide: String, sheet: &Sheet<'_>) -> Label {
        let first = row.what.first();
        let (span, step) = (first.map(|index| scene.span(index)), first.and_then(|index| scene.step(index)));
        let mut head = Line::painted(guide, Paint::Dim);
        if let Some(span) = span.filter(|_| step.is_some() && scene.style.width < WIDE) {
            head.add(format!("{} ", sheet.stored(span.service())), scene.hue(span.service()));
        }
        let is_agent = |span: &Span| span.attributes.text("gen_ai.operation.name") == Some("invoke_agent");
        let suffix = match &row.what {
            What::Span(_) if span.is_some_and(|span| is_agent(span) && !span.name.contains("agent")) => {
                "  (agent)".to_owned()
            }
            What::Span(_) => String::new(),
            What::Run(run) => format!(" ×{}", format::count(run.members.len() as u64)),
            What::Missing(parent, _) => format!(" {parent}"),
        };
        let paint = match &row.what {
            What::Missing(..) => Paint::Warn,
            _ if matches!(step, Some(Step::Open | Step::Exit)) => Paint::Warn,
            _ if span.is_some_and(Span::is_error) => Paint::Bad,
            What::Span(_) if row.depth == 0 => Paint::Bold,
            _ => Paint::Plain,
        };
        let name = span.map_or("? missing parent".to_owned(), |span| sheet.stored(&display_name(span)));
        Label { head, name, suffix, paint, is_heading: matches!(row.what, What::Missing(..)) }
    }

    fn width(&self) -> usize {
        self.head.width() + width(&self.name) + width(&self.suffix)
    }

    fn line(self, columns: usize) -> Line {
        // A heading has no numbers beside it, so it may go on into their columns.
        let columns = if self.is_heading { usize::MAX } else { columns };
        let room = columns.saturating_sub(1 + self.head.width() + width(&self.suffix));
        self.head
            .with(cut(&self.name, room.max(1)), self.paint)
            .with(self.suffix, if self.paint == Paint::Bold { Paint::Plain } else { self.paint })
    }
}

fn heading(scene: &Scene<'_>, columns: &Columns) -> Line {
    let has_spans = scene.drawn.iter().any(|index| scene.step(*index).is_none());
    let mut line = Line::painted(if has_spans { "SPAN" } else { "OPERATION" }, Paint::Dim);
    line.pad(columns.name);
    if columns.service > 0 {
        line.add("SERVICE", Paint::Dim).pad(columns.name + columns.service);
    }
    line.add_right("TIME", TIME, Paint::Dim);
    if columns.has_self {
        line.add_right("SELF", SELF, Paint::Dim);
    }
    if columns.has_usage {
        line.add_right("TOKENS", TOKENS, Paint::Dim).add_right("COST", COST, Paint::Dim);
    }
    line.add(" ".repeat(FLAG), Paint::Plain).add(axis(scene, columns), Paint::Dim);
    line
}

/// Labels of the time axis: zero, as many steps as fit, and the end.
fn axis(scene: &Scene<'_>, columns: &Columns) -> String {
    let (cells, length) = (columns.bar - columns.beyond, scene.window.length_ns());
    let last = format::duration(length);
    if cells < width(&last) + 2 {
        return String::new();
    }
    let steps = match cells {
        _ if length < 10 => 1,
        ..26 => 2,
        26..40 => 4,
        _ => 5,
    };
    let last_place = cells - width(&last);
    let mut text = Line::new();
    for step in 0..steps {
        let label = format::duration(length / steps as u64 * step as u64);
        let place = cells * step / steps;
        if place + width(&label) < last_place && place >= text.width() {
            text.pad(place).add(label, Paint::Plain);
        }
    }
    text.pad(last_place).add(last, Paint::Plain);
    if columns.beyond > 0 {
        text.add_right("now", columns.beyond, Paint::Plain);
    }
    text.text()
}

/// What lines are laid out by: the scene, the columns and the time axis.
struct Layout<'a> {
    scene: &'a Scene<'a>,
    columns: Columns,
    ruler: Ruler,
}

impl Layout<'_> {
    fn line(&self, row: &Row, label: Label, sheet: &Sheet<'_>) -> Line {
        let (scene, columns) = (self.scene, &self.columns);
        let mut line = label.line(columns.name);
        let Some(index) = row.what.first() else { return line };
        let span = scene.span(index);
        let hue = scene.hue(span.service());
        line.pad(columns.name);
        if columns.service > 0 {
            line.add(cut(&sheet.stored(span.service()), columns.service - 1), hue);
            line.pad(columns.name + columns.service);
        }
        let (time, own) = times(scene, &row.what, index);
        let is_open = scene.step(index) == Some(Step::Open);
        line.add_right(time, TIME, if is_open { Paint::Warn } else { Paint::Plain });
        if columns.has_self {
            line.add_right(own, SELF, Paint::Plain);
        }
        if let Some(usage) = &scene.usage {
            let sum = usage.get(index).filter(|_| matches!(row.what, What::Span(_)));
            line.add_right(tokens(sum), TOKENS, Paint::Plain).add_right(cost(sum), COST, Paint::Plain);
        }
        let (flag, paint) = flag(scene, index);
        line.add(" ", Paint::Plain).add(flag, paint).add(" ", Paint::Plain);
        if columns.bar > 0 {
            let paint = match scene.step(index) {
                _ if span.is_error() => Paint::Bad,
                Some(Step::Open | Step::Exit) => Paint::Warn,
                _ => hue,
            };
            paint_bar(&mut line, &bar(scene, &row.what, &self.ruler), paint);
        }
        line
    }
}

/// How long a row took, and how much of that by itself.
fn times(scene: &Scene<'_>, what: &What, index: usize) -> (String, String) {
    let span = scene.span(index);
    match (what, scene.step_times(index)) {
        (What::Run(run), _) if scene.step(index) != Some(Step::Open) => {
            (format::duration(run.end.since(run.start)), format::duration(run.self_ns))
        }
        (_, Some(times)) => times,
        _ if span.start.0 == 0 || has_impossible_end(scene, index) => ("?".to_owned(), "?".to_owned()),
        _ if span.end.0 == 0 => ("…".to_owned(), "…".to_owned()),
        _ => (format::duration(span.duration_ns()), format::duration(scene.report.self_ns[index])),
    }
}

/// Whether a span was sent with an end that cannot be, and so is not one that goes on.
fn has_impossible_end(scene: &Scene<'_>, index: usize) -> bool {
    scene.report.sent_times.get(&index).is_some_and(|(_, end)| end.0 > 0)
}

fn flag(scene: &Scene<'_>, index: usize) -> (&'static str, Paint) {
    if let Some(step) = scene.step(index) {
        return (step_mark(step), Paint::Warn);
    }
    let is_usual = |warning: &Warning| {
        use Warning::{DroppedAttributes, DroppedEvents, DroppedLinks, MissingParent};
        matches!(warning, MissingParent(_) | DroppedAttributes(_) | DroppedEvents(_) | DroppedLinks(_))
    };
    match scene.span(index).is_error() {
        true => ("✗", Paint::Bad),
        false if !scene.report.warnings[index].iter().all(is_usual) => ("⚠", Paint::Warn),
        false => (" ", Paint::Plain),
    }
}

fn bar(scene: &Scene<'_>, what: &What, ruler: &Ruler) -> Vec<char> {
    let stretch = |index: usize| (scene.span(index).start, scene.span(index).end);
    match what {
        What::Missing(..) => Vec::new(),
        What::Run(run) if run.members.iter().any(|index| scene.step(*index) == Some(Step::Open)) => {
            ruler.open(run.start)
        }
        What::Run(run) => ruler.run((run.start, run.end), run.members.iter().map(|index| stretch(*index))),
        What::Span(index) => {
            let span = scene.span(*index);
            match scene.step(*index) {
                _ if span.start.0 == 0 && span.end.0 == 0 => return Vec::new(),
                None if has_impossible_end(scene, *index) => return ruler.only(span.start, '▏'),
                _ if span.end.0 == 0 => return ruler.open(span.start),
                Some(Step::Exit) => return ruler.only(span.start, '◂'),
                Some(Step::Note) => return ruler.only(span.start, '•'),
                Some(Step::Closed | Step::Open) | None => {}
            }
            let mut bar = ruler.span(stretch(*index), scene.report.tree.children(*index).map(stretch));
            for event in &span.events {
                if event.time.0 > 0 && (span.events.len() <= MANY_EVENTS || event.is_exception()) {
                    ruler.mark(&mut bar, event.time, '◆');
                }
            }
            bar
        }
    }
}

fn paint_bar(line: &mut Line, bar: &[char], paint: Paint) {
    let paint_of = |cell: char| match cell {
        '░' | '·' => Paint::Dim,
        '◆' => Paint::Bad,
        ' ' => Paint::Plain,
        _ => paint,
    };
    for piece in bar.chunk_by(|a, b| paint_of(*a) == paint_of(*b)) {
        line.add(piece.iter().collect::<String>(), piece.first().map_or(paint, |cell| paint_of(*cell)));
    }
}

fn below(scene: &Scene<'_>, row: &Row, sheet: &Sheet<'_>) -> Vec<Line> {
    match &row.what {
        What::Span(index) => details::below_span(scene, *index, sheet),
        What::Run(run) => run_line(scene, run).into_iter().collect(),
        What::Missing(..) => Vec::new(),
    }
}

fn run_line(scene: &Scene<'_>, run: &Run) -> Option<Line> {
    let ends = [run.members.first()?, run.members.last()?];
    match scene.step(*ends[0]) {
        Some(Step::Open) => {
            let ages = ends.map(|index| format::duration(scene.age_ns(*index)));
            return Some(Line::painted(format!("  none left, open for {} to {}", ages[1], ages[0]), Paint::Dim));
        }
        Some(Step::Exit | Step::Note) => return None,
        Some(Step::Closed) | None => {}
    }
    let each = format!("  each p50 {} · max {}", format::duration(run.p50_ns), format::duration(run.max_ns));
    let mut line = Line::painted(each, Paint::Dim);
    if run.members.first().is_some_and(|first| scene.marks.many_calls.contains(first)) {
        line.add(" · ", Paint::Dim).add("N+1?", Paint::Warn);
    }
    let ids = run.members.iter().map(|index| scene.span(*index).span_id);
    let logs: usize = ids.filter_map(|id| scene.logs.get(&id)).map(Vec::len).sum();
    if logs > 0 {
        line.add(format!(" · {}", format::counted(logs as u64, "log line")), Paint::Dim);
    }
    if run.below > 0 {
        line.add(format!(" · {} below", format::counted(run.below as u64, "span")), Paint::Dim);
    }
    Some(line)
}
