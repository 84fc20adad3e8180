//! `tracehub log`: sends one log record from a shell script.
//!
//! A script must not fail or hang because its log cannot be written, so this takes a second at most and ends well
//! whatever happens: what cannot be delivered is kept among the dead letters, from where a later `log` takes it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use serde_json::{Value as Json, json};

use crate::cli::context::Context;
use crate::cli::environment::{current_trace, now, variable};
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::redaction::{RedactArgs, read_rules};
use crate::cli::flags::values::pair;
use crate::cli::paths::short_path;
use crate::cli::target;
use crate::client::{DeadLetters, Details, LogEncoding, LogEntry, Logger, LoggerBuilder, hostname, new_dead_letters};
use crate::model::{Nanos, Severity, Text};
use crate::query::dead_letters::{Defaults, DeliverError, deliver};
use crate::store::redact::{Redactor, Salt, Tally};
use crate::store::{self, Backend, Error, Mode, Target};
use crate::view::machine::{Format, LOGGED};

/// How long the record may take.
const PATIENCE: Duration = Duration::from_millis(800);
/// How long older records that were kept may take after it.
const REPLAY_PATIENCE: Duration = Duration::from_millis(150);
/// Between two attempts to open a file that another process holds.
const PAUSE: Duration = Duration::from_millis(20);
/// More is not read of a message or a stack trace: a server takes no larger ones.
const LONGEST_TEXT_BYTES: u64 = 1024 * 1024;
/// Name of the program when nobody gives one.
const DEFAULT_SERVICE: &str = "shell";

/// Send one log record
#[derive(Debug, Args)]
#[command(after_help = "\
Prints nothing and exits with 0 whatever becomes of the record, within a second.
One that cannot be delivered is kept, which stderr tells unless -q is given; the
next `tracehub log` to the same place delivers it.

Examples:
  tracehub log \"backup of $db done\"
  tracehub log -l error --service backup --extra bucket=logs \"upload failed\"
  make 2>&1 | tail -50 | tracehub log -l warn --service build -
  tracehub log -l fatal --error-type Panic --stack crash.txt \"worker died\"
  tracehub log --strict \"must be stored\" || exit 1")]
pub struct LogArgs {
    /// The message; `-` reads it from standard input
    #[arg(value_name = "MESSAGE", required = true, value_parser = text())]
    message: Vec<String>,

    /// How bad it is: trace, debug, info, warn, error, fatal
    #[arg(short, long, value_name = "LEVEL", default_value = "info", value_parser = level)]
    level: Severity,

    /// Which program says it [env: OTEL_SERVICE_NAME] [default: shell]
    #[arg(long, value_name = "NAME", value_parser = text())]
    service: Option<String>,

    /// Which part of it
    #[arg(long, value_name = "NAME", value_parser = text())]
    module: Option<String>,

    /// Where it runs, such as production
    #[arg(long, value_name = "NAME", value_parser = text())]
    env: Option<String>,

    /// A further value; numbers, true, false and null are taken as such, the rest as text
    #[arg(long, value_name = "KEY=VALUE", value_parser = text().try_map(|text| pair(&text)))]
    extra: Vec<(String, String)>,

    /// The trace it belongs to [default: that of `tracehub trace current`]
    #[arg(long, value_name = "ID", value_parser = text())]
    trace: Option<String>,

    /// The kind of error, such as TimeoutError
    #[arg(long, value_name = "TYPE", value_parser = text())]
    error_type: Option<String>,

    /// A file with a stack trace; `-` is standard input
    #[arg(long, value_name = "FILE")]
    stack: Option<PathBuf>,

    /// Fail when the record is not stored: 4 if the key is refused, else 3
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    redact: RedactArgs,
}

/// Why the record is not stored, and where it waits until it can be.
struct NotStored {
    reason: String,
    /// What `--strict` makes of the reason.
    code: Code,
    /// The directory that keeps the record; `None` when it is lost.
    kept_in: Option<String>,
}

