//! Log records, one a line: when, how bad, who, what, then the fields and where in a trace it was said. An error has a
//! second line that says what was raised and where.
//!
//! A terminal gets lines of its width; elsewhere times, ids and texts are whole and a record stays on one line, so that
//! other programs can take it apart.

use crate::model::json::{extra, log_id, named_value, value_to_text};
use crate::model::{LogRecord, Needle, Severity, TraceId, Value};
use crate::query::logs::{LogLine, SpanNames};
use crate::view::lists::tail_line::{CLOCK_COLUMNS, cut_id, dash, first_line, hue, level_paint, time};
use crate::view::out::canvas::{Line, Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::{Style, TimeStyle};
use crate::view::out::text::{cut, width};
use crate::view::stack_view;

/// Columns of a level.
const LEVEL_COLUMNS: usize = 5;
/// Columns of the service on a terminal.
const SERVICE_COLUMNS: usize = 9;
/// Columns of the service on a wide terminal.
const WIDE_SERVICE_COLUMNS: usize = 14;
/// From how many columns on a terminal is wide.
const WIDE: usize = 100;
/// Columns of the ids: eight of the trace, four of the span.
const ID_COLUMNS: usize = 13;
/// Digits of a span's id beside the one of its trace.
const SPAN_DIGITS: usize = 4;
/// Fewest columns a message gets, however narrow the terminal.
const LEAST_MESSAGE_COLUMNS: usize = 12;
/// Columns between the ids and the name of a span.
const NAME_GAP: usize = 2;
/// Most columns the name of a span takes.
const MOST_NAME_COLUMNS: usize = 20;
/// Fewest columns that an error gets beside where it was raised.
const LEAST_ERROR_COLUMNS: usize = 20;
/// Most places of a text that are marked as what was looked for.
const MOST_MARKS: usize = 50;
/// Fields of a record that only `-v` shows, beside its `extra`.
const ABOUT: [&str; 6] = ["environment", "host", "pid", "thread_id", "module", "sdk_version"];

/// How the names of attributes begin that say where in its source a program was; only `-v` shows them.
const ABOUT_CODE: &str = "code.";

/// How log records are shown.
#[derive(Debug, Default)]
pub struct LogsOptions {
    /// The text that was looked for, which is marked.
    pub needle: Option<Needle>,
    /// Whether to show everything of a record: whole messages, stacks, who sent it.
    pub is_verbose: bool,
    /// The names of spans, which a wide terminal shows.
    pub span_names: SpanNames,
}

/// Counts for the line below the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// How many records were shown.
    pub logs: u64,
    /// How many of the records shown are of level warn or above.
    pub warnings: u64,
    /// Whether there are more records that match.
    pub has_more: bool,
}

impl Totals {
    /// Counts records, without those that only stand beside what was asked for.
    pub fn add(&mut self, lines: &[LogLine]) {
        let matches = || lines.iter().filter(|line| line.is_match);
        self.logs += matches().count() as u64;
        self.warnings += matches().filter(|line| line.log.severity >= Severity::Warn).count() as u64;
    }
}

/// Draws some records, in their order.
pub fn render(lines: &[LogLine], options: &LogsOptions, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    write_lines(lines, options, &mut sheet, style);
    sheet.finish()
}

/// Draws groups of records that stand next to one another, with a line between two groups.
pub fn render_groups(groups: &[Vec<LogLine>], options: &LogsOptions, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    for (place, lines) in groups.iter().enumerate() {
        if place > 0 {
            sheet.line(Line::painted("--", Paint::Dim));
        }
        write_lines(lines, options, &mut sheet, style);
    }
    sheet.finish()
}

/// `── 3 logs · 2 at WARN or above · last 5m ──`; nothing but on a terminal.
pub fn footer(totals: Totals, range: &str, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    if style.is_terminal && totals.logs > 0 {
        let mut items = vec![format::counted(totals.logs, "log")];
        if totals.warnings > 0 {
            items.push(format!("{} at WARN or above", format::count(totals.warnings)));
        }
        if !range.is_empty() {
            items.push(sheet.stored(range));
        }
        if totals.has_more {
            items.push("and older ones (-n 0: all)".to_owned());
        }
        sheet.line(Line::painted(format!("── {} ──", items.join(" · ")), Paint::Dim));
    }
    sheet.finish()
}

