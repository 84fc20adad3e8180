//! Token use, cost and model of AI calls, read from span attributes: one table of the names everybody gives them.
//!
//! Names follow the OpenTelemetry GenAI conventions and their older spellings, OpenInference, OpenLLMetry, the Vercel AI
//! SDK, Semantic Kernel, Langfuse, MLflow, and what msgtrace-sdk writes. Cost has no standard yet: the proposed
//! `gen_ai.usage.cost.amount` wins, then msgtrace's input and output costs summed, then a plain one.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::model::{Attributes, Text, Value};

/// Picos in one unit of a currency: costs are summed as integers so that the order of adding never shows.
pub const PICO_PER_UNIT: f64 = 1e12;

/// Attributes that hold how many tokens went in, best first.
const INPUT_KEYS: [&str; 11] = [
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "gen_ai.response.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.input_tokens",
    "llm.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
    "input_tokens",
    "prompt_tokens",
];

/// Attributes that hold how many tokens came out, best first.
const OUTPUT_KEYS: [&str; 10] = [
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "gen_ai.response.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.output_tokens",
    "llm.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "output_tokens",
    "completion_tokens",
];

/// Attributes that hold both as an object, or as the JSON text of one.
const USAGE_OBJECT_KEYS: [&str; 3] =
    ["langfuse.observation.usage_details", "mlflow.chat.tokenUsage", "mlflow.trace.tokenUsage"];
/// What such an object calls the tokens that went in, best first.
const INPUT_MEMBERS: [&str; 5] = ["input", "input_tokens", "prompt_tokens", "inputTokens", "promptTokens"];
/// What such an object calls the tokens that came out, best first.
const OUTPUT_MEMBERS: [&str; 5] = ["output", "output_tokens", "completion_tokens", "outputTokens", "completionTokens"];

/// Attributes that hold what a call cost, best first.
const COST_KEYS: [&str; 3] = ["gen_ai.usage.cost", "llm.cost.total", "llm.usage.cost"];
/// Attributes that hold costs as an object, or as the JSON text of one.
const COST_OBJECT_KEYS: [&str; 2] = ["langfuse.observation.cost_details", "mlflow.llm.cost"];
/// What such an object calls the whole cost, best first.
const COST_MEMBERS: [&str; 2] = ["total", "total_cost"];

/// Attributes that name the model that answered or was asked, best first.
pub const MODEL_KEYS: [&str; 12] = [
    "gen_ai.response.model",
    "gen_ai.request.model",
    "ai.response.model",
    "ai.model.id",
    "llm.response.model",
    "llm.request.model",
    "llm.model_name",
    "llm.model",
    "embedding.model_name",
    "langfuse.observation.model.name",
    "mlflow.llm.model",
    "gen_ai.model",
];

/// Token use and cost that one span reports of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens that went in; `None` when not reported.
    pub input_tokens: Option<u64>,
    /// Tokens that came out; `None` when not reported.
    pub output_tokens: Option<u64>,
    /// Cost in 10⁻¹² of `currency`; `None` when not reported.
    pub cost_pico: Option<i64>,
    /// Currency of the cost, `USD` when not named.
    pub currency: Text,
}

/// The usage a span reports; `None` when it reports none.
pub fn usage(attributes: &Attributes) -> Option<Usage> {
    // Every span is asked, hardly any knows.
    if !attributes.iter().any(|(key, _)| may_tell_usage(key)) {
        return None;
    }
    let objects: Vec<Cow<'_, Value>> = objects(attributes, &USAGE_OBJECT_KEYS);
    let tokens = |keys: &[&str], members: &[&str]| {
        let plain = keys.iter().find_map(|key| count(attributes.get(key)?));
        plain.or_else(|| objects.iter().find_map(|object| members.iter().find_map(|name| count(member(object, name)?))))
    };
    let input_tokens = tokens(&INPUT_KEYS, &INPUT_MEMBERS);
    let output_tokens = tokens(&OUTPUT_KEYS, &OUTPUT_MEMBERS);
    let cost_pico = cost(attributes);
    if input_tokens.is_none() && output_tokens.is_none() && cost_pico.is_none() {
        return None;
    }
    let currency = Text::from(attributes.text("gen_ai.usage.cost.currency").unwrap_or("USD"));
    Some(Usage { input_tokens, output_tokens, cost_pico, currency })
}

/// Whether an attribute may hold usage, going by its name; false is certain.
fn may_tell_usage(key: &str) -> bool {
    let is_bare = || matches!(key, "input_tokens" | "prompt_tokens" | "output_tokens" | "completion_tokens");
    match key.split_once('.') {
        Some(("gen_ai", rest)) => rest.starts_with("usage.") || rest.starts_with("response."),
        Some(("llm" | "ai" | "mlflow" | "langfuse", _)) => true,
        Some(_) => false,
        None => is_bare(),
    }
}

/// A number of tokens; `None` for what is none.
fn count(value: &Value) -> Option<u64> {
    value.as_f64().filter(|count| *count >= 0.0 && count.is_finite()).map(|count| count as u64)
}

/// The model that answered or was asked.
pub fn model(attributes: &Attributes) -> Option<Text> {
    MODEL_KEYS.iter().find_map(|key| model_name(attributes.get(key)?))
}

