//! Databases of the Python tracehub server: one table `traces`, one row per checkpoint.
//!
//! The published 0.1.0 and its successor write the same columns; other versions may lack some.

use super::cell::{Cells, Moment};
use crate::decode::checkpoint;
use crate::model::time::NANOS_PER_MS;
use crate::model::{Checkpoint, Direction, Text};

/// The checkpoint of a row.
///
/// # Errors
/// Why the row is none.
pub(super) fn checkpoint(cells: &Cells<'_>) -> Result<Checkpoint, &'static str> {
    let correlation_id = cells.key(1).ok_or("no correlation id")?;
    Ok(Checkpoint {
        trace_id: checkpoint::trace_id(&correlation_id),
        correlation_id,
        source_id: cells.required_text(2, "no source"),
        timestamp_ms: timestamp_ms(cells)?,
        // Without one, records of the same instant would pass for one record sent twice.
        suffix: cells.text(4).unwrap_or_else(|| Text::from(format!("row{}", cells.text(0).unwrap_or_default()))),
        direction: Direction::parse(&cells.required_text(5, "no direction")),
        operation: cells.text(6).unwrap_or_default(),
        endpoint: cells.text(7).unwrap_or_default(),
        hostname: cells.text(8).unwrap_or(checkpoint::UNKNOWN_HOST),
        data: cells.text(9).and_then(|text| data(cells, &text)),
        raw_line: cells.text(10),
        project: Text::EMPTY,
    })
}

fn timestamp_ms(cells: &Cells<'_>) -> Result<f64, &'static str> {
    match milliseconds(cells.moment(3), 1.0) {
        // There is no minus zero among the times of other checkpoints.
        Some(timestamp_ms) => Ok(timestamp_ms + 0.0),
        None => {
            let stored = milliseconds(cells.moment(11), 1e3).ok_or("no time")?;
            cells.mend("no time of its own, so the one it was stored at");
            Ok(stored)
        }
    }
}

fn milliseconds(moment: Option<Moment>, ms_per_unit: f64) -> Option<f64> {
    Some(match moment? {
        Moment::Whole(number) => number as f64 * ms_per_unit,
        Moment::Number(number) => number * ms_per_unit,
        Moment::Date(date) => date.0 as f64 / NANOS_PER_MS as f64,
    })
}

/// The payload; what is no JSON object is kept as text within one, because nothing else is a payload to anyone.
fn data(cells: &Cells<'_>, text: &str) -> Option<Text> {
    checkpoint::stored_data(text).unwrap_or_else(|text| {
        cells.mend("payload is no JSON object");
        Some(Text::from(serde_json::json!({ "text": text }).to_string()))
    })
}
