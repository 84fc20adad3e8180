"""Makes the databases beside this file, with the code of the programs they stand for.

    python make.py PYTHON_0_1_0 SUCCESSOR

PYTHON_0_1_0 is the unpacked sdist of the published server (it holds `server.py`), SUCCESSOR a folder with the package
`tracehub` that followed it (it holds `db.py`). Both need fastapi and aiosqlite. msgtrace was never published as a
package; its database is made with the statements of its storage module.
"""

import asyncio
import json
import os
import sqlite3
import sys
import types
from pathlib import Path

HERE = Path(__file__).parent
T = 1_795_252_442_000.0  # 2026-11-21T09:14:02Z in milliseconds
STORED = 1_795_252_450.0


def checkpoint(source, correlation, ms, suffix, direction, operation, endpoint, data=None, **more):
    return dict(source_id=source, correlation_id=correlation, timestamp=T + ms, suffix=suffix, direction=direction,
                operation=operation, endpoint=endpoint, data=data, hostname=more.get("hostname", "unknown"),
                raw_line=more.get("raw_line"))


CHECKPOINTS = [
    checkpoint("MA", "cli-12345-abc", 0, "a0", "->", "REST", "/api/orders", {"user": "ann", "items": [1, 2.5, None]},
               hostname="web-1", raw_line="09:14:02 MA -> REST /api/orders"),
    checkpoint("WK", "cli-12345-abc", 10.25, "a1", "->", "RPC", "price", {"nested": {"ok": True, "ü": "✓"}}),
    checkpoint("WK", "cli-12345-abc", 40.75, "a2", "<-", "RPC", "price"),
    checkpoint("WK", "cli-12345-abc", 41, "a3", "->", "RPC", "price"),
    checkpoint("WK", "cli-12345-abc", 61, "a4", "<-", "RPC", "price"),
    checkpoint("MA", "cli-12345-abc", 100.5, "a5", "<-", "REST", "/api/orders", {"status": 200}),
    checkpoint("WS", "req/with slash?&", 2_000, "b0", "->", "WS", "connect"),
    checkpoint("WS", "req/with slash?&", 2_500, "b1", "<-", "WS", "connect"),
    checkpoint("VM", "ünïcode-✓", 3_000, "c0", "->", "RPC", "stuck"),
    checkpoint("MA", "4BF92F3577B34DA6A3CE929D0E0E4736", 4_000, "d0", "->", "REST", "/api/pay"),
    checkpoint("MA", "4bf92f3577b34da6a3ce929d0e0e4736", 4_020, "d1", "<-", "REST", "/api/pay"),
    checkpoint("MB", "-", 5_000, "e0", "!!", "LOG", "outside"),
]


async def python_0_1_0(folder, path):
    os.environ["TRACEHUB_DB"] = str(path)
    # Its `main` is not valid Python: it declares a name global after using it.
    code = (Path(folder) / "server.py").read_text().split("\ndef main(")[0]
    server = types.ModuleType("server")
    sys.modules["server"] = server
    exec(code, server.__dict__)
    await server.init_db()
    for entry in CHECKPOINTS:
        assert await server.insert_trace(server.TraceEntry(**entry))


async def successor(folder, path):
    sys.path.insert(0, folder)
    from tracehub import db, models

    db.TRACEHUB_DB = str(path)
    await db.init_db()
    for entry in CHECKPOINTS:
        # Its rule against polling takes the second call of `price` for the first one.
        await db.insert_trace(models.TraceEntry(**entry))


