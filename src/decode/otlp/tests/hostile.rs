//! Input made to hurt: deep nesting, masses of nothing, scattered and merged fields.

use bytes::Bytes;

use super::json_traces;
use crate::decode::body::MediaType;
use crate::decode::otlp::node::MAX_NODES;
use crate::decode::otlp::{DecodeError, Decoded, MAX_MESSAGES, MAX_REASONS, Problem, traces};
use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{Attributes, Status, StatusCode, Value};

/// A field of wire type 2.
fn message(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(content);
    out
}

fn span(id: u8, rest: &[u8]) -> Vec<u8> {
    let content = [message(1, &[7; 16]), message(2, &[id; 8]), rest.to_vec()].concat();
    message(2, &content)
}

/// A request with these spans in one scope of one resource.
fn request(spans: &[Vec<u8>]) -> Bytes {
    Bytes::from(message(1, &message(2, &spans.concat())))
}

fn decode(body: &Bytes) -> Decoded {
    traces(body, MediaType::Protobuf).expect("well-formed")
}

/// An attribute whose value is `depth` arrays within each other.
fn nested_arrays(depth: usize) -> Vec<u8> {
    let mut value = message(1, b"core");
    for _ in 0..depth {
        value = message(5, &message(1, &value));
    }
    message(9, &[message(1, b"deep"), message(2, &value)].concat())
}

fn depth_of(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth_of).max().unwrap_or(0),
        _ => 0,
    }
}

#[test]
fn a_value_nested_too_deep_rejects_its_span_alone() {
    let body = request(&[
        span(1, &nested_arrays(MAX_VALUE_DEPTH)),
        span(2, &nested_arrays(MAX_VALUE_DEPTH + 1)),
        span(3, &nested_arrays(10_000)),
        span(4, b""),
    ]);
    let decoded = decode(&body);
    let kept: Vec<u8> = decoded.batch.spans.iter().map(|span| span.span_id.0[0]).collect();
    assert_eq!(kept, [1, 4]);
    assert_eq!(depth_of(&decoded.batch.spans[0].attributes.0[0].1), MAX_VALUE_DEPTH);
    let rejected: Vec<usize> = decoded.rejected.iter().map(|one| one.index).collect();
    assert_eq!(rejected, [1, 2]);
    assert!(decoded.rejected[0].reason.ends_with("is nested deeper than 32"), "{}", decoded.rejected[0].reason);
}

/// A request of one span whose attribute opens and closes this often.
fn nested_json(open: &str, close: &str, depth: usize) -> String {
    let (open, close) = (open.repeat(depth), close.repeat(depth));
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"0af7651916cd43dd8448eb211c80319c",
        "spanId":"b7ad6b7169203331","attributes":[{{"key":"k","value":{open}{close}}}]}}]}}]}}]}}"#
    )
}

