//! `tracehub import`: brings the records of other databases, and of files of undelivered log entries, into this one.

mod dead_letters;
mod source;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::commands::import::source::{Imported, UNDERSTOOD, cut_short, is_watched, progress};
use crate::cli::commands::keys;
use crate::cli::context::{Context, print};
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::redaction::RedactArgs;
use crate::cli::paths::short_path;
use crate::cli::target;
use crate::model::Text;
use crate::query::copy::copy;
use crate::store::redact::redacting;
use crate::store::{self, Backend, Error, Mode, Target};
use crate::view::machine::{Format, IMPORTED};
use crate::view::out::escape;
use crate::view::out::format::{count, counted};

/// Bring in old databases (tracehub, the Python tracehub server, msgtrace) and undelivered log entries
#[derive(Debug, Args)]
#[command(after_help = "\
The files are only read. What is there already is left as it is, so an import
that was cut short is finished by making it again. A server that owns the target
does the writing. The URL of a running Python server is read like its file. Of a
directory all .jsonl files are taken: those are the log entries a logger could
not deliver, one a line; lines that are none are skipped and named, and --remove
deletes the files of which every line is in the target. They do not tell the
project of the key they were meant to come with, and most databases tell none:
--project names it, so that errors join the issues of that project.

Examples:
  tracehub import old.db
  tracehub import /tmp/tracehub.db --db traces.db
  tracehub import ~/.tracehub/dlq --remove
  tracehub import ~/.tracehub/dlq --project shop-eu
  tracehub import http://old-host:8099 --db traces.db
  tracehub import failed_*.jsonl --url http://127.0.0.1:8099")]
pub struct ImportArgs {
    /// Database files, URLs of Python servers, .jsonl files of a logger, or directories of those
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The project of records that are in none
    #[arg(long, value_name = "NAME", value_parser = keys::project)]
    project: Option<String>,

    /// Delete files of undelivered entries of which every line is in the target then
    #[arg(long)]
    remove: bool,

    #[command(flatten)]
    redact: RedactArgs,
}

/// Runs the command.
///
/// # Errors
/// A file is none that is understood, or reading or writing fails; what was read before that is in the target.
pub async fn run(context: &Context, args: ImportArgs) -> Outcome {
    let output = context.output(&IMPORTED)?;
    let wanted = context.target()?;
    for file in &args.files {
        check(file, &wanted)?;
    }
    let target = target::for_creating(wanted);
    // Opened before the target, so that a file that is not understood leaves no empty database behind.
    let mut sources = Vec::new();
    for file in &args.files {
        let source = Source::open(file).await?;
        if args.remove && matches!(source, Source::Database(_)) {
            let failure = format!("`{}` is a database, which --remove does not delete", file.display());
            return Err(Failure::usage(failure).hint("--remove is for the .jsonl files of loggers"));
        }
        sources.push(source);
    }
    let redaction = args.redact.redaction()?;
    let mut target = store::open(&target, Mode::Write).await?;
    if let Some(redaction) = redaction {
        target = redacting(target, redaction).await?;
    }
    let project = args.project.as_deref().map(Text::from);
    let imported = import_all(context, &sources, target.as_ref(), project.as_ref(), args.remove).await;
    let closed = target.close().await;
    let imported = imported?;
    closed?;
    let location = &target.info().location;
    match output.format {
        _ if output.is_drawn() => {
            print(&imported.iter().map(|imported| sentence(imported, location)).collect::<String>())
        }
        // There are no ids to print, and quiet means no messages.
        Format::Id => Ok(Code::Done),
        _ => match imported.as_slice() {
            [only] => output.print_object(&document(only, location)),
            imported => output.print_rows(imported.iter().map(|imported| document(imported, location))),
        },
    }
}

/// Something to import.
enum Source {
    Database(std::sync::Arc<dyn Backend>),
    DeadLetters(dead_letters::Files),
}

impl Source {
    async fn open(file: &Path) -> Result<Source, Failure> {
        if let Some(url) = file.to_str().filter(|text| text.contains("://")) {
            let source = store::open(&Target::parse(url)?, Mode::Read).await?;
            return match source.info().read_only {
                true => Ok(Source::Database(source)),
                false => Err(Failure::usage(format!("`{}` is not a file", file.display())).hint(UNDERSTOOD)),
            };
        }
        if let Some(files) = dead_letters::Files::find(file)? {
            return Ok(Source::DeadLetters(files));
        }
        let opened = store::open(&Target::File(file.to_owned()), Mode::Read).await;
        Ok(Source::Database(opened.map_err(not_understood)?))
    }
}

/// Brings all sources in; records that are in no project are put into `project`.
async fn import_all(
    context: &Context,
    sources: &[Source],
    target: &dyn Backend,
    project: Option<&Text>,
    removes: bool,
) -> Result<Vec<Imported>, Failure> {
    let mut imported = Vec::new();
    for source in sources {
        imported.push(match source {
            Source::Database(source) => import_database(context, source.as_ref(), target, project).await?,
            Source::DeadLetters(files) => files.import(context, target, project, removes).await?,
        });
    }
    Ok(imported)
}

/// Refuses what makes no sense before anything is opened.
fn check(file: &Path, target: &Target) -> Result<(), Failure> {
    if file == Path::new("-") {
        return Err(Failure::usage("nothing can be imported from standard input").hint(UNDERSTOOD));
    }
    if let Some(path) = target.file()
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
            Failure::new(Code::Failed, format!("`{}` is no file that can be imported", path.display())).hint(UNDERSTOOD)
        }
        Error::Missing(path) => Failure::new(Code::Failed, format!("no file `{}`", path.display())).hint(UNDERSTOOD),
        error => error.into(),
    }
}

async fn import_database(
    context: &Context,
    source: &dyn Backend,
    target: &dyn Backend,
    project: Option<&Text>,
) -> Result<Imported, Failure> {
    let total = if is_watched(context) { source.record_count().await.ok() } else { None };
    let mut progress = progress(context, total);
    let mut done = 0;
    let copied = copy(source, target, project, |copied| {
        done = copied.read;
        progress.at(done);
    });
    let copied = copied.await;
    progress.finish();
    context.warn_of(source);
    Ok(Imported {
        copied: copied.map_err(|error| cut_short(error.into(), done))?,
        source: source.info().location.clone(),
        skipped: source.warnings().iter().map(|warning| warning.skipped).sum(),
        ..Imported::default()
    })
}

fn sentence(imported: &Imported, target: &str) -> String {
    let Imported { copied, source, skipped, removed, .. } = imported;
    let (read, new, known) = (counted(copied.read, "record"), count(copied.accepted), count(copied.duplicates));
    let skipped = if *skipped > 0 { format!(", {} skipped", count(*skipped)) } else { String::new() };
    let removed = match removed.len() as u64 {
        0 => String::new(),
        files => format!(", {} removed", counted(files, "file")),
    };
    let place = |location: &str| escape(&short_path(location)).into_owned();
    let (source, target) = (place(source), place(target));
    format!("imported {read} from {source} into {target}: {new} new, {known} there already{skipped}{removed}\n")
}

fn document(imported: &Imported, target: &str) -> Json {
    let error = |(file, line, reason): &(String, u64, String)| json!({ "file": file, "line": line, "reason": reason });
    json!({
        "read": imported.copied.read,
        "accepted": imported.copied.accepted,
        "duplicates": imported.copied.duplicates,
        "skipped": imported.skipped,
        "source": imported.source,
        "target": target,
        "errors": imported.errors.iter().map(error).collect::<Vec<_>>(),
        "removed": imported.removed,
    })
}
