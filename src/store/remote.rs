//! A tracehub server as a backend: the trait, serialized over its HTTP API.
//!
//! Opening does no I/O; the first question finds out whether anybody answers. Redirects are not followed, because a
//! key must not travel to a host nobody named. Records cross as the public JSON, so bytes in attributes arrive as their
//! base64 text; everything else is exact. Who waits for new records reads them from a [`stream`] that stays open, or,
//! when there is none, from a question that the server answers late.

mod answers;
mod events;
mod saved_filters;
mod stream;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, header};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::api::{self, Pairs, path};
use crate::connect::{ConnectError, Distrust, client_for};
use crate::model::json::{self, FromJson, JsonError, key_to_wire};
use crate::model::{
    Batch, Cursor, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, Key, LogPage, LogQuery, Nanos, Page,
    RecordFilter, Removed, Retention, Stats, StatsQuery, Text, TimeBounds, Trace, TraceId, TraceQuery, TraceSummary,
    Written,
};
use crate::store::remote::stream::{Said, Stream, Streams};
use crate::store::{
    Answers, Backend, Chunk, Error, Facet, Feed, Info, Issues, Keys, Logs, Result, SavedFilters, Sink, wire,
};

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest pause within an answer; longer than the longest wait of a scan.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Items of a list that a server gives out with a place to go on.
const MOST_ITEMS: usize = 1_000;
/// No answer is larger: it is held in memory as a whole. Chunks of a scan are far smaller.
const MOST_ANSWER_BYTES: usize = 256 << 20;
/// No explanation of what went wrong is larger.
const MOST_PROBLEM_BYTES: usize = 1 << 20;
/// Longest part of a server's explanation that is repeated, in characters.
const MAX_DETAIL_CHARS: usize = 300;

/// Makes a backend of the server at `url`, which may have a path of its own when it stands behind a proxy. `key` goes
/// with every request.
///
/// # Errors
/// [`Error::BadTarget`] when `url` is none, or cannot be used as a base of others.
pub async fn open(url: &str, key: Option<&str>) -> Result<Arc<dyn Backend>> {
    let (base, location, client) = connect(url, key)?;
    let info = Info { kind: "a tracehub server", location, read_only: false, schema: None };
    Ok(Arc::new(Remote { info, base, client, streams: Streams::default(), is_closed: AtomicBool::new(false) }))
}

/// What is needed to ask a server: its base URL, where that is without secrets, and a client that sends the key. No I/O.
///
/// # Errors
/// As [`open`].
pub(super) fn connect(url: &str, key: Option<&str>) -> Result<(Url, String, Client)> {
    let bad = |reason: String| Error::BadTarget { target: without_credentials(url), reason };
    let mut base: Url = url.parse().map_err(|error| bad(format!("{error}")))?;
    if !base.has_host() || !matches!(base.scheme(), "http" | "https") {
        return Err(bad("it is no http:// or https:// address".to_owned()));
    }
    base.set_query(None);
    base.set_fragment(None);
    let location = without_credentials(base.as_str().trim_end_matches('/'));
    let headers = headers(key).ok_or_else(|| bad("the API key holds characters no header may hold".to_owned()))?;
    let client = client_for(&base, key, || {
        Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(concat!("tracehub/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers.clone())
    });
    let client = client.map_err(|error| match error {
        ConnectError::Read { ref source, .. } => bad(format!("{error}: {source}")),
        error => bad(error.to_string()),
    })?;
    Ok((base, location, client))
}

/// Both headers servers look for a key in; `None` when it cannot be one.
fn headers(key: Option<&str>) -> Option<header::HeaderMap> {
    let mut headers = header::HeaderMap::new();
    if let Some(key) = key {
        for (name, value) in [(api::KEY_HEADER, key.to_owned()), ("authorization", format!("Bearer {key}"))] {
            let mut value = header::HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            headers.insert(header::HeaderName::from_static(name), value);
        }
    }
    Some(headers)
}

/// The URL without a user name and password, whether or not it can be read.
pub fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{tail}")
}

struct Remote {
    info: Info,
    base: Url,
    client: Client,
    streams: Streams,
    is_closed: AtomicBool,
}

// By hand, because the base URL may hold a password.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("location", &self.info.location).finish_non_exhaustive()
    }
}

