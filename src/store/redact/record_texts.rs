//! Every text of a record, looked through by a redactor: names, keys and values of attributes however deep, events, stack
//! traces, links, status messages, resources, scopes, bodies of logs, payloads of checkpoints, and ids that are text.

use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::redactor::{Place, Redactor, Tally};
use crate::model::{
    Attributes, Batch, Checkpoint, Direction, Event, Link, LogRecord, PROJECT_ATTRIBUTE, Record, Resource, Scope, Span,
    Text, TraceId, Value, checkpoint, json,
};

/// Keys that are remembered; SDKs use the same few again and again.
const MOST_KEYS: usize = 4_096;
/// Longest key that is remembered, in bytes.
const MOST_KEY_BYTES: usize = 128;
/// Smaller numbers are no number of a card.
const SMALLEST_CARD: u64 = 1_000_000_000_000;

/// Looks through records, and remembers what they share.
#[derive(Debug)]
pub(super) struct RecordTexts<'r> {
    redactor: &'r Redactor,
    /// What was found so far.
    pub(super) tally: Tally,
    keys: FxHashMap<Text, usize>,
    known: Vec<Key>,
    /// The place in `known` of the last key.
    last: usize,
    /// The place in `known` of the last key that is not remembered.
    unremembered: Option<usize>,
    resources: FxHashMap<*const Resource, (Arc<Resource>, Arc<Resource>)>,
    scopes: FxHashMap<*const Scope, (Arc<Scope>, Arc<Scope>)>,
}

/// What is known of a key.
#[derive(Debug, Clone, Default)]
struct Key {
    /// The rule by which its values are secrets.
    label: Option<usize>,
    /// The key without the secrets in it.
    renamed: Option<Text>,
    /// The key, when it is remembered.
    name: Option<Text>,
    /// The place of the key that came after this one the last time; most spans of a program have their keys in one order.
    follower: usize,
}

