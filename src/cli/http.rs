//! The two requests the command line makes itself: asking a server what it is, and sending it what the demo recorded.
//!
//! Everything else goes through the remote store.

use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, StatusCode, Url};
use serde_json::Value as Json;

use crate::api::{KEY_HEADER, path};
use crate::connect::client_for;
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
    let unreachable =
        |source: Box<dyn std::error::Error + Send + Sync>| Error::Unreachable { url: without_credentials(url), source };
    let protocol = |reason: String| Error::Protocol { url: without_credentials(url), reason };
    let no_url = || Error::BadTarget { target: without_credentials(url), reason: "it is not a URL".to_owned() };
    let asked: Url = format!("{}{}", url.trim_end_matches('/'), path::SERVER).parse().map_err(|_| no_url())?;
    let client = client(&asked).map_err(|error| unreachable(Box::new(error)))?;
    let mut request = client.get(asked);
    if let Some(key) = key {
        request = request.header(KEY_HEADER, key);
    }
    let response = request.send().await.map_err(|error| match error.is_builder() {
        true => no_url(),
        false => unreachable(Box::new(error.without_url())),
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
    let facts: Json = serde_json::from_slice(&body).map_err(|error| protocol(error.to_string()))?;
    match facts["version"].is_string() {
        true => Ok(facts),
        false => Err(protocol("it answered something else".to_owned())),
    }
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
    let client = client(&url.parse().map_err(no_url)?).map_err(unreachable)?;
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

fn client(url: &Url) -> reqwest::Result<Client> {
    client_for(url, || Client::builder().timeout(PATIENCE).connect_timeout(PATIENCE))
}
