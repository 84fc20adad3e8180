//! Settings from environment variables, for programs that must start whatever stands in them.
//!
//! A value that cannot be used is replaced by its default and said in a warning; nothing fails.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Reads environment variables by name and gathers what was wrong with them.
pub(crate) struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    warnings: Vec<String>,
}

impl<'a> Variables<'a> {
    /// Variables as `lookup` knows them.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Variables<'a> {
        Variables { lookup, warnings: Vec::new() }
    }

    /// The trimmed text of a variable; `None` when the variable is not set or blank.
    pub fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The number in a variable when it is within `range`, else `default`.
    pub fn number<N: FromStr + PartialOrd + Display>(&mut self, name: &str, range: RangeInclusive<N>, default: N) -> N {
        let Some(text) = self.text(name) else { return default };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let (least, most) = range.into_inner();
                self.warnings
                    .push(format!("{name} is {text:?} and not a number from {least} to {most}: {default} is used"));
                default
            }
        }
    }

    /// The seconds in a variable when they are within `range`, a fraction allowed, else `default`.
    pub fn seconds(&mut self, name: &str, range: RangeInclusive<Duration>, default: Duration) -> Duration {
        let range = range.start().as_secs_f64()..=range.end().as_secs_f64();
        Duration::try_from_secs_f64(self.number(name, range, default.as_secs_f64())).unwrap_or(default)
    }

    /// What was wrong with the variables, a sentence each.
    pub fn into_warnings(self) -> Vec<String> {
        self.warnings
    }
}

/// The environment of this process; what is not UTF-8 counts as not set.
pub(crate) fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_fall_back_to_the_default_and_are_named() {
        let lookup = |name: &str| match name {
            "GOOD" => Some(" 7 ".to_owned()),
            "WORD" => Some("ten".to_owned()),
            "LARGE" => Some("1000".to_owned()),
            "NAN" => Some("NaN".to_owned()),
            "BLANK" => Some("  ".to_owned()),
            _ => None,
        };
        let fallback = Duration::from_millis(1_500);
        let mut variables = Variables::new(&lookup);
        assert_eq!(variables.number("GOOD", 1..=100, 10), 7);
        assert_eq!(variables.number("WORD", 1..=100, 10), 10);
        assert_eq!(variables.number("LARGE", 1..=100, 10), 10);
        assert_eq!(variables.number("BLANK", 1..=100, 10), 10);
        assert_eq!(variables.number("UNSET", 1..=100, 10), 10);
        assert_eq!(variables.seconds("NAN", Duration::ZERO..=Duration::from_secs(9), fallback), fallback);
        assert_eq!(
            variables.into_warnings(),
            [
                "WORD is \"ten\" and not a number from 1 to 100: 10 is used",
                "LARGE is \"1000\" and not a number from 1 to 100: 10 is used",
                "NAN is \"NaN\" and not a number from 0 to 9: 1.5 is used",
            ]
        );
    }
}