impl Remote {
    fn request(&self, method: Method, path: &str, pairs: &Pairs) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        self.client.request(method, url).query(pairs)
    }

    /// Sends a request; `None` when the server says that there is no such thing.
    async fn send(&self, request: RequestBuilder) -> Result<Option<Response>> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let is_ours = response.headers().contains_key(api::API_HEADER);
        if status.is_success() && is_ours {
            return Ok(Some(response));
        }
        let Problem { detail, lacks } = Problem::read(response).await;
        if let Some(facet) = lacks.filter(|_| is_ours && status == StatusCode::NOT_IMPLEMENTED) {
            let reason = detail.unwrap_or_else(|| facet.lacked_by(self.info.kind));
            return Err(Error::Lacks { facet, reason, location: None });
        }
        match (status, is_ours) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                let reason = detail.unwrap_or_else(|| format!("it says {status}"));
                Err(Error::Denied { url: self.info.location.clone(), reason })
            }
            (StatusCode::NOT_FOUND, true) => Ok(None),
            (StatusCode::CONFLICT, true) => Err(Error::KeyExists),
            (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY, true) => {
                let reason = detail.unwrap_or_default();
                let is_cursor = reason == Error::BadCursor.to_string();
                Err(if is_cursor {
                    Error::BadCursor
                } else {
                    Error::Refused { url: self.info.location.clone(), reason }
                })
            }
            // What may pass: too busy, unless the server says something else. A proxy in between may say this one too.
            (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => {
                Err(detail.map_or(Error::Busy, |detail| Error::Io(format!("the server says: {detail}").into())))
            }
            (StatusCode::GATEWAY_TIMEOUT, true) => Err(Error::TooSlow),
            (_, true) => Err(Error::Io(detail.unwrap_or_else(|| format!("the server says {status}")).into())),
            // A port that speaks TLS says so in the clear.
            (StatusCode::BAD_REQUEST, false) if detail.as_deref() == Some(api::SPEAKS_TLS) => {
                Err(self.protocol(api::SPEAKS_TLS.to_owned()))
            }
            (_, false) => Err(self.protocol(format!("it says {status} without the header `{}`", api::API_HEADER))),
        }
    }

    /// Sends a request about something that every server has.
    async fn send_known(&self, request: RequestBuilder) -> Result<Response> {
        let unknown = || self.protocol("it does not know this request; it may be an older version".to_owned());
        self.send(request).await?.ok_or_else(unknown)
    }

    async fn body(&self, response: Response) -> Result<Bytes> {
        match capped_body(response, MOST_ANSWER_BYTES).await {
            Ok(Some(body)) => Ok(body),
            Ok(None) => Err(self.protocol(format!("its answer is larger than {} MiB", MOST_ANSWER_BYTES >> 20))),
            Err(error) => Err(self.unreachable(error)),
        }
    }

    async fn json(&self, response: Response) -> Result<Json> {
        let bytes = self.body(response).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.protocol(format!("its JSON is broken: {error}")))
    }

    /// Asks for a document that every server has.
    async fn read<T: FromJson>(&self, request: RequestBuilder) -> Result<T> {
        let json = self.json(self.send_known(request).await?).await?;
        json::read(&json).map_err(|error| self.wrong_json(error))
    }

    /// Asks for a document of which every server has one key.
    async fn read_key<T: FromJson>(&self, request: RequestBuilder, key: &'static str) -> Result<T> {
        let json = self.json(self.send_known(request).await?).await?;
        T::from_json(&json[key], key).map_err(|error| self.wrong_json(error))
    }

    /// Asks for a document; `None` when the server says that there is no such thing.
    async fn find<T: FromJson>(&self, request: RequestBuilder) -> Result<Option<T>> {
        let Some(response) = self.send(request).await? else { return Ok(None) };
        let json = self.json(response).await?;
        json::read(&json).map(Some).map_err(|error| self.wrong_json(error))
    }

    /// Asks for a page of a list: its items as an array, the rest in headers.
    async fn read_page<T: FromJson>(&self, path: &str, pairs: &Pairs) -> Result<Page<T>> {
        let response = self.send_known(self.request(Method::GET, path, pairs)).await?;
        let headers = response.headers().clone();
        let json = self.json(response).await?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        // A store that cannot count says nothing.
        let count = |name| {
            let count = text(name).map(|text| text.parse().map_err(|_| self.wrong_json(JsonError { key: name })));
            count.transpose()
        };
        Ok(Page {
            items: Vec::from_json(&json, "[]").map_err(|error| self.wrong_json(error))?,
            next: text(api::NEXT_CURSOR_HEADER).map(|cursor| Cursor(cursor.to_owned())),
            total: count(api::TOTAL_HEADER)?,
            failed: count(api::FAILED_HEADER)?,
        })
    }

    /// What a stream says next, if the server has one for this and it goes on.
    async fn scan_stream(
        &self,
        filter: &RecordFilter,
        after: &Cursor,
        max: usize,
        deadline: Instant,
    ) -> Result<Option<Chunk>> {
        let stream = match self.streams.take(filter, after, max) {
            None => self.open_stream(filter, after, max).await,
            open => open,
        };
        let Some(mut stream) = stream else { return Ok(None) };
        let chunk = match stream.next(deadline).await {
            Said::End => return Ok(None),
            Said::Nothing => Chunk { batch: Batch::default(), next: after.clone(), at_end: true, missed: 0 },
            Said::Event(data) => wire::chunk_from_json(&data).map_err(|error| self.protocol(error.to_string()))?,
        };
        stream.place = chunk.next.clone();
        self.streams.put_back(stream);
        Ok(Some(chunk))
    }

    /// Opens a stream; `None` when that does not work, for whatever reason: a question tells it better.
    async fn open_stream(&self, filter: &RecordFilter, after: &Cursor, max: usize) -> Option<Stream> {
        if self.streams.are_unknown() || self.is_closed.load(Ordering::Relaxed) {
            return None;
        }
        let mut pairs = api::filter_to_pairs(filter);
        pairs.push(("after".to_owned(), after.0.clone()));
        pairs.push(("max".to_owned(), max.to_string()));
        let request = self.request(Method::GET, path::SCAN_STREAM, &pairs).header(header::ACCEPT, "text/event-stream");
        let response = request.send().await.ok()?;
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            self.streams.note_unknown();
        }
        let is_stream = response.status().is_success() && response.headers().contains_key(api::API_HEADER);
        is_stream.then(|| Stream::new(filter.clone(), after.clone(), max, response))
    }

    fn unreachable(&self, error: reqwest::Error) -> Error {
        let url = self.info.location.clone();
        match Distrust::behind(&error) {
            Some(why) => Error::Untrusted { url, why },
            None => Error::Unreachable { url, source: Box::new(error.without_url()) },
        }
    }

    fn protocol(&self, reason: String) -> Error {
        Error::Protocol { url: self.info.location.clone(), reason }
    }

    fn wrong_json(&self, error: JsonError) -> Error {
        self.protocol(error.to_string())
    }
}

