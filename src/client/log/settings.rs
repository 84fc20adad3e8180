//! Settings of a logger: the parameters of the published Python SDK, and bounds for what is kept on disk.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::entry::{LogEncoding, LogEntry};
use crate::client::host::hostname;
use crate::client::pipeline::dead_letter::{DeadLetterSettings, DeadLetters};
use crate::client::pipeline::queue::Limits;
use crate::client::pipeline::settings::{
    DEFAULT_BACKOFF, LARGEST_BATCH_SIZE, LARGEST_RETRY_COUNT, LONGEST_TIME, Pace, PipelineSettings, SHORTEST_TIMEOUT,
    secret_header,
};
use crate::client::pipeline::transport::address;
use crate::client::variables::{Variables, process_environment};

const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
/// Where `tracehub start` listens when nobody says otherwise.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:8099";
const INGEST_PATH: &str = "/api/v1/ingest";
const DEFAULT_DLQ_BYTES: u64 = 100 * 1024 * 1024;
const DEFAULT_DLQ_AGE: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Why a logger cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoggerError {
    /// The endpoint is not an `http://` or `https://` address.
    #[error("the endpoint is not an http:// or https:// address")]
    Endpoint,
    /// The key holds characters that cannot be sent.
    #[error("the API key holds characters no HTTP header can")]
    ApiKey,
}

/// Where the dead letters of a logger go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum DeadLetterPlace {
    /// The directory of this user.
    Usual,
    /// A directory that the program names.
    Directory(PathBuf),
    /// Nothing is kept on disk.
    Nowhere,
}

/// Settings of a logger, with a default for each but key, service and environment; made by [`crate::client::Logger::builder`].
#[derive(Clone)]
pub struct LoggerBuilder {
    api_key: String,
    service: String,
    environment: String,
    endpoint: Option<String>,
    pace: Pace,
    compress: bool,
    place: DeadLetterPlace,
    dlq_bytes: u64,
    dlq_age: Duration,
    dlq_address: Option<String>,
    pub(super) process_id: fn() -> u32,
}

impl LoggerBuilder {
    /// The settings of a logger for which nothing else is said.
    pub(crate) fn new(api_key: &str, service: &str, environment: &str) -> LoggerBuilder {
        LoggerBuilder {
            api_key: api_key.trim().to_owned(),
            service: service.to_owned(),
            environment: environment.to_owned(),
            endpoint: None,
            pace: Pace {
                limits: Limits { max_items: 10_000, max_bytes: 64 << 20 },
                batch_size: 50,
                flush_interval: Duration::from_secs(5),
                timeout: Duration::from_secs(10),
                retries: 3,
                backoff: DEFAULT_BACKOFF,
            },
            compress: true,
            place: DeadLetterPlace::Usual,
            dlq_bytes: DEFAULT_DLQ_BYTES,
            dlq_age: DEFAULT_DLQ_AGE,
            dlq_address: None,
            process_id: std::process::id,
        }
    }

    /// Base address of the server. By default `TRACEHUB_URL`, and without that a server on this machine.
    pub fn endpoint(mut self, url: &str) -> LoggerBuilder {
        self.endpoint = Some(url.to_owned());
        self
    }

    /// Most records in one request, 50 by default; so many waiting are sent at once.
    pub fn batch_size(mut self, records: usize) -> LoggerBuilder {
        self.pace.batch_size = records.clamp(1, LARGEST_BATCH_SIZE);
        self
    }

    /// Longest time a record waits for others to fill a batch, five seconds by default. While no server answers it is
    /// at least a second.
    pub fn flush_interval(mut self, interval: Duration) -> LoggerBuilder {
        self.pace.flush_interval = interval.min(LONGEST_TIME);
        self
    }

    /// Most records that wait, 10 000 by default. When more come the oldest are dropped and counted, and the server
    /// is told how many.
    pub fn max_buffer(mut self, records: usize) -> LoggerBuilder {
        self.pace.limits.max_items = records.max(1);
        self
    }

    /// Most memory the records that wait take, 64 MiB by default.
    pub fn max_buffer_bytes(mut self, bytes: usize) -> LoggerBuilder {
        self.pace.limits.max_bytes = bytes;
        self
    }

