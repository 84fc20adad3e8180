//! `CheckpointClient`: sends checkpoints in the background, in batches, to one tracehub server.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::record::{CheckpointRecord, encode_batch};
use crate::client::pipeline::Pipeline;
use crate::client::pipeline::encoding::Encoding;
use crate::client::pipeline::figures::{Figures, Tally};
use crate::client::pipeline::queue::Limits;
use crate::client::pipeline::settings::{
    CLOSE_ON_DROP, DEFAULT_BACKOFF, LARGEST_BATCH_SIZE, LARGEST_RETRY_COUNT, LONGEST_TIME, Pace, PipelineSettings,
    SHORTEST_TIMEOUT, secret_header,
};
use crate::client::pipeline::transport::address;
use crate::client::variables::{Variables, process_environment};

const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
const SECRET_HEADER: HeaderName = HeaderName::from_static("x-tracehub-secret");

/// Sends checkpoints to a server from a thread of its own; cheap to clone, and all clones are one client.
///
/// A client without a server is *off*: each call returns at once and nothing is kept or counted. Dropping the last
/// clone closes the client within two seconds; a program that ends in another way should call
/// [`CheckpointClient::close`] before, because nothing runs after `main`.
#[derive(Clone)]
pub struct CheckpointClient {
    pipeline: Option<Arc<Pipeline<CheckpointRecord>>>,
    warnings: Arc<[String]>,
}

/// What became of everything that was handed over, when a client was closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Records the server has.
    pub sent: u64,
    /// Records that never went out: the queue was full, the client was closed, or the time was up.
    pub dropped: u64,
    /// Records that went out and were refused, or not acknowledged by the last attempt or the deadline.
    pub failed: u64,
}

impl Report {
    /// Whether every record reached the server.
    pub fn is_complete(&self) -> bool {
        self.dropped == 0 && self.failed == 0
    }
}

impl From<Tally> for Report {
    fn from(Tally { sent, dropped, failed, parked: _ }: Tally) -> Report {
        Report { sent, dropped, failed }
    }
}

/// Counters of a client at one moment; `sends` is the sum of the next five.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// Records handed over.
    pub sends: u64,
    /// Records the server has.
    pub sent: u64,
    /// Records that never went out.
    pub dropped: u64,
    /// Records that went out and were refused or not acknowledged.
    pub failed: u64,
    /// Records that wait.
    pub queued: u64,
    /// Records in the request under way.
    pub in_flight: u64,
    /// HTTP requests made.
    pub requests: u64,
    /// HTTP requests that repeated an earlier one.
    pub retries: u64,
    /// Why the last batch that failed did; `None` when none has.
    pub last_error: Option<String>,
}

impl From<Figures> for ClientStats {
    fn from(figures: Figures) -> ClientStats {
        ClientStats {
            sends: figures.sends,
            sent: figures.tally.sent,
            dropped: figures.tally.dropped,
            failed: figures.tally.failed,
            queued: figures.queued,
            in_flight: figures.in_flight,
            requests: figures.requests,
            retries: figures.retries,
            last_error: figures.last_error,
        }
    }
}

/// Settings of a client, with a default for each but the address.
#[derive(Debug, Clone)]
pub struct CheckpointClientBuilder {
    url: String,
    /// Headers with the key and the secret.
    credentials: HeaderMap,
    pace: Pace,
    warnings: Vec<String>,
}

impl CheckpointClient {
    /// Settings for a client of the server at `url`, such as `http://127.0.0.1:8099`; an empty one makes it off.
    pub fn builder(url: &str) -> CheckpointClientBuilder {
        CheckpointClientBuilder {
            url: url.to_owned(),
            pace: Pace {
                limits: Limits { max_items: 10_000, max_bytes: 16 << 20 },
                batch_size: 10,
                flush_interval: Duration::from_secs(1),
                timeout: Duration::from_secs(5),
                retries: 2,
                backoff: DEFAULT_BACKOFF,
            },
            credentials: HeaderMap::new(),
            warnings: Vec::new(),
        }
    }

