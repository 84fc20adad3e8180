//! `tracehub help filters`: how filters are written, which several commands have in common.

use clap::Args;

use crate::cli::context::{Context, print};
use crate::cli::exit::Outcome;

/// How filters are written.
const PAGE: &str = include_str!("../filters.txt");

/// How to write filters, for list, logs, tail and the HTTP API
#[derive(Debug, Args)]
#[command(after_help = PAGE)]
pub struct FiltersArgs {}

/// Runs the command.
///
/// # Errors
/// Stdout is closed or failed.
pub fn run(context: &Context, _: FiltersArgs) -> Outcome {
    match context.terminal.stdout {
        true => context.page(PAGE),
        false => print(PAGE),
    }
}
