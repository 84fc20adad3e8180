//! The contract of every backend, held by a server reached over its HTTP API.

use crate::{server_support::Server, suite::Fixture};

crate::contract!(remote, crate::server_suite::remote_store);
crate::contract_of_kinds!(remote_kinds, crate::server_suite::remote_store);

async fn remote_store() -> Fixture {
    // The suite prunes by itself.
    let server = Server::start_with(|config| config.retention = None).await;
    Fixture { backend: server.remote().await, _guard: Box::new(server) }
}
