//! Decoders and readers of typed words against requests that are broken in every way: no panic, bounded memory, records
//! within their limits, and neighbours of what is broken kept.
//!
//! Each target takes the committed corpus of its kind (`tests/it/data/corpora`, and the recorded requests) and damages
//! it, a few hundred times in a usual run, always the same way. With `TRACEHUB_FUZZ_SECONDS=600` every target goes on for
//! that long with damage nobody saw yet. An input that fails is written to `target/fuzz`; it belongs into the corpus
//! together with what mends it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use jiff::tz::TimeZone;
use tracehub::decode::body::{Encoding, MediaType, inflate};
use tracehub::decode::{checkpoint, logs, otlp};
use tracehub::model::limits::Cuts;
use tracehub::model::{Batch, FieldFilter, Nanos, Needle, time_input};

/// How often each target damages something in a usual run.
const USUAL_ROUNDS: u64 = 400;
/// Largest input that damage makes.
const MOST_INPUT_BYTES: usize = 64 << 10;
/// What a body may become in these tests.
const INFLATED_BYTES: usize = 1 << 20;
/// How many bytes of memory a byte of input may become, and how many there may be anyway.
const MEMORY_RATIO: usize = 256;
const LEAST_MEMORY: usize = 64 << 10;

/// Pieces that readers of JSON and of protobuf take for something.
const PIECES: [&[u8]; 22] = [
    b"\"",
    b"\\",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b"null",
    b"1e999",
    b"-",
    b"NaN",
    b"\\ud83d",
    b"\\u0000",
    b"\xff",
    b"\xe9",
    b"\xed\xa0\x80",
    b"\0",
    b"\x0a\x00",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x0b",
    "😀".as_bytes(),
];

/// Numbers without a pattern, the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when there is none.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next() as u8).collect()
    }

    /// One to five kinds of damage, one after the other.
    fn damaged(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(corpus).clone();
        for _ in 0..=self.below(5) {
            let (at, length) = (self.below(input.len()), self.below(24));
            let end = (at + length).min(input.len());
            match self.below(9) {
                0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
                1 if !input.is_empty() => input[at] = self.next() as u8,
                2 => drop(input.splice(at..at, self.bytes(8))),
                3 => drop(input.drain(at..end)),
                4 => input.truncate(at),
                5 => {
                    let piece = input[at..end].to_vec().repeat(1 + self.below(200));
                    drop(input.splice(at..at, piece));
                }
                6 => {
                    let other = self.pick(corpus);
                    let (from, to) = (self.below(other.len()), self.below(other.len()));
                    drop(input.splice(at..end, other[from.min(to)..from.max(to)].iter().copied()));
                }
                _ => {
                    let piece = self.pick(&PIECES).repeat(if self.below(8) == 0 { 300 } else { 1 });
                    drop(input.splice(at..at, piece));
                }
            }
            input.truncate(MOST_INPUT_BYTES);
        }
        input
    }
}

/// Keeps the input of a round that fails.
struct Round<'i> {
    target: &'static str,
    seed: u64,
    input: &'i [u8],
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
            let path = path.join(format!("{}-{:016x}", self.target, self.seed));
            let is_written = path.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok())
                && std::fs::write(&path, self.input).is_ok();
            let what = if is_written { "the input is in" } else { "the input could not be written to" };
            _ = writeln!(std::io::stderr(), "{what} {}", path.display());
        }
    }
}

/// Runs a target on its corpus as it is and then damaged, for a fixed number of rounds or as long as was asked for.
fn fuzz(target: &'static str, corpus: &[Vec<u8>], check: impl Fn(&[u8], &mut Random)) {
    assert!(!corpus.is_empty(), "{target} has no corpus");
    let run = |seed: u64, input: &[u8]| {
        let _round = Round { target, seed, input };
        check(input, &mut Random(seed));
    };
    corpus.iter().for_each(|input| run(0, input));
    let seconds = std::env::var("TRACEHUB_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let unseen = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    let first = if deadline.is_some() { unseen } else { 1 };
    for round in 0.. {
        match deadline {
            Some(deadline) if Instant::now() >= deadline => break,
            None if round >= USUAL_ROUNDS => break,
            _ => {}
        }
        let seed = first.wrapping_add(round);
        run(seed, &Random(seed).damaged(corpus));
    }
}

/// The committed inputs of a kind, in the order of their names.
fn corpus(kind: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/corpora").join(kind);
    read_all(&folder, |_| true)
}

/// The recorded requests whose name has this in it.
fn recorded(part: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/captures");
    read_all(&folder, |name| name.contains(part) && name.ends_with(".body"))
}

fn read_all(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("committed").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&is_wanted));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("readable")).collect()
}

