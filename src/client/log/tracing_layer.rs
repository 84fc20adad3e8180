//! A layer for `tracing` that sends events as log records.
//!
//! An event's fields, and those of the spans around it, become extra values; an error among them gives the record its
//! type, message and causes. What the SDK itself logs while it sends is left out, or sending would never end.

use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::fmt;

use serde_json::{Map, Value as Json, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::caller::Caller;
use super::entry::LogEntry;
use super::error_text::ErrorText;
use super::extra::Extra;
use super::logger::{Logger, thread_name};
use crate::client::context::correlation::CurrentTrace;
use crate::client::pipeline::own_thread::is_own_thread;
use crate::model::{Nanos, Severity, SpanId, Text};

/// The field that names the trace, in a span or an event.
const TRACE_ID_FIELD: &str = "trace_id";
/// The field that names the span of the trace, 16 hex digits.
const SPAN_ID_FIELD: &str = "span_id";

thread_local! {
    static IS_LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Sends the events of a program that uses `tracing` through a [`Logger`].
///
/// A subscriber that is set globally is never dropped: call [`Logger::close`] on a clone before the program ends.
#[derive(Debug, Clone)]
pub struct LogLayer {
    logger: Logger,
}

impl LogLayer {
    /// A layer that sends through `logger`.
    pub fn new(logger: &Logger) -> LogLayer {
        LogLayer { logger: logger.clone() }
    }
}

/// The fields of a span, kept with it.
#[derive(Debug, Default)]
struct SpanFields(Map<String, Json>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(_guard) = Reentry::enter() else { return };
        // A filter of this layer alone may hide spans from it.
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().replace(SpanFields(fields.into_values()));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(_guard) = Reentry::enter() else { return };
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<SpanFields>() {
            Some(known) => known.0.extend(fields.into_values()),
            None => extensions.insert(SpanFields(fields.into_values())),
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(_guard) = Reentry::enter() else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut extra = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(SpanFields(values)) = span.extensions().get::<SpanFields>() {
                extra.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        let error = fields.error.take();
        let message = fields.message.take();
        extra.extend(fields.into_values());
        self.logger.send(make_entry(event, message, error, extra));
    }
}

/// The log record of an event: its message, its error, and all other fields as extra values.
fn make_entry(
    event: &Event<'_>,
    message: Option<String>,
    error: Option<ErrorText>,
    mut extra: Map<String, Json>,
) -> LogEntry {
    let metadata = event.metadata();
    let traced = extra.shift_remove(TRACE_ID_FIELD).map(|id| match id {
        Json::String(id) => id,
        other => other.to_string(),
    });
    let current = match traced.filter(|id| !id.is_empty()) {
        Some(id) => CurrentTrace::from(Text::from(id)),
        None => CurrentTrace::get(),
    };
    let span_id = extra.get(SPAN_ID_FIELD).and_then(Json::as_str).and_then(|id| SpanId::parse(id).ok());
    if span_id.is_some() {
        extra.shift_remove(SPAN_ID_FIELD);
    }
    let mut bridged = |name: &str| match extra.shift_remove(name) {
        Some(Json::String(text)) => Some(text),
        _ => None,
    };
    // Records of the `log` crate come over a bridge and carry their place as fields.
    let (target, _, file) = (bridged("log.target"), bridged("log.module_path"), bridged("log.file"));
    let line = extra.shift_remove("log.line").and_then(|line| u32::try_from(line.as_u64()?).ok());
    let module = target.unwrap_or_else(|| metadata.target().to_owned());
    let message = message.or_else(|| error.as_ref().map(|error| error.message.clone()));
    let mut entry = LogEntry {
        time: Nanos::now(),
        level: severity(*metadata.level()),
        message: message.unwrap_or_default(),
        thread: thread_name(),
        trace_id: current.id,
        span_id: span_id.or(current.span_id),
        caller: None,
        details: None,
    };
    let file = file.map(Cow::Owned).or(metadata.file().map(Cow::Borrowed));
    let line = line.or(metadata.line()).unwrap_or(0);
    let details = entry.details();
    if let Some(error) = error {
        let file = file.as_deref().unwrap_or("unknown");
        details.stack_trace = Some(error.stack(Some(&module), file, line));
        (details.error_type, details.error_message) = (Some(error.kind), Some(error.message));
    }
    details.module = Some(Text::from(module));
    details.extra = Extra::from(extra);
    entry.caller = file.filter(|_| entry.level >= Severity::Error).map(|file| Caller { file, line });
    entry
}

fn severity(level: Level) -> Severity {
    match level {
        Level::TRACE => Severity::Trace,
        Level::DEBUG => Severity::Debug,
        Level::INFO => Severity::Info,
        Level::WARN => Severity::Warn,
        Level::ERROR => Severity::Error,
    }
}

/// Held while an event is taken in, because what that logs is no event.
struct Reentry;

impl Reentry {
    fn enter() -> Option<Reentry> {
        let is_free = !is_own_thread() && !IS_LOGGING.try_with(|is_logging| is_logging.replace(true)).unwrap_or(true);
        is_free.then_some(Reentry)
    }
}

impl Drop for Reentry {
    fn drop(&mut self) {
        let _ = IS_LOGGING.try_with(|is_logging| is_logging.set(false));
    }
}

/// The fields of an event or a span as JSON.
#[derive(Default)]
struct Fields {
    message: Option<String>,
    error: Option<ErrorText>,
    values: Map<String, Json>,
}

impl Fields {
    fn insert(&mut self, field: &Field, value: Json) {
        self.values.insert(field.name().to_owned(), value);
    }

    /// All values; a message is among them under its name.
    fn into_values(mut self) -> Map<String, Json> {
        if let Some(message) = self.message {
            self.values.insert("message".to_owned(), Json::String(message));
        }
        self.values
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = Some(value.to_owned()),
            _ => self.insert(field, Json::from(value)),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.insert(field, Json::from(value.to_string()));
        self.error.get_or_insert_with(|| ErrorText::from_error(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, Json::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, Json::from(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.insert(field, i64::try_from(value).map_or_else(|_| Json::from(value.to_string()), Json::from));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.insert(field, u64::try_from(value).map_or_else(|_| Json::from(value.to_string()), Json::from));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no NaN.
        self.insert(field, if value.is_finite() { json!(value) } else { Json::from(value.to_string()) });
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, Json::from(value));
    }
}
