//! `tracehub logs`: log records found by text, level and field, with what surrounds them, or followed.

use clap::Args;

use crate::cli::commands::tail;
use crate::cli::context::{Context, Output, print};
use crate::cli::environment;
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::filter::{self, FilterArgs};
use crate::cli::flags::values::{RangeArgs, field};
use crate::cli::stream::{self, Printer};
use crate::model::filter::Needs;
use crate::model::{FieldFilter, LogQuery, LogRecord, Severity};
use crate::query::issues;
use crate::query::logs::{Around, Follow, LogLine, LogStep, Pages, SpanNames, first, with_neighbours};
use crate::query::resolve::resolve;
use crate::store::{self, Backend};
use crate::view::lists::logs::{self as view, LogsOptions, Totals};
use crate::view::machine::{Format, LOG};

/// Find log records, or follow them
#[derive(Debug, Args)]
#[command(after_help = "\
Prints the newest records that match, the oldest of them first. A word of the
filter is looked for in message and values, whatever the case; `help filters`
says what else a filter can ask. A field of --extra is one of `extra`, a named
one such as `host`, or one of the resource; dots reach into objects, and of a
list any element counts. `k=v` is that value, `k!=v` any other or none, `k~=v` a
part of it. What -A, -B and -C add are records of the same service, host and
process.

With -F the last records come first, then others as they arrive, until Ctrl-C.

Examples:
  tracehub logs -l warn --since 15m
  tracehub logs 'card declined' -C 3
  tracehub logs 'level>=warn' user.id=7 OR declined
  tracehub logs --trace latest -v
  tracehub logs -F -l error
  tracehub logs --issue 7f3a -n 0 -o ndjson | jq -r .message")]
pub struct LogsArgs {
    #[command(flatten)]
    filter: FilterArgs,

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
    /// Which records are asked for.
    pub fn filter(&mut self) -> &mut FilterArgs {
        &mut self.filter
    }

    /// Whether the command goes on until it is stopped.
    pub fn follows(&self) -> bool {
        self.follow
    }

