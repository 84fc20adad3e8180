//! Redaction end to end: five hundred secrets of two dozen kinds, made up here, sent in every way and looked for in every
//! byte that is left.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tracehub::model::{IssueQuery, RecordFilter, TraceQuery};
use tracehub::store::sqlite::Sqlite;
use tracehub::store::{Backend as _, Feed as _, Issues as _};

use crate::support::{Home, NOW_NS, otlp};

/// Secrets of each kind.
const OF_EACH_KIND: usize = 20;
const RULES: &str = "[[rule]]\nkinds = [\"all\"]\n";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";
const ALL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";

/// Numbers that look drawn by lot, others in each run.
struct Lot(u64);

impl Lot {
    fn new() -> Lot {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
        Lot(now.as_nanos() as u64 | 1)
    }

    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        (0..length).map(|_| char::from(alphabet.as_bytes()[self.below(alphabet.len())])).collect()
    }

    /// A number with a check digit behind.
    fn card(&mut self) -> String {
        let digits = format!("4{}", self.text("0123456789", 14));
        let sum: u32 = digits
            .bytes()
            .rev()
            .enumerate()
            .map(|(place, digit)| {
                let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
                if digit > 9 { digit - 9 } else { digit }
            })
            .sum();
        format!("{digits}{}", (10 - sum % 10) % 10)
    }

    fn iban(&mut self) -> String {
        let account = self.text("0123456789", 18);
        let remainder =
            format!("{account}131400").bytes().fold(0_u32, |sum, digit| (sum * 10 + u32::from(digit - b'0')) % 97);
        format!("DE{:02}{account}", 98 - remainder)
    }

    /// Secrets of all kinds: the text they stand in, and what must be nowhere.
    fn secrets(&mut self) -> Vec<(String, String)> {
        let mut secrets = Vec::new();
        for _ in 0..OF_EACH_KIND {
            let whole = |secret: String| (secret.clone(), secret);
            secrets.extend([
                whole(format!("AKIA{}", self.text(UPPER, 16))),
                whole(format!("sk-ant-{}", self.text(ALL, 40))),
                whole(format!("sk-proj-{}", self.text(ALL, 48))),
                whole(format!("ghp_{}", self.text(ALL, 36))),
                whole(format!("glpat-{}", self.text(ALL, 20))),
                whole(format!("xoxb-{}-{}", self.text("123456789", 11), self.text(ALL, 24))),
                whole(format!("sk_live_{}", self.text(ALL, 24))),
                whole(format!("AIza{}", self.text(ALL, 35))),
                whole(format!("hf_{}", self.text(ALL, 34))),
                whole(format!("npm_{}", self.text(ALL, 36))),
                whole(format!("SG.{}.{}", self.text(ALL, 22), self.text(ALL, 43))),
                whole(format!("dop_v1_{}", self.text(HEX, 64))),
                whole(format!("hvs.{}", self.text(ALL, 30))),
                whole(format!("eyJ{}.eyJ{}.{}", self.text(ALL, 20), self.text(ALL, 30), self.text(ALL, 43))),
                whole(format!("th_{}", self.text(ALL, 43))),
                whole(format!("{}:AA{}", self.text("123456789", 9), self.text(ALL, 33))),
                whole(format!("SK{}", self.text(HEX, 32))),
                whole(self.card()),
                whole(self.iban()),
                whole(format!("{}.{}@{}.example", self.text(LOWER, 6), self.text(LOWER, 7), self.text(LOWER, 5))),
                whole(format!(
                    "5{}-{}-{}",
                    self.text("123456789", 2),
                    self.text("123456789", 2),
                    self.text("123456789", 4)
                )),
            ]);
            let key = self.text(ALL, 60);
            secrets.push((format!("-----BEGIN RSA PRIVATE KEY-----\n{key}\n-----END RSA PRIVATE KEY-----"), key));
            let password = format!("{}!{}", self.text(LOWER, 6), self.text("123456789", 4));
            secrets.push((format!("postgres://app:{password}@db.internal/shop"), password));
            let password = self.text(LOWER, 11);
            secrets.push((format!("login failed: password={password} from 10.0.0.1"), password));
            let token = self.text(HEX, 40);
            secrets.push((format!("Authorization: Bearer {token}"), token));
        }
        secrets
    }
}

fn text(text: &str) -> Json {
    json!({ "stringValue": text })
}

fn attribute(key: &str, value: Json) -> Json {
    json!({ "key": key, "value": value })
}

