//! Reads filters as people type them: words, `key=value`, `OR`, `!`, parentheses.
//!
//! A text is read once, from its beginning to its end, and may hold so much and no more ([`MOST_TERMS`],
//! [`MOST_NESTED`]), so that whatever a client sends costs little. What a value means follows from its field, which
//! `reading` decides.

use super::error::{FilterError, MOST_NESTED, MOST_TERMS};
use super::field::{Field, Intrinsic, Scope};
use super::operand::Operand;
use super::pattern::Pattern;
use super::reading::{Clock, Written, read_operand, refuse_pattern};
use super::traceql::TraceQl;
use super::tree::{Expression, Operator, SoughtText, Term};
use crate::model::SavedFilter;
use crate::model::value::conventions::is_known_key;

/// Most regular expressions and globs, which take more memory than other terms.
const MOST_PATTERNS: usize = 50;

/// Reads a filter; an empty one is true of everything.
///
/// # Errors
/// The first place where something else was expected.
pub fn parse(text: &str, clock: &Clock) -> Result<Expression, FilterError> {
    FilterError::refuse_length(text)?;
    let mut parser = Parser { text, at: 0, terms: 0, patterns: 0, clock };
    parser.skip_blanks();
    if parser.rest().is_empty() {
        return Ok(Expression::All(Vec::new()));
    }
    let expression = parser.any(0)?;
    match parser.rest().is_empty() {
        true => Ok(expression),
        false => Err(parser.error("this `)` closes nothing").hint("a `)` in a value or a text stands in quotes")),
    }
}

/// Reads `key OP value`, or a key alone, in which the key is one of an attribute and the value goes to the end.
///
/// # Errors
/// The first place where something else was expected, in the text as it was given.
pub fn parse_attribute(text: &str, clock: &Clock) -> Result<Expression, FilterError> {
    let places = OPERATORS.iter().filter_map(|(written, _)| Some((text.find(written)?, *written)));
    let first = places.min_by_key(|(place, written)| (*place, std::cmp::Reverse(written.len())));
    let (key, written, value) = match first {
        Some((place, written)) => {
            (text.get(..place).unwrap_or_default(), written, text.get(place + written.len()..).unwrap_or_default())
        }
        None => (text, "", ""),
    };
    if key.is_empty() {
        return Err(FilterError::new(text, 0, "expected the key of an attribute here"));
    }
    let field = Field::named(key);
    let field = if matches!(field, Field::Intrinsic(_)) { Field::attribute(key) } else { field };
    // Blanks, commas and parentheses belong to the value.
    let is_plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || "(),\"".contains(c));
    let value = match is_plain || written.is_empty() {
        true => value.to_owned(),
        false => Operand::quoted(value).to_string(),
    };
    let lead = if written.is_empty() { "has:" } else { "" };
    let rewritten = format!("{lead}{field}{written}{value}");
    let shift = rewritten.chars().count().saturating_sub(text.chars().count());
    parse(&rewritten, clock)
        .map_err(|error| FilterError { at: error.at.saturating_sub(shift).min(text.chars().count()), ..error })
}

/// Operators as they are written, longer ones first.
const OPERATORS: [(&str, Written); 8] = [
    ("!~=", Written::Pattern(false)),
    ("~=", Written::Pattern(true)),
    ("!=", Written::Comparison(Operator::IsNot)),
    (">=", Written::Comparison(Operator::AtLeast)),
    ("<=", Written::Comparison(Operator::AtMost)),
    ("=", Written::Comparison(Operator::Is)),
    (">", Written::Comparison(Operator::Above)),
    ("<", Written::Comparison(Operator::Below)),
];

/// What other programs write, and what is written here.
const FOREIGN: [(&str, &str); 4] = [("&&", "AND"), ("||", "OR"), ("=~", "~="), ("==", "=")];

