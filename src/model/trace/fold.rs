//! The fold of a trace's records, from which the summary is made.
//!
//! [`TraceFold`] keeps the few facts a summary needs in a form that can be merged in any order, because a trace arrives
//! in many batches: stores keep folds, merge them, and finish them when asked, so a summary never depends on how its
//! records were split.

use std::collections::BTreeMap;

use crate::model::trace::genai;
use crate::model::trace::summary::{Cost, Tokens, TraceStatus, TraceSummary};
use crate::model::{Checkpoint, Direction, LogRecord, Nanos, RecordKind, Span, SpanId, Text, TraceId};

/// What the summary of a trace depends on; folds of parts of a trace merge in any order.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct TraceFold {
    /// Earliest start, unix nanoseconds; only meaningful when there is a record.
    pub start_ns: u64,
    /// Latest end, unix nanoseconds; only meaningful when there is a record.
    pub end_ns: u64,
    /// How many spans were seen.
    pub spans: u64,
    /// How many checkpoints were seen.
    pub checkpoints: u64,
    /// How many log records were seen.
    pub logs: u64,
    /// How many failed spans and error logs were seen.
    pub errors: u64,
    /// Checkpoint entries minus exits by [`Checkpoint::operation_hash`], without those that even out. Order does not
    /// matter here, so an exit that came before its entry evens it out, which pairing by time would not do.
    pub open: BTreeMap<u64, i64>,
    /// When the last checkpoint of the trace was received, whole unix seconds; 0 without any. Only stores know that.
    #[serde(default)]
    pub received_s: u64,
    /// The best candidate for the root.
    pub root: Option<Candidate>,
    /// The best candidate for the workflow name; `service` is unused.
    pub workflow: Option<Candidate>,
    /// Services, sorted, each once.
    pub services: Vec<String>,
    /// Usage reported by model calls; `None` when none reported any.
    pub inference: Option<UsageSum>,
    /// Usage reported by agents, workflows and other spans above the calls; `None` when none reported any.
    pub aggregate: Option<UsageSum>,
}

/// A span (or other record) that may name the trace; the smallest `rank` wins.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Candidate {
    /// What the candidate is compared by: has a parent (false first), is not a span (false first), start, span id.
    pub rank: (bool, bool, u64, [u8; 8]),
    /// The name the candidate gives the trace.
    pub name: String,
    /// The service the candidate gives the trace.
    pub service: String,
}

impl Candidate {
    /// The id of the candidate when it is a span without a parent.
    fn span_without_parent(&self) -> Option<SpanId> {
        let (has_parent, is_no_span, _, id) = self.rank;
        (!has_parent && !is_no_span).then_some(SpanId(id))
    }
}

/// Tokens and costs of many spans together.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct UsageSum {
    /// Tokens sent to models.
    pub input: u64,
    /// Tokens got from models.
    pub output: u64,
    /// Costs by currency in 10⁻¹² units, sorted by currency.
    pub cost_pico: Vec<(String, i64)>,
}

/// Longest name taken from a message, in characters.
const MOST_NAME_CHARS: usize = 200;

/// The name of a trace of logs alone: the first line of a message that says anything.
fn name_of(log: &LogRecord) -> String {
    let line = log.message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(MOST_NAME_CHARS).collect()
}

impl TraceFold {
    /// Adds a span to the fold.
    pub fn add_span(&mut self, span: &Span) {
        self.widen(span.start, span.end.max(span.start));
        self.spans += 1;
        self.errors += u64::from(span.is_error());
        self.add_service(span.service());
        let rank = span_rank(span.parent_span_id.is_some(), span);
        offer(&mut self.root, rank, || (span.name.to_string(), span.service().to_string()));
        if let Some(workflow) = genai::workflow(&span.attributes) {
            offer(&mut self.workflow, span_rank(false, span), || (workflow.to_owned(), String::new()));
        }
        if let Some(usage) = genai::usage(&span.attributes) {
            let sum = if usage.is_inference { &mut self.inference } else { &mut self.aggregate };
            sum.get_or_insert_default().add(&usage);
        }
    }

