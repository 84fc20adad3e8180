//! What all parts of the picture share: the trace, what was asked for, the stretch of time drawn, and colours.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    LogLines, ShowOptions,
    bars::Window,
    details::is_exception,
    steps::{Step, Steps},
    usage::SpanUsage,
};
use crate::{
    model::{Attributes, LogRecord, Nanos, Severity, Span, SpanId, TraceStatus},
    query::TraceReport,
    view::{line::Paint, style::Style},
};

/// A trace about to be drawn. Vectors go by the index of a span in the trace.
pub(super) struct Scene<'a> {
    pub(super) report: &'a TraceReport,
    pub(super) options: &'a ShowOptions,
    pub(super) style: &'a Style,
    steps: &'a Steps,
    /// Spans that are drawn, in tree order.
    pub(super) drawn: Vec<usize>,
    /// The spans `--span` names.
    pub(super) chosen: Vec<usize>,
    /// Operations among them that are open, by entry.
    pub(super) open: Vec<usize>,
    /// From the first start to the last end of what is drawn.
    pub(super) window: Window,
    /// Whether so much time has passed since that the present lies outside the window.
    pub(super) is_cut: bool,
    /// Whether a span or anything below it failed.
    pub(super) failed: Vec<bool>,
    /// Tokens and cost, when any span reports some.
    pub(super) usage: Option<Vec<SpanUsage>>,
    /// Log records to draw below the span they belong to, by their places in the trace.
    pub(super) logs: FxHashMap<SpanId, Vec<usize>>,
    /// Which log lines are drawn.
    log_lines: LogLines,
    /// Errors that were told further down already.
    pub(super) echoes: Echoes,
    hues: FxHashMap<&'a str, usize>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        report: &'a TraceReport,
        steps: &'a Steps,
        options: &'a ShowOptions,
        style: &'a Style,
    ) -> Scene<'a> {
        let spans = &report.trace.spans;
        let chosen = match options.span {
            Some(id) => (0..spans.len()).filter(|index| spans[*index].span_id == id).collect(),
            None => Vec::new(),
        };
        let drawn: Vec<usize> = match options.span {
            Some(_) => {
                let mut seen = FxHashSet::default();
                let below = chosen.iter().flat_map(|index| report.tree.below(*index));
                below.copied().filter(|index| seen.insert(*index)).collect()
            }
            None => report.tree.order.clone(),
        };
        let mut open: Vec<usize> =
            drawn.iter().copied().filter(|index| steps.get(*index) == Some(Step::Open)).collect();
        open.sort_by_key(|index| spans[*index].start);
        let log_lines = options.logs.unwrap_or(match report.trace.spans.is_empty() {
            true => LogLines::All,
            false => LogLines::Warn,
        });
        let (window, is_cut) = with_present(window(spans, &drawn), style.now, !open.is_empty());
        Scene {
            open,
            window,
            is_cut,
            steps,
            failed: failed(report),
            usage: super::usage::by_span(report),
            logs: logs(report, log_lines),
            log_lines,
            echoes: Echoes::new(report),
            hues: hues(report),
            report,
            options,
            style,
            drawn,
            chosen,
        }
    }

    pub(super) fn span(&self, index: usize) -> &'a Span {
        &self.report.trace.spans[index]
    }

    /// What a row stands for when it is made of checkpoints.
    pub(super) fn step(&self, index: usize) -> Option<Step> {
        self.steps.get(index)
    }

    /// How long a row that has not ended has been going on.
    pub(super) fn age_ns(&self, index: usize) -> u64 {
        self.style.now.since(self.span(index).start)
    }

    /// How the trace came out. An entry may be open although another was left too often, which counts alone do not show.
    pub(super) fn status(&self) -> TraceStatus {
        match self.report.trace.summary.status {
            TraceStatus::Ok if !self.open.is_empty() => TraceStatus::Open,
            status => status,
        }
    }

    /// The colour of a service; none when there is only one.
    pub(super) fn hue(&self, service: &str) -> Paint {
        match self.hues.get(service) {
            Some(hue) if self.hues.len() > 1 => Paint::Hue(*hue),
            _ => Paint::Hue(0),
        }
    }

    /// A log record by its place in the trace.
    pub(super) fn log(&self, place: usize) -> Option<&'a LogRecord> {
        self.report.trace.logs.get(place)
    }

    /// Whether log records are not drawn because nobody asked for lines as harmless as that.
    pub(super) fn has_hidden_logs(&self) -> bool {
        self.report.trace.logs.iter().any(|log| !self.draws(log.severity))
    }

    /// Whether a record of this severity is drawn.
    pub(super) fn draws(&self, severity: Severity) -> bool {
        draws(self.log_lines, severity)
    }

    /// When the trace started and how many nanoseconds it took; spans without a start would make that decades.
    pub(super) fn started(&self) -> (Nanos, u64) {
        let summary = &self.report.trace.summary;
        match summary.start {
            Nanos(0) => (self.window.start, self.window.end.since(self.window.start)),
            start => (start, summary.duration_ns()),
        }
    }

    /// How long the drawn stretch is, at least a nanosecond.
    pub(super) fn length_ns(&self) -> u64 {
        self.window.end.since(self.window.start).max(1)
    }
}

