#!/usr/bin/env python3
"""Receives the webhooks of `tracehub start --webhook`, and writes each issue to stdout as one line of JSON.

    TRACEHUB_WEBHOOK_SECRET=... ./webhook_receiver.py --port 9010
    TRACEHUB_WEBHOOK_SECRET=... tracehub start --webhook http://127.0.0.1:9010/

Python 3.8 or later, and nothing else. A message whose signature is wrong is refused with 401, one that makes no sense with
400, and neither is sent again. The same message may come twice, when an answer got lost; it is written once. Put what
should be done about an issue in place of `handle`; if that fails, the answer is 500 and tracehub sends the message again.
"""

import argparse
import collections
import hashlib
import hmac
import http.server
import json
import os
import sys
import threading

# Larger messages are refused; an issue takes a few kilobytes.
MOST_BYTES = 1 << 20
# Deliveries that are remembered.
MOST_DELIVERIES = 10_000
# How long a sender may be silent within a request.
PATIENCE_SECONDS = 10


def handle(message):
    """Does something about an issue."""
    issue = message["issue"]
    line = {"event": message["event"], "id": issue.get("id"), "title": issue.get("title"), "server": message.get("server")}
    print(json.dumps(line), flush=True)


def is_signed(secret, body, signature):
    """Whether `X-TraceHub-Signature` is that of the body: the bytes as they came, compared in constant time."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


def read_message(body):
    """The message in a body; `None` when it is none."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    has_parts = isinstance(message, dict) and isinstance(message.get("issue"), dict)
    if not has_parts or not all(isinstance(message.get(name), str) for name in ("event", "delivery")):
        return None
    return message


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers one connection."""

    timeout = PATIENCE_SECONDS
    secret = None
    known = collections.OrderedDict()
    lock = threading.Lock()

    def do_POST(self):
        # A request without a body may say no length.
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return self.answer(411, "a length is needed")
        if len(length) > 9 or int(length) > MOST_BYTES:
            return self.answer(413, "the message is too large")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return self.answer(400, "the message is cut short")
        if self.secret and not is_signed(self.secret, body, self.headers.get("x-tracehub-signature", "")):
            return self.answer(401, "the signature is wrong")
        message = read_message(body)
        if message is None:
            return self.answer(400, "this is no message about an issue")
        self.take(message)

    def take(self, message):
        """Handles a message, unless it was before."""
        issue = message["issue"]
        delivery = (message.get("server"), message["delivery"], issue.get("id"))
        with self.lock:
            if delivery not in self.known:
                try:
                    handle(message)
                except Exception as error:  # Whatever it is, the message has to come again.
                    self.log_error("cannot handle %s: %s", message["delivery"], error)
                    return self.answer(500, "the message cannot be handled now")
                self.known[delivery] = True
                if len(self.known) > MOST_DELIVERIES:
                    self.known.popitem(last=False)
        self.answer(200, "taken")

    def answer(self, status, text):
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description="Receives webhooks of tracehub; each issue is a line of JSON on stdout.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=9010, help="port to listen at, 0 for any (default: %(default)s)")
    args = parser.parse_args()
    Receiver.secret = os.environ.get("TRACEHUB_WEBHOOK_SECRET") or None
    server = http.server.ThreadingHTTPServer((args.host, args.port), Receiver)
    server.daemon_threads = True
    print(f"listening at http://{args.host}:{server.server_port}/", file=sys.stderr, flush=True)
    if Receiver.secret is None:
        print("TRACEHUB_WEBHOOK_SECRET is not set: anybody can send messages", file=sys.stderr, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
