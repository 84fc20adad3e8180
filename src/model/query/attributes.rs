//! Which attributes records have, and which values: the question, and the rows of the answer.

use crate::model::Nanos;
use crate::model::filter::Filter;

/// Which keys or values to count.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AttributeQuery {
    /// The attribute or other field whose values are counted, as filters name it; `None` counts keys.
    pub key: Option<String>,
    /// Only what begins with this: keys, or values of the key.
    pub prefix: Option<String>,
    /// Only of records this is true of.
    pub filter: Option<Filter>,
    /// Only of records that began at or after this.
    pub since: Option<Nanos>,
    /// Only of records that began before this.
    pub until: Option<Nanos>,
    /// Only of about so many of the newest records; 0 is all.
    pub newest: usize,
    /// At most this many rows; 0 is all.
    pub limit: usize,
}

/// A key or a value, and how many records have it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttributeCount {
    /// The key as filters name it: an attribute that is called like a field stands in quotes.
    pub key: String,
    /// The value as text; `None` where keys are counted.
    pub value: Option<String>,
    /// What the values are: `string`, `int`, `double`, `bool`, `bytes`, `array`, `map`, each once.
    pub types: Vec<String>,
    /// Where the attribute stands, each once: `span`, `resource`, `event`, `link`, `scope`, `log`, `data`; empty where
    /// values are counted.
    pub scopes: Vec<String>,
    /// How many records have it.
    pub count: u64,
}
