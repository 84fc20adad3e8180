//! `tracehub soak`: writes to a server of its own, kills it, starts it again, and counts what is lost, wrong or doubled.
//!
//! For those who want to know whether what is acknowledged stays, on their machine and disk. Hidden, because nobody needs it
//! to work. Every request is a [`unit`]; the [`ledger`] knows what was acknowledged, [`writer`]s send, the [`child`] is the
//! server, and the [`audit`] reads back and compares.

mod audit;
mod child;
mod ledger;
mod unit;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::audit::Found;
use self::child::Child;
use self::ledger::Ledger;
use self::unit::mix;
use crate::cli::context::{Context, print};
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::values::{Keep, keep};
use crate::cli::signals::Signals;
use crate::model::json::Document as _;
use crate::model::json::document::document;
use crate::store::{self, Mode, Target};
use crate::view::machine::Shape;
use crate::view::out::format::{count, duration};

/// The document of `soak`.
static SOAK: Shape = Shape { keys: &[Report::KEYS], inner: &[], id: "lost" };

/// How long the server runs before it is killed, at least, and how much longer at most.
const SHORTEST_RUN: Duration = Duration::from_secs(3);
const MORE_RUN_MS: u64 = 9_000;
/// One end of the server in so many is one it is asked for, instead of a kill.
const ASKED: u64 = 4;

/// Write, kill the server, start it again, read back, and count what is lost
#[derive(Debug, Args)]
#[command(after_help = "\
Takes a server and a database of its own; --db puts it elsewhere, where
nothing may be yet. Exits with 1 when anything is lost, wrong or doubled.

Examples:
  tracehub soak --duration 10m
  tracehub soak --duration 1h --db /mnt/disk/soak.db --json")]
pub struct SoakArgs {
    /// How long to write, such as 90s or 10m; `off` until Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = keep, default_value = "60s")]
    duration: Keep,

    /// How many connections write at once
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    connections: u32,
}

/// What a run came to.
#[derive(Debug, Clone, Default)]
struct Report {
    location: String,
    elapsed: Duration,
    kills: u64,
    stops: u64,
    slowest_start: Duration,
    requests: u64,
    acknowledged: u64,
    in_doubt: u64,
    found: Found,
}

document! {
    Report as report {
        "location" = report.location,
        "duration_ms" = u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
        "kills" = report.kills,
        "stops" = report.stops,
        "slowest_start_ms" = u64::try_from(report.slowest_start.as_millis()).unwrap_or(u64::MAX),
        "requests" = report.requests,
        "acknowledged" = report.acknowledged,
        "in_doubt" = report.in_doubt,
        "read_back" = report.found.read_back,
        "shown" = report.found.shown,
        "lost" = report.found.lost,
        "wrong" = report.found.wrong,
        "doubled" = report.found.doubled,
        "torn" = report.found.torn,
        "examples" = report.found.examples,
    }
}

/// Runs the command.
///
/// # Errors
/// The database is there already, or the server does not start.
pub async fn run(context: &Context, args: SoakArgs) -> Outcome {
    let output = context.output(&SOAK)?;
    let (path, _folder) = place(context)?;
    let report = soak(context, &path, &args).await?;
    if output.is_drawn() {
        print(&render(&report))?;
    } else {
        output.print_object(&report)?;
    }
    Ok(if report.found.is_clean() { Code::Done } else { Code::No })
}

