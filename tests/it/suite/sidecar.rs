//! A store whose issues and keys lie in a file beside it, held to the contract of every store. It does not hear in which
//! writes errors came, nor which traces are gone.

use tracehub::store::sidecar::with_sidecar;

use super::{Fixture, sqlite_file};

crate::backend_suite!(
    a_file_with_another_beside_it, crate::suite::sidecar::with_another_beside_it, traces kinds scans logs issues keys
);

/// A SQLite file with another beside it, which stands for a store that keeps no issues.
pub async fn with_another_beside_it() -> Fixture {
    let Fixture { backend, _guard } = sqlite_file().await;
    let folder = tempfile::tempdir().expect("temp dir");
    let backend = with_sidecar(backend, folder.path().join("meta.db")).await.expect("opened");
    Fixture { backend, _guard: Box::new((folder, _guard)) }
}
