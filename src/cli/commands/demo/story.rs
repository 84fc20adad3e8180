//! Made-up traces of the last hour: a failed checkout with an N+1 query and a dead payment provider, an AI agent that
//! spends tokens, a deployment told in checkpoints of which one step hangs, sign-ins of which spans, checkpoints and what
//! the published logger really sent tell together, and forty ordinary requests around them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::recorded;
use crate::{api::path, cli::http::Recorded, model::Nanos};

/// Id of the checkout that fails.
pub const CHECKOUT: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Id of the agent's run.
const AGENT: &str = "9c1e07a2d4b34f7c8a5e6b1d2f3c4a5b";
/// Correlation id of the deployment that hangs.
pub const DEPLOYMENT: &str = "deploy-1187-blue";
/// Ids of the sign-ins that fail, the latest first, and how many seconds ago they were.
pub const SIGN_INS: [(&str, u64); 4] = [
    ("a3ce929d0e0e47364bf92f3577b34da6", 26),
    ("5b8efff798038103d269b633813fc60c", 660),
    ("7b2a1c9de4f84f0c9d3e5a6b7c8d9e0f", 1_500),
    ("e457b5a2e4d86bd198bda1e2c6a3f0d1", 2_880),
];
/// When the entries of the recorded requests were written, in milliseconds after a sign-in began.
const ENTRIES_MS: [u64; 5] = [14, 31, 33, 57, 64];
/// How many ordinary requests there are.
const ORDINARY: u64 = 40;

const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const PRODUCER: u8 = 4;

/// The traces as export requests, as if they had just happened.
pub fn requests(now: Nanos) -> Vec<Recorded> {
    let mut story =
        Story { spans: BTreeMap::new(), last_id: 0x00f0_67aa_0ba9_0000, dice: 0x9e37_79b9_7f4a_7c15, logs: Vec::new() };
    story.ordinary_requests(now);
    story.agent_run(Nanos(now.0.saturating_sub(40_000_000_000)));
    story.failed_checkout(Nanos(now.0.saturating_sub(13_000_000_000)));
    let mut checkpoints = deployment(now);
    for (number, (trace, seconds_ago)) in SIGN_INS.into_iter().enumerate() {
        let origin = Nanos(now.0.saturating_sub(seconds_ago * 1_000_000_000));
        checkpoints.extend(story.sign_in(trace, origin, number));
    }
    let logs = Json::Array(std::mem::take(&mut story.logs));
    let json = |path, body: Json| Recorded {
        path,
        content_type: "application/json",
        encoding: None,
        body: body.to_string().into_bytes(),
    };
    vec![
        json("/v1/traces", story.export()),
        json("/ingest", json!({ "traces": checkpoints })),
        json(path::INGEST, logs),
    ]
}

/// A deployment as three components noted it: where they entered an operation, and where they left it. One never did.
fn deployment(now: Nanos) -> Vec<Json> {
    let began_ms = (now.0 / 1_000_000).saturating_sub(95_000) as f64;
    let notes = [
        (0.0, "MA", "->", "REST", "/api/deploy", json!({"version": "1187", "slot": "blue"})),
        (18.5, "JW", "->", "RPC", "verify_token", Json::Null),
        (23.0, "JW", "<-", "RPC", "verify_token", json!({"user": "u-42"})),
        (41.0, "SP", "->", "RPC", "spawn_vm", json!({"image": "blue-1187"})),
        (2_903.0, "SP", "<-", "RPC", "spawn_vm", json!({"vm": "vm-77"})),
        (2_950.0, "WK", "->", "WS", "pull_image", Json::Null),
        (6_120.5, "WK", "<-", "WS", "pull_image", json!({"bytes": 184_320_512})),
        (6_131.0, "WK", "->", "WS", "health_check", json!({"url": "http://vm-77:8080/healthz"})),
    ];
    let trace = |(number, (at_ms, source, direction, operation, endpoint, data)): (usize, _)| {
        json!({
            "source_id": source, "correlation_id": DEPLOYMENT, "timestamp": began_ms + at_ms,
            "suffix": format!("d{number:02}"), "direction": direction, "operation": operation,
            "endpoint": endpoint, "data": data, "hostname": "blue.example", "raw_line": null,
        })
    };
    notes.into_iter().enumerate().map(trace).collect()
}

