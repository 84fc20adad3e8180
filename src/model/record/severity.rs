//! The level that a word or a number of any logging library names: one table for everything that arrives.
//!
//! Libraries agree on little: numbers of a dozen scales, abbreviations, constants with their type before them. What names
//! a level is read as that level, so that an error is an error whoever says so; what names none is left to the caller.

use crate::model::Severity;

/// Which scale a bare number is of, where the common libraries of two languages differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LevelScale {
    /// Python's `logging`: 10 debug, 20 info, 30 warning, 40 error, 50 critical.
    #[default]
    Python,
    /// JavaScript's `bunyan` and `pino`: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal.
    JavaScript,
}

/// Words in lower case, by the level they name.
const WORDS: [(Severity, &[&str]); 6] = [
    (Severity::Trace, &["trace", "trc", "trce", "finest", "verbose", "verb", "vrb", "silly", "all", "t", "v"]),
    (Severity::Debug, &["debug", "dbug", "dbg", "debg", "debu", "fine", "finer", "d"]),
    (
        Severity::Info,
        &[
            "info",
            "inf",
            "information",
            "informational",
            "informative",
            "notice",
            "note",
            "ntc",
            "config",
            "success",
            "log",
            "http",
            "default",
            "i",
            "n",
        ],
    ),
    (Severity::Warn, &["warn", "warning", "warnings", "wrn", "wrng", "caution", "w"]),
    (
        Severity::Error,
        &["error", "err", "eror", "erro", "errors", "severe", "fail", "failed", "failure", "exception", "e"],
    ),
    (
        Severity::Fatal,
        &[
            "fatal",
            "ftl",
            "fatl",
            "critical",
            "crit",
            "crt",
            "critic",
            "alert",
            "alrt",
            "emergency",
            "emerg",
            "emrg",
            "emer",
            "panic",
            "pnc",
            "dpanic",
            "fault",
            "assert",
            "disaster",
            "catastrophic",
            "f",
            "c",
        ],
    ),
];

/// What some write before a word.
const PREFIXES: [&str; 6] = ["severity_number_", "severity_", "loglevel_", "log_", "level_", "lvl_"];

impl Severity {
    /// The level of an OTLP
    /// [severity number](https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber) (1 to 24).
    pub fn from_number(number: i64) -> Severity {
        match number {
            1..=4 => Severity::Trace,
            5..=8 => Severity::Debug,
            13..=16 => Severity::Warn,
            17..=20 => Severity::Error,
            21..=24 => Severity::Fatal,
            _ => Severity::Info,
        }
    }

    /// The least OTLP severity number of the level.
    pub fn to_number(self) -> i64 {
        4 * i64::from(self as u8) + 1
    }

    /// The level of the word a logging library uses for it, in any case; `None` for words of nobody we know. Brackets
    /// and the like around it, the type it is a constant of (`LogLevel.ERROR`, `LOG_ERR`), and steps within the level
    /// (`ERROR2`, `INFO+2`) do not matter. A number is no word.
    pub fn from_word(word: &str) -> Option<Severity> {
        // Longer texts are sentences.
        const MAX_WORD_BYTES: usize = 64;
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        if word.len() > MAX_WORD_BYTES {
            return None;
        }
        let lower = word.to_ascii_lowercase();
        let member = lower.rsplit(['.', ':', '=', '/']).next().unwrap_or_default().trim();
        let bare = PREFIXES.iter().find_map(|prefix| member.strip_prefix(prefix)).unwrap_or(member);
        let step = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '_' | ' ');
        known_word(bare).or_else(|| known_word(bare.trim_end_matches(step)))
    }

    /// The level a number of a logging library names; `None` when it names none.
    ///
    /// 10, 20, 30, 40 and 50 are of this scale, other numbers up to 24 OpenTelemetry's, and beyond those the steps of the
    /// scale go on. Three and more digits are of Monolog (100 to 600), `java.util.logging` (700 to 1000) or log4j (5000
    /// to 50000).
    pub fn from_library_number(number: f64, scale: LevelScale) -> Option<Severity> {
        use Severity::{Debug, Error, Fatal, Info, Trace, Warn};
        let whole = number.trunc();
        let is_tens = whole % 10.0 == 0.0;
        Some(match (whole, scale) {
            (10.0..=60.0, LevelScale::JavaScript) if is_tens || whole > 24.0 => match whole {
                ..20.0 => Trace,
                ..30.0 => Debug,
                ..40.0 => Info,
                ..50.0 => Warn,
                ..60.0 => Error,
                _ => Fatal,
            },
            (10.0, _) => Debug,
            (20.0, _) => Info,
            (1.0..25.0, _) => Severity::from_number(whole as i64),
            (25.0..30.0, _) => Info,
            (30.0..40.0, _) => Warn,
            (40.0..50.0, _) => Error,
            (50.0..100.0, _) => Fatal,
            (100.0..200.0, _) => Debug,
            (200.0..300.0, _) => Info,
            (300.0..400.0, _) => Warn,
            (400.0..500.0, _) => Error,
            (500.0..700.0, _) => Fatal,
            (700.0..900.0, _) => Info,
            (900.0..1_000.0, _) => Warn,
            (1_000.0, _) => Error,
            (5_000.0, _) => Trace,
            (10_000.0, _) => Debug,
            (20_000.0, _) => Info,
            (30_000.0, _) => Warn,
            (40_000.0, _) => Error,
            (50_000.0, _) => Fatal,
            _ => return None,
        })
    }

    /// The level that a text names, be it a word or a number; `None` when it names none.
    pub fn from_text(text: &str, scale: LevelScale) -> Option<Severity> {
        let number = || {
            let text = text.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '+' | '.'));
            Severity::from_library_number(text.parse().ok()?, scale)
        };
        Severity::from_word(text).or_else(number)
    }
}

