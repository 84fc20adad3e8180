//! Reading single lines of stack traces: the pieces several languages have in common.

use std::borrow::Cow;

/// Longer traces lose their middle: this much of the beginning and as much of the end stays.
const HALF_BYTES: usize = 128 << 10;

/// A place in a source file, as printed; what was not printed is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place<'a> {
    /// The file.
    pub file: &'a str,
    /// The line in the file, in digits.
    pub line: &'a str,
    /// The column in the line, in digits.
    pub column: &'a str,
}

impl<'a> Place<'a> {
    /// Splits `text:12:34` or `text:12`; a text without numbers is a file alone.
    pub fn split(text: &'a str) -> Place<'a> {
        let Some((rest, last)) = number_at_end(text) else { return Place::new(text, "") };
        match number_at_end(rest) {
            Some((file, line)) => Place { file, line, column: last },
            None => Place::new(rest, last),
        }
    }

    /// A place without a column.
    pub fn new(file: &'a str, line: &'a str) -> Place<'a> {
        Place { file, line, column: "" }
    }
}

/// Splits at the first mark, like `str::split_once`, which prepares its search for texts longer than lines are.
pub fn split_once<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let first = *mark.as_bytes().first()?;
    let mut from = 0;
    loop {
        let at = from + text.as_bytes().get(from..)?.iter().position(|byte| *byte == first)?;
        match text.get(at..).and_then(|rest| rest.strip_prefix(mark)) {
            Some(rest) => return Some((text.get(..at)?, rest)),
            None => from = at + 1,
        }
    }
}

/// Splits at the last mark, like `str::rsplit_once`, which prepares its search for texts longer than lines are.
pub fn rsplit_once<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let last = *mark.as_bytes().last()?;
    let mut to = text.len();
    loop {
        let at = text.as_bytes().get(..to)?.iter().rposition(|byte| *byte == last)?;
        match text.get(..=at).and_then(|rest| rest.strip_suffix(mark)) {
            Some(rest) => return Some((rest, text.get(at + 1..)?)),
            None => to = at,
        }
    }
}

/// Whether a text starts with one of many, of which hardly any has its first byte.
pub fn starts_with_any(text: &str, starts: &[&str]) -> bool {
    let first = text.as_bytes().first();
    starts.iter().any(|start| start.as_bytes().first() == first && text.starts_with(start))
}

/// `a:12` is `a` and `12`.
pub fn number_at_end(text: &str) -> Option<(&str, &str)> {
    let (rest, digits) = text.rsplit_once(':')?;
    is_number(digits).then_some((rest, digits))
}

/// One to nine digits.
pub fn is_number(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits `pkg.Error: message` or a bare `pkg.Error`; `None` when the line does not begin like that.
pub fn header(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (kind, message) = match split_once(line, ": ") {
        Some((kind, message)) => (kind, message),
        None => (line.strip_suffix(':').unwrap_or(line), ""),
    };
    is_type(kind).then_some((kind, message.trim()))
}

/// Whether a text can be the name of a type: words joined by `.`, `::`, `\`, `$` and the like.
pub fn is_type(text: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_.:$\\`".contains(&byte);
    text.len() <= 256
        && text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '\\')
        && !text.ends_with([':', '.'])
        && text.bytes().all(is_inside)
        && text.split("::").all(|part| !part.contains(':'))
}

/// Whether the name of a type says that it is an error.
pub fn is_error_type(text: &str) -> bool {
    const ENDS: [&str; 8] = ["Error", "Exception", "Warning", "Throwable", "Exit", "Interrupt", "Fault", "Failure"];
    is_type(text) && ENDS.iter().any(|end| text.ends_with(end))
}

/// Adds a text without what stands in brackets of these kinds. The arrow of a function's type closes none.
pub fn push_without_brackets(text: &str, opening: &[char], closing: &[char], into: &mut String) {
    let mut depth = 0usize;
    let mut previous = ' ';
    for c in text.chars() {
        if opening.contains(&c) {
            depth += 1;
        } else if closing.contains(&c) {
            depth = depth.saturating_sub(usize::from((previous, c) != ('-', '>')));
        } else if depth == 0 {
            into.push(c);
        }
        previous = c;
    }
}

/// Cuts the middle out of a text that is too long.
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= 2 * HALF_BYTES {
        return Cow::Borrowed(text);
    }
    let tail = text.get(text.ceil_char_boundary(text.len() - HALF_BYTES)..).unwrap_or_default();
    let whole_lines = tail.split_once('\n').map_or("", |(_, whole_lines)| whole_lines);
    Cow::Owned(format!("{}\n{whole_lines}", head(text, HALF_BYTES)))
}

/// At most this many bytes of a text.
pub fn head(text: &str, most_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(most_bytes)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_are_split_where_the_standard_library_splits_them(text in "[ab:, é]{0,40}", mark in "[ab:, ]{1,3}") {
            prop_assert_eq!(split_once(&text, &mark), text.split_once(mark.as_str()));
            prop_assert_eq!(rsplit_once(&text, &mark), text.rsplit_once(mark.as_str()));
        }
    }
}
