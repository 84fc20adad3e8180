//! Spans, and what they share with log records: the resource and the scope they came from.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::document::{Codec, FromJson, Result, document, object};
use super::scalar::{KnownWord, Lenient, NullIfEmpty, NullIfZero};
use super::value::attributes_from_json;
use crate::model::time::nanos_to_ms;
use crate::model::{Event, Link, Nanos, Resource, Scope, Span, Status, display_name};

// The id of its trace is not in it, because most spans lie in the document of their trace. Whoever reads it back has to
// see to it that `trace_id` stands there.
document! {
    Span as span {
        "span_id": span_id,
        "parent_span_id": parent_span_id as Lenient,
        "name": name,
        "kind": kind as KnownWord,
        "service" = span.service(),
        "start_time": start,
        "end_time": end as NullIfZero,
        "duration_ms" = known_duration_ns(span).map(nanos_to_ms),
        "duration_ns" = known_duration_ns(span),
        "self_ms" = 0.0,
        "status" = span.status.code,
        "status_message" = NullIfEmpty::write(&span.status.message),
        "attributes": attributes,
        "events": events,
        "links": links,
        "resource" = span.resource.attributes,
        "scope": scope,
        "warnings" = [(); 0],
        "trace_state": trace_state as NullIfEmpty,
        "flags": flags as Lenient,
        "dropped_attributes_count": dropped_attributes as Lenient,
        "dropped_events_count": dropped_events as Lenient,
        "dropped_links_count": dropped_links as Lenient,
        "resource_schema_url" = NullIfEmpty::write(&span.resource.schema_url),
        "odd_time" = false,
        "display_name" = display_name(span),
    }
    from(json) {
        trace_id: FromJson::from_json(&json["trace_id"], "trace_id")?,
        status: Status {
            code: KnownWord::read(&json["status"], "status")?,
            message: Lenient::read(&json["status_message"], "status_message")?,
        },
        resource: read_resource(json)?,
    }
}

/// How long a span took; `None` when it does not say when it started or ended.
fn known_duration_ns(span: &Span) -> Option<u64> {
    (span.start > Nanos(0) && span.end > Nanos(0)).then(|| span.duration_ns())
}

/// A span with what a query found out about it: how long it ran itself, and what is odd about it.
pub fn span_to_json(span: &Span, self_ns: u64, warnings: &[String]) -> Map<String, Json> {
    let mut json = object(span);
    json.insert("self_ms".to_owned(), json!(nanos_to_ms(self_ns)));
    json.insert("warnings".to_owned(), json!(warnings));
    json
}

document! {
    Scope as scope {
        "name": name as Lenient,
        "version": version as Lenient,
        "attributes": attributes,
        "schema_url": schema_url as NullIfEmpty,
    }
    from(json) { dropped_attributes: 0 }
}

document! {
    Event as event {
        "time": time,
        "name": name,
        "attributes": attributes,
        "dropped_attributes_count": dropped_attributes as Lenient,
    }
    from(json) {}
}

document! {
    Link as link {
        "trace_id": trace_id as Lenient,
        "span_id": span_id as Lenient,
        "attributes": attributes,
        "trace_state": trace_state as NullIfEmpty,
        "flags": flags as Lenient,
        "dropped_attributes_count": dropped_attributes as Lenient,
    }
    from(json) {}
}

/// Reads the resource of a span or a log record, whose service and schema stand beside its attributes.
pub(super) fn read_resource(json: &Json) -> Result<Arc<Resource>> {
    Ok(Arc::new(Resource {
        service: FromJson::from_json(&json["service"], "service")?,
        schema_url: Lenient::read(&json["resource_schema_url"], "resource_schema_url")?,
        ..Resource::new(attributes_from_json(&json["resource"]))
    }))
}
