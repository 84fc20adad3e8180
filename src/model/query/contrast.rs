//! What sets some traces apart from others: the question, and the answer. How it is found out is not known here.

use crate::model::Nanos;
use crate::model::filter::{Filter, Operand};

/// Which traces to compare with which.
#[derive(Debug, Clone, PartialEq)]
pub struct ContrastQuery {
    /// The traces with a record this is true of are the selected ones.
    pub selected: Filter,
    /// Those with a record this is true of are the others; `None` is all of the same root names.
    pub against: Option<Filter>,
    /// Only traces that started at or after this, of both.
    pub since: Option<Nanos>,
    /// Only traces that started before this, of both.
    pub until: Option<Nanos>,
    /// Only what is of this project.
    pub project: Option<String>,
    /// At most this many causes; 0 is all.
    pub limit: usize,
}

/// What sets the selected traces apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contrast {
    /// How many traces are selected.
    pub selected_traces: u64,
    /// How many others they were compared with.
    pub other_traces: u64,
    /// How many traces were named besides and not looked at, because there are too many; the oldest.
    pub left_out_traces: u64,
    /// How many features could have been found to set the traces apart; what significance is corrected by.
    pub candidates: u64,
    /// What the selected traces have significantly more often, the most significant first.
    pub causes: Vec<Cause>,
}

/// Something that selected traces have more often than others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cause {
    /// What it is: each of these holds of the trace.
    pub terms: Vec<CauseTerm>,
    /// How many of the selected traces have it.
    pub selected: u64,
    /// Their share of the selected traces, from 0 to 1.
    pub selected_share: f64,
    /// How many of the others have it.
    pub others: u64,
    /// Their share of the others, from 0 to 1.
    pub other_share: f64,
    /// How likely one of all the features would be so much more frequent by chance.
    pub p_value: f64,
    /// What else exactly the same traces have.
    pub same: Vec<CauseTerm>,
}

/// Values of a record: one of an attribute, or of several fields at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct CauseTerm {
    /// Keys with values, all on one record.
    pub pairs: Vec<CausePair>,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct CausePair {
    /// The key as filters name it: an attribute that is called like a field stands in quotes.
    pub key: String,
    /// The value as text.
    pub value: String,
}

impl CauseTerm {
    /// The filter of records that have the values, as it is written.
    pub fn filter(&self) -> String {
        let pairs = self.pairs.iter().map(|CausePair { key, value }| format!("{key}={}", Operand::quoted(value)));
        pairs.collect::<Vec<_>>().join(" ")
    }
}
