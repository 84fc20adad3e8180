//! Addresses: URLs, e-mail, and IP.
//!
//! A host without a scheme is a word like any other: `main.rs` and `obj.id` are hosts to those who ask the list of
//! top-level domains.

use super::bytes::{count, ends_at};

/// Longest scheme, and longest halves of an e-mail address.
const MAX_SCHEME: usize = 24;
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 255;
/// Longest address of version 6, with the point of a sentence behind it.
const LONGEST_V6: usize = 46;

/// `https://u:p@h:1/path?query`, without the punctuation of the sentence behind it.
pub fn url(rest: &[u8]) -> Option<usize> {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let scheme = count(rest.get(..MAX_SCHEME).unwrap_or(rest), is_scheme);
    let after = rest.get(scheme..)?.strip_prefix(b"://")?;
    if scheme < 2 || !rest.first()?.is_ascii_alphabetic() {
        return None;
    }
    let is_inside = |byte: u8| byte > b' ' && byte != 0x7f && !b"\"'<>`|".contains(&byte);
    let length = scheme + 3 + count(after, is_inside);
    let url = rest.get(..length)?;
    let trailing = url.iter().rev().take_while(|byte| b".,;:!?)]}".contains(byte)).count();
    let length = length - trailing;
    (length > scheme + 3).then_some(length)
}

/// `someone@example.com`.
pub fn email(rest: &[u8]) -> Option<usize> {
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
    let local = count(rest.get(..MAX_LOCAL + 1).unwrap_or(rest), is_local);
    let domain = rest.get(local..)?.strip_prefix(b"@")?;
    if local > MAX_LOCAL {
        return None;
    }
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let run = domain.get(..count(domain.get(..MAX_DOMAIN + 1).unwrap_or(domain), is_domain))?;
    // A placeholder behind it may have been more of the domain, which made it none.
    if domain.get(run.len()) == Some(&b'<') {
        return None;
    }
    let run = run.strip_suffix(b".").unwrap_or(run);
    let point = run.iter().rposition(|byte| *byte == b'.')?;
    let top = run.get(point + 1..)?;
    let is_host = point > 0 && run.len() <= MAX_DOMAIN && top.len() >= 2 && top.iter().all(u8::is_ascii_alphabetic);
    is_host.then_some(local + 1 + run.len())
}

/// An address of version 4 or 6, with its port or its prefix length.
pub fn ip(rest: &[u8], previous: u8) -> Option<usize> {
    let length = v4(rest).or_else(|| v6(rest).filter(|_| !matches!(previous, b':' | b'>')))?;
    let tail = rest.get(length..)?;
    let more = match tail.first() {
        Some(b':' | b'/') => count(tail.get(1..6).unwrap_or(tail.get(1..)?), |byte| byte.is_ascii_digit()),
        _ => 0,
    };
    let is_port = more > 0 && ends_at(tail, more + 1);
    Some(if is_port { length + 1 + more } else { length })
}

fn v4(rest: &[u8]) -> Option<usize> {
    let mut length = 0;
    for index in 0..4 {
        if index > 0 {
            (rest.get(length) == Some(&b'.')).then_some(())?;
            length += 1;
        }
        let digits = count(rest.get(length..)?.get(..4).unwrap_or(rest.get(length..)?), |byte| byte.is_ascii_digit());
        let number = std::str::from_utf8(rest.get(length..length + digits)?).ok()?.parse::<u16>().ok()?;
        (number <= 255).then_some(())?;
        length += digits;
    }
    // A fifth number makes it something else.
    let goes_on = rest.get(length) == Some(&b'.') && rest.get(length + 1).is_some_and(u8::is_ascii_digit);
    (!goes_on && ends_at(rest, length)).then_some(length)
}

/// Eight groups, or fewer with a `::` among them; a path such as `std::ffi` or `Fee::add()` is none.
fn v6(rest: &[u8]) -> Option<usize> {
    let is_inside = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let length = count(rest.get(..LONGEST_V6).unwrap_or(rest), is_inside);
    // A placeholder behind it may have been more of the same, which made it none.
    if length == LONGEST_V6 || rest.get(length) == Some(&b'<') {
        return None;
    }
    let text = std::str::from_utf8(rest.get(..length)?).ok()?;
    // What ends a sentence or stands before the next word is no part of it.
    let text = text.strip_suffix(['.', ':']).unwrap_or(text);
    let first = text.split(':').next().unwrap_or_default();
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let is_like_one = first.is_empty() || has_digit(first) || text.bytes().filter(|byte| *byte == b':').count() > 2;
    let is_called = matches!(rest.get(text.len()), Some(b'(' | b':'));
    let is_whole = ends_at(rest, text.len()) && !text.ends_with(':') && !is_called;
    (is_whole && is_like_one && has_digit(text) && text.parse::<std::net::Ipv6Addr>().is_ok()).then_some(text.len())
}
