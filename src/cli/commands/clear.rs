//! `tracehub clear`: deletes traces, after saying how many and asking.

mod rewriting;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::commands::clear::rewriting::Rewriting;
use crate::cli::context::{Context, print};
use crate::cli::environment::is_clock_given;
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::values::{Moment, age};
use crate::cli::paths::short_path;
use crate::model::{Nanos, RecordFilter, RecordKind, Removed};
use crate::query::facets;
use crate::query::present::present;
use crate::query::resolve::resolve;
use crate::store::Backend;
use crate::view::machine::{Format, REMOVED};
use crate::view::out::format::counted;

/// Delete traces: all of them, or those the flags name
#[derive(Debug, Args)]
#[command(after_help = "\
Shows what would go and asks; without a terminal it needs --yes.
Issues outlive their traces; they go when everything goes. Keys stay. With
--redact no record goes, but the secrets in all of them do, and what they were
is nowhere in the file any more; stop the server that owns it first.

Examples:
  tracehub clear --older-than 24h
  tracehub clear --trace 4bf9 --yes
  tracehub clear --dry-run --json
  tracehub clear --redact rules.toml
  tracehub clear --db old.db --yes")]
pub struct ClearArgs {
    /// Only traces that ended longer ago than this: 24h, 7d, yesterday, …
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Moment>,

    /// Only this trace: id, unique prefix, `latest`
    #[arg(long, value_name = "ID")]
    trace: Option<String>,

    /// Only records of this kind
    #[arg(long, value_enum)]
    kind: Option<RecordKind>,

    /// Delete no record, but take the secrets out of all of them, by the rules in this file
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    redact: Option<PathBuf>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// Nobody can be asked and `--yes` is missing, no such trace, or the store fails.
pub async fn run(context: &Context, args: ClearArgs) -> Outcome {
    if let Some(rules) = &args.redact {
        if args.older_than.is_some() || args.trace.is_some() || args.kind.is_some() {
            return Err(Failure::usage(
                "--redact is about the whole file, and goes with no flag that names a part of it",
            ));
        }
        return rewriting::run(context, Rewriting { rules, yes: args.yes, dry_run: args.dry_run }).await;
    }
    let output = context.output(&REMOVED)?;
    let asks = !args.yes && !args.dry_run;
    if asks && !context.terminal.stdin {
        return Err(Failure::usage("deleting needs --yes when there is no terminal to ask on")
            .hint("--dry-run says what would go"));
    }
    let backend = match args.dry_run {
        true => context.open().await?,
        false => context.open_to_write().await?,
    };
    let sink = facets::sink(backend.as_ref())?;
    let filter = filter(context, backend.as_ref(), &args).await?;
    let delete = async || context.wait("deleting", sink.delete(&filter, false)).await;
    let mut removed = match asks || args.dry_run {
        true => context.wait("counting", sink.delete(&filter, true)).await?,
        false => delete().await?,
    };
    if asks && !removed.is_empty() {
        let location = short_path(&backend.info().location);
        if !context.confirm(&format!("delete {} from {location}?", counts(&removed))) {
            backend.close().await?;
            return Err(Failure::new(Code::No, "nothing deleted"));
        }
        removed = delete().await?;
    }
    backend.close().await?;
    match output.format {
        _ if output.is_drawn() => print(&sentence(&removed, args.dry_run)),
        // There are no ids to print, and quiet means no messages.
        Format::Id => Ok(Code::Done),
        _ => output.print_object(&Cleared { dry_run: args.dry_run, removed: &removed }),
    }
}

async fn filter(context: &Context, backend: &dyn Backend, args: &ClearArgs) -> Result<RecordFilter, Failure> {
    let trace = match &args.trace {
        Some(reference) => Some(resolve(backend, reference).await?),
        None => None,
    };
    let ended_before = match &args.older_than {
        Some(age) => Some(before(context, backend, age).await?),
        None => None,
    };
    Ok(RecordFilter { kind: args.kind, trace, ended_before })
}

/// The time before which things are old. A clock that is far ahead of the newest record is not believed, unless it is
/// one that was given.
async fn before(context: &Context, backend: &dyn Backend, age: &Moment) -> Result<Nanos, Failure> {
    let now = context.style.now;
    let present = if is_clock_given() { now } else { present(backend, now).await? };
    let before = age.counted_from(present);
    if before < age.at {
        context.warn(format_args!("ages count back from the newest record, which was received at {present}"));
    }
    Ok(before.min(age.at))
}

fn sentence(removed: &Removed, dry_run: bool) -> String {
    match (removed.is_empty(), dry_run) {
        (true, true) => "nothing to delete\n".to_owned(),
        (true, false) => "nothing deleted\n".to_owned(),
        (false, true) => format!("would delete {}\n", counts(removed)),
        (false, false) => format!("deleted {}\n", counts(removed)),
    }
}

/// `3 traces (47 spans, 5 logs) and 2 issues`.
fn counts(removed: &Removed) -> String {
    let records = [(removed.spans, "span"), (removed.checkpoints, "checkpoint"), (removed.logs, "log")];
    let records = records.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun));
    let records: Vec<String> = records.collect();
    let mut text = match (removed.traces, records.is_empty()) {
        // The traces they were part of hold other records.
        (0, false) => records.join(", "),
        (traces, true) => counted(traces, "trace"),
        (traces, false) => format!("{} ({})", counted(traces, "trace"), records.join(", ")),
    };
    if removed.issues > 0 {
        text.push_str(&format!(" and {}", counted(removed.issues, "issue")));
    }
    text
}

/// The document of `clear`.
#[derive(Serialize)]
struct Cleared<'r> {
    dry_run: bool,
    #[serde(flatten)]
    removed: &'r Removed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_only_what_there_is() {
        let removed = Removed { traces: 1, spans: 47, logs: 1, ..Removed::default() };
        assert_eq!(sentence(&removed, true), "would delete 1 trace (47 spans, 1 log)\n");
        let removed = Removed { issues: 2, ..removed };
        assert_eq!(sentence(&removed, false), "deleted 1 trace (47 spans, 1 log) and 2 issues\n");
        let removed = Removed { issues: 1, ..Removed::default() };
        assert_eq!(sentence(&removed, false), "deleted 0 traces and 1 issue\n");
        assert_eq!(sentence(&Removed::default(), false), "nothing deleted\n");
    }
}
