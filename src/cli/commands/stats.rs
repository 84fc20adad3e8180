//! `tracehub stats`: totals, and calls, errors and latency by operation.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Outcome;
use crate::cli::values::RangeArgs;
use crate::model::{StatsBy, StatsQuery};
use crate::view;
use crate::view::machine::{Format, OPERATION, STATS};
use crate::view::stats::StatsOptions;

/// Show totals, and calls, errors and latency by operation
#[derive(Debug, Args)]
#[command(after_help = "\
JSON has the totals and all rows; csv and tsv have the rows.

Examples:
  tracehub stats --since 1h
  tracehub stats --by service
  tracehub stats --by model --json | jq '.operations[0]'
  tracehub stats --fields service,name,calls,p95_ms -o csv")]
pub struct StatsArgs {
    /// What a row stands for
    #[arg(long, value_enum, default_value_t)]
    by: StatsBy,

    #[command(flatten)]
    range: RangeArgs,

    /// Only this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// All rows instead of the first
    #[arg(long)]
    all: bool,
}

/// Runs the command.
///
/// # Errors
/// A wrong range or field, or the store fails.
pub async fn run(context: &Context, args: StatsArgs) -> Outcome {
    let is_document = matches!(context.args.format(), Format::Json | Format::Ndjson);
    let output = context.output(if is_document { &STATS } else { &OPERATION })?;
    let (since, until) = args.range.ends()?;
    let query = StatsQuery { since, until, service: args.service.clone(), project: None, by: args.by };
    let backend = context.open().await?;
    let stats = context.wait("counting", backend.stats(&query)).await?;
    if is_document {
        return output.print_object(&stats);
    }
    if output.is_drawn() {
        let options = StatsOptions { range: args.range.label(), by: query.by, all: args.all };
        return context.page(&view::stats::render(&stats, &options, &context.style));
    }
    output.print_rows(&stats.operations)
}
