//! What the checkpoint API answers to a request it does not take: FastAPI's and pydantic's words, which clients parse.

use crate::decode::python_json::Node;
use crate::model::json::{write_items, write_text};

/// A list of problems stops growing here: each one quotes its input, so a small hostile body could ask for a huge answer.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is readable, but not what the route takes. Holds the answer's body: `{"detail":[…]}`, one element a problem.
    #[error("the request does not match the checkpoint API")]
    Unprocessable(String),
    /// The body is not UTF-8 and no record either when that is mended, is nested too deep, or with an integer of thousands of digits.
    #[error("the body is unreadable")]
    Unreadable,
}

impl Refusal {
    /// The HTTP status to answer with: 422 or 400.
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Unprocessable(_) => 422,
            Refusal::Unreadable => 400,
        }
    }

    /// The JSON body to answer with.
    pub fn body(&self) -> &str {
        match self {
            Refusal::Unprocessable(body) => body,
            Refusal::Unreadable => r#"{"detail":"There was an error parsing the body"}"#,
        }
    }
}

/// Where a problem lies: the keys and indices down to it.
#[derive(Debug, Clone, Copy)]
pub(super) enum PathStep<'s> {
    Key(&'s str),
    Index(usize),
}

/// A kind of problem, as pydantic names and words it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) kind: &'static str,
    pub(super) message: &'static str,
}

pub(super) const MISSING: Rule = Rule { kind: "missing", message: "Field required" };
pub(super) const STRING: Rule = Rule { kind: "string_type", message: "Input should be a valid string" };
pub(super) const NUMBER: Rule = Rule { kind: "float_type", message: "Input should be a valid number" };
pub(super) const NUMBER_TEXT: Rule =
    Rule { kind: "float_parsing", message: "Input should be a valid number, unable to parse string as a number" };
pub(super) const FINITE: Rule = Rule { kind: "finite_number", message: "Input should be a finite number" };
pub(super) const DICT: Rule = Rule { kind: "dict_type", message: "Input should be a valid dictionary" };
pub(super) const LIST: Rule = Rule { kind: "list_type", message: "Input should be a valid list" };
pub(super) const MODEL: Rule = Rule {
    kind: "model_attributes_type",
    message: "Input should be a valid dictionary or object to extract fields from",
};
const JSON: Rule = Rule { kind: "json_invalid", message: "JSON decode error" };
const INTEGER: Rule =
    Rule { kind: "int_parsing", message: "Input should be a valid integer, unable to parse string as an integer" };

/// The problems of one request, in the order they were found.
#[derive(Debug, Default)]
pub struct Problems {
    elements: String,
}

impl Problems {
    /// Whether the answer is full, so that looking for more is of no use.
    pub(super) fn is_full(&self) -> bool {
        self.elements.len() >= MAX_BODY_BYTES
    }

    pub(super) fn add(&mut self, rule: Rule, path: &[PathStep<'_>], input: &Node<'_>) {
        self.add_with_context(rule.kind, rule.message, path, input, "");
    }

    pub(super) fn add_invalid_json(&mut self, position: usize, message: &str) {
        let mut context = String::from(r#"{"error":"#);
        write_text(message, &mut context);
        context.push('}');
        let path = [PathStep::Key("body"), PathStep::Index(position)];
        self.add_with_context(JSON.kind, JSON.message, &path, &Node::Dict(Vec::new()), &context);
    }

    /// Reads a query parameter as the original reads an integer: spaces around it, a plus sign, single underscores
    /// between digits and a fraction of zeros are fine. `None` when it is none, which is noted. What does not fit is
    /// the nearest number that does.
    pub fn integer(&mut self, name: &str, text: &str) -> Option<i64> {
        let number = parse_integer(text);
        if number.is_none() {
            self.add(INTEGER, &[PathStep::Key("query"), PathStep::Key(name)], &Node::Text(text.into()));
        }
        number
    }

    /// Reads a query parameter as [`Problems::integer`] does; a number above `most` is noted, too, and `None`.
    pub fn integer_up_to(&mut self, name: &str, text: &str, most: i64) -> Option<i64> {
        let number = self.integer(name, text)?;
        if number <= most {
            return Some(number);
        }
        let message = format!("Input should be less than or equal to {most}");
        let path = [PathStep::Key("query"), PathStep::Key(name)];
        let context = format!(r#"{{"le":{most}}}"#);
        self.add_with_context("less_than_equal", &message, &path, &Node::Text(text.into()), &context);
        None
    }

    /// Whether there was any problem.
    ///
    /// # Errors
    /// [`Refusal::Unprocessable`] with all problems.
    pub fn check(self) -> Result<(), Refusal> {
        if self.elements.is_empty() { Ok(()) } else { Err(self.into_refusal()) }
    }

    pub(super) fn into_refusal(self) -> Refusal {
        Refusal::Unprocessable(format!(r#"{{"detail":[{}]}}"#, self.elements))
    }

    fn add_with_context(&mut self, kind: &str, message: &str, path: &[PathStep<'_>], input: &Node<'_>, context: &str) {
        if self.is_full() {
            return;
        }
        let out = &mut self.elements;
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&format!(r#"{{"type":"{kind}","loc":["#));
        write_items(path, out, |step, out| match step {
            PathStep::Key(key) => write_text(key, out),
            PathStep::Index(index) => out.push_str(&index.to_string()),
        });
        out.push_str(r#"],"msg":"#);
        write_text(message, out);
        out.push_str(r#","input":"#);
        input.write(out);
        if !context.is_empty() {
            out.push_str(r#","ctx":"#);
            out.push_str(context);
        }
        out.push('}');
    }
}

fn parse_integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|digit| digit == b'0') {
        return None;
    }
    let is_number = |group: &str| !group.is_empty() && group.bytes().all(|digit| digit.is_ascii_digit());
    if !whole.split('_').all(is_number) {
        return None;
    }
    let number: i64 = whole.replace('_', "").parse().unwrap_or(i64::MAX);
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_pydantic_reads_them() {
        for (text, number) in
            [("1.00", 1), (" 1_0 ", 10), ("+0_1", 1), ("-007", -7), ("\u{2003}5", 5), ("-0.0", 0), ("1_0.0", 10)]
        {
            assert_eq!(parse_integer(text), Some(number), "{text}");
        }
        for text in [
            "", "+", "-", "1.", ".0", "1.0_0", "1_", "_1", "1__0", "+-1", "- 1", "１", "1e1", "0x1", "1.0.0", "true",
            "1.5",
        ] {
            assert_eq!(parse_integer(text), None, "{text}");
        }
        assert_eq!(parse_integer(&"9".repeat(30)), Some(i64::MAX));
        assert_eq!(parse_integer(&format!("-{}", "9".repeat(30))), Some(-i64::MAX));
    }

    #[test]
    fn problems_of_several_parameters_come_in_one_answer() {
        let mut problems = Problems::default();
        assert_eq!(problems.integer_up_to("limit", "2000", 1000), None);
        assert_eq!(problems.integer("since_id", "abc"), None);
        insta::assert_snapshot!(problems.check().expect_err("two problems").body(), @r#"{"detail":[{"type":"less_than_equal","loc":["query","limit"],"msg":"Input should be less than or equal to 1000","input":"2000","ctx":{"le":1000}},{"type":"int_parsing","loc":["query","since_id"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"abc"}]}"#);
        assert_eq!(Problems::default().check(), Ok(()));
    }
}
