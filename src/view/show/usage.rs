//! Tokens and cost of each span: what it reports of itself, else what the model calls below it sum up to.

use crate::{
    model::{
        Cost,
        genai::{PICO_PER_UNIT, Usage, usage},
    },
    query::TraceReport,
    view::format,
};

/// Tokens and cost of one span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SpanUsage {
    own: Option<Usage>,
    calls: Sum,
    others: Sum,
}

/// Summed usage of the spans below; the first currency names the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sum {
    input: u64,
    output: u64,
    cost_pico: Option<i64>,
    currency: String,
}

impl Sum {
    fn add(&mut self, input: u64, output: u64, cost_pico: Option<i64>, currency: &str) {
        self.input = self.input.saturating_add(input);
        self.output = self.output.saturating_add(output);
        if self.cost_pico.is_none() {
            currency.clone_into(&mut self.currency);
        }
        if let Some(pico) = cost_pico.filter(|_| self.currency == currency) {
            self.cost_pico = Some(self.cost_pico.unwrap_or(0).saturating_add(pico));
        }
    }

    fn add_sum(&mut self, other: &Sum) {
        if !other.is_empty() {
            self.add(other.input, other.output, other.cost_pico, &other.currency);
        }
    }

    fn is_empty(&self) -> bool {
        self.input == 0 && self.output == 0 && self.cost_pico.is_none()
    }
}

impl SpanUsage {
    fn best(&self) -> Sum {
        let below = if self.calls.is_empty() { &self.others } else { &self.calls };
        let Some(own) = &self.own else { return below.clone() };
        let mut sum = Sum::default();
        match (own.input_tokens, own.output_tokens) {
            (0, 0) => sum.add(below.input, below.output, None, ""),
            (input, output) => sum.add(input, output, None, ""),
        }
        match own.cost_pico {
            Some(_) => sum.add(0, 0, own.cost_pico, &own.currency),
            None => sum.add(0, 0, below.cost_pico, &below.currency),
        }
        sum
    }

    /// `8.1k→412`; `·` for none.
    pub(super) fn tokens(&self) -> String {
        match self.best() {
            Sum { input: 0, output: 0, .. } => "·".to_owned(),
            sum => format::tokens(sum.input, sum.output),
        }
    }

    /// `$0.0061`; `·` for none.
    pub(super) fn cost(&self) -> String {
        let sum = self.best();
        match sum.cost_pico {
            Some(pico) => format::cost(&Cost { amount: pico as f64 / PICO_PER_UNIT, currency: sum.currency }),
            None => "·".to_owned(),
        }
    }
}

/// Usage by span; `None` when no span reports any.
pub(super) fn by_span(report: &TraceReport) -> Option<Vec<SpanUsage>> {
    let own: Vec<Option<Usage>> = report.trace.spans.iter().map(|span| usage(&span.attributes)).collect();
    if own.iter().all(Option::is_none) {
        return None;
    }
    let mut all: Vec<SpanUsage> = own.into_iter().map(|own| SpanUsage { own, ..SpanUsage::default() }).collect();
    for index in report.tree.order.iter().rev() {
        let Some(parent) = report.tree.parent[*index] else { continue };
        let SpanUsage { own, mut calls, mut others } = all[*index].clone();
        if let Some(own) = own {
            let sum = if own.is_inference { &mut calls } else { &mut others };
            // An aggregate covers what lies below it; a call comes on top.
            if !own.is_inference {
                *sum = Sum::default();
            }
            sum.add(own.input_tokens, own.output_tokens, own.cost_pico, &own.currency);
        }
        all[parent].calls.add_sum(&calls);
        all[parent].others.add_sum(&others);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample;

    #[test]
    fn agents_without_usage_show_the_sum_of_their_calls() {
        let report = sample::agent();
        let usage = by_span(&report).expect("usage");
        let shown: Vec<_> = usage.iter().map(|usage| (usage.tokens(), usage.cost())).collect();
        assert_eq!(shown[0], ("8.1k→412".to_owned(), "$0.0061".to_owned()));
        assert_eq!(shown[1], shown[0]);
        assert_eq!(shown[2], ("812→64".to_owned(), "$0.0016".to_owned()));
        assert_eq!(shown[3], ("·".to_owned(), "·".to_owned()));
        assert_eq!(by_span(&sample::checkout()), None);
    }
}
