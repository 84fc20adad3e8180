//! A finding: one thing that was looked at, how it is, and the line that mends it.

use crate::model::Text;
use crate::model::words::words;

words! {
    /// How bad a finding is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Verdict {
        /// It is as it should be.
        Fine = "ok",
        /// It is worth knowing, and nothing is wrong.
        Note = "note",
        /// It may become a problem, or makes answers worse.
        Warning = "warning",
        /// Records are lost, or the database is not safe.
        Error = "error",
    }
}

words! {
    /// What a finding is about.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Area {
        /// The database file.
        File = "file",
        /// The server.
        Server = "server",
        /// A program that sends.
        Sender = "sender",
    }
}

/// One thing that was looked at, how it is, and the line that mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in one word that stays the same.
    pub check: &'static str,
    /// How bad it is.
    pub verdict: Verdict,
    /// What it is about.
    pub area: Area,
    /// The place of the sender in the report; `None` when the finding is about none, or about one nobody knows.
    pub sender: Option<usize>,
    /// The service it is about, where it is about one.
    pub service: Option<Text>,
    /// What was found, one sentence without a capital or a full stop.
    pub text: String,
    /// How often it was found; `None` for what is not counted.
    pub count: Option<u64>,
    /// A line to paste that mends it: a command, or a variable for the environment of the sender.
    pub fix: Option<String>,
}

impl Finding {
    /// A finding about the file.
    pub fn of_file(check: &'static str, verdict: Verdict, text: impl Into<String>) -> Finding {
        Finding::new(Area::File, check, verdict, text.into())
    }

    /// A finding about the server.
    pub fn of_server(check: &'static str, verdict: Verdict, text: impl Into<String>) -> Finding {
        Finding::new(Area::Server, check, verdict, text.into())
    }

    /// A finding about a sender, which has a place in the report unless nobody knows it.
    pub fn of_sender(check: &'static str, verdict: Verdict, sender: Option<usize>, text: impl Into<String>) -> Finding {
        Finding { sender, ..Finding::new(Area::Sender, check, verdict, text.into()) }
    }

    fn new(area: Area, check: &'static str, verdict: Verdict, text: String) -> Finding {
        Finding { check, verdict, area, sender: None, service: None, text, count: None, fix: None }
    }

    /// Adds the line that mends it.
    pub fn fix(self, line: impl Into<String>) -> Finding {
        Finding { fix: Some(line.into()), ..self }
    }

    /// Adds how often it was found.
    pub fn count(self, count: u64) -> Finding {
        Finding { count: Some(count), ..self }
    }

    /// Adds the service it is about.
    pub fn service(self, service: &Text) -> Finding {
        Finding { service: Some(service.clone()), ..self }
    }
}
