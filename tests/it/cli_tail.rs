//! `tracehub tail` end to end: nothing lost, nothing doubled, whatever happens to the server meanwhile.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::{Home, Server, otlp};

/// Longer than anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running command that follows; killed when dropped.
pub struct Follower {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Follower {
    /// Starts it and waits until all that was there has been told.
    fn new(home: &Home, args: &[&str]) -> Follower {
        let follower = Follower::starting(home, args);
        assert_eq!(follower.remark(), "following; Ctrl-C ends");
        follower
    }

    fn starting(home: &Home, args: &[&str]) -> Follower {
        Follower::of(home, &[&["tail", "-v"], args].concat())
    }

    /// Starts a command.
    pub fn of(home: &Home, args: &[&str]) -> Follower {
        let mut command = home.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stdout = lines(child.stdout.take().expect("piped"));
        let stderr = lines(child.stderr.take().expect("piped"));
        Follower { child, stdout, stderr }
    }

    /// The next line of stdout.
    pub fn line(&self) -> String {
        self.stdout.recv_timeout(PATIENCE).expect("a line")
    }

    /// The names of the next records, printed as ndjson.
    fn names(&self, count: usize) -> Vec<String> {
        let name =
            |line: String| serde_json::from_str::<Json>(&line).expect("json")["name"].as_str().map(str::to_owned);
        (0..count).map(|_| name(self.line()).expect("a name")).collect()
    }

    /// The next line of stderr.
    pub fn remark(&self) -> String {
        self.stderr.recv_timeout(PATIENCE).expect("a remark")
    }

    fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -INT");
    }

    /// Presses Ctrl-C; returns the exit code and every line that nobody has taken.
    pub fn stop(mut self) -> (Option<i32>, Vec<String>, Vec<String>) {
        self.interrupt();
        let code = self.child.wait().expect("it ends").code();
        (code, self.stdout.iter().collect(), self.stderr.iter().collect())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

/// Sends one span a request, named by its number.
fn send(server: &Server, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let trace = format!("{:032x}", number / 3 + 1);
        let span = otlp::span(&trace, number + 1, 0, &format!("op {number}"), (1_000, 5));
        server.send(&json!({"resourceSpans": [otlp::resource("shop", &[span])]}));
    }
}

fn names(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| format!("op {number}")).collect()
}

fn nothing() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_file_is_followed_while_its_server_writes_stops_and_starts_again() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    send(&server, 0..3);
    let follower = Follower::new(&home, &["--db", "a.db", "-o", "ndjson"]);
    send(&server, 3..20);
    assert_eq!(follower.names(17), names(3..20));
    server.stop();
    let server = home.start(&["--db", "a.db"]);
    send(&server, 20..30);
    server.signal("KILL");
    server.wait();
    let server = home.start(&["--db", "a.db"]);
    send(&server, 30..35);
    assert_eq!(follower.names(15), names(20..35));
    assert_eq!(follower.stop(), (Some(130), nothing(), nothing()));
}

#[test]
fn a_server_that_restarts_is_followed_on_with_nothing_lost_or_doubled() {
    for how in ["TERM", "KILL"] {
        let home = Home::new();
        let server = home.start(&["--db", "a.db"]);
        let url = server.url().to_owned();
        let port = url.rsplit(':').next().expect("a port").to_owned();
        send(&server, 0..5);
        let follower = Follower::new(&home, &["--url", &url, "-n", "2", "-o", "ndjson"]);
        assert_eq!(follower.names(2), names(3..5));
        send(&server, 5..8);
        assert_eq!(follower.names(3), names(5..8));
        server.signal(how);
        server.wait();
        let lost = follower.remark();
        assert!(lost.ends_with("; trying again until it is back"), "{how}: {lost}");
        let server = home.start_on(&port, &["--db", "a.db"]);
        send(&server, 8..12);
        assert_eq!(follower.remark(), "back again; going on where it stopped");
        assert_eq!(follower.names(4), names(8..12), "{how}");
        assert_eq!(follower.stop(), (Some(130), nothing(), nothing()));
    }
}

#[test]
fn a_server_that_comes_back_with_another_database_is_followed_from_its_beginning() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    let url = server.url().to_owned();
    send(&server, 0..9);
    let follower = Follower::new(&home, &["--url", &url, "-o", "ndjson"]);
    server.stop();
    assert!(follower.remark().ends_with("; trying again until it is back"));
    let server = home.start_on(url.rsplit(':').next().expect("a port"), &["--db", "b.db"]);
    assert_eq!(follower.remark(), "this is another database than before; from its beginning:");
    send(&server, 20..22);
    assert_eq!(follower.names(2), names(20..22));
    assert_eq!(follower.stop(), (Some(130), nothing(), nothing()));
}