impl<'r> RecordTexts<'r> {
    /// Looks with this redactor, and adds to this tally.
    pub(super) fn new(redactor: &'r Redactor, tally: Tally) -> RecordTexts<'r> {
        let (keys, resources, scopes) = (FxHashMap::default(), FxHashMap::default(), FxHashMap::default());
        RecordTexts { redactor, tally, keys, known: Vec::new(), last: 0, unremembered: None, resources, scopes }
    }

    /// Redacts a batch.
    pub(super) fn batch(&mut self, batch: &mut Batch) {
        batch.spans.iter_mut().for_each(|span| self.span(span));
        batch.checkpoints.iter_mut().for_each(|checkpoint| self.checkpoint(checkpoint));
        batch.logs.iter_mut().for_each(|log| self.log(log));
    }

    /// Redacts a record.
    pub(super) fn record(&mut self, record: &mut Record) {
        match record {
            Record::Span(span) => self.span(span),
            Record::Checkpoint(checkpoint) => self.checkpoint(checkpoint),
            Record::Log(log) => self.log(log),
        }
    }

    fn span(&mut self, span: &mut Span) {
        self.trace_id(&mut span.trace_id);
        self.text(&mut span.trace_state, "span trace state");
        self.text(&mut span.name, "span name");
        self.text(&mut span.status.message, "span status message");
        self.attributes(&mut span.attributes, "span attribute");
        for Event { name, attributes, .. } in &mut span.events {
            self.text(name, "event name");
            self.attributes(attributes, "event attribute");
        }
        for Link { trace_id, trace_state, attributes, .. } in &mut span.links {
            trace_id.iter_mut().for_each(|trace_id| self.trace_id(trace_id));
            self.text(trace_state, "link trace state");
            self.attributes(attributes, "link attribute");
        }
        self.resource(&mut span.resource);
        self.scope(&mut span.scope);
    }

    fn log(&mut self, log: &mut LogRecord) {
        log.trace_id.iter_mut().for_each(|trace_id| self.trace_id(trace_id));
        self.text(&mut log.message, "log message");
        self.attributes(&mut log.attributes, "log attribute");
        self.resource(&mut log.resource);
        self.scope(&mut log.scope);
    }

    fn checkpoint(&mut self, checkpoint: &mut Checkpoint) {
        if let Some(id) = self.redactor.id(&checkpoint.correlation_id, "correlation id", &mut self.tally) {
            checkpoint.trace_id = checkpoint::trace_id(&id);
            checkpoint.correlation_id = Text::from(id);
        } else {
            self.trace_id(&mut checkpoint.trace_id);
        }
        for (text, part) in [
            (&mut checkpoint.source_id, "checkpoint source"),
            (&mut checkpoint.suffix, "checkpoint suffix"),
            (&mut checkpoint.operation, "checkpoint operation"),
            (&mut checkpoint.endpoint, "checkpoint endpoint"),
            (&mut checkpoint.hostname, "checkpoint hostname"),
        ] {
            self.text(text, part);
        }
        if let Direction::Other(text) = &mut checkpoint.direction {
            self.text(text, "checkpoint direction");
        }
        checkpoint.data.iter_mut().for_each(|data| self.text(data, "checkpoint data"));
        checkpoint.raw_line.iter_mut().for_each(|line| self.text(line, "checkpoint raw line"));
    }

    fn trace_id(&mut self, trace_id: &mut TraceId) {
        let TraceId::Text(text) = trace_id else { return };
        if let Some(id) = self.redactor.id(text, "trace id", &mut self.tally) {
            *trace_id = checkpoint::trace_id(&id);
        }
    }

    fn text(&mut self, text: &mut Text, part: &'static str) {
        if !text.is_empty()
            && let Some(new) = self.redactor.content(text, Place::of(part), &mut self.tally, 0)
        {
            *text = Text::from(new);
        }
    }

    fn attributes(&mut self, attributes: &mut Attributes, part: &'static str) {
        self.pairs(&mut attributes.0, part);
    }

    fn pairs(&mut self, pairs: &mut Vec<(Text, Value)>, part: &'static str) {
        let mut drops = false;
        for (key, value) in pairs.iter_mut() {
            let known = self.key(key, part);
            let (label, renamed) = match self.known.get(known) {
                Some(known) => (known.label, known.renamed.clone()),
                None => (None, None),
            };
            let place = Place { part, key: Some(key.as_str()) };
            match label {
                Some(label) => {
                    if let Some(new) = self.redactor.replacement(label, &secret_of(value), place, &mut self.tally) {
                        drops |= self.redactor.drops(label);
                        *value = if self.redactor.drops(label) { Value::Empty } else { Value::String(Text::from(new)) };
                    }
                }
                None => self.value(value, place),
            }
            if let Some(renamed) = renamed {
                *key = renamed;
            }
        }
        if drops {
            // What was dropped is empty now, and empty values of such a key say nothing.
            pairs.retain(|(key, value)| *value != Value::Empty || self.drops_key(key).is_none());
        }
    }

    fn drops_key(&self, key: &str) -> Option<usize> {
        self.redactor.rule_for_key(key).filter(|label| self.redactor.drops(*label))
    }

    /// The place of what is known of a key.
    fn key(&mut self, key: &Text, part: &'static str) -> usize {
        let guess = self.known.get(self.last).map_or(0, |last| last.follower);
        if self.known.get(guess).is_some_and(|known| known.name.as_ref() == Some(key)) {
            self.last = guess;
            return guess;
        }
        let place = match self.keys.get(key) {
            Some(known) => *known,
            None => self.new_key(key, part),
        };
        if let Some(last) = self.known.get_mut(self.last) {
            last.follower = place;
        }
        self.last = place;
        place
    }

    fn new_key(&mut self, key: &Text, part: &'static str) -> usize {
        let is_ours = key == PROJECT_ATTRIBUTE;
        let label = (!is_ours && self.redactor.has_key_rules()).then(|| self.redactor.rule_for_key(key)).flatten();
        let renamed = self.redactor.content(key, Place::of(part), &mut self.tally, usize::MAX).map(Text::from);
        let known = Key { label, renamed, ..Key::default() };
        let place = self.known.len();
        if known.renamed.is_none() && self.keys.len() < MOST_KEYS && key.len() <= MOST_KEY_BYTES {
            self.keys.insert(key.clone(), place);
            self.known.push(Key { name: Some(key.clone()), ..known });
            return place;
        }
        // One that is not remembered stands behind the others until the next such one comes.
        match self.unremembered {
            Some(place) => {
                if let Some(last) = self.known.get_mut(place) {
                    *last = known;
                }
                place
            }
            None => {
                self.known.push(known);
                self.unremembered = Some(place);
                place
            }
        }
    }

    fn value(&mut self, value: &mut Value, place: Place<'_>) {
        let new = match value {
            Value::Empty | Value::Bool(_) => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => {
                self.redactor.content(text, place, &mut self.tally, 0).map(|new| Value::String(Text::from(new)))
            }
            Value::Int(number) if number.unsigned_abs() >= SMALLEST_CARD || self.redactor.may_match_numbers() => {
                self.number(&number.to_string(), place)
            }
            Value::Double(number)
                if number.fract() == 0.0 && number.abs() >= SMALLEST_CARD as f64 && number.abs() < 1e19 =>
            {
                self.number(&format!("{number:.0}"), place)
            }
            Value::Int(_) | Value::Double(_) => None,
            Value::Bytes(bytes) => self.bytes(bytes, place),
            Value::Array(values) => {
                values.iter_mut().for_each(|value| self.value(value, place));
                None
            }
            Value::Map(pairs) => {
                self.pairs(pairs, place.part);
                None
            }
        };
        if let Some(new) = new {
            *value = new;
        }
    }

    fn number(&mut self, digits: &str, place: Place<'_>) -> Option<Value> {
        self.redactor.content(digits, place, &mut self.tally, 0).map(|new| Value::String(Text::from(new)))
    }

    /// Bytes may be text. In what is not all text, nothing can be cut out without harm, so a secret in it takes all of it.
    fn bytes(&mut self, bytes: &Bytes, place: Place<'_>) -> Option<Value> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.redactor.content(text, place, &mut self.tally, 0).map(|new| Value::Bytes(new.into())),
            Err(_) => {
                let text = String::from_utf8_lossy(bytes);
                self.redactor.content(&text, place, &mut self.tally, 0).map(|_| Value::from("[redacted:bytes]"))
            }
        }
    }

