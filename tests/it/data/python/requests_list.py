"""The requests `record.py` sends, session by session. A step's `deviation` names a section of README.md."""

import base64
import gzip
import json
from urllib.parse import quote

JSON = [["Content-Type", "application/json"]]
LONG = "9" * 31


def entry(**changes):
    fields = {
        "source_id": "MA", "correlation_id": "c-1", "timestamp": 1706803200123.5, "suffix": "s", "direction": "->",
        "operation": "REST", "endpoint": "/api", "data": {"k": 1}, "hostname": "h", "raw_line": None,
    }
    fields.update(changes)
    return {key: value for key, value in fields.items() if value is not ...}


def differs(section, status, answer):
    """What our server answers instead, and the section of README.md that says why."""
    return {"deviation": section, "ours": {"status": status, "json": answer}}


def problem(kind, path, message, value, context=None):
    return {"detail": [{"type": kind, "loc": path, "msg": message, "input": value, **({"ctx": context} if context else {})}]}


def not_finite(value):
    return differs("not finite", 422, problem("finite_number", ["body", "timestamp"], "Input should be a finite number", value))


def found(identifier, *records):
    records = [{"hostname": "unknown", "data": None, "raw_line": None, **record} for record in records]
    return {"correlation_id": identifier, "traces": records, "count": len(records), "complete": False}


def not_an_object(value):
    message = "Input should be a valid dictionary or object to extract fields from"
    return problem("model_attributes_type", ["body"], message, value)


def recent(*rows):
    fields = {"direction": "->", "operation": "REST", "endpoint": "/api"}
    return {"traces": [{"id": row, "source_id": source, "correlation_id": identifier, "timestamp": time, **fields, "data": data}
                       for row, source, identifier, time, data in rows], "count": len(rows)}


NOT_JSON = problem("json_invalid", ["body", 1], "JSON decode error", {}, {"error": "Expecting property name enclosed in double quotes"})
UNREADABLE = {"detail": "There was an error parsing the body"}
HEX = "4BF92F3577B34DA6A3CE929D0E0E4736"


def step(name, method, target, body=None, headers=None, **more):
    request = {"method": method, "target": target, "headers": JSON if headers is None and body is not None else headers or []}
    if isinstance(body, bytes):
        request["body_base64"] = base64.b64encode(body).decode()
    elif isinstance(body, str):
        request["body"] = body
    elif body is not None:
        request["body"] = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return {"name": name, "request": request, **more}


def get(name, target, headers=None, **more):
    return step(name, "GET", target, None, headers, **more)


def batch(name, *entries, **more):
    return step(name, "POST", "/ingest", {"traces": list(entries)}, **more)


def single(name, value, **more):
    return step(name, "POST", "/ingest/single", value, **more)


def literal(name, key, text, **more):
    """A single entry with one value written as it stands, JSON or not."""
    body = json.dumps(entry(correlation_id=name, **{key: "@@"}), ensure_ascii=False).replace('"@@"', text)
    return step(name, "POST", "/ingest/single", body, **more)


def ingest_steps():
    ok = entry()
    yield batch("a batch", ok, entry(timestamp=1706803200124, direction="<-", suffix="t"))
    yield batch("the same batch again", ok, entry(timestamp=1706803200124, direction="<-", suffix="t"))
    yield batch("twice the same in one batch", entry(correlation_id="twice"), entry(correlation_id="twice"))
    yield batch("same key, other fields", entry(endpoint="/other", source_id="ZZ"))
    yield batch("an empty batch")
    yield single("a single", entry(correlation_id="c-2"))
    yield single("the same single again", entry(correlation_id="c-2"))
    yield single("only the required fields", entry(correlation_id="min", data=..., hostname=..., raw_line=...))
    yield single("extra fields are ignored", entry(correlation_id="extra", colour="red", id=7))
    yield batch("a batch with an extra key", entry(correlation_id="extra-2"))
    yield step("extra keys beside traces", "POST", "/ingest", {"traces": [], "more": 1})
    yield get("read the batch", "/traces/c-1")
    yield get("read twice", "/traces/twice")
    yield get("read the minimum", "/traces/min")
    yield get("read the extra", "/traces/extra")


