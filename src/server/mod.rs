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
pub(crate) mod descriptors;
mod error;
mod http;
mod ingest;
mod listeners;
mod open_streams;
mod project_counts;
mod rate;
mod retention;
mod retention_clock;
mod senders;
mod stopping;
mod tls;
mod webhooks;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use self::access::{Access, Quota, Site};
use self::api::router::Routers;
use self::app::App;
use self::compat::checkpoint_feed::CheckpointFeed;
use self::compat::large_traces::LargeTraces;
use self::compat::sources::Sources;
use self::counters::Counters;
use self::http::connection::Connections;
use self::http::{Budget, listen};
use self::ingest::{FirstSeen, MendLog};
use self::open_streams::OpenStreams;
use self::project_counts::ProjectCounts;
use self::retention_clock::RetentionClock;
use self::senders::{Tally, keeper};
use self::stopping::stopped;
use self::tls::Tls;
use crate::secret;
use crate::store::redact::{Redaction, redacting};
use crate::store::sqlite::{Durability, Options};
use crate::store::{self, Backend, Target};

pub use self::access::Openness;
pub use self::error::StartError;
pub use self::http::Limits;
pub use self::listeners::{Addresses, Listeners, SidePort};
pub use self::tls::{TlsError, TlsFiles};
pub use self::webhooks::Webhooks;
pub use crate::model::RateLimit;