/// The body of an answer; `None` when it is larger than `most_bytes`, of which no more is read then.
///
/// # Errors
/// The connection broke.
pub async fn capped_body(
    mut response: Response,
    most_bytes: usize,
) -> std::result::Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > most_bytes {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body.freeze()))
}

/// What a server says went wrong.
#[derive(Default)]
struct Problem {
    /// The sentence of the server.
    detail: Option<String>,
    /// The facet its store lacks, where that is the reason.
    lacks: Option<Facet>,
}

impl Problem {
    async fn read(response: Response) -> Problem {
        let Ok(Some(body)) = capped_body(response, MOST_PROBLEM_BYTES).await else { return Problem::default() };
        let Ok(json) = serde_json::from_slice::<Json>(&body) else { return Problem::default() };
        let detail = json["detail"].as_str().map(|detail| detail.chars().take(MAX_DETAIL_CHARS).collect());
        Problem { detail, lacks: json["lacks"].as_str().and_then(Facet::parse) }
    }
}

fn trace_from_json(id: TraceId, json: &mut Json) -> std::result::Result<Option<Trace>, JsonError> {
    let spans = json.get_mut("spans").and_then(Json::as_array_mut).into_iter().flatten();
    for span in spans.filter_map(Json::as_object_mut) {
        span.insert("trace_id".to_owned(), json!(id));
    }
    let spans = FromJson::from_json(&json["spans"], "spans")?;
    let checkpoints = FromJson::from_json(&json["checkpoints"], "checkpoints")?;
    let logs = FromJson::from_json(&json["logs"], "logs")?;
    let time = |key| <Option<Nanos>>::from_json(&json[key], key);
    // The server knows when records were received, and so which of their times do not rule.
    let bounds = match (time("start_time")?, time("end_time")?) {
        (Some(start), Some(end)) => TimeBounds::of_trace(start, end),
        _ => TimeBounds::ALL,
    };
    Ok(Trace::within(&bounds, id, Batch { spans, checkpoints, logs }))
}

fn issue_path(id: &IssueId) -> String {
    path::ISSUE.replace("{id}", &id.to_string())
}

