//! One entry -> one log record. What the client's fields are called in OpenTelemetry stands here, and so does the rule
//! that nothing sent is lost: what has no field of its own becomes an attribute under the name it was sent with.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::{level, size, time};
use crate::decode::python_json::Node;
use crate::model::id::IdError;
use crate::model::limits::{TIME_SOURCE_ATTRIBUTE, TRUNCATED_ATTRIBUTE, add_truncated};
use crate::model::severity::LevelScale;
use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{Attributes, LogRecord, Nanos, Resource, Scope, Severity, SpanId, Text, TraceId, Value, checkpoint};

/// Fields that say who sent an entry, and the resource attributes they become.
const OF_RESOURCE: [(&str, &str); 5] = [
    ("service", "service.name"),
    ("environment", ENVIRONMENT),
    ("host", "host.name"),
    ("pid", "process.pid"),
    ("sdk_version", "telemetry.sdk.version"),
];
/// Fields that say something about the entry, and the attributes they become.
const OF_RECORD: [(&str, &str); 5] = [
    ("thread_id", "thread.id"),
    ("module", "code.namespace"),
    ("error_type", "exception.type"),
    ("error_message", "exception.message"),
    ("stack_trace", "exception.stacktrace"),
];
const ENVIRONMENT: &str = "deployment.environment.name";
/// An older name of the attribute for the environment, which readers take for it as well.
const OLD_ENVIRONMENT: &str = "deployment.environment";

/// How many resources of earlier entries an entry is compared with.
const MAX_RESOURCES: usize = 16;

type Pairs<'t> = Vec<(Cow<'t, str>, Node<'t>)>;

/// The records of a request that were not handed out yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    /// The records, in the order sent.
    pub(super) logs: Vec<LogRecord>,
    /// How many of the records have no time of their own.
    untimed: usize,
    /// Whether the last record has no time of its own.
    is_last_untimed: bool,
    /// Whether parts of the next entry were passed over, because it was made of too many.
    pub(super) is_cut: bool,
    /// The time given to entries without one.
    pub(super) received: Nanos,
    body: Bytes,
    scope: Arc<Scope>,
    /// The last few different resources, newest last.
    resources: Vec<Arc<Resource>>,
}

impl Entries {
    /// No records; text will share `body`.
    pub(super) fn new(body: Bytes) -> Entries {
        Entries { body, ..Entries::default() }
    }

    /// Adds the record of an entry with these fields.
    pub(super) fn add(&mut self, fields: Pairs<'_>) {
        let mut draft = Draft { scale: scale_of(&fields), ..Draft::default() };
        for (key, node) in fields {
            self.read(&mut draft, &key, node);
        }
        self.is_last_untimed = draft.time.is_none();
        self.untimed += usize::from(self.is_last_untimed);
        let record = self.make_record(draft);
        self.logs.push(record);
    }

    /// Whether no two entries of the same time are parted when the last entry begins, or ends, a part.
    pub(super) fn may_end(&self) -> bool {
        self.is_last_untimed || self.begins_a_time()
    }

    /// Whether the last entry is of another time than the one before it.
    fn begins_a_time(&self) -> bool {
        matches!(self.logs.as_slice(), [.., before, last] if before.time != last.time)
    }

    /// Hands the records out, and how many of them are untimed. The last record may stay, as the first of others of its
    /// time that follow.
    pub(super) fn hand_out(&mut self, may_more_follow: bool) -> (Vec<LogRecord>, usize) {
        let stays = may_more_follow && !self.is_last_untimed && self.begins_a_time();
        let last = if stays { self.logs.pop() } else { None };
        let untimed = std::mem::take(&mut self.untimed);
        (std::mem::replace(&mut self.logs, last.into_iter().collect()), untimed)
    }

    fn read(&self, draft: &mut Draft, key: &str, node: Node<'_>) {
        if let Some((field, name)) = OF_RESOURCE.iter().find(|(field, _)| *field == key) {
            return self.read_name(draft, field, name, &node);
        }
        if let Some((field, name)) = OF_RECORD.iter().find(|(field, _)| *field == key) {
            return draft.named.extend(self.field(field, &node).map(|value| (*name, value)));
        }
        match key {
            "level" => match level::read_level(&node, draft.scale) {
                Some(severity) => draft.severity = severity,
                None => self.keep_as_sent(draft, "level", &node),
            },
            "message" => draft.message = self.text(&node),
            "timestamp" => match time::read_time(&node) {
                Some(time) => draft.time = Some(time),
                None => self.keep_as_sent(draft, "timestamp", &node),
            },
            "trace_id" => self.read_trace_id(draft, &node),
            "span_id" => match span_id(&node) {
                Ok(id) => draft.span_id = id,
                Err(IdError::Zero) => {}
                Err(_) => self.keep_as_sent(draft, "span_id", &node),
            },
            "extra" => match node {
                Node::Dict(pairs) => {
                    draft.extra = pairs.iter().map(|(key, node)| (self.shared(key), self.value(node, 0))).collect();
                }
                other => self.keep_as_sent(draft, "extra", &other),
            },
            _ => draft.others.push((self.shared(key), self.value(&node, 0))),
        }
    }

