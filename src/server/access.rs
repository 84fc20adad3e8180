//! Who may do what. A port on loopback is no boundary: any web page can make a browser send requests to it, under its
//! own name (cross-site requests) or under a name it points at 127.0.0.1 (DNS rebinding).
//!
//! So the `Host` of every request must be a name this server goes by, and writes a browser sends for another site are
//! refused. Keys come in through [`Access::authorize`], the one place that decides: while no key was ever issued and
//! only this machine can reach the server everyone may do everything, else every caller needs a key that permits it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};

use crate::{
    api,
    model::{KeyScope, Text},
    secret::{digest, is_equal},
};

use super::keyring::{self, Holder, Keyring};

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

impl From<Scope> for KeyScope {
    fn from(scope: Scope) -> KeyScope {
        match scope {
            Scope::Ingest => KeyScope::Ingest,
            Scope::Read => KeyScope::Read,
            Scope::Admin => KeyScope::Admin,
        }
    }
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// Someone who did not say.
    Anonymous,
    /// Someone who can read the lock file of this server, which means its owner.
    Owner,
    /// Someone with a key.
    Holder(Arc<Holder>),
}

impl Caller {
    /// The project of everything they send; `None` when that is for the records to say.
    pub(super) fn project(&self) -> Option<&Text> {
        match self {
            Caller::Anonymous | Caller::Owner => None,
            Caller::Holder(holder) => Some(&holder.key.project),
        }
    }

    /// Whether they may do everything here, if they may do anything.
    pub(super) fn is_admin(&self) -> bool {
        match self {
            Caller::Anonymous | Caller::Owner => true,
            Caller::Holder(holder) => holder.key.permits(KeyScope::Admin),
        }
    }
}

/// A refusal, before anything of the body was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forbidden {
    /// 400, 401 or 403.
    pub(super) status: StatusCode,
    /// One plain sentence; never anything of what the caller presented.
    pub(super) detail: &'static str,
}

const fn unknown(detail: &'static str) -> Forbidden {
    Forbidden { status: StatusCode::UNAUTHORIZED, detail }
}

const fn denied(detail: &'static str) -> Forbidden {
    Forbidden { status: StatusCode::FORBIDDEN, detail }
}

const NO_KEY_YET: Forbidden =
    unknown("other machines can reach this server, so it needs a key, and there is none: `tracehub keys create`");
const NO_KEY: Forbidden = unknown("a key is needed, in the header X-API-Key or as Authorization: Bearer");
const UNKNOWN_KEY: Forbidden = unknown("this key is not known here");
const REVOKED: Forbidden = denied("this key was revoked");
/// What is told to someone whose rights ended while they were being answered.
pub(super) const ENDED: Forbidden = denied("access to this server ended meanwhile");

/// What the decisions depend on.
#[derive(Debug)]
pub(super) struct Access {
    bound: IpAddr,
    names: Vec<String>,
    token_digest: [u8; 32],
    secret_digest: Option<[u8; 32]>,
    is_exposed: bool,
    keyring: Keyring,
}