def number_steps():
    values = {
        "int": "1706803200123", "float": "1706803200123.25", "exponent": "1.7068032e12", "zero": "0", "minus zero": "-0.0",
        "minus zero int": "-0", "negative": "-5.5", "tiny": "5e-324", "huge": "1.7976931348623157e308",
        "sixteen digits": "12345678901234567", "31 digits": LONG, "400 digits": "9" * 400, "5000 digits": "9" * 5000,
        "overflow": "1e400", "bool true": "true", "bool false": "false", "null": "null",
        "text int": '"1706803200123"', "text float": '"1706803200123.5"', "text exponent": '"1e3"', "text spaces": '" 12.5 "',
        "text newline": '"12\\n"', "text tab": '"\\t12"', "text nbsp": '"\\u00a012"', "text empty": '""', "text blank": '" "',
        "text word": '"abc"', "text underscore": '"1_000"', "text underscore fraction": '"1_0.0_1"',
        "text two underscores": '"1__0"', "text leading underscore": '"_1"', "text trailing underscore": '"1_"',
        "text hex": '"0x10"', "text plus": '"+5"', "text minus": '"-5"', "text plus minus": '"+-5"',
        "text dot end": '"5."', "text dot start": '".5"', "text dot": '"."', "text comma": '"1,5"',
        "text wide digits": '"１２"', "text leading zeros": '"007"', "text true": '"true"', "text 31 digits": f'"{LONG}"',
        "text 400 digits": '"' + "9" * 400 + '"', "text suffix f": '"1.5f"', "text with nul": '"1\\u0000"', "text e": '"1e"',
        "list": "[1]", "object": '{"a":1}', "empty list": "[]",
    }
    for name, text in values.items():
        more = {"overflow": not_finite(None), "text 400 digits": not_finite("9" * 400)}.get(name, {})
        yield literal(f"timestamp {name}", "timestamp", text, **more)
    for name, text in {
        "NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity", "text nan": '"nan"', "text -NaN": '"-NaN"', "text inf": '"inf"',
        "text -inf": '"-inf"', "text Infinity": '"Infinity"', "text +iNfInItY": '"+iNfInItY"', "text overflow": '"1e400"',
    }.items():
        yield literal(f"timestamp {name}", "timestamp", text, **not_finite(json.loads(text) if text.startswith('"') else None))
    for name in ["int", "exponent", "zero", "minus zero", "minus zero int", "negative", "tiny", "huge", "sixteen digits", "31 digits", "bool true",
                 "text spaces", "text underscore fraction", "Infinity"]:
        target = f"/traces/timestamp%20{name.replace(' ', '%20')}"
        more = differs("not finite", 200, found("timestamp Infinity")) if name == "Infinity" else {}
        yield get(f"read timestamp {name}", target, **more)


