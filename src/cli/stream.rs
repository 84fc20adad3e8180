//! What commands that follow records share: they print as records arrive, until Ctrl-C or until nobody reads any more.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::context::{Context, print};
use super::environment;
use super::exit::{Code, Failure, Outcome};
use super::signals::Signals;
use crate::view::machine::Format;
use crate::view::out::style::Style;

/// How long a reader of stdout may still take once Ctrl-C was pressed.
const GRACE: Duration = Duration::from_millis(500);

/// Runs `follow` until Ctrl-C, or until nobody reads any more. What was handed to its printer before is still written,
/// unless nobody reads it.
///
/// # Errors
/// `follow` fails, or the system does not tell of signals.
pub async fn until_interrupted(follow: impl AsyncFnOnce(&mut Printer) -> Outcome) -> Outcome {
    let mut signals = Signals::listen().map_err(|error| Failure::from_error(Code::Failed, &error))?;
    let mut printer = Printer::default();
    tokio::select! {
        outcome = follow(&mut printer) => outcome,
        () = signals.interrupt() => {
            if tokio::time::timeout(GRACE, printer.finish()).await.is_err() {
                std::process::exit(i32::from(Code::Interrupted as u8));
            }
            Ok(Code::Interrupted)
        }
        () = reader_gone() => Ok(Code::Done),
    }
}

/// Stdout, written off the async threads, because whoever reads may be slow.
#[derive(Debug, Default)]
pub struct Printer {
    writing: Option<JoinHandle<Outcome>>,
}

impl Printer {
    /// Writes a text to stdout; returns when the system has it.
    ///
    /// # Errors
    /// Stdout is closed or failed.
    pub async fn print(&mut self, text: String) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        self.writing = Some(tokio::task::spawn_blocking(move || print(&text)));
        self.finish().await
    }

    /// Waits until what is being written has been written.
    async fn finish(&mut self) -> Result<(), Failure> {
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let written = writing.await;
        self.writing = None;
        written.map_err(|error| Failure::from_error(Code::Failed, &error))?.map(|_| ())
    }
}

/// The format of what never ends: a JSON document is one object a line then.
///
/// # Errors
/// A format whose columns need to know all rows.
pub fn format_of_stream(format: Format) -> Result<Format, Failure> {
    match format {
        Format::Json => Ok(Format::Ndjson),
        Format::Csv | Format::Tsv => {
            Err(Failure::usage("what is followed has no columns to separate").hint("use -o ndjson, or -o id"))
        }
        format => Ok(format),
    }
}

/// The style of a context at the present time, which has moved on since the context was made.
pub fn style_of_now(context: &Context) -> Style {
    let mut style = context.style.clone();
    style.now = environment::now().max(style.now);
    style
}

/// Waits until nobody reads stdout any more, as after `| head -1`; otherwise that would show at the next record only.
#[cfg(unix)]
async fn reader_gone() {
    use std::os::fd::AsFd as _;
    use tokio::{io::Interest, net::unix::pipe::Sender};
    let watch = || Sender::from_file_unchecked(std::io::stdout().as_fd().try_clone_to_owned()?.into());
    // Files cannot be watched, and need not be. The pipe stays in blocking mode, since nothing is sent from here.
    let Ok(stdout) = watch() else { return std::future::pending().await };
    match stdout.ready(Interest::ERROR).await {
        Ok(ready) if ready.is_error() => {}
        _ => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn reader_gone() {
    std::future::pending().await
}