/// The model that the value of one of [`MODEL_KEYS`] names; some write it as JSON, in quotes.
pub fn model_name(value: &Value) -> Option<Text> {
    let Value::String(text) = value else { return None };
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match bare {
        Some(bare) => (!bare.is_empty()).then(|| Text::from(bare)),
        None => (!text.is_empty()).then(|| text.clone()),
    }
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
    let amount = |name: &str| finite(attributes.get(name)?);
    let sum_of_parts = || {
        let parts = [amount("gen_ai.usage.cost.input_tokens"), amount("gen_ai.usage.cost.output_tokens")];
        parts.iter().flatten().copied().reduce(|sum, part| sum + part)
    };
    let in_objects = || {
        let objects = objects(attributes, &COST_OBJECT_KEYS);
        objects.iter().find_map(|object| COST_MEMBERS.iter().find_map(|name| finite(member(object, name)?)))
    };
    let total = amount("gen_ai.usage.cost.amount")
        .or_else(sum_of_parts)
        .or_else(|| COST_KEYS.iter().find_map(|key| amount(key)))
        .or_else(in_objects)?;
    Some((total * PICO_PER_UNIT).round() as i64)
}

fn finite(value: &Value) -> Option<f64> {
    value.as_f64().filter(|amount| amount.is_finite())
}

/// The objects that stand under some keys, as they are or as JSON text.
fn objects<'a>(attributes: &'a Attributes, keys: &[&str]) -> Vec<Cow<'a, Value>> {
    let object = |key: &&str| match attributes.get(key)? {
        map @ Value::Map(_) => Some(Cow::Borrowed(map)),
        Value::String(text) => object_of_numbers(text).map(Cow::Owned),
        _ => None,
    };
    keys.iter().filter_map(object).collect()
}

/// The numbers of a JSON object; `None` when the text is none.
fn object_of_numbers(text: &str) -> Option<Value> {
    let Ok(Json::Object(members)) = serde_json::from_str(text) else { return None };
    let number = |(name, value): (String, Json)| Some((Text::from(name), Value::Double(value.as_f64()?)));
    Some(Value::Map(members.into_iter().filter_map(number).collect()))
}

fn member<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Map(members) = object else { return None };
    members.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
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
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.cost_pico), (Some(812), Some(64), None));
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

    /// What the attributes say went in and came out, and the model.
    fn read(pairs: &[(&str, Value)]) -> (Option<u64>, Option<u64>, Option<String>) {
        let attributes = attributes(pairs);
        let usage = usage(&attributes).unwrap_or_default();
        (usage.input_tokens, usage.output_tokens, model(&attributes).map(|model| model.to_string()))
    }

    #[test]
    fn everybody_has_names_of_their_own_for_tokens_and_models() {
        let names = [
            ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.request.model"),
            ("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens", "gen_ai.response.model"),
            ("gen_ai.response.prompt_tokens", "gen_ai.response.completion_tokens", "gen_ai.request.model"),
            ("llm.token_count.prompt", "llm.token_count.completion", "llm.model_name"),
            ("llm.usage.prompt_tokens", "llm.usage.completion_tokens", "llm.request.model"),
            ("llm.usage.input_tokens", "llm.usage.output_tokens", "llm.response.model"),
            ("ai.usage.promptTokens", "ai.usage.completionTokens", "ai.model.id"),
            ("ai.usage.inputTokens", "ai.usage.outputTokens", "ai.response.model"),
            ("input_tokens", "output_tokens", "llm.model"),
            ("prompt_tokens", "completion_tokens", "embedding.model_name"),
        ];
        for (input, output, model) in names {
            let found = read(&[(input, 812.into()), (output, "64".into()), (model, "gpt-4o".into())]);
            assert_eq!(found, (Some(812), Some(64), Some("gpt-4o".to_owned())), "{input}");
            assert_eq!(read(&[(output, 64.into())]), (None, Some(64), None), "{output}");
        }
    }

    #[test]
    fn langfuse_and_mlflow_write_objects_as_json() {
        let details = r#"{"input":12,"output":3,"total":15}"#;
        let langfuse = [
            ("langfuse.observation.usage_details", details.into()),
            ("langfuse.observation.cost_details", r#"{"total":0.5}"#.into()),
            ("langfuse.observation.model.name", "claude".into()),
        ];
        assert_eq!(read(&langfuse), (Some(12), Some(3), Some("claude".to_owned())));
        assert_eq!(usage(&attributes(&langfuse)).expect("usage").cost_pico, Some(500_000_000_000));
        let counts = Value::Map(vec![("input_tokens".into(), 7.into()), ("output_tokens".into(), 2.into())]);
        let mlflow = [("mlflow.chat.tokenUsage", counts), ("mlflow.llm.model", r#""gpt-4o""#.into())];
        assert_eq!(read(&mlflow), (Some(7), Some(2), Some("gpt-4o".to_owned())));
        for broken in ["", "{", "[1]", "null", r#"{"input":"many"}"#] {
            assert_eq!(read(&[("langfuse.observation.usage_details", broken.into())]), (None, None, None), "{broken}");
        }
    }
}
