"""Runs the published checkpoint server on a database until its standard input ends, with some traces in it.

Prints its URL when it answers.
"""

import os
import socket
import sys
import threading

os.environ["TRACEHUB_DB"] = sys.argv[1]
begin = float(sys.argv[2])

import httpx
import uvicorn
from tracehub import server

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
url = f"http://127.0.0.1:{port}"
running = uvicorn.Server(uvicorn.Config(server.app, host="127.0.0.1", port=port, log_level="warning"))
threading.Thread(target=running.run, daemon=True).start()


def record(correlation_id, after_ms, source, direction, operation, endpoint, data=None):
    return {
        "source_id": source,
        "correlation_id": correlation_id,
        "timestamp": begin + after_ms,
        "suffix": f"s{after_ms}",
        "direction": direction,
        "operation": operation,
        "endpoint": endpoint,
        "data": data,
        "hostname": "a1",
    }


traces = []
for number in range(30):
    chain = f"cli-{number}-abc"
    traces += [
        record(chain, number * 1_000, "MA", "->", "REST", "/api/orders", {"order": number}),
        record(chain, number * 1_000 + 10, "WK", "->", "RPC", "price"),
        record(chain, number * 1_000 + 30, "WK", "<-", "RPC", "price"),
    ]
    if number != 7:
        traces.append(record(chain, number * 1_000 + 50, "MA", "<-", "REST", "/api/orders"))
traces.append(record("4BF92F3577B34DA6A3CE929D0E0E4736", 5, "VM", "!!", "LOG", "outside", {"text": "ünï"}))

while not running.started:
    pass
httpx.post(f"{url}/ingest", json={"traces": traces}).raise_for_status()
print(url, flush=True)
sys.stdin.read()