/// Checks what holds of the records of every input.
fn check_batch(mut batch: Batch, input_bytes: usize) {
    let (memory, most) = (batch.memory_bytes(), LEAST_MEMORY + MEMORY_RATIO * input_bytes);
    assert!(memory <= most, "{memory} bytes of memory for {input_bytes} bytes");
    assert_eq!(batch.cut_to_limits(), Cuts::default(), "records are within their limits");
}

fn check_otlp(body: &Bytes, media: MediaType) {
    let spans = otlp::traces(body, media);
    let of_logs = otlp::logs(body, media);
    for decoded in [spans, of_logs].into_iter().flatten() {
        assert!(decoded.mended.to_string().len() < 1_000);
        check_batch(decoded.batch, body.len());
    }
    _ = otlp::metrics(body, media);
}

/// The bytes in every encoding that requests come in.
fn encodings(bytes: &[u8]) -> Vec<(Option<&'static str>, Vec<u8>)> {
    let level = flate2::Compression::fast();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
    let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), level);
    for encoder in [&mut gzip as &mut dyn std::io::Write, &mut zlib, &mut bare] {
        encoder.write_all(bytes).expect("memory");
    }
    let mut encoded = vec![
        (None, bytes.to_vec()),
        (Some("gzip"), gzip.finish().expect("memory")),
        (Some("deflate"), zlib.finish().expect("memory")),
        (Some("deflate"), bare.finish().expect("memory")),
    ];
    if Encoding::parse(Some("zstd")).is_ok() {
        encoded.push((Some("zstd"), zstd::bulk::compress(bytes, 1).expect("memory")));
    }
    encoded
}

#[test]
fn otlp_in_every_encoding_is_read_or_refused_within_bounds() {
    let corpus = [corpus("otlp"), recorded("otel-http-proto."), recorded("otel-grpc.")].concat();
    fuzz("otlp", &corpus, |input, random| {
        let whole = Bytes::copy_from_slice(input);
        check_otlp(&whole, MediaType::Protobuf);
        for (encoding, encoded) in encodings(input) {
            let inflated = inflate(Bytes::from(encoded.clone()), encoding, INFLATED_BYTES);
            assert_eq!(inflated.expect("as it was encoded"), whole);
            // And damaged on its way.
            if let Ok(inflated) = inflate(Bytes::from(random.damaged(&[encoded])), encoding, INFLATED_BYTES) {
                assert!(inflated.len() <= INFLATED_BYTES);
                check_otlp(&inflated, MediaType::Protobuf);
            }
        }
        for encoding in ["gzip", "deflate", "zstd", "br"] {
            let inflated = inflate(whole.clone(), Some(encoding), INFLATED_BYTES);
            assert!(inflated.map_or(0, |bytes| bytes.len()) <= INFLATED_BYTES);
        }
    });
}

#[test]
fn otlp_json_is_read_or_refused_within_bounds() {
    fuzz("otlp_json", &corpus("otlp_json"), |input, _| {
        check_otlp(&Bytes::copy_from_slice(input), MediaType::Json);
    });
}

#[test]
fn checkpoints_are_read_or_refused_within_bounds() {
    let corpus = [corpus("checkpoints"), recorded("tracehub-0.1.0-client")].concat();
    fuzz("checkpoints", &corpus, |input, _| {
        for read in [checkpoint::batch(input), checkpoint::single(input)] {
            match read {
                Ok((checkpoints, _)) => check_batch(Batch { checkpoints, ..Batch::default() }, input.len()),
                Err(refusal) => {
                    let body: serde_json::Value = serde_json::from_str(refusal.body()).expect("an answer is JSON");
                    assert!(body["detail"].is_array() || body["detail"].is_string());
                }
            }
        }
    });
}