def field_steps():
    required = ["source_id", "correlation_id", "timestamp", "suffix", "direction", "operation", "endpoint"]
    for key in required:
        yield single(f"{key} missing", entry(**{key: ...}))
        if key != "timestamp":
            yield single(f"{key} null", entry(**{key: None}))
            yield single(f"{key} a number", entry(**{key: 7}))
    for key in ["source_id", "hostname", "raw_line"]:
        for kind, value in {"bool": True, "float": 1.5, "list": ["a"], "object": {"a": 1}}.items():
            yield single(f"{key} a {kind}", entry(**{key: value}))
    yield single("hostname null", entry(hostname=None))
    yield single("raw_line a text", entry(correlation_id="raw", raw_line="2026 [c] MA-> \"x\"\n"))
    yield single("everything missing", {})
    yield single("everything wrong", {key: [] for key in entry()})
    yield single("several errors in the order of the model", {"raw_line": 1, "timestamp": "x", "source_id": None})
    for kind, value in {"list": [1], "text": "x", "number": 1, "bool": False, "pairs": [["a", 1]], "JSON text": '{"a":1}'}.items():
        yield single(f"data a {kind}", entry(data=value))
    yield single("data null", entry(correlation_id="data-null", data=None))
    yield single("data empty", entry(correlation_id="data-empty", data={}))
    yield single("data nested", entry(correlation_id="data-nested", data={"b": [1, 1.0, "✓", None, True, {"z": {}, "a": []}], "a": "\u0000\n\"\\/"}))
    yield literal("data-numbers", "data", '{"big":' + LONG + ',"float":1.0,"exp":1E5,"small":1e-7,"neg":-0,"negf":-0.0,"wide":12345678901234567890,"fine":0.1}')
    yield literal("data-repeated", "data", '{"a":1,"b":2,"a":{"c":3}}')
    yield literal("data-escapes", "data", '{"\\u00e9":"\\ud83d\\ude00 \\u2713 \\/"}')
    yield literal("data-nan", "data", '{"a":NaN,"b":[Infinity,-Infinity],"c":1e400}')
    yield literal("data-surrogate", "data", '{"a":"\\ud800"}')
    yield literal("data-deep-100", "data", '{"a":' * 100 + "1" + "}" * 100)
    yield literal("data-deep-200", "data", '{"a":' * 200 + "1" + "}" * 200, **differs("nesting", 400, UNREADABLE))
    yield literal("data-deep-5000", "data", '{"a":' * 5000 + "1" + "}" * 5000)
    for name in ["raw", "data-null", "data-empty", "data-nested", "data-numbers", "data-repeated", "data-escapes"]:
        yield get(f"read {name}", f"/traces/{name}")
    yield get("read data-nan", "/traces/data-nan")
    yield get("read data-surrogate", "/traces/data-surrogate", **differs("surrogates", 200, found("data-surrogate", entry(correlation_id="data-surrogate", data={"a": "\ufffd"}))))
    yield literal("direction odd", "direction", '"=>"')
    yield literal("direction empty", "direction", '""')
    yield literal("suffix empty", "suffix", '""')
    yield literal("text surrogate", "endpoint", '"\\ud800"', **differs("surrogates", 200, {"inserted": True}))
    yield literal("text nul", "endpoint", '"a\\u0000b"')
    yield get("read text nul", "/traces/text%20nul")
    yield literal("repeated key: the last one counts", "suffix", '"x","suffix":5')
    yield single("correlation id empty", entry(correlation_id=""))
    yield single("correlation id of 256 bytes", entry(correlation_id="x" * 256))
    yield single("correlation id of 257 bytes", entry(correlation_id="y" * 257))
    for name, value in {"unicode": "ünïcode-✓", "slash": "req/with slash", "slash and more": "req/with slash?&", "percent": "100%25", "dot": "..", "plus": "a+b"}.items():
        yield single(f"correlation id {name}", entry(correlation_id=value))
    yield single("correlation id upper case hex", entry(correlation_id=HEX))


def batch_refusals():
    good, bad = entry(correlation_id="whole"), entry(correlation_id="whole", timestamp="x", suffix="u")
    yield batch("one bad entry refuses its batch", good, bad, good)
    yield get("nothing of it was stored", "/traces/whole")
    yield batch("errors of several entries", {}, good, 5, None, "x", [], entry(data=1))
    for name, value in {"null": None, "object": {}, "text": "x", "number": 1, "bool": True, "nested list": [[]]}.items():
        yield step(f"traces a {name}", "POST", "/ingest", {"traces": value})
    yield step("traces missing", "POST", "/ingest", {"trace": []})
    yield step("traces of an empty object", "POST", "/ingest", {})
    for path in ["/ingest", "/ingest/single"]:
        for name, text in {"list": "[]", "list of one": "[1]", "text": '"x"', "number": "5", "float": "5.5", "null": "null", "true": "true", "NaN": "NaN",
                           "a long number": LONG}.items():
            more = differs("not finite", 422, not_an_object(None)) if name == "NaN" else {}
            yield step(f"{path} body a {name}", "POST", path, text, **more)


