//! Finding text in text whatever the case: fast where both are ASCII, right where they are not.
//!
//! Two texts are equal here when their characters, each put into lower case by itself, are; a final sigma is a sigma.

use std::ops::Range;

use memchr::memchr2;

/// Longer text is put into lower case before it is looked for, so that no text takes longer than its length asks for.
const MAX_SCANNED_BYTES: usize = 64;
/// Bytes of messages, the most frequent first; what is not among them is rare.
const FREQUENT: &[u8] = b" etaoinsrldcumpfg0h1.b-2y_/:vw3k54x=8q9j7z6";

/// Text that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    folded: String,
    /// Place of the needle's rarest byte; `None` when the needle is long or not ASCII.
    anchor: Option<usize>,
}

impl Needle {
    /// Makes ready to look for a text; an empty one is found everywhere.
    pub fn new(text: &str) -> Needle {
        let folded = fold(text);
        let rank = |byte: &u8| FREQUENT.iter().position(|known| known == byte).unwrap_or(FREQUENT.len());
        let is_scanned = folded.is_ascii() && folded.len() <= MAX_SCANNED_BYTES;
        let rarest = folded.bytes().enumerate().max_by_key(|(_, byte)| rank(byte));
        let anchor = rarest.filter(|_| is_scanned).map(|(place, _)| place);
        Needle { folded, anchor }
    }

    /// Whether the needle stands anywhere in a text.
    pub fn is_in(&self, text: &str) -> bool {
        match self.anchor {
            Some(anchor) => self.scan(text, anchor).is_some() || (hides_ascii(text) && self.is_in_folded(text)),
            None => self.is_in_folded(text),
        }
    }

    /// Where in a text the needle stands first, in bytes.
    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        if let Some(anchor) = self.anchor {
            let found = self.scan(text, anchor).map(|start| start..start + self.folded.len());
            if found.is_some() || !hides_ascii(text) {
                return found;
            }
        }
        self.find_folded(text)
    }

    fn is_in_folded(&self, text: &str) -> bool {
        fold(text).contains(&self.folded)
    }

    /// Looks for the rarest byte in both cases, and around each.
    fn scan(&self, text: &str, anchor: usize) -> Option<usize> {
        let (wanted, text) = (self.folded.as_bytes(), text.as_bytes());
        let rarest = *wanted.get(anchor)?;
        let mut from = anchor;
        loop {
            let found = from + memchr2(rarest, rarest.to_ascii_uppercase(), text.get(from..)?)?;
            let start = found - anchor;
            if text.get(start..start + wanted.len())?.eq_ignore_ascii_case(wanted) {
                return Some(start);
            }
            from = found + 1;
        }
    }

    fn find_folded(&self, text: &str) -> Option<Range<usize>> {
        let mut folded = String::with_capacity(text.len());
        // The character each byte of the folded text comes from.
        let mut origins: Vec<Range<usize>> = Vec::with_capacity(text.len());
        for (start, c) in text.char_indices() {
            folded.extend(fold_char(c));
            origins.resize(folded.len(), start..start + c.len_utf8());
        }
        let found = folded.find(&self.folded)?;
        let last = (found + self.folded.len()).checked_sub(1).and_then(|last| origins.get(last));
        match (origins.get(found), last) {
            (Some(first), Some(last)) if !self.folded.is_empty() => Some(first.start..last.end),
            _ => Some(0..0),
        }
    }
}

fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().flat_map(fold_char).collect() }
}

fn fold_char(c: char) -> impl Iterator<Item = char> {
    (if c == 'ς' { 'σ' } else { c }).to_lowercase()
}

/// Whether a text has one of the two characters beyond ASCII whose lower case is ASCII or begins with it: the Kelvin
/// sign and the dotted capital I.
fn hides_ascii(text: &str) -> bool {
    !text.is_ascii() && text.contains(['\u{212a}', '\u{130}'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_does_not_matter_in_any_script() {
        for (needle, text) in [
            ("402 CARD", "charge failed: 402 card_declined"),
            ("größe", "GRÖSSE und GRÖßE"),
            ("οδος", "Η ΟΔΟΣ ΜΟΥ"),
            ("kelvin", "300 \u{212a}elvin"),
            ("i", "\u{130}stanbul"),
            ("✓", "done ✓"),
            ("", ""),
        ] {
            let found = Needle::new(needle).find(text);
            assert!(Needle::new(needle).is_in(text) && found.is_some(), "{needle} in {text}");
        }
        assert!(!Needle::new("card_declineD!").is_in("card_declined"));
        assert_eq!(Needle::new("DECLINED").find("card_declined"), Some(5..13));
        assert_eq!(Needle::new("ÜN").find("für ünï"), Some(5..8));
    }

    #[test]
    fn only_two_characters_beyond_ascii_have_ascii_in_their_lower_case() {
        let hides = |c: &char| !c.is_ascii() && fold_char(*c).any(|folded| folded.is_ascii());
        assert_eq!(('\0'..=char::MAX).filter(hides).collect::<String>(), "\u{130}\u{212a}");
    }

    #[test]
    fn a_text_made_to_be_slow_is_not() {
        let text = "a".repeat(4 << 20);
        let begin = std::time::Instant::now();
        for needle in ["a".repeat(63) + "b", "b".to_owned() + &"a".repeat(8_000), "a".repeat(40_000) + "b"] {
            assert!(!Needle::new(&needle).is_in(&text));
        }
        assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
    }

    proptest! {
        #[test]
        fn it_is_found_where_the_lower_case_of_both_says_so(text in "[a-cA-C İKk✓Σςσß]{0,12}", needle in "[a-cA-C İkK✓Σς]{0,3}") {
            let expected = fold(&text).contains(&fold(&needle));
            let found = Needle::new(&needle).find(&text);
            prop_assert_eq!(Needle::new(&needle).is_in(&text), expected);
            prop_assert_eq!(found.is_some(), expected);
            if let Some(found) = found {
                let part = text.get(found).map(fold);
                prop_assert!(part.is_some_and(|part| part.contains(&fold(&needle))));
            }
        }
    }
}
