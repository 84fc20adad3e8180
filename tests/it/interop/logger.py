"""Logs with the unmodified `tracehub-logger` and its middleware for FastAPI, Flask and Django to the server at the URL
given, and prints a JSON line for each thing that happened, under the name of what the test compares it with.

Usage: logger.py ENDPOINT API_KEY DLQ_FOLDER
"""

import json
import pathlib
import sys

from tracehub import TraceHubLogger
from tracehub.enricher import clear_trace_id, set_trace_id

endpoint, api_key, dead_letters = sys.argv[1:]
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def logger(service, **settings):
    return TraceHubLogger(
        api_key=api_key,
        service=service,
        environment="interop",
        endpoint=endpoint,
        flush_interval=60.0,
        dlq_path=dead_letters,
        **settings,
    )


def charge(amount):
    if amount < 0:
        raise ValueError(f"cannot charge {amount}")


def plain():
    log = logger("plain", batch_size=3)
    set_trace_id(TRACE_ID)
    log.debug("started")
    log.info("user logged in", module="auth", extra={"user_id": 42, "ratio": 0.5, "tags": ["a", None], "✓": "ünïcode"})
    log.warn("slow query", module="db")
    try:
        charge(-1)
    except ValueError:
        log.error("payment failed", exc_info=True, module="billing", extra={"order_id": 123})
    try:
        charge(-2)
    except ValueError as error:
        log.fatal("giving up", exception=error)
    log.error("without an exception", error_message="told", stack_trace="Traceback...")
    log.close()


def odd():
    log = logger("odd", compress=False)
    set_trace_id("odd values")
    log.info(12345)
    log.info("nan", extra={"nan": float("nan"), "inf": float("-inf"), "big": 10**30, "lone": "\udcff", "nul": "a\0b"})
    log.info("")
    deep = "core"
    for _ in range(300):
        deep = [deep]
    log.info("deep", extra={"deep": deep})
    log.error("long", stack_trace="  File \"a.py\", line 1, in f\n" * 100_000)
    log.close()
    clear_trace_id()


def fastapi():
    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from tracehub.integrations.fastapi import TraceHubMiddleware

    log = logger("fastapi-app")
    app = FastAPI()
    app.add_middleware(TraceHubMiddleware)

    @app.get("/pay")
    async def pay():
        log.info("paying")
        try:
            charge(-3)
        except ValueError:
            log.error("payment failed", exc_info=True)
        return {}

    client = TestClient(app)
    for headers in [{}, {"X-Trace-ID": "req/from client"}]:
        print(json.dumps({"fastapi-app": client.get("/pay", headers=headers).headers["X-Trace-ID"]}))
    log.close()


def flask():
    from flask import Flask
    from tracehub.integrations.flask import init_tracehub

    log = logger("flask-app")
    app = Flask(__name__)
    init_tracehub(app)

    @app.route("/pay")
    def pay():
        log.info("paying")
        try:
            charge(-4)
        except ValueError:
            log.error("payment failed", exc_info=True)
        return {}

    client = app.test_client()
    for headers in [{}, {"X-Trace-ID": "req-from-client"}]:
        print(json.dumps({"flask-app": client.get("/pay", headers=headers).headers["X-Trace-ID"]}))
    log.close()


def django():
    import django
    from django.conf import settings
    from django.http import HttpResponse
    from django.test import Client
    from django.urls import path

    log = logger("django-app")

    def pay(request):
        log.info("paying")
        try:
            charge(-5)
        except ValueError:
            log.error("payment failed", exc_info=True)
        return HttpResponse()

    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=tuple([path("pay", pay)]),
        MIDDLEWARE=["tracehub.integrations.django.TraceHubMiddleware"],
    )
    django.setup()
    client = Client()
    for headers in [{}, {"X-Trace-ID": "req-django"}]:
        print(json.dumps({"django-app": client.get("/pay", headers=headers).headers["X-Trace-ID"]}))
    log.close()


for part in [plain, odd, fastapi, flask, django]:
    part()
folder = pathlib.Path(dead_letters)
print(json.dumps({"dead letters": sorted(path.name for path in folder.glob("*"))}))
