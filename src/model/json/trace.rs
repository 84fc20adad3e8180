//! Summaries of traces, the elements of `list`.

use super::document::{FromJson, document};
use super::scalar::Lenient;
use crate::model::time::nanos_to_ms;
use crate::model::{Cost, RecordKind, Text, Tokens, TraceSummary};

document! {
    TraceSummary as summary {
        "trace_id": trace_id,
        "name": name,
        "service": service,
        "services": services,
        "workflow": workflow as Lenient,
        "kinds" = summary.kinds,
        "status": status,
        "start_time": start,
        "end_time": end,
        "duration_ms" = nanos_to_ms(summary.duration_ns()),
        "duration_ns" = summary.duration_ns(),
        "span_count": span_count,
        "checkpoint_count": checkpoint_count,
        "log_count": log_count,
        "error_count": error_count,
        "complete": complete,
        "tokens": tokens,
        "cost": cost,
        // Names that other programs ask for.
        "root_span_id": root_span_id,
        "workflow_name" = summary.workflow,
        "service_name" = summary.service,
    }
    from(json) {
        // A kind of a later version is passed over.
        kinds: {
            let words: Vec<Text> = FromJson::from_json(&json["kinds"], "kinds")?;
            words.iter().filter_map(|word| RecordKind::parse(word)).collect()
        }
    }
}

document! {
    Tokens as tokens {
        "input": input,
        "output": output,
    }
    from(json) {}
}

document! {
    Cost as cost {
        "amount": amount,
        "currency": currency,
    }
    from(json) {}
}