fn write_lines(lines: &[LogLine], options: &LogsOptions, sheet: &mut Sheet<'_>, style: &Style) {
    let names = lines.iter().filter_map(|line| span_name(&line.log, options, sheet, style));
    let name_columns = names.map(|name| width(&name)).max().unwrap_or(0);
    for line in lines {
        let view = View { log: &line.log, is_match: line.is_match, options, style, name_columns };
        match style.is_terminal {
            true => view.write_narrow(sheet),
            false => view.write_wide(sheet),
        }
        if options.is_verbose {
            view.write_rest(sheet);
        }
    }
}

/// Whether the names of spans are shown.
pub fn names_spans(style: &Style) -> bool {
    style.is_terminal && style.width >= WIDE
}

/// What the span of a record is called, where there is room for that.
fn span_name(log: &LogRecord, options: &LogsOptions, sheet: &Sheet<'_>, style: &Style) -> Option<String> {
    let name = options.span_names.name_of(log).filter(|_| names_spans(style))?;
    Some(cut(&sheet.stored(name), MOST_NAME_COLUMNS).into_owned())
}

/// One record being drawn.
struct View<'a> {
    log: &'a LogRecord,
    is_match: bool,
    options: &'a LogsOptions,
    style: &'a Style,
    /// Columns of the longest name of a span.
    name_columns: usize,
}

