//! Records that were found, one a line as `tail` has them, each with why it was: the attributes that were asked for, or
//! where a text stands.

use serde_json::{Map, Value as Json, json};

use crate::model::filter::{Filter, Found, RecordRef, Subject};
use crate::model::json::{object, value_to_text};
use crate::model::{Record, Span};
use crate::query::records::hits;
use crate::query::tail::Arrival;
use crate::view::lists::tail_line::{Note, render_with_notes, to_json};
use crate::view::out::style::Style;
use crate::view::out::text::cut;

/// Columns that the value of one attribute takes at most.
const MOST_VALUE_COLUMNS: usize = 60;

/// A span as `show` has it, with the id of its trace; its self time is unknown.
pub fn span_to_json(span: &Span) -> Map<String, Json> {
    let mut json = Map::new();
    json.insert("trace_id".to_owned(), json!(span.trace_id.to_string()));
    json.extend(object(span));
    json.insert("self_ms".to_owned(), Json::Null);
    json
}

/// Draws spans, each with the attributes that a filter names.
pub fn render_spans(spans: Vec<Span>, filter: Option<&Filter>, style: &Style) -> String {
    let line = |span: Span| {
        let note = named_attributes(&span, filter);
        let note = if note.is_empty() { Note::None } else { Note::Behind(note) };
        (arrival(Record::Span(span)), note)
    };
    render_with_notes(&spans.into_iter().map(line).collect::<Vec<_>>(), style)
}

/// `http.route=/cart user.id=u-7`
fn named_attributes(span: &Span, filter: Option<&Filter>) -> String {
    let subject = Subject::of(RecordRef::Span(span));
    let mut notes: Vec<String> = Vec::new();
    for field in filter.into_iter().flat_map(Filter::attributes) {
        subject.any_value(field, &mut |found| {
            if let Found::Value(key, value) = found {
                let note = format!("{key}={}", cut(&value_to_text(value), MOST_VALUE_COLUMNS));
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
            true
        });
    }
    notes.join(" ")
}

/// A record as `tail` has it, with the fields in which the texts of a filter stand.
pub fn hit_to_json(record: Record, filter: &Filter) -> Map<String, Json> {
    let hits = hits(&record, &filter.texts());
    let mut json = to_json(&arrival(record));
    json.insert("hits".to_owned(), json!(hits));
    json
}

/// Draws records, each with the first field in which a text of the filter stands, and how many more there are.
pub fn render_hits(records: Vec<Record>, filter: &Filter, style: &Style) -> String {
    let needles = filter.texts();
    let line = |record: Record| {
        let hits = hits(&record, &needles);
        let more = hits.len().saturating_sub(1);
        let note = hits.first().map_or(Note::None, |hit| {
            let more = if more > 0 { format!(" +{more}") } else { String::new() };
            let text = format!("{}: {}{more}", hit.field, hit.text);
            // The name of a record is its name or its message.
            if matches!(hit.field.as_str(), "name" | "message") { Note::Instead(text) } else { Note::Before(text) }
        });
        (arrival(record), note)
    };
    render_with_notes(&records.into_iter().map(line).collect::<Vec<_>>(), style)
}

/// A record with its own time, and of a span how long it took.
fn arrival(record: Record) -> Arrival {
    let duration_ns = match &record {
        Record::Span(span) => Some(span.duration_ns()),
        Record::Checkpoint(_) | Record::Log(_) => None,
    };
    Arrival { duration_ns, time: record.start(), record }
}
