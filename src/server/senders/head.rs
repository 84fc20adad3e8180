//! What the head of a request tells of its sender, and of an answer why nothing was taken.

use std::net::IpAddr;

use axum::body::Body;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Response, StatusCode, header};

use crate::model::Text;
use crate::model::sender::Port;
use crate::secret::KEY_PREFIX;
use crate::server::access::{self, Caller, Peer};
use crate::server::api::table;
use crate::server::http::rpc_answer;

/// Longest `User-Agent` and path that are kept, in characters.
const MOST_CHARS: usize = 200;
/// Header of a gRPC answer that says how the call ended.
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The reason when a request is for a host this server is not; what is told beside it is the name of that host.
pub(crate) const FOREIGN_HOST: &str = "foreign_host";

/// The head of a request of somebody who may be sending records.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// The address the request came from.
    pub(crate) address: IpAddr,
    /// What the sender calls itself; empty when it does not say.
    pub(crate) agent: Text,
    /// The project of the key the request presents; empty for none.
    pub(crate) project: Text,
    /// The port the request came to.
    pub(crate) port: Port,
    /// The path of the request; of a gRPC call, its method.
    pub(crate) path: Text,
    /// Whether the request is a gRPC call.
    pub(crate) is_grpc: bool,
    /// The host the request is for; empty when that is no name.
    host: Text,
    /// What it means when the caller is refused for who they are.
    denial: &'static str,
}

/// Why nothing of a request was taken, as an extension of its answer: the reason in one word.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    /// The reason, in one word.
    pub(crate) reason: &'static str,
    /// The sentence the sender was told.
    pub(crate) detail: String,
}

impl Head {
    /// What a head tells; `None` for requests that bring no records: questions, and those to other routes of ours.
    pub(crate) fn of_request(head: &Parts, caller: &Caller) -> Option<Head> {
        let peer = head.extensions.get::<Peer>()?;
        let is_sending = matches!(head.method, Method::POST | Method::PUT);
        if !is_sending || !table::may_take_records(head.uri.path()) {
            return None;
        }
        Some(Head {
            address: peer.0.ip().to_canonical(),
            agent: agent(&head.headers),
            project: caller.project().cloned().unwrap_or_default(),
            port: head.extensions.get::<Port>().copied().unwrap_or_default(),
            path: shortened(head.uri.path()),
            is_grpc: rpc_answer::is_grpc(&head.headers),
            host: host(head),
            denial: denial(caller, &head.headers),
        })
    }

    /// Why nothing was taken, as far as an answer tells; `None` when it is a success.
    pub(crate) fn refusal(&self, response: &mut Response<Body>) -> Option<Refused> {
        match response.extensions_mut().remove::<Refused>() {
            Some(refused) if refused.reason == FOREIGN_HOST && !self.host.is_empty() => {
                return Some(Refused { detail: self.host.to_string(), ..refused });
            }
            Some(refused) => return Some(refused),
            None => {}
        }
        let grpc = response.headers().get(GRPC_STATUS).and_then(|value| value.to_str().ok()).unwrap_or("0");
        let status = response.status();
        if status.is_success() && grpc == "0" {
            return None;
        }
        let (reason, detail) = match (status, grpc) {
            (StatusCode::UNAUTHORIZED, _) | (_, "16") => (self.denial, String::new()),
            (StatusCode::FORBIDDEN, _) | (_, "7") => (self.denial, String::new()),
            (StatusCode::NOT_FOUND, _) | (StatusCode::TEMPORARY_REDIRECT, _) => {
                ("no_such_path", format!("there is nothing at {}", self.path))
            }
            (StatusCode::METHOD_NOT_ALLOWED, _) => ("wrong_method", format!("{} does not take it", self.path)),
            (_, "12") => ("no_such_call", format!("there is no such method as {}", self.path)),
            (StatusCode::REQUEST_TIMEOUT, _) => ("slow", String::new()),
            // Too many wrong keys; whoever is over their quota hears so with a reason.
            (StatusCode::TOO_MANY_REQUESTS, _) | (_, "8") => (self.denial, String::new()),
            (_, "14") => ("unavailable", String::new()),
            (StatusCode::PAYLOAD_TOO_LARGE, _) => ("too_large", String::new()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, _) => ("media_type", String::new()),
            (status, _) if status.is_server_error() => ("unavailable", String::new()),
            _ => ("malformed", String::new()),
        };
        Some(Refused { reason, detail })
    }
}

/// What a sender calls itself.
fn agent(headers: &HeaderMap) -> Text {
    let agent = headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    agent.map_or_else(Text::default, |agent| shortened(&agent))
}

/// What it means when a caller is refused for who they are.
fn denial(caller: &Caller, headers: &HeaderMap) -> &'static str {
    match caller {
        Caller::Anonymous if access::has_credentials(headers) => "unknown_key",
        Caller::Anonymous => "no_key",
        Caller::Holder(holder) if holder.key.revoked.is_some() => "revoked_key",
        Caller::Holder(_) | Caller::Neighbour | Caller::Owner => "wrong_scope",
    }
}

/// The host a request is for, as far as it can be the name of one; else empty.
fn host(head: &Parts) -> Text {
    let header = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = head.uri.host().or(header).unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    let is_name =
        name.len() <= MOST_CHARS && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if is_name { Text::from(name) } else { Text::default() }
}

/// The beginning of a text, nothing of which may be a key.
fn shortened(text: &str) -> Text {
    let mut keys = text.match_indices(KEY_PREFIX);
    let begins_word = |place: usize| !text.get(..place).is_some_and(|before| before.ends_with(char::is_alphanumeric));
    let end = keys.find(|(place, _)| begins_word(*place)).map_or(text.len(), |(place, _)| place);
    let kept: String = text.get(..end).unwrap_or_default().chars().take(MOST_CHARS).collect();
    Text::from(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_key_is_left_out_and_a_word_that_holds_its_beginning_is_not() {
        for (text, kept) in [
            ("auth_service/1.0", "auth_service/1.0"),
            ("/v1/th_0123456789", "/v1/"),
            ("th_0123456789", ""),
            ("agent (key=th_0123)", "agent (key="),
            ("ünïcode ✓", "ünïcode ✓"),
        ] {
            assert_eq!(shortened(text).as_str(), kept);
        }
        assert_eq!(shortened(&"✓".repeat(1_000)).chars().count(), MOST_CHARS);
    }
}