/// The traces as far as they are told: spans by service, log entries, and what makes each different.
struct Story {
    spans: BTreeMap<&'static str, Vec<Json>>,
    last_id: u64,
    dice: u64,
    /// Entries as the published logger sends them.
    logs: Vec<Json>,
}

/// What a span belongs to: a trace, the moment that began, and the span above; 0 for none.
#[derive(Clone, Copy)]
struct Parent<'a> {
    trace: &'a str,
    origin: Nanos,
    span: u64,
}

/// A span to be added: who did what, when after the trace began and for how long, in microseconds.
struct SpanSketch {
    service: &'static str,
    name: &'static str,
    kind: u8,
    at_us: u64,
    took_us: u64,
    attributes: Vec<(&'static str, Json)>,
    failure: Option<Failed>,
}

/// An entry of the published logger: when after the trace began it was written, by which service, its level and text.
struct LogLine<'a> {
    at_us: u64,
    service: &'static str,
    level: &'static str,
    message: &'a str,
}

fn line<'a>(at_us: u64, service: &'static str, level: &'static str, message: &'a str) -> LogLine<'a> {
    LogLine { at_us, service, level, message }
}

/// An exception and where it came from.
#[derive(Clone, Copy)]
struct Failed {
    error: &'static str,
    message: &'static str,
    stack: &'static str,
}

