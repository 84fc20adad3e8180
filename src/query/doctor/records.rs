//! What only the records tell: spans whose parents never came, and how that happened.
//!
//! The newest traces are read that nothing arrives for any more. In a trace with a root, a span without its parent was cut off
//! from it on the way: something was dropped. In a trace without one, whoever began it does not send here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::finding::{Finding, Verdict};
use super::wording::counted;
use crate::model::sender::Sender;
use crate::model::time::NANOS_PER_SECOND;
use crate::model::{Nanos, RecordFilter, RecordKind, Sort, Text, Trace, TraceQuery};
use crate::query::facets;
use crate::store::{self, Backend};

/// How many traces are read at most.
const MOST_TRACES: usize = 200;
/// How many spans are read at most.
const MOST_SPANS: u64 = 100_000;
/// How long after its last record a trace counts as complete.
const SETTLED_NS: u64 = 30 * NANOS_PER_SECOND;
/// How long reading may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many records are read in one go.
const STEP: usize = 5_000;
/// One trace in so many with a gap is no accident.
const NOTICEABLE: u64 = 50;

/// What the newest records tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfRecords {
    /// How many traces were looked at.
    pub traces: u64,
    /// How the traces of each service look.
    pub services: BTreeMap<Text, ServiceShape>,
    /// How many records could be read in the time there was.
    pub readable: u64,
    /// Why reading them stopped; `None` when all could be read, or the time was up.
    pub unreadable: Option<String>,
    /// What was left out or mended while reading.
    pub warnings: Vec<String>,
}

/// How the traces of a service look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceShape {
    /// In how many traces the service has spans.
    pub traces: u64,
    /// How many of them have a root, and a span of this service whose parent is missing.
    pub with_gaps: u64,
    /// How many spans of those miss their parent.
    pub cut_off: u64,
    /// How many of them have no root, and a span of this service whose parent is missing.
    pub without_root: u64,
    /// An example of a trace with a gap, or else without a root.
    pub example: Option<String>,
}

/// Reads the newest traces, and as many records as the time allows.
///
/// # Errors
/// The traces cannot be listed.
pub async fn look_through(backend: &dyn Backend, now: Nanos) -> store::Result<OfRecords> {
    let mut found = OfRecords::default();
    let (deadline, mut spans) = (Instant::now() + PATIENCE, 0);
    let query =
        TraceQuery { kind: Some(RecordKind::Spans), sort: Sort::Start, limit: MOST_TRACES, ..TraceQuery::default() };
    for summary in backend.traces(&query).await?.items {
        let is_settled = now.since(summary.end) >= SETTLED_NS || summary.end > now;
        if !is_settled || spans + summary.span_count > MOST_SPANS {
            continue;
        }
        if Instant::now() > deadline {
            break;
        }
        spans += summary.span_count;
        match backend.trace(&summary.trace_id).await {
            Ok(trace) => trace.iter().for_each(|trace| found.add(trace)),
            Err(error) => {
                found.unreadable.get_or_insert_with(|| format!("trace {}: {error}", summary.trace_id));
            }
        }
    }
    found.read_all(backend, Instant::now() + PATIENCE).await;
    found.warnings = backend.warnings().into_iter().map(|warning| warning.text).collect();
    Ok(found)
}

impl OfRecords {
    /// Adds what a trace tells.
    fn add(&mut self, trace: &Trace) {
        self.traces += 1;
        let ids: std::collections::HashSet<_> = trace.spans.iter().map(|span| span.span_id).collect();
        let has_root = trace.spans.iter().any(|span| span.parent_span_id.is_none());
        let mut cut_off: BTreeMap<&Text, u64> = BTreeMap::new();
        for span in &trace.spans {
            let is_cut_off = span.parent_span_id.is_some_and(|parent| !ids.contains(&parent));
            *cut_off.entry(span.service()).or_default() += u64::from(is_cut_off);
        }
        for (service, cut_off) in cut_off {
            let shape = self.services.entry(service.clone()).or_default();
            shape.traces += 1;
            if cut_off == 0 {
                continue;
            }
            shape.example.get_or_insert_with(|| trace.summary.trace_id.to_string());
            match has_root {
                true => {
                    shape.with_gaps += 1;
                    shape.cut_off += cut_off;
                }
                false => shape.without_root += 1,
            }
        }
    }

    /// Reads every record until a deadline, to see whether it can be read.
    async fn read_all(&mut self, backend: &dyn Backend, deadline: Instant) {
        let Ok(feed) = facets::feed(backend) else { return };
        let mut place = None;
        while Instant::now() < deadline {
            match feed.scan(&RecordFilter::default(), place.as_ref(), STEP, Duration::ZERO).await {
                Ok(chunk) => {
                    self.readable += chunk.batch.len() as u64;
                    if chunk.at_end {
                        return;
                    }
                    place = Some(chunk.next);
                }
                Err(error) => {
                    self.unreadable.get_or_insert_with(|| error.to_string());
                    return;
                }
            }
        }
    }
}

