//! What is cut when an entry is too large: the longest parts first, each as little as will do.

use crate::model::json::value_to_text;
use crate::model::{Attributes, LogRecord, Text, Value};

/// Most bytes of text, keys and values of one record.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 20;
/// Most bytes of one value of a resource: those are names, and every view shows them.
pub(super) const MAX_NAME_BYTES: usize = 16 << 10;

/// Bytes that a part keeps at least when others are long, too.
const KEPT_BYTES: usize = 1 << 10;
/// Room for what is said about the cut.
const NOTE_BYTES: usize = 64;

/// About how many bytes a value takes.
pub(super) fn bytes(value: &Value) -> usize {
    match value {
        Value::Empty | Value::Bool(_) => 1,
        Value::Int(_) | Value::Double(_) => 8,
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Array(values) => values.iter().map(|value| 1 + bytes(value)).sum(),
        Value::Map(pairs) => pairs.iter().map(|(key, value)| 1 + key.len() + bytes(value)).sum(),
    }
}

/// Cuts a record to [`MAX_RECORD_BYTES`]; the keys of the attributes that lost something, `None` for the message, and how
/// many attributes were left out.
pub(super) fn cut_record(record: &mut LogRecord) -> (Vec<Option<Text>>, usize) {
    let pairs =
        |attributes: &Attributes| -> usize { attributes.iter().map(|(key, value)| key.len() + bytes(value)).sum() };
    let total = record.message.len() + pairs(&record.attributes);
    let mut excess = total.saturating_sub(MAX_RECORD_BYTES);
    if excess == 0 {
        return (Vec::new(), 0);
    }
    let mut shortened = Vec::new();
    let mut parts: Vec<(usize, Option<usize>)> = vec![(record.message.len(), None)];
    parts.extend(record.attributes.iter().enumerate().map(|(place, (_, value))| (bytes(value), Some(place))));
    parts.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    for (size, place) in parts {
        if excess == 0 || size <= KEPT_BYTES {
            break;
        }
        let keep = size.saturating_sub(excess.saturating_add(NOTE_BYTES)).max(KEPT_BYTES);
        match place.and_then(|place| record.attributes.0.get_mut(place)) {
            None => {
                record.message = keep_ends(&record.message, keep);
                shortened.push(None);
            }
            Some((key, value)) => {
                *value = Value::String(keep_ends(&value_as_text(value), keep));
                shortened.push(Some(key.clone()));
            }
        }
        excess = excess.saturating_sub(size - keep);
    }
    let mut left_out = 0;
    while excess > 0
        && let Some((key, value)) = record.attributes.0.pop()
    {
        excess = excess.saturating_sub(key.len() + bytes(&value));
        left_out += 1;
    }
    (shortened, left_out)
}

/// A value as text of at most [`MAX_NAME_BYTES`], when it is longer than that; `None` when it is not.
pub(super) fn shorten_name(value: &Value) -> Option<Value> {
    (bytes(value) > MAX_NAME_BYTES).then(|| Value::String(keep_ends(&value_as_text(value), MAX_NAME_BYTES)))
}

fn value_as_text(value: &Value) -> Text {
    match value {
        Value::String(text) => text.clone(),
        other => Text::from(value_to_text(other)),
    }
}

/// Beginning and end of a text, at most `keep` bytes of it, with a note of what is missing between them: some languages
/// print the frame that failed first, some last.
fn keep_ends(text: &Text, keep: usize) -> Text {
    if text.len() <= keep {
        return text.clone();
    }
    let kept = keep.saturating_sub(NOTE_BYTES);
    let head = text.get(..text.floor_char_boundary(kept.div_ceil(2))).unwrap_or_default();
    let tail = text.get(text.ceil_char_boundary(text.len() - kept / 2)..).unwrap_or_default();
    let cut = text.len() - head.len() - tail.len();
    Text::from(format!("{head}\n… {cut} bytes cut …\n{tail}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_ends_of_a_long_text_stay_and_no_character_is_torn() {
        for keep in 100..130 {
            let cut = keep_ends(&Text::from("ü✓😀".repeat(400)), keep);
            assert!(cut.len() <= keep && cut.starts_with('ü') && cut.ends_with('😀'), "{cut}");
            assert!(cut.contains("bytes cut"), "{cut}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_cut_record_fits_and_a_small_one_stays_as_it_is(sizes in proptest::collection::vec(0_usize..600_000, 0..6), many in 0_usize..3) {
            let text = |size: &usize| Value::String(Text::from("✓".repeat(size / 3)));
            let mut attributes: Vec<(Text, Value)> =
                sizes.iter().enumerate().map(|(index, size)| (Text::from(format!("k{index}")), text(size))).collect();
            attributes.extend((0..many * 40_000).map(|index| (Text::from(format!("small{index}")), Value::Int(1))));
            let mut record = LogRecord { attributes: Attributes(attributes), ..LogRecord::default() };
            let sent = record.clone();
            let total = |record: &LogRecord| -> usize {
                record.attributes.iter().map(|(key, value)| key.len() + bytes(value)).sum()
            };
            let (shortened, left_out) = cut_record(&mut record);
            prop_assert!(total(&record) <= MAX_RECORD_BYTES);
            prop_assert_eq!(record == sent, total(&sent) <= MAX_RECORD_BYTES);
            prop_assert_eq!(shortened.is_empty() && left_out == 0, record == sent);
        }
    }
}
