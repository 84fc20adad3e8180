//! The work of a sweep, which a process does that may be killed, and what has to be there after it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tracehub::model::{
    Attributes, Batch, Issue, IssueQuery, LogRecord, Nanos, RecordFilter, Retention, Severity, StatusCode, Text,
    TraceId, TraceQuery, Value,
};
use tracehub::query::copy::copy;
use tracehub::store::sqlite::{Options, Sqlite, Tuning};
use tracehub::store::{Backend, Result};

use crate::suite::{kinds, traces};
use crate::support::NOW_NS;
use crate::support::whole::Whole as _;

/// Spans of a batch, beside which lie a checkpoint and an error in the log.
const SPANS: u64 = 6;
/// Batches that a work writes, or that lie in the file before it begins.
const BATCHES: u8 = 12;
/// The trace that a deletion removes.
const DELETED: u8 = 5;
/// The trace of the batch that is written after everything, to see that it can be.
const LAST: u8 = 200;

const WORK: &str = "TRACEHUB_SWEEP_WORK";
const FOLDER: &str = "TRACEHUB_SWEEP_FOLDER";

/// A piece of work on a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A new file is made.
    Create,
    /// Batches are written, and wait.
    Ingest,
    /// Batches are written, sealed and merged meanwhile.
    Seal,
    /// A trace is removed.
    Delete,
    /// All that was received before now is removed.
    Retain,
    /// A file of an earlier version is brought up to date.
    Migrate,
    /// Another database is copied into a new file.
    Import,
}

impl Work {
    const ALL: [Work; 7] =
        [Work::Create, Work::Ingest, Work::Seal, Work::Delete, Work::Retain, Work::Migrate, Work::Import];

    /// A folder with the file as it lies there before the work.
    pub fn prepare(self) -> Place {
        let place = Place { folder: Arc::new(tempfile::tempdir().expect("a temporary directory")) };
        match self {
            Work::Create | Work::Ingest | Work::Seal => {}
            Work::Delete | Work::Retain => fill(&place.database()),
            Work::Import => fill(&place.source()),
            Work::Migrate => {
                let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/ours/schema-3.db.zst");
                let bytes = zstd::decode_all(File::open(fixture).expect("a fixture")).expect("compressed");
                fs::write(place.database(), &bytes).expect("written");
                fs::write(place.source(), &bytes).expect("written");
            }
        }
        place
    }

    fn tuning(self) -> Tuning {
        let seal_records = if self == Work::Ingest { 1_000 } else { 2 * (SPANS as usize + 2) };
        Tuning { seal_records, ..Tuning::default() }
    }
}

/// Where a work is done.
#[derive(Debug, Clone)]
pub struct Place {
    folder: Arc<TempDir>,
}

impl Place {
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn database(&self) -> PathBuf {
        self.file("traces.db")
    }

    fn source(&self) -> PathBuf {
        self.file("source.db")
    }

    /// Tells a process what to do and where.
    pub fn name<'c>(&self, work: Work, command: &'c mut Command) -> &'c mut Command {
        command.env(WORK, format!("{work:?}")).env(FOLDER, self.folder.path())
    }

    /// Opens the file as the next start would, and compares it with what was acknowledged.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, work: Work) -> std::result::Result<(), String> {
        let done = fs::read_to_string(self.file("done")).unwrap_or_default();
        let is_done = |what: &str| done.lines().any(|line| line == what);
        if work == Work::Import {
            // An import that was cut short is done again.
            run_in(work, self.folder.path());
        }
        let found = read_after(&self.database(), work).map_err(|error| format!("cannot be used: {error}"))?;
        let whole = |trace: u8| -> std::result::Result<bool, String> {
            match found.records.get(&traces::trace_id(trace).to_string()) {
                None => Ok(false),
                Some(records) if *records == expected() => Ok(true),
                Some(records) if is_removed(work, trace) && is_part(*records) => Ok(true),
                Some(records) => Err(format!("batch {trace} is torn or doubled: {records:?}")),
            }
        };
        let mut kept = 0;
        for trace in 0..BATCHES {
            let is_there = whole(trace)?;
            kept += u64::from(is_there);
            let (must, may) = match work {
                Work::Create => (false, false),
                Work::Ingest | Work::Seal => (is_done(&format!("write {trace}")), is_done(&format!("try {trace}"))),
                Work::Import => (true, true),
                Work::Delete if trace == DELETED => (!is_done("try delete"), !is_done("delete")),
                Work::Delete => (true, true),
                Work::Retain => (!is_done("try retain"), !is_done("retain")),
                Work::Migrate => (false, false),
            };
            if must && !is_there {
                return Err(format!("batch {trace} is gone; done was {done:?}"));
            }
            if is_there && !may {
                return Err(format!("batch {trace} is there though it must not be; done was {done:?}"));
            }
        }
        if work == Work::Migrate {
            let before = read_only(&self.source()).map_err(|error| error.to_string())?;
            let after = without_last(found.records.clone());
            if before != after {
                return Err(format!("{before:?} became {after:?}"));
            }
        }
        let counted: u64 = found.issues.iter().map(|issue| issue.event_count).sum();
        if matches!(work, Work::Ingest | Work::Seal | Work::Import) && counted != kept + 1 {
            return Err(format!("{counted} errors are counted, {} are stored", kept + 1));
        }
        if !whole(LAST)? {
            return Err("what is written afterwards is not there".to_owned());
        }
        Ok(())
    }
}

