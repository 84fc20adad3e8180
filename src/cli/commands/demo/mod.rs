//! `tracehub demo`: the main job on real input, with nothing to set up.
//!
//! Starts a server on a free port with a database of its own, sends it what OpenTelemetry SDKs and loggers really sent and
//! some made-up traces worth looking at, then shows what one would look at. No other database is touched.

mod recorded;
mod story;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::context::{Context, print};
use crate::cli::environment::data_dir;
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::paths::{shell_word, short_path};
use crate::cli::{http, target};
use crate::model::time::NANOS_PER_HOUR;
use crate::model::{IssueQuery, IssueStatus, Nanos, StatsQuery, TraceQuery};
use crate::query::resolve::resolve;
use crate::query::trace::issues::TraceIssues;
use crate::query::{self, TraceReport};
use crate::server::{self, Config, SidePort};
use crate::store::sqlite::lock;
use crate::store::{self, Backend, Mode, Target};
use crate::view;
use crate::view::issues::{IssueListContext, counts_since};
use crate::view::lists::traces::ListContext;
use crate::view::machine::Format;
use crate::view::out::escape;
use crate::view::out::style::Style;
use crate::view::show::ShowOptions;
use crate::view::stats::StatsOptions;

/// How many traces the demo lists.
const LISTED: usize = 12;

const INTRODUCTION: &str = "\
A server of its own took in what OpenTelemetry SDKs for Python and JavaScript,
msgtrace-sdk, msgflux, the checkpoint client and the logger once sent, and some
made-up traces of the last hour. This is what one sees of them:

";

/// See it work: sends recorded and made-up traces to a server of its own and shows them
#[derive(Debug, Args)]
#[command(after_help = "\
Needs no network and no set-up, and leaves other databases alone. Its own is
made anew each time; --db puts it elsewhere.

Examples:
  tracehub demo
  tracehub demo --db ./demo.db
  tracehub demo --width 100 | less -R")]
pub struct DemoArgs {}

/// Runs the command.
///
/// # Errors
/// The database is there already or cannot be made, or the server does not start.
pub async fn run(context: &Context, _args: DemoArgs) -> Outcome {
    if context.args.format() != Format::Table || context.args.fields.is_some() {
        return Err(Failure::usage("the demo is for people and prints text only")
            .hint("run `tracehub demo`, then for example `tracehub list --json --db FILE`"));
    }
    let path = fresh_file(context)?;
    context.wait("collecting", collect(&path, context.style.now)).await?;
    let backend = store::open(&Target::File(path), Mode::Read).await?;
    print(&tour(context, backend.as_ref()).await?.concat())
}

/// The path of the demo's own file. The usual one is made anew; any other must not be there yet.
fn fresh_file(context: &Context) -> Result<PathBuf, Failure> {
    if context.args.url.is_some() {
        return Err(Failure::usage("the demo runs a server of its own, so --url makes no sense here"));
    }
    if let Some(db) = &context.args.db {
        let path = PathBuf::from(db);
        return match path.try_exists() {
            Ok(false) if !db.is_empty() => Ok(path),
            _ => Err(Failure::usage(format!("`{}` is there already; the demo makes a new file", path.display()))
                .hint("name another file, or leave --db out")),
        };
    }
    let path = match data_dir() {
        Some(data) => data.join("demo.db"),
        None => std::env::temp_dir().join(format!("tracehub-demo-{}.db", std::process::id())),
    };
    target::make_parent(&path)?;
    if let Some(owner) = lock::owner(&path) {
        return Err(store::Error::Locked(format!("process {} is using `{}`", owner.pid, path.display())).into());
    }
    for ending in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{}{ending}", path.display()));
        match std::fs::remove_file(&file) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(store::Error::Open { path: file, source }.into());
            }
            _ => {}
        }
    }
    Ok(path)
}

