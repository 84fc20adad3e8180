//! The values of a text, read one after the other.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::node::{Fault, MAX_DEPTH, Node};

/// Most digits of an integer Python reads.
pub(super) const MAX_DIGITS: usize = 4_300;

/// Reads values from a text, one after the other.
pub(in crate::decode) struct Scanner<'a> {
    text: &'a str,
    /// Offset of what is read next, in bytes; between two characters whenever a value was read, and to be left so.
    pub(in crate::decode) at: usize,
    /// How many characters were none, half surrogate pairs, and were replaced.
    replaced: u64,
    /// How much is forgiven; `None` for nothing that Python does not forgive.
    lenient: Option<Lenience>,
}

/// What bounds a lenient scanner instead of refusing.
struct Lenience {
    /// How many lists and objects within each other become a tree.
    depth: usize,
    /// How many values [`Scanner::value`] may still make.
    nodes: usize,
    /// Whether values were left out.
    is_cut: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner that refuses what Python refuses.
    pub(super) fn strict(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0, replaced: 0, lenient: None }
    }

    /// A scanner that refuses nothing for being too much: containers within more than `depth` others stay text, and
    /// once there are `nodes` values the rest of each list and object is passed over.
    pub(in crate::decode) fn lenient(text: &'a str, depth: usize, nodes: usize) -> Scanner<'a> {
        Scanner { text, at: 0, replaced: 0, lenient: Some(Lenience { depth, nodes, is_cut: false }) }
    }

    /// Allows a lenient scanner `nodes` values from now on.
    pub(in crate::decode) fn refill(&mut self, nodes: usize) {
        if let Some(lenience) = &mut self.lenient {
            (lenience.nodes, lenience.is_cut) = (nodes, false);
        }
    }

    /// How many values of the last refill are left, and whether some were left out for want of them.
    pub(in crate::decode) fn left(&self) -> (usize, bool) {
        self.lenient.as_ref().map_or((0, false), |lenience| (lenience.nodes, lenience.is_cut))
    }

    /// How many characters were replaced since this was asked last.
    pub(in crate::decode) fn take_replaced(&mut self) -> u64 {
        std::mem::take(&mut self.replaced)
    }

    /// Passes over one element of a list, well-formed or not, beginning at `start`: up to the comma or bracket that
    /// ends it. False when the text ends first.
    pub(in crate::decode) fn skip_element(&mut self, start: usize) -> bool {
        self.at = start;
        self.skip_to(0, |byte, open| open == 0 && matches!(byte, b',' | b']'))
    }

    /// Passes over what is left of a list or object, its end included; `start` is where a fault says it begins.
    fn skip_container(&mut self, start: usize) -> Result<(), Fault> {
        if !self.skip_to(1, |byte, open| open == 1 && matches!(byte, b'}' | b']')) {
            return Err(Fault::Syntax { message: "Unterminated value starting at", at: start });
        }
        self.at += 1;
        Ok(())
    }

    /// Goes to the first byte outside strings that `is_end` takes for one, given how many lists and objects are open
    /// there; `open` are around this place. False when the text ends first.
    fn skip_to(&mut self, mut open: usize, is_end: impl Fn(u8, usize) -> bool) -> bool {
        while let Some(byte) = self.peek() {
            match byte {
                _ if is_end(byte, open) => return true,
                b'"' if self.skip_string() => continue,
                b'"' => return false,
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        false
    }

    /// Passes over a string that begins here; false when the text ends first.
    fn skip_string(&mut self) -> bool {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return true;
            }
        }
        false
    }

    /// Reads a list or object as text.
    fn deep(&mut self) -> Result<Node<'a>, Fault> {
        let start = self.at;
        self.at += 1;
        self.skip_container(start)?;
        Ok(Node::Deep(self.text.get(start..self.at).unwrap_or_default()))
    }

    /// Takes one value from what a lenient scanner may make; false when nothing is left.
    fn spend(&mut self) -> bool {
        let Some(lenience) = &mut self.lenient else { return true };
        lenience.is_cut |= lenience.nodes == 0;
        lenience.nodes = lenience.nodes.saturating_sub(1);
        !lenience.is_cut
    }

    /// The next byte; `None` at the end.
    pub(in crate::decode) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// A fault at this place.
    pub(in crate::decode) fn fault(&self, message: &'static str) -> Fault {
        Fault::Syntax { message, at: self.at }
    }

    /// Passes over white space.
    pub(in crate::decode) fn skip_space(&mut self) {
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
    pub(in crate::decode) fn value(&mut self, depth: usize) -> Result<Node<'a>, Fault> {
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
        let known = WORDS.into_iter().find(|(word, _)| self.rest().starts_with(word));
        let (word, node) = known.ok_or_else(|| self.fault("Expecting value"))?;
        self.at += word.len();
        Ok(node)
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

    /// Passes over a fraction; a dot counts only with a digit behind it.
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
        let mut nodes = Vec::new();
        self.elements(b']', |scanner| {
            nodes.push(scanner.value(depth)?);
            Ok(())
        })?;
        Ok(Node::List(nodes))
    }

    fn dict(&mut self, depth: usize) -> Result<Node<'a>, Fault> {
        let mut pairs = Vec::new();
        self.elements(b'}', |scanner| {
            if scanner.peek() != Some(b'"') {
                return Err(scanner.fault("Expecting property name enclosed in double quotes"));
            }
            let key = scanner.string()?;
            scanner.skip_space();
            if scanner.peek() != Some(b':') {
                return Err(scanner.fault("Expecting ':' delimiter"));
            }
            scanner.at += 1;
            scanner.skip_space();
            pairs.push((key, scanner.value(depth)?));
            Ok(())
        })?;
        Ok(Node::Dict(without_repeated_keys(pairs)))
    }

    /// Reads a list or object up to its end, calling `read` where an element begins. Elements that a lenient scanner may
    /// make no values of are passed over.
    fn elements(&mut self, end: u8, mut read: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        while self.spend() {
            read(self)?;
            if self.ends_with(end)? {
                return Ok(());
            }
        }
        self.skip_container(self.at)
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
        let first = self.code_unit()?;
        let after_first = self.at;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            self.at += 1;
            if let Some(Ok(joined)) = char::decode_utf16([first, self.code_unit()?]).next() {
                return Ok(joined);
            }
            self.at = after_first;
        }
        let character = char::from_u32(first.into());
        self.replaced += u64::from(character.is_none());
        Ok(character.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// Four hex digits behind the `u`; a string cannot end right behind them.
    fn code_unit(&mut self) -> Result<u16, Fault> {
        let bad = self.fault("Invalid \\uXXXX escape");
        let digits = self.text.get(self.at + 1..self.at + 5).ok_or(bad)?;
        if self.at + 5 >= self.text.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(bad);
        }
        self.at += 5;
        u16::from_str_radix(digits, 16).map_err(|_| bad)
    }
}

/// Of a repeated key the last value stays, at the place of the first, as in a Python dictionary.
fn without_repeated_keys<'a>(pairs: Vec<(Cow<'a, str>, Node<'a>)>) -> Vec<(Cow<'a, str>, Node<'a>)> {
    const FEW: usize = 16;
    let is_repeated =
        |(place, (key, _)): (usize, &(Cow<'a, str>, Node<'a>))| pairs.iter().take(place).any(|(known, _)| known == key);
    if pairs.len() <= FEW && !pairs.iter().enumerate().any(is_repeated) {
        return pairs;
    }
    // Hashed at random by default, because the keys come from outside.
    pairs.into_iter().collect::<IndexMap<_, _>>().into_iter().collect()
}