    /// The question but for trace and issue, which take a look at the store.
    fn query(&self) -> Result<LogQuery, Failure> {
        let (since, until) = self.range.ends()?;
        Ok(LogQuery {
            limit: self.limit,
            filter: self.filter.read_plain()?,
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

    /// How to draw records, of which the spans may have names.
    fn options(&self, context: &Context, span_names: SpanNames) -> LogsOptions {
        let filter = self.filter.read().ok().flatten();
        let needle = filter.as_ref().and_then(|filter| filter.texts().first().map(|text| (*text).clone()));
        LogsOptions { needle, is_verbose: context.args.verbose > 0, span_names }
    }

    /// Refuses what makes no sense while following.
    fn check_following(&self, query: &LogQuery) -> Result<(), Failure> {
        let with = match () {
            () if query.until.is_some() => "--until",
            () if self.reverse => "--reverse",
            () if self.around() != Around::default() => "--context",
            () => {
                let of_traces = query.filter.as_ref().filter(|filter| filter.needs() > Needs::Record);
                return of_traces.map_or(Ok(()), |filter| Err(filter::not_while_following(filter)));
            }
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
    let output = context.output(&LOG)?;
    let mut query = args.query()?;
    let backend = context.open().await?;
    let backend = backend.as_ref();
    if let Some(reference) = &args.trace {
        query.trace = Some(resolve(backend, reference).await?);
    }
    args.name_issue(backend, &mut query).await?;
    let asked = Asked { context, args: &args, output: &output, backend };
    if args.around() != Around::default() {
        return asked.print_with_context(&query).await;
    }
    // All of them are read the way they are printed, so that printing can begin before the last one was read.
    query.oldest_first = args.limit == 0 && !args.reverse;
    let turns = args.limit > 0 && !args.reverse;
    let mut pages = Pages::new(backend, query);
    let prints_parts = output.is_drawn() || matches!(output.format, Format::Ndjson | Format::Id);
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
        let options = asked.options(lines.iter().map(|line| &line.log)).await;
        print(&text(context, &output, &options, &lines))?;
    }
    if !prints_parts {
        if rest.is_empty() {
            asked.explain_nothing().await;
        }
        return output.print_rows(&rest);
    }
    totals.has_more = pages.has_more;
    asked.finish(totals).await
}

/// What is asked for, of whom, and how it is to be printed.
struct Asked<'a> {
    context: &'a Context,
    args: &'a LogsArgs,
    output: &'a Output,
    backend: &'a dyn Backend,
}

impl Asked<'_> {
    /// How to draw a page of records, with the names of their spans where those are shown.
    async fn options<'l>(&self, logs: impl DoubleEndedIterator<Item = &'l LogRecord>) -> LogsOptions {
        let shows_names = self.output.is_drawn() && self.args.limit > 0 && view::names_spans(&self.context.style);
        let span_names = match shows_names {
            true => SpanNames::look_up(self.backend, logs).await,
            false => SpanNames::default(),
        };
        self.args.options(self.context, span_names)
    }

    /// Says why there is nothing.
    async fn explain_nothing(&self) {
        if self.context.terminal.stderr {
            self.context.remark("no log records match");
        }
        let filter = self.args.filter.read().ok().flatten();
        filter::explain_nothing(self.context, self.backend, filter.as_ref()).await;
    }

    /// Prints what a person should know in the end.
    async fn finish(&self, totals: Totals) -> Outcome {
        if totals.logs == 0 {
            self.explain_nothing().await;
        }
        match self.output.is_drawn() {
            true => print(&view::footer(totals, &self.args.range.label(), &self.context.style)),
            false => Ok(Code::Done),
        }
    }

    /// Prints records with what surrounds them.
    async fn print_with_context(&self, query: &LogQuery) -> Outcome {
        let found = async {
            let page = first(self.backend, query).await?;
            let mut matches = page.records;
            matches.reverse();
            let groups = with_neighbours(self.backend, query, matches, self.args.around()).await?;
            Ok::<_, store::Error>((groups, page.next.is_some()))
        };
        let (mut groups, has_more) = self.context.wait("reading", found).await?;
        if self.args.reverse {
            groups.reverse();
            groups.iter_mut().for_each(|lines| lines.reverse());
        }
        let logs = groups.iter().flatten().map(|line| &line.log);
        if !self.output.is_drawn() {
            return self.output.print_rows(logs);
        }
        let mut totals = Totals { has_more, ..Totals::default() };
        groups.iter().for_each(|lines| totals.add(lines));
        let options = self.options(logs).await;
        print(&view::render_groups(&groups, &options, &self.context.style))?;
        self.finish(totals).await
    }
}

fn lines(logs: Vec<LogRecord>) -> Vec<LogLine> {
    logs.into_iter().map(|log| LogLine { log, is_match: true }).collect()
}

/// Some records in the chosen format, which must be one that is made of lines.
fn text(context: &Context, output: &Output, options: &LogsOptions, lines: &[LogLine]) -> String {
    match output.is_drawn() {
        true => view::render(lines, options, &stream::style_of_now(context)),
        false => output.rows(lines.iter().map(|line| &line.log)),
    }
}

/// Runs the command with `--follow`.
///
/// # Errors
/// The errors of [`run`], or a format that is no stream.
pub async fn follow(context: &Context, args: LogsArgs) -> Outcome {
    let mut output = context.output(&LOG)?;
    let query = args.query()?;
    args.check_following(&query)?;
    output.format = stream::format_of_stream(output.format)?;
    if output.format == Format::Table && output.fields.is_some() {
        return Err(Failure::usage("--fields needs -o ndjson here"));
    }
    stream::until_interrupted(async |printer| print_arriving(context, &args, &output, query, printer).await).await
}

async fn print_arriving(
    context: &Context,
    args: &LogsArgs,
    output: &Output,
    mut query: LogQuery,
    printer: &mut Printer,
) -> Outcome {
    let backend = context.open().await?;
    let backend = backend.as_ref();
    if let Some(reference) = &args.trace {
        query.trace = Some(tail::find(context, backend, reference, false).await?);
    }
    args.name_issue(backend, &mut query).await?;
    // Spans arrive after what they said, so there is nothing to name them by yet.
    let options = args.options(context, SpanNames::default());
    let mut follow = Follow::start(backend, &query, environment::now()).await?;
    loop {
        match follow.next().await? {
            LogStep::Records(logs) => printer.print(text(context, output, &options, &lines(logs))).await?,
            LogStep::Other(step) => tail::remark_on(context, &step),
        }
    }
}
