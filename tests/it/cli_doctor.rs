//! `tracehub doctor`: files and servers in every state, and senders that each do one thing wrong.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tracehub::server::{RateLimit, SidePort};

use crate::server_support::{Answer, JSON, PROTOBUF, Server, call, export, frame, gzip, read_all, span};
use crate::support::{Home, otlp};

const HOUR_NS: i64 = 3_600_000_000_000;

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_nanos()).expect("before 2262")
}

/// An export of a service: spans with their ids and those of their parents, that began `ahead_ns` from now.
fn export_of(service: &str, trace: u32, spans: &[(u32, u32)], ahead_ns: i64) -> Json {
    let start = now_ns() + ahead_ns;
    let spans: Vec<Json> = spans
        .iter()
        .map(|(id, parent)| {
            let mut span = span(trace, *id, "x");
            span["startTimeUnixNano"] = json!(start.to_string());
            span["endTimeUnixNano"] = json!((start + 1_000).to_string());
            if *parent != 0 {
                span["parentSpanId"] = json!(format!("{parent:016x}"));
            }
            span
        })
        .collect();
    let mut request = export(&spans);
    request["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"] = json!(service);
    request
}

/// Sends with a user agent of its own.
async fn post(
    server: &Server,
    agent: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> u16 {
    let mut request = server.request("POST", path).header("user-agent", agent);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.body(body)).await.status
}

/// The findings of a doctor on the database of a server, with the present as the clock.
async fn examine(server: &Server) -> (Option<i32>, Json) {
    let db = server.db().display().to_string();
    let answer = tokio::task::spawn_blocking(move || {
        let home = Home::new();
        let mut command = home.command(&["doctor", "--json", "--db", &db]);
        command.env_remove("TRACEHUB_NOW");
        home.answer(command)
    });
    let answer = answer.await.expect("it runs");
    (answer.code, answer.json())
}

/// The finding of a check about senders that call themselves so; it must have a line to paste.
fn finding<'a>(report: &'a Json, check: &str, agent: Option<&str>) -> &'a Json {
    let found = report["findings"].as_array().expect("a list").iter();
    let mut found = found.filter(|found| found["check"] == check && found["user_agent"].as_str() == agent);
    let found = found.next().unwrap_or_else(|| panic!("no {check} of {agent:?} in {report:#}"));
    assert!(found["fix"].as_str().is_some_and(|line| !line.is_empty()), "{found}");
    found
}

