//! JSON that a strict reader refuses for what one program wrote into one text of it, made into JSON it takes.
//!
//! Bytes that are not UTF-8 and halves of surrogate pairs become U+FFFD, numbers beyond a double become the text
//! `Infinity`, a byte order mark goes. The text is looked through only when it was refused, so good JSON costs nothing.

use std::borrow::Cow;

/// The byte order mark that some programs begin a text with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The body without a byte order mark.
pub(super) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// The body as UTF-8, and how many runs of bytes were not.
pub(super) fn to_utf8(body: &[u8]) -> (Cow<'_, str>, u64) {
    match std::str::from_utf8(body) {
        Ok(text) => (Cow::Borrowed(text), 0),
        Err(_) => {
            let runs = body.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
            (String::from_utf8_lossy(body), runs as u64)
        }
    }
}

/// What stands for a character that is none.
const REPLACEMENT: &str = "\\ufffd";

/// The body with everything mended, and how many of its characters were none; `None` when there is nothing to mend.
pub fn mend(body: &[u8]) -> Option<(String, u64)> {
    let (text, mut places) = to_utf8(without_mark(body));
    let is_changed = places > 0 || text.len() < body.len();
    let mut mended = String::new();
    // Everything before this offset is in `mended` already.
    let mut copied = 0;
    let mut replace = |from: usize, to: usize, with: &str| {
        mended.push_str(text.get(copied..from).unwrap_or_default());
        mended.push_str(with);
        copied = to;
        places += u64::from(with == REPLACEMENT);
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = mend_string(bytes, at + 1, &mut replace),
            b'-' | b'0'..=b'9' => {
                let length = bytes.iter().skip(at).take_while(|byte| is_of_number(**byte)).count();
                let number = text.get(at..at + length).unwrap_or_default();
                match number.parse::<f64>() {
                    Ok(number) if number == f64::INFINITY => replace(at, at + length, "\"Infinity\""),
                    Ok(number) if number == f64::NEG_INFINITY => replace(at, at + length, "\"-Infinity\""),
                    _ => {}
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return is_changed.then(|| (text.into_owned(), places));
    }
    mended.push_str(text.get(copied..).unwrap_or_default());
    Some((mended, places))
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}

/// Goes through a string from behind its quote on; where it ends. Escapes of half a surrogate pair are replaced.
fn mend_string(bytes: &[u8], start: usize, replace: &mut impl FnMut(usize, usize, &str)) -> usize {
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => match code_unit(bytes, at) {
                Some(0xd800..0xdc00) if matches!(code_unit(bytes, at + 6), Some(0xdc00..0xe000)) => at += 12,
                Some(0xd800..0xe000) => {
                    replace(at, at + 6, REPLACEMENT);
                    at += 6;
                }
                _ => at += 2,
            },
            _ => at += 1,
        }
    }
    at
}

/// The number of an escape such as `\u00e9`; `None` when there is none.
fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_json_is_left_alone() {
        for good in [r#"{"a":"\ud83d\ude00 \\ud83d é","b":[1e308,-0.5e-400]}"#, "", "\"", "\"\\", "\"\\u12"] {
            assert_eq!(mend(good.as_bytes()), None, "{good}");
        }
    }

    #[test]
    fn what_is_no_utf8_no_character_or_no_double_is_mended() {
        for (sent, expected, places) in [
            (&b"{\"caf\xe9\":\"\xff\xfe\"}"[..], "{\"caf\u{fffd}\":\"\u{fffd}\u{fffd}\"}", 3),
            (b"\xef\xbb\xbf{}", "{}", 0),
            (br#"["\ud83d"]"#, r#"["\ufffd"]"#, 1),
            (br#"["\uDE00\ud83d\ude00\ud83dx"]"#, r#"["\ufffd\ud83d\ude00\ufffdx"]"#, 2),
            (br#"["\\\ud83d"]"#, r#"["\\\ufffd"]"#, 1),
            (b"[1e400,-1e999,2]", r#"["Infinity","-Infinity",2]"#, 0),
        ] {
            assert_eq!(mend(sent), Some((expected.to_owned(), places)), "{expected}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_become_text_that_needs_no_mending(bytes in r#"(["\\{\[,:]|\\u(d83d|DE00|0041)|1e999|-|[a-z0-9]){0,30}"#, tail in proptest::collection::vec(any::<u8>(), 0..6)) {
            let body = [bytes.as_bytes(), &tail].concat();
            if let Some((text, _)) = mend(&body) {
                prop_assert_eq!(mend(text.as_bytes()).map(|(again, _)| again), None);
            }
        }

        #[test]
        fn json_of_any_text_is_left_alone(text: String, number: f64) {
            let json = serde_json::json!([text, number]).to_string();
            prop_assert_eq!(mend(json.as_bytes()), None);
        }
    }
}