    /// Attempts after the first, 3 by default. Tried again are connection errors, timeouts, 408, 429 and 5xx.
    pub fn max_retries(mut self, retries: u32) -> LoggerBuilder {
        self.pace.retries = retries.min(LARGEST_RETRY_COUNT);
        self
    }

    /// Pause before the first retry, 200 ms by default; each later one is twice as long, with jitter. A server's
    /// `Retry-After` makes it longer.
    pub fn retry_backoff(mut self, pause: Duration) -> LoggerBuilder {
        self.pace.backoff = pause;
        self
    }

    /// Time for one attempt, connecting included, ten seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> LoggerBuilder {
        self.pace.timeout = timeout.clamp(SHORTEST_TIMEOUT, LONGEST_TIME);
        self
    }

    /// Whether requests are compressed with gzip, as they are by default.
    pub fn compress(mut self, compress: bool) -> LoggerBuilder {
        self.compress = compress;
        self
    }

    /// Directory for what cannot be delivered; by default `$XDG_STATE_HOME/tracehub/dlq`, else `~/.tracehub/dlq`. What
    /// lies there for the same server and key is delivered in the background. Of a directory named here the
    /// `failed_*.jsonl` files of the published Python SDK are taken, too: they do not say for whom they are, so name
    /// none that other services use.
    pub fn dlq_path(mut self, directory: impl Into<PathBuf>) -> LoggerBuilder {
        self.place = DeadLetterPlace::Directory(directory.into());
        self
    }

    /// Keeps nothing on disk: what cannot be delivered is lost, and counted as failed.
    pub fn without_dlq(mut self) -> LoggerBuilder {
        self.place = DeadLetterPlace::Nowhere;
        self
    }

    /// Most bytes kept on disk for one server and key, 100 MiB by default, and for how long, a week by default. What
    /// is older or more is deleted, oldest first.
    pub fn dlq_limits(mut self, bytes: u64, age: Duration) -> LoggerBuilder {
        (self.dlq_bytes, self.dlq_age) = (bytes, age);
        self
    }

    /// Names `address` as the receiver of dead letters, instead of the server and the key.
    #[cfg(feature = "app")]
    pub(crate) fn dead_letters_of(mut self, address: &str) -> LoggerBuilder {
        self.dlq_address = Some(address.to_owned());
        self
    }

    /// What the logger's pipeline is told.
    ///
    /// # Errors
    /// The endpoint or the key cannot be used.
    pub(super) fn pipeline_settings(mut self) -> Result<PipelineSettings<LogEntry>, LoggerError> {
        let variables = Variables::new(&process_environment);
        if self.api_key.is_empty() {
            self.api_key = variables.text("TRACEHUB_API_KEY").unwrap_or_default();
        }
        let endpoint = self.endpoint.as_deref().map(str::trim).filter(|url| !url.is_empty()).map(str::to_owned);
        let endpoint =
            endpoint.or_else(|| variables.text("TRACEHUB_URL")).unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        let url = address(&endpoint, INGEST_PATH).ok_or(LoggerError::Endpoint)?;
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        if self.compress {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if !self.api_key.is_empty() {
            headers.insert(KEY_HEADER, secret_header(&self.api_key).ok_or(LoggerError::ApiKey)?);
        }
        let takes_foreign = matches!(self.place, DeadLetterPlace::Directory(_));
        let directory = match self.place {
            DeadLetterPlace::Usual => usual_directory(&variables),
            DeadLetterPlace::Directory(directory) => Some(directory),
            DeadLetterPlace::Nowhere => None,
        };
        // A daemon changes its working directory.
        let directory = directory.map(|directory| std::path::absolute(&directory).unwrap_or(directory));
        let dead_letters = directory.map(|directory| {
            let settings =
                DeadLetterSettings { directory, takes_foreign, max_bytes: self.dlq_bytes, max_age: self.dlq_age };
            match &self.dlq_address {
                Some(address) => DeadLetters::new(settings, address, ""),
                None => DeadLetters::new(settings, url.as_str(), &self.api_key),
            }
        });
        Ok(PipelineSettings {
            name: "tracehub-logger",
            pace: self.pace,
            encoding: Box::new(LogEncoding {
                service: self.service,
                environment: self.environment,
                host: hostname(),
                compress: self.compress,
                dead_letters,
            }),
            url,
            headers,
            process_id: self.process_id,
        })
    }
}