    /// Adds a checkpoint to the fold.
    pub fn add_checkpoint(&mut self, checkpoint: &Checkpoint) {
        let time = checkpoint.time();
        self.widen(time, time);
        self.checkpoints += 1;
        match checkpoint.direction {
            Direction::Enter => self.balance(checkpoint.operation_hash(), 1),
            Direction::Exit => self.balance(checkpoint.operation_hash(), -1),
            Direction::Other(_) => {}
        }
        self.add_service(&checkpoint.source_id);
        let rank = (true, true, time.0, [0; 8]);
        offer(&mut self.root, rank, || (checkpoint.correlation_id.to_string(), checkpoint.source_id.to_string()));
    }

    /// Adds a log record to the fold.
    pub fn add_log(&mut self, log: &LogRecord) {
        self.widen(log.time, log.time);
        self.logs += 1;
        self.errors += u64::from(log.is_error());
        self.add_service(&log.resource.service);
        let rank = (true, true, log.time.0, [1; 8]);
        offer(&mut self.root, rank, || (name_of(log), log.resource.service.to_string()));
    }

    /// Adds everything `other` has seen; records seen by both count twice, so callers remove duplicates first.
    pub fn merge(&mut self, other: &TraceFold) {
        if other.is_empty() {
            return;
        }
        self.widen(Nanos(other.start_ns), Nanos(other.end_ns));
        self.spans += other.spans;
        self.checkpoints += other.checkpoints;
        self.logs += other.logs;
        self.errors += other.errors;
        other.open.iter().for_each(|(operation, difference)| self.balance(*operation, *difference));
        self.received_s = self.received_s.max(other.received_s);
        other.services.iter().for_each(|service| self.add_service(service));
        for (mine, theirs) in [(&mut self.root, &other.root), (&mut self.workflow, &other.workflow)] {
            if let Some(theirs) = theirs {
                offer(mine, theirs.rank, || (theirs.name.clone(), theirs.service.clone()));
            }
        }
        for (mine, theirs) in [(&mut self.inference, &other.inference), (&mut self.aggregate, &other.aggregate)] {
            if let Some(theirs) = theirs {
                mine.get_or_insert_default().merge(theirs);
            }
        }
    }

    /// Whether the fold has seen no record.
    pub fn is_empty(&self) -> bool {
        self.spans + self.checkpoints + self.logs == 0
    }

    /// The summary of what was seen; `None` when that is nothing.
    pub fn finish(&self, trace_id: TraceId) -> Option<TraceSummary> {
        let root = self.root.as_ref()?;
        let kinds = [
            (self.spans, RecordKind::Spans),
            (self.checkpoints, RecordKind::Checkpoints),
            (self.logs, RecordKind::Logs),
        ];
        let open = self.open_operations();
        let status = match (self.errors > 0, open > 0) {
            (true, _) => TraceStatus::Error,
            (false, true) => TraceStatus::Open,
            (false, false) => TraceStatus::Ok,
        };
        // Agents repeat what their calls used; so calls count when there are any, and only then those above them.
        let usage = self.inference.as_ref().or(self.aggregate.as_ref());
        Some(TraceSummary {
            trace_id,
            name: Text::from(root.name.as_str()),
            root_span_id: root.span_without_parent(),
            service: Text::from(root.service.as_str()),
            services: self.services.iter().map(|service| Text::from(service.as_str())).collect(),
            workflow: self.workflow.as_ref().map(|candidate| Text::from(candidate.name.as_str())),
            kinds: kinds.iter().filter(|(count, _)| *count > 0).map(|(_, kind)| *kind).collect(),
            status,
            start: Nanos(self.start_ns),
            end: Nanos(self.end_ns),
            span_count: self.spans,
            checkpoint_count: self.checkpoints,
            log_count: self.logs,
            error_count: self.errors,
            complete: open == 0,
            tokens: usage.map(|sum| Tokens { input: sum.input, output: sum.output }),
            cost: usage.and_then(UsageSum::cost),
        })
    }

