//! One request of the soak: some records of one kind in one trace, all of which follow from two numbers, so that what was
//! sent can be told from what is read without keeping it.

use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use crate::model::{Checkpoint, LogRecord, Span, TraceId};

/// Most records of a unit.
const MOST_RECORDS: u64 = 24;
/// What the ids of traces of spans and logs begin with.
const MARK: u64 = 0x50a4_50a4;
/// What the correlation ids of checkpoints begin with.
const CORRELATION: &str = "soak";

/// The kind of records of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Spans over OTLP.
    Spans,
    /// Log records over OTLP.
    Logs,
    /// Checkpoints as the published clients send them.
    Checkpoints,
}

/// A unit by the numbers it follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    /// The connection that sends it.
    pub connection: u32,
    /// Its number among those of the connection.
    pub number: u64,
}

/// A number that looks like chance and follows from another.
pub fn mix(number: u64) -> u64 {
    xxh3_64(&number.to_le_bytes())
}

impl Unit {
    fn chance(self, salt: u64) -> u64 {
        mix(mix(self.number ^ u64::from(self.connection) << 40) ^ salt)
    }

    /// The kind of its records.
    pub fn kind(self) -> Kind {
        match self.chance(1) % 4 {
            0 => Kind::Logs,
            1 => Kind::Checkpoints,
            _ => Kind::Spans,
        }
    }

    /// How many records it has.
    pub fn records(self) -> u64 {
        1 + self.chance(2) % MOST_RECORDS
    }

    /// Text of a record, which nothing else has.
    fn text(self, place: u64) -> String {
        format!("{:016x}-{place}", self.chance(100 + place))
    }

    fn time_ns(self, place: u64) -> u64 {
        // Any times do; these are of a day in 2026.
        1_795_252_442_000_000_000 + u64::from(self.connection) * 1_000_000_000 + self.number * 1_000_000 + place * 1_000
    }

    /// The id of its trace.
    pub fn trace_id(self) -> TraceId {
        match self.kind() {
            Kind::Checkpoints => {
                crate::model::checkpoint::trace_id(&format!("{CORRELATION}-{}-{}", self.connection, self.number))
            }
            Kind::Spans | Kind::Logs => {
                let high = MARK << 32 | u64::from(self.connection);
                let id = format!("{high:016x}{:016x}", self.number);
                TraceId::parse(&id).unwrap_or_else(|_| crate::model::checkpoint::trace_id(&id))
            }
        }
    }

    /// The unit whose trace has an id; `None` for a trace of nobody.
    pub fn of_trace(id: &TraceId) -> Option<Unit> {
        let text = id.to_string();
        let unit = match text.strip_prefix(CORRELATION) {
            Some(rest) => {
                let mut numbers = rest.trim_start_matches('-').split('-');
                Unit { connection: numbers.next()?.parse().ok()?, number: numbers.next()?.parse().ok()? }
            }
            None => Unit {
                connection: u32::from_str_radix(text.get(8..16)?, 16).ok()?,
                number: u64::from_str_radix(text.get(16..)?, 16).ok()?,
            },
        };
        (unit.trace_id() == *id).then_some(unit)
    }

