//! Ports and connections: bind, accept, serve HTTP/1.1 and HTTP/2 on each, stop.
//!
//! `axum::serve` starts no timers, so a client could send the head of its request for ever; hyper-util's builder with
//! a timer does not let it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::model::sender::Port;
use crate::server::access::Peer;
use crate::server::api::router::Routers;
use crate::server::app::App;
use crate::server::http::connection::messages::OpenRequest;
use crate::server::http::connection::{Activity, Connections, Entry, Release, Slot, Watched};
use crate::server::http::limits::{HEADER_BYTES, HTTP2_STREAMS};
use crate::server::http::{Limits, front};
use crate::server::senders::greeting::{FirstByte, Greeted};
use crate::server::stopping::stopped;
use crate::server::tls::NoHandshake;

/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// Pause after a failed accept, which mostly means that there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Idle connections that are closed then.
const RELEASED_FOR_DESCRIPTORS: usize = 16;
/// How long a client may take to hear that its idle connection closes.
const PARTING: Duration = Duration::from_millis(100);

/// What the tally of senders says of a connection that is one too many from its address.
const TOO_MANY: (&str, &str) = ("too_many_connections", "its address has its share of connections, all at work");

/// Binds the first address of a name or an IP literal (with or without brackets) that can be bound.
pub(crate) async fn bind(host: &str, port: u16) -> io::Result<TcpListener> {
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((host, port)).await? {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Serves a port until the server stops; returns when its last connection has ended.
pub(crate) async fn accept(app: Arc<App>, routers: Arc<Routers>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    let builder = Arc::new(builder(&app.limits));
    let mut stop = pin!(stopped(app.stopping.clone()));
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            app.connections.release(RELEASED_FOR_DESCRIPTORS);
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let slot = tokio::select! {
            () = &mut stop => break,
            slot = enter(&app.connections, peer) => slot,
        };
        let Some(slot) = slot else {
            app.senders.note_connection(peer.ip(), port(&app, &stream), TOO_MANY);
            continue;
        };
        let (app, routers, builder) = (Arc::clone(&app), Arc::clone(&routers), Arc::clone(&builder));
        connections.spawn(async move { serve(app, routers, &builder, stream, slot).await });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A place for a connection, of which all after it wait with the system; `None` when its address has more than its share.
async fn enter(connections: &Arc<Connections>, peer: SocketAddr) -> Option<Slot> {
    loop {
        match connections.enter(peer) {
            Entry::Admitted(slot) => return Some(slot),
            Entry::Refused => return None,
            Entry::Full => connections.wait_for_place().await,
        }
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HEADER_BYTES as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

/// The place a connection has, and the port it came to.
struct Place {
    slot: Slot,
    port: Port,
}

async fn serve(app: Arc<App>, routers: Arc<Routers>, builder: &Builder<TokioExecutor>, stream: TcpStream, slot: Slot) {
    // Small answers must not wait for the client's acknowledgement of the last one.
    let _ = stream.set_nodelay(true);
    let place = Place { port: port(&app, &stream), slot };
    let Some(tls) = app.tls.clone() else { return serve_stream(app, routers, builder, stream, place).await };
    // The handshake has a time of its own, but makes way like everything that asks nothing.
    let accepted = tokio::select! {
        accepted = tls.accept(stream, place.slot.peer) => accepted,
        () = place.slot.activity.released() => Err(NoHandshake::Silent),
        () = stopped(app.stopping.clone()) => Err(NoHandshake::Silent),
    };
    match accepted {
        Ok(stream) => {
            place.slot.activity.note_progress();
            serve_stream(app, routers, builder, stream, place).await;
        }
        Err(why) => {
            if let Some(trouble) = why.trouble() {
                app.senders.note_connection(place.slot.peer.ip(), place.port, trouble);
            }
        }
    }
}

async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    app: Arc<App>,
    routers: Arc<Routers>,
    builder: &Builder<TokioExecutor>,
    stream: S,
    Place { slot, port }: Place,
) {
    let (peer, activity, noting) = (Peer(slot.peer), Arc::clone(&slot.activity), Arc::clone(&app));
    let first = FirstByte::default();
    let stream = Greeted::new(stream, first.clone());
    let stream = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
    let watching = Arc::clone(&activity);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (open, mut request) = OpenRequest::begin(&watching, request);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(port);
        let (answering, watching) =
            (front::answer(Arc::clone(&app), Arc::clone(&routers), request), Arc::clone(&watching));
        async move {
            let response = answering.await?;
            if response.headers().contains_key(header::CONNECTION) {
                watching.linger();
            }
            Ok::<_, Infallible>(open.answer(response))
        }
    });
    run(builder.serve_connection(stream, service), &noting, &activity).await;
    if let Some(trouble) = first.trouble() {
        noting.senders.note_connection(peer.0.ip(), port, trouble);
    }
}

/// Runs a connection to its end, which is the client's business, or that of the server, or comes because another one
/// needs the place.
async fn run<C: GracefulConnection>(connection: C, app: &App, activity: &Activity) {
    let (stop_timeout, patience) = (app.limits.stop_timeout, app.connections.patience());
    let mut connection = pin!(connection);
    let allowed = tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(app.stopping.clone()) => stop_timeout,
        release = activity.ended(patience) => match release {
            Release::Idle => PARTING,
            Release::Stalled => Duration::ZERO,
        },
    };
    connection.as_mut().graceful_shutdown();
    if timeout(allowed, connection.as_mut()).await.is_err() && allowed == PARTING && activity.has_open_request() {
        // A request came while its connection was closed.
        let _ = timeout(stop_timeout, connection).await;
    }
}

/// Which of the server's ports a connection came to.
fn port(app: &App, stream: &TcpStream) -> Port {
    let number = stream.local_addr().map_or(0, |address| address.port());
    let is = |side: Option<SocketAddr>| side.is_some_and(|side| side.port() == number);
    match app.side_ports {
        (grpc, _) if is(grpc) => Port::OtlpGrpc,
        (_, http) if is(http) => Port::OtlpHttp,
        _ => Port::Main,
    }
}
