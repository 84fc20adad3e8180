//! An exception of a stack trace: type, message and frames, brought into one order whatever the language prints first.

use super::frame::{Frame, Owner};

/// Frames of one exception that are read; the innermost ones.
const MAX_FRAMES: usize = 200;
/// A frame like one of the last few is the same function called again: recursion, also through others.
const RECURSION: usize = 4;

/// An exception of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exception<'a> {
    /// The type of the exception as printed; empty when none was.
    pub kind: &'a str,
    /// The first line of the exception's message.
    pub message: &'a str,
    /// The frames, innermost first, recursion collapsed, nothing of the runtime.
    pub frames: Vec<Frame<'a>>,
    /// How deep the exception lies in a tree of exceptions.
    pub depth: usize,
}

impl<'a> Exception<'a> {
    /// An exception without frames.
    pub fn new(kind: &'a str, message: &'a str) -> Exception<'a> {
        Exception { kind, message, ..Exception::default() }
    }

    /// Adds the next frame outwards, unless it is the runtime's.
    pub fn push(&mut self, frame: Frame<'a>) {
        if self.frames.len() < MAX_FRAMES && self.counts(&frame) {
            self.frames.push(frame);
        }
    }

    /// Adds the next frame inwards, for traces that end with the innermost; [`Exception::turn`] is due when all are in.
    pub fn push_inner(&mut self, frame: Frame<'a>) {
        if self.counts(&frame) {
            if self.frames.len() >= 2 * MAX_FRAMES {
                self.frames.drain(..MAX_FRAMES);
            }
            self.frames.push(frame);
        }
    }

    /// Brings frames that were added inwards into order.
    pub fn turn(&mut self) {
        self.frames.reverse();
        self.frames.truncate(MAX_FRAMES);
    }

    /// Whether a frame adds something to those before it.
    fn counts(&self, frame: &Frame<'a>) -> bool {
        frame.owner != Owner::Runtime && !self.frames.iter().rev().take(RECURSION).any(|known| known.is_like(frame))
    }

    /// Where the exception happened: the frame of the program nearest to it, else the innermost of all.
    pub fn culprit(&self) -> Option<String> {
        self.frames.iter().find(|frame| !frame.is_library()).or(self.frames.first()).map(Frame::to_text)
    }

    /// Whether nothing is known of the exception.
    pub fn is_empty(&self) -> bool {
        self.kind.is_empty() && self.message.is_empty() && self.frames.is_empty()
    }
}
