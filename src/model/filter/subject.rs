//! What a filter is asked about: one record, and what is known of its trace. Here stands where each field is read from.

use std::borrow::Cow;

use super::facts::{SESSION_KEYS, TraceFacts};
use super::field::{Field, Intrinsic, Scope};
use super::operand::{Found, Number};
use crate::model::genai::{self, PICO_PER_UNIT};
use crate::model::json::{attributes_from_json, log_id, named_keys, named_value, value_to_text};
use crate::model::{Attributes, Checkpoint, Event, LogRecord, Needle, Record, Resource, Span, Value, grouping};

/// Most dots of a key at which it is tried to reach into a map.
const MOST_DOTS: usize = 16;

/// A record of any kind that somebody else owns.
#[derive(Debug, Clone, Copy)]
pub enum RecordRef<'r> {
    /// A span.
    Span(&'r Span),
    /// An entry or exit.
    Checkpoint(&'r Checkpoint),
    /// A log record.
    Log(&'r LogRecord),
}

impl<'r> From<&'r Record> for RecordRef<'r> {
    fn from(record: &'r Record) -> RecordRef<'r> {
        match record {
            Record::Span(span) => RecordRef::Span(span),
            Record::Checkpoint(checkpoint) => RecordRef::Checkpoint(checkpoint),
            Record::Log(log) => RecordRef::Log(log),
        }
    }
}

/// What a filter is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'r> {
    /// The record.
    pub record: RecordRef<'r>,
    /// What is known of its trace; of a log record without one, `None`.
    pub trace: Option<&'r TraceFacts>,
}

/// Takes values one after the other; true ends the search.
type Visit<'v> = &'v mut dyn FnMut(&Found<'_>) -> bool;

/// Takes texts with the names of their fields; true ends the search.
type VisitText<'v> = &'v mut dyn FnMut(&str, &str) -> bool;

impl<'r> Subject<'r> {
    /// A record of which nothing more is known.
    pub fn of(record: RecordRef<'r>) -> Subject<'r> {
        Subject { record, trace: None }
    }

    /// Whether `visit` is true of a value that the record has in a field, asked one after the other.
    pub fn any_value(&self, field: &Field, visit: Visit<'_>) -> bool {
        match field {
            Field::Intrinsic(intrinsic) => self.any_of_intrinsic(*intrinsic, visit),
            Field::Attribute { scope, keys } => keys.iter().any(|key| self.any_of_attribute(*scope, key, visit)),
        }
    }

    /// Whether a text stands somewhere in the record: in names, values of its own, messages, exceptions, payloads.
    pub fn holds_text(&self, needle: &Needle) -> bool {
        self.any_text(&mut |_, text| needle.is_in(text))
    }

    /// Whether `visit` is true of a text of the record, asked one after the other with the name of the field it is.
    pub fn any_text(&self, visit: VisitText<'_>) -> bool {
        match self.record {
            RecordRef::Span(span) => {
                visit("name", &span.name)
                    || visit("status.message", &span.status.message)
                    || span.events.iter().any(|event| {
                        visit("event.name", &event.name) || any_text_in("event.", &event.attributes, visit)
                    })
                    || any_text_in("", &span.attributes, visit)
                    || span.links.iter().any(|link| any_text_in("link.", &link.attributes, visit))
                    || visit("service", span.service())
            }
            RecordRef::Log(log) => {
                visit("message", &log.message)
                    || any_text_in("", &log.attributes, visit)
                    || visit("service", &log.resource.service)
            }
            RecordRef::Checkpoint(checkpoint) => {
                let data = checkpoint.data.as_ref();
                let raw_line = checkpoint.raw_line.as_ref();
                visit("name", &checkpoint.name())
                    || data.is_some_and(|data| visit("data", data))
                    || visit("trace.id", &checkpoint.correlation_id)
                    || visit("source", &checkpoint.source_id)
                    || visit("host", &checkpoint.hostname)
                    || raw_line.is_some_and(|line| visit("raw_line", line))
            }
        }
    }

    fn any_of_attribute(&self, scope: Option<Scope>, key: &str, visit: Visit<'_>) -> bool {
        let is_asked = |wanted: Scope| scope.is_none() || scope == Some(wanted);
        match self.record {
            RecordRef::Span(span) => {
                (is_asked(Scope::Span) && any_in(&span.attributes, key, visit))
                    || (is_asked(Scope::Resource) && any_in(&span.resource.attributes, key, visit))
                    || (is_asked(Scope::Event)
                        && span.events.iter().any(|event| any_in_event(event, scope, key, visit)))
                    || (is_asked(Scope::Link) && span.links.iter().any(|link| any_in(&link.attributes, key, visit)))
                    || (is_asked(Scope::Scope) && any_in_scope(&span.scope, scope, key, visit))
            }
            RecordRef::Log(log) => {
                (is_asked(Scope::Log) && any_in(&log.attributes, key, visit))
                    || (is_asked(Scope::Resource) && any_in(&log.resource.attributes, key, visit))
                    || (is_asked(Scope::Scope) && any_in_scope(&log.scope, scope, key, visit))
            }
            RecordRef::Checkpoint(checkpoint) => is_asked(Scope::Data) && any_in(&payload(checkpoint), key, visit),
        }
    }

    fn any_of_intrinsic(&self, intrinsic: Intrinsic, visit: Visit<'_>) -> bool {
        if let Some(trace) = self.trace
            && let Some(answer) = any_of_trace(trace, intrinsic, visit)
        {
            return answer;
        }
        match self.record {
            RecordRef::Span(span) => self.any_of_span(span, intrinsic, visit),
            RecordRef::Log(log) => any_of_log(log, intrinsic, visit),
            RecordRef::Checkpoint(checkpoint) => any_of_checkpoint(checkpoint, intrinsic, visit),
        }
    }

    fn any_of_span(&self, span: &Span, intrinsic: Intrinsic, visit: Visit<'_>) -> bool {
        let whole = self.trace.and_then(|trace| trace.whole.as_ref());
        match intrinsic {
            Intrinsic::Name => visit(&text(&span.name)),
            Intrinsic::Service => visit(&text(span.service())),
            Intrinsic::Kind => visit(&text("span")) || visit(&text(span.kind.as_str())),
            Intrinsic::Status => visit(&text(span.status.code.as_str())),
            Intrinsic::StatusMessage => !span.status.message.is_empty() && visit(&text(&span.status.message)),
            Intrinsic::Duration => visit(&Found::Duration(span.duration_ns())),
            Intrinsic::SelfTime => {
                let own_ns = whole.and_then(|whole| whole.self_ns.get(&span.span_id));
                own_ns.is_some_and(|own_ns| visit(&Found::Duration(*own_ns)))
            }
            Intrinsic::Id | Intrinsic::SpanId => visit(&text(&span.span_id.to_string())),
            Intrinsic::TraceId => visit(&text(&span.trace_id.to_string())),
            Intrinsic::ErrorType => {
                any_in(&span.attributes, "error.type", visit) || any_of_exceptions(span, "exception.type", visit)
            }
            Intrinsic::ErrorMessage => {
                any_in(&span.attributes, "error.message", visit) || any_of_exceptions(span, "exception.message", visit)
            }
            Intrinsic::Stack => any_of_exceptions(span, "exception.stacktrace", visit),
            Intrinsic::Issue => {
                let issues = whole.and_then(|whole| whole.issues.get(&span.span_id));
                issues.is_some_and(|issues| issues.iter().any(|issue| visit(&text(&issue.to_string()))))
            }
            Intrinsic::Time => visit(&Found::Time(span.start)),
            other => any_of_program(&span.attributes, &span.resource, other, visit),
        }
    }
}

/// What is true of all records of a trace; `None` when the field is none of the trace.
fn any_of_trace(trace: &TraceFacts, intrinsic: Intrinsic, visit: Visit<'_>) -> Option<bool> {
    let TraceFacts { summary, whole } = trace;
    let count = |count: u64| Found::Number(Number::Int(i128::from(count)));
    Some(match intrinsic {
        Intrinsic::TraceDuration => visit(&Found::Duration(summary.duration_ns())),
        Intrinsic::TraceName => visit(&text(&summary.name)),
        Intrinsic::RootService => visit(&text(&summary.service)),
        Intrinsic::TraceSpans => visit(&count(summary.span_count)),
        Intrinsic::TraceErrors => visit(&count(summary.error_count)),
        Intrinsic::TraceStatus => visit(&text(summary.status.as_str())),
        Intrinsic::Workflow => summary.workflow.as_ref().is_some_and(|workflow| visit(&text(workflow))),
        Intrinsic::RootStatus => {
            let status = whole.as_ref().and_then(|whole| whole.root_status);
            status.is_some_and(|status| visit(&text(status.as_str())))
        }
        Intrinsic::Session => {
            let sessions = whole.iter().flat_map(|whole| &whole.sessions);
            sessions.into_iter().any(|session| visit(&text(session)))
        }
        _ => return None,
    })
}

fn any_of_log(log: &LogRecord, intrinsic: Intrinsic, visit: Visit<'_>) -> bool {
    let any_named =
        |field: &str, visit: Visit<'_>| named_value(log, field).is_some_and(|value| visit(&Found::Value(field, value)));
    match intrinsic {
        Intrinsic::Service => visit(&text(&log.resource.service)),
        Intrinsic::Kind => visit(&text("log")),
        Intrinsic::Level => visit(&Found::Level(log.severity)),
        Intrinsic::Message => visit(&text(&log.message)),
        Intrinsic::Id => visit(&text(&log_id(log))),
        Intrinsic::SpanId => log.span_id.is_some_and(|id| visit(&text(&id.to_string()))),
        Intrinsic::TraceId => log.trace_id.as_ref().is_some_and(|id| visit(&text(&id.to_string()))),
        Intrinsic::ErrorType => any_named("error_type", visit) || any_in(&log.attributes, "error.type", visit),
        Intrinsic::ErrorMessage => any_named("error_message", visit) || any_in(&log.attributes, "error.message", visit),
        Intrinsic::Stack => any_named("stack_trace", visit),
        Intrinsic::Issue => grouping::of_log(log).is_some_and(|grouping| visit(&text(&grouping.issue.to_string()))),
        Intrinsic::Time => visit(&Found::Time(log.time)),
        other => any_of_program(&log.attributes, &log.resource, other, visit),
    }
}

fn any_of_checkpoint(checkpoint: &Checkpoint, intrinsic: Intrinsic, visit: Visit<'_>) -> bool {
    let mut any_text = |value: &str| !value.is_empty() && visit(&text(value));
    match intrinsic {
        Intrinsic::Name => any_text(&checkpoint.name()),
        Intrinsic::Service | Intrinsic::Source => any_text(&checkpoint.source_id),
        Intrinsic::Kind => any_text("checkpoint"),
        Intrinsic::TraceId => any_text(&checkpoint.trace_id.to_string()),
        Intrinsic::Host => any_text(&checkpoint.hostname),
        Intrinsic::Project => any_text(&checkpoint.project),
        Intrinsic::Operation => any_text(&checkpoint.operation),
        Intrinsic::Endpoint => any_text(&checkpoint.endpoint),
        Intrinsic::Direction => any_text(checkpoint.direction.as_str()),
        Intrinsic::Time => visit(&Found::Time(checkpoint.time())),
        _ => false,
    }
}

/// What attributes of spans and log records say alike.
fn any_of_program(attributes: &Attributes, resource: &Resource, intrinsic: Intrinsic, visit: Visit<'_>) -> bool {
    let any_key = |keys: &[&str], visit: Visit<'_>| {
        let own = keys.iter().find_map(|key| attributes.get(key));
        let value = own.or_else(|| keys.iter().find_map(|key| resource.attributes.get(key)));
        value.is_some_and(|value| visit(&Found::Value("", value)))
    };
    let number = |count: u64| Found::Number(Number::Int(i128::from(count)));
    let usage = || genai::usage(attributes);
    match intrinsic {
        Intrinsic::Module => any_key(named_keys("module"), visit),
        Intrinsic::Environment => any_key(named_keys("environment"), visit),
        Intrinsic::Host => any_key(named_keys("host"), visit),
        Intrinsic::Project => !resource.project().is_empty() && visit(&text(resource.project())),
        Intrinsic::Session => any_key(&SESSION_KEYS, visit),
        Intrinsic::Model => genai::model(attributes).is_some_and(|model| visit(&text(&model))),
        Intrinsic::TokensIn => usage().and_then(|usage| usage.input_tokens).is_some_and(|count| visit(&number(count))),
        Intrinsic::TokensOut => {
            usage().and_then(|usage| usage.output_tokens).is_some_and(|count| visit(&number(count)))
        }
        Intrinsic::Tokens => usage().is_some_and(|usage| {
            let parts = [usage.input_tokens, usage.output_tokens];
            let sum = parts.into_iter().flatten().reduce(u64::saturating_add);
            sum.is_some_and(|sum| visit(&number(sum)))
        }),
        Intrinsic::Cost => usage()
            .and_then(|usage| usage.cost_pico)
            .is_some_and(|pico| visit(&Found::Number(Number::Double(pico as f64 / PICO_PER_UNIT)))),
        _ => false,
    }
}

fn text(text: &str) -> Found<'_> {
    Found::Text(Cow::Borrowed(text))
}

fn any_of_exceptions(span: &Span, key: &str, visit: Visit<'_>) -> bool {
    any_in(&span.attributes, key, visit)
        || span.events.iter().filter(|event| event.is_exception()).any(|event| any_in(&event.attributes, key, visit))
}

fn any_in_event(event: &Event, scope: Option<Scope>, key: &str, visit: Visit<'_>) -> bool {
    (scope.is_some() && key == "name" && visit(&text(&event.name))) || any_in(&event.attributes, key, visit)
}

fn any_in_scope(own: &crate::model::Scope, scope: Option<Scope>, key: &str, visit: Visit<'_>) -> bool {
    let field = match key {
        "name" => &own.name,
        "version" => &own.version,
        _ => return any_in(&own.attributes, key, visit),
    };
    (scope.is_some() && !field.is_empty() && visit(&text(field))) || any_in(&own.attributes, key, visit)
}

/// The value of a key, and where its beginning names a map what lies in that.
fn any_in(attributes: &Attributes, key: &str, visit: Visit<'_>) -> bool {
    if let Some(value) = attributes.get(key) {
        return visit(&Found::Value(key, value));
    }
    let within = key.match_indices('.').take(MOST_DOTS).find_map(|(dot, _)| {
        let (key, path) = (key.get(..dot)?, key.get(dot + 1..)?);
        attributes.get(key)?.at_path(path)
    });
    within.is_some_and(|value| visit(&Found::Value(key, value)))
}

/// The payload of a checkpoint as attributes; none when it is no JSON object.
fn payload(checkpoint: &Checkpoint) -> Attributes {
    let json = checkpoint.data.as_ref().and_then(|data| serde_json::from_str(data).ok());
    json.map_or(Attributes::EMPTY, |json| attributes_from_json(&json))
}

/// Asks about the values of attributes, whose keys get a scope before them where one is given.
fn any_text_in(scope: &str, attributes: &Attributes, visit: VisitText<'_>) -> bool {
    attributes.iter().any(|(key, value)| {
        let mut visit = |text: &str| match scope {
            "" => visit(key, text),
            scope => visit(&format!("{scope}{key}"), text),
        };
        match value {
            Value::String(text) => visit(text),
            Value::Bytes(_) | Value::Empty => false,
            other => visit(&value_to_text(other)),
        }
    })
}
