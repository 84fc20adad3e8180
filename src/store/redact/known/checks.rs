//! Secrets that no pattern tells from other text: numbers with a check digit, and text that looks drawn by lot.

use std::ops::Range;

/// Fewest and most digits of a card number.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
/// Fewest characters of text that may look drawn by lot.
const LOT_CHARS: usize = 20;
/// Most characters looked at of one such text.
const LOT_LOOKED_AT: usize = 4_096;

/// Length of an international bank account number in each country that has them, check digits and country included.
const IBAN_LENGTHS: [(&str, usize); 77] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SC", 31),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

/// Card numbers in a text: 13 to 19 digits in groups parted by single blanks or dashes, that begin as cards do and have
/// the right check digit ([Luhn](https://en.wikipedia.org/wiki/Luhn_algorithm)).
pub(super) fn cards(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Range<usize>> = Vec::new();
    let groups = digit_groups(bytes);
    for (first, start) in groups.iter().enumerate() {
        if found.last().is_some_and(|last| last.end > start.start) || is_inside_word(bytes, start.start) {
            continue;
        }
        let mut digits: Vec<u8> = Vec::new();
        let mut end_before = start.start;
        for group in groups.get(first..).unwrap_or_default() {
            let gap = bytes.get(end_before..group.start).unwrap_or_default();
            if group.start > start.start && !matches!(gap, [b' ' | b'-']) {
                break;
            }
            digits.extend(bytes.get(group.clone()).unwrap_or_default().iter().map(|byte| byte - b'0'));
            end_before = group.end;
            if digits.len() > *CARD_DIGITS.end() {
                break;
            }
            let goes_on = bytes.get(group.end).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
            if !goes_on && is_card(&digits) {
                found.push(start.start..group.end);
                break;
            }
        }
    }
    found
}

fn digit_groups(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        if !byte.is_ascii_digit() {
            place += 1;
            continue;
        }
        let length = bytes.get(place..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        groups.push(place..place + length);
        place += length;
    }
    groups
}

