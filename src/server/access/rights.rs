//! Who may do what. [`Access::authorize`] is the one place that decides: while no key was ever issued and only this
//! machine can reach the server everyone may do everything, else every caller needs a key that permits it.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::api;
use crate::model::{KeyScope, Text};
use crate::secret::{digest, is_equal};
use crate::server::access::Keyring;
use crate::server::access::keyring::{self, Holder};

/// Header that holds the secret senders of checkpoints share with the server.
const SECRET_HEADER: HeaderName = HeaderName::from_static("x-tracehub-secret");

/// What a route needs of whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Nothing: the route answers everyone.
    None,
    /// A key that permits to send records.
    Ingest,
    /// A key that permits to look.
    Read,
    /// A key that permits to delete and to maintain.
    Admin,
    /// A key that permits to send records, or the secret that the published clients present instead.
    Checkpoints,
}

impl Scope {
    /// The permission that a key must have; `None` when no key is needed.
    pub(crate) fn needed_key(self) -> Option<KeyScope> {
        match self {
            Scope::None => None,
            Scope::Ingest | Scope::Checkpoints => Some(KeyScope::Ingest),
            Scope::Read => Some(KeyScope::Read),
            Scope::Admin => Some(KeyScope::Admin),
        }
    }
}

/// The other end of a connection; every request carries it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// To whom a server that wants keys answers without one all the same, because its owner says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Openness {
    /// Everyone who can reach the server.
    pub network: bool,
    /// Whoever comes from the machine the server runs on.
    pub loopback: bool,
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Someone who did not say.
    Anonymous,
    /// Someone who did not say, but sits at the same machine, of where nobody is asked.
    Neighbour,
    /// Someone who can read the lock file of this server, which means its owner.
    Owner,
    /// Someone with a key.
    Holder(Arc<Holder>),
}

impl Caller {
    /// The project of everything the caller sends; `None` when that is for the records to say.
    pub(crate) fn project(&self) -> Option<&Text> {
        match self {
            Caller::Anonymous | Caller::Neighbour | Caller::Owner => None,
            Caller::Holder(holder) => Some(&holder.key.project),
        }
    }

    /// The only project the caller may see; `None` for someone who may see all.
    pub(crate) fn bound_project(&self) -> Option<&Text> {
        self.project().filter(|_| !self.is_admin())
    }

    /// Whether the caller may do everything here, if they may do anything.
    pub(crate) fn is_admin(&self) -> bool {
        match self {
            Caller::Anonymous | Caller::Neighbour | Caller::Owner => true,
            Caller::Holder(holder) => holder.key.permits(KeyScope::Admin),
        }
    }
}

/// A refusal, before anything of the body was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forbidden {
    /// The HTTP status: 400, 401 or 403.
    pub(crate) status: StatusCode,
    /// The reason in one plain sentence; never anything of what the caller presented.
    pub(crate) detail: &'static str,
}

impl Forbidden {
    /// Whether the caller presented a key or secret that is none.
    pub(crate) fn is_wrong_key(&self) -> bool {
        [UNKNOWN_KEY, WRONG_SECRET].contains(self)
    }
}

const fn unknown(detail: &'static str) -> Forbidden {
    Forbidden { status: StatusCode::UNAUTHORIZED, detail }
}

const fn denied(detail: &'static str) -> Forbidden {
    Forbidden { status: StatusCode::FORBIDDEN, detail }
}

const NO_KEY_YET: Forbidden =
    unknown("other machines can reach this server, so it needs a key, and there is none: `tracehub keys create`");
const NO_KEY: Forbidden =
    unknown("a key is needed: in the header X-API-Key, as Authorization: Bearer, or as the password of Basic");
const UNKNOWN_KEY: Forbidden = unknown("this key is not known here");
const WRONG_SECRET: Forbidden = denied("Invalid TraceHub secret");
const REVOKED: Forbidden = denied("this key was revoked");
/// The refusal of someone whose rights ended while they were being answered.
pub(crate) const ENDED: Forbidden = denied("access to this server ended meanwhile");

/// The keys and secrets that decide who may do what.
#[derive(Debug)]
pub(crate) struct Access {
    token_digest: [u8; 32],
    secret_digest: Option<[u8; 32]>,
    is_exposed: bool,
    openness: Openness,
    keyring: Keyring,
}

impl Access {
    /// The access to a server bound to an address, with this secret of its run.
    pub(crate) fn new(bound: IpAddr, token: &str) -> Access {
        Access {
            token_digest: digest(token),
            secret_digest: None,
            is_exposed: !bound.to_canonical().is_loopback(),
            openness: Openness::default(),
            keyring: Keyring::default(),
        }
    }

