//! `tracehub logs`: log records found by text, level and field, with what surrounds them, or followed.

use clap::Args;

use crate::cli::commands::tail;
use crate::cli::context::Context;
use crate::cli::environment;
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::stream::{self, Printer};
use crate::cli::values::{RangeArgs, field};
use crate::model::{FieldFilter, LogQuery, LogRecord, Needle, Severity, TraceId};
use crate::query::issues;
use crate::query::logs::{Around, Follow, LogLine, LogStep, Pages, SpanNames, first, with_neighbours};
use crate::query::resolve::resolve;
use crate::store::{self, Backend};
use crate::view::lists::logs::{self as view, LogsOptions, Totals};
use crate::view::machine::{self, Fields, Format, LOG};

/// Find log records, or follow them
#[derive(Debug, Args)]
#[command(after_help = "\
Prints the newest records that match, the oldest of them first. TEXT is looked
for in message, error type and error message, whatever the case. A field of
--extra is one of `extra`, a named one such as `host`, or one of the resource;
dots reach into objects. `k=v` is that value, `k!=v` any other or none, `k~=v` a
part of it. What -A, -B and -C add are records of the same service, host and
process.

With -F the last records come first, then others as they arrive, until Ctrl-C.

Examples:
  tracehub logs -l warn --since 15m
  tracehub logs 'card declined' -C 3
  tracehub logs --service shop --extra user.id=7 --extra path~=/cart
  tracehub logs --trace latest -v
  tracehub logs -F -l error
  tracehub logs --issue 7f3a -n 0 -o ndjson | jq -r .message")]
pub struct LogsArgs {
    /// Only records with this in message, error type or error message, whatever the case
    text: Option<String>,

    /// Only records at least this bad: trace, debug, info, warn, error, fatal, or the first letter
    #[arg(short, long, value_enum, ignore_case = true, hide_possible_values = true)]
    level: Option<Severity>,

    /// Only this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Only this module
    #[arg(long, value_name = "NAME")]
    module: Option<String>,

    /// Only this environment
    #[arg(long, value_name = "NAME")]
    env: Option<String>,

    /// Only this project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,

    /// Only this trace: full id, unique prefix of at least 4 characters, `latest`, or `latest~2`
    #[arg(long, value_name = "ID")]
    trace: Option<String>,

    /// Only this issue: full id, or unique prefix of at least 4 characters
    #[arg(long, value_name = "ID")]
    issue: Option<String>,

    /// Only records with this field: `k=v`, `k!=v`, `k~=part`; repeat for more
    #[arg(long, value_name = "KEY=VALUE", value_parser = field)]
    extra: Vec<FieldFilter>,

    #[command(flatten)]
    range: RangeArgs,

    /// At most this many, the newest; 0 is all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    limit: usize,

    /// Go on with what arrives
    #[arg(short = 'F', long)]
    follow: bool,

    /// So many records after each one, too
    #[arg(short = 'A', long, value_name = "N", value_parser = neighbours)]
    after_context: Option<usize>,

    /// So many records before each one, too
    #[arg(short = 'B', long, value_name = "N", value_parser = neighbours)]
    before_context: Option<usize>,

    /// So many records before and after each one, too
    #[arg(short = 'C', long, value_name = "N", value_parser = neighbours)]
    context: Option<usize>,

    /// The newest first
    #[arg(long)]
    reverse: bool,
}

/// Most neighbours of a record.
const MOST_NEIGHBOURS: usize = 1_000;

fn neighbours(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count <= MOST_NEIGHBOURS);
    count.ok_or_else(|| format!("a number from 0 to {MOST_NEIGHBOURS}"))
}

impl LogsArgs {
    /// Whether the command goes on until it is stopped.
    pub fn follows(&self) -> bool {
        self.follow
    }

