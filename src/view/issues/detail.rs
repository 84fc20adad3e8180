//! One issue: what it is, when it happened, its stack, traces to look at, and what became of it.

use super::{cells, columns, issue_mark};
use crate::model::stack::{Part, lines};
use crate::model::{Fingerprint, IssueStatus, Nanos, StatusChange, Text};
use crate::query::issues::{IssueReport, SampleTrace};
use crate::view::lists::tail_line;
use crate::view::lists::traces::{status_mark, unique_prefix};
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::Style;
use crate::view::out::table::{Column, Table, or_dot};
use crate::view::out::text::{cut, width};

/// From how many frames of libraries in a row on they are folded.
const FOLD_FROM: usize = 3;
/// Longest stack shown in full, in lines, once frames of libraries are folded.
const MOST_LINES: usize = 36;
/// How many lines are shown of the beginning and of the end of a longer stack.
const ENDS: (usize, usize) = (12, 20);

/// Most lines of a message that are shown.
const MOST_MESSAGE_LINES: usize = 3;

/// What to show of an issue besides what is always shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct DetailOptions {
    /// Whether to show what the fingerprint was made of.
    pub why: bool,
    /// Whether to show every line of the stack.
    pub full_stack: bool,
}

/// Draws the page of one issue.
pub fn detail(report: &IssueReport, options: DetailOptions, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    let page = Page { report, style };
    page.head(&mut sheet);
    page.times(&mut sheet);
    page.stack(options.full_stack || !style.is_terminal, &mut sheet);
    page.samples(&mut sheet);
    page.history(&mut sheet);
    if options.why {
        page.why(&mut sheet);
    }
    page.hints(options, &mut sheet);
    sheet.finish()
}

struct Page<'a> {
    report: &'a IssueReport,
    style: &'a Style,
}

