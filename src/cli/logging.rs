//! The log lines of the program itself while it works: to stderr, as much as `TRACEHUB_LOG` or `-v` ask for.

use tracing_subscriber::EnvFilter;

use super::context::Context;
use super::environment::variable;

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
        .with_writer(std::io::stderr)
        .with_ansi(context.colors_stderr())
        .finish();
    // It fails only when someone set one before, and then that one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
