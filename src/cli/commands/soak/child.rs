//! The server of a soak: this program once more, as a process of its own that can be killed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::cli::exit::{Code, Failure};

/// How long a start or an end may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; killed when dropped.
pub struct Child {
    process: tokio::process::Child,
    /// The base URL of the server.
    pub url: String,
}

fn failed(what: &str) -> Failure {
    Failure::new(Code::Failed, format!("the server of the soak {what}"))
}

impl Child {
    /// Starts a server on a database, made if it is not there, and waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(path: &Path) -> Result<Child, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::from_error(Code::Failed, &error))?;
        let mut command = Command::new(program);
        for variable in ["TRACEHUB_DB", "TRACEHUB_URL", "TRACEHUB_SECRET", "TRACEHUB_PORT", "TRACEHUB_RETENTION_HOURS"]
        {
            command.env_remove(variable);
        }
        command.args([
            "start",
            "--json",
            "--port",
            "0",
            "--otlp-grpc",
            "off",
            "--otlp-http",
            "off",
            "--retention",
            "off",
        ]);
        command.arg("--db").arg(path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let spawned = command.kill_on_drop(true).spawn();
        let mut process = spawned.map_err(|error| Failure::from_error(Code::Failed, &error))?;
        let Some(stdout) = process.stdout.take() else { return Err(failed("says nothing")) };
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let Ok(Ok(Some(line))) = line else { return Err(failed("does not start")) };
        let ready: Json = serde_json::from_str(&line).unwrap_or_default();
        let url = ready["url"].as_str().ok_or_else(|| failed("does not say where it is"))?;
        Ok(Child { process, url: url.to_owned() })
    }

    /// Kills the server (SIGKILL) and waits for its end.
    ///
    /// # Errors
    /// It cannot be killed.
    pub async fn kill(mut self) -> Result<(), Failure> {
        self.process.kill().await.map_err(|error| Failure::from_error(Code::Failed, &error))
    }

    /// Asks the server to stop and waits for its end.
    ///
    /// # Errors
    /// It does not end well.
    #[cfg(unix)]
    pub async fn stop(mut self) -> Result<(), Failure> {
        let id = self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        let Some(id) = id else { return Err(failed("ended by itself")) };
        let sent = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        sent.map_err(|error| Failure::from_error(Code::Failed, &error))?;
        match tokio::time::timeout(PATIENCE, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(&format!("was asked to stop and ended with {status}"))),
            Ok(Err(error)) => Err(Failure::from_error(Code::Failed, &error)),
            Err(_) => Err(failed("was asked to stop and did not")),
        }
    }

    /// Kills the server, because elsewhere nobody can be asked to stop.
    ///
    /// # Errors
    /// It cannot be killed.
    #[cfg(not(unix))]
    pub async fn stop(self) -> Result<(), Failure> {
        self.kill().await
    }
}
