//! What the classes of values ask of bytes: which of them make words, and how many of a kind stand in a row.

/// Whether a byte is part of a word; `_` is not, for ids stand behind it, and neither is anything beyond ASCII, for
/// numbers stand in Chinese text without spaces.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// How many bytes a text begins with that pass.
pub fn count(bytes: &[u8], passes: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| passes(**byte)).count()
}

/// Whether nothing of a word follows these many bytes.
pub fn ends_at(bytes: &[u8], length: usize) -> bool {
    bytes.get(length).is_none_or(|byte| !is_word(*byte))
}