impl NotStored {
    fn lost(reason: impl ToString) -> NotStored {
        NotStored { reason: reason.to_string(), code: Code::Failed, kept_in: None }
    }
}

/// Runs the command.
///
/// # Errors
/// The flags make no sense, what they name cannot be read, or `--strict` and the record is not stored.
pub async fn run(context: &Context, mut args: LogArgs) -> Outcome {
    let output = context.output(&LOGGED)?;
    let wanted = context.target()?;
    let redactor = redactor(&args.redact, &wanted).await?;
    let place = short_path(&wanted.location());
    let mut entry = entry(context, &args)?;
    if let Some(redactor) = &redactor {
        redact(&mut args, &mut entry, redactor);
    }
    let trace_id = entry.trace_id.clone();
    let is_strict = args.strict;
    let not_stored = send(args, wanted.into_parts().0, entry).await.err();
    let outcome = match &not_stored {
        None => "stored",
        Some(NotStored { reason, code, kept_in }) if is_strict => {
            let failure = Failure::new(*code, format!("the record is not stored in {place}")).note(reason);
            return Err(match kept_in {
                Some(directory) => failure.hint(format!("it is kept in {}", short_path(directory))),
                None => failure,
            });
        }
        Some(NotStored { reason, kept_in: Some(directory), .. }) => {
            let directory = short_path(directory);
            context
                .remark(format_args!("tracehub: the record is kept in {directory} until {place} takes it: {reason}"));
            "kept"
        }
        Some(NotStored { reason, kept_in: None, .. }) => {
            context.remark(format_args!("tracehub: the record is lost: {reason}"));
            "lost"
        }
    };
    let (reason, kept_in) = not_stored.map(|NotStored { reason, kept_in, .. }| (reason, kept_in)).unzip();
    if output.is_drawn() || (output.format == Format::Id && output.fields.is_none()) {
        return Ok(Code::Done);
    }
    output.print_object(&json!({
        "outcome": outcome,
        "trace_id": trace_id.as_deref(),
        "target": place,
        "kept_in": kept_in.flatten(),
        "reason": reason,
    }))
}

/// What takes secrets out of the record, by the rules that flag or variable name. Hashes are keyed with the salt of the
/// file; what goes to a server, and into a file without one, has masks for hashes unless the rules name a salt.
///
/// # Errors
/// The rules cannot be read.
async fn redactor(rules: &RedactArgs, wanted: &Target) -> Result<Option<Redactor>, Failure> {
    let Some(file) = rules.file() else { return Ok(None) };
    let rules = read_rules(&file)?;
    let mut salt = None;
    if rules.wants_salt()
        && wanted.file().is_some()
        && let Ok(backend) = store::open(wanted, Mode::Read).await
    {
        salt = backend.salt().await.ok().flatten().map(|salt| Salt::new(&salt));
    }
    Ok(Some(Redactor::new(Arc::new(rules), salt)))
}

/// Takes the secrets out of a record before it goes anywhere: it may be kept in a file until it can be delivered.
fn redact(args: &mut LogArgs, entry: &mut LogEntry, redactor: &Redactor) {
    let mut tally = Tally::default();
    let mut replace = |key: Option<&str>, text: &mut String| {
        if let Some(new) = redactor.text(key, text, &mut tally) {
            *text = new;
        }
    };
    replace(None, &mut entry.message);
    args.service.iter_mut().chain(&mut args.env).for_each(|text| replace(None, text));
    let Some(details) = &mut entry.details else { return };
    details.error_type.iter_mut().for_each(|text| replace(Some("exception.type"), text));
    details.stack_trace.iter_mut().for_each(|text| replace(Some("exception.stacktrace"), text));
    if let Some(module) = &mut details.module {
        let mut text = module.to_string();
        replace(None, &mut text);
        *module = Text::from(text);
    }
    details.extra.edit(|json| redactor.text(None, json, &mut Tally::default()));
}

