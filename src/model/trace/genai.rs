//! Token use and cost of AI calls, read from span attributes.
//!
//! Names follow the OpenTelemetry GenAI conventions, their older spellings, and what msgtrace-sdk writes. Cost has no
//! standard yet: the proposed `gen_ai.usage.cost.amount` wins, then msgtrace's input and output costs summed, then a
//! plain `gen_ai.usage.cost`.

use crate::model::{Attributes, Text};

/// Picos in one unit of a currency: costs are summed as integers so that the order of adding never shows.
pub const PICO_PER_UNIT: f64 = 1e12;

/// Token use and cost that one span reports of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens that went in.
    pub input_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// Cost in 10⁻¹² of `currency`; `None` when not reported.
    pub cost_pico: Option<i64>,
    /// Currency of the cost, `USD` when not named.
    pub currency: Text,
    /// Whether the span is the model call itself, not an agent or workflow that sums up calls below it.
    pub is_inference: bool,
}

/// The usage a span reports; `None` when it reports none.
pub fn usage(attributes: &Attributes) -> Option<Usage> {
    if !attributes.iter().any(|(key, _)| key.starts_with("gen_ai.usage.")) {
        return None;
    }
    let tokens = |names: &[&str]| {
        let count = names.iter().find_map(|name| attributes.get(name)?.as_f64());
        count.filter(|count| *count >= 0.0 && count.is_finite()).map(|count| count as u64)
    };
    let input = tokens(&["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]);
    let output = tokens(&["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"]);
    let cost = cost(attributes);
    if input.is_none() && output.is_none() && cost.is_none() {
        return None;
    }
    let currency = attributes.text("gen_ai.usage.cost.currency").unwrap_or("USD");
    Some(Usage {
        input_tokens: input.unwrap_or(0),
        output_tokens: output.unwrap_or(0),
        cost_pico: cost,
        currency: Text::from(currency),
        is_inference: is_inference(attributes),
    })
}

/// The model that answered or was asked.
pub fn model(attributes: &Attributes) -> Option<&str> {
    ["gen_ai.response.model", "gen_ai.request.model"].iter().find_map(|name| attributes.text(name))
}

/// The workflow a span belongs to.
pub fn workflow(attributes: &Attributes) -> Option<&str> {
    // Every span is asked, hardly any knows.
    if !attributes.iter().any(|(key, _)| key.ends_with("workflow.name")) {
        return None;
    }
    ["workflow.name", "gen_ai.workflow.name", "msgflux.workflow.name"]
        .iter()
        .find_map(|name| attributes.text(name))
        .filter(|name| !name.is_empty())
}

fn cost(attributes: &Attributes) -> Option<i64> {
    let amount = |name: &str| attributes.get(name)?.as_f64().filter(|amount| amount.is_finite());
    let total = amount("gen_ai.usage.cost.amount").or_else(|| {
        let parts = [amount("gen_ai.usage.cost.input_tokens"), amount("gen_ai.usage.cost.output_tokens")];
        parts.iter().flatten().copied().reduce(|sum, part| sum + part).or_else(|| amount("gen_ai.usage.cost"))
    })?;
    Some((total * PICO_PER_UNIT).round() as i64)
}

fn is_inference(attributes: &Attributes) -> bool {
    match attributes.text("gen_ai.operation.name") {
        Some("chat" | "text_completion" | "generate_content" | "embeddings" | "completion" | "retrieval") => true,
        Some(_) => false,
        None => model(attributes).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    fn attributes(pairs: &[(&str, Value)]) -> Attributes {
        Attributes(pairs.iter().map(|(key, value)| (Text::from(*key), value.clone())).collect())
    }

    #[test]
    fn a_span_without_usage_attributes_reports_none() {
        assert_eq!(usage(&attributes(&[("gen_ai.request.model", "gpt".into())])), None);
        assert_eq!(usage(&attributes(&[("gen_ai.usage.unknown", 3.into())])), None);
    }

    #[test]
    fn old_names_and_counts_sent_as_text_are_read() {
        let old = attributes(&[
            ("gen_ai.usage.prompt_tokens", "812".into()),
            ("gen_ai.usage.completion_tokens", Value::Double(64.0)),
        ]);
        let usage = usage(&old).expect("usage");
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.cost_pico), (812, 64, None));
    }

    #[test]
    fn the_proposed_cost_wins_over_the_sum_of_parts_over_the_plain_one() {
        let mut pairs = vec![("gen_ai.usage.cost", Value::Double(9.0))];
        assert_eq!(usage(&attributes(&pairs)).expect("usage").cost_pico, Some(9_000_000_000_000));
        pairs.push(("gen_ai.usage.cost.input_tokens", Value::Double(0.001)));
        pairs.push(("gen_ai.usage.cost.output_tokens", Value::Double(0.002)));
        assert_eq!(usage(&attributes(&pairs)).expect("usage").cost_pico, Some(3_000_000_000));
        pairs.push(("gen_ai.usage.cost.amount", Value::Double(0.5)));
        assert_eq!(usage(&attributes(&pairs)).expect("usage").cost_pico, Some(500_000_000_000));
    }
}
