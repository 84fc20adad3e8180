//! Names of temporary files, in the forms the libraries of several languages and `mktemp` make up.
//!
//! Such names are short, and many are letters only, so what is random about them can be told by where they stand alone:
//! right below a folder for such files.

use super::bytes::count;

/// Folders for temporary files, as paths name them.
const FOLDERS: [&[u8]; 4] = [b"/tmp/", b"/T/", b"/Temp/", b"\\Temp\\"];
/// Longest part of a name that says what it is for. A longer one may hold a value of its own.
const MAX_WORDS: usize = 15;
/// Digits that no one writes by hand.
const LONG_NUMBER: usize = 6;

/// How many bytes of a name that stands behind `before` stay, how many then are random, and what for.
pub fn at(before: &[u8], rest: &[u8]) -> Option<(usize, usize, &'static str)> {
    let is_below = matches!(before.last(), Some(b'/' | b'\\')) && FOLDERS.iter().any(|folder| before.ends_with(folder));
    is_below.then_some(())?;
    let is_random = |kept: usize, length: usize, passes: fn(u8) -> bool| {
        let random = rest.get(kept..)?;
        (count(random.get(..length + 1).unwrap_or(random), passes) == length).then_some((kept, length, "<id>"))
    };
    if rest.starts_with(b".tmp") {
        return is_random(4, 6, |byte| byte.is_ascii_alphanumeric());
    }
    if rest.starts_with(b"tmp.") {
        return is_random(4, 10, |byte| byte.is_ascii_alphanumeric());
    }
    if rest.starts_with(b"tmp") && is_random(3, 8, is_python).is_some() {
        // With the word, as names are that are long enough to be told by themselves.
        return Some((0, 11, "<id>"));
    }
    if rest.starts_with(b"php") && is_random(3, 6, |byte| byte.is_ascii_alphanumeric()).is_some() {
        return Some((3, 6, "<id>"));
    }
    with_words(rest)
}

/// `build-x9K2aQ`, `work-3jf82_aq` and `junit5938475983475983`: words, and then a random part.
fn with_words(rest: &[u8]) -> Option<(usize, usize, &'static str)> {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let name = rest.get(..count(rest.get(..MAX_WORDS + 32).unwrap_or(rest), is_inside))?;
    let is_words = |words: &[u8]| words.len() <= MAX_WORDS && !words.iter().any(u8::is_ascii_digit);
    let number = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let words = name.get(..name.len() - number)?;
    if number >= LONG_NUMBER && words.last().is_some_and(u8::is_ascii_alphabetic) && is_words(words) {
        // All of it is a hexadecimal number.
        return (!words.iter().all(u8::is_ascii_hexdigit)).then_some((words.len(), number, "<int>"));
    }
    let words = name.iter().position(|byte| *byte == b'-')? + 1;
    let random = name.get(words..)?;
    let has = |passes: fn(&[u8]) -> bool| random.windows(2).any(passes);
    let is_mixed = match random.len() {
        6 => random.iter().all(u8::is_ascii_alphanumeric) && (has(inner_capital) || has(letter_behind_digit)),
        8 => random.iter().all(|byte| is_python(*byte)) && has(letter_behind_digit),
        _ => false,
    };
    (is_mixed && words > 1 && is_words(name.get(..words)?)).then_some((words, random.len(), "<id>"))
}

/// Whether Python's names of temporary files have such a character.
fn is_python(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

fn inner_capital(pair: &[u8]) -> bool {
    matches!(pair, [before, b'A'..=b'Z'] if before.is_ascii_alphanumeric())
}

fn letter_behind_digit(pair: &[u8]) -> bool {
    matches!(pair, [b'0'..=b'9', letter] if letter.is_ascii_alphabetic())
}
