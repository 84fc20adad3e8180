//! Traces of languages without a parser of their own: whatever is indented or numbered and names a file with a line.

use std::borrow::Cow;

use crate::model::stack::library::is_library_file;
use crate::model::stack::{Exception, Frame, Owner, Place, line};

/// What may stand around a place or a name.
const MARKS: [char; 10] = ['(', ')', '[', ']', ',', ';', '\'', '"', '`', '.'];

/// Whether a line may be one of a trace: any may.
pub fn is_shaped(_line: &str) -> bool {
    true
}

/// The exception of a text; without frames when nothing looks like one.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut found = Exception::default();
    for line in text.lines() {
        if let Some(frame) = frame(line, "") {
            found.push(frame);
        } else if found.is_empty()
            && let Some((kind, message)) = header(line)
        {
            (found.kind, found.message) = (kind, message);
        }
    }
    vec![found]
}

/// Type and message of `pkg.Error: message`, and of Elixir's `** (Error) message`.
fn header(line: &str) -> Option<(&str, &str)> {
    match line.strip_prefix("** (").and_then(|rest| rest.split_once(") ")) {
        Some((kind, message)) => line::is_type(kind).then_some((kind, message)),
        None => line::header(line).filter(|(kind, _)| line::is_error_type(kind)),
    }
}

/// The frame of a line that is indented or numbered, and in which a word is a file with a line.
pub fn frame<'a>(line: &'a str, _below: &'a str) -> Option<Frame<'a>> {
    if !line.starts_with([' ', '\t', '#']) && !line.starts_with("at ") {
        return None;
    }
    let words = line.split([' ', '\t', '(']);
    let mut places = words.map(|word| Place::split(word.trim_matches(MARKS).trim_end_matches(':')));
    let place = places.find(|place| is_file(place.file) && !place.line.is_empty())?;
    let call = called(line).or_else(|| named(line)).unwrap_or_default();
    Some(Frame {
        place,
        function: Cow::Borrowed(call),
        call,
        owner: Owner::library_if(is_library_file(place.file)),
        ..Frame::default()
    })
}

/// `lib/a.ex`, `main.c`: the name of a file, with an ending.
fn is_file(text: &str) -> bool {
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let ending = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or("", |(_, ending)| ending);
    (1..=6).contains(&ending.len()) && ending.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// The word before the first bracket.
fn called(line: &str) -> Option<&str> {
    let before = line.get(..line.find('(')?)?.trim_end();
    let name = before.rsplit([' ', '\t']).next()?;
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.len() <= 200;
    (is_name && name != "at" && name != "in").then_some(name)
}

/// The word behind the place, of `lib/shop.ex:12: Shop.find/1`.
fn named(line: &str) -> Option<&str> {
    let (place, name) = line.rsplit_once(": ")?;
    let is_name = name.starts_with(|c: char| c.is_alphabetic()) && !name.trim().contains(' ') && name.len() <= 200;
    (is_name && line::number_at_end(place).is_some()).then(|| name.trim())
}
