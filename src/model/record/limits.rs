//! How large the parts of a record may be, and how one that is larger is cut.
//!
//! One span name of sixty megabytes or a million attributes would make every view and every question slow for everybody.
//! So whatever records come from, they are cut here, at the end of characters and from the back, and the record says so:
//! in its dropped counts, and in the attribute [`TRUNCATED_ATTRIBUTE`].

use std::collections::HashMap;
use std::mem;
use std::ops::AddAssign;
use std::sync::Arc;

use crate::model::{
    Attributes, Batch, Checkpoint, Direction, INVALID_PARENT_ATTRIBUTE, LogRecord, Resource, Scope, Span, Text, Value,
};

/// Most bytes of a name: of a span, a key, a scope, an event, a service, a checkpoint's operation.
pub const MAX_NAME_BYTES: usize = 64 << 10;
/// Most bytes of a value: of an attribute with everything in it, a message, a payload.
pub const MAX_VALUE_BYTES: usize = 4 << 20;
/// Most attributes of a span, an event, a link, a log record, a resource or a scope.
pub const MAX_ATTRIBUTES: usize = 1_024;
/// Most events of a span, and most links.
pub const MAX_EVENTS: usize = 10_000;

/// Attribute that names the parts of a record that are not whole.
pub const TRUNCATED_ATTRIBUTE: &str = "tracehub.truncated";

/// Attributes that decoders add themselves, behind those that were sent: none of them is dropped for being too many.
const OUR_ATTRIBUTES: [&str; 3] = [TRUNCATED_ATTRIBUTE, INVALID_PARENT_ATTRIBUTE, TIME_SOURCE_ATTRIBUTE];

/// Attribute of records whose time is the one at which they were received.
pub const TIME_SOURCE_ATTRIBUTE: &str = "tracehub.time_source";

/// How many parts [`TRUNCATED_ATTRIBUTE`] names, and how much of each name.
const MAX_TRUNCATED: usize = 8;
const MAX_TRUNCATED_CHARS: usize = 64;

/// What an element of an array or a map takes besides its text.
const ELEMENT_BYTES: usize = 8;

/// How much was cut off records, in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cuts {
    /// Names longer than [`MAX_NAME_BYTES`].
    pub names: u64,
    /// Values larger than [`MAX_VALUE_BYTES`].
    pub values: u64,
    /// Attributes beyond [`MAX_ATTRIBUTES`], which were dropped.
    pub attributes: u64,
    /// Events and links beyond [`MAX_EVENTS`], which were dropped.
    pub events: u64,
}

impl AddAssign for Cuts {
    fn add_assign(&mut self, other: Cuts) {
        self.names += other.names;
        self.values += other.values;
        self.attributes += other.attributes;
        self.events += other.events;
    }
}

impl Batch {
    /// Cuts all records to the limits.
    pub fn cut_to_limits(&mut self) -> Cuts {
        let mut cutter = Cutter::default();
        self.spans.iter_mut().for_each(|span| cutter.cut_span(span));
        self.logs.iter_mut().for_each(|log| cutter.cut_log(log));
        self.checkpoints.iter_mut().for_each(|checkpoint| cutter.cut_checkpoint(checkpoint));
        cutter.cuts
    }
}

/// Adds parts to those that the attributes say are not whole.
pub fn add_truncated(attributes: &mut Attributes, parts: &[Text]) {
    if parts.is_empty() {
        return;
    }
    let mut names = list_names(parts);
    let known = attributes.0.iter().position(|(key, _)| key == TRUNCATED_ATTRIBUTE);
    if let Some(place) = known {
        let (_, before) = attributes.0.remove(place);
        names = before.as_str().map_or(names.clone(), |before| format!("{before}, {names}"));
    }
    attributes.0.push((Text::from_static(TRUNCATED_ATTRIBUTE), Value::String(Text::from(names))));
}

/// The first few of some names, each shortened, and how many more there are.
fn list_names(parts: &[Text]) -> String {
    let short = |part: &Text| part.chars().take(MAX_TRUNCATED_CHARS).collect::<String>();
    let mut names: Vec<String> = parts.iter().take(MAX_TRUNCATED).map(short).collect();
    if parts.len() > MAX_TRUNCATED {
        names.push(format!("and {} more", parts.len() - MAX_TRUNCATED));
    }
    names.join(", ")
}

/// What is known while records are cut one after the other.
#[derive(Default)]
struct Cutter {
    cuts: Cuts,
    /// The parts of the present record that are not whole.
    parts: Vec<Text>,
    resources: Shared<Resource>,
    scopes: Shared<Scope>,
}