impl Story {
    /// Adds a span; what is returned is the parent of spans below it.
    fn add_span<'a>(&mut self, parent: Parent<'a>, sketch: SpanSketch) -> Parent<'a> {
        self.last_id += 1;
        let (id, start) = (self.last_id, parent.origin.0 + sketch.at_us * 1_000);
        let end = start + sketch.took_us * 1_000;
        let mut span = json!({
            "traceId": parent.trace,
            "spanId": format!("{id:016x}"),
            "name": sketch.name,
            "kind": sketch.kind,
            "startTimeUnixNano": start.to_string(),
            "endTimeUnixNano": end.to_string(),
            "attributes": attributes(&sketch.attributes),
        });
        if parent.span != 0 {
            span["parentSpanId"] = json!(format!("{:016x}", parent.span));
        }
        if let Some(failed) = sketch.failure {
            span["status"] = json!({"code": 2, "message": format!("{}: {}", failed.error, failed.message)});
            if !failed.stack.is_empty() {
                span["events"] = json!([exception(failed, end)]);
            }
        }
        self.spans.entry(sketch.service).or_default().push(span);
        Parent { span: id, ..parent }
    }

    /// A number below `end`, by xorshift, so that the story is alike every time.
    fn random_below(&mut self, end: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % end.max(1)
    }

    fn failed_checkout(&mut self, origin: Nanos) {
        let declined = Failed { error: "HTTPError", message: "402 card_declined", stack: DECLINED_STACK };
        let outside = Parent { trace: CHECKOUT, origin, span: 0 };
        let root = self.add_span(
            outside,
            sketch("shop", "POST /checkout", SERVER, 0, 1_240_000)
                .with("http.request.method", json!("POST"))
                .with("url.path", json!("/checkout"))
                .with("http.response.status_code", json!(502))
                .failing(Failed { stack: "", ..declined }),
        );
        let auth = self.add_span(root, sketch("shop", "auth.verify", INTERNAL, 3_000, 27_000));
        self.log(auth, line(14_000, "shop", "INFO", "session ok"), json!({"extra": {"user": "u-42"}}));
        self.add_span(
            auth,
            sketch("redis", "GET session", CLIENT, 12_000, 6_000).with("db.system.name", json!("redis")),
        );
        self.slow_cart(root);
        let charge = self.add_span(
            root,
            sketch("payments", "charge", INTERNAL, 612_000, 598_000)
                .with("payment.provider", json!("stripe"))
                .with("retry.count", json!(1))
                .failing(Failed { stack: "", ..declined }),
        );
        let timeout = Failed { error: "TimeoutError", message: "no answer in 280ms", stack: TIMEOUT_STACK };
        self.add_span(charge, stripe(615_000, 280_000).failing(timeout));
        let backoff = self.add_span(charge, sketch("payments", "backoff", INTERNAL, 895_500, 50_000));
        self.log(backoff, line(905_000, "payments", "WARN", "retrying charge (2/2)"), json!({"extra": {"attempt": 2}}));
        self.add_span(charge, stripe(946_000, 260_000).with("http.response.status_code", json!(402)).failing(declined));
        let error = json!({
            "error_type": declined.error,
            "error_message": declined.message,
            "stack_trace": format!("{}{}: {}\n", declined.stack, declined.error, declined.message),
        });
        self.log(charge, line(1_208_000, "payments", "ERROR", "charge failed: 402 card_declined"), error);
        self.log(root, line(1_230_000, "shop", "INFO", "order 77 kept for a retry"), json!({"extra": {"order": 77}}));
        self.add_span(
            root,
            sketch("kafka", "order.failed publish", PRODUCER, 1_212_000, 16_000)
                .with("messaging.system", json!("kafka")),
        );
    }

    /// Adds an entry of the published logger below a span, with `more` fields.
    fn log(&mut self, parent: Parent<'_>, line: LogLine<'_>, more: Json) {
        let LogLine { at_us, service, level, message } = line;
        let mut entry = json!({
            "level": level, "message": message, "service": service, "environment": "demo",
            "timestamp": Nanos(parent.origin.0 + at_us * 1_000).to_rfc3339(),
            "trace_id": parent.trace, "span_id": format!("{:016x}", parent.span),
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            entry[key] = value.clone();
        }
        self.logs.push(entry);
    }

    /// Adds a sign-in: spans of the service, what the published logger sent from it once, and, as what this returns, the
    /// checkpoints of the gateway before it.
    fn sign_in(&mut self, trace: &str, origin: Nanos, number: usize) -> Vec<Json> {
        let outside = Parent { trace, origin, span: 0 };
        let request = sketch("auth-service", "POST /login", SERVER, 3_000, 66_000)
            .with("http.response.status_code", json!(500))
            .failing(Failed { error: "ZeroDivisionError", message: "division by zero", stack: "" });
        let root = self.add_span(outside, request);
        self.add_span(
            root,
            sketch("postgres", "SELECT users", CLIENT, 16_000, 14_000).with("db.system.name", json!("postgresql")),
        );
        let recorded = recorded::log_entries();
        let entries = recorded.get(number % recorded.len()).into_iter().flatten();
        for (entry, at_ms) in entries.zip(ENTRIES_MS) {
            let mut entry = entry.clone();
            entry["timestamp"] = json!(Nanos(origin.0 + at_ms * 1_000_000).to_rfc3339());
            entry["trace_id"] = json!(trace);
            self.logs.push(entry);
        }
        let began_ms = origin.0 as f64 / 1e6;
        let note = |(at_ms, direction): (f64, &str)| {
            json!({
                "source_id": "GW", "correlation_id": trace, "timestamp": began_ms + at_ms,
                "suffix": format!("g{number:02}"), "direction": direction, "operation": "REST",
                "endpoint": "POST /login", "data": {"user": "u-42"}, "hostname": "edge.example", "raw_line": null,
            })
        };
        [(0.0, "->"), (72.5, "<-")].map(note).into()
    }

    /// Adds a cart that makes one query an item instead of one for all.
    fn slow_cart(&mut self, root: Parent<'_>) {
        let cart =
            self.add_span(root, sketch("cart", "load_cart", INTERNAL, 32_000, 577_000).with("cart.items", json!(37)));
        self.log(cart, line(49_000, "cart", "WARN", "slow pricing rule \"bulk-3\" (17ms)"), json!({}));
        let mut at_us = 34_000;
        for item in 0..37 {
            let took_us = if item == 21 { 62_000 } else { 7_500 + self.random_below(5_000) };
            let query = sketch("postgres", "SELECT cart_items", CLIENT, at_us, took_us)
                .with("db.system.name", json!("postgresql"))
                .with("db.query.text", json!("SELECT * FROM cart_items WHERE id = $1"));
            self.add_span(cart, query);
            at_us += took_us + 2_800;
        }
        self.add_span(cart, sketch("cart", "price.calculate", INTERNAL, 588_000, 18_000));
    }

    fn agent_run(&mut self, origin: Nanos) {
        let outside = Parent { trace: AGENT, origin, span: 0 };
        let root = self.add_span(
            outside,
            sketch("msgflux", "support_flow", INTERNAL, 0, 8_410_000).with("workflow.name", json!("support_flow")),
        );
        let agent = self.add_span(
            root,
            sketch("msgflux", "invoke_agent triage", INTERNAL, 20_000, 8_350_000)
                .with("gen_ai.operation.name", json!("invoke_agent"))
                .with("gen_ai.agent.name", json!("triage")),
        );
        let no_results = Failed { error: "ValueError", message: "no results", stack: SEARCH_STACK };
        self.add_span(agent, chat(40_000, 2_100_000, (812, 64, 0.0016)));
        self.add_span(agent, tool("search", 2_150_000, 496_000).failing(no_results));
        self.add_span(agent, chat(2_660_000, 5_200_000, (7_312, 348, 0.0045)));
        self.add_span(agent, tool("answer", 7_900_000, 410_000));
    }

    fn ordinary_requests(&mut self, now: Nanos) {
        let hour_us = 3_540_000_000;
        for number in 0..ORDINARY {
            let age_us = 60_000_000 + hour_us * number / ORDINARY + self.random_below(20_000_000);
            let trace = format!("{:016x}{number:016x}", self.random_below(u64::MAX) | 1 << 60);
            let outside = Parent { trace: &trace, origin: Nanos(now.0.saturating_sub(age_us * 1_000)), span: 0 };
            match self.random_below(4) {
                0 => self.search(outside),
                1 => self.nightly_import(outside),
                _ => self.cart_page(outside),
            }
        }
    }

    fn cart_page(&mut self, parent: Parent<'_>) {
        let query_us = 4_000 + self.random_below(30_000);
        let fails = self.random_below(5) == 0;
        let page = sketch("shop", "GET /cart", SERVER, 0, query_us + 9_000)
            .with("http.request.method", json!("GET"))
            .with("http.response.status_code", json!(if fails { 500 } else { 200 }));
        let lost = Failed { error: "OperationalError", message: "server closed the connection", stack: LOST_STACK };
        let root = self.add_span(parent, if fails { page.failing(Failed { stack: "", ..lost }) } else { page });
        let session_us = 400 + self.random_below(2_000);
        self.add_span(
            root,
            sketch("redis", "GET session", CLIENT, 600, session_us).with("db.system.name", json!("redis")),
        );
        let query = sketch("postgres", "SELECT cart_items", CLIENT, 5_000, query_us)
            .with("db.system.name", json!("postgresql"));
        self.add_span(root, if fails { query.failing(lost) } else { query });
    }

    fn search(&mut self, parent: Parent<'_>) {
        let took_us = 20_000 + self.random_below(180_000);
        let root = self.add_span(parent, sketch("shop", "GET /products", SERVER, 0, took_us + 6_000));
        let query = sketch("search", "POST /products/_search", CLIENT, 2_000, took_us)
            .with("http.response.status_code", json!(200));
        self.add_span(root, query);
    }

    fn nightly_import(&mut self, parent: Parent<'_>) {
        let took_us = 300_000 + self.random_below(900_000);
        let root = self.add_span(parent, sketch("worker", "import orders", INTERNAL, 0, took_us));
        for batch in 0..4 {
            let at_us = took_us * batch / 4 + 3_000;
            self.add_span(
                root,
                sketch("postgres", "INSERT orders", CLIENT, at_us, took_us / 5).with("rows", json!(500)),
            );
        }
    }

    fn export(self) -> Json {
        let resources = self.spans.into_iter().map(|(service, spans)| {
            json!({
                "resource": {"attributes": attributes(&[
                    ("service.name", json!(service)),
                    ("service.version", json!("2.4.1")),
                    ("deployment.environment.name", json!("demo")),
                ])},
                "scopeSpans": [{"scope": {"name": "tracehub.demo"}, "spans": spans}],
            })
        });
        json!({"resourceSpans": resources.collect::<Vec<_>>()})
    }
}

