//! One trace, worked out: its spans in tree order with self times and warnings, its checkpoints as operations.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use super::{
    trace_issues::TraceIssues,
    tree::{Tree, intervals},
};
use crate::model::{
    Nanos, SpanId, Trace,
    json::{SCHEMA, object, span_to_json},
    pair::{Operation, Paired, pair},
    self_time::self_times,
    time::nanos_to_ms,
};

/// How many levels of spans the nested JSON has at most. Two levels of JSON make one level of spans, and widespread
/// parsers stop at 256; what lies deeper follows flat below the last level, each span with its `parent_span_id`.
pub const MAX_TREE_JSON_DEPTH: u32 = 100;

/// A trace and what was found out about it. Vectors go by the index of a span in the trace.
#[derive(Debug, Clone)]
pub struct TraceReport {
    /// The trace.
    pub trace: Trace,
    /// Its shape.
    pub tree: Tree,
    /// Nanoseconds each span did not spend waiting in its children.
    pub self_ns: Vec<u64>,
    /// What is odd about each span; mostly empty.
    pub warnings: Vec<Vec<Warning>>,
    /// What its checkpoints say; indices of checkpoints are those in the trace.
    pub operations: Paired,
    /// Issues its errors belong to; none unless somebody looked them up.
    pub issues: TraceIssues,
}

/// Something odd about a span. Displayed as a short plain sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// Its parent is not in the trace.
    MissingParent(SpanId),
    /// It is among its own ancestors; it was made a root.
    Cycle,
    /// Another span of the trace has the same id.
    RepeatedId,
    /// Its start is zero.
    NoStartTime,
    /// Its end is zero.
    NoEndTime,
    /// Its end lies before its start; it counts as taking no time.
    EndsBeforeStart,
    /// It starts before its parent by this many nanoseconds, so the clocks differ.
    StartsBeforeParent(u64),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::MissingParent(parent) => write!(f, "missing parent {parent}"),
            Warning::Cycle => f.write_str("cycle"),
            Warning::RepeatedId => f.write_str("span id is used twice"),
            Warning::NoStartTime => f.write_str("no start time"),
            Warning::NoEndTime => f.write_str("no end time"),
            Warning::EndsBeforeStart => f.write_str("ends before it starts"),
            Warning::StartsBeforeParent(by_ns) => write!(f, "starts {}ms before its parent", nanos_to_ms(*by_ns)),
        }
    }
}

impl TraceReport {
    /// Works out tree order, self times and warnings; O(n log n) for any shape of trace.
    pub fn new(trace: Trace) -> TraceReport {
        let tree = Tree::new(&trace.spans);
        let self_ns = self_times(&intervals(&trace.spans));
        let warnings = (0..trace.spans.len()).map(|index| warnings(&trace, &tree, index)).collect();
        let operations = pair(&trace.checkpoints);
        TraceReport { trace, tree, self_ns, warnings, operations, issues: TraceIssues::default() }
    }

    /// The JSON of `show`: `schema`, the summary, `spans` in tree order, `checkpoints` and `logs` by time, and the
    /// `operations` the checkpoints make.
    pub fn to_json(&self) -> Map<String, Json> {
        let spans = self.tree.order.iter().map(|index| Json::Object(self.span_json(*index, None))).collect();
        let mut json = self.head_json();
        json.insert("spans".to_owned(), Json::Array(spans));
        json.insert("checkpoints".to_owned(), json!(self.trace.checkpoints));
        json.insert("logs".to_owned(), json!(self.trace.logs));
        let operations = self.operations.operations.iter().map(|operation| self.operation_json(operation));
        json.insert("operations".to_owned(), operations.collect());
        json
    }

    /// The JSON of the tree: `schema`, the summary and `roots`, each span with its `children`. Nested at most
    /// [`MAX_TREE_JSON_DEPTH`] levels; spans that lie deeper stand flat below the last level with a warning.
    pub fn to_tree_json(&self) -> Map<String, Json> {
        let holder = self.tree_json_parents();
        let mut children: Vec<Vec<Json>> = vec![Vec::new(); self.trace.spans.len()];
        let mut roots = Vec::new();
        // From the last to the first, so that all children of a span are ready when it is its turn.
        for index in self.tree.order.iter().rev() {
            let is_flat = self.tree.depth[*index] >= MAX_TREE_JSON_DEPTH;
            let note = is_flat.then(|| format!("lies {} levels deep, shown flat", self.tree.depth[*index] + 1));
            let mut span = self.span_json(*index, note);
            let mut below = std::mem::take(&mut children[*index]);
            below.reverse();
            span.insert("children".to_owned(), Json::Array(below));
            match holder[*index] {
                Some(parent) => children[parent].push(Json::Object(span)),
                None => roots.push(Json::Object(span)),
            }
        }
        roots.reverse();
        let mut json = self.head_json();
        json.insert("roots".to_owned(), Json::Array(roots));
        json
    }

