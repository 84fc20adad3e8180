//! What a record says that its trace may be told by: its service, its name, where it failed, and all its attributes.
//!
//! What the selection itself asks for is left out: that failed traces have failed explains nothing.

use std::borrow::Cow;
use std::hash::{Hash as _, Hasher as _};

use rustc_hash::{FxHashSet, FxHasher};

use crate::model::filter::{Field, Filter, Intrinsic, RecordRef, SESSION_KEYS, Scope, Term};
use crate::model::json::{named_keys, value_to_text};
use crate::model::{Severity, Span, StatusCode, Value};
use crate::query::records::attributes::each_attribute;

/// Longest value that may be a cause, in bytes: texts and stack traces are long, and not what anybody groups by.
const MOST_VALUE_BYTES: usize = 256;

/// Keys with their values, all on one record; of attributes the keys are their own.
pub type Pairs<'p> = &'p [(Key<'p>, &'p str)];

/// What a value is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key<'k> {
    /// A field that is no attribute.
    Intrinsic(Intrinsic),
    /// An attribute.
    Attribute(&'k str),
    /// The name of an event of a span.
    EventName,
}

impl Key<'_> {
    /// The key as filters name it.
    pub fn to_filter_name(self) -> String {
        match self {
            Key::Intrinsic(intrinsic) => intrinsic.as_str().to_owned(),
            Key::Attribute(key) => Field::Attribute { scope: None, keys: vec![key.to_owned()] }.to_string(),
            Key::EventName => Field::Attribute { scope: Some(Scope::Event), keys: vec!["name".to_owned()] }.to_string(),
        }
    }
}

/// A number that a feature is known by.
pub fn feature_number(pairs: Pairs<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    pairs.hash(&mut hasher);
    hasher.finish()
}

/// A number that the keys of a feature are known by.
pub fn key_number(pairs: Pairs<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    pairs.iter().for_each(|(key, _)| key.hash(&mut hasher));
    hasher.finish()
}

/// What is not looked at, because traces were chosen by it.
#[derive(Debug, Clone, Default)]
pub struct LeftOut {
    keys: FxHashSet<String>,
    intrinsics: FxHashSet<Intrinsic>,
}

impl LeftOut {
    /// What these filters ask for.
    pub fn of_filters<'f>(filters: impl IntoIterator<Item = &'f Filter>) -> LeftOut {
        let mut left_out = LeftOut::default();
        // The service has a name of its own.
        left_out.keys.insert("service.name".to_owned());
        for filter in filters {
            filter.expression.each_term(&mut |term| left_out.note(term));
        }
        left_out
    }

    fn note(&mut self, term: &Term) {
        let keys = |intrinsic| -> &[&str] {
            match intrinsic {
                Intrinsic::Session => &SESSION_KEYS,
                Intrinsic::Module => named_keys("module"),
                Intrinsic::Environment => named_keys("environment"),
                Intrinsic::Host => named_keys("host"),
                _ => &[],
            }
        };
        match term.field() {
            None => {}
            Some(Field::Attribute { keys, .. }) => self.keys.extend(keys.iter().cloned()),
            Some(Field::Intrinsic(intrinsic)) => {
                self.keys.extend(keys(*intrinsic).iter().map(|key| (*key).to_owned()));
                self.intrinsics.insert(match intrinsic {
                    Intrinsic::RootStatus | Intrinsic::TraceStatus | Intrinsic::TraceErrors => Intrinsic::Status,
                    other => *other,
                });
            }
        }
    }

    fn has(&self, key: Key<'_>) -> bool {
        match key {
            Key::Intrinsic(intrinsic) => self.intrinsics.contains(&intrinsic),
            Key::Attribute(key) => self.keys.contains(key),
            Key::EventName => false,
        }
    }
}

/// Calls `visit` with every feature of a record, but for what is left out; those of the resource only if asked for.
pub fn each_feature(record: RecordRef<'_>, left_out: &LeftOut, with_resource: bool, visit: &mut dyn FnMut(Pairs<'_>)) {
    let mut one = |key: Key<'_>, value: &str| {
        if !value.is_empty() && value.len() <= MOST_VALUE_BYTES && !left_out.has(key) {
            visit(&[(key, value)]);
        }
    };
    let intrinsic = Key::Intrinsic;
    match record {
        RecordRef::Span(span) => {
            one(intrinsic(Intrinsic::Name), &span.name);
            one(intrinsic(Intrinsic::Service), span.service());
            for event in &span.events {
                one(Key::EventName, &event.name);
            }
        }
        RecordRef::Log(log) => {
            one(intrinsic(Intrinsic::Service), &log.resource.service);
            if log.severity >= Severity::Warn {
                one(intrinsic(Intrinsic::Level), log.severity.as_str());
            }
        }
        RecordRef::Checkpoint(checkpoint) => {
            one(intrinsic(Intrinsic::Service), &checkpoint.source_id);
            one(intrinsic(Intrinsic::Name), &checkpoint.name());
        }
    }
    each_attribute(record, &mut |scope, key, value| {
        if scope != Scope::Resource || with_resource {
            one(Key::Attribute(key), &text_of(value));
        }
    });
    if let RecordRef::Span(span) = record
        && span.status.code == StatusCode::Error
    {
        visit_failure(span, left_out, visit);
    }
}

/// That a span failed, and that it is this operation that failed, which tells more.
fn visit_failure(span: &Span, left_out: &LeftOut, visit: &mut dyn FnMut(Pairs<'_>)) {
    let status = (Key::Intrinsic(Intrinsic::Status), span.status.code.as_str());
    if !left_out.has(status.0) {
        visit(&[status]);
    }
    if span.name.len() <= MOST_VALUE_BYTES && !left_out.has(Key::Intrinsic(Intrinsic::Name)) {
        visit(&[(Key::Intrinsic(Intrinsic::Name), &*span.name), status]);
    }
}

fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        // Nothing of several values is a cause, and nothing is no value.
        Value::Empty | Value::Bytes(_) | Value::Map(_) => Cow::Borrowed(""),
        other => Cow::Owned(value_to_text(other)),
    }
}
