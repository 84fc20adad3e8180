//! What every command is given: the global flags, the terminals, and ways to ask, print and remark.

use std::fmt::Display;
use std::future::Future;
use std::io::{BufRead as _, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use owo_colors::OwoColorize as _;
use serde::Serialize;

use crate::cli::environment::{self, Terminal};
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::global::GlobalArgs;
use crate::cli::target;
use crate::connect;
use crate::model::Cursor;
use crate::store::{self, Backend, Mode, Target};
use crate::view::machine::{self, Fields, Format, Shape};
use crate::view::out::style::Style;
use crate::view::out::{Out, Pager, escape};

/// How long work may take before a spinner says what is going on.
const PATIENCE: Duration = Duration::from_millis(300);

/// What every command is given: flags, terminals, style, and how to read and print.
#[derive(Debug)]
pub struct Context {
    /// The flags that every command takes.
    pub args: GlobalArgs,
    /// Which streams are terminals.
    pub terminal: Terminal,
    /// How views should look.
    pub style: Style,
    /// The backend that was read from, for the warnings it has in the end.
    opened: OnceLock<Arc<dyn Backend>>,
}

impl Context {
    /// Settles flags and environment.
    ///
    /// # Errors
    /// Flags that contradict each other.
    pub fn new(args: GlobalArgs, terminal: Terminal) -> Result<Context, Failure> {
        args.check()?;
        if let Some(file) = &args.ca_cert {
            connect::trust(file.clone());
        }
        let style = environment::style(&args, &terminal);
        Ok(Context { args, terminal, style, opened: OnceLock::new() })
    }

    /// How the flags want an answer of this shape printed.
    ///
    /// # Errors
    /// A field `shape` does not have.
    pub fn output(&self, shape: &'static Shape) -> Result<Output, Failure> {
        let fields = self.args.fields.as_deref().map(|fields| Fields::parse(fields, shape)).transpose()?;
        Ok(Output { format: self.args.format(), shape, fields })
    }

    /// How rows are printed whose columns are not known before.
    ///
    /// # Errors
    /// Fields were chosen, in place of which there is what `instead` says.
    pub fn rows_of_any_shape(&self, instead: &str) -> Result<Format, Failure> {
        match self.args.fields {
            Some(_) => Err(Failure::usage("--fields chooses nothing here").hint(instead)),
            None => Ok(self.args.format()),
        }
    }

    /// The file or server with the data.
    ///
    /// # Errors
    /// See [`target::target`].
    pub fn target(&self) -> Result<Target, Failure> {
        target::target(&self.args)
    }

    /// The backend to read from.
    ///
    /// # Errors
    /// No target, or it cannot be opened.
    pub async fn open(&self) -> Result<Arc<dyn Backend>, Failure> {
        let backend = store::open(&self.target()?, Mode::Read).await?;
        Ok(Arc::clone(self.opened.get_or_init(|| backend)))
    }

    /// The backend to write to, which must be there already. Its caller closes it.
    ///
    /// # Errors
    /// No target, or it cannot be opened.
    pub async fn open_to_write(&self) -> Result<Arc<dyn Backend>, Failure> {
        Ok(store::open(&target::for_writing(self.target()?)?, Mode::Write).await?)
    }

    /// Writes data to stdout, through a pager when it is long and a person watches.
    ///
    /// # Errors
    /// Stdout is closed or failed.
    pub fn page(&self, text: &str) -> Outcome {
        print_through(self.terminal.pager(&self.args), text)
    }

    /// Prints a remark on stderr, unless quiet was asked for.
    pub fn remark(&self, text: impl Display) {
        if !self.args.quiet {
            self.to_stderr(&format!("{text}\n"));
        }
    }

    /// Prints where the next page of a list begins, to someone who goes through its pages or wants to know more.
    pub fn remark_on_next(&self, next: Option<&Cursor>, is_paged: bool) {
        if let (Some(next), true) = (next, is_paged || self.args.verbose > 0) {
            self.remark(format_args!("next page: --cursor {}", next.0));
        }
    }

    /// Prints a warning on stderr, even when quiet was asked for.
    pub fn warn(&self, text: impl Display) {
        let text = escape(&text.to_string()).into_owned();
        let label = "warning:";
        let label = if self.colors_stderr() { label.yellow().bold().to_string() } else { label.to_owned() };
        self.to_stderr(&format!("{label} {text}\n"));
    }

    /// Prints on stderr what a backend had to leave out or mend.
    pub fn warn_of(&self, backend: &dyn Backend) {
        backend.warnings().iter().for_each(|warning| self.warn(&warning.text));
    }

    /// Prints on stderr what the backend that [`Context::open`] opened had to leave out or mend.
    pub fn warn_of_opened(&self) {
        self.opened.get().into_iter().for_each(|backend| self.warn_of(backend.as_ref()));
    }

    /// Asks a person a question that ends in a question mark; anything but yes is no.
    pub fn confirm(&self, question: &str) -> bool {
        self.to_stderr(&format!("{} [y/N] ", escape(question)));
        let mut answer = String::new();
        let is_read = std::io::stdin().lock().read_line(&mut answer).is_ok();
        is_read && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Whether stderr is coloured.
    pub fn colors_stderr(&self) -> bool {
        environment::wants_color(self.args.color, self.terminal.stderr)
    }

    /// Writes a text to stderr as it is.
    pub fn to_stderr(&self, text: &str) {
        // With stderr gone there is nobody left to tell.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Waits for work, with a spinner on a terminal when it takes long.
    pub async fn wait<T>(&self, doing: &'static str, work: impl Future<Output = T>) -> T {
        if !self.terminal.stderr || self.args.quiet {
            return work.await;
        }
        let mut work = std::pin::pin!(work);
        if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
            return done;
        }
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_message(doing);
        spinner.enable_steady_tick(Duration::from_millis(100));
        let done = work.await;
        spinner.finish_and_clear();
        done
    }
}

/// How an answer is printed: in which format, with which of the fields that its shape has.
#[derive(Debug)]
pub struct Output {
    /// The format of the flags.
    pub format: Format,
    /// The chosen fields; `None` is all of them.
    pub fields: Option<Fields>,
    shape: &'static Shape,
}

impl Output {
    /// Whether the answer is drawn for a person, instead of printed as objects.
    pub fn is_drawn(&self) -> bool {
        self.format == Format::Table && self.fields.is_none()
    }

    /// The text of a list of objects.
    pub fn rows<R: Serialize>(&self, rows: impl IntoIterator<Item = R>) -> String {
        machine::list(rows, self.shape, self.format, self.fields.as_ref())
    }

    /// Writes a list of objects to stdout.
    ///
    /// # Errors
    /// Stdout is closed or failed.
    pub fn print_rows<R: Serialize>(&self, rows: impl IntoIterator<Item = R>) -> Outcome {
        print(&self.rows(rows))
    }

    /// Writes one object to stdout.
    ///
    /// # Errors
    /// Stdout is closed or failed.
    pub fn print_object(&self, object: &impl Serialize) -> Outcome {
        print(&machine::object(object, self.shape, self.format, self.fields.as_ref()))
    }
}

/// Writes data to stdout.
///
/// # Errors
/// Stdout is closed or failed.
pub fn print(text: &str) -> Outcome {
    print_through(None, text)
}

fn print_through(pager: Option<Pager>, text: &str) -> Outcome {
    let mut out = Out::stdout(pager);
    out.page(text)?;
    out.flush()?;
    Ok(Code::Done)
}
