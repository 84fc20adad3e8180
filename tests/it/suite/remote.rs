//! Servers reached over their HTTP API, held to the contract of every store: one over a file, and one over a server.

use tracehub::store::sqlite::lock;
use tracehub::store::{Mode, Target};

use super::Fixture;
use crate::server_support::Server;

crate::backend_suite!(a_server, crate::suite::remote::owned_server);
crate::backend_suite!(a_relay, crate::suite::remote::owned_relay);

/// A server over a file for its owner, whom the first key does not shut out.
pub async fn owned_server() -> Fixture {
    // The suite prunes by itself.
    owned(Server::start_with(|config| config.retention = None).await).await
}

/// A server over a server, for the owner of both.
pub async fn owned_relay() -> Fixture {
    owned(Server::start_relay_with(|config| config.retention = None).await).await
}

async fn owned(server: Server) -> Fixture {
    let key = lock::owner(&server.db()).and_then(|owner| owner.token);
    let target = Target::Url { url: server.running.url().to_owned(), key };
    let backend = tracehub::store::open(&target, Mode::Read).await.expect("a remote store");
    Fixture { backend, _guard: Box::new(server) }
}
