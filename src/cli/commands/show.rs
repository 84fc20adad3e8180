//! `tracehub show`: one trace as a waterfall.

use clap::Args;
use serde_json::{Map, Value as Json};

use crate::cli::context::Context;
use crate::cli::exit::{Code, Failure, Outcome};
use crate::model::{SpanId, Trace};
use crate::query::TraceReport;
use crate::query::resolve::{MAX_CANDIDATES, MIN_PREFIX_CHARS, ResolveError, resolve};
use crate::query::trace::findings::Part;
use crate::query::trace::issues::TraceIssues;
use crate::store::Backend;
use crate::view;
use crate::view::machine::{Format, SPAN, TRACE};
use crate::view::show::{LogLines, Picture, ShowOptions};

/// Show one trace as a waterfall with self time, events and errors
#[derive(Debug, Args)]
#[command(after_help = "\
JSON is the whole trace; csv and tsv have one row a span.

Examples:
  tracehub show latest
  tracehub show 4bf9 --attrs
  tracehub show 4bf9 --span charge
  tracehub show latest~2 --json | jq '.spans[] | select(.status == \"error\")'")]
pub struct ShowArgs {
    /// Full id, unique prefix of at least 4 characters, `latest`, or `latest~2`
    id: String,

    #[command(flatten)]
    picture: PictureArgs,
}

/// How to draw a trace.
#[derive(Debug, Args)]
pub struct PictureArgs {
    /// Which picture
    #[arg(long, value_enum, default_value_t)]
    view: Picture,

    /// Only this span and what is below it: id, unique prefix of an id, or name
    #[arg(long, value_name = "SPAN")]
    span: Option<String>,

    /// Print attributes below each span
    #[arg(long)]
    attrs: bool,

    /// Do not fold runs of equal spans
    #[arg(long)]
    expand: bool,

    /// Which log lines to draw [default: warn; all where there is nothing else]
    #[arg(long, value_enum, value_name = "WHICH")]
    logs: Option<LogLines>,
}

impl PictureArgs {
    fn options(&self, span: Option<SpanId>) -> ShowOptions {
        ShowOptions { picture: self.view, span, attributes: self.attrs, expand: self.expand, logs: self.logs }
    }
}

/// Runs the command.
///
/// # Errors
/// No such trace or span, an ambiguous one, or the store fails.
pub async fn run(context: &Context, args: ShowArgs) -> Outcome {
    show(context, &args.id, &args.picture).await
}

/// Shows the trace a reference names.
///
/// # Errors
/// The errors of [`run`].
pub async fn show(context: &Context, reference: &str, picture: &PictureArgs) -> Outcome {
    let is_document = matches!(context.args.format(), Format::Json | Format::Ndjson | Format::Id);
    let output = context.output(if is_document { &TRACE } else { &SPAN })?;
    let backend = context.open().await?;
    let trace = context.wait("reading", find(backend.as_ref(), reference)).await?;
    let span = picture.span.as_deref().map(|text| find_span(&trace, text)).transpose()?;
    let mut report = TraceReport::new(trace);
    if output.is_drawn() {
        report.issues = context.wait("reading", TraceIssues::look_up(backend.as_ref(), &report.trace)).await?;
        return context.page(&view::show::render(&report, &picture.options(span), &context.style));
    }
    let mut document = report.to_json();
    if let Some(span) = span {
        keep_below(&report, span, &mut document);
    }
    match document.get("spans") {
        Some(Json::Array(spans)) if !is_document => output.print_rows(spans),
        _ => output.print_object(&document),
    }
}

async fn find(backend: &dyn Backend, reference: &str) -> Result<Trace, Failure> {
    let id = resolve(backend, reference).await?;
    // Retention may have taken it since.
    backend.trace(&id).await?.ok_or_else(|| ResolveError::NotFound(reference.to_owned()).into())
}

/// The span a text names: an id, a unique prefix of one, or a name, of which the first span counts.
fn find_span(trace: &Trace, text: &str) -> Result<SpanId, Failure> {
    if let Ok(id) = SpanId::parse(text)
        && trace.spans.iter().any(|span| span.span_id == id)
    {
        return Ok(id);
    }
    if let Some(named) = trace.spans.iter().find(|span| span.name == text) {
        return Ok(named.span_id);
    }
    let prefix = text.to_ascii_lowercase();
    let is_prefix = prefix.len() >= MIN_PREFIX_CHARS;
    let mut matches: Vec<_> =
        trace.spans.iter().filter(|span| is_prefix && span.span_id.to_string().starts_with(&prefix)).collect();
    matches.dedup_by_key(|span| span.span_id);
    match matches.as_slice() {
        [only] => Ok(only.span_id),
        [] => Err(Failure::new(Code::No, format!("no span `{text}` in trace {}", trace.summary.trace_id))
            .hint("give its id, at least 4 characters of it, or its name")),
        many => {
            let candidates = many.iter().take(MAX_CANDIDATES).map(|span| format!("{}  {}", span.span_id, span.name));
            Err(Failure::ambiguous(format_args!("span `{text}` is ambiguous"), candidates))
        }
    }
}

/// Leaves only one span and those below it in the document, and what is found among them.
fn keep_below(report: &TraceReport, span: SpanId, document: &mut Map<String, Json>) {
    let Some(root) = report.trace.spans.iter().position(|candidate| candidate.span_id == span) else { return };
    let below = report.tree.below(root);
    if let Some(Json::Array(spans)) = document.get_mut("spans") {
        *spans = spans.drain(..).skip(report.tree.place[root]).take(below.len()).collect();
    }
    let findings = report.findings_json(&Part::below(report, below.to_vec()));
    document.insert("findings".to_owned(), findings);
}
