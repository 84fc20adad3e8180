//! `tracehub list`: recent traces, newest first.

use clap::Args;

use crate::cli::context::{Context, print};
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::filter::{self, Asked, FilterArgs};
use crate::cli::flags::values::{RangeArgs, cursor};
use crate::cli::paths::short_path;
use crate::model::filter::{Filter, Intrinsic};
use crate::model::{Page, RecordKind, Sort, TraceQuery, TraceSummary, time_input};
use crate::view;
use crate::view::lists::traces::ListContext;
use crate::view::machine::SUMMARY;

/// List recent traces, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tracehub list --since 1h --failed
  tracehub list --service shop --min-duration 500ms --sort duration
  tracehub list 'duration>1s' http.route=/cart status=error
  tracehub list --attr http.response.status_code=500 --limit 0 -o csv
  tracehub list -q --since 15m | xargs -n1 tracehub show")]
pub struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,

    /// At most this many; 0 is all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,

    /// Only traces this service takes part in
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Only traces whose name contains this, whatever the case
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,

    /// Only traces of this workflow
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,

    /// Only traces with errors
    #[arg(long)]
    failed: bool,

    /// Only traces whose root span failed, whatever failed below it
    #[arg(long)]
    root_failed: bool,

    /// Only traces of this session or conversation
    #[arg(long, value_name = "ID")]
    session: Option<String>,

    /// Only traces with a record of this environment
    #[arg(long, value_name = "NAME")]
    env: Option<String>,

    /// Only traces without errors
    #[arg(long, visible_alias = "no-errors", conflicts_with = "failed")]
    no_failed: bool,

    /// Only traces that took at least this long: 250ms, 1.5s, 2m
    #[arg(long, value_name = "DURATION", value_parser = time_input::parse_duration)]
    min_duration: Option<u64>,

    /// Only traces that took at most this long
    #[arg(long, value_name = "DURATION", value_parser = time_input::parse_duration)]
    max_duration: Option<u64>,

    /// Only traces with a record of this project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,

    /// Only traces that hold this kind of record
    #[arg(long, value_enum)]
    kind: Option<RecordKind>,

    #[command(flatten)]
    range: RangeArgs,

    /// What comes first
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,

    /// Turn the order round
    #[arg(long)]
    reverse: bool,

    /// Go on after this place; stderr then names the next one. Empty is the beginning
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

impl ListArgs {
    /// Which records are asked for.
    pub fn filter(&mut self) -> &mut FilterArgs {
        &mut self.filter
    }

    fn query(&self) -> Result<TraceQuery, Failure> {
        let (since, until) = self.range.ends()?;
        let flags = [
            (Intrinsic::RootStatus, self.root_failed.then_some("error")),
            (Intrinsic::Session, self.session.as_deref()),
            (Intrinsic::Environment, self.env.as_deref()),
        ];
        let flags = flags.into_iter().filter_map(|(field, text)| Some(Filter::of_text(field, text?)));
        let flags = flags.reduce(Filter::and);
        let Asked { filter, pairs: attributes } = match flags {
            None => self.filter.read_apart()?,
            Some(flags) => {
                let filter = self.filter.read()?;
                let filter = match filter {
                    Some(filter) => filter.and(flags),
                    None => flags,
                };
                Asked { filter: Some(filter), pairs: Vec::new() }
            }
        };
        Ok(TraceQuery {
            limit: self.limit,
            service: self.service.clone(),
            name: self.name.clone(),
            workflow: self.workflow.clone(),
            has_errors: (self.failed || self.no_failed).then_some(self.failed),
            min_duration_ns: self.min_duration,
            max_duration_ns: self.max_duration,
            attributes,
            project: self.project.clone(),
            kind: self.kind,
            since,
            until,
            filter,
            id_prefix: None,
            sort: self.sort,
            reverse: self.reverse,
            cursor: cursor(self.cursor.as_deref()),
        })
    }
}

/// Runs the command.
///
/// # Errors
/// A wrong range or field, or the store fails.
pub async fn run(context: &Context, args: ListArgs) -> Outcome {
    let output = context.output(&SUMMARY)?;
    let query = args.query()?;
    let backend = context.open().await?;
    let page = context.wait("reading", backend.traces(&query)).await?;
    remark_on(context, &args, &query, &page);
    if page.items.is_empty() {
        filter::explain_nothing(context, backend.as_ref(), query.filter.as_ref()).await;
    }
    if !output.is_drawn() {
        return output.print_rows(&page.items);
    }
    if page.items.is_empty() && context.terminal.stdout {
        return Ok(Code::Done);
    }
    let list = ListContext { location: short_path(&backend.info().location), range: args.range.label() };
    print(&view::lists::traces::render(&page, &list, &context.style))
}

/// What a person should know that is not data.
fn remark_on(context: &Context, args: &ListArgs, query: &TraceQuery, page: &Page<TraceSummary>) {
    if page.items.is_empty() && context.terminal.stderr {
        let everything =
            TraceQuery { limit: query.limit, sort: query.sort, reverse: query.reverse, ..Default::default() };
        context.remark(match *query == everything {
            true => "no traces yet; point an OTLP exporter at `tracehub start`, or try `tracehub demo`",
            false => "no traces match",
        });
    }
    context.remark_on_next(page.next.as_ref(), args.cursor.is_some());
}
