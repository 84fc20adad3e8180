//! Stored text on its way to a terminal: made harmless, measured, and cut to fit.
//!
//! Names, messages and ids come from anywhere. Whatever could move the cursor, recolour the screen, or make a line read
//! other than it is stored is shown as an escape, so a view can print the rest as it is.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// Stored text as it may be printed: control characters, marks that turn the direction of writing and characters
/// nobody can see become `\n`, `\x1b`, `\u{202e}`; with `ascii`, everything beyond ASCII does.
pub fn escape(text: &str, ascii: bool) -> Cow<'_, str> {
    let is_unsafe = |c: char| is_invisible(c) || (ascii && !c.is_ascii());
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => push(&mut safe, format_args!("\\x{:02x}", u32::from(c))),
            c if is_unsafe(c) => push(&mut safe, format_args!("\\u{{{:x}}}", u32::from(c))),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("writing into a string never fails");
}

/// Whether a character could steer a terminal, or cannot be seen. The joiners U+200C and U+200D are neither: Persian words
/// and emoji of several parts are written with them, and they move nothing.
pub(in crate::view) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' // soft hyphen, Arabic letter mark, old space, byte order mark
            | '\u{200b}' | '\u{200e}' | '\u{200f}' // zero width space, direction marks; the joiners between are letters' business
            | '\u{2028}'..='\u{202e}' // line and paragraph separators, embeddings and overrides
            | '\u{2060}'..='\u{206f}' // word joiner, isolates, deprecated format characters
            | '\u{fff9}'..='\u{fffb}' // interlinear annotation
            | '\u{e0000}'..='\u{e007f}') // tags
}

/// How many columns escaped text takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().map(char_width).sum()
}

/// Escaped text in at most so many columns; what is cut off becomes `…`.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += char_width(c);
        if used >= columns {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    Cow::Owned(kept)
}

/// The ASCII character that stands for a symbol the views draw, equally wide.
pub fn ascii_symbol(symbol: char) -> char {
    match symbol {
        c if c.is_ascii() => c,
        '✗' | '×' => 'x',
        '✓' | '▅' | '├' => '+',
        '…' | '⋯' => '~',
        '·' | '░' | '▂' => '.',
        '│' | '▏' | '▎' | '▍' | '▕' => '|',
        '└' => '`',
        '→' | '▸' => '>',
        '◂' => '<',
        '◆' | '▆' => '*',
        '•' => 'o',
        '▪' | '▄' => '=',
        '−' | '▃' | '─' => '-',
        '⚠' => '!',
        '↺' => '@',
        '⊘' => '/',
        '↗' => '^',
        'µ' => 'u',
        '▁' => '_',
        '▇' => '%',
        '█' | '▌' | '▐' | '▋' | '▊' | '▉' => '#',
        _ => '?',
    }
}

/// How many columns a character takes.
pub(in crate::view) fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_shown_as_an_escape() {
        assert_eq!(escape("a\x1b[31mb\nc\td\u{9b}e\x7f", false), "a\\x1b[31mb\\nc\\td\\u{9b}e\\x7f");
        assert_eq!(escape("user\u{202e}gpj.exe\u{2028}\u{200b}", false), "user\\u{202e}gpj.exe\\u{2028}\\u{200b}");
        for fine in ["ünïcode ✓ 日本", "می\u{200c}خواهم", "👩\u{200d}👩\u{200d}👧\u{fe0f}"] {
            assert_eq!(escape(fine, false), fine);
        }
        let steering = "\u{200b}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{61c}\u{feff}";
        assert!(escape(steering, false).is_ascii());
        assert_eq!(escape("a\u{200d}b", true), "a\\u{200d}b");
        assert_eq!(escape("ünï", true), "\\u{fc}n\\u{ef}");
    }

    #[test]
    fn wide_characters_count_two_columns_and_are_never_halved() {
        assert_eq!(width("日本"), 4);
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("abcd", 0), "");
    }

    proptest! {
        #[test]
        fn escaped_text_has_no_control_characters_and_cut_text_fits(text in any::<String>(), columns in 1usize..30) {
            let safe = escape(&text, false);
            prop_assert!(!safe.chars().any(is_invisible));
            prop_assert!(width(&cut(&safe, columns)) <= columns);
            prop_assert!(escape(&text, true).bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        }
    }
}
