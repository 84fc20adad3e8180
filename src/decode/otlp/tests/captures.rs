//! Requests recorded from published SDKs: each decodes, and to the same batch as the OTLP/JSON written beside it.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;

use crate::decode::body::{MediaType, inflate};
use crate::decode::otlp::{DecodeError, Decoded, logs, metrics, traces};

const LIMIT_BYTES: usize = 1 << 20;

/// One line of `index.tsv`.
struct Capture {
    name: String,
    path: String,
    content_type: String,
    encoding: String,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/captures")
}

fn captures() -> Vec<Capture> {
    let index = fs::read_to_string(directory().join("index.tsv")).expect("index");
    let capture = |line: &str| {
        let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let [name, _, _, path, content_type, encoding, ..] = &columns[..] else { panic!("short line: {line}") };
        Capture {
            name: name.clone(),
            path: path.clone(),
            content_type: content_type.clone(),
            encoding: encoding.clone(),
        }
    };
    index.lines().skip(1).map(capture).collect()
}

impl Capture {
    /// The message as the server hands it to a decoder, and its type.
    fn message(&self) -> (Bytes, MediaType) {
        let body = Bytes::from(fs::read(directory().join(format!("{}.body", self.name))).expect("body"));
        if self.content_type != "application/grpc" {
            let media = MediaType::parse(&self.content_type).expect("an OTLP type");
            return (inflate(body, Some(&self.encoding), LIMIT_BYTES).expect("valid encoding"), media);
        }
        let compressed = body[0] == 1;
        let length = u32::from_be_bytes([body[1], body[2], body[3], body[4]]);
        let message = body.slice(5..);
        assert_eq!(message.len(), length as usize, "{}: one frame", self.name);
        let encoding = compressed.then_some(self.encoding.as_str());
        (inflate(message, encoding, LIMIT_BYTES).expect("valid encoding"), MediaType::Protobuf)
    }

    fn expected(&self) -> Bytes {
        Bytes::from(fs::read(directory().join(format!("decoded/{}.json", self.name))).expect("decoded"))
    }

    fn is_signal(&self, http: &[&str], grpc: &str) -> bool {
        http.contains(&self.path.as_str()) || self.path.contains(grpc)
    }
}

/// How many captures `decode` was checked on, and how many records they held.
fn check(http: &[&str], grpc: &str, decode: fn(&Bytes, MediaType) -> Result<Decoded, DecodeError>) -> (usize, usize) {
    let (mut requests, mut records) = (0, 0);
    for capture in captures().into_iter().filter(|capture| capture.is_signal(http, grpc)) {
        let (message, media) = capture.message();
        let decoded = decode(&message, media).expect(&capture.name);
        let expected = decode(&capture.expected(), MediaType::Json).expect(&capture.name);
        assert_eq!(decoded, expected, "{}", capture.name);
        assert_eq!(decoded.rejected, [], "{}", capture.name);
        assert!(!decoded.batch.is_empty(), "{}", capture.name);
        requests += 1;
        records += decoded.batch.len();
    }
    (requests, records)
}

#[test]
fn every_recorded_trace_request_equals_its_json() {
    let paths = ["/v1/traces", "/", "/api/v1/traces/export"];
    assert_eq!(check(&paths, "TraceService", traces), (16, 102));
}

#[test]
fn every_recorded_log_request_equals_its_json() {
    assert_eq!(check(&["/v1/logs"], "LogsService", logs), (12, 24));
}

#[test]
fn every_recorded_metric_request_counts_the_same_points_as_its_json() {
    let mut counts = Vec::new();
    for capture in captures().into_iter().filter(|capture| capture.is_signal(&["/v1/metrics"], "MetricsService")) {
        let (message, media) = capture.message();
        let points = metrics(&message, media).expect(&capture.name);
        assert_eq!(points, metrics(&capture.expected(), MediaType::Json).expect(&capture.name), "{}", capture.name);
        counts.push(points);
    }
    assert_eq!(counts, [2; 12]);
}
