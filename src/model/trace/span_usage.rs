//! What single spans of a trace report to have used, kept until it is known which of them repeat what lies below them.
//!
//! Agents, frameworks and wrappers report what the calls below them used once more, so what a span reports counts only
//! where no span below it reports any. The spans of a trace arrive in many writes, and folds keep only those that report
//! something, with the nearest span above that does. Where a write breaks that chain, a span lies below the one in whose
//! time it ran.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::genai::Usage;
use super::usage_sum::UsageSum;
use crate::model::{Span, SpanId};

/// Of so many spans a trace keeps what they report; what others report is summed up.
pub(super) const MOST_SPANS: usize = 1_000;
/// Among more spans than this nobody looks for the one in whose time another ran.
const MOST_COMPARED: usize = 300;

/// What a span reports to have used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct SpanUsage {
    /// The id of the span.
    pub span_id: [u8; 8],
    /// The nearest span above that reports something too, or the first above that is not known.
    pub above: Option<[u8; 8]>,
    /// When the span started, unix nanoseconds.
    pub start_ns: u64,
    /// When the span ended, unix nanoseconds.
    pub end_ns: u64,
    /// Tokens that went in.
    pub input: Option<u64>,
    /// Tokens that came out.
    pub output: Option<u64>,
    /// Cost in 10⁻¹² of the currency.
    pub cost_pico: Option<i64>,
    /// Currency of the cost; empty without one.
    pub currency: String,
}

impl SpanUsage {
    /// What a span reports.
    pub(super) fn new(span: &Span, usage: Usage) -> SpanUsage {
        SpanUsage {
            span_id: span.span_id.0,
            above: span.parent_span_id.map(|parent| parent.0),
            start_ns: span.start.0,
            end_ns: span.end.0.max(span.start.0),
            input: usage.input_tokens,
            output: usage.output_tokens,
            cost_pico: usage.cost_pico,
            currency: usage.cost_pico.map(|_| usage.currency.to_string()).unwrap_or_default(),
        }
    }

    fn has_tokens(&self) -> bool {
        self.input.unwrap_or(0) > 0 || self.output.unwrap_or(0) > 0
    }

    fn contains(&self, other: &SpanUsage) -> bool {
        let length = |one: &SpanUsage| one.end_ns - one.start_ns;
        self.start_ns <= other.start_ns && other.end_ns <= self.end_ns && length(self) > length(other)
    }
}

/// Skips spans that report nothing: what each span lies below becomes the nearest that does, as far as the parents of
/// some spans of the trace say.
pub(super) fn skip_silent_spans(usages: &mut [SpanUsage], parents: &FxHashMap<SpanId, Option<SpanId>>) {
    let reporting: Vec<[u8; 8]> = usages.iter().map(|usage| usage.span_id).collect();
    for usage in usages {
        // As many steps as there are spans, in case they go round in a circle.
        for _ in 0..=parents.len() {
            let Some(above) = usage.above else { break };
            if reporting.binary_search(&above).is_ok() {
                break;
            }
            let Some(next) = parents.get(&SpanId(above)) else { break };
            usage.above = next.map(|next| next.0);
        }
    }
}

/// The sum of what spans, sorted by their ids, report, without what spans above others repeat.
pub(super) fn sum(usages: &[SpanUsage]) -> UsageSum {
    let above: Vec<Option<usize>> = usages.iter().enumerate().map(|(place, _)| place_above(usages, place)).collect();
    let tokens_repeated = repeated(usages, &above, SpanUsage::has_tokens);
    let cost_repeated = repeated(usages, &above, |usage| usage.cost_pico.is_some());
    let mut sum = UsageSum::default();
    for ((usage, tokens_repeated), cost_repeated) in usages.iter().zip(tokens_repeated).zip(cost_repeated) {
        if !tokens_repeated {
            sum.add_tokens(usage.input.unwrap_or(0), usage.output.unwrap_or(0));
        }
        if let Some(pico) = usage.cost_pico.filter(|_| !cost_repeated) {
            sum.add_cost(&usage.currency, pico);
        }
    }
    sum
}