    /// The path and the body of its request.
    pub fn request(self) -> (&'static str, String) {
        let id = self.trace_id().to_string();
        let places = 0..self.records();
        let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "soak"}}]});
        match self.kind() {
            Kind::Spans => {
                let span = |place: u64| {
                    json!({
                        "traceId": id, "spanId": format!("{:016x}", place + 1), "name": self.text(place),
                        "parentSpanId": if place == 0 { String::new() } else { format!("{place:016x}") },
                        "startTimeUnixNano": self.time_ns(place).to_string(),
                        "endTimeUnixNano": (self.time_ns(place) + 500_000).to_string(),
                    })
                };
                let spans: Vec<_> = places.map(span).collect();
                let body = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]});
                ("/v1/traces", body.to_string())
            }
            Kind::Logs => {
                let log = |place: u64| {
                    json!({
                        "traceId": id, "timeUnixNano": self.time_ns(place).to_string(), "severityNumber": 9,
                        "body": {"stringValue": self.text(place)},
                    })
                };
                let logs: Vec<_> = places.map(log).collect();
                let body = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": logs}]}]});
                ("/v1/logs", body.to_string())
            }
            Kind::Checkpoints => {
                let checkpoint = |place: u64| {
                    json!({
                        "source_id": "SK", "correlation_id": id, "timestamp": (self.time_ns(place) / 1_000_000) as f64,
                        "suffix": place.to_string(), "direction": "->", "operation": "REST", "endpoint": self.text(place),
                        "data": null, "hostname": "soak", "raw_line": null,
                    })
                };
                let checkpoints: Vec<_> = places.map(checkpoint).collect();
                ("/ingest", json!({ "traces": checkpoints }).to_string())
            }
        }
    }

    /// The place of a span among its records; `None` when it is not what was sent.
    pub fn place_of_span(self, span: &Span) -> Option<u64> {
        let place = u64::from_str_radix(&span.span_id.to_string(), 16).ok()?.checked_sub(1)?;
        let is_sent = self.kind() == Kind::Spans
            && place < self.records()
            && span.name.as_str() == self.text(place)
            && (span.start.0, span.end.0) == (self.time_ns(place), self.time_ns(place) + 500_000)
            && span.parent_span_id.is_none() == (place == 0);
        is_sent.then_some(place)
    }

    /// The place of a log record among its records; `None` when it is not what was sent.
    pub fn place_of_log(self, log: &LogRecord) -> Option<u64> {
        let place = self.place_in_text(&log.message)?;
        (self.kind() == Kind::Logs && log.time.0 == self.time_ns(place)).then_some(place)
    }

    /// The place of a checkpoint among its records; `None` when it is not what was sent.
    pub fn place_of_checkpoint(self, checkpoint: &Checkpoint) -> Option<u64> {
        let place = self.place_in_text(&checkpoint.endpoint)?;
        let is_sent = self.kind() == Kind::Checkpoints && checkpoint.suffix.as_str() == place.to_string();
        is_sent.then_some(place)
    }

    fn place_in_text(self, text: &str) -> Option<u64> {
        let place: u64 = text.rsplit('-').next()?.parse().ok()?;
        (place < self.records() && text == self.text(place)).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::decode::body::MediaType;
    use crate::decode::{checkpoint, otlp};

    #[test]
    fn every_record_of_a_unit_is_known_again_and_a_changed_one_is_not() {
        let mut kinds = std::collections::BTreeSet::new();
        for number in 0..200 {
            let unit = Unit { connection: 3, number };
            assert_eq!(Unit::of_trace(&unit.trace_id()), Some(unit));
            kinds.insert(unit.kind());
            let body = Bytes::from(unit.request().1);
            let places: Vec<Option<u64>> = match unit.kind() {
                Kind::Spans => {
                    let mut spans = otlp::traces(&body, MediaType::Json).expect("OTLP").batch.spans;
                    let places = spans.iter().map(|span| unit.place_of_span(span)).collect();
                    spans[0].end.0 += 1;
                    assert_eq!(unit.place_of_span(&spans[0]), None);
                    places
                }
                Kind::Logs => {
                    let logs = otlp::logs(&body, MediaType::Json).expect("OTLP").batch.logs;
                    logs.iter().map(|log| unit.place_of_log(log)).collect()
                }
                Kind::Checkpoints => {
                    let checkpoints = checkpoint::batch(&body).expect("checkpoints");
                    checkpoints.0.iter().map(|checkpoint| unit.place_of_checkpoint(checkpoint)).collect()
                }
            };
            assert_eq!(places, (0..unit.records()).map(Some).collect::<Vec<_>>(), "{unit:?}");
        }
        assert_eq!(kinds.len(), 3);
    }
}
