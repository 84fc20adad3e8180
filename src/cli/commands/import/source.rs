//! What the import of a database and that of a logger's files have in common: its outcome, its progress, its hints.

use indicatif::ProgressDrawTarget;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::query::copy::Copied;
use crate::view::out::format::counted;
use crate::view::out::progress::Progress;

/// The kinds of files that can be imported, for hints.
pub(super) const UNDERSTOOD: &str = "import understands SQLite databases of the Python tracehub server, of msgtrace, and \
                                     of tracehub, and the .jsonl files of loggers";

/// What became of one source.
#[derive(Default)]
pub(super) struct Imported {
    pub copied: Copied,
    pub source: String,
    pub skipped: u64,
    /// Why entries were skipped, as far as it is known: file, line, reason.
    pub errors: Vec<(String, u64, String)>,
    /// The files that were deleted because all of them is in the target.
    pub removed: Vec<String>,
}

/// A progress bar, on stderr where somebody watches it.
pub(super) fn progress(context: &Context, total: Option<u64>) -> Progress {
    let is_watched = is_watched(context);
    Progress::new("importing", total, is_watched.then(ProgressDrawTarget::stderr), context.style.ascii)
}

/// Whether somebody watches stderr.
pub(super) fn is_watched(context: &Context) -> bool {
    context.terminal.stderr && !context.args.quiet
}

/// The failure of an import that ended after `done` records, which says that they are there.
pub(super) fn cut_short(failure: Failure, done: u64) -> Failure {
    match done {
        0 => failure,
        _ => {
            failure.note(format!("{} are in the target; importing again brings in the others", counted(done, "record")))
        }
    }
}