/// Where the database lies, and the temporary folder it lies in unless somebody named a place.
fn place(context: &Context) -> Result<(PathBuf, Option<Folder>), Failure> {
    if context.args.url.is_some() {
        return Err(Failure::usage("the soak runs a server of its own, so --url makes no sense here"));
    }
    let Some(db) = &context.args.db else {
        let folder = Folder::create()?;
        return Ok((folder.0.join("soak.db"), Some(folder)));
    };
    let path = PathBuf::from(db);
    match path.try_exists() {
        Ok(false) if !db.is_empty() => Ok((path, None)),
        _ => Err(Failure::usage(format!("`{}` is there already; the soak makes a new file", path.display()))
            .hint("name another file, or leave --db out")),
    }
}

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Folder, Failure> {
        let path = std::env::temp_dir().join(format!("tracehub-soak-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| Failure::from_error(Code::Failed, &error))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies where such things are cleared away.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn soak(context: &Context, path: &Path, args: &SoakArgs) -> Result<Report, Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::from_error(Code::Failed, &error))?;
    let ledger = Arc::new(Ledger::default());
    let started = Instant::now();
    let mut report = Report { location: path.display().to_string(), ..Report::default() };
    let mut server = Child::start(path).await?;
    let (urls, url) = watch::channel(Some(server.url.clone()));
    let mut writers = JoinSet::new();
    for connection in 0..args.connections {
        writers.spawn(writer::run(connection, Arc::clone(&ledger), url.clone()));
    }
    let deadline = args.duration.0.map(|duration| started + duration);
    let mut turn = 0;
    loop {
        turn += 1;
        let run = SHORTEST_RUN + Duration::from_millis(mix(turn) % MORE_RUN_MS);
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let is_interrupted = tokio::select! {
            () = tokio::time::sleep(left.map_or(run, |left| left.min(run))) => false,
            () = signals.interrupt() => true,
        };
        let is_over = is_interrupted || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        urls.send_replace(None);
        // What was sent in the last moment is in doubt, and sent again.
        if mix(turn + 7).is_multiple_of(ASKED) {
            server.stop().await?;
            report.stops += 1;
        } else {
            server.kill().await?;
            report.kills += 1;
        }
        let asked = Instant::now();
        server = Child::start(path).await?;
        report.slowest_start = report.slowest_start.max(asked.elapsed());
        report.found.add(audit::sample(&server.url, &ledger, turn).await?);
        if is_over {
            break;
        }
        urls.send_replace(Some(server.url.clone()));
        context.remark(format_args!(
            "{} in, {} acknowledged, killed {} times",
            duration(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)),
            count(ledger.acknowledged()),
            report.kills
        ));
    }
    drop(urls);
    while writers.join_next().await.is_some() {}
    report.elapsed = started.elapsed();
    // Over the network as a program would read it, and from the file without a server.
    let remote = store::open(&Target::Url { url: server.url.clone(), key: None }, Mode::Read).await?;
    report.found.add(audit::whole(&*remote, &ledger).await?);
    server.stop().await?;
    let file = store::open(&Target::File(path.to_owned()), Mode::Read).await?;
    let again = audit::whole(&*file, &ledger).await?;
    report.found.add(Found { read_back: 0, shown: 0, ..again });
    (report.requests, report.acknowledged, report.in_doubt) =
        (ledger.requests(), ledger.acknowledged(), ledger.in_doubt());
    Ok(report)
}

fn render(report: &Report) -> String {
    let Report { found, .. } = report;
    let took = duration(u64::try_from(report.elapsed.as_nanos()).unwrap_or(u64::MAX));
    let slowest = duration(u64::try_from(report.slowest_start.as_nanos()).unwrap_or(u64::MAX));
    let examples = found.examples.iter().map(|example| format!("  {example}\n"));
    format!(
        "wrote for {took}: {} requests, {} records acknowledged, {} requests in doubt\n\
         killed the server {} times and stopped it {} times; the slowest start took {slowest}\n\
         read back {} records, {} traces one by one\n\
         lost {}  wrong {}  doubled {}  torn {}\n{}",
        count(report.requests),
        count(report.acknowledged),
        count(report.in_doubt),
        report.kills,
        report.stops,
        count(found.read_back),
        count(found.shown),
        found.lost,
        found.wrong,
        found.doubled,
        found.torn,
        examples.collect::<String>()
    )
}
