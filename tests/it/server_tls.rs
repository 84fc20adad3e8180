//! TLS end to end, with certificates made here: every protocol, every distrust, certificates that change, and callers that
//! speak something else.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::interop;
use crate::support::{Home, Server, otlp};

/// An authority in a home directory.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes an authority, whose certificate lies in `file`.
    fn new(home: &Home, file: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.distinguished_name.push(DnType::CommonName, file);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        std::fs::write(home.file(file), certificate.pem()).expect("written");
        Authority { issuer: Issuer::new(params, key) }
    }

    /// Makes a certificate for a name, until a year, in `cert.pem` and `key.pem`.
    fn certify(&self, home: &Home, name: &str, until: i32) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(home.file("cert.pem"), certificate.pem()).expect("written");
        std::fs::write(home.file("key.pem"), key.serialize_pem()).expect("written");
    }
}

/// How often the doctor found something.
fn found_count(doctor: &serde_json::Value, check: &str) -> u64 {
    let findings = doctor["findings"].as_array().expect("findings").iter();
    findings.filter(|finding| finding["check"] == check).filter_map(|finding| finding["count"].as_u64()).sum()
}

fn start(home: &Home) -> Server {
    home.start(&["--db", "a.db", "--tls-cert", "cert.pem", "--tls-key", "key.pem"])
}

/// A home with a server whose certificate is good for this machine.
fn served() -> (Home, Authority, Server) {
    let home = Home::new();
    let authority = Authority::new(&home, "ca.pem");
    authority.certify(&home, "127.0.0.1", 2090);
    let server = start(&home);
    (home, authority, server)
}

fn post(
    home: &Home,
    server: &Server,
    version: reqwest::Version,
    path: &str,
    content_type: &str,
    body: Vec<u8>,
) -> reqwest::Response {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = reqwest::Certificate::from_pem(&std::fs::read(home.file("ca.pem")).expect("read")).expect("a certificate");
    let client = reqwest::Client::builder().tls_certs_only([ca]);
    let client = if version == reqwest::Version::HTTP_2 { client.http2_prior_knowledge() } else { client.http1_only() };
    let request =
        client.build().expect("a client").post(format!("{}{path}", server.url())).header("content-type", content_type);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(request.header("te", "trailers").body(body).send()).expect("an answer")
}

