//! A place among the tokens of a query, with what all its parsers share: errors at a column, and limits on what a
//! client may send.

use super::token::{Placed, Token, tokens};
use crate::model::filter::error::{FilterError, MOST_NESTED, MOST_TERMS};

/// Most regular expressions, which take more memory than anything else.
const MOST_PATTERNS: usize = 50;
/// Most sums and products, which lie in each other, and most spansets.
const MOST_LINKS: usize = 200;

/// A place among tokens.
pub struct Cursor<'t> {
    text: &'t str,
    tokens: Vec<Placed>,
    place: usize,
    terms: usize,
    links: usize,
    patterns: usize,
    depth: usize,
}

impl<'t> Cursor<'t> {
    /// The beginning of a text.
    ///
    /// # Errors
    /// The text is too long, or cannot be cut into tokens.
    pub fn new(text: &'t str) -> Result<Cursor<'t>, FilterError> {
        FilterError::refuse_length(text)?;
        Ok(Cursor { text, tokens: tokens(text)?, place: 0, terms: 0, links: 0, patterns: 0, depth: 0 })
    }

    /// The token that comes next.
    pub fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place).map(|placed| &placed.token)
    }

    /// The token after the next one.
    pub fn peek_second(&self) -> Option<&Token> {
        self.tokens.get(self.place + 1).map(|placed| &placed.token)
    }

    /// Takes the next token.
    pub fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.place += 1;
        token
    }

    /// Where the next token begins, in bytes.
    pub fn at(&self) -> usize {
        self.tokens.get(self.place).map_or(self.text.len(), |placed| placed.at)
    }

    /// The symbol that comes next; empty when none does.
    pub fn symbol(&self) -> &'static str {
        match self.peek() {
            Some(Token::Symbol(symbol)) => symbol,
            _ => "",
        }
    }

    /// The word that comes next; empty when none does.
    pub fn word(&self) -> &str {
        match self.peek() {
            Some(Token::Word(word)) => word,
            _ => "",
        }
    }

    /// Takes a symbol if it comes next.
    pub fn take(&mut self, symbol: &str) -> bool {
        let is_there = self.symbol() == symbol;
        self.place += usize::from(is_there);
        is_there
    }

    /// Takes a symbol that has to come next.
    ///
    /// # Errors
    /// It does not.
    pub fn take_required(&mut self, symbol: &str, why: &str) -> Result<(), FilterError> {
        if self.take(symbol) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{symbol}` {why}")))
    }

    /// What is said where something else was expected.
    pub fn unexpected(&self, wanted: &str) -> FilterError {
        let found = self.peek().map_or("the end".to_owned(), Token::named);
        self.error(format!("expected {wanted} here, not {found}"))
    }

    /// A fault at the next token.
    pub fn error(&self, reason: impl Into<String>) -> FilterError {
        self.error_at(self.at(), reason)
    }

    /// A fault at a place in bytes.
    pub fn error_at(&self, at: usize, reason: impl Into<String>) -> FilterError {
        FilterError::new(self.text, at, reason)
    }

    /// Goes one level deeper; [`Cursor::leave`] comes back.
    ///
    /// # Errors
    /// It is too deep.
    pub fn enter(&mut self) -> Result<(), FilterError> {
        self.depth += 1;
        match self.depth > MOST_NESTED {
            true => Err(self.error(format!("the query is nested deeper than {MOST_NESTED} levels"))),
            false => Ok(()),
        }
    }

    /// Comes back from a level.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Counts a value.
    ///
    /// # Errors
    /// There are too many.
    pub fn count_term(&mut self) -> Result<(), FilterError> {
        self.terms += 1;
        self.refuse_more(self.terms, MOST_TERMS, "values")
    }

    /// Counts what lies in something else of its kind.
    ///
    /// # Errors
    /// There are too many.
    pub fn count_link(&mut self) -> Result<(), FilterError> {
        self.links += 1;
        self.refuse_more(self.links, MOST_LINKS, "spansets, sums and products")
    }

    /// Counts a regular expression.
    ///
    /// # Errors
    /// There are too many.
    pub fn count_pattern(&mut self) -> Result<(), FilterError> {
        self.patterns += 1;
        self.refuse_more(self.patterns, MOST_PATTERNS, "regular expressions")
    }

    fn refuse_more(&self, count: usize, most: usize, what: &str) -> Result<(), FilterError> {
        match count > most {
            true => Err(self.error(format!("the query has more than {most} {what}"))),
            false => Ok(()),
        }
    }
}
