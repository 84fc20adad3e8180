//! What becomes of 54 JSON documents that senders produce or could produce, one written outcome each, and of the rest
//! of the tolerant rules.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::json_traces;
use crate::decode::body::MediaType;
use crate::decode::otlp::{DecodeError, logs, metrics, traces};
use crate::model::{Attributes, INVALID_PARENT_ATTRIBUTE, Kind, LogRecord, Severity, Span, StatusCode, Text, Value};

const DOCUMENTS: &str = include_str!("../../../../tests/it/data/otlp_json_cases.jsonl");
const NAMES: &str = include_str!("../../../../tests/it/data/otlp_json_cases.names.txt");

/// What must become of a document.
enum Outcome {
    /// No spans and no complaint.
    Nothing,
    /// The plain span: nothing but ids, name `x`, start 1 and end 2.
    Plain,
    /// The plain span with this difference.
    With(fn(&mut Span)),
    /// The plain span with the one attribute `k`.
    Attribute(Value),
    /// No span, one rejection with this reason.
    Rejected(&'static str),
    /// The whole request is refused.
    Malformed,
}

use Outcome::{Attribute, Malformed, Nothing, Plain, Rejected, With};

fn outcomes() -> Vec<(&'static str, Outcome)> {
    vec![
        ("empty object", Nothing),
        ("resourceSpans null", Nothing),
        ("resource null", Nothing),
        ("scope null", Nothing),
        ("attributes null", Plain),
        ("events null", Plain),
        ("name null", With(|span| span.name = Text::EMPTY)),
        ("parentSpanId null", Plain),
        ("parentSpanId empty", Plain),
        ("traceState null", Plain),
        ("status null", Plain),
        ("status {}", Plain),
        ("status code string", With(|span| span.status.code = StatusCode::Error)),
        ("UPPER hex", Plain),
        ("0x hex", Rejected(r#"span_id of span "x" is not valid: id is not hexadecimal"#)),
        (
            "short traceId",
            Rejected(r#"trace_id of span "x" (b7ad6b7169203331) is not valid: id is 2 bytes long instead of 16"#),
        ),
        ("base64 traceId", Rejected(r#"trace_id of span "x" (b7ad6b7169203331) is not valid: id is not hexadecimal"#)),
        ("time number", With(|span| span.start.0 = 1_700_000_000_000_000_001)),
        ("time null", With(|span| span.start.0 = 0)),
        (
            "time missing",
            With(|span| {
                (span.start.0, span.end.0) = (0, 0);
                span.scope = Default::default();
            }),
        ),
        ("time float 1.7e18", With(|span| span.start.0 = 1_700_000_000_000_000_000)),
        ("kind string enum", With(|span| span.kind = Kind::Server)),
        ("kind unknown 99", Plain),
        ("kind null", Plain),
        ("flags null", Plain),
        ("dropped count string", With(|span| span.dropped_attributes = 3)),
        ("unknown span field", Plain),
        ("unknown top", Nothing),
        ("AnyValue unknown scalar", Attribute(Value::Empty)),
        ("AnyValue unknown object", Attribute(Value::Empty)),
        ("AnyValue unknown then string", Attribute(Value::from("s"))),
        ("AnyValue {}", Attribute(Value::Empty)),
        ("value null", Attribute(Value::Empty)),
        ("value missing", Attribute(Value::Empty)),
        ("int string", Attribute(Value::Int(-5))),
        ("int number", Attribute(Value::Int(7))),
        ("int 2^53+1 string", Attribute(Value::Int(9_007_199_254_740_993))),
        ("int float 7.0", Attribute(Value::Int(7))),
        ("double int", Attribute(Value::Double(3.0))),
        ("double NaN string", Attribute(Value::Double(f64::NAN))),
        ("double null", Attribute(Value::Empty)),
        ("double numeric string", Attribute(Value::Double(1.5))),
        ("bytes", Attribute(Value::Bytes(Bytes::from_static(b"\x00\xff")))),
        ("bytes urlsafe", Attribute(Value::Bytes(Bytes::from_static(b"\x00\xff\xfe")))),
        ("array missing values", Attribute(Value::Array(vec![]))),
        ("array null elem", Attribute(Value::Array(vec![Value::Empty]))),
        ("kvlist nested", Attribute(Value::Map(vec![(Text::from("a"), Value::Map(vec![]))]))),
        ("snake_case keys", Nothing),
        ("link no ids", With(|span| span.links.push(Default::default()))),
        (
            "event no time",
            With(|span| {
                span.events.push(crate::model::Event { name: Text::from("e"), ..Default::default() });
            }),
        ),
        ("schemaUrl omitted", Plain),
        ("duplicate key", Nothing),
        ("raw NaN literal", Malformed),
        ("invalid utf8 surrogate", Rejected("trace_id of span \"\u{fffd}\" is not valid: id is empty")),
    ]
}

const PLAIN: &str = r#"{"resourceSpans": [{"scopeSpans": [{"scope": {"name": "s"}, "spans": [{
    "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "x",
    "startTimeUnixNano": "1", "endTimeUnixNano": "2"}]}]}]}"#;

