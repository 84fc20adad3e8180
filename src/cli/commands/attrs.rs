//! `tracehub attrs`: which attributes there are, and which values.

use clap::Args;

use crate::api;
use crate::cli::context::{Context, print};
use crate::cli::exit::Outcome;
use crate::cli::flags::filter::{self, FilterArgs};
use crate::cli::flags::values::RangeArgs;
use crate::model::AttributeQuery;
use crate::query::records::attribute_counts;
use crate::view;
use crate::view::machine::ATTRIBUTE;

/// List attribute keys with their types, or the values of one, with counts
#[derive(Debug, Args)]
#[command(after_help = "\
Counts are of records: spans, log records, checkpoints. KEY may also be a field
such as service, name, status or level; `tracehub help filters` lists them.
Words behind it are a filter, of which only the records count; with `-` as KEY
their keys are listed.

Examples:
  tracehub attrs
  tracehub attrs http.route --since 1h
  tracehub attrs user.id status=error -n 10
  tracehub attrs - service=shop --json | jq -r '.[].key'")]
pub struct AttrsArgs {
    /// The attribute or field whose values are listed; `-` or nothing lists keys
    #[arg(value_name = "KEY")]
    key: Option<String>,

    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    range: RangeArgs,

    /// At most this many; 0 is all
    #[arg(short = 'n', long, value_name = "N", default_value_t = api::DEFAULT_ATTRIBUTES)]
    limit: usize,
}

impl AttrsArgs {
    /// Which records are asked for.
    pub fn filter(&mut self) -> &mut FilterArgs {
        &mut self.filter
    }
}

/// Runs the command.
///
/// # Errors
/// A field of traces, a wrong filter, range or field, or the store fails.
pub async fn run(context: &Context, args: AttrsArgs) -> Outcome {
    let output = context.output(&ATTRIBUTE)?;
    let (since, until) = args.range.ends()?;
    let asked = args.filter.read()?;
    let key = args.key.filter(|key| key != "-");
    let query = AttributeQuery { key, filter: asked, since, until, limit: args.limit, ..AttributeQuery::default() };
    let backend = context.open().await?;
    let found = context.wait("counting", attribute_counts::attribute_counts(backend.as_ref(), &query)).await?;
    let (shown, total) = (found.items.len() as u64, found.total.unwrap_or(0));
    if shown == 0 {
        if context.terminal.stderr {
            context.remark("nothing matches");
        }
        let of_key = query.key.as_deref().map(filter::has);
        filter::explain_nothing(context, backend.as_ref(), of_key.as_ref()).await;
        filter::explain_nothing(context, backend.as_ref(), query.filter.as_ref()).await;
    } else if shown < total {
        context.remark(format_args!("{shown} of {total}; -n 0 shows all"));
    }
    if !output.is_drawn() {
        return output.print_rows(&found.items);
    }
    print(&view::lists::attributes::render(&found.items, &context.style))
}