#[test]
fn http_1_http_2_and_grpc_are_spoken_through_tls_and_the_command_line_verifies() {
    let (home, _authority, server) = served();
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    let spans = otlp::shop().to_string().into_bytes();
    for version in [reqwest::Version::HTTP_11, reqwest::Version::HTTP_2] {
        let answer = post(&home, &server, version, "/v1/traces", "application/json", spans.clone());
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
    }
    let grpc = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let answer = post(&home, &server, reqwest::Version::HTTP_2, grpc, "application/grpc", vec![0; 5]);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    assert_eq!(answer.status(), 200);
    for command in [vec!["list", "-q"], vec!["status", "-q"]] {
        let told = home.run(&[command.as_slice(), &["--url", server.url(), "--ca-cert", "ca.pem"]].concat());
        assert_eq!(told.code, Some(0), "{told}");
        let mut by_variable = home.command(&[command.as_slice(), &["--url", server.url()]].concat());
        by_variable.env("TRACEHUB_CA_CERT", "ca.pem");
        assert_eq!(home.answer(by_variable).code, Some(0));
    }
    let logged = home.run(&["log", "--strict", "--url", server.url(), "--ca-cert", "ca.pem", "hello"]);
    assert_eq!(logged.data(), "");
    // Whoever finds the server by the lock of its file is on its machine, and needs no certificate.
    assert_eq!(home.run(&["log", "--strict", "--db", "a.db", "hello"]).data(), "");
    assert!(home.run(&["clear", "--db", "a.db", "--yes", "--kind", "logs"]).data().starts_with("deleted 2 logs"));
    assert_eq!(server.stop().0, Some(0));
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that cannot be made says so")]
fn curl_and_the_system_agree_where_they_are_there() {
    let (home, _authority, server) = served();
    for version in ["--http1.1", "--http2"] {
        let mut curl = Command::new("curl");
        curl.args(["-sS", version, "--cacert"]).arg(home.file("ca.pem"));
        let answer = curl_answer(&mut curl, &format!("{}/health", server.url()));
        let Some(answer) = answer else { return eprintln!("skipped: there is no curl here") };
        assert!(answer.contains("\"status\":\"healthy\"") || answer.contains("\"status\": \"healthy\""), "{answer}");
    }
}

fn curl_answer(curl: &mut Command, url: &str) -> Option<String> {
    let output = curl.arg(url).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_published_exporters_send_over_tls_with_the_certificate_they_are_told_to_trust() {
    let Some(python) = interop::python("interop-venv") else { return };
    let (home, _authority, server) = served();
    let certificate = home.file("ca.pem").display().to_string();
    for transport in ["http", "grpc"] {
        let trusted = certificate.as_str();
        // Where the machine names authorities of its own, they go before those of the exporter.
        let environment = [("OTEL_EXPORTER_OTLP_CERTIFICATE", trusted), ("REQUESTS_CA_BUNDLE", trusted)];
        let lines = interop::run(&python, "otel_sdk.py", &[transport, server.url()], &environment);
        let sent: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
        let shown = home.run(&["show", sent["trace_id"].as_str().expect("an id"), "--json", "--db", "a.db"]).json();
        assert_eq!(shown["span_count"], lines.len(), "{transport}");
    }
}

#[test]
fn an_unknown_authority_a_wrong_name_and_a_time_that_is_over_are_told_in_a_line_each_with_what_to_do() {
    let home = Home::new();
    let authority = Authority::new(&home, "ca.pem");
    Authority::new(&home, "other.pem");
    let cases = [
        ("127.0.0.1", 2090, "other.pem", "nobody this machine trusts vouches for its certificate", "--ca-cert FILE"),
        (
            "traces.example",
            2090,
            "ca.pem",
            "its certificate is not for the name in the URL",
            "a name that is in the certificate",
        ),
        ("127.0.0.1", 2020, "ca.pem", "its certificate has expired or is not valid yet", "check the clocks"),
    ];
    for (name, until, trusted, reason, hint) in cases {
        authority.certify(&home, name, until);
        let server = start(&home);
        for command in ["list", "stats"] {
            let answer = home.run(&[command, "--url", server.url(), "--ca-cert", trusted]);
            let url = server.url();
            assert_eq!(answer.code, Some(3), "{answer}");
            assert!(
                answer.stderr.starts_with(&format!("error: will not talk to `{url}`: {reason}\nhint: ")),
                "{answer}"
            );
            assert!(answer.stderr.contains(hint) && answer.stderr.lines().count() == 2, "{answer}");
        }
        let lost = home.run(&["log", "--strict", "--url", server.url(), "--ca-cert", trusted, "x"]);
        assert!(lost.stderr.contains(reason), "{lost}");
        server.stop();
    }
    let plain = home.start(&["--db", "b.db"]);
    let answer = home.run(&["list", "--url", &plain.url().replace("http:", "https:"), "--ca-cert", "ca.pem"]);
    assert!(answer.stderr.contains("it does not speak TLS\nhint: its URL begins with http://"), "{answer}");
    for (file, said) in
        [("none.pem", "cannot read the certificates in `none.pem`"), ("key.pem", "there is no certificate in PEM")]
    {
        let answer = home.run(&["list", "--url", "https://127.0.0.1:1", "--ca-cert", file]);
        assert!(answer.code != Some(0) && answer.stderr.contains(said), "{answer}");
    }
}

#[test]
fn files_that_are_no_certificate_are_an_error_at_the_start_and_leave_nothing_behind() {
    let home = Home::new();
    Authority::new(&home, "ca.pem").certify(&home, "localhost", 2090);
    std::fs::copy(home.file("cert.pem"), home.file("first.pem")).expect("copied");
    Authority::new(&home, "other.pem").certify(&home, "localhost", 2090);
    for (cert, key, said) in [
        ("none.pem", "key.pem", "caused by: cannot read `none.pem`"),
        ("cert.pem", "cert.pem", "caused by: `cert.pem` holds no private key in PEM"),
        ("key.pem", "key.pem", "caused by: `key.pem` holds no certificate in PEM"),
        ("first.pem", "key.pem", "caused by: the key in `key.pem` is not that of the certificate in `first.pem`"),
    ] {
        let answer = home.run(&["start", "--port", "0", "--db", "a.db", "--tls-cert", cert, "--tls-key", key]);
        assert_eq!(answer.code, Some(2), "{answer}");
        assert!(answer.stderr.starts_with("error: cannot speak TLS\n") && answer.stderr.contains(said), "{answer}");
        assert!(!home.file("a.db").exists());
    }
    assert_eq!(home.run(&["start", "--tls-cert", "cert.pem"]).code, Some(2));
}

#[test]
fn a_certificate_that_changes_is_taken_up_and_a_broken_one_leaves_the_old_in_use() {
    let (home, authority, server) = served();
    let works = || home.run(&["list", "-q", "--url", server.url(), "--ca-cert", "ca.pem"]).code == Some(0);
    assert!(works());
    std::fs::write(home.file("cert.pem"), "broken").expect("written");
    server.signal("HUP");
    assert!(works());
    let newer = Authority::new(&home, "ca.pem");
    newer.certify(&home, "127.0.0.1", 2090);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !works() {
        assert!(Instant::now() < deadline, "a changed file is noticed without a signal");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(authority);
    let (code, said) = server.stop();
    assert!(code == Some(0) && said.contains("the old certificate stays in use"), "{said}");
}

#[test]
fn who_speaks_in_the_clear_is_told_and_who_is_silent_costs_nobody_else() {
    let (home, _authority, server) = served();
    let address = server.url().trim_start_matches("https://").to_owned();
    let mut plain = TcpStream::connect(&address).expect("a connection");
    plain.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("written");
    let mut answer = String::new();
    plain.read_to_string(&mut answer).expect("an answer");
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("this port speaks TLS; call it by https://"),
        "{answer}"
    );
    let told = home.run(&["list", "--url", &format!("http://{address}")]);
    assert!(told.stderr.contains("this port speaks TLS; call it by https://"), "{told}");
    let mut http2 = TcpStream::connect(&address).expect("a connection");
    http2.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("written");
    let mut rest = Vec::new();
    // A connection that is closed with bytes unread ends with an error on some systems.
    let _ = http2.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    let untrusting = home.run(&["list", "--url", server.url()]);
    assert_eq!(untrusting.code, Some(3), "{untrusting}");
    let doctor = home.run(&["doctor", "--url", server.url(), "--ca-cert", "ca.pem", "--json"]).json();
    let found = |check: &str| {
        let findings = doctor["findings"].as_array().expect("findings");
        let found = findings.iter().find(|finding| finding["check"] == check);
        found.unwrap_or_else(|| panic!("no {check} in {doctor}"))["fix"].as_str().expect("a line").to_owned()
    };
    assert_eq!(found("plain_on_tls_port"), format!("OTEL_EXPORTER_OTLP_ENDPOINT={}", server.url()));
    assert!(found("tls_handshake").starts_with("OTEL_EXPORTER_OTLP_CERTIFICATE="));
    let again = home.run(&["doctor", "--url", server.url(), "--ca-cert", "ca.pem", "--json"]).json();
    let count = |doctor| found_count(doctor, "plain_on_tls_port");
    assert_eq!(count(&again), count(&doctor), "the doctor itself speaks TLS");
    let checks = &doctor["findings"];
    assert!(!checks.to_string().contains("but not gRPC"), "{checks}");
    let silent: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(&address).expect("a connection")).collect();
    let mut half: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(&address).expect("a connection")).collect();
    half.iter_mut().for_each(|stream| stream.write_all(&[22, 3, 1, 2, 0, 1]).expect("written"));
    let works = || home.run(&["list", "-q", "--url", server.url(), "--ca-cert", "ca.pem"]).code == Some(0);
    let began = Instant::now();
    assert!(works(), "handshakes that do not go on hold nobody up for longer than they may take");
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    drop((silent, half));
    let (code, said) = server.stop();
    assert!(code == Some(0) && said.contains("does not speak TLS on a port that does"), "{said}");
}
