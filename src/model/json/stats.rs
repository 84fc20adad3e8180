//! Statistics, and where the store they are of lies.

use serde_json::{Value as Json, json};

use super::document::{Codec, SCHEMA, document};
use super::scalar::Lenient;
use crate::model::time::nanos_to_ms;
use crate::model::{DatabaseInfo, Operation, OperationStats, Stats, Timeline};

document! {
    Stats as stats {
        "schema" = SCHEMA,
        "traces": traces,
        "spans": spans,
        "checkpoints": checkpoints,
        "logs": logs,
        "issues": issues,
        "errors": errors,
        "services": services,
        "first_time": first as Lenient,
        "last_time": last as Lenient,
        "database": database,
        "operations": operations,
        "failed_traces": failed,
        "timeline": timeline,
    }
    from(json) {}
}

document! {
    OperationStats as row {
        "service" = row.operation.service,
        "name" = row.operation.name,
        "calls": calls,
        "errors": errors,
        "error_rate" = if row.calls == 0 { 0.0 } else { row.errors as f64 / row.calls as f64 },
        "p50_ms" = nanos_to_ms(row.p50_ns),
        "p95_ms" = nanos_to_ms(row.p95_ns),
        "p99_ms" = nanos_to_ms(row.p99_ns),
        "max_ms" = nanos_to_ms(row.max_ns),
        "total_ms" = nanos_to_ms(row.total_ns),
        "self_ms" = nanos_to_ms(row.self_ns),
        "p50_ns": p50_ns,
        "p95_ns": p95_ns,
        "p99_ns": p99_ns,
        "max_ns": max_ns,
        "total_ns": total_ns,
        "self_ns": self_ns,
        "histogram": histogram,
        "records": records,
        "open": open,
    }
    from(json) {
        operation: Operation {
            service: Lenient::read(&json["service"], "service")?,
            name: Lenient::read(&json["name"], "name")?,
        }
    }
}

document! {
    DatabaseInfo as database {
        "location": location,
        "size_bytes": size_bytes,
        "retention_hours" = database.retention_seconds.map(hours),
        "damaged_rows": damaged_rows,
    }
    from(json) {
        retention_seconds: json["retention_hours"].as_f64().map(|hours| (hours * 3_600.0).round() as u64)
    }
}

/// Hours of a number of seconds; whole ones print as integers.
fn hours(seconds: u64) -> Json {
    match seconds % 3_600 {
        0 => json!(seconds / 3_600),
        _ => json!(seconds as f64 / 3_600.0),
    }
}

document! {
    Timeline as timeline {
        "start_time": start,
        "step_ns" = timeline.step_ns,
        "traces": traces,
        "errors": errors,
    }
    from(json) { step_ns: u64::from_json(&json["step_ns"], "step_ns")?.max(1) }
}