impl Page<'_> {
    fn head(&self, sheet: &mut Sheet<'_>) {
        let issue = &self.report.detail.issue;
        let (mark, paint) = issue_mark(issue, self.style.now);
        let mark = match mark.trim() {
            "new" => "✗",
            mark => mark,
        };
        let id = issue.id.to_string();
        let title = sheet.stored(&issue.title);
        let room = self.style.width.saturating_sub(4 + width(&id));
        let title = if self.style.is_terminal { cut(&title, room).into_owned() } else { title };
        let mut line = Line::painted(format!("{mark} "), paint).with(title, Paint::Bold);
        let rest = if self.style.is_terminal { self.style.width.saturating_sub(line.width()) } else { width(&id) + 3 };
        line.add_right(id, rest, Paint::Dim);
        sheet.line(line);
        sheet.items(2, self.facts(sheet));
        if let Some(culprit) = issue.culprit.as_deref().filter(|culprit| !culprit.is_empty()) {
            sheet.line(Line::painted(format!("  at {}", sheet.stored(culprit)), Paint::Plain));
        }
        sheet.items(2, self.ends());
        if !issue.title.contains(issue.message.as_str()) {
            // One line would cut what tells most; a message of a page would push away the rest.
            let said = Line::painted(format!("  first said: {}", sheet.stored(&issue.message)), Paint::Dim);
            sheet.wrapped(MOST_MESSAGE_LINES, 4, said);
        }
    }

    fn facts(&self, sheet: &Sheet<'_>) -> Vec<Line> {
        let issue = &self.report.detail.issue;
        let status = match issue.status {
            IssueStatus::Open if issue.is_regressed => Line::painted("open again", Paint::Warn),
            IssueStatus::Open => Line::painted("open", Paint::Bad),
            IssueStatus::Resolved => Line::painted("resolved", Paint::Good),
            IssueStatus::Ignored => Line::painted("ignored", Paint::Dim),
        };
        let mut items = vec![status, Line::painted(format::counted(issue.event_count, "event"), Paint::Plain)];
        if issue.trace_count > 0 {
            items.push(Line::painted(format::counted(issue.trace_count, "trace"), Paint::Plain));
        }
        let environments: Vec<String> = issue.environments.iter().map(|name| sheet.name(name)).collect();
        let named = |name: &str, text: &str| (!text.is_empty()).then(|| format!("{name}{text}"));
        let texts = [
            (named("", &sheet.name(&issue.service)), Paint::Hue(0)),
            (named("in ", &environments.join(", ")), Paint::Plain),
            (named("project ", &sheet.stored(&issue.project)), Paint::Plain),
        ];
        items.extend(texts.into_iter().filter_map(|(text, paint)| Some(Line::painted(text?, paint))));
        items
    }

    /// When the issue was seen first and last.
    fn ends(&self) -> Vec<Line> {
        let issue = &self.report.detail.issue;
        let end = |(what, time): (&str, Nanos)| {
            Line::painted(format!("{what} "), Paint::Dim).with(self.short_time(time), Paint::Plain)
        };
        [("first", issue.first_seen), ("last", issue.last_seen)].map(end).into()
    }

    /// How long ago a point in time is and, for people, when that was.
    fn short_time(&self, time: Nanos) -> String {
        let style = self.style;
        match style.times {
            None if style.is_terminal => {
                let age = format::age(style.now.since(time));
                format!("{age} ago ({})", tail_line::time_of_day(time, style.now, &style.zone))
            }
            _ => self.long_time(time),
        }
    }

    /// A point in time and, for people, how long ago that is.
    fn long_time(&self, time: Nanos) -> String {
        self.style.long_time(time, "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S %:z")
    }

    fn times(&self, sheet: &mut Sheet<'_>) {
        let (counts, now) = (&self.report.detail.issue.counts, self.style.now);
        if counts.is_empty() {
            return;
        }
        sheet.gap();
        for (title, number, hours, unit) in [("LAST 24H", 24, 1, "an hour"), ("14 DAYS", 14, 24, "a day")] {
            let cells = cells(counts, now, number, hours);
            let sum = cells.iter().fold(0_u64, |sum, cell| sum.saturating_add(*cell));
            let largest = cells.iter().copied().max().unwrap_or(0);
            let mut line = Line::painted(format!("{title:<10}"), Paint::Dim);
            line.add(columns(&cells, self.style), Paint::Hue(0)).pad(10 + 24 + 2);
            line.add(format::counted(sum, "event"), Paint::Plain);
            if largest > 0 && largest < sum {
                line.add(format!(" · at most {} {unit}", format::count(largest)), Paint::Dim);
            }
            sheet.line(line);
        }
    }

    fn stack(&self, in_full: bool, sheet: &mut Sheet<'_>) {
        let Some(trace) = self.report.detail.stack_trace.as_deref().filter(|trace| !trace.trim().is_empty()) else {
            return;
        };
        heading("STACK", sheet);
        let lines = stack_lines(trace, sheet);
        let lines = match in_full {
            true => lines.into_iter().map(|line| line.line).collect(),
            false => shortened(folded(&lines)),
        };
        lines.into_iter().for_each(|line| sheet.line(line.indented(2)));
    }

    fn samples(&self, sheet: &mut Sheet<'_>) {
        let samples = &self.report.samples;
        if samples.is_empty() {
            return;
        }
        heading("TRACES", sheet);
        samples_table(samples, sheet, self.style).write(sheet, self.style);
    }

    fn history(&self, sheet: &mut Sheet<'_>) {
        let (issue, changes) = (&self.report.detail.issue, &self.report.detail.history);
        if changes.is_empty() {
            return;
        }
        heading("HISTORY", sheet);
        // Stores remember changes; what came before the first one is where an issue begins.
        let beginning = StatusChange { time: issue.first_seen, status: IssueStatus::Open, by_event: true };
        let has_beginning = changes.first().is_some_and(|first| first.status == IssueStatus::Open && first.by_event);
        let history: Vec<&StatusChange> = (!has_beginning).then_some(&beginning).into_iter().chain(changes).collect();
        let times: Vec<String> = history.iter().map(|change| self.long_time(change.time)).collect();
        let columns = times.iter().map(|time| width(time)).max().unwrap_or(0);
        for (place, (change, time)) in history.iter().zip(times).enumerate() {
            let (text, paint) = became(change, place == 0);
            let mut line = Line::painted(format!("  {time}"), Paint::Dim);
            line.pad(2 + columns + 2).add(text, paint);
            sheet.line(line);
        }
    }

    fn why(&self, sheet: &mut Sheet<'_>) {
        let (detail, why) = (&self.report.detail, &self.report.detail.why);
        heading("WHY", sheet);
        let given = "given by the program";
        entries("by", [if why.custom.is_empty() { "type, text, frames and causes" } else { given }], sheet);
        entries("algorithm", [why.algorithm.to_string().as_str()], sheet);
        let parts = [
            ("type", std::slice::from_ref(&why.error_type)),
            ("text", std::slice::from_ref(&why.text)),
            ("frames", &why.frames),
            ("causes", &why.causes),
            ("parts", &why.custom),
        ];
        for (name, texts) in parts {
            entries(name, texts.iter().map(Text::as_str).filter(|text| !text.is_empty()), sheet);
        }
        let own = detail.issue.fingerprint;
        let others = detail.fingerprints.iter().filter(|fingerprint| **fingerprint != own);
        let all: Vec<String> = std::iter::once(&own).chain(others).map(Fingerprint::to_string).collect();
        entries("sha-256", all.iter().map(String::as_str), sheet);
    }

    fn hints(&self, options: DetailOptions, sheet: &mut Sheet<'_>) {
        if !self.style.is_terminal {
            return;
        }
        let id = &self.report.short_id;
        let change = match self.report.detail.issue.status {
            IssueStatus::Open => "resolve",
            IssueStatus::Resolved | IssueStatus::Ignored => "reopen",
        };
        sheet.gap();
        let mut items = vec![format!("tracehub issues {change} {id}")];
        if let Some(sample) = self.report.samples.iter().find(|sample| sample.summary.is_some()) {
            let length = unique_prefix(&ids(&self.report.samples));
            items.push(format!("tracehub show {}", short_trace(sample, sheet, length)));
        }
        if !options.why {
            items.push("--why".to_owned());
        }
        let logs = format!("tracehub logs --issue {id}");
        let text = items.join(" │ ");
        let fits = width(&text) + 3 + width(&logs) <= self.style.width;
        sheet.line(Line::painted(if fits { format!("{text} │ {logs}") } else { text }, Paint::Dim));
    }
}

