//! Server-sent events, as [the standard](https://html.spec.whatwg.org/multipage/server-sent-events.html) has them: what
//! arrives in pieces of any size, put together line by line.
//!
//! An event that is not complete is never given out, so a connection that breaks in the middle of one loses nothing
//! that was told. Each byte is looked at once, however small the pieces.

use std::collections::VecDeque;

/// The part of a stream of events that has arrived and was not taken yet. Only data is kept: what `id` names stands in it too.
#[derive(Debug, Default)]
pub struct Events {
    /// The line that has no end yet.
    line: Vec<u8>,
    /// The data of the event that has no end yet; `None` without a line of data.
    data: Option<Vec<u8>>,
    complete: VecDeque<Vec<u8>>,
    /// Whether the last byte was a carriage return, which a line feed may follow.
    after_return: bool,
}

impl Events {
    /// Takes in bytes that arrived, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(place) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (head, tail) = rest.split_at(place);
            let end = tail.first().copied();
            rest = tail.get(1..).unwrap_or_default();
            let is_second_half = std::mem::take(&mut self.after_return) && head.is_empty() && end == Some(b'\n');
            self.after_return = end == Some(b'\r');
            if !is_second_half {
                self.line.extend_from_slice(head);
                self.end_line();
            }
        }
        if !rest.is_empty() {
            self.after_return = false;
            self.line.extend_from_slice(rest);
        }
    }

    /// How many bytes of an event that is not complete there are.
    pub fn held_bytes(&self) -> usize {
        self.line.len() + self.data.as_ref().map_or(0, Vec::len)
    }

    /// The data of the next complete event, its lines joined by line feeds; `None` until more arrives.
    pub fn pop(&mut self) -> Option<Vec<u8>> {
        self.complete.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.complete.extend(self.data.take());
            return;
        }
        let value = match line.strip_prefix(b"data") {
            Some([]) => &[],
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            // A comment, another field, or one whose name only begins like this.
            _ => return,
        };
        if let Some(data) = &mut self.data {
            data.push(b'\n');
        }
        self.data.get_or_insert_default().extend_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> Vec<String> {
        let mut events = Events::default();
        pieces.iter().for_each(|piece| events.push(piece));
        std::iter::from_fn(|| events.pop()).map(|data| String::from_utf8_lossy(&data).into_owned()).collect()
    }

    #[test]
    fn events_end_at_an_empty_line_and_only_complete_ones_are_given_out() {
        let stream = b": following\nid: 1\n\nid: 2\ndata: one\n\n: keepalive\n\ndata:two\ndata: lines\n\ndata\n\nevent: x\ndatax: y\n\ndata: cut o";
        assert_eq!(all(&[stream]), ["one", "two\nlines", ""]);
    }

    #[test]
    fn lines_may_end_in_any_of_the_three_ways() {
        assert_eq!(all(&[b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"]), ["a", "b", "c"]);
        assert_eq!(all(&[b"data: a\r", b"\n\r", b"\ndata: b\r\r"]), ["a", "b"]);
    }

    proptest! {
        #[test]
        fn how_a_stream_is_cut_changes_nothing(
            lines in proptest::collection::vec("(data: ?|id:|:|x)?[a-c✓ ]{0,4}(\n|\r|\r\n)", 0..30),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let stream = lines.concat().into_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            places.extend([0, stream.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            prop_assert_eq!(all(&pieces), all(&[&stream]));
        }
    }
}
