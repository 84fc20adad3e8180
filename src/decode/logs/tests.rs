//! Requests as clients send them and as nobody should; what each field becomes.

use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::decode::body::inflate;
use crate::model::json::log_to_json;
use crate::model::limits::{MAX_ATTRIBUTES, MAX_NAME_BYTES};
use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{LogRecord, Severity, Text, TraceId, Value};

const RECEIVED: Nanos = Nanos(1_795_252_500_000_000_000);

fn read(body: &str) -> Decoded {
    entries(&Bytes::from(body.to_owned()), RECEIVED).expect("entries")
}

fn parts(body: &str) -> Vec<Part> {
    let mut reader = Reader::new(&Bytes::from(body.to_owned())).expect("a reader");
    std::iter::from_fn(|| reader.next_part(RECEIVED)).collect()
}

fn array(entries: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", entries.into_iter().collect::<Vec<_>>().join(","))
}

/// The record of the one entry with these fields and a time.
fn one(mut fields: Json) -> LogRecord {
    fields.as_object_mut().expect("an object").entry("timestamp").or_insert(json!("2026-11-21T09:14:02.117+00:00"));
    let mut decoded = read(&json!([fields]).to_string());
    assert_eq!((decoded.batch.logs.len(), decoded.rejected), (1, 0), "{:?}", decoded.errors);
    decoded.batch.logs.remove(0)
}

fn attributes(log: &LogRecord) -> Json {
    serde_json::json!(log.attributes)
}

fn messages(decoded: &Decoded) -> Vec<&str> {
    decoded.batch.logs.iter().map(|log| log.message.as_str()).collect()
}

fn capture(name: &str) -> Bytes {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/captures").join(name);
    Bytes::from(std::fs::read(path).expect("a recording"))
}

