//! What surrounds the process: variables, terminals, clock and time zone. Settled once, then handed down.
//!
//! Hidden variables make tests exact: `TRACEHUB_NOW` (unix nanoseconds) stops the clock, `TRACEHUB_FORCE_TTY` (columns)
//! makes stdin, stdout and stderr count as a terminal of that width.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::cli::global::{ColorChoice, GlobalArgs, WIDTHS};
use crate::model::Nanos;
use crate::query::current::{Current, Environment, current};
use crate::view::out::Pager;
use crate::view::out::style::Style;

/// Columns of text that nobody watches, when nobody says how many.
const WIDTH_ELSEWHERE: usize = 120;
/// Columns of a terminal that does not say how many it has.
const WIDTH_OF_TERMINAL: usize = 80;

/// An environment variable as text; `None` when it is unset, empty or unreadable.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// An environment variable as the system has it; `None` when it is unset or empty.
pub fn variable_os(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The present time, unless a test stopped the clock.
pub fn now() -> Nanos {
    variable("TRACEHUB_NOW").and_then(|value| value.parse().ok()).map_or_else(Nanos::now, Nanos)
}

/// Whether the present time was given, so that it is not the clock of the machine.
pub fn is_clock_given() -> bool {
    variable("TRACEHUB_NOW").is_some()
}

/// The trace this process runs in, as `TRACEPARENT` or the variables of tracehub name it.
pub fn current_trace() -> Option<Current> {
    let variables = ["TRACEPARENT", "TRACEHUB_TRACE_ID", "TRACEHUB_CORRELATION_ID"].map(variable);
    let [traceparent, trace_id, correlation_id] = variables.each_ref().map(Option::as_deref);
    current(&Environment { traceparent, trace_id, correlation_id })
}

/// The local time zone; UTC when the system does not say.
pub fn zone() -> TimeZone {
    TimeZone::try_system().unwrap_or(TimeZone::UTC)
}

/// The directory of this user's files when nobody names one: `$XDG_DATA_HOME/tracehub`, else `~/.local/share/tracehub`. `None`
/// without a home.
pub fn data_dir() -> Option<PathBuf> {
    // The XDG rules say to pass over relative paths.
    let named = variable_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let data = named.or_else(|| Some(PathBuf::from(variable_os("HOME")?).join(".local/share")))?;
    Some(data.join("tracehub"))
}

/// Which streams of the process are terminals.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Whether a person can answer questions.
    pub stdin: bool,
    /// Whether a person reads the answer.
    pub stdout: bool,
    /// Whether a person reads messages.
    pub stderr: bool,
    forced_width: Option<usize>,
}

impl Terminal {
    /// Finds out which streams are terminals.
    pub fn detect() -> Terminal {
        let forced_width = variable("TRACEHUB_FORCE_TTY").and_then(|columns| columns.parse().ok());
        let is_forced = forced_width.is_some();
        Terminal {
            stdin: is_forced || std::io::stdin().is_terminal(),
            stdout: is_forced || std::io::stdout().is_terminal(),
            stderr: is_forced || std::io::stderr().is_terminal(),
            forced_width,
        }
    }

    /// The size of the terminal that stdout is; `None` when it is none, or a pretended one.
    fn size(&self) -> Option<(terminal_size::Width, terminal_size::Height)> {
        let is_real = self.stdout && self.forced_width.is_none();
        is_real.then(|| terminal_size::terminal_size_of(std::io::stdout())).flatten()
    }

    fn width(&self) -> usize {
        let from_system = || self.size().map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0);
        let columns = || variable("COLUMNS").and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
        let otherwise = if self.stdout { WIDTH_OF_TERMINAL } else { WIDTH_ELSEWHERE };
        self.forced_width.or_else(columns).or_else(from_system).unwrap_or(otherwise)
    }

    fn lines(&self) -> Option<usize> {
        let from_system = || self.size().map(|(_, height)| usize::from(height.0));
        variable("LINES").and_then(|lines| lines.parse().ok()).or_else(from_system).filter(|lines| *lines > 0)
    }

    /// The pager for text on stdout; `None` when nobody watches or the screen has no end.
    pub fn pager(&self, args: &GlobalArgs) -> Option<Pager> {
        if !self.stdout || args.no_pager {
            return None;
        }
        let command = variable("TRACEHUB_PAGER").or_else(|| variable("PAGER"));
        let command = command.unwrap_or_else(|| "less -FRX".to_owned());
        // The last line holds the prompt.
        Some(Pager { command, screen_lines: self.lines()?.saturating_sub(1) })
    }
}

/// Whether to colour text for a stream: the flag, then `NO_COLOR`, then `CLICOLOR_FORCE` and `FORCE_COLOR`, then
/// `CLICOLOR=0` and `TERM=dumb`, then whether a person watches.
pub fn wants_color(choice: ColorChoice, is_terminal: bool) -> bool {
    let is_on = |name| variable(name).is_some_and(|value| value != "0");
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if variable("NO_COLOR").is_some() => false,
        ColorChoice::Auto if is_on("CLICOLOR_FORCE") || is_on("FORCE_COLOR") => true,
        ColorChoice::Auto => {
            let is_off = variable("CLICOLOR").as_deref() == Some("0") || variable("TERM").as_deref() == Some("dumb");
            is_terminal && !is_off
        }
    }
}

/// Whether the locale names a character set that is not UTF-8. No locale at all is taken for a bare but modern system.
fn is_ascii_locale() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    locale.is_some_and(|locale| {
        let lower = locale.to_ascii_lowercase();
        match lower.split_once('.') {
            Some((_, charset)) => !charset.starts_with("utf-8") && !charset.starts_with("utf8"),
            None => lower == "c" || lower == "posix",
        }
    })
}

/// How views should look on stdout.
pub fn style(args: &GlobalArgs, terminal: &Terminal) -> Style {
    let width = args.width.map_or_else(|| terminal.width(), usize::from);
    Style {
        width: width.clamp(usize::from(*WIDTHS.start()), usize::from(*WIDTHS.end())),
        color: wants_color(args.color, terminal.stdout),
        ascii: args.ascii || is_ascii_locale(),
        is_terminal: terminal.stdout,
        times: args.time,
        now: now(),
        zone: zone(),
    }
}
