//! How HTTP clients are set up: the TLS provider, no proxy for this machine, no authorities where none are needed, and no
//! redirects, which would hand keys and secrets to another host.
//!
//! The remote store, the command line and the SDK send different requests; what they run into on the way is the same.

use std::net::IpAddr;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

/// A client for requests to one server, with the settings of `builder`.
///
/// # Errors
/// When TLS cannot be set up and the server needs it.
pub(crate) fn client_for(url: &Url, builder: impl Fn() -> ClientBuilder) -> reqwest::Result<Client> {
    // Fails when the program chose a provider already, which then is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        let builder = builder().redirect(Policy::none());
        // No proxy leads to this machine.
        if is_this_machine(url) { builder.no_proxy() } else { builder }
    };
    match builder().build() {
        // A small container knows no authorities, and plain HTTP asks none.
        Err(_) if url.scheme() == "http" => builder().tls_certs_only([]).build(),
        built => built,
    }
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
