//! `tracehub search`: text in everything that is stored, one line a record with where the text stands.

use clap::Args;

use crate::cli::context::{Context, print};
use crate::cli::exit::{Failure, Outcome};
use crate::cli::flags::filter::FilterArgs;
use crate::cli::flags::records::RecordsArgs;
use crate::view::lists::record_line;
use crate::view::machine::HIT;

/// Find text in everything: names, attributes, messages, exceptions, prompts, payloads
#[derive(Debug, Args)]
#[command(after_help = "\
All words stand in one record, whatever the case; \"in quotes\" they stand
together. Everything else of a filter narrows the search, see `tracehub help
filters`. JSON is one record a hit as `tail` has it, with `hits`: each field in
which a word stands.

Examples:
  tracehub search declined
  tracehub search '\"card declined\" service=payments' --since 1h
  tracehub search stripe kind=log -o ndjson | jq -r '.hits[].field'")]
pub struct SearchArgs {
    #[command(flatten)]
    records: RecordsArgs,
}

impl SearchArgs {
    /// Which records are asked for.
    pub fn filter(&mut self) -> &mut FilterArgs {
        &mut self.records.filter
    }
}

/// Runs the command.
///
/// # Errors
/// No words, a wrong filter, range or field, or the store fails.
pub async fn run(context: &Context, args: SearchArgs) -> Outcome {
    let output = context.output(&HIT)?;
    let Some(filter) = args.records.filter.read_plain()? else {
        return Err(Failure::usage("nothing to search for").hint("`tracehub search TEXT` looks for a text"));
    };
    let found = args.records.find(context, None).await?;
    if !output.is_drawn() {
        return output.print_rows(found.records.into_iter().map(|record| record_line::hit_to_json(record, &filter)));
    }
    print(&record_line::render_hits(found.records, &filter, &context.style))
}