/// Whether a number goes on to the left: it is part of a name, or the fraction of another number.
fn is_inside_word(bytes: &[u8], start: usize) -> bool {
    let before = |back: usize| start.checked_sub(back).and_then(|place| bytes.get(place));
    match before(1) {
        Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' => true,
        Some(b'.') => before(2).is_some_and(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether these are the digits of a card.
pub(super) fn is_card(digits: &[u8]) -> bool {
    CARD_DIGITS.contains(&digits.len()) && begins_as_card(digits) && passes_luhn(digits)
}

fn begins_as_card(digits: &[u8]) -> bool {
    let number = |count: usize| digits.iter().take(count).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    let (two, three, four) = (number(2), number(3), number(4));
    match digits.len() {
        14 => matches!(three, 300..=305) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        13 => two / 10 == 4,
        16 => {
            two / 10 == 4
                || matches!(two, 51..=55 | 35 | 62 | 65)
                || matches!(four, 2221..=2720 | 6011 | 5018 | 5020 | 5038 | 6304 | 6759 | 6761..=6763)
                || matches!(three, 644..=649)
        }
        _ => two / 10 == 4 || matches!(two, 62 | 65 | 50 | 56..=58 | 63 | 67) || four == 6011,
    }
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(*digit);
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// International bank account numbers in a text, with or without blanks between groups, whose check digits are right
/// ([ISO 13616](https://en.wikipedia.org/wiki/International_Bank_Account_Number)).
pub(super) fn ibans(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, head) in bytes.windows(4).enumerate() {
        let [a, b, c, d] = head else { continue };
        let is_head = a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit();
        let follows_word = start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
        if !is_head || follows_word || found.last().is_some_and(|last| last.end > start) {
            continue;
        }
        let country = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
        let Some((_, length)) = IBAN_LENGTHS.iter().find(|(name, _)| name.as_bytes() == country) else { continue };
        if let Some(end) = iban_end(bytes, start, *length) {
            found.push(start..end);
        }
    }
    found
}

/// Where the number of so many characters that begins at `start` ends; `None` when there is none.
fn iban_end(bytes: &[u8], start: usize, length: usize) -> Option<usize> {
    let mut characters = Vec::with_capacity(length);
    let mut place = start;
    while characters.len() < length {
        match *bytes.get(place)? {
            byte if byte.is_ascii_alphanumeric() => characters.push(byte.to_ascii_uppercase()),
            b' ' | b'-' if bytes.get(place + 1).is_some_and(u8::is_ascii_alphanumeric) => {}
            _ => return None,
        }
        place += 1;
    }
    let is_longer = bytes.get(place).is_some_and(u8::is_ascii_alphanumeric);
    let (head, rest) = characters.split_at_checked(4)?;
    let remainder = rest.iter().chain(head).fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    (!is_longer && remainder == 1).then_some(place)
}

/// Text that looks drawn by lot, as keys of any vendor do: long, of capitals, small letters and digits, which change
/// more often than in words and names. Hexadecimal digits are none: most of them are ids.
pub(super) fn drawn_by_lot(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-');
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        if !is_part(byte) {
            place += 1;
            continue;
        }
        let rest = bytes.get(place..).unwrap_or_default();
        let mut length = rest.iter().take_while(|byte| is_part(byte)).count();
        let token = rest.get(..length).unwrap_or_default();
        if length >= LOT_CHARS && looks_drawn(token.get(..LOT_LOOKED_AT).unwrap_or(token)) {
            length += rest.iter().skip(length).take(2).take_while(|byte| **byte == b'=').count();
            found.push(place..place + length);
        }
        place += length;
    }
    found
}

fn looks_drawn(token: &[u8]) -> bool {
    let class = |byte: &u8| match byte {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3_usize,
    };
    let mut counts = [0_usize; 4];
    let mut bytes_seen = [0_u16; 256];
    let (mut changes, mut before) = (0, None);
    for byte in token {
        let class = class(byte);
        if let Some(count) = counts.get_mut(class) {
            *count += 1;
        }
        if let Some(seen) = bytes_seen.get_mut(usize::from(*byte)) {
            *seen += 1;
        }
        changes += usize::from(before.is_some_and(|before| before != class));
        before = Some(class);
    }
    let [capitals, small, digits, marks] = counts;
    // By lot 0.62 of the neighbours are of different classes; in `camelCaseNames2` and in paths a third at most.
    let changes_often = changes * 100 >= (token.len() - 1) * 42;
    capitals >= 3
        && small >= 3
        && digits >= 2
        && marks * 6 <= token.len()
        && changes_often
        && entropy_bits(&bytes_seen, token.len()) >= 3.4
}

/// Bits of information in each byte of a text, from how often each byte stands there.
fn entropy_bits(counts: &[u16; 256], length: usize) -> f64 {
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length as f64);
    shares.map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, find: fn(&str) -> Vec<Range<usize>>) -> Vec<&str> {
        find(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn cards_are_found_with_blanks_and_dashes_and_by_their_check_digit() {
        // The numbers that payment services publish for tests.
        let all =
            ["4242424242424242", "5555-5555-5555-4444", "3782 822463 10005", "6011 1111 1111 1117", "4222222222222"];
        for card in all {
            assert_eq!(texts(&format!("paid with {card}, thanks"), cards), [card]);
        }
        assert_eq!(texts("2026-11-21 4242 4242 4242 4242 12:00", cards), ["4242 4242 4242 4242"]);
        for none in [
            "4242424242424241",
            "1795219200000000000",
            "0000000000000000",
            "id_4242424242424242",
            "0.4242424242424242",
            "42424242424242424242424242",
            "4242424242424242abc",
        ] {
            assert_eq!(texts(none, cards), [""; 0], "{none}");
        }
    }

    #[test]
    fn account_numbers_are_found_by_their_check_digits_and_the_length_of_their_country() {
        for iban in ["DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82 WEST 1234 5698 7654 32"] {
            assert_eq!(texts(&format!("to {iban} PLEASE"), ibans), [iban]);
        }
        for none in
            ["DE89370400440532013001", "DE8937040044053201300", "ZZ89370400440532013000", "XDE89370400440532013000"]
        {
            assert_eq!(texts(none, ibans), [""; 0], "{none}");
        }
    }

    #[test]
    fn keys_look_drawn_by_lot_and_names_ids_and_paths_do_not() {
        for key in
            ["wJalrXUtnFEMI/K7MDENG/bPxRfiCYzT3kQ9", "9aF3kLm2QzX7vB1nR8tY4wE6", "Zx8Kq2Lp0Vn5Rt7Ws3Yb9Dc1Ge4Hf6Jm"]
        {
            assert_eq!(texts(&format!("k={key};"), drawn_by_lot), [key]);
        }
        for none in [
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "550e8400-e29b-41d4-a716-446655440000",
            "AbstractSingletonProxyFactoryBean2Impl",
            "com/example/shop/OrderControllerV2Test",
            "site-packages/OpenTelemetry/Version2/Instrumentation",
            "/usr/local/lib/python3.12/Site-Packages",
            "THE_QUICK_BROWN_FOX_JUMPS_OVER_13_DOGS",
            "sha256:0f3a5c9b8e7d6f4a3b2c1d0e9f8a7b6c",
        ] {
            assert_eq!(texts(none, drawn_by_lot), [""; 0], "{none}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_checks_panic(text in ".*") {
            for find in [cards, ibans, drawn_by_lot] {
                for range in find(&text) {
                    proptest::prop_assert!(text.get(range).is_some());
                }
            }
        }
    }
}
