//! What the server counts about itself, and how Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::model::{Nanos, Written};
use crate::server::project_counts::Counts;
use crate::server::rate::Rate;
use crate::store::DiskUse;

/// Counters since the start of this run.
#[derive(Debug)]
pub(crate) struct Counters {
    /// When the server started, by its clock.
    pub(crate) started: Nanos,
    running_since: Instant,
    /// How many records were stored.
    pub(crate) accepted: AtomicU64,
    /// How many records were there already.
    pub(crate) duplicates: AtomicU64,
    /// How many records were refused while their neighbours were taken.
    pub(crate) rejected: AtomicU64,
    /// How many requests had metrics, which are checked and dropped.
    pub(crate) metrics_dropped: AtomicU64,
    /// How many checkpoints were stored that came through the checkpoint API.
    pub(crate) checkpoints_accepted: AtomicU64,
    /// How many checkpoints were there already that came through the checkpoint API.
    pub(crate) checkpoints_duplicate: AtomicU64,
    recent_requests: Mutex<Rate>,
    /// When the last records were stored, unix nanoseconds; 0 is never.
    last_received_ns: AtomicU64,
    last_write_failed: AtomicBool,
    // Keys are routes of our own table and statuses, so both maps stay small whatever clients send.
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    failures: Mutex<BTreeMap<&'static str, u64>>,
    webhooks: Mutex<BTreeMap<&'static str, u64>>,
}

/// Values the counters do not hold themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gauges {
    /// How many connections are open now, and how many had to make way for others since the start.
    pub(crate) connections: (usize, u64),
    /// Bytes of request bodies held now.
    pub(crate) in_flight_bytes: usize,
    /// Bytes of the database on disk; `None` when it cannot be looked at.
    pub(crate) database_bytes: Option<u64>,
    /// What the database takes of its disk besides; `None` when it does not lie on this machine.
    pub(crate) disk: Option<DiskUse>,
    /// Rows of the database that do not decode; `None` when it cannot be looked at.
    pub(crate) damaged_rows: Option<u64>,
}

