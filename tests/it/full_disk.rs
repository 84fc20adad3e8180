//! The real program where there is no room, nobody answers, or a folder is not what it should be.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::support::{Home, otlp};

/// Runs the program on a disk of 12 MiB: a server twice, then `clear`, then a server again. What each says on stdout is
/// in a file of its number beside the disk.
const SCRIPT: &str = r#"
    mount -t tmpfs -o size=12m none "$1/disk" || exit 77
    start() { "$2" start --port 0 --otlp-grpc off --otlp-http off --db "$1/disk/t.db" > "$1/$3"; }
    start "$1" "$2" 1 && start "$1" "$2" 2 && "$2" clear --yes --db "$1/disk/t.db" > "$1/3" && start "$1" "$2" 4"#;

#[test]
fn a_disk_that_records_filled_can_be_emptied_and_a_server_starts_on_it() {
    let may_mount = Command::new("unshare").args(["-Ur", "--mount", "true"]).stderr(Stdio::null()).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        skip("SKIPPED: no disk can be mounted here (unshare -Ur --mount)");
        return;
    }
    let home = Home::new();
    std::fs::create_dir(home.file("disk")).expect("a folder");
    let mut script = Command::new("unshare");
    script.args(["-Ur", "--mount", "sh", "-c", SCRIPT, "sh"]).arg(home.path()).arg(env!("CARGO_BIN_EXE_tracehub"));
    let mut script = Group(script.process_group(0).stderr(Stdio::null()).spawn().expect("a shell"));
    let (url, pid) = ready(&home.file("1"));
    let stored = fill(&url, 0);
    assert!((10..200).contains(&stored), "{stored}");
    assert!(ask(&url, "GET", "/api/v1/stats", "").0 == 200);
    end(pid);
    let (url, pid) = ready(&home.file("2"));
    let one = format!("/api/v1/traces/{}", trace_id(0));
    let (status, answer) = ask(&url, "DELETE", &one, "");
    assert_eq!(status, 200, "{answer}");
    assert_eq!(ask(&url, "GET", &one, "").0, 404);
    let (status, answer) = ask(&url, "DELETE", "/api/v1/traces?kind=spans", "");
    assert_eq!(status, 200, "{answer}");
    let again = fill(&url, 1_000);
    assert!(again >= stored / 2, "{again} of {stored}");
    end(pid);
    let (url, pid) = ready(&home.file("4"));
    assert!(std::fs::read_to_string(home.file("3")).expect("said").starts_with("deleted "));
    let again = fill(&url, 2_000);
    assert!(again >= stored / 2, "{again} of {stored}");
    end(pid);
    assert!(script.0.wait().expect("it ends").success());
}

/// A process and all that it started, which end with it, also when the test fails.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // There may be nobody left.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

#[expect(clippy::print_stderr, reason = "who runs the tests should know")]
fn skip(why: &str) {
    eprintln!("{why}");
}

/// URL and process id of a server that says in a file that it is ready.
fn ready(path: &Path) -> (String, u64) {
    let since = Instant::now();
    loop {
        let said = std::fs::read_to_string(path).unwrap_or_default();
        if let Ok(ready) = serde_json::from_str::<Json>(&said) {
            return (ready["url"].as_str().expect("a url").to_owned(), ready["pid"].as_u64().expect("a pid"));
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{path:?} says {said:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn end(pid: u64) {
    assert!(Command::new("kill").args(["-TERM", &pid.to_string()]).status().is_ok_and(|status| status.success()));
}

fn trace_id(number: u64) -> String {
    format!("{:032x}", u128::from(number) + 1)
}

/// Sends requests of a trace each, of about 100 KiB that nothing makes smaller, until the disk is full; how many.
fn fill(url: &str, first: u64) -> u64 {
    let mut noise = first.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut word = || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        format!("{noise:016x}")
    };
    for number in 0.. {
        let spans: Vec<Json> = (1..100_u64)
            .map(|span| {
                let name: String = (0..128).map(|_| word()).collect();
                json!({ "traceId": trace_id(first + number), "spanId": format!("{span:016x}"), "name": name,
                        "startTimeUnixNano": "1795252442117000000", "endTimeUnixNano": "1795252442118000000" })
            })
            .collect();
        let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] }).to_string();
        let (status, answer) = ask(url, "POST", "/v1/traces", &body);
        if status != 200 {
            assert!(status == 503 && answer.contains("disk is full") && answer.contains("retry-after"), "{answer}");
            return number;
        }
    }
    0
}

