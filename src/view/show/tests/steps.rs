//! What checkpoints look like: done, stuck, odd, beside spans, in any number.

use super::*;
use crate::model::{Checkpoint, Direction};
use crate::query::samples::{checkpoint, done, joined, stuck};

fn report(checkpoints: Vec<Checkpoint>) -> TraceReport {
    let id = checkpoints[0].trace_id.clone();
    TraceReport::new(Trace::new(id, Vec::new(), checkpoints, Vec::new()).expect("checkpoints"))
}

fn at(report: &TraceReport, style: &Style) -> String {
    render(report, &ShowOptions::default(), style)
}

#[test]
fn operations_that_are_done() {
    let piped = at(&done(), &Style { is_terminal: false, ..style(80) });
    insta::assert_snapshot!(format!("{}\n{}\n{piped}", at(&done(), &style(80)), at(&done(), &style(120))));
}

#[test]
fn operations_that_hang_are_seen_at_a_glance() {
    let piped = at(&stuck(), &Style { is_terminal: false, ..style(80) });
    insta::assert_snapshot!(format!("{}\n{}\n{piped}", at(&stuck(), &style(80)), at(&stuck(), &style(120))));
}

#[test]
fn operations_in_ascii_and_colour() {
    let ascii = at(&stuck(), &Style { ascii: true, ..style(80) });
    assert!(ascii.is_ascii());
    let color = at(&stuck(), &Style { color: true, ..style(80) }).replace('\x1b', "␛");
    insta::assert_snapshot!(format!("{ascii}\n{color}"));
}

#[test]
fn operations_stand_among_spans_and_log_lines_on_one_axis() {
    insta::assert_snapshot!(format!("{}\n{}", at(&joined(), &style(80)), at(&joined(), &style(120))));
}

#[test]
fn operations_with_their_payloads_and_as_tree_and_list() {
    let with = |options: ShowOptions| render(&stuck(), &options, &style(80));
    let texts = [
        with(ShowOptions { attributes: true, ..ShowOptions::default() }),
        with(ShowOptions { picture: Picture::Tree, ..ShowOptions::default() }),
        with(ShowOptions { picture: Picture::List, ..ShowOptions::default() }),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn an_entry_just_made_fills_its_bar_up_to_now_and_a_lone_exit_is_told() {
    let entry = at(&report(vec![checkpoint("MA", "->", "REST POST /import", 11_000.0)]), &style(80));
    let exit = at(&report(vec![checkpoint("MA", "<-", "REST POST /import", 11_000.0)]), &style(80));
    insta::assert_snapshot!(format!("{entry}\n{exit}"));
}

#[test]
fn many_that_hang_stand_flat_and_fold() {
    let mut checkpoints: Vec<Checkpoint> =
        (0..200).map(|number| checkpoint("MA", "->", "REST POST /import", f64::from(number) * 10.0)).collect();
    checkpoints.push(checkpoint("MA", "->", "DB insert", 2_500.0));
    checkpoints.push(checkpoint("MA", "<-", "DB insert", 2_600.0));
    checkpoints.push(checkpoint("WK", "->", "JOB mail", 3_000.0));
    let report = report(checkpoints);
    insta::assert_snapshot!(at(&report, &style(80)));
    let options = ShowOptions { expand: true, ..ShowOptions::default() };
    let expanded = render(&report, &options, &style(80));
    let entries = expanded.lines().filter(|line| line.starts_with("MA REST POST /import ")).count();
    assert_eq!(entries, 200, "none is indented:\n{expanded}");
}

#[test]
fn an_entry_that_counts_hide_is_still_shown_open() {
    let report = report(vec![checkpoint("MA", "<-", "REST a", 0.0), checkpoint("MA", "->", "REST a", 10.0)]);
    assert!(report.trace.summary.complete, "one exit for one entry");
    let text = at(&report, &style(80));
    assert!(text.starts_with("… "), "{text}");
    assert!(text.contains("still open: MA REST a 12.0s"), "{text}");
}

fn any_checkpoint() -> impl Strategy<Value = Checkpoint> {
    let time = prop_oneof![9 => (0..30_u8).prop_map(f64::from), 1 => Just(-9e18)];
    let direction = prop_oneof![4 => Just("->"), 4 => Just("<-"), 1 => Just("==")];
    (time, prop_oneof!["MA", "WK"], direction, prop_oneof!["REST a", "REST b"])
        .prop_map(|(time, source, direction, name)| checkpoint(&source, direction, &name, time))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn every_checkpoint_is_drawn_exactly_once_when_expanded(
        checkpoints in prop::collection::vec(any_checkpoint(), 1..40), beside_spans: bool, picture in 0usize..3,
    ) {
        let spans = if beside_spans { samples::checkout().trace.spans } else { Vec::new() };
        let id = checkpoints[0].trace_id.clone();
        let trace = Trace::new(id, spans, checkpoints.clone(), Vec::new()).expect("checkpoints");
        let picture = [Picture::Waterfall, Picture::Tree, Picture::List][picture];
        let options = ShowOptions { expand: true, picture, ..ShowOptions::default() };
        let text = render(&TraceReport::new(trace), &options, &Style { is_terminal: false, ..style(80) });
        // Without the heading above, which names what is open or slow, and the hints below.
        let body = text.split_once("\n\n").map_or("", |(_, body)| body).lines().take_while(|line| *line != "HINTS");
        let rows: Vec<&str> = body.filter(|line| line.contains("REST a") || line.contains("REST b")).collect();
        // A row with a direction is one record, one that is open too, and every other is an entry with its exit.
        let is_single = |row: &&&str| row.contains("<- REST") || row.contains("== REST") || row.contains('…');
        let single = rows.iter().filter(is_single).count();
        prop_assert_eq!(single + 2 * (rows.len() - single), checkpoints.len(), "{}", text);
        let notes = checkpoints.iter().filter(|one| matches!(one.direction, Direction::Other(_))).count();
        prop_assert_eq!(rows.iter().filter(|row| row.contains("== REST")).count(), notes, "{}", text);
    }

    #[test]
    fn whatever_checkpoints_hold_lines_fit_and_hold_no_control_characters(
        text in any::<String>(), direction in any::<String>(), columns in 1usize..130, ascii: bool, is_terminal: bool,
    ) {
        let mut report = stuck();
        for checkpoint in &mut report.trace.checkpoints {
            checkpoint.endpoint = Text::from(text.as_str());
            checkpoint.data = Some(Text::from(serde_json::json!({ text.as_str(): text.as_str() }).to_string()));
            checkpoint.hostname = Text::from(text.as_str());
            if let Direction::Other(other) = &mut checkpoint.direction {
                *other = Text::from(direction.as_str());
            }
        }
        let report = TraceReport::new(report.trace);
        let options = ShowOptions { attributes: true, ..ShowOptions::default() };
        let drawn = render(&report, &options, &Style { ascii, is_terminal, ..style(columns) });
        prop_assert!(!drawn.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert!(!ascii || drawn.is_ascii());
        for line in drawn.lines() {
            prop_assert!(!is_terminal || width(line) <= columns, "{} > {columns}: {line}", width(line));
            prop_assert!(!line.ends_with(' '), "{line:?}");
        }
    }
}