    /// How many operations were entered and not left.
    pub fn open_operations(&self) -> u64 {
        self.open.values().fold(0, |sum, difference| sum.saturating_add(u64::try_from(*difference).unwrap_or(0)))
    }

    fn balance(&mut self, operation: u64, difference: i64) {
        let sum = self.open.entry(operation).or_default();
        *sum = sum.saturating_add(difference);
        if *sum == 0 {
            self.open.remove(&operation);
        }
    }

    fn widen(&mut self, start: Nanos, end: Nanos) {
        let first = self.is_empty();
        self.start_ns = if first { start.0 } else { self.start_ns.min(start.0) };
        self.end_ns = if first { end.0 } else { self.end_ns.max(end.0) };
    }

    fn add_service(&mut self, service: &str) {
        if let Err(place) = self.services.binary_search_by(|known| known.as_str().cmp(service)) {
            self.services.insert(place, service.to_owned());
        }
    }
}

impl UsageSum {
    fn add(&mut self, usage: &genai::Usage) {
        self.input = self.input.saturating_add(usage.input_tokens);
        self.output = self.output.saturating_add(usage.output_tokens);
        if let Some(pico) = usage.cost_pico {
            self.add_cost(&usage.currency, pico);
        }
    }

    fn merge(&mut self, other: &UsageSum) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        other.cost_pico.iter().for_each(|(currency, pico)| self.add_cost(currency, *pico));
    }

    fn add_cost(&mut self, currency: &str, pico: i64) {
        match self.cost_pico.binary_search_by(|(known, _)| known.as_str().cmp(currency)) {
            Ok(place) => self.cost_pico[place].1 = self.cost_pico[place].1.saturating_add(pico),
            Err(place) => self.cost_pico.insert(place, (currency.to_owned(), pico)),
        }
    }

    /// The cost in the currency most was spent in; `None` when none was reported.
    pub fn cost(&self) -> Option<Cost> {
        let (currency, pico) = self.cost_pico.iter().max_by_key(|(_, pico)| *pico)?;
        Some(Cost { amount: *pico as f64 / genai::PICO_PER_UNIT, currency: currency.clone() })
    }
}

fn offer(best: &mut Option<Candidate>, rank: (bool, bool, u64, [u8; 8]), names: impl FnOnce() -> (String, String)) {
    if best.as_ref().is_some_and(|best| best.rank < rank) {
        return;
    }
    let (name, service) = names();
    let candidate = Candidate { rank, name, service };
    // Checkpoints and logs of one instant differ in their names alone, and the order they come in must not matter.
    let is_better = |best: &Candidate| {
        (candidate.rank, &candidate.name, &candidate.service) < (best.rank, &best.name, &best.service)
    };
    if best.as_ref().is_none_or(is_better) {
        *best = Some(candidate);
    }
}

