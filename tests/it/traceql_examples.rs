//! The examples that Grafana Tempo's own parser is tried with, from a file that the environment names.

use std::fs;
use std::io::Write as _;

use tracehub::model::filter::traceql::TraceQl;

/// The examples that Tempo's own parser is tried with, from the file that the environment names: their licence keeps
/// them out of this project.
#[test]
fn each_example_of_tempo_is_read_or_refused_as_there() {
    let Ok(file) = std::env::var("TRACEHUB_TRACEQL_EXAMPLES") else {
        return skip("SKIPPED: TRACEHUB_TRACEQL_EXAMPLES names no file with the examples of Tempo's parser");
    };
    let text = fs::read_to_string(&file).expect("readable");
    let (mut section, mut wrong, mut count) = (String::new(), Vec::new(), 0);
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with([' ', '#'])) {
            section = name.to_owned();
        }
        let Some(query) = line.trim_start().strip_prefix("- ").and_then(unquoted) else { continue };
        count += 1;
        let is_read = TraceQl::parse(&query);
        let is_right = match section.as_str() {
            "valid" => is_read.is_ok(),
            "parse_fails" | "validate_fails" => is_read.is_err(),
            // Read here, or refused with a reason that names what is not known.
            _ => is_read.as_ref().err().is_none_or(|error| error.reason.contains('`')),
        };
        if !is_right {
            wrong.push(format!("{section}: {query}: {:?}", is_read.err().map(|error| error.reason)));
        }
    }
    assert!(count > 300, "{count} examples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A text in single or double quotes, up to the closing one.
fn unquoted(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix('\'') {
        return rest.split_once('\'').map(|(query, _)| query.to_owned());
    }
    let end = text.rfind('"').filter(|end| *end > 0)?;
    serde_json::from_str(text.get(..=end)?).ok()
}

fn skip(why: &str) {
    // Past the capture of the test harness, so that a run says what it left out.
    let _ = writeln!(std::io::stderr(), "{why}");
}
