//! The protobuf wire format: a message as an iterator over its fields, without copying.
//!
//! [`Message::next_field`] reads a whole field, known or not, so skipping an unknown one takes no code. What is
//! refused here is what `prost` refuses: cut or overlong varints, lengths past the end, field number 0, unbalanced
//! groups, a known field of another wire type. Text that is not UTF-8 is mended instead.
//! See <https://protobuf.dev/programming-guides/encoding/>.

use std::cell::Cell;

use bytes::Bytes;

use crate::decode::mended::Notes;
use crate::model::Text;

/// Deepest nesting of the obsolete groups that is skipped.
const MAX_GROUP_DEPTH: usize = 100;

/// Most messages within each other and one after the other that are read of one body. Two bytes of hostile input are
/// one, such as an empty attribute, which takes thirty times that in memory; those of honest senders are larger than the
/// 16 bytes each that the largest body leaves.
pub const MAX_MESSAGES: usize = 4 << 20;

/// Why bytes are not the message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed protobuf at byte {offset}: {message} field {field}: {problem}")]
pub struct WireError {
    /// Where the field begins, counted from the start of the body.
    pub offset: usize,
    /// The innermost message that could still be read.
    pub message: &'static str,
    /// The field's number; 0 when it could not be read.
    pub field: u32,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The field ends beyond the message it lies in.
    #[error("message is cut short")]
    Truncated,
    /// The field is a variable-length integer of more than 64 bits.
    #[error("integer is longer than 64 bits")]
    Overlong,
    /// Field number 0, one over 29 bits, or an unknown wire type.
    #[error("invalid field tag")]
    InvalidTag,
    /// A group that ends but did not begin, or does not end.
    #[error("unbalanced group")]
    UnbalancedGroup,
    /// The field is known, its wire type is unexpected.
    #[error("wrong wire type")]
    WrongType,
    /// Groups nested deeper than [`MAX_GROUP_DEPTH`].
    #[error("groups are nested too deep")]
    TooDeep,
    /// The body holds one message more than [`MAX_MESSAGES`].
    #[error("there are more than {MAX_MESSAGES} values in the request; send fewer at once")]
    TooMany,
}

/// A body, how many messages may still be read of it, and what was mended in it.
pub(super) struct Source<'a> {
    body: &'a Bytes,
    messages_left: Cell<usize>,
    /// What was mended so far.
    pub notes: Notes,
}

impl<'a> Source<'a> {
    /// A body of which nothing was read yet.
    pub fn new(body: &'a Bytes) -> Source<'a> {
        Source { body, messages_left: Cell::new(MAX_MESSAGES), notes: Notes::default() }
    }
}

/// What is left to read of one message.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    source: &'a Source<'a>,
    rest: &'a [u8],
    name: &'static str,
}

/// One field, already read.
pub(super) struct Field<'a> {
    /// The number of the field.
    pub number: u32,
    payload: Payload<'a>,
    begin: &'a [u8],
    source: &'a Source<'a>,
    message: &'static str,
}

enum Payload<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Group,
    Fixed32([u8; 4]),
}

impl<'a> Message<'a> {
    /// The whole body as a message; the name is for errors.
    pub fn new(source: &'a Source<'a>, name: &'static str) -> Message<'a> {
        Message { source, rest: source.body, name }
    }

    /// What was mended so far in the body the message lies in.
    pub fn notes(&self) -> &'a Notes {
        &self.source.notes
    }

    /// How many bytes are left.
    pub fn len(&self) -> usize {
        self.rest.len()
    }

    /// The next field in the order sent, `None` at the end.
    #[inline(always)]
    pub fn next_field(&mut self) -> Result<Option<Field<'a>>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let begin = self.rest;
        let (number, payload) = match field(&mut self.rest) {
            Ok(field) => field,
            Err(problem) => return Err(error(self.source.body, begin, self.name, 0, problem)),
        };
        Ok(Some(Field { number, payload, begin, source: self.source, message: self.name }))
    }

    /// How many fields of this number follow, up to the first broken one; lets lists be allocated once.
    pub fn count(mut self, number: u32) -> usize {
        let mut found = 0;
        while !self.rest.is_empty() {
            match field(&mut self.rest) {
                Ok((other, _)) => found += usize::from(other == number),
                Err(_) => break,
            }
        }
        found
    }

    /// Reads to the end and keeps nothing.
    pub fn check(mut self) -> Result<(), WireError> {
        while self.next_field()?.is_some() {}
        Ok(())
    }
}

impl<'a> Field<'a> {
    /// An integer, enum or bool.
    #[inline(always)]
    pub fn varint(&self) -> Result<u64, WireError> {
        match self.payload {
            Payload::Varint(number) => Ok(number),
            _ => Err(self.error(Problem::WrongType)),
        }
    }

