//! Flags and variables of `tracehub start` about those who call: the names and sites they may use, how much they may
//! send.

use clap::Args;

use crate::cli::environment::variable;
use crate::cli::exit::Failure;
use crate::model::RateLimit;

/// What callers may do.
#[derive(Debug, Args)]
pub struct CallerArgs {
    /// Web site whose pages may call, such as https://app.example; repeat for more [env: TRACEHUB_CORS_ORIGINS]
    #[arg(long, alias = "cors-origins", value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    cors_origin: Vec<String>,

    /// What each key, and each address without one, may send in a second: 5000, 10MB or 5000,10MB [env: TRACEHUB_LIMIT_RATE]
    #[arg(long, value_name = "RECORDS/s", value_parser = RateLimit::parse)]
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
            (None, Some(text)) => RateLimit::parse(&text)
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

#[cfg(test)]
mod tests {
    use super::*;

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
