"""Logs through Python's `logging` and the unmodified OpenTelemetry SDK, within a span, and prints the ids as JSON.

Usage: otel_logs.py http|grpc ENDPOINT
"""

import json
import logging
import sys
import warnings

from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

warnings.simplefilter("ignore")


def exporter(transport, endpoint):
    if transport == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

        return OTLPLogExporter(endpoint=endpoint, insecure=True)
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    return OTLPLogExporter(endpoint=endpoint + "/v1/logs", compression=Compression.Gzip)


def main():
    transport, endpoint = sys.argv[1:]
    resource = Resource.create({"service.name": f"logs-{transport}", "deployment.environment.name": "interop"})
    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter(transport, endpoint)))
    log = logging.getLogger("shop.pay")
    log.setLevel(logging.DEBUG)
    log.addHandler(LoggingHandler(level=logging.DEBUG, logger_provider=provider))
    log.propagate = False
    tracer = TracerProvider(resource=resource).get_tracer("interop")
    with tracer.start_as_current_span("checkout") as span:
        log.info("paying %s", 12, extra={"order_id": 123, "tags": ["a", "b"]})
        log.warning("slow ✓")
        try:
            raise ValueError("cannot charge -1")
        except ValueError:
            log.exception("payment failed")
        logging.addLevelName(25, "NOTICE")
        log.log(25, "noted")
        log.critical({"structured": [1, 2.5, True]})
        context = span.get_span_context()
    provider.shutdown()
    ids = {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
    print(json.dumps(ids))


main()