/// Runs a server for as long as it takes to send it everything.
async fn collect(path: &Path, now: Nanos) -> Result<(), Failure> {
    let config =
        Config { port: 0, otlp_grpc: SidePort::Off, otlp_http: SidePort::Off, retention: None, ..Config::new(path) };
    let running = server::start(config).await?;
    let mut requests = recorded::requests();
    requests.extend(story::requests(now));
    let sent = http::send_all(running.url(), requests).await;
    running.stop().await?;
    Ok(sent?)
}

/// The texts of the demo: what one would look at first, each part under the command that shows it.
async fn tour(context: &Context, backend: &dyn Backend) -> Result<Vec<String>, Failure> {
    let style = &context.style;
    let location = short_path(&backend.info().location);
    let db = format!("--db {}", escape(&shell_word(&backend.info().location)));
    let page = backend.traces(&TraceQuery { limit: LISTED, ..TraceQuery::default() }).await?;
    let list = ListContext { location: location.clone(), range: String::new() };
    let latest = draw_trace(backend, "latest", style).await?;
    let joined = draw_trace(backend, story::SIGN_IN, style).await?;
    let deployment = draw_trace(backend, story::DEPLOYMENT, style).await?;
    let open = Some(IssueStatus::Open);
    let issues =
        IssueQuery { status: open, limit: LISTED, counts_since: Some(counts_since(style.now)), ..Default::default() };
    let issues = query::issues::list(backend, &issues).await?;
    let issue = issues.short_ids.first().cloned().unwrap_or_default();
    let open = IssueListContext { status: open, range: String::new() };
    let hour_ago = Nanos(style.now.0.saturating_sub(NANOS_PER_HOUR));
    let recorded = backend.traces(&TraceQuery { limit: 8, until: Some(hour_ago), ..TraceQuery::default() }).await?;
    let recorded_list = ListContext { location: location.clone(), range: "until 1h".to_owned() };
    let stats = backend.stats(&StatsQuery { since: Some(hour_ago), ..StatsQuery::default() }).await?;
    let range = StatsOptions { range: "last 1h".to_owned(), ..StatsOptions::default() };
    let short = &story::CHECKOUT[..4];
    Ok(vec![
        INTRODUCTION.to_owned(),
        format!("$ tracehub list --limit {LISTED} {db}\n"),
        view::lists::traces::render(&page, &list, style),
        format!("\n$ tracehub show latest {db}\n"),
        latest,
        format!("\n# spans, checkpoints and logs of one chain\n$ tracehub show {} {db}\n", &story::SIGN_IN[..4]),
        joined,
        format!("\n# checkpoints; one step never came back\n$ tracehub show {} {db}\n", story::DEPLOYMENT),
        deployment,
        format!("\n$ tracehub issues {db}\n"),
        view::issues::list(&issues, &open, style),
        format!("\n# what the SDKs sent\n$ tracehub list --until 1h --limit 8 {db}\n"),
        view::lists::traces::render(&recorded, &recorded_list, style),
        format!("\n$ tracehub stats --since 1h {db}\n"),
        view::stats::render(&stats, &range, style),
        format!(
            "\nAll this lies in {}. Look around:\n  tracehub list --failed {db}\n  tracehub show {short} --attrs {db}\n  \
             tracehub issues show {issue} --why {db}\n  tracehub list --workflow support_flow {db}\n  tracehub stats --by model {db}\n  tracehub stats --by source {db}\n  \
             tracehub list --json {db} | jq '.[0]'\nThen collect your own: tracehub start\n",
            escape(&location)
        ),
    ])
}

/// The picture of the trace that a reference names.
async fn draw_trace(backend: &dyn Backend, reference: &str, style: &Style) -> Result<String, Failure> {
    let id = resolve(backend, reference).await?;
    let trace = backend.trace(&id).await?.ok_or_else(|| Failure::new(Code::Failed, "the demo lost a trace"))?;
    let issues = TraceIssues::look_up(backend, &trace).await?;
    let report = TraceReport { issues, ..TraceReport::new(trace) };
    Ok(view::show::render(&report, &ShowOptions::default(), style))
}
