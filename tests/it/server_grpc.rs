//! OTLP over gRPC: what generated clients rely on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

use crate::server_support::{Reply, Server, call, export_protobuf, frame, gzip};

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const GRPC: (&str, &str) = ("content-type", "application/grpc");

async fn send(server: &Server, path: &str, body: Vec<u8>) -> Reply {
    call(server.address(), path, &[GRPC], body).await
}

#[tokio::test]
pub async fn a_call_stores_spans_and_answers_one_empty_message() {
    let server = Server::start().await;
    for (index, content_type) in ["application/grpc", "application/grpc+proto"].into_iter().enumerate() {
        let body = frame(0, &export_protobuf(1 + index as u8, "call"));
        let reply = call(server.address(), TRACES, &[("content-type", content_type)], body).await;
        assert_eq!((reply.http_status, reply.status.as_str(), &reply.body[..]), (200, "0", &[0; 5][..]));
        assert_eq!(reply.headers["content-type"], "application/grpc");
    }
    assert_eq!(server.span_count().await, 2);
}

#[tokio::test]
pub async fn compressed_messages_are_inflated() {
    let server = Server::start().await;
    let body = frame(1, &gzip(&export_protobuf(1, "call")));
    let reply = call(server.address(), TRACES, &[GRPC, ("grpc-encoding", "gzip")], body).await;
    assert_eq!(reply.status, "0", "{reply:?}");
    // A client that negotiated a compression need not use it for every message.
    let plain = frame(0, &export_protobuf(2, "call"));
    let reply = call(server.address(), TRACES, &[GRPC, ("grpc-encoding", "gzip")], plain).await;
    assert_eq!(reply.status, "0", "{reply:?}");
    let body = frame(1, &zstd::encode_all(export_protobuf(3, "call").as_slice(), 3).expect("memory"));
    let reply = call(server.address(), TRACES, &[GRPC, ("grpc-encoding", "zstd")], body).await;
    assert_eq!(reply.status, "0", "{reply:?}");
    assert_eq!(server.span_count().await, 3);
}

#[tokio::test]
pub async fn one_bad_span_is_a_partial_success() {
    use opentelemetry_proto::tonic::{
        collector::trace::v1::ExportTraceServiceRequest,
        trace::v1::{ResourceSpans, ScopeSpans, Span},
    };
    let server = Server::start().await;
    let spans = vec![
        Span { trace_id: vec![1; 16], span_id: vec![1; 8], name: "good".to_owned(), ..Span::default() },
        Span { trace_id: vec![1; 15], span_id: vec![2; 8], name: "bad".to_owned(), ..Span::default() },
    ];
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let request =
        ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..Default::default() }] };
    let reply = send(&server, TRACES, frame(0, &request.encode_to_vec())).await;
    let response = ExportTraceServiceResponse::decode(&reply.body[5..]).expect("a response");
    assert_eq!((reply.status.as_str(), response.partial_success.expect("partial").rejected_spans), ("0", 1));
    assert_eq!(server.span_count().await, 1);
}

#[tokio::test]
pub async fn metrics_are_dropped_and_what_is_not_there_is_unimplemented() {
    let server = Server::start().await;
    for (path, status) in [
        (METRICS, "0"),
        (LOGS, "0"),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Import", "12"),
        ("/grpc.health.v1.Health/Check", "12"),
    ] {
        let reply = send(&server, path, frame(0, b"")).await;
        assert_eq!((reply.http_status, reply.status.as_str()), (200, status), "{path}");
    }
}

#[tokio::test]
pub async fn malformed_calls_are_invalid_arguments() {
    let server = Server::start().await;
    for body in [
        frame(0, b"\xff\xff\xff"),
        frame(1, &gzip(b"")),
        b"".to_vec(),
        b"\0\0\0".to_vec(),
        b"\0\0\0\0\x09short".to_vec(),
        [frame(0, b""), frame(0, b"")].concat(),
    ] {
        let reply = send(&server, TRACES, body.clone()).await;
        assert_eq!(reply.status, "3", "{body:?}: {}", reply.message);
        assert!(!reply.message.is_empty());
    }
    assert_eq!(server.span_count().await, 0);
}

#[tokio::test]
pub async fn messages_that_are_not_protobuf_are_refused() {
    let server = Server::start().await;
    let reply = call(server.address(), TRACES, &[("content-type", "application/grpc+json")], frame(0, b"{}")).await;
    assert_eq!(reply.status, "3");
}

#[tokio::test]
pub async fn an_unknown_compression_is_unimplemented_and_the_known_ones_are_named() {
    let server = Server::start().await;
    let reply = call(server.address(), TRACES, &[GRPC, ("grpc-encoding", "snappy")], frame(1, b"xx")).await;
    assert_eq!(reply.status, "12");
    assert_eq!(reply.headers["grpc-accept-encoding"], "identity,gzip,deflate,zstd");
}

#[tokio::test]
pub async fn too_large_is_resource_exhausted_whether_as_sent_as_announced_or_inflated() {
    let server = Server::start_with(|config| config.limits.body_bytes = 100_000).await;
    let announced = [&[0][..], &u32::MAX.to_be_bytes(), b"x"].concat();
    for body in [frame(0, &vec![0; 100_001]), announced] {
        assert_eq!(send(&server, TRACES, body).await.status, "8");
    }
    let bomb = frame(1, &gzip(&vec![0; 1_000_000]));
    let reply = call(server.address(), TRACES, &[GRPC, ("grpc-encoding", "gzip")], bomb).await;
    assert_eq!(reply.status, "8");
    assert!(!reply.headers.contains_key("grpc-status-details-bin"), "no advice to retry");
}

#[tokio::test]
pub async fn no_room_is_unavailable() {
    let server = Server::start_with(|config| config.limits.in_flight_bytes = 10).await;
    let reply = send(&server, TRACES, frame(0, &export_protobuf(1, "call"))).await;
    assert_eq!(reply.status, "14");
    let details = STANDARD_NO_PAD.decode(&reply.headers["grpc-status-details-bin"]).expect("base64");
    let retry_info = b"type.googleapis.com/google.rpc.RetryInfo";
    assert!(details.windows(retry_info.len()).any(|part| part == retry_info), "clients are told when to try again");
}
