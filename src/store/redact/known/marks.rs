//! What a text has, found out before any pattern is tried: nearly all texts have nothing that a secret must have, so this
//! is what redaction costs. It may say that there is something where there is nothing, never the other way round.

use super::kinds::Mark;

/// Texts without a word this long, without `:` and `=`, and shorter than [`LONG_TEXT`], hold none of the known words.
const LONG_WORD: usize = 16;
const LONG_TEXT: usize = 128;
/// Texts without a word this long hold nothing that is drawn by lot, and with fewer capitals or digits neither.
const DRAWN_WORD: usize = 12;
const DRAWN_CAPITALS: u32 = 3;
const DRAWN_DIGITS: u32 = 2;
/// Letters and digits of the shortest key that is known by its length.
const LONG_RUN: usize = 34;
/// Fewest digits of a text with a number that has a check digit or a form.
const FEWEST_DIGITS: u32 = 9;
/// Fewest digits, blanks and dashes in a row of a text with a card, and with a social security number.
const CARD_RUN: usize = 13;
const SOCIAL_SECURITY_RUN: usize = 11;

/// What a text has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store::redact) struct Marks {
    marks: u8,
    may_have_words: bool,
}

impl Marks {
    /// Looks at the bytes of a text, of which this is seen already.
    pub(in crate::store::redact) fn of(bytes: &[u8], seen: &Seen) -> Marks {
        let has_long_word = || has_run(bytes, LONG_WORD, WORD);
        // No known word is spelled as ids are, but the heads of two kinds of key that are all capitals.
        let may_have_words = !seen.is_hex && (seen.has_assignment || bytes.len() >= LONG_TEXT || has_long_word());
        let mut marks = Marks { marks: 0, may_have_words };
        marks.set(Mark::At, seen.has_at);
        if seen.digits >= DRAWN_DIGITS && seen.capitals >= DRAWN_CAPITALS {
            marks.set(Mark::Drawn, has_run(bytes, DRAWN_WORD, WORD));
        }
        marks.set(Mark::LongRun, has_run(bytes, LONG_RUN, ALPHANUMERIC));
        if seen.digits >= FEWEST_DIGITS {
            marks.set(Mark::BankAccount, has_head_of_bank_account(bytes));
            if has_run(bytes, SOCIAL_SECURITY_RUN, NUMBER) {
                marks.set(Mark::SocialSecurity, true);
                marks.set(Mark::Card, has_run(bytes, CARD_RUN, NUMBER));
            }
        }
        marks
    }

    /// Whether there is none.
    pub(in crate::store::redact) fn is_empty(self) -> bool {
        self.marks == 0
    }

    /// Whether the text has this.
    pub(in crate::store::redact) fn has(self, mark: Mark) -> bool {
        self.marks & bit(mark) != 0
    }

    /// Whether a search for the known words is worth it.
    pub(in crate::store::redact) fn may_have_words(self) -> bool {
        self.may_have_words
    }

    fn set(&mut self, mark: Mark, is_set: bool) {
        self.marks |= bit(mark) * u8::from(is_set);
    }
}

fn bit(mark: Mark) -> u8 {
    1 << mark as u8
}

/// Letters, digits, `_` and `-`.
const WORD: u8 = 1;
/// Letters and digits.
const ALPHANUMERIC: u8 = 2;
/// Digits, and what parts groups of them.
const NUMBER: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' => WORD | ALPHANUMERIC | NUMBER,
            b'a'..=b'z' | b'A'..=b'Z' => WORD | ALPHANUMERIC,
            b'-' => WORD | NUMBER,
            b'_' => WORD,
            b' ' => NUMBER,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Whether so many bytes in a row are of a class. One that is not rules out every run across it, so when each run that
/// could be is looked at from its end, few bytes are.
fn has_run(bytes: &[u8], length: usize, of: u8) -> bool {
    let mut start = 0;
    while let Some(run) = bytes.get(start..start + length) {
        match run.iter().rposition(|byte| class(*byte) & of == 0) {
            None => return true,
            Some(place) => start += place + 1,
        }
    }
    false
}