    /// A field of the resource. Process ids and the like stay numbers.
    fn read_name(&self, draft: &mut Draft, field: &'static str, name: &'static str, node: &Node<'_>) {
        let is_text = field != "pid";
        let value = if is_text { self.field(field, node) } else { self.present(node) };
        let Some(value) = value else { return };
        let value = match size::shorten_name(&value) {
            None => value,
            Some(short) => {
                draft.truncated.push(Text::from_static(field));
                short
            }
        };
        draft.resource.push((Text::from_static(name), value));
    }

    fn read_trace_id(&self, draft: &mut Draft, node: &Node<'_>) {
        let id = match node {
            Node::Text(text) => text.as_ref(),
            Node::Int(digits) => digits,
            other => return self.keep_as_sent(draft, "trace_id", other),
        };
        // All zero is how OpenTelemetry writes "none", and one zero how its Python instrumentation does.
        if matches!(id.len(), 0 | 1 | 16 | 32) && id.bytes().all(|byte| byte == b'0') {
            return;
        }
        if TraceId::parse(id).is_err() {
            draft.truncated.push(Text::from_static("trace_id"));
        }
        draft.trace_id = Some(checkpoint::trace_id(id));
    }

    /// Keeps a field that is not what it should be as an attribute of its own name, unless it is nothing at all.
    fn keep_as_sent(&self, draft: &mut Draft, key: &'static str, node: &Node<'_>) {
        if let Some(value) = self.present(node) {
            draft.others.push((Text::from_static(key), value));
        }
    }

    /// The value of a field; `None` for null and empty text, which the client sends for "nothing", too.
    fn present(&self, node: &Node<'_>) -> Option<Value> {
        match node {
            Node::Null => None,
            Node::Text(text) if text.is_empty() => None,
            other => Some(self.value(other, 0)),
        }
    }

    /// The value of a field that should be text, as text. Lists of lines are joined, as some send their stacks so.
    fn field(&self, field: &str, node: &Node<'_>) -> Option<Value> {
        match node {
            _ if field == "thread_id" => self.present(node),
            Node::Null => None,
            Node::List(nodes) if !nodes.is_empty() && nodes.iter().all(|node| matches!(node, Node::Text(_))) => {
                Some(Value::String(lines(nodes)))
            }
            other => Some(self.text(other)).filter(|text| !text.is_empty()).map(Value::String),
        }
    }

    /// A value as text: text and numbers as they are, the rest as JSON.
    fn text(&self, node: &Node<'_>) -> Text {
        match node {
            Node::Null => Text::EMPTY,
            Node::Text(text) => self.shared(text),
            Node::Int(digits) => self.shared(digits),
            Node::Deep(text) => self.shared(text),
            Node::Float(number) if !number.is_finite() => Text::from_static(if number.is_nan() {
                "NaN"
            } else if *number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            }),
            other => {
                let mut json = String::new();
                other.write(&mut json);
                Text::from(json)
            }
        }
    }

    /// The value as an attribute; `depth` is how many containers surround it. Integers beyond 64 bits and what is
    /// nested too deep are text.
    fn value(&self, node: &Node<'_>, depth: usize) -> Value {
        match node {
            Node::Null => Value::Empty,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(digits) => match digits.parse() {
                Ok(number) => Value::Int(number),
                Err(_) => Value::String(self.text(node)),
            },
            Node::Float(number) => Value::Double(*number),
            Node::List(nodes) if depth < MAX_VALUE_DEPTH => {
                Value::Array(nodes.iter().map(|node| self.value(node, depth + 1)).collect())
            }
            Node::Dict(pairs) if depth < MAX_VALUE_DEPTH => {
                Value::Map(pairs.iter().map(|(key, node)| (self.shared(key), self.value(node, depth + 1))).collect())
            }
            _ => Value::String(self.text(node)),
        }
    }

    /// Text that stands in the body as it is shares the body's buffer.
    fn shared(&self, text: &str) -> Text {
        let (body, part) = (self.body.as_ptr_range(), text.as_bytes().as_ptr_range());
        match body.start <= part.start && part.end <= body.end {
            true => Text::from_utf8(self.body.slice_ref(text.as_bytes())).unwrap_or_default(),
            false => Text::from(text),
        }
    }

    fn make_record(&mut self, draft: Draft) -> LogRecord {
        let mut names = Names::taken_by(&draft);
        let named = draft.named.into_iter().map(|(name, value)| (Text::from_static(name), value));
        let mut attributes: Vec<(Text, Value)> = named.collect();
        attributes.extend(draft.extra.into_iter().map(|(key, value)| (names.name_extra(key), value)));
        attributes.extend(draft.others.into_iter().map(|(key, value)| (names.name_field(key), value)));
        let mut record = LogRecord {
            time: draft.time.unwrap_or(self.received),
            severity: draft.severity,
            message: draft.message,
            trace_id: draft.trace_id,
            span_id: draft.span_id,
            attributes: Attributes(attributes),
            resource: self.resource(draft.resource),
            scope: Arc::clone(&self.scope),
            request: 0,
        };
        let (shortened, left_out) = size::cut_record(&mut record);
        let mut truncated = draft.truncated;
        truncated.extend(shortened.iter().map(sent_name));
        if left_out > 0 || self.is_cut {
            truncated.push(Text::from_static("extra"));
        }
        if draft.time.is_none() {
            record.attributes.0.push((Text::from_static(TIME_SOURCE_ATTRIBUTE), Value::from("received")));
        }
        add_truncated(&mut record.attributes, &truncated);
        record
    }

    /// A resource of these attributes, shared with one of the last entries that has the same.
    fn resource(&mut self, attributes: Vec<(Text, Value)>) -> Arc<Resource> {
        let attributes = Attributes(attributes);
        if let Some(known) = self.resources.iter().rev().find(|known| known.attributes == attributes) {
            return Arc::clone(known);
        }
        if self.resources.len() >= MAX_RESOURCES {
            self.resources.remove(0);
        }
        let resource = Arc::new(Resource::new(attributes));
        self.resources.push(Arc::clone(&resource));
        resource
    }
}