fn span_rank(has_parent: bool, span: &Span) -> (bool, bool, u64, [u8; 8]) {
    (has_parent, false, span.start.0, span.span_id.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{LogRecord, trace::checkpoint_pairs::pair};

    fn checkpoint(time_ms: f64, source: &str, direction: &str, endpoint: &str) -> Checkpoint {
        Checkpoint {
            source_id: Text::from(source),
            correlation_id: Text::from("cli-1"),
            trace_id: id(),
            timestamp_ms: time_ms,
            suffix: Text::EMPTY,
            direction: Direction::parse(direction),
            operation: Text::from("REST"),
            endpoint: Text::from(endpoint),
            data: None,
            hostname: Text::from("h"),
            raw_line: None,
            project: Text::EMPTY,
        }
    }

    fn id() -> TraceId {
        TraceId::Text(Text::from_static("cli-1"))
    }

    fn fold(checkpoints: &[Checkpoint]) -> TraceFold {
        let mut fold = TraceFold::default();
        checkpoints.iter().for_each(|checkpoint| fold.add_checkpoint(checkpoint));
        fold
    }

    #[test]
    fn an_exit_without_entry_does_not_hide_an_open_entry_of_another_operation() {
        let fold = fold(&[
            checkpoint(10.0, "WK", "->", "import"),
            checkpoint(11.0, "MA", "<-", "import"),
            checkpoint(12.0, "MA", "<-", "import"),
            checkpoint(13.0, "MA", "??", "import"),
        ]);
        let summary = fold.finish(id()).expect("records");
        assert_eq!((fold.open_operations(), summary.status, summary.complete), (1, TraceStatus::Open, false));
    }

    #[test]
    fn a_trace_of_checkpoints_is_named_by_its_correlation_id_and_served_by_its_first_source() {
        let fold = fold(&[
            checkpoint(20.5, "WK", "<-", "a"),
            checkpoint(20.0, "WK", "->", "a"),
            checkpoint(10.0, "MB", "->", "a"),
            checkpoint(10.0, "MA", "->", "a"),
            checkpoint(30.0, "MA", "<-", "a"),
            checkpoint(11.0, "MB", "<-", "a"),
        ]);
        let summary = fold.finish(id()).expect("records");
        assert_eq!((summary.name.as_str(), summary.service.as_str()), ("cli-1", "MA"));
        assert_eq!(summary.services, ["MA", "MB", "WK"]);
        assert_eq!((summary.start, summary.duration_ns()), (Nanos(10_000_000), 20_000_000));
        assert_eq!((summary.status, summary.kinds), (TraceStatus::Ok, vec![RecordKind::Checkpoints]));
        assert!(fold.open.is_empty(), "what evens out takes no room");
    }

    fn any_checkpoint() -> impl Strategy<Value = Checkpoint> {
        let time = (0..9_u8).prop_map(f64::from);
        (time, "[AB]", prop_oneof![4 => "->", 4 => "<-", 1 => "=="], "[xyz]")
            .prop_map(|(time, source, direction, endpoint)| checkpoint(time, &source, &direction, &endpoint))
    }

    fn any_log() -> impl Strategy<Value = LogRecord> {
        (0..9_000_000_u64, "[ab]").prop_map(|(time, message)| LogRecord {
            time: Nanos(time),
            message: message.into(),
            ..Default::default()
        })
    }

    proptest! {
        #[test]
        fn a_fold_does_not_depend_on_how_records_are_split_or_in_what_order_parts_are_merged(
            checkpoints in prop::collection::vec(any_checkpoint(), 0..40),
            logs in prop::collection::vec(any_log(), 0..5),
            parts in prop::collection::vec(0..4_usize, 45),
        ) {
            let mut folds = vec![TraceFold::default(); 4];
            let mut whole = TraceFold::default();
            for (checkpoint, part) in checkpoints.iter().zip(&parts) {
                folds[*part].add_checkpoint(checkpoint);
                whole.add_checkpoint(checkpoint);
            }
            for (log, part) in logs.iter().zip(parts.iter().rev()) {
                folds[*part].add_log(log);
                whole.add_log(log);
            }
            let merged = |parts: &[&TraceFold]| {
                parts.iter().fold(TraceFold::default(), |mut sum, part| { sum.merge(part); sum })
            };
            let [a, b, c, d] = [&folds[0], &folds[1], &folds[2], &folds[3]];
            prop_assert_eq!(&merged(&[a, b, c, d]), &whole);
            prop_assert_eq!(&merged(&[d, c, b, a]), &whole);
            prop_assert_eq!(&merged(&[&merged(&[a, b]), &merged(&[c, d])]), &whole);
            prop_assert_eq!(&merged(&[&merged(&[c, a]), &merged(&[d, b])]), &whole);
        }

        #[test]
        fn where_every_exit_follows_an_entry_as_many_are_open_as_pairing_finds(
            checkpoints in prop::collection::vec(any_checkpoint(), 0..40),
        ) {
            let strays = pair(&checkpoints).strays;
            let kept: Vec<Checkpoint> =
                checkpoints.iter().enumerate().filter(|(index, _)| !strays.contains(index)).map(|(_, one)| one.clone()).collect();
            let open = pair(&kept).operations.iter().filter(|one| one.exit.is_none()).count();
            prop_assert_eq!(fold(&kept).open_operations(), open as u64);
        }
    }
}
