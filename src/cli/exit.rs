//! How a command ends: exit codes, and the `error:`, `caused by:` and `hint:` lines on stderr.
//!
//! The only place that knows the codes, and what a person can do about each error of the floors below.

use std::error::Error as StdError;
use std::path::Path;

use owo_colors::OwoColorize as _;

use crate::cli::paths::shell_word;
use crate::model::{Issue, Key, TraceSummary};
use crate::query::issues::FindIssueError;
use crate::query::keys::FindError;
use crate::query::records::attribute_counts::AttributeError;
use crate::query::records::groups::GroupError;
use crate::query::records::metrics::MetricsError;
use crate::query::resolve::ResolveError;
use crate::query::saved::SavedError;
use crate::query::sql::SqlError;
use crate::server::StartError;
use crate::store::remote::without_credentials;
use crate::store::{self, Facet};
use crate::view::machine::UnknownField;
use crate::view::out::{OutError, escape, escape_lines};

/// What the process answers its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// The command did what was asked; an empty list is an answer, too.
    Done = 0,
    /// The answer is no: not found, no current trace, server down.
    No = 1,
    /// The command was asked in a way that makes no sense.
    Usage = 2,
    /// The command could not do what was asked.
    Failed = 3,
    /// A key or the system did not allow it.
    Denied = 4,
    /// Ctrl-C ended the command.
    Interrupted = 130,
}

/// Why a command stopped, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the process ends.
    pub code: Code,
    message: String,
    causes: Vec<String>,
    notes: Vec<String>,
    hint: Option<String>,
}

/// How a command ended: with an exit code, or a failure that is told on stderr.
pub type Outcome = Result<Code, Failure>;

impl Failure {
    /// A failure of one sentence, without a capital or a full stop.
    pub fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), causes: Vec::new(), notes: Vec::new(), hint: None }
    }

    /// A failure for a wrong flag or argument.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Code::Usage, message)
    }

    /// A failure for an error of a lower floor, with all its causes.
    pub fn from_error(code: Code, error: &dyn StdError) -> Failure {
        let mut failure = Failure::new(code, error.to_string());
        for cause in causes(error) {
            let text = uncapitalized(&cause.to_string());
            // Many errors repeat their cause in their own text; saying it twice helps nobody.
            if !text.is_empty() && !failure.message.contains(&text) && !failure.causes.contains(&text) {
                failure.causes.push(text);
            }
        }
        failure
    }

    /// A failure for a reference that names each of the candidates, which are told line by line.
    pub fn ambiguous(message: impl ToString, candidates: impl Iterator<Item = String>) -> Failure {
        let notes = candidates.collect();
        Failure { notes, ..Failure::usage(message.to_string()) }.hint("type more of the id")
    }

    /// A failure for what clap found wrong, in the form of all others.
    pub fn from_clap(error: &clap::Error) -> Failure {
        // The hint leads to both.
        let is_boilerplate = |line: &str| line.starts_with("Usage:") || line.starts_with("For more information");
        let mut failure = Failure::usage("");
        let mut lines: Vec<String> = Vec::new();
        for line in error.render().to_string().lines() {
            if let Some(tip) = line.trim_start().strip_prefix("tip: ") {
                failure.hint.get_or_insert_with(|| tip.to_owned());
            } else if !line.trim().is_empty() && !is_boilerplate(line) {
                lines.push(line.strip_prefix("error: ").unwrap_or(line).to_owned());
            }
        }
        failure.message = lines.join("\n");
        failure.hint.get_or_insert_with(|| "--help says more".to_owned());
        failure
    }

    /// Adds what the person can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a line below the message, such as a candidate.
    pub fn note(mut self, note: impl Into<String>) -> Failure {
        self.notes.push(note.into());
        self
    }

    /// What failed and why in one line, without the hint.
    pub fn in_one_line(&self) -> String {
        self.causes.iter().chain(&self.notes).fold(self.message.clone(), |line, note| format!("{line}: {note}"))
    }

    /// The lines of a failure for stderr; empty when there is nothing to say.
    pub fn render(&self, color: bool) -> String {
        if self.message.is_empty() {
            return String::new();
        }
        let label = |text: &str, paint: &dyn Fn(&str) -> String| if color { paint(text) } else { text.to_owned() };
        let error = label("error:", &|text| text.red().bold().to_string());
        let message = format!("{error} {}\n", escape_lines(self.message.trim_end()));
        let causes = self.causes.iter().map(|cause| format!("  caused by: {}\n", escape(cause)));
        let notes = self.notes.iter().map(|note| format!("  {}\n", escape(note)));
        let hint = label("hint:", &|text| text.cyan().bold().to_string());
        let hint = self.hint.iter().map(|text| format!("{hint} {}\n", escape(text)));
        std::iter::once(message).chain(causes).chain(notes).chain(hint).collect()
    }
}

