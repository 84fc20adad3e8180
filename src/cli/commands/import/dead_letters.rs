//! Importing the files in which a logger keeps the entries it could not deliver.

use std::fs::{self, File, Metadata};
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::cli::commands::import::source::{Imported, UNDERSTOOD, cut_short, is_watched, progress};
use crate::cli::context::Context;
use crate::cli::exit::{Code, Failure};
use crate::cli::paths::short_path;
use crate::client::ClaimedFile;
use crate::model::{Nanos, Text};
use crate::query::copy::Copied;
use crate::query::dead_letters::{Defaults, DeliverError, Delivered, deliver};
use crate::store::{Backend, Error};
use crate::view::out::format::count;

/// How much of a file is looked at to see what it is.
const SNIFFED_BYTES: u64 = 4_096;
/// How many skipped lines of a source are named on stderr.
const MOST_NAMED: usize = 10;

/// Files of undelivered log entries, in the order of their names.
pub(super) struct Files {
    named: PathBuf,
    files: Vec<PathBuf>,
}

impl Files {
    /// The file, or the files of the directory; `None` when the path is something else.
    ///
    /// # Errors
    /// The path cannot be read, or is a directory without any such file.
    pub(super) fn find(path: &Path) -> Result<Option<Files>, Failure> {
        let named = path.to_owned();
        if !path.is_dir() {
            let is_ours = path.is_file() && looks_like_entries(path).map_err(|error| unreadable(path, error))?;
            return Ok(is_ours.then(|| Files { files: vec![named.clone()], named }));
        }
        let listed = fs::read_dir(path).map_err(|error| unreadable(path, error))?;
        let is_ours = |file: &PathBuf| {
            let is_hidden = file.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
            !is_hidden && file.extension().is_some_and(|extension| extension == "jsonl") && file.is_file()
        };
        let mut files: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).filter(is_ours).collect();
        files.sort();
        if files.is_empty() {
            let message = format!("there is no .jsonl file in `{}`", path.display());
            return Err(Failure::new(Code::Failed, message).hint(UNDERSTOOD));
        }
        Ok(Some(Files { named, files }))
    }

    /// Brings all files in; entries that are in no project are put into `project`. With `removes` a file of which every
    /// line is in the target then is deleted.
    ///
    /// # Errors
    /// Reading or writing fails, or there is not one entry in the files.
    pub(super) async fn import(
        &self,
        context: &Context,
        target: &dyn Backend,
        project: Option<&Text>,
        removes: bool,
    ) -> Result<Imported, Failure> {
        let total = is_watched(context).then(|| self.lines());
        let mut progress = progress(context, total);
        let source = absolute(&self.named);
        let mut sum = Imported { source, ..Imported::default() };
        let mut kept = Vec::new();
        for file in &self.files {
            let claimed = if removes { Claimed::take(file) } else { None };
            let mut done = sum.copied.read;
            let delivered = deliver_file(file, project, target, |read| {
                done = sum.copied.read + read;
                progress.at(done);
            });
            match delivered.await {
                Ok(delivered) => {
                    if removes {
                        match remove(claimed, &delivered) {
                            Ok(()) => sum.removed.push(absolute(file)),
                            Err(why) => kept.push((file, why)),
                        }
                    }
                    add(&mut sum, file, delivered);
                }
                Err(error) => {
                    progress.finish();
                    return Err(cut_short(error, done));
                }
            }
        }
        progress.finish();
        self.warn(context, &sum);
        for (file, why) in kept {
            context.warn(format_args!("{} is kept: {why}", short_path(&absolute(file))));
        }
        if sum.copied.read == 0 && sum.skipped > 0 {
            let failure = format!("there is not one log entry in `{}`", self.named.display());
            return Err(Failure::new(Code::Failed, failure).hint(UNDERSTOOD));
        }
        Ok(sum)
    }

    /// How many lines there are in the files, as far as these can be read.
    fn lines(&self) -> u64 {
        let readable = self.files.iter().filter_map(|file| File::open(file).ok());
        let bytes = readable.flat_map(|file| BufReader::new(file).bytes().map_while(Result::ok));
        bytes.filter(|byte| *byte == b'\n').count() as u64
    }

    fn warn(&self, context: &Context, sum: &Imported) {
        for (file, line, reason) in sum.errors.iter().take(MOST_NAMED) {
            context.warn(format_args!("{}, line {line} skipped: {reason}", short_path(file)));
        }
        let unnamed = sum.skipped.saturating_sub(sum.errors.len().min(MOST_NAMED) as u64);
        if unnamed > 0 {
            let more = if unnamed == 1 { "entry" } else { "entries" };
            context.warn(format_args!("{} more {more} skipped; --json names them", count(unnamed)));
        }
    }
}