/// A span with a secret in one of its places.
fn span(number: usize, secret: &str) -> Json {
    let mut span = otlp::span(&format!("{:032x}", number / 4 + 1), number as u64 + 1, 0, "work", (9_000, 40));
    match number % 9 {
        0 => span["name"] = json!(format!("GET {secret} now")),
        1 => span["attributes"] = json!([attribute("http.url", text(&format!("x {secret} y")))]),
        2 => {
            let inner = json!({ "kvlistValue": { "values": [attribute("deep", json!({ "arrayValue": { "values": [text(secret)] } }))] } });
            span["attributes"] = json!([attribute("map", inner)]);
        }
        3 => {
            span["status"] = json!({ "code": 2, "message": "failed" });
            span["events"] = json!([{ "name": "exception", "timeUnixNano": span["startTimeUnixNano"], "attributes": [
                attribute("exception.type", text("ValueError")),
                attribute("exception.message", text(&format!("bad {secret}"))),
                attribute("exception.stacktrace", text(&format!("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g('{secret}')\nValueError: bad {secret}"))),
            ] }]);
        }
        4 => span["status"] = json!({ "code": 2, "message": format!("could not use {secret}") }),
        5 => {
            span["links"] = json!([{ "traceId": span["traceId"], "spanId": span["spanId"], "traceState": format!("a={secret}"),
                                     "attributes": [attribute("why", text(secret))] }])
        }
        6 => {
            span["events"] = json!([{ "name": format!("event {secret}"), "timeUnixNano": span["startTimeUnixNano"], "attributes": [] }])
        }
        7 => {
            span["attributes"] = json!([attribute(
                "gen_ai.input.messages",
                text(&json!([{ "role": "user", "content": format!("use {secret}") }]).to_string())
            )])
        }
        _ => span["attributes"] = json!([attribute(secret, text("in the key"))]),
    }
    span
}

/// The requests with all secrets: path, and body.
fn requests(secrets: &[(String, String)]) -> Vec<(&'static str, Json)> {
    let mut requests = Vec::new();
    let now_ms = NOW_NS / 1_000_000;
    for (number, (secret, _)) in secrets.iter().enumerate() {
        requests.push(match number % 8 {
            0..=3 => {
                let mut resource = otlp::resource("shop", &[span(number / 8 * 4 + number % 8, secret)]);
                if number % 24 == 1 {
                    resource = otlp::resource(&format!("shop {secret}"), &[otlp::span("aa", 1, 0, "x", (1, 1))]);
                    resource["scopeSpans"][0]["spans"][0]["traceId"] = json!(format!("{:032x}", number + 90_000));
                    resource["scopeSpans"][0]["scope"] = json!({ "name": secret, "version": secret });
                }
                ("/v1/traces", json!({ "resourceSpans": [resource] }))
            }
            4 => ("/v1/logs", json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{
                "timeUnixNano": NOW_NS.to_string(), "severityNumber": 17, "body": { "stringValue": format!("cannot: {secret}") },
            }] }] }] })),
            5 => ("/v1/logs", json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{
                "timeUnixNano": NOW_NS.to_string(), "body": { "kvlistValue": { "values": [attribute("said", text(secret))] } },
            }] }] }] })),
            6 => ("/api/v1/ingest", json!([{ "level": "ERROR", "message": "it failed", "service": "w", "timestamp": now_ms,
                "stack_trace": format!("Traceback (most recent call last):\n  File \"b.py\", line 2, in h\nKeyError: {secret}"),
                "error_type": "KeyError", "error_message": secret, "extra": { "a": { "b": [secret] } } }])),
            _ => ("/ingest", json!({ "traces": [{
                "source_id": "MA", "timestamp": now_ms as f64 + number as f64, "suffix": "1", "direction": "->", "operation": "REST",
                "correlation_id": if number % 16 == 7 { format!("cart {secret}") } else { format!("c-{number}") },
                "endpoint": format!("/x/{secret}"), "hostname": "h", "data": { "note": secret, "list": [{ "n": secret }] },
                "raw_line": format!("12:00 {secret}"),
            }] })),
        });
    }
    requests
}

/// Everything a reader can get out of a database, as text.
fn all_that_is_stored(db: &Path) -> String {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Sqlite::open_for_reading(db.to_owned()).await.expect("opened");
        let (mut all, mut cursor) = (String::new(), None);
        loop {
            let chunk = store.scan(&RecordFilter::default(), cursor.as_ref(), 500, Duration::ZERO).await.expect("read");
            all.push_str(&format!("{:?}", chunk.batch));
            cursor = Some(chunk.next);
            if chunk.at_end {
                break;
            }
        }
        let page = store.traces(&TraceQuery { limit: 1_000, ..TraceQuery::default() }).await.expect("listed");
        all.push_str(&format!("{:?}", page.items));
        let issues = store.list_issues(&IssueQuery { limit: 1_000, ..IssueQuery::default() }).await.expect("listed");
        for issue in issues.items {
            all.push_str(&format!("{:?}", store.issue(&issue.id).await.expect("read")));
        }
        store.close().await.expect("closed");
        // As a reader of JSON would have it, too: `{:?}` escapes.
        all.replace("\\\\", "\\").replace("\\n", "\n").replace("\\\"", "\"")
    })
}