    fn resource(&mut self, resource: &mut Arc<Resource>) {
        if let Some((_, known)) = self.resources.get(&Arc::as_ptr(resource)) {
            *resource = Arc::clone(known);
            return;
        }
        let mut new = (**resource).clone();
        self.attributes(&mut new.attributes, "resource attribute");
        self.text(&mut new.schema_url, "resource schema");
        self.text(&mut new.service, "service name");
        if new.attributes != resource.attributes {
            new.service = Resource::new(new.attributes.clone()).service;
        }
        let new = if new == **resource { Arc::clone(resource) } else { Arc::new(new) };
        // The one that was sent is kept, too, so that no address is used twice.
        self.resources.insert(Arc::as_ptr(resource), (Arc::clone(resource), Arc::clone(&new)));
        *resource = new;
    }

    fn scope(&mut self, scope: &mut Arc<Scope>) {
        if let Some((_, known)) = self.scopes.get(&Arc::as_ptr(scope)) {
            *scope = Arc::clone(known);
            return;
        }
        let mut new = (**scope).clone();
        self.attributes(&mut new.attributes, "scope attribute");
        for (text, part) in
            [(&mut new.name, "scope name"), (&mut new.version, "scope version"), (&mut new.schema_url, "scope schema")]
        {
            self.text(text, part);
        }
        let new = if new == **scope { Arc::clone(scope) } else { Arc::new(new) };
        self.scopes.insert(Arc::as_ptr(scope), (Arc::clone(scope), Arc::clone(&new)));
        *scope = new;
    }
}

/// A value as the text that is hashed; empty for what says nothing.
fn secret_of(value: &Value) -> String {
    match value {
        Value::Empty | Value::Bool(_) => String::new(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(values) if values.is_empty() => String::new(),
        other => json::value_to_text(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rules::Rules;
    use super::*;

    const VALUES: [&str; 6] =
        ["GET", "", "ann@shop.example", "200", "4111111111111111", "mail ann@shop.example at /cart/0af7651916cd43dd"];

    proptest! {
        #[test]
        fn what_is_remembered_of_keys_changes_nothing(picks in prop::collection::vec((0..6_usize, 0..3_usize, 0..90_u32), 1..400)) {
            let redactor = Redactor::new(Arc::new(Rules::all_kinds()), None);
            let long = "k".repeat(MOST_KEY_BYTES + 1);
            let log = |(value, key, number): &(usize, usize, u32)| {
                let key = [Text::from("http.route"), Text::from("password"), Text::from(long.as_str())][*key].clone();
                let mut attributes = Attributes::from_iter([("n", Value::String(Text::from(format!("{number}"))))]);
                attributes.0.push((key, Value::from(VALUES[*value])));
                LogRecord { attributes, ..LogRecord::default() }
            };
            let mut batch = Batch { logs: picks.iter().map(log).collect(), ..Batch::default() };
            let mut each: Vec<LogRecord> = batch.logs.clone();
            let mut together = RecordTexts::new(&redactor, Tally::default());
            together.batch(&mut batch);
            let mut alone = 0;
            for log in &mut each {
                let mut texts = RecordTexts::new(&redactor, Tally::default());
                texts.log(log);
                alone += texts.tally.total();
            }
            prop_assert_eq!(batch.logs, each);
            prop_assert_eq!(together.tally.total(), alone);
        }
    }
}
