//! The stored checkpoints of a correlation id, and which checkpoints are its own.

use crate::decode::checkpoint::trace_id;
use crate::model::{Checkpoint, RecordFilter, RecordKind, TraceId};
use crate::store::{self, Backend};

/// All checkpoints, or those of one trace.
pub(crate) fn filter(trace: Option<TraceId>) -> RecordFilter {
    RecordFilter { kind: Some(RecordKind::Checkpoints), trace, ..RecordFilter::default() }
}

/// The stored checkpoints of a correlation id, by time, then suffix.
///
/// # Errors
/// The store fails.
pub(crate) async fn checkpoints(backend: &dyn Backend, id: &str) -> store::Result<Vec<Checkpoint>> {
    let trace = backend.trace(&trace_id(id)).await?;
    let mut records = trace.map(|trace| trace.checkpoints).unwrap_or_default();
    records.retain(|record| is_of(record, id));
    Ok(records)
}

/// Whether a checkpoint has this correlation id. Ids that are OpenTelemetry ids are equal in every spelling.
pub(crate) fn is_of(record: &Checkpoint, id: &str) -> bool {
    record.correlation_id.as_str() == id
        || (matches!(record.trace_id, TraceId::Otel(_)) && trace_id(id) == record.trace_id)
}
