//! A stack trace line by line, as it is shown: which lines are frames, and what the others belong to.

use super::frame::Frame;
use super::language::language_of;

/// Stands before the frames of traces that end with the innermost, in Python and in some versions of Ruby.
const INNERMOST_LAST: &str = "Traceback (most recent call last):";

/// What a line of a stack trace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    /// The line says what was raised, or begins another trace.
    Heading,
    /// The line is a frame.
    Frame(Frame<'a>),
    /// The line goes on about the frame above it.
    Below,
}

/// Each line of a trace and what it is, in the order they stand.
pub fn lines(trace: &str) -> Vec<(&str, Part<'_>)> {
    let read_frame = language_of(trace).frame;
    let mut lines = trace.lines().peekable();
    let mut parts = Vec::new();
    let mut indent_of_frame = None;
    while let Some(line) = lines.next() {
        let below = lines.peek().copied().unwrap_or_default();
        let part = match read_frame(line, below) {
            Some(frame) => {
                indent_of_frame = Some(indent(line));
                Part::Frame(frame)
            }
            // What goes on about a frame is indented further: the source line, the place, `... 12 more`.
            None if indent_of_frame.is_some_and(|frame| indent(line) > frame) => Part::Below,
            None if line.trim_start().starts_with("... ") => Part::Below,
            None => {
                indent_of_frame = None;
                Part::Heading
            }
        };
        parts.push((line, part));
    }
    parts
}

/// The frames of the outermost exception of a trace and of what was printed behind it, innermost first.
pub fn innermost_first(trace: &str) -> Vec<Frame<'_>> {
    let behind = language_of(trace).outermost_behind.and_then(|mark| trace.rsplit_once(mark));
    let outermost = behind.map_or_else(Vec::new, |(_, rest)| frames(rest));
    let mut frames = if outermost.is_empty() { frames(trace) } else { outermost };
    if trace.contains(INNERMOST_LAST) {
        frames.reverse();
    }
    frames
}

fn frames(trace: &str) -> Vec<Frame<'_>> {
    let parts = lines(trace).into_iter();
    let frames = parts.filter_map(|(_, part)| match part {
        Part::Frame(frame) => Some(frame),
        Part::Heading | Part::Below => None,
    });
    frames.collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t', '|']).len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_headings_frames_or_what_belongs_to_a_frame() {
        let kinds = |trace: &str| -> String {
            let letter = |part: Part<'_>| match part {
                Part::Heading => 'h',
                Part::Frame(frame) if frame.is_library() => 'l',
                Part::Frame(_) => 'f',
                Part::Below => '-',
            };
            lines(trace).into_iter().map(|(_, part)| letter(part)).collect()
        };
        assert_eq!(
            kinds(
                "Traceback (most recent call last):\n  File \"/a.py\", line 1, in a\n    b()\n    ^^^\nKeyError: 1\n  more"
            ),
            "hf--hh"
        );
        assert_eq!(
            kinds("E: no\n\tat a.B.c(B.java:1)\n\tat java.util.X.y(X.java:1)\n\t... 3 more\nCaused by: F\n"),
            "hfl-h"
        );
        assert_eq!(kinds("goroutine 1 [running]:\nmain.a(0x1)\n\t/srv/a.go:1 +0x1\nexit status 2"), "hf-h");
    }

    #[test]
    fn the_outermost_exception_has_its_frames_found_wherever_it_stands() {
        let first = |trace: &str| innermost_first(trace).first().map(|frame| frame.place.line.to_owned());
        let sharp = "Shop.Outer: no\n ---> Shop.Inner: no\n   at Shop.A() in /srv/A.cs:line 1\n   \
            --- End of inner exception stack trace ---\n   at Shop.B() in /srv/B.cs:line 2\n";
        assert_eq!(first(sharp).as_deref(), Some("2"));
        let php = "Inner: no in /srv/a.php:9\nStack trace:\n#0 /srv/a.php(1): a()\n#1 {main}\n\n\
            Next Outer: no in /srv/b.php:9\nStack trace:\n#0 /srv/b.php(2): b()\n#1 {main}\n";
        assert_eq!(first(php).as_deref(), Some("2"));
    }

    proptest! {
        #[test]
        fn no_line_is_lost_whatever_it_says(trace in "([ \t|]{0,4}(at |File \"|#1 |from |3: |x)?[\\PC]{0,12}\n){0,8}") {
            let read: Vec<&str> = lines(&trace).into_iter().map(|(line, _)| line).collect();
            prop_assert_eq!(read, trace.lines().collect::<Vec<_>>());
        }
    }
}