fn plain() -> Span {
    json_traces(PLAIN).batch.spans.pop().expect("one span")
}

/// Equal as text, because NaN is not equal to itself.
fn assert_one_span(case: &str, document: &str, expected: &Span) {
    let decoded = json_traces(document);
    assert_eq!(format!("{:?}", decoded.batch.spans), format!("{:?}", [expected]), "{case}");
    assert_eq!(decoded.rejected, [], "{case}");
}

#[test]
fn every_written_case_has_its_outcome() {
    let documents: BTreeMap<&str, &str> = NAMES.lines().zip(DOCUMENTS.lines()).collect();
    let outcomes = outcomes();
    assert_eq!((documents.len(), outcomes.len()), (54, 54));
    for (case, outcome) in outcomes {
        let document = documents[case];
        let mut expected = plain();
        match outcome {
            Nothing => assert_eq!(json_traces(document), Default::default(), "{case}"),
            Plain => assert_one_span(case, document, &expected),
            With(change) => {
                change(&mut expected);
                assert_one_span(case, document, &expected);
            }
            Attribute(value) => {
                expected.attributes = Attributes::from_iter([("k", value)]);
                assert_one_span(case, document, &expected);
            }
            Rejected(reason) => {
                let decoded = json_traces(document);
                assert!(decoded.batch.is_empty(), "{case}");
                assert_eq!(decoded.rejected.len(), 1, "{case}");
                assert_eq!(decoded.rejected[0].reason, reason, "{case}");
            }
            Malformed => {
                let refused = traces(&Bytes::from(document.to_owned()), MediaType::Json);
                assert!(matches!(refused, Err(DecodeError::Syntax(_))), "{case}");
            }
        }
    }
}

