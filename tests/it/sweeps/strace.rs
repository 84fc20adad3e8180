//! `strace`, which counts system calls and lets them fail.

use std::fs;
use std::process::{Command, ExitStatus, Stdio};

use super::work::{Place, Work};

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The process is killed before the call.
    Kill,
    /// The call fails once, as on a bad sector.
    Once,
    /// This call and all later ones fail, as on a full disk.
    Full,
}

impl Failure {
    pub const ALL: [Failure; 3] = [Failure::Kill, Failure::Once, Failure::Full];

    fn injection(self, call: &str, number: usize) -> String {
        match self {
            Failure::Kill => format!("{call}:signal=SIGKILL:when={number}"),
            Failure::Once => format!("{call}:error=EIO:when={number}"),
            Failure::Full => format!("{call}:error=ENOSPC:when={number}+"),
        }
    }
}

/// A `strace` that may trace.
pub struct Tracer(());

impl Tracer {
    /// `None` where there is none, or none that may trace.
    pub fn find() -> Option<Tracer> {
        let tried = Command::new("strace").args(["-f", "-e", "trace=none", "-o", "/dev/null", "true"]).output();
        tried.is_ok_and(|output| output.status.success()).then_some(Tracer(()))
    }

    /// How many calls of a kind the work makes when nothing fails.
    pub fn count(&self, work: Work, call: &str) -> usize {
        let place = work.prepare();
        let log = place.file("calls");
        let (trace, output) = (format!("trace={call}"), log.display().to_string());
        let status = trace_work(work, &place, &["-e", &trace, "-o", &output]);
        assert!(status.success(), "{work:?} undisturbed: {status}");
        place.check(work).unwrap_or_else(|wrong| panic!("{work:?} undisturbed: {wrong}"));
        let calls = fs::read_to_string(log).expect("a log of calls");
        calls.lines().filter(|line| line.contains(&format!(" {call}("))).count()
    }

    /// Runs the work with a failure; whether the process died of a signal or a panic.
    pub fn run(&self, work: Work, place: &Place, call: &str, number: usize, failure: Failure) -> bool {
        let (trace, inject) = (format!("trace={call}"), format!("inject={}", failure.injection(call, number)));
        !trace_work(work, place, &["-e", &trace, "-e", &inject, "-o", "/dev/null"]).success()
    }
}

fn trace_work(work: Work, place: &Place, options: &[&str]) -> ExitStatus {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new("strace");
    command.arg("-f").args(options).arg(program);
    command.args(["--exact", "sweeps::the_work_of_a_sweep", "--ignored", "--nocapture"]);
    place.name(work, &mut command).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("strace runs")
}