#[test]
fn json_nested_too_deep_rejects_the_span_and_far_too_deep_the_request() {
    let arrays = |depth| nested_json(r#"{"arrayValue":{"values":["#, "]}}", depth);
    let deepest = json_traces(&arrays(MAX_VALUE_DEPTH));
    assert_eq!(depth_of(&deepest.batch.spans[0].attributes.0[0].1), MAX_VALUE_DEPTH);
    let deeper = json_traces(&arrays(MAX_VALUE_DEPTH + 1));
    assert_eq!((deeper.batch.len(), deeper.rejected.len()), (0, 1));
    let maps = |depth| nested_json(r#"{"kvlistValue":{"values":[{"key":"k","value":"#, "}]}}", depth);
    let maps = |depth| maps(depth).replace(r#""value":}"#, r#""value":{}}"#);
    assert_eq!(json_traces(&maps(29)).batch.len(), 1);
    for endless in [maps(30), maps(100_000), arrays(100_000)] {
        assert!(matches!(traces(&Bytes::from(endless), MediaType::Json), Err(DecodeError::Syntax(_))));
    }
}

#[test]
fn a_million_empty_resources_and_a_million_attributes_are_read_in_one_go() {
    let resources = Bytes::from([0x0a, 0].repeat(1_000_000));
    assert_eq!(decode(&resources), Decoded::default());
    let attributes = [0x4a, 0].repeat(1_000_000);
    let decoded = decode(&request(&[span(1, &attributes)]));
    assert_eq!(decoded.batch.spans[0].attributes.len(), 1_000_000);
}

#[test]
fn more_values_than_fit_into_memory_make_the_request_malformed() {
    let empty_attributes = |count: usize| request(&[span(1, &[0x4a, 0].repeat(count))]);
    // Around the attributes lie the messages of the resource, the scope and the span.
    let most = MAX_MESSAGES - 3;
    assert_eq!(decode(&empty_attributes(most)).batch.spans[0].attributes.len(), most);
    let Err(DecodeError::Wire(error)) = traces(&empty_attributes(most + 1), MediaType::Protobuf) else {
        panic!("malformed")
    };
    assert_eq!((error.message, error.problem), ("Span", Problem::TooMany));
    // The object and the array are values too.
    let numbers = |count: usize| Bytes::from(format!(r#"{{"a":[{}0]}}"#, "0,".repeat(count - 1)));
    let most = MAX_NODES - 2;
    assert_eq!(traces(&numbers(most), MediaType::Json).expect("as many as fit"), Decoded::default());
    let error = traces(&numbers(most + 1), MediaType::Json).expect_err("too many");
    assert!(matches!(&error, DecodeError::Syntax(_)) && error.to_string().contains("send fewer at once"), "{error}");
}

#[test]
fn masses_of_bad_spans_are_counted_and_only_the_first_explained() {
    let decoded = decode(&request(&[[0x12, 0].repeat(MAX_REASONS + 5)]));
    assert_eq!(decoded.rejected.len(), MAX_REASONS + 5);
    assert_eq!(decoded.rejected[MAX_REASONS - 1].index, MAX_REASONS - 1);
    assert_eq!(decoded.rejected[0].reason, r#"trace_id of span "" is not valid: id is 0 bytes long instead of 16"#);
    assert!(decoded.rejected[MAX_REASONS].reason.is_empty());
}

#[test]
fn a_long_name_is_not_quoted_whole() {
    let nameless = message(2, &message(5, "ü".repeat(5_000).as_bytes()));
    assert!(decode(&request(&[nameless])).rejected[0].reason.len() < 300);
}

#[test]
fn fields_in_any_order_scattered_and_sent_twice_are_merged() {
    let attribute = |key: &[u8], value: &[u8]| [message(1, key), message(2, &message(1, value))].concat();
    let status_message = message(15, &message(2, b"boom"));
    let status_code = message(15, &[0x18, 2]);
    let rest = [
        message(9, &attribute(b"a", b"1")),
        status_message,
        message(5, b"first name"),
        message(9, &attribute(b"b", b"2")),
        status_code,
        message(5, b"last name"),
    ]
    .concat();
    let scope_spans = [span(1, &rest), message(1, &message(1, b"scope after its spans"))].concat();
    let resource = |key: &[u8]| message(1, &message(1, &attribute(key, b"v")));
    let resource_spans = [resource(b"service.name"), message(2, &scope_spans), resource(b"other")].concat();
    let decoded = decode(&Bytes::from(message(1, &resource_spans)));
    let [span] = &decoded.batch.spans[..] else { panic!("one span") };
    assert_eq!(span.name, "last name");
    assert_eq!(span.attributes, Attributes::from_iter([("a", "1"), ("b", "2")]));
    assert_eq!(span.status, Status { code: StatusCode::Error, message: "boom".into() });
    assert_eq!(span.scope.name, "scope after its spans");
    assert_eq!(span.resource.attributes, Attributes::from_iter([("service.name", "v"), ("other", "v")]));
    assert_eq!(span.service().as_str(), "v");
}

#[test]
fn spans_of_one_scope_share_resource_scope_and_the_request_buffer() {
    let body = request(&[span(1, &message(5, b"one")), span(2, &message(5, b"two"))]);
    let spans = decode(&body).batch.spans;
    assert!(std::sync::Arc::ptr_eq(&spans[0].resource, &spans[1].resource));
    assert!(std::sync::Arc::ptr_eq(&spans[0].scope, &spans[1].scope));
    assert!(body.as_ptr_range().contains(&spans[1].name.as_str().as_ptr()));
}

#[test]
fn text_that_is_not_utf8_makes_the_request_malformed() {
    let body = request(&[span(1, b""), span(2, &message(5, b"\xff"))]);
    let Err(DecodeError::Wire(error)) = traces(&body, MediaType::Protobuf) else { panic!("malformed") };
    assert_eq!((error.message, error.field, error.problem), ("Span", 5, Problem::NotUtf8));
}
