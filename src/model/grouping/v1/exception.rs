//! An exception of a stack trace: type, message and frames, brought into one order whatever the language prints first.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::frame::Frame;

/// Frames of one exception that are read; the innermost ones.
const MAX_FRAMES: usize = 200;
/// A frame like one of the last few is the same function called again: recursion, also through others.
const RECURSION: usize = 4;

/// An exception of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exception<'a> {
    /// Its type as printed; empty when none was.
    pub kind: &'a str,
    /// The first line of its message.
    pub message: &'a str,
    /// Innermost first, recursion collapsed, nothing of the runtime.
    pub frames: Vec<Frame<'a>>,
    /// How deep it lies in a tree of exceptions.
    pub depth: usize,
}

impl<'a> Exception<'a> {
    /// An exception without frames.
    pub fn new(kind: &'a str, message: &'a str) -> Exception<'a> {
        Exception { kind, message, ..Exception::default() }
    }

    /// Adds the next frame outwards.
    pub fn push(&mut self, frame: Frame<'a>) {
        if self.frames.len() < MAX_FRAMES && !self.recurs(&frame) {
            self.frames.push(frame);
        }
    }

    /// Adds the next frame inwards, for traces that end with the innermost; [`Exception::turn`] is due when all are in.
    pub fn push_inner(&mut self, frame: Frame<'a>) {
        if !self.recurs(&frame) {
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

    fn recurs(&self, frame: &Frame<'a>) -> bool {
        self.frames.iter().rev().take(RECURSION).any(|known| known.is_like(frame))
    }

    /// The hashed names of at most `count` frames, innermost first: those of the application, else all.
    pub fn names(&self, count: usize) -> Vec<String> {
        let has_own = self.frames.iter().any(|frame| !frame.is_library);
        let mut names: Vec<String> = Vec::with_capacity(count);
        for frame in self.frames.iter().filter(|frame| !has_own || !frame.is_library) {
            let name = frame.name();
            // What lay between two calls of one function may be a library's.
            if names.last() != Some(&name) {
                if names.len() == count {
                    break;
                }
                names.push(name);
            }
        }
        names
    }

    /// A number for each frame, innermost first; that of the line counts too.
    pub fn numbers(&self) -> Vec<u64> {
        let number = |frame: &Frame<'a>| {
            let mut hasher = DefaultHasher::new();
            (frame.file, frame.line, &frame.module, &frame.function).hash(&mut hasher);
            hasher.finish()
        };
        self.frames.iter().map(number).collect()
    }

    /// Where it happened: the frame of the application nearest to it, else the innermost of all.
    pub fn culprit(&self) -> Option<String> {
        self.frames.iter().find(|frame| !frame.is_library).or(self.frames.first()).map(Frame::place)
    }

    /// Whether anything is known of it.
    pub fn is_empty(&self) -> bool {
        self.kind.is_empty() && self.message.is_empty() && self.frames.is_empty()
    }
}