/// The fields of an entry on their way to a record.
#[derive(Default)]
struct Draft {
    time: Option<Nanos>,
    severity: Severity,
    /// The scale of a level that is a number.
    scale: LevelScale,
    message: Text,
    trace_id: Option<TraceId>,
    span_id: Option<SpanId>,
    resource: Vec<(Text, Value)>,
    named: Vec<(&'static str, Value)>,
    extra: Vec<(Text, Value)>,
    others: Vec<(Text, Value)>,
    truncated: Vec<Text>,
}

/// The scale of the level of an entry: the loggers of JavaScript call the message `msg`.
fn scale_of(fields: &Pairs<'_>) -> LevelScale {
    let has = |name| fields.iter().any(|(key, _)| key == name);
    if has("msg") && !has("message") { LevelScale::JavaScript } else { LevelScale::Python }
}

fn span_id(node: &Node<'_>) -> Result<Option<SpanId>, IdError> {
    match node {
        Node::Text(text) if text.is_empty() => Ok(None),
        Node::Text(text) => SpanId::parse(text).map(Some),
        _ => Err(IdError::NotHex),
    }
}

fn lines(nodes: &[Node<'_>]) -> Text {
    let mut joined = String::new();
    for node in nodes {
        if !joined.is_empty() && !joined.ends_with('\n') {
            joined.push('\n');
        }
        if let Node::Text(text) = node {
            joined.push_str(text);
        }
    }
    Text::from(joined)
}

/// Which names of attributes are taken, so that a key of `extra` neither hides nor passes for a field of the entry, and
/// an unknown field does not do that to a key of `extra`.
struct Names {
    fields: Vec<&'static str>,
    others: HashSet<Text>,
}

impl Names {
    fn taken_by(draft: &Draft) -> Names {
        let mut fields: Vec<&'static str> = draft.named.iter().map(|(name, _)| *name).collect();
        let sent = |name: &str| draft.resource.iter().any(|(known, _)| known == name);
        fields.extend(OF_RESOURCE.iter().map(|(_, name)| *name).filter(|name| sent(name)));
        if sent(ENVIRONMENT) {
            fields.push(OLD_ENVIRONMENT);
        }
        fields.extend([TRUNCATED_ATTRIBUTE, TIME_SOURCE_ATTRIBUTE]);
        // Nearly always nothing collides, and then nothing has to be looked up.
        let is_field = |(key, _): &(Text, Value)| fields.contains(&key.as_str());
        let may_collide = !draft.others.is_empty() || draft.extra.iter().any(is_field);
        let others = draft.extra.iter().filter(|_| may_collide).map(|(key, _)| key.clone()).collect();
        Names { fields, others }
    }

    /// The name of a key of `extra`: its own, unless that is a field's.
    fn name_extra(&mut self, key: Text) -> Text {
        if self.fields.contains(&key.as_str()) { self.free(key, "extra.") } else { key }
    }

    /// The name of an unknown field: its own, unless that is taken.
    fn name_field(&mut self, key: Text) -> Text {
        if self.is_taken(&key) { self.free(key, "entry.") } else { key }
    }

    fn is_taken(&self, name: &str) -> bool {
        self.fields.contains(&name) || self.others.contains(name)
    }

    fn free(&mut self, key: Text, prefix: &str) -> Text {
        let mut name = format!("{prefix}{key}");
        while self.is_taken(&name) {
            name.insert_str(0, prefix);
        }
        let name = Text::from(name);
        self.others.insert(name.clone());
        name
    }
}

/// What the field behind an attribute is called where it was sent and where it is shown; the message has no attribute.
fn sent_name(attribute: &Option<Text>) -> Text {
    let Some(attribute) = attribute else { return Text::from_static("message") };
    match OF_RECORD.iter().find(|(_, name)| attribute == *name) {
        Some((field, _)) => Text::from_static(field),
        None => Text::from(format!("extra.{attribute}")),
    }
}
