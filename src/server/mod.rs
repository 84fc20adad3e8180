//! Floor 4: network in. The collector and the query API as a library: bind, run, stop.
//!
//! One application on every port, HTTP/1.1, HTTP/2 and gRPC alike. This file starts and stops it, and alone knows which
//! store it serves. [`http`] is the way of every request and the shapes of answers, [`access`] who may do what, [`api`] the
//! table of routes and the answers to questions, [`ingest`] the one way in for records of every format, [`compat`] the
//! checkpoint API of the published Python server. What handlers share is an [`app::App`].

mod access;
mod api;
mod app;
mod compat;
mod counters;
mod http;
mod ingest;
mod open_streams;
mod rate;
mod retention;
mod stopping;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use crate::{
    secret::{self, NoRandom},
    store::{
        Backend,
        sqlite::{self, Sqlite, lock::Owner},
    },
};

use self::{
    access::{Access, Site},
    api::router::Routers,
    app::App,
    compat::{checkpoint_feed::CheckpointFeed, large_traces::LargeTraces, sources::Sources},
    counters::Counters,
    http::{Budget, listen},
    ingest::FirstSeen,
    open_streams::OpenStreams,
};

pub use self::http::Limits;

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

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database file.
    pub db: PathBuf,
    /// Name or address to listen on.
    pub host: String,
    /// Main port; 0 picks a free one.
    pub port: u16,
    /// OTLP/gRPC side port, usually 4317.
    pub otlp_grpc: SidePort,
    /// OTLP/HTTP side port, usually 4318.
    pub otlp_http: SidePort,
    /// How long records are kept after they were received; `None` for ever.
    pub retention: Option<Duration>,
    /// Whether an acknowledged write is on disk or with the operating system.
    pub durability: sqlite::Durability,
    /// Names besides loopback and the bound address that a `Host` header may hold.
    pub allowed_hosts: Vec<String>,
    /// What senders of checkpoints must present in `X-TraceHub-Secret`; `None` or empty is nothing.
    pub secret: Option<String>,
    /// How much a client may ask.
    pub limits: Limits,
}

impl Config {
    /// The defaults of `tracehub start` for this file.
    pub fn new(db: impl Into<PathBuf>) -> Config {
        Config {
            db: db.into(),
            host: "127.0.0.1".to_owned(),
            port: 8099,
            otlp_grpc: SidePort::Default,
            otlp_http: SidePort::Default,
            retention: Some(Duration::from_secs(24 * 3_600)),
            durability: sqlite::Durability::Disk,
            allowed_hosts: Vec::new(),
            secret: None,
            limits: Limits::default(),
        }
    }
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// An address could not be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system gives no random numbers, without which there is no secret to hand to the owner of the server.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}

/// A server that is running; dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    app: Arc<App>,
    warnings: Vec<String>,
    // Dropping the sender tells every task to stop.
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Base URL of the main port, with the port really bound and an address a program on this machine can reach.
    pub fn url(&self) -> &str {
        &self.app.url
    }

    /// Addresses of the side ports that are open: OTLP/gRPC, OTLP/HTTP.
    pub fn side_ports(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        self.app.side_ports
    }

    /// Things the person who started it should know, such as a busy default port.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether nobody gets in because other machines can reach it, which takes a key, and no key was ever issued.
    pub fn wants_a_key(&self) -> bool {
        self.app.access.wants_a_key()
    }

    /// The backend it serves.
    pub fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.app.backend)
    }

    /// Stops taking requests, finishes those under way, and closes the database with everything acknowledged on disk;
    /// takes at most about ten seconds.
    ///
    /// # Errors
    /// The database did not close cleanly.
    pub async fn stop(self) -> Result<(), crate::store::Error> {
        // Without a receiver there is nobody left to tell.
        let _ = self.stop.send(true);
        for task in self.tasks {
            // A task that panicked has ended too.
            let _ = task.await;
        }
        let backend = &self.app.backend;
        if let Err(error) = self.app.access.keyring().write_uses(&**backend, true).await {
            tracing::debug!("cannot note when keys were used: {error}");
        }
        backend.close().await
    }
}