def malformed():
    texts = {
        "word": "hello", "open object": "{", "open list": '{"traces":[', "open key": '{"traces', "no colon": '{"traces"}', "no value": '{"traces":}',
        "single quotes": "{'traces':[]}", "trailing comma": '{"traces":[],}', "trailing comma in list": '{"traces":[1,]}', "two documents": "{} {}",
        "no comma": '{"a":1 "b":2}', "no comma in list": "[1 2]", "leading zero": "[01]", "lonely minus": "[-]", "plus": "[+1]", "dot": "[1.]",
        "control character": '{"a":"x\ny"}', "bad escape": '{"a":"\\x"}', "bad unicode escape": '{"a":"\\u12g4"}', "cut unicode escape": '{"a":"\\u12',
        "only spaces": "   ", "comment": "/* */ {}", "position counts characters": '{"ü✓😀": x}', "infinity misspelt": "[Infinit]", "upper case true": "[True]",
        "form feed": "\f{}", "newlines": '\n\n {"traces":\n[}', "brace too many": '{"traces":[]}}',
    }
    for name, text in texts.items():
        yield step(f"malformed: {name}", "POST", "/ingest", text)
    yield step("a byte order mark", "POST", "/ingest", b"\xef\xbb\xbf" + b'{"traces":[]}')
    yield step("not UTF-8", "POST", "/ingest", b'{"traces":["\xff"]}')
    yield step("UTF-16", "POST", "/ingest", '{"traces":[]}'.encode("utf-16-le"), **differs("UTF-16", 422, NOT_JSON))
    yield step("zero bytes", "POST", "/ingest", b"\x00\x00\x00\x00")
    yield step("whitespace around", "POST", "/ingest", ' \r\n\t{ "traces" : [ ] } \n')
    yield step("list nested too deep", "POST", "/ingest", "[" * 100000)
    yield step("gzip", "POST", "/ingest", gzip.compress(json.dumps({"traces": [entry(correlation_id="gz")]}).encode(), mtime=0),
               JSON + [["Content-Encoding", "gzip"]], **differs("gzip", 200, {"accepted": 1, "inserted": 1, "duplicates": 0}))
    yield step("empty body", "POST", "/ingest", "")
    yield step("no body at all", "POST", "/ingest", None)
    yield step("empty body, single", "POST", "/ingest/single", "", [])


def content_types():
    body = json.dumps({"traces": []})
    for value in ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "application/json; charset=utf-8",
                  "application/json; charset=latin-1", "APPLICATION/JSON", "application/vnd.api+json", "application/jsonx", "json", "",
                  "multipart/form-data; boundary=x", "text/json", "application/json ; x", "application/ld+json; v=1", "application/problem+xml"]:
        yield step(f"content type {value!r}", "POST", "/ingest", body, [["Content-Type", value]])
    yield step("no content type", "POST", "/ingest", body, [])
    yield step("no content type, not UTF-8", "POST", "/ingest", b"\xff", [], **differs("no 500", 422, not_an_object("\ufffd")))
    yield step("text/plain, not JSON", "POST", "/ingest/single", "hello ✓ \"", [["Content-Type", "text/plain"]])


def routes():
    for method, target in [("GET", "/ingest"), ("PUT", "/ingest"), ("DELETE", "/ingest"), ("HEAD", "/ingest"), ("GET", "/ingest/single"),
                           ("POST", "/traces/c-1"), ("DELETE", "/traces/c-1"), ("POST", "/traces/c-1/stream"), ("POST", "/correlations"),
                           ("POST", "/health"), ("HEAD", "/health"), ("OPTIONS", "/health"), ("GET", "/cleanup"), ("POST", "/cleanup"), ("PATCH", "/cleanup")]:
        yield step(f"{method} {target}", method, target)
    for target in ["/nothing", "/traces", "/traces/", "/traces//stream", "/correlations/x", "/Health", "/ingest/many"]:
        yield get(f"GET {target}", target)
    for target in ["/health/", "/traces/c-1/", "/correlations/"]:
        more = differs("slashes", 200, found("c-1/")) if target == "/traces/c-1/" else {}
        yield get(f"GET {target}", target, **more)
    yield step("POST /ingest/", "POST", "/ingest/", {"traces": []})
    yield get("health", "/health")
    yield get("health with a query", "/health?x=1")
    yield get("an origin", "/health", [["Origin", "http://example.org"]])
    yield get("an origin and a cookie", "/health", [["Origin", "http://example.org"], ["Cookie", "a=b"]])
    yield get("an origin of an unknown path", "/nothing-here", [["Origin", "http://example.org"]])
    preflight = [["Origin", "http://example.org"], ["Access-Control-Request-Method", "POST"]]
    refused = differs("other sites", 405, {"detail": "Method Not Allowed"})
    yield step("preflight", "OPTIONS", "/ingest", None, preflight, **refused)
    yield step("preflight with headers", "OPTIONS", "/ingest", None, preflight + [["Access-Control-Request-Headers", "content-type,x-tracehub-secret"]], **refused)
    yield step("preflight of an odd method", "OPTIONS", "/ingest", None, [["Origin", "http://example.org"], ["Access-Control-Request-Method", "BREW"]], **refused)