/// The record the flags describe.
fn entry(context: &Context, args: &LogArgs) -> Result<LogEntry, Failure> {
    let reads_message = args.message.iter().any(|word| word == "-");
    let stack = args.stack.as_deref();
    if reads_message && args.message.len() > 1 {
        return Err(Failure::usage("`-` reads the whole message from standard input, so nothing can stand beside it"));
    }
    if reads_message && stack == Some(Path::new("-")) {
        return Err(Failure::usage("standard input can be the message or the stack trace, not both"));
    }
    let message = if reads_message { read(Path::new("-"))?.trim_end().to_owned() } else { args.message.join(" ") };
    let stack_trace = match stack.map(read).transpose() {
        Ok(stack_trace) => stack_trace,
        Err(failure) if args.strict => return Err(failure),
        // A script that reports a crash does not know whether there is anything to read, and its record matters more.
        Err(failure) => {
            context.remark(format_args!("tracehub: the record has no stack trace: {}", failure.in_one_line()));
            None
        }
    };
    let mut details = Details {
        module: args.module.as_deref().map(Text::from),
        error_type: args.error_type.clone(),
        stack_trace,
        ..Details::default()
    };
    args.extra.iter().for_each(|(key, value)| details.extra.push(key, typed(value)));
    let (trace_id, span_id) = match &args.trace {
        Some(id) => (Some(Text::from(id.as_str())), None),
        None => {
            let current = current_trace();
            let span_id = current.as_ref().and_then(|current| current.span_id);
            (current.map(|current| Text::from(current.trace_id.to_string())), span_id)
        }
    };
    Ok(LogEntry {
        time: now(),
        level: args.level,
        message,
        thread: Text::from_static("main"),
        trace_id,
        span_id,
        caller: None,
        details: Some(Box::new(details)),
    })
}

/// The text of a file, or of standard input for `-`; bytes that are no UTF-8 are replaced.
fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().lock().take(LONGEST_TEXT_BYTES).read_to_end(&mut bytes),
        _ => std::fs::File::open(path).and_then(|file| file.take(LONGEST_TEXT_BYTES).read_to_end(&mut bytes)),
    };
    read.map_err(|error| {
        Failure::usage(format!("cannot read `{}`", path.display())).note(error.to_string().to_lowercase())
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `5`, `true` and `null` are what they look like; everything else is text.
fn typed(value: &str) -> Json {
    match serde_json::from_str(value) {
        Ok(scalar @ (Json::Null | Json::Bool(_) | Json::Number(_))) => scalar,
        _ => Json::from(value),
    }
}

/// Reads text for clap. What scripts pass on comes from anywhere, so bytes that are no UTF-8 are replaced.
fn text() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|text| text.to_string_lossy().into_owned())
}

/// Reads a level in any spelling that senders use, for clap.
fn level(text: &str) -> Result<Severity, String> {
    Severity::from_word(text).ok_or_else(|| "the levels are trace, debug, info, warn, error and fatal".to_owned())
}

async fn send(args: LogArgs, wanted: Target, entry: LogEntry) -> Result<(), NotStored> {
    let service = args.service.or_else(|| variable("OTEL_SERVICE_NAME")).unwrap_or_else(|| DEFAULT_SERVICE.to_owned());
    let environment = args.env.unwrap_or_default();
    // A file's dead letters are for the file, whoever owns it at the time.
    let file = wanted.file().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    let address = file.map(|file| format!("file:{}", file.display()));
    let target = target::for_creating(wanted);
    if let Some(path) = target.file() {
        let _ = target::make_parent(path);
    }
    let Some((url, key)) = target.server() else {
        let dead_letters = address.and_then(|address| new_dead_letters(&address));
        let encoding = LogEncoding { service, environment, host: hostname(), compress: false, dead_letters };
        return write_to_store(&target, encoding, entry).await;
    };
    let builder = Logger::builder(key.unwrap_or_default(), &service, &environment).endpoint(url);
    let builder = match address {
        Some(address) => builder.dead_letters_of(&address),
        None => builder,
    };
    let sent = tokio::task::spawn_blocking(move || send_to_server(builder, entry)).await;
    sent.unwrap_or_else(|error| Err(NotStored::lost(error)))
}