    /// A `uint32`; higher bits are dropped, as the encoding rules.
    #[inline(always)]
    pub fn uint32(&self) -> Result<u32, WireError> {
        self.varint().map(|number| number as u32)
    }

    /// An enum's number; higher bits are dropped, as the encoding rules.
    #[inline(always)]
    pub fn enumeration(&self) -> Result<i64, WireError> {
        self.varint().map(|number| i64::from(number as i32))
    }

    /// A `fixed64`, or the bits of a `double`.
    #[inline(always)]
    pub fn fixed64(&self) -> Result<u64, WireError> {
        match self.payload {
            Payload::Fixed64(raw) => Ok(u64::from_le_bytes(raw)),
            _ => Err(self.error(Problem::WrongType)),
        }
    }

    /// A `fixed32`.
    #[inline(always)]
    pub fn fixed32(&self) -> Result<u32, WireError> {
        match self.payload {
            Payload::Fixed32(raw) => Ok(u32::from_le_bytes(raw)),
            _ => Err(self.error(Problem::WrongType)),
        }
    }

    /// Bytes, borrowed from the body.
    #[inline(always)]
    pub fn bytes(&self) -> Result<&'a [u8], WireError> {
        match self.payload {
            Payload::Bytes(bytes) => Ok(bytes),
            _ => Err(self.error(Problem::WrongType)),
        }
    }

    /// Bytes that share the body's buffer.
    #[inline(always)]
    pub fn shared_bytes(&self) -> Result<Bytes, WireError> {
        Ok(self.source.body.slice_ref(self.bytes()?))
    }

    /// Text that shares the body's buffer; what is not UTF-8 is mended, and the text is a copy then.
    #[inline(always)]
    pub fn text(&self) -> Result<Text, WireError> {
        match Text::from_utf8(self.shared_bytes()?) {
            Some(text) => Ok(text),
            None => self.mend(),
        }
    }

    #[cold]
    #[inline(never)]
    fn mend(&self) -> Result<Text, WireError> {
        let text = Text::from(String::from_utf8_lossy(self.bytes()?).into_owned());
        self.source.notes.add(|mended| {
            mended.not_utf8 += 1;
            mended.copied_bytes += text.len();
        });
        Ok(text)
    }

    /// What was mended so far in the body the field lies in.
    pub fn notes(&self) -> &'a Notes {
        &self.source.notes
    }

    /// A message within; the name is for errors.
    #[inline(always)]
    pub fn message(&self, name: &'static str) -> Result<Message<'a>, WireError> {
        let rest = self.bytes()?;
        match self.source.messages_left.get().checked_sub(1) {
            Some(left) => self.source.messages_left.set(left),
            None => return Err(self.error(Problem::TooMany)),
        }
        Ok(Message { source: self.source, rest, name })
    }

    /// What is wrong with this field. Inlined, so that fields stay in registers where nothing is wrong.
    #[inline(always)]
    pub fn error(&self, problem: Problem) -> WireError {
        error(self.source.body, self.begin, self.message, self.number, problem)
    }
}

#[cold]
#[inline(never)]
fn error(body: &Bytes, begin: &[u8], message: &'static str, field: u32, problem: Problem) -> WireError {
    let offset = begin.as_ptr().addr().saturating_sub(body.as_ptr().addr());
    WireError { offset, message, field, problem }
}

#[inline(always)]
fn field<'a>(rest: &mut &'a [u8]) -> Result<(u32, Payload<'a>), Problem> {
    let (number, wire_type) = tag(rest)?;
    Ok((number, payload(rest, number, wire_type, 0)?))
}

#[inline(always)]
fn tag(rest: &mut &[u8]) -> Result<(u32, u8), Problem> {
    let tag = u32::try_from(varint(rest)?).map_err(|_| Problem::InvalidTag)?;
    match tag >> 3 {
        0 => Err(Problem::InvalidTag),
        number => Ok((number, (tag & 7) as u8)),
    }
}

#[inline(always)]
fn payload<'a>(rest: &mut &'a [u8], number: u32, wire_type: u8, depth: usize) -> Result<Payload<'a>, Problem> {
    match wire_type {
        0 => Ok(Payload::Varint(varint(rest)?)),
        1 => Ok(Payload::Fixed64(fixed(rest)?)),
        2 => {
            let length = usize::try_from(varint(rest)?).map_err(|_| Problem::Truncated)?;
            let (bytes, tail) = rest.split_at_checked(length).ok_or(Problem::Truncated)?;
            *rest = tail;
            Ok(Payload::Bytes(bytes))
        }
        3 => skip_group(rest, number, depth).map(|()| Payload::Group),
        4 => Err(Problem::UnbalancedGroup),
        5 => Ok(Payload::Fixed32(fixed(rest)?)),
        _ => Err(Problem::InvalidTag),
    }
}

