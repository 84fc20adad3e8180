//! The log lines of the program itself while it works: to stderr, as much as `TRACEHUB_LOG` or `-v` ask for.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use tracing_subscriber::EnvFilter;

use super::context::Context;
use super::environment::variable;
use crate::store::redact::{Redaction, Tally};

/// The rules that log lines pass, once there are some.
static REDACTION: OnceLock<Arc<Redaction>> = OnceLock::new();

/// Has all log lines from now on pass these rules: a line may quote what a client sent.
pub fn redact_with(redaction: &Arc<Redaction>) {
    // Once is enough: rules that are replaced are so within.
    let _ = REDACTION.set(Arc::clone(redaction));
}

/// Standard error, a line at a time.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line).map(|()| line.len())
    }

    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(line);
        let redactor = REDACTION.get().map(|redaction| redaction.redactor());
        match redactor.and_then(|redactor| redactor.text(None, &text, &mut Tally::default())) {
            Some(redacted) => io::stderr().write_all(redacted.as_bytes()),
            None => io::stderr().write_all(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Starts logging for the rest of the process.
pub fn start(context: &Context) {
    let level = match (context.args.quiet, context.args.verbose) {
        (true, _) => "error",
        // What the SDK could not deliver, the command itself says; what a client does to its HTTP/2 connection is a
        // line for each one, and nobody else's business.
        (_, 0) => "warn,tracehub::client=error,h2=error",
        (_, 1) => "warn,tracehub=info,h2=error",
        _ => "info,tracehub=debug",
    };
    let directives = variable("TRACEHUB_LOG").unwrap_or_else(|| level.to_owned());
    let filter = EnvFilter::try_new(&directives).unwrap_or_else(|error| {
        context.warn(format!("TRACEHUB_LOG is not understood: {error}"));
        EnvFilter::new(level)
    });
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Stderr)
        .with_ansi(context.colors_stderr())
        .finish();
    // It fails only when someone set one before, and then that one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
