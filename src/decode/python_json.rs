//! JSON as Python's `json.loads` reads it, down to the message and position of its errors.
//!
//! The published server is a Python program, so its dialect is the format: `NaN` and `Infinity` are numbers, integers
//! have any number of digits, a lone surrogate is a character, and clients see where a body stopped being JSON. No Rust
//! library reads that dialect or words its errors. The document is a tree that borrows from the body.
//!
//! Where a batch must not be lost for one bad part of it, [`Scanner::lenient`] reads value after value and takes what
//! Python refuses: nesting without end, control characters in strings, integers of any length.

use std::{borrow::Cow, collections::HashMap};

/// Deepest nesting that is read; every JSON reader the records meet later (the usual limit is 128) can follow.
pub(super) const MAX_DEPTH: usize = 120;

/// Most digits of an integer Python reads.
const MAX_DIGITS: usize = 4_300;

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
    let mut scanner = Scanner { text, at: 0, lenient: None };
    scanner.skip_space();
    let document = scanner.value(0)?;
    scanner.skip_space();
    match scanner.peek() {
        None => Ok(document),
        Some(_) => Err(scanner.fault("Extra data")),
    }
}

/// Reads values from a text, one after the other.
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Offset of what is read next; between two characters whenever a value was read.
    at: usize,
    /// How much is forgiven; `None` for nothing that Python does not forgive.
    lenient: Option<Lenience>,
}

/// What bounds a lenient scanner instead of refusing.
struct Lenience {
    /// How many lists and objects within each other become a tree.
    depth: usize,
    /// How many values [`Scanner::value`] may still make.
    nodes: usize,
    /// Whether some were left out.
    is_cut: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner that refuses nothing for being too much: containers within more than `depth` others stay text, and
    /// once there are `nodes` values the rest of each list and object is passed over.
    pub(super) fn lenient(text: &'a str, depth: usize, nodes: usize) -> Scanner<'a> {
        Scanner { text, at: 0, lenient: Some(Lenience { depth, nodes, is_cut: false }) }
    }

    /// Offset of what is read next, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Passes over the byte that [`Scanner::peek`] showed, which must be ASCII.
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    /// Allows a lenient scanner `nodes` values from now on.
    pub(super) fn refill(&mut self, nodes: usize) {
        if let Some(lenience) = &mut self.lenient {
            (lenience.nodes, lenience.is_cut) = (nodes, false);
        }
    }

    /// How many values of the last refill are left, and whether some were left out for want of them.
    pub(super) fn left(&self) -> (usize, bool) {
        self.lenient.as_ref().map_or((0, false), |lenience| (lenience.nodes, lenience.is_cut))
    }

    /// Passes over one element of a list, well-formed or not, beginning at `start`: up to the comma or bracket that
    /// ends it. False when the text ends first.
    pub(super) fn skip_element(&mut self, start: usize) -> bool {
        self.at = start;
        let mut open = 0_usize;
        loop {
            match self.peek() {
                None => return false,
                Some(b',' | b']') if open == 0 => return true,
                Some(b'{' | b'[') => open += 1,
                Some(b'}' | b']') => open = open.saturating_sub(1),
                Some(b'"') => {
                    if !self.skip_string() {
                        return false;
                    }
                    continue;
                }
                Some(_) => {}
            }
            self.at += 1;
        }
    }

    /// Passes over what is left of a list or object, its end included; false when the text ends first.
    fn skip_container(&mut self) -> bool {
        let mut open = 1_usize;
        while open > 0 {
            match self.peek() {
                None => return false,
                Some(b'{' | b'[') => open += 1,
                Some(b'}' | b']') => open -= 1,
                Some(b'"') => {
                    if !self.skip_string() {
                        return false;
                    }
                    continue;
                }
                Some(_) => {}
            }
            self.at += 1;
        }
        true
    }

    /// Passes over a string that begins here; false when the text ends first.
    fn skip_string(&mut self) -> bool {
        self.at += 1;
        loop {
            match self.peek() {
                None => return false,
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        true
    }

    /// A list or object as text.
    fn deep(&mut self) -> Result<Node<'a>, Fault> {
        let start = self.at;
        self.at += 1;
        match self.skip_container() {
            true => Ok(Node::Deep(self.text.get(start..self.at).unwrap_or_default())),
            false => Err(Fault::Syntax { message: "Unterminated value starting at", at: start }),
        }
    }

    /// Takes one value from what a lenient scanner may make; false when nothing is left.
    fn spend(&mut self) -> bool {
        match &mut self.lenient {
            None => true,
            Some(lenience) if lenience.nodes == 0 => {
                lenience.is_cut = true;
                false
            }
            Some(lenience) => {
                lenience.nodes -= 1;
                true
            }
        }
    }

    /// The next byte; `None` at the end.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// A fault at this place.
    pub(super) fn fault(&self, message: &'static str) -> Fault {
        Fault::Syntax { message, at: self.at }
    }

    /// Passes over white space.
    pub(super) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn skip_digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    /// The value that begins here; `depth` is how many lists and objects are open around it.
    pub(super) fn value(&mut self, depth: usize) -> Result<Node<'a>, Fault> {
        match (self.peek(), &self.lenient) {
            (Some(b'{' | b'['), Some(lenience)) if depth >= lenience.depth => return self.deep(),
            (Some(b'{' | b'['), None) if depth >= MAX_DEPTH => return Err(Fault::Excessive),
            _ => {}
        }
        match self.peek() {
            Some(b'"') => self.string().map(Node::Text),
            Some(b'{') => self.dict(depth + 1),
            Some(b'[') => self.list(depth + 1),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Node<'a>, Fault> {
        const WORDS: [(&str, Node<'static>); 6] = [
            ("null", Node::Null),
            ("true", Node::Bool(true)),
            ("false", Node::Bool(false)),
            ("NaN", Node::Float(f64::NAN)),
            ("Infinity", Node::Float(f64::INFINITY)),
            ("-Infinity", Node::Float(f64::NEG_INFINITY)),
        ];
        for (word, node) in WORDS {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(node);
            }
        }
        Err(self.fault("Expecting value"))
    }

    fn number(&mut self) -> Result<Node<'a>, Fault> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let digits = self.at;
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => {
                self.at = start;
                return self.word();
            }
        }
        let digits = self.at - digits;
        let is_float = self.fraction() | self.exponent();
        let literal = self.text.get(start..self.at).unwrap_or_default();
        match is_float {
            true => literal.parse().map(Node::Float).map_err(|_| self.fault("Expecting value")),
            false if digits > MAX_DIGITS && self.lenient.is_none() => Err(Fault::Excessive),
            false => Ok(Node::Int(literal)),
        }
    }

