//! The JSON of one trace: the document of `show` and of the HTTP API, flat or as a tree.

use serde_json::{Map, Value as Json, json};

use crate::model::Nanos;
use crate::model::checkpoint_pairs::Operation;
use crate::model::json::{SCHEMA, object, span_to_json};
use crate::model::time::nanos_to_ms;
use crate::query::trace::findings::{Finding, Part};
use crate::query::trace::report::TraceReport;
use crate::query::trace::warnings::Warning;

/// How many levels of spans the nested JSON has at most. Two levels of JSON make one level of spans, and widespread
/// parsers stop at 256; what lies deeper follows flat below the last level, each span with its `parent_span_id`.
pub const MAX_TREE_JSON_DEPTH: u32 = 100;

impl TraceReport {
    /// The JSON of `show`: `schema`, the summary, `spans` in tree order, `checkpoints` and `logs` by time, the
    /// `operations` the checkpoints make, and the `findings` in all of the trace.
    pub fn to_json(&self) -> Map<String, Json> {
        let spans = self.tree.order.iter().map(|index| Json::Object(self.span_json(*index, None))).collect();
        let mut json = self.head_json();
        json.insert("spans".to_owned(), Json::Array(spans));
        json.insert("checkpoints".to_owned(), json!(self.trace.checkpoints));
        json.insert("logs".to_owned(), json!(self.trace.logs));
        let operations = self.operations.operations.iter().map(|operation| self.operation_json(operation));
        json.insert("operations".to_owned(), operations.collect());
        json.insert("findings".to_owned(), self.findings_json(&Part::whole(self)));
        json
    }

    /// The JSON of the findings in a part of the trace: a list of objects that all have the same keys, `null` where one
    /// has no meaning. Spans are named by their ids; operations, which have none, are no part of it.
    pub fn findings_json(&self, part: &Part) -> Json {
        self.findings(part).iter().map(|finding| self.finding_json(finding, part.length_ns)).collect()
    }