    /// Says whether other machines can reach another of the server's ports.
    pub(crate) fn exposed(self, is_exposed: bool) -> Access {
        Access { is_exposed: self.is_exposed || is_exposed, ..self }
    }

    /// Says who is answered without a key although keys are wanted.
    pub(crate) fn opened(self, openness: Openness) -> Access {
        Access { openness, ..self }
    }

    /// Whether other machines can reach the server, and are answered without a key.
    pub(crate) fn is_open_to_network(&self) -> bool {
        self.is_exposed && self.openness.network
    }

    /// The keys that count.
    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Whether callers need a key and there is none.
    pub(crate) fn wants_a_key(&self) -> bool {
        self.is_exposed && self.keyring.is_empty() && !self.openness.network
    }

    /// Whether other machines can reach the server.
    pub(crate) fn is_exposed(&self) -> bool {
        self.is_exposed
    }

    /// Whether everyone may do everything. A key that was revoked still counts as one: with the last key gone the
    /// server stays closed, unless its owner opened it to everyone.
    pub(crate) fn is_open(&self) -> bool {
        self.openness.network || (!self.is_exposed && self.keyring.is_empty())
    }

    /// Asks senders of checkpoints for a shared secret, unless it is empty.
    pub(crate) fn with_secret(self, secret: Option<&str>) -> Access {
        let secret_digest = secret.filter(|secret| !secret.is_empty()).map(digest);
        Access { secret_digest, ..self }
    }

    /// Who sent a request with these headers, of whom [`Access::identify`] said who they are, if they may do this. While
    /// everyone may, credentials meant for something else are not held against anyone.
    ///
    /// # Errors
    /// 401 for no key or an unknown one, 403 for one that is revoked or does not permit this.
    pub(crate) fn authorize(&self, caller: &Caller, headers: &HeaderMap, scope: Scope) -> Result<Caller, Forbidden> {
        let Some(needed) = scope.needed_key() else { return Ok(caller.clone()) };
        let permitted = self.permit(caller, headers, needed);
        match (scope, &self.secret_digest) {
            (Scope::Checkpoints, Some(secret)) => with_secret(permitted, headers, secret),
            _ => permitted,
        }
    }

    /// Whether a request presents the secret that senders of checkpoints share with the server, right or wrong.
    pub(crate) fn has_secret(headers: &HeaderMap) -> bool {
        headers.contains_key(SECRET_HEADER)
    }

    fn permit(&self, caller: &Caller, headers: &HeaderMap, needed: KeyScope) -> Result<Caller, Forbidden> {
        match caller {
            Caller::Owner | Caller::Neighbour => Ok(caller.clone()),
            Caller::Anonymous if self.is_open() => Ok(Caller::Anonymous),
            Caller::Anonymous if self.wants_a_key() => Err(NO_KEY_YET),
            Caller::Anonymous if credentials(headers).next().is_some() => Err(UNKNOWN_KEY),
            Caller::Anonymous => Err(NO_KEY),
            Caller::Holder(holder) if holder.key.permits(needed) => {
                holder.note_use();
                Ok(caller.clone())
            }
            Caller::Holder(holder) if holder.key.revoked.is_some() => Err(REVOKED),
            Caller::Holder(_) => Err(lacks_scope(needed)),
        }
    }

    /// Who sent a request with these headers from there, whatever they may do; of several known credentials one that
    /// works.
    pub(crate) fn identify(&self, headers: &HeaderMap, peer: Option<Peer>) -> Caller {
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
        let is_near = || peer.is_some_and(|Peer(peer)| peer.ip().to_canonical().is_loopback());
        match working.or(revoked) {
            Some(holder) => Caller::Holder(holder),
            None if self.openness.loopback && is_near() => Caller::Neighbour,
            None => Caller::Anonymous,
        }
    }

    /// Whether a caller had any rights when they were identified.
    pub(crate) fn has_rights(&self, caller: &Caller) -> bool {
        match caller {
            Caller::Owner | Caller::Neighbour => true,
            Caller::Anonymous => self.is_open(),
            Caller::Holder(holder) => holder.key.revoked.is_none(),
        }
    }

    /// Whether a caller has no rights now.
    fn has_ended(&self, caller: &Caller) -> bool {
        match caller {
            Caller::Owner | Caller::Neighbour => false,
            Caller::Anonymous => !self.is_open(),
            Caller::Holder(holder) => {
                self.keyring.find(&holder.key.digest).is_none_or(|holder| holder.key.revoked.is_some())
            }
        }
    }

