//! `Logger`: takes log records from a program and sends them in the background.
//!
//! A call makes a small record and pushes it into a ring; everything else is done on the shipping thread.

use std::error::Error;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, thread};

use serde::Serialize;

use super::at_exit;
use super::caller::Caller;
use super::entry::LogEntry;
use super::error_text::ErrorText;
use super::settings::{LoggerBuilder, LoggerError};
use crate::client::context::correlation::CurrentTrace;
use crate::client::pipeline::Pipeline;
use crate::client::pipeline::figures::Tally;
use crate::client::pipeline::settings::CLOSE_ON_DROP;
use crate::model::{Nanos, Severity, SpanId, Text};

/// Sends log records to a tracehub server from a thread of its own; cheap to clone, and all clones are one logger.
///
/// Dropping the last clone closes the logger within about two seconds; a program that ends in another way should call
/// [`Logger::close`] before, because nothing runs after `main`. One that was made by the main thread and is open when
/// that returns or calls `process::exit`, as of a static, delivers what it holds or keeps it on disk, on systems that run
/// the thread's destructors then, as Linux does with glibc. See [the module](crate::client) for an example.
#[derive(Clone)]
pub struct Logger {
    pub(super) pipeline: Arc<Pipeline<LogEntry>>,
}

/// What became of everything that was logged, when a logger was closed; `logged` is the sum of the next four.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoggerReport {
    /// Records handed over.
    pub logged: u64,
    /// Records the server has.
    pub sent: u64,
    /// Records that never went out: the buffer was full, or the logger closed.
    pub dropped: u64,
    /// Records kept on disk, to be delivered when the server is back or the program starts the next time.
    pub parked: u64,
    /// Records that are lost: the server refused them, or they could not be kept.
    pub failed: u64,
    /// Records on disk, of this program or an earlier one, that were deleted because they were too old or too many.
    pub evicted: u64,
}

impl LoggerReport {
    /// Whether the server has every record, or will have it.
    pub fn is_complete(&self) -> bool {
        self.dropped == 0 && self.failed == 0 && self.evicted == 0
    }
}

/// Counters of a logger at one moment; `logged` is the sum of the next six.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggerStats {
    /// Records handed over.
    pub logged: u64,
    /// Records the server has.
    pub sent: u64,
    /// Records that never went out.
    pub dropped: u64,
    /// Records that were kept on disk, also if they were delivered later.
    pub parked: u64,
    /// Records that are lost.
    pub failed: u64,
    /// Records that wait.
    pub queued: u64,
    /// Records in the request under way, or being written to disk.
    pub in_flight: u64,
    /// HTTP requests made.
    pub requests: u64,
    /// HTTP requests that repeated an earlier one.
    pub retries: u64,
    /// Records from disk, of this program or another, that the server has now.
    pub replayed: u64,
    /// Records from disk that are lost: the server refused them for what is in them, or they are not readable.
    pub replay_lost: u64,
    /// Records on disk that were deleted because they were too old or too many.
    pub evicted: u64,
    /// Why the last batch that was not delivered was not; `None` when all were.
    pub last_error: Option<String>,
}

impl LoggerBuilder {
    /// Makes the logger. Its thread starts with the first record, or at once when there are dead letters to deliver.
    ///
    /// # Errors
    /// The endpoint or the key cannot be used.
    pub fn build(self) -> Result<Logger, LoggerError> {
        let pipeline = Arc::new(Pipeline::new(self.pipeline_settings()?, CLOSE_ON_DROP));
        pipeline.accounts().start();
        at_exit::watch(&pipeline);
        Ok(Logger { pipeline })
    }
}

impl Logger {
    /// Settings for a logger of the program `service`, such as `checkout`, that runs in `environment`, such as
    /// `production`. Without a key it is that of `TRACEHUB_API_KEY`, and none is fine for a server that wants none.
    pub fn builder(api_key: &str, service: &str, environment: &str) -> LoggerBuilder {
        LoggerBuilder::new(api_key, service, environment)
    }

