//! The part of a span that statistics need, read from ten columns instead of all of them.

use std::ops::Range;

use crate::model::genai::{MODEL_KEYS, model_name};
use crate::model::stats::SpanForStats;
use crate::model::{Kind, StatusCode, Text};
use crate::store::sqlite::codec::columns::{
    AttributeReader, Block, BlockIndex, ColumnReader, ColumnSource, Known, TraceRuns,
};
use crate::store::sqlite::codec::error::Result;
use crate::store::sqlite::codec::shared_tables::get_service;
use crate::store::sqlite::codec::spans::span_columns::CoreSpan;

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
    let mut attributes = if with_model { Some(AttributeReader::open(&mut columns)?) } else { None };
    let mut services = Known::<Text>::default();
    let mut spans = Vec::new();
    for number in blocks {
        let mut block = columns.block(index, number)?;
        let count = block.summary.rows;
        let traces = TraceRuns::read(&mut block)?;
        let resources = block.strings("resource")?;
        let kinds = block.numbers("kind")?;
        let core = CoreSpan::read(&mut block, 0..count)?;
        let mut models = vec![None; count];
        if let Some(attributes) = &mut attributes {
            find_models(attributes, &mut block, &mut models)?;
        }
        for ((row, core), model) in core.into_iter().enumerate().zip(models) {
            spans.push(SpanForStats {
                trace_id: traces.id(row)?.clone(),
                span_id: core.span_id,
                parent: core.parent,
                name: core.name,
                service: services.look_up(&resources, row, get_service)?,
                start: core.start,
                end: core.end,
                kind: Kind::from_number(i64::from(kinds.small(row)?)),
                is_error: core.status == StatusCode::Error,
                model,
            });
        }
    }
    Ok(spans)
}

/// The model of each row, as [`genai::model`](crate::model::genai::model) finds it.
fn find_models(attributes: &mut AttributeReader, block: &mut Block<'_, '_>, models: &mut [Option<Text>]) -> Result<()> {
    for key in MODEL_KEYS {
        attributes.find(block, key, &mut |row, cells, cell| {
            if models[row].is_none() {
                models[row] = model_name(&cells.pair(cell)?.1);
            }
            Ok(())
        })?;
    }
    Ok(())
}