def read_steps():
    yield batch(
        "for reading",
        entry(correlation_id="r", timestamp=30, suffix="c", source_id="WS"), entry(correlation_id="r", timestamp=10, suffix="z"),
        entry(correlation_id="r", timestamp=20, suffix="b", direction="<-"), entry(correlation_id="r", timestamp=10, suffix="a", source_id="WS"),
        entry(correlation_id="r", timestamp=30, suffix="b", direction="<-", source_id="WS"), entry(correlation_id="r", timestamp=10, suffix="m", direction="x"),
    )
    yield get("unknown id", "/traces/unknown")
    yield get("ordered by time, then by suffix", "/traces/r")
    yield get("of one source", "/traces/r?source=WS")
    yield get("of an unknown source", "/traces/r?source=w")
    yield get("source is case sensitive and exact", "/traces/r?source=ws")
    yield get("an empty source is no filter", "/traces/r?source=")
    yield get("a source without a value", "/traces/r?source")
    yield get("two sources: the last one counts", "/traces/r?source=MA&source=WS")
    yield get("unknown parameters are ignored", "/traces/r?limit=1&since=20")
    yield batch("one entry", entry(correlation_id="open"))
    yield get("an entry without exit is not complete", "/traces/open")
    yield batch("only an exit", entry(correlation_id="exit", direction="<-"))
    yield get("an exit without entry is not complete", "/traces/exit")
    yield batch("entry and exit of different operations", entry(correlation_id="mixed"), entry(correlation_id="mixed", direction="<-", endpoint="/b", suffix="t"))
    yield get("complete counts, it does not match", "/traces/mixed")
    yield get("complete counts only the source asked for", "/traces/mixed?source=MA")
    slashes = {name: differs("slashes", 200, found(identifier, entry(correlation_id=identifier)))
               for name, identifier in {"slash unescaped": "req/with slash", "slash escaped": "req/with slash?&"}.items()}
    lower = differs("hexadecimal ids", 200, found(HEX.lower(), entry(correlation_id=HEX)))
    for name, target in {
        "unicode": "/traces/%C3%BCn%C3%AFcode-%E2%9C%93", "percent": "/traces/100%2525", "plus": "/traces/a+b", "dots escaped": "/traces/%2E%2E",
        "slash unescaped": "/traces/req/with%20slash?&", "slash escaped": "/traces/req%2Fwith%20slash%3F%26", "bad escape": "/traces/%zz",
        "not UTF-8": "/traces/%ff", "upper hex": "/traces/4BF92F3577B34DA6A3CE929D0E0E4736", "lower hex": "/traces/4bf92f3577b34da6a3ce929d0e0e4736",
        "256 bytes": "/traces/" + "x" * 256, "257 bytes": "/traces/" + "y" * 257,
    }.items():
        yield get(f"read id {name}", target, **slashes.get(name, lower if name == "lower hex" else {}))


def stream_steps():
    yield get("stream of nothing, no time", "/traces/none/stream?timeout=0")
    yield get("stream, stored ones only", "/traces/r/stream?timeout=0")
    yield get("stream, negative time", "/traces/r/stream?timeout=-1")
    yield get("stream, one second", "/traces/none/stream?timeout=1")
    during = [batch("", entry(correlation_id="live", timestamp=99, suffix="1", data={"ü": [1.5, None]})), single("", entry(correlation_id="live", timestamp=1, suffix="2")),
              single("", entry(correlation_id="other")), batch("", entry(correlation_id="live", timestamp=99, suffix="1"))]
    yield batch("before the stream", entry(correlation_id="live", timestamp=50, suffix="0"))
    yield get("stream, stored then live", "/traces/live/stream?timeout=3", during=[one["request"] for one in during])
    for value in ["abc", "", "0.0", "1.5", "%200%20", "true", "1e1", "-9223372036854775808"]:
        yield get(f"stream, timeout {value!r}", f"/traces/none/stream?timeout={value}")
    yield get("stream ignores source", "/traces/r/stream?timeout=0&source=WS")


