//! Tokens and cost of each span: what it reports of itself, else what the model calls below it sum up to.

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

    fn is_empty(&self) -> bool {
        self.input == 0 && self.output == 0 && self.cost_pico.is_none()
    }
}

/// The usage of a span while the spans of a trace are summed up.
#[derive(Clone, Default)]
struct SpanUsage {
    own: Option<Usage>,
    /// Summed up from model calls below.
    calls: TokenSum,
    /// Summed up from other spans below, which may report what lies below themselves.
    others: TokenSum,
}

impl SpanUsage {
    fn total(self) -> TokenSum {
        let below = if self.calls.is_empty() { self.others } else { self.calls };
        let Some(own) = self.own else { return below };
        let mut sum = TokenSum::default();
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
}

impl TraceReport {
    /// Tokens and cost by the index of a span; `None` when no span reports any.
    pub fn token_sums(&self) -> Option<Vec<TokenSum>> {
        let own: Vec<Option<Usage>> = self.trace.spans.iter().map(|span| usage(&span.attributes)).collect();
        if own.iter().all(Option::is_none) {
            return None;
        }
        let mut all: Vec<SpanUsage> = own.into_iter().map(|own| SpanUsage { own, ..SpanUsage::default() }).collect();
        for index in self.tree.order.iter().rev() {
            let Some(parent) = self.tree.parent[*index] else { continue };
            let SpanUsage { own, mut calls, mut others } = all[*index].clone();
            if let Some(own) = own {
                let sum = if own.is_inference { &mut calls } else { &mut others };
                // An aggregate covers what lies below it; a call comes on top.
                if !own.is_inference {
                    *sum = TokenSum::default();
                }
                sum.add(own.input_tokens, own.output_tokens, own.cost_pico, &own.currency);
            }
            all[parent].calls.add_sum(&calls);
            all[parent].others.add_sum(&others);
        }
        Some(all.into_iter().map(SpanUsage::total).collect())
    }
}
