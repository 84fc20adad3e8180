//! `tracehub stats`: totals, and calls, errors and latency by operation.

use std::time::Duration;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::flags::filter::{self, FilterArgs};
use crate::cli::flags::values::RangeArgs;
use crate::model::filter::traceql::{MetricsQuery, MetricsRange};
use crate::model::filter::{Field, Filter, Intrinsic, Needs};
use crate::model::{OperationStats, RecordKind, StatsBy, StatsQuery, time_input};
use crate::query::records::RecordQuery;
use crate::query::records::groups::{self, GroupQuery, GroupSort};
use crate::query::records::metrics;
use crate::view;
use crate::view::groups::GroupTable;
use crate::view::machine::{Format, GROUP, GROUPS, MEASURED, OPERATION, SERIES, STATS};
use crate::view::series::SeriesView;
use crate::view::stats::StatsOptions;

/// Show totals, and calls, errors and latency by operation
#[derive(Debug, Args)]
#[command(after_help = "\
A row stands for an operation, a service, a checkpoint source or an AI model, or
with any other --by for the spans that have the same values of those keys; `help
filters` lists the fields, and any attribute is one. JSON has the
totals and all rows; csv and tsv have the rows. A TraceQL query that measures
makes a row a series, in steps of --over.

Examples:
  tracehub stats --since 1h
  tracehub stats --by user.id --sort p95 --limit 10
  tracehub stats name~=checkout --by service.version,http.route --over 5m
  tracehub stats '{ status = error } | rate() by (name) | topk(5)' --over 5m
  tracehub stats --by model --json | jq '.operations[0]'
  tracehub stats --fields service,name,calls,p95_ms -o csv")]
pub struct StatsArgs {
    #[command(flatten)]
    filter: FilterArgs,

    /// What a row stands for: operation, service, source, model, or fields and attributes
    #[arg(long, value_name = "KEY[,KEY]", default_value = "operation", hide_default_value = true)]
    by: String,

    /// Divide the spans of each row into steps of time: 30s, 5m, 1h
    #[arg(long, value_name = "DURATION", value_parser = time_input::parse_duration)]
    over: Option<u64>,

    /// Which rows come first [default: the largest self time, or most calls of other keys]
    #[arg(long, value_enum)]
    sort: Option<GroupSort>,

    /// At most this many rows; 0 is all [default: 50 of other keys]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,

    #[command(flatten)]
    range: RangeArgs,

    /// Only this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// All rows instead of the first
    #[arg(long)]
    all: bool,
}

/// Rows of groups unless told otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Most keys that rows are grouped by.
const MOST_KEYS: usize = 8;

impl StatsArgs {
    /// Which records are asked for.
    pub fn filter(&mut self) -> &mut FilterArgs {
        &mut self.filter
    }

    /// The usual statistics that are asked for; `None` when it is groups of spans by other keys.
    fn usual(&self) -> Option<StatsBy> {
        StatsBy::parse(&self.by).filter(|by| *by != StatsBy::Nothing && self.over.is_none())
    }