MSGTRACE = """
CREATE TABLE IF NOT EXISTS traces (
    trace_id TEXT PRIMARY KEY, start_time INTEGER NOT NULL, end_time INTEGER NOT NULL, duration_ms REAL NOT NULL,
    root_span_id TEXT, service_name TEXT, workflow_name TEXT, span_count INTEGER DEFAULT 0,
    error_count INTEGER DEFAULT 0, metadata TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX IF NOT EXISTS idx_traces_start_time ON traces(start_time DESC);
CREATE INDEX IF NOT EXISTS idx_traces_service_name ON traces(service_name);
CREATE INDEX IF NOT EXISTS idx_traces_workflow_name ON traces(workflow_name);
CREATE INDEX IF NOT EXISTS idx_traces_duration ON traces(duration_ms);
CREATE TABLE IF NOT EXISTS spans (
    span_id TEXT PRIMARY KEY, trace_id TEXT NOT NULL, parent_span_id TEXT, name TEXT NOT NULL, kind TEXT NOT NULL,
    start_time INTEGER NOT NULL, end_time INTEGER NOT NULL, duration_ms REAL NOT NULL, attributes TEXT, events TEXT,
    status_code TEXT, status_description TEXT, resource_attributes TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (trace_id) REFERENCES traces(trace_id) ON DELETE CASCADE);
CREATE INDEX IF NOT EXISTS idx_spans_trace_id ON spans(trace_id);
CREATE INDEX IF NOT EXISTS idx_spans_parent_span_id ON spans(parent_span_id);
CREATE INDEX IF NOT EXISTS idx_spans_start_time ON spans(start_time DESC);
CREATE INDEX IF NOT EXISTS idx_spans_name ON spans(name);
"""


def span(trace, number, parent, name, kind, start_ms, end_ms, attributes=None, events=(), status="UNSET", message=None):
    start, end = int(T) * 10**6 + start_ms * 10**6, int(T) * 10**6 + end_ms * 10**6
    compact = lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    resource = {"service.name": "assistant", "telemetry.sdk.language": "python"}
    return (f"{number:016x}", f"{trace:032x}", parent and f"{parent:016x}", name, kind, start, end,
            (end - start) / 1e6, compact(attributes or {}), compact(list(events)), status, message, compact(resource))


FAILED = [{"name": "exception", "timestamp": int(T) * 10**6 + 900 * 10**6,
           "attributes": {"exception.type": "TimeoutError", "exception.message": "no answer"}}]
SPANS = [
    span(0xA1, 1, None, "plan trip", "INTERNAL", 0, 1_200, {"msgflux.workflow.name": "travel"}),
    span(0xA1, 2, 1, "chat gpt-4o", "CLIENT", 10, 700,
         {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 120,
          "gen_ai.usage.output_tokens": 30, "stop": ["a", "b"], "temperature": 0.5}, status="OK"),
    span(0xA1, 3, 1, "tool search", "INTERNAL", 710, 900, {"tool.args": {"q": "köln"}}, FAILED, "ERROR", "no answer"),
    span(0xB2, 4, None, "GET /health", "SERVER", 5_000, 5_002, {"http.status_code": 200, "cached": True}),
]


def msgtrace(path):
    connection = sqlite3.connect(path)
    connection.executescript(MSGTRACE)
    connection.executemany(
        "INSERT OR REPLACE INTO spans (span_id, trace_id, parent_span_id, name, kind, start_time, end_time, "
        "duration_ms, attributes, events, status_code, status_description, resource_attributes) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", SPANS)
    connection.execute(
        "INSERT OR REPLACE INTO traces (trace_id, start_time, end_time, duration_ms, root_span_id, service_name, "
        "workflow_name, span_count, error_count) SELECT trace_id, min(start_time), max(end_time), "
        "(max(end_time) - min(start_time)) / 1e6, max(CASE WHEN parent_span_id IS NULL THEN span_id END), "
        "'assistant', CASE trace_id WHEN ? THEN 'travel' END, count(*), sum(status_code = 'ERROR') "
        "FROM spans GROUP BY trace_id", (f"{0xA1:032x}",))
    connection.commit()
    connection.close()


def settle(path, table):
    """The time of the day it was made is not part of a fixture."""
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE {table} SET created_at = ?", (STORED,))
    connection.commit()
    connection.execute("VACUUM")
    connection.close()


def main():
    made = {name: HERE / f"{name}.db" for name in ("python-0.1.0", "python-successor", "msgtrace")}
    for path in made.values():
        path.unlink(missing_ok=True)
    asyncio.run(python_0_1_0(sys.argv[1], made["python-0.1.0"]))
    asyncio.run(successor(sys.argv[2], made["python-successor"]))
    msgtrace(made["msgtrace"])
    settle(made["python-0.1.0"], "traces")
    settle(made["python-successor"], "traces")
    settle(made["msgtrace"], "spans")


main()