def correlation_steps():
    for number, (identifier, first, last) in enumerate([("k-b", 1000.25, 3000), ("k-a", 5, 5), ("k-c", 0, 900), ("k-d", -100.5, 100)]):
        yield batch(f"correlation {identifier}", entry(correlation_id=identifier, timestamp=last, suffix="1", source_id="WS"),
                    entry(correlation_id=identifier, timestamp=first, suffix="2"), entry(correlation_id=identifier, timestamp=last, suffix="3", source_id="WS"), wait_ms=1100)
    yield batch("an older one again", entry(correlation_id="k-b", timestamp=2000, suffix="4", source_id="VM,X"), wait_ms=1100)
    yield get("correlations, newest first", "/correlations?limit=4")
    yield get("correlations, one", "/correlations?limit=1")
    yield get("correlations, two parameters: the last one counts", "/correlations?limit=1&limit=2")
    yield get("correlations, none", "/correlations?limit=0")
    for value in ["abc", "", "1.0", "1.5", "%202%20", "%2B2", "1_0", "-1", "10000", "true", "0x2", "9223372036854775807", "9223372036854775808", "1e1", "٢", "-0", "2.0000000001", "007"]:
        more = {"deviation": "no 500", "ours": {"status": 200, "same as": "correlations, default"}} if value == "9223372036854775808" else {}
        yield get(f"correlations, limit {value!r}", f"/correlations?limit={quote(value, safe='%')}", **more)
    yield get("correlations, limit without a value", "/correlations?limit")
    yield get("correlations, default", "/correlations")
    yield step("cleanup", "DELETE", "/cleanup")
    yield step("cleanup with a body", "DELETE", "/cleanup", "junk")


STATS = {
    "uptime_seconds": "<number>", "subscribers": {"active_correlations": 0, "total_queues": 0},
    "requests": {"ingest_total": 10, "ingest_duplicates": 0, "recent_requests_total": 14, "recent_rpm": 14},
    "database": {"path": "<path>", "size_mb": "<number>", "retention_hours": 24}, "memory": {"rss_mb": "<number>"},
    "top_sources": [{"source_id": "MA", "rpm": 3}, {"source_id": "MAX", "rpm": 2}, {"source_id": "WS", "rpm": 2},
                    {"source_id": "M_A", "rpm": 2}, {"source_id": "VM", "rpm": 1}],
}
SOURCES = {"sources": [{"source_id": source, "total": total, "rpm": total, "rp5m": total}
                       for source, total in [("MA", 3), ("MAX", 2), ("M_A", 2), ("WS", 2), ("VM", 1)]], "window_seconds": 300}