/// Status and all of the answer to a request.
pub fn ask(url: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("the server listens");
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    (answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0), answer.to_lowercase())
}

#[cfg(unix)]
#[test]
fn an_import_into_a_file_that_may_not_grow_fails_with_a_reason() {
    let home = Home::new();
    let server = home.start(&["--db", "full.db"]);
    let host = server.url().to_owned();
    (0..3).for_each(|round| assert!(send_much(&host, round), "stored"));
    server.stop();
    let mut import = Command::new("sh");
    import.args(["-c", "ulimit -f 1200 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_tracehub")]);
    import.args(["import", "full.db", "--db", "new.db"]).current_dir(home.path()).env("HOME", home.path());
    let answer = home.answer(import);
    assert_eq!(answer.code, Some(3), "{answer}");
    assert!(answer.stderr.contains("as large as a file may be here"), "{answer}");
    assert!(answer.stderr.contains("ulimit -f"), "{answer}");
}

fn send_much(url: &str, round: u64) -> bool {
    let spans: Vec<Json> = (0..200_u64)
        .map(|span| {
            let mut noise = (round * 1_000 + span + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let name: String = (0..128)
                .map(|_| {
                    noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    format!("{noise:016x}")
                })
                .collect();
            json!({ "traceId": trace_id(round), "spanId": format!("{:016x}", span + 1), "name": name,
                    "startTimeUnixNano": "1795252442117000000", "endTimeUnixNano": "1795252442118000000" })
        })
        .collect();
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] }).to_string();
    ask(url, "POST", "/v1/traces", &body).0 == 200
}

#[cfg(unix)]
#[test]
fn a_command_that_writes_is_not_kept_waiting_by_a_server_that_is_stopped() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    server.send(&otlp::shop());
    server.signal("STOP");
    let since = Instant::now();
    for command in [&["clear", "--yes"][..], &["keys", "create", "--project", "p"]] {
        let answer = home.run(&[command, &["--db", "a.db"]].concat());
        assert_eq!(answer.code, Some(3), "{answer}");
        assert!(answer.stderr.contains(&format!("process {}", server.pid())), "{answer}");
    }
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    assert_eq!(home.run(&["list", "-q", "--db", "a.db"]).data().lines().count(), 2);
    server.signal("CONT");
    assert_eq!(home.run(&["clear", "--yes", "--db", "a.db"]).code, Some(0));
}

#[cfg(unix)]
#[test]
fn nothing_is_written_into_a_folder_that_everybody_may_write_to() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let folder = home.file("open");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o777)).expect("changed");
    insta::assert_snapshot!(home.run(&["start", "--port", "0", "--db", "open/a.db"]), @"
    --- stderr
    error: everybody may write to the folder `/home/open`, and so replace the database
    hint: take that right away with `chmod o-w`, or name a file in a folder of its own
    --- exit 3
    ");
    assert_eq!(std::fs::read_dir(&folder).expect("readable").count(), 0);
    let server = home.start(&["--db", "open/own/a.db"]);
    server.send(&otlp::shop());
    server.stop();
    std::fs::rename(folder.join("own/a.db"), folder.join("a.db")).expect("moved");
    assert_eq!(home.run(&["list", "-q", "--db", "open/a.db"]).data().lines().count(), 2);
}

#[cfg(unix)]
#[test]
fn a_database_in_a_folder_one_may_not_write_to_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let (home, db) = Home::with_shop();
    let folder = home.file("kept");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::rename(db, folder.join("shop.db")).expect("moved");
    let set_mode =
        |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("changed");
    set_mode(home.path(), 0o755);
    set_mode(&folder.join("shop.db"), 0o644);
    set_mode(&folder, 0o555);
    // Whoever may do everything is made somebody who may not.
    let may_all = std::fs::write(folder.join("probe"), "").is_ok();
    let program = home.file("tracehub");
    std::fs::copy(env!("CARGO_BIN_EXE_tracehub"), &program).expect("copied");
    let mut list = Command::new(if may_all { Path::new("setpriv") } else { program.as_path() });
    if may_all {
        std::fs::remove_file(folder.join("probe")).expect("removed");
        if Command::new("setpriv").arg("--version").output().is_err() {
            skip("SKIPPED: run by who may write everywhere, and there is no setpriv");
            return;
        }
        list.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    }
    list.args(["list", "-q", "--db", "kept/shop.db"]).current_dir(home.path()).env_clear();
    let answer = home.answer(list);
    set_mode(&folder, 0o755);
    assert_eq!(answer.data().lines().count(), 2);
}