impl Cutter {
    fn cut_span(&mut self, span: &mut Span) {
        self.cut_name(&mut span.name, "name");
        self.cut_name(&mut span.trace_state, "trace_state");
        self.cut_text(&mut span.status.message, "status_message");
        span.dropped_attributes = self.cut_attributes(&mut span.attributes, span.dropped_attributes);
        span.dropped_events = self.cut_list(&mut span.events, span.dropped_events);
        for event in &mut span.events {
            self.cut_name(&mut event.name, "event name");
            event.dropped_attributes = self.cut_attributes(&mut event.attributes, event.dropped_attributes);
        }
        span.dropped_links = self.cut_list(&mut span.links, span.dropped_links);
        for link in &mut span.links {
            self.cut_name(&mut link.trace_state, "link trace_state");
            link.dropped_attributes = self.cut_attributes(&mut link.attributes, link.dropped_attributes);
        }
        self.cut_origin(&mut span.resource, &mut span.scope);
        if !self.parts.is_empty() {
            let dropped = self.make_room(&mut span.attributes);
            span.dropped_attributes = span.dropped_attributes.saturating_add(dropped);
        }
        add_truncated(&mut span.attributes, &mem::take(&mut self.parts));
    }

    fn cut_log(&mut self, log: &mut LogRecord) {
        self.cut_text(&mut log.message, "message");
        let dropped = self.cut_attributes(&mut log.attributes, 0);
        self.cut_origin(&mut log.resource, &mut log.scope);
        let dropped =
            dropped + if dropped > 0 || !self.parts.is_empty() { self.make_room(&mut log.attributes) } else { 0 };
        // Log records have no dropped count.
        if dropped > 0 {
            self.parts.push(Text::from(format!("{dropped} attributes")));
        }
        add_truncated(&mut log.attributes, &mem::take(&mut self.parts));
    }

    fn cut_checkpoint(&mut self, checkpoint: &mut Checkpoint) {
        let Checkpoint { source_id, correlation_id, suffix, operation, endpoint, hostname, .. } = checkpoint;
        for name in [source_id, correlation_id, suffix, operation, endpoint, hostname] {
            self.cut_name(name, "");
        }
        if let Direction::Other(text) = &mut checkpoint.direction {
            self.cut_name(text, "");
        }
        if let Some(line) = &mut checkpoint.raw_line {
            self.cut_text(line, "");
        }
        if let Some(data) = checkpoint.data.as_mut().filter(|data| data.len() > MAX_VALUE_BYTES) {
            *data = cut_json(data);
            self.cuts.values += 1;
        }
        // A checkpoint has no room to say so.
        self.parts.clear();
    }

    fn cut_origin(&mut self, resource: &mut Arc<Resource>, scope: &mut Arc<Scope>) {
        if let Some((cut, cuts)) = self.resources.cut(resource, cut_resource) {
            *resource = cut;
            self.cuts += cuts;
            self.parts.push(Text::from_static("resource"));
        }
        if let Some((cut, cuts)) = self.scopes.cut(scope, cut_scope) {
            *scope = cut;
            self.cuts += cuts;
            self.parts.push(Text::from_static("scope"));
        }
    }

    fn cut_name(&mut self, name: &mut Text, part: &'static str) {
        if name.len() > MAX_NAME_BYTES {
            *name = name.cut(MAX_NAME_BYTES);
            self.cuts.names += 1;
            self.parts.push(Text::from_static(part));
        }
    }

    fn cut_text(&mut self, text: &mut Text, part: &'static str) {
        if text.len() > MAX_VALUE_BYTES {
            *text = text.cut(MAX_VALUE_BYTES);
            self.cuts.values += 1;
            self.parts.push(Text::from_static(part));
        }
    }

    /// Cuts attributes; how many of them are dropped in all.
    fn cut_attributes(&mut self, attributes: &mut Attributes, dropped: u32) -> u32 {
        let beyond = attributes.len().saturating_sub(MAX_ATTRIBUTES);
        if beyond > 0 {
            let mut ours = attributes.0.split_off(MAX_ATTRIBUTES);
            ours.retain(|(key, _)| is_ours(key));
            ours.truncate(OUR_ATTRIBUTES.len());
            attributes.0.truncate(MAX_ATTRIBUTES - ours.len());
            attributes.0.append(&mut ours);
            attributes.0.shrink_to_fit();
            self.cuts.attributes += beyond as u64;
        }
        for (key, value) in &mut attributes.0 {
            self.cut_name(key, "key of an attribute");
            if cut_value(value, MAX_VALUE_BYTES) {
                self.cuts.values += 1;
                self.parts.push(key.clone());
            }
        }
        dropped.saturating_add(u32::try_from(beyond).unwrap_or(u32::MAX))
    }

