//! Batches: what decoders yield and stores take, and what became of one.

use std::{collections::HashMap, sync::Arc};

use super::{Checkpoint, LogRecord, Resource, Span, Text, Value, grouping::PROJECT_ATTRIBUTE};

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

    /// How many records of all kinds it holds.
    pub fn len(&self) -> usize {
        self.spans.len() + self.logs.len() + self.checkpoints.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the spans and log records into a project: it stands on their resources, whatever the sender had put there.
    /// Checkpoints have no resource and so no project.
    pub fn assign_project(&mut self, project: &Text) {
        self.assign_project_where(project, |_| true);
    }

    /// The same for spans and log records that are in no project; the others stay where they are.
    pub fn assign_missing_project(&mut self, project: &Text) {
        let has_none = |resource: &Resource| resource.attributes.text(PROJECT_ATTRIBUTE).unwrap_or_default().is_empty();
        self.assign_project_where(project, has_none);
    }

    fn assign_project_where(&mut self, project: &Text, is_wanted: impl Fn(&Resource) -> bool) {
        let mut assigned: HashMap<*const Resource, Arc<Resource>> = HashMap::new();
        let spans = self.spans.iter_mut().map(|span| &mut span.resource);
        let logs = self.logs.iter_mut().map(|log| &mut log.resource);
        let mut sent = Vec::new();
        for resource in spans.chain(logs) {
            let new = assigned.entry(Arc::as_ptr(resource)).or_insert_with(|| {
                // Kept until the end, so that no address is used twice.
                sent.push(Arc::clone(resource));
                if is_wanted(resource) { Arc::new(in_project(resource, project)) } else { Arc::clone(resource) }
            });
            *resource = Arc::clone(new);
        }
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
    /// Its place among the records of its kind in the request, from 0.
    pub index: usize,
    /// What is wrong with it, one plain clause.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Removed {
    /// Traces of which nothing is left.
    pub traces: u64,
    /// Spans.
    pub spans: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Log records.
    pub logs: u64,
    /// Issues; they go with everything, or when they were not seen for long.
    #[serde(default)]
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
    use crate::model::Attributes;

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
        let projects = batch.logs.iter().map(|log| log.resource.attributes.text(PROJECT_ATTRIBUTE));
        assert_eq!(projects.collect::<Vec<_>>(), [Some("x"), Some("ours")], "only where there was none");
        assert_eq!(claimed.attributes.text(PROJECT_ATTRIBUTE), Some("x"), "the sender's own is not touched");
    }
}