/// How many spans, checkpoints and log records, by trace.
type Records = BTreeMap<String, (usize, usize, usize)>;

/// What a batch holds.
fn expected() -> (usize, usize, usize) {
    (SPANS as usize, 1, 1)
}

/// Whether a work removes a batch: in steps, each of which is whole, so that a part of it may be gone.
fn is_removed(work: Work, trace: u8) -> bool {
    (work == Work::Retain && trace < BATCHES) || (work == Work::Delete && trace == DELETED)
}

/// Whether records are some of a batch.
fn is_part(records: (usize, usize, usize)) -> bool {
    let whole = expected();
    records.0 <= whole.0 && records.1 <= whole.1 && records.2 <= whole.2
}

fn without_last(mut records: Records) -> Records {
    records.remove(&traces::trace_id(LAST).to_string());
    records
}

struct Found {
    records: Records,
    issues: Vec<Issue>,
}

/// Writes a batch, closes the file, and reads all of it anew.
fn read_after(path: &Path, work: Work) -> Result<Found> {
    runtime().block_on(async {
        let store: Arc<dyn Backend> = Sqlite::open_tuned(path.to_owned(), Options::default(), work.tuning()).await?;
        store.write(batch(LAST)).await?;
        store.close().await?;
        let damage = integrity(path);
        assert_eq!(damage, "ok", "{path:?}");
        let store: Arc<dyn Backend> = Sqlite::open_tuned(path.to_owned(), Options::default(), work.tuning()).await?;
        let records = read_all(store.as_ref()).await?;
        let issues = store.list_issues(&IssueQuery { limit: 100, ..IssueQuery::default() }).await?.items;
        let listed = store.traces(&TraceQuery { limit: 1_000, ..TraceQuery::default() }).await?.items;
        store.close().await?;
        let listed: Records = listed
            .iter()
            .map(|trace| {
                let counts = (trace.span_count as usize, trace.checkpoint_count as usize, trace.log_count as usize);
                (trace.trace_id.to_string(), counts)
            })
            .collect();
        assert_eq!(listed, records, "summaries are not those of the records");
        Ok(Found { records, issues })
    })
}

fn read_only(path: &Path) -> Result<Records> {
    runtime().block_on(async {
        let store: Arc<dyn Backend> = Sqlite::open_for_reading(path.to_owned()).await?;
        read_all(store.as_ref()).await
    })
}

async fn read_all(store: &dyn Backend) -> Result<Records> {
    let (mut records, mut after) = (Records::new(), None);
    loop {
        let chunk = store.scan(&RecordFilter::default(), after.as_ref(), 1_000, Duration::ZERO).await?;
        let mut add = |id: Option<&TraceId>, count: fn(&mut (usize, usize, usize))| {
            count(records.entry(id.map(TraceId::to_string).unwrap_or_default()).or_default());
        };
        chunk.batch.spans.iter().for_each(|span| add(Some(&span.trace_id), |counts| counts.0 += 1));
        chunk.batch.checkpoints.iter().for_each(|checkpoint| add(Some(&checkpoint.trace_id), |counts| counts.1 += 1));
        chunk.batch.logs.iter().for_each(|log| add(log.trace_id.as_ref(), |counts| counts.2 += 1));
        if chunk.at_end {
            records.remove("");
            return Ok(records);
        }
        after = Some(chunk.next);
    }
}