    /// The question but for trace and issue, which take a look at the store.
    fn query(&self) -> Result<LogQuery, Failure> {
        let (since, until) = self.range.ends()?;
        Ok(LogQuery {
            limit: self.limit,
            text: self.text.clone(),
            level: self.level,
            service: self.service.clone(),
            module: self.module.clone(),
            environment: self.env.clone(),
            project: self.project.clone(),
            fields: self.extra.clone(),
            since,
            until,
            ..LogQuery::default()
        })
    }

    async fn name_issue(&self, backend: &dyn Backend, query: &mut LogQuery) -> Result<(), Failure> {
        if let Some(reference) = &self.issue {
            let id = issues::find(backend, reference).await?.id;
            query.issues = issues::with_aliases(backend, &[id]).await?;
        }
        Ok(())
    }

    fn around(&self) -> Around {
        let side = |count: Option<usize>| count.or(self.context).unwrap_or(0);
        Around { before: side(self.before_context), after: side(self.after_context) }
    }

    fn options(&self, context: &Context) -> LogsOptions {
        let needle = self.text.as_deref().filter(|text| !text.is_empty()).map(Needle::new);
        LogsOptions { needle, is_verbose: context.args.verbose > 0, span_names: SpanNames::default() }
    }

    /// How to draw a page of records: as [`LogsArgs::options`] says, with the names of their spans where those are shown.
    async fn options_with_names<'a>(
        &self,
        context: &Context,
        backend: &dyn Backend,
        logs: impl DoubleEndedIterator<Item = &'a LogRecord>,
    ) -> LogsOptions {
        let options = self.options(context);
        let for_people = context.format() == Format::Table && context.args.fields.is_none();
        match for_people && self.limit > 0 && view::names_spans(&context.style) {
            true => LogsOptions { span_names: SpanNames::look_up(backend, logs).await, ..options },
            false => options,
        }
    }

    /// Refuses what makes no sense while following.
    fn check_following(&self, query: &LogQuery) -> Result<(), Failure> {
        let with = match () {
            () if query.until.is_some() => "--until",
            () if self.reverse => "--reverse",
            () if self.around() != Around::default() => "--context",
            () => return Ok(()),
        };
        let failure = Failure::usage(format!("--follow and {with} exclude each other"));
        Err(failure.hint("leave one of them out"))
    }
}

/// Runs the command, but for `--follow`.
///
/// # Errors
/// A wrong range or field, no such trace or issue, or the store fails.
pub async fn run(context: &Context, args: LogsArgs) -> Outcome {
    let fields = context.fields(&LOG)?;
    let mut query = args.query()?;
    let backend = context.open().await?;
    let backend = backend.as_ref();
    if let Some(reference) = &args.trace {
        query.trace = Some(resolve(backend, reference).await?);
    }
    args.name_issue(backend, &mut query).await?;
    let for_people = context.format() == Format::Table && fields.is_none();
    if args.around() != Around::default() {
        return with_context(context, &args, (backend, &query), fields.as_ref()).await;
    }
    // All of them are read the way they are printed, so that printing can begin before the last one was read.
    query.oldest_first = args.limit == 0 && !args.reverse;
    let turns = args.limit > 0 && !args.reverse;
    let mut pages = Pages::new(backend, query);
    let prints_parts = for_people || matches!(context.format(), Format::Ndjson | Format::Id);
    let (mut totals, mut rest) = (Totals::default(), Vec::new());
    while let Some(mut logs) = context.wait("reading", pages.next()).await? {
        if turns {
            logs.reverse();
        }
        if !prints_parts {
            rest.extend(logs);
            continue;
        }
        let lines = lines(logs);
        totals.add(&lines);
        let options = args.options_with_names(context, backend, lines.iter().map(|line| &line.log)).await;
        context.print(&text(context, &options, &lines, fields.as_ref()))?;
    }
    if !prints_parts {
        return context.print_rows(&rest, &LOG, fields.as_ref());
    }
    totals.has_more = pages.has_more;
    finish(context, &args, totals, for_people)
}

/// What a person should know in the end.
fn finish(context: &Context, args: &LogsArgs, totals: Totals, for_people: bool) -> Outcome {
    if totals.logs == 0 && context.terminal.stderr {
        context.remark("no log records match");
    }
    if for_people {
        context.print(&view::footer(totals, &args.range.label(), &context.style))?;
    }
    Ok(Code::Done)
}