impl View<'_> {
    /// `09:14:02.742 WARN  payments  retrying charge attempt=2/2           4bf92f35/a3ed`
    fn write_narrow(&self, sheet: &mut Sheet<'_>) {
        let is_wide = self.style.width >= WIDE;
        let mut line = self.head();
        let service = sheet.name(&self.log.resource.service);
        let service_columns = if is_wide { WIDE_SERVICE_COLUMNS } else { SERVICE_COLUMNS };
        let column = line.width() + service_columns + 1;
        line.add(cut(&service, service_columns), self.paint(hue(&service))).pad(column);
        let ids = self.ids(sheet);
        let room = if ids.width() == 0 { self.style.width } else { self.style.width.saturating_sub(ids.width() + 1) };
        let room = room.saturating_sub(column).max(LEAST_MESSAGE_COLUMNS);
        let mut text = self.marked(&first_line(&self.log.message, sheet), Paint::Plain);
        self.add_fields(&mut text, if is_wide { "  " } else { " " }, sheet);
        let mut below = Vec::new();
        if self.options.is_verbose {
            below = text.wrap(room, self.style.width.saturating_sub(self.indent()).max(1));
            text = below.remove(0);
        }
        line.append(text.cut(room).clone());
        if ids.width() > 0 {
            line.pad(column + room + 1).append(ids);
        }
        sheet.line(line);
        below.into_iter().for_each(|row| self.write_indented(row, sheet));
        let about_error = self.about_error(sheet);
        if about_error.width() > 0 {
            self.write_indented(about_error, sheet);
        }
    }

    /// Writes a record on one line in which nothing is cut, with the ids before the message, since that has any length.
    fn write_wide(&self, sheet: &mut Sheet<'_>) {
        let mut line = self.head();
        let service = sheet.name(&self.log.resource.service);
        line.add(dash(service.clone()), self.paint(hue(&service))).add(" ", Paint::Plain);
        let trace = self.log.trace_id.as_ref().map(TraceId::to_string).unwrap_or_default();
        let span = self.log.span_id.map(|id| format!("/{id}")).unwrap_or_default();
        line.add(dash(sheet.stored(&trace)) + &span, Paint::Dim).add(" ", Paint::Plain);
        line.append(self.marked(&sheet.stored(&self.log.message), Paint::Plain));
        self.add_fields(&mut line, " ", sheet);
        let about_error = self.about_error(sheet);
        if about_error.width() > 0 {
            line.add(" ", Paint::Plain).append(about_error);
        }
        sheet.line(line);
    }

    /// The beginning of a line: time and level.
    fn head(&self) -> Line {
        let mut line = Line::painted(time(self.log.time, self.style), Paint::Dim);
        if self.style.is_terminal {
            line.pad(self.indent() - 1);
        }
        let severity = self.log.severity;
        line.add(" ", Paint::Plain);
        let column = line.width() + LEVEL_COLUMNS + 1;
        line.add(severity.as_str().to_uppercase(), self.paint(level_paint(severity))).pad(column);
        line
    }

    /// Where lines below the first begin.
    fn indent(&self) -> usize {
        match (self.style.is_terminal, self.style.times) {
            (true, None | Some(TimeStyle::Local | TimeStyle::Utc)) => CLOCK_COLUMNS + 1,
            (true, Some(TimeStyle::Relative)) => 5,
            (false, _) => 2,
        }
    }

    /// How something of the record is painted: neighbours of what was asked for step back.
    fn paint(&self, paint: Paint) -> Paint {
        if self.is_match { paint } else { Paint::Dim }
    }

    /// Escaped text with what was looked for standing out.
    fn marked(&self, text: &str, paint: Paint) -> Line {
        let mut line = Line::new();
        let mut rest = text;
        if let Some(needle) = self.options.needle.as_ref().filter(|_| self.is_match && self.style.color) {
            for _ in 0..MOST_MARKS {
                let Some(found) = needle.find(rest).filter(|found| !found.is_empty()) else { break };
                line.add(rest.get(..found.start).unwrap_or_default(), self.paint(paint));
                line.add(rest.get(found.clone()).unwrap_or_default(), Paint::Found);
                rest = rest.get(found.end..).unwrap_or_default();
            }
        }
        line.add(rest, self.paint(paint));
        line
    }

    /// A field of the record that says something.
    fn named(&self, name: &str) -> Option<&Value> {
        named_value(self.log, name).filter(|value| **value != Value::Empty)
    }

    fn add_fields(&self, line: &mut Line, gap: &str, sheet: &Sheet<'_>) {
        // On a wide terminal there is room for where it was said; `-v` shows that everywhere.
        let has_room = names_spans(self.style) && !self.options.is_verbose;
        let module = self.named("module").filter(|_| has_room);
        let fields = module
            .map(|module| ("module", module))
            .into_iter()
            .chain(extra(self.log).map(|(key, value)| (key.as_str(), value)))
            .filter(|(key, _)| self.options.is_verbose || !key.starts_with(ABOUT_CODE));
        for (place, (key, value)) in fields.enumerate() {
            let gap = if place == 0 { gap } else { " " };
            let gap = if line.width() == 0 { "" } else { gap };
            line.add(gap, Paint::Plain).add(field(key, value, sheet), Paint::Dim);
        }
    }

    /// `4bf92f35/a3ed  auth.verify`; empty without a trace.
    fn ids(&self, sheet: &Sheet<'_>) -> Line {
        let ids = self.short_ids(sheet);
        let mut line = Line::new();
        if ids.is_empty() {
            return line;
        }
        if self.name_columns == 0 {
            line.add_right(ids, ID_COLUMNS, Paint::Dim);
            return line;
        }
        let name = span_name(self.log, self.options, sheet, self.style).unwrap_or_default();
        line.add(ids, Paint::Dim).pad(ID_COLUMNS + NAME_GAP).add(name, self.paint(Paint::Plain));
        line.pad(ID_COLUMNS + NAME_GAP + self.name_columns);
        line
    }

    /// `4bf92f35/a3ed`
    fn short_ids(&self, sheet: &Sheet<'_>) -> String {
        let Some(trace) = &self.log.trace_id else { return String::new() };
        let trace = cut_id(&sheet.stored(&trace.brief()));
        match self.log.span_id.map(|id| id.to_string()) {
            Some(span) => format!("{trace}/{}", span.get(..SPAN_DIGITS).unwrap_or_default()),
            None => trace,
        }
    }

    /// `exception.type=HTTPError  code=payments/stripe.py:88  (stack: -v)`, or for a person `HTTPError: declined` when
    /// the record has not said that; empty for what is no error.
    fn about_error(&self, sheet: &Sheet<'_>) -> Line {
        let gap = if self.style.is_terminal { "  " } else { " " };
        let is_short = self.style.is_terminal && !self.options.is_verbose;
        let stack = self.named("stack_trace").map(value_to_text).unwrap_or_default();
        let code = stack_view::innermost(&stack, 1).frames.first().map(|frame| {
            let place = frame.split_once(" in ").map_or(frame.as_str(), |(place, _)| place);
            Line::painted(format!("code={}", sheet.stored(place)), Paint::Dim)
        });
        let more = (!stack.is_empty() && is_short).then(|| Line::painted("(stack: -v)", Paint::Dim));
        let message = self.named("error_message").filter(|text| !self.log.message.contains(&*value_to_text(text)));
        let says_more = message.is_some();
        let error = match (self.named("error_type"), message) {
            (Some(kind), Some(message)) if self.style.is_terminal => {
                let message = first_line(&value_to_text(message), sheet);
                vec![format!("{}: {message}", sheet.stored(&value_to_text(kind)))]
            }
            (kind, message) => {
                let named = [("exception.type", kind), ("exception.message", message)];
                named.into_iter().filter_map(|(name, value)| Some(field(name, value?, sheet))).collect()
            }
        };
        let mut error: Vec<Line> = error.iter().map(|text| self.marked(text, Paint::Dim)).collect();
        if let (true, [text]) = (is_short && says_more, error.as_mut_slice()) {
            // Where it was raised tells more than the end of a long message.
            let others = [&code, &more].into_iter().flatten().map(|part| part.width() + gap.len());
            let room = self.style.width.saturating_sub(self.indent() + others.sum::<usize>());
            text.cut(room.max(LEAST_ERROR_COLUMNS));
        }
        let mut line = Line::new();
        for part in error.into_iter().chain(code).chain(more) {
            if line.width() > 0 {
                line.add(gap, Paint::Plain);
            }
            line.append(part);
        }
        line
    }

    /// Writes what `-v` adds: the other lines of the message, who sent the record, and the stack.
    fn write_rest(&self, sheet: &mut Sheet<'_>) {
        let lines_of_message = self.log.message.trim_end().lines().skip(1);
        // Elsewhere the message stands in one line already.
        for text in lines_of_message.filter(|_| self.style.is_terminal) {
            self.write_indented(self.marked(&sheet.stored_line(text), Paint::Plain), sheet);
        }
        let about = ABOUT.iter().filter_map(|name| Some(field(name, self.named(name)?, sheet)));
        let about: Vec<String> = about.chain([format!("id={}", log_id(self.log))]).collect();
        self.write_indented(Line::painted(about.join(" "), Paint::Dim), sheet);
        let stack = self.named("stack_trace").map(value_to_text);
        for text in stack.iter().flat_map(|stack| stack.trim_end().lines()) {
            self.write_indented(Line::painted(sheet.stored_line(text), Paint::Plain), sheet);
        }
    }

    /// Below the first line; whole where everything was asked for.
    fn write_indented(&self, text: Line, sheet: &mut Sheet<'_>) {
        let line = text.indented(self.indent());
        match self.options.is_verbose {
            true => sheet.wrapped(usize::MAX, self.indent(), line),
            false => sheet.line(line),
        }
    }
}

