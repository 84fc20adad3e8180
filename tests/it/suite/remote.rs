//! A server reached over its HTTP API, held to the contract of every store.

use tracehub::store::{Mode, Target, sqlite::lock};

use super::Fixture;
use crate::server_support::Server;

crate::backend_suite!(a_server, crate::suite::remote::owned_server);

/// A server for its owner, whom the first key does not shut out.
pub async fn owned_server() -> Fixture {
    // The suite prunes by itself.
    let server = Server::start_with(|config| config.retention = None).await;
    let key = lock::owner(&server.db()).and_then(|owner| owner.token);
    let target = Target::Url { url: server.running.url().to_owned(), key };
    let backend = tracehub::store::open(&target, Mode::Read).await.expect("a remote store");
    Fixture { backend, _guard: Box::new(server) }
}