/// A rule of redaction, its action, and how many secrets it found.
pub(crate) type Redacted = (String, &'static str, u64);

impl Counters {
    /// Counters that are all zero.
    pub(crate) fn new() -> Counters {
        Counters {
            started: Nanos::now(),
            running_since: Instant::now(),
            accepted: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            metrics_dropped: AtomicU64::new(0),
            checkpoints_accepted: AtomicU64::new(0),
            checkpoints_duplicate: AtomicU64::new(0),
            recent_requests: Mutex::default(),
            last_received_ns: AtomicU64::new(0),
            last_write_failed: AtomicBool::new(false),
            requests: Mutex::default(),
            failures: Mutex::default(),
            webhooks: Mutex::default(),
        }
    }

    /// What came from and went to all callers together.
    pub(crate) fn all(&self) -> Counts {
        Counts {
            accepted: self.accepted.load(Ordering::Relaxed),
            duplicates: self.duplicates.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            failed: self.failed(),
            last_received: self.last_received(),
            checkpoints_accepted: self.checkpoints_accepted.load(Ordering::Relaxed),
            checkpoints_duplicate: self.checkpoints_duplicate.load(Ordering::Relaxed),
            recent_requests: self.recent_requests.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Seconds since the start, by a clock nobody sets.
    pub(crate) fn uptime_seconds(&self) -> u64 {
        self.running_since.elapsed().as_secs()
    }

    /// When the last records were stored; `None` when none were in this run.
    pub(crate) fn last_received(&self) -> Option<Nanos> {
        Some(Nanos(self.last_received_ns.load(Ordering::Relaxed))).filter(|time| time.0 > 0)
    }

    /// Whether the latest write failed for a reason of ours.
    pub(crate) fn last_write_failed(&self) -> bool {
        self.last_write_failed.load(Ordering::Relaxed)
    }

    /// Requests that failed for a reason, all reasons together.
    pub(crate) fn failed(&self) -> u64 {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Notes that a batch was stored, and how many records beside it were refused.
    pub(crate) fn stored(&self, written: Written, rejected: usize) {
        self.accepted.fetch_add(written.accepted, Ordering::Relaxed);
        self.duplicates.fetch_add(written.duplicates, Ordering::Relaxed);
        self.rejected.fetch_add(rejected as u64, Ordering::Relaxed);
        self.last_received_ns.store(Nanos::now().0, Ordering::Relaxed);
        self.last_write_failed.store(false, Ordering::Relaxed);
    }

    /// Notes that checkpoints were stored that came through the checkpoint API.
    pub(crate) fn checkpoints_stored(&self, written: Written) {
        self.checkpoints_accepted.fetch_add(written.accepted, Ordering::Relaxed);
        self.checkpoints_duplicate.fetch_add(written.duplicates, Ordering::Relaxed);
    }

    /// Notes that someone asked for the newest checkpoints.
    pub(crate) fn recent_asked(&self) {
        let second = self.uptime_seconds();
        self.recent_requests.lock().unwrap_or_else(PoisonError::into_inner).add(second, 1);
    }

    /// Notes that the store could not write; returns whether it could before.
    pub(crate) fn write_failed(&self) -> bool {
        !self.last_write_failed.swap(true, Ordering::Relaxed)
    }

    /// A request to send records failed.
    pub(crate) fn ingest_failed(&self, reason: &'static str) {
        *self.failures.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// A webhook was called, with this outcome.
    pub(crate) fn webhook_called(&self, outcome: &'static str) {
        *self.webhooks.lock().unwrap_or_else(PoisonError::into_inner).entry(outcome).or_default() += 1;
    }

    /// A request was answered.
    pub(crate) fn answered(&self, route: &str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route.to_owned(), status)).or_default() += 1;
    }

    /// The page of a caller who may know of one project only: what runs here, and what came of that project.
    pub(crate) fn to_prometheus_of(&self, counts: &Counts) -> String {
        let mut page = self.about_the_server();
        page.head("tracehub_records_total", "counter", "Records received of your project, by what became of them.");
        let outcomes = [("accepted", counts.accepted), ("duplicate", counts.duplicates), ("rejected", counts.rejected)];
        for (outcome, count) in outcomes {
            page.line("tracehub_records_total", &[("outcome", outcome)], count);
        }
        page.0
    }

    fn about_the_server(&self) -> Page {
        let mut page = Page(String::new());
        page.head("tracehub_build_info", "gauge", "The version that runs.");
        page.line("tracehub_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        page.head("tracehub_uptime_seconds", "gauge", "Seconds since the server started.");
        page.line("tracehub_uptime_seconds", &[], self.uptime_seconds());
        page
    }

    /// The Prometheus [text format](https://prometheus.io/docs/instrumenting/exposition_formats/).
    pub(crate) fn to_prometheus(&self, gauges: Gauges, redacted: Option<&[Redacted]>) -> String {
        let mut page = self.about_the_server();
        page.head("tracehub_requests_total", "counter", "Requests answered.");
        for ((route, status), count) in self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            page.line("tracehub_requests_total", &[("route", route), ("status", &status.to_string())], *count);
        }
        page.head("tracehub_records_total", "counter", "Records received, by what became of them.");
        for (outcome, counter) in
            [("accepted", &self.accepted), ("duplicate", &self.duplicates), ("rejected", &self.rejected)]
        {
            page.line("tracehub_records_total", &[("outcome", outcome)], counter.load(Ordering::Relaxed));
        }
        page.head("tracehub_ingest_failed_total", "counter", "Requests to send records that failed, by reason.");
        for (reason, count) in self.failures.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            page.line("tracehub_ingest_failed_total", &[("reason", reason)], *count);
        }
        page.head("tracehub_webhook_calls_total", "counter", "Calls of webhooks, by what became of them.");
        for (outcome, count) in self.webhooks.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            page.line("tracehub_webhook_calls_total", &[("outcome", outcome)], *count);
        }
        page.head("tracehub_metrics_dropped_total", "counter", "OTLP metrics requests, which are checked and dropped.");
        page.line("tracehub_metrics_dropped_total", &[], self.metrics_dropped.load(Ordering::Relaxed));
        if let Some(redacted) = redacted {
            page.head("tracehub_redacted_total", "counter", "Secrets taken out of records, by rule and action.");
            for (rule, action, count) in redacted {
                page.line("tracehub_redacted_total", &[("rule", rule), ("action", action)], *count);
            }
        }
        page.head("tracehub_connections", "gauge", "Connections open now.");
        let (connections, released) = gauges.connections;
        page.line("tracehub_connections", &[], connections as u64);
        page.head(
            "tracehub_connections_released_total",
            "counter",
            "Connections that were of no use and made way for others.",
        );
        page.line("tracehub_connections_released_total", &[], released);
        page.head("tracehub_in_flight_bytes", "gauge", "Bytes of request bodies held now.");
        page.line("tracehub_in_flight_bytes", &[], gauges.in_flight_bytes as u64);
        if let Some(bytes) = gauges.database_bytes {
            page.head("tracehub_database_bytes", "gauge", "Bytes of the database on disk.");
            page.line("tracehub_database_bytes", &[], bytes);
        }
        if let Some(disk) = gauges.disk {
            page.head("tracehub_wal_bytes", "gauge", "Bytes of the write-ahead log of the database.");
            page.line("tracehub_wal_bytes", &[], disk.log_bytes);
        }
        if let Some(bytes) = gauges.disk.and_then(|disk| disk.free_bytes) {
            page.head("tracehub_disk_free_bytes", "gauge", "Bytes that are free on the disk of the database.");
            page.line("tracehub_disk_free_bytes", &[], bytes);
        }
        if let Some(rows) = gauges.damaged_rows {
            page.head("tracehub_damaged_rows", "gauge", "Rows of the database that do not decode and were put aside.");
            page.line("tracehub_damaged_rows", &[], rows);
        }
        page.0
    }
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_stands_on_the_page() {
        let counters = Counters::new();
        counters.answered("/v1/traces", 200);
        counters.answered("/v1/traces", 200);
        counters.stored(Written { accepted: 3, duplicates: 1 }, 2);
        counters.ingest_failed("disk_full");
        let gauges = Gauges {
            connections: (1, 0),
            in_flight_bytes: 7,
            database_bytes: None,
            disk: Some(DiskUse { log_bytes: 8, free_bytes: None }),
            damaged_rows: Some(2),
        };
        let page = counters.to_prometheus(gauges, Some(&[("email".to_owned(), "mask", 4)]));
        for line in [
            "tracehub_requests_total{route=\"/v1/traces\",status=\"200\"} 2",
            "tracehub_records_total{outcome=\"accepted\"} 3",
            "tracehub_records_total{outcome=\"rejected\"} 2",
            "tracehub_ingest_failed_total{reason=\"disk_full\"} 1",
            "tracehub_in_flight_bytes 7",
            "tracehub_wal_bytes 8",
            "tracehub_redacted_total{rule=\"email\",action=\"mask\"} 4",
            "tracehub_damaged_rows 2",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
        }
        assert!(!page.contains("database_bytes") && !page.contains("disk_free_bytes"));
    }
}