    /// A client by the environment of this process: `TRACEHUB_URL`, `TRACEHUB_BATCH_SIZE`, `TRACEHUB_FLUSH_INTERVAL`
    /// (seconds), `TRACEHUB_TIMEOUT` (seconds), `TRACEHUB_RETRY_COUNT`, `TRACEHUB_API_KEY`, `TRACEHUB_SECRET`. Off
    /// without a `TRACEHUB_URL`.
    pub fn from_env() -> CheckpointClient {
        CheckpointClient::from_variables(&process_environment)
    }

    /// A client as [`CheckpointClient::from_env`] makes it, with the variables as `lookup` gives them.
    pub fn from_variables(lookup: &dyn Fn(&str) -> Option<String>) -> CheckpointClient {
        CheckpointClientBuilder::from_variables(lookup).build()
    }

    /// The one client of this process that all loggers share, by the environment at the time of the first call. It is
    /// never dropped: close it when the program ends.
    pub fn shared() -> CheckpointClient {
        static SHARED: OnceLock<CheckpointClient> = OnceLock::new();
        SHARED.get_or_init(CheckpointClient::from_env).clone()
    }

    /// A client that does nothing.
    pub fn off() -> CheckpointClient {
        CheckpointClient { pipeline: None, warnings: Arc::default() }
    }

    /// Whether the client does nothing.
    pub fn is_off(&self) -> bool {
        self.pipeline.is_none()
    }

    /// Hands over one record and returns at once. When the queue is full the oldest records in it are dropped, and
    /// counted.
    pub fn send(&self, record: impl Into<CheckpointRecord>) {
        let Some(pipeline) = &self.pipeline else { return };
        let record = record.into().into_acceptable();
        let bytes = record.size_bytes();
        pipeline.accounts().send(record, bytes);
    }

    /// Waits until all that was sent before is delivered, dropped or failed, for at most `timeout`; whether it was in
    /// time. This blocks the thread: in async code use `spawn_blocking`.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.pipeline.as_ref().is_none_or(|pipeline| pipeline.accounts().flush(timeout))
    }

    /// Delivers what is left for at most `timeout`, counts the rest as dropped or failed, and takes nothing more. The
    /// figures cover the client's life in this process. Closing again returns at once.
    pub fn close(&self, timeout: Duration) -> Report {
        self.pipeline.as_ref().map_or_else(Report::default, |pipeline| pipeline.accounts().close(timeout).into())
    }

    /// The counters now; all zero when the client is off.
    pub fn stats(&self) -> ClientStats {
        self.pipeline.as_ref().map_or_else(ClientStats::default, |pipeline| pipeline.accounts().figures().into())
    }

    /// What was wrong with the settings, a sentence each; empty when nothing was.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl fmt::Debug for CheckpointClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = f.debug_struct("CheckpointClient");
        shape.field("is_off", &self.is_off()).field("warnings", &self.warnings).finish_non_exhaustive()
    }
}

impl CheckpointClientBuilder {
    /// Settings by variables, as [`CheckpointClient::from_env`] reads them; bad values are replaced by the defaults.
    pub fn from_variables(lookup: &dyn Fn(&str) -> Option<String>) -> CheckpointClientBuilder {
        let mut variables = Variables::new(lookup);
        let mut builder = CheckpointClient::builder(&variables.text("TRACEHUB_URL").unwrap_or_default());
        let pace = &mut builder.pace;
        pace.batch_size = variables.number("TRACEHUB_BATCH_SIZE", 1..=LARGEST_BATCH_SIZE, pace.batch_size);
        let (any_interval, any_timeout) = (Duration::ZERO..=LONGEST_TIME, SHORTEST_TIMEOUT..=LONGEST_TIME);
        pace.flush_interval = variables.seconds("TRACEHUB_FLUSH_INTERVAL", any_interval, pace.flush_interval);
        pace.timeout = variables.seconds("TRACEHUB_TIMEOUT", any_timeout, pace.timeout);
        pace.retries = variables.number("TRACEHUB_RETRY_COUNT", 0..=LARGEST_RETRY_COUNT, pace.retries);
        let (key, secret) = (variables.text("TRACEHUB_API_KEY"), variables.text("TRACEHUB_SECRET"));
        builder.warnings = variables.into_warnings();
        builder = key.into_iter().fold(builder, |builder, key| builder.api_key(&key));
        secret.into_iter().fold(builder, |builder, secret| builder.secret(&secret))
    }

