//! `CheckpointLogger`: notes `->` when a program enters an operation and `<-` when it leaves, under the correlation id
//! of the moment.

use serde_json::Value as Json;

use super::client::CheckpointClient;
use super::record::{CheckpointRecord, random_suffix};
use crate::client::context::correlation::correlation_id;
use crate::client::variables::{Variables, process_environment};
use crate::model::{Direction, Nanos, Text};

/// Notes the checkpoints of one component; cheap to clone. Off unless `CHECKPOINT_TRACING` is `1` and the client has a
/// server: then a call costs one comparison.
#[derive(Debug, Clone)]
pub struct CheckpointLogger {
    source_id: Text,
    client: CheckpointClient,
    own_correlation_id: Text,
}

impl CheckpointLogger {
    /// A logger for the component `source_id` (`MA`, `WK`, …) on the shared client, by the environment.
    pub fn new(source_id: impl Into<Text>) -> CheckpointLogger {
        let client =
            if is_enabled(&process_environment) { CheckpointClient::shared() } else { CheckpointClient::off() };
        CheckpointLogger::with_client(source_id, client)
    }

    /// A logger on a client of one's own, whatever `CHECKPOINT_TRACING` says.
    pub fn with_client(source_id: impl Into<Text>, client: CheckpointClient) -> CheckpointLogger {
        let source_id = source_id.into();
        let own_correlation_id = own_correlation_id(&source_id, &process_environment);
        CheckpointLogger { source_id, client, own_correlation_id }
    }

    /// Whether checkpoints go anywhere; ask before making costly data.
    pub fn is_enabled(&self) -> bool {
        !self.client.is_off()
    }

    /// The client, to flush and close it and for its counters.
    pub fn client(&self) -> &CheckpointClient {
        &self.client
    }

    /// Notes that an operation such as `REST` on `/api/agents` begins.
    ///
    /// The correlation id is the one set by [`crate::client::set_correlation_id`] or [`crate::client::with_correlation_id`], else
    /// `TRACEHUB_CORRELATION_ID`, else one this logger made for itself.
    pub fn checkpoint_entry(&self, operation: &str, endpoint: &str, data: Option<Json>) {
        if self.is_enabled() {
            self.client.send(CheckpointRecord { data, ..self.make_entry(operation, endpoint) });
        }
    }

    /// Notes that an operation ends, under the correlation id of [`CheckpointLogger::checkpoint_entry`].
    pub fn checkpoint_exit(&self, operation: &str, endpoint: &str, data: Option<Json>) {
        if self.is_enabled() {
            let entry = self.make_entry(operation, endpoint);
            self.client.send(CheckpointRecord { data, direction: Direction::Exit, ..entry });
        }
    }

    /// Notes the entry now, and the exit when the returned guard is dropped, under the same correlation id, however the
    /// operation ends: by `return`, `?`, a panic, or the cancelling of its task.
    pub fn operation(&self, operation: &str, endpoint: &str) -> Operation {
        self.begin(operation, endpoint, None)
    }

    /// Notes entry and exit as [`CheckpointLogger::operation`] does, with data for the entry.
    pub fn operation_with(&self, operation: &str, endpoint: &str, data: Json) -> Operation {
        self.begin(operation, endpoint, Some(data))
    }

    fn begin(&self, operation: &str, endpoint: &str, data: Option<Json>) -> Operation {
        if !self.is_enabled() {
            return Operation { exit: None, client: CheckpointClient::off() };
        }
        let entry = self.make_entry(operation, endpoint);
        let exit = entry.clone();
        self.client.send(CheckpointRecord { data, ..entry });
        Operation { exit: Some(exit), client: self.client.clone() }
    }

    fn make_entry(&self, operation: &str, endpoint: &str) -> CheckpointRecord {
        let correlation_id = correlation_id().unwrap_or_else(|| self.own_correlation_id.clone());
        CheckpointRecord::enter(self.source_id.clone(), correlation_id, operation, endpoint)
    }
}

/// An operation under way; notes its exit when it is dropped.
#[must_use = "the exit is noted when this is dropped"]
#[derive(Debug)]
pub struct Operation {
    /// The entry, of which the exit differs in time, suffix, direction and data; `None` when there is nothing to note.
    exit: Option<CheckpointRecord>,
    client: CheckpointClient,
}

impl Operation {
    /// Sets the data that the exit will carry.
    pub fn set_data(&mut self, data: Json) {
        if let Some(exit) = &mut self.exit {
            exit.data = Some(data);
        }
    }

    /// Notes the exit now, with data.
    pub fn exit_with(mut self, data: Json) {
        self.set_data(data);
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if let Some(entry) = self.exit.take() {
            let now = CheckpointRecord::exit(entry.source_id, entry.correlation_id, entry.operation, entry.endpoint);
            self.client.send(CheckpointRecord { data: entry.data, ..now });
        }
    }
}

fn is_enabled(lookup: &dyn Fn(&str) -> Option<String>) -> bool {
    let value = Variables::new(lookup).text("CHECKPOINT_TRACING").unwrap_or_default().to_ascii_lowercase();
    matches!(value.as_str(), "1" | "true" | "yes" | "on")
}

/// The correlation id of a logger for what has none: that of the program that started this one, else component, process
/// and random suffix.
fn own_correlation_id(source_id: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Text {
    match Variables::new(lookup).text("TRACEHUB_CORRELATION_ID") {
        Some(id) => Text::from(id),
        None => {
            Text::from(format!("{}-{}-{}", source_id.to_lowercase(), std::process::id(), random_suffix(Nanos::now())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoint_tracing_must_be_set_to_a_yes() {
        for (value, enabled) in [("1", true), (" True ", true), ("on", true), ("0", false), ("", false), ("no", false)]
        {
            assert_eq!(is_enabled(&|_| Some(value.to_owned())), enabled, "{value:?}");
        }
        assert!(!is_enabled(&|_| None));
    }

    #[test]
    fn without_any_id_a_logger_makes_one_of_component_process_and_suffix() {
        let id = own_correlation_id("MA", &|_| None);
        let parts: Vec<&str> = id.split('-').collect();
        assert_eq!((parts[0], parts[1], parts[2].len()), ("ma", std::process::id().to_string().as_str(), 3));
        let inherited = own_correlation_id("MA", &|_| Some("cli-1-abc".to_owned()));
        assert_eq!(inherited, "cli-1-abc");
    }

    #[test]
    fn a_logger_that_is_off_notes_nothing() {
        let logger = CheckpointLogger::with_client("MA", CheckpointClient::off());
        logger.checkpoint_entry("REST", "/x", None);
        drop(logger.operation("REST", "/x"));
        assert!(!logger.is_enabled());
    }
}
