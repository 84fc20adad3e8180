//! `tracehub tail`: follow what arrives, one line a record.

use clap::Args;
use indexmap::IndexSet;

use crate::cli::context::{Context, Output};
use crate::cli::environment;
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::filter;
use crate::cli::flags::values::{Moment, moment};
use crate::cli::stream::{self, Printer};
use crate::model::filter::{Filter, Needs};
use crate::model::{RecordFilter, RecordKind, Severity, TraceId};
use crate::query::Traceparent;
use crate::query::resolve::{ResolveError, resolve};
use crate::query::tail::{Arrival, Start, Tail, TailQuery, TailStep};
use crate::store::Backend;
use crate::view::lists::tail_line;
use crate::view::machine::{Format, RECORD};
use crate::view::out::escape;

/// Traces whose ids `-o id` remembers having printed.
const REMEMBERED_TRACES: usize = 10_000;
/// Records shown first when nothing is to be followed and nobody says how many.
const USUAL_LINES: usize = 10;
/// Most records that can be shown first.
const MOST_LINES: u64 = 100_000;

/// Follow what arrives, one line a record
#[derive(Debug, Args)]
#[command(after_help = "\
Shows what arrives from now on; with an ID, first what the trace holds already.
An ID that is not there yet is waited for. A server that goes away is asked
again until it is back, and nothing is missed or shown twice. Ends at Ctrl-C. A
span's time is its end; a checkpoint `<-` shows how long its operation took if
its `->` went by.

JSON (`-o ndjson`, and `--json` is the same here) is one object a line: `kind`
is span, checkpoint or log, then `trace_id` and the record as `show` has it; a
span's own kind is `span_kind`. `-o id` prints the id of each trace once.

Examples:
  tracehub tail
  tracehub tail --service shop --level error
  tracehub tail 'duration>500ms' service=shop
  tracehub tail cli-12345-abc
  tracehub tail -n 20 --no-follow
  tracehub tail -o ndjson | jq -r 'select(.duration_ms > 500).trace_id'")]
pub struct TailArgs {
    /// Only this trace, when it is one word: full id, unique prefix of at least 4 characters, `latest`, or `latest~2`;
    /// else a filter, see `tracehub help filters`
    #[arg(value_name = "ID|FILTER", allow_hyphen_values = false)]
    words: Vec<String>,

    /// Only this service, or checkpoint source
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Only this kind of record
    #[arg(long, value_enum)]
    kind: Option<RecordKind>,

    /// Only records at least this bad; a failed span counts as error, other spans and checkpoints as info
    #[arg(short, long, value_enum, ignore_case = true)]
    level: Option<Severity>,

    /// First what was received since this time: 5m, 09:00, …
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,

    /// First the last so many records
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=MOST_LINES))]
    lines: Option<u64>,

    /// Stop after what is there: the last 10 records, unless --lines, --since or an ID say otherwise
    #[arg(long)]
    no_follow: bool,
}

impl TailArgs {
    /// The trace that is named: one word that compares nothing.
    fn reference(&self) -> Option<&str> {
        match self.words.as_slice() {
            [word] if !word.contains(['=', '>', '<', '"', ' ']) && !word.starts_with(['!', '-', '(', '{', '@']) => {
                Some(word)
            }
            _ => None,
        }
    }

    async fn filter(&self, context: &Context) -> Result<Option<Filter>, Failure> {
        let filter = filter::read_with_saved(context, &self.words).await?;
        match filter.as_ref().filter(|filter| filter.needs() > Needs::Record) {
            Some(filter) => Err(filter::not_while_following(filter)),
            None => Ok(filter),
        }
    }