    /// Most records in one request, 10 by default; so many waiting are sent at once.
    pub fn batch_size(mut self, records: usize) -> CheckpointClientBuilder {
        self.pace.batch_size = records.clamp(1, LARGEST_BATCH_SIZE);
        self
    }

    /// Longest time a record waits for others to fill a batch, one second by default.
    pub fn flush_interval(mut self, interval: Duration) -> CheckpointClientBuilder {
        self.pace.flush_interval = interval.min(LONGEST_TIME);
        self
    }

    /// Time for one attempt, connecting included, five seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> CheckpointClientBuilder {
        self.pace.timeout = timeout.clamp(SHORTEST_TIMEOUT, LONGEST_TIME);
        self
    }

    /// Attempts after the first, 2 by default. Tried again are connection errors, timeouts, 408, 429 and 5xx.
    pub fn retry_count(mut self, retries: u32) -> CheckpointClientBuilder {
        self.pace.retries = retries.min(LARGEST_RETRY_COUNT);
        self
    }

    /// Pause before the first retry, 200 ms by default; each later one is twice as long, with jitter. A server's
    /// `Retry-After` makes it longer.
    pub fn retry_backoff(mut self, pause: Duration) -> CheckpointClientBuilder {
        self.pace.backoff = pause;
        self
    }

    /// The `th_…` key of a server that wants one, which lets in what it says, secret or not; none by default. It appears
    /// in no message of this client.
    pub fn api_key(self, key: &str) -> CheckpointClientBuilder {
        self.credential("key", KEY_HEADER, key)
    }

    /// The secret sent as `X-TraceHub-Secret`; none by default. It appears in no message of this client.
    pub fn secret(self, secret: &str) -> CheckpointClientBuilder {
        self.credential("secret", SECRET_HEADER, secret)
    }

    fn credential(mut self, what: &str, header: HeaderName, text: &str) -> CheckpointClientBuilder {
        match secret_header(text) {
            Some(value) => {
                self.credentials.insert(header, value);
            }
            None => self.warnings.push(format!("the {what} holds characters no HTTP header can: it is not sent")),
        }
        self
    }

    /// Most records that wait, 10 000 by default, and most memory they take, 16 MiB by default.
    pub fn max_queue(mut self, records: usize, bytes: usize) -> CheckpointClientBuilder {
        self.pace.limits = Limits { max_items: records.max(1), max_bytes: bytes };
        self
    }

    /// Makes the client. Its thread starts with the first record. Without an address it is off; with one that cannot be used
    /// also, and [`CheckpointClient::warnings`] says so.
    pub fn build(mut self) -> CheckpointClient {
        let url = ingest_address(self.url.trim());
        if url.is_none() && !self.url.trim().is_empty() {
            self.warnings.push("the server's URL is not an http:// or https:// address: nothing is sent".to_owned());
        }
        let warnings: Arc<[String]> = std::mem::take(&mut self.warnings).into();
        let pipeline = url.map(|url| Arc::new(Pipeline::new(self.pipeline_settings(url), CLOSE_ON_DROP)));
        CheckpointClient { pipeline, warnings }
    }

    fn pipeline_settings(self, url: Url) -> PipelineSettings<CheckpointRecord> {
        let mut headers = self.credentials;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        PipelineSettings {
            name: "tracehub-client",
            pace: self.pace,
            encoding: Box::new(CheckpointEncoding),
            url,
            headers,
            process_id: std::process::id,
        }
    }
}

