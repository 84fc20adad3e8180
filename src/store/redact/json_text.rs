//! JSON inside a text, edited in place: what is no secret stays as it was written, byte for byte.
//!
//! Payloads of checkpoints are JSON, and so are many attributes and log lines. Their fields have names, which rules go by,
//! and their texts have escapes, behind which a pattern would not see a secret.

use std::ops::Range;

/// Deeper JSON is treated as plain text.
const MOST_DEPTH: usize = 64;

/// Who is asked about the parts of a JSON text.
pub(super) trait Editor {
    /// What takes the place of the value of a field, as JSON, given the value as it stands there; `None` leaves the value
    /// to be looked through.
    fn field(&mut self, name: &str, value: &str) -> Option<String>;
    /// The name that takes the place of this one.
    fn name(&mut self, name: &str) -> Option<String>;
    /// The text that takes the place of this one, which stands under the field of this name.
    fn string(&mut self, field: Option<&str>, text: &str) -> Option<String>;
    /// The JSON that takes the place of a number.
    fn number(&mut self, field: Option<&str>, number: &str) -> Option<String>;
}

/// Whether a text may be JSON with fields or elements.
pub(super) fn may_be_json(text: &str) -> bool {
    let text = text.trim_ascii();
    matches!((text.bytes().next(), text.bytes().next_back()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')))
}

/// Edits a JSON text: `Ok(None)` when nothing changes.
///
/// # Errors
/// The text is no JSON, or deeper than anybody nests.
pub(super) fn edit(text: &str, editor: &mut impl Editor) -> Result<Option<String>, NotJson> {
    let mut reader = Reader { text, place: 0, edits: Vec::new(), editor };
    reader.value(None, 0)?;
    reader.skip_blanks();
    match reader.place == text.len() {
        true if reader.edits.is_empty() => Ok(None),
        true => Ok(Some(apply_edits(text, &reader.edits))),
        false => Err(NotJson),
    }
}

/// The text is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotJson;

struct Reader<'t, 'e, E> {
    text: &'t str,
    place: usize,
    edits: Vec<(Range<usize>, String)>,
    editor: &'e mut E,
}

impl<'t, E: Editor> Reader<'t, '_, E> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.place).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r')) {
            self.place += 1;
        }
    }

    /// Passes this byte, after blanks, if it comes next.
    fn pass(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let is_next = self.peek() == Some(byte);
        self.place += usize::from(is_next);
        is_next
    }

    fn value(&mut self, field: Option<&str>, depth: usize) -> Result<(), NotJson> {
        self.skip_blanks();
        match self.peek() {
            _ if depth > MOST_DEPTH => Err(NotJson),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(field, depth),
            Some(b'"') => {
                let range = self.quoted()?;
                let text = self.unescaped(range.clone());
                if let Some(new) = self.editor.string(field, &text) {
                    self.edits.push((range, quote(&new)));
                }
                Ok(())
            }
            Some(_) => self.scalar(field),
            None => Err(NotJson),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), NotJson> {
        self.place += 1;
        if self.pass(b'}') {
            return Ok(());
        }
        loop {
            self.skip_blanks();
            let range = self.quoted()?;
            let name = self.unescaped(range.clone());
            if let Some(new) = self.editor.name(&name) {
                self.edits.push((range, quote(&new)));
            }
            if !self.pass(b':') {
                return Err(NotJson);
            }
            self.member(&name, depth)?;
            if self.pass(b'}') {
                return Ok(());
            }
            if !self.pass(b',') {
                return Err(NotJson);
            }
        }
    }

    fn member(&mut self, name: &str, depth: usize) -> Result<(), NotJson> {
        self.skip_blanks();
        let (start, edits) = (self.place, self.edits.len());
        self.value(Some(name), depth + 1)?;
        let value = self.text.get(start..self.place).ok_or(NotJson)?;
        if let Some(new) = self.editor.field(name, value) {
            // What was edited within goes with all of it.
            self.edits.truncate(edits);
            self.edits.push((start..self.place, new));
        }
        Ok(())
    }

    fn array(&mut self, field: Option<&str>, depth: usize) -> Result<(), NotJson> {
        self.place += 1;
        if self.pass(b']') {
            return Ok(());
        }
        loop {
            self.value(field, depth + 1)?;
            if self.pass(b']') {
                return Ok(());
            }
            if !self.pass(b',') {
                return Err(NotJson);
            }
        }
    }

    /// Passes a quoted text; where it stands, quotes included.
    fn quoted(&mut self) -> Result<Range<usize>, NotJson> {
        let start = self.place;
        if self.peek() != Some(b'"') {
            return Err(NotJson);
        }
        self.place += 1;
        loop {
            match self.peek().ok_or(NotJson)? {
                b'"' => break,
                b'\\' => self.place += 2,
                _ => self.place += 1,
            }
        }
        self.place += 1;
        Ok(start..self.place)
    }

    /// A quoted text without its escapes; what cannot be read is taken as it stands.
    fn unescaped(&self, range: Range<usize>) -> std::borrow::Cow<'t, str> {
        let quoted = self.text.get(range).unwrap_or_default();
        let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        match inner.contains('\\') {
            true => serde_json::from_str::<String>(quoted).map_or(inner.into(), Into::into),
            false => inner.into(),
        }
    }

    fn scalar(&mut self, field: Option<&str>) -> Result<(), NotJson> {
        let rest = self.text.get(self.place..).ok_or(NotJson)?;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.bytes().take_while(is_part).count();
        let scalar = rest.get(..length).filter(|scalar| !scalar.is_empty()).ok_or(NotJson)?;
        let is_word = matches!(scalar, "true" | "false" | "null" | "NaN" | "Infinity" | "-Infinity");
        if !is_word && scalar.parse::<f64>().is_err() {
            return Err(NotJson);
        }
        if !is_word && let Some(new) = self.editor.number(field, scalar) {
            self.edits.push((self.place..self.place + length, new));
        }
        self.place += length;
        Ok(())
    }
}