    fn query(&self, trace: Option<TraceId>, matching: Option<Filter>) -> TailQuery {
        let start = match (&self.since, &trace) {
            (Some(since), _) => Start::Since(since.at),
            (None, Some(_)) => Start::Beginning,
            (None, None) => Start::End,
        };
        let lines = self.lines.map(|lines| usize::try_from(lines).unwrap_or(usize::MAX));
        let usual = (self.no_follow && start == Start::End).then_some(USUAL_LINES);
        TailQuery {
            filter: RecordFilter { kind: self.kind, trace, ended_before: None },
            matching,
            service: self.service.clone(),
            level: self.level.unwrap_or(Severity::Trace),
            start,
            last: lines.or(usual),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A format that is no stream, an ambiguous id, or the store cannot be read.
pub async fn run(context: &Context, args: TailArgs) -> Outcome {
    let is_one_trace = args.reference().is_some();
    let matching = if is_one_trace { None } else { args.filter(context).await? };
    let mut records = Records::new(context, is_one_trace)?;
    stream::until_interrupted(async |printer| {
        let asked = Asked { context, args: &args, matching: matching.clone() };
        follow(asked, &mut records, printer).await
    })
    .await
}

/// What is asked for.
struct Asked<'a> {
    context: &'a Context,
    args: &'a TailArgs,
    matching: Option<Filter>,
}

async fn follow(asked: Asked<'_>, records: &mut Records<'_>, printer: &mut Printer) -> Outcome {
    let Asked { context, args, matching } = asked;
    let backend = context.open().await?;
    let trace = match args.reference() {
        Some(reference) => Some(find(context, backend.as_ref(), reference, args.no_follow).await?),
        None => None,
    };
    let mut tail = Tail::start(backend.as_ref(), args.query(trace, matching), environment::now()).await?;
    loop {
        match tail.next().await? {
            TailStep::Records(arrivals) => printer.print(records.text(&arrivals)).await?,
            TailStep::CaughtUp if args.no_follow => return Ok(Code::Done),
            TailStep::Lost(error) if args.no_follow => return Err(error.into()),
            step => remark_on(context, &step),
        }
    }
}

/// What a person who follows should know, besides records.
pub(super) fn remark_on(context: &Context, step: &TailStep) {
    match step {
        TailStep::CaughtUp if context.args.verbose > 0 => context.remark("following; Ctrl-C ends"),
        TailStep::CaughtUp | TailStep::Records(_) => {}
        TailStep::Lost(error) => {
            context.remark(format_args!("{}; trying again until it is back", escape(&error.to_string())));
        }
        TailStep::Back => context.remark("back again; going on where it stopped"),
        TailStep::Missed(1) => context.remark("1 write was removed before it could be shown"),
        TailStep::Missed(writes) => {
            context.remark(format_args!("{writes} writes were removed before they could be shown"));
        }
        TailStep::Replaced => context.remark("this is another database than before; from its beginning:"),
    }
}

/// The trace a reference names, whether or not it is there yet.
///
/// # Errors
/// An ambiguous reference, one that cannot be an id, no such trace while it must be there, or the store fails.
pub(super) async fn find(
    context: &Context,
    backend: &dyn Backend,
    reference: &str,
    must_be_there: bool,
) -> Result<TraceId, Failure> {
    let not_there = match resolve(backend, reference).await {
        Ok(id) => return Ok(id),
        Err(error @ ResolveError::NotFound(_)) => error,
        Err(error) => return Err(error.into()),
    };
    let parent = Traceparent::parse(&reference.to_lowercase()).map(|parent| parent.trace_id);
    match parent.map_or_else(|| TraceId::parse(reference), Ok) {
        Ok(id) if !must_be_there && !reference.starts_with("latest") => {
            context.remark(format_args!("no trace `{}` yet; waiting for it", escape(&id.to_string())));
            Ok(id)
        }
        _ => Err(not_there.into()),
    }
}

/// Records in the chosen format.
#[derive(Debug)]
struct Records<'a> {
    context: &'a Context,
    output: Output,
    is_one_trace: bool,
    printed: IndexSet<TraceId>,
}

impl<'a> Records<'a> {
    fn new(context: &'a Context, is_one_trace: bool) -> Result<Records<'a>, Failure> {
        let mut output = context.output(&RECORD)?;
        output.format = stream::format_of_stream(output.format)?;
        if output.fields.is_some() && output.format != Format::Ndjson {
            return Err(Failure::usage("--fields needs -o ndjson here"));
        }
        Ok(Records { context, output, is_one_trace, printed: IndexSet::new() })
    }

    fn text(&mut self, arrivals: &[Arrival]) -> String {
        match self.output.format {
            Format::Id => {
                let ids = arrivals.iter().filter_map(|arrival| arrival.record.trace_id());
                ids.filter(|id| is_new(&mut self.printed, id))
                    .map(|id| format!("{}\n", escape(&id.to_string())))
                    .collect()
            }
            Format::Table => tail_line::render(arrivals, self.is_one_trace, &stream::style_of_now(self.context)),
            _ => self.output.rows(arrivals.iter().map(tail_line::to_json)),
        }
    }
}

/// Whether a trace was not printed lately; from now on it was.
fn is_new(printed: &mut IndexSet<TraceId>, id: &TraceId) -> bool {
    let is_new = printed.insert(id.clone());
    if printed.len() > REMEMBERED_TRACES {
        printed.shift_remove_index(0);
    }
    is_new
}