#[test]
fn what_was_deleted_behind_the_reader_changes_nothing_for_it() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    send(&server, 0..6);
    for target in [["--db", "a.db"], ["--url", server.url()]] {
        let follower = Follower::new(&home, &[target[0], target[1], "-o", "ndjson"]);
        home.run(&["clear", "--yes", "--db", "a.db"]);
        send(&server, 6..8);
        assert_eq!(follower.names(2), names(6..8), "{target:?}");
        home.run(&["clear", "--yes", "--db", "a.db"]);
    }
}

#[test]
fn a_reader_so_slow_that_records_are_deleted_before_it_is_told_how_many_writes_it_missed() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    send(&server, 0..1);
    let mut command = home.command(&["tail", "-v", "--db", "a.db", "-o", "ndjson"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let stderr = lines(child.stderr.take().expect("piped"));
    assert_eq!(stderr.recv_timeout(PATIENCE).expect("a remark"), "following; Ctrl-C ends");
    let spans: Vec<Json> = (1..=3_000).map(|id| otlp::span(otlp::CART, id, 0, "op", (1_000, 5))).collect();
    server.send(&json!({"resourceSpans": [otlp::resource("shop", &spans)]}));
    let mut stdout = child.stdout.take().expect("piped");
    // One byte says that it is writing; the pipe cannot hold the rest.
    stdout.read_exact(&mut [0]).expect("a byte");
    send(&server, 1..4);
    home.run(&["clear", "--yes", "--db", "a.db"]);
    send(&server, 4..5);
    let stdout = lines(stdout);
    let told: Vec<String> = (0..3_001).map(|_| stdout.recv_timeout(PATIENCE).expect("a line")).collect();
    assert!(told.last().is_some_and(|line| line.contains("op 4")));
    assert_eq!(stderr.recv_timeout(PATIENCE).expect("a remark"), "3 writes were removed before they could be shown");
    child.kill().expect("killed");
    child.wait().expect("it ends");
}

#[test]
fn one_trace_is_told_from_its_beginning_or_waited_for() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    send(&server, 0..4);
    let first = format!("{:032x}", 1);
    let follower = Follower::new(&home, &["--db", "a.db", "-o", "ndjson", &first]);
    let late = format!("{:032x}", 3);
    let waiting = Follower::starting(&home, &["--url", server.url(), "-o", "ndjson", &late]);
    assert_eq!(waiting.remark(), format!("no trace `{late}` yet; waiting for it"));
    assert_eq!(waiting.remark(), "following; Ctrl-C ends");
    send(&server, 4..12);
    let again = otlp::span(&first, 99, 0, "op 99", (1_000, 5));
    server.send(&json!({"resourceSpans": [otlp::resource("shop", &[again])]}));
    assert_eq!(follower.names(4), ["op 0", "op 1", "op 2", "op 99"]);
    assert_eq!(waiting.names(3), names(6..9));
    assert_eq!(follower.stop(), (Some(130), nothing(), nothing()));
    assert_eq!(waiting.stop(), (Some(130), nothing(), nothing()));
}

#[test]
fn the_last_records_are_those_that_match() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    server.send(&otlp::shop());
    for write in 0..12 {
        let spans: Vec<Json> =
            (1..=200).map(|id| otlp::span(otlp::CART, 1_000 * write + id, 0, "many", (1_000, 5))).collect();
        server.send(&json!({"resourceSpans": [otlp::resource("shop", &spans)]}));
    }
    send(&server, 0..5);
    for target in [["--db", "a.db"], ["--url", server.url()]] {
        let last = |filter: &[&str]| {
            let args = [&["tail", "--no-follow", "--json", target[0], target[1]], filter].concat();
            let answer = home.run(&args);
            let name = |line: &str| serde_json::from_str::<Json>(line).expect("json")["name"].to_string();
            answer.data().lines().map(name).collect::<Vec<_>>()
        };
        assert_eq!(last(&["-n", "2"]), ["\"op 3\"", "\"op 4\""]);
        assert_eq!(last(&[]).len(), 10);
        assert_eq!(last(&["-n", "0"]), nothing());
        assert_eq!(last(&["-n", "3", "--level", "error"]), ["\"charge\""]);
        assert_eq!(last(&["-n", "5", "--service", "payments"]).len(), 2);
        assert_eq!(last(&["--since", "0", "--kind", "spans"]).len(), 2_409);
        assert_eq!(last(&["-n", "5", "--kind", "logs"]), nothing());
        assert_eq!(last(&[otlp::CART, "-n", "1"]).len(), 1);
        assert_eq!(last(&[otlp::CART]).len(), 2_402);
    }
}

