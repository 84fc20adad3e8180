//! Patterns that are looked for in text: regular expressions, and globs made into such. Looking takes time in proportion
//! to the text, whatever the pattern, and a pattern has a size it may not exceed.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// Most bytes a pattern may take when it is made ready.
const MOST_BYTES: usize = 1 << 20;
/// Deepest nesting of groups in a pattern.
const MOST_NESTED: u32 = 50;

/// A pattern made ready; two are equal when they were written alike.
#[derive(Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// A regular expression.
    ///
    /// # Errors
    /// Why it is none, in one clause.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let mut builder = RegexBuilder::new(text);
        builder.size_limit(MOST_BYTES).dfa_size_limit(MOST_BYTES).nest_limit(MOST_NESTED);
        builder.build().map(Pattern).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
            error => {
                // The last line says what is wrong, those before it draw where.
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                format!("the regular expression is broken: {reason}")
            }
        })
    }

    /// A whole text in which `*` stands for any part.
    ///
    /// # Errors
    /// The glob is too long.
    pub fn glob(text: &str) -> Result<Pattern, String> {
        let parts: Vec<String> = text.split('*').map(regex::escape).collect();
        Pattern::parse(&format!("(?s)^{}$", parts.join(".*")))
    }

    /// Whether the pattern stands in a text.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.0.as_str())
    }
}
