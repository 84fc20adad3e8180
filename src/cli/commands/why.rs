//! `tracehub why`: what sets the traces of a filter apart from the others.

use clap::Args;

use crate::api;
use crate::cli::context::Context;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::flags::filter::{self, FilterArgs};
use crate::cli::flags::values::RangeArgs;
use crate::model::ContrastQuery;
use crate::query::contrast;
use crate::view;
use crate::view::machine::{CAUSE, CONTRAST, Format};

/// Say what the traces of a filter have in common that the others do not have
#[derive(Debug, Args)]
#[command(after_help = "\
Compares the traces that have a record of the filter with the others of the same
root name, or with those of --against: attribute values, operations, services,
versions, failures, alone and in pairs. What is shown is no chance: Fisher's
exact test, corrected for all that could have been found. JSON has the shares,
the corrected p value and, as `filter`, what lists such records.

Examples:
  tracehub why 'duration>800ms' name=checkout
  tracehub why --since 1h root.status=error
  tracehub why service.version=v2 --against service.version=v1
  tracehub why status=error --json | jq '.causes[0].terms'")]
pub struct WhyArgs {
    #[command(flatten)]
    filter: FilterArgs,

    /// Compare with the traces that have a record of this filter, not with all others of the same root name
    #[arg(long, value_name = "FILTER")]
    against: Option<String>,

    #[command(flatten)]
    range: RangeArgs,

    /// At most this many causes; 0 is all
    #[arg(short = 'n', long, value_name = "N", default_value_t = api::DEFAULT_CAUSES)]
    limit: usize,
}

impl WhyArgs {
    /// Which records are asked for.
    pub fn filter(&mut self) -> &mut FilterArgs {
        &mut self.filter
    }
}

/// Runs the command.
///
/// # Errors
/// No filter or a wrong one, a wrong range or field, or the store fails.
pub async fn run(context: &Context, args: WhyArgs) -> Outcome {
    let is_document = matches!(context.args.format(), Format::Json | Format::Ndjson);
    let output = context.output(if is_document { &CONTRAST } else { &CAUSE })?;
    let Some(selected) = args.filter.read()? else {
        return Err(Failure::usage("nothing to explain").hint("`tracehub why FILTER` compares the traces of a filter"));
    };
    let against = match args.against {
        Some(text) => filter::read_with_saved(context, &[text]).await?,
        None => None,
    };
    let (since, until) = args.range.ends()?;
    let query = ContrastQuery { selected, against, since, until, project: None, limit: args.limit };
    let backend = context.open().await?;
    let found = context.wait("comparing", contrast::contrast(backend.as_ref(), &query)).await?;
    if found.selected_traces == 0 {
        context.remark("no trace matches, so there is nothing to explain");
        filter::explain_nothing(context, backend.as_ref(), Some(&query.selected)).await;
    } else if found.other_traces == 0 {
        context.remark("there are no others to compare them with; --against FILTER names some");
    } else if found.left_out_traces > 0 {
        let left_out = found.left_out_traces;
        context.remark(format_args!("{left_out} older traces are left out; --since and --until narrow the time"));
    }
    if is_document {
        return output.print_object(&found);
    }
    if !output.is_drawn() {
        return output.print_rows(&found.causes);
    }
    if found.selected_traces == 0 || found.other_traces == 0 {
        return Ok(crate::cli::exit::Code::Done);
    }
    context.page(&view::contrast::render(&found, query.against.is_some(), &context.style))
}