impl Access {
    /// For a server bound to an address, going by these names besides loopback, with this secret of its run.
    pub(super) fn new(bound: IpAddr, names: &[String], token: &str) -> Access {
        let names = names.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase()).collect();
        Access {
            bound,
            names,
            token_digest: digest(token),
            secret_digest: None,
            is_exposed: !bound.to_canonical().is_loopback(),
            keyring: Keyring::default(),
        }
    }

    /// Says whether other machines can reach another of the server's ports.
    pub(super) fn exposed(self, is_exposed: bool) -> Access {
        Access { is_exposed: self.is_exposed || is_exposed, ..self }
    }

    /// The keys that count.
    pub(super) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Whether a key is needed and there is none.
    pub(super) fn wants_a_key(&self) -> bool {
        self.is_exposed && self.keyring.is_empty()
    }

    /// Whether everyone may do everything. A key that was revoked still counts as one: with the last key gone the
    /// server stays closed.
    fn is_open(&self) -> bool {
        !self.is_exposed && self.keyring.is_empty()
    }

    /// Asks senders of checkpoints for a shared secret, unless it is empty.
    pub(super) fn with_secret(self, secret: Option<&str>) -> Access {
        let secret_digest = secret.filter(|secret| !secret.is_empty()).map(digest);
        Access { secret_digest, ..self }
    }

    /// Who sends checkpoints, if they may: the published clients can only present the shared secret, so where there is
    /// one it is enough, and wanted of everyone without a key.
    pub(super) fn authorize_checkpoints(&self, headers: &HeaderMap) -> Result<Caller, Forbidden> {
        let caller = self.authorize(headers, Scope::Ingest);
        let Some(wanted) = &self.secret_digest else { return caller };
        // Of several, the first one counts.
        let given = headers.get(SECRET_HEADER).map(HeaderValue::as_bytes).filter(|given| !given.is_empty());
        match (caller, given) {
            (Ok(caller @ (Caller::Owner | Caller::Holder(_))), _) => Ok(caller),
            (_, Some(given)) if is_equal(&digest(given), wanted) => Ok(Caller::Anonymous),
            (_, Some(_)) => Err(denied("Invalid TraceHub secret")),
            (Err(refusal), None) if refusal.status == StatusCode::FORBIDDEN => Err(refusal),
            (_, None) => Err(unknown("X-TraceHub-Secret header required")),
        }
    }

    /// Who sent the request, if whoever it is may do this. While everyone may, credentials meant for something else are
    /// not held against anyone.
    ///
    /// # Errors
    /// 401 for no key or an unknown one, 403 for one that is revoked or does not permit this.
    pub(super) fn authorize(&self, headers: &HeaderMap, scope: Scope) -> Result<Caller, Forbidden> {
        let caller = self.identify(headers);
        match &caller {
            Caller::Owner => Ok(caller),
            Caller::Anonymous if self.is_open() => Ok(caller),
            Caller::Anonymous if self.wants_a_key() => Err(NO_KEY_YET),
            Caller::Anonymous if credentials(headers).next().is_some() => Err(UNKNOWN_KEY),
            Caller::Anonymous => Err(NO_KEY),
            Caller::Holder(holder) if holder.key.permits(scope.into()) => {
                holder.note_use();
                Ok(caller)
            }
            Caller::Holder(holder) if holder.key.revoked.is_some() => Err(REVOKED),
            Caller::Holder(_) => Err(lacking(scope)),
        }
    }

    /// Who sent the request, whatever they may do; of several known credentials one that works.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Caller {
        let (mut working, mut revoked) = (None, None);
        for credential in credentials(headers) {
            let digest = digest(credential);
            if is_equal(&digest, &self.token_digest) {
                return Caller::Owner;
            }
            if let Some(holder) = self.keyring.find(&digest) {
                let place = if holder.key.revoked.is_none() { &mut working } else { &mut revoked };
                place.get_or_insert(holder);
            }
        }
        working.or(revoked).map_or(Caller::Anonymous, Caller::Holder)
    }

    /// Whether a caller has no rights, or no longer.
    pub(super) fn has_ended(&self, caller: &Caller) -> bool {
        match caller {
            Caller::Owner => false,
            Caller::Anonymous => !self.is_open(),
            Caller::Holder(holder) => {
                self.keyring.find(&holder.key.digest).is_none_or(|holder| holder.key.revoked.is_some())
            }
        }
    }

    /// Returns once a caller has no rights any more.
    pub(super) async fn ended(&self, caller: Caller) {
        keyring::until(self.keyring.changes(), || self.has_ended(&caller)).await;
    }

    /// Refuses requests under a strange name, and writes on behalf of another site.
    pub(super) fn check_origin(&self, parts: &Parts) -> Result<(), Forbidden> {
        let host = self.check_host(parts)?;
        if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        if matches!(self.identify(&parts.headers), Caller::Owner) {
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
}

/// Keeps what a request presents as a key, token or secret out of everything that prints its headers.
pub(super) fn hide_credentials(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if name == api::KEY_HEADER || name == header::AUTHORIZATION || name == SECRET_HEADER {
            value.set_sensitive(true);
        }
    }
}

/// What a request presents as a key or token: of each header that can hold one, the first.
fn credentials(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let key = headers.get(api::KEY_HEADER).map(HeaderValue::as_bytes);
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer_token);
    [key, bearer.map(str::as_bytes)].into_iter().flatten().filter(|credential| !credential.is_empty())
}

fn lacking(scope: Scope) -> Forbidden {
    match scope {
        Scope::Ingest => denied("this key does not permit sending; it lacks the scope `ingest`"),
        Scope::Read => denied("this key does not permit reading; it lacks the scope `read`"),
        Scope::Admin => denied("this key does not permit this; it lacks the scope `admin`"),
    }
}

