//! How far long work got, as a bar on the terminal.
//!
//! The bar appears when the work takes long enough for someone to wonder, and leaves nothing behind. Whether there is a
//! terminal to draw on, the caller knows.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long work may take before it is shown.
pub const PATIENCE: Duration = Duration::from_millis(300);

const WITH_END: &str = "{msg} {wide_bar} {percent:>3}% {human_pos}/{human_len} {eta}";
const WITHOUT_END: &str = "{msg} {spinner} {human_pos}";

/// The progress of work: a bar, or nothing where nobody watches.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// Where to draw the bar once it is time; `None` afterwards.
    terminal: Option<ProgressDrawTarget>,
    started: Instant,
}

impl Progress {
    /// Begins the progress of work on `total` things; `None` when nobody knows how many. Without a terminal the bar is
    /// never drawn, and with `is_ascii` in ASCII only.
    pub fn new(
        doing: &'static str,
        total: Option<u64>,
        terminal: Option<ProgressDrawTarget>,
        is_ascii: bool,
    ) -> Progress {
        let template = if total.is_some() { WITH_END } else { WITHOUT_END };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        bar.set_style(style.progress_chars(if is_ascii { "##-" } else { "━━─" }));
        bar.set_message(doing);
        Progress { bar, terminal, started: Instant::now() }
    }

    /// Says how many things are done.
    pub fn at(&mut self, done: u64) {
        // More than there were when they were counted.
        if self.bar.length().is_some_and(|total| total < done) {
            self.bar.set_length(done);
        }
        self.bar.set_position(done);
        if self.started.elapsed() >= PATIENCE
            && let Some(terminal) = self.terminal.take()
        {
            self.bar.set_draw_target(terminal);
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_are_valid() {
        for template in [WITH_END, WITHOUT_END] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_bar_reaches_past_what_was_expected() {
        let mut progress = Progress::new("importing", Some(10), None, true);
        progress.at(12);
        assert_eq!((progress.bar.position(), progress.bar.length()), (12, Some(12)));
        progress.finish();
    }
}
