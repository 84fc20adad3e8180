//! Properties, with `prost` and the generated types of `opentelemetry-proto` as the judge of protobuf.
//!
//! Our decoder and `prost` differ on purpose in three places: text that is not UTF-8 is mended where `prost` refuses, and,
//! which no input here reaches, values nested deeper than [`crate::model::value::MAX_VALUE_DEPTH`] are cut, and groups may
//! nest 100 deep wherever they begin.

use std::fmt::Debug;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1 as proto_logs;
use opentelemetry_proto::tonic::resource::v1 as proto_resource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::{Value as Json, json};

use crate::decode::body::MediaType;
use crate::decode::otlp::{logs, metrics, traces};
use crate::model::{
    Attributes, Event, INVALID_PARENT_ATTRIBUTE, Kind, Link, Nanos, Resource, Scope, Span, SpanId, Status, StatusCode,
    Text, TraceId, Value,
};

// What senders send.

fn word() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z.]{1,12}", Just("service.name".to_owned()), "\\PC{0,6}", "[\"\\\\\n\t]{1,3}"]
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    use any_value::Value::*;
    let leaf = prop_oneof![
        Just(None),
        word().prop_map(|text| Some(StringValue(text))),
        any::<bool>().prop_map(|value| Some(BoolValue(value))),
        any::<i64>().prop_map(|number| Some(IntValue(number))),
        prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::NEG_INFINITY), Just(-0.0), Just(1e300)]
            .prop_map(|number| Some(DoubleValue(number))),
        vec(any::<u8>(), 0..5).prop_map(|bytes| Some(BytesValue(bytes))),
    ];
    let leaf = leaf.prop_map(|value| AnyValue { value });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3)
                .prop_map(|values| AnyValue { value: Some(ArrayValue(self::ArrayValue { values })) }),
            vec((word(), option::of(inner)), 0..3).prop_map(|pairs| AnyValue {
                value: Some(KvlistValue(KeyValueList { values: pairs.into_iter().map(key_value).collect() }))
            }),
        ]
    })
}

fn key_value((key, value): (String, Option<AnyValue>)) -> KeyValue {
    KeyValue { key, value, ..Default::default() }
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((word(), option::weighted(0.9, any_value())).prop_map(key_value), 0..4)
}

/// Mostly valid ids of this length, some of another, some zero, some absent.
fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        12 => vec(1_u8.., length),
        1 => vec(any::<u8>(), 0..20),
        1 => Just(vec![0; length]),
    ]
}

prop_compose! {
    fn event()(time_unix_nano: u64, name in word(), attributes in attributes(), dropped_attributes_count: u32) -> proto::span::Event {
        proto::span::Event { time_unix_nano, name, attributes, dropped_attributes_count }
    }
}

prop_compose! {
    fn link()(trace_id in id(16), span_id in id(8), trace_state in word(), attributes in attributes(), counts: [u32; 2]) -> proto::span::Link {
        proto::span::Link { trace_id, span_id, trace_state, attributes, dropped_attributes_count: counts[0], flags: counts[1] }
    }
}

prop_compose! {
    fn span()(
        ids in (id(16), id(8), prop_oneof![Just(vec![]), id(8)]),
        texts in (word(), word()),
        kind in -1..7_i32,
        times: [u64; 2],
        attributes in attributes(),
        events in vec(event(), 0..2),
        links in vec(link(), 0..2),
        counts: [u32; 4],
        status in option::of((word(), -1..4_i32)),
    ) -> proto::Span {
        let (trace_id, span_id, parent_span_id) = ids;
        let (trace_state, name) = texts;
        let status = status.map(|(message, code)| proto::Status { message, code });
        let [dropped_attributes_count, dropped_events_count, dropped_links_count, flags] = counts;
        proto::Span {
            trace_id, span_id, trace_state, parent_span_id, flags, name, kind, start_time_unix_nano: times[0],
            end_time_unix_nano: times[1], attributes, dropped_attributes_count, events, dropped_events_count, links,
            dropped_links_count, status,
        }
    }
}

