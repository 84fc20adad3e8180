//! The end of the server, as tasks and streams hear of it.

use tokio::sync::watch;

/// Returns once the server stops.
pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that whoever could stop the server is gone, and then it stops too.
    let _ = stopping.wait_for(|stop| *stop).await;
}
