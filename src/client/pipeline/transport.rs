//! Posts one body after another to one address, and tries again as long as there is a point in it.
//!
//! What may pass (no connection, a timeout, 408, 429, 5xx) is tried again after a jittered, growing pause, and never
//! before the time the server named in `Retry-After`, which holds for later bodies too. Any other answer than 2xx is
//! final; redirects are not followed, so that a secret never goes to another host. What the bodies are, this module
//! must not know.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use tokio::time::{Instant, sleep, sleep_until};

use super::settings::PipelineSettings;
use crate::causes::with_causes;
use crate::client::random::random_bits;
use crate::connect::{ConnectError, Distrust, client_for};

/// Longest pause between two attempts that the transport chooses by itself.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Longest `Retry-After` that is believed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);
/// Idle connections are closed by us after this time: just below the five seconds after which many servers do.
const IDLE_CONNECTION: Duration = Duration::from_secs(4);
/// How much of an answer is read so that its connection can be used again; larger ones cost the connection.
const LARGEST_ANSWER_BYTES: usize = 64 * 1024;
const USER_AGENT: &str = concat!("tracehub/", env!("CARGO_PKG_VERSION"));

/// What became of a body that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The server has it; the beginning of what it answered.
    Delivered(Bytes),
    /// The server does not want it, and trying again would not change that.
    Refused {
        /// The answer of the server.
        status: StatusCode,
        /// The status in words.
        reason: String,
    },
    /// All attempts went wrong.
    Exhausted {
        /// Why the last attempt went wrong.
        reason: String,
        /// The pause the server asked for at the last attempt.
        retry_after: Option<Duration>,
    },
}

/// How long a transport goes on with one body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Attempts after the first.
    pub retries: u32,
    /// Longest `Retry-After` that is waited for; a longer one ends the attempts.
    pub longest_pause: Duration,
}

/// Counts of a transport, readable from any thread.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// Attempts made, first ones and retries.
    pub requests: AtomicU64,
    /// Attempts that were not the first for their body.
    pub retries: AtomicU64,
}

/// Posts bodies to one address; lives inside one tokio runtime.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    backoff: Duration,
    activity: Arc<Activity>,
    not_before: Option<Instant>,
}

impl Transport {
    /// Prepares connections; opens none yet.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the certificates to trust cannot be read.
    pub fn new<T>(settings: &PipelineSettings<T>, activity: Arc<Activity>) -> Result<Transport, ConnectError> {
        let PipelineSettings { url, headers, pace, .. } = settings;
        let key = headers.get("x-api-key").and_then(|key| key.to_str().ok());
        let http = client_for(url, key, || {
            reqwest::Client::builder()
                .user_agent(USER_AGENT)
                .timeout(pace.timeout)
                .pool_idle_timeout(IDLE_CONNECTION)
                .pool_max_idle_per_host(1)
                .tcp_nodelay(true)
        })?;
        let (url, headers) = (url.clone(), headers.clone());
        Ok(Transport { http, url, headers, backoff: pace.backoff, activity, not_before: None })
    }

    /// Posts `body` until the server has it, refuses it, or the patience is at its end.
    pub async fn deliver(&mut self, body: Bytes, patience: Patience) -> Delivery {
        let mut attempt = 0;
        loop {
            if let Some(not_before) = self.not_before {
                sleep_until(not_before).await;
                self.not_before = None;
            }
            let delivery = self.attempt(body.clone()).await;
            let Delivery::Exhausted { retry_after, .. } = delivery else { return delivery };
            let is_too_long = retry_after.is_some_and(|pause| pause > patience.longest_pause);
            self.not_before = retry_after.map(|pause| Instant::now() + pause);
            if attempt >= patience.retries || is_too_long {
                return delivery;
            }
            sleep(self.pause_after(attempt)).await;
            attempt += 1;
            self.activity.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The pause after the attempt numbered `attempt`, from zero.
    pub fn pause_after(&self, attempt: u32) -> Duration {
        backoff(self.backoff, attempt, random_bits(attempt))
    }

    async fn attempt(&self, body: Bytes) -> Delivery {
        self.activity.requests.fetch_add(1, Ordering::Relaxed);
        let request = self.http.post(self.url.clone()).headers(self.headers.clone()).body(body);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let reason = match Distrust::behind(&error) {
                    Some(why) => format!("will not talk to the server: {why}; {}", why.hint()),
                    None => with_causes(&error.without_url()),
                };
                return Delivery::Exhausted { reason, retry_after: None };
            }
        };
        let status = answer.status();
        let retry_after = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| parse_retry_after(value, SystemTime::now()));
        let answer = read_out(answer).await;
        let reason = format!("the server answered {status}");
        match status {
            _ if status.is_success() => Delivery::Delivered(answer),
            _ if is_passing(status) => Delivery::Exhausted { reason, retry_after },
            _ => Delivery::Refused { status, reason },
        }
    }
}

/// The address of `path` on the server at `base`, which may have a path of its own; `None` when it is no HTTP address.
pub(crate) fn address(base: &str, path: &str) -> Option<Url> {
    let mut url = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let path = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// Whether a status says that the same request may be answered better later.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Whether a status says that the server would take other records.
pub(crate) fn is_about_content(status: StatusCode) -> bool {
    matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY)
}

/// Reads an answer to its end, which gives its connection back. Of one too large, which costs the connection, or cut
/// short, nothing is returned: the status has already said what matters.
async fn read_out(mut answer: reqwest::Response) -> Bytes {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > LARGEST_ANSWER_BYTES {
            return Bytes::new();
        }
        body.extend_from_slice(&chunk);
    }
    body.into()
}

/// The pause of a `Retry-After`, which is seconds or an HTTP date; `None` when it is neither.
fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let pause = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        SystemTime::from(at).duration_since(now).unwrap_or_default()
    };
    Some(pause.min(LONGEST_RETRY_AFTER))
}

/// The pause after the attempt numbered `attempt` (from zero): doubling, capped, between half and the whole of that
/// by `random`, so that many programs do not come back at once.
fn backoff(first: Duration, attempt: u32, random: u64) -> Duration {
    let whole = first.saturating_mul(1u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(LONGEST_BACKOFF);
    let share = 0.5 + (random >> 11) as f64 / (1u64 << 53) as f64 / 2.0;
    whole.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 30);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let cases = [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("99999999999999999999999", Some(3_600)),
            (date, Some(30)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ];
        for (value, seconds) in cases {
            assert_eq!(parse_retry_after(value, now), seconds.map(Duration::from_secs), "{value:?}");
        }
    }

    #[test]
    fn pauses_double_with_jitter_up_to_a_cap() {
        let first = Duration::from_millis(100);
        assert_eq!(backoff(first, 0, 0), Duration::from_millis(50));
        assert_eq!(backoff(first, 3, 0), Duration::from_millis(400));
        assert!(backoff(first, 3, u64::MAX) <= Duration::from_millis(800));
        assert!(backoff(first, 3, u64::MAX) > Duration::from_millis(799));
        assert!(backoff(first, u32::MAX, u64::MAX) <= LONGEST_BACKOFF);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let passing: Vec<u16> = (100..600)
            .filter(|code| StatusCode::from_u16(*code).is_ok_and(is_passing))
            .filter(|code| *code < 500)
            .collect();
        assert_eq!(passing, vec![408, 429]);
        assert!(is_passing(StatusCode::SERVICE_UNAVAILABLE));
    }
}