fn draws(lines: LogLines, severity: Severity) -> bool {
    match lines {
        LogLines::All => true,
        LogLines::Warn => severity >= Severity::Warn,
        LogLines::None => false,
    }
}

/// Spans without a start or an end would stretch the picture over decades, so they do not count unless there is
/// nothing else.
fn window(spans: &[Span], drawn: &[usize]) -> Window {
    let times = || drawn.iter().flat_map(|index| [spans[*index].start, spans[*index].end]).filter(|time| time.0 > 0);
    let start = times().min().unwrap_or_default();
    let end = times().max().unwrap_or_default();
    Window { start, end: end.max(Nanos(start.0)) }
}

/// While something is open time goes on until now. When that is long past everything else it would leave no room for the
/// rest, so the window then ends with the rest, and what is open points beyond it.
fn with_present(window: Window, now: Nanos, is_open: bool) -> (Window, bool) {
    let (length, beyond) = (window.end.since(window.start), now.since(window.end));
    match (is_open, length > 0 && beyond > length) {
        (false, _) => (window, false),
        (true, true) => (window, true),
        (true, false) => (Window { end: window.end.max(now), ..window }, false),
    }
}

fn failed(report: &TraceReport) -> Vec<bool> {
    let mut failed: Vec<bool> = report.trace.spans.iter().map(Span::is_error).collect();
    for index in report.tree.order.iter().rev() {
        if let (true, Some(parent)) = (failed[*index], report.tree.parent[*index]) {
            failed[parent] = true;
        }
    }
    failed
}

/// Instrumentation tells an error again on every span it passes through; only the innermost says where it came from.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    /// Exceptions, as span and place of the event, that a span below has told.
    pub(super) exceptions: FxHashSet<(usize, usize)>,
    /// Spans whose status message a span below has told.
    pub(super) messages: FxHashSet<usize>,
}

impl Echoes {
    fn new(report: &TraceReport) -> Echoes {
        let mut echoes = Echoes::default();
        let mut told_below: FxHashSet<(usize, String)> = FxHashSet::default();
        for index in report.tree.order.iter().rev() {
            let span = &report.trace.spans[*index];
            let mut told = Vec::new();
            for (place, event) in span.events.iter().enumerate().filter(|(_, event)| is_exception(event)) {
                let texts = spellings(&event.attributes);
                if texts.iter().any(|text| told_below.contains(&(*index, text.clone()))) {
                    echoes.exceptions.insert((*index, place));
                }
                told.extend(texts);
            }
            if span.is_error() && !span.status.message.is_empty() {
                let message = span.status.message.to_string();
                if told_below.contains(&(*index, message.clone())) {
                    echoes.messages.insert(*index);
                }
                told.push(message);
            }
            if let Some(parent) = report.tree.parent[*index] {
                told_below.extend(told.into_iter().map(|text| (parent, text)));
            }
        }
        echoes
    }
}

/// How an exception may be spelled elsewhere: with its type in full, with the last part of it, and without.
pub(super) fn spellings(attributes: &Attributes) -> Vec<String> {
    let [kind, message] = ["exception.type", "exception.message"].map(|key| attributes.text(key).unwrap_or(""));
    let short = kind.rsplit(['.', ':']).next().unwrap_or(kind);
    let mut spellings = vec![format!("{kind}: {message}"), format!("{short}: {message}")];
    if !message.is_empty() {
        spellings.push(message.to_owned());
    }
    spellings
}

fn logs(report: &TraceReport, lines: LogLines) -> FxHashMap<SpanId, Vec<usize>> {
    let mut logs: FxHashMap<SpanId, Vec<usize>> = FxHashMap::default();
    for (place, log) in report.trace.logs.iter().enumerate().filter(|(_, log)| draws(lines, log.severity)) {
        if let Some(span) = log.span_id {
            logs.entry(span).or_default().push(place);
        }
    }
    logs
}

fn hues(report: &TraceReport) -> FxHashMap<&str, usize> {
    let mut hues = FxHashMap::default();
    for index in &report.tree.order {
        let next = hues.len();
        hues.entry(report.trace.spans[*index].service().as_str()).or_insert(next);
    }
    hues
}