#[async_trait]
impl Backend for Remote {
    fn info(&self) -> &Info {
        &self.info
    }

    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>> {
        let mut rest = query.clone();
        let mut page = Page { items: Vec::new(), next: None, total: None, failed: None };
        loop {
            rest.limit = (query.limit.saturating_sub(page.items.len())).min(MOST_ITEMS);
            let more = self.read_page(path::TRACES, &api::trace_query_to_pairs(&rest)).await?;
            let (total, failed) = (page.total.or(more.total), page.failed.or(more.failed));
            page = Page { items: [page.items, more.items].concat(), next: more.next, total, failed };
            rest.cursor = page.next.clone();
            if rest.cursor.is_none() || page.items.len() >= query.limit {
                return Ok(page);
            }
        }
    }

    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        let pairs = vec![("id".to_owned(), id.to_string())];
        let Some(response) = self.send(self.request(Method::GET, path::TRACE, &pairs)).await? else { return Ok(None) };
        let mut json = self.json(response).await?;
        trace_from_json(id.clone(), &mut json).map_err(|error| self.wrong_json(error))
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        self.read(self.request(Method::GET, path::STATS, &api::stats_query_to_pairs(query))).await
    }

    async fn newest_received(&self) -> Result<Option<Nanos>> {
        let facts = self.json(self.send_known(self.request(Method::GET, path::SERVER, &Pairs::new())).await?).await?;
        Ok(facts["newest_received_time"].as_str().and_then(Nanos::parse_rfc3339))
    }

    async fn close(&self) -> Result<()> {
        self.is_closed.store(true, Ordering::Relaxed);
        self.streams.close();
        Ok(())
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn sink(&self) -> Option<&dyn Sink> {
        Some(self)
    }

    fn logs(&self) -> Option<&dyn Logs> {
        Some(self)
    }

    fn issues(&self) -> Option<&dyn Issues> {
        Some(self)
    }

    fn keys(&self) -> Option<&dyn Keys> {
        Some(self)
    }

    fn saved_filters(&self) -> Option<&dyn SavedFilters> {
        Some(self)
    }

    fn answers(&self) -> Option<&dyn Answers> {
        Some(self)
    }
}

#[async_trait]
impl Feed for Remote {
    async fn scan(&self, filter: &RecordFilter, after: Option<&Cursor>, max: usize, wait: Duration) -> Result<Chunk> {
        let now = Instant::now();
        let deadline = now.checked_add(wait).unwrap_or(now);
        if let Some(after) = after.filter(|_| !wait.is_zero())
            && let Some(chunk) = self.scan_stream(filter, after, max, deadline).await?
        {
            return Ok(chunk);
        }
        let wait = deadline.saturating_duration_since(Instant::now());
        let mut pairs = api::filter_to_pairs(filter);
        pairs.extend(after.map(|cursor| ("after".to_owned(), cursor.0.clone())));
        pairs.push(("max".to_owned(), max.to_string()));
        pairs.push(("wait_ms".to_owned(), wait.as_millis().to_string()));
        let response = self.send_known(self.request(Method::GET, path::SCAN, &pairs)).await?;
        let bytes = self.body(response).await?;
        wire::chunk_from_json(&bytes).map_err(|error| self.protocol(error.to_string()))
    }

    async fn cursor_at(&self, received: Nanos) -> Result<Cursor> {
        let pairs = vec![("received_since".to_owned(), received.to_rfc3339())];
        self.read_key(self.request(Method::GET, path::CURSOR, &pairs), "next").await.map(Cursor)
    }

    async fn place(&self, filter: &RecordFilter, records: usize) -> Result<Option<Cursor>> {
        let mut pairs = api::filter_to_pairs(filter);
        pairs.push(("records".to_owned(), records.to_string()));
        let place: Option<String> = self.read_key(self.request(Method::GET, path::PLACE, &pairs), "place").await?;
        Ok(place.map(Cursor))
    }
}

#[async_trait]
impl Sink for Remote {
    async fn write(&self, batch: Batch) -> Result<Written> {
        let request = self.request(Method::POST, path::RECORDS, &Pairs::new());
        let request = request.header(header::CONTENT_TYPE, "application/json").body(wire::records_to_json(&batch));
        self.read(request).await
    }

    async fn delete(&self, filter: &RecordFilter, dry_run: bool) -> Result<Removed> {
        let mut pairs = api::filter_to_pairs(filter);
        pairs.push(("dry_run".to_owned(), dry_run.to_string()));
        self.read(self.request(Method::DELETE, path::TRACES, &pairs)).await
    }