fn heading(title: &str, sheet: &mut Sheet<'_>) {
    sheet.gap();
    sheet.line(Line::painted(title, Paint::Bold));
}

/// Writes texts below one another, with a name beside the first.
fn entries<'t>(name: &str, texts: impl IntoIterator<Item = &'t str>, sheet: &mut Sheet<'_>) {
    for (place, text) in texts.into_iter().enumerate() {
        let name = if place == 0 { name } else { "" };
        sheet.line(Line::painted(format!("  {name:<10}"), Paint::Dim).with(sheet.stored(text), Paint::Plain));
    }
}

/// What a change of status did, in words.
fn became(change: &StatusChange, is_first: bool) -> (&'static str, Paint) {
    match (change.status, change.by_event) {
        (IssueStatus::Open, true) if is_first => ("opened by its first event", Paint::Plain),
        (IssueStatus::Open, true) => ("reopened: it happened again", Paint::Warn),
        (IssueStatus::Open, false) => ("reopened", Paint::Plain),
        (IssueStatus::Resolved, _) => ("resolved", Paint::Good),
        (IssueStatus::Ignored, _) => ("ignored", Paint::Plain),
    }
}

fn heading_paint(text: &str) -> Paint {
    const CONNECTING: [&str; 5] =
        ["Traceback (", "During handling", "The above exception", "goroutine ", "stack backtrace"];
    if CONNECTING.iter().any(|beginning| text.trim_start().starts_with(beginning)) { Paint::Dim } else { Paint::Bad }
}

/// A line of a stack as it is shown.
struct StackLine {
    line: Line,
    is_frame: bool,
    /// Whether the line is a frame of a library, or goes on about one.
    is_library: bool,
}

