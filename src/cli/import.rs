//! `tracehub import`: brings the records of another database into this one.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressDrawTarget;
use serde_json::{Map, Value as Json, json};

use crate::{
    query::copy::{Copied, copy},
    store::{self, Backend, Error, Mode, Target},
    view::{
        format::{count, counted},
        out::escape,
        progress::Progress,
        rows::{Format, IMPORTED},
    },
};

use super::{
    context::Context,
    environment::short_path,
    exit::{Code, Failure, Outcome},
    target,
};

/// What a file may be.
const UNDERSTOOD: &str =
    "import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub";

/// Bring in the traces of another database: of tracehub, of the Python tracehub server, of msgtrace
#[derive(Debug, Args)]
#[command(after_help = "\
The file is only read. What is there already is left as it is, so an import that was cut short is finished by making
it again. A server that owns the target does the writing.

Examples:
  tracehub import old.db
  tracehub import /tmp/tracehub.db --db traces.db
  tracehub import msgtrace.db --url http://127.0.0.1:8099
  tracehub import old.db --json | jq .accepted")]
pub struct ImportArgs {
    /// The database file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// The file is none that is understood, or reading or writing fails.
pub async fn run(context: &Context, args: ImportArgs) -> Outcome {
    let fields = context.fields(&IMPORTED)?;
    let wanted = context.target()?;
    check(&args.file, &wanted)?;
    let source = store::open(&Target::File(args.file.clone()), Mode::Read).await.map_err(not_understood)?;
    let target = match target::for_writing(wanted) {
        Err(Error::Missing(path)) => Target::File(path),
        target => target?,
    };
    let target = store::open(&target, Mode::Write).await?;
    let copied = copy_with_progress(context, source.as_ref(), target.as_ref()).await;
    let closed = target.close().await;
    context.warn_of(source.as_ref());
    let copied = copied?;
    closed?;
    match (context.format(), fields) {
        (Format::Table, None) => context.print(&sentence(&copied, source.as_ref(), target.as_ref())),
        // There are no ids to print, and quiet means no messages.
        (Format::Id, _) => Ok(Code::Done),
        (_, fields) => {
            context.print_object(document(&copied, source.as_ref(), target.as_ref()), &IMPORTED, fields.as_ref())
        }
    }
}

/// Refuses what makes no sense before anything is opened.
fn check(file: &Path, target: &Target) -> Result<(), Failure> {
    let is_url = || file.to_str().is_some_and(|text| text.contains("://"));
    if file == Path::new("-") {
        return Err(Failure::usage("a database cannot be imported from standard input").hint(UNDERSTOOD));
    }
    if is_url() {
        return Err(Failure::usage(format!("`{}` is not a file", file.display())).hint(UNDERSTOOD));
    }
    if let Target::File(path) = target
        && let (Ok(from), Ok(to)) = (file.canonicalize(), path.canonicalize())
        && from == to
    {
        return Err(Failure::usage(format!("`{}` cannot be imported into itself", file.display()))
            .hint("name another database with --db"));
    }
    Ok(())
}

fn not_understood(error: Error) -> Failure {
    match error {
        Error::NotOurs(path) => {
            Failure::new(Code::Failed, format!("`{}` is no database that can be imported", path.display()))
                .hint(UNDERSTOOD)
        }
        Error::Missing(path) => Failure::new(Code::Failed, format!("no file `{}`", path.display())).hint(UNDERSTOOD),
        error => error.into(),
    }
}

async fn copy_with_progress(context: &Context, source: &dyn Backend, target: &dyn Backend) -> Result<Copied, Failure> {
    let is_watched = context.terminal.stderr && !context.args.quiet;
    let total = if is_watched { source.record_count().await.ok() } else { None };
    let mut progress =
        Progress::new("importing", total, is_watched.then(ProgressDrawTarget::stderr), context.style.ascii);
    let mut done = 0;
    let copied = copy(source, target, |copied| {
        done = copied.read;
        progress.at(done);
    });
    let copied = copied.await;
    progress.finish();
    copied.map_err(|error| match done {
        0 => Failure::from(error),
        _ => Failure::from(error)
            .note(format!("{} are in the target; importing again brings in the others", counted(done, "record"))),
    })
}

/// How many records of the source are in no answer, for they could not be read.
fn skipped(source: &dyn Backend) -> u64 {
    source.warnings().iter().map(|warning| warning.skipped).sum()
}

fn sentence(copied: &Copied, source: &dyn Backend, target: &dyn Backend) -> String {
    let mut parts =
        vec![format!("{} new", count(copied.accepted)), format!("{} there already", count(copied.duplicates))];
    let skipped = skipped(source);
    if skipped > 0 {
        parts.push(format!("{} skipped", count(skipped)));
    }
    let place = |backend: &dyn Backend| escape(&short_path(&backend.info().location)).into_owned();
    let read = counted(copied.read, "record");
    format!("imported {read} from {} into {}: {}\n", place(source), place(target), parts.join(", "))
}

fn document(copied: &Copied, source: &dyn Backend, target: &dyn Backend) -> Map<String, Json> {
    let pairs = [
        ("read", json!(copied.read)),
        ("accepted", json!(copied.accepted)),
        ("duplicates", json!(copied.duplicates)),
        ("skipped", json!(skipped(source))),
        ("source", json!(source.info().location)),
        ("target", json!(target.info().location)),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
