//! JSON as Python's `json.loads` reads it, down to the message and position of its errors.
//!
//! The published server is a Python program, so its dialect is the format: `NaN` and `Infinity` are numbers, integers
//! have any number of digits, a lone surrogate is a character, and clients see where a body stopped being JSON. No Rust
//! library reads that dialect or words its errors. The document is a tree that borrows from the body.
//!
//! Where a batch must not be lost for one bad part of it, [`Scanner::lenient`] reads value after value and takes what
//! Python refuses: nesting without end, control characters in strings, integers of any length.

mod scanner;

use std::borrow::Cow;

pub(super) use self::scanner::Scanner;

/// Deepest nesting that is read; every JSON reader the records meet later (the usual limit is 128) can follow.
pub(super) const MAX_DEPTH: usize = 120;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    /// Its digits, of any number, with the sign.
    Int(&'a str),
    /// NaN and infinities included.
    Float(f64),
    Text(Cow<'a, str>),
    /// A list or object nested deeper than a lenient scanner follows, as it stands in the text.
    Deep(&'a str),
    List(Vec<Node<'a>>),
    /// In the order of first appearance, each key once.
    Dict(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// Why a text was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not JSON, as Python words it.
    Syntax {
        message: &'static str,
        /// Offset in bytes; always between two characters.
        at: usize,
    },
    /// It is JSON, but nested too deep or with too long a number.
    Excessive,
}

/// Reads one document and nothing after it.
pub(super) fn parse(text: &str) -> Result<Node<'_>, Fault> {
    let mut scanner = Scanner::strict(text);
    scanner.skip_space();
    let document = scanner.value(0)?;
    scanner.skip_space();
    match scanner.peek() {
        None => Ok(document),
        Some(_) => Err(scanner.fault("Extra data")),
    }
}

impl<'a> Node<'a> {
    /// The value of a key of an object.
    pub(super) fn get(&self, key: &str) -> Option<&Node<'a>> {
        let Node::Dict(pairs) = self else { return None };
        pairs.iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// Appends the value as compact JSON. Numbers JSON has no notation for become `null`, and integers beyond a double,
    /// for which other readers would refuse the whole document, become text.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Node::Null => out.push_str("null"),
            Node::Bool(true) => out.push_str("true"),
            Node::Bool(false) => out.push_str("false"),
            Node::Int("-0") => out.push('0'),
            Node::Int(digits) if fits_a_double(digits) => out.push_str(digits),
            Node::Int(digits) => write_text(digits, out),
            Node::Float(number) => out.push_str(&serde_json::Value::from(*number).to_string()),
            Node::Text(text) => write_text(text, out),
            Node::Deep(text) => write_text(text, out),
            Node::List(nodes) => write_all(('[', ']'), nodes, out, |node, out| node.write(out)),
            Node::Dict(pairs) => write_all(('{', '}'), pairs, out, |(key, node), out| {
                write_text(key, out);
                out.push(':');
                node.write(out);
            }),
        }
    }
}

fn fits_a_double(digits: &str) -> bool {
    const SURELY: usize = 300;
    digits.len() <= SURELY || digits.parse().is_ok_and(f64::is_finite)
}

fn write_all<T>((open, close): (char, char), items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

/// Appends a JSON string.
pub(super) fn write_text(text: &str, out: &mut String) {
    let plain = |byte: u8| byte > 0x1f && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
        return;
    }
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{scanner::MAX_DIGITS, *};

    fn compact(text: &str) -> String {
        let mut out = String::new();
        parse(text).expect("valid").write(&mut out);
        out
    }

    #[test]
    fn numbers_keep_their_digits_and_what_json_cannot_say_becomes_null() {
        let big = "9".repeat(31);
        assert_eq!(
            compact(&format!("[{big}, -0, -0.0, 1E5, NaN, -Infinity, 1e999]")),
            format!("[{big},0,-0.0,100000.0,null,null,null]")
        );
        assert_eq!(compact(&"9".repeat(400)), format!("\"{}\"", "9".repeat(400)));
        assert_eq!(parse(&"9".repeat(MAX_DIGITS + 1)), Err(Fault::Excessive));
    }

    #[test]
    fn of_a_repeated_key_the_last_value_stays_at_the_first_place() {
        assert_eq!(compact(r#"{"a":1,"b":2,"\u0061":{"c":3}}"#), r#"{"a":{"c":3},"b":2}"#);
        let many: String = (0..40).map(|number| format!("\"k{}\":{number},", number % 20)).collect();
        let text = format!("{{{many}\"k0\":true}}");
        let Ok(Node::Dict(pairs)) = parse(&text) else { panic!("an object") };
        assert_eq!(pairs.len(), 20);
        assert_eq!(pairs[0], ("k0".into(), Node::Bool(true)));
        assert_eq!(pairs[1], ("k1".into(), Node::Int("21")));
    }

    #[test]
    fn escapes_are_read_and_a_lone_surrogate_becomes_the_replacement_character() {
        assert_eq!(
            compact(r#"["\ud83d\ude00 \u2713 \/ \b", "\ud800", "\ud800\u0041", "\udc00x"]"#),
            "[\"😀 ✓ / \\b\",\"�\",\"�A\",\"�x\"]"
        );
    }

    #[test]
    fn nesting_is_read_to_its_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&nested(MAX_DEPTH + 1)), Err(Fault::Excessive));
        assert_eq!(parse(&"[".repeat(1_000_000)), Err(Fault::Excessive));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in r#"(["{}\[\]:,\\u0-9a-fE.+\- tnNI]|true|"a"|\\ud83d|é){0,40}"#) {
            if let Ok(node) = parse(&text) {
                let mut out = String::new();
                node.write(&mut out);
                prop_assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{}", out);
            }
        }

        #[test]
        fn what_serde_writes_reads_back_the_same(words in proptest::collection::vec(any::<(String, i64, f64)>(), 0..8)) {
            let text = serde_json::to_string(&words).expect("plain data");
            let mut out = String::new();
            parse(&text).expect("JSON").write(&mut out);
            prop_assert_eq!(out, text);
        }
    }
}
