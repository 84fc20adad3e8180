//! Where a request comes from. A port on loopback is no boundary: any web page can make a browser send requests to it,
//! under its own name (cross-site requests) or under a name it points at 127.0.0.1 (DNS rebinding).
//!
//! So the `Host` of every request must be a name this server goes by, and writes a browser sends for another site are
//! refused. Knows nothing of keys.

use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::server::access::Forbidden;

/// The refusal of a write that a browser sends for another web site.
pub(crate) const FOREIGN_SITE: Forbidden = Forbidden {
    status: StatusCode::FORBIDDEN,
    detail: "this request comes from a page of another web site; start the server with --cors-origin ORIGIN or \
             TRACEHUB_CORS_ORIGINS=ORIGIN to allow it",
};

/// The names a server goes by.
#[derive(Debug)]
pub(crate) struct Site {
    bound: IpAddr,
    names: Vec<String>,
    /// Origins of other sites whose pages may call.
    welcome: Vec<String>,
}

impl Site {
    /// The names of a server bound to an address, which goes by `names` besides loopback.
    pub(crate) fn new(bound: IpAddr, names: &[String]) -> Site {
        let bare = |name: &String| without_port(name).unwrap_or(name).trim_end_matches('.').to_ascii_lowercase();
        let names = names.iter().map(bare).collect();
        Site { bound, names, welcome: Vec::new() }
    }

    /// Lets pages of other sites call, by their origins.
    pub(crate) fn welcoming(self, origins: &[String]) -> Site {
        Site { welcome: origins.iter().map(|origin| origin.to_ascii_lowercase()).collect(), ..self }
    }

    /// The origin of the page that sends a request, if its pages may call.
    pub(crate) fn welcome_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let (origin, None) = (origins.next()?, origins.next()) else { return None };
        let is_welcome = |welcome: &String| origin.as_bytes().eq_ignore_ascii_case(welcome.as_bytes());
        self.welcome.iter().any(is_welcome).then(|| origin.clone())
    }

    /// The names besides loopback and the bound address.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Refuses requests under a strange name, and writes on behalf of another web site unless they come from the owner
    /// of the server, whose token no web site has.
    ///
    /// # Errors
    /// 400 for an unclear name, 403 for one that is not ours and for another web site.
    pub(crate) fn check(&self, parts: &Parts, is_owner: bool) -> Result<(), Forbidden> {
        let host = self.check_host(parts)?;
        let is_harmless = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if is_owner || is_harmless || self.welcome_origin(&parts.headers).is_some() {
            return Ok(());
        }
        let fetch_site = parts.headers.get("sec-fetch-site").map(|value| value.as_bytes());
        if matches!(fetch_site, Some(b"cross-site" | b"same-site")) {
            return Err(FOREIGN_SITE);
        }
        for origin in parts.headers.get_all(header::ORIGIN) {
            let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
            if !authority.is_some_and(|authority| authority.eq_ignore_ascii_case(&host)) {
                return Err(FOREIGN_SITE);
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
                let detail = "this server does not go by the name in the Host header; start it with \
                              --allowed-host NAME or TRACEHUB_ALLOWED_HOSTS=NAME to allow it";
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

    fn site(bound: &str) -> Site {
        Site::new(bound.parse().expect("an address"), &["Traces.Example.".to_owned(), "tracehub:8099".to_owned()])
    }

    fn check(site: &Site, method: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let is_owner = parts.headers.contains_key(header::AUTHORIZATION);
        site.check(&parts, is_owner).map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
    }

    #[test]
    fn only_our_own_names_are_answered() {
        let loopback = site("127.0.0.1");
        for (host, status) in [
            ("127.0.0.1:8099", 200),
            ("127.8.8.8", 200),
            ("[::1]:8099", 200),
            ("localhost", 200),
            ("LOCALHOST.:1", 200),
            ("app.localhost:8099", 200),
            ("traces.example:443", 200),
            ("tracehub", 200),
            ("tracehub:1234", 200),
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
        let open = site("0.0.0.0");
        assert_eq!(check(&open, "GET", &[("host", "192.168.1.5:8099")]), 200);
        assert_eq!(check(&open, "GET", &[("host", "[2001:db8::1]:8099")]), 200);
        assert_eq!(check(&open, "GET", &[("host", "evil.com")]), 403);
    }

    #[test]
    fn a_write_for_another_site_is_refused() {
        let ours = site("127.0.0.1");
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
        let ours = site("127.0.0.1").welcoming(&["https://App.example".to_owned(), "http://localhost:3000".to_owned()]);
        for (origin, status) in [
            ("https://app.example", 200),
            ("http://localhost:3000", 200),
            ("http://localhost:3001", 403),
            ("http://app.example", 403),
            ("https://app.example.evil.com", 403),
            ("null", 403),
            ("*", 403),
        ] {
            let headers = [host, ("origin", origin), ("sec-fetch-site", "cross-site")];
            assert_eq!(check(&ours, "POST", &headers), status, "{origin}");
        }
        let two = [host, ("origin", "http://localhost:3000"), ("origin", "https://evil.com")];
        assert_eq!(check(&ours, "POST", &two), 403);
        let owner = ("authorization", "Bearer secret");
        assert_eq!(check(&ours, "DELETE", &[host, ("origin", "https://evil.com"), owner]), 200);
    }
}