    /// Logs the finest detail.
    #[track_caller]
    pub fn trace(&self, message: impl Into<String>) -> LogCall<'_> {
        self.log(Severity::Trace, message)
    }

    /// Logs something for developers.
    #[track_caller]
    pub fn debug(&self, message: impl Into<String>) -> LogCall<'_> {
        self.log(Severity::Debug, message)
    }

    /// Logs normal operation.
    #[track_caller]
    pub fn info(&self, message: impl Into<String>) -> LogCall<'_> {
        self.log(Severity::Info, message)
    }

    /// Logs something to look at.
    #[track_caller]
    pub fn warn(&self, message: impl Into<String>) -> LogCall<'_> {
        self.log(Severity::Warn, message)
    }

    /// Logs that something failed.
    #[track_caller]
    pub fn error(&self, message: impl Into<String>) -> LogCall<'_> {
        self.log(Severity::Error, message)
    }

    /// Logs that the program cannot go on.
    #[track_caller]
    pub fn fatal(&self, message: impl Into<String>) -> LogCall<'_> {
        self.log(Severity::Fatal, message)
    }

    /// Logs at a level, now, on this thread, in its trace. The record is complete, and handed over, when what this
    /// returns is dropped, which is at the end of the statement unless it is kept.
    #[track_caller]
    pub fn log(&self, level: Severity, message: impl Into<String>) -> LogCall<'_> {
        let location = Location::caller();
        let CurrentTrace { id: trace_id, span_id } = CurrentTrace::get();
        let entry = LogEntry {
            time: Nanos::now(),
            level,
            message: message.into(),
            thread: thread_name(),
            trace_id,
            span_id,
            caller: (level >= Severity::Error).then(|| Caller::from(location)),
            details: None,
        };
        LogCall { logger: self, entry, location }
    }

    /// Waits until all that was logged before is delivered, kept on disk or counted as lost, for at most `timeout`;
    /// whether it was in time. This blocks the thread: in async code use `spawn_blocking`.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.pipeline.accounts().flush(timeout)
    }

    /// Delivers what is left for at most `deadline`, keeps the rest on disk, and takes nothing more. When this returns
    /// everything is counted. Writing to disk takes a moment more than the deadline. Closing again returns at once.
    pub fn close(&self, deadline: Duration) -> LoggerReport {
        let Tally { sent, dropped, parked, failed } = self.pipeline.accounts().close(deadline);
        let logged = sent + dropped + parked + failed;
        LoggerReport { logged, sent, dropped, parked, failed, evicted: self.evicted() }
    }

    /// Waits until what lay on disk for this server and key was delivered, for at most `timeout`; whether it was. What
    /// lies there is sent in the background without this call, too.
    pub fn wait_for_replay(&self, timeout: Duration) -> bool {
        self.pipeline.accounts().wait_for_replay(timeout)
    }

    /// The counters at this moment.
    pub fn stats(&self) -> LoggerStats {
        let figures = self.pipeline.accounts().figures();
        let Tally { sent, dropped, parked, failed } = figures.tally;
        LoggerStats {
            logged: figures.sends,
            sent,
            dropped,
            parked,
            failed,
            queued: figures.queued,
            in_flight: figures.in_flight,
            requests: figures.requests,
            retries: figures.retries,
            replayed: figures.replayed,
            replay_lost: figures.replay_lost,
            evicted: self.evicted(),
            last_error: figures.last_error,
        }
    }

    fn evicted(&self) -> u64 {
        self.pipeline.settings.encoding.dead_letters().map_or(0, |letters| letters.evicted())
    }

    /// The directory in which records are kept that cannot be delivered; `None` when they are not kept.
    pub fn dlq_path(&self) -> Option<&std::path::Path> {
        self.pipeline.settings.encoding.dead_letters().map(|letters| letters.directory())
    }

    /// Whether the server refused the key.
    #[cfg(feature = "app")]
    pub(crate) fn is_denied(&self) -> bool {
        self.pipeline.accounts().figures().is_denied
    }

    /// Hands over a record that is complete.
    pub(crate) fn send(&self, entry: LogEntry) {
        let bytes = entry.size_bytes();
        self.pipeline.accounts().send(entry, bytes);
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger").finish_non_exhaustive()
    }
}