/// Whether a caller who was let in sits at the same machine, or owns or administers the server, and so may know where
/// its files lie.
pub(super) fn is_trusted(caller: &Caller, peer: Option<SocketAddr>) -> bool {
    let is_known = match caller {
        Caller::Anonymous => false,
        Caller::Owner | Caller::Holder(_) => caller.is_admin(),
    };
    is_known || peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
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
    use crate::{
        model::{Key, Nanos},
        secret::ApiKey,
    };

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

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| text.parse::<HeaderValue>().expect("a header value");
        pairs.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
    }

    /// What a caller is told: who they are, or the status.
    fn told(outcome: Result<Caller, Forbidden>) -> String {
        match outcome {
            Ok(Caller::Anonymous) => "anonymous".to_owned(),
            Ok(Caller::Owner) => "owner".to_owned(),
            Ok(Caller::Holder(holder)) => holder.key.project.to_string(),
            Err(refusal) => refusal.status.as_u16().to_string(),
        }
    }

    fn issue(access: &Access, project: &str, scopes: &[KeyScope]) -> (String, Key) {
        let (secret, key) = ApiKey::issue(project, scopes, Nanos(1)).expect("random numbers");
        access.keyring().learn(key.clone());
        (secret.reveal().to_owned(), key)
    }

    #[test]
    fn the_token_of_the_run_is_known_and_every_other_means_nothing_while_there_are_no_keys() {
        let ours = access("127.0.0.1");
        for (name, value, caller) in [
            ("authorization", "Bearer secret", "owner"),
            ("authorization", "bearer  secret", "owner"),
            ("x-api-key", "secret", "owner"),
            ("authorization", "Bearer secre", "anonymous"),
            ("authorization", "Basic secret", "anonymous"),
            ("authorization", "secret", "anonymous"),
        ] {
            assert_eq!(told(ours.authorize(&headers(&[(name, value)]), Scope::Read)), caller, "{value}");
        }
    }

    #[test]
    fn other_machines_need_a_key_even_when_there_is_none() {
        for bound in ["0.0.0.0", "192.168.1.5", "::"] {
            let exposed = access(bound);
            assert!(exposed.wants_a_key(), "{bound}");
            assert_eq!(told(exposed.authorize(&HeaderMap::new(), Scope::Ingest)), "401", "{bound}");
        }
        for bound in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(told(access(bound).authorize(&HeaderMap::new(), Scope::Admin)), "anonymous", "{bound}");
            assert_eq!(told(access(bound).exposed(true).authorize(&HeaderMap::new(), Scope::Admin)), "401", "{bound}");
        }
    }

    #[test]
    fn a_key_permits_its_scopes_and_its_revocation_opens_nothing() {
        let ours = access("127.0.0.1");
        let (sender, key) = issue(&ours, "shop", &[KeyScope::Ingest]);
        let (reader, _) = issue(&ours, "eyes", &[KeyScope::Read]);
        let (admin, _) = issue(&ours, "root", &[KeyScope::Admin]);
        for (secret, answers) in [
            (sender.as_str(), ["shop", "403", "403"]),
            (reader.as_str(), ["403", "eyes", "403"]),
            (admin.as_str(), ["root", "root", "root"]),
            ("secret", ["owner", "owner", "owner"]),
            ("th_another", ["401", "401", "401"]),
        ] {
            for presented in [[("x-api-key", secret.to_owned())], [("authorization", format!("Bearer {secret}"))]] {
                let presented = headers(&presented.each_ref().map(|(name, value)| (*name, value.as_str())));
                let scopes = [Scope::Ingest, Scope::Read, Scope::Admin];
                assert_eq!(scopes.map(|scope| told(ours.authorize(&presented, scope))), answers);
            }
        }
        assert_eq!(told(ours.authorize(&HeaderMap::new(), Scope::Read)), "401");
        let both = headers(&[("x-api-key", "th_another"), ("authorization", &format!("Bearer {reader}"))]);
        assert_eq!(told(ours.authorize(&both, Scope::Read)), "eyes");
        ours.keyring().learn(Key { revoked: Some(Nanos(2)), ..key });
        assert_eq!(told(ours.authorize(&headers(&[("x-api-key", &sender)]), Scope::Ingest)), "403");
        let only = access("127.0.0.1");
        let (sender, key) = issue(&only, "shop", &[KeyScope::Ingest]);
        only.keyring().learn(Key { revoked: Some(Nanos(2)), ..key });
        assert_eq!(told(only.authorize(&headers(&[("x-api-key", &sender)]), Scope::Ingest)), "403");
        assert_eq!(told(only.authorize(&HeaderMap::new(), Scope::Ingest)), "401");
    }

    #[test]
    fn the_secret_is_enough_to_send_checkpoints_and_a_key_does_without_it() {
        let ours = access("127.0.0.1").with_secret(Some("open sesame"));
        let check = |pairs: &[(&'static str, &str)]| told(ours.authorize_checkpoints(&headers(pairs)));
        assert_eq!(check(&[]), "401");
        assert_eq!(check(&[("x-tracehub-secret", "open barley")]), "403");
        assert_eq!(check(&[("x-tracehub-secret", "open sesame")]), "anonymous");
        let (sender, _) = issue(&ours, "shop", &[KeyScope::Ingest]);
        let (reader, _) = issue(&ours, "eyes", &[KeyScope::Read]);
        assert_eq!(check(&[("x-tracehub-secret", "open sesame")]), "anonymous");
        assert_eq!(check(&[("x-api-key", &sender)]), "shop");
        assert_eq!(check(&[("x-api-key", &reader)]), "403");
        assert_eq!(check(&[]), "401");
        let presented = headers(&[("x-tracehub-secret", "open sesame")]);
        assert_eq!(told(ours.authorize(&presented, Scope::Ingest)), "401");
    }
}