#[test]
fn a_bad_span_is_rejected_by_its_place_and_its_neighbours_are_kept() {
    let span = |rest: &str| format!(r#"{{"traceId":"0af7651916cd43dd8448eb211c80319c","name":"n",{rest}}}"#);
    let spans = [
        span(r#""spanId":"00000000000000a1""#),
        span(r#""spanId":"0000000000000000""#),
        span(r#""spanId":"00000000000000a2","parentSpanId":"0000000000000000""#),
        span(r#""spanId":"00000000000000a3","parentSpanId":"a1""#),
        span(r#""spanId":"00000000000000a4","startTimeUnixNano":"noon""#),
        span(r#""spanId":"00000000000000a5""#),
    ];
    let decoded =
        json_traces(&format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(",")));
    let kept: Vec<String> = decoded.batch.spans.iter().map(|span| span.span_id.to_string()).collect();
    assert_eq!(kept, ["00000000000000a1", "00000000000000a2", "00000000000000a3", "00000000000000a5"]);
    assert_eq!(decoded.batch.spans[1].parent_span_id, None);
    assert_eq!(decoded.batch.spans[2].attributes, Attributes::from_iter([(INVALID_PARENT_ATTRIBUTE, "a1")]));
    let rejected: Vec<_> = decoded.rejected.iter().map(|one| (one.index, one.reason.as_str())).collect();
    assert_eq!(
        rejected,
        [
            (1, r#"span_id of span "n" is not valid: id is all zero"#),
            (4, "startTimeUnixNano: expected an unsigned 64-bit integer"),
        ]
    );
}

#[test]
fn a_parent_or_link_of_any_other_shape_costs_the_span_nothing() {
    let span = |parent: &str| {
        let document = PLAIN.replace(r#""name": "x""#, &format!(r#""parentSpanId": {parent}, "name": "x""#));
        json_traces(&document).batch.spans.pop().expect("one span")
    };
    for (sent, told) in [
        (r#""AB7AD6B716920333""#, None),
        (r#""00000000""#, None),
        ("null", None),
        (r#""xyz""#, Some("xyz")),
        (r#""0xb7ad6b7169203331""#, Some("0xb7ad6b7169203331")),
        ("17", Some("17")),
        ("{}", Some("not a text")),
    ] {
        let span = span(sent);
        assert_eq!(span.attributes.text(INVALID_PARENT_ATTRIBUTE), told, "{sent}");
        assert_eq!(span.parent_span_id.is_some(), sent.contains("AB7AD"), "{sent}");
    }
    let document =
        PLAIN.replace(r#""name": "x""#, r#""links": [{"traceId": 5, "spanId": "q"}, {"traceId": "b7ad6b7169203331"}]"#);
    let decoded = json_traces(&document);
    let links: Vec<_> = decoded.batch.spans[0].links.iter().map(|link| link.trace_id.is_some()).collect();
    assert_eq!((links, decoded.mended.links), (vec![false, true], 2));
}

#[test]
fn a_value_of_another_type_than_it_says_is_kept_as_what_it_is() {
    let text = |text: &str| Value::from(text);
    for (sent, kept) in [
        (r#"{"intValue": 9223372036854775808}"#, Value::Double(9_223_372_036_854_775_808.0)),
        (r#"{"intValue": "9223372036854775808"}"#, text("9223372036854775808")),
        (r#"{"intValue": 18446744073709552000}"#, Value::Double(18_446_744_073_709_552_000.0)),
        (r#"{"intValue": "18446744073709552000"}"#, text("18446744073709552000")),
        (r#"{"intValue": 1e21}"#, Value::Double(1e21)),
        (r#"{"intValue": "1e21"}"#, text("1e21")),
        (r#"{"intValue": -10000000000000000000}"#, Value::Double(-1e19)),
        (r#"{"intValue": "-9223372036854775808"}"#, Value::Int(i64::MIN)),
        (r#"{"intValue": 1e400}"#, text("Infinity")),
        (r#"{"intValue": 1.5}"#, Value::Double(1.5)),
        (r#"{"intValue": true}"#, Value::Bool(true)),
        (r#"{"intValue": "seven"}"#, text("seven")),
        (r#"{"intValue": ""}"#, text("")),
        (r#"{"doubleValue": "-Infinity"}"#, Value::Double(f64::NEG_INFINITY)),
        (r#"{"doubleValue": "1,5"}"#, text("1,5")),
        (r#"{"doubleValue": "2.5e3"}"#, Value::Double(2_500.0)),
        (r#"{"boolValue": "TRUE"}"#, Value::Bool(true)),
        (r#"{"boolValue": "false"}"#, Value::Bool(false)),
        (r#"{"boolValue": "yes"}"#, text("yes")),
        (r#"{"boolValue": 1}"#, Value::Int(1)),
        (r#"{"stringValue": 5}"#, Value::Int(5)),
        (r#"{"bytesValue": "not base64!"}"#, text("not base64!")),
        (r#""plain""#, text("plain")),
        ("7", Value::Int(7)),
        (r#"{"arrayValue": [1, "a"]}"#, Value::Array(vec![Value::Int(1), text("a")])),
        (
            r#"{"arrayValue": {"values": [{"intValue": 1e21}, 2]}}"#,
            Value::Array(vec![Value::Double(1e21), Value::Int(2)]),
        ),
        (r#"{"kvlistValue": {"a": 1}}"#, Value::Map(vec![(Text::from("a"), Value::Int(1))])),
        (
            r#"{"kvlistValue": {"values": [{"key": "a", "value": {"kvlistValue": {"values": [{"key": "b", "value": {"intValue": "x"}}]}}}]}}"#,
            Value::Map(vec![(Text::from("a"), Value::Map(vec![(Text::from("b"), text("x"))]))]),
        ),
    ] {
        let document = PLAIN
            .replace(r#""name": "x""#, &format!(r#""attributes": [{{"key": "k", "value": {sent}}}], "name": "x""#));
        let expected = Span { attributes: Attributes::from_iter([("k", kept)]), ..plain() };
        assert_one_span(sent, &document, &expected);
    }
}

#[test]
fn json_of_another_shape_is_refused_with_the_place() {
    let refusals = [
        ("[]", "request: expected an object"),
        (r#"{"resourceSpans":"x"}"#, "resourceSpans: expected an array"),
        (
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[5]}]}]}"#,
            "resourceSpans[0].scopeSpans[0].spans[0]: expected an object",
        ),
        (
            r#"{"resourceSpans":[{},{"resource":{"attributes":[{"key":1}]}}]}"#,
            "resourceSpans[1].resource.attributes[0].key: expected a string",
        ),
        ("", "malformed JSON: EOF while parsing a value at line 1 column 0"),
        ("{} x", "malformed JSON: trailing characters at line 1 column 4"),
    ];
    for (document, message) in refusals {
        let refused = traces(&Bytes::from(document), MediaType::Json).expect_err(document);
        assert_eq!(refused.to_string(), message);
    }
}

#[test]
fn of_a_key_sent_twice_the_last_wins_and_null_counts_as_absent() {
    let document = PLAIN.replace(r#""name": "x""#, r#""name": "first", "name": "x", "name": null"#);
    assert_one_span("duplicate name", &document, &plain());
}

#[test]
fn strings_without_escapes_share_the_body_and_others_are_unescaped() {
    let document = PLAIN.replace(r#""x""#, r#""plain ünïcode""#).replace(r#""s""#, r#""tab\t\ud83d\ude00""#);
    let body = Bytes::from(document);
    let span = traces(&body, MediaType::Json).expect("valid").batch.spans.pop().expect("one");
    assert!(body.as_ptr_range().contains(&span.name.as_str().as_ptr()));
    assert_eq!(span.name, "plain ünïcode");
    assert_eq!(span.scope.name, "tab\t😀");
}

fn one_log(fields: &str) -> LogRecord {
    let document = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{fields}}}]}}]}}]}}"#);
    let mut decoded = logs(&Bytes::from(document), MediaType::Json).expect("well-formed");
    decoded.batch.logs.pop().expect("one record")
}

#[test]
fn a_log_body_that_is_not_text_becomes_json() {
    assert_eq!(one_log(r#""body":{"stringValue":"hi"}"#).message, "hi");
    assert_eq!(one_log(r#""body":{"intValue":"7"}"#).message, "7");
    let map =
        r#""body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"boolValue":true}]}}}]}}"#;
    assert_eq!(one_log(map).message, r#"{"a":[true]}"#);
    assert_eq!(one_log("").message, "");
}

#[test]
fn a_log_without_number_time_or_ids_falls_back() {
    assert_eq!(one_log(r#""severityText":"WARNING""#).severity, Severity::Warn);
    assert_eq!(one_log(r#""severityText":"CRITICAL""#).severity, Severity::Fatal);
    assert_eq!(one_log(r#""severityText":"notice""#).severity, Severity::Info);
    assert_eq!(one_log(r#""severityNumber":17,"severityText":"DEBUG""#).severity, Severity::Error);
    assert_eq!(one_log(r#""severityNumber":"SEVERITY_NUMBER_DEBUG2""#).severity, Severity::Debug);
    assert_eq!(one_log(r#""severityNumber":"ERROR""#).severity, Severity::Error);
    for text in ["ERROR2", "50", "E", "LOG_ERR", "[error]"] {
        assert!(one_log(&format!(r#""severityText":"{text}""#)).is_error(), "{text}");
    }
    assert_eq!(one_log(r#""severityText":"WARN3""#).severity, Severity::Warn);
    assert_eq!(one_log(r#""severityNumber":50,"severityText":"ERROR""#).severity, Severity::Error);
    assert_eq!(one_log(r#""severityNumber":50"#).severity, Severity::Fatal);
    assert_eq!(one_log(r#""severityNumber":-3,"severityText":"nonsense""#).severity, Severity::Info);
    assert_eq!(one_log(r#""observedTimeUnixNano":"5""#).time.0, 5);
    assert_eq!(one_log(r#""timeUnixNano":"4","observedTimeUnixNano":"5""#).time.0, 4);
    let bad_ids = one_log(r#""traceId":"00000000000000000000000000000000","spanId":"xyz""#);
    assert_eq!((bad_ids.trace_id, bad_ids.span_id), (None, None));
    assert_eq!(one_log(r#""eventName":"click""#).attributes.text("event.name"), Some("click"));
}

#[test]
fn a_number_is_read_by_the_scale_of_the_sender_s_language() {
    let level = |language: &str| {
        let document = format!(
            r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"telemetry.sdk.language","value":{{"stringValue":"{language}"}}}}]}},
            "scopeLogs":[{{"logRecords":[{{"severityText":"30"}}]}}]}}]}}"#
        );
        logs(&Bytes::from(document), MediaType::Json).expect("valid").batch.logs[0].severity
    };
    assert_eq!((level("nodejs"), level("python")), (Severity::Info, Severity::Warn));
}

#[test]
fn metrics_are_counted_by_data_point() {
    let document = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"a","sum":{"dataPoints":[{},{"asInt":"1"}]}},{"name":"b","gauge":{"dataPoints":[{}]}},{"name":"c"}]}]}]}"#;
    assert_eq!(metrics(&Bytes::from(document), MediaType::Json).expect("valid"), 3);
    assert!(metrics(&Bytes::from_static(br#"{"resourceMetrics":{}}"#), MediaType::Json).is_err());
    assert!(metrics(&Bytes::from_static(b"\x0a\x05"), MediaType::Protobuf).is_err());
}