fn send_to_server(builder: LoggerBuilder, entry: LogEntry) -> Result<(), NotStored> {
    let builder = builder.timeout(PATIENCE).max_retries(1).retry_backoff(Duration::from_millis(50));
    let logger = builder.build().map_err(NotStored::lost)?;
    logger.send(entry);
    logger.flush(PATIENCE);
    if logger.stats().sent > 0 {
        logger.wait_for_replay(REPLAY_PATIENCE);
    }
    let report = logger.close(Duration::ZERO);
    if report.sent > 0 {
        return Ok(());
    }
    let reason = logger.stats().last_error.unwrap_or_else(|| "the server did not answer in time".to_owned());
    let code = if logger.is_denied() { Code::Denied } else { Code::Failed };
    let kept_in = logger.dlq_path().filter(|_| report.parked > 0).map(|directory| directory.display().to_string());
    Err(NotStored { reason, code, kept_in })
}

async fn write_to_store(target: &Target, encoding: LogEncoding, entry: LogEntry) -> Result<(), NotStored> {
    let mut line = Vec::new();
    encoding.append_json(&entry, &mut line);
    let defaults = Defaults { received: Nanos::now(), project: None };
    let written = tokio::time::timeout(PATIENCE, async {
        let backend = open_when_free(target).await?;
        let written = deliver(&mut line.as_slice(), backend.as_ref(), &defaults, |_| {}).await;
        if let (Ok(_), Some(letters)) = (&written, &encoding.dead_letters) {
            replay(backend.as_ref(), letters, &defaults).await;
        }
        let closed = backend.close().await;
        written.and(closed.map_err(DeliverError::from))
    });
    let reason = match written.await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the database did not answer in time".to_owned(),
    };
    let Some(letters) = &encoding.dead_letters else { return Err(NotStored::lost(reason)) };
    line.push(b'\n');
    Err(match letters.park(1, &line) {
        Ok(()) => NotStored { kept_in: Some(letters.directory().display().to_string()), ..NotStored::lost(reason) },
        Err(error) => NotStored::lost(format_args!("{reason}, and {error}")),
    })
}

/// Opens a store, which another short-lived command may hold for the moment.
async fn open_when_free(target: &Target) -> store::Result<std::sync::Arc<dyn Backend>> {
    loop {
        match store::open(target, Mode::Write).await {
            Err(Error::Locked(_)) => tokio::time::sleep(PAUSE).await,
            opened => return opened,
        }
    }
}

/// Stores the entries that were kept for this file, as far as they can be.
async fn replay(backend: &dyn Backend, letters: &DeadLetters, defaults: &Defaults) {
    letters.tidy();
    while let Some(mut claimed) = letters.claim(&std::collections::HashSet::new()) {
        if deliver(claimed.reader(), backend, defaults, |_| {}).await.is_err() {
            return claimed.unlock();
        }
        let _ = claimed.delete();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_typed_and_everything_else_is_text() {
        let cases = [
            ("5", json!(5)),
            ("-1.5", json!(-1.5)),
            ("true", json!(true)),
            ("null", json!(null)),
            ("", json!("")),
            ("05", json!("05")),
            ("{\"a\":1}", json!("{\"a\":1}")),
            ("\"quoted\"", json!("\"quoted\"")),
        ];
        for (text, value) in cases {
            assert_eq!(typed(text), value, "{text}");
        }
    }

    #[test]
    fn levels_are_read_in_the_spellings_of_senders() {
        assert_eq!(level("WARNING"), Ok(Severity::Warn));
        assert_eq!(level("fatal"), Ok(Severity::Fatal));
        assert!(level("loud").is_err());
    }
}
