//! The server as a process of its own, and what a process uses, read from `/proc`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `/proc` counts CPU time in ticks of 1/100 s on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts a build of tracehub on a file, with rules of redaction if there are any.
    pub fn start(program: &str, file: &Path, rules: Option<&str>) -> Server {
        let mut command = Command::new(program);
        command.args(["start", "--port", "0", "--otlp-grpc", "off", "--otlp-http", "off", "--db"]).arg(file);
        if let Some(rules) = rules {
            command.args(["--redact", rules]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a ready line");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("a ready line");
        Server { child, url: ready["url"].as_str().expect("a url").to_owned() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory the server held so far.
    pub fn peak_memory_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        number_after(&status, "VmHWM:").unwrap_or(0) as f64 / 1024.0
    }

    /// Stops the server as an operator would.
    pub fn stop(mut self) {
        let sent = Command::new("kill").arg(self.pid().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill");
        assert!(self.child.wait().expect("ended").success(), "the server ended with an error");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that was stopped has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process used since a moment.
pub struct Usage {
    pid: u32,
    cpu_seconds: f64,
    written_bytes: u64,
}

impl Usage {
    pub fn begin(pid: u32) -> Usage {
        Usage { pid, cpu_seconds: cpu_seconds(pid), written_bytes: written_bytes(pid) }
    }

    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.pid) - self.cpu_seconds
    }

    pub fn written_bytes(&self) -> u64 {
        written_bytes(self.pid) - self.written_bytes
    }

    /// Waits until the process does nothing for a while, or no longer than told.
    pub async fn until_idle(&self, longest: Duration) {
        let (begin, pause) = (Instant::now(), Duration::from_millis(500));
        let mut before = cpu_seconds(self.pid);
        while begin.elapsed() < longest {
            tokio::time::sleep(pause).await;
            let now = cpu_seconds(self.pid);
            if now - before < 0.02 {
                return;
            }
            before = now;
        }
    }
}

/// User and system time of a process with all its threads.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let after_name = stat.rsplit_once(')').expect("a name in brackets").1;
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

fn written_bytes(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    number_after(&io, "\nwrite_bytes:").unwrap_or(0)
}

fn number_after(text: &str, key: &str) -> Option<u64> {
    text.split_once(key)?.1.split_whitespace().next()?.parse().ok()
}