fn bytes_of_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("a.db")));
    files.map(|path| (path.display().to_string(), std::fs::read(&path).expect("read"))).collect()
}

fn has(haystack: &[u8], needle: &str) -> bool {
    memchr::memmem::find(haystack, needle.as_bytes()).is_some()
}

/// How many of the secrets are among what a reader gets, and how many in the bytes of the files.
fn found(home: &Home, secrets: &[(String, String)]) -> (usize, usize) {
    let stored = all_that_is_stored(&home.file("a.db"));
    let files = bytes_of_files(home.path());
    let in_files = |secret: &str| files.iter().any(|(_, bytes)| has(bytes, secret));
    let stored_count = secrets.iter().filter(|(_, secret)| has(stored.as_bytes(), secret)).count();
    (stored_count, secrets.iter().filter(|(_, secret)| in_files(secret)).count())
}

#[test]
fn of_five_hundred_secrets_none_is_in_file_log_or_output() {
    let home = Home::new();
    let secrets = Lot::new().secrets();
    assert!(secrets.len() >= 500, "{}", secrets.len());
    std::fs::write(home.file("rules.toml"), RULES).expect("written");
    let server = home.start(&["--db", "a.db", "--redact", "rules.toml", "-vv"]);
    for (path, body) in requests(&secrets) {
        let answer = server.post(path, "application/json", body.to_string().as_bytes());
        assert!(answer.starts_with("HTTP/1.1 20"), "{path} {body}: {answer}");
    }
    // What is no message at all is told to its sender only.
    server.post("/v1/traces", "application/json", format!("{{\"resourceSpans\": {}", secrets[0].0).as_bytes());
    let metrics = home.get(&server, "/metrics");
    let counted = metrics.lines().filter(|line| line.starts_with("tracehub_redacted_total{")).count();
    assert!(counted >= 20 && metrics.contains("rule=\"jwt\",action=\"mask\""), "{metrics}");
    server.signal("KILL");
    let (_, said) = server.wait();
    assert_eq!(found(&home, &secrets), (0, 0));
    for (_, secret) in &secrets {
        assert!(!said.contains(secret.as_str()), "{said}");
    }
    // After a clean stop, with everything sealed.
    home.start(&["--db", "a.db", "--redact", "rules.toml"]).stop();
    assert_eq!(found(&home, &secrets), (0, 0));
    let answer = home.run(&["doctor", "--secrets", "--db", "a.db"]);
    assert!(answer.stdout.contains("✓ no secrets in "), "{answer}");
}

