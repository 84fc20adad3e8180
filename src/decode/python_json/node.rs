//! A JSON value in Python's dialect that borrows from its text, and how it is written as JSON everybody reads.

use std::borrow::Cow;

use crate::model::json::{write_items, write_text};

/// Deepest nesting that is read; every JSON reader the records meet later (the usual limit is 128) can follow.
pub(in crate::decode) const MAX_DEPTH: usize = 120;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::decode) enum Node<'a> {
    Null,
    Bool(bool),
    /// An integer: its digits, of any number, with the sign.
    Int(&'a str),
    /// A number with a fraction or exponent, NaN and infinities included.
    Float(f64),
    Text(Cow<'a, str>),
    /// A list or object nested deeper than a lenient scanner follows, as it stands in the text.
    Deep(&'a str),
    List(Vec<Node<'a>>),
    /// An object: its members in the order of first appearance, each key once.
    Dict(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// Why a text was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum Fault {
    /// The text is not JSON, as Python words it.
    Syntax {
        message: &'static str,
        /// Offset in bytes; always between two characters.
        at: usize,
    },
    /// The text is JSON, but nested too deep or with too long a number.
    Excessive,
}

impl<'a> Node<'a> {
    /// The value of a key of an object.
    pub(in crate::decode) fn get(&self, key: &str) -> Option<&Node<'a>> {
        let Node::Dict(pairs) = self else { return None };
        pairs.iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// Appends the value as compact JSON. Numbers JSON has no notation for become `null`, and integers beyond a double,
    /// for which other readers would refuse the whole document, become text.
    pub(in crate::decode) fn write(&self, out: &mut String) {
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
            Node::List(nodes) => {
                out.push('[');
                write_items(nodes, out, Node::write);
                out.push(']');
            }
            Node::Dict(pairs) => {
                out.push('{');
                write_items(pairs, out, |(key, node), out| {
                    write_text(key, out);
                    out.push(':');
                    node.write(out);
                });
                out.push('}');
            }
        }
    }
}

fn fits_a_double(digits: &str) -> bool {
    const SURELY: usize = 300;
    digits.len() <= SURELY || digits.parse().is_ok_and(f64::is_finite)
}