    fn cut_list<T>(&mut self, list: &mut Vec<T>, dropped: u32) -> u32 {
        let beyond = list.len().saturating_sub(MAX_EVENTS);
        if beyond > 0 {
            list.truncate(MAX_EVENTS);
            list.shrink_to_fit();
            self.cuts.events += beyond as u64;
        }
        dropped.saturating_add(u32::try_from(beyond).unwrap_or(u32::MAX))
    }

    /// Makes room for the attribute that says what is not whole; how many attributes that took.
    fn make_room(&mut self, attributes: &mut Attributes) -> u32 {
        let is_full = attributes.len() >= MAX_ATTRIBUTES && attributes.get(TRUNCATED_ATTRIBUTE).is_none();
        if is_full {
            let last = attributes.0.iter().rposition(|(key, _)| !is_ours(key));
            last.map(|place| attributes.0.remove(place));
            self.cuts.attributes += 1;
        }
        u32::from(is_full)
    }
}

/// What many records share, as sent and as it was cut; `None` for what is within the limits.
struct Shared<T> {
    /// Looked at last, since records of one origin stand together.
    last: Option<(Arc<T>, Option<Arc<T>>)>,
    /// Those that had to be cut, by their address; kept as sent, too, so that no address is used twice.
    cut: HashMap<*const T, (Arc<T>, Arc<T>)>,
}

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared { last: None, cut: HashMap::new() }
    }
}

impl<T: Clone> Shared<T> {
    /// What was sent, cut, and how much that was when it was cut right now; `None` when it is within the limits.
    fn cut(&mut self, sent: &Arc<T>, cut: impl FnOnce(&mut T) -> Cuts) -> Option<(Arc<T>, Cuts)> {
        if let Some((last, known)) = &self.last
            && Arc::ptr_eq(last, sent)
        {
            return known.clone().map(|known| (known, Cuts::default()));
        }
        if let Some((_, known)) = self.cut.get(&Arc::as_ptr(sent)) {
            return Some((Arc::clone(known), Cuts::default()));
        }
        let mut copy = T::clone(sent);
        let cuts = cut(&mut copy);
        let result = (cuts != Cuts::default()).then(|| Arc::new(copy));
        if let Some(result) = &result {
            self.cut.insert(Arc::as_ptr(sent), (Arc::clone(sent), Arc::clone(result)));
        }
        self.last = Some((Arc::clone(sent), result.clone()));
        result.map(|result| (result, cuts))
    }
}

fn cut_resource(resource: &mut Resource) -> Cuts {
    let mut cutter = Cutter::default();
    keep_first(&mut resource.attributes, "service.name");
    resource.dropped_attributes = cutter.cut_attributes(&mut resource.attributes, resource.dropped_attributes);
    cutter.cut_name(&mut resource.schema_url, "");
    if resource.service.len() > MAX_NAME_BYTES {
        cutter.cut_name(&mut resource.service, "");
        for (_, value) in resource.attributes.0.iter_mut().filter(|(key, _)| key == "service.name") {
            *value = Value::String(resource.service.clone());
        }
    }
    cutter.cuts
}

fn cut_scope(scope: &mut Scope) -> Cuts {
    let mut cutter = Cutter::default();
    cutter.cut_name(&mut scope.name, "");
    cutter.cut_name(&mut scope.version, "");
    cutter.cut_name(&mut scope.schema_url, "");
    scope.dropped_attributes = cutter.cut_attributes(&mut scope.attributes, scope.dropped_attributes);
    cutter.cuts
}

fn is_ours(key: &Text) -> bool {
    OUR_ATTRIBUTES.contains(&key.as_str())
}

/// Moves an attribute to where it is kept, when there are too many.
fn keep_first(attributes: &mut Attributes, key: &str) {
    let place = attributes.0.iter().rposition(|(known, _)| known == key);
    if let Some(place) = place.filter(|place| *place >= MAX_ATTRIBUTES) {
        attributes.0.swap(0, place);
    }
}

/// Cuts a value to so many bytes of text, keys and elements; whether that was needed.
fn cut_value(value: &mut Value, max_bytes: usize) -> bool {
    let is_small = match &*value {
        Value::String(text) => text.len() <= max_bytes,
        Value::Bytes(bytes) => bytes.len() <= max_bytes,
        Value::Array(_) | Value::Map(_) => false,
        _ => true,
    };
    if is_small {
        return false;
    }
    cut_within(value, &mut { max_bytes })
}