#[test]
fn an_old_file_is_looked_through_and_rewritten_until_no_byte_is_left() {
    let home = Home::new();
    let secrets = Lot::new().secrets();
    std::fs::write(home.file("rules.toml"), RULES).expect("written");
    let server = home.start(&["--db", "a.db"]);
    for (path, body) in requests(&secrets) {
        server.post(path, "application/json", body.to_string().as_bytes());
    }
    server.stop();
    let count = |args: &[&str]| home.run(&[&["stats", "--db", "a.db", "--json"], args].concat()).json();
    let (before, (stored, in_files)) = (count(&[]), found(&home, &secrets));
    assert_eq!(stored, secrets.len(), "or this test could not fail");
    assert!(in_files > 100, "{in_files}");
    let looked = home.run(&["doctor", "--secrets", "--db", "a.db", "--json"]);
    assert_eq!(looked.code, Some(1));
    let report = looked.json();
    let sum = report["findings"].as_array().expect("findings").iter().find(|finding| finding["check"] == "secrets");
    assert!(
        sum.expect("a sum")["fix"]
            .as_str()
            .is_some_and(|fix| fix.contains("tracehub clear --redact redact.toml --db "))
    );
    let places: Vec<&str> =
        report["secrets"]["places"].as_array().expect("rows").iter().filter_map(|row| row["place"].as_str()).collect();
    assert!(places.contains(&"span attribute http.url") && places.contains(&"log message"), "{places:?}");
    assert!(secrets.iter().all(|(_, secret)| !looked.stdout.contains(secret.as_str())));
    let dry = home.run(&["clear", "--db", "a.db", "--redact", "rules.toml", "--dry-run"]);
    assert!(dry.data().starts_with("would take "), "{dry}");
    assert_eq!(found(&home, &secrets).0, secrets.len(), "a dry run changes nothing");
    let rewritten = home.run(&["clear", "--db", "a.db", "--redact", "rules.toml", "--yes"]);
    assert!(rewritten.data().starts_with("took "), "{rewritten}");
    assert_eq!(found(&home, &secrets), (0, 0));
    let after = count(&[]);
    for key in ["spans", "checkpoints", "logs", "errors"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    let again = home.run(&["clear", "--db", "a.db", "--redact", "rules.toml", "--yes"]);
    assert!(again.data().starts_with("no secrets in "), "{again}");
}

#[test]
fn the_rules_hold_for_an_import_a_relay_and_a_record_written_by_hand() {
    let home = Home::new();
    let rules = "salt = \"equal everywhere\"\naction = \"hash\"\n[[rule]]\nkinds = [\"email\"]\n[[rule]]\nkeys = [\"pin\"]\naction = \"drop\"\n";
    std::fs::write(home.file("rules.toml"), rules).expect("written");
    home.run(&["log", "--db", "plain.db", "mail", "ann@shop.example", "now"]);
    let imported = home.run(&["import", "plain.db", "--db", "a.db", "--redact", "rules.toml"]);
    assert!(imported.stdout.contains("1 new"), "{imported}");
    home.run(&[
        "log",
        "--db",
        "b.db",
        "--redact",
        "rules.toml",
        "--extra",
        "pin=1234",
        "mail",
        "ann@shop.example",
        "now",
    ]);
    let upstream = home.start(&["--db", "c.db"]);
    let relay = home.start(&["--db", upstream.url(), "--redact", "rules.toml"]);
    relay.post(
        "/api/v1/ingest",
        "application/json",
        br#"[{"message":"mail ann@shop.example now","service":"s","level":"INFO"}]"#,
    );
    let messages: Vec<String> = ["a.db", "b.db", "c.db"]
        .map(|db| {
            home.run(&["logs", "--db", db, "--json"]).json()[0]["message"].as_str().expect("a message").to_owned()
        })
        .to_vec();
    assert!(
        messages[0].starts_with("mail [email#") && messages.iter().all(|message| *message == messages[0]),
        "{messages:?}"
    );
    let extra = home.run(&["logs", "--db", "b.db", "--json"]).json()[0]["extra"].clone();
    assert_eq!(extra["pin"], Json::Null);
}

#[test]
fn a_record_that_cannot_be_delivered_is_kept_without_its_secrets() {
    let home = Home::new();
    std::fs::write(home.file("rules.toml"), RULES).expect("written");
    let mut command =
        home.command(&["log", "--url", "http://127.0.0.1:1", "token=abcdef123456", "--extra", "password=hunter22"]);
    command.env("TRACEHUB_REDACT", "rules.toml");
    let answer = home.answer(command);
    assert!(answer.stderr.contains("kept"), "{answer}");
    let mut folders = vec![home.path().to_owned()];
    let mut letters = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("read");
            assert!(!has(&bytes, "abcdef123456") && !has(&bytes, "hunter22"), "{}", path.display());
            letters += usize::from(has(&bytes, "[redacted:"));
        }
    }
    assert_eq!(letters, 1);
}

#[test]
fn rules_that_make_no_sense_are_refused_with_their_line_and_keep_the_old_ones_in_force() {
    let home = Home::new();
    std::fs::write(home.file("rules.toml"), "[[rule]]\nkinds = [\"emial\"]\n").expect("written");
    let refused = home.run(&["start", "--db", "a.db", "--redact", "rules.toml"]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.starts_with("error: cannot read the rules in `rules.toml`, line 2: there is no kind `emial`"),
        "{refused}"
    );
    assert!(!home.file("a.db").exists());
    std::fs::write(home.file("rules.toml"), "[[rule]]\nkinds = [\"email\"]\n").expect("written");
    let server = home.start(&["--db", "a.db", "--redact", "rules.toml"]);
    std::fs::write(home.file("rules.toml"), "[[rule]]\nkinds = [\n").expect("written");
    server.signal("HUP");
    let send = |message: &str| {
        let body = json!([{ "message": message, "service": "s", "level": "INFO" }]).to_string();
        let answer = server.post("/api/v1/ingest", "application/json", body.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    };
    send("ann@shop.example");
    std::fs::write(home.file("rules.toml"), "[[rule]]\nname = \"mail\"\nkinds = [\"email\"]\n").expect("written");
    server.signal("HUP");
    // The new rules are in force some time after the signal.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !home.get(&server, "/metrics").contains("rule=\"mail\"") {
        send("bob@shop.example");
        assert!(std::time::Instant::now() < deadline, "the new rules are not in force");
    }
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the old rules stay in force: cannot read the rules in `rules.toml`"), "{said}");
    assert!(said.contains("the rules in rules.toml are in force now"), "{said}");
    let logs = home.run(&["logs", "--db", "a.db", "--json", "ann", "bob"]);
    assert!(!logs.stdout.contains("@shop.example"), "{logs}");
}
