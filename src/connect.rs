//! How HTTP clients are set up: the TLS provider, whom to trust, no proxy for this machine, no authorities where none are
//! needed, and no redirects, which would hand keys and secrets to another host.
//!
//! The remote store, the command line and the SDK send different requests; what they run into on the way is the same.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Url};
use rustls::CertificateError;

/// Names a file of certificates to trust besides those of the system.
pub(crate) const CA_VARIABLE: &str = "TRACEHUB_CA_CERT";

/// The file of certificates that the command line names, which goes before [`CA_VARIABLE`].
static CA_FILE: OnceLock<PathBuf> = OnceLock::new();

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The file of certificates cannot be read.
    #[error("cannot read the certificates in `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file of certificates holds none.
    #[error("there is no certificate in PEM (`-----BEGIN CERTIFICATE-----`) in `{}`", .0.display())]
    NoCertificate(PathBuf),
    /// HTTP or TLS cannot be set up.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// Has the servers trusted from now on whose certificates, or those of their authorities, are in this file.
#[cfg(feature = "app")]
pub(crate) fn trust(file: PathBuf) {
    // The command line is read once.
    let _ = CA_FILE.set(file);
}

/// Why a server was not spoken to, although something answers there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distrust {
    /// The time of its certificate is over, or not begun.
    Expired,
    /// Its certificate is that of another name.
    WrongName,
    /// Nobody trusted vouches for its certificate.
    UnknownIssuer,
    /// Something else is wrong with its certificate.
    BadCertificate,
    /// It does not speak TLS.
    NoTls,
}

impl Distrust {
    /// The reason behind a failed request; `None` when that is none of these.
    pub(crate) fn behind(error: &(dyn StdError + 'static)) -> Option<Distrust> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Distrust::of(error);
            }
            let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            cause = inner.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source());
        }
        None
    }

    fn of(error: &rustls::Error) -> Option<Distrust> {
        use CertificateError as Bad;
        Some(match error {
            rustls::Error::InvalidCertificate(bad) => match bad {
                Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                    Distrust::Expired
                }
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Distrust::WrongName,
                // An authority that was made anew has the name of the old one.
                Bad::UnknownIssuer | Bad::BadSignature => Distrust::UnknownIssuer,
                _ => Distrust::BadCertificate,
            },
            rustls::Error::InvalidMessage(_) => Distrust::NoTls,
            _ => return None,
        })
    }

    /// What is wrong, as a clause after the URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Distrust::Expired => "its certificate has expired or is not valid yet",
            Distrust::WrongName => "its certificate is not for the name in the URL",
            Distrust::UnknownIssuer => "nobody this machine trusts vouches for its certificate",
            Distrust::BadCertificate => "its certificate cannot be used",
            Distrust::NoTls => "it does not speak TLS",
        }
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Distrust::Expired => "give the server a new certificate, and check the clocks of both machines",
            Distrust::WrongName => "use a name that is in the certificate, or make one for this name",
            Distrust::UnknownIssuer | Distrust::BadCertificate => {
                "name the certificate to trust with --ca-cert FILE or TRACEHUB_CA_CERT"
            }
            Distrust::NoTls => "its URL begins with http://, or start it with --tls-cert and --tls-key",
        }
    }
}

impl std::fmt::Display for Distrust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A client for requests to one server, with the settings of `builder`. `key` is what goes with its requests: the token of
/// a lock file goes to the process on this machine that wrote it, for which no certificate has to vouch.
///
/// # Errors
/// When TLS cannot be set up and the server needs it, or the certificates to trust cannot be read.
pub(crate) fn client_for(
    url: &Url,
    key: Option<&str>,
    builder: impl Fn() -> ClientBuilder,
) -> Result<Client, ConnectError> {
    // Fails when the program chose a provider already, which then is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = if url.scheme() == "https" { certificates()? } else { Vec::new() };
    let is_owner = is_this_machine(url) && key.is_some_and(is_token);
    let builder = || {
        let builder = builder().redirect(Policy::none()).tls_certs_merge(trusted.iter().cloned());
        let builder = if is_owner { builder.tls_danger_accept_invalid_certs(true) } else { builder };
        // No proxy leads to this machine.
        if is_this_machine(url) { builder.no_proxy() } else { builder }
    };
    match builder().build() {
        // A small container knows no authorities, and plain HTTP asks none.
        Err(_) if url.scheme() == "http" => Ok(builder().tls_certs_only([]).build()?),
        // Nor does one whose server is vouched for by the certificates it was given.
        Err(_) if !trusted.is_empty() => Ok(builder().tls_certs_only([]).build()?),
        built => Ok(built?),
    }
}

/// The certificates that flag or variable name; none when neither is there.
fn certificates() -> Result<Vec<Certificate>, ConnectError> {
    let named = CA_FILE.get().cloned();
    let variable = || std::env::var_os(CA_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let Some(path) = named.or_else(variable) else { return Ok(Vec::new()) };
    let pem = match std::fs::read(&path) {
        Ok(pem) => pem,
        Err(source) => return Err(ConnectError::Read { path, source }),
    };
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(ConnectError::NoCertificate(path)),
    }
}

/// Whether a key is the token of a lock file: 256 bits in hexadecimal, as no API key is.
fn is_token(key: &str) -> bool {
    key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_few_names() {
        let is_here = |url: &str| is_this_machine(&url.parse().expect("a URL"));
        for url in ["http://localhost:1", "http://127.0.0.1", "https://127.9.9.9:8099/x", "http://[::1]:8099"] {
            assert!(is_here(url), "{url}");
        }
        for url in ["http://localhost.example", "http://10.0.0.1", "http://[2001:db8::1]", "http://127.0.0.1.example"] {
            assert!(!is_here(url), "{url}");
        }
    }
}
