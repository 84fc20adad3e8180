//! The real binary in a world of its own: an empty environment, a home in a temporary directory, a clock that stands
//! still, and servers that end with their test.

pub mod otlp;
pub mod peer;
pub mod whole;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

/// When tests take place: 2026-11-21T09:14:02.117Z.
pub const NOW_NS: u64 = 1_795_252_442_117_000_000;

/// A home directory, and the program run in it.
pub struct Home {
    dir: TempDir,
}

impl Home {
    pub fn new() -> Home {
        Home { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A file in the home directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Where the usual database lies.
    pub fn default_db(&self) -> PathBuf {
        self.file(".local/share/tracehub/tracehub.db")
    }

    /// The program, ready to be run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tracehub"));
        command
            .env_clear()
            .env("HOME", self.path())
            .env("TZ", "UTC")
            .env("COLUMNS", "80")
            .env("TRACEHUB_NOW", NOW_NS.to_string())
            .current_dir(self.path())
            .stdin(Stdio::null())
            .args(args);
        command
    }

    /// Runs the program.
    pub fn run(&self, args: &[&str]) -> Answer {
        self.answer(self.command(args))
    }

    /// Runs the program as on a terminal of 80 columns.
    pub fn run_on_terminal(&self, args: &[&str]) -> Answer {
        let mut command = self.command(args);
        command.env("TRACEHUB_FORCE_TTY", "80").env("NO_COLOR", "1");
        self.answer(command)
    }

    /// Runs a command made by [`Home::command`].
    pub fn answer(&self, mut command: Command) -> Answer {
        Answer::new(command.output().expect("the program runs"), self.path())
    }

    /// A database with the spans of [`otlp::shop`], written by a server that has stopped.
    pub fn with_shop() -> (Home, String) {
        let home = Home::new();
        let db = home.file("shop.db").display().to_string();
        let server = home.start(&["--db", &db]);
        server.send(&otlp::shop());
        server.stop();
        (home, db)
    }

    /// The answer to a question, head and body.
    pub fn get(&self, server: &Server, path: &str) -> String {
        let host = server.url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).expect("the server listens");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// A server on a free port without side ports.
    pub fn start(&self, args: &[&str]) -> Server {
        self.start_on("0", args)
    }

    /// A server on a port without side ports.
    pub fn start_on(&self, port: &str, args: &[&str]) -> Server {
        let mut command = self.command(&["start", "--port", port, "--otlp-grpc", "off", "--otlp-http", "off"]);
        command.args(args);
        Home::serve(command)
    }

    /// A server that a command made by [`Home::command`] starts.
    pub fn serve(mut command: Command) -> Server {
        command.env_remove("TRACEHUB_NOW").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a ready line");
        let ready: Json = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut said = String::new();
            let _ = child.stderr.take().expect("piped").read_to_string(&mut said);
            panic!("no ready line but {line:?}; stderr: {said}")
        });
        Server { child: Some(child), ready }
    }
}

/// What the program answered.
#[derive(Debug)]
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl Answer {
    fn new(output: Output, home: &Path) -> Answer {
        let text =
            |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8").replace(&home.display().to_string(), "/home");
        Answer { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
    }

    /// Stdout as one JSON document.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Stdout of a run that worked and had nothing to remark.
    pub fn data(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self}");
        &self.stdout
    }
}

/// Stdout, stderr and the exit code as one text for snapshots.
impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- stderr\n{}", self.stderr)?;
        }
        let code = self.code.map_or("by a signal".to_owned(), |code| code.to_string());
        writeln!(f, "--- exit {code}")
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Option<Child>,
    ready: Json,
}

impl Server {
    /// Its ready line.
    pub fn ready(&self) -> &Json {
        &self.ready
    }

    pub fn url(&self) -> &str {
        self.ready["url"].as_str().expect("a url")
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// Sends spans as OTLP/JSON; they are stored when this returns.
    pub fn send(&self, request: &Json) {
        let answer = self.post("/v1/traces", "application/json", request.to_string().as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Sends spans as OTLP/JSON with a key; they are stored when this returns.
    pub fn send_with(&self, key: &str, request: &Json) {
        let headers = format!("application/json\r\nx-api-key: {key}");
        let answer = self.post("/v1/traces", &headers, request.to_string().as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Sends a request; returns the head and body of the answer.
    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> String {
        let host = self.url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).expect("the server listens");
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("written");
        stream.write_all(body).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Stops the server as an operator would; returns its exit code and what it said on stderr.
    pub fn stop(self) -> (Option<i32>, String) {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for the end of a server that was told to stop.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let output = self.child.take().expect("running").wait_with_output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
