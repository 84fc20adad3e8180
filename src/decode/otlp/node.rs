//! A JSON document that borrows from its text, and how values of the proto3 JSON mapping are read from it.
//!
//! A tree instead of typed structs, because OTLP senders disagree on types (numbers as text, enums by name, `null` for
//! "absent") and because one bad span must not cost the document. Strings without escapes are slices of the body.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{Text, Value};

/// Most values one document is made of. Two bytes of hostile input are one, which takes twenty times that in memory; an
/// honest sender's are larger than the 8 bytes each that the largest body leaves.
pub(super) const MAX_NODES: usize = 8 << 20;

/// How many arrays and objects may be around a value; what lies deeper is passed over. One less than `serde_json` reads.
const MAX_DEPTH: usize = 126;

const TOLERANT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, TOLERANT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, TOLERANT);

/// JSON that is well-formed but not of the shape OTLP has at that place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: expected {expected}")]
pub struct ShapeError {
    /// The way there from the top, such as `resourceSpans[0].resource`.
    pub path: String,
    /// What should be at that place.
    pub expected: &'static str,
}

pub(super) type Result<T> = std::result::Result<T, ShapeError>;

/// One JSON value.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Double(f64),
    Text(Cow<'a, str>),
    /// Whatever lies below [`MAX_DEPTH`].
    Deep,
    Array(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// An error that names what should be at a place; the callers on the way out add where.
pub(super) fn wrong<T>(expected: &'static str) -> Result<T> {
    Err(ShapeError { path: String::new(), expected })
}

impl ShapeError {
    /// This error seen from one step further out.
    pub(super) fn below(mut self, step: &str) -> ShapeError {
        let joint = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{joint}{}", self.path);
        self
    }
}

impl<'a> Node<'a> {
    /// Reads a whole document of at most [`MAX_NODES`]; what is nested too deep is [`Node::Deep`].
    pub fn read(text: &'a [u8]) -> serde_json::Result<Node<'a>> {
        let left = Cell::new(MAX_NODES);
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let document = AnyNode { left: &left, depth: 0 }.deserialize(&mut deserializer)?;
        deserializer.end().map(|()| document)
    }

    /// What `read` makes of the value of `key`, its default when there is none. `null` counts as none, and of a key
    /// sent twice the last wins.
    pub fn field<T: Default>(&self, key: &str, read: impl FnOnce(&Node<'a>) -> Result<T>) -> Result<T> {
        let found = self.present()?.rfind(|(name, _)| *name == key);
        found.map_or_else(|| Ok(T::default()), |(_, value)| read(value).map_err(|error| error.below(key)))
    }

    /// Keys and values in the order sent, without those that are `null`.
    pub fn present(&self) -> Result<impl DoubleEndedIterator<Item = (&str, &Node<'a>)>> {
        match self {
            Node::Object(pairs) => {
                let pairs = pairs.iter().filter(|(_, value)| !matches!(value, Node::Null));
                Ok(pairs.map(|(key, value)| (key.as_ref(), value)))
            }
            _ => wrong("an object"),
        }
    }

    /// Calls `read` with each element in the order sent; `null` is passed over.
    pub fn each_element(&self, mut read: impl FnMut(&Node<'a>) -> Result<()>) -> Result<()> {
        let elements = self.elements()?.iter().enumerate();
        for (index, element) in elements.filter(|(_, element)| !matches!(element, Node::Null)) {
            read(element).map_err(|error| error.below(&format!("[{index}]")))?;
        }
        Ok(())
    }

    /// Whether the value, or the list of values it is for, lies deeper than is read.
    pub fn is_cut(&self) -> bool {
        let is_deep = |node: &Node<'a>| Ok(matches!(node, Node::Deep));
        matches!(self, Node::Deep) || self.field("values", is_deep).unwrap_or(false)
    }

    /// Whether the value is an object with a list `values`, or of nothing at all.
    pub fn is_of_values(&self) -> bool {
        let has_list = self.field("values", |node| node.elements().map(|_| true));
        has_list.is_ok_and(|has_list| has_list || self.present().is_ok_and(|mut pairs| pairs.next().is_none()))
    }

    /// The value as plain JSON means it, whatever type was expected; `depth` is how many containers surround it, and what
    /// lies too deep is empty.
    pub fn plain_value(&self, body: &Bytes, depth: usize) -> Value {
        let whole = |number: Option<i64>, double: f64| number.map_or(Value::Double(double), Value::Int);
        match self {
            Node::Null | Node::Deep => Value::Empty,
            Node::Bool(value) => Value::Bool(*value),
            Node::Unsigned(number) => whole(i64::try_from(*number).ok(), *number as f64),
            Node::Signed(number) => Value::Int(*number),
            Node::Double(number) => Value::Double(*number),
            Node::Text(_) => self.text(body).map_or(Value::Empty, Value::String),
            Node::Array(_) | Node::Object(_) if depth >= MAX_VALUE_DEPTH => Value::Empty,
            Node::Array(nodes) => Value::Array(nodes.iter().map(|node| node.plain_value(body, depth + 1)).collect()),
            Node::Object(pairs) => {
                let pair = |(key, node): &(Cow<'a, str>, Node<'a>)| {
                    (Text::from(key.as_ref()), node.plain_value(body, depth + 1))
                };
                Value::Map(pairs.iter().map(pair).collect())
            }
        }
    }

    /// A few words that say what stands here instead of an id.
    pub fn describe(&self) -> Text {
        match self {
            Node::Unsigned(number) => Text::from(number.to_string()),
            Node::Signed(number) => Text::from(number.to_string()),
            Node::Double(number) => Text::from(number.to_string()),
            Node::Bool(value) => Text::from(value.to_string()),
            _ => Text::from_static("not a text"),
        }
    }

    /// Refuses what is no object.
    pub fn check_object(&self) -> Result<()> {
        self.present().map(|_| ())
    }

    /// All elements, `null` included.
    pub fn elements(&self) -> Result<&[Node<'a>]> {
        match self {
            Node::Array(elements) => Ok(elements),
            _ => wrong("an array"),
        }
    }

    /// A string.
    pub fn str(&self) -> Result<&str> {
        match self {
            Node::Text(text) => Ok(text),
            _ => wrong("a string"),
        }
    }

    /// A string; one without escapes shares the body's buffer.
    pub fn text(&self, body: &Bytes) -> Result<Text> {
        match self {
            Node::Text(Cow::Borrowed(text)) => Ok(Text::from_utf8(body.slice_ref(text.as_bytes())).unwrap_or_default()),
            Node::Text(Cow::Owned(text)) => Ok(Text::from(text.as_str())),
            _ => wrong("a string"),
        }
    }

    /// `true` or `false`, also as text in any case.
    pub fn bool(&self) -> Result<bool> {
        match self {
            Node::Bool(value) => Ok(*value),
            Node::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Node::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => wrong("true or false"),
        }
    }

    /// A 64-bit signed integer, as number or text.
    pub fn int64(&self) -> Result<i64> {
        self.integer().and_then(|number| number.try_into().ok()).map_or_else(|| wrong("a 64-bit integer"), Ok)
    }

    /// A 64-bit unsigned integer, as number or text.
    pub fn uint64(&self) -> Result<u64> {
        self.integer().and_then(|number| number.try_into().ok()).map_or_else(|| wrong("an unsigned 64-bit integer"), Ok)
    }

    /// A 32-bit unsigned integer, as number or text. All of these are counts or flags, of which one that cannot be costs no
    /// record: the nearest that can be is taken.
    pub fn uint32(&self) -> Result<u32> {
        let number = self.integer().map(|number| number.clamp(0, u32::MAX.into()));
        number.and_then(|number| number.try_into().ok()).map_or_else(|| wrong("an unsigned 32-bit integer"), Ok)
    }

    /// An enum: its number, or its place in `names`; unknown names are 0, as unknown numbers mean nothing either.
    pub fn enumeration(&self, names: &[&str]) -> Result<i64> {
        if let Some(number) = self.integer() {
            return Ok(i64::try_from(number).unwrap_or(0));
        }
        let place = names.iter().position(|name| *name == self.str().unwrap_or_default());
        self.str().map(|_| place.and_then(|place| i64::try_from(place).ok()).unwrap_or(0))
    }

    /// A double: a number, a number as text, or `NaN`, `Infinity`, `-Infinity` as text.
    pub fn double(&self) -> Result<f64> {
        match self {
            Node::Unsigned(number) => Ok(*number as f64),
            Node::Signed(number) => Ok(*number as f64),
            Node::Double(number) => Ok(*number),
            Node::Text(text) => text.parse().or_else(|_| wrong("a number")),
            _ => wrong("a number"),
        }
    }

    /// Bytes as base64 of either alphabet, padded or not.
    pub fn base64(&self) -> Result<Bytes> {
        let text = self.str()?;
        let engine = if text.contains(['-', '_']) { &BASE64_URL } else { &BASE64 };
        engine.decode(text).map(Bytes::from).or_else(|_| wrong("base64"))
    }

    /// Any spelling of a whole number: `7`, `"7"`, `7.0`, `1.7e18`.
    fn integer(&self) -> Option<i128> {
        let whole = |number: f64| (number.fract() == 0.0 && number.abs() < 1e20).then_some(number as i128);
        match self {
            Node::Unsigned(number) => Some(i128::from(*number)),
            Node::Signed(number) => Some(i128::from(*number)),
            Node::Double(number) => whole(*number),
            Node::Text(text) => text.parse().ok().or_else(|| text.parse().ok().and_then(whole)),
            _ => None,
        }
    }
}

/// Reads any value, while some may still be read.
#[derive(Clone, Copy)]
struct AnyNode<'c> {
    left: &'c Cell<usize>,
    /// How many arrays and objects surround it.
    depth: usize,
}

impl AnyNode<'_> {
    /// A value within the present one.
    fn below(self) -> Self {
        AnyNode { depth: self.depth + 1, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for AnyNode<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Node<'de>, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            let sentence = format_args!("there are more than {MAX_NODES} values in the request; send fewer at once");
            return Err(de::Error::custom(sentence));
        };
        self.left.set(left);
        match self.depth < MAX_DEPTH {
            true => deserializer.deserialize_any(self),
            // Takes no stack, however deep it goes on.
            false => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Node::Deep),
        }
    }
}

impl<'de> Visitor<'de> for AnyNode<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> std::result::Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Node<'de>, E> {
        Ok(Node::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Node<'de>, E> {
        Ok(Node::Signed(number))
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Node<'de>, E> {
        Ok(Node::Double(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> std::result::Result<Node<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element_seed(self.below())? {
            elements.push(element);
        }
        Ok(Node::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Node<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            pairs.push((key, map.next_value_seed(self.below())?));
        }
        Ok(Node::Object(pairs))
    }
}

/// An object's key, borrowed when it holds no escapes (`Cow` itself always copies).
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