/// Records with what surrounds them.
async fn with_context(
    context: &Context,
    args: &LogsArgs,
    (backend, query): (&dyn Backend, &LogQuery),
    fields: Option<&Fields>,
) -> Outcome {
    let found = async {
        let page = first(backend, query).await?;
        let mut matches = page.records;
        matches.reverse();
        let groups = with_neighbours(backend, query, matches, args.around()).await?;
        Ok::<_, store::Error>((groups, page.next.is_some()))
    };
    let (mut groups, has_more) = context.wait("reading", found).await?;
    if args.reverse {
        groups.reverse();
        groups.iter_mut().for_each(|lines| lines.reverse());
    }
    if context.format() != Format::Table || fields.is_some() {
        return context.print_rows(groups.iter().flatten().map(|line| &line.log), &LOG, fields);
    }
    let mut totals = Totals { has_more, ..Totals::default() };
    groups.iter().for_each(|lines| totals.add(lines));
    let logs = groups.iter().flatten().map(|line| &line.log);
    let options = args.options_with_names(context, backend, logs).await;
    context.print(&view::render_groups(&groups, &options, &context.style))?;
    finish(context, args, totals, true)
}

fn lines(logs: Vec<LogRecord>) -> Vec<LogLine> {
    logs.into_iter().map(|log| LogLine { log, is_match: true }).collect()
}

/// Some records in the chosen format, which must be one that is made of lines.
fn text(context: &Context, options: &LogsOptions, lines: &[LogLine], fields: Option<&Fields>) -> String {
    match context.format() {
        Format::Table if fields.is_none() => view::render(lines, options, &stream::style_of_now(context)),
        format => machine::list(lines.iter().map(|line| &line.log), &LOG, format, fields),
    }
}

/// Runs the command with `--follow`.
///
/// # Errors
/// The errors of [`run`], or a format that is no stream.
pub async fn follow(context: &Context, args: LogsArgs) -> Outcome {
    let fields = context.fields(&LOG)?;
    let query = args.query()?;
    args.check_following(&query)?;
    match context.format() {
        Format::Csv | Format::Tsv => {
            let failure = Failure::usage("what is followed has no columns to separate");
            return Err(failure.hint("use -o ndjson, or -o id"));
        }
        Format::Table if fields.is_some() => return Err(Failure::usage("--fields needs -o ndjson here")),
        _ => {}
    }
    stream::until_interrupted(async |printer| print_arriving(context, &args, (query, fields), printer).await).await
}

async fn print_arriving(
    context: &Context,
    args: &LogsArgs,
    (mut query, fields): (LogQuery, Option<Fields>),
    printer: &mut Printer,
) -> Outcome {
    let backend = context.open().await?;
    let backend = backend.as_ref();
    query.trace = awaited_trace(context, args, backend).await?;
    args.name_issue(backend, &mut query).await?;
    // Spans arrive after what they said, so there is nothing to name them by yet.
    let options = args.options(context);
    let mut follow = Follow::start(backend, &query, environment::now()).await?;
    loop {
        match follow.next().await? {
            LogStep::Records(logs) => {
                let lines = lines(logs);
                let text = match context.format() {
                    // A document that never ends is one object a line.
                    Format::Json => {
                        machine::list(lines.iter().map(|line| &line.log), &LOG, Format::Ndjson, fields.as_ref())
                    }
                    _ => text(context, &options, &lines, fields.as_ref()),
                };
                printer.print(text).await?;
            }
            LogStep::Other(step) => tail::remark_on(context, &step),
        }
    }
}

/// The trace asked for, whether or not it is there yet.
async fn awaited_trace(context: &Context, args: &LogsArgs, backend: &dyn Backend) -> Result<Option<TraceId>, Failure> {
    match &args.trace {
        Some(reference) => tail::find(context, backend, reference, false).await.map(Some),
        None => Ok(None),
    }
}
