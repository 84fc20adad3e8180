//! The few requests the command line makes itself: asking a server what it is and who sends to it, and sending it what the
//! demo recorded.
//!
//! Everything else goes through the remote store.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value as Json, json};

use crate::api::{KEY_HEADER, path};
use crate::connect::{ConnectError, Distrust, client_for};
use crate::store::Error;
use crate::store::remote::{capped_body, without_credentials};

/// No answer about what a server is takes more.
const MOST_FACTS_BYTES: usize = 1 << 20;
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks a server what it is; the answer is its JSON document.
///
/// # Errors
/// [`Error::Unreachable`], [`Error::Denied`], or [`Error::Protocol`] when something else answers there.
pub async fn server_facts(url: &str, key: Option<&str>) -> Result<Json, Error> {
    let answer = match ask(url, key, path::SERVER).await {
        Err(error @ Error::Protocol { .. }) => match ask(url, key, path::HEALTH).await {
            // The Python tracehub says no more of itself than that it is there.
            Ok(health) if health["service"] == "tracehub" && health["version"].is_null() => {
                return Ok(json!({ "status": "ok", "python": true }));
            }
            _ => return Err(error),
        },
        answer => answer,
    };
    let facts = answer?;
    match facts["version"].is_string() {
        true => Ok(facts),
        false => {
            let reason = "it answered something else".to_owned();
            Err(Error::Protocol { url: without_credentials(url), reason })
        }
    }
}

/// Whether a server answers a gRPC call; `None` when it answers nothing at all.
pub async fn speaks_grpc(url: &str) -> Option<bool> {
    let asked: Url = format!("{url}{EXPORT}").parse().ok()?;
    let client = client_for(&asked, None, || Client::builder().timeout(PATIENCE).http2_prior_knowledge()).ok()?;
    // The message of no spans, behind its prefix.
    let request = client.post(asked).header(CONTENT_TYPE, "application/grpc").header("te", "trailers").body(vec![0; 5]);
    let Ok(response) = request.send().await else { return Some(false) };
    let answered = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Some(answered.is_some_and(|media| media.starts_with("application/grpc")))
}

/// The method that takes spans over gRPC.
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Asks a server for a document.
///
/// # Errors
/// [`Error::Unreachable`], [`Error::Denied`], or [`Error::Protocol`] when something else answers there.
pub async fn ask(url: &str, key: Option<&str>, path: &str) -> Result<Json, Error> {
    let unreachable =
        |source: Box<dyn std::error::Error + Send + Sync>| Error::Unreachable { url: without_credentials(url), source };
    let protocol = |reason: String| Error::Protocol { url: without_credentials(url), reason };
    let no_url = || Error::BadTarget { target: without_credentials(url), reason: "it is not a URL".to_owned() };
    let asked: Url = format!("{}{}", url.trim_end_matches('/'), path).parse().map_err(|_| no_url())?;
    let client = client(&asked, key).map_err(|error| unreachable(Box::new(error)))?;
    let mut request = client.get(asked);
    if let Some(key) = key {
        request = request.header(KEY_HEADER, key);
    }
    let response = request.send().await.map_err(|error| match error.is_builder() {
        true => no_url(),
        false => match Distrust::behind(&error) {
            Some(why) => Error::Untrusted { url: without_credentials(url), why },
            None => unreachable(Box::new(error.without_url())),
        },
    })?;
    match response.status() {
        StatusCode::OK => {}
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(Error::Denied { url: without_credentials(url), reason: status.to_string() });
        }
        status => return Err(protocol(format!("it answered {status}"))),
    }
    let body =
        capped_body(response, MOST_FACTS_BYTES).await.map_err(|error| protocol(error.without_url().to_string()))?;
    let body = body.ok_or_else(|| protocol("its answer is too long".to_owned()))?;
    serde_json::from_slice(&body).map_err(|error| protocol(error.to_string()))
}

/// A request that was recorded, to be sent again.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The path it went to.
    pub path: &'static str,
    /// The content type of the request.
    pub content_type: &'static str,
    /// The content encoding of the request, when it had one.
    pub encoding: Option<&'static str>,
    /// The body of the request as sent.
    pub body: Vec<u8>,
}

/// Sends recorded requests to a server on this machine, in order.
///
/// # Errors
/// The first request that is not answered with success.
pub async fn send_all(url: &str, requests: Vec<Recorded>) -> Result<(), Error> {
    let unreachable = |error: reqwest::Error| Error::Unreachable { url: url.to_owned(), source: Box::new(error) };
    let no_url = |_| Error::BadTarget { target: url.to_owned(), reason: "it is not a URL".to_owned() };
    let client = client(&url.parse().map_err(no_url)?, None)
        .map_err(|error| Error::Unreachable { url: url.to_owned(), source: Box::new(error) })?;
    for request in requests {
        let mut builder = client.post(format!("{url}{}", request.path)).header(CONTENT_TYPE, request.content_type);
        if let Some(encoding) = request.encoding {
            builder = builder.header(CONTENT_ENCODING, encoding);
        }
        let response = builder.body(request.body).send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            let reason = format!("{} to a recorded request to {}", response.status(), request.path);
            return Err(Error::Refused { url: url.to_owned(), reason });
        }
    }
    Ok(())
}

fn client(url: &Url, key: Option<&str>) -> Result<Client, ConnectError> {
    client_for(url, key, || Client::builder().timeout(PATIENCE).connect_timeout(PATIENCE))
}

/// Whether whoever listens at the address of a URL on this machine says anything within a time, be it that it hangs up.
/// It blocks for as long.
pub fn answers(url: &str, within: Duration) -> bool {
    let Ok(url) = url.parse::<Url>() else { return true };
    let Ok(addresses) = url.socket_addrs(|| None) else { return true };
    let Some(address) = addresses.first() else { return true };
    // Only silence counts: whatever else is wrong, the request itself tells better.
    let Ok(mut stream) = TcpStream::connect_timeout(address, within) else { return true };
    let request = format!("GET {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n", path::SERVER);
    let asked = stream.set_read_timeout(Some(within)).and_then(|()| stream.write_all(request.as_bytes()));
    match asked.and_then(|()| stream.read(&mut [0])) {
        Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
        Ok(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_who_listens_and_keeps_silent_does_not_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        assert!(!answers(&url, Duration::from_millis(50)));
        let talker = std::thread::spawn(move || {
            for stream in listener.incoming().take(2) {
                // The first has gone already.
                let _ = stream.expect("accepted").write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
            }
        });
        assert!(answers(&url, Duration::from_secs(10)));
        talker.join().expect("ended");
        assert!(answers(&url, Duration::from_secs(10)), "nobody is there, which the request itself tells");
    }
}