/// A log record being made; handed over when it is dropped.
#[derive(Debug)]
pub struct LogCall<'a> {
    logger: &'a Logger,
    entry: LogEntry,
    location: &'static Location<'static>,
}

impl LogCall<'_> {
    /// The part of the program that logs, such as `billing`.
    pub fn module(mut self, module: impl Into<Text>) -> Self {
        self.entry.details().module = Some(module.into());
        self
    }

    /// A value of any type that serializes, under a name. One that does not serialize is replaced by the reason.
    pub fn extra(mut self, name: impl AsRef<str>, value: impl Serialize) -> Self {
        self.entry.details().extra.push(name.as_ref(), value);
        self
    }

    /// The error that is the reason: its type, its message, and with its causes a stack trace, where none is given.
    pub fn error(mut self, error: &(dyn Error + 'static)) -> Self {
        let text = ErrorText::from_error(error);
        let details = self.entry.details();
        if details.stack_trace.is_none() {
            details.stack_trace =
                Some(text.stack(details.module.as_deref(), self.location.file(), self.location.line()));
        }
        details.error_type = Some(text.kind);
        details.error_message.get_or_insert(text.message);
        self
    }

    /// The kind of error, such as `TimeoutError`.
    pub fn error_type(mut self, error_type: impl Into<String>) -> Self {
        self.entry.details().error_type = Some(error_type.into());
        self
    }

    /// What the error says of itself.
    pub fn error_message(mut self, message: impl Into<String>) -> Self {
        self.entry.details().error_message = Some(message.into());
        self
    }

    /// The stack trace of the error, in the form of any language.
    pub fn stack_trace(mut self, stack: impl Into<String>) -> Self {
        self.entry.details().stack_trace = Some(stack.into());
        self
    }

    /// The trace the record belongs to, in place of the thread's or task's, of which it then has no span either.
    pub fn trace_id(mut self, id: impl Into<Text>) -> Self {
        self.entry.trace_id = Some(id.into());
        self.entry.span_id = None;
        self
    }

    /// The span of its trace that the record belongs to.
    pub fn span_id(mut self, id: SpanId) -> Self {
        self.entry.span_id = Some(id);
        self
    }
}

impl Drop for LogCall<'_> {
    fn drop(&mut self) {
        self.logger.send(std::mem::take(&mut self.entry));
    }
}

thread_local! {
    static THREAD_NAME: Text = {
        let thread = thread::current();
        // Without a name the number of `ThreadId(7)` tells threads apart.
        thread.name().map_or_else(|| Text::from(format!("{:?}", thread.id())), Text::from)
    };
}

/// The name of this thread.
pub(crate) fn thread_name() -> Text {
    THREAD_NAME.try_with(Text::clone).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_keeps_its_own_records_and_leaves_its_parents_alone() {
        use std::sync::atomic::{AtomicU32, Ordering};
        static PROCESS: AtomicU32 = AtomicU32::new(1);
        let folder = tempfile::tempdir().expect("a directory");
        let builder = Logger::builder("th_secret", "shop", "production").endpoint("http://127.0.0.1:1");
        let mut builder = builder.dlq_path(folder.path()).max_retries(0);
        builder.process_id = || PROCESS.load(Ordering::SeqCst);
        let logger = builder.build().expect("a logger");
        logger.info("parent");
        PROCESS.store(2, Ordering::SeqCst);
        assert_eq!(logger.stats().logged, 0);
        logger.info("child");
        let report = logger.close(Duration::from_secs(60));
        assert_eq!((report.logged, report.parked), (1, 1));
        let files: Vec<_> = std::fs::read_dir(folder.path()).expect("there").flatten().collect();
        assert_eq!(files.len(), 1);
        assert!(std::fs::read_to_string(files[0].path()).expect("readable").contains("\"message\":\"child\""));
    }
}