    fn tree_json_parents(&self) -> Vec<Option<usize>> {
        let mut holder = self.tree.parent.clone();
        for index in &self.tree.order {
            if let Some(parent) = self.tree.parent[*index]
                && self.tree.depth[parent] >= MAX_TREE_JSON_DEPTH
            {
                holder[*index] = holder[parent];
            }
        }
        holder
    }

    fn head_json(&self) -> Map<String, Json> {
        let mut json = Map::new();
        json.insert("schema".to_owned(), json!(SCHEMA));
        json.extend(object(&self.trace.summary));
        json
    }

    /// An operation: its end and duration are null while it is open; `parent` is the place of the one it ran inside.
    fn operation_json(&self, operation: &Operation) -> Json {
        let time = |index: usize| self.trace.checkpoints.get(index).map_or(Nanos(0), |checkpoint| checkpoint.time());
        let (start, end) = (time(operation.enter), operation.exit.map(time));
        json!({
            "source_id": operation.source.as_str(),
            "operation": operation.operation.as_str(),
            "endpoint": operation.endpoint.as_str(),
            "hostname": operation.hostname.as_str(),
            "status": if end.is_some() { "ok" } else { "open" },
            "start_time": start.to_rfc3339(),
            "end_time": end.map(Nanos::to_rfc3339),
            "duration_ms": end.map(|end| nanos_to_ms(end.since(start))),
            "duration_ns": end.map(|end| end.since(start)),
            "parent": operation.parent,
        })
    }

    fn span_json(&self, index: usize, note: Option<String>) -> Map<String, Json> {
        let warnings: Vec<String> = self.warnings[index].iter().map(Warning::to_string).chain(note).collect();
        span_to_json(&self.trace.spans[index], self.self_ns[index], &warnings)
    }
}

fn warnings(trace: &Trace, tree: &Tree, index: usize) -> Vec<Warning> {
    let span = &trace.spans[index];
    let before_parent = tree.parent[index].map_or(0, |parent| trace.spans[parent].start.since(span.start));
    let (has_start, has_end) = (span.start.0 > 0, span.end.0 > 0);
    let found = [
        tree.missing_parent[index].map(Warning::MissingParent),
        tree.is_cycle[index].then_some(Warning::Cycle),
        tree.is_repeated[index].then_some(Warning::RepeatedId),
        (!has_start).then_some(Warning::NoStartTime),
        (!has_end).then_some(Warning::NoEndTime),
        (has_end && span.end < span.start).then_some(Warning::EndsBeforeStart),
        (has_start && before_parent > 0).then_some(Warning::StartsBeforeParent(before_parent)),
    ];
    found.into_iter().flatten().collect()
}

/// Small spans for the tests of this floor and the views.
#[cfg(test)]
pub(crate) mod sample {
    use std::sync::Arc;

    use crate::model::{
        Attributes, Kind, LogRecord, Nanos, Resource, Scope, Span, SpanId, Status, Text, Trace, TraceId,
    };

    /// A span id of a number.
    pub(crate) fn id(number: u64) -> SpanId {
        SpanId(number.to_be_bytes())
    }

    /// A span of numbers; parent 0 is none; times in nanoseconds.
    pub(crate) fn span(name: &str, number: u64, parent: u64, start: u64, end: u64) -> Span {
        Span {
            trace_id: TraceId::Otel([7; 16]),
            span_id: id(number),
            parent_span_id: (parent > 0).then(|| id(parent)),
            trace_state: Text::EMPTY,
            flags: 1,
            name: Text::from(name),
            kind: Kind::Internal,
            start: Nanos(start),
            end: Nanos(end),
            attributes: Attributes::EMPTY,
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Status::default(),
            resource: service("app"),
            scope: Arc::new(Scope::default()),
        }
    }

    /// A resource that is a service.
    pub(crate) fn service(name: &str) -> Arc<Resource> {
        Arc::new(Resource::new([("service.name", name)].into_iter().collect()))
    }

    /// A trace of spans.
    pub(crate) fn trace(spans: Vec<Span>) -> Trace {
        let none: Vec<LogRecord> = Vec::new();
        Trace::new(TraceId::Otel([7; 16]), spans, Vec::new(), none).expect("spans")
    }
}

#[cfg(test)]
mod tests {
    use super::{
        sample::{span, trace},
        *,
    };
    use crate::model::{Checkpoint, Span, TraceId, json};

