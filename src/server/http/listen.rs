//! Ports and connections: bind, accept, serve HTTP/1.1 and HTTP/2 on each, stop.
//!
//! `axum::serve` starts no timers, so a client could send the head of its request for ever; hyper-util's builder with
//! a timer does not let it.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::model::sender::Port;
use crate::server::access::Peer;
use crate::server::api::router::Routers;
use crate::server::app::App;
use crate::server::http::idle::Idle;
use crate::server::http::limits::{HEADER_BYTES, HTTP2_STREAMS};
use crate::server::http::{Limits, front};
use crate::server::senders::greeting::{FirstByte, Greeted};
use crate::server::stopping::stopped;

/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// Pause after a failed accept, which mostly means that there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Over the limit this one waits here and all after it with the system.
        let slot = tokio::select! {
            () = &mut stop => break,
            slot = Arc::clone(&app.free_connections).acquire_owned() => slot,
        };
        let (app, routers, builder) = (Arc::clone(&app), Arc::clone(&routers), Arc::clone(&builder));
        connections.spawn(async move {
            let _slot = slot;
            serve(app, routers, &builder, stream, peer).await;
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
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

/// Where a connection comes from, and to which port it came.
#[derive(Debug, Clone, Copy)]
struct Ends {
    peer: SocketAddr,
    port: Port,
}

async fn serve(
    app: Arc<App>,
    routers: Arc<Routers>,
    builder: &Builder<TokioExecutor>,
    stream: TcpStream,
    peer: SocketAddr,
) {
    // Small answers must not wait for the client's acknowledgement of the last one.
    let _ = stream.set_nodelay(true);
    let ends = Ends { peer, port: port(&app, &stream) };
    let Some(tls) = app.tls.clone() else { return serve_stream(app, routers, builder, stream, ends).await };
    let accepted = tokio::select! {
        accepted = tls.accept(stream, peer) => accepted,
        () = stopped(app.stopping.clone()) => None,
    };
    if let Some(stream) = accepted {
        serve_stream(app, routers, builder, stream, ends).await;
    }
}

async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    app: Arc<App>,
    routers: Arc<Routers>,
    builder: &Builder<TokioExecutor>,
    stream: S,
    ends: Ends,
) {
    let Ends { peer, port } = ends;
    let limits = &app.limits;
    let (stop_timeout, stopping) = (limits.stop_timeout, app.stopping.clone());
    let (first, noting) = (FirstByte::default(), Arc::clone(&app));
    let stream = Greeted::new(stream, first.clone());
    let stream = TokioIo::new(Idle::new(stream, limits.header_timeout, limits.connection_idle_timeout));
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(port);
        front::answer(Arc::clone(&app), Arc::clone(&routers), request)
    });
    let mut connection = pin!(builder.serve_connection(stream, service));
    // A connection that ends badly is the client's business.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopped(stopping) => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(stop_timeout, connection).await;
        }
    }
    if let Some(trouble) = first.trouble() {
        noting.senders.note_connection(peer.ip(), port, trouble);
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
