//! Tokens and cost of each span: what it reports of itself, else what spans below it sum up to.
//!
//! What a span reports counts for those above it only where nothing below it reports any: agents, frameworks and wrappers
//! report what the calls below them used once more.

use super::report::TraceReport;
use crate::model::Cost;
use crate::model::genai::{PICO_PER_UNIT, Usage, usage};

/// Tokens and cost; the first currency names the rest, what was paid in another is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenSum {
    /// Tokens sent to models.
    pub input: u64,
    /// Tokens models answered with.
    pub output: u64,
    cost_pico: Option<i64>,
    currency: String,
}

impl TokenSum {
    /// What the tokens cost; `None` when nobody said.
    pub fn cost(&self) -> Option<Cost> {
        let amount = self.cost_pico? as f64 / PICO_PER_UNIT;
        Some(Cost { amount, currency: self.currency.clone() })
    }

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

    fn add_sum(&mut self, other: &TokenSum) {
        self.add(other.input, other.output, other.cost_pico, &other.currency);
    }

    fn has_tokens(&self) -> bool {
        self.input > 0 || self.output > 0
    }

    /// What one span reports of itself.
    fn of_span(usage: &Usage) -> TokenSum {
        let mut sum = TokenSum::default();
        let [input, output] = [usage.input_tokens, usage.output_tokens].map(Option::unwrap_or_default);
        sum.add(input, output, usage.cost_pico, &usage.currency);
        sum
    }

    /// Tokens and cost each of `self` where it has them, else of `other`.
    fn or(&self, other: &TokenSum) -> TokenSum {
        let tokens = if self.has_tokens() { self } else { other };
        let cost = if self.cost_pico.is_some() { self } else { other };
        let mut sum = TokenSum::default();
        sum.add(tokens.input, tokens.output, cost.cost_pico, &cost.currency);
        sum
    }
}

impl TraceReport {
    /// Tokens and cost by the index of a span; `None` when no span reports any.
    pub fn token_sums(&self) -> Option<Vec<TokenSum>> {
        let own: Vec<Option<Usage>> = self.trace.spans.iter().map(|span| usage(&span.attributes)).collect();
        if own.iter().all(Option::is_none) {
            return None;
        }
        let own: Vec<TokenSum> =
            own.iter().map(|own| own.as_ref().map(TokenSum::of_span).unwrap_or_default()).collect();
        let mut below = vec![TokenSum::default(); own.len()];
        for index in self.tree.order.iter().rev() {
            if let Some(parent) = self.tree.parent[*index] {
                let counted = below[*index].or(&own[*index]);
                below[parent].add_sum(&counted);
            }
        }
        Some(own.iter().zip(&below).map(|(own, below)| own.or(below)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attributes, Span, Text, Value};
    use crate::query::samples::{span, trace};

    fn using(span: Span, input: i64, output: i64) -> Span {
        let pairs = [("gen_ai.usage.input_tokens", input), ("gen_ai.usage.output_tokens", output)];
        let attributes = pairs.map(|(key, count)| (Text::from(key), Value::Int(count)));
        Span { attributes: Attributes(attributes.to_vec()), ..span }
    }

    #[test]
    fn a_wrapper_does_not_count_its_call_again_and_an_agent_without_calls_counts() {
        let report = TraceReport::new(trace(vec![
            span("run", 1, 0, 0, 99),
            using(span("agent", 2, 1, 1, 50), 100, 20),
            using(span("framework", 3, 2, 2, 40), 90, 18),
            span("http", 4, 3, 3, 39),
            using(span("provider", 5, 4, 4, 38), 88, 17),
            using(span("lonely agent", 6, 1, 60, 90), 7, 3),
        ]));
        let sums = report.token_sums().expect("usage");
        let tokens: Vec<(u64, u64)> = sums.iter().map(|sum| (sum.input, sum.output)).collect();
        assert_eq!(tokens, [(95, 20), (100, 20), (90, 18), (88, 17), (88, 17), (7, 3)]);
        let summary = report.trace.summary.tokens.expect("tokens");
        assert_eq!((summary.input, summary.output), tokens[0], "the trace used what its root did");
    }
}
