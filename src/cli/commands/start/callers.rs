//! Flags and variables of `tracehub start` about those who call: the names and sites they may use, how much they may
//! send.

use clap::Args;

use crate::cli::environment::variable;
use crate::cli::exit::Failure;
use crate::server::RateLimit;

/// Multiples of a byte, by how their names end.
const UNITS: [(&str, u64); 7] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("b", 1),
];

/// What callers may do.
#[derive(Debug, Args)]
pub struct CallerArgs {
    /// Web site whose pages may call, such as https://app.example; repeat for more [env: TRACEHUB_CORS_ORIGINS]
    #[arg(long, alias = "cors-origins", value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    cors_origin: Vec<String>,

    /// What each key, and each address without one, may send in a second: 5000, 10MB or 5000,10MB [env: TRACEHUB_LIMIT_RATE]
    #[arg(long, value_name = "RECORDS/s", value_parser = rate_limit)]
    limit_rate: Option<RateLimit>,
}

impl CallerArgs {
    /// The origins of other sites whose pages may call: those of the flag and those of `TRACEHUB_CORS_ORIGINS`.
    ///
    /// # Errors
    /// The variable holds something else than origins.
    pub fn cors_origins(&self) -> Result<Vec<String>, Failure> {
        let named = words_of("TRACEHUB_CORS_ORIGINS").into_iter().map(|word| {
            origin(&word).map_err(|problem| Failure::usage(format!("TRACEHUB_CORS_ORIGINS holds `{word}`: {problem}")))
        });
        self.cors_origin.iter().cloned().map(Ok).chain(named).collect()
    }

    /// What callers may send: the flag, or else `TRACEHUB_LIMIT_RATE`, or else everything.
    ///
    /// # Errors
    /// The variable holds no rate.
    pub fn rate(&self) -> Result<RateLimit, Failure> {
        match (self.limit_rate, variable("TRACEHUB_LIMIT_RATE")) {
            (Some(rate), _) => Ok(rate),
            (None, None) => Ok(RateLimit::default()),
            (None, Some(text)) => rate_limit(&text)
                .map_err(|problem| Failure::usage(format!("TRACEHUB_LIMIT_RATE is `{text}`: {problem}"))),
        }
    }
}

/// The names a server goes by: those of the flag `--allowed-host` and those of `TRACEHUB_ALLOWED_HOSTS`.
pub fn allowed_hosts(named: Vec<String>) -> Vec<String> {
    named.into_iter().chain(words_of("TRACEHUB_ALLOWED_HOSTS")).collect()
}

/// The words of a variable that holds a list with commas.
fn words_of(name: &str) -> Vec<String> {
    let text = variable(name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Reads the origin of a web site, for clap: scheme, host and perhaps a port, as a browser sends it.
fn origin(text: &str) -> Result<String, String> {
    let text = text.trim();
    let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let is_origin = text.split_once("://").is_some_and(|(scheme, authority)| {
        let is_scheme =
            !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let is_authority = authority.parse::<http::uri::Authority>().is_ok_and(|parsed| !parsed.host().is_empty());
        is_scheme && is_authority && !authority.contains(['*', '@', '/', '?', '#'])
    });
    if !is_origin {
        return Err("write an origin such as `https://app.example` or `http://localhost:3000`; there are no patterns"
            .to_owned());
    }
    // A browser leaves out the port that is usual for the scheme.
    let usual = [("http://", ":80"), ("https://", ":443")].into_iter().find(|(scheme, _)| text.starts_with(scheme));
    Ok(usual.and_then(|(_, port)| text.strip_suffix(port)).unwrap_or(&text).to_owned())
}

/// Reads how much may be sent in a second, for clap: records, bytes, or both with a comma between them.
fn rate_limit(text: &str) -> Result<RateLimit, String> {
    let mut rate = RateLimit::default();
    for word in text.split(',') {
        let word = word.trim().to_ascii_lowercase();
        let amount = word.strip_suffix("/s").unwrap_or(&word).trim();
        let digits = amount.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let (number, unit) = (digits.trim().replace('_', ""), &amount[digits.len()..]);
        let number: u64 = number.parse().ok().filter(|number| *number > 0).ok_or_else(rate_problem)?;
        let place = if unit.is_empty() { &mut rate.records_per_second } else { &mut rate.bytes_per_second };
        let multiple = match unit {
            "" => 1,
            unit => UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(rate_problem)?.1,
        };
        if place.replace(number.checked_mul(multiple).ok_or_else(rate_problem)?).is_some() {
            return Err(rate_problem());
        }
    }
    Ok(rate)
}

fn rate_problem() -> String {
    "write records a second such as `5000`, bytes such as `10MB`, or both: `5000,10MB`".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_records_bytes_or_both() {
        for (text, records, bytes) in [
            ("5000", Some(5_000), None),
            ("5_000/s", Some(5_000), None),
            ("10MB", None, Some(10_000_000)),
            ("10 MiB/s", None, Some(10 << 20)),
            ("200, 64kib", Some(200), Some(64 << 10)),
            ("1gb,7/s", Some(7), Some(1_000_000_000)),
        ] {
            let expected = RateLimit { records_per_second: records, bytes_per_second: bytes };
            assert_eq!(rate_limit(text), Ok(expected), "{text}");
        }
        for wrong in ["", "0", "-5", "5,6", "1kb,2kb", "5/m", "10mbit", "99999999999gb", "5,", "ü", "1.5"] {
            assert!(rate_limit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for (text, expected) in [
            ("https://App.example", "https://app.example"),
            ("http://localhost:3000/", "http://localhost:3000"),
            ("https://app.example:443", "https://app.example"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://app.example:443", "http://app.example:443"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ] {
            assert_eq!(origin(text).as_deref(), Ok(expected), "{text}");
        }
        for wrong in [
            "*",
            "null",
            "",
            "localhost:3000",
            "https://*.example",
            "https://a/b",
            "https://",
            "https://u@a",
            "https://a b",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
