//! The fold of a trace's records, from which the summary is made.
//!
//! [`TraceFold`] keeps the few facts a summary needs in a form that can be merged in any order, because a trace arrives
//! in many batches: stores keep folds, merge them, and finish them when asked, so a summary never depends on how its
//! records were split.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::model::trace::candidate::{Candidate, Rank, offer};
use crate::model::trace::genai;
use crate::model::trace::odd_times::{Era, OddTimes, Unbelieved, are_near, join_eras};
use crate::model::trace::span_usage::{self, SpanUsage};
use crate::model::trace::summary::{Tokens, TraceStatus, TraceSummary};
use crate::model::trace::time_bounds::TimeBounds;
use crate::model::trace::usage_sum::UsageSum;
use crate::model::{Checkpoint, Direction, LogRecord, Nanos, RecordKind, Span, SpanId, Text, TraceId};

/// What the summary of a trace depends on; folds of parts of a trace merge in any order.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct TraceFold {
    /// Earliest start of the records whose times rule, unix nanoseconds; only meaningful when there is a record.
    pub start_ns: u64,
    /// Latest end of the records whose times rule, unix nanoseconds; only meaningful when there is a record.
    pub end_ns: u64,
    /// Records whose times do not rule. When that is all of them, the trace was when the first was received.
    #[serde(default)]
    pub odd: OddTimes,
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
    /// The best candidate for the root among the records whose times rule.
    pub root: Option<Candidate>,
    /// The best candidate for the workflow name; `service` is unused.
    pub workflow: Option<Candidate>,
    /// Services, sorted, each once.
    pub services: Vec<String>,
    /// What spans report to have used, sorted by their ids.
    #[serde(default)]
    pub usages: Vec<SpanUsage>,
    /// What model calls reported beyond those: those of earlier versions, and those of traces with very many.
    pub inference: Option<UsageSum>,
    /// What agents, workflows and other spans above the calls reported to an earlier version.
    pub aggregate: Option<UsageSum>,
}

/// Longest name taken from a message, in characters.
const MOST_NAME_CHARS: usize = 200;

/// The name of a trace of logs alone: the first line of a message that says anything.
fn name_of(log: &LogRecord) -> String {
    let line = log.message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(MOST_NAME_CHARS).collect()
}

impl TraceFold {
    /// Adds a span to the fold, whose times are believed within `bounds`.
    pub fn add_span(&mut self, span: &Span, bounds: &TimeBounds) {
        let rank = span_rank(span.parent_span_id.is_some(), span, bounds);
        let names = || (span.name.to_string(), span.service().to_string());
        self.add_time((span.start, bounds.end(span.start, span.end)), bounds, rank, names);
        self.spans += 1;
        self.errors += u64::from(span.is_error());
        self.add_service(span.service());
        if let Some(workflow) = genai::workflow(&span.attributes) {
            offer(&mut self.workflow, span_rank(false, span, bounds), || (workflow.to_owned(), String::new()));
        }
        if let Some(usage) = genai::usage(&span.attributes) {
            let usage = SpanUsage::new(span, usage);
            self.usages.insert(self.usages.partition_point(|known| *known < usage), usage);
            self.sum_up_surplus();
        }
    }

    /// Adds a checkpoint to the fold, whose time is believed within `bounds`.
    pub fn add_checkpoint(&mut self, checkpoint: &Checkpoint, bounds: &TimeBounds) {
        let time = checkpoint.time();
        let rank = (true, true, rank_of_time(time, bounds), [0; 8]);
        let names = || (checkpoint.correlation_id.to_string(), checkpoint.source_id.to_string());
        self.add_time((time, Some(time)), bounds, rank, names);
        self.checkpoints += 1;
        match checkpoint.direction {
            Direction::Enter => self.balance(checkpoint.operation_hash(), 1),
            Direction::Exit => self.balance(checkpoint.operation_hash(), -1),
            Direction::Other(_) => {}
        }
        self.add_service(&checkpoint.source_id);
    }

    /// Adds a log record to the fold, whose time is believed within `bounds`.
    pub fn add_log(&mut self, log: &LogRecord, bounds: &TimeBounds) {
        let rank = (true, true, rank_of_time(log.time, bounds), [1; 8]);
        self.add_time((log.time, Some(log.time)), bounds, rank, || (name_of(log), log.resource.service.to_string()));
        self.logs += 1;
        self.errors += u64::from(log.is_error());
        self.add_service(&log.resource.service);
    }