/// A text in which each of these ranges, which come in order, is replaced.
pub(super) fn apply_edits(text: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut place = 0;
    for (range, new) in edits {
        edited.push_str(text.get(place..range.start).unwrap_or_default());
        edited.push_str(new);
        place = range.end;
    }
    edited.push_str(text.get(place..).unwrap_or_default());
    edited
}

/// A text as JSON writes it.
pub(super) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Upper;

    impl Editor for Upper {
        fn field(&mut self, name: &str, _value: &str) -> Option<String> {
            (name == "gone").then(|| "null".to_owned())
        }
        fn name(&mut self, name: &str) -> Option<String> {
            (name == "old").then(|| "new".to_owned())
        }
        fn string(&mut self, field: Option<&str>, text: &str) -> Option<String> {
            (text.contains('@')).then(|| format!("{}!", field.unwrap_or("-")))
        }
        fn number(&mut self, _field: Option<&str>, number: &str) -> Option<String> {
            (number.len() > 3).then(|| "0".to_owned())
        }
    }

    #[test]
    fn what_is_not_edited_stays_byte_for_byte() {
        let text = r#" {"a" :[1.5,"x\u0040y", 12345],"gone":{"x":["a@b"]}, "old":"é\n", "b":1e400} "#;
        let edited = edit(text, &mut Upper).expect("JSON").expect("edited");
        assert_eq!(edited, r#" {"a" :[1.5,"a!", 0],"gone":null, "new":"é\n", "b":0} "#);
        assert_eq!(edit(r#"{"a":[ ],"b":{ }}"#, &mut Upper), Ok(None));
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        for text in ["", "{", "{a:1}", "[1 2]", "{\"a\"}", "[\"a]", "[1]x", "[nope]", "\"\\"] {
            assert_eq!(edit(text, &mut Upper), Err(NotJson), "{text}");
        }
        assert_eq!(edit(&"[".repeat(10_000), &mut Upper), Err(NotJson));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_editor_panic(text in r#"[\[\]{}:,"\\a@1 é]{0,40}"#) {
            let _ = edit(&text, &mut Upper);
        }
    }
}
