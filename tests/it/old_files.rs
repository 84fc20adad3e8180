//! Databases other programs wrote, read as they are. The fixtures were made by those programs
//! (`data/old/make.py`); what no program should have written is made here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use serde_json::Value as Json;
use tracehub::model::json::object;
use tracehub::model::{Cursor, Nanos, RecordFilter, RecordKind, Sort, StatsQuery, TraceId, TraceQuery};
use tracehub::store::{self, Backend, Error, Mode, Target};

use crate::support::Home;
use crate::support::whole::Whole as _;

mod scans;

/// A copy of a fixture in a home.
pub fn fixture(home: &Home, name: &str) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/old").join(name);
    let to = home.file(name);
    fs::copy(from, &to).expect("a fixture");
    to.display().to_string()
}

/// A database made with statements.
fn made(home: &Home, statements: &str) -> String {
    let path = home.file("made.db");
    Connection::open(&path).expect("a database").execute_batch(statements).expect("valid SQL");
    path.display().to_string()
}

async fn open(path: &str) -> Arc<dyn Backend> {
    store::open(&Target::File(PathBuf::from(path)), Mode::Read).await.expect("opened")
}

/// The checkpoints of a trace as JSON.
async fn checkpoints(path: &str, id: &str) -> Vec<serde_json::Map<String, Json>> {
    let trace = open(path).await.trace(&TraceId::parse(id).expect("an id")).await.expect("read").expect("there");
    trace.checkpoints.iter().map(object).collect()
}

/// Every file of a folder with its bytes.
fn folder(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(home.path()).expect("a folder").map(|entry| entry.expect("readable").path());
    paths.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(&path).expect("readable"))).collect()
}

const LISTED: &str = "trace_id,status,services,start_time,duration_ms,span_count,checkpoint_count,error_count,complete";