/// `key=value`, the value quoted where one could not tell where it ends.
fn field(key: &str, value: &Value, sheet: &Sheet<'_>) -> String {
    let text = value_to_text(value);
    let is_clear = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '"');
    let is_text = matches!(value, Value::String(_));
    let text = if is_text && !is_clear { serde_json::Value::from(text).to_string() } else { text };
    format!("{}={}", sheet.name(key), sheet.stored(&text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        model::{Attributes, Nanos, Resource, SpanId, Text},
        query::samples::START,
        view::out::style::sample_style as style,
    };

    const STACK: &str = "Traceback (most recent call last):\n  File \"/srv/app/payments/stripe.py\", line 88, in charge_card\n    raise HTTPError\nHTTPError: 402 card_declined";

    fn log(ms: u64, severity: Severity, service: &str, message: &str, attributes: Vec<(&str, Value)>) -> LogLine {
        let resource = Resource::new([("service.name", service), ("host.name", "a1")].into_iter().collect());
        let log = LogRecord {
            time: Nanos(START + ms * 1_000_000),
            severity,
            message: Text::from(message),
            trace_id: TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").ok(),
            span_id: Some(SpanId([0xa3, 0xed, 1, 2, 3, 4, 5, 6])),
            attributes: attributes.into_iter().collect::<Attributes>(),
            resource: Arc::new(resource),
            ..LogRecord::default()
        };
        LogLine { log, is_match: true }
    }

    fn lines() -> Vec<LogLine> {
        let mut first = log(14, Severity::Info, "shop", "session ok", vec![("user", Value::from("u-42"))]);
        first.log.trace_id = None;
        let error = vec![
            ("exception.type", Value::from("HTTPError")),
            ("exception.message", Value::from("402 card_declined")),
            ("exception.stacktrace", Value::from(STACK)),
            ("card", Value::from("a \"b\"")),
        ];
        vec![
            first,
            log(625, Severity::Warn, "payments", "retrying charge", vec![("attempt", Value::from("2/2"))]),
            log(1_214, Severity::Error, "payments", "charge failed: 402 card_declined", error),
            log(1_300, Severity::Debug, "a-service-with-a-long-name", "日本語 \x1b[31mred\nand more\nlines", vec![]),
            log(1_301, Severity::Fatal, "shop", &"out of memory ".repeat(12), vec![("n", Value::Int(7))]),
        ]
    }

    fn drawn(needle: &str, style: &Style) -> String {
        let needle = Some(needle).filter(|needle| !needle.is_empty()).map(Needle::new);
        let options = LogsOptions { needle, ..LogsOptions::default() };
        let mut totals = Totals::default();
        totals.add(&lines());
        render(&lines(), &options, style) + &footer(totals, "last 5m", style)
    }

    #[test]
    fn eighty_columns() {
        insta::assert_snapshot!(drawn("", &style(80)), @r"
        09:14:02.131 INFO  shop      session ok user=u-42
        09:14:02.742 WARN  payments  retrying charge attempt=2/2           4bf92f35/a3ed
        09:14:03.331 ERROR payments  charge failed: 402 card_declined car… 4bf92f35/a3ed
                     exception.type=HTTPError  code=payments/stripe.py:88  (stack: -v)
        09:14:03.417 DEBUG a-servic… 日本語 \x1b[31mred …                  4bf92f35/a3ed
        09:14:03.418 FATAL shop      out of memory out of memory out of m… 4bf92f35/a3ed
        ── 5 logs · 3 at WARN or above · last 5m ──
        ");
    }

    #[test]
    fn a_hundred_and_twenty_columns() {
        insta::assert_snapshot!(drawn("", &style(120)), @r#"
        09:14:02.131 INFO  shop           session ok  user=u-42
        09:14:02.742 WARN  payments       retrying charge  attempt=2/2                                             4bf92f35/a3ed
        09:14:03.331 ERROR payments       charge failed: 402 card_declined  card="a \"b\""                         4bf92f35/a3ed
                     exception.type=HTTPError  code=payments/stripe.py:88  (stack: -v)
        09:14:03.417 DEBUG a-service-wit… 日本語 \x1b[31mred …                                                     4bf92f35/a3ed
        09:14:03.418 FATAL shop           out of memory out of memory out of memory out of memory out of memory o… 4bf92f35/a3ed
        ── 5 logs · 3 at WARN or above · last 5m ──
        "#);
    }

    #[test]
    fn ascii_relative_and_narrow() {
        let times = Some(TimeStyle::Relative);
        insta::assert_snapshot!(drawn("", &Style { ascii: true, times, ..style(60) }), @r"
         11s INFO  shop      session ok user=u-42
         11s WARN  payments  retrying charge attempt=~ 4bf92f35/a3ed
         10s ERROR payments  charge failed: 402 card_~ 4bf92f35/a3ed
             exception.type=HTTPError  code=payments/stripe.py:88  ~
         10s DEBUG a-servic~ \u{65e5}\u{672c}\u{8a9e}~ 4bf92f35/a3ed
         10s FATAL shop      out of memory out of mem~ 4bf92f35/a3ed
        -- 5 logs . 3 at WARN or above . last 5m --
        ");
    }

    #[test]
    fn without_a_terminal_a_record_is_one_line_and_nothing_is_cut() {
        insta::assert_snapshot!(drawn("", &Style { is_terminal: false, ..style(60) }), @r#"
        2026-11-21T09:14:02.131000000Z INFO  shop -/a3ed010203040506 session ok user=u-42
        2026-11-21T09:14:02.742000000Z WARN  payments 4bf92f3577b34da6a3ce929d0e0e4736/a3ed010203040506 retrying charge attempt=2/2
        2026-11-21T09:14:03.331000000Z ERROR payments 4bf92f3577b34da6a3ce929d0e0e4736/a3ed010203040506 charge failed: 402 card_declined card="a \"b\"" exception.type=HTTPError code=payments/stripe.py:88
        2026-11-21T09:14:03.417000000Z DEBUG a-service-with-a-long-name 4bf92f3577b34da6a3ce929d0e0e4736/a3ed010203040506 日本語 \x1b[31mred\nand more\nlines
        2026-11-21T09:14:03.418000000Z FATAL shop 4bf92f3577b34da6a3ce929d0e0e4736/a3ed010203040506 out of memory out of memory out of memory out of memory out of memory out of memory out of memory out of memory out of memory out of memory out of memory out of memory  n=7
        "#);
    }

    #[test]
    fn what_was_looked_for_stands_out_in_colour() {
        let text = drawn("CARD", &Style { color: true, ..style(80) });
        insta::assert_snapshot!(text.replace('\x1b', "^"), @r"
        ^[2m09:14:02.131^[0m INFO  ^[94mshop^[0m      session ok ^[2muser=u-42^[0m
        ^[2m09:14:02.742^[0m ^[33mWARN^[0m  ^[95mpayments^[0m  retrying charge ^[2mattempt=2/2^[0m           ^[2m4bf92f35/a3ed^[0m
        ^[2m09:14:03.331^[0m ^[31mERROR^[0m ^[95mpayments^[0m  charge failed: 402 ^[31;1mcard^[0m_declined ^[2mcar…^[0m ^[2m4bf92f35/a3ed^[0m
                     ^[2mexception.type=HTTPError^[0m  ^[2mcode=payments/stripe.py:88^[0m  ^[2m(stack: -v)^[0m
        ^[2m09:14:03.417^[0m ^[2mDEBUG^[0m ^[95ma-servic…^[0m 日本語 \x1b[31mred …                  ^[2m4bf92f35/a3ed^[0m
        ^[2m09:14:03.418^[0m ^[31mFATAL^[0m ^[94mshop^[0m      out of memory out of memory out of m… ^[2m4bf92f35/a3ed^[0m
        ^[2m── 5 logs · 3 at WARN or above · last 5m ──^[0m
        ");
    }

    #[test]
    fn verbose_shows_whole_messages_who_sent_them_and_stacks() {
        let options = LogsOptions { is_verbose: true, ..LogsOptions::default() };
        insta::assert_snapshot!(render(&lines()[2..4], &options, &style(80)), @r#"
        09:14:03.331 ERROR payments  charge failed: 402 card_declined      4bf92f35/a3ed
                     card="a \"b\""
                     exception.type=HTTPError  code=payments/stripe.py:88
                     host=a1 id=114051cfb3414a42
                     Traceback (most recent call last):
                       File "/srv/app/payments/stripe.py", line 88, in charge_card
                         raise HTTPError
                     HTTPError: 402 card_declined
        09:14:03.417 DEBUG a-servic… 日本語 \x1b[31mred …                  4bf92f35/a3ed
                     and more
                     lines
                     host=a1 id=4633181532e0ef07
        "#);
    }

    #[test]
    fn a_wide_terminal_says_in_which_span_and_module_it_was_said() {
        let named = lines()[1].clone();
        let trace = named.log.trace_id.clone().expect("a trace");
        let mut unnamed = log(700, Severity::Info, "shop", "done", vec![]);
        unnamed.log.span_id = Some(SpanId([9; 8]));
        let module = vec![("code.namespace", Value::from("shop.cart")), ("n", Value::Int(7))];
        let mut elsewhere = log(701, Severity::Info, "shop", &"hello ".repeat(2), module);
        elsewhere.log.trace_id = None;
        let names = [(trace, named.log.span_id.expect("a span"), "payments.charge_card.retry")];
        let options = LogsOptions { span_names: names.into_iter().collect(), ..LogsOptions::default() };
        let all = [named, unnamed, elsewhere];
        insta::assert_snapshot!(render(&all, &options, &style(120)), @"
        09:14:02.742 WARN  payments       retrying charge  attempt=2/2                       4bf92f35/a3ed  payments.charge_car…
        09:14:02.817 INFO  shop           done                                               4bf92f35/0909
        09:14:02.818 INFO  shop           hello hello  module=shop.cart n=7
        ");
        // Elsewhere there is no room for it.
        assert_eq!(render(&all, &options, &style(80)), render(&all, &LogsOptions::default(), &style(80)));
    }

    #[test]
    fn where_an_error_was_raised_is_shown_before_the_end_of_what_it_says() {
        let error = vec![
            ("exception.type", Value::from("ZeroDivisionError")),
            ("exception.message", Value::from("division by zero, which nobody had thought possible here")),
            ("exception.stacktrace", Value::from(STACK)),
        ];
        let error = [log(0, Severity::Error, "shop", "failed", error)];
        insta::assert_snapshot!(render(&error, &LogsOptions::default(), &style(100)), @"
        09:14:02.117 ERROR shop           failed                                               4bf92f35/a3ed
                     ZeroDivisionError: division by zero, which no…  code=payments/stripe.py:88  (stack: -v)
        ");
        insta::assert_snapshot!(render(&error, &LogsOptions::default(), &style(60)), @"
        09:14:02.117 ERROR shop      failed            4bf92f35/a3ed
                     ZeroDivisionError: …  code=payments/stripe.py:…
        ");
    }

    #[test]
    fn verbose_cuts_nothing_and_shows_tabs_as_indentation() {
        let words = "word ".repeat(12);
        let stack = format!("java.lang.Error: {}\n\tat com.acme.Shop.charge(Shop.java:88)", "no ".repeat(30));
        let fields = vec![("exception.stacktrace", Value::from(stack.as_str())), ("note", Value::from(words.as_str()))];
        let line = [log(0, Severity::Error, "shop", "a message that is long\n\tand has\ta second line", fields)];
        let options = LogsOptions { is_verbose: true, ..LogsOptions::default() };
        insta::assert_snapshot!(render(&line, &options, &style(80)), @r#"
        09:14:02.117 ERROR shop      a message that is long … note="word   4bf92f35/a3ed
                     word word word word word word word word word word word "
                     code=Shop.java:88
                         and has\ta second line
                     host=a1 id=edfeac0e42b5a04d
                     java.lang.Error: no no no no no no no no no no no no no no no no no
                     no no no no no no no no no no no no no
                         at com.acme.Shop.charge(Shop.java:88)
        "#);
    }

    #[test]
    fn neighbours_step_back_and_groups_are_set_apart() {
        let mut all = lines();
        all.iter_mut().take(2).for_each(|line| line.is_match = false);
        let groups: Vec<Vec<LogLine>> = vec![all[..2].to_vec(), all[2..3].to_vec()];
        let style = Style { color: true, ..style(60) };
        let text = render_groups(&groups, &LogsOptions::default(), &style);
        insta::assert_snapshot!(text.replace('\x1b', "^"), @"
        ^[2m09:14:02.131^[0m ^[2mINFO^[0m  ^[2mshop^[0m      ^[2msession ok^[0m ^[2muser=u-42^[0m
        ^[2m09:14:02.742^[0m ^[2mWARN^[0m  ^[2mpayments^[0m  ^[2mretrying charge^[0m ^[2m…^[0m ^[2m4bf92f35/a3ed^[0m
        ^[2m--^[0m
        ^[2m09:14:03.331^[0m ^[31mERROR^[0m ^[95mpayments^[0m  charge failed: 4… ^[2m4bf92f35/a3ed^[0m
                     ^[2mexception.type=HTTPError^[0m  ^[2mcode=payments/stripe…^[0m
        ");
    }

    #[test]
    fn every_key_of_a_record_is_a_field_that_can_be_asked_for() {
        for line in lines() {
            for key in crate::model::json::log_to_json(&line.log).keys() {
                assert!(crate::view::machine::LOG.names().contains(&key.as_str()), "{key}");
            }
        }
    }
}