    fn warnings_of(spans: Vec<Span>) -> Vec<String> {
        let json = TraceReport::new(trace(spans)).to_json();
        let line = |span: &Json| {
            let warnings: Vec<&str> =
                span["warnings"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
            format!("{}: {}", span["name"].as_str().unwrap_or("?"), warnings.join("; "))
        };
        json["spans"].as_array().into_iter().flatten().map(line).collect()
    }

    #[test]
    fn odd_spans_carry_plain_sentences() {
        let ms = 1_000_000;
        let spans = vec![
            span("root", 1, 0, 100 * ms, 200 * ms),
            span("early", 2, 1, 88 * ms, 150 * ms),
            span("backwards", 3, 1, 120 * ms, 110 * ms),
            span("running", 4, 1, 120 * ms, 0),
            span("timeless", 5, 1, 0, 130 * ms),
            span("twice", 6, 1, 130 * ms, 131 * ms),
            span("twice", 6, 1, 132 * ms, 133 * ms),
            span("own parent", 7, 7, 140 * ms, 141 * ms),
            span("orphan", 8, 0x00f0, 150 * ms, 151 * ms),
        ];
        assert_eq!(
            warnings_of(spans),
            [
                "root: ",
                "timeless: no start time",
                "early: starts 12ms before its parent",
                "backwards: ends before it starts",
                "running: no end time",
                "twice: span id is used twice",
                "twice: span id is used twice",
                "own parent: cycle",
                "orphan: missing parent 00000000000000f0",
            ]
        );
    }

    #[test]
    fn the_json_of_show_has_the_summary_and_the_spans_in_tree_order() {
        let json = TraceReport::new(trace(vec![span("b", 2, 1, 2, 3), span("a", 1, 0, 1, 5)])).to_json();
        assert_eq!((&json["schema"], &json["name"], &json["span_count"]), (&json!(1), &json!("a"), &json!(2)));
        let names: Vec<_> = json["spans"].as_array().into_iter().flatten().map(|span| &span["name"]).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(json["spans"][0]["self_ms"], json!(0.000003));
        assert_eq!((&json["checkpoints"], &json["logs"]), (&json!([]), &json!([])));
        let keys: Vec<&str> = json.keys().map(String::as_str).collect();
        assert_eq!((keys[0], &keys[keys.len() - 4..]), ("schema", &["spans", "checkpoints", "logs", "operations"][..]));
    }

    #[test]
    fn the_json_of_show_has_checkpoints_and_what_they_make() {
        let checkpoint = |timestamp: f64, direction: &str, endpoint: &str| {
            let json = json!({
                "source_id": "MA", "correlation_id": "cli-1", "timestamp": timestamp, "suffix": "a",
                "direction": direction, "operation": "REST", "endpoint": endpoint, "data": {"user_id": 42},
                "hostname": "host-1", "raw_line": null,
            });
            json::read::<Checkpoint>(&json).expect("complete")
        };
        let checkpoints =
            vec![checkpoint(1_000.0, "->", "GET /"), checkpoint(1_001.5, "->", "db"), checkpoint(1_004.0, "<-", "db")];
        let id = TraceId::parse("cli-1").expect("valid");
        let trace = Trace::new(id, Vec::new(), checkpoints, Vec::new()).expect("records");
        let json = Json::Object(TraceReport::new(trace).to_json());
        insta::assert_snapshot!(serde_json::to_string_pretty(&json).expect("text"));
    }

    #[test]
    fn the_tree_json_nests_children_below_their_parent() {
        let spans = vec![span("a", 1, 0, 1, 9), span("b", 2, 1, 2, 3), span("c", 3, 1, 4, 5), span("d", 4, 3, 4, 5)];
        let json = TraceReport::new(trace(spans)).to_tree_json();
        assert_eq!(json["roots"][0]["children"][1]["children"][0]["name"], "d");
        assert_eq!(json["roots"][0]["children"][0]["children"], json!([]));
    }

    #[test]
    fn a_long_chain_makes_a_tree_json_that_stays_shallow_and_complete() {
        let spans: Vec<Span> = (1..=10_000).map(|n| span("s", n, n - 1, n, 200_000)).collect();
        let json = TraceReport::new(trace(spans)).to_tree_json();
        let mut at = &json["roots"][0];
        for _ in 1..MAX_TREE_JSON_DEPTH {
            assert_eq!(at["children"].as_array().map(Vec::len), Some(1));
            at = &at["children"][0];
        }
        let flat = at["children"].as_array().expect("children");
        assert_eq!(flat.len(), 10_000 - MAX_TREE_JSON_DEPTH as usize);
        assert_eq!(flat[0]["warnings"][0], "lies 101 levels deep, shown flat");
        assert_eq!(flat[1]["children"], json!([]));
        assert_eq!(flat[1]["parent_span_id"], flat[0]["span_id"]);
    }
}
