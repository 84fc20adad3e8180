"""Sends a small trace with the unmodified OpenTelemetry SDK and prints what the SDK itself recorded, a JSON line a span.

Usage: otel_sdk.py http|http-gzip|grpc|grpc-gzip ENDPOINT
"""

import json
import sys
import time

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode


class Recorder(SpanProcessor):
    """Keeps every ended span so that the test can compare."""

    def __init__(self):
        self.spans = []

    def on_end(self, span):
        self.spans.append(span)


def exporter(transport, endpoint):
    if transport.startswith("grpc"):
        import grpc
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        compression = grpc.Compression.Gzip if transport == "grpc-gzip" else grpc.Compression.NoCompression
        # Over TLS the certificate to trust is that of OTEL_EXPORTER_OTLP_CERTIFICATE.
        insecure = None if endpoint.startswith("https://") else True
        return OTLPSpanExporter(endpoint=endpoint, insecure=insecure, compression=compression)
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    compression = Compression.Gzip if transport == "http-gzip" else Compression.NoCompression
    return OTLPSpanExporter(endpoint=endpoint + "/v1/traces", compression=compression)


def main():
    transport, endpoint = sys.argv[1:]
    recorder = Recorder()
    provider = TracerProvider(resource=Resource.create({"service.name": f"interop-{transport}", "answer": 42}))
    provider.add_span_processor(recorder)
    provider.add_span_processor(BatchSpanProcessor(exporter(transport, endpoint)))
    tracer = provider.get_tracer("interop", "1.0", attributes={"scoped": True})

    with tracer.start_as_current_span("root ✓", kind=SpanKind.SERVER) as root:
        root.set_attribute("text", "ünïcode \x1b[31m")
        root.set_attribute("big", 2**53 + 1)
        root.set_attribute("negative", -(2**63))
        root.set_attribute("double", 0.1)
        root.set_attribute("whole double", 3.0)
        root.set_attribute("yes", True)
        root.set_attribute("texts", ["a", "b"])
        root.set_attribute("numbers", [1, 2, 3])
        root.set_attribute("empty", "")
        with tracer.start_as_current_span("child", kind=SpanKind.CLIENT, links=[Link(root.get_span_context(), {"why": "test"})]):
            time.sleep(0.002)
        try:
            with tracer.start_as_current_span("fails"):
                raise ValueError("no results")
        except ValueError:
            pass
        with tracer.start_as_current_span("told to fail") as span:
            span.add_event("noted", {"k": 1}, timestamp=1_700_000_000_000_000_001)
            span.set_status(Status(StatusCode.ERROR, "because"))
    provider.shutdown()
    for span in recorder.spans:
        print(json.dumps(described(span)))


def described(span):
    return {
        "trace_id": trace.format_trace_id(span.context.trace_id),
        "span_id": trace.format_span_id(span.context.span_id),
        "parent_span_id": trace.format_span_id(span.parent.span_id) if span.parent else None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "status": span.status.status_code.name.lower(),
        "status_message": span.status.description,
        "attributes": plain(span.attributes),
        "resource": plain(span.resource.attributes),
        "events": [
            {"time_ns": event.timestamp, "name": event.name, "attributes": plain(event.attributes)}
            for event in span.events
        ],
        "links": [
            {
                "trace_id": trace.format_trace_id(link.context.trace_id),
                "span_id": trace.format_span_id(link.context.span_id),
                "attributes": plain(link.attributes),
            }
            for link in span.links
        ],
    }


def plain(attributes):
    return {key: list(value) if isinstance(value, tuple) else value for key, value in (attributes or {}).items()}


main()