/// Takes what a value needs from `left`; whether it was cut. Containers are nested no deeper than decoders read them.
fn cut_within(value: &mut Value, left: &mut usize) -> bool {
    match value {
        Value::String(text) => {
            let is_cut = text.len() > *left;
            if is_cut {
                *text = text.cut(*left);
            }
            *left -= text.len();
            is_cut
        }
        Value::Bytes(bytes) => {
            let is_cut = bytes.len() > *left;
            bytes.truncate(*left);
            *left -= bytes.len();
            is_cut
        }
        Value::Array(values) => {
            let (mut is_cut, mut kept) = (false, 0);
            for value in values.iter_mut() {
                let Some(rest) = left.checked_sub(ELEMENT_BYTES).filter(|_| !is_cut) else { break };
                *left = rest;
                is_cut = cut_within(value, left);
                kept += 1;
            }
            is_cut |= kept < values.len();
            values.truncate(kept);
            is_cut
        }
        Value::Map(pairs) => {
            let (mut is_cut, mut has_short_key, mut kept) = (false, false, 0);
            for (key, value) in pairs.iter_mut() {
                if key.len() > MAX_NAME_BYTES {
                    *key = key.cut(MAX_NAME_BYTES);
                    has_short_key = true;
                }
                let Some(rest) = left.checked_sub(ELEMENT_BYTES + key.len()).filter(|_| !is_cut) else { break };
                *left = rest;
                is_cut = cut_within(value, left);
                kept += 1;
            }
            is_cut |= has_short_key || kept < pairs.len();
            pairs.truncate(kept);
            is_cut
        }
        _ => false,
    }
}