    /// Adds everything `other` has seen; records seen by both count twice, so callers remove duplicates first.
    pub fn merge(&mut self, other: &TraceFold) {
        if other.is_empty() {
            return;
        }
        self.merge_times(other);
        self.spans += other.spans;
        self.checkpoints += other.checkpoints;
        self.logs += other.logs;
        self.errors += other.errors;
        other.open.iter().for_each(|(operation, difference)| self.balance(*operation, *difference));
        self.received_s = self.received_s.max(other.received_s);
        other.services.iter().for_each(|service| self.add_service(service));
        if let Some(theirs) = &other.workflow {
            offer(&mut self.workflow, theirs.rank, || (theirs.name.clone(), theirs.service.clone()));
        }
        if !other.usages.is_empty() {
            self.usages.extend(other.usages.iter().cloned());
            self.usages.sort_unstable();
            self.sum_up_surplus();
        }
        for (mine, theirs) in [(&mut self.inference, &other.inference), (&mut self.aggregate, &other.aggregate)] {
            if let Some(theirs) = theirs {
                mine.get_or_insert_default().merge(theirs);
            }
        }
    }

    /// Whether the fold has seen no record.
    pub fn is_empty(&self) -> bool {
        self.records() == 0
    }

    /// How many records the fold has seen.
    pub fn records(&self) -> u64 {
        self.spans + self.checkpoints + self.logs
    }