impl From<OutError> for Failure {
    fn from(error: OutError) -> Failure {
        match error {
            // The reader of stdout went away, which ends the command in silence.
            OutError::Closed => Failure::new(Code::Done, ""),
            OutError::Failed(_) => Failure::from_error(Code::Failed, &error),
        }
    }
}

impl From<UnknownField> for Failure {
    fn from(error: UnknownField) -> Failure {
        Failure::usage(format!("unknown field `{}`", error.field)).hint(format!("the fields are {}", error.known))
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        let hint = match &error {
            store::Error::Open { path, .. } if path.is_dir() => {
                Some(format!("name a file in it, such as --db {}", path.join("tracehub.db").display()))
            }
            store::Error::Unreachable { url, .. } => {
                database_beside(url).or_else(|| hint_for(&error).map(str::to_owned))
            }
            store::Error::Foreign { path, .. } => hint_of_lack(Facet::Sink, &shell_word(&path.display().to_string())),
            store::Error::Lacks { facet, location: Some(location), .. } => hint_of_lack(*facet, &shell_word(location)),
            _ => hint_for(&error).map(str::to_owned),
        };
        let code = match &error {
            store::Error::BadTarget { .. }
            | store::Error::BadCursor
            | store::Error::Lacks { .. }
            | store::Error::NoSalt => Code::Usage,
            store::Error::Denied { .. } => Code::Denied,
            _ => Code::Failed,
        };
        Failure { hint, ..Failure::from_error(code, &error) }
    }
}

/// The database that a line to paste imports into.
const IMPORT_TARGET: &str = "traces.db";

/// What a person can do about a store that lacks a facet: every kind of store with a feed can be imported.
fn hint_of_lack(facet: Facet, file: &str) -> Option<String> {
    let target = if file.ends_with(IMPORT_TARGET) { "new.db" } else { IMPORT_TARGET };
    let import = format!("tracehub import {} --db {target}", file);
    Some(match facet {
        Facet::Feed => "name a tracehub database or server; they can".to_owned(),
        Facet::Sink | Facet::Logs => format!("bring its records into a tracehub database: {import}"),
        Facet::Issues | Facet::Keys | Facet::SavedFilters => {
            format!(
                "keep them in a file beside it with --db '{}?meta=FILE', or bring its records into a tracehub database: {import}",
                file.trim_matches('\'')
            )
        }
    })
}

/// The hint when a server does not answer that `TRACEHUB_URL` names while the file that `TRACEHUB_DB` names is there.
pub fn database_beside(url: &str) -> Option<String> {
    let named = without_credentials(std::env::var("TRACEHUB_URL").ok()?.trim_end_matches('/'));
    let file = std::env::var_os("TRACEHUB_DB").filter(|file| Path::new(file).is_file())?;
    let is_named = named == url.trim_end_matches('/');
    is_named.then(|| format!("TRACEHUB_URL names that server; --db {} reads the file of TRACEHUB_DB", file.display()))
}

