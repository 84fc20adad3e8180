//! What a Python server is asked, and how its answers are read.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::api;
use crate::decode::checkpoint;
use crate::model::{Checkpoint, Direction, Text, TimeBounds, TraceFold, TraceId};
use crate::store::remote::{self, capped_body};
use crate::store::{Error, Result};

/// How long a server may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// No answer is larger.
const MOST_ANSWER_BYTES: usize = 256 << 20;
/// No answer about what the server is, is larger.
const MOST_HEALTH_BYTES: usize = 64 << 10;
/// The most correlations that are asked for; the server has no pages.
const MOST_CHAINS: u64 = 1_000_000;

/// A correlation as the server lists it.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub correlation_id: String,
    pub trace_id: TraceId,
    /// How many checkpoints it has.
    pub checkpoints: u64,
    first_ms: f64,
    last_ms: f64,
    sources: Vec<String>,
}

/// A row of `GET /correlations`.
#[derive(Deserialize)]
struct Row {
    correlation_id: String,
    #[serde(default)]
    trace_count: u64,
    #[serde(default)]
    first_ts: Option<f64>,
    #[serde(default)]
    last_ts: Option<f64>,
    #[serde(default)]
    sources: Vec<String>,
}

#[derive(Deserialize)]
struct Rows {
    correlations: Vec<Row>,
}

impl Chain {
    fn new(row: Row) -> Chain {
        Chain {
            trace_id: checkpoint::trace_id(&row.correlation_id),
            checkpoints: row.trace_count,
            first_ms: row.first_ts.unwrap_or_default(),
            last_ms: row.last_ts.or(row.first_ts).unwrap_or_default(),
            correlation_id: row.correlation_id,
            sources: row.sources,
        }
    }

    /// Adds what the list says of it to the summary of its trace.
    pub fn add_to(&self, fold: &mut TraceFold) {
        let before = fold.checkpoints;
        let ends = [self.first_ms, self.last_ms].into_iter().zip(self.sources.iter().chain(self.sources.last()));
        let sources = self.sources.iter().map(|source| (self.first_ms, source));
        for (timestamp_ms, source) in sources.chain(ends) {
            let checkpoint = Checkpoint {
                source_id: Text::from(source.as_str()),
                correlation_id: Text::from(self.correlation_id.as_str()),
                trace_id: self.trace_id.clone(),
                timestamp_ms,
                suffix: Text::EMPTY,
                direction: Direction::parse("!!"),
                operation: Text::EMPTY,
                endpoint: Text::EMPTY,
                data: None,
                hostname: checkpoint::UNKNOWN_HOST,
                raw_line: None,
                project: Text::EMPTY,
            };
            fold.add_checkpoint(&checkpoint, &TimeBounds::ALL);
        }
        fold.checkpoints = before + self.checkpoints;
    }
}

/// A server and how it is asked.
pub(super) struct Asking {
    client: Client,
    base: Url,
    location: String,
}

impl Asking {
    /// How the server at `url` is asked; and where it is, without secrets.
    ///
    /// # Errors
    /// [`Error::BadTarget`]
    pub fn new(url: &str, key: Option<&str>) -> Result<(Asking, String)> {
        let (base, location, client) = remote::connect(url, key)?;
        Ok((Asking { client, base, location: location.clone() }, location))
    }

    /// Whether a Python server answers.
    pub async fn is_python(&self) -> bool {
        let request = self.client.get(self.url(&["health"])).timeout(PATIENCE).send().await;
        let Ok(response) = request else { return false };
        if !response.status().is_success() || response.headers().contains_key(api::API_HEADER) {
            return false;
        }
        let Ok(Some(body)) = capped_body(response, MOST_HEALTH_BYTES).await else { return false };
        let health: Json = serde_json::from_slice(&body).unwrap_or_default();
        health["service"] == "tracehub" && health["status"].is_string()
    }

    /// All correlations, the one that was written to last first.
    ///
    /// # Errors
    /// The server does not answer, or not as it should.
    pub async fn chains(&self) -> Result<Vec<Chain>> {
        let mut url = self.url(&["correlations"]);
        url.set_query(Some(&format!("limit={MOST_CHAINS}")));
        let Some(body) = self.get(url).await? else { return Err(self.protocol("it lists no correlations".to_owned())) };
        let rows: Rows =
            serde_json::from_slice(&body).map_err(|error| self.protocol(format!("its JSON is {error}")))?;
        Ok(rows.correlations.into_iter().map(Chain::new).collect())
    }

    /// The checkpoints of a correlation; `None` when its id is none the server can be asked for.
    ///
    /// # Errors
    /// The server does not answer, or not as it should.
    pub async fn checkpoints(&self, correlation_id: &str) -> Result<Option<Vec<Checkpoint>>> {
        // A part of a path that means another one, and a path that ends before it.
        if matches!(correlation_id, "" | "." | "..") {
            return Ok(None);
        }
        let Some(body) = self.get(self.url(&["traces", correlation_id])).await? else { return Ok(None) };
        match checkpoint::batch(&body) {
            Ok((checkpoints, _)) => Ok(Some(checkpoints)),
            Err(_) => Err(self.protocol("its checkpoints are not what they were when they were sent".to_owned())),
        }
    }

    /// The body of an answer; `None` when there is no such thing.
    async fn get(&self, url: Url) -> Result<Option<Bytes>> {
        let response = self.client.get(url).send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        match status {
            StatusCode::NOT_FOUND | StatusCode::TEMPORARY_REDIRECT => return Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(Error::Denied { url: self.location.clone(), reason: format!("it says {status}") });
            }
            status if !status.is_success() => return Err(self.protocol(format!("it says {status}"))),
            _ => {}
        }
        match capped_body(response, MOST_ANSWER_BYTES).await {
            Ok(Some(body)) => Ok(Some(body)),
            Ok(None) => Err(self.protocol(format!("its answer is larger than {} MiB", MOST_ANSWER_BYTES >> 20))),
            Err(error) => Err(self.unreachable(error)),
        }
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    fn unreachable(&self, error: reqwest::Error) -> Error {
        Error::Unreachable { url: self.location.clone(), source: Box::new(error.without_url()) }
    }

    fn protocol(&self, reason: String) -> Error {
        Error::Protocol { url: self.location.clone(), reason }
    }
}
