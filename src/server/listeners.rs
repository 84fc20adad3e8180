//! The ports of a server: bound before its store is opened, because a busy port must not leave a new file behind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use super::error::StartError;
use super::listen;

/// Usual ports of OTLP over gRPC and HTTP.
const OTLP_GRPC_PORT: u16 = 4317;
const OTLP_HTTP_PORT: u16 = 4318;

/// Where one of the OTLP side ports listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidePort {
    /// Nowhere.
    Off,
    /// At the usual place; busy is a warning.
    Default,
    /// Where someone asked for; busy is an error.
    At(SocketAddr),
}

/// Where a server listens.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Name or address to listen on.
    pub host: String,
    /// Main port; 0 picks a free one.
    pub port: u16,
    /// OTLP/gRPC side port, usually 4317.
    pub otlp_grpc: SidePort,
    /// OTLP/HTTP side port, usually 4318.
    pub otlp_http: SidePort,
}

/// Ports that are bound, but not served yet.
#[derive(Debug)]
pub struct Listeners {
    /// The name listened on, which requests may use.
    pub(super) host: String,
    pub(super) main: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) grpc: Option<TcpListener>,
    pub(super) http: Option<TcpListener>,
    pub(super) warnings: Vec<String>,
    /// Whether all of them are called by https.
    pub(super) speaks_tls: bool,
}

impl Listeners {
    /// Binds all of them.
    ///
    /// # Errors
    /// [`StartError::Bind`] for one that cannot be bound, unless it is a side port nobody asked for.
    pub async fn bind(addresses: Addresses) -> Result<Listeners, StartError> {
        let Addresses { host, port, otlp_grpc, otlp_http } = addresses;
        let failed = |source| StartError::Bind { address: format!("{host}:{port}"), source };
        let main = listen::bind(&host, port).await.map_err(failed)?;
        let address = main.local_addr().map_err(failed)?;
        let mut warnings = Vec::new();
        let mut side = async |wanted, port, name| {
            bind_side(wanted, SocketAddr::new(address.ip(), port), name, &mut warnings).await
        };
        let grpc = side(otlp_grpc, OTLP_GRPC_PORT, "OTLP/gRPC").await?;
        let http = side(otlp_http, OTLP_HTTP_PORT, "OTLP/HTTP").await?;
        Ok(Listeners { host, main, address, grpc, http, warnings, speaks_tls: false })
    }

    /// Base URL of the main port, with an address a program on this machine can reach.
    pub fn url(&self) -> String {
        let scheme = if self.speaks_tls { "https" } else { "http" };
        format!("{scheme}://{}", reachable(self.address))
    }

    /// Whether a URL leads to the main port.
    pub(super) fn are_at(&self, url: &str) -> bool {
        let Ok(uri) = url.parse::<http::Uri>() else { return false };
        let usual_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_this_machine =
            host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback() || ip == self.address.ip());
        is_this_machine && uri.port_u16().unwrap_or(usual_port) == self.address.port()
    }

    /// Addresses of the side ports that are open: OTLP/gRPC, OTLP/HTTP.
    pub(super) fn side_ports(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        (address_of(&self.grpc), address_of(&self.http))
    }

    /// Whether a side port can be reached from other machines.
    pub(super) fn are_sides_exposed(&self) -> bool {
        let (grpc, http) = self.side_ports();
        [grpc, http].into_iter().flatten().any(|side| !side.ip().to_canonical().is_loopback())
    }
}

async fn bind_side(
    wanted: SidePort,
    usual: SocketAddr,
    name: &str,
    warnings: &mut Vec<String>,
) -> Result<Option<TcpListener>, StartError> {
    let address = match wanted {
        SidePort::Off => return Ok(None),
        SidePort::Default => usual,
        SidePort::At(address) => address,
    };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if wanted == SidePort::Default => {
            warnings.push(format!("cannot listen on {address} for {name}: {error}; the main port takes it too"));
            Ok(None)
        }
        Err(source) => Err(StartError::Bind { address: address.to_string(), source }),
    }
}

fn address_of(listener: &Option<TcpListener>) -> Option<SocketAddr> {
    listener.as_ref().and_then(|listener| listener.local_addr().ok())
}

/// An address programs on this machine can connect to.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}