#[cold]
fn skip_group(rest: &mut &[u8], group: u32, depth: usize) -> Result<(), Problem> {
    if depth == MAX_GROUP_DEPTH {
        return Err(Problem::TooDeep);
    }
    loop {
        let (number, wire_type) = tag(rest)?;
        match wire_type {
            4 if number == group => return Ok(()),
            _ => payload(rest, number, wire_type, depth + 1)?,
        };
    }
}

#[inline(always)]
fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Problem> {
    let (raw, tail) = rest.split_first_chunk::<N>().ok_or(Problem::Truncated)?;
    *rest = tail;
    Ok(*raw)
}

/// Nearly every tag and length is one byte.
#[inline(always)]
fn varint(rest: &mut &[u8]) -> Result<u64, Problem> {
    match rest.split_first() {
        Some((&byte, tail)) if byte < 0x80 => {
            *rest = tail;
            Ok(u64::from(byte))
        }
        _ => long_varint(rest),
    }
}

fn long_varint(rest: &mut &[u8]) -> Result<u64, Problem> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first().ok_or(Problem::Truncated)?;
        *rest = tail;
        // The tenth byte holds the 64th bit and nothing else.
        if shift == 63 && byte > 1 {
            break;
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(Problem::Overlong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_problem(bytes: &'static [u8]) -> Problem {
        let body = Bytes::from_static(bytes);
        Message::new(&Source::new(&body), "Test").check().expect_err("broken").problem
    }

    #[test]
    fn every_wire_type_is_read_and_unknown_fields_are_passed_over() {
        // 1: varint 300, 2: fixed64, 3: bytes "hi", 4: group holding a varint and a group, 5: fixed32.
        let body =
            Bytes::from_static(b"\x08\xac\x02\x11\x01\0\0\0\0\0\0\0\x1a\x02hi\x23\x08\x01\x2b\x2c\x24\x2d\x02\0\0\0");
        let source = Source::new(&body);
        let mut message = Message::new(&source, "Test");
        let mut next = || message.next_field().expect("valid").expect("one more");
        assert_eq!(next().varint(), Ok(300));
        assert_eq!(next().fixed64(), Ok(1));
        assert_eq!(next().text().as_deref(), Ok("hi"));
        assert_eq!(next().number, 4);
        assert_eq!(next().fixed32(), Ok(2));
        assert!(message.next_field().expect("valid").is_none());
        assert_eq!(Message::new(&Source::new(&body), "Test").count(3), 1);
    }

    #[test]
    fn what_is_not_protobuf_is_named() {
        assert_eq!(first_problem(b"\x08"), Problem::Truncated);
        assert_eq!(first_problem(b"\x0a\x05abc"), Problem::Truncated);
        assert_eq!(first_problem(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Problem::Truncated);
        assert_eq!(first_problem(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), Problem::Overlong);
        assert_eq!(first_problem(b"\x00\x01"), Problem::InvalidTag);
        assert_eq!(first_problem(b"\x0f"), Problem::InvalidTag);
        assert_eq!(first_problem(b"\x0c"), Problem::UnbalancedGroup);
        assert_eq!(first_problem(b"\x0b\x14"), Problem::UnbalancedGroup);
        assert_eq!(first_problem(b"\x0b"), Problem::Truncated);
    }

    #[test]
    fn endless_nested_groups_do_not_exhaust_the_stack() {
        let body = Bytes::from(vec![0x0b; 1 << 20]);
        assert_eq!(
            Message::new(&Source::new(&body), "Test").check().map_err(|error| error.problem),
            Err(Problem::TooDeep)
        );
    }

    #[test]
    fn an_error_says_where() {
        let body = Bytes::from_static(b"\x08\x01\x12\x01\xff");
        let source = Source::new(&body);
        let mut message = Message::new(&source, "Span");
        message.next_field().expect("valid");
        let field = message.next_field().expect("valid").expect("there");
        let error = field.varint().expect_err("it is bytes");
        assert_eq!(error.to_string(), "malformed protobuf at byte 2: Span field 2: wrong wire type");
    }

    #[test]
    fn text_that_is_not_utf8_is_mended_and_counted() {
        let body = Bytes::from_static(b"\x0a\x04caf\xe9\x12\x01a");
        let source = Source::new(&body);
        let mut message = Message::new(&source, "Span");
        let mut text = || message.next_field().expect("valid").expect("there").text().expect("text");
        assert_eq!([text(), text()], ["caf\u{fffd}", "a"]);
        assert_eq!(source.notes.so_far().not_utf8, 1);
    }
}
