//! Records for tests: a generator that reaches every field and every corner, and comparison that knows NaN.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::Record;
use super::logs::log_rows::severity;
use crate::model::{
    Attributes, Checkpoint, Direction, Event, Kind, Link, LogRecord, Nanos, Resource, Scope, Span, SpanId, Status,
    StatusCode, Text, TraceId, Value,
};

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        4 => "[a-c]{0,2}".prop_map(Text::from),
        2 => any::<String>().prop_map(Text::from),
        1 => (b'a'..=b'c', 200..600usize).prop_map(|(byte, len)| Text::from(char::from(byte).to_string().repeat(len))),
    ]
}

fn key() -> impl Strategy<Value = Text> {
    prop_oneof![
        6 => prop::sample::select(vec!["http.route", "db.rows", "gen_ai.request.model", "a", "service.name", ""])
            .prop_map(Text::from_static),
        1 => text(),
    ]
}

fn time() -> impl Strategy<Value = Nanos> {
    prop_oneof![
        5 => (1_780_000_000_000_000_000..1_780_000_001_000_000_000u64).prop_map(Nanos),
        1 => any::<u64>().prop_map(Nanos),
        1 => prop::sample::select(vec![0, 1, u64::MAX]).prop_map(Nanos),
    ]
}

/// Any value.
pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        text().prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -5..5i64].prop_map(Value::Int),
        any::<u64>().prop_map(|bits| Value::Double(f64::from_bits(bits))),
        prop::sample::select(vec![f64::NAN, -f64::NAN, f64::INFINITY, 0.0, -0.0, 1.5]).prop_map(Value::Double),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::Array), vec((key(), inner), 0..4).prop_map(Value::Map),]
    })
}

fn attributes(most: usize) -> impl Strategy<Value = Attributes> {
    vec((key(), value()), 0..=most).prop_map(Attributes)
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    prop_oneof![
        4 => (0..4u8).prop_map(|low| TraceId::Otel([low; 16])),
        1 => any::<[u8; 16]>().prop_map(TraceId::Otel),
        2 => text().prop_map(TraceId::Text),
    ]
}

fn span_id() -> impl Strategy<Value = SpanId> {
    prop_oneof![3 => (1..8u8).prop_map(|low| SpanId([0, 0, 0, 0, 0, 0, 0, low])), 1 => any::<[u8; 8]>().prop_map(SpanId)]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![6 => Just(0), 1 => any::<u32>()]
}

fn event() -> impl Strategy<Value = Event> {
    (time(), text(), attributes(3), count()).prop_map(|(time, name, attributes, dropped_attributes)| Event {
        time,
        name,
        attributes,
        dropped_attributes,
    })
}

fn link() -> impl Strategy<Value = Link> {
    (option::of(trace_id()), option::of(span_id()), text(), attributes(2), count(), count()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes,
            flags,
        },
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    (text(), attributes(3), count(), text()).prop_map(|(service, attributes, dropped_attributes, schema_url)| {
        Resource { service, attributes, dropped_attributes, schema_url }
    })
}

fn scope() -> impl Strategy<Value = Scope> {
    (text(), text(), attributes(2), count(), text()).prop_map(
        |(name, version, attributes, dropped_attributes, schema_url)| Scope {
            name,
            version,
            attributes,
            dropped_attributes,
            schema_url,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (trace_id(), span_id(), option::of(span_id()), prop_oneof![3 => Just(Text::EMPTY), 1 => text()], count());
    let times = (prop_oneof![3 => (0..9u8).prop_map(|n| Text::from(format!("op {n}"))), 1 => text()], time(), time());
    let small = (0..6i64, 0..3i64, prop_oneof![3 => Just(Text::EMPTY), 1 => text()]);
    let lists = (attributes(8), vec(event(), 0..3), vec(link(), 0..3));
    let shared = (resource(), scope(), [count(), count(), count()]);
    (ids, times, small, lists, shared).prop_map(|(ids, times, small, lists, shared)| Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent_span_id: ids.2,
        trace_state: ids.3,
        flags: ids.4,
        name: times.0,
        kind: Kind::from_number(small.0),
        start: times.1,
        end: times.2,
        attributes: lists.0,
        dropped_attributes: shared.2[0],
        events: lists.1,
        dropped_events: shared.2[1],
        links: lists.2,
        dropped_links: shared.2[2],
        status: Status { code: StatusCode::from_number(small.1), message: small.2 },
        resource: Arc::new(shared.0),
        scope: Arc::new(shared.1),
    })
}

/// Any spans; some share resource and scope, as they do in life.
pub fn spans(most: usize) -> impl Strategy<Value = Vec<Span>> {
    vec((span(), any::<bool>()), 0..=most).prop_map(|spans| {
        let mut out: Vec<Span> = Vec::new();
        for (mut span, share) in spans {
            if let Some(last) = out.last().filter(|_| share) {
                span.resource = last.resource.clone();
                span.scope = last.scope.clone();
                span.attributes.0.extend(last.attributes.0.iter().take(4).cloned());
            }
            out.push(span);
        }
        out
    })
}

/// Milliseconds as clients send them, and as they should not.
fn timestamp() -> impl Strategy<Value = f64> {
    let now = 1_795_246_123_000_u64..1_795_246_124_000;
    prop_oneof![
        2 => now.clone().prop_map(|ms| ms as f64),
        2 => (now.clone(), 0..1000_u64).prop_map(|(ms, us)| (ms * 1000 + us) as f64 / 1000.0),
        2 => (now, any::<f64>()).prop_map(|(ms, part)| ms as f64 + (part.abs() % 1.0)),
        1 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -0.0, 1.1, -5.25, f64::MAX, f64::NAN]),
    ]
}

