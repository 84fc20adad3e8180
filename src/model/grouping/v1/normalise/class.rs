//! The classes of values, and the order they are tried in.

use super::bytes::{count, ends_at, is_word};
use super::{date, machine, net, number};

/// Every placeholder, so that a text that has been normalised already stays as it is.
const PLACEHOLDERS: [&str; 18] = [
    "<email>",
    "<url>",
    "<traceparent>",
    "<uuid>",
    "<datetime>",
    "<date>",
    "<time>",
    "<ip>",
    "<hex>",
    "<duration>",
    "<size>",
    "<version>",
    "<float>",
    "<int>",
    "<id>",
    "'<str>'",
    "\"<str>\"",
    "<str>",
];

/// Words that a number belongs to: `utf-8` is not a value.
const NAMES_WITH_NUMBERS: [&[u8]; 7] = [b"utf-", b"iso-", b"sha-", b"latin-", b"windows-", b"cp-", b"base-"];

/// The placeholder a text begins with.
pub fn placeholder(rest: &[u8]) -> Option<&'static str> {
    if !matches!(rest.first(), Some(b'<' | b'\'' | b'"')) {
        return None;
    }
    PLACEHOLDERS.into_iter().find(|known| rest.starts_with(known.as_bytes()))
}

/// How many bytes of a text are a value, and the placeholder for it. `previous` is the byte before.
pub fn at(rest: &[u8], previous: u8) -> Option<(usize, &'static str)> {
    let first = *rest.first()?;
    let is_start = is_word(first) && !is_word(previous);
    if !is_start {
        return match first {
            b'-' | b'.' => number::signed(rest, previous),
            b':' if !is_word(previous) => net::ip(rest, previous).map(|length| (length, "<ip>")),
            _ => None,
        };
    }
    let known = |length: Option<usize>, class: &'static str| length.map(|length| (length, class));
    known(net::url(rest), "<url>")
        .or_else(|| known(net::email(rest), "<email>"))
        .or_else(|| identifier(rest))
        .or_else(|| machine::at(rest, previous))
        .or_else(|| date::at(rest))
        .or_else(|| known(net::ip(rest, previous), "<ip>"))
        .or_else(|| number::at(rest))
        .or_else(|| token(rest))
}

/// `traceparent`, UUID, and 32 hexadecimal digits, which are one without its hyphens.
fn identifier(rest: &[u8]) -> Option<(usize, &'static str)> {
    const SHAPES: [(&[usize], &str); 4] = [
        (&[2, 32, 16, 2], "<traceparent>"),
        (&[1, 8, 24], "<traceparent>"),
        (&[8, 4, 4, 4, 12], "<uuid>"),
        (&[32], "<uuid>"),
    ];
    SHAPES.into_iter().find_map(|(groups, class)| hex_groups(rest, groups).map(|length| (length, class)))
}

/// How long groups of hexadecimal digits with hyphens between them are.
fn hex_groups(rest: &[u8], groups: &[usize]) -> Option<usize> {
    let mut length = 0;
    for (index, digits) in groups.iter().enumerate() {
        if index > 0 {
            (rest.get(length) == Some(&b'-')).then_some(())?;
            length += 1;
        }
        let group = rest.get(length..length + digits)?;
        group.iter().all(u8::is_ascii_hexdigit).then_some(())?;
        length += digits;
    }
    ends_at(rest, length).then_some(length)
}

/// A run of letters and digits that is no word: long hexadecimal numbers, and ids such as `k9Mtd2gDcgG`.
fn token(rest: &[u8]) -> Option<(usize, &'static str)> {
    let length = count(rest, is_word);
    let word = rest.get(..length)?;
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    if length >= 8 && (digits > 0 || length >= 16) && word.iter().all(u8::is_ascii_hexdigit) {
        return Some((length, "<hex>"));
    }
    is_random(word, digits).then_some((length, "<id>"))
}

/// Whether letters and digits change so often that nobody made this up: words with digits in them do not.
fn is_random(word: &[u8], digits: usize) -> bool {
    if word.len() < 10 || digits == 0 {
        return false;
    }
    let kind = |byte: &u8| match byte {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        _ => 2,
    };
    let (mut runs, mut switches, mut run_length) = (1, 0, 1);
    for pair in word.windows(2) {
        let [left, right] = [kind(&pair[0]), kind(&pair[1])];
        if left == right {
            run_length += 1;
            continue;
        }
        // A capital and what follows are one.
        if !(left == 1 && right == 2 && run_length == 1) {
            runs += 1;
        }
        if left == 0 || right == 0 {
            switches += 1;
        }
        run_length = 1;
    }
    (switches >= 2 && runs * 11 >= word.len() * 5) || (switches >= 5 && switches * 4 >= word.len())
}

/// How many bytes of a text that begins with a word stay as they are: the word, with the number that belongs to it.
pub fn verbatim(rest: &[u8]) -> usize {
    let length = count(rest, is_word);
    let head = rest.get(..length + 1).unwrap_or_default();
    if !NAMES_WITH_NUMBERS.iter().any(|name| head.eq_ignore_ascii_case(name)) {
        return length;
    }
    let numbers = count(rest.get(length..).unwrap_or_default(), |byte| byte.is_ascii_digit() || byte == b'-');
    if ends_at(rest, length + numbers) { length + numbers } else { length }
}