    /// The JSON of a finding. What the numbers mean depends on `kind`.
    fn finding_json(&self, finding: &Finding, length_ns: u64) -> Json {
        let id = |index: usize| self.trace.spans[index].span_id;
        let (mut after, mut before, mut total_ns, mut gap_ns) = (None, None, None, None);
        let (kind, spans, parent) = match finding {
            Finding::ManyCalls(run) => {
                total_ns = Some(run.busy_ns);
                let parent = run.members.first().and_then(|first| self.tree.parent[*first]);
                ("many_calls", run.members.clone(), parent)
            }
            Finding::OwnGap(gap) => {
                (after, before, gap_ns) = (gap.after, gap.before, Some(gap.gap_ns));
                ("own_gap", vec![gap.span], None)
            }
            Finding::LateStart(late) => {
                gap_ns = Some(late.gap_ns);
                ("late_start", vec![late.span], Some(late.parent))
            }
            Finding::Echo(echo) => ("echo", echo.spans(), None),
        };
        let counts = matches!(finding, Finding::ManyCalls(_) | Finding::Echo(_));
        json!({
            "kind": kind,
            // The calls; the one with the gap; the late one; those that tell of an error, the innermost first.
            "spans": spans.iter().map(|index| id(*index)).collect::<Vec<_>>(),
            // Who makes the calls, or which span had ended.
            "parent_span_id": parent.map(id),
            // The children with whose end and with whose start a gap begins and ends.
            "after_span_id": after.map(id),
            "before_span_id": before.map(id),
            "count": counts.then_some(spans.len()),
            // Time in which at least one call ran.
            "total_ms": total_ns.map(nanos_to_ms),
            "total_ns": total_ns,
            // How long a gap is, or how late a start.
            "gap_ms": gap_ns.map(nanos_to_ms),
            "gap_ns": gap_ns,
            // The time of the calls, the gap or the wait as a part of the whole, from 0 to 1.
            "share": total_ns.or(gap_ns).map(|nanos| nanos as f64 / length_ns as f64),
        })
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

    /// The JSON of an operation: end and duration are null while it is open; `parent` is the place of the operation it
    /// ran inside.
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
        let mut json = span_to_json(&self.trace.spans[index], self.self_ns[index], &warnings);
        if let Some((start, end)) = self.sent_times.get(&index) {
            json.insert("start_time".to_owned(), json!(start));
            json.insert("end_time".to_owned(), json!((*end > Nanos(0)).then_some(end)));
        }
        let is_odd = |warning: &Warning| {
            use Warning::{ImpossibleEnd, ImpossibleStart, NoEndTime, NoStartTime};
            matches!(warning, NoStartTime | NoEndTime | ImpossibleStart(_) | ImpossibleEnd(_))
        };
        json.insert("odd_time".to_owned(), json!(self.warnings[index].iter().any(is_odd)));
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Checkpoint, Kind, Span, Status, StatusCode, Text, Trace, TraceId, json};
    use crate::query::samples::{span, trace};

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
    fn what_is_not_as_it_was_sent_is_a_warning() {
        let mut odd = span("caf\u{fffd}", 1, 0, 1, 2);
        odd.attributes =
            [("tracehub.invalid_parent_id", "a1"), ("tracehub.truncated", "name, prompt")].into_iter().collect();
        (odd.dropped_attributes, odd.dropped_events) = (1, 20);
        let told = warnings_of(vec![odd, span("fine", 2, 1, 1, 2)]);
        assert_eq!(
            told,
            [
                "caf\u{fffd}: parent id `a1` is not valid; not whole: name, prompt; text was not UTF-8; 1 attribute dropped; 20 events dropped",
                "fine: "
            ]
        );
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
        assert_eq!((&json["checkpoints"], &json["logs"], &json["findings"]), (&json!([]), &json!([]), &json!([])));
        let keys: Vec<&str> = json.keys().map(String::as_str).collect();
        let lists = ["spans", "checkpoints", "logs", "operations", "findings"];
        assert_eq!((keys[0], &keys[keys.len() - 5..]), ("schema", &lists[..]));
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
    fn findings_have_every_key_and_name_spans_by_their_ids() {
        let ms = 1_000_000;
        let mut spans = vec![span("root", 1, 0, ms, 101 * ms), span("late", 2, 3, 91 * ms, 101 * ms)];
        let calls = (0..6).map(|n| span("call", 3 + n, 1, (1 + n * 10) * ms, (11 + n * 10) * ms));
        spans.extend(calls.map(|call| Span { kind: Kind::Client, ..call }));
        for index in [0, 1, 2] {
            spans[index].status = Status { code: StatusCode::Error, message: Text::from("no answer") };
        }
        let report = TraceReport::new(trace(spans));
        let lines = match report.findings_json(&Part::whole(&report)) {
            Json::Array(findings) => findings.iter().map(Json::to_string).collect::<Vec<_>>(),
            other => vec![other.to_string()],
        };
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"kind":"many_calls","spans":["0000000000000004","0000000000000005","0000000000000006","0000000000000007","0000000000000008"],"parent_span_id":"0000000000000001","after_span_id":null,"before_span_id":null,"count":5,"total_ms":50.0,"total_ns":50000000,"gap_ms":null,"gap_ns":null,"share":0.5}
        {"kind":"own_gap","spans":["0000000000000001"],"parent_span_id":null,"after_span_id":"0000000000000008","before_span_id":null,"count":null,"total_ms":null,"total_ns":null,"gap_ms":40.0,"gap_ns":40000000,"share":0.4}
        {"kind":"late_start","spans":["0000000000000002"],"parent_span_id":"0000000000000003","after_span_id":null,"before_span_id":null,"count":null,"total_ms":null,"total_ns":null,"gap_ms":80.0,"gap_ns":80000000,"share":0.8}
        {"kind":"echo","spans":["0000000000000002","0000000000000003","0000000000000001"],"parent_span_id":null,"after_span_id":null,"before_span_id":null,"count":3,"total_ms":null,"total_ns":null,"gap_ms":null,"gap_ns":null,"share":null}
        "#);
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