/// The form in which checkpoints go to a server: the body the checkpoint API takes.
#[derive(Debug)]
struct CheckpointEncoding;

impl Encoding<CheckpointRecord> for CheckpointEncoding {
    fn encode_batch(&self, batch: &[CheckpointRecord], _unreported: u64) -> Bytes {
        encode_batch(batch)
    }
}

fn ingest_address(base: &str) -> Option<Url> {
    address(base, "/ingest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_every_call_does_nothing() {
        let client = CheckpointClient::from_variables(&|_| None);
        client.send(CheckpointRecord::enter("MA", "c", "REST", "/x"));
        assert!(client.is_off() && client.flush(Duration::ZERO));
        assert_eq!(client.close(Duration::ZERO), Report::default());
        assert_eq!(client.stats(), ClientStats::default());
        assert!(client.warnings().is_empty());
    }

    #[test]
    fn an_address_that_cannot_be_used_makes_it_off_and_is_said() {
        for url in ["ftp://host", "nonsense", "http://", "http://[::1", "::"] {
            let client = CheckpointClient::builder(url).build();
            assert!(client.is_off(), "{url}");
            assert_eq!(client.warnings().len(), 1, "{url}");
        }
    }

    #[test]
    fn a_base_path_and_a_closing_slash_are_taken_as_they_are_meant() {
        for (base, address) in [
            ("http://hub:8099", "http://hub:8099/ingest"),
            ("http://hub:8099/", "http://hub:8099/ingest"),
            ("https://hub/tracehub/?x#y", "https://hub/tracehub/ingest"),
        ] {
            assert_eq!(ingest_address(base).map(String::from).as_deref(), Some(address));
        }
    }

    #[test]
    fn the_environment_sets_every_option() {
        let builder = CheckpointClientBuilder::from_variables(&|name| {
            let value = match name {
                "TRACEHUB_URL" => "http://hub:8099/base/",
                "TRACEHUB_BATCH_SIZE" => "3",
                "TRACEHUB_FLUSH_INTERVAL" => "0.25",
                "TRACEHUB_TIMEOUT" => "1",
                "TRACEHUB_RETRY_COUNT" => "0",
                "TRACEHUB_API_KEY" => "th_k3y",
                "TRACEHUB_SECRET" => "s3cret",
                _ => return None,
            };
            Some(value.to_owned())
        });
        assert_eq!((builder.pace.batch_size, builder.pace.retries), (3, 0));
        assert_eq!(
            (builder.pace.flush_interval, builder.pace.timeout),
            (Duration::from_millis(250), Duration::from_secs(1))
        );
        let settings = builder.pipeline_settings(Url::parse("http://hub:8099/ingest").expect("an address"));
        assert_eq!(settings.headers[SECRET_HEADER], "s3cret");
        assert_eq!(settings.headers[KEY_HEADER], "th_k3y");
        let printed = format!("{settings:?}");
        assert!(!printed.contains("s3cret") && !printed.contains("k3y"), "{printed}");
    }

    #[test]
    fn bad_values_in_the_environment_leave_the_defaults() {
        let builder = CheckpointClientBuilder::from_variables(&|name| match name {
            "TRACEHUB_URL" => Some("http://hub:8099".to_owned()),
            "TRACEHUB_API_KEY" | "TRACEHUB_SECRET" => Some("new\nline".to_owned()),
            _ => Some("-1".to_owned()),
        });
        assert_eq!((builder.pace.batch_size, builder.pace.retries), (10, 2));
        assert_eq!(
            (builder.pace.flush_interval, builder.pace.timeout),
            (Duration::from_secs(1), Duration::from_secs(5))
        );
        let client = builder.build();
        assert!(!client.is_off());
        assert_eq!(client.warnings().len(), 6, "{:?}", client.warnings());
    }
}