/// The place of the span that the one at `place` lies below.
fn place_above(usages: &[SpanUsage], place: usize) -> Option<usize> {
    let usage = usages.get(place)?;
    let above = usage.above?;
    if let Ok(found) = usages.binary_search_by(|other| other.span_id.cmp(&above)) {
        return (found != place).then_some(found);
    }
    let around = |(other, one): &(usize, &SpanUsage)| *other != place && one.contains(usage);
    let all = usages.iter().enumerate().filter(|_| usages.len() <= MOST_COMPARED);
    all.filter(around).min_by_key(|(_, one)| one.end_ns - one.start_ns).map(|(other, _)| other)
}

/// Whether a span below each span reports what is asked for.
fn repeated(usages: &[SpanUsage], above: &[Option<usize>], reports: impl Fn(&SpanUsage) -> bool) -> Vec<bool> {
    let mut repeated = vec![false; usages.len()];
    for (place, _) in usages.iter().enumerate().filter(|(_, usage)| reports(usage)) {
        let mut at = above.get(place).copied().flatten();
        while let Some(next) = at
            && next != place
            && let Some(mark) = repeated.get_mut(next)
            && !*mark
        {
            *mark = true;
            at = above.get(next).copied().flatten();
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A span of this id below another (0: none), from and to these times, and what went in and came out.
    fn usage(id: u8, above: u8, (start_ns, end_ns): (u64, u64), tokens: Option<(u64, u64)>) -> SpanUsage {
        SpanUsage {
            span_id: [id; 8],
            above: (above > 0).then_some([above; 8]),
            start_ns,
            end_ns,
            input: tokens.map(|tokens| tokens.0),
            output: tokens.map(|tokens| tokens.1),
            ..SpanUsage::default()
        }
    }

    fn tokens(usages: &[SpanUsage]) -> (u64, u64) {
        let sum = sum(usages);
        (sum.input, sum.output)
    }

    #[test]
    fn what_a_span_reports_counts_only_where_nothing_below_it_reports_any() {
        let framework = [usage(1, 0, (0, 9), Some((10, 5))), usage(2, 1, (1, 8), Some((10, 5)))];
        assert_eq!(tokens(&framework), (10, 5), "a framework over a provider");
        let agents = [
            usage(1, 9, (0, 9), Some((10, 5))),
            usage(2, 1, (1, 3), Some((4, 2))),
            usage(3, 1, (4, 8), Some((6, 3))),
            usage(4, 9, (10, 12), Some((7, 7))),
        ];
        assert_eq!(tokens(&agents), (17, 12), "of two agents one has no calls below");
        let silent_call = [usage(1, 0, (0, 9), Some((10, 5))), usage(2, 1, (1, 8), Some((0, 0)))];
        assert_eq!(tokens(&silent_call), (10, 5));
        let round = [usage(1, 2, (0, 9), Some((1, 1))), usage(2, 1, (0, 9), Some((2, 2)))];
        assert!(tokens(&round).0 <= 3, "a circle ends");
    }

    #[test]
    fn cost_counts_by_itself() {
        let with_cost = |usage: SpanUsage| SpanUsage { cost_pico: Some(3), currency: "USD".to_owned(), ..usage };
        let above = [with_cost(usage(1, 0, (0, 9), None)), usage(2, 1, (1, 8), Some((4, 2)))];
        let sum_of = sum(&above);
        assert_eq!((sum_of.input, sum_of.output, sum_of.cost_pico), (4, 2, vec![("USD".to_owned(), 3)]));
    }

    #[test]
    fn a_chain_that_a_write_broke_goes_by_time() {
        let parallel = usage(2, 0, (2, 30), Some((9, 9)));
        let spans = [usage(1, 0, (0, 20), Some((4, 2))), parallel, usage(3, 77, (5, 8), Some((4, 2)))];
        assert_eq!(tokens(&spans), (13, 11));
        let mut usages = spans.to_vec();
        let parents = [(77, Some(78)), (78, Some(2))]
            .map(|(id, parent): (u8, Option<u8>)| (SpanId([id; 8]), parent.map(|id| SpanId([id; 8]))));
        skip_silent_spans(&mut usages, &parents.into_iter().collect());
        assert_eq!(usages[2].above, Some([2; 8]));
        assert_eq!(tokens(&usages), (8, 4), "by its chain it lies below the other one");
    }
}