struct Parser<'t> {
    text: &'t str,
    at: usize,
    terms: usize,
    patterns: usize,
    clock: &'t Clock,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, reason: impl Into<String>) -> FilterError {
        self.error_at(self.at, reason)
    }

    fn error_at(&self, at: usize, reason: impl Into<String>) -> FilterError {
        FilterError::new(self.text, at, reason)
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is_there = self.rest().starts_with(wanted);
        self.at += if is_there { wanted.len() } else { 0 };
        is_there
    }

    /// Whether one of the words in capitals comes next.
    fn is_at_word(&self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        after.is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || "()".contains(c)))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.is_at_word(word);
        if is_there {
            self.at += word.len();
            self.skip_blanks();
        }
        is_there
    }

    fn any(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("OR") {
            parts.push(self.all(depth)?);
        }
        Ok(Expression::any(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = Vec::new();
        loop {
            let is_at_end = self.rest().is_empty() || self.rest().starts_with(')') || self.is_at_word("OR");
            if is_at_end && !parts.is_empty() {
                return Ok(Expression::all(parts));
            }
            if !parts.is_empty() {
                self.take_word("AND");
            }
            parts.push(self.negatable(depth)?);
            self.skip_blanks();
        }
    }

    fn negatable(&mut self, depth: usize) -> Result<Expression, FilterError> {
        if depth > MOST_NESTED {
            return Err(self.error(format!("the filter is nested deeper than {MOST_NESTED} levels")));
        }
        let start = self.at;
        for word in ["AND", "OR"] {
            if self.is_at_word(word) {
                let error = self.error(format!("expected a term before `{word}`"));
                return Err(error.hint(format!("the text `{word}` is written in quotes: \"{word}\"")));
            }
        }
        let is_negated = self.take_word("NOT")
            || (self.rest().starts_with('!') && !self.is_at_operator() && self.take("!"))
            || (self
                .rest()
                .strip_prefix('-')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || "\"(".contains(c)))
                && self.take("-"));
        if is_negated {
            self.skip_blanks();
            return Ok(Expression::negated(self.negatable(depth + 1)?));
        }
        if self.take("(") {
            self.skip_blanks();
            let inner = self.any(depth + 1)?;
            if !self.take(")") {
                return Err(self.error_at(start, "this `(` is not closed"));
            }
            return Ok(inner);
        }
        self.term()
    }

    fn is_at_operator(&self) -> bool {
        self.operator().is_some()
    }

    fn operator(&self) -> Option<(&'static str, Written)> {
        OPERATORS.into_iter().find(|(written, _)| self.rest().starts_with(written))
    }

    fn count_terms(&mut self) -> Result<(), FilterError> {
        self.terms += 1;
        match self.terms > MOST_TERMS {
            true => Err(self.error(format!("the filter has more than {MOST_TERMS} terms"))),
            false => Ok(()),
        }
    }

    fn term(&mut self) -> Result<Expression, FilterError> {
        self.count_terms()?;
        let start = self.at;
        if let Some((foreign, ours)) = FOREIGN.iter().find(|(foreign, _)| self.rest().starts_with(foreign)) {
            return Err(self.error(format!("`{foreign}` is written `{ours}` here")));
        }
        if self.take("has:") {
            return Ok(Expression::Term(Term::Has(self.field("`has:`")?)));
        }
        if self.take("text:") {
            let text = if self.rest().starts_with('"') { self.quoted()? } else { self.raw(false)?.to_owned() };
            if text.is_empty() {
                return Err(self.error("expected a text after `text:`"));
            }
            return Ok(text_term(&text));
        }
        if self.take("traceql:") {
            return self.traceql(start);
        }
        if self.rest().starts_with('"') {
            let key = self.quoted()?;
            if !self.is_at_operator() {
                return Ok(text_term(&key));
            }
            if key.is_empty() {
                return Err(self.error_at(start, "expected the key of an attribute between the quotes"));
            }
            return self.comparison(Field::attribute(&key));
        }
        let name = self.name();
        if name.is_empty() {
            return Err(self.nothing_here());
        }
        if let Some(scope) =
            self.rest().starts_with('"').then(|| name.strip_suffix('.').and_then(Scope::parse)).flatten()
        {
            let Field::Attribute { keys, .. } = Field::attribute(&self.quoted()?) else {
                return Err(self.error_at(start, "expected the key of an attribute"));
            };
            let field = Field::Attribute { scope: Some(scope), keys };
            return if self.is_at_operator() { self.comparison(field) } else { Ok(Expression::Term(Term::Has(field))) };
        }
        if self.is_at_operator() {
            return self.comparison(Field::named(name));
        }
        self.lone_word(start, name)
    }

    /// A query of another notation in quotes, which is how one is written beside other terms.
    fn traceql(&mut self, start: usize) -> Result<Expression, FilterError> {
        if !self.rest().starts_with('"') {
            return Err(self.error("expected a query in quotes after `traceql:`"));
        }
        let query = self.quoted()?;
        match TraceQl::parse(&query) {
            Ok(TraceQl::Spans(query)) => Ok(Expression::Term(Term::Selected(query))),
            Ok(TraceQl::Metrics(_)) => Err(self.error_at(start, "this query measures spans and selects none")),
            Err(error) => Err(self.error_at(start, error.reason)),
        }
    }

    /// A term that is one word alone.
    fn lone_word(&self, start: usize, word: &str) -> Result<Expression, FilterError> {
        if let Some(name) = word.strip_prefix('@') {
            return match SavedFilter::is_name(name) {
                true => Ok(Expression::Term(Term::Saved(name.to_owned()))),
                false => Err(self
                    .error_at(start, "expected the name of a saved filter after `@`")
                    .hint("a text that begins with `@` stands in quotes")),
            };
        }
        if let Some((field, value)) = word.split_once(':')
            && Intrinsic::parse(field).is_some()
        {
            let error = self.error_at(start + field.len(), "a field and its value have an operator between them");
            return Err(error.hint(format!("`{field}={value}`, or as a text in quotes: \"{word}\"")));
        }
        let field = Field::named(word);
        let is_known = match &field {
            Field::Intrinsic(_) => true,
            Field::Attribute { keys, .. } => keys.first().is_some_and(|key| is_known_key(key)),
        };
        if word.contains(['.', '_']) && is_known {
            return Ok(Expression::Term(Term::Has(field)));
        }
        Ok(text_term(word))
    }

    fn nothing_here(&self) -> FilterError {
        if self.rest().is_empty() {
            return self.error("expected a term here");
        }
        match self.operator() {
            Some((written, _)) => self
                .error(format!("expected a field before `{written}`"))
                .hint("there are no blanks around an operator: `duration>500ms`"),
            None => self.error("expected a term here"),
        }
    }

    /// The characters of a name: up to a blank, a parenthesis, a quote or an operator.
    fn name(&mut self) -> &'t str {
        let start = self.at;
        while let Some(c) = self.rest().chars().next() {
            if c.is_whitespace() || "()\"".contains(c) || self.is_at_operator() {
                break;
            }
            self.at += c.len_utf8();
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The field after a word such as `has:`.
    fn field(&mut self, after: &str) -> Result<Field, FilterError> {
        if self.rest().starts_with('"') {
            return Ok(Field::attribute(&self.quoted()?));
        }
        let name = self.name();
        if let Some(scope) =
            self.rest().starts_with('"').then(|| name.strip_suffix('.').and_then(Scope::parse)).flatten()
        {
            let Field::Attribute { keys, .. } = Field::attribute(&self.quoted()?) else {
                return Err(self.error("expected the key of an attribute"));
            };
            return Ok(Field::Attribute { scope: Some(scope), keys });
        }
        if name.is_empty() {
            return Err(self.error(format!("expected a field after {after}")));
        }
        Ok(Field::named(name))
    }

    /// Text in quotes, in which `\"` is a quote and `\\` a backslash.
    fn quoted(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        let mut text = String::new();
        let mut rest = self.rest().chars();
        let mut length = rest.next().map_or(0, char::len_utf8);
        while let Some(c) = rest.next() {
            length += c.len_utf8();
            match c {
                '"' => {
                    self.at += length;
                    return Ok(text);
                }
                '\\' => match rest.next() {
                    Some(escaped) => {
                        length += escaped.len_utf8();
                        if !matches!(escaped, '"' | '\\') {
                            text.push('\\');
                        }
                        text.push(escaped);
                    }
                    None => text.push('\\'),
                },
                c => text.push(c),
            }
        }
        Err(self.error_at(start, "this quote is not closed"))
    }

    /// A value without quotes: up to a blank or a parenthesis that closes what did not open in it, and of a list up to
    /// the next comma.
    fn raw(&mut self, is_list: bool) -> Result<&'t str, FilterError> {
        let start = self.at;
        let mut open = 0_usize;
        for c in self.rest().chars() {
            match c {
                '(' => open += 1,
                ')' if open == 0 => break,
                ')' => open -= 1,
                ',' if is_list => break,
                c if c.is_whitespace() => break,
                _ => {}
            }
            self.at += c.len_utf8();
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn comparison(&mut self, field: Field) -> Result<Expression, FilterError> {
        let Some((written, kind)) = self.operator() else { return Err(self.nothing_here()) };
        if let Some((foreign, ours)) = FOREIGN.iter().find(|(foreign, _)| self.rest().starts_with(foreign)) {
            return Err(self.error(format!("`{foreign}` is written `{ours}` here")));
        }
        let operator_at = self.at;
        self.at += written.len();
        if self.rest().is_empty() || self.rest().starts_with(|c: char| c.is_whitespace() || c == ')') {
            let error = self.error(format!("expected a value after `{written}`"));
            return Err(error.hint(format!("the empty text is written `{field}{written}\"\"`")));
        }
        match kind {
            Written::Pattern(is_wanted) => self.pattern(field, is_wanted, operator_at),
            Written::Comparison(operator) => self.operands(field, operator),
        }
    }

    fn pattern(&mut self, field: Field, is_wanted: bool, operator_at: usize) -> Result<Expression, FilterError> {
        if let Some(reason) = refuse_pattern(&field) {
            return Err(self.error_at(operator_at, reason));
        }
        self.count_pattern()?;
        let start = self.at;
        let text = if self.rest().starts_with('"') { self.quoted()? } else { self.raw(false)?.to_owned() };
        self.check_end_of_value()?;
        let pattern = Pattern::parse(&text).map_err(|reason| self.error_at(start, reason))?;
        Ok(Expression::Term(Term::Matches { field, text, pattern, is_wanted }))
    }

    fn count_pattern(&mut self) -> Result<(), FilterError> {
        self.patterns += 1;
        match self.patterns > MOST_PATTERNS {
            true => Err(self.error(format!("the filter has more than {MOST_PATTERNS} regular expressions and globs"))),
            false => Ok(()),
        }
    }

    fn operands(&mut self, field: Field, operator: Operator) -> Result<Expression, FilterError> {
        let mut operands = Vec::new();
        loop {
            let start = self.at;
            let is_quoted = self.rest().starts_with('"');
            let text = if is_quoted { self.quoted()? } else { self.raw(true)?.to_owned() };
            if text.is_empty() && !is_quoted {
                return Err(self.error("expected a value before and after each comma"));
            }
            if text.contains('*') && !is_quoted {
                self.count_pattern()?;
            }
            let read = read_operand(&field, operator, (&text, is_quoted), self.clock);
            operands.push(read.map_err(|(reason, hint)| {
                let error = self.error_at(start, reason);
                if let Some(hint) = hint { error.hint(hint) } else { error }
            })?);
            if !self.rest().starts_with(',') {
                break;
            }
            if !matches!(operator, Operator::Is | Operator::IsNot) {
                return Err(self.error(format!("`{}` takes one value", operator.as_str())));
            }
            self.count_terms()?;
            self.at += 1;
        }
        self.check_end_of_value()?;
        Ok(Expression::Term(Term::Compare { field, operator, operands }))
    }

    fn check_end_of_value(&self) -> Result<(), FilterError> {
        let is_end = self.rest().is_empty() || self.rest().starts_with(|c: char| c.is_whitespace() || c == ')');
        if is_end { Ok(()) } else { Err(self.error("expected a blank after the value")) }
    }
}

fn text_term(text: &str) -> Expression {
    Expression::Term(Term::Text(SoughtText::new(text)))
}
