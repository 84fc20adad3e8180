//! How many records have each attribute key, or each value of one: what a person looks through before writing a filter.
//!
//! Works on every store that has an order of arrival; one that has its records at hand answers by itself.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::model::filter::{Field, Filter, Found, Needs, RecordRef, Subject};
use crate::model::{AttributeCount, AttributeQuery, Page, Value};
use crate::query::records::attributes::each_attribute;
use crate::query::records::find::{RecordQuery, each};
use crate::store::{Backend, Error};

/// Most keys or values that are counted.
const MOST_ROWS: usize = 100_000;
/// Longest value that is counted, in bytes.
const MOST_VALUE_BYTES: usize = 1_024;

/// Why attributes are not counted.
#[derive(Debug, thiserror::Error)]
pub enum AttributeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The field is one of traces.
    #[error("`{0}` is of the whole trace, and values are of records")]
    OfTrace(String),
}

/// What is known of a key or a value.
#[derive(Debug, Default)]
struct Row {
    types: BTreeSet<&'static str>,
    scopes: BTreeSet<&'static str>,
    count: u64,
    /// Number of the record that was counted last, so that each counts once.
    last: u64,
}

/// Counts keys, or the values of one, those of most records first.
///
/// # Errors
/// The store fails or has no order of arrival, or the field is one of traces.
pub async fn attribute_counts(
    backend: &dyn Backend,
    query: &AttributeQuery,
) -> Result<Page<AttributeCount>, AttributeError> {
    let field = query.key.as_deref().map(Field::named);
    if let (Some(field), Some(key)) = (&field, &query.key)
        && Filter::needs_of(field) > Needs::Record
    {
        return Err(AttributeError::OfTrace(key.clone()));
    }
    if let Some(answers) = backend.answers() {
        return Ok(answers.attributes(query).await?);
    }
    let AttributeQuery { filter, since, until, newest, .. } = query.clone();
    let records = RecordQuery { filter, since, until, newest, ..RecordQuery::default() };
    let mut counts = Counts { prefix: query.prefix.clone().unwrap_or_default(), ..Counts::default() };
    each(backend, &records, |record| {
        counts.record += 1;
        match &field {
            None => counts.add_keys(RecordRef::from(&record)),
            Some(field) => counts.add_values(RecordRef::from(&record), field),
        }
    })
    .await?;
    Ok(counts.finish(query))
}

#[derive(Debug, Default)]
struct Counts {
    prefix: String,
    rows: FxHashMap<String, Row>,
    record: u64,
}

impl Counts {
    fn add_keys(&mut self, record: RecordRef<'_>) {
        each_attribute(record, &mut |scope, key, value| self.add(key, Some(scope.as_str()), type_of(value)));
    }

    fn add_values(&mut self, record: RecordRef<'_>, field: &Field) {
        Subject::of(record).any_value(field, &mut |found| {
            let type_word = match found {
                Found::Value(_, value) => type_of(value),
                Found::Number(_) => "double",
                _ => "string",
            };
            if let Some(text) = found.text().filter(|text| !text.is_empty() && text.len() <= MOST_VALUE_BYTES) {
                self.add(&text, None, type_word);
            }
            false
        });
    }

    fn add(&mut self, name: &str, scope: Option<&'static str>, type_word: &'static str) {
        if !name.starts_with(&self.prefix) {
            return;
        }
        if !self.rows.contains_key(name) {
            if self.rows.len() >= MOST_ROWS {
                return;
            }
            self.rows.insert(name.to_owned(), Row::default());
        }
        let Some(row) = self.rows.get_mut(name) else { return };
        row.count += u64::from(row.last != self.record);
        row.last = self.record;
        row.types.insert(type_word);
        row.scopes.extend(scope);
    }

    fn finish(self, query: &AttributeQuery) -> Page<AttributeCount> {
        let words = |words: BTreeSet<&'static str>| words.into_iter().map(str::to_owned).collect();
        let of_row = |(name, row): (String, Row)| {
            let (key, value) = match &query.key {
                Some(key) => (key.clone(), Some(name)),
                None => (Field::Attribute { scope: None, keys: vec![name] }.to_string(), None),
            };
            AttributeCount { key, value, types: words(row.types), scopes: words(row.scopes), count: row.count }
        };
        let mut items: Vec<AttributeCount> = self.rows.into_iter().map(of_row).collect();
        items.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.key, &a.value).cmp(&(&b.key, &b.value))));
        let total = items.len() as u64;
        if query.limit > 0 {
            items.truncate(query.limit);
        }
        Page { items, next: None, total: Some(total), failed: None }
    }
}

/// What a value is, in a word.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Empty => "empty",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Double(_) => "double",
        Value::Bytes(_) => "bytes",
        Value::Array(_) => "array",
        Value::Map(_) => "map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attributes, Batch};
    use crate::query::samples::span;
    use crate::store::{Mode, Target, open};

    #[tokio::test]
    async fn keys_and_values_are_counted_once_a_record_those_of_most_records_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&Target::File(folder.path().join("a.db")), Mode::Write).await.expect("a store");
        let with = |number, attributes: Attributes| {
            let mut span = span("GET /", number, 0, 10 * number, 10 * number + 5);
            span.attributes = attributes;
            span
        };
        let spans = vec![
            with(1, [("zone", Value::from("eu")), ("size", Value::Int(1))].into_iter().collect()),
            with(2, [("zone", Value::from("us")), ("level", Value::from("x"))].into_iter().collect()),
            with(3, [("zone", Value::from("eu")), ("size", Value::from("big"))].into_iter().collect()),
        ];
        store.sink().expect("a sink").write(Batch::of_spans(spans)).await.expect("stored");
        let ask = async |key: Option<&str>, prefix: Option<&str>, limit| {
            let query = AttributeQuery {
                key: key.map(str::to_owned),
                prefix: prefix.map(str::to_owned),
                limit,
                ..AttributeQuery::default()
            };
            attribute_counts(&*store, &query).await
        };
        let keys = ask(None, None, 0).await.expect("keys");
        let rows: Vec<_> = keys.items.iter().map(|row| (row.key.as_str(), row.count, row.types.join(","))).collect();
        let wanted = [
            ("service.name", 3, "string"),
            ("zone", 3, "string"),
            ("size", 2, "int,string"),
            ("\"level\"", 1, "string"),
        ];
        assert_eq!(rows, wanted.map(|(key, count, types)| (key, count, types.to_owned())));
        let values = ask(Some("zone"), None, 1).await.expect("values");
        assert_eq!((values.total, values.items.len()), (Some(2), 1));
        assert_eq!((values.items[0].value.as_deref(), values.items[0].count), (Some("eu"), 2));
        let names = ask(Some("name"), Some("GET"), 0).await.expect("values");
        assert_eq!((names.items[0].value.as_deref(), names.items[0].count), (Some("GET /"), 3));
        assert_eq!(ask(None, Some("zo"), 0).await.expect("keys").items.len(), 1);
        assert!(matches!(ask(Some("trace.spans"), None, 0).await, Err(AttributeError::OfTrace(_))));
        store.close().await.expect("a clean end");
    }
}
