//! What all parts of the picture share: the trace, what was asked for, the stretch of time drawn, and colours.

use rustc_hash::{FxHashMap, FxHashSet};

use super::bars::Window;
use super::options::{LogLines, ShowOptions};
use crate::model::{LogRecord, Nanos, Span, SpanId, TraceStatus};
use crate::query::TraceReport;
use crate::query::trace::findings::{Finding, Part};
use crate::query::trace::steps::Step;
use crate::query::trace::usage::TokenSum;
use crate::view::out::canvas::Paint;
use crate::view::out::format;
use crate::view::out::style::Style;

/// A trace about to be drawn. Vectors go by the index of a span in the trace.
pub(super) struct Scene<'a> {
    pub(super) report: &'a TraceReport,
    pub(super) options: &'a ShowOptions,
    pub(super) style: &'a Style,
    /// The spans that are drawn, in tree order.
    pub(super) drawn: Vec<usize>,
    /// The spans `--span` names.
    pub(super) chosen: Vec<usize>,
    /// The operations among what is drawn that are open, by entry.
    pub(super) open: Vec<usize>,
    /// From the first start to the last end of what is drawn.
    pub(super) window: Window,
    /// Whether the present lies outside the window, because so much time has passed since.
    pub(super) is_cut: bool,
    /// What is drawn, as findings are looked for in it.
    pub(super) part: Part,
    /// What is worth a thought in what is drawn.
    pub(super) findings: Vec<Finding>,
    /// The findings by span.
    pub(super) marks: Marks,
    /// Tokens and cost, when any span reports some.
    pub(super) usage: Option<Vec<TokenSum>>,
    /// Log records to draw below the span they belong to, with their places in the trace.
    pub(super) logs: FxHashMap<SpanId, Vec<(usize, &'a LogRecord)>>,
    /// Which log lines are drawn.
    pub(super) log_lines: LogLines,
    hues: FxHashMap<&'a str, usize>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(report: &'a TraceReport, options: &'a ShowOptions, style: &'a Style) -> Scene<'a> {
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
            drawn.iter().copied().filter(|index| report.steps.get(*index) == Some(Step::Open)).collect();
        open.sort_by_key(|index| spans[*index].start);
        let log_lines = options.logs.unwrap_or(match report.trace.spans.is_empty() {
            true => LogLines::All,
            false => LogLines::Warn,
        });
        let (start, end) = report.stretch(&drawn);
        let (window, is_cut) = with_present(Window { start, end }, style.now, !open.is_empty());
        let mut part = match options.span {
            Some(_) => Part::below(report, drawn.clone()),
            None => Part::whole(report),
        };
        // What is open goes on, so what is noticeable is measured by the stretch that is drawn.
        part.length_ns = window.length_ns();
        let findings = report.findings(&part);
        Scene {
            open,
            window,
            is_cut,
            marks: Marks::new(&findings),
            findings,
            part,
            usage: report.token_sums(),
            logs: logs(report, log_lines),
            log_lines,
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
        self.report.steps.get(index)
    }

    /// How long a row that has not ended has been going on.
    pub(super) fn age_ns(&self, index: usize) -> u64 {
        self.style.now.since(self.span(index).start)
    }

    /// How long a row took, and how much of that by itself, where something was not left or not entered; `·` for what
    /// nobody knows.
    pub(super) fn step_times(&self, index: usize) -> Option<(String, String)> {
        let unknown = || "·".to_owned();
        match self.step(index)? {
            Step::Open => Some((format::duration(self.age_ns(index)), unknown())),
            Step::Exit | Step::Note => Some((unknown(), unknown())),
            Step::Closed => None,
        }
    }

    /// The status of the trace. An entry may be open although another was left too often, which counts alone do not
    /// show.
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

    /// Whether log records are not drawn because nobody asked for lines as harmless as that.
    pub(super) fn has_hidden_logs(&self) -> bool {
        self.report.trace.logs.iter().any(|log| !self.log_lines.draws(log.severity))
    }

    /// When the trace started and how many nanoseconds it took; spans without a start would make that decades.
    pub(super) fn started(&self) -> (Nanos, u64) {
        let summary = &self.report.trace.summary;
        match summary.start {
            Nanos(0) => (self.window.start, self.window.end.since(self.window.start)),
            start => (start, summary.duration_ns()),
        }
    }
}

/// What stands in the column of flags of a step.
pub(super) fn step_mark(step: Step) -> &'static str {
    match step {
        Step::Closed => " ",
        Step::Open => "…",
        Step::Exit => "⚠",
        Step::Note => "•",
    }
}

/// The window, up to now while something is open, and whether it stops before that: when now is long past everything
/// else it would leave no room for the rest, so the window ends with the rest, and what is open points beyond it.
fn with_present(window: Window, now: Nanos, is_open: bool) -> (Window, bool) {
    let (length, beyond) = (window.end.since(window.start), now.since(window.end));
    match (is_open, length > 0 && beyond > length) {
        (false, _) => (window, false),
        (true, true) => (window, true),
        (true, false) => (Window { end: window.end.max(now), ..window }, false),
    }
}

/// What findings say about single spans and their events, so that the picture can mark them.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Exceptions, as span and place of the event, that a span below has told.
    pub(super) echoed_exceptions: FxHashSet<(usize, usize)>,
    /// Spans whose status message a span below has told.
    pub(super) echoed_messages: FxHashSet<usize>,
    /// The first spans of runs that look like one question asked many times.
    pub(super) many_calls: FxHashSet<usize>,
}

impl Marks {
    fn new(findings: &[Finding]) -> Marks {
        let mut marks = Marks::default();
        for finding in findings {
            match finding {
                Finding::ManyCalls(run) => marks.many_calls.extend(run.members.first()),
                Finding::Echo(echo) => echo.repeats.iter().for_each(|repeat| match repeat.event {
                    Some(event) => _ = marks.echoed_exceptions.insert((repeat.span, event)),
                    None => _ = marks.echoed_messages.insert(repeat.span),
                }),
                Finding::OwnGap(_) | Finding::LateStart(_) => {}
            }
        }
        marks
    }
}

fn logs(report: &TraceReport, lines: LogLines) -> FxHashMap<SpanId, Vec<(usize, &LogRecord)>> {
    let mut logs: FxHashMap<SpanId, Vec<(usize, &LogRecord)>> = FxHashMap::default();
    for (place, log) in report.trace.logs.iter().enumerate().filter(|(_, log)| lines.draws(log.severity)) {
        if let Some(span) = log.span_id {
            logs.entry(span).or_default().push((place, log));
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