#[test]
fn log_entries_are_read_or_refused_within_bounds() {
    let corpus = [corpus("logs"), recorded("tracehub-logger-1.2.0-plain")].concat();
    fuzz("logs", &corpus, |input, _| {
        if let Ok(decoded) = logs::entries(&Bytes::copy_from_slice(input), Nanos(1)) {
            assert!(decoded.errors.len() <= decoded.rejected);
            check_batch(decoded.batch, input.len());
        }
    });
}

#[test]
fn typed_filters_and_times_are_read_or_refused() {
    let lines = |kind: &str| -> Vec<Vec<u8>> {
        corpus(kind).iter().flat_map(|file| file.split(|byte| *byte == b'\n').map(<[u8]>::to_vec)).collect()
    };
    fuzz("filters", &[lines("filters"), lines("times")].concat(), |input, _| {
        let text = String::from_utf8_lossy(input);
        let now = Nanos(1_795_252_442_117_000_000);
        _ = time_input::parse_time(&text, now, &TimeZone::UTC);
        _ = time_input::parse_duration(&text);
        if let Some(filter) = FieldFilter::parse(&text) {
            assert_eq!(FieldFilter::parse(&filter.to_string()), Some(filter), "a filter reads back as it is written");
        }
        let haystack = format!("before {text} behind");
        let found = Needle::new(&text).find(&haystack);
        assert!(found.is_none_or(|range| haystack.get(range).is_some()), "a place within the text");
    });
}

#[test]
fn neighbours_of_a_record_with_any_bytes_in_its_texts_are_kept() {
    let ids = |id: u8| format!(r#""traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"{id:016x}""#);
    let checkpoint = |suffix: &str, line: &str| {
        format!(
            r#"{{"source_id":"MA","correlation_id":"c","timestamp":1,"suffix":"{suffix}","direction":"->","operation":"","endpoint":"","raw_line":"{line}"}}"#
        )
    };
    let otlp_json = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{}}},{{{},"name":"@","attributes":[{{"key":"@","value":{{"stringValue":"@"}}}}]}},{{{}}}]}}]}}]}}"#,
        ids(1),
        ids(2),
        ids(3)
    );
    let checkpoints =
        format!(r#"{{"traces":[{},{},{}]}}"#, checkpoint("1", ""), checkpoint("2", "@"), checkpoint("3", ""));
    let entries = r#"[{"message":"1"},{"message":"@","extra":{"@":"@"}},{"message":"3"}]"#.to_owned();
    // Texts as JSON may hold them: no quotes, backslashes and control characters; everything else goes.
    let fill = |document: &str, text: &[u8]| -> Vec<u8> {
        let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'"' | b'\\' | ..0x20)).collect();
        document.bytes().flat_map(|byte| if byte == b'@' { text.clone() } else { vec![byte] }).collect()
    };
    fuzz(
        "neighbours",
        &[b"caf\xe9".to_vec(), b"\xed\xa0\x80 \xff".to_vec(), "ü😀".as_bytes().to_vec()],
        |text, _| {
            let body = Bytes::from(fill(&otlp_json, text));
            assert_eq!(otlp::traces(&body, MediaType::Json).expect("mended").batch.spans.len(), 3);
            assert_eq!(checkpoint::batch(&fill(&checkpoints, text)).expect("mended").0.len(), 3);
            let body = Bytes::from(fill(&entries, text));
            assert_eq!(logs::entries(&body, Nanos(1)).expect("mended").batch.logs.len(), 3);
            let field = |number: u8, content: &[u8]| {
                let mut out = vec![number << 3 | 2];
                let mut length = content.len();
                while length >= 0x80 {
                    out.push(length as u8 | 0x80);
                    length >>= 7;
                }
                out.push(length as u8);
                [&out, content].concat()
            };
            let span = |id: u8, rest: &[u8]| {
                field(
                    2,
                    &[field(1, &[7; 16]), field(2, &[id; 8]), field(3, rest), field(4, rest), field(5, rest)].concat(),
                )
            };
            let spans = [span(1, b""), span(2, text), span(3, b"")].concat();
            let decoded = otlp::traces(&Bytes::from(field(1, &field(2, &spans))), MediaType::Protobuf).expect("mended");
            let names: Vec<_> = decoded.batch.spans.iter().map(|span| span.name.to_string()).collect();
            assert_eq!(names, ["", &String::from_utf8_lossy(text)[..], ""]);
        },
    );
}