/// The beginning of a JSON text that is too long, as an object of one text, because no beginning of it is JSON itself.
fn cut_json(json: &Text) -> Text {
    // Quotes and backslashes take two bytes within a text.
    let beginning = json.cut(MAX_VALUE_BYTES / 2 - 64);
    let mut object = format!("{{\"{TRUNCATED_ATTRIBUTE}\":");
    object.push_str(&serde_json::Value::from(beginning.as_str()).to_string());
    object.push('}');
    Text::from(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(attributes: Attributes) -> LogRecord {
        LogRecord { attributes, ..LogRecord::default() }
    }

    fn cut(mut log: LogRecord) -> (LogRecord, Cuts) {
        let mut batch = Batch { logs: vec![mem::take(&mut log)], ..Batch::default() };
        let cuts = batch.cut_to_limits();
        (batch.logs.pop().expect("one record"), cuts)
    }

    fn numbered(count: usize) -> Attributes {
        (0..count).map(|index| (format!("k{index}"), 1_i64)).collect()
    }

    #[test]
    fn what_is_within_the_limits_stays_as_it_is() {
        let name = "n".repeat(MAX_NAME_BYTES);
        let value = Value::String(Text::from("v".repeat(MAX_VALUE_BYTES)));
        let nested = Value::Map(vec![(Text::from("a"), Value::Array(vec![Value::Int(1), Value::Empty]))]);
        let mut attributes = Attributes(vec![(Text::from(name), value), (Text::from("nested"), nested)]);
        attributes.0.extend(numbered(MAX_ATTRIBUTES - 2).0);
        let sent = LogRecord { message: Text::from("m".repeat(MAX_VALUE_BYTES)), ..log(attributes) };
        assert_eq!(cut(sent.clone()), (sent, Cuts::default()));
    }

    #[test]
    fn texts_are_cut_between_characters_and_the_record_names_them() {
        let long = |piece: &str, bytes: usize| Text::from(piece.repeat(bytes / piece.len() + 1));
        let sent = LogRecord {
            message: long("✓", MAX_VALUE_BYTES),
            ..log(Attributes(vec![
                (Text::from("prompt"), Value::String(long("ü", MAX_VALUE_BYTES))),
                (long("😀", MAX_NAME_BYTES), Value::Int(1)),
                (Text::from("raw"), Value::Bytes(vec![7; MAX_VALUE_BYTES + 1].into())),
            ]))
        };
        let (kept, cuts) = cut(sent.clone());
        assert_eq!(kept.message, sent.message[..MAX_VALUE_BYTES - 1]);
        let pairs = &kept.attributes.0;
        assert_eq!(pairs[0].1.as_str().map(str::len), Some(MAX_VALUE_BYTES));
        assert_eq!(pairs[1].0.len(), MAX_NAME_BYTES);
        assert_eq!(pairs[2].1, Value::Bytes(vec![7; MAX_VALUE_BYTES].into()));
        assert_eq!(kept.attributes.text(TRUNCATED_ATTRIBUTE), Some("message, prompt, key of an attribute, raw"));
        assert_eq!(cuts, Cuts { names: 1, values: 3, ..Cuts::default() });
        assert_eq!(cut(kept.clone()), (kept, Cuts::default()), "a cut record is within the limits");
    }

    #[test]
    fn a_nested_value_has_room_for_all_that_is_in_it_together() {
        let mebibyte = || Value::String(Text::from("x".repeat(1 << 20)));
        let list = Value::Array((0..6).map(|_| mebibyte()).collect());
        let map = Value::Map(vec![(Text::from("a"), list), (Text::from("b"), Value::Int(1))]);
        let (kept, cuts) = cut(log(Attributes(vec![(Text::from("deep"), map)])));
        assert_eq!((cuts.values, kept.attributes.text(TRUNCATED_ATTRIBUTE)), (1, Some("deep")));
        let Value::Map(pairs) = &kept.attributes.0[0].1 else { panic!("a map") };
        let Value::Array(values) = &pairs[0].1 else { panic!("an array") };
        assert_eq!((pairs.len(), values.len()), (1, 4));
        let bytes: usize = values.iter().filter_map(Value::as_str).map(str::len).sum();
        // The map has one element and a key of one byte.
        assert_eq!(bytes, MAX_VALUE_BYTES - (ELEMENT_BYTES + 1) - 4 * ELEMENT_BYTES);
    }

    #[test]
    fn attributes_beyond_the_limit_are_dropped_and_counted() {
        let (kept, cuts) = cut(log(numbered(MAX_ATTRIBUTES + 10)));
        assert_eq!(kept.attributes.len(), MAX_ATTRIBUTES);
        assert_eq!(kept.attributes.text(TRUNCATED_ATTRIBUTE), Some("11 attributes"));
        assert_eq!(cuts.attributes, 11);
    }

    #[test]
    fn what_decoders_said_of_a_record_is_not_dropped_with_its_attributes() {
        let mut attributes = numbered(MAX_ATTRIBUTES + 10);
        for (key, told) in [(TIME_SOURCE_ATTRIBUTE, "received"), (TRUNCATED_ATTRIBUTE, "extra")] {
            attributes.0.push((Text::from_static(key), Value::from(told)));
        }
        let (kept, _) = cut(log(attributes));
        assert_eq!(kept.attributes.len(), MAX_ATTRIBUTES);
        assert_eq!(kept.attributes.text(TIME_SOURCE_ATTRIBUTE), Some("received"));
        assert_eq!(kept.attributes.text(TRUNCATED_ATTRIBUTE), Some("extra, 12 attributes"));
    }

    #[test]
    fn records_of_one_resource_share_it_when_it_is_cut_and_its_service_stays() {
        let mut attributes = numbered(MAX_ATTRIBUTES + 10);
        attributes.0.push((Text::from("service.name"), Value::String(Text::from("s".repeat(MAX_NAME_BYTES + 1)))));
        let (large, small) = (Arc::new(Resource::new(attributes)), Arc::new(Resource::default()));
        let of = |resource: &Arc<Resource>| LogRecord { resource: Arc::clone(resource), ..LogRecord::default() };
        let mut batch = Batch { logs: vec![of(&large), of(&small), of(&large)], ..Batch::default() };
        let cuts = batch.cut_to_limits();
        assert_eq!((cuts.attributes, cuts.names), (11, 1), "counted once");
        let [first, second, third] = &batch.logs[..] else { panic!("three records") };
        assert!(Arc::ptr_eq(&first.resource, &third.resource) && Arc::ptr_eq(&second.resource, &small));
        assert_eq!((first.resource.service.len(), first.resource.attributes.len()), (MAX_NAME_BYTES, MAX_ATTRIBUTES));
        assert_eq!(first.resource.attributes.text("service.name"), Some(first.resource.service.as_str()));
        assert_eq!(first.resource.dropped_attributes, 11);
        assert_eq!(third.attributes.text(TRUNCATED_ATTRIBUTE), Some("resource"));
        assert!(second.attributes.is_empty());
    }

    #[test]
    fn a_payload_that_is_too_long_stays_json() {
        let data = Text::from(format!("{{\"a\":\"{}\"}}", "\\\"".repeat(MAX_VALUE_BYTES / 2)));
        let short = cut_json(&data);
        assert!(short.len() <= MAX_VALUE_BYTES, "{}", short.len());
        let read: serde_json::Value = serde_json::from_str(&short).expect("JSON");
        assert!(read[TRUNCATED_ATTRIBUTE].as_str().is_some_and(|text| data.starts_with(text)));
    }
}
