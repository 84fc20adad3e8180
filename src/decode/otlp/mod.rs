//! OpenTelemetry's own format, [OTLP](https://opentelemetry.io/docs/specs/otlp/), as protobuf and as JSON.
//!
//! A request that is not OTLP at all is an error and yields nothing. What is wrong within a record is mended where it
//! can be (text that is not UTF-8, a value nested too deep, a parent that is no id) and told in [`Decoded::mended`]; a
//! record that cannot be kept (a span without a valid id) is rejected alone, by its place in the request, and its
//! neighbours are kept. Both forms share the rules of [`sent`], so the same telemetry gives the same [`Batch`].

mod error;
mod json;
mod node;
mod protobuf;
mod sent;
#[cfg(test)]
mod tests;
mod wire;

use bytes::Bytes;
use sent::{DataPoints, Gathered};

use super::Mended;
use super::body::MediaType;
use crate::model::{Batch, LogRecord, Rejection, Span};

pub use error::DecodeError;
pub use node::ShapeError;
pub use sent::{MAX_REASONS, MAX_RECORDS, SEVERITY_TEXT};
pub use wire::{MAX_MESSAGES, Problem, WireError};

/// What a request held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// The records to keep, in the order sent.
    pub batch: Batch,
    /// The records that are not kept, in the order sent; past [`MAX_REASONS`] without a reason.
    pub rejected: Vec<Rejection>,
    /// What had to be changed in the records that are kept.
    pub mended: Mended,
}

/// Reads an `ExportTraceServiceRequest`. Strings and bytes share `body`'s buffer wherever they stand in it as they are.
///
/// # Errors
/// The body is not such a request. A span with bad ids is no error but [`Decoded::rejected`].
pub fn traces(body: &Bytes, media: MediaType) -> Result<Decoded, DecodeError> {
    let spans = read_request::<Span>(body, media)?;
    Ok(within_limits(Batch::of_spans(spans.kept), spans.rejected, spans.mended))
}

/// Whether a request for traces or logs has the fields for instrumentation libraries, which OTLP gave up for scopes in 2022.
/// Looks at the names of the outermost messages only; of what is no such request, the answer means nothing.
pub fn has_old_fields(body: &Bytes, media: MediaType) -> bool {
    match media {
        MediaType::Json => memchr::memmem::find(body, b"\"instrumentationLibrary").is_some(),
        MediaType::Protobuf => has_old_numbers(body).unwrap_or(false),
    }
}

/// The field of the outermost messages that held instrumentation libraries.
const OLD_FIELD: u32 = 1_000;

fn has_old_numbers(body: &Bytes) -> Result<bool, WireError> {
    let source = wire::Source::new(body);
    let mut request = wire::Message::new(&source, "request");
    while let Some(field) = request.next_field()? {
        if field.number == 1 && field.message("resource")?.count(OLD_FIELD) > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads an `ExportLogsServiceRequest`. A body that is not text becomes its JSON; an event's name becomes the attribute
/// `event.name`, a severity's the attribute [`SEVERITY_TEXT`]; ids that are not valid count as absent, as the
/// [data model](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto)
/// rules.
///
/// # Errors
/// The body is not such a request.
pub fn logs(body: &Bytes, media: MediaType) -> Result<Decoded, DecodeError> {
    let logs = read_request::<LogRecord>(body, media)?;
    Ok(within_limits(Batch { logs: logs.kept, ..Batch::default() }, logs.rejected, logs.mended))
}

fn within_limits(mut batch: Batch, rejected: Vec<Rejection>, mut mended: Mended) -> Decoded {
    mended.cuts = batch.cut_to_limits();
    Decoded { batch, rejected, mended }
}

/// Checks the shape of an `ExportMetricsServiceRequest` down to its data points and counts them; keeps nothing. A JSON
/// metric of the wrong shape counts for nothing, as a bad span would cost itself alone.
///
/// # Errors
/// The body is not such a request.
pub fn metrics(body: &Bytes, media: MediaType) -> Result<usize, DecodeError> {
    let metrics = read_request::<DataPoints>(body, media)?;
    Ok(metrics.kept.iter().map(|points| points.0).sum())
}

fn read_request<R: json::Record + protobuf::Record>(
    body: &Bytes,
    media: MediaType,
) -> Result<Gathered<R>, DecodeError> {
    match media {
        MediaType::Protobuf => Ok(protobuf::read_request(body)?),
        MediaType::Json => json::read_request(body),
    }
}
