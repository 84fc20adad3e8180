//! `tracehub sql`: statements over what is stored.

use clap::Args;

use crate::cli::context::{Context, print};
use crate::cli::exit::Outcome;
use crate::cli::flags::values::RangeArgs;
use crate::query::sql::{SqlQuery, Table, ask};
use crate::view::machine;
use crate::view::out::format;

/// Ask with a SELECT over traces, spans, events, logs, checkpoints, issues
#[derive(Debug, Args)]
#[command(after_help = "\
Without a statement it lists the tables and their columns, which are the fields
of `list`, `spans`, `logs` and `issues` as JSON. What is an object there is JSON
here: attributes ->> 'http.route'. The statement can only read, and only tables
and columns that it names are loaded; --since and --until narrow what is read.

Examples:
  tracehub sql
  tracehub sql 'SELECT service, count(*) FROM spans GROUP BY 1 ORDER BY 2 DESC'
  tracehub sql 'SELECT max(duration_ms) FROM spans' --since 1h -o csv")]
pub struct SqlArgs {
    /// The statement; without one the tables are listed
    #[arg(value_name = "STATEMENT")]
    statement: Option<String>,

    #[command(flatten)]
    range: RangeArgs,
}

/// Runs the command.
///
/// # Errors
/// A wrong statement or range, or the store fails or lacks what a table is made of.
pub async fn run(context: &Context, args: SqlArgs) -> Outcome {
    let format = context.rows_of_any_shape("name the columns in the statement")?;
    let (since, until) = args.range.ends()?;
    let Some(statement) = args.statement else {
        return print(&tables());
    };
    let backend = context.open().await?;
    let query = SqlQuery { statement, since, until };
    let found = context.wait("reading", ask(backend.as_ref(), &query)).await?;
    if context.terminal.stderr {
        let rows = found.rows.len() as u64;
        context.remark(format_args!("{} of {} read", format::counted(rows, "row"), format::count(found.read)));
    }
    print(&machine::rows_of_columns(&found.rows, found.columns, format))
}

fn tables() -> String {
    let line = |table: &Table| format!("{}({})\n", table.as_str(), table.columns().join(", "));
    Table::ALL.iter().map(line).collect()
}
