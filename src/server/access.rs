//! Who may do what. A port on loopback is no boundary: any web page can make a browser send requests to it, under its
//! own name (cross-site requests) or under a name it points at 127.0.0.1 (DNS rebinding).
//!
//! So the `Host` of every request must be a name this server goes by, and writes a browser sends for another site are
//! refused. Keys come in through [`Access::authorize`], the one place that decides.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use sha2::{Digest, Sha256};

use crate::api;

/// Header that holds the secret senders of checkpoints share with the server.
const SECRET_HEADER: HeaderName = HeaderName::from_static("x-tracehub-secret");

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Send records.
    Ingest,
    /// Look.
    Read,
    /// Delete and maintain.
    Admin,
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Someone who did not say.
    Anonymous,
    /// Someone who can read the lock file of this server, which means its owner.
    Owner,
}

/// A refusal, before anything of the body was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forbidden {
    /// 400, 401 or 403.
    pub(super) status: StatusCode,
    /// One plain sentence.
    pub(super) detail: &'static str,
}

/// What the decisions depend on.
#[derive(Debug)]
pub(super) struct Access {
    bound: IpAddr,
    names: Vec<String>,
    token_digest: [u8; 32],
    secret_digest: Option<[u8; 32]>,
}

impl Access {
    /// For a server bound to an address, going by these names besides loopback, with this secret of its run.
    pub(super) fn new(bound: IpAddr, names: &[String], token: &str) -> Access {
        let names = names.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase()).collect();
        Access { bound, names, token_digest: Sha256::digest(token).into(), secret_digest: None }
    }

    /// Asks senders of checkpoints for a shared secret, unless it is empty.
    pub(super) fn with_secret(self, secret: Option<&str>) -> Access {
        let secret_digest = secret.filter(|secret| !secret.is_empty()).map(|secret| Sha256::digest(secret).into());
        Access { secret_digest, ..self }
    }

    /// Whether the request holds the shared secret; of several, the first one counts.
    pub(super) fn check_secret(&self, headers: &HeaderMap) -> Result<(), Forbidden> {
        let Some(wanted) = self.secret_digest else { return Ok(()) };
        let given = headers.get(SECRET_HEADER).map(HeaderValue::as_bytes).filter(|given| !given.is_empty());
        let refuse = |status, detail| Err(Forbidden { status, detail });
        match given {
            None => refuse(StatusCode::UNAUTHORIZED, "X-TraceHub-Secret header required"),
            Some(given) if !is_equal(Sha256::digest(given).into(), wanted) => {
                refuse(StatusCode::FORBIDDEN, "Invalid TraceHub secret")
            }
            Some(_) => Ok(()),
        }
    }

    /// Who sent the request, if whoever it is may do this. Keys are not issued yet, so everyone who reaches the server
    /// may do everything, and credentials meant for something else are not held against anyone.
    pub(super) fn authorize(&self, headers: &HeaderMap, _scope: Scope) -> Result<Caller, Forbidden> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer_token);
        let key = headers.get(api::KEY_HEADER).and_then(|value| value.to_str().ok());
        let is_owner = [bearer, key].into_iter().flatten().any(|token| self.is_token(token));
        Ok(if is_owner { Caller::Owner } else { Caller::Anonymous })
    }

    /// Refuses requests under a strange name, and writes on behalf of another site.
    pub(super) fn check_origin(&self, parts: &Parts) -> Result<(), Forbidden> {
        let host = self.check_host(parts)?;
        if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        if self.authorize(&parts.headers, Scope::Admin) == Ok(Caller::Owner) {
            return Ok(());
        }
        let foreign = Forbidden { status: StatusCode::FORBIDDEN, detail: "this request comes from another web site" };
        let fetch_site = parts.headers.get("sec-fetch-site").map(|value| value.as_bytes());
        if matches!(fetch_site, Some(b"cross-site" | b"same-site")) {
            return Err(foreign);
        }
        for origin in parts.headers.get_all(header::ORIGIN) {
            let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
            if !authority.is_some_and(|authority| authority.eq_ignore_ascii_case(&host)) {
                return Err(foreign);
            }
        }
        Ok(())
    }

    /// The one host the request names, if it is one of ours.
    fn check_host(&self, parts: &Parts) -> Result<String, Forbidden> {
        let unclear = |detail| Forbidden { status: StatusCode::BAD_REQUEST, detail };
        let mut hosts = parts.headers.get_all(header::HOST).iter();
        let header = match (hosts.next(), hosts.next()) {
            (_, Some(_)) => return Err(unclear("there is more than one Host header")),
            (Some(host), None) => Some(host.to_str().map_err(|_| unclear("the Host header is not text"))?),
            (None, None) => None,
        };
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        if header.is_none() && authority.is_none() {
            return Err(unclear("there is no Host header"));
        }
        for host in [header, authority].into_iter().flatten() {
            if !self.is_ours(host) {
                let detail = "this server does not go by the name in the Host header; allow it with --allowed-host";
                return Err(Forbidden { status: StatusCode::FORBIDDEN, detail });
            }
        }
        Ok(authority.or(header).unwrap_or_default().to_owned())
    }

    fn is_ours(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else { return false };
        let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        if let Ok(ip) = literal.parse::<IpAddr>() {
            let ip = ip.to_canonical();
            return ip.is_loopback() || ip == self.bound.to_canonical() || self.bound.is_unspecified();
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        name == "localhost" || name.ends_with(".localhost") || self.names.contains(&name)
    }

    fn is_token(&self, token: &str) -> bool {
        is_equal(Sha256::digest(token).into(), self.token_digest)
    }
}

