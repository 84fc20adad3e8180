//! The end of the server, as tasks and streams hear of it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Returns once the server stops.
pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that whoever could stop the server is gone, and then it stops too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Pauses; whether the server stopped meanwhile, which ends the pause.
pub(crate) async fn stops_within(pause: Duration, stopping: &watch::Receiver<bool>) -> bool {
    timeout(pause, stopped(stopping.clone())).await.is_ok()
}