/// The findings about whether records can be read.
pub fn judge_reading(records: &OfRecords) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &records.unreadable {
        Some(why) => findings.push(
            Finding::of_file("records", Verdict::Error, format!("some records cannot be read: {why}"))
                .fix("tracehub list --limit 0"),
        ),
        None if records.readable > 0 => {
            let text = format!("{} read back", counted(records.readable, "record"));
            findings.push(Finding::of_file("records", Verdict::Fine, text));
        }
        None => {}
    }
    let warnings = records.warnings.iter();
    findings.extend(warnings.map(|text| Finding::of_file("reading", Verdict::Warning, text.clone())));
    findings
}

/// The findings about services whose traces have gaps or no beginning, each with the sender it comes from.
pub fn judge_shapes(records: &OfRecords, senders: &[Sender]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (service, shape) in &records.services {
        let sender = senders.iter().position(|sender| sender.services.iter().any(|known| known.name == *service));
        let example = shape.example.as_deref().unwrap_or_default();
        let of = counted(shape.traces, "trace");
        if shape.with_gaps * NOTICEABLE >= shape.traces.max(1) {
            let spans = counted(shape.cut_off, "span");
            let text = format!(
                "{} of {of} of {service} have gaps: {spans} whose parent never came, as when a full queue or a sampler \
                 drops spans or a process ends without a flush; see {example}",
                shape.with_gaps
            );
            findings.push(
                Finding::of_sender("gaps", Verdict::Warning, sender, text)
                    .count(shape.with_gaps)
                    .service(service)
                    .fix("OTEL_BSP_MAX_QUEUE_SIZE=16384 OTEL_BSP_SCHEDULE_DELAY=1000 OTEL_TRACES_SAMPLER=parentbased_always_on"),
            );
        }
        if shape.without_root * NOTICEABLE >= shape.traces.max(1) {
            let text = format!(
                "{} of {of} of {service} miss their parent: whoever calls it does not send here, or samples on its own; \
                 see {example}",
                shape.without_root
            );
            findings.push(
                Finding::of_sender("missing_parents", Verdict::Warning, sender, text)
                    .count(shape.without_root)
                    .service(service)
                    .fix("OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=parentbased_always_on"),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::body::MediaType;
    use crate::decode::otlp;
    use crate::model::TraceId;
    use crate::model::sender::SenderService;

    /// A trace of spans of a service, each with its id and that of its parent.
    fn trace(service: &str, spans: &[(u64, u64)]) -> Trace {
        let id = "5b8efff798038103d269b633813fc60c";
        let span = |(span, parent): &(u64, u64)| {
            let parent = if *parent == 0 { String::new() } else { format!(r#""parentSpanId":"{parent:016x}","#) };
            format!(
                r#"{{"traceId":"{id}","spanId":"{span:016x}",{parent}"name":"x",
                "startTimeUnixNano":"1795252442000000000","endTimeUnixNano":"1795252442000000001"}}"#
            )
        };
        let spans: Vec<String> = spans.iter().map(span).collect();
        let resource = format!(r#"{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}}"#);
        let request = format!(
            r#"{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
            spans.join(",")
        );
        let decoded = otlp::traces(&bytes::Bytes::from(request), MediaType::Json).expect("OTLP");
        Trace::new(TraceId::parse(id).expect("an id"), decoded.batch.spans, Vec::new(), Vec::new()).expect("records")
    }

    fn checks(traces: &[Trace]) -> Vec<String> {
        let mut records = OfRecords::default();
        traces.iter().for_each(|trace| records.add(trace));
        let service = SenderService { name: Text::from("shop"), ..SenderService::default() };
        let senders = [Sender::default(), Sender { services: vec![service], ..Sender::default() }];
        let findings = judge_shapes(&records, &senders);
        findings.iter().map(|found| format!("{} {:?} {:?}", found.check, found.sender, found.count)).collect()
    }

    #[test]
    fn a_gap_in_a_trace_with_a_root_is_told_from_a_trace_without_one() {
        assert_eq!(checks(&[trace("shop", &[(1, 0), (2, 1), (3, 2)])]), Vec::<String>::new());
        assert_eq!(checks(&[trace("shop", &[(1, 0), (2, 1), (4, 3)])]), ["gaps Some(1) Some(1)"]);
        assert_eq!(checks(&[trace("shop", &[(2, 1), (3, 2)])]), ["missing_parents Some(1) Some(1)"]);
        assert_eq!(checks(&[trace("other", &[(2, 1)])]), ["missing_parents None Some(1)"]);
    }

    #[test]
    fn one_late_span_among_many_traces_is_an_accident() {
        let mut traces = vec![trace("shop", &[(1, 0)]); 60];
        traces.push(trace("shop", &[(1, 0), (4, 3)]));
        assert_eq!(checks(&traces), Vec::<String>::new());
    }
}
