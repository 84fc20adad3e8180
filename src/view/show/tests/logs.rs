//! What log records and issues look like in the picture of a trace.

use super::*;
use crate::model::{LogRecord, Severity};

fn drawn(report: &TraceReport, options: &ShowOptions, style: &Style) -> String {
    render(report, options, style)
}

#[test]
fn errors_have_their_issues_and_what_span_and_log_both_tell_is_told_once() {
    let report = samples::logged_checkout();
    let texts = [style(80), style(120)].map(|style| drawn(&report, &ShowOptions::default(), &style));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn log_lines_stand_among_the_spans_of_tree_and_list() {
    let report = samples::logged_checkout();
    let picture = |picture| {
        let options = ShowOptions { picture, logs: Some(LogLines::All), ..ShowOptions::default() };
        drawn(&report, &options, &style(80)).lines().skip(5).take(22).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!([Picture::Tree, Picture::List].map(picture).join("\n\n"));
}

#[test]
fn a_trace_of_logs_alone_shows_all_of_them_with_time_and_service() {
    let report = samples::only_logs();
    let texts = [80, 120].map(|columns| drawn(&report, &ShowOptions::default(), &style(columns)));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_trace_of_logs_alone_in_colour_in_ascii_and_without_a_terminal() {
    let report = samples::only_logs();
    let warn = ShowOptions { logs: Some(LogLines::Warn), attributes: true, ..ShowOptions::default() };
    let color = drawn(&report, &ShowOptions::default(), &Style { color: true, ..style(80) });
    let ascii = drawn(&report, &warn, &Style { ascii: true, ..style(80) });
    assert!(ascii.is_ascii(), "{ascii}");
    let piped = drawn(&report, &ShowOptions::default(), &Style { is_terminal: false, ..style(40) });
    insta::assert_snapshot!(format!("{}\n{ascii}\n{piped}", color.replace('\x1b', "ESC")));
}

#[test]
fn no_log_lines_are_drawn_when_none_are_asked_for() {
    let options = ShowOptions { logs: Some(LogLines::None), ..ShowOptions::default() };
    let text = drawn(&samples::logged_checkout(), &options, &style(80));
    assert!(!text.contains("• WARN") && !text.contains("LOGS") && text.contains("BrokenPipeError"), "{text}");
}

#[test]
fn an_error_that_was_raised_without_a_message_has_that_of_its_record() {
    let mut trace = samples::logged_checkout().trace;
    let said = |message: &'static str, attributes: &[(&'static str, &'static str)]| LogRecord {
        message: Text::from_static(message),
        attributes: attributes.iter().copied().collect(),
        severity: Severity::Error,
        ..trace.logs[0].clone()
    };
    trace.logs = vec![
        said("cannot charge\nat all", &[("exception.type", "ChargeError")]),
        said("no type", &[("exception.stacktrace", "at pay (pay.js:1:1)")]),
        said("not this", &[("exception.type", "Known"), ("exception.message", "but this")]),
        said("", &[("exception.type", "Silent")]),
    ];
    let text = drawn(&TraceReport::new(trace), &ShowOptions::default(), &Style { is_terminal: false, ..style(80) });
    let errors = text.split("ERRORS").nth(1).expect("a block");
    for title in ["  ChargeError: cannot charge  ", "  no type  ", "  Known: but this  ", "  Silent  "] {
        assert!(errors.contains(title), "{title}: {errors}");
    }
}

#[test]
fn ten_thousand_log_lines_are_cut_short_on_a_terminal_alone() {
    let mut trace = samples::only_logs().trace;
    let line = trace.logs[0].clone();
    trace.logs = std::iter::repeat_n(line, 10_000).collect();
    let report = TraceReport::new(trace);
    let lines = |style: &Style| drawn(&report, &ShowOptions::default(), style).lines().count();
    assert!(lines(&style(80)) < 220);
    assert!(lines(&Style { is_terminal: false, ..style(80) }) > 10_000);
}
