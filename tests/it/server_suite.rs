//! The contract of every backend, held by a server reached over its HTTP API.

use tracehub::store::{Mode, Target, sqlite::lock};

use crate::{server_support::Server, suite::Fixture};

crate::contract!(remote, crate::server_suite::remote_store);
crate::contract_of_kinds!(remote_kinds, crate::server_suite::remote_store);
crate::contract_of_issues!(remote_issues, crate::server_suite::remote_store);

crate::contract_of_keys!(remote_keys, crate::server_suite::owned_remote_store);
crate::contract_of_scans!(remote_scans, crate::server_suite::remote_store);
crate::contract_of_logs!(remote_logs, crate::server_suite::remote_store);

async fn remote_store() -> Fixture {
    // The suite prunes by itself.
    let server = Server::start_with(|config| config.retention = None).await;
    Fixture { backend: server.remote().await, _guard: Box::new(server) }
}

/// The same for the owner of the server, whom the first key does not shut out.
async fn owned_remote_store() -> Fixture {
    let server = Server::start_with(|config| config.retention = None).await;
    let key = lock::owner(&server.db()).and_then(|owner| owner.token);
    let target = Target::Url { url: server.running.url().to_owned(), key };
    let backend = tracehub::store::open(&target, Mode::Read).await.expect("a remote store");
    Fixture { backend, _guard: Box::new(server) }
}