fn stack_lines(trace: &str, sheet: &Sheet<'_>) -> Vec<StackLine> {
    let mut is_library = false;
    let shown = |(text, part)| {
        let is_frame = matches!(part, Part::Frame(_));
        let (paint, of_library) = match part {
            Part::Heading => (heading_paint(text), false),
            Part::Frame(frame) if frame.is_library() => (Paint::Dim, true),
            Part::Frame(_) => (Paint::Bold, false),
            Part::Below => (if is_library { Paint::Dim } else { Paint::Plain }, is_library),
        };
        is_library = of_library;
        StackLine { line: Line::painted(sheet.stored_line(text), paint), is_frame, is_library }
    };
    lines(trace).into_iter().map(shown).collect()
}

/// The lines with runs of frames of libraries folded into one each.
fn folded(lines: &[StackLine]) -> Vec<Line> {
    let mut shown = Vec::with_capacity(lines.len());
    for run in lines.chunk_by(|above, below| above.is_library == below.is_library) {
        let frames = run.iter().filter(|line| line.is_library && line.is_frame).count();
        if frames >= FOLD_FROM {
            shown.push(Line::painted(format!("  … {} frames of libraries", format::count(frames as u64)), Paint::Dim));
        } else {
            shown.extend(run.iter().map(|line| line.line.clone()));
        }
    }
    shown
}

/// The beginning and the end of a long stack.
fn shortened(mut lines: Vec<Line>) -> Vec<Line> {
    if lines.len() <= MOST_LINES {
        return lines;
    }
    let end = lines.split_off(lines.len() - ENDS.1);
    let left_out = lines.len() - ENDS.0;
    lines.truncate(ENDS.0);
    lines.push(Line::painted(format!("  … {} (-v shows all)", format::counted(left_out as u64, "line")), Paint::Dim));
    lines.extend(end);
    lines
}

fn ids(samples: &[SampleTrace]) -> Vec<String> {
    samples.iter().map(|sample| sample.id.brief()).collect()
}

fn short_trace(sample: &SampleTrace, sheet: &Sheet<'_>, length: usize) -> String {
    // In full it is written as everywhere.
    let id = if length == usize::MAX { sample.id.to_string() } else { sample.id.brief() };
    sheet.stored(&id.chars().take(length).collect::<String>())
}

