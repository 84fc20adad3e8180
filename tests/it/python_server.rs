//! A running server of the Python tracehub as a target: what is read of it is what is read of its file, and what it cannot
//! do is said.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};

use crate::interop::python;
use crate::support::{Home, NOW_NS};

/// The published server, stopped when it is dropped.
struct Original {
    process: Child,
    url: String,
}

impl Original {
    /// Starts the server on a file of `home`; `None` where it is not installed.
    fn start(home: &Home) -> Option<Original> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/interop/checkpoints_server.py");
        let begin_ms = (NOW_NS / 1_000_000 - 600_000).to_string();
        let mut process = Command::new(python("interop-venv")?)
            .args([script, &home.file("old.db").display().to_string(), &begin_ms])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the virtual environment has a python");
        let mut url = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut url).expect("it says where it is");
        assert!(url.starts_with("http://"), "the server did not start: `{url}`");
        Some(Original { process, url: url.trim().to_owned() })
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_published_server_is_read_as_its_file_is() {
    let home = Home::new();
    let Some(original) = Original::start(&home) else { return };
    for command in [
        &["list", "--json"][..],
        &["list", "--json", "--limit", "0", "--reverse"],
        &["list", "--json", "--sort", "duration", "--service", "WK", "--limit", "3"],
        &["list", "--json", "--name", "cli-2", "--since", "1h", "--max-duration", "1s"],
        &["list", "--json", "--kind", "spans"],
        &["show", "cli-7-abc", "--json"],
        &["show", "4bf92f3577b34da6a3ce929d0e0e4736", "--json"],
        &["show", "latest~2", "--json"],
        &["show", "cli-3-"],
        &["stats"],
        &["trace", "list", "-q"],
    ] {
        let of_server = home.run(&[command, &["--url", &original.url]].concat());
        let of_file = home.run(&[command, &["--db", "old.db"]].concat());
        assert_eq!(of_server.code, of_file.code, "{command:?}: {of_server}");
        // A server does not say how large its database is.
        let said = |text: &str| text.lines().filter(|line| !line.starts_with("database ")).map(str::to_owned).collect();
        let (of_server, of_file): (Vec<String>, Vec<String>) = (said(&of_server.stdout), said(&of_file.stdout));
        assert_eq!(of_server, of_file, "{command:?}");
    }
    let imported = home.run(&["import", &original.url, "--db", "new.db", "--json"]).json();
    assert_eq!((&imported["read"], &imported["accepted"], &imported["skipped"]), (&120.into(), &120.into(), &0.into()));
    let from_file = home.run(&["import", "old.db", "--db", "new.db", "--json"]).json();
    assert_eq!(
        (&from_file["accepted"], &from_file["duplicates"]),
        (&0.into(), &120.into()),
        "they are the same records"
    );
    let status = home.run(&["status", "--url", &original.url]);
    assert!(status.stdout.contains("Python tracehub") && status.stdout.contains("120 checkpoints"), "{status}");
}

/// A server that answers as the original does, from a table of paths; everything else is not found.
fn answers(table: BTreeMap<&'static str, Json>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer(stream, &table);
        }
    });
    url
}

fn answer(mut stream: TcpStream, table: &BTreeMap<&'static str, Json>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let found = table.get(target.split('?').next().unwrap_or_default());
    let (status, body) = match found {
        Some(json) => ("200 OK", json.to_string()),
        None => ("404 Not Found", json!({ "detail": "Not Found" }).to_string()),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // Whoever asked may have gone.
    let _ = stream.write_all(answer.as_bytes());
}

fn health() -> Json {
    json!({ "status": "healthy", "service": "tracehub", "db": "/tmp/tracehub.db", "retention_hours": 24 })
}

fn row(correlation_id: &str, count: u64) -> Json {
    json!({ "correlation_id": correlation_id, "trace_count": count, "first_ts": 1000.0, "last_ts": 1050.0, "duration_ms": 50, "sources": ["MA"] })
}

#[test]
fn what_a_python_server_cannot_do_is_said_with_the_line_that_imports_it() {
    let home = Home::new();
    let rows = json!({ "correlations": [row("a/b", 2), row("..", 1)], "count": 2 });
    let url = answers([("/health", health()), ("/correlations", rows)].into_iter().collect());
    for (command, says) in [
        (&["clear", "--yes"][..], "a Python tracehub server can only be read"),
        (&["issues"], "a Python tracehub server keeps no issues"),
        (&["logs"], "a Python tracehub server holds no log records"),
        (&["keys", "list"], "a Python tracehub server keeps no keys"),
    ] {
        let answer = home.run(&[command, &["--url", &url]].concat());
        assert_eq!(answer.code, Some(2), "{answer}");
        assert!(answer.stderr.contains(says), "{answer}");
        assert!(answer.stderr.contains(&format!("tracehub import {url} --db traces.db")), "{answer}");
    }
    let listed = home.run(&["list", "--url", &url]);
    assert_eq!((listed.code, listed.stdout.lines().count()), (Some(0), 3), "{listed}");
    assert!(listed.stderr.contains("2 traces cannot be read: the server has no path for such an id"), "{listed}");
}

#[test]
fn what_answers_otherwise_is_no_python_server() {
    let home = Home::new();
    for health in [json!({ "status": "healthy" }), json!([]), json!({ "service": "tracehub" }), json!("tracehub")] {
        let url = answers([("/health", health)].into_iter().collect());
        let answer = home.run(&["list", "--url", &url]);
        assert_eq!(answer.code, Some(3), "{answer}");
        assert!(answer.stderr.contains("does not answer like a tracehub server"), "{answer}");
    }
    let url = answers([("/health", health()), ("/correlations", json!({ "rows": [] }))].into_iter().collect());
    let answer = home.run(&["list", "--url", &url]);
    assert_eq!(answer.code, Some(3), "{answer}");
    assert!(answer.stderr.contains("its JSON is missing field `correlations`"), "{answer}");
}
