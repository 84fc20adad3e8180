//! The few protobuf messages the server itself writes: OTLP answers and `google.rpc.Status`. Ten lines of encoding for
//! three messages beat a code generator; a test decodes them with one.

/// A status of the [gRPC code list](https://grpc.io/docs/guides/status-codes/).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// The request is wrong in itself.
    InvalidArgument = 3,
    /// The request did not arrive in time.
    DeadlineExceeded = 4,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// The request is too large.
    ResourceExhausted = 8,
    /// There is no such method, or no such compression.
    Unimplemented = 12,
    /// The request may succeed later.
    Unavailable = 14,
    /// The caller is not known.
    Unauthenticated = 16,
}

impl Code {
    /// The code an HTTP status says.
    pub(crate) fn from_status(status: http::StatusCode) -> Code {
        match status.as_u16() {
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 | 405 => Code::Unimplemented,
            408 => Code::DeadlineExceeded,
            413 | 429 => Code::ResourceExhausted,
            500.. => Code::Unavailable,
            _ => Code::InvalidArgument,
        }
    }
}

/// `Export*ServiceResponse`; empty when nothing was rejected, as the specification wants a full success.
pub(crate) fn export_response(rejected: usize, message: &str) -> Vec<u8> {
    if rejected == 0 && message.is_empty() {
        return Vec::new();
    }
    let mut partial = Vec::new();
    write_number(&mut partial, 1, rejected as u64);
    write_bytes(&mut partial, 2, message.as_bytes());
    let mut response = Vec::new();
    write_bytes(&mut response, 1, &partial);
    response
}

/// `google.rpc.Status`, with `BadRequest` details when the request itself was at fault.
pub(crate) fn status(code: Code, message: &str) -> Vec<u8> {
    if code != Code::InvalidArgument {
        return status_with(code, message, None);
    }
    let (mut violation, mut bad_request) = (Vec::new(), Vec::new());
    write_bytes(&mut violation, 1, b"body");
    write_bytes(&mut violation, 2, message.as_bytes());
    write_bytes(&mut bad_request, 1, &violation);
    status_with(code, message, Some((BAD_REQUEST, &bad_request)))
}

/// `google.rpc.Status` with `RetryInfo`: the seconds after which to try again.
pub(crate) fn status_with_retry(code: Code, message: &str, seconds: u64) -> Vec<u8> {
    let (mut delay, mut retry_info) = (Vec::new(), Vec::new());
    write_number(&mut delay, 1, seconds);
    write_bytes(&mut retry_info, 1, &delay);
    status_with(code, message, Some((RETRY_INFO, &retry_info)))
}

/// `google.rpc.Status` with a detail of some type.
fn status_with(code: Code, message: &str, detail: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut status = Vec::new();
    write_number(&mut status, 1, code as u64);
    write_bytes(&mut status, 2, message.as_bytes());
    if let Some((kind, detail)) = detail {
        let mut any = Vec::new();
        write_bytes(&mut any, 1, kind.as_bytes());
        write_bytes(&mut any, 2, detail);
        write_bytes(&mut status, 3, &any);
    }
    status
}

/// Type of the details that say when to try again.
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
/// Type of the details of a bad request.
pub(crate) const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";

fn write_number(out: &mut Vec<u8>, field: u8, value: u64) {
    if value > 0 {
        out.push(field << 3);
        write_varint(out, value);
    }
}

fn write_bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    if !value.is_empty() {
        out.push(field << 3 | 2);
        write_varint(out, value.len() as u64);
        out.extend_from_slice(value);
    }
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // The mask leaves seven bits.
        out.push(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
    use prost::Message as _;

    use super::*;

    #[test]
    fn a_partial_success_reads_back_and_a_full_one_is_empty() {
        let message = "1 of 300 records rejected ✓".repeat(20);
        let response = ExportTraceServiceResponse::decode(export_response(300, &message).as_slice());
        let partial = response.expect("valid protobuf").partial_success.expect("partial success");
        assert_eq!((partial.rejected_spans, partial.error_message), (300, message));
        assert!(export_response(0, "").is_empty());
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct RpcStatus {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
        #[prost(message, repeated, tag = "3")]
        details: Vec<Any>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Any {
        #[prost(string, tag = "1")]
        type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        value: Vec<u8>,
    }

    #[test]
    fn a_status_reads_back_with_details_for_bad_requests_only() {
        let read = RpcStatus::decode(status(Code::InvalidArgument, "no").as_slice()).expect("valid protobuf");
        assert_eq!((read.code, read.message.as_str(), read.details.len()), (3, "no", 1));
        assert_eq!(read.details[0].type_url, BAD_REQUEST);
        let read = RpcStatus::decode(status(Code::Unavailable, "later").as_slice()).expect("valid protobuf");
        assert_eq!((read.code, read.message.as_str(), read.details.len()), (14, "later", 0));
        let read = RpcStatus::decode(status_with_retry(Code::ResourceExhausted, "quota", 300).as_slice());
        let read = read.expect("valid protobuf");
        assert_eq!((read.code, read.message.as_str()), (8, "quota"));
        let detail = (read.details[0].type_url.as_str(), read.details[0].value.as_slice());
        assert_eq!(detail, ("type.googleapis.com/google.rpc.RetryInfo", &b"\x0a\x03\x08\xac\x02"[..]));
    }
}
