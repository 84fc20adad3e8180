//! The further values of a log record, by name.
//!
//! Values are made on the program's threads, so they are written as JSON at once, all into one text: that is one
//! allocation instead of several for each. What an odd `Serialize` leaves behind is seen to on the shipping thread.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::caller::Caller;

/// Bytes reserved for the first values; enough for a few.
const INITIAL_BYTES: usize = 128;
/// The name given to a text that is no JSON object after all.
const UNREADABLE: &str = "unreadable";
/// The names under which the place of a call is sent ([code attributes](https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/)).
const FILE: &str = "code.file.path";
const LINE: &str = "code.line.number";

/// The further values of one log record: names and values in the order they came.
#[derive(Debug, Default, Clone)]
pub(crate) struct Extra {
    /// An empty text or a JSON object, in which a name may come twice.
    text: Vec<u8>,
}

impl Extra {
    /// Adds a value; one that does not serialize is replaced by the reason.
    pub fn push(&mut self, name: &str, value: impl Serialize) {
        match self.text.last_mut() {
            Some(end) => *end = b',',
            None => {
                self.text.reserve(INITIAL_BYTES);
                self.text.push(b'{');
            }
        }
        // Text always serializes.
        let _ = serde_json::to_writer(&mut self.text, name);
        self.text.push(b':');
        let begin = self.text.len();
        if let Err(error) = serde_json::to_writer(&mut self.text, &value) {
            self.text.truncate(begin);
            let _ = serde_json::to_writer(&mut self.text, &format!("<{error}>"));
        }
        self.text.push(b'}');
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Replaces all values at once: `edit` is given the JSON object they are, and returns another one or nothing.
    #[cfg(feature = "app")]
    pub fn edit(&mut self, edit: impl FnOnce(&str) -> Option<String>) {
        if let Some(edited) = std::str::from_utf8(&self.text).ok().and_then(edit) {
            self.text = edited.into_bytes();
        }
    }

    /// How many bytes of memory the values take beside the struct.
    pub fn size_bytes(&self) -> usize {
        self.text.capacity()
    }
}

impl From<Map<String, Json>> for Extra {
    fn from(values: Map<String, Json>) -> Extra {
        let mut extra = Extra::default();
        values.iter().for_each(|(name, value)| extra.push(name, value));
        extra
    }
}

/// The extra values of a record as they are sent, with the place of its call behind them. Written is an object with each
/// name once, where it came first, and its last value.
#[derive(Debug)]
pub(super) struct ExtraJson<'a> {
    pub values: Option<&'a Extra>,
    pub caller: Option<&'a Caller>,
}

impl ExtraJson<'_> {
    pub fn is_empty(&self) -> bool {
        self.caller.is_none() && self.values.is_none_or(Extra::is_empty)
    }
}

impl Serialize for ExtraJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.values.filter(|values| !values.is_empty()).map_or(&b"{}"[..], |values| &values.text);
        let members: Result<IndexMap<String, &RawValue, FxBuildHasher>, _> = serde_json::from_slice(text);
        // A `Serialize` that breaks its own rules must not cost the batch.
        let Ok(members) = members else {
            return serializer.collect_map([(UNREADABLE, String::from_utf8_lossy(text))]);
        };
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &members {
            map.serialize_entry(name, value)?;
        }
        let caller = self.caller.filter(|_| !members.contains_key(FILE) && !members.contains_key(LINE));
        if let Some(Caller { file, line }) = caller {
            map.serialize_entry(FILE, file)?;
            map.serialize_entry(LINE, line)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(extra: &Extra) -> String {
        serde_json::to_string(&ExtraJson { values: Some(extra), caller: None }).expect("JSON")
    }

    #[test]
    fn a_name_given_twice_keeps_its_place_and_has_its_last_value() {
        let mut extra = Extra::default();
        assert!(extra.is_empty());
        for (name, value) in [("b", 1), ("a \"quoted\"\n", 2), ("b", 3)] {
            extra.push(name, value);
        }
        assert_eq!(written(&extra), r#"{"b":3,"a \"quoted\"\n":2}"#);
    }

    #[test]
    fn numbers_of_any_size_and_values_of_any_depth_stay_as_they_are() {
        let mut extra = Extra::default();
        let deep = (0..150).fold(Json::Null, |inner, _| Json::Array(vec![inner]));
        extra.push("large", u128::MAX);
        extra.push("nan", f64::NAN);
        extra.push("deep", &deep);
        let (large, brackets) = (u128::MAX, "[".repeat(150));
        assert_eq!(
            written(&extra),
            format!(r#"{{"large":{large},"nan":null,"deep":{brackets}null{}}}"#, "]".repeat(150))
        );
    }

    #[test]
    fn what_does_not_serialize_is_replaced_and_its_neighbours_stay() {
        let mut extra = Extra::default();
        extra.push("before", "x");
        extra.push("keys", std::collections::HashMap::from([((1, 2), 3)]));
        extra.push("after", [1, 2]);
        assert_eq!(written(&extra), r#"{"before":"x","keys":"<key must be a string>","after":[1,2]}"#);
    }

    /// Writes a key and no value.
    struct Broken;

    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_key("lonely")?;
            map.end()
        }
    }

    #[test]
    fn what_is_no_json_is_sent_as_a_text() {
        let mut extra = Extra::default();
        extra.push("a", 1);
        extra.push("broken", Broken);
        assert_eq!(written(&extra), r#"{"unreadable":"{\"a\":1,\"broken\":{\"lonely\"}}"}"#);
    }
}
