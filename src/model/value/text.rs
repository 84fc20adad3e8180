//! `Text`: an immutable string that is cheap to clone and can point into a larger buffer.
//!
//! Decoders hand out thousands of strings that all lie in one request body, readers as many that lie in one
//! dictionary. Sharing the buffer makes each of them a pointer instead of an allocation.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use bytestring::ByteString;

/// Immutable UTF-8 text; cloning shares the buffer.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(ByteString);

impl Text {
    /// The empty text.
    pub const EMPTY: Text = Text(ByteString::new());

    /// Checks that `bytes` are UTF-8 and keeps them without copying; `None` when they are not.
    pub fn from_utf8(bytes: Bytes) -> Option<Text> {
        ByteString::try_from(bytes).ok().map(Text)
    }

    /// The beginning of the text, at most this many bytes and no half character; shares the buffer.
    pub fn cut(&self, max_bytes: usize) -> Text {
        let kept = self.get(..self.floor_char_boundary(max_bytes)).unwrap_or_default();
        Text(self.0.slice_ref(kept))
    }

    /// Text that lives as long as the program; no allocation.
    pub const fn from_static(text: &'static str) -> Text {
        Text(ByteString::from_static(text))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(ByteString::from(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(ByteString::from(text))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_no_text() {
        assert_eq!(Text::from_utf8(Bytes::from_static(b"\xff\xfe")), None);
        assert_eq!(Text::from_utf8(Bytes::from_static("✓".as_bytes())), Some(Text::from("✓")));
    }

    #[test]
    fn a_cut_text_ends_between_two_characters() {
        let text = Text::from("aü😀b");
        let cuts: Vec<Text> = (0..10).map(|bytes| text.cut(bytes)).collect();
        assert_eq!(cuts, ["", "a", "a", "aü", "aü", "aü", "aü", "aü😀", "aü😀b", "aü😀b"]);
    }

    #[test]
    fn a_slice_of_a_buffer_is_not_copied() {
        let body = Bytes::from_static(b"hello world");
        let text = Text::from_utf8(body.slice(6..)).expect("ascii");
        assert_eq!(text.as_str().as_ptr(), body[6..].as_ptr());
    }
}
