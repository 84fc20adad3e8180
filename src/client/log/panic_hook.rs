//! A panic becomes a fatal log record before the program goes on or ends.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::logger::Logger;
use crate::client::pipeline::own_thread::is_own_thread;

/// How long a panic may wait for its record to be delivered.
const FLUSH: Duration = Duration::from_secs(2);

/// The function of std that calls hooks.
const CALLER: &str = "panic_with_hook";
/// The function of std that calls the program's; what that one calls is of interest.
const BELOW: &str = "__rust_begin_short_backtrace";

/// Logs each panic of this program as fatal, with its message, place and backtrace, waits up to two seconds for its
/// delivery, else keeps it on disk, and then does what was done before. The hook does not keep the logger open.
pub fn install_panic_hook(logger: &Logger) {
    let pipeline = Arc::downgrade(&logger.pipeline);
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        // A panic of the shipping thread cannot wait for itself.
        if let Some(pipeline) = pipeline.upgrade().filter(|_| !is_own_thread()) {
            // Were this the last owner, dropping it would close the logger here.
            let logger = Logger { pipeline };
            log_panic(&logger, panic);
            logger.pipeline.accounts().flush_or_park(FLUSH);
        }
        previous(panic);
    }));
}

fn log_panic(logger: &Logger, panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("a panic without a text");
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let stack = format_stack(message, &place);
    logger
        .fatal(format!("panic: {message}"))
        .error_type("panic")
        .error_message(message)
        .stack_trace(stack)
        .extra("location", place);
}

/// The text that Rust prints of a panic with a backtrace.
fn format_stack(message: &str, place: &str) -> String {
    let current = thread::current();
    let name = current.name().unwrap_or("<unnamed>");
    let mut stack = format!("thread '{name}' panicked at {place}:\n{message}\n");
    let backtrace = Backtrace::force_capture();
    if backtrace.status() == BacktraceStatus::Captured {
        stack.push_str("stack backtrace:\n");
        stack.push_str(without_runtime_frames(without_hook(&backtrace.to_string())));
    }
    stack
}

/// A backtrace without the frames of this hook and its callers, which are on top and would seem to be where it happened.
/// The hook itself cannot be found by its name: where the compiler put it into its caller, the name has no module.
fn without_hook(backtrace: &str) -> &str {
    let Some(caller) = backtrace.find(CALLER) else { return backtrace };
    let mut rest = backtrace.get(caller..).unwrap_or_default();
    // The rest of the frame's line, and the line with its file.
    while let Some((_, next)) = rest.split_once('\n') {
        rest = next;
        if !next.trim_start().starts_with("at ") {
            break;
        }
    }
    rest
}

/// A backtrace without the frames below `main` or below a thread's function, which std does not print either: they
/// differ from system to system.
fn without_runtime_frames(backtrace: &str) -> &str {
    let Some(start) = backtrace.find(BELOW) else { return backtrace };
    let end = backtrace.get(..start).unwrap_or_default().rfind('\n').map_or(0, |line| line + 1);
    backtrace.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backtrace_starts_below_the_hook() {
        let own = "   4: format_stack\n             at ./src/x.rs:3:9\n   5: tracehub::client::panic_hook::hook::{{closure}}\n";
        let caller = "   6: std::panicking::panic_with_hook\n             at /rustc/1/std/src/panicking.rs:833:13\n";
        let below = "   7: core::panicking::panic_fmt\n   8: shop::charge\n             at src/a.rs:1:1\n";
        assert_eq!(without_hook(&format!("   3: std::backtrace::capture\n{own}{caller}{below}")), below);
        let second = format!("{below}{caller}   9: shop::first\n");
        assert_eq!(without_hook(&format!("{own}{caller}{second}")), second, "a panic during another");
        assert_eq!(without_hook(below), below);
    }

    #[test]
    fn a_backtrace_ends_where_the_program_does() {
        let own = "   6: core::panicking::panic_fmt\n   7: shop::charge\n             at src/a.rs:1:1\n";
        let below = "   8: std::sys::backtrace::__rust_begin_short_backtrace\n   9: clone3\n";
        assert_eq!(without_runtime_frames(&format!("{own}{below}")), own);
        assert_eq!(without_runtime_frames(own), own);
        assert_eq!(without_runtime_frames(below), "");
    }
}
