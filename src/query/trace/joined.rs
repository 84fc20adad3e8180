//! Checkpoints joined with spans: operations and stray records become steps behind the spans of a report, so that
//! everything that reads spans reads them too.
//!
//! Steps stand beside the spans, on the same axis, not inside them: nothing but time would tie an operation to a span,
//! and clocks differ and requests overlap. Among themselves steps nest by source and time, with one exception: an open
//! operation contains everything that came later, so open ones stand flat, or a few that hang would make a staircase.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde_json::Value as Json;

use super::report::TraceReport;
use super::steps::{Step, Steps};
use crate::model::{
    Attributes, Checkpoint, Direction, Kind, Nanos, Resource, Scope, Span, SpanId, Status, Text, Value,
};

/// How many operations are asked, from the inside out, whether a moment lies in them.
const MOST_ASKED: usize = 64;

/// What a host that does not know its name sends.
const UNKNOWN_HOST: &str = "unknown";

impl TraceReport {
    /// The report with steps behind its spans; `None` for a trace without checkpoints.
    pub fn with_steps(&self) -> Option<TraceReport> {
        if self.trace.checkpoints.is_empty() {
            return None;
        }
        let mut trace = self.trace.clone();
        let mut steps = Steps { spans: trace.spans.len(), all: Vec::new() };
        let rows = Rows::new(self);
        for (span, step) in rows.operations().chain(rows.strays()) {
            trace.spans.push(span);
            steps.all.push(step);
        }
        let span_ids: FxHashSet<SpanId> = self.trace.spans.iter().map(|span| span.span_id).collect();
        for log in &mut trace.logs {
            if log.span_id.is_none_or(|id| !span_ids.contains(&id)) {
                log.span_id = rows.innermost(&log.resource.service, log.time).or(log.span_id);
            }
        }
        // Steps stand behind the spans, so those keep their places, and with them their issues.
        let mut joined = TraceReport { issues: self.issues.clone(), ..TraceReport::new(trace) };
        // What is odd about a span is not odd about a step, and what a span was sent with is known here.
        joined.warnings.clone_from(&self.warnings);
        joined.warnings.resize(joined.trace.spans.len(), Vec::new());
        joined.sent_times.clone_from(&self.sent_times);
        joined.steps = steps;
        Some(joined)
    }
}

/// The steps of a report while they are made.
struct Rows<'a> {
    report: &'a TraceReport,
    /// Ids no span has: of the operations, then of the strays.
    ids: Vec<SpanId>,
    /// The operations of each source in order of entry. The default hasher, because the keys come from outside.
    of_source: HashMap<&'a str, Vec<usize>>,
    resources: HashMap<&'a str, Arc<Resource>>,
    scope: Arc<Scope>,
    /// Checkpoints that come from another machine than the one before them of the same source.
    new_hosts: FxHashSet<usize>,
}

