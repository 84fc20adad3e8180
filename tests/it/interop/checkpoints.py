"""Sends 25 checkpoints with the unmodified client of `tracehub` 0.1.0 to the server at the URL given, reads them back with
its own query functions and prints, as JSON lines: each entry sent, then each answer under the name of the function."""

import json
import sys
import time

from tracehub import TraceHubClient, TraceHubQueryClient, create_trace_entry

IDS = ["cli-12345-abc", "req/with slash", "ünïcode-✓"]
STARTED_MS = time.time() * 1000

url = sys.argv[1]
client = TraceHubClient(url, batch_size=10, flush_interval=0.2)
for number in range(25):
    entry = create_trace_entry(
        source_id="MA" if number % 2 else "WS",
        correlation_id=IDS[number % len(IDS)],
        timestamp_ms=STARTED_MS + number,
        suffix=f"x{number:02}",
        direction="->" if number < 12 else "<-",
        operation="REST",
        endpoint="/api/agents",
        data={"n": number, "text": "✓", "nested": {"list": [1, 1.5, None]}} if number % 5 else None,
        raw_line="[x] MA-> ✓" if number % 7 == 0 else None,
    )
    client.send(entry)
    print(json.dumps({"sent": entry.to_dict()}))
client.flush()
client.close()

query = TraceHubQueryClient(url)
for identifier in IDS:
    print(json.dumps({"get_traces": query.get_traces(identifier)}))
print(json.dumps({"get_traces of one source": query.get_traces(IDS[0], source_id="WS")}))
print(json.dumps({"list_correlations": query.list_correlations(limit=3)}))
streamed = []
query.stream_traces(IDS[1], streamed.append, timeout=1)
print(json.dumps({"stream_traces": streamed}))