/// Bytes that are looked at together, without a branch, which is how a processor takes them in few steps.
const LANES: usize = 16;

fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

fn is_capital(byte: u8) -> bool {
    byte.wrapping_sub(b'A') < 26
}

fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

/// Whether a lane is set.
fn is_any(lanes: [u8; LANES]) -> bool {
    u128::from_ne_bytes(lanes) != 0
}

/// Looks at each [`LANES`] bytes, with those behind them that `SIZE` has room for; `padding` stands behind the last.
fn for_each_group<const SIZE: usize>(bytes: &[u8], padding: u8, mut look: impl FnMut(&[u8; SIZE])) {
    let mut rest = bytes;
    while let Some(group) = rest.first_chunk::<SIZE>() {
        look(group);
        rest = rest.get(LANES..).unwrap_or_default();
    }
    if !rest.is_empty() {
        let mut last = [padding; SIZE];
        if let Some(given) = last.get_mut(..rest.len()) {
            given.copy_from_slice(rest);
            look(&last);
        }
    }
}

/// Whether two letters and two digits stand behind neither letter nor digit.
fn has_head_of_bank_account(bytes: &[u8]) -> bool {
    /// The head and the byte before it, from the last lane on.
    const SIZE: usize = LANES + 4;
    let is_head = |head: &[u8]| match head {
        [a, b, c, d, ..] => is_letter(*a) & is_letter(*b) & is_digit(*c) & is_digit(*d),
        _ => false,
    };
    let mut lanes = [0; LANES];
    for_each_group::<SIZE>(bytes, b'.', |group| {
        for (lane, is_found) in lanes.iter_mut().enumerate() {
            let [before, a, b, c, d] = [0, 1, 2, 3, 4].map(|place| group[lane + place]);
            let is_head =
                !(is_letter(before) | is_digit(before)) & is_letter(a) & is_letter(b) & is_digit(c) & is_digit(d);
            *is_found |= u8::from(is_head);
        }
    });
    is_head(bytes) || is_any(lanes)
}

/// What one look at all bytes shows.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store::redact) struct Seen {
    has_at: bool,
    has_assignment: bool,
    /// Whether there are only digits, the small letters up to `f`, and dashes, as in most ids.
    is_hex: bool,
    /// Counted no further than 255 in each lane.
    digits: u32,
    capitals: u32,
}

impl Seen {
    /// Whether bytes that show this may hold others that show `part`; false is certain.
    pub(in crate::store::redact) fn may_hold(&self, part: &Seen) -> bool {
        (self.has_at || !part.has_at)
            && (self.has_assignment || !part.has_assignment)
            && (!self.is_hex || part.is_hex)
            && self.digits >= part.digits
            && self.capitals >= part.capitals
    }