#[test]
fn since_goes_by_when_the_server_received_a_record() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    send(&server, 0..3);
    let between = tracehub::model::Nanos::now().to_rfc3339();
    send(&server, 3..5);
    let answer = home.run(&["tail", "--db", "a.db", "--since", &between, "--no-follow", "-o", "id"]);
    assert_eq!(answer.data(), format!("{:032x}\n", 2));
    let answer = home.run(&["tail", "--db", "a.db", "--since", &between, "--no-follow", "--json", "--fields", "name"]);
    assert_eq!(answer.data(), "{\"name\":\"op 3\"}\n{\"name\":\"op 4\"}\n");
}

#[test]
fn lines_are_dense_on_a_terminal_and_whole_elsewhere() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run_on_terminal(&["tail", "--no-follow", "--db", &db]), @"
    09:13:51.357   span  shop       POST /checkout                   1.24s  4bf92f35
    09:13:22.155   span  shop       GET /cart                         38ms  4bf90000
    09:13:50.815 ✗ span  payments   charge: 402 card_declined        598ms  4bf92f35
    09:13:22.147   span  payments   SELECT cart                       20ms  4bf90000
    --- exit 0
    ");
    insta::assert_snapshot!(home.run_on_terminal(&["tail", "--no-follow", "--db", &db, otlp::CHECKOUT]), @"
    09:13:51.357   span  shop       POST /checkout                   1.24s  00000000
    09:13:50.815 ✗ span  payments   charge: 402 card_declined        598ms  00000000
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["tail", "--no-follow", "--db", &db, "--level", "error"]), @"
    2026-11-21T09:13:50.815000000Z ✗ span  4bf92f3577b34da6a3ce929d0e0e4736 0000000000000002  598ms payments charge: 402 card_declined
    --- exit 0
    ");
}

#[test]
fn ndjson_is_one_object_a_record_with_its_kind_and_trace() {
    let (home, db) = Home::with_shop();
    let answer = home.run(&["tail", "--no-follow", "--db", &db, "-n", "1", "--level", "error", "--json"]);
    assert_eq!(answer.data().lines().count(), 1);
    let span = answer.json();
    let keys: Vec<&str> = span.as_object().expect("an object").keys().map(String::as_str).take(6).collect();
    assert_eq!(keys, ["kind", "trace_id", "span_id", "parent_span_id", "name", "span_kind"]);
    assert_eq!((&span["kind"], &span["trace_id"]), (&json!("span"), &json!(otlp::CHECKOUT)));
    assert_eq!((&span["span_kind"], &span["self_ms"]), (&json!("server"), &Json::Null));
    assert_eq!((&span["status"], &span["duration_ms"]), (&json!("error"), &json!(598.0)));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly_even_when_nothing_arrives() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    send(&server, 0..3);
    let mut command = home.command(&["tail", "--db", "a.db", "-n", "3"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
    assert!(first.contains("op 0"), "{first}");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_reader_that_stops_reading_does_not_hold_up_ctrl_c_nor_the_server() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    let spans: Vec<Json> = (1..=3_000).map(|id| otlp::span(otlp::CART, id, 0, "op", (1_000, 5))).collect();
    server.send(&json!({"resourceSpans": [otlp::resource("shop", &spans)]}));
    let mut command = home.command(&["tail", "--db", "a.db", "--since", "0", "-o", "ndjson"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut stdout = child.stdout.take().expect("piped");
    // One byte says that it is writing; the pipe cannot hold the rest.
    stdout.read_exact(&mut [0]).expect("a byte");
    send(&server, 0..3);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run(&["tail", "--db", &db, "-o", "csv"]), @"
    --- stderr
    error: what is followed has no columns to separate
    hint: use -o ndjson, or -o id
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["tail", "--db", &db, "--fields", "name"]), @"
    --- stderr
    error: --fields needs -o ndjson here
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["tail", "--db", &db, "--no-follow", "abcdef"]), @"
    --- stderr
    error: no trace `abcdef`
    hint: `tracehub list` shows recent traces
    --- exit 1
    ");
    insta::assert_snapshot!(home.run(&["tail", "--db", "missing.db"]), @"
    --- stderr
    error: no database at `missing.db`
    hint: start a server with `tracehub start`, or name a database with --db
    --- exit 3
    ");
    let unreachable = home.run(&["tail", "--url", "http://127.0.0.1:1"]);
    assert_eq!(unreachable.code, Some(3), "{unreachable}");
    assert!(unreachable.stderr.starts_with("error: cannot reach `http://127.0.0.1:1`"), "{unreachable}");
}
