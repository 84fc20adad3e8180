//! The part of a span that statistics need, read from nine columns instead of all of them.

use std::ops::Range;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::model::stats::SpanForStats;
use crate::model::{StatusCode, Text, Value};
use crate::store::sqlite::codec::bytes::Reader;
use crate::store::sqlite::codec::columns::{
    AttributeReader, BlockIndex, ColumnReader, ColumnSource, TraceRuns, block_summary,
};
use crate::store::sqlite::codec::error::Result;
use crate::store::sqlite::codec::spans::span_columns::CoreSpan;

/// The attributes that name a model, best first; as [`genai::model`](crate::model::genai::model) asks for them.
const MODEL_KEYS: [&str; 2] = ["gen_ai.response.model", "gen_ai.request.model"];

/// Reads what statistics need of the spans in `blocks`, in their order; the model only `with_model`.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn read_spans_for_stats(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    blocks: Range<usize>,
    with_model: bool,
) -> Result<Vec<SpanForStats>> {
    let mut columns = ColumnReader::new(source);
    let attributes = if with_model { Some(AttributeReader::open(&mut columns)?) } else { None };
    let mut services: FxHashMap<Bytes, Text> = FxHashMap::default();
    let mut spans = Vec::new();
    for block in blocks {
        let summary = block_summary(index, block)?;
        let traces = TraceRuns::read(&mut columns, block, summary.rows)?;
        let resources = columns.strings("resource", block, summary.rows)?;
        let core = CoreSpan::read(&mut columns, block, summary, 0..summary.rows)?;
        let mut models = match &attributes {
            Some(attributes) => models(attributes, &mut columns, block, summary.rows)?,
            None => Vec::new(),
        };
        for (row, core) in core.into_iter().enumerate() {
            spans.push(SpanForStats {
                trace_id: traces.id(row)?.clone(),
                span_id: core.span_id,
                parent: core.parent,
                name: core.name,
                service: service(&mut services, resources.bytes(row)?)?,
                start: core.start,
                end: core.end,
                is_error: core.status == StatusCode::Error,
                model: models.get_mut(row).and_then(Option::take),
            });
        }
    }
    Ok(spans)
}

/// The service of an encoded resource, which begins with it.
fn service(known: &mut FxHashMap<Bytes, Text>, resource: Bytes) -> Result<Text> {
    if let Some(service) = known.get(&resource) {
        return Ok(service.clone());
    }
    let service = Reader::new(resource.clone()).text()?;
    known.insert(resource, service.clone());
    Ok(service)
}

/// The model of each row, as [`genai::model`](crate::model::genai::model) finds it.
fn models(
    attributes: &AttributeReader,
    columns: &mut ColumnReader<'_>,
    block: usize,
    count: usize,
) -> Result<Vec<Option<Text>>> {
    let mut models = vec![None; count];
    let keys: Vec<&str> = MODEL_KEYS.into_iter().filter(|key| attributes.may_have(key)).collect();
    if keys.is_empty() {
        return Ok(models);
    }
    let shapes = attributes.block(columns, block, count)?;
    for key in keys {
        attributes.find(columns, &shapes, key, &mut |row, cells, cell| {
            if let (None, (_, Value::String(text))) = (&models[row], cells.pair(cell)?) {
                models[row] = Some(text);
            }
            Ok(())
        })?;
    }
    Ok(models)
}
