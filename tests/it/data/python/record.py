"""Records what the published Python servers answer to a long list of odd requests, as `answers.jsonl`.

    python3 record.py <directory of the 0.1.0 package> <directory of its successor> > answers.jsonl

Each directory holds a `tracehub` package; README.md says where they come from and what must be installed. Every session
is a fresh server with an empty database on a free port of the loopback interface; the requests of a session are sent in
order, each on a connection of its own.
"""

import base64
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

from requests_list import SESSIONS

VOLATILE_HEADERS = {"date", "server", "content-length"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One run of an original."""

    def __init__(self, package_parent, app, environment):
        self.port = free_port()
        self.directory = tempfile.TemporaryDirectory()
        self.db = os.path.join(self.directory.name, "tracehub.db")
        environment = {**os.environ, "PYTHONPATH": package_parent, "TRACEHUB_DB": self.db, **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(self.port), "--log-level", "critical"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def send(self, request):
        """The answer as (status, headers, body bytes)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(request["method"], request["target"], skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", "127.0.0.1")
        body = body_bytes(request)
        for name, value in request["headers"]:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, response.getheaders(), content


def body_bytes(request):
    if "body_base64" in request:
        return base64.b64decode(request["body_base64"])
    if "body" in request:
        return request["body"].encode()
    return None


class Ids:
    """Row ids in order of appearance, so that a server with other ids can be compared."""

    def __init__(self):
        self.known = {}

    def name(self, value):
        self.known.setdefault(value, f"<id:{len(self.known) + 1}>")
        return self.known[value]

    def fill(self, text):
        back = {name: str(value) for value, name in self.known.items()}
        return re.sub(r"<id:\d+>", lambda match: back[match.group()], text)


def mark(target, body, server, ids):
    """Replaces what differs from run to run by the placeholders README.md lists."""
    path = target.split("?")[0]
    if not isinstance(body, dict):
        return body
    if path == "/health" and "db" in body:
        body["db"] = "<path>"
    if path == "/recent":
        for trace in body.get("traces", []):
            trace["id"] = ids.name(trace["id"])
    if path == "/stats" and "database" in body:
        body["uptime_seconds"] = "<number>"
        body["database"]["path"] = "<path>"
        body["database"]["size_mb"] = "<number>"
        body["memory"]["rss_mb"] = "<number>"
    return body


def readable(value):
    """Integers beyond a double become text: most readers of JSON refuse the whole line for them."""
    if isinstance(value, dict):
        return {key: readable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [readable(inner) for inner in value]
    return str(value) if isinstance(value, int) and abs(value) > 10**308 else value


def sse_blocks(text):
    """The blocks of an event stream; neighbouring keep-alives become one."""
    blocks = []
    for block in text.split("\n\n"):
        if block and not (block.startswith(":") and blocks and blocks[-1] == block):
            blocks.append(block)
    return blocks


def answer_of(server, request, raw, ids):
    status, headers, content = raw
    kept = {name.lower(): value for name, value in headers if name.lower() not in VOLATILE_HEADERS}
    for name in list(kept):
        kept[name] = kept[name].replace(f":{server.port}", ":<port>")
    answer = {"status": status, "headers": kept}
    text = content.decode("utf-8", "backslashreplace")
    if kept.get("content-type", "").startswith("text/event-stream"):
        answer["sse"] = sse_blocks(text)
        return answer
    try:
        answer["json"] = mark(request["target"], json.loads(text), server, ids)
    except ValueError:
        answer["text"] = text
    return answer


def run_step(server, step, ids):
    time.sleep(step.get("wait_ms", 0) / 1000)
    request = {**step["request"], "target": ids.fill(step["request"]["target"])}
    for _ in range(step.get("repeat", 1) - 1):
        server.send(request)
    sender = None
    if "during" in step:
        def later():
            for other in step["during"]:
                time.sleep(0.4)
                server.send(other)
        sender = threading.Thread(target=later)
        sender.start()
    raw = server.send(request)
    if sender:
        sender.join()
    return answer_of(server, request, raw, ids)


def main():
    old, new = (os.path.abspath(argument) for argument in sys.argv[1:3])
    started = {"0.1.0": (old, "tracehub.server:app", {}), "successor": (new, "tracehub.app:app", {})}
    started["successor with TRACEHUB_SECRET=s3cret"] = (new, "tracehub.app:app", {"TRACEHUB_SECRET": "s3cret"})
    names = set()
    for number, (original, steps) in enumerate(SESSIONS, start=1):
        server, ids = Server(*started[original]), Ids()
        for step in steps:
            assert step["name"] not in names, step["name"]
            names.add(step["name"])
            line = {"session": number, "server": original, **step, "answer": run_step(server, step, ids)}
            print(json.dumps(readable(line), ensure_ascii=False))
        server.stop()


if __name__ == "__main__":
    main()
