//! What the model calls of a trace used, as folds keep it.

use super::genai;
use super::summary::Cost;

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

impl UsageSum {
    pub(super) fn add_tokens(&mut self, input: u64, output: u64) {
        self.input = self.input.saturating_add(input);
        self.output = self.output.saturating_add(output);
    }

    pub(super) fn merge(&mut self, other: &UsageSum) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        other.cost_pico.iter().for_each(|(currency, pico)| self.add_cost(currency, *pico));
    }

    pub(super) fn add_cost(&mut self, currency: &str, pico: i64) {
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
