//! Floor 4: network in. The collector and the query API as a library: bind, run, stop.
//!
//! One application on every port, HTTP/1.1, HTTP/2 and gRPC alike. This file starts and stops it; the store it
//! serves is handed in. [`http`] is the way of every request and the shapes of answers, [`access`] who may do what, [`api`] the
//! table of routes and the answers to questions, [`ingest`] the one way in for records of every format, [`compat`] the
//! checkpoint API of the published Python server. What handlers share is an [`app::App`].

mod access;
mod api;
mod app;
mod compat;
mod counters;
mod error;
mod http;
mod ingest;
mod listeners;
mod open_streams;
mod project_counts;
mod rate;
mod retention;
mod stopping;
mod webhooks;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use self::access::{Access, Site};
use self::api::router::Routers;
use self::app::App;
use self::compat::checkpoint_feed::CheckpointFeed;
use self::compat::large_traces::LargeTraces;
use self::compat::sources::Sources;
use self::counters::Counters;
use self::http::{Budget, listen};
use self::ingest::FirstSeen;
use self::open_streams::OpenStreams;
use self::project_counts::ProjectCounts;
use self::stopping::stopped;
use crate::secret;
use crate::store::sqlite::{Durability, Options};
use crate::store::{self, Backend, Target};

pub use self::access::Openness;
pub use self::error::StartError;
pub use self::http::Limits;
pub use self::listeners::{Addresses, Listeners, SidePort};
pub use self::webhooks::Webhooks;

/// How a server treats those who call it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How long records are kept after they were received; `None` for ever.
    pub retention: Option<Duration>,
    /// Names besides loopback and the bound address that a `Host` header may hold.
    pub allowed_hosts: Vec<String>,
    /// What senders of checkpoints must present in `X-TraceHub-Secret`; `None` or empty is nothing.
    pub secret: Option<String>,
    /// What the owner of the server presents, who may do everything; `None` for no such owner.
    pub token: Option<String>,
    /// Who is answered without a key although keys are wanted.
    pub openness: Openness,
    /// Who is told of new and reopened issues.
    pub webhooks: Webhooks,
    /// How much a client may ask.
    pub limits: Limits,
}

/// Settings of a server that opens its store itself.
#[derive(Debug, Clone)]
pub struct Config {
    /// What is served: a file, which is created if there is none, or another store.
    pub store: Target,
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
    pub durability: Durability,
    /// Names besides loopback and the bound address that a `Host` header may hold.
    pub allowed_hosts: Vec<String>,
    /// What senders of checkpoints must present in `X-TraceHub-Secret`; `None` or empty is nothing.
    pub secret: Option<String>,
    /// Who is answered without a key although keys are wanted.
    pub openness: Openness,
    /// Who is told of new and reopened issues.
    pub webhooks: Webhooks,
    /// How much a client may ask.
    pub limits: Limits,
}

impl Config {
    /// The defaults of `tracehub start` for this file.
    pub fn new(db: impl Into<PathBuf>) -> Config {
        Config {
            store: Target::File(db.into()),
            host: "127.0.0.1".to_owned(),
            port: 8099,
            otlp_grpc: SidePort::Default,
            otlp_http: SidePort::Default,
            retention: Some(Duration::from_secs(24 * 3_600)),
            durability: Durability::Disk,
            allowed_hosts: Vec::new(),
            secret: None,
            openness: Openness::default(),
            webhooks: Webhooks::default(),
            limits: Limits::default(),
        }
    }
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

    /// Whether other machines can reach it and are answered without a key, because its owner says so.
    pub fn is_open_to_network(&self) -> bool {
        self.app.access.is_open_to_network()
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

/// Binds the ports, opens the store and serves it until [`Running::stop`].
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
    let Config { host, port, otlp_grpc, otlp_http, retention, .. } = config;
    let listeners = Listeners::bind(Addresses { host, port, otlp_grpc, otlp_http }).await?;
    if config.store.server().is_some_and(|(url, _)| listeners.are_at(url)) {
        return Err(StartError::Itself(config.store.location()));
    }
    let owned = store::own(&config.store, Options { durability: config.durability, retention }).await?;
    let token = secret::token()?;
    owned.publish(&listeners.url(), &token)?;
    let settings = Settings {
        retention,
        allowed_hosts: config.allowed_hosts,
        secret: config.secret,
        token: Some(token),
        openness: config.openness,
        webhooks: config.webhooks,
        limits: config.limits,
    };
    serve(listeners, owned.backend, settings).await
}

/// Serves a store, of whatever kind, until [`Running::stop`], which closes it.
///
/// # Errors
/// The keys in the store cannot be read, or there are no random numbers; nothing is left running then.
pub async fn serve(listeners: Listeners, backend: Arc<dyn Backend>, settings: Settings) -> Result<Running, StartError> {
    let token = settings.token.map_or_else(secret::token, Ok)?;
    let (ip, url, side_ports) = (listeners.address.ip(), listeners.url(), listeners.side_ports());
    let is_exposed = listeners.are_sides_exposed();
    let Listeners { host, main, grpc, http, warnings, .. } = listeners;
    let (stop, stopping) = watch::channel(false);
    let mut names = settings.allowed_hosts;
    names.push(host);
    let site = Site::new(ip, &names);
    let access = Access::new(ip, &token).with_secret(settings.secret.as_deref());
    let access = access.exposed(is_exposed).opened(settings.openness);
    access.keyring().reload(&*backend).await?;
    let webhooks = settings.webhooks.open(&*backend).await?;
    let app = Arc::new(App {
        backend,
        retention: settings.retention,
        site,
        access: Arc::new(access),
        budget: Budget::new(settings.limits.in_flight_bytes),
        decoding: Semaphore::new(std::thread::available_parallelism().map_or(2, NonZeroUsize::get)),
        stream_budget: Budget::new(settings.limits.stream_bytes),
        checkpoints: CheckpointFeed::new(),
        first_seen: FirstSeen::default(),
        large_traces: LargeTraces::default(),
        checkpoint_streams: OpenStreams::default(),
        scan_streams: OpenStreams::default(),
        free_connections: Arc::new(Semaphore::new(settings.limits.connections)),
        sources: Sources::default(),
        counters: Counters::new(),
        project_counts: ProjectCounts::default(),
        metrics_mentioned: AtomicBool::new(false),
        url,
        side_ports,
        stopping,
        limits: settings.limits,
    });
    let routers = Arc::new(Routers::new(&app));
    let ports = [Some(main), grpc, http].into_iter().flatten();
    let accept = |listener| tokio::spawn(listen::accept(Arc::clone(&app), Arc::clone(&routers), listener));
    let mut tasks: Vec<_> = ports.map(accept).collect();
    tasks.push(tokio::spawn(retention::run(Arc::clone(&app))));
    let (feeding, following) = (Arc::clone(&app), Arc::clone(&app));
    tasks.push(tokio::spawn(async move {
        tokio::select! {
            () = stopped(feeding.stopping.clone()) => {}
            () = feeding.checkpoints.run(&*feeding.backend) => {}
        }
    }));
    tasks.push(tokio::spawn(async move {
        following.access.keyring().follow(&*following.backend, following.stopping.clone()).await;
    }));
    tasks.extend(webhooks.into_iter().map(|webhook| tokio::spawn(webhook.run(Arc::clone(&app)))));
    Ok(Running { app, warnings, stop, tasks })
}
