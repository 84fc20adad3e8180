//! `tracehub trace`: the trace this shell or program runs in, fresh ids, and `list` and `show` under another name.

use std::hash::BuildHasher as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::list::{self, ListArgs};
use super::show::{self, PictureArgs};
use crate::cli::context::{Context, print};
use crate::cli::environment::current_trace;
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::paths::short_path;
use crate::model::{SpanId, Trace, TraceId};
use crate::query::current::{Current, format_traceparent, new_span_id, new_trace_id};
use crate::view::machine::{CURRENT, FRESH};
use crate::view::out::escape;
use crate::view::out::format::counted;

/// How long looking up the current trace may take before it is done without.
const LOOKUP_PATIENCE: Duration = Duration::from_millis(500);

/// The current trace, fresh ids, and traces listed and shown
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  tracehub trace current
  eval \"$(tracehub trace new --export)\"
  tracehub trace show"
)]
pub struct TraceArgs {
    #[command(subcommand)]
    command: TraceCommand,
}

#[derive(Debug, Subcommand)]
enum TraceCommand {
    /// Print the id of the current trace: TRACEPARENT, else TRACEHUB_TRACE_ID, else TRACEHUB_CORRELATION_ID
    #[command(after_help = "\
Exits with 1 when there is none. On a terminal it also says what is known of the
trace.

Examples:
  tracehub trace current
  tracehub trace current --json
  tracehub show \"$(tracehub trace current)\"")]
    Current,
    /// Print a fresh trace id
    #[command(after_help = "\
Examples:
  tracehub trace new
  eval \"$(tracehub trace new --export)\"
  TRACEHUB_CORRELATION_ID=$(tracehub trace new) ./job.sh")]
    New {
        /// Print `export TRACEPARENT=…` for a shell to evaluate
        #[arg(long)]
        export: bool,
    },
    /// List recent traces, newest first; the same as `tracehub list`
    List(Box<ListArgs>),
    Show(ShowArgs),
}

/// Show one trace; the same as `tracehub show`, by default the newest
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tracehub trace show
  tracehub trace show latest~1 --view tree")]
struct ShowArgs {
    /// Full id, unique prefix of at least 4 characters, `latest`, or `latest~2`
    #[arg(default_value = "latest")]
    id: String,

    #[command(flatten)]
    picture: PictureArgs,
}

/// Runs the command.
///
/// # Errors
/// No current trace, or as `list` and `show`.
pub async fn run(context: &Context, args: TraceArgs) -> Outcome {
    match args.command {
        TraceCommand::Current => print_current(context).await,
        TraceCommand::New { export } => print_fresh(context, export),
        TraceCommand::List(args) => list::run(context, *args).await,
        TraceCommand::Show(args) => show::show(context, &args.id, &args.picture).await,
    }
}

async fn print_current(context: &Context) -> Outcome {
    let output = context.output(&CURRENT)?;
    let Some(found) = current_trace() else {
        return Err(Failure::new(Code::No, "no current trace").hint(
            "set TRACEPARENT, TRACEHUB_TRACE_ID or TRACEHUB_CORRELATION_ID; `tracehub trace new --export` makes one",
        ));
    };
    if !output.is_drawn() {
        return output.print_object(&found);
    }
    if !context.terminal.stdout {
        return print(&format!("{}\n", escape(&found.trace_id.to_string())));
    }
    let known = tokio::time::timeout(LOOKUP_PATIENCE, look_up(context, &found.trace_id)).await.ok().flatten();
    print(&describe(&found, known.as_ref()))
}

/// What a database knows of the trace, and where that is; `None` when there is nothing to be had.
async fn look_up(context: &Context, id: &TraceId) -> Option<(Trace, String)> {
    let backend = context.open().await.ok()?;
    let trace = backend.trace(id).await.ok()??;
    Some((trace, short_path(&backend.info().location)))
}

fn describe(found: &Current, known: Option<&(Trace, String)>) -> String {
    let sampled = match found.sampled {
        Some(true) => " (sampled)",
        Some(false) => " (not sampled)",
        None => "",
    };
    let id = found.trace_id.to_string();
    let mut text = format!("trace  {}   from {}{sampled}\n", escape(&id), found.source.as_str());
    if let Some(span_id) = found.span_id {
        let span = known.and_then(|(trace, _)| trace.spans.iter().find(|span| span.span_id == span_id));
        let name = span.map(|span| format!("  \"{}\"", escape(&span.name))).unwrap_or_default();
        text.push_str(&format!("span   {span_id}{name}\n"));
    }
    if let Some((trace, location)) = known {
        let summary = &trace.summary;
        let (spans, errors) = (counted(summary.span_count, "span"), counted(summary.error_count, "error"));
        let name = escape(&summary.name).into_owned();
        text.push_str(&format!("known  {name}   {spans} so far, {errors}   in {}\n", escape(location)));
    }
    text
}

fn print_fresh(context: &Context, export: bool) -> Outcome {
    let output = context.output(&FRESH)?;
    let (trace_id, span_id) = fresh_ids();
    let traceparent = format_traceparent(&trace_id, span_id).unwrap_or_default();
    if export {
        return print(&format!("export TRACEPARENT={traceparent}\n"));
    }
    if output.is_drawn() {
        return print(&format!("{trace_id}\n"));
    }
    output.print_object(&json!({ "trace_id": trace_id, "span_id": span_id, "traceparent": traceparent }))
}

/// Ids nobody else has: the standard library's hashers are keyed by the system's random numbers.
fn fresh_ids() -> (TraceId, SpanId) {
    let random = |salt: u64| {
        let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        std::hash::RandomState::new().hash_one((salt, moment.as_nanos(), std::process::id()))
    };
    let trace = (u128::from(random(1)) << 64) | u128::from(random(2));
    (new_trace_id(trace.to_be_bytes()), new_span_id(random(3).to_be_bytes()))
}