    /// Returns once a caller has no rights any more.
    pub(crate) async fn ended(&self, caller: Caller) {
        keyring::wait_until(self.keyring.changes(), || self.has_ended(&caller)).await;
    }
}

/// Keeps what a request presents as a key, token or secret out of everything that prints its headers.
pub(crate) fn hide_credentials(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if name == api::KEY_HEADER || name == header::AUTHORIZATION || name == SECRET_HEADER {
            value.set_sensitive(true);
        }
    }
}

/// The keys and tokens that a request presents: of each header that can hold one, the first.
fn credentials(headers: &HeaderMap) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let key = headers.get(api::KEY_HEADER).map(HeaderValue::as_bytes);
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let authorization = authorization.and_then(|value| value.split_once(' ')).and_then(|(scheme, presented)| {
        let presented = presented.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(Cow::Borrowed(presented.as_bytes())),
            "basic" => basic_password(presented).map(Cow::Owned),
            _ => None,
        }
    });
    [key.map(Cow::Borrowed), authorization].into_iter().flatten().filter(|credential| !credential.is_empty())
}

/// The password of Basic authentication, under whatever name, which is all that a client knows to send that has nothing
/// but a URL (`http://key:th_…@host`); without a password the name.
fn basic_password(presented: &str) -> Option<Vec<u8>> {
    let engine = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let decoded = engine.decode(presented).ok()?;
    let mut parts = decoded.splitn(2, |byte| *byte == b':');
    let (name, password) = (parts.next()?, parts.next().unwrap_or_default());
    Some(if password.is_empty() { name } else { password }.to_vec())
}

/// Whether a request presents anything that may be a key.
pub(crate) fn has_credentials(headers: &HeaderMap) -> bool {
    credentials(headers).next().is_some()
}

/// Who sends checkpoints where there is a shared secret: the published clients can present nothing else, so it is enough,
/// and wanted of everyone without a key.
fn with_secret(
    permitted: Result<Caller, Forbidden>,
    headers: &HeaderMap,
    secret: &[u8; 32],
) -> Result<Caller, Forbidden> {
    // Of several, the first one counts.
    let given = headers.get(SECRET_HEADER).map(HeaderValue::as_bytes).filter(|given| !given.is_empty());
    match (permitted, given) {
        (Ok(caller @ (Caller::Owner | Caller::Holder(_))), _) => Ok(caller),
        (_, Some(given)) if is_equal(&digest(given), secret) => Ok(Caller::Anonymous),
        (_, Some(_)) => Err(WRONG_SECRET),
        (Err(refusal), None) if refusal.status == StatusCode::FORBIDDEN => Err(refusal),
        (_, None) => Err(unknown("X-TraceHub-Secret header required")),
    }
}

fn lacks_scope(needed: KeyScope) -> Forbidden {
    match needed {
        KeyScope::Ingest => denied("this key does not permit sending; it lacks the scope `ingest`"),
        KeyScope::Read => denied("this key does not permit reading; it lacks the scope `read`"),
        KeyScope::Admin => denied("this key does not permit this; it lacks the scope `admin`"),
    }
}