    /// The summary of what was seen; `None` when that is nothing.
    pub fn finish(&self, trace_id: TraceId) -> Option<TraceSummary> {
        let root = self.best_root()?;
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
        let usage = self.usage();
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
            tokens: usage.as_ref().map(|sum| Tokens { input: sum.input, output: sum.output }),
            cost: usage.as_ref().and_then(UsageSum::cost),
        })
    }

    /// What the trace used; `None` when nobody reported any. What a span reports counts where none below it does.
    pub fn usage(&self) -> Option<UsageSum> {
        // Earlier versions kept what agents repeat of their calls apart.
        let earlier = self.inference.as_ref().or(self.aggregate.as_ref());
        if self.usages.is_empty() {
            return earlier.cloned();
        }
        let mut sum = span_usage::sum(&self.usages);
        if let Some(earlier) = earlier {
            sum.merge(earlier);
        }
        Some(sum)
    }

    /// Tells spans that report usage which of those they lie below; `parents` are those of the spans that were added.
    pub fn note_parents(&mut self, parents: &FxHashMap<SpanId, Option<SpanId>>) {
        span_usage::skip_silent_spans(&mut self.usages, parents);
        self.usages.sort_unstable();
    }

    fn sum_up_surplus(&mut self) {
        if self.usages.len() > span_usage::MOST_SPANS {
            let surplus = self.usages.split_off(span_usage::MOST_SPANS);
            self.inference.get_or_insert_default().merge(&span_usage::sum(&surplus));
        }
    }

    /// How many operations were entered and not left.
    pub fn open_operations(&self) -> u64 {
        self.open.values().fold(0, |sum, difference| sum.saturating_add(u64::try_from(*difference).unwrap_or(0)))
    }

    /// What the trace is named after; `None` when nothing was seen. A span without a parent wins, then one whose time
    /// rules.
    pub fn best_root(&self) -> Option<&Candidate> {
        let eras = self.odd.eras.iter().filter_map(|era| era.root.as_ref()).map(|root| (1, root));
        let ours = self.root.as_ref().map(|root| (0, root));
        let unbelieved = self.odd.unbelieved.as_ref().and_then(|unbelieved| unbelieved.root.as_ref());
        let all = ours.into_iter().chain(eras).chain(unbelieved.map(|root| (2, root)));
        let key = |(class, root): &(u8, &Candidate)| {
            let (has_parent, no_span, start_ns, id) = root.rank;
            (has_parent, no_span, *class, start_ns, id)
        };
        all.min_by_key(key).map(|(_, root)| root)
    }

    /// From when to when the records of the trace start, as they claim, unix nanoseconds: where stores look for them.
    pub fn reach_ns(&self) -> (u64, u64) {
        let ours = (self.ruling_records() > 0).then_some((self.start_ns, self.end_ns));
        let eras = self.odd.eras.iter().map(|era| (era.start_ns, era.end_ns));
        let unbelieved = self.odd.unbelieved.as_ref().map(|unbelieved| (unbelieved.first_ns, unbelieved.last_ns));
        let all = ours.into_iter().chain(eras).chain(unbelieved);
        all.reduce(|(first, last), (start, end)| (first.min(start), last.max(end))).unwrap_or_default()
    }

    /// Which times of the records of the trace rule; all of them when none is odd.
    pub fn ruling_bounds(&self) -> TimeBounds {
        match self.odd.is_empty() {
            true => TimeBounds::ALL,
            false => TimeBounds::of_trace(Nanos(self.start_ns), Nanos(self.end_ns)),
        }
    }

    /// The bounds to fold records of the trace anew with, or some of them: those that were not believed when they were
    /// received are not believed later.
    pub fn bounds(&self) -> TimeBounds {
        if self.odd.is_empty() {
            return TimeBounds::ALL;
        }
        let ours = (self.ruling_records() > 0).then_some((self.start_ns, self.end_ns));
        let eras = self.odd.eras.iter().map(|era| (era.start_ns, era.end_ns));
        let believed = ours.into_iter().chain(eras).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let (first, last) = believed.unwrap_or((u64::MAX, 0));
        let stand_in = self.odd.unbelieved.as_ref().map_or(self.start_ns, |unbelieved| unbelieved.received_ns);
        TimeBounds { first: Nanos(first), last: Nanos(last), stand_in: Nanos(stand_in) }
    }

    fn balance(&mut self, operation: u64, difference: i64) {
        let sum = self.open.entry(operation).or_default();
        *sum = sum.saturating_add(difference);
        if *sum == 0 {
            self.open.remove(&operation);
        }
    }

    /// How many records have times that rule.
    fn ruling_records(&self) -> u64 {
        self.records().saturating_sub(self.odd.records())
    }

    /// Takes in the time of a record that is not counted yet, from its start to its end as far as that is believed, and
    /// what it would name the trace.
    fn add_time(
        &mut self,
        (start, end): (Nanos, Option<Nanos>),
        bounds: &TimeBounds,
        rank: Rank,
        names: impl FnOnce() -> (String, String),
    ) {
        let ruling = self.ruling_records();
        if !bounds.has(start) {
            let unbelieved = self.odd.note_unbelieved(Unbelieved::one(start, bounds.stand_in));
            offer(&mut unbelieved.root, rank, names);
            return self.stand_in_for(ruling);
        }
        self.odd.ends += u64::from(end.is_none());
        let (start_ns, end_ns) = (start.0, end.unwrap_or(start).0);
        if ruling == 0 {
            (self.start_ns, self.end_ns) = (start_ns, end_ns);
            return offer(&mut self.root, rank, names);
        }
        if self.odd.eras.is_empty() && are_near((self.start_ns, self.end_ns), (start_ns, end_ns)) {
            (self.start_ns, self.end_ns) = (self.start_ns.min(start_ns), self.end_ns.max(end_ns));
            return offer(&mut self.root, rank, names);
        }
        let mut root = None;
        offer(&mut root, rank, names);
        self.join(ruling, vec![Era { start_ns, end_ns, records: 1, root }]);
    }

    /// Takes in the times of records that are not counted yet, and what they would name the trace.
    fn merge_times(&mut self, other: &TraceFold) {
        let (mine, theirs) = (self.ruling_records(), other.ruling_records());
        if let Some(unbelieved) = &other.odd.unbelieved {
            self.odd.note_unbelieved(unbelieved.clone());
        }
        self.odd.ends += other.odd.ends;
        let (ours, others) = ((self.start_ns, self.end_ns), (other.start_ns, other.end_ns));
        let is_one_era = self.odd.eras.is_empty() && other.odd.eras.is_empty();
        if is_one_era && (mine == 0 || theirs == 0 || are_near(ours, others)) {
            (self.start_ns, self.end_ns) = match (mine, theirs) {
                (_, 0) => ours,
                (0, _) => others,
                _ => (ours.0.min(others.0), ours.1.max(others.1)),
            };
            if let Some(root) = &other.root {
                offer(&mut self.root, root.rank, || (root.name.clone(), root.service.clone()));
            }
            return self.stand_in_for(mine + theirs);
        }
        let mut eras = other.odd.eras.clone();
        if theirs > 0 {
            eras.push(Era { start_ns: others.0, end_ns: others.1, records: theirs, root: other.root.clone() });
        }
        self.join(mine, eras);
    }

    /// Joins eras with those the fold has, where `ruling` records lie in the one that rules.
    fn join(&mut self, ruling: u64, more: Vec<Era>) {
        let mut eras = std::mem::take(&mut self.odd.eras);
        if ruling > 0 {
            let root = self.root.take();
            eras.push(Era { start_ns: self.start_ns, end_ns: self.end_ns, records: ruling, root });
        }
        eras.extend(more);
        let (ruling, rest) = join_eras(eras);
        self.odd.eras = rest;
        if let Some(era) = ruling {
            (self.start_ns, self.end_ns, self.root) = (era.start_ns, era.end_ns, era.root);
        }
    }

    /// Where no time rules, the trace was when the first of its records was received.
    fn stand_in_for(&mut self, ruling: u64) {
        if ruling == 0
            && let Some(unbelieved) = &self.odd.unbelieved
        {
            (self.start_ns, self.end_ns) = (unbelieved.received_ns, unbelieved.received_ns);
        }
    }

    fn add_service(&mut self, service: &str) {
        if let Err(place) = self.services.binary_search_by(|known| known.as_str().cmp(service)) {
            self.services.insert(place, service.to_owned());
        }
    }
}

