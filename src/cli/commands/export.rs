//! `tracehub export`: the tables of `tracehub sql`, for other programs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::context::{Context, print};
use crate::cli::exit::Outcome;
use crate::cli::flags::values::RangeArgs;
use crate::query::sql::{SqlQuery, Table, ask, export};
use crate::view::machine::{self, Format};
use crate::view::out::format;

/// Write traces, spans, events, logs, checkpoints, issues for other programs
#[derive(Debug, Args)]
#[command(after_help = "\
The tables are those of `tracehub sql`, which alone lists their columns.

Examples:
  tracehub export sqlite copy.db --since 1d
  tracehub export csv spans > spans.csv")]
pub struct ExportArgs {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    Sqlite(SqliteArgs),
    Csv(CsvArgs),
}

/// Write all tables into a new SQLite file
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tracehub export sqlite copy.db
  tracehub export sqlite yesterday.db --since yesterday --until today")]
struct SqliteArgs {
    /// The file, which must not be there yet
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    range: RangeArgs,
}

/// Write a table to stdout, comma-separated with a header
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tracehub export csv spans --since 1h > spans.csv")]
struct CsvArgs {
    /// traces, spans, events, logs, checkpoints or issues
    #[arg(value_name = "TABLE")]
    table: Table,

    #[command(flatten)]
    range: RangeArgs,
}

/// Runs the command.
///
/// # Errors
/// A wrong range, a file that is there or cannot be written, or the store fails or lacks what a table is made of.
pub async fn run(context: &Context, args: ExportArgs) -> Outcome {
    match args.command {
        ExportCommand::Sqlite(args) => {
            let times = args.range.ends()?;
            let backend = context.open().await?;
            let rows = context.wait("writing", export(backend.as_ref(), &args.file, times)).await?;
            context.remark(format_args!("{} written to {}", format::counted(rows, "row"), args.file.display()));
            Ok(crate::cli::exit::Code::Done)
        }
        ExportCommand::Csv(args) => {
            let (since, until) = args.range.ends()?;
            let backend = context.open().await?;
            let statement = format!("SELECT * FROM {}", args.table.as_str());
            let query = SqlQuery { statement, since, until };
            let found = context.wait("reading", ask(backend.as_ref(), &query)).await?;
            print(&machine::rows_of_columns(&found.rows, found.columns, Format::Csv))
        }
    }
}
