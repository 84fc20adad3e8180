//! Cuts TraceQL into tokens: what a number, a text, an attribute and an operator look like, each with its place.
//!
//! What tokens mean beside each other is the parsers' business.

use crate::model::filter::error::FilterError;
use crate::model::filter::field::Scope;

/// A token of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// An operator or a bracket.
    Symbol(&'static str),
    /// A word: `name`, `span:status`, `count`, `true`.
    Word(String),
    /// An attribute: `.key`, `span.key`, `parent.resource.key`.
    Attribute {
        /// Whether the span's parent is meant.
        of_parent: bool,
        /// Where the attribute stands; `None` is anywhere.
        scope: Option<Scope>,
        /// The key.
        key: String,
    },
    /// A text in quotes.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A length of time, in nanoseconds.
    Duration(i64),
}

/// A token and where it begins, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The token.
    pub token: Token,
    /// Its first byte.
    pub at: usize,
}

/// Symbols, longer ones first.
const SYMBOLS: [&str; 35] = [
    "&>>", "&<<", "!>>", "!<<", "&&", "||", "&>", "&<", "&~", "!>", "!<", "!=", "!~", "=~", ">>", "<<", ">=", "<=",
    "=", ">", "<", "~", "!", "+", "-", "*", "/", "%", "^", "|", "(", ")", "{", "}", ",",
];

/// Scopes as they are written before an attribute.
const SCOPES: [(&str, Scope); 5] = [
    ("span", Scope::Span),
    ("resource", Scope::Resource),
    ("event", Scope::Event),
    ("link", Scope::Link),
    ("instrumentation", Scope::Scope),
];

/// Units of time in nanoseconds, longer names first.
const UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3_600e9), ("d", 86_400e9)];

/// Cuts a text into its tokens.
///
/// # Errors
/// The first place where no token begins, or one that does not end.
pub fn tokens(text: &str) -> Result<Vec<Placed>, FilterError> {
    let mut reader = Reader { text, at: 0 };
    let mut found = Vec::new();
    loop {
        reader.at = text.len() - reader.rest().trim_start().len();
        let at = reader.at;
        let Some(first) = reader.rest().chars().next() else { return Ok(found) };
        let token = match first {
            '"' | '`' => Token::Text(reader.quoted(true)?),
            '.' if reader.rest().get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) => {
                reader.number()?
            }
            '.' => reader.attribute(false, None)?,
            c if c.is_ascii_digit() => reader.number()?,
            c if c.is_alphabetic() || c == '_' => reader.word()?,
            c => {
                let symbol = SYMBOLS.into_iter().find(|symbol| reader.rest().starts_with(symbol));
                let Some(symbol) = symbol else {
                    return Err(FilterError::new(text, at, format!("`{c}` means nothing here")));
                };
                reader.at += symbol.len();
                Token::Symbol(symbol)
            }
        };
        found.push(Placed { token, at });
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The characters from here on that belong.
    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn word(&mut self) -> Result<Token, FilterError> {
        let word = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':'));
        if !self.rest().starts_with('.') {
            return Ok(Token::Word(word.to_owned()));
        }
        let scope_of = |word: &str| SCOPES.into_iter().find(|(name, _)| *name == word).map(|(_, scope)| scope);
        if word == "parent" {
            for (name, scope) in SCOPES {
                let after = self.rest().get(1..).and_then(|rest| rest.strip_prefix(name));
                if after.is_some_and(|rest| rest.starts_with('.')) {
                    self.at += 1 + name.len();
                    return self.attribute(true, Some(scope));
                }
            }
            return self.attribute(true, None);
        }
        match scope_of(word) {
            Some(scope) => self.attribute(false, Some(scope)),
            // Which fields there are is known further up; the attribute behind it is a token of its own.
            None => Ok(Token::Word(word.to_owned())),
        }
    }

    /// An attribute from its dot on; parts of the key may stand in quotes.
    fn attribute(&mut self, of_parent: bool, scope: Option<Scope>) -> Result<Token, FilterError> {
        let dot = self.at;
        self.at += 1;
        let mut key = String::new();
        loop {
            let plain = self.take_while(|c| !c.is_whitespace() && !"{}()=~!<>&|^,\"`".contains(c));
            key.push_str(plain);
            if self.rest().starts_with('"') {
                key.push_str(&self.quoted(false)?);
            } else if key.is_empty() {
                return Err(FilterError::new(self.text, dot + 1, "expected the key of an attribute after the dot"));
            } else {
                return Ok(Token::Attribute { of_parent, scope, key });
            }
        }
    }

    /// Text in quotes. In backquotes nothing is escaped; of texts, `\n` and `\t` are what they usually are.
    fn quoted(&mut self, is_value: bool) -> Result<String, FilterError> {
        let start = self.at;
        let mut text = String::new();
        let mut rest = self.rest().char_indices();
        let quote = rest.next().map_or('"', |(_, quote)| quote);
        while let Some((place, c)) = rest.next() {
            match c {
                c if c == quote => {
                    self.at = start + place + c.len_utf8();
                    return Ok(text);
                }
                '\\' if quote == '"' => match rest.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    Some((_, 'n')) if is_value => text.push('\n'),
                    Some((_, 't')) if is_value => text.push('\t'),
                    Some((_, escaped)) => text.extend(['\\', escaped]),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(FilterError::new(self.text, start, "this quote is not closed"))
    }

    fn number(&mut self) -> Result<Token, FilterError> {
        let start = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit() || c == '.');
        let broken = |at: usize, reason: String| Err(FilterError::new(self.text, at, reason));
        let Ok(number) = digits.parse::<f64>() else {
            return broken(start, format!("`{}` is no number", shortened(digits)));
        };
        if !self.rest().starts_with(|c: char| c.is_alphabetic()) {
            return match (digits.contains('.'), digits.parse()) {
                (true, _) => Ok(Token::Float(number)),
                (false, Ok(whole)) => Ok(Token::Int(whole)),
                (false, Err(_)) => broken(start, format!("`{}` is a number beyond 64 bits", shortened(digits))),
            };
        }
        let (mut nanos, mut number) = (0.0, number);
        loop {
            let unit_at = self.at;
            let unit = self.take_while(char::is_alphabetic);
            let Some((_, length)) = UNITS.into_iter().find(|(name, _)| *name == unit) else {
                let error = FilterError::new(self.text, unit_at, format!("`{}` is no unit of time", shortened(unit)));
                return Err(error.hint("units are ns, us, ms, s, m, h and d"));
            };
            nanos += number * length;
            let digits = self.take_while(|c| c.is_ascii_digit() || c == '.');
            if digits.is_empty() {
                break;
            }
            let Ok(next) = digits.parse() else {
                return Err(FilterError::new(self.text, start, "this is no length of time"));
            };
            number = next;
        }
        // All of 64 bits but the last thousand nanoseconds or so, which a double cannot tell from one too many.
        if nanos >= i64::MAX as f64 {
            return Err(FilterError::new(self.text, start, "this length of time is beyond 64 bits of nanoseconds"));
        }
        Ok(Token::Duration(nanos.round() as i64))
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Token {
    /// The token as an error names it.
    pub fn named(&self) -> String {
        match self {
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::Word(word) => format!("`{}`", shortened(word)),
            Token::Attribute { key, .. } => format!("the attribute `{}`", shortened(key)),
            Token::Text(_) => "a text".to_owned(),
            Token::Int(_) | Token::Float(_) => "a number".to_owned(),
            Token::Duration(_) => "a length of time".to_owned(),
        }
    }
}