    async fn prune(&self, keep: &Retention, budget: usize) -> Result<Removed> {
        let before = keep.received_before.to_rfc3339();
        let pairs = vec![("received_before".to_owned(), before), ("budget".to_owned(), budget.to_string())];
        self.read(self.request(Method::POST, path::PRUNE, &pairs)).await
    }
}

#[async_trait]
impl Logs for Remote {
    async fn list_logs(&self, query: &LogQuery) -> Result<LogPage> {
        let mut rest = query.clone();
        // A server adds what leads to the issues it is asked for.
        rest.issues.truncate(api::MAX_ISSUE_IDS);
        let mut records = Vec::new();
        loop {
            let page = self.read_page(path::LOGS, &api::log_query_to_pairs(&rest)).await?;
            // A server gives out only so many at once, and fewer than that if they are large: that ends this page too.
            let is_whole = page.next.is_some() && page.items.len() >= api::MAX_LOGS;
            records.extend(page.items);
            if !is_whole || query.limit > 0 && records.len() >= query.limit {
                return Ok(LogPage { records, next: page.next });
            }
            rest.limit = query.limit.saturating_sub(records.len());
            rest.cursor = page.next;
        }
    }
}

#[async_trait]
impl Issues for Remote {
    async fn list_issues(&self, query: &IssueQuery) -> Result<Page<Issue>> {
        self.read_page(path::ISSUES, &api::issue_query_to_pairs(query)).await
    }

    async fn issue(&self, id: &IssueId) -> Result<Option<IssueDetail>> {
        self.find(self.request(Method::GET, &issue_path(id), &Pairs::new())).await
    }

    async fn set_issue(&self, id: &IssueId, change: IssueChange) -> Result<Option<Issue>> {
        let request = self.request(Method::PATCH, &issue_path(id), &Pairs::new());
        self.find(request.json(&api::issue_change_to_json(change))).await
    }
}

#[async_trait]
impl Keys for Remote {
    async fn list_keys(&self) -> Result<Vec<Key>> {
        self.read_page(path::KEYS, &Pairs::new()).await.map(|page| page.items)
    }

    async fn add_key(&self, key: Key) -> Result<()> {
        let request = self.request(Method::POST, path::KEYS, &Pairs::new()).json(&key_to_wire(&key));
        self.json(self.send_known(request).await?).await.map(drop)
    }

    async fn revoke_key(&self, id: &str) -> Result<Option<Key>> {
        // What is no id names no key, and would name something else in a path.
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        self.find(self.request(Method::DELETE, &path::KEY_BY_ID.replace("{id}", id), &Pairs::new())).await
    }

    async fn touch_keys(&self, used: &[(Text, Nanos)]) -> Result<()> {
        let times = used.iter().map(|(id, time)| (id.to_string(), Json::from(time.to_rfc3339())));
        let request = self.request(Method::POST, path::KEY_USES, &Pairs::new()).json(&Json::Object(times.collect()));
        self.json(self.send_known(request).await?).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_location_holds_no_password() {
        let backend = open("http://me:secret@localhost:8099/base/?x=1", Some("th_key")).await.expect("a URL");
        assert_eq!(backend.info().location, "http://localhost:8099/base");
        assert!(!format!("{backend:?}").contains("secret"));
        let error = open("http://me:secret@:99/", None).await.expect_err("no host");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_address_of_a_server_is_refused() {
        for (url, key) in [("http://", None), ("ftp://host", None), ("http://host", Some("line\nbreak"))] {
            assert!(matches!(open(url, key).await, Err(Error::BadTarget { .. })), "{url}");
        }
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut_off_and_said_so() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a client");
            let _ = socket.read(&mut [0; 4_096]).await;
            let head = format!("HTTP/1.1 200 OK\r\n{}: 1\r\n\r\n[", api::API_HEADER);
            let _ = socket.write_all(head.as_bytes()).await;
            let piece = vec![b' '; 1 << 20];
            let mut sent = 0_usize;
            while sent < 2 * MOST_ANSWER_BYTES && socket.write_all(&piece).await.is_ok() {
                sent += piece.len();
            }
            sent
        });
        let backend = open(&url, None).await.expect("a URL");
        let error = backend.traces(&TraceQuery::default()).await.expect_err("too much").to_string();
        assert!(error.contains("larger than 256 MiB"), "{error}");
        assert!(server.await.expect("ended") < 2 * MOST_ANSWER_BYTES);
    }

    #[tokio::test]
    async fn nobody_at_the_other_end_is_unreachable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        drop(listener);
        let backend = open(&url, None).await.expect("a URL");
        let error = backend.traces(&TraceQuery::default()).await.expect_err("nobody there");
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    }
}