def successor_steps():
    yield get("successor: recent of nothing", "/recent")
    yield get("successor: sources of nothing", "/stats/sources")
    yield batch("successor: a batch", *[
        entry(correlation_id=f"q-{number}", timestamp=1000 - number, source_id=["MA", "MAX", "WS", "M_A"][number % 4], suffix=str(number), data={"n": number} if number else None)
        for number in range(8)
    ])
    yield batch("successor: the catch-all correlation", entry(correlation_id="-", timestamp=1))
    yield single("successor: a single", entry(correlation_id="q-9", source_id="VM", suffix="9"))
    yield get("recent, oldest first", "/recent")
    yield get("recent, two", "/recent?limit=2")
    yield get("recent, none", "/recent?limit=0")
    yield get("recent, limit -1 is all", "/recent?limit=-1")
    yield get("recent, limit 1001", "/recent?limit=1001")
    yield get("recent, limit 1000", "/recent?limit=1000")
    yield get("recent, limit abc", "/recent?limit=abc")
    yield get("recent, since an id", "/recent?since_id=<id:6>")
    yield get("recent, since an id, two", "/recent?since_id=<id:2>&limit=2")
    yield get("recent, since 0", "/recent?since_id=0")
    yield get("recent, since abc and limit 2000", "/recent?since_id=abc&limit=2000")
    yield get("recent, since nothing", "/recent?since_id=")
    yield get("recent, source is a prefix in any case", "/recent?source=ma")
    yield get("recent, source with a LIKE wildcard", "/recent?source=M_", **differs("wildcards", 200, recent(
        ("<id:4>", "M_A", "q-3", 997.0, {"n": 3}), ("<id:8>", "M_A", "q-7", 993.0, {"n": 7}))))
    yield get("recent, source with a percent sign", "/recent?source=%25", **differs("wildcards", 200, recent()))
    yield get("recent, unknown source", "/recent?source=QQ")
    yield get("recent, empty source", "/recent?source=")
    yield get("successor: stats", "/stats", **differs("singles", 200, STATS))
    yield get("successor: sources", "/stats/sources", **differs("singles", 200, SOURCES))
    yield get("successor: health", "/health")
    yield get("successor: a trace seen for the first time", "/traces/q-1", **differs("adaptive tracing", 200, found(
        "q-1", entry(correlation_id="q-1", timestamp=999.0, source_id="MAX", suffix="1", data={"n": 1}))))
    yield get("successor: the same trace again", "/traces/q-1")
    yield batch("successor: same source, endpoint and direction within five minutes", entry(correlation_id="q-1", source_id="MAX", timestamp=5000, suffix="new"), **differs("polling", 200, {"accepted": 1, "inserted": 1, "duplicates": 0}))
    yield get("recent, too often", "/recent?limit=1", repeat=20, **differs("rate limit", 200, recent(("<id:10>", "MAX", "q-1", 5000.0, {"k": 1}))))
    for method, target in [("POST", "/recent"), ("POST", "/stats"), ("DELETE", "/stats/sources")]:
        yield step(f"successor: {method} {target}", method, target)
    yield get("successor: unknown", "/stats/x")


def secret_steps():
    def headers(value):
        return JSON + [["X-TraceHub-Secret", value]]
    body = {"traces": [entry()]}
    yield step("secret: missing", "POST", "/ingest", body)
    yield step("secret: empty", "POST", "/ingest", body, headers(""))
    yield step("secret: wrong", "POST", "/ingest", body, headers("S3CRET"))
    yield step("secret: with spaces around", "POST", "/ingest", body, headers("  s3cret "))
    yield step("secret: right", "POST", "/ingest", {"traces": [entry(suffix="2", direction="<-")]}, headers("s3cret"))
    yield step("secret: header name in lower case", "POST", "/ingest", {"traces": []}, JSON + [["x-tracehub-secret", "s3cret"]])
    yield step("secret: twice, the first one counts", "POST", "/ingest", {"traces": []}, headers("wrong") + [["X-TraceHub-Secret", "s3cret"]])
    yield step("secret: missing on single", "POST", "/ingest/single", entry(suffix="3"))
    yield step("secret: wrong on single", "POST", "/ingest/single", entry(suffix="3"), headers("no"))
    yield step("secret: right on single", "POST", "/ingest/single", entry(suffix="3", endpoint="/three"), headers("s3cret"))
    yield step("secret: missing comes before an invalid entry", "POST", "/ingest", {"traces": [1]})
    yield step("secret: missing and malformed", "POST", "/ingest", "{",
               **differs("secret first", 401, {"detail": "X-TraceHub-Secret header required"}))
    yield step("secret: wrong and an empty body", "POST", "/ingest", "", headers("no"))
    yield step("secret: right and an invalid entry", "POST", "/ingest", {"traces": [1]}, headers("s3cret"))
    yield step("secret: wrong method", "GET", "/ingest")
    for target in ["/correlations?limit=0", "/traces/unknown-id/stream?timeout=0", "/stats/sources", "/recent?limit=0"]:
        sources = {"sources": [{"source_id": "MA", "total": 3, "rpm": 3, "rp5m": 3}], "window_seconds": 300}
        more = differs("singles", 200, sources) if target == "/stats/sources" else {}
        yield get(f"secret: reading needs none, {target}", target, **more)
    yield step("secret: cleanup needs none", "DELETE", "/cleanup")


SESSIONS = [
    ("0.1.0", [*ingest_steps(), *number_steps(), *field_steps(), *batch_refusals(), *malformed(), *content_types(), *routes(), *read_steps(), *stream_steps()]),
    ("0.1.0", [*correlation_steps()]),
    ("successor", [*successor_steps()]),
    ("successor with TRACEHUB_SECRET=s3cret", [*secret_steps()]),
]