impl SpanSketch {
    fn with(mut self, key: &'static str, value: Json) -> Self {
        self.attributes.push((key, value));
        self
    }

    fn failing(mut self, failed: Failed) -> Self {
        self.failure = Some(failed);
        self
    }
}

fn sketch(service: &'static str, name: &'static str, kind: u8, at_us: u64, took_us: u64) -> SpanSketch {
    SpanSketch { service, name, kind, at_us, took_us, attributes: Vec::new(), failure: None }
}

fn stripe(at_us: u64, took_us: u64) -> SpanSketch {
    sketch("payments", "POST api.stripe.com", CLIENT, at_us, took_us)
        .with("server.address", json!("api.stripe.com"))
        .with("http.request.method", json!("POST"))
}

fn chat(at_us: u64, took_us: u64, (input, output, cost): (u32, u32, f64)) -> SpanSketch {
    sketch("msgflux", "chat gpt-4o-mini", CLIENT, at_us, took_us)
        .with("gen_ai.operation.name", json!("chat"))
        .with("gen_ai.request.model", json!("gpt-4o-mini"))
        .with("gen_ai.usage.input_tokens", json!(input))
        .with("gen_ai.usage.output_tokens", json!(output))
        .with("gen_ai.usage.cost.amount", json!(cost))
}

