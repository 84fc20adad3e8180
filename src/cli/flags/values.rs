//! Values of flags: times, durations, ranges, pairs, kinds, levels.

use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::cli::environment;
use crate::cli::exit::Failure;
use crate::model::{Cursor, FieldFilter, IssueSort, KeyScope, Nanos, RecordKind, Severity, Sort, time_input};
use crate::query::records::RecordSort;
use crate::query::records::groups::GroupSort;
use crate::query::sql::Table;
use crate::store::sqlite::Durability;
use crate::view::machine::Format;
use crate::view::out::style::TimeStyle;
use crate::view::show::{LogLines, Picture};

/// A point in time and what was typed for it.
#[derive(Debug, Clone)]
pub struct Moment {
    text: String,
    /// The point in time.
    pub at: Nanos,
}

impl Moment {
    /// The point in time that was typed for an age, if the present were another.
    pub fn counted_from(&self, present: Nanos) -> Nanos {
        match time_input::parse_duration(&self.text) {
            Ok(nanos) => Nanos(present.0.saturating_sub(nanos)),
            Err(_) => time_input::parse_time(&self.text, present, &environment::zone()).unwrap_or(self.at),
        }
    }
}

/// Reads a time relative to the present, for clap.
pub fn moment(text: &str) -> Result<Moment, time_input::TimeInputError> {
    let at = time_input::parse_time(text, environment::now(), &environment::zone())?;
    Ok(Moment { text: text.trim().to_owned(), at })
}

/// Reads an age: a length of time, or the point in time before which things are old. For clap.
pub fn age(text: &str) -> Result<Moment, time_input::TimeInputError> {
    let Ok(nanos) = time_input::parse_duration(text) else { return moment(text) };
    Ok(Moment { text: text.trim().to_owned(), at: Nanos(environment::now().0.saturating_sub(nanos)) })
}

/// Reads `key=value`, for clap.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as `key=value`, such as `http.status_code=500`".to_owned()),
    }
}

/// How long to keep records: a duration, or `off` to keep them for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep(pub Option<Duration>);

/// Reads how long to keep records, for clap.
pub fn keep(text: &str) -> Result<Keep, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(Keep(None));
    }
    match time_input::parse_duration(text) {
        Ok(0) => Err("nothing would be kept; write `off` to keep everything for ever".to_owned()),
        Ok(nanos) => Ok(Keep(Some(Duration::from_nanos(nanos)))),
        Err(error) => Err(format!("{error}, or `off`")),
    }
}

/// The place a list goes on after; `None` is its beginning, as is an empty text.
pub fn cursor(text: Option<&str>) -> Option<Cursor> {
    text.filter(|text| !text.is_empty()).map(|text| Cursor(text.to_owned()))
}

/// A range of time.
#[derive(Debug, Clone, Args)]
pub struct RangeArgs {
    /// From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,

    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
}

impl RangeArgs {
    /// Both ends.
    ///
    /// # Errors
    /// The range ends before it begins.
    pub fn ends(&self) -> Result<(Option<Nanos>, Option<Nanos>), Failure> {
        let ends = (self.since.as_ref().map(|since| since.at), self.until.as_ref().map(|until| until.at));
        match ends {
            (Some(since), Some(until)) if since > until => {
                Err(Failure::usage("--since is later than --until").hint("swap the two"))
            }
            _ => Ok(ends),
        }
    }

    /// The range in words, such as `last 1h`; empty for all time.
    pub fn label(&self) -> String {
        let since = self.since.as_ref().map(|since| match time_input::parse_duration(&since.text) {
            Ok(_) if self.until.is_none() => format!("last {}", since.text),
            _ => format!("since {}", since.text),
        });
        let until = self.until.as_ref().map(|until| format!("until {}", until.text));
        [since, until].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Makes the values of enums with words the values of flags, each with its meaning as its help.
macro_rules! flag_values {
    ($($enum:ty: $values:expr;)+) => {$(
        impl ValueEnum for $enum {
            fn value_variants<'a>() -> &'a [Self] {
                &$values
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(PossibleValue::new(self.as_str()).help(self.meaning()))
            }
        }
    )+};
}

flag_values! {
    RecordKind: RecordKind::ALL;
    KeyScope: KeyScope::ALL;
    IssueSort: IssueSort::ALL;
    // A server alone asks for the last of these.
    Sort: [Sort::Start, Sort::Duration, Sort::Spans, Sort::Errors];
    RecordSort: RecordSort::ALL;
    Table: Table::ALL;
    GroupSort: GroupSort::ALL;
    Format: Format::ALL;
    TimeStyle: TimeStyle::ALL;
    Picture: Picture::ALL;
    LogLines: LogLines::ALL;
    Durability: Durability::ALL;
}

/// The least level of what is shown; the first letter will do.
impl ValueEnum for Severity {
    fn value_variants<'a>() -> &'a [Self] {
        &Severity::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.as_str()).help(self.meaning());
        Some(match self {
            Severity::Trace => value.help("Everything").alias("t"),
            Severity::Debug => value.alias("d"),
            Severity::Info => value.alias("i"),
            Severity::Warn => value.aliases(["w", "warning"]),
            Severity::Error => value.aliases(["e", "err"]),
            Severity::Fatal => value.aliases(["f", "critical"]),
        })
    }
}

/// Reads `key=value`, `key!=value` or `key~=part`, for clap.
pub fn field(text: &str) -> Result<FieldFilter, String> {
    let wrong = "write it as `key=value`, `key!=value` or `key~=part`, such as `user.id=7`";
    FieldFilter::parse(text).ok_or_else(|| wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_be_kept_for_no_time_at_all() {
        assert_eq!(keep("24h"), Ok(Keep(Some(Duration::from_secs(86_400)))));
        assert_eq!(keep("off"), Ok(Keep(None)));
        assert!(keep("0").is_err_and(|error| error.contains("`off`")));
        assert!(keep("24").is_err_and(|error| error.contains("unit")));
    }

    #[test]
    fn a_pair_splits_at_its_first_equals_sign() {
        assert_eq!(pair("url=/a?b=c"), Ok(("url".to_owned(), "/a?b=c".to_owned())));
        assert_eq!(pair("empty="), Ok(("empty".to_owned(), String::new())));
        assert!(pair("=x").is_err() && pair("x").is_err());
    }
}