    /// The fields that rows are grouped by, and their names.
    fn keys(&self) -> Result<Vec<(String, Field)>, Failure> {
        let names: Vec<&str> = self.by.split(',').map(str::trim).collect();
        if names.iter().any(|name| name.is_empty()) || names.len() > MOST_KEYS {
            let failure = Failure::usage(format!("--by takes up to {MOST_KEYS} keys with commas between them"));
            return Err(failure.hint("such as --by service,http.route"));
        }
        let of_name = |name: &str| match name {
            // What the usual statistics call an operation.
            "operation" => {
                vec![("service".to_owned(), Field::named("service")), ("name".to_owned(), Field::named("name"))]
            }
            name => vec![(name.to_owned(), Field::named(name))],
        };
        let fields: Vec<_> = names.into_iter().flat_map(of_name).collect();
        match fields.iter().find(|(_, field)| Filter::needs_of(field) > Needs::Record) {
            Some((name, _)) => Err(Failure::usage(format!("`{name}` is of the whole trace, and rows are of spans"))
                .hint("group by a field of the span, such as service, name or an attribute")),
            None => Ok(fields),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A wrong filter, range, key or field, or the store fails.
pub async fn run(context: &Context, args: StatsArgs) -> Outcome {
    if let Some(query) = args.filter.measures()? {
        return print_series(context, &args, &query).await;
    }
    let Some(by) = args.usual() else { return print_groups(context, &args).await };
    let is_document = matches!(context.args.format(), Format::Json | Format::Ndjson);
    let output = context.output(if is_document { &STATS } else { &OPERATION })?;
    let (since, until) = args.range.ends()?;
    let filter = args.filter.read()?;
    let query = StatsQuery { since, until, service: args.service.clone(), project: None, filter, by };
    let backend = context.open().await?;
    let mut stats = context.wait("counting", backend.stats(&query)).await?;
    if stats.spans + stats.checkpoints + stats.logs == 0 {
        filter::explain_nothing(context, backend.as_ref(), query.filter.as_ref()).await;
    }
    if let Some(sort) = args.sort {
        stats.operations.sort_by_key(|row| std::cmp::Reverse(rank(row, sort)));
    }
    if let Some(limit) = args.limit.filter(|limit| *limit > 0) {
        stats.operations.truncate(limit);
    }
    if is_document {
        return output.print_object(&stats);
    }
    if output.is_drawn() {
        let options = StatsOptions { range: args.range.label(), by: query.by, all: args.all };
        return context.page(&view::stats::render(&stats, &options, &context.style));
    }
    output.print_rows(&stats.operations)
}

/// Prints what a TraceQL query measures.
async fn print_series(context: &Context, args: &StatsArgs, query: &MetricsQuery) -> Outcome {
    let others = [
        ("--by", args.by != "operation"),
        ("--sort", args.sort.is_some()),
        ("--limit", args.limit.is_some()),
        ("--service", args.service.is_some()),
    ];
    if let Some((flag, _)) = others.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::usage(format!("{flag} does not go with a TraceQL query that measures"))
            .hint("the query says it: `{ resource.service.name = \"shop\" } | rate() by (name) | topk(10)`"));
    }
    let is_document = matches!(context.args.format(), Format::Json | Format::Ndjson);
    let output = context.output(if is_document { &MEASURED } else { &SERIES })?;
    let (since, until) = args.range.ends()?;
    let step_ns = args.over.filter(|over| *over > 0);
    let range = MetricsRange { since, until, step_ns };
    let backend = context.open().await?;
    let found = context.wait("measuring", metrics::measure(backend.as_ref(), query, range)).await?;
    if found.spans == 0 {
        context.remark("no spans match, so there is nothing to measure");
    }
    if found.dropped_spans > 0 {
        context.remark(format_args!("{} spans are of further series than were kept", found.dropped_spans));
    }
    let shown = SeriesView { query: &query.text, found: &found, step_ns };
    if is_document {
        return output.print_object(&shown.to_json());
    }
    if output.is_drawn() {
        return context.page(&shown.render(&context.style));
    }
    output.print_rows(shown.rows())
}

fn rank(row: &OperationStats, sort: GroupSort) -> u64 {
    match sort {
        GroupSort::Calls => row.calls,
        GroupSort::Errors => row.errors,
        GroupSort::P50 => row.p50_ns,
        GroupSort::P95 => row.p95_ns,
        GroupSort::P99 => row.p99_ns,
        GroupSort::Max => row.max_ns,
        GroupSort::Total => row.total_ns,
    }
}

/// Prints groups of spans.
async fn print_groups(context: &Context, args: &StatsArgs) -> Outcome {
    let is_document = matches!(context.args.format(), Format::Json | Format::Ndjson);
    let output = context.output(if is_document { &GROUPS } else { &GROUP })?;
    let (since, until) = args.range.ends()?;
    let (names, by): (Vec<String>, Vec<Field>) = args.keys()?.into_iter().unzip();
    let over = args.over.filter(|over| *over > 0).map(Duration::from_nanos);
    let of_service = args.service.as_deref().map(|service| Filter::of_text(Intrinsic::Service, service));
    let filter = match (args.filter.read()?, of_service) {
        (Some(filter), Some(service)) => Some(filter.and(service)),
        (filter, service) => filter.or(service),
    };
    let records = RecordQuery { kind: Some(RecordKind::Spans), filter, since, until, ..RecordQuery::default() };
    let limit = if args.all { 0 } else { args.limit.unwrap_or(DEFAULT_LIMIT) };
    let query = GroupQuery { records, by, over, sort: args.sort.unwrap_or_default(), limit };
    let backend = context.open().await?;
    let found = context.wait("counting", groups::groups(backend.as_ref(), &query)).await?;
    if found.total == 0 {
        context.remark("no spans match, so there is nothing to group");
        filter::explain_nothing(context, backend.as_ref(), query.records.filter.as_ref()).await;
    } else if found.groups.iter().all(|group| group.values.iter().all(Option::is_none)) {
        context.remark(format_args!("no span has {}, so all of them are one group", names.join(" or ")));
    } else if found.groups.len() < found.total {
        context.remark(format_args!("{} of {} groups; -n 0 shows all", found.groups.len(), found.total));
    }
    if found.dropped_calls > 0 {
        let most = groups::MOST_GROUPS;
        context.remark(format_args!("{} calls are of further groups than the first {most}", found.dropped_calls));
    }
    let shown = GroupTable { names: &names, found: &found, over };
    if is_document {
        return output.print_object(&shown.to_json());
    }
    if output.is_drawn() {
        return context.page(&shown.render(&context.style));
    }
    output.print_rows(shown.rows())
}
