//! `tracehub spans`: single spans, one a line, of any trace.

use clap::Args;

use crate::cli::context::{Context, print};
use crate::cli::exit::Outcome;
use crate::cli::flags::filter::FilterArgs;
use crate::cli::flags::records::RecordsArgs;
use crate::model::{Record, RecordKind, Span};
use crate::view::lists::record_line;
use crate::view::machine::TRACED_SPAN;

/// List spans, newest first, with the attributes the filter names
#[derive(Debug, Args)]
#[command(after_help = "\
`tracehub help filters` shows how to write a filter. JSON is as in `show`, with
the id of the trace; `self_ms` is null, for only the whole trace tells it.

Examples:
  tracehub spans 'duration>500ms' kind=client
  tracehub spans db.statement~=^select service=shop --sort duration -n 10
  tracehub spans status=error --since 1h -o ndjson | jq -r .name")]
pub struct SpansArgs {
    #[command(flatten)]
    records: RecordsArgs,
}

impl SpansArgs {
    /// Which records are asked for.
    pub fn filter(&mut self) -> &mut FilterArgs {
        &mut self.records.filter
    }
}

/// Runs the command.
///
/// # Errors
/// A wrong filter, range or field, or the store fails.
pub async fn run(context: &Context, args: SpansArgs) -> Outcome {
    let output = context.output(&TRACED_SPAN)?;
    let filter = args.records.filter.read()?;
    let found = args.records.find(context, Some(RecordKind::Spans)).await?;
    let of_record = |record| match record {
        Record::Span(span) => Some(span),
        Record::Checkpoint(_) | Record::Log(_) => None,
    };
    let spans: Vec<Span> = found.records.into_iter().filter_map(of_record).collect();
    if !output.is_drawn() {
        return output.print_rows(spans.iter().map(record_line::span_to_json));
    }
    print(&record_line::render_spans(spans, filter.as_ref(), &context.style))
}