impl fmt::Debug for LoggerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the key.
        let mut shape = f.debug_struct("LoggerBuilder");
        shape.field("service", &self.service).field("environment", &self.environment);
        shape.field("endpoint", &self.endpoint).field("place", &self.place).finish_non_exhaustive()
    }
}

/// The dead letters of this user for an address that is no server's; `None` without a home.
#[cfg(feature = "app")]
pub(crate) fn new_dead_letters(address: &str) -> Option<DeadLetters> {
    let directory = usual_directory(&Variables::new(&process_environment))?;
    let settings =
        DeadLetterSettings { directory, takes_foreign: false, max_bytes: DEFAULT_DLQ_BYTES, max_age: DEFAULT_DLQ_AGE };
    Some(DeadLetters::new(settings, address, ""))
}

/// The usual directory of dead letters: `$XDG_STATE_HOME/tracehub/dlq`, else `~/.tracehub/dlq`; `None` without a home.
fn usual_directory(variables: &Variables<'_>) -> Option<PathBuf> {
    // The XDG rules say to pass over relative paths.
    let state = variables.text("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let own = state.map(|state| state.join("tracehub"));
    own.or_else(|| Some(PathBuf::from(variables.text("HOME")?).join(".tracehub"))).map(|own| own.join("dlq"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> LoggerBuilder {
        LoggerBuilder::new("th_secret", "shop", "production").endpoint("http://hub:8099/base/").without_dlq()
    }

    #[test]
    fn the_defaults_are_those_of_the_published_sdk() {
        let settings = builder().pipeline_settings().expect("settings");
        assert_eq!((settings.pace.batch_size, settings.pace.limits.max_items, settings.pace.retries), (50, 10_000, 3));
        assert_eq!(
            (settings.pace.flush_interval, settings.pace.timeout),
            (Duration::from_secs(5), Duration::from_secs(10))
        );
        assert_eq!(settings.url.as_str(), "http://hub:8099/base/api/v1/ingest");
        assert_eq!(settings.headers[KEY_HEADER], "th_secret");
        assert_eq!(settings.headers[CONTENT_ENCODING], "gzip");
    }

    #[test]
    fn dead_letters_stay_where_they_are_when_the_program_goes_elsewhere() {
        let settings = builder().dlq_path("letters").pipeline_settings().expect("settings");
        let directory = settings.encoding.dead_letters().expect("dead letters").directory().to_owned();
        assert_eq!(directory, std::env::current_dir().expect("a directory").join("letters"));
    }

    #[test]
    fn a_key_appears_in_no_debug_text() {
        let settings = builder().dlq_path("/x").clone();
        assert!(!format!("{settings:?}").contains("th_secret"));
        assert!(!format!("{:?}", settings.pipeline_settings()).contains("th_secret"));
    }

    #[test]
    fn what_cannot_be_used_is_an_error() {
        let error = |builder: LoggerBuilder| builder.pipeline_settings().expect_err("an error");
        assert_eq!(error(builder().endpoint("ftp://hub")), LoggerError::Endpoint);
        assert_eq!(error(LoggerBuilder::new("th_\nx", "s", "e").endpoint("http://hub")), LoggerError::ApiKey);
        assert!(!LoggerBuilder::new("", "s", "e").pipeline_settings().expect("open").headers.contains_key(KEY_HEADER));
    }

    #[test]
    fn dead_letters_lie_with_the_state_of_the_user() {
        let found = |state: &'static str, home: &'static str| {
            let lookup = move |name: &str| Some(if name == "HOME" { home } else { state }.to_owned());
            usual_directory(&Variables::new(&lookup))
        };
        assert_eq!(found("/state", "/home/a"), Some(PathBuf::from("/state/tracehub/dlq")));
        assert_eq!(found("relative", "/home/a"), Some(PathBuf::from("/home/a/.tracehub/dlq")));
        assert_eq!(found("", ""), None);
    }
}