prop_compose! {
    fn resource()(attributes in attributes(), dropped_attributes_count: u32) -> proto_resource::Resource {
        proto_resource::Resource { attributes, dropped_attributes_count, entity_refs: vec![] }
    }
}

prop_compose! {
    fn scope()(name in word(), version in word(), attributes in attributes(), dropped_attributes_count: u32) -> InstrumentationScope {
        InstrumentationScope { name, version, attributes, dropped_attributes_count }
    }
}

fn trace_request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope_spans = (option::of(scope()), vec(span(), 0..3), word())
        .prop_map(|(scope, spans, schema_url)| proto::ScopeSpans { scope, spans, schema_url });
    let resource_spans = (option::of(resource()), vec(scope_spans, 0..3), word())
        .prop_map(|(resource, scope_spans, schema_url)| proto::ResourceSpans { resource, scope_spans, schema_url });
    vec(resource_spans, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

prop_compose! {
    fn log_record()(
        times: [u64; 2],
        severity_number in -1..26_i32,
        texts in (word(), word()),
        body in option::of(any_value()),
        attributes in attributes(),
        counts: [u32; 2],
        trace_id in id(16),
        span_id in id(8),
    ) -> proto_logs::LogRecord {
        let (severity_text, event_name) = texts;
        proto_logs::LogRecord {
            time_unix_nano: times[0], observed_time_unix_nano: times[1], severity_number, severity_text, body, attributes,
            dropped_attributes_count: counts[0], flags: counts[1], trace_id, span_id, event_name,
        }
    }
}

fn log_request() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scope_logs = (option::of(scope()), vec(log_record(), 0..3), word())
        .prop_map(|(scope, log_records, schema_url)| proto_logs::ScopeLogs { scope, log_records, schema_url });
    let resource_logs = (option::of(resource()), vec(scope_logs, 0..3), word())
        .prop_map(|(resource, scope_logs, schema_url)| proto_logs::ResourceLogs { resource, scope_logs, schema_url });
    vec(resource_logs, 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

// What must become of it: the plain translation of prost's structs.

fn model_value(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        None | Some(any_value::Value::StringValueStrindex(_)) => Value::Empty,
        Some(any_value::Value::StringValue(text)) => Value::from(text.as_str()),
        Some(any_value::Value::BoolValue(value)) => Value::Bool(*value),
        Some(any_value::Value::IntValue(number)) => Value::Int(*number),
        Some(any_value::Value::DoubleValue(number)) => Value::Double(*number),
        Some(any_value::Value::BytesValue(bytes)) => Value::Bytes(Bytes::from(bytes.clone())),
        Some(any_value::Value::ArrayValue(array)) => {
            Value::Array(array.values.iter().map(|value| model_value(Some(value))).collect())
        }
        Some(any_value::Value::KvlistValue(map)) => Value::Map(model_pairs(&map.values)),
    }
}

fn model_pairs(pairs: &[KeyValue]) -> Vec<(Text, Value)> {
    pairs.iter().map(|pair| (Text::from(pair.key.as_str()), model_value(pair.value.as_ref()))).collect()
}

fn model_resource(group: &proto::ResourceSpans) -> Arc<Resource> {
    let sent = group.resource.clone().unwrap_or_default();
    let mut resource = Resource::new(Attributes(model_pairs(&sent.attributes)));
    resource.dropped_attributes = sent.dropped_attributes_count;
    resource.schema_url = Text::from(group.schema_url.as_str());
    Arc::new(resource)
}

fn model_scope(group: &proto::ScopeSpans) -> Arc<Scope> {
    let sent = group.scope.clone().unwrap_or_default();
    Arc::new(Scope {
        name: sent.name.into(),
        version: sent.version.into(),
        attributes: Attributes(model_pairs(&sent.attributes)),
        dropped_attributes: sent.dropped_attributes_count,
        schema_url: Text::from(group.schema_url.as_str()),
    })
}

/// `None` when its ids are not valid.
fn model_span(sent: &proto::Span, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Option<Span> {
    let event = |event: &proto::span::Event| Event {
        time: Nanos(event.time_unix_nano),
        name: Text::from(event.name.as_str()),
        attributes: Attributes(model_pairs(&event.attributes)),
        dropped_attributes: event.dropped_attributes_count,
    };
    let link = |link: &proto::span::Link| Link {
        trace_id: TraceId::from_otel_bytes(&link.trace_id).ok(),
        span_id: SpanId::from_bytes(&link.span_id).ok(),
        trace_state: Text::from(link.trace_state.as_str()),
        attributes: Attributes(model_pairs(&link.attributes)),
        dropped_attributes: link.dropped_attributes_count,
        flags: link.flags,
    };
    let parent_span_id = SpanId::from_bytes(&sent.parent_span_id).ok();
    let mut attributes = model_pairs(&sent.attributes);
    if parent_span_id.is_none() && sent.parent_span_id.iter().any(|byte| *byte != 0) {
        let told = crate::model::id::to_hex(&sent.parent_span_id);
        attributes.push((Text::from(INVALID_PARENT_ATTRIBUTE), Value::from(told.as_str())));
    }
    let status = sent.status.clone().unwrap_or_default();
    Some(Span {
        trace_id: TraceId::from_otel_bytes(&sent.trace_id).ok()?,
        span_id: SpanId::from_bytes(&sent.span_id).ok()?,
        parent_span_id,
        trace_state: Text::from(sent.trace_state.as_str()),
        flags: sent.flags,
        name: Text::from(sent.name.as_str()),
        kind: Kind::from_number(sent.kind.into()),
        start: Nanos(sent.start_time_unix_nano),
        end: Nanos(sent.end_time_unix_nano),
        attributes: Attributes(attributes),
        dropped_attributes: sent.dropped_attributes_count,
        events: sent.events.iter().map(event).collect(),
        dropped_events: sent.dropped_events_count,
        links: sent.links.iter().map(link).collect(),
        dropped_links: sent.dropped_links_count,
        status: Status { code: StatusCode::from_number(status.code.into()), message: status.message.into() },
        resource: resource.clone(),
        scope: scope.clone(),
    })
}

/// The spans to keep, and the places of the others.
fn model_spans(request: &ExportTraceServiceRequest) -> (Vec<Span>, Vec<usize>) {
    let (mut kept, mut rejected) = (Vec::new(), Vec::new());
    for group in &request.resource_spans {
        let resource = model_resource(group);
        for group in &group.scope_spans {
            let scope = model_scope(group);
            for sent in &group.spans {
                match model_span(sent, &resource, &scope) {
                    Some(span) => kept.push(span),
                    None => rejected.push(kept.len() + rejected.len()),
                }
            }
        }
    }
    (kept, rejected)
}

// The same as OTLP/JSON.

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn json_value(value: Option<&AnyValue>) -> Json {
    use any_value::Value::*;
    match value.and_then(|value| value.value.as_ref()) {
        None | Some(StringValueStrindex(_)) => json!({}),
        Some(StringValue(text)) => json!({"stringValue": text}),
        Some(BoolValue(value)) => json!({"boolValue": value}),
        Some(IntValue(number)) => json!({"intValue": number.to_string()}),
        Some(DoubleValue(number)) if number.is_nan() => json!({"doubleValue": "NaN"}),
        Some(DoubleValue(number)) if number.is_infinite() && *number > 0.0 => json!({"doubleValue": "Infinity"}),
        Some(DoubleValue(number)) if number.is_infinite() => json!({"doubleValue": "-Infinity"}),
        Some(DoubleValue(number)) => json!({"doubleValue": number.to_string()}),
        Some(BytesValue(bytes)) => json!({"bytesValue": STANDARD.encode(bytes)}),
        Some(ArrayValue(array)) => {
            let values: Vec<Json> = array.values.iter().map(|value| json_value(Some(value))).collect();
            json!({"arrayValue": {"values": values}})
        }
        Some(KvlistValue(map)) => json!({"kvlistValue": {"values": json_pairs(&map.values)}}),
    }
}

fn json_pairs(pairs: &[KeyValue]) -> Json {
    pairs.iter().map(|pair| json!({"key": pair.key, "value": json_value(pair.value.as_ref())})).collect()
}

fn json_resource(resource: Option<&proto_resource::Resource>) -> Json {
    resource.map_or(Json::Null, |resource| {
        json!({
            "attributes": json_pairs(&resource.attributes),
            "droppedAttributesCount": resource.dropped_attributes_count,
        })
    })
}

fn json_scope(scope: Option<&InstrumentationScope>) -> Json {
    scope.map_or(Json::Null, |scope| {
        json!({
            "name": scope.name, "version": scope.version, "attributes": json_pairs(&scope.attributes),
            "droppedAttributesCount": scope.dropped_attributes_count,
        })
    })
}

fn json_span(span: &proto::Span) -> Json {
    let event = |event: &proto::span::Event| {
        json!({
            "timeUnixNano": event.time_unix_nano, "name": event.name, "attributes": json_pairs(&event.attributes),
            "droppedAttributesCount": event.dropped_attributes_count,
        })
    };
    let link = |link: &proto::span::Link| {
        json!({
            "traceId": hex(&link.trace_id), "spanId": hex(&link.span_id), "traceState": link.trace_state,
            "attributes": json_pairs(&link.attributes), "droppedAttributesCount": link.dropped_attributes_count,
            "flags": link.flags,
        })
    };
    json!({
        "traceId": hex(&span.trace_id), "spanId": hex(&span.span_id), "parentSpanId": hex(&span.parent_span_id),
        "traceState": span.trace_state, "flags": span.flags, "name": span.name, "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(), "endTimeUnixNano": span.end_time_unix_nano,
        "attributes": json_pairs(&span.attributes), "droppedAttributesCount": span.dropped_attributes_count,
        "events": span.events.iter().map(event).collect::<Vec<_>>(), "droppedEventsCount": span.dropped_events_count,
        "links": span.links.iter().map(link).collect::<Vec<_>>(), "droppedLinksCount": span.dropped_links_count,
        "status": span.status.as_ref().map(|status| json!({"code": status.code, "message": status.message})),
    })
}

fn json_trace_request(request: &ExportTraceServiceRequest) -> Bytes {
    let scope_spans = |group: &proto::ScopeSpans| {
        let spans: Vec<Json> = group.spans.iter().map(json_span).collect();
        json!({"scope": json_scope(group.scope.as_ref()), "spans": spans, "schemaUrl": group.schema_url})
    };
    let resource_spans = |group: &proto::ResourceSpans| {
        let groups: Vec<Json> = group.scope_spans.iter().map(scope_spans).collect();
        json!({"resource": json_resource(group.resource.as_ref()), "scopeSpans": groups, "schemaUrl": group.schema_url})
    };
    let groups: Vec<Json> = request.resource_spans.iter().map(resource_spans).collect();
    Bytes::from(json!({"resourceSpans": groups}).to_string())
}

fn json_log_request(request: &ExportLogsServiceRequest) -> Bytes {
    let record = |log: &proto_logs::LogRecord| {
        json!({
            "timeUnixNano": log.time_unix_nano.to_string(), "observedTimeUnixNano": log.observed_time_unix_nano,
            "severityNumber": log.severity_number, "severityText": log.severity_text,
            "body": json_value(log.body.as_ref()), "attributes": json_pairs(&log.attributes), "flags": log.flags,
            "traceId": hex(&log.trace_id), "spanId": hex(&log.span_id), "eventName": log.event_name,
        })
    };
    let scope_logs = |group: &proto_logs::ScopeLogs| {
        let records: Vec<Json> = group.log_records.iter().map(record).collect();
        json!({"scope": json_scope(group.scope.as_ref()), "logRecords": records, "schemaUrl": group.schema_url})
    };
    let resource_logs = |group: &proto_logs::ResourceLogs| {
        let groups: Vec<Json> = group.scope_logs.iter().map(scope_logs).collect();
        json!({"resource": json_resource(group.resource.as_ref()), "scopeLogs": groups, "schemaUrl": group.schema_url})
    };
    let groups: Vec<Json> = request.resource_logs.iter().map(resource_logs).collect();
    Bytes::from(json!({"resourceLogs": groups}).to_string())
}

// How bytes break.

#[derive(Debug, Clone)]
enum Damage {
    Set(prop::sample::Index, u8),
    FlipBit(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let place = any::<prop::sample::Index>;
    let one = prop_oneof![
        3 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        6 => (place(), 0..8_u8).prop_map(|(at, bit)| Damage::FlipBit(at, bit)),
        1 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => place().prop_map(Damage::Remove),
        1 => place().prop_map(Damage::Cut),
    ];
    vec(one, 1..4)
}

fn damaged(mut bytes: Vec<u8>, damage: &[Damage]) -> Vec<u8> {
    for one in damage {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match one {
            Damage::Set(at, byte) => bytes[at.index(length)] = *byte,
            Damage::FlipBit(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Damage::Insert(at, byte) => bytes.insert(at.index(length), *byte),
            Damage::Remove(at) => _ = bytes.remove(at.index(length)),
            Damage::Cut(at) => bytes.truncate(at.index(length)),
        }
    }
    bytes
}

/// As text, because NaN is not equal to itself.
fn as_text(value: &impl Debug) -> String {
    format!("{value:?}")
}

fn check_spans(body: &Bytes, media: MediaType, request: &ExportTraceServiceRequest) -> Result<(), TestCaseError> {
    let decoded = traces(body, media).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let (kept, rejected) = model_spans(request);
    prop_assert_eq!(as_text(&decoded.batch.spans), as_text(&kept));
    prop_assert_eq!(decoded.rejected.iter().map(|one| one.index).collect::<Vec<_>>(), rejected);
    Ok(())
}

fn decode_as_everything(body: &Bytes) {
    for media in [MediaType::Protobuf, MediaType::Json] {
        _ = traces(body, media);
        _ = logs(body, media);
        _ = metrics(body, media);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_prost_encodes_is_decoded_as_it_was_and_so_is_its_json(request in trace_request()) {
        check_spans(&Bytes::from(request.encode_to_vec()), MediaType::Protobuf, &request)?;
        check_spans(&json_trace_request(&request), MediaType::Json, &request)?;
    }

    #[test]
    fn logs_are_the_same_from_protobuf_and_json(request in log_request()) {
        let from_protobuf = logs(&Bytes::from(request.encode_to_vec()), MediaType::Protobuf).expect("valid");
        let from_json = logs(&json_log_request(&request), MediaType::Json).expect("valid");
        prop_assert_eq!(as_text(&from_protobuf), as_text(&from_json));
        let sent: usize = request.resource_logs.iter().flat_map(|group| &group.scope_logs).map(|group| group.log_records.len()).sum();
        prop_assert_eq!(from_protobuf.batch.logs.len(), sent);
    }

    #[test]
    fn any_bytes_decode_to_something_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        decode_as_everything(&Bytes::from(bytes));
    }

    #[test]
    fn damaged_json_decodes_to_something_or_an_error(request in trace_request(), damage in damage()) {
        decode_as_everything(&Bytes::from(damaged(json_trace_request(&request).to_vec(), &damage)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_protobuf_is_taken_and_refused_as_prost_does(request in trace_request(), damage in damage()) {
        let bytes = damaged(request.encode_to_vec(), &damage);
        let body = Bytes::from(bytes);
        match ExportTraceServiceRequest::decode(body.clone()) {
            Ok(request) => check_spans(&body, MediaType::Protobuf, &request)?,
            Err(refusal) => {
                let is_taken_whole = traces(&body, MediaType::Protobuf).is_ok_and(|decoded| decoded.mended.not_utf8 == 0);
                prop_assert!(!is_taken_whole, "prost: {}", refusal);
            }
        }
    }

    #[test]
    fn damaged_logs_are_taken_and_refused_as_prost_does(request in log_request(), damage in damage()) {
        let body = Bytes::from(damaged(request.encode_to_vec(), &damage));
        let judge = ExportLogsServiceRequest::decode(body.clone());
        match logs(&body, MediaType::Protobuf) {
            Ok(decoded) => prop_assert!(judge.is_ok() || decoded.mended.not_utf8 > 0, "prost: {:?}", judge.err()),
            Err(error) => prop_assert!(judge.is_err(), "{}", error),
        }
    }
}