/// What caused an error, and what caused that, down to the first cause.
pub fn causes(error: &dyn StdError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// A sentence of the system, which begins with a capital, as ours begin; abbreviations stay.
fn uncapitalized(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(std::iter::once(second)).chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// What a person can do about an error of a store.
fn hint_for(error: &store::Error) -> Option<&'static str> {
    use store::Error as E;
    Some(match error {
        E::Missing(_) => "start a server with `tracehub start`, or name a database with --db",
        E::Open { .. } => "check that the folder is there and that you may read and write the file",
        E::NoSalt => "write `salt = \"TEXT\"` into the file of rules, or `action = \"mask\"`",
        E::NotOurs(_) => {
            "--db wants a file that `tracehub start` made; what another program wrote, `tracehub import` may bring in"
        }
        E::NewerSchema { .. } => "use the newer tracehub; this one leaves the file as it is",
        E::Corrupt(_) => "keep a copy of the file, then start with a new one",
        E::Locked(_) => "stop the process that holds it, or try again later",
        E::ReadOnly => "use a copy you may write to, or bring it in with `tracehub import`",
        E::DiskFull => "make room, for example with `tracehub clear --older-than 24h`",
        E::SizeLimit => "raise the limit with `ulimit -f`, or make room with `tracehub clear --older-than 24h`",
        E::LogHeld(_) => "end the process that reads it, or try again later",
        E::TooSlow => "ask for less, such as with --since or --limit, or try again later",
        E::NetworkDisk { .. } => {
            "use a disk of this machine; if no other machine ever opens the file, `tracehub start --allow-network-fs`"
        }
        E::OpenFolder(_) => "take that right away with `chmod o-w`, or name a file in a folder of its own",
        E::Busy | E::Closed => "try again in a moment",
        E::Gone(_) => "restart what is using it",
        E::BadCursor => "leave --cursor out to begin at the first page",
        E::Unreachable { .. } => "is the server running there? start one with `tracehub start`",
        E::Untrusted { why, .. } => why.hint(),
        E::Protocol { .. } => "--url wants the main port of `tracehub start`, usually 8099",
        E::Denied { .. } => "pass a key with --api-key or TRACEHUB_API_KEY",
        E::Lacks { facet: Facet::Feed, .. } => "name a tracehub database or server; they can",
        E::Lacks { facet: Facet::Sink | Facet::Logs, .. } => {
            "bring its records into a tracehub database with `tracehub import`"
        }
        E::Lacks { facet: Facet::Issues | Facet::Keys | Facet::SavedFilters, .. } => {
            "keep them in a file beside it with --db 'STORE?meta=FILE', or bring its records into a tracehub database \
             with `tracehub import`"
        }
        E::BadTarget { .. } => "--db takes a file or the URL of a tracehub server",
        _ => return None,
    })
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Failure {
        match error {
            ResolveError::NotFound(ref reference) => {
                Failure::from_error(Code::No, &error).hint(match reference.starts_with("latest") {
                    true => "there are not that many traces; `tracehub list` shows them",
                    false => "`tracehub list` shows recent traces",
                })
            }
            ResolveError::Ambiguous { ref candidates, .. } => {
                let line = |trace: &TraceSummary| format!("{}  {}  {}", trace.trace_id, trace.start, trace.name);
                Failure::ambiguous(&error, candidates.iter().map(line))
            }
            ResolveError::Invalid { .. } => Failure::from_error(Code::Usage, &error)
                .hint("give a full id, at least 4 characters of one, `latest`, or `latest~2`"),
            ResolveError::Store(error) => error.into(),
        }
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Failure {
        match &error {
            FindError::NotFound(_) => Failure::from_error(Code::No, &error).hint("`tracehub keys list` shows the keys"),
            FindError::TooShort(_) => {
                Failure::from_error(Code::Usage, &error).hint("`tracehub keys list` shows the ids")
            }
            FindError::Ambiguous { candidates, .. } => {
                let line = |key: &Key| format!("{}  {}  {}", key.id, key.created, key.project);
                Failure::ambiguous(&error, candidates.iter().map(line))
            }
        }
    }
}

impl From<FindIssueError> for Failure {
    fn from(error: FindIssueError) -> Failure {
        match error {
            FindIssueError::NotFound(_) => {
                Failure::from_error(Code::No, &error).hint("`tracehub issues --all` shows them")
            }
            FindIssueError::Ambiguous { ref candidates, .. } => {
                let line = |issue: &Issue| format!("{}  {}  {}", issue.id, issue.status.as_str(), issue.title);
                Failure::ambiguous(&error, candidates.iter().map(line))
            }
            FindIssueError::Invalid { .. } => Failure::from_error(Code::Usage, &error)
                .hint("give a full id, at least 4 characters of one, or `latest`"),
            FindIssueError::Store(error) => error.into(),
        }
    }
}

impl From<GroupError> for Failure {
    fn from(error: GroupError) -> Failure {
        match error {
            GroupError::TooManySteps(_) => {
                Failure::from_error(Code::Usage, &error).hint("make --over longer, or narrow the time with --since")
            }
            GroupError::Store(error) => error.into(),
        }
    }
}

impl From<MetricsError> for Failure {
    fn from(error: MetricsError) -> Failure {
        match error {
            MetricsError::TooManySteps(_) => {
                Failure::from_error(Code::Usage, &error).hint("make --over longer, or narrow the time with --since")
            }
            MetricsError::TooManyTraces => {
                Failure::from_error(Code::Usage, &error).hint("narrow the time with --since")
            }
            MetricsError::Store(error) => error.into(),
        }
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Failure {
        let failure = |error: &SqlError| Failure::from_error(Code::Usage, error);
        match error {
            SqlError::Store(error) => error.into(),
            SqlError::NotAQuestion | SqlError::TooLong => failure(&error),
            SqlError::File(ref cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                failure(&error).hint("name a file that is not there yet")
            }
            SqlError::File(_) => Failure::from_error(Code::Failed, &error),
            SqlError::Statement(_) => failure(&error).hint("`tracehub sql` alone lists the tables and their columns"),
        }
    }
}

impl From<SavedError> for Failure {
    fn from(error: SavedError) -> Failure {
        match error {
            SavedError::Store(error) => error.into(),
            SavedError::Unknown { ref near, .. } => {
                let near = near.as_ref().map(|near| format!("near: @{near}; ")).unwrap_or_default();
                let hint = format!("{near}`tracehub query list` shows what is saved");
                Failure::from_error(Code::Usage, &error).hint(hint)
            }
            SavedError::Broken { ref name, .. } | SavedError::TooDeep(ref name) => {
                let hint = format!("`tracehub query show {name}` shows what is saved");
                Failure::from_error(Code::Usage, &error).hint(hint)
            }
        }
    }
}

impl From<AttributeError> for Failure {
    fn from(error: AttributeError) -> Failure {
        match error {
            AttributeError::OfTrace(_) => {
                Failure::from_error(Code::Usage, &error).hint("`tracehub list` shows what is of traces")
            }
            AttributeError::Store(error) => error.into(),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Failure {
        match error {
            StartError::Store(error) => error.into(),
            StartError::Bind { .. } => Failure::from_error(Code::Failed, &error)
                .hint("`tracehub status` says whether a tracehub listens there; --port 0 picks a free port"),
            StartError::Itself(_) => Failure::from_error(Code::Usage, &error).hint("name another server with --db"),
            StartError::Tls(_) => Failure::from_error(Code::Usage, &error)
                .hint("--tls-cert wants the certificate and its chain in PEM, --tls-key its private key"),
            StartError::NoRandom(_) => Failure::from_error(Code::Failed, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::PathBuf};

    use super::*;

    #[test]
    fn causes_are_listed_once_and_hints_come_last() {
        let source = io::Error::new(io::ErrorKind::PermissionDenied, "permission denied");
        let error = store::Error::Open { path: PathBuf::from("/x/\x1b[2J.db"), source };
        insta::assert_snapshot!(Failure::from(error).render(false), @r"
        error: cannot open `/x/\x1b[2J.db`
          caused by: permission denied
        hint: check that the folder is there and that you may read and write the file
        ");
    }

    #[test]
    fn a_closed_pipe_is_silent_and_done() {
        let failure = Failure::from(OutError::from(io::Error::from(io::ErrorKind::BrokenPipe)));
        assert_eq!((failure.code, failure.render(true)), (Code::Done, String::new()));
        let failure = Failure::from(OutError::from(io::Error::from(io::ErrorKind::StorageFull)));
        assert_eq!(failure.code, Code::Failed);
    }

    #[test]
    fn every_reason_to_be_denied_or_asked_wrongly_has_its_own_code() {
        let denied = store::Error::Denied { url: "http://h".into(), reason: "no key".into() };
        assert_eq!(Failure::from(denied).code, Code::Denied);
        assert_eq!(Failure::from(store::Error::BadCursor).code, Code::Usage);
        assert_eq!(Failure::from(store::Error::Missing(PathBuf::from("x"))).code, Code::Failed);
        assert_eq!(Failure::from(ResolveError::NotFound("abcd".into())).code, Code::No);
    }
}
