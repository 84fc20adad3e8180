//! The end of a program that keeps its logger in a static, which is never dropped, and does not close it.
//!
//! Nothing of Rust runs after `main`, but the destructors of what the main thread holds for itself do, on most systems,
//! also when it calls `process::exit`. That is a chance, not a promise: a program that wants a report closes its logger.

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::entry::LogEntry;
use crate::client::pipeline::Pipeline;

/// How long the end of a program may wait for all its loggers.
const FLUSH: Duration = Duration::from_secs(2);
/// What std calls the thread of `main`.
const MAIN_THREAD: &str = "main";

thread_local! {
    static LOGGERS: Loggers = const { Loggers(RefCell::new(Vec::new())) };
}

/// The loggers that were made by this thread and may be open still.
struct Loggers(RefCell<Vec<Weak<Pipeline<LogEntry>>>>);

impl Drop for Loggers {
    fn drop(&mut self) {
        let deadline = Instant::now() + FLUSH;
        for logger in self.0.take().iter().filter_map(Weak::upgrade) {
            if let Some(accounts) = logger.known_accounts() {
                accounts.flush_or_park(deadline.saturating_duration_since(Instant::now()));
            }
        }
    }
}

/// Delivers or parks what a logger holds when the main thread ends, if that is the one that calls this.
pub(crate) fn watch(logger: &Arc<Pipeline<LogEntry>>) {
    if thread::current().name() != Some(MAIN_THREAD) {
        return;
    }
    let _ = LOGGERS.try_with(|loggers| {
        let mut loggers = loggers.0.borrow_mut();
        loggers.retain(|logger| logger.strong_count() > 0);
        loggers.push(Arc::downgrade(logger));
    });
}