    /// Looks at the bytes of a text.
    pub(in crate::store::redact) fn of(bytes: &[u8]) -> Seen {
        let [mut at, mut assignment, mut other] = [[0_u8; LANES]; 3];
        let [mut digits, mut capitals] = [[0_u8; LANES]; 2];
        // A dash is nothing that is looked for, and part of ids.
        for_each_group::<LANES>(bytes, b'-', |group| {
            for (lane, byte) in group.iter().copied().enumerate() {
                at[lane] |= u8::from((byte == b'@') | (byte == b'%'));
                assignment[lane] |= u8::from((byte == b':') | (byte == b'='));
                other[lane] |= u8::from(!(is_digit(byte) | (byte.wrapping_sub(b'a') < 6) | (byte == b'-')));
                digits[lane] = digits[lane].saturating_add(u8::from(is_digit(byte)));
                capitals[lane] = capitals[lane].saturating_add(u8::from(is_capital(byte)));
            }
        });
        Seen {
            has_at: is_any(at),
            has_assignment: is_any(assignment),
            is_hex: !is_any(other),
            digits: digits.into_iter().map(u32::from).sum(),
            capitals: capitals.into_iter().map(u32::from).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str) -> Marks {
        Marks::of(text.as_bytes(), &Seen::of(text.as_bytes()))
    }

    #[test]
    fn runs_are_found_wherever_they_stand() {
        for length in 1..40 {
            for before in 0..40 {
                let text = format!("{}{}.", ".a".repeat(before), "b".repeat(length));
                let longest = if before > 0 { length + 1 } else { length };
                for wanted in 1..45 {
                    assert_eq!(has_run(text.as_bytes(), wanted, WORD), wanted <= longest, "{wanted} in {text}");
                }
            }
        }
        assert!(!has_run(b"", 1, WORD) && !has_run(b"....", 1, WORD));
    }

    #[test]
    fn an_id_has_nothing_that_a_number_with_a_form_must_have() {
        let uuid = marks("7d0f7a52-11c4-4be0-9ad1-3f6f1ea0f2c9");
        assert!(!uuid.has(Mark::Card) && !uuid.has(Mark::SocialSecurity) && !uuid.has(Mark::Drawn));
        assert!(!uuid.has(Mark::LongRun) && !uuid.may_have_words());
        assert_eq!(marks("GET /api/v1/orders/{id}"), Marks::default());
        assert_eq!(marks("naïve text"), Marks::default());
    }

    #[test]
    fn each_mark_is_seen() {
        for (text, mark) in [
            ("mail a@b.example", Mark::At),
            ("a%40b.example", Mark::At),
            ("paid 4242-4242 4242-4242", Mark::Card),
            ("4222222222222", Mark::Card),
            ("GB82WEST12345698765432", Mark::BankAccount),
            ("to (de89 3704 0044 0532 0130 00)", Mark::BankAccount),
            ("it is 078-05-1120.", Mark::SocialSecurity),
            ("SK0123456789abcdef0123456789abcdef", Mark::LongRun),
            ("9aF3kLm2QzX7vB1nR8tY4wE6", Mark::Drawn),
        ] {
            assert!(marks(text).has(mark) && !marks(text).is_empty(), "{mark:?} in {text}");
        }
        assert!(!marks("xGB82WEST12345698765432").has(Mark::BankAccount));
        assert!(!marks("a1 GB8 WEST12345698765432").has(Mark::BankAccount));
        let seen = Seen::of(b"call 0123456789 or mail a@b.example: x_y-Z");
        assert!(seen.has_at && seen.has_assignment && !seen.is_hex);
        assert_eq!((seen.digits, seen.capitals), (10, 1));
    }

    #[test]
    fn a_byte_counts_the_same_wherever_it_stands() {
        for length in 1..60 {
            for place in 0..length {
                let with = |byte: u8, around: u8| {
                    let mut bytes = vec![around; length];
                    bytes[place] = byte;
                    Seen::of(&bytes)
                };
                assert!(with(b'@', b'.').has_at && with(b'%', b'.').has_at && !with(b'.', b'.').has_at);
                assert!(with(b':', b'.').has_assignment && with(b'=', b'.').has_assignment);
                assert_eq!((with(b'7', b'.').digits, with(b'Q', b'.').capitals), (1, 1));
                assert!(with(b'-', b'f').is_hex && !with(b'g', b'0').is_hex && !with(b'A', b'0').is_hex);
                let mut head = vec![b'.'; length + 4];
                head[place..place + 4].copy_from_slice(b"de89");
                assert!(has_head_of_bank_account(&head));
                head[place + 3] = b'x';
                assert!(!has_head_of_bank_account(&head));
            }
        }
    }

    #[test]
    fn only_heads_of_keys_in_capitals_are_words_spelled_like_ids() {
        for kind in super::super::KINDS {
            if let super::super::Look::Pattern { words, .. } = &kind.look {
                let spelled = words.iter().filter(|word| Seen::of(word.as_bytes()).is_hex);
                assert!(
                    spelled.clone().all(|word| ["acca", "eaaa"].contains(word)),
                    "{:?}",
                    spelled.collect::<Vec<_>>()
                );
            }
        }
    }
}