fn add(sum: &mut Imported, file: &Path, delivered: Delivered) {
    sum.copied.read += delivered.copied.read;
    sum.copied.accepted += delivered.copied.accepted;
    sum.copied.duplicates += delivered.copied.duplicates;
    sum.skipped += delivered.skipped;
    let file = absolute(file);
    sum.errors.extend(delivered.reasons.into_iter().map(|skipped| (file.clone(), skipped.line, skipped.reason)));
}

/// A file of which nobody else sends anything while it is held, and what it was when that began.
struct Claimed {
    file: ClaimedFile,
    was: Metadata,
}

impl Claimed {
    /// `None` when somebody else holds the file.
    fn take(path: &Path) -> Option<Claimed> {
        let file = ClaimedFile::open(path.to_owned(), None)?;
        let was = fs::metadata(path).ok()?;
        Some(Claimed { file, was })
    }

    /// Whether the file is what it was.
    fn is_unchanged(&self) -> bool {
        let is = |now: &Metadata| now.len() == self.was.len() && now.modified().ok() == self.was.modified().ok();
        fs::metadata(&self.file.path).is_ok_and(|now| is(&now))
    }
}

/// Deletes a file all of which is in the target.
///
/// # Errors
/// Why it is kept, in a few words.
fn remove(claimed: Option<Claimed>, delivered: &Delivered) -> Result<(), String> {
    let Copied { read, accepted, duplicates } = delivered.copied;
    match claimed {
        _ if delivered.skipped > 0 => Err("not every line of it is in the target".to_owned()),
        _ if accepted + duplicates != read => Err("not every entry of it was taken".to_owned()),
        None => Err("a logger delivers it just now".to_owned()),
        Some(claimed) if !claimed.is_unchanged() => Err("it changed meanwhile".to_owned()),
        Some(claimed) => claimed.file.delete().map_err(|error| error.to_string().to_lowercase()),
    }
}

async fn deliver_file(
    path: &Path,
    project: Option<&Text>,
    target: &dyn Backend,
    mut advanced: impl FnMut(u64),
) -> Result<Delivered, Failure> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    // Entries without a time get that of the file, which is the same when it comes again.
    let received = file.metadata().ok().and_then(|data| data.modified().ok()).map_or_else(Nanos::now, Nanos::from);
    let defaults = Defaults { received, project: project.cloned() };
    let delivered = deliver(&mut BufReader::new(file), target, &defaults, |copied| advanced(copied.read)).await;
    delivered.map_err(|error| match error {
        DeliverError::Read(error) => unreadable(path, error),
        DeliverError::Store(error) => error.into(),
    })
}

/// Whether a file is called as a logger calls its files, or begins with what looks like an entry; what OpenTelemetry
/// writes into files of lines is none.
fn looks_like_entries(path: &Path) -> std::io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?.take(SNIFFED_BYTES).read_to_end(&mut beginning)?;
    let text = String::from_utf8_lossy(&beginning);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let is_named_so = path.extension().is_some_and(|extension| extension == "jsonl");
    let begins_so = text.starts_with(['{', '[']) && text.contains("\"message\"");
    let is_otlp = ["\"resourceSpans\"", "\"resourceLogs\"", "\"resourceMetrics\""].iter().any(|key| text.contains(key));
    Ok((is_named_so || begins_so) && !is_otlp)
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn unreadable(path: &Path, source: std::io::Error) -> Failure {
    Error::Open { path: path.to_owned(), source }.into()
}