fn known_word(word: &str) -> Option<Severity> {
    WORDS.iter().find(|(_, words)| words.contains(&word)).map(|(severity, _)| *severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_words(severity: Severity, words: &[&str]) {
        for word in words {
            for spelling in [(*word).to_owned(), word.to_uppercase(), word.to_lowercase(), format!(" [{word}] ")] {
                assert_eq!(Severity::from_text(&spelling, LevelScale::Python), Some(severity), "{spelling}");
            }
        }
    }

    #[test]
    fn the_words_of_all_usual_libraries_name_their_level() {
        assert_words(Severity::Trace, &["TRACE", "TRACE4", "Verbose", "FINEST", "trce", "VRB", "T", "V", "silly"]);
        assert_words(Severity::Debug, &["DEBUG", "DEBUG2", "debug5", "FINE", "FINER", "dbug", "DBG", "D"]);
        assert_words(
            Severity::Info,
            &["INFO", "Information", "informational", "NOTICE", "CONFIG", "INF", "I", "SUCCESS"],
        );
        assert_words(Severity::Warn, &["WARN", "WARNING", "WARN3", "WRN", "W", "LogLevel.Warning", "LOG_WARNING"]);
        assert_words(Severity::Error, &["ERROR", "ERROR2", "err", "SEVERE", "fail", "E", "Level.ERROR", "LOG_ERR"]);
        assert_words(Severity::Error, &["ERROR+2", "SEVERITY_NUMBER_ERROR3", "logging.ERROR", "level=error", "ERROR:"]);
        assert_words(
            Severity::Fatal,
            &["FATAL", "CRITICAL", "crit", "Alert", "EMERG", "emergency", "panic", "DPANIC", "F"],
        );
    }

    #[test]
    fn numbers_are_of_the_scale_of_their_language() {
        let named = |text: &str, scale| Severity::from_text(text, scale);
        for (text, python, javascript) in [
            ("10", Severity::Debug, Severity::Trace),
            ("20", Severity::Info, Severity::Debug),
            ("30", Severity::Warn, Severity::Info),
            ("40", Severity::Error, Severity::Warn),
            ("50", Severity::Fatal, Severity::Error),
            ("60", Severity::Fatal, Severity::Fatal),
            ("17", Severity::Error, Severity::Error),
            ("9", Severity::Info, Severity::Info),
            ("400", Severity::Error, Severity::Error),
            ("1000", Severity::Error, Severity::Error),
            ("40000", Severity::Error, Severity::Error),
        ] {
            assert_eq!(named(text, LevelScale::Python), Some(python), "{text}");
            assert_eq!(named(text, LevelScale::JavaScript), Some(javascript), "{text}");
        }
    }

    #[test]
    fn what_names_no_level_is_none() {
        let long = "error".repeat(100);
        for text in [
            "",
            " ",
            "loud",
            "0",
            "-3",
            "x",
            "terror",
            "errors happened",
            "99999999999",
            "NaN",
            "inf inity",
            "😀",
            &long,
        ] {
            assert_eq!(Severity::from_text(text, LevelScale::Python), None, "{text}");
        }
    }

    #[test]
    fn a_level_has_the_number_it_is_read_from() {
        for severity in Severity::ALL {
            assert_eq!(Severity::from_number(severity.to_number()), severity);
        }
    }
}