fn tool(name: &'static str, at_us: u64, took_us: u64) -> SpanSketch {
    let title = if name == "search" { "execute_tool search" } else { "execute_tool answer" };
    sketch("msgflux", title, INTERNAL, at_us, took_us)
        .with("gen_ai.operation.name", json!("execute_tool"))
        .with("gen_ai.tool.name", json!(name))
}

fn exception(failed: Failed, at: u64) -> Json {
    let stack = format!("{}{}: {}", failed.stack, failed.error, failed.message);
    json!({"name": "exception", "timeUnixNano": at.to_string(), "attributes": attributes(&[
        ("exception.type", json!(failed.error)),
        ("exception.message", json!(failed.message)),
        ("exception.stacktrace", json!(stack)),
    ])})
}

/// Key-value pairs as OTLP/JSON writes them.
fn attributes(pairs: &[(&str, Json)]) -> Json {
    let typed = |value: &Json| match value {
        Json::String(text) => json!({"stringValue": text}),
        Json::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        other => json!({"intValue": other.to_string()}),
    };
    pairs.iter().map(|(key, value)| json!({"key": key, "value": typed(value)})).collect()
}

const DECLINED_STACK: &str = "Traceback (most recent call last):
  File \"/app/payments/service.py\", line 52, in charge
    return self.provider.charge_card(order)
  File \"/app/payments/http.py\", line 41, in post
    response.raise_for_status()
  File \"/app/payments/stripe.py\", line 88, in charge_card
    raise HTTPError(response.status, response.code)
";

const TIMEOUT_STACK: &str = "Traceback (most recent call last):
  File \"/app/payments/stripe.py\", line 85, in charge_card
    response = http.post(url, body, timeout=0.28)
  File \"/app/payments/http.py\", line 37, in post
    raise TimeoutError(f\"no answer in {timeout}\")
";

const SEARCH_STACK: &str = "Traceback (most recent call last):
  File \"/app/agents/triage.py\", line 20, in search
    raise ValueError(\"no results\")
";

const LOST_STACK: &str = "Traceback (most recent call last):
  File \"/app/shop/cart.py\", line 31, in load
    rows = connection.execute(query)
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_is_the_same_every_time_and_lies_in_the_last_hour() {
        let now = Nanos(1_795_252_442_117_000_000);
        let bodies = || requests(now).into_iter().map(|request| request.body).collect::<Vec<_>>();
        assert_eq!(bodies(), bodies());
        let document: Json = serde_json::from_slice(&bodies()[0]).expect("json");
        let spans: Vec<&Json> = document["resourceSpans"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|resource| resource["scopeSpans"][0]["spans"].as_array().into_iter().flatten())
            .collect();
        let starts = spans.iter().map(|span| span["startTimeUnixNano"].as_str().and_then(|time| time.parse().ok()));
        let starts: Option<Vec<u64>> = starts.collect();
        assert!(starts.expect("numbers").iter().all(|start| now.since(Nanos(*start)) < 3_601_000_000_000));
        assert_eq!(spans.iter().filter(|span| span["traceId"] == CHECKOUT).count(), 47);
    }
}