/// Compares digests of secrets, in a time that says nothing about them.
fn is_equal(a: [u8; 32], b: [u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Whether this caller sits at the same machine or owns the server, and so may know where its files lie.
pub(super) fn is_trusted(caller: Caller, peer: Option<SocketAddr>) -> bool {
    caller == Caller::Owner || peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The host without its port; `None` when what follows the colon is no port.
fn without_port(host: &str) -> Option<&str> {
    let end = match host.rfind(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at_checked(end)?;
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    is_port.then_some(name)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn access(bound: &str) -> Access {
        Access::new(bound.parse().expect("an address"), &["Traces.Example.".to_owned()], "secret")
    }

    fn check(access: &Access, method: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        access.check_origin(&parts).map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
    }

    #[test]
    fn only_our_own_names_are_answered() {
        let loopback = access("127.0.0.1");
        for (host, status) in [
            ("127.0.0.1:8099", 200),
            ("127.8.8.8", 200),
            ("[::1]:8099", 200),
            ("localhost", 200),
            ("LOCALHOST.:1", 200),
            ("app.localhost:8099", 200),
            ("traces.example:443", 200),
            ("evil.com", 403),
            ("evil.com:8099", 403),
            ("127.0.0.1.evil.com", 403),
            ("localhost.evil.com", 403),
            ("192.168.1.5:8099", 403),
            ("localhost:8099@evil.com", 403),
            ("evil.com#localhost", 403),
            ("[::1].evil.com", 403),
            ("", 403),
        ] {
            assert_eq!(check(&loopback, "GET", &[("host", host)]), status, "{host}");
        }
        assert_eq!(check(&loopback, "GET", &[]), 400);
        assert_eq!(check(&loopback, "GET", &[("host", "localhost"), ("host", "evil.com")]), 400);
    }

    #[test]
    fn a_server_on_every_address_answers_to_any_address_but_not_to_any_name() {
        let open = access("0.0.0.0");
        assert_eq!(check(&open, "GET", &[("host", "192.168.1.5:8099")]), 200);
        assert_eq!(check(&open, "GET", &[("host", "[2001:db8::1]:8099")]), 200);
        assert_eq!(check(&open, "GET", &[("host", "evil.com")]), 403);
    }

    #[test]
    fn a_write_for_another_site_is_refused() {
        let ours = access("127.0.0.1");
        let host = ("host", "localhost:8099");
        for (header, status) in [
            (("origin", "http://localhost:8099"), 200),
            (("origin", "https://evil.com"), 403),
            (("origin", "http://localhost:3000"), 403),
            (("origin", "null"), 403),
            (("sec-fetch-site", "cross-site"), 403),
            (("sec-fetch-site", "same-site"), 403),
            (("sec-fetch-site", "same-origin"), 200),
            (("sec-fetch-site", "none"), 200),
        ] {
            assert_eq!(check(&ours, "POST", &[host, header]), status, "{header:?}");
            assert_eq!(check(&ours, "GET", &[host, header]), 200, "{header:?}");
        }
        let owner = ("authorization", "Bearer secret");
        assert_eq!(check(&ours, "DELETE", &[host, ("origin", "https://evil.com"), owner]), 200);
    }

    #[test]
    fn the_token_of_the_run_is_known_and_every_other_means_nothing() {
        let ours = access("127.0.0.1");
        for (name, value, caller) in [
            ("authorization", "Bearer secret", Caller::Owner),
            ("authorization", "bearer  secret", Caller::Owner),
            ("x-api-key", "secret", Caller::Owner),
            ("authorization", "Bearer secre", Caller::Anonymous),
            ("authorization", "Basic secret", Caller::Anonymous),
            ("authorization", "secret", Caller::Anonymous),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a header value"));
            assert_eq!(ours.authorize(&headers, Scope::Read), Ok(caller), "{value}");
        }
    }
}
