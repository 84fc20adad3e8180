//! Input made to hurt: deep nesting, masses of nothing, scattered and merged fields.

use bytes::Bytes;

use super::json_traces;
use crate::decode::body::MediaType;
use crate::decode::otlp::node::MAX_NODES;
use crate::decode::otlp::{DecodeError, Decoded, MAX_MESSAGES, MAX_REASONS, Problem, logs, traces};
use crate::model::limits::{MAX_ATTRIBUTES, MAX_EVENTS, MAX_NAME_BYTES, TRUNCATED_ATTRIBUTE};
use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{Attributes, INVALID_PARENT_ATTRIBUTE, Status, StatusCode, Value};

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

/// Whether the value ends in what stands for one that is nested too deep.
fn is_cut(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(is_cut),
        Value::Map(pairs) => pairs.iter().any(|(_, value)| is_cut(value)),
        value => value.as_str() == Some("…"),
    }
}

#[test]
fn a_value_nested_too_deep_is_cut_at_the_limit_and_its_span_says_so() {
    let body = request(&[
        span(1, &nested_arrays(MAX_VALUE_DEPTH)),
        span(2, &nested_arrays(MAX_VALUE_DEPTH + 1)),
        span(3, &nested_arrays(63)),
        span(4, &nested_arrays(10_000)),
        span(5, b""),
    ]);
    let decoded = decode(&body);
    assert_eq!((decoded.batch.len(), decoded.mended.nested, decoded.rejected.len()), (5, 3, 0));
    for (place, span) in decoded.batch.spans.iter().enumerate().take(4) {
        let value = &span.attributes.0[0].1;
        assert_eq!((depth_of(value), is_cut(value)), (MAX_VALUE_DEPTH, place > 0));
        assert_eq!(span.attributes.text(TRUNCATED_ATTRIBUTE), (place > 0).then_some("nested values"));
    }
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
fn json_nested_too_deep_is_cut_at_the_limit_however_deep_it_is() {
    let arrays = |depth| nested_json(r#"{"arrayValue":{"values":["#, "]}}", depth);
    let deepest = json_traces(&arrays(MAX_VALUE_DEPTH));
    assert_eq!((depth_of(&deepest.batch.spans[0].attributes.0[0].1), deepest.mended.nested), (MAX_VALUE_DEPTH, 0));
    let maps = |depth| nested_json(r#"{"kvlistValue":{"values":[{"key":"k","value":"#, "}]}}", depth);
    let maps = |depth| maps(depth).replace(r#""value":}"#, r#""value":{}}"#);
    assert_eq!(json_traces(&maps(29)).mended.nested, 0);
    let mixed = |depth: usize| {
        let (open, close) = (r#"{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"k","value":"#, "}]}}]}}");
        nested_json(open, close, depth).replace(r#""value":}"#, r#""value":{}}"#)
    };
    for depth in [33, 40, 41, 42, 63, 64, 100, 10_000, 100_000] {
        for document in [arrays(depth), maps(depth), mixed(depth)] {
            let decoded = json_traces(&document);
            assert_eq!((decoded.batch.len(), decoded.mended.nested), (1, 1), "{depth}");
            let span = &decoded.batch.spans[0];
            assert!(is_cut(&span.attributes.0[0].1), "{depth}");
            assert_eq!(span.attributes.text(TRUNCATED_ATTRIBUTE), Some("nested values"));
        }
    }
    let elsewhere =
        json_traces(&format!(r#"{{"resourceSpans":[],"unknown":{}1{}}}"#, "[".repeat(9_999), "]".repeat(9_999)));
    assert_eq!(elsewhere, Decoded::default());
}

#[test]
fn a_million_empty_resources_and_a_million_attributes_are_read_in_one_go() {
    let resources = Bytes::from([0x0a, 0].repeat(1_000_000));
    assert_eq!(decode(&resources), Decoded::default());
    let attributes = [0x4a, 0].repeat(1_000_000);
    let decoded = decode(&request(&[span(1, &attributes)]));
    let span = &decoded.batch.spans[0];
    assert_eq!((span.attributes.len(), span.dropped_attributes), (MAX_ATTRIBUTES, 1_000_000 - MAX_ATTRIBUTES as u32));
    assert_eq!(decoded.mended.cuts.attributes, 1_000_000 - MAX_ATTRIBUTES as u64);
}

#[test]
fn more_values_than_fit_into_memory_make_the_request_malformed() {
    let empty_attributes = |count: usize| request(&[span(1, &[0x4a, 0].repeat(count))]);
    // Around the attributes lie the messages of the resource, the scope and the span.
    let most = MAX_MESSAGES - 3;
    let span = decode(&empty_attributes(most)).batch.spans.remove(0);
    assert_eq!(span.attributes.len() + span.dropped_attributes as usize, most);
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
fn text_that_is_not_utf8_is_mended_wherever_it_stands_and_its_neighbours_are_kept() {
    const ODD: &[u8] = b"caf\xe9";
    let attribute = |number: u8| message(number, &[message(1, ODD), message(2, &message(1, ODD))].concat());
    let odd = [
        message(3, ODD),
        message(5, ODD),
        attribute(9),
        message(11, &[message(2, ODD), attribute(3)].concat()),
        message(13, &[message(3, ODD), attribute(4)].concat()),
        message(15, &[message(2, ODD), vec![0x18, 2]].concat()),
    ]
    .concat();
    let scope = message(1, &[message(1, ODD), message(2, ODD)].concat());
    let service = message(1, &[message(1, b"service.name"), message(2, &message(1, ODD))].concat());
    let scope_spans = [scope, span(1, b""), span(2, &odd), span(3, b""), message(3, ODD)].concat();
    let resource_spans = [message(1, &service), message(2, &scope_spans), message(3, ODD)].concat();
    let decoded = decode(&Bytes::from(message(1, &resource_spans)));
    let [_, span, _] = &decoded.batch.spans[..] else { panic!("three spans") };
    let mended = "caf\u{fffd}";
    assert_eq!([&span.trace_state, &span.name, &span.status.message, span.service()], [mended; 4]);
    assert_eq!([&span.scope.name, &span.scope.version, &span.scope.schema_url, &span.resource.schema_url], [mended; 4]);
    assert_eq!([&span.events[0].name, &span.links[0].trace_state], [mended; 2]);
    for attributes in [&span.attributes, &span.events[0].attributes, &span.links[0].attributes] {
        assert_eq!(*attributes, Attributes::from_iter([(mended, mended)]));
    }
    assert_eq!((span.status.code, decoded.mended.not_utf8, decoded.rejected.len()), (StatusCode::Error, 16, 0));
}

#[test]
fn json_that_is_not_utf8_or_has_half_characters_is_mended_and_its_neighbours_are_kept() {
    let span = |id: u8, name: &str| {
        format!(
            r#"{{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"{id:016x}","name":"{name}",
            "attributes":[{{"key":"{name}","value":{{"stringValue":"{name}"}}}},{{"key":"big","value":{{"doubleValue":1e999}}}}]}}"#
        )
    };
    let document = |name: &str| {
        let spans = [span(1, "good"), span(2, name), span(3, "gut")].join(",");
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#)
    };
    let latin: Vec<u8> = document("caf@").bytes().map(|byte| if byte == b'@' { 0xe9 } else { byte }).collect();
    let half = document(r"caf\ud83d").into_bytes();
    let marked = [b"\xef\xbb\xbf".to_vec(), document("caf\u{fffd}").into_bytes()].concat();
    for (body, mended) in [(latin, 3), (half, 3), (marked, 0)] {
        let decoded = traces(&Bytes::from(body), MediaType::Json).expect("mended");
        let names: Vec<&str> = decoded.batch.spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!((names, decoded.mended.not_utf8), (vec!["good", "caf\u{fffd}", "gut"], mended));
        let attributes = &decoded.batch.spans[1].attributes;
        assert_eq!(attributes.text("caf\u{fffd}"), Some("caf\u{fffd}"));
        assert_eq!(attributes.get("big"), Some(&Value::Double(f64::INFINITY)));
    }
}

#[test]
fn what_old_versions_of_the_protocol_called_scopes_is_read() {
    let old_scope = [message(1, &message(1, b"library")), span(1, &message(5, b"old"))].concat();
    let field_1000 = |content: &[u8]| [&[0xc2, 0x3e][..], &message(0, content)[1..]].concat();
    let decoded = decode(&Bytes::from(message(1, &[field_1000(&old_scope), message(2, &span(2, b""))].concat())));
    let seen: Vec<_> = decoded.batch.spans.iter().map(|span| (span.name.as_str(), span.scope.name.as_str())).collect();
    assert_eq!(seen, [("old", "library"), ("", "")]);
    let old = |resource, scopes, records, record: &str| {
        format!(
            r#"{{"{resource}":[{{"{scopes}":[{{"instrumentationLibrary":{{"name":"library","version":"1"}},"{records}":[{record}]}}]}}]}}"#
        )
    };
    let record = r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"old"}"#;
    let spans = json_traces(&old("resourceSpans", "instrumentationLibrarySpans", "spans", record)).batch.spans;
    assert_eq!((spans[0].name.as_str(), spans[0].scope.name.as_str()), ("old", "library"));
    for records in ["logRecords", "logs"] {
        let body = old("resourceLogs", "instrumentationLibraryLogs", records, r#"{"body":{"stringValue":"old"}}"#);
        let logs = logs(&Bytes::from(body), MediaType::Json).expect("valid").batch.logs;
        assert_eq!((logs[0].message.as_str(), logs[0].scope.version.as_str()), ("old", "1"));
    }
}

#[test]
fn a_parent_that_is_no_id_makes_a_root_that_says_so() {
    let decoded = decode(&request(&[
        span(1, &message(4, &[9; 8])),
        span(2, &message(4, &[0; 8])),
        span(3, &message(4, &[0; 3])),
        span(4, &message(4, &[9; 7])),
        span(5, &message(4, &[9; 100])),
        span(6, &message(4, &[6; 8])),
    ]));
    assert_eq!((decoded.rejected.len(), decoded.mended.parents), (0, 2));
    let seen: Vec<_> = decoded
        .batch
        .spans
        .iter()
        .map(|span| {
            (span.parent_span_id.map(|id| id.0[0]), span.attributes.text(INVALID_PARENT_ATTRIBUTE).map(str::len))
        })
        .collect();
    assert_eq!(
        seen,
        [(Some(9), None), (None, None), (None, None), (None, Some(14)), (None, Some(64)), (Some(6), None)]
    );
}

#[test]
fn a_link_with_a_bad_id_is_kept_without_it() {
    let link = |trace_id: &[u8], span_id: &[u8]| message(13, &[message(1, trace_id), message(2, span_id)].concat());
    let decoded =
        decode(&request(&[span(1, &[link(&[7; 16], &[8; 8]), link(&[7; 3], &[8; 9]), link(&[], &[0; 8])].concat())]));
    let seen: Vec<_> =
        decoded.batch.spans[0].links.iter().map(|link| (link.trace_id.is_some(), link.span_id.is_some())).collect();
    assert_eq!((seen, decoded.mended.links), (vec![(true, true), (false, false), (false, false)], 2));
}

#[test]
fn a_trace_id_of_64_bits_is_the_one_with_zeros_before_it() {
    let short = message(2, &[message(1, &[7; 8]), message(2, &[1; 8])].concat());
    let spans = decode(&request(&[short])).batch.spans;
    assert_eq!(spans[0].trace_id.to_string(), "00000000000000000707070707070707");
}

#[test]
fn spans_are_cut_to_the_limits_and_count_what_was_dropped() {
    let event = message(11, &message(2, b"e"));
    let link = message(13, &message(3, b"l"));
    let many = [event.repeat(MAX_EVENTS + 3), link.repeat(MAX_EVENTS + 4)].concat();
    let long = message(5, &vec![b'n'; MAX_NAME_BYTES + 1]);
    let decoded = decode(&request(&[span(1, &many), span(2, &long), span(3, b"")]));
    let [many, long, plain] = &decoded.batch.spans[..] else { panic!("three spans") };
    assert_eq!((many.events.len(), many.links.len()), (MAX_EVENTS, MAX_EVENTS));
    assert_eq!((many.dropped_events, many.dropped_links, decoded.mended.cuts.events), (3, 4, 7));
    assert_eq!((long.name.len(), long.attributes.text(TRUNCATED_ATTRIBUTE)), (MAX_NAME_BYTES, Some("name")));
    assert!(plain.attributes.is_empty());
}