    /// A dot counts only with a digit behind it.
    fn fraction(&mut self) -> bool {
        let start = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.skip_digits();
        }
        self.keep_if(start, self.at > start + 1)
    }

    fn exponent(&mut self) -> bool {
        let start = self.at;
        if !matches!(self.peek(), Some(b'e' | b'E')) {
            return false;
        }
        self.at += 1;
        self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
        let digits = self.at;
        self.skip_digits();
        self.keep_if(start, self.at > digits)
    }

    fn keep_if(&mut self, start: usize, keep: bool) -> bool {
        if !keep {
            self.at = start;
        }
        keep
    }

    fn list(&mut self, depth: usize) -> Result<Node<'a>, Fault> {
        self.at += 1;
        self.skip_space();
        let mut nodes = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Node::List(nodes));
        }
        loop {
            if !self.spend() {
                return self.rest_is_cut(Node::List(nodes));
            }
            nodes.push(self.value(depth)?);
            if self.ends_with(b']')? {
                return Ok(Node::List(nodes));
            }
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Node<'a>, Fault> {
        self.at += 1;
        self.skip_space();
        let mut pairs = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Node::Dict(pairs));
        }
        loop {
            if !self.spend() {
                return self.rest_is_cut(Node::Dict(without_repeated_keys(pairs)));
            }
            if self.peek() != Some(b'"') {
                return Err(self.fault("Expecting property name enclosed in double quotes"));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.fault("Expecting ':' delimiter"));
            }
            self.at += 1;
            self.skip_space();
            pairs.push((key, self.value(depth)?));
            if self.ends_with(b'}')? {
                return Ok(Node::Dict(without_repeated_keys(pairs)));
            }
        }
    }

    /// A list or object whose other elements are passed over.
    fn rest_is_cut(&mut self, container: Node<'a>) -> Result<Node<'a>, Fault> {
        let start = self.at;
        match self.skip_container() {
            true => Ok(container),
            false => Err(Fault::Syntax { message: "Unterminated value starting at", at: start }),
        }
    }

    /// Whether `closing` or a comma follows an element.
    fn ends_with(&mut self, closing: u8) -> Result<bool, Fault> {
        self.skip_space();
        let next = self.peek();
        if next != Some(closing) && next != Some(b',') {
            return Err(self.fault("Expecting ',' delimiter"));
        }
        self.at += 1;
        if next == Some(b',') {
            self.skip_space();
        }
        Ok(next == Some(closing))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        let quote = self.at;
        self.at += 1;
        let unterminated = Fault::Syntax { message: "Unterminated string starting at", at: quote };
        let mut decoded = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte != b'"' && byte != b'\\' && byte > 0x1f) {
                self.at += 1;
            }
            let run = self.text.get(start..self.at).unwrap_or_default();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    if start == quote + 1 {
                        return Ok(Cow::Borrowed(run));
                    }
                    decoded.push_str(run);
                    return Ok(Cow::Owned(decoded));
                }
                Some(b'\\') => {
                    decoded.push_str(run);
                    decoded.push(self.escape(unterminated)?);
                }
                Some(control) if self.lenient.is_some() => {
                    decoded.push_str(run);
                    decoded.push(char::from(control));
                    self.at += 1;
                }
                Some(_) => return Err(self.fault("Invalid control character at")),
                None => return Err(unterminated),
            }
        }
    }

    fn escape(&mut self, unterminated: Fault) -> Result<char, Fault> {
        let backslash = self.at;
        self.at += 1;
        let escaped = match self.peek().ok_or(unterminated)? {
            b'u' => return self.unicode_escape(),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            same @ (b'"' | b'\\' | b'/') => char::from(same),
            _ => return Err(Fault::Syntax { message: "Invalid \\escape", at: backslash }),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// A character of one escape or of a surrogate pair of two. A lone surrogate, which Python keeps but neither its
    /// database nor its answers can hold, becomes the replacement character.
    fn unicode_escape(&mut self) -> Result<char, Fault> {
        let high = self.code_unit()?;
        if !(0xd800..0xdc00).contains(&high) || !self.rest().starts_with("\\u") {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let after_high = self.at;
        self.at += 1;
        let low = self.code_unit()?;
        if (0xdc00..0xe000).contains(&low) {
            let joined = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = after_high;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    /// Four hex digits behind the `u`; a string cannot end right behind them.
    fn code_unit(&mut self) -> Result<u32, Fault> {
        let bad = self.fault("Invalid \\uXXXX escape");
        let digits = self.text.get(self.at + 1..self.at + 5).ok_or(bad)?;
        if self.at + 5 >= self.text.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(bad);
        }
        self.at += 5;
        u32::from_str_radix(digits, 16).map_err(|_| bad)
    }
}

/// Of a repeated key the last value stays, at the place of the first, as in a Python dictionary.
fn without_repeated_keys<'a>(pairs: Vec<(Cow<'a, str>, Node<'a>)>) -> Vec<(Cow<'a, str>, Node<'a>)> {
    const FEW: usize = 16;
    let repeated = match pairs.len() <= FEW {
        true => {
            pairs.iter().enumerate().any(|(index, (key, _))| pairs.iter().take(index).any(|(known, _)| known == key))
        }
        false => true,
    };
    if !repeated {
        return pairs;
    }
    // Keyed at random by default, because the keys come from outside.
    let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
    let mut kept: Vec<(Cow<'a, str>, Node<'a>)> = Vec::with_capacity(pairs.len());
    for (key, node) in pairs {
        let place = *places.entry(key.clone()).or_insert(kept.len());
        match kept.get_mut(place) {
            Some((_, value)) => *value = node,
            None => kept.push((key, node)),
        }
    }
    kept
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

    use super::*;

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