fn correlated() -> impl Strategy<Value = (Text, TraceId)> {
    let uuid = "123e4567-e89b-42d3-a456-42661417400";
    let id = prop_oneof![
        3 => "[a-c]{1,2}".prop_map(String::from),
        2 => (0..4_u8).prop_map(move |last| format!("{uuid}{last}")),
        1 => (0..4_u8).prop_map(move |last| format!("{uuid}{last}").to_uppercase()),
        1 => (0..4_u8).prop_map(move |last| format!("{uuid}{last}").replace('-', "")),
        1 => any::<String>(),
    ];
    id.prop_map(|id| {
        let trace_id = TraceId::parse(&id).unwrap_or(TraceId::Text(Text::from_static("-")));
        (Text::from(id), trace_id)
    })
}

fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    let direction = prop_oneof![3 => Just(Direction::Enter), 3 => Just(Direction::Exit), 1 => text().prop_map(|text| Direction::parse(&text))];
    let texts = (text(), text(), text(), text(), text());
    let project = prop_oneof![3 => Just(Text::EMPTY), 1 => text()];
    (correlated(), timestamp(), direction, texts, option::of(text()), option::of(text()), project).prop_map(
        |((correlation_id, trace_id), timestamp_ms, direction, texts, data, raw_line, project)| Checkpoint {
            source_id: texts.0,
            correlation_id,
            trace_id,
            timestamp_ms,
            suffix: texts.1,
            direction,
            operation: texts.2,
            endpoint: texts.3,
            data,
            hostname: texts.4,
            raw_line,
            project,
        },
    )
}

fn log() -> impl Strategy<Value = LogRecord> {
    let trace_id = trace_id().prop_filter("no empty id", |id| *id != super::NO_TRACE);
    let ids = (option::of(trace_id), option::of(span_id()));
    let request = prop_oneof![2 => Just(0), 1 => any::<u64>()];
    (time(), 0..6_u64, text(), ids, attributes(6), (resource(), scope()), request).prop_map(
        |(time, level, message, (trace_id, span_id), attributes, (resource, scope), request)| LogRecord {
            time,
            severity: severity(level).unwrap_or_default(),
            message,
            trace_id,
            span_id,
            attributes,
            resource: Arc::new(resource),
            scope: Arc::new(scope),
            request,
        },
    )
}

/// Any records of one kind.
pub fn records(most: usize) -> impl Strategy<Value = Vec<Record>> {
    prop_oneof![
        spans(most).prop_map(|spans| spans.into_iter().map(Record::Span).collect()),
        vec(checkpoint().prop_map(Record::Checkpoint), 0..=most),
        vec(log().prop_map(Record::Log), 0..=most),
    ]
}

/// Records as text that is equal exactly when they are, NaN bits included.
pub fn exact_records(records: &[Record]) -> Vec<String> {
    let exact = |record: &Record| match record {
        Record::Span(span) => exact(std::slice::from_ref(span)).concat(),
        Record::Checkpoint(checkpoint) => format!("{checkpoint:?} {:x}", checkpoint.timestamp_ms.to_bits()),
        Record::Log(log) => {
            let doubles = |attributes: &Attributes| attributes.iter().map(|(_, value)| bits(value)).collect::<String>();
            let lists = [&log.attributes, &log.resource.attributes, &log.scope.attributes];
            format!("{log:?} {:?}", lists.map(doubles))
        }
    };
    records.iter().map(exact).collect()
}

fn bits(value: &Value) -> String {
    match value {
        Value::Double(number) => format!("f64:{:x}", number.to_bits()),
        Value::Array(values) => format!("[{}]", values.iter().map(bits).collect::<Vec<_>>().join(",")),
        Value::Map(pairs) => {
            format!("{{{}}}", pairs.iter().map(|(k, v)| format!("{k:?}:{}", bits(v))).collect::<String>())
        }
        other => format!("{other:?}"),
    }
}

/// Spans as text that is equal exactly when they are, NaN bits included.
pub fn exact(spans: &[Span]) -> Vec<String> {
    let all = |attributes: &Attributes| attributes.iter().map(|(_, value)| bits(value)).collect::<Vec<_>>();
    let exact = |span: &Span| {
        let lists = [&span.attributes, &span.resource.attributes, &span.scope.attributes];
        let nested = span.events.iter().map(|event| &event.attributes).chain(span.links.iter().map(|l| &l.attributes));
        let values: Vec<_> = lists.into_iter().chain(nested).map(all).collect();
        format!("{span:?} {values:?}")
    };
    spans.iter().map(exact).collect()
}
