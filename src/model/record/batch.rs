//! Batches: what decoders yield and stores take, and what became of one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Attributes, Checkpoint, Event, Link, LogRecord, PROJECT_ATTRIBUTE, Resource, Span, Text, Value};

/// Records that arrived together and are committed together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Spans, in the order sent.
    pub spans: Vec<Span>,
    /// Log records, in the order sent.
    pub logs: Vec<LogRecord>,
    /// Checkpoints, in the order sent.
    pub checkpoints: Vec<Checkpoint>,
}

impl Batch {
    /// A batch of spans only.
    pub fn of_spans(spans: Vec<Span>) -> Batch {
        Batch { spans, ..Batch::default() }
    }

    /// How many records of all kinds the batch holds.
    pub fn len(&self) -> usize {
        self.spans.len() + self.logs.len() + self.checkpoints.len()
    }

    /// Whether the batch holds no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About the bytes of memory that the records take: what is two bytes in a request may be a hundred here. Text is not
    /// counted, since it lies in the body of the request, nor is what records share.
    pub fn memory_bytes(&self) -> usize {
        let spans: usize = self.spans.iter().map(memory_of_span).sum();
        let logs: usize = self.logs.iter().map(|log| size_of::<LogRecord>() + memory_of_pairs(&log.attributes.0)).sum();
        spans + logs + self.checkpoints.len() * size_of::<Checkpoint>()
    }

    /// Puts the records into a project, whatever the sender had said: the project of a checkpoint is a field of its
    /// own, that of spans and log records stands on their resources.
    pub fn assign_project(&mut self, project: &Text) {
        self.assign_project_where(project, |_| true);
    }

    /// Puts the records that are in no project into one; the others stay where they are.
    pub fn assign_missing_project(&mut self, project: &Text) {
        self.assign_project_where(project, str::is_empty);
    }

    /// Puts the records whose present project is to be replaced into another.
    fn assign_project_where(&mut self, project: &Text, is_replaced: impl Fn(&str) -> bool) {
        for checkpoint in self.checkpoints.iter_mut().filter(|checkpoint| is_replaced(&checkpoint.project)) {
            checkpoint.project = project.clone();
        }
        let mut assigned: HashMap<*const Resource, Arc<Resource>> = HashMap::new();
        let spans = self.spans.iter_mut().map(|span| &mut span.resource);
        let logs = self.logs.iter_mut().map(|log| &mut log.resource);
        let mut sent = Vec::new();
        for resource in spans.chain(logs) {
            let new = assigned.entry(Arc::as_ptr(resource)).or_insert_with(|| {
                // Kept until the end, so that no address is used twice.
                sent.push(Arc::clone(resource));
                match is_replaced(resource.project()) {
                    true => Arc::new(in_project(resource, project)),
                    false => Arc::clone(resource),
                }
            });
            *resource = Arc::clone(new);
        }
    }
}

fn memory_of_span(span: &Span) -> usize {
    let entry = |bytes: usize, attributes: &Attributes| bytes + memory_of_pairs(&attributes.0);
    let events: usize = span.events.iter().map(|event| entry(size_of::<Event>(), &event.attributes)).sum();
    let links: usize = span.links.iter().map(|link| entry(size_of::<Link>(), &link.attributes)).sum();
    entry(size_of::<Span>(), &span.attributes) + events + links
}

fn memory_of_pairs(pairs: &[(Text, Value)]) -> usize {
    pairs.iter().map(|(_, value)| size_of::<(Text, Value)>() + memory_of_contents(value)).sum()
}

fn memory_of_contents(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(|value| size_of::<Value>() + memory_of_contents(value)).sum(),
        Value::Map(pairs) => memory_of_pairs(pairs),
        _ => 0,
    }
}

fn in_project(resource: &Resource, project: &Text) -> Resource {
    let mut resource = resource.clone();
    resource.attributes.0.retain(|(key, _)| key != PROJECT_ATTRIBUTE);
    resource.attributes.0.push((Text::from_static(PROJECT_ATTRIBUTE), Value::String(project.clone())));
    resource
}

