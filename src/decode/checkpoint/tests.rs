//! The decoder against what the published server answered, and against anything at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::decode::checkpoint::*;
use crate::model::json::{object, read, write_checkpoint};
use crate::model::limits::{MAX_NAME_BYTES, MAX_VALUE_BYTES};
use crate::model::{Checkpoint, TraceId};

/// The recorded exchanges of both ingest routes, without those that end before the body is looked at.
fn recorded() -> Vec<Json> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/data/python/answers.jsonl");
    let lines = std::fs::read_to_string(path).expect("committed");
    let exchanges = lines.lines().map(|line| serde_json::from_str::<Json>(line).expect("JSON"));
    exchanges
        .filter(|exchange| {
            let request = &exchange["request"];
            let target = request["target"].as_str().expect("text");
            let zipped = request["headers"].to_string().contains("gzip");
            request["method"] == "POST" && ["/ingest", "/ingest/single"].contains(&target) && !zipped
        })
        .filter(|exchange| [200, 400, 422, 500].contains(&exchange["answer"]["status"].as_u64().expect("number")))
        .filter(|exchange| exchange["ours"]["status"] != 401)
        .collect()
}

fn decoded(request: &Json) -> Result<Vec<Checkpoint>, Refusal> {
    let body = match request["body_base64"].as_str() {
        Some(body) => STANDARD.decode(body).expect("base64"),
        None => request["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
    };
    let headers = request["headers"].as_array().expect("list");
    let content_type = headers.iter().find(|header| header[0] == "Content-Type").and_then(|header| header[1].as_str());
    if !content_type.is_some_and(is_json) {
        return Err(wrong_content_type(&body));
    }
    match request["target"].as_str() {
        Some("/ingest") => batch(&body).map(|(records, _)| records),
        _ => single(&body).map(|(records, _)| records),
    }
}

#[test]
fn every_recorded_body_is_answered_as_the_published_server_answers_it() {
    let exchanges = recorded();
    assert!(exchanges.len() > 200, "{}", exchanges.len());
    for exchange in exchanges {
        let name = &exchange["name"];
        let expected = if exchange["ours"].is_null() { &exchange["answer"] } else { &exchange["ours"] };
        match decoded(&exchange["request"]) {
            Ok(records) => {
                assert_eq!(expected["status"], 200, "{name}");
                let accepted = expected["json"].get("accepted");
                assert!(accepted.is_none_or(|accepted| *accepted == json!(records.len())), "{name}");
            }
            Err(refusal) => {
                let body: Json = serde_json::from_str(refusal.body()).expect("JSON");
                assert_eq!((&expected["status"], &expected["json"]), (&json!(refusal.status()), &body), "{name}");
            }
        }
    }
}

fn record(fields: &str) -> Result<Checkpoint, Refusal> {
    let (mut records, _) = single(sent(fields).as_bytes())?;
    Ok(records.remove(0))
}

fn sent(fields: &str) -> String {
    format!(
        r#"{{"source_id":"MA","correlation_id":"c","timestamp":1,"suffix":"s","direction":"->","operation":"REST","endpoint":"/x"{fields}}}"#
    )
}

#[test]
fn text_that_is_not_utf8_is_mended_and_its_neighbours_are_kept() {
    let good = sent("");
    let odd = sent(r#","hostname":"HOST","data":{"KEY":"\udcff"},"raw_line":"LINE""#);
    let text = format!(r#"{{"traces":[{good},{odd},{good}]}}"#);
    let latin = |word: &str, text: Vec<u8>| {
        let at = text.windows(word.len()).position(|window| window == word.as_bytes()).expect("there");
        [&text[..at], b"caf\xe9", &text[at + word.len()..]].concat()
    };
    let body = ["HOST", "KEY", "LINE"].into_iter().fold(text.into_bytes(), |body, word| latin(word, body));
    let (records, mended) = batch(&body).expect("mended");
    assert_eq!((records.len(), mended.not_utf8), (3, 4));
    assert_eq!(records[1].hostname, "caf\u{fffd}");
    assert_eq!(records[1].data.as_deref(), Some("{\"caf\u{fffd}\":\"\u{fffd}\"}"));
    assert_eq!(records[1].raw_line.as_deref(), Some("caf\u{fffd}"));
    assert_eq!((records[0].hostname.as_str(), records[2].hostname.as_str()), ("unknown", "unknown"));
}

#[test]
fn records_are_cut_to_the_limits() {
    let long = "n".repeat(MAX_NAME_BYTES + 1);
    let data = "v".repeat(MAX_VALUE_BYTES);
    let body = sent(&format!(r#","hostname":"{long}","suffix":"{long}","data":{{"k":"{data}"}},"raw_line":"{data}x""#));
    let (records, mended) = single(body.as_bytes()).expect("cut");
    assert_eq!((mended.cuts.names, mended.cuts.values), (2, 2));
    assert_eq!((records[0].hostname.len(), records[0].suffix.len()), (MAX_NAME_BYTES, MAX_NAME_BYTES));
    assert_eq!(records[0].raw_line.as_ref().map(|line| line.len()), Some(MAX_VALUE_BYTES));
    let data: Json = serde_json::from_str(records[0].data.as_ref().expect("data")).expect("JSON");
    assert!(data["tracehub.truncated"].as_str().is_some_and(|text| text.starts_with("{\"k\":\"vvv")));
}

#[test]
fn a_record_keeps_what_was_sent() {
    let big = "9".repeat(31);
    let sent =
        record(&format!(r#","timestamp":1795246123336.8213,"data":{{"z":{big},"a": [1.0,"\u00e9"]}},"raw_line":"l""#))
            .expect("valid");
    assert_eq!(sent.timestamp_ms, 1_795_246_123_336.821_3);
    assert_eq!(sent.data.as_deref(), Some(format!(r#"{{"z":{big},"a":[1.0,"é"]}}"#).as_str()));
    assert_eq!(
        (sent.hostname.as_str(), sent.raw_line.as_deref(), sent.direction),
        ("unknown", Some("l"), Direction::Enter)
    );
    assert_eq!(sent.trace_id, TraceId::parse("c").expect("valid"));
}

#[test]
fn a_record_prints_as_the_published_server_prints_it() {
    let sent = record(r#","timestamp":1706803200123,"data":{"b":1,"a":{}},"hostname":"h\n""#).expect("valid");
    let mut text = String::new();
    write_checkpoint(&sent, &mut text);
    insta::assert_snapshot!(text, @r#"{"source_id":"MA","correlation_id":"c","timestamp":1706803200123.0,"suffix":"s","direction":"->","operation":"REST","endpoint":"/x","data":{"b":1,"a":{}},"hostname":"h\n","raw_line":null}"#);
    assert_eq!(read::<Checkpoint>(&serde_json::from_str(&text).expect("JSON")), Ok(sent));
}

#[test]
fn every_correlation_id_has_a_trace_of_its_own() {
    assert_eq!(trace_id("").to_string(), "-");
    assert_eq!(trace_id(&"x".repeat(256)).to_string(), "x".repeat(256));
    let (left, right) = ("é".repeat(200), format!("{}e", "é".repeat(200)));
    assert_ne!(trace_id(&left), trace_id(&right));
    assert!(TraceId::parse(&trace_id(&left).to_string()).is_ok());
    assert!(matches!(trace_id("4BF92F3577B34DA6A3CE929D0E0E4736"), TraceId::Otel(_)));
}

#[test]
fn a_small_body_cannot_ask_for_an_endless_answer() {
    let body = format!(r#"{{"traces":[{}{{}}]}}"#, "{},".repeat(100_000));
    let refusal = batch(body.as_bytes()).expect_err("all fields are missing");
    assert!(refusal.body().len() < (1 << 20) + 4_096, "{}", refusal.body().len());
    assert!(serde_json::from_str::<Json>(refusal.body()).is_ok());
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,6}".prop_map(Json::from)
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let keys = prop_oneof![Just("timestamp".to_owned()), Just("data".to_owned()), ".{0,4}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::vec((keys, inner), 0..4).prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for refusal in [batch(&body).err(), single(&body).err(), Some(wrong_content_type(&body))].into_iter().flatten() {
            prop_assert!(serde_json::from_str::<Json>(refusal.body()).is_ok());
        }
    }

    #[test]
    fn a_changed_field_is_taken_or_named(key in 0..10_usize, value in any_json()) {
        const KEYS: [&str; 10] = ["source_id", "correlation_id", "timestamp", "suffix", "direction", "operation", "endpoint", "data", "hostname", "raw_line"];
        let mut sent = object(&record("").expect("valid"));
        sent.insert(KEYS[key].to_owned(), value);
        match batch(json!({"traces": [sent]}).to_string().as_bytes()) {
            Ok((records, _)) => {
                let mut text = String::new();
                write_checkpoint(&records[0], &mut text);
                prop_assert_eq!(read::<Checkpoint>(&serde_json::from_str(&text).expect("JSON")).expect("complete").suffix, records[0].suffix.clone());
            }
            Err(refusal) => {
                let body: Json = serde_json::from_str(refusal.body()).expect("JSON");
                prop_assert_eq!(&body["detail"][0]["loc"], &json!(["body", "traces", 0, KEYS[key]]));
            }
        }
    }
}
