//! The whole report: what is known, and what was found.

use super::finding::{Area, Finding, Verdict};
use super::mend::Endpoints;
use super::records::OfRecords;
use super::server::ServerFacts;
use super::{file, records, secrets, senders, server};
use crate::model::sender::Sender;
use crate::model::{Nanos, Text};
use crate::store::redact::{Found, Redactor, Tally, redact_sender};
use crate::store::sqlite::examine::FileFacts;

/// What is known of a database, its server and those who send, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Where was looked: a path or a URL.
    pub looked_at: String,
    /// The file; `None` when only a server was asked.
    pub file: Option<FileFacts>,
    /// The server; `None` when none runs or answers.
    pub server: Option<ServerFacts>,
    /// Why the server does not say all it knows, or anything.
    pub trouble: Option<String>,
    /// Those who send, the one heard of last first.
    pub senders: Vec<Sender>,
    /// What the newest records tell; `None` when they cannot be read.
    pub records: Option<OfRecords>,
    /// Which secrets the records hold; `None` when that was not asked.
    pub secrets: Option<Found>,
    /// The line that takes secrets out.
    pub secrets_fix: String,
    /// What was found; filled in by [`Report::judge`].
    pub findings: Vec<Finding>,
}

impl Report {
    /// Judges what is known.
    pub fn judge(mut self, now: Nanos) -> Report {
        let endpoints = self.server.as_ref().map(ServerFacts::endpoints).unwrap_or_default();
        let mut findings = Vec::new();
        if let Some(file) = &self.file {
            findings.extend(file::judge(file));
        }
        if let Some(records) = &self.records {
            findings.extend(records::judge_reading(records));
        }
        if let Some(found) = &self.secrets {
            findings.extend(secrets::judge(found, &self.secrets_fix));
        }
        findings.extend(self.judge_server());
        findings.extend(self.judge_senders(&endpoints, now));
        self.findings = findings;
        self
    }

    /// Takes out of what is known what the rules find: services, agents and ids may be secrets themselves.
    pub fn redact(&mut self, redactor: &Redactor) {
        self.senders.iter_mut().for_each(|sender| redact_sender(redactor, sender));
        let redacted = |text: &str| redactor.text(None, text, &mut Tally::default());
        if let Some(records) = &mut self.records {
            for (service, mut shape) in std::mem::take(&mut records.services) {
                if let Some(example) = shape.example.as_deref().and_then(redacted) {
                    shape.example = Some(example);
                }
                records.services.insert(redacted(&service).map_or(service, Text::from), shape);
            }
        }
    }

    fn judge_server(&self) -> Vec<Finding> {
        let mut findings = match (&self.server, &self.file) {
            (Some(server), _) => server::judge(server),
            (None, None) => {
                let text = self.trouble.as_deref().unwrap_or("nobody answers there");
                vec![Finding::of_server("server_down", Verdict::Error, text).fix("tracehub start")]
            }
            (None, Some(_)) => vec![server::none_runs(self.trouble.as_deref(), &self.looked_at)],
        };
        if let (Some(_), Some(trouble)) = (&self.server, &self.trouble) {
            findings.push(Finding::of_server("server_silent", Verdict::Note, trouble));
        }
        findings
    }

    fn judge_senders(&self, endpoints: &Endpoints, now: Nanos) -> Vec<Finding> {
        let each = self.senders.iter().enumerate();
        let mut findings: Vec<Finding> =
            each.flat_map(|(place, sender)| senders::judge(place, sender, endpoints, now)).collect();
        if let Some(records) = &self.records {
            findings.extend(records::judge_shapes(records, &self.senders));
        }
        findings
    }

    /// How many findings are this bad.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// The worst of all findings.
    pub fn worst(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Fine)
    }

    /// Whether nothing is wrong.
    pub fn is_fine(&self) -> bool {
        self.worst() < Verdict::Warning
    }

    /// The findings about the file or the server.
    pub fn of(&self, area: Area) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.area == area)
    }

    /// The findings about one sender, the worst first; with `None` those about services whose sender nobody knows.
    pub fn of_sender(&self, place: Option<usize>) -> Vec<&Finding> {
        let mut found: Vec<&Finding> = self.of(Area::Sender).filter(|finding| finding.sender == place).collect();
        found.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        found
    }
}
