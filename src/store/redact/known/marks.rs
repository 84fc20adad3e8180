//! What a text has, found out before any pattern is tried: nearly all texts have nothing that a secret must have, so this
//! is what redaction costs. It may say that there is something where there is nothing, never the other way round.

use super::kinds::Mark;

/// Texts without a word this long, without `:` and `=`, and shorter than [`LONG_TEXT`], hold none of the known words.
const LONG_WORD: u32 = 16;
const LONG_TEXT: usize = 128;
/// Texts without a word this long hold nothing that is drawn by lot, and with fewer capitals or digits neither.
const DRAWN_WORD: u32 = 12;
const DRAWN_CAPITALS: usize = 3;
const DRAWN_DIGITS: u32 = 2;
/// Letters and digits of the shortest key that is known by its length.
const LONG_RUN: u32 = 34;
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
    /// Looks at the bytes of a text.
    pub(in crate::store::redact) fn of(bytes: &[u8]) -> Marks {
        let seen = Seen::of(bytes);
        let may_have_words = seen.longest_word >= LONG_WORD || seen.has(ASSIGNMENT) || bytes.len() >= LONG_TEXT;
        let mut marks = Marks { marks: 0, may_have_words };
        marks.set(Mark::At, seen.has(AT));
        if seen.longest_word >= DRAWN_WORD && seen.digits >= DRAWN_DIGITS {
            let capitals = bytes.iter().filter(|byte| byte.is_ascii_uppercase()).count();
            marks.set(Mark::Drawn, capitals >= DRAWN_CAPITALS);
        }
        if seen.longest_word >= LONG_RUN {
            marks.set(Mark::LongRun, has_run(bytes, LONG_RUN as usize, ALPHANUMERIC));
        }
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
const DIGIT_SHIFT: u32 = 3;
const DIGIT: u8 = 1 << DIGIT_SHIFT;
const AT: u8 = 1 << 4;
const ASSIGNMENT: u8 = 1 << 5;
/// The highest two bits are remembered of the last bytes: letters have both, digits the lower.
const FORM_SHIFT: u32 = 6;
const LETTER_FORM: u8 = 0b11 << FORM_SHIFT;
const DIGIT_FORM: u8 = 0b01 << FORM_SHIFT;
/// `lldd` behind neither letter nor digit.
const HEAD: u32 = 0b0_11_11_01_01;
const HEAD_BITS: u32 = (1 << 9) - 1;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' => WORD | ALPHANUMERIC | NUMBER | DIGIT | DIGIT_FORM,
            b'a'..=b'z' | b'A'..=b'Z' => WORD | ALPHANUMERIC | LETTER_FORM,
            b'-' => WORD | NUMBER,
            b'_' => WORD,
            b' ' => NUMBER,
            b'@' | b'%' => AT,
            b':' | b'=' => ASSIGNMENT,
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

/// Whether two letters and two digits stand behind neither letter nor digit. Without branches, which no processor could
/// foresee in text.
fn has_head_of_bank_account(bytes: &[u8]) -> bool {
    let (mut recent, mut is_found) = (0_u32, false);
    for byte in bytes {
        recent = recent << 2 | u32::from(class(*byte) >> FORM_SHIFT);
        is_found |= recent & HEAD_BITS == HEAD;
    }
    is_found
}

/// What one look at all bytes shows.
#[derive(Default)]
struct Seen {
    classes: u8,
    digits: u32,
    longest_word: u32,
}

impl Seen {
    fn of(bytes: &[u8]) -> Seen {
        let (mut classes, mut digits, mut word, mut longest_word) = (0_u8, 0_u32, 0_u32, 0_u32);
        for byte in bytes {
            let class = class(*byte);
            classes |= class;
            digits = digits.wrapping_add(u32::from(class >> DIGIT_SHIFT & 1));
            word = word.wrapping_add(1) * u32::from(class & WORD);
            longest_word = longest_word.max(word);
        }
        Seen { classes, digits, longest_word }
    }

    fn has(&self, of: u8) -> bool {
        self.classes & of != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str) -> Marks {
        Marks::of(text.as_bytes())
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
        assert!(!uuid.has(Mark::LongRun) && uuid.may_have_words());
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
        assert!(seen.has(AT) && seen.has(ASSIGNMENT));
        assert_eq!((seen.digits, seen.longest_word), (10, 10));
    }
}