fn integrity(path: &Path) -> String {
    let connection = Connection::open(path).expect("opened");
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap_or_else(|error| error.to_string())
}

fn fill(path: &Path) {
    let filled: Result<()> = runtime().block_on(async {
        let store: Arc<dyn Backend> =
            Sqlite::open_tuned(path.to_owned(), Options::default(), Work::Seal.tuning()).await?;
        for trace in 0..BATCHES {
            store.write(batch(trace)).await?;
        }
        store.close().await
    });
    filled.expect("filled");
}

/// The batch of a trace: spans, a checkpoint and an error of one issue.
fn batch(trace: u8) -> Batch {
    let id = traces::trace_id(trace);
    let at = NOW_NS + u64::from(trace) * 1_000_000_000;
    let mut spans = traces::spans(trace, SPANS);
    for span in &mut spans {
        let took = span.end.0 - span.start.0;
        span.start = Nanos(at + span.start.0 % 1_000_000);
        span.end = Nanos(span.start.0 + took);
        span.status.code = StatusCode::Unset;
    }
    let checkpoint = kinds::checkpoint(&id.to_string(), u64::from(trace));
    let attributes: Attributes =
        [("exception.type", Value::from("PayError")), ("exception.message", Value::from("card declined"))]
            .into_iter()
            .collect();
    let log = LogRecord {
        time: Nanos(at),
        severity: Severity::Error,
        message: Text::from("charge failed"),
        trace_id: Some(id),
        attributes,
        ..LogRecord::default()
    };
    Batch { spans, checkpoints: vec![checkpoint], logs: vec![log] }
}

/// Does what the environment says; nothing when it says nothing.
pub fn run_from_environment() {
    let (Ok(work), Some(folder)) = (std::env::var(WORK), std::env::var_os(FOLDER)) else { return };
    let work = Work::ALL.into_iter().find(|known| format!("{known:?}") == work).expect("a work");
    run_in(work, Path::new(&folder));
}

/// Does a work, and notes each step before it begins and when it is acknowledged. A step that fails is no reason to end.
fn run_in(work: Work, folder: &Path) {
    let mut notes = OpenOptions::new().create(true).append(true).open(folder.join("done")).expect("notes");
    let mut note = |what: String| notes.write_all(format!("{what}\n").as_bytes()).expect("noted");
    let database = folder.join("traces.db");
    runtime().block_on(async {
        let opened = Sqlite::open_tuned(database, Options::default(), work.tuning()).await;
        let Ok(store) = opened else { return };
        let store: Arc<dyn Backend> = store;
        match work {
            Work::Create | Work::Migrate => {}
            Work::Ingest | Work::Seal => {
                for trace in 0..BATCHES {
                    note(format!("try {trace}"));
                    if store.write(batch(trace)).await.is_ok() {
                        note(format!("write {trace}"));
                    }
                }
            }
            Work::Delete => {
                note("try delete".to_owned());
                let filter = RecordFilter { trace: Some(traces::trace_id(DELETED)), ..RecordFilter::default() };
                if store.delete(&filter, false).await.is_ok() {
                    note("delete".to_owned());
                }
            }
            Work::Retain => {
                note("try retain".to_owned());
                let keep = Retention { received_before: Nanos(u64::MAX / 2) };
                let mut removed = store.prune(&keep, 20).await;
                while removed.as_ref().is_ok_and(|removed| !removed.is_empty()) {
                    removed = store.prune(&keep, 20).await;
                }
                if removed.is_ok() {
                    note("retain".to_owned());
                }
            }
            Work::Import => {
                let Ok(source) = Sqlite::open_for_reading(folder.join("source.db")).await else { return };
                let _ = copy(source.as_ref(), store.as_ref(), None, |_| {}).await;
            }
        }
        let _ = store.close().await;
    });
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}