impl<'a> Rows<'a> {
    fn new(report: &'a TraceReport) -> Rows<'a> {
        let paired = &report.operations;
        let mut of_source: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, operation) in paired.operations.iter().enumerate() {
            of_source.entry(&operation.source).or_default().push(index);
        }
        let resource = |checkpoint: &'a Checkpoint| {
            let service = checkpoint.source_id.clone();
            (checkpoint.source_id.as_str(), Arc::new(Resource { service, ..Resource::default() }))
        };
        Rows {
            ids: free_ids(&report.trace.spans, paired.operations.len() + paired.strays.len()),
            of_source,
            resources: report.trace.checkpoints.iter().map(resource).collect(),
            scope: Arc::default(),
            new_hosts: new_hosts(&report.trace.checkpoints),
            report,
        }
    }

    fn operations(&self) -> impl Iterator<Item = (Span, Step)> {
        self.report.operations.operations.iter().zip(&self.ids).filter_map(|(operation, id)| {
            let enter = self.checkpoint(operation.enter)?;
            let exit = operation.exit.and_then(|exit| Some((exit, self.checkpoint(exit)?)));
            let mut span = self.span(enter, *id);
            span.attributes = Attributes(self.payload(operation.enter).collect());
            let Some((place, exit)) = exit else { return Some((span, Step::Open)) };
            span.attributes.0.extend(self.payload(place));
            // An end of zero would say that it has not ended.
            span.end = exit.time().max(Nanos(1));
            span.parent_span_id = operation.parent.and_then(|parent| self.ids.get(parent)).copied();
            Some((span, Step::Closed))
        })
    }

    fn strays(&self) -> impl Iterator<Item = (Span, Step)> {
        let ids = self.ids.iter().skip(self.report.operations.operations.len());
        self.report.operations.strays.iter().zip(ids).filter_map(|(stray, id)| {
            let checkpoint = self.checkpoint(*stray)?;
            let direction = checkpoint.direction.as_str();
            let mut span = self.span(checkpoint, *id);
            span.end = span.start.max(Nanos(1));
            span.name = Text::from(format!("{direction} {}", span.name));
            span.attributes = Attributes(self.payload(*stray).collect());
            span.parent_span_id = self.innermost(&checkpoint.source_id, checkpoint.time());
            let is_exit = checkpoint.direction == Direction::Exit;
            Some((span, if is_exit { Step::Exit } else { Step::Note }))
        })
    }

    fn checkpoint(&self, index: usize) -> Option<&'a Checkpoint> {
        self.report.trace.checkpoints.get(index)
    }

    fn time(&self, index: usize) -> Nanos {
        self.checkpoint(index).map_or(Nanos(0), Checkpoint::time)
    }

    /// The innermost operation of a source in which a moment lies.
    fn innermost(&self, source: &str, time: Nanos) -> Option<SpanId> {
        let operations = &self.report.operations.operations;
        let own = self.of_source.get(source)?;
        let began = own.partition_point(|index| operations.get(*index).is_some_and(|one| self.time(one.enter) <= time));
        // The latest to begin, or one it ran inside: whatever contains the moment contains it too, or ended earlier.
        let mut at = own.get(began.checked_sub(1)?).copied();
        for _ in 0..MOST_ASKED {
            let index = at?;
            let operation = operations.get(index)?;
            if operation.source == source && operation.exit.is_none_or(|exit| self.time(exit) >= time) {
                return self.ids.get(index).copied();
            }
            at = operation.parent;
        }
        None
    }

    /// What a checkpoint carries, by its direction: the fields of its payload, its machine where that is new, and the
    /// line it was read from.
    fn payload(&self, index: usize) -> impl Iterator<Item = (Text, Value)> {
        let checkpoint = self.checkpoint(index);
        let data = match checkpoint.and_then(|one| one.data.as_deref()).map(|data| (data, serde_json::from_str(data))) {
            None => Vec::new(),
            Some((_, Ok(Json::Object(fields)))) => {
                fields.into_iter().map(|(key, value)| (key, one_line(value))).collect()
            }
            Some((data, _)) => vec![("data".to_owned(), data.to_owned())],
        };
        let host = checkpoint.filter(|_| self.new_hosts.contains(&index)).map(|one| &one.hostname);
        let line = checkpoint.and_then(|one| one.raw_line.as_ref());
        let notes = [("host", host), ("line", line)].into_iter();
        let notes = notes.filter_map(|(key, text)| Some((key.to_owned(), text?.to_string())));
        let direction = checkpoint.map_or("", |one| one.direction.as_str());
        let fields = data.into_iter().chain(notes);
        fields.map(move |(key, value)| (Text::from(format!("{direction} {key}")), Value::from(value.as_str())))
    }

    /// A row that begins with a checkpoint and has not ended.
    fn span(&self, checkpoint: &Checkpoint, id: SpanId) -> Span {
        let resource = self.resources.get(checkpoint.source_id.as_str()).cloned().unwrap_or_default();
        Span {
            trace_id: checkpoint.trace_id.clone(),
            span_id: id,
            parent_span_id: None,
            trace_state: Text::EMPTY,
            flags: 0,
            name: checkpoint.name(),
            kind: Kind::Internal,
            start: checkpoint.time(),
            end: Nanos(0),
            attributes: Attributes::EMPTY,
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Status::default(),
            resource,
            scope: Arc::clone(&self.scope),
        }
    }
}

fn free_ids(spans: &[Span], count: usize) -> Vec<SpanId> {
    let taken: FxHashSet<SpanId> =
        spans.iter().flat_map(|span| [Some(span.span_id), span.parent_span_id]).flatten().collect();
    let ids = (1..=u64::MAX).rev().map(|number| SpanId(number.to_be_bytes()));
    ids.filter(|id| !taken.contains(id)).take(count).collect()
}

fn new_hosts(checkpoints: &[Checkpoint]) -> FxHashSet<usize> {
    let mut last: HashMap<&str, &str> = HashMap::new();
    let is_new = |checkpoint: &Checkpoint| checkpoint.hostname != UNKNOWN_HOST;
    let new = checkpoints.iter().enumerate().filter(|(_, checkpoint)| is_new(checkpoint)).filter_map(
        |(index, checkpoint)| {
            let before = last.insert(&checkpoint.source_id, &checkpoint.hostname);
            (before != Some(checkpoint.hostname.as_str())).then_some(index)
        },
    );
    new.collect()
}

fn one_line(value: Json) -> String {
    match value {
        Json::String(text) => text,
        other => other.to_string(),
    }
}