#[test]
fn a_python_database_is_listed() {
    let home = Home::new();
    let db = fixture(&home, "python-0.1.0.db");
    insta::assert_snapshot!(home.run(&["list", "--db", &db, "--fields", LISTED, "-o", "tsv"]), @"
    trace_id	status	services	start_time	duration_ms	span_count	checkpoint_count	error_count	complete
    -	ok	MB	2026-11-21T09:14:07.000000000Z	0.0	0	1	0	true
    4bf92f3577b34da6a3ce929d0e0e4736	ok	MA	2026-11-21T09:14:06.000000000Z	20.0	0	2	0	true
    ünïcode-✓	open	VM	2026-11-21T09:14:05.000000000Z	0.0	0	1	0	false
    req/with slash?&	ok	WS	2026-11-21T09:14:04.000000000Z	500.0	0	2	0	true
    cli-12345-abc	ok	MA;WK	2026-11-21T09:14:02.000000000Z	100.5	0	6	0	true
    --- exit 0
    ");
}

#[tokio::test]
async fn a_python_trace_keeps_all_that_was_stored() {
    let home = Home::new();
    let db = fixture(&home, "python-0.1.0.db");
    let found = checkpoints(&db, "cli-12345-abc").await;
    assert_eq!(found.len(), 6);
    insta::assert_snapshot!(found[0..2].iter().map(|each| format!("{}\n", Json::from(each.clone()))).collect::<String>(), @r#"
    {"source_id":"MA","correlation_id":"cli-12345-abc","timestamp":1795252442000.0,"suffix":"a0","direction":"->","operation":"REST","endpoint":"/api/orders","data":{"user":"ann","items":[1,2.5,null]},"hostname":"web-1","raw_line":"09:14:02 MA -> REST /api/orders","project":null,"data_text":null}
    {"source_id":"WK","correlation_id":"cli-12345-abc","timestamp":1795252442010.25,"suffix":"a1","direction":"->","operation":"RPC","endpoint":"price","data":{"nested":{"ok":true,"ü":"✓"}},"hostname":"unknown","raw_line":null,"project":null,"data_text":null}
    "#);
    let trace = home.run(&["show", "req/with", "--db", &db, "--json"]).json();
    assert_eq!((trace["trace_id"].as_str(), trace["checkpoint_count"].as_u64()), (Some("req/with slash?&"), Some(2)));
}

#[test]
fn python_checkpoints_count_as_operations() {
    let home = Home::new();
    let db = fixture(&home, "python-0.1.0.db");
    let fields = ["--fields", "service,name,calls,p50_ms,max_ms,self_ms", "-o", "tsv"];
    insta::assert_snapshot!(home.run(&[&["stats", "--db", &db][..], &fields].concat()), @"
    service	name	calls	p50_ms	max_ms	self_ms
    WS	WS connect	1	500.0	500.0	500.0
    WK	RPC price	2	20.0	30.5	50.5
    MA	REST /api/orders	1	100.5	100.5	50.0
    MA	REST /api/pay	1	20.0	20.0	20.0
    VM	RPC stuck	0	0.0	0.0	0.0
    --- exit 0
    ");
}

#[test]
fn what_the_successor_wrote_is_read_too() {
    let home = Home::new();
    let db = fixture(&home, "python-successor.db");
    let stats = home.run(&["stats", "--db", &db, "--json"]).json();
    assert_eq!((stats["traces"].as_u64(), stats["checkpoints"].as_u64()), (Some(5), Some(10)));
}

#[test]
fn an_msgtrace_database_is_listed() {
    let home = Home::new();
    let db = fixture(&home, "msgtrace.db");
    let fields = format!("name,workflow,tokens,{LISTED}");
    insta::assert_snapshot!(home.run(&["list", "--db", &db, "--fields", &fields, "-o", "tsv"]), @r#"
    name	workflow	tokens	trace_id	status	services	start_time	duration_ms	span_count	checkpoint_count	error_count	complete
    GET /health			000000000000000000000000000000b2	ok	assistant	2026-11-21T09:14:07.000000000Z	2.0	1	0	0	true
    plan trip	travel	{"input":120,"output":30}	000000000000000000000000000000a1	error	assistant	2026-11-21T09:14:02.000000000Z	1200.0	3	0	1	true
    --- exit 0
    "#);
}

#[test]
fn an_msgtrace_span_keeps_all_that_was_stored() {
    let home = Home::new();
    let db = fixture(&home, "msgtrace.db");
    let trace = home.run(&["show", "latest~1", "--db", &db, "--json"]).json();
    let spans = trace["spans"].as_array().expect("a list");
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).expect("there").clone();
    let keys = ["span_id", "parent_span_id", "kind", "start_time", "duration_ns", "status", "status_message"];
    let mut text = String::new();
    for name in ["plan trip", "chat gpt-4o", "tool search"] {
        let span = named(name);
        let values: Vec<String> = keys.iter().map(|key| span[key].to_string()).collect();
        text += &format!("{}\n  {}\n  {}\n", values.join(" "), span["attributes"], span["events"]);
    }
    insta::assert_snapshot!(text + &named("plan trip")["resource"].to_string(), @r#"
    "0000000000000001" null "internal" "2026-11-21T09:14:02.000000000Z" 1200000000 "unset" null
      {"msgflux.workflow.name":"travel"}
      []
    "0000000000000002" "0000000000000001" "client" "2026-11-21T09:14:02.010000000Z" 690000000 "ok" null
      {"gen_ai.operation.name":"chat","gen_ai.request.model":"gpt-4o","gen_ai.usage.input_tokens":120,"gen_ai.usage.output_tokens":30,"stop":["a","b"],"temperature":0.5}
      []
    "0000000000000003" "0000000000000001" "internal" "2026-11-21T09:14:02.710000000Z" 190000000 "error" "no answer"
      {"tool.args":{"q":"köln"}}
      [{"time":"2026-11-21T09:14:02.900000000Z","name":"exception","attributes":{"exception.type":"TimeoutError","exception.message":"no answer"},"dropped_attributes_count":0}]
    {"service.name":"assistant","telemetry.sdk.language":"python"}
    "#);
}

#[test]
fn the_layout_is_known_by_the_columns_and_not_by_the_name() {
    let home = Home::new();
    for (index, statements) in [
        "CREATE TABLE traces(id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE spans(trace_id, span_id, name, start_time)",
        "CREATE TABLE spans(trace_id, span_id, name, started_at); CREATE TABLE traces(trace_id)",
        "CREATE TABLE traces(source_id, correlation_id, timestamp, direction, PRIMARY KEY(timestamp)) WITHOUT ROWID",
    ]
    .iter()
    .enumerate()
    {
        let path = home.file(&format!("msgtrace{index}.db"));
        Connection::open(&path).expect("a database").execute_batch(statements).expect("valid SQL");
        let answer = home.run(&["list", "--db", &path.display().to_string()]);
        assert_eq!(answer.code, Some(3), "{statements}: {answer}");
        assert!(answer.stderr.contains("is not a tracehub database"), "{answer}");
    }
}

#[tokio::test]
async fn columns_may_be_missing_and_more_may_be_there() {
    let home = Home::new();
    let db = made(
        &home,
        "CREATE TABLE traces(Source_ID TEXT, correlation_id TEXT, timestamp REAL, direction TEXT, colour TEXT);
         INSERT INTO traces VALUES ('MA', 'short', 1000.5, '->', 'red'), ('MA', 'short', 1002, '<-', 'blue');",
    );
    let trace = home.run(&["show", "short", "--db", &db, "--json"]).json();
    assert_eq!(trace["duration_ms"], 1.5);
    assert_eq!(checkpoints(&db, "short").await[0]["hostname"], "unknown");
    let db = home.file("spans.db").display().to_string();
    let statements = "CREATE TABLE traces(trace_id); CREATE TABLE spans(trace_id, span_id, name, start_time);
                      INSERT INTO spans VALUES ('aa', '00000000000000a1', 'only', 1000)";
    Connection::open(&db).expect("a database").execute_batch(statements).expect("valid SQL");
    let answer = home.run(&["list", "--db", &db, "--fields", "trace_id,name,service,status", "-o", "tsv"]);
    insta::assert_snapshot!(answer, @"
    trace_id	name	service	status
    aa	only	unknown_service	ok
    --- stderr
    warning: 1 row mended: no end time
    --- exit 0
    ");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_costs_that_row_only() {
    let home = Home::new();
    let db = made(
        &home,
        "CREATE TABLE traces(source_id, correlation_id, timestamp, suffix, direction, operation, endpoint, data,
                             hostname, raw_line, created_at);
         INSERT INTO traces VALUES
            ('MA', 'good', 1000, 'a', '->', 'REST', '/', '{\"a\": [1, NaN]}', 'h', NULL, NULL),
            ('MA', NULL,   1000, 'a', '->', 'REST', '/', NULL, 'h', NULL, NULL),
            ('MA', x'00ff', 1000, 'a', '->', 'REST', '/', NULL, 'h', NULL, NULL),
            ('MA', 'never', 'soon', 'a', '->', 'REST', '/', NULL, 'h', NULL, NULL),
            ('MA', 'never', 9e999, 'a', '->', 'REST', '/', NULL, 'h', NULL, NULL),
            ('MA', 'stored', NULL, 'a', '->', 'REST', '/', NULL, 'h', NULL, 2),
            ('MA', 'dated', '2026-11-21 09:14:02.5', 'a', '->', 'REST', '/', NULL, 'h', NULL, NULL),
            ('MA', 'number', '1500.25', 'a', '->', 'REST', '/', NULL, 'h', NULL, NULL),
            ('MA', 'payload', 1000, 'a', '->', 'REST', '/', '{\"cut', 'h', NULL, NULL),
            ('MA', 'payload', 1001, 'b', '<-', 'REST', '/', '[1]', 'h', NULL, NULL),
            (NULL, 'bare', 1000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
            (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
            (x'ff41', 'bytes', 1000, 'a', '->', 'REST', '/', NULL, x'ff', NULL, NULL);",
    );
    insta::assert_snapshot!(home.run(&["list", "--db", &db, "--fields", "trace_id,start_time,service", "-o", "tsv"]), @"
    trace_id	start_time	service
    dated	2026-11-21T09:14:02.500000000Z	MA
    stored	1970-01-01T00:00:02.000000000Z	MA
    number	1970-01-01T00:00:01.500250000Z	MA
    bare	1970-01-01T00:00:01.000000000Z	
    bytes	1970-01-01T00:00:01.000000000Z	�A
    good	1970-01-01T00:00:01.000000000Z	MA
    payload	1970-01-01T00:00:01.000000000Z	MA
    6	1970-01-01T00:00:00.007000000Z	5
    --- stderr
    warning: 2 rows skipped: no correlation id
    warning: 2 rows skipped: no time
    warning: 1 row mended: no source
    warning: 1 row mended: no time of its own, so the one it was stored at
    warning: 1 row mended: text that is not UTF-8
    warning: 2 rows mended: time is text
    --- exit 0
    ");
    let data = async |id: &str| {
        let found = checkpoints(&db, id).await;
        found.iter().map(|checkpoint| checkpoint["data"].to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(data("good").await, r#"{"a":[1,null]}"#);
    assert_eq!(data("payload").await, r#"{"text":"{\"cut"} {"text":"[1]"}"#);
    let answer = home.run(&["show", "payload", "--db", &db, "--json"]);
    assert_eq!(answer.stderr, "warning: 2 rows mended: payload is no JSON object\n");
}

#[test]
fn a_span_that_cannot_be_read_costs_that_span_only() {
    let home = Home::new();
    let db = made(
        &home,
        "CREATE TABLE traces(trace_id TEXT);
         CREATE TABLE spans(span_id TEXT, trace_id TEXT, parent_span_id TEXT, name TEXT, kind, start_time, end_time,
                            duration_ms, attributes, events, status_code, status_description, resource_attributes);
         INSERT INTO spans VALUES
            ('00000000000000a1', 'aa', NULL, 'good', 'SERVER', 1000, 2000, 1, '{}', '[]', 'OK', NULL, '{}'),
            (NULL, 'aa', NULL, 'no id', 'SERVER', 1000, 2000, 1, '{}', '[]', 'OK', NULL, '{}'),
            ('0000000000000000', 'aa', NULL, 'zero id', 'SERVER', 1000, 2000, 1, '{}', '[]', 'OK', NULL, '{}'),
            ('00000000000000a2', NULL, NULL, 'no trace', 'SERVER', 1000, 2000, 1, '{}', '[]', 'OK', NULL, '{}'),
            ('00000000000000a3', 'aa', NULL, 'no start', 'SERVER', NULL, 2000, 1, '{}', '[]', 'OK', NULL, '{}'),
            ('00000000000000a4', 'aa', NULL, 'negative', 'SERVER', -5, 2000, 1, '{}', '[]', 'OK', NULL, '{}'),
            ('00000000000000a5', 'aa', NULL, 'no end', 'SERVER', 1000, NULL, 0.5, '{}', '[]', 'OK', NULL, '{}'),
            ('parent', 'bb', NULL, 'odd id', 2, 1.5, 2.5, 1, '{\"k\":', '{}', 2, 'why', 'x'),
            ('child', 'bb', 'parent', 'odd child', 'SPAN_KIND_CLIENT', 1.5, 2.5, 1, NULL, NULL, 'STATUS_CODE_ERROR', NULL, NULL);",
    );
    insta::assert_snapshot!(home.run(&["list", "--db", &db, "--fields", LISTED, "-o", "tsv"]), @"
    trace_id	status	services	start_time	duration_ms	span_count	checkpoint_count	error_count	complete
    bb	error	unknown_service	1970-01-01T00:00:01.500000000Z	1000.0	2	0	2	true
    aa	ok	unknown_service	1970-01-01T00:00:00.000001000Z	0.5	2	0	0	true
    --- stderr
    warning: 2 rows skipped: no span id
    warning: 2 rows skipped: no start time
    warning: 1 row skipped: no trace id
    warning: 1 row mended: no end time
    warning: 2 rows mended: time is no whole number
    --- exit 0
    ");
    let trace = home.run(&["show", "bb", "--db", &db, "--json"]).json();
    let (root, child) = (&trace["spans"][0], &trace["spans"][1]);
    assert_eq!(child["parent_span_id"], root["span_id"]);
    assert_eq!((root["kind"].as_str(), root["status"].as_str()), (Some("server"), Some("error")));
    assert_eq!((child["kind"].as_str(), child["status"].as_str()), (Some("client"), Some("error")));
    assert_eq!(root["start_time"], "1970-01-01T00:00:01.500000000Z");
    assert_eq!(root["attributes"]["msgtrace.attributes"], "{\"k\":");
}

/// Any value a cell can hold, with those that mean something among them.
fn cells() -> impl Strategy<Value = Sql> {
    const WORDS: [&str; 12] =
        ["", "-", "->", "{}", "[]", "null", "1e400", "-0", "2026-11-21", "00000000000000a1", "ERROR", "{\"a\":1}"];
    prop_oneof![
        Just(Sql::Null),
        any::<i64>().prop_map(Sql::Integer),
        any::<f64>().prop_map(Sql::Real),
        ".{0,12}".prop_map(Sql::Text),
        proptest::sample::select(&WORDS[..]).prop_map(|word| Sql::Text(word.to_owned())),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Sql::Blob),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_lies_in_the_cells_all_answers_agree(
        is_python: bool, rows in proptest::collection::vec(proptest::collection::vec(cells(), 13), 1..20),
    ) {
        let home = Home::new();
        let columns = match is_python {
            true => "source_id, correlation_id, timestamp, suffix, direction, operation, endpoint, data, hostname,
                     raw_line, created_at, a, b",
            false => "span_id, trace_id, parent_span_id, name, kind, start_time, end_time, duration_ms, attributes,
                      events, status_code, status_description, resource_attributes",
        };
        let table = if is_python { "traces" } else { "spans" };
        let other = if is_python { "" } else { "CREATE TABLE traces(trace_id);" };
        let db = made(&home, &format!("{other} CREATE TABLE {table}({columns})"));
        let connection = Connection::open(&db).expect("a database");
        connection.execute_batch("PRAGMA synchronous=OFF; BEGIN").expect("begun");
        for row in &rows {
            let sql = format!("INSERT INTO {table} VALUES ({})", ["?"; 13].join(","));
            connection.execute(&sql, rusqlite::params_from_iter(row)).expect("inserted");
        }
        connection.execute_batch("COMMIT").expect("committed");
        drop(connection);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let backend = open(&db).await;
            let chunk = backend.scan(&RecordFilter::default(), None, 100, Duration::ZERO).await.expect("scanned");
            let listed = backend.traces(&TraceQuery::default()).await.expect("listed").items;
            let stats = backend.stats(&StatsQuery::default()).await.expect("counted");
            assert_eq!(stats.traces, listed.len() as u64);
            assert_eq!(stats.spans + stats.checkpoints, chunk.batch.len() as u64);
            let mut shown = 0;
            for summary in listed {
                let trace = backend.trace(&summary.trace_id).await.expect("read").expect("there");
                shown += trace.spans.len() + trace.checkpoints.len();
                assert_eq!(trace.summary, summary);
            }
            assert_eq!(shown, chunk.batch.len());
            let skipped: u64 = backend.warnings().iter().map(|warning| warning.skipped).sum();
            assert_eq!(skipped + chunk.batch.len() as u64, rows.len() as u64);
        });
    }
}

#[test]
fn an_id_is_found_however_it_is_written() {
    let home = Home::new();
    let long = "x".repeat(300);
    let mixed = "4Bf92f3577b34da6a3ce929d0e0e4736";
    let db = made(
        &home,
        &format!(
            "CREATE TABLE traces(source_id TEXT, correlation_id TEXT, timestamp REAL, direction TEXT);
             INSERT INTO traces VALUES ('MA', '{long}', 1, '->'), ('MA', '{mixed}', 2, '->'), ('MA', '', 3, '->'),
                                       ('MA', '-', 4, '->'), ('MA', 'MIXED', 5, '->'), ('MA', 'mixed', 6, '->');"
        ),
    );
    let listed = home.run(&["list", "--db", &db, "-q"]);
    let ids: Vec<&str> = listed.data().lines().collect();
    assert_eq!(ids.len(), 5, "{listed}");
    for (id, count) in ids.iter().zip([1, 1, 2, 1, 1]) {
        if id.len() >= 4 {
            let trace = home.run(&["show", id, "--db", &db, "--json"]).json();
            assert_eq!((trace["trace_id"].as_str(), trace["checkpoint_count"].as_u64()), (Some(*id), Some(count)));
        }
    }
    assert_eq!(ids.iter().filter(|id| id.to_lowercase() == "mixed").count(), 2);
}

#[test]
fn reading_leaves_no_trace() {
    for (name, mode) in [("python-0.1.0.db", "delete"), ("python-0.1.0.db", "wal"), ("msgtrace.db", "wal")] {
        let home = Home::new();
        let db = fixture(&home, name);
        let connection = Connection::open(&db).expect("a database");
        connection.query_row(&format!("PRAGMA journal_mode={mode}"), [], |_| Ok(())).expect("set");
        drop(connection);
        let before = folder(&home);
        assert_eq!(before.len(), 1, "{name} {mode}");
        for command in [&["list"][..], &["show", "latest"], &["stats"]] {
            let answer = home.run(&[command, &["--db", &db]].concat());
            assert_eq!(answer.code, Some(0), "{answer}");
        }
        assert!(before == folder(&home), "{name} {mode}");
    }
}

#[test]
fn what_lies_in_the_log_alone_is_read_too() {
    let home = Home::new();
    let db = home.file("live.db").display().to_string();
    let writer = Connection::open(&db).expect("a database");
    writer.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(())).expect("set");
    writer
        .execute_batch(
            "CREATE TABLE traces(source_id TEXT, correlation_id TEXT, timestamp REAL, direction TEXT);
             INSERT INTO traces VALUES ('MA', 'fresh', 1, '->');",
        )
        .expect("written");
    assert_eq!(home.run(&["list", "--db", &db, "-q"]).data(), "fresh\n");
    // As after a crash: the log without its index.
    let left = home.file("left.db").display().to_string();
    for suffix in ["", "-wal"] {
        fs::copy(format!("{db}{suffix}"), format!("{left}{suffix}")).expect("copied");
    }
    let before = fs::read(&left).expect("readable");
    assert_eq!(home.run(&["list", "--db", &left, "-q"]).data(), "fresh\n");
    assert_eq!(before, fs::read(&left).expect("readable"));
}

#[test]
fn a_change_that_was_never_finished_is_named_and_left_alone() {
    let home = Home::new();
    let db = fixture(&home, "python-0.1.0.db");
    let mut writer = Connection::open(&db).expect("a database");
    writer.execute_batch("PRAGMA cache_size=1; PRAGMA cache_spill=1").expect("set");
    let change = writer.transaction().expect("begun");
    for index in 0..500 {
        let sql =
            "INSERT INTO traces(source_id, correlation_id, timestamp, suffix, direction, operation, endpoint, data)
                   VALUES ('MA', 'c', ?1, 's', '->', 'o', 'e', hex(zeroblob(200)))";
        change.execute(sql, [index]).expect("inserted");
    }
    let other = Home::new();
    let left = other.file("left.db").display().to_string();
    for suffix in ["", "-journal"] {
        fs::copy(format!("{db}{suffix}"), format!("{left}{suffix}")).expect("copied");
    }
    let before = folder(&other);
    insta::assert_snapshot!(other.run(&["list", "--db", &left]), @"
    --- stderr
    error: cannot open `/home/left.db`
      caused by: its last writer stopped half-way through a change, which `sqlite3 FILE .tables` or the program that wrote it undoes
    hint: check that the folder is there and that you may read and write the file
    --- exit 3
    ");
    assert!(before == folder(&other));
}

#[test]
fn nothing_is_written_to_an_old_file() {
    let home = Home::new();
    let db = fixture(&home, "msgtrace.db");
    let before = folder(&home);
    for (command, code) in [(&["clear", "--yes"][..], 2), (&["start", "--port", "0"], 3)] {
        let answer = home.run(&[command, &["--db", &db]].concat());
        assert_eq!(answer.code, Some(code), "{answer}");
        assert!(answer.stderr.contains("tracehub import"), "{answer}");
    }
    assert!(before == folder(&home));
}

#[tokio::test]
async fn an_old_file_offers_the_order_of_its_rows_and_nothing_else() {
    let home = Home::new();
    let backend = open(&fixture(&home, "msgtrace.db")).await;
    assert!(backend.info().read_only && backend.feed().is_some());
    assert!(backend.sink().is_none() && backend.logs().is_none());
    assert!(backend.issues().is_none() && backend.keys().is_none());
    backend.close().await.expect("closed");
    assert!(matches!(backend.traces(&TraceQuery::default()).await, Err(Error::Closed)));
}

#[test]
fn what_an_old_file_does_not_keep_is_an_error_and_no_empty_answer() {
    let home = Home::new();
    let db = fixture(&home, "python-0.1.0.db");
    let before = folder(&home);
    let mut text = String::new();
    for command in [
        &["issues"][..],
        &["issues", "show", "latest"],
        &["logs"],
        &["logs", "--issue", "7f3a"],
        &["keys", "list"],
        &["clear", "--dry-run"],
        &["clear", "--yes"],
        &["keys", "revoke", "0a1b", "--yes"],
        &["log", "--strict", "hello"],
    ] {
        text += &format!("$ {}\n{}", command.join(" "), home.run(&[command, &["--db", &db]].concat()));
    }
    insta::assert_snapshot!(text, @"
    $ issues
    --- stderr
    error: a Python tracehub file keeps no issues
    hint: keep them in a file beside it with --db 'python-0.1.0.db?meta=FILE', or bring its records into a tracehub database: tracehub import python-0.1.0.db --db traces.db
    --- exit 2
    $ issues show latest
    --- stderr
    error: a Python tracehub file keeps no issues
    hint: keep them in a file beside it with --db 'python-0.1.0.db?meta=FILE', or bring its records into a tracehub database: tracehub import python-0.1.0.db --db traces.db
    --- exit 2
    $ logs
    --- stderr
    error: a Python tracehub file holds no log records
    hint: bring its records into a tracehub database: tracehub import python-0.1.0.db --db traces.db
    --- exit 2
    $ logs --issue 7f3a
    --- stderr
    error: a Python tracehub file keeps no issues
    hint: keep them in a file beside it with --db 'python-0.1.0.db?meta=FILE', or bring its records into a tracehub database: tracehub import python-0.1.0.db --db traces.db
    --- exit 2
    $ keys list
    --- stderr
    error: a Python tracehub file keeps no keys
    hint: keep them in a file beside it with --db 'python-0.1.0.db?meta=FILE', or bring its records into a tracehub database: tracehub import python-0.1.0.db --db traces.db
    --- exit 2
    $ clear --dry-run
    --- stderr
    error: a Python tracehub file can only be read
    hint: bring its records into a tracehub database: tracehub import python-0.1.0.db --db traces.db
    --- exit 2
    $ clear --yes
    --- stderr
    error: a Python tracehub file can only be read
    hint: bring its records into a tracehub database: tracehub import python-0.1.0.db --db traces.db
    --- exit 2
    $ keys revoke 0a1b --yes
    --- stderr
    error: a Python tracehub file can only be read
    hint: bring its records into a tracehub database: tracehub import python-0.1.0.db --db traces.db
    --- exit 2
    $ log --strict hello
    --- stderr
    error: the record is not stored in ~/python-0.1.0.db
      a Python tracehub file can only be read
    hint: it is kept in ~/.tracehub/dlq
    --- exit 3
    ");
    assert!(before == folder(&home));
}
