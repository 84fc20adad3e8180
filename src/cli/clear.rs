//! `tracehub clear`: deletes traces, after saying how many and asking.

use std::io::BufRead as _;

use clap::Args;
use serde_json::{Map, json};

use crate::{
    model::{RecordFilter, RecordKind, Removed},
    query::resolve::resolve,
    store::{self, Backend, Mode},
    view::{
        format::counted,
        out::escape,
        rows::{Format, REMOVED},
    },
};

use super::{
    context::Context,
    environment::short_path,
    exit::{Code, Failure, Outcome},
    target,
    values::{KindArg, Moment, age},
};

/// Delete traces: all of them, or those the flags name
#[derive(Debug, Args)]
#[command(after_help = "\
Shows what would go and asks; without a terminal it needs --yes.

Examples:
  tracehub clear --older-than 24h
  tracehub clear --trace 4bf9 --yes
  tracehub clear --dry-run --json
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
    kind: Option<KindArg>,

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
    let fields = context.fields(&REMOVED)?;
    let asks = !args.yes && !args.dry_run;
    if asks && !context.terminal.stdin {
        return Err(Failure::usage("deleting needs --yes when there is no terminal to ask on")
            .hint("--dry-run says what would go"));
    }
    let backend = match args.dry_run {
        true => context.open().await?,
        false => store::open(&target::for_writing(context.target()?)?, Mode::Write).await?,
    };
    let filter = filter(backend.as_ref(), &args).await?;
    let removed = if asks || args.dry_run {
        context.wait("counting", backend.delete(&filter, true)).await?
    } else {
        context.wait("deleting", backend.delete(&filter, false)).await?
    };
    let removed = if asks && !removed.is_empty() {
        if !confirm(context, &removed, &backend.info().location) {
            backend.close().await?;
            return Err(Failure::new(Code::No, "nothing deleted"));
        }
        context.wait("deleting", backend.delete(&filter, false)).await?
    } else {
        removed
    };
    backend.close().await?;
    match (context.format(), fields) {
        (Format::Table, None) => context.print(&sentence(&removed, args.dry_run)),
        // There are no ids to print, and quiet means no messages.
        (Format::Id, _) => Ok(Code::Done),
        (_, fields) => context.print_object(document(&removed, args.dry_run), &REMOVED, fields.as_ref()),
    }
}

async fn filter(backend: &dyn Backend, args: &ClearArgs) -> Result<RecordFilter, Failure> {
    let trace = match &args.trace {
        Some(reference) => Some(resolve(backend, reference).await?),
        None => None,
    };
    Ok(RecordFilter {
        kind: args.kind.map(RecordKind::from),
        trace,
        ended_before: args.older_than.as_ref().map(|moment| moment.at),
    })
}

fn confirm(context: &Context, removed: &Removed, location: &str) -> bool {
    let location = short_path(location);
    context.to_stderr(&format!("delete {} from {}? [y/N] ", counts(removed), escape(&location)));
    let mut answer = String::new();
    let is_read = std::io::stdin().lock().read_line(&mut answer).is_ok();
    is_read && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

fn sentence(removed: &Removed, dry_run: bool) -> String {
    match (removed.is_empty(), dry_run) {
        (true, true) => "nothing to delete\n".to_owned(),
        (true, false) => "nothing deleted\n".to_owned(),
        (false, true) => format!("would delete {}\n", counts(removed)),
        (false, false) => format!("deleted {}\n", counts(removed)),
    }
}

/// `3 traces (47 spans, 5 logs)`.
fn counts(removed: &Removed) -> String {
    let records = [(removed.spans, "span"), (removed.checkpoints, "checkpoint"), (removed.logs, "log")];
    let records = records.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun));
    format!("{} ({})", counted(removed.traces, "trace"), records.collect::<Vec<_>>().join(", "))
}

fn document(removed: &Removed, dry_run: bool) -> Map<String, serde_json::Value> {
    let pairs = [
        ("dry_run", json!(dry_run)),
        ("traces", json!(removed.traces)),
        ("spans", json!(removed.spans)),
        ("checkpoints", json!(removed.checkpoints)),
        ("logs", json!(removed.logs)),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_only_what_there_is() {
        let removed = Removed { traces: 1, spans: 47, checkpoints: 0, logs: 1, issues: 0 };
        assert_eq!(sentence(&removed, true), "would delete 1 trace (47 spans, 1 log)\n");
        assert_eq!(sentence(&Removed::default(), false), "nothing deleted\n");
    }
}
