"""Traces a made-up agent with the unmodified msgtrace-sdk (configured by its environment) and prints the trace ids."""

from msgtrace.sdk import MsgTraceAttributes, Spans, tracer
from opentelemetry import trace

ids = []

# The SDK does not make its own spans current, and its attribute setters write to the current span; so does this.
with Spans.span_context("chat_completion", answer=42) as span:
    ids.append(span.get_span_context().trace_id)
    with trace.use_span(span, end_on_exit=False):
        MsgTraceAttributes.set_operation_name("chat")
        MsgTraceAttributes.set_model("gpt-4o-mini")
        MsgTraceAttributes.set_usage(input_tokens=812, output_tokens=64)
        MsgTraceAttributes.set_cost(input_cost=0.001, output_cost=0.0006)
        MsgTraceAttributes.set_workflow_name("support_flow")

try:
    with Spans.span_context("tool search") as span:
        ids.append(span.get_span_context().trace_id)
        raise ValueError("no results")
except ValueError:
    pass

trace.get_tracer_provider().shutdown()
for trace_id in ids:
    print(trace.format_trace_id(trace_id))
