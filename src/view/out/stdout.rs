//! The way out: one buffered writer to stdout that is quiet about closed pipes, a pager when a person watches, and the
//! escaping that keeps stored text from steering the terminal.
//!
//! Nothing else in the crate writes to stdout.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use super::text;

/// Whether a pager has the terminal.
static IS_PAGING: AtomicBool = AtomicBool::new(false);

/// Whether a pager has the terminal; Ctrl-C is for the pager then.
pub fn is_paging() -> bool {
    IS_PAGING.load(Ordering::SeqCst)
}

/// Why text did not get out.
#[derive(Debug, thiserror::Error)]
pub enum OutError {
    /// The reader went away, as `| head -1` does; nobody needs to hear about it.
    #[error("stdout is closed")]
    Closed,
    /// Writing failed, as on a full disk.
    #[error("cannot write to stdout")]
    Failed(#[source] io::Error),
}

impl From<io::Error> for OutError {
    fn from(error: io::Error) -> OutError {
        match error.kind() {
            io::ErrorKind::BrokenPipe => OutError::Closed,
            _ => OutError::Failed(error),
        }
    }
}

/// A program that shows long text, and when it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pager {
    /// What to run, as a shell would read it.
    pub command: String,
    /// Lines that fit on the screen; longer text goes to the pager.
    pub screen_lines: usize,
}

/// Writes to stdout. Text counts as written only after [`Out::flush`].
#[derive(Debug)]
pub struct Out {
    writer: BufWriter<io::Stdout>,
    pager: Option<Pager>,
}

impl Out {
    /// Stdout; `pager` is `None` when nobody watches or no pager is wanted.
    pub fn stdout(pager: Option<Pager>) -> Out {
        Out { writer: BufWriter::with_capacity(64 * 1024, io::stdout()), pager }
    }

    /// Writes text as it is; whoever made it has escaped what came from outside.
    ///
    /// # Errors
    /// See [`OutError`].
    pub fn write(&mut self, text: &str) -> Result<(), OutError> {
        Ok(self.writer.write_all(text.as_bytes())?)
    }

    /// Hands everything written so far to the system.
    ///
    /// # Errors
    /// See [`OutError`].
    pub fn flush(&mut self) -> Result<(), OutError> {
        Ok(self.writer.flush()?)
    }

    /// Writes text through the pager when it does not fit on the screen, else as [`Out::write`] does. A pager that
    /// cannot be run is done without.
    ///
    /// # Errors
    /// See [`OutError`].
    pub fn page(&mut self, text: &str) -> Result<(), OutError> {
        self.flush()?;
        if let Some(pager) = &self.pager
            && text.lines().count() > pager.screen_lines
            && pager.show(text)
        {
            return Ok(());
        }
        self.write(text)
    }
}

impl Pager {
    /// Shows text; whether that was possible.
    fn show(&self, text: &str) -> bool {
        let Ok(mut child) = self.process().stdin(Stdio::piped()).spawn() else { return false };
        IS_PAGING.store(true, Ordering::SeqCst);
        if let Some(mut stdin) = child.stdin.take() {
            // A pager that is quit early closes its input; that is all right.
            let _ = stdin.write_all(text.as_bytes());
        }
        let ended = child.wait();
        IS_PAGING.store(false, Ordering::SeqCst);
        // A shell answers 127 when it does not find the program.
        ended.is_ok_and(|status| status.code() != Some(127))
    }

    fn process(&self) -> Command {
        let needs_shell = self.command.contains(|c: char| "|&;<>()$`\\\"'*?[#~=%".contains(c));
        let mut words = self.command.split_whitespace();
        let (program, arguments) = match words.next().filter(|_| !needs_shell) {
            Some(program) => (program, words.collect()),
            None => ("sh", vec!["-c", &self.command]),
        };
        let mut process = Command::new(program);
        process.args(arguments).env("LESSCHARSET", "utf-8");
        process
    }
}

/// Text from outside as it may be printed: [`text::escape`] with all of Unicode.
pub fn escape(text: &str) -> Cow<'_, str> {
    text::escape(text, false)
}

/// Text from outside as it may be printed on several lines: escaped, but for line ends and tabs.
pub fn escape_lines(text: &str) -> String {
    let lines: Vec<String> =
        text.split('\n').map(|line| line.split('\t').map(escape).collect::<Vec<_>>().join("\t")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use crate::view::out::*;

    #[test]
    fn lines_and_tabs_stay_where_they_are_wanted() {
        assert_eq!(escape_lines("a\tb\n\x1bc\n"), "a\tb\n\\x1bc\n");
    }

    #[test]
    fn a_pager_that_is_missing_shows_nothing() {
        for command in ["/nonexistent/pager -R", "/nonexistent/pager | cat -A; exit 127"] {
            assert!(!Pager { command: command.to_owned(), screen_lines: 0 }.show("text"), "{command}");
        }
        assert!(Pager { command: "true".to_owned(), screen_lines: 0 }.show("text"));
    }
}
