//! Databases of msgtrace: a table `spans`, one row per span, with attributes and events as JSON; `traces` repeats what
//! the spans say.
//!
//! Links, scopes, trace states and flags are not in such a file. Times are whole nanoseconds.

use std::cell::RefCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value as Json;
use xxhash_rust::xxh3::xxh3_64;

use super::cell::{Cells, Moment};
use crate::decode::checkpoint;
use crate::model::json::attributes_from_json;
use crate::model::time::{NANOS_PER_MS, NANOS_PER_SECOND};
use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{Attributes, Event, Kind, Nanos, Resource, Scope, Span, SpanId, Status, StatusCode, Text, Value};

/// Resources remembered at once.
const MOST_RESOURCES: usize = 1_000;

/// Reads rows; spans of one resource share it.
#[derive(Debug, Default)]
pub(super) struct Reader {
    resources: RefCell<FxHashMap<Text, Arc<Resource>>>,
    scope: Arc<Scope>,
}

impl Reader {
    /// The span of a row.
    ///
    /// # Errors
    /// Why the row is none.
    pub(super) fn span(&self, cells: &Cells<'_>) -> Result<Span, &'static str> {
        let key = cells.key(1).filter(|key| !key.is_empty()).ok_or("no trace id")?;
        let start = time(cells, 6).ok_or("no start time")?;
        Ok(Span {
            trace_id: checkpoint::trace_id(&key),
            span_id: span_id(cells, 2).ok_or("no span id")?,
            parent_span_id: span_id(cells, 3),
            trace_state: Text::EMPTY,
            flags: 0,
            name: cells.required_text(4, "no name"),
            kind: kind(cells),
            start,
            end: end(cells, start),
            attributes: attributes(cells, 11, "attributes"),
            dropped_attributes: 0,
            events: events(cells),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Status { code: status_code(cells), message: cells.text(10).unwrap_or_default() },
            resource: self.resource(cells),
            scope: Arc::clone(&self.scope),
        })
    }

    fn resource(&self, cells: &Cells<'_>) -> Arc<Resource> {
        let text = cells.text(12).unwrap_or_default();
        let mut resources = self.resources.borrow_mut();
        if let Some(resource) = resources.get(&text) {
            return Arc::clone(resource);
        }
        let mended = cells.mended();
        let resource = Arc::new(Resource::new(attributes(cells, 12, "resource_attributes")));
        // Only whole ones: a broken one is to be noted in every row that has it.
        if cells.mended() == mended {
            if resources.len() >= MOST_RESOURCES {
                resources.clear();
            }
            resources.insert(text, Arc::clone(&resource));
        }
        resource
    }
}

/// A span id; `None` when there is none. Any other text than 16 digits stands for an id of its own, the same wherever
/// it appears, so that parents are still found.
fn span_id(cells: &Cells<'_>, column: usize) -> Option<SpanId> {
    let text = cells.text(column).filter(|text| !text.is_empty())?;
    match SpanId::parse(&text) {
        Ok(id) => Some(id),
        Err(crate::model::id::IdError::Zero) => None,
        Err(_) => {
            cells.mend("span id is not 16 hexadecimal digits");
            Some(SpanId(xxh3_64(text.as_bytes()).max(1).to_be_bytes()))
        }
    }
}

fn kind(cells: &Cells<'_>) -> Kind {
    let word = word(cells, 5, "span_kind_");
    Kind::parse(&word).unwrap_or_else(|| Kind::from_number(word.parse().unwrap_or(0)))
}

fn status_code(cells: &Cells<'_>) -> StatusCode {
    let word = word(cells, 9, "status_code_");
    StatusCode::parse(&word).unwrap_or_else(|| StatusCode::from_number(word.parse().unwrap_or(0)))
}

/// A word in lower case, without what OpenTelemetry writes before it.
fn word(cells: &Cells<'_>, column: usize, prefix: &str) -> String {
    let text = cells.text(column).unwrap_or_default().to_ascii_lowercase();
    text.strip_prefix(prefix).unwrap_or(&text).to_owned()
}

/// Whole numbers are nanoseconds. Fractions cannot be, so their size tells seconds, milli- and microseconds apart.
fn time(cells: &Cells<'_>, column: usize) -> Option<Nanos> {
    match cells.moment(column)? {
        Moment::Whole(number) => u64::try_from(number).ok().map(Nanos),
        Moment::Date(date) => Some(date),
        Moment::Number(number) if number >= 0.0 => {
            cells.mend("time is no whole number");
            let ns_per_unit = match number {
                ..1e11 => NANOS_PER_SECOND as f64,
                ..1e14 => NANOS_PER_MS as f64,
                ..1e17 => 1e3,
                _ => 1.0,
            };
            Some(Nanos((number * ns_per_unit) as u64))
        }
        Moment::Number(_) => None,
    }
}

fn end(cells: &Cells<'_>, start: Nanos) -> Nanos {
    time(cells, 7).unwrap_or_else(|| {
        cells.mend("no end time");
        let duration_ms = match cells.moment(8) {
            Some(Moment::Whole(number)) => number as f64,
            Some(Moment::Number(number)) => number,
            _ => 0.0,
        };
        Nanos(start.0.saturating_add((duration_ms * NANOS_PER_MS as f64) as u64))
    })
}

/// Attributes in a JSON object; what is none is kept as the text of one attribute.
fn attributes(cells: &Cells<'_>, column: usize, name: &'static str) -> Attributes {
    let Some(text) = cells.text(column).filter(|text| !text.is_empty()) else { return Attributes::EMPTY };
    match serde_json::from_str(&text) {
        Ok(Json::Null) => Attributes::EMPTY,
        Ok(json @ Json::Object(_)) if depth(&json) <= MAX_VALUE_DEPTH => attributes_from_json(&json),
        _ => {
            cells.mend("attributes are no JSON object");
            Attributes(vec![(Text::from(format!("msgtrace.{name}")), Value::String(text))])
        }
    }
}

fn events(cells: &Cells<'_>) -> Vec<Event> {
    let Some(text) = cells.text(13).filter(|text| !text.is_empty()) else { return Vec::new() };
    match serde_json::from_str(&text) {
        Ok(Json::Null) => Vec::new(),
        Ok(Json::Array(items)) if items.iter().all(|item| depth(item) < MAX_VALUE_DEPTH) => {
            items.iter().map(event).collect()
        }
        _ => {
            cells.mend("events are no JSON list");
            Vec::new()
        }
    }
}

fn event(json: &Json) -> Event {
    Event {
        time: Nanos(json["timestamp"].as_u64().unwrap_or(0)),
        name: json["name"].as_str().map(Text::from).unwrap_or_default(),
        attributes: attributes_from_json(&json["attributes"]),
        dropped_attributes: 0,
    }
}

fn depth(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(pairs) => 1 + pairs.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
