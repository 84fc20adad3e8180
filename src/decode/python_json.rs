//! JSON as Python's `json.loads` reads it, down to the message and position of its errors.
//!
//! The published server is a Python program, so its dialect is the format: `NaN` and `Infinity` are numbers, integers
//! have any number of digits, a lone surrogate is a character, and clients see where a body stopped being JSON. No Rust
//! library reads that dialect or words its errors. The document is a tree that borrows from the body.
//!
//! Where a batch must not be lost for one bad part of it, [`Scanner::lenient`] reads value after value and takes what
//! Python refuses: nesting without end, control characters in strings, integers of any length.

mod node;
mod scanner;

pub(super) use self::node::{Fault, Node};
pub(super) use self::scanner::Scanner;

/// Reads one document and nothing after it.
pub(super) fn parse(text: &str) -> Result<Node<'_>, Fault> {
    parse_counting(text).map(|(document, _)| document)
}

/// Reads one document and nothing after it; also says how many of its characters were none and were replaced.
pub(super) fn parse_counting(text: &str) -> Result<(Node<'_>, u64), Fault> {
    let mut scanner = Scanner::strict(text);
    scanner.skip_space();
    let document = scanner.value(0)?;
    scanner.skip_space();
    match scanner.peek() {
        None => Ok((document, scanner.take_replaced())),
        Some(_) => Err(scanner.fault("Extra data")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{node::MAX_DEPTH, scanner::MAX_DIGITS, *};

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