/// How a server treats those who call it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How long records are kept after they were received; `None` for ever.
    pub retention: Option<Duration>,
    /// Names besides loopback and the bound address that a `Host` header may hold.
    pub allowed_hosts: Vec<String>,
    /// Origins such as `https://app.example` whose pages may call from a browser.
    pub cors_origins: Vec<String>,
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
    /// What takes secrets out of records before they are stored, for its counts; `None` for nothing.
    pub redaction: Option<Arc<Redaction>>,
    /// The certificate of all ports; `None` for HTTP in the clear.
    pub tls: Option<TlsFiles>,
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
    /// Whether the file may lie on a network file system, because only this machine opens it.
    pub allows_network_fs: bool,
    /// Names besides loopback and the bound address that a `Host` header may hold.
    pub allowed_hosts: Vec<String>,
    /// Origins such as `https://app.example` whose pages may call from a browser.
    pub cors_origins: Vec<String>,
    /// What senders of checkpoints must present in `X-TraceHub-Secret`; `None` or empty is nothing.
    pub secret: Option<String>,
    /// Who is answered without a key although keys are wanted.
    pub openness: Openness,
    /// Who is told of new and reopened issues.
    pub webhooks: Webhooks,
    /// How much a client may ask.
    pub limits: Limits,
    /// What takes secrets out of records before they are stored; `None` for nothing.
    pub redaction: Option<Arc<Redaction>>,
    /// The certificate of all ports; `None` for HTTP in the clear.
    pub tls: Option<TlsFiles>,
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
            allows_network_fs: false,
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            secret: None,
            openness: Openness::default(),
            webhooks: Webhooks::default(),
            limits: Limits::default(),
            redaction: None,
            tls: None,
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

    /// Reads the files of the certificate again, if it has one.
    ///
    /// # Errors
    /// See [`TlsError`]; the old certificate stays then.
    pub fn reload_certificate(&self) -> Result<(), TlsError> {
        self.app.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
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
        if let Err(error) = keeper::keep(&self.app.senders, &**backend).await {
            tracing::debug!("cannot note who sends: {error}");
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
    // Before a file is made for nothing; it is read again when it is put in use.
    config.tls.clone().map(Tls::read).transpose()?;
    let Config { host, port, otlp_grpc, otlp_http, retention, .. } = config;
    let mut listeners = Listeners::bind(Addresses { host, port, otlp_grpc, otlp_http }).await?;
    listeners.speaks_tls = config.tls.is_some();
    if config.store.server().is_some_and(|(url, _)| listeners.are_at(url)) {
        return Err(StartError::Itself(config.store.location()));
    }
    let options = Options {
        durability: config.durability,
        retention,
        allows_network_fs: config.allows_network_fs,
        keeps_reserve: true,
    };
    let owned = store::own(&config.store, options).await?;
    let backend = match &config.redaction {
        Some(redaction) => redacting(Arc::clone(&owned.backend), Arc::clone(redaction)).await?,
        None => Arc::clone(&owned.backend),
    };
    let token = secret::token()?;
    owned.publish(&listeners.url(), &token)?;
    let settings = Settings {
        retention,
        allowed_hosts: config.allowed_hosts,
        cors_origins: config.cors_origins,
        secret: config.secret,
        token: Some(token),
        openness: config.openness,
        webhooks: config.webhooks,
        limits: config.limits,
        redaction: config.redaction,
        tls: config.tls,
    };
    serve(listeners, backend, settings).await
}

/// Serves a store, of whatever kind, until [`Running::stop`], which closes it.
///
/// # Errors
/// The keys in the store cannot be read, or there are no random numbers; nothing is left running then.
pub async fn serve(listeners: Listeners, backend: Arc<dyn Backend>, settings: Settings) -> Result<Running, StartError> {
    let token = settings.token.map_or_else(secret::token, Ok)?;
    let tls = settings.tls.map(Tls::read).transpose()?.map(Arc::new);
    let mut listeners = listeners;
    listeners.speaks_tls = tls.is_some();
    let (ip, url, side_ports) = (listeners.address.ip(), listeners.url(), listeners.side_ports());
    let is_exposed = listeners.are_sides_exposed();
    let Listeners { host, main, grpc, http, warnings, .. } = listeners;
    let (stop, stopping) = watch::channel(false);
    let mut names = settings.allowed_hosts;
    names.push(host);
    let site = Site::new(ip, &names).welcoming(&settings.cors_origins);
    let access = Access::new(ip, &token).with_secret(settings.secret.as_deref());
    let access = access.exposed(is_exposed).opened(settings.openness);
    access.keyring().reload(&*backend).await?;
    let senders = Tally::default();
    keeper::restore(&senders, &*backend).await;
    let clock = RetentionClock::new(match settings.retention {
        Some(_) => backend.newest_received().await?,
        None => None,
    });
    let webhooks = settings.webhooks.open(&*backend).await?;
    let app = Arc::new(App {
        backend,
        retention: settings.retention,
        clock,
        site,
        access: Arc::new(access),
        budget: Budget::with_reserve(settings.limits.in_flight_bytes),
        quota: Quota::new(settings.limits.rate),
        decoding: Semaphore::new(std::thread::available_parallelism().map_or(2, NonZeroUsize::get)),
        stream_budget: Budget::new(settings.limits.stream_bytes),
        checkpoints: CheckpointFeed::new(),
        first_seen: FirstSeen::default(),
        large_traces: LargeTraces::default(),
        checkpoint_streams: OpenStreams::default(),
        scan_streams: OpenStreams::default(),
        connections: Connections::new(&settings.limits),
        sources: Sources::default(),
        senders,
        counters: Counters::new(),
        project_counts: ProjectCounts::default(),
        metrics_mentioned: AtomicBool::new(false),
        mend_log: MendLog::default(),
        url,
        side_ports,
        stopping,
        limits: settings.limits,
        redaction: settings.redaction,
        tls,
    });
    let routers = Arc::new(Routers::new(&app));
    let ports = [Some(main), grpc, http].into_iter().flatten();
    let accept = |listener| tokio::spawn(listen::accept(Arc::clone(&app), Arc::clone(&routers), listener));
    let mut tasks: Vec<_> = ports.map(accept).collect();
    if let Some(tls) = app.tls.clone() {
        let stopping = app.stopping.clone();
        tasks.push(tokio::spawn(async move { tls.follow(stopping).await }));
    }
    tasks.push(tokio::spawn(retention::run(Arc::clone(&app))));
    let (feeding, following, noting) = (Arc::clone(&app), Arc::clone(&app), Arc::clone(&app));
    tasks.push(tokio::spawn(async move {
        tokio::select! {
            () = stopped(feeding.stopping.clone()) => {}
            () = feeding.checkpoints.run(&*feeding.backend) => {}
        }
    }));
    tasks.push(tokio::spawn(async move {
        following.access.keyring().follow(&*following.backend, following.stopping.clone()).await;
    }));
    tasks.push(tokio::spawn(async move {
        keeper::run(&noting.senders, &*noting.backend, noting.stopping.clone()).await;
    }));
    tasks.extend(webhooks.into_iter().map(|webhook| tokio::spawn(webhook.run(Arc::clone(&app)))));
    Ok(Running { app, warnings, stop, tasks })
}