/// Why one record of a request was not taken; the others were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Place of the record among those of its kind in the request, from 0.
    pub index: usize,
    /// What is wrong with the record, one plain clause.
    pub reason: String,
}

/// What a store did with a batch; `accepted + duplicates` is the batch's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Records that are new and now on disk.
    pub accepted: u64,
    /// Records that were there already.
    pub duplicates: u64,
}

/// How much a deletion removed, or would remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// How many traces nothing is left of.
    pub traces: u64,
    /// How many spans were removed.
    pub spans: u64,
    /// How many checkpoints were removed.
    pub checkpoints: u64,
    /// How many log records were removed.
    pub logs: u64,
    /// Issues; they go with everything, or when they were not seen for long.
    pub issues: u64,
}

impl Removed {
    /// Whether nothing was removed.
    pub fn is_empty(&self) -> bool {
        *self == Removed::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attributes, Direction, checkpoint};

    fn log(resource: &Arc<Resource>) -> LogRecord {
        LogRecord { resource: Arc::clone(resource), ..LogRecord::default() }
    }

    #[test]
    fn a_project_overwrites_what_was_sent_and_equal_records_go_on_sharing_their_resource() {
        let resource = |pairs: &[(&'static str, &'static str)]| {
            Arc::new(Resource::new(pairs.iter().copied().collect::<Attributes>()))
        };
        let claimed = resource(&[("service.name", "shop"), (PROJECT_ATTRIBUTE, "of others"), (PROJECT_ATTRIBUTE, "x")]);
        let plain = resource(&[]);
        let mut batch = Batch { logs: vec![log(&claimed), log(&plain), log(&claimed)], ..Batch::default() };
        batch.assign_project(&Text::from("ours"));
        assert!(Arc::ptr_eq(&batch.logs[0].resource, &batch.logs[2].resource));
        for log in &batch.logs {
            let projects: Vec<_> = log.resource.attributes.iter().filter(|(key, _)| key == PROJECT_ATTRIBUTE).collect();
            assert_eq!(projects, [&(Text::from(PROJECT_ATTRIBUTE), Value::from("ours"))]);
        }
        assert_eq!(batch.logs[0].resource.service, "shop");
        let mut batch = Batch { logs: vec![log(&claimed), log(&plain)], ..Batch::default() };
        batch.assign_missing_project(&Text::from("ours"));
        let projects = batch.logs.iter().map(|log| log.resource.project());
        assert_eq!(projects.collect::<Vec<_>>(), ["x", "ours"], "only where there was none");
        assert_eq!(claimed.project(), "x", "the sender's own is not touched");
    }

    #[test]
    fn checkpoints_are_put_into_a_project_too() {
        let in_project = |project: &'static str| Checkpoint {
            source_id: Text::from_static("MA"),
            correlation_id: Text::from_static("cli-1"),
            trace_id: checkpoint::trace_id("cli-1"),
            timestamp_ms: 1.0,
            suffix: Text::EMPTY,
            direction: Direction::Enter,
            operation: Text::from_static("REST"),
            endpoint: Text::EMPTY,
            data: None,
            hostname: Text::EMPTY,
            raw_line: None,
            project: Text::from_static(project),
        };
        let sent = Batch { checkpoints: vec![in_project("theirs"), in_project("")], ..Batch::default() };
        let projects = |batch: &Batch| batch.checkpoints.iter().map(|one| one.project.to_string()).collect::<Vec<_>>();
        let (mut all, mut missing) = (sent.clone(), sent);
        all.assign_project(&Text::from("ours"));
        assert_eq!(projects(&all), ["ours", "ours"]);
        missing.assign_missing_project(&Text::from("ours"));
        assert_eq!(projects(&missing), ["theirs", "ours"]);
    }
}