#[test]
fn every_field_of_the_published_logger_has_its_place() {
    let body = inflate(capture("029-tracehub-logger-1.2.0-gzip.body"), Some("gzip"), 1 << 20).expect("gzip");
    let decoded = entries(&body, RECEIVED).expect("entries");
    assert_eq!((decoded.batch.logs.len(), decoded.rejected), (5, 0));
    let shown = |index: usize| {
        let mut json = Json::Object(log_to_json(&decoded.batch.logs[index]));
        for key in ["id", "issue_id"] {
            json[key] = Json::Null;
        }
        json
    };
    insta::assert_snapshot!(shown(0), @r#"{"id":null,"time":"2026-11-21T07:28:46.187000000Z","level":"info","message":"user logged in","service":"auth-service","environment":"production","host":"vm","pid":18504,"thread_id":"MainThread","module":"auth","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":null,"error_type":null,"error_message":null,"stack_trace":null,"issue_id":null,"sdk_version":"1.2.0","extra":{"user_id":42,"ip":"10.0.0.1"},"resource":{"service.name":"auth-service","deployment.environment.name":"production","host.name":"vm","process.pid":18504,"telemetry.sdk.version":"1.2.0"},"scope":{"name":"","version":"","attributes":{},"schema_url":null},"resource_schema_url":null}"#);
    insta::assert_snapshot!(shown(3), @r#"{"id":null,"time":"2026-11-21T07:28:46.187000000Z","level":"error","message":"DB connection failed","service":"auth-service","environment":"production","host":"vm","pid":18504,"thread_id":"MainThread","module":"db","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":null,"error_type":"ZeroDivisionError","error_message":"division by zero","stack_trace":"Traceback (most recent call last):\n  File \"/srv/demo1/application/p_logger.py\", line 7, in <module>\n    try: 1/0\n         ~^~\nZeroDivisionError: division by zero\n","issue_id":null,"sdk_version":"1.2.0","extra":{},"resource":{"service.name":"auth-service","deployment.environment.name":"production","host.name":"vm","process.pid":18504,"telemetry.sdk.version":"1.2.0"},"scope":{"name":"","version":"","attributes":{},"schema_url":null},"resource_schema_url":null}"#);
    let first = &decoded.batch.logs[0];
    assert!(decoded.batch.logs.iter().all(|log| Arc::ptr_eq(&log.resource, &first.resource)));
    assert!(body.as_ptr_range().contains(&first.message.as_str().as_ptr()), "text is not copied");
}

#[test]
fn an_array_one_object_and_objects_on_lines_are_read() {
    for body in [
        r#"[{"message":"a"},{"message":"b"}]"#,
        "\u{feff} [ {\"message\":\"a\"} ,\n{\"message\":\"b\"} , ] \n",
        "{\"message\":\"a\"}\n{\"message\":\"b\"}\n",
        "{\"message\":\"a\"}\r\n\r\n{\"message\":\"b\"}",
        r#"{"message":"a"}{"message":"b"}"#,
        "{\n  \"message\": \"a\"\n}\n{\n  \"message\": \"b\"\n}",
        "[{\"message\":\"a\"}]\n[{\"message\":\"b\"}]\n",
        "[{\"message\":\"a\"}\n{\"message\":\"b\"}]",
    ] {
        let decoded = read(body);
        assert_eq!((messages(&decoded), decoded.rejected), (vec!["a", "b"], 0), "{body}");
    }
    assert_eq!(messages(&read(r#"{"message":"alone"}"#)), ["alone"]);
    assert_eq!(read("[]"), Decoded::default());
}

#[test]
fn a_bad_entry_costs_itself_alone() {
    for (body, kept, rejected) in [
        (
            r#"[{"message":"a"},7,{"message":"b"}]"#,
            vec!["a", "b"],
            vec![(1, "an entry is an object, and this is a number")],
        ),
        (
            r#"[null,"x",[],true,{"message":"a"}]"#,
            vec!["a"],
            vec![
                (0, "an entry is an object, and this is null"),
                (1, "an entry is an object, and this is text"),
                (2, "an entry is an object, and this is an array"),
                (3, "an entry is an object, and this is true or false"),
            ],
        ),
        (
            r#"[{"message":"a"},{"message":oops},{"message":"b"}]"#,
            vec!["a", "b"],
            vec![(1, "it is not JSON: Expecting value, byte 11 of the entry")],
        ),
        (
            r#"[{"message":"a"},{"x":1 "y":"],"},{"message":"b"}]"#,
            vec!["a", "b"],
            vec![(1, "it is not JSON: Expecting ',' delimiter, byte 7 of the entry")],
        ),
        (
            r#"[{"message":"a"},{"message":"b"#,
            vec!["a"],
            vec![(1, "it is not JSON: Unterminated string starting at, byte 11 of the entry")],
        ),
        (r#"[{"message":"a"},"#, vec!["a"], vec![]),
        (r#"[{"message":"a"}] and more"#, vec!["a"], vec![(1, "it is not JSON: Expecting value, byte 0 of the entry")]),
        (
            "{\"message\":\"a\"}\n{\"message\":\"b\n{\"message\":\"c\"}\n7\n",
            vec!["a", "c"],
            vec![
                (1, "it is not JSON: Unterminated string starting at, byte 11 of the entry"),
                (3, "an entry is an object, and this is a number"),
            ],
        ),
        ("oops\n{\"message\":\"a\"}", vec!["a"], vec![(0, "it is not JSON: Expecting value, byte 0 of the entry")]),
    ] {
        let decoded = read(body);
        let errors: Vec<_> = decoded.errors.iter().map(|error| (error.index, error.reason.as_str())).collect();
        assert_eq!((messages(&decoded), errors), (kept, rejected.clone()), "{body}");
        assert_eq!(decoded.rejected, rejected.len());
    }
    let decoded = read("[7,8]");
    assert_eq!((decoded.batch.len(), decoded.rejected), (0, 2), "an array all the same");
}

#[test]
fn what_holds_no_entries_at_all_is_an_error() {
    for body in ["", " \n\t", "\u{feff}"] {
        assert_eq!(entries(&Bytes::from(body.to_owned()), RECEIVED), Err(DecodeError::Empty));
    }
    for body in
        ["7", "null", "\"text\"", "level=info msg=x", "<log/>", "{", "[", "{\"message\":", "[{\"message\":", "}"]
    {
        let error = entries(&Bytes::from(body.to_owned()), RECEIVED).expect_err(body);
        assert!(matches!(error, DecodeError::NotEntries(_)), "{body}: {error}");
        assert!(error.to_string().starts_with("send a JSON array of log entries, one entry, or one entry a line; "));
        assert!(error.to_string().len() < 200, "{error}");
    }
}

#[test]
fn masses_of_bad_entries_are_counted_and_only_the_first_explained() {
    let decoded = read(&format!("[{}]", vec!["1"; 5_000].join(",")));
    assert_eq!((decoded.rejected, decoded.errors.len()), (5_000, MAX_ERRORS));
    let flood = format!("[{}]", vec!["{}"; MAX_ENTRIES + 1].join(","));
    assert_eq!(entries(&Bytes::from(flood), RECEIVED), Err(DecodeError::TooMany));
}

#[test]
fn a_large_request_comes_in_parts_that_make_the_whole() {
    let entry =
        |index: usize| format!(r#"{{"message":"{index}","timestamp":{}}}"#, 1_795_252_442_000_u64 + index as u64);
    let body = array((0..40_000).map(entry));
    let parts = parts(&body);
    let sizes: Vec<usize> = parts.iter().map(|part| part.batch.len()).collect();
    assert_eq!((sizes.iter().sum::<usize>(), sizes.iter().all(|size| *size < 17_000)), (40_000, true), "{sizes:?}");
    let whole: Vec<LogRecord> = parts.into_iter().flat_map(|part| part.batch.logs).collect();
    assert_eq!(whole, read(&body).batch.logs);
    assert!(whole.iter().enumerate().all(|(index, log)| log.message.as_str() == index.to_string()));
}

#[test]
fn a_part_does_not_end_among_entries_of_one_time_and_those_without_any_differ_from_part_to_part() {
    let at = |second: usize| format!(r#"{{"message":"same","timestamp":{}}}"#, 1_795_252_442 + second);
    let parts_of = |body: &str| -> Vec<(usize, u64)> {
        parts(body).iter().map(|part| (part.batch.len(), part.batch.logs[0].time.0)).collect()
    };
    let seconds = |second: u64| (1_795_252_442 + second) * 1_000_000_000;
    let body = array((0..45_000).map(|index| at(index / 15_000)));
    assert_eq!(parts_of(&body), [(30_000, seconds(0)), (15_000, seconds(2))]);
    let long = parts_of(&array((0..100_000).map(|_| at(0))));
    assert_eq!(long.iter().map(|part| part.0).sum::<usize>(), 100_000);
    assert!(long.len() > 1, "{long:?}");
    let untimed = parts_of(&array((0..20_000).map(|_| "{}".to_owned())));
    assert_eq!(untimed, [(16_384, RECEIVED.0), (3_616, RECEIVED.0 + 1)]);
}

#[test]
fn a_part_holds_no_more_values_than_there_is_memory_for() {
    let fields: Vec<String> = (0..100).map(|index| format!(r#""{index}":{{}}"#)).collect();
    let body = array((0..8_000).map(|_| format!(r#"{{"extra":{{{}}}}}"#, fields.join(","))));
    let sizes: Vec<usize> = parts(&body).iter().map(|part| part.batch.len()).collect();
    assert!(sizes.iter().all(|size| *size * 100 * 96 < MAX_PART_BYTES), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 8_000);
    assert!(read(&body).batch.logs.iter().all(|log| log.attributes.get(TRUNCATED_ATTRIBUTE).is_none()));
    assert!(record_bytes(body.as_bytes()) > 8_000 * 100 * 96);
}

#[test]
fn a_text_that_is_no_json_further_down_is_read_by_the_line_from_there() {
    let decoded = read("{\n\"message\": \"a\"\n}\n{bad\n{\"message\":\"b\"}\n");
    assert_eq!((messages(&decoded), decoded.rejected, decoded.errors[0].index), (vec!["a", "b"], 1, 1));
}

#[test]
fn messages_of_every_type_become_text() {
    for (sent, message) in [
        (json!("plain"), "plain"),
        (json!(""), ""),
        (json!(null), ""),
        (json!(12345), "12345"),
        (json!(1.5), "1.5"),
        (json!(true), "true"),
        (json!(["a", 1]), r#"["a",1]"#),
        (json!({"a": {"b": null}}), r#"{"a":{"b":null}}"#),
    ] {
        assert_eq!(one(json!({ "message": sent })).message, message);
    }
    let message = |body: &str| read(body).batch.logs[0].message.to_string();
    assert_eq!(message(r#"{"message":NaN}"#), "NaN");
    assert_eq!(message(r#"{"message":-Infinity}"#), "-Infinity");
    assert_eq!(message(r#"{"message":1234567890123456789012345678901}"#), "1234567890123456789012345678901");
    assert_eq!(message(r#"{"message":"\ud800 \udcff \ud83d\ude00 \u0000"}"#), "\u{fffd} \u{fffd} 😀 \0");
    assert_eq!(message("{\"message\":\"tab\tand\nline\"}"), "tab\tand\nline");
    assert_eq!(message("{}"), "");
}

#[test]
fn bytes_that_are_not_utf8_become_replacement_characters() {
    let body =
        Bytes::from_static(b"[{\"message\":\"caf\xe9\",\"extra\":{\"\xff\":\"\xed\xa0\x80\"}},{\"message\":\"b\"}]");
    let decoded = entries(&body, RECEIVED).expect("entries");
    assert_eq!(messages(&decoded), ["caf\u{fffd}", "b"]);
    // Three bytes of half a surrogate pair are three that are no UTF-8.
    assert_eq!(decoded.mended.not_utf8, 5);
    let halves = Bytes::from_static(br#"[{"message":"\ud83d","extra":{"\udcff":"\ud83d\ude00"}},{"message":"b"}]"#);
    let decoded = entries(&halves, RECEIVED).expect("entries");
    assert_eq!((messages(&decoded), decoded.mended.not_utf8), (vec!["\u{fffd}", "b"], 2));
}

#[test]
fn times_that_are_none_are_the_time_of_arrival_and_say_so() {
    let log = one(json!({ "timestamp": 1_795_252_442_117_u64 }));
    assert_eq!((log.time, attributes(&log)), (Nanos(1_795_252_442_117_000_000), json!({})));
    for (sent, kept) in [
        (json!({ "timestamp": "half past nine" }), json!("half past nine")),
        (json!({ "timestamp": -1 }), json!(-1)),
        (json!({ "timestamp": [1] }), json!([1])),
        (json!({ "timestamp": null }), Json::Null),
        (json!({ "timestamp": "" }), Json::Null),
    ] {
        let log = one(sent.clone());
        let attributes = attributes(&log);
        assert_eq!((log.time, &attributes[TIME_SOURCE_ATTRIBUTE]), (RECEIVED, &json!("received")), "{sent}");
        assert_eq!(attributes["timestamp"], kept, "{sent}");
    }
    assert_eq!(parts(r#"[{},{"timestamp":1795252442},{"timestamp":"x"}]"#)[0].untimed, 2);
}

#[test]
fn unknown_levels_are_info_and_stay_readable() {
    assert_eq!(one(json!({ "level": "CRITICAL" })).severity, Severity::Fatal);
    for (sent, kept) in [(json!("loud"), json!("loud")), (json!(-3), json!(-3)), (json!({"a": 1}), json!({"a": 1}))] {
        let log = one(json!({ "level": sent }));
        assert_eq!((log.severity, attributes(&log)), (Severity::Info, json!({ "level": kept })));
    }
    for sent in [json!(null), json!("")] {
        assert_eq!(attributes(&one(json!({ "level": sent }))), json!({}));
    }
}

#[test]
fn ids_join_traces_where_they_can() {
    let trace = |sent: Json| one(json!({ "trace_id": sent })).trace_id;
    let text = |text: &str| Some(TraceId::Text(Text::from(text)));
    let hex = "4bf92f3577b34da6a3ce929d0e0e4736";
    assert!(matches!(trace(json!(hex)), Some(TraceId::Otel(_))));
    assert_eq!(trace(json!(hex.to_uppercase())), trace(json!(hex)));
    assert_eq!(trace(json!("req/with slash?&")), text("req/with slash?&"));
    assert_eq!(trace(json!("4bf92f35-77b3-4da6-a3ce-929d0e0e4736")), text("4bf92f35-77b3-4da6-a3ce-929d0e0e4736"));
    assert_eq!(trace(json!(4711)), text("4711"));
    assert_eq!(trace(json!("000")), text("000"));
    let short = Some(TraceId::Otel([0, 0, 0, 0, 0, 0, 0, 0, 0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
    assert_eq!(trace(json!("b7ad6b7169203331")), short);
    for none in [json!(null), json!(""), json!("0".repeat(32)), json!("0".repeat(16)), json!(0)] {
        assert_eq!(trace(none), None);
    }
    let odd = one(json!({ "trace_id": [1], "span_id": "short" }));
    assert_eq!((odd.trace_id.is_none(), odd.span_id), (true, None));
    assert_eq!(attributes(&odd), json!({ "trace_id": [1], "span_id": "short" }));
    let long = one(json!({ "trace_id": "x".repeat(300) }));
    assert_eq!(long.trace_id, Some(crate::model::checkpoint::trace_id(&"x".repeat(300))));
    assert_eq!(long.attributes.text(TRUNCATED_ATTRIBUTE), Some("trace_id"));
    let span = one(json!({ "span_id": "b7ad6b7169203331" }));
    assert_eq!(span.span_id.map(|id| id.to_string()).as_deref(), Some("b7ad6b7169203331"));
    assert_eq!(attributes(&one(json!({ "span_id": "0000000000000000" }))), json!({}));
}

#[test]
fn who_sent_it_stands_on_the_resource_whatever_its_type() {
    let log = one(json!({ "service": 7, "environment": null, "host": "", "pid": "main", "sdk_version": ["1", "2"] }));
    assert_eq!(
        serde_json::json!(log.resource.attributes),
        json!({ "service.name": "7", "process.pid": "main", "telemetry.sdk.version": "1\n2" })
    );
    assert_eq!(log.resource.service, "7");
    assert_eq!(one(json!({ "pid": 12 })).resource.attributes.get("process.pid"), Some(&Value::Int(12)));
    for none in [json!({}), json!({ "service": null }), json!({ "service": "" })] {
        assert_eq!(one(none).resource.service, "unknown_service");
    }
    let long = one(json!({ "service": "s".repeat(20_000) }));
    assert_eq!(long.attributes.text(TRUNCATED_ATTRIBUTE), Some("service"));
    assert!(long.resource.service.len() <= size::MAX_NAME_BYTES);
}

#[test]
fn stacks_sent_as_lists_of_lines_are_joined_and_others_are_text() {
    let stack =
        |sent: Json| one(json!({ "stack_trace": sent })).attributes.text("exception.stacktrace").map(str::to_owned);
    assert_eq!(
        stack(json!(["Traceback:\n", "  File x\n", "ValueError"])).as_deref(),
        Some("Traceback:\n  File x\nValueError")
    );
    assert_eq!(stack(json!(["at a", "at b"])).as_deref(), Some("at a\nat b"));
    assert_eq!(stack(json!([1, "a"])).as_deref(), Some(r#"[1,"a"]"#));
    assert_eq!(stack(json!("")), None);
    let log = one(json!({ "error_type": "E", "error_message": 5, "module": "m", "thread_id": 140_735 }));
    assert_eq!(
        attributes(&log),
        json!({ "exception.type": "E", "exception.message": "5", "code.namespace": "m", "thread.id": 140_735 })
    );
}

#[test]
fn nothing_sent_is_lost_and_nothing_passes_for_a_field() {
    let log = one(json!({
        "host": "real", "environment": "prod", "error_type": "Real", "user": "top", "release": 3,
        "extra": {
            "host.name": "fake", "deployment.environment": "fake", "exception.type": "Fake", "extra.exception.type": 1,
            "user": "inner", "tracehub.truncated": "no", "big": 1.5, "thread.id": "T", "none": null,
        },
    }));
    assert_eq!(
        attributes(&log),
        json!({
            "exception.type": "Real", "extra.host.name": "fake", "extra.deployment.environment": "fake",
            "extra.extra.exception.type": "Fake", "extra.exception.type": 1, "user": "inner",
            "extra.tracehub.truncated": "no", "big": 1.5, "thread.id": "T", "none": null, "entry.user": "top", "release": 3,
        })
    );
    let shown = log_to_json(&log);
    assert_eq!(
        (&shown["host"], &shown["environment"], &shown["error_type"]),
        (&json!("real"), &json!("prod"), &json!("Real"))
    );
    for odd in [json!("text"), json!([1]), json!(5)] {
        assert_eq!(attributes(&one(json!({ "extra": odd }))), json!({ "extra": odd }));
    }
    assert_eq!(attributes(&one(json!({ "extra": null }))), json!({}));
}

#[test]
fn numbers_keep_their_digits_and_nan_is_kept() {
    let big = "1".repeat(31);
    let body = format!(
        r#"{{"timestamp":1795252442,"extra":{{"big":{big},"small":-9223372036854775808,"nan":NaN,"inf":-Infinity}}}}"#
    );
    let decoded = read(&body);
    let attributes = &decoded.batch.logs[0].attributes;
    assert_eq!(attributes.text("big"), Some(big.as_str()));
    assert_eq!(attributes.get("small"), Some(&Value::Int(i64::MIN)));
    assert!(matches!(attributes.get("nan"), Some(Value::Double(number)) if number.is_nan()));
    assert_eq!(attributes.get("inf"), Some(&Value::Double(f64::NEG_INFINITY)));
}

fn depth_of(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth_of).max().unwrap_or(0),
        Value::Map(pairs) => 1 + pairs.iter().map(|(_, value)| depth_of(value)).max().unwrap_or(0),
        _ => 0,
    }
}

#[test]
fn what_is_nested_too_deep_becomes_text_and_is_never_refused() {
    for depth in [1, MAX_VALUE_DEPTH, MAX_VALUE_DEPTH + 1, 200, 100_000] {
        let nested = format!("{}\"core\"{}", "[".repeat(depth), "]".repeat(depth));
        let body =
            format!(r#"[{{"message":{nested},"extra":{{"deep":{nested}}},"other":{nested}}},{{"message":"next"}}]"#);
        let decoded = read(&body);
        assert_eq!((decoded.batch.len(), decoded.rejected), (2, 0), "{depth}");
        for key in ["deep", "other"] {
            let value = decoded.batch.logs[0].attributes.get(key).expect("it is kept");
            assert_eq!(depth_of(value), depth.min(MAX_VALUE_DEPTH), "{depth}");
            assert!(format!("{value:?}").contains("core"), "{depth}");
        }
        assert!(decoded.batch.logs[0].message.contains("core"));
    }
    let unclosed = format!("[{{\"message\":\"a\"}},{}", "[".repeat(1_000_000));
    assert_eq!(messages(&read(&unclosed)), ["a"]);
}

#[test]
fn long_parts_are_cut_and_named() {
    let stack = "  File \"ü.py\", line 1, in f\n".repeat(80_000) + "ValueError: the end";
    let log =
        one(json!({ "message": "kept", "error_message": "kept", "stack_trace": stack, "extra": { "a": "kept" } }));
    let cut = log.attributes.text("exception.stacktrace").expect("a stack");
    assert!(cut.len() < size::MAX_RECORD_BYTES && cut.len() > size::MAX_RECORD_BYTES - 1_000, "{}", cut.len());
    assert!(cut.starts_with("  File") && cut.ends_with("ValueError: the end") && cut.contains(" bytes cut "));
    assert_eq!(log.attributes.text(TRUNCATED_ATTRIBUTE), Some("stack_trace"));
    assert_eq!((log.message.as_str(), log.attributes.text("a")), ("kept", Some("kept")));
    let log = one(json!({ "message": "m".repeat(3 << 20), "extra": { "list": vec!["x".repeat(100); 30_000] } }));
    assert_eq!(log.attributes.text(TRUNCATED_ATTRIBUTE), Some("message, extra.list"));
    let whole = one(json!({ "stack_trace": "x".repeat(1_000_000) }));
    assert_eq!(whole.attributes.len(), 1, "an entry below the cap is not touched");
    let keys: serde_json::Map<String, Json> = (0..200_000).map(|key| (format!("key{key}"), json!(1))).collect();
    let many = one(json!({ "extra": keys }));
    let told = many.attributes.text(TRUNCATED_ATTRIBUTE).unwrap_or_default();
    assert!(told.starts_with("extra, ") && told.ends_with(" attributes"), "{told}");
    assert_eq!(many.attributes.len(), MAX_ATTRIBUTES);
    let key = one(json!({ "extra": { "k".repeat(MAX_NAME_BYTES + 1): 1 } }));
    assert_eq!((key.attributes.0[0].0.len(), key.attributes.0[0].1.clone()), (MAX_NAME_BYTES, Value::Int(1)));
}

#[test]
fn a_small_body_of_very_many_values_stays_small() {
    let body = format!(r#"[{{"extra":{{"zeros":[{}0],"after":1}}}},{{"message":"next"}}]"#, "0,".repeat(2_000_000));
    let decoded = read(&body);
    assert_eq!(decoded.batch.logs[0].attributes.text(TRUNCATED_ATTRIBUTE), Some("extra.zeros, extra"));
    assert_eq!(decoded.batch.logs[1].message, "next");
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let keys = prop_oneof![
            "[a-z]{0,3}",
            prop::sample::select(vec![
                "level",
                "message",
                "timestamp",
                "service",
                "environment",
                "host",
                "pid",
                "thread_id",
                "trace_id",
                "span_id",
                "extra",
                "stack_trace",
                "error_type",
                "exception.type",
                "host.name",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((keys, inner), 0..8).prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = entries(&Bytes::from(body), RECEIVED);
    }

    #[test]
    fn anything_like_json_is_read_or_refused_without_a_panic(
        body in r#"(["{}\[\]:,\\u0-9a-f.+\- \n]|\{"|"message":|"extra":\{|true|NaN|\\ud83d|é|"a"){0,60}"#
    ) {
        let _ = entries(&Bytes::from(body), RECEIVED);
    }

    #[test]
    fn of_a_valid_array_every_element_is_taken_or_told(elements in prop::collection::vec(any_json(), 0..12)) {
        let decoded = read(&Json::Array(elements.clone()).to_string());
        let objects = elements.iter().filter(|element| element.is_object()).count();
        prop_assert_eq!(decoded.batch.len(), objects);
        prop_assert_eq!(decoded.batch.len() + decoded.rejected, elements.len());
        for (error, (index, _)) in decoded.errors.iter().zip(elements.iter().enumerate().filter(|(_, one)| !one.is_object())) {
            prop_assert_eq!(error.index, index);
        }
    }

    #[test]
    fn an_array_cut_anywhere_keeps_what_came_before(count in 1_usize..6, cut in 1_usize..200) {
        let elements: Vec<Json> = (0..count).map(|number| json!({ "message": format!("m{number}"), "extra": { "n": [number] } })).collect();
        let whole = Json::Array(elements).to_string();
        let cut = cut.min(whole.len() - 1);
        let complete = whole[..cut].matches("]}}").count();
        match entries(&Bytes::from(whole[..cut].to_owned()), RECEIVED) {
            Ok(decoded) => prop_assert!(decoded.batch.len() == complete || decoded.batch.len() + 1 == complete),
            Err(_) => prop_assert!(complete <= 1),
        }
    }

    #[test]
    fn the_order_and_number_of_values_never_changes_the_values(extra in prop::collection::btree_map("[a-z]{1,6}", any_json(), 0..8)) {
        let log = one(json!({ "extra": extra.clone() }));
        let known = |key: &str| log.attributes.get(key).map(|value| serde_json::to_string(value).expect("JSON"));
        for (key, value) in &extra {
            prop_assert_eq!(known(key), Some(value.to_string()), "{}", key);
        }
    }
}