/// Opens the database, binds the ports and serves until [`Running::stop`].
///
/// ```
/// use tracehub::{model::TraceQuery, server::{self, Config, SidePort}};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # rustls::crypto::ring::default_provider().install_default().ok();
/// let folder = tempfile::tempdir()?;
/// let config = Config {
///     port: 0,
///     otlp_grpc: SidePort::Off,
///     otlp_http: SidePort::Off,
///     ..Config::new(folder.path().join("traces.db"))
/// };
/// let server = server::start(config).await?;
///
/// let spans = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{
///     "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "checkout",
///     "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000"
/// }]}]}]}"#;
/// let request = reqwest::Client::new().post(format!("{}/v1/traces", server.url()));
/// let answer = request.header("content-type", "application/json").body(spans).send().await?;
/// assert_eq!(answer.status(), 200);
///
/// let page = server.backend().traces(&TraceQuery::default()).await?;
/// assert_eq!(page.items[0].name, "checkout");
/// server.stop().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// See [`StartError`]; nothing is left running then.
pub async fn start(config: Config) -> Result<Running, StartError> {
    // Bound before the database is opened: a busy port must not leave a new file behind.
    let Ports { main, address, grpc, http, warnings } = bind_all(&config).await?;
    let token = secret::token()?;
    let options = sqlite::Options { durability: config.durability, retention: config.retention };
    let store = Sqlite::open_for_writing(config.db.clone(), options).await?;
    let url = format!("http://{}", reachable(address));
    store.publish(&Owner { pid: std::process::id(), url: Some(url.clone()), token: Some(token.clone()) })?;
    let sides = [address_of(&grpc), address_of(&http)];
    let is_exposed = sides.into_iter().flatten().any(|side| !side.ip().to_canonical().is_loopback());
    let (stop, stopping) = watch::channel(false);
    let mut names = config.allowed_hosts;
    names.push(config.host);
    let site = Site::new(address.ip(), &names);
    let access = Access::new(address.ip(), &token).with_secret(config.secret.as_deref()).exposed(is_exposed);
    access.keyring().reload(&*store).await?;
    let app = Arc::new(App {
        backend: store,
        db: config.db,
        retention: config.retention,
        site,
        access: Arc::new(access),
        budget: Budget::new(config.limits.in_flight_bytes),
        decoding: Semaphore::new(std::thread::available_parallelism().map_or(2, NonZeroUsize::get)),
        stream_budget: Budget::new(config.limits.stream_bytes),
        feed: CheckpointFeed::new(),
        first_seen: FirstSeen::default(),
        large_traces: LargeTraces::default(),
        checkpoint_streams: OpenStreams::default(),
        scan_streams: OpenStreams::default(),
        sources: Sources::default(),
        counters: Counters::new(),
        metrics_mentioned: AtomicBool::new(false),
        url,
        side_ports: (sides[0], sides[1]),
        stopping,
        limits: config.limits,
    });
    let routers = Arc::new(Routers::new(&app));
    let slots = Arc::new(Semaphore::new(app.limits.connections));
    let ports = [Some(main), grpc, http].into_iter().flatten();
    let mut tasks: Vec<_> = ports.map(|listener| listen::spawn(&app, &routers, listener, &slots)).collect();
    tasks.push(tokio::spawn(retention::run(Arc::clone(&app))));
    let (feeding, following) = (Arc::clone(&app), Arc::clone(&app));
    tasks.push(tokio::spawn(async move { feeding.feed.run(&*feeding.backend, feeding.stopping.clone()).await }));
    tasks.push(tokio::spawn(async move {
        following.access.keyring().follow(&*following.backend, following.stopping.clone()).await;
    }));
    Ok(Running { app, warnings, stop, tasks })
}

/// Ports that are bound, but not served yet.
struct Ports {
    main: TcpListener,
    address: SocketAddr,
    grpc: Option<TcpListener>,
    http: Option<TcpListener>,
    warnings: Vec<String>,
}

async fn bind_all(config: &Config) -> Result<Ports, StartError> {
    let failed = |source| StartError::Bind { address: format!("{}:{}", config.host, config.port), source };
    let main = listen::bind(&config.host, config.port).await.map_err(failed)?;
    let address = main.local_addr().map_err(failed)?;
    let mut warnings = Vec::new();
    let mut side =
        async |wanted, port, name| bind_side(wanted, SocketAddr::new(address.ip(), port), name, &mut warnings).await;
    let grpc = side(config.otlp_grpc, OTLP_GRPC_PORT, "OTLP/gRPC").await?;
    let http = side(config.otlp_http, OTLP_HTTP_PORT, "OTLP/HTTP").await?;
    Ok(Ports { main, address, grpc, http, warnings })
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