fn span_rank(has_parent: bool, span: &Span, bounds: &TimeBounds) -> Rank {
    (has_parent, false, rank_of_time(span.start, bounds), span.span_id.0)
}

/// What candidates are compared by for their time: one that is not believed comes last.
fn rank_of_time(time: Nanos, bounds: &TimeBounds) -> u64 {
    if bounds.has(time) { time.0 } else { u64::MAX }
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
        checkpoints.iter().for_each(|checkpoint| fold.add_checkpoint(checkpoint, &TimeBounds::ALL));
        fold
    }

    /// A log record that says when it was made.
    fn log_at(time: u64) -> LogRecord {
        LogRecord { time: Nanos(time), message: Text::from(time.to_string()), ..LogRecord::default() }
    }

    fn span_at(name: &str, id: u8, parent: u8, start: u64, end: u64) -> Span {
        Span {
            trace_id: self::id(),
            span_id: crate::model::SpanId([id; 8]),
            parent_span_id: (parent > 0).then_some(crate::model::SpanId([parent; 8])),
            trace_state: Text::EMPTY,
            flags: 0,
            name: Text::from(name),
            kind: crate::model::Kind::Internal,
            start: Nanos(start),
            end: Nanos(end),
            attributes: crate::model::Attributes::EMPTY,
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: crate::model::Status::default(),
            resource: Default::default(),
            scope: Default::default(),
        }
    }

    /// Start, duration and name of a trace of these spans, received now.
    fn summed(spans: &[Span]) -> (u64, u64, String) {
        let mut fold = TraceFold::default();
        spans.iter().for_each(|span| fold.add_span(span, &TimeBounds::received_at(NOW)));
        let summary = fold.finish(id()).expect("spans");
        assert_eq!(summary.span_count, spans.len() as u64);
        (summary.start.0, summary.duration_ns(), summary.name.to_string())
    }

    #[test]
    fn a_time_that_cannot_be_does_not_rule_a_trace() {
        let now = NOW.0;
        let root = span_at("root", 1, 0, now, now + SECOND);
        let day = 86_400 * SECOND;
        let odd = [
            0,
            44_511_913_730_532,
            now / 1_000,
            now / 1_000_000,
            now / SECOND,
            now + 2 * day,
            now + 4_000 * day,
            u64::MAX,
        ];
        for start in odd {
            for end in [start, start.saturating_add(5), now] {
                for parent in [0, 1] {
                    let child = span_at("child", 2, parent, start, end);
                    let expected = (now, SECOND, "root".to_owned());
                    assert_eq!(summed(&[root.clone(), child.clone()]), expected, "{start} to {end}");
                    assert_eq!(summed(&[child, root.clone()]), expected, "{start} to {end}");
                }
            }
        }
        for end in odd {
            let child = span_at("child", 2, 1, now + 7, end);
            assert_eq!(summed(&[root.clone(), child]).1, SECOND, "ends at {end}");
            assert_eq!(summed(&[span_at("root", 1, 0, now, end)]), (now, 0, "root".to_owned()));
        }
    }

    #[test]
    fn a_trace_in_which_no_time_can_be_was_when_it_was_received_and_keeps_its_root() {
        let spans = [span_at("child", 2, 1, 3, 9), span_at("root", 1, 0, 5, 10)];
        assert_eq!(summed(&spans), (NOW.0, 0, "root".to_owned()));
        assert_eq!(summed(&[span_at("later", 1, 0, u64::MAX, u64::MAX)]), (NOW.0, 0, "later".to_owned()));
    }

    #[test]
    fn an_old_trace_is_old_and_the_odd_one_out_is_years_from_most_of_it() {
        let then = 1_560_000_000 * SECOND;
        let old = [span_at("a", 1, 0, then, then + 9), span_at("b", 2, 1, then + 1, then + 5)];
        assert_eq!(summed(&old), (then, 9, "a".to_owned()));
        let with_one_of_now = [old[0].clone(), old[1].clone(), span_at("now", 3, 0, NOW.0, NOW.0 + 1)];
        assert_eq!(summed(&with_one_of_now), (then, 9, "a".to_owned()));
        let with_one_of_then = [span_at("now", 3, 0, NOW.0, NOW.0 + 1), old[1].clone()];
        assert_eq!(summed(&with_one_of_then), (NOW.0, 1, "now".to_owned()), "of as many the latest rule");
        let two_roots = [span_at("then", 1, 0, then, then + 9), span_at("now", 3, 0, NOW.0, NOW.0 + 1)];
        assert_eq!(summed(&two_roots), (NOW.0, 1, "now".to_owned()));
        let long = span_at("slow", 1, 0, NOW.0 - 300 * 86_400 * SECOND, NOW.0);
        assert_eq!(summed(&[long]).1, 300 * 86_400 * SECOND, "less than a year is only slow");
    }

    #[test]
    fn logs_and_checkpoints_follow_the_same_rule() {
        let mut fold = TraceFold::default();
        let bounds = TimeBounds::received_at(NOW);
        [0, NOW.0, 5, u64::MAX].iter().for_each(|time| fold.add_log(&log_at(*time), &bounds));
        [f64::NAN, -1.0, 44_511.0, 1e300]
            .iter()
            .for_each(|ms| fold.add_checkpoint(&checkpoint(*ms, "MA", "==", "a"), &bounds));
        let summary = fold.finish(id()).expect("records");
        assert_eq!((summary.start, summary.end, summary.name.as_str()), (NOW, NOW, NOW.0.to_string().as_str()));
        assert_eq!(fold.reach_ns(), (0, u64::MAX), "where the records are found");
        assert_eq!(fold.bounds(), TimeBounds { first: NOW, last: NOW, stand_in: NOW });
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

    /// Some time in November 2026.
    const NOW: Nanos = Nanos(1_795_252_442_000_000_000);
    const SECOND: u64 = 1_000_000_000;

    fn any_checkpoint() -> impl Strategy<Value = Checkpoint> {
        // Seconds of now, of 2010 and 2019, of a monotonic clock and of next year.
        let era = prop::sample::select(vec![1_795_252_440_u64, 1_270_000_000, 1_560_000_000, 44_511, 1_830_000_000]);
        let time = (0..9_u64, era).prop_map(|(second, era)| ((era + second) * 1_000) as f64);
        (time, "[AB]", prop_oneof![4 => "->", 4 => "<-", 1 => "=="], "[xyz]")
            .prop_map(|(time, source, direction, endpoint)| checkpoint(time, &source, &direction, &endpoint))
    }

    fn any_log() -> impl Strategy<Value = LogRecord> {
        (0..9_u64, prop::sample::select(vec![0, NOW.0, 1_270_000_009 * SECOND]), "[ab]").prop_map(
            |(time, era, message)| LogRecord { time: Nanos(era + time), message: message.into(), ..Default::default() },
        )
    }

    proptest! {
        #[test]
        fn a_fold_does_not_depend_on_how_records_are_split_or_in_what_order_parts_are_merged(
            checkpoints in prop::collection::vec(any_checkpoint(), 0..40),
            logs in prop::collection::vec(any_log(), 0..5),
            parts in prop::collection::vec(0..4_usize, 45),
        ) {
            let bounds = &TimeBounds::received_at(NOW);
            let mut folds = vec![TraceFold::default(); 4];
            let mut whole = TraceFold::default();
            for (checkpoint, part) in checkpoints.iter().zip(&parts) {
                folds[*part].add_checkpoint(checkpoint, bounds);
                whole.add_checkpoint(checkpoint, bounds);
            }
            for (log, part) in logs.iter().zip(parts.iter().rev()) {
                folds[*part].add_log(log, bounds);
                whole.add_log(log, bounds);
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