fn side(address: Option<SocketAddr>) -> SocketAddr {
    address.expect("a side port")
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_that_each_do_one_thing_wrong_are_each_named() {
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let server = Server::start_with(|config| {
        (config.otlp_grpc, config.otlp_http) = (SidePort::At(any), SidePort::At(any));
        config.limits.body_bytes = 20_000;
    })
    .await;
    let (grpc, http) = server.running.side_ports();
    let (grpc, http) = (side(grpc), side(http));

    // The wrong port: TLS on a plain one, gRPC on that for HTTP, HTTP on that for gRPC, and something else altogether.
    for (address, bytes) in
        [(http, &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..]), (grpc, b"<34>1 - host app - hi\n")]
    {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(bytes).await.expect("room");
        stream.shutdown().await.expect("closed");
        read_all(&mut stream).await;
    }
    let recorded = include_bytes!("data/captures/013-py-otel-grpc.body");
    let headers = [("content-type", "application/grpc"), ("user-agent", "grpc-on-http/1.0")];
    let reply =
        call(http, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", &headers, recorded.to_vec()).await;
    assert_eq!(reply.status, "0", "{}", reply.message);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let body = export_of("port", 90, &[(1, 0)], 0).to_string();
    let request = client.post(format!("http://{grpc}/v1/traces")).header("user-agent", "http-on-grpc/1.0");
    assert_eq!(Answer::of(request.header("content-type", JSON).body(body)).await.status, 200);

    // The wrong path, content type, body, compression; too much at once; a name that is not the server's.
    let good = || export_of("fine", 1, &[(1, 0)], 0).to_string();
    let json = ("content-type", JSON);
    assert_eq!(post(&server, "wrong-path/1.0", "/v1/trace", &[json], good()).await, 404);
    assert_eq!(post(&server, "wrong-type/1.0", "/v1/traces", &[("content-type", "text/plain")], good()).await, 415);
    assert_eq!(post(&server, "json-as-protobuf/1.0", "/v1/traces", &[("content-type", PROTOBUF)], good()).await, 400);
    let mut broken = gzip(good().as_bytes());
    broken.truncate(broken.len() - 9);
    let packed = [json, ("content-encoding", "gzip")];
    assert_eq!(post(&server, "broken-gzip/1.0", "/v1/traces", &packed, broken).await, 400);
    let large = good() + &" ".repeat(30_000);
    assert_eq!(post(&server, "oversize/1.0", "/v1/traces", &[json], large).await, 413);
    assert_eq!(post(&server, "other-name/1.0", "/v1/traces", &[json, ("host", "traces.example")], good()).await, 403);

    // Clocks: two hours ahead; in 1970; the same records on every send.
    for trace in 10..13 {
        let body = export_of("ahead", trace, &[(1, 0)], 2 * HOUR_NS).to_string();
        assert_eq!(post(&server, "ahead/1.0", "/v1/traces", &[json], body).await, 200);
    }
    let body = export_of("seventies", 20, &[(1, 0)], 44_511_913_730_532 - now_ns()).to_string();
    assert_eq!(post(&server, "seventies/1.0", "/v1/traces", &[json], body).await, 200);
    let body = export_of("twice", 30, &[(1, 0)], 0).to_string();
    for _ in 0..5 {
        assert_eq!(post(&server, "twice/1.0", "/v1/traces", &[json], body.clone()).await, 200);
    }

    // Spans that are missing: those of a caller who sends nothing, and some in between; fields of an SDK of 2021.
    let ago = -60_000_000_000;
    let body = export_of("orphan", 40, &[(2, 1), (3, 2)], ago).to_string();
    assert_eq!(post(&server, "orphan/1.0", "/v1/traces", &[json], body).await, 200);
    let body = export_of("gappy", 50, &[(1, 0), (2, 1), (5, 4)], ago).to_string();
    assert_eq!(post(&server, "gappy/1.0", "/v1/traces", &[json], body).await, 200);
    let old = export_of("old", 60, &[(1, 0)], 0).to_string().replace("scopeSpans", "instrumentationLibrarySpans");
    assert_eq!(post(&server, "old-python/1.0", "/v1/traces", &[json], old).await, 200);
    assert_eq!(post(&server, "fine/1.0", "/v1/traces", &[json], good()).await, 200);

    let (code, report) = examine(&server).await;
    assert_eq!(code, Some(1), "{report:#}");
    finding(&report, "tls_on_plain_port", None);
    finding(&report, "not_http", None);
    assert!(
        finding(&report, "grpc_on_http_port", Some("grpc-on-http/1.0"))["fix"].to_string().contains(&grpc.to_string())
    );
    assert!(
        finding(&report, "http_on_grpc_port", Some("http-on-grpc/1.0"))["fix"].to_string().contains(&http.to_string())
    );
    let path = finding(&report, "wrong_path", Some("wrong-path/1.0"));
    assert_eq!(path["fix"], format!("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://{http}/v1/traces"));
    assert_eq!(
        (&path["address"], &path["sdk"], &path["sdk_version"]),
        (&json!("127.0.0.1"), &json!("wrong-path"), &json!("1.0"))
    );
    finding(&report, "wrong_content_type", Some("wrong-type/1.0"));
    finding(&report, "mislabelled_body", Some("json-as-protobuf/1.0"));
    assert_eq!(
        finding(&report, "broken_compression", Some("broken-gzip/1.0"))["fix"],
        "OTEL_EXPORTER_OTLP_COMPRESSION=none"
    );
    finding(&report, "too_large", Some("oversize/1.0"));
    let other_name = finding(&report, "foreign_host", Some("other-name/1.0"));
    assert_eq!(other_name["fix"], "tracehub start --allowed-host traces.example");
    let ahead = finding(&report, "clock_ahead", Some("ahead/1.0"));
    assert_eq!(ahead["service"], "ahead");
    assert!(ahead["text"].as_str().is_some_and(|text| text.contains("1h 59m") || text.contains("2h")), "{ahead}");
    assert_eq!(finding(&report, "clock_1970", Some("seventies/1.0"))["service"], "seventies");
    assert_eq!(finding(&report, "duplicates", Some("twice/1.0"))["count"], 4);
    assert_eq!(finding(&report, "missing_parents", Some("orphan/1.0"))["service"], "orphan");
    assert_eq!(finding(&report, "gaps", Some("gappy/1.0"))["service"], "gappy");
    finding(&report, "old_fields", Some("old-python/1.0"));
    let of_fine =
        report["findings"].as_array().expect("a list").iter().filter(|found| found["user_agent"] == "fine/1.0");
    assert_eq!(of_fine.count(), 0, "{report:#}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_over_their_quota_pages_of_other_sites_and_forms_are_each_named() {
    let rate = RateLimit { records_per_second: Some(1), ..RateLimit::default() };
    let server = Server::start_with(|config| config.limits.rate = rate).await;
    let json = ("content-type", JSON);
    let good = || export_of("fine", 1, &[(1, 0), (2, 1), (3, 1), (4, 1)], 0).to_string();
    let foreign = [json, ("origin", "https://elsewhere.example")];
    assert_eq!(post(&server, "page/1.0", "/v1/traces", &foreign, good()).await, 403);
    assert_eq!(post(&server, "form/1.0", "/api/v1/ingest", &[("content-type", "text/plain")], "[]").await, 415);
    let many: Vec<_> = (1..100).map(|id| (id, 0)).collect();
    let many = export_of("many", 2, &many, 0).to_string();
    assert_eq!(post(&server, "eager/1.0", "//v1/traces", &[json], many).await, 200);
    assert_eq!(post(&server, "eager/1.0", "/v1/traces/", &[json], good()).await, 429);
    let headers = [("content-type", "application/grpc"), ("user-agent", "eager-grpc/1.0")];
    let method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(call(server.address(), method, &headers, frame(0, b"")).await.status, "8");
    let (_, report) = examine(&server).await;
    assert_eq!(finding(&report, "foreign_site", Some("page/1.0"))["fix"], "tracehub start --cors-origin ORIGIN");
    finding(&report, "wrong_content_type", Some("form/1.0"));
    finding(&report, "rate_limited", Some("eager/1.0"));
    finding(&report, "rate_limited", Some("eager-grpc/1.0"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_without_a_key_with_a_wrong_one_and_with_a_revoked_one_are_told_apart() {
    let server = Server::start().await;
    let db = server.db().display().to_string();
    let keys = |args: &'static [&'static str]| {
        let db = db.clone();
        async move {
            let run = tokio::task::spawn_blocking(move || Home::new().run(&[args, &["--db", &db, "--json"]].concat()));
            run.await.expect("it runs").json()
        }
    };
    let issued = keys(&["keys", "create", "--project", "shop"]).await;
    let (id, key) =
        (issued["id"].as_str().expect("an id").to_owned(), issued["key"].as_str().expect("a key").to_owned());
    let db_again = db.clone();
    let revoked =
        tokio::task::spawn_blocking(move || Home::new().run(&["keys", "revoke", &id, "--yes", "--db", &db_again]));
    assert_eq!(revoked.await.expect("it runs").code, Some(0));
    let (as_json, body) = (("content-type", JSON), || export_of("shop", 1, &[(1, 0)], 0).to_string());
    assert_eq!(post(&server, "no-key/1.0", "/v1/traces", &[as_json], body()).await, 401);
    assert_eq!(post(&server, "wrong-key/1.0", "/v1/traces", &[as_json, ("x-api-key", "th_wrong")], body()).await, 401);
    assert_eq!(post(&server, "revoked-key/1.0", "/v1/traces", &[as_json, ("x-api-key", &key)], body()).await, 403);
    let headers = [("content-type", "application/grpc"), ("user-agent", "grpc-no-key/1.0")];
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(call(server.address(), path, &headers, frame(0, b"")).await.status, "16");
    let (code, report) = examine(&server).await;
    assert_eq!(code, Some(1));
    for (check, agent) in [
        ("no_key", "no-key/1.0"),
        ("wrong_key", "wrong-key/1.0"),
        ("revoked_key", "revoked-key/1.0"),
        ("no_key", "grpc-no-key/1.0"),
    ] {
        assert!(
            finding(&report, check, Some(agent))["fix"]
                .as_str()
                .is_some_and(|fix| fix.contains("tracehub keys create"))
        );
    }
    assert!(!report.to_string().contains(&key[..12]), "a key is in the report");
    // Nobody may see who sends without a key, and a key that may only look sees its own project.
    assert_eq!(server.get("/api/v1/senders").await.status, 401);
    let reader = keys(&["keys", "create", "--project", "other", "--scope", "ingest,read"]).await;
    let reader = reader["key"].as_str().expect("a key").to_owned();
    let headers = [as_json, ("x-api-key", reader.as_str())];
    assert_eq!(post(&server, "of-other/1.0", "/v1/traces", &headers, body()).await, 200);
    let seen = Answer::of(server.request("GET", "/api/v1/senders").header("x-api-key", &reader)).await.json();
    assert_eq!((seen.as_array().map(Vec::len), &seen[0]["user_agent"]), (Some(1), &json!("of-other/1.0")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_senders_outlives_the_server_and_is_read_from_the_file() {
    let server = Server::start().await;
    let json = ("content-type", JSON);
    assert_eq!(post(&server, "wrong-path/1.0", "/v1/trace", &[json], "{}").await, 404);
    let body = export_of("shop", 1, &[(1, 0)], 0).to_string();
    assert_eq!(post(&server, "fine/2.1", "/v1/traces", &[json], body).await, 200);
    let listed = server.get("/api/v1/senders").await.json();
    assert_eq!(listed[0]["user_agent"], "fine/2.1");
    assert_eq!((&listed[0]["accepted"], &listed[0]["services"][0]["name"]), (&json!(1), &json!("shop")));
    let db = server.db();
    let folder = server.stop().await;
    let home = Home::new();
    let mut command = home.command(&["doctor", "--json", "--db", &db.display().to_string()]);
    command.env_remove("TRACEHUB_NOW");
    let answer = home.answer(command);
    finding(&answer.json(), "wrong_path", Some("wrong-path/1.0"));
    assert_eq!((answer.code, answer.json()["server"].clone()), (Some(1), Json::Null));
    drop(folder);
}

#[test]
fn nothing_is_wrong_with_a_server_that_only_gets_what_it_takes() {
    let home = Home::new();
    let db = home.file("shop.db").display().to_string();
    let server = home.start(&["--db", &db]);
    server.send(&otlp::shop());
    let answer = home.run(&["doctor", "--db", &db]);
    // The records of these tests are of another day, which is a note.
    assert_eq!(answer.code, Some(0), "{answer}");
    assert!(answer.stdout.ends_with("✓ nothing is wrong\n"), "{answer}");
    let by_url = home.run(&["doctor", "--url", server.url(), "--json"]);
    assert_eq!((by_url.code, &by_url.json()["file"], &by_url.json()["status"]), (Some(0), &Json::Null, &json!("note")));
    assert_eq!(by_url.json()["server"]["open"], true);
}

#[test]
fn a_file_in_a_bad_state_is_told_with_its_line_and_left_as_it_is() {
    let home = Home::new();
    let check = |answer: &crate::support::Answer| {
        assert_eq!(answer.code, Some(1), "{answer}");
        let report = answer.json();
        let found = report["findings"].as_array().expect("a list").iter().find(|found| found["severity"] == "error");
        let found = found.unwrap_or_else(|| panic!("no error in {report:#}")).clone();
        assert!(
            found["fix"]
                .as_str()
                .is_some_and(|line| line.contains("tracehub") || line.contains("chmod") || line.contains("cp"))
        );
        found["check"].as_str().expect("a check").to_owned()
    };
    assert_eq!(check(&home.run(&["doctor", "--json", "--db", "missing.db"])), "database");
    assert!(!home.file("missing.db").exists());
    let text = "no database at all, but text of some length ".repeat(20);
    std::fs::write(home.file("text.db"), &text).expect("written");
    assert_eq!(check(&home.run(&["doctor", "--json", "--db", "text.db"])), "database");
    assert_eq!(std::fs::read_to_string(home.file("text.db")).expect("readable"), text);
    assert_eq!(check(&home.run(&["doctor", "--json", "--url", "http://127.0.0.1:1"])), "server_down");
    let answer = home.run(&["doctor", "--db", "a.db", "--url", "http://127.0.0.1:1"]);
    assert_eq!(answer.code, Some(2), "{answer}");
}

#[cfg(unix)]
#[test]
fn files_and_folders_that_others_may_change_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let (home, db) = Home::with_shop();
    std::fs::set_permissions(&db, PermissionsExt::from_mode(0o644)).expect("changed");
    std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o777)).expect("changed");
    let report = home.run(&["doctor", "--json", "--db", &db]).json();
    let fixes: Vec<&str> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|found| found["check"] == "modes" || found["check"] == "folder")
        .filter_map(|found| found["fix"].as_str())
        .collect();
    assert_eq!(fixes.len(), 2, "{report:#}");
    assert!(
        fixes.iter().any(|fix| fix.starts_with("chmod 600 ")) && fixes.iter().any(|fix| fix.starts_with("chmod o-w "))
    );
}

#[test]
fn a_short_soak_loses_nothing_and_leaves_nothing_behind() {
    let home = Home::new();
    let answer = home.run(&["soak", "--duration", "6s", "--connections", "2", "--db", "soak.db", "--json"]);
    assert_eq!(answer.code, Some(0), "{answer}");
    let report = answer.json();
    for key in ["lost", "wrong", "doubled", "torn"] {
        assert_eq!(report[key], 0, "{report:#}");
    }
    let number = |key: &str| report[key].as_u64().expect("a number");
    assert!(number("acknowledged") > 0 && number("kills") + number("stops") > 0, "{report:#}");
    assert!(number("read_back") >= number("acknowledged"), "{report:#}");
    let again = home.run(&["soak", "--duration", "1s", "--db", "soak.db"]);
    assert_eq!(again.code, Some(2), "{again}");
}