/// Whether a caller who was let in sits at the same machine, or owns or administers the server, and so may know where
/// its files lie.
pub(crate) fn is_trusted(caller: &Caller, Peer(peer): Peer) -> bool {
    let is_known = !matches!(caller, Caller::Anonymous | Caller::Neighbour);
    (is_known && caller.is_admin()) || peer.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Key, Nanos},
        secret::ApiKey,
    };

    fn access(bound: &str) -> Access {
        Access::new(bound.parse().expect("an address"), "secret")
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| text.parse::<HeaderValue>().expect("a header value");
        pairs.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
    }

    /// Who a request with these headers is taken for, or the status of its refusal.
    fn outcome(access: &Access, headers: &HeaderMap, scope: Scope) -> String {
        match access.authorize(&access.identify(headers, None), headers, scope) {
            Ok(Caller::Anonymous) => "anonymous".to_owned(),
            Ok(Caller::Neighbour) => "neighbour".to_owned(),
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
            ("authorization", "Basic a2V5OnNlY3JldA==", "owner"),
            ("authorization", "basic a2V5OnNlY3JldA", "owner"),
            ("authorization", "Basic OnNlY3JldA==", "owner"),
            ("authorization", "Basic c2VjcmV0Og==", "owner"),
            ("authorization", "Basic c2VjcmV0", "owner"),
            ("authorization", "Basic a2V5OnNlY3JlCg==", "anonymous"),
            ("authorization", "Basic ====", "anonymous"),
            ("authorization", "Basic ", "anonymous"),
            ("authorization", "secret", "anonymous"),
        ] {
            assert_eq!(outcome(&ours, &headers(&[(name, value)]), Scope::Read), caller, "{value}");
        }
    }

    #[test]
    fn other_machines_need_a_key_even_when_there_is_none() {
        for bound in ["0.0.0.0", "192.168.1.5", "::"] {
            let exposed = access(bound);
            assert!(exposed.wants_a_key(), "{bound}");
            assert_eq!(outcome(&exposed, &HeaderMap::new(), Scope::Ingest), "401", "{bound}");
        }
        for bound in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(outcome(&access(bound), &HeaderMap::new(), Scope::Admin), "anonymous", "{bound}");
            assert_eq!(outcome(&access(bound).exposed(true), &HeaderMap::new(), Scope::Admin), "401", "{bound}");
        }
    }

    #[test]
    fn a_closed_network_and_the_own_machine_can_be_let_in_without_a_key() {
        let status = |access: &Access, peer: &str| {
            let peer = Some(Peer(peer.parse().expect("an address")));
            let caller = access.identify(&HeaderMap::new(), peer);
            access.authorize(&caller, &HeaderMap::new(), Scope::Read).map_or_else(|no| no.status.as_u16(), |_| 200)
        };
        let answers = |openness: Openness, with_key: bool| {
            let access = access("0.0.0.0").opened(openness);
            if with_key {
                issue(&access, "shop", &[KeyScope::Read]);
            }
            ["10.0.0.7:5", "127.0.0.1:5", "[::1]:5", "[::ffff:127.0.0.1]:5"].map(|peer| status(&access, peer))
        };
        for with_key in [false, true] {
            assert_eq!(answers(Openness::default(), with_key), [401; 4]);
            assert_eq!(answers(Openness { network: true, ..Openness::default() }, with_key), [200; 4]);
            assert_eq!(answers(Openness { loopback: true, ..Openness::default() }, with_key), [401, 200, 200, 200]);
        }
        // What a key may not do, nobody who presents it may.
        let open = access("0.0.0.0").opened(Openness { network: true, loopback: true });
        let (sender, _) = issue(&open, "shop", &[KeyScope::Ingest]);
        assert_eq!(outcome(&open, &headers(&[("x-api-key", &sender)]), Scope::Read), "403");
        assert!(!open.wants_a_key() && open.is_open_to_network());
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
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("key:{secret}"));
            for presented in [
                [("x-api-key", secret.to_owned())],
                [("authorization", format!("Bearer {secret}"))],
                [("authorization", format!("Basic {basic}"))],
            ] {
                let presented = headers(&presented.each_ref().map(|(name, value)| (*name, value.as_str())));
                let scopes = [Scope::Ingest, Scope::Read, Scope::Admin];
                assert_eq!(scopes.map(|scope| outcome(&ours, &presented, scope)), answers);
            }
        }
        assert_eq!(outcome(&ours, &HeaderMap::new(), Scope::Read), "401");
        let both = headers(&[("x-api-key", "th_another"), ("authorization", &format!("Bearer {reader}"))]);
        assert_eq!(outcome(&ours, &both, Scope::Read), "eyes");
        ours.keyring().learn(Key { revoked: Some(Nanos(2)), ..key });
        assert_eq!(outcome(&ours, &headers(&[("x-api-key", &sender)]), Scope::Ingest), "403");
        let only = access("127.0.0.1");
        let (sender, key) = issue(&only, "shop", &[KeyScope::Ingest]);
        only.keyring().learn(Key { revoked: Some(Nanos(2)), ..key });
        assert_eq!(outcome(&only, &headers(&[("x-api-key", &sender)]), Scope::Ingest), "403");
        assert_eq!(outcome(&only, &HeaderMap::new(), Scope::Ingest), "401");
    }

    #[test]
    fn the_secret_is_enough_to_send_checkpoints_and_a_key_does_without_it() {
        let ours = access("127.0.0.1").with_secret(Some("open sesame"));
        let check = |pairs: &[(&'static str, &str)]| outcome(&ours, &headers(pairs), Scope::Checkpoints);
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
        assert_eq!(outcome(&ours, &presented, Scope::Ingest), "401");
    }
}