fn samples_table(samples: &[SampleTrace], sheet: &Sheet<'_>, style: &Style) -> Table {
    let length = if style.is_terminal { unique_prefix(&ids(samples)) } else { usize::MAX };
    let columns = [
        Column::left(""),
        Column::left("").gap(2),
        Column::left("TRACE"),
        Column::right("AGE").gap(2),
        Column::left("SERVICE").gap(2).limit(16),
        Column::left("ROOT").gap(2).limit(style.width.saturating_sub(52).max(12)),
        Column::right("TIME").at_least(7).gap(2),
    ];
    let rows = samples.iter().map(|sample| {
        let id = short_trace(sample, sheet, length);
        let none = || or_dot(None, Paint::Dim);
        let indent = (String::new(), Paint::Plain);
        let Some(summary) = &sample.summary else {
            let gone = ("gone: no longer kept".to_owned(), Paint::Dim);
            return [indent, none(), (id, Paint::Dim), none(), none(), gone, none()];
        };
        let (sign, paint) = status_mark(summary.status);
        [
            indent,
            (sign.to_owned(), paint),
            (id, Paint::Bold),
            (format::age(style.now.since(summary.start)), Paint::Dim),
            (sheet.name(&summary.service), Paint::Plain),
            (sheet.name(&summary.name), Paint::Plain),
            (format::fine_duration(summary.duration_ns()), Paint::Plain),
        ]
    });
    Table::of_rows(columns, rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{query::samples, view::out::style::sample_style as style};

    const WHY: DetailOptions = DetailOptions { why: true, full_stack: false };

    #[test]
    fn an_issue_at_eighty_columns() {
        insta::assert_snapshot!(detail(&samples::issue(), DetailOptions::default(), &style(80)));
    }

    #[test]
    fn an_issue_and_why_at_a_hundred_and_twenty_columns() {
        insta::assert_snapshot!(detail(&samples::issue(), WHY, &style(120)));
    }

    #[test]
    fn an_issue_in_colour_and_in_ascii() {
        let color = detail(&samples::issue(), WHY, &Style { color: true, ..style(80) });
        let ascii = detail(&samples::issue(), WHY, &Style { ascii: true, ..style(80) });
        assert!(ascii.is_ascii(), "{ascii}");
        insta::assert_snapshot!(format!("{}\n{ascii}", color.replace('\x1b', "ESC")));
    }

    #[test]
    fn without_a_terminal_nothing_is_cut_folded_or_relative() {
        insta::assert_snapshot!(detail(&samples::issue(), WHY, &Style { is_terminal: false, ..style(40) }));
    }

    #[test]
    fn a_long_stack_shows_its_ends_and_all_of_it_on_request() {
        let mut report = samples::issue();
        let frames = (0..900).map(|n| format!("  File \"/srv/app/deep.py\", line {n}, in recurse\n"));
        let trace =
            format!("Traceback (most recent call last):\n{}RecursionError: too deep", frames.collect::<String>());
        report.detail.stack_trace = Some(Text::from(trace));
        let short = detail(&report, DetailOptions::default(), &style(80));
        assert!(
            short.contains("  … 870 lines (-v shows all)") && short.contains("RecursionError: too deep"),
            "{short}"
        );
        let all = detail(&report, DetailOptions { full_stack: true, ..WHY }, &style(80));
        assert!(all.contains("line 450, in recurse") && !all.contains("lines (-v"), "{all}");
    }

    #[test]
    fn an_issue_of_which_little_is_known_is_drawn() {
        let mut report = samples::issue();
        report.detail.stack_trace = None;
        report.detail.history.clear();
        report.samples.clear();
        let issue = &mut report.detail.issue;
        (issue.culprit, issue.environments, issue.counts) = (None, Vec::new(), Vec::new());
        (issue.trace_count, issue.status) = (0, IssueStatus::Ignored);
        insta::assert_snapshot!(detail(&report, DetailOptions::default(), &style(80)));
    }

    #[test]
    fn a_long_message_wraps_and_the_first_event_opens_the_history() {
        let mut report = samples::issue();
        report.detail.history.remove(0);
        report.detail.issue.title = Text::from("HTTPError: <int>");
        report.detail.issue.message = Text::from("no answer from the bank ".repeat(20));
        let drawn = detail(&report, DetailOptions::default(), &style(80));
        let shown = |from: &str, lines: usize| -> String {
            drawn.lines().skip_while(|line| !line.contains(from)).take(lines).map(|line| format!("{line}\n")).collect()
        };
        insta::assert_snapshot!(shown("first said", 4) + &shown("HISTORY", 4), @"
          first said: no answer from the bank no answer from the bank no answer from the
            bank no answer from the bank no answer from the bank no answer from the bank
            no answer from the bank no answer from the bank no answer from the bank no …

        HISTORY
          2026-11-18 09:14 (3d ago)  opened by its first event
          2026-11-19 09:14 (2d ago)  resolved
          2026-11-20 09:14 (1d ago)  reopened: it happened again
        ");
    }

    proptest! {
        #[test]
        fn no_stored_text_breaks_a_line_or_its_width(text in any::<String>(), columns in 40usize..130, ascii: bool) {
            let mut report = samples::issue();
            let given = || Text::from(text.as_str());
            let detail_of = &mut report.detail;
            (detail_of.issue.title, detail_of.issue.message, detail_of.issue.service) = (given(), given(), given());
            (detail_of.issue.culprit, detail_of.stack_trace, detail_of.why.text) = (Some(given()), Some(given()), given());
            let drawn = detail(&report, WHY, &Style { ascii, ..style(columns) });
            prop_assert!(drawn.lines().all(|line| width(line) <= columns && !line.ends_with(' ')), "{}", drawn);
            prop_assert!(!drawn.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
