//! Whole traces: a shop's checkout, a run of an AI agent, requests that left nothing but checkpoints or log lines.

use super::{MS, START, service, span};
use crate::model::{
    Attributes, Checkpoint, Direction, Event, IssueStatus, Kind, LogRecord, Nanos, Severity, Span, SpanId, Status,
    StatusCode, Text, Trace, TraceId, Value,
};
use crate::query::TraceReport;
use crate::query::trace::issues::{KnownIssue, TraceIssues};

fn trace_id() -> TraceId {
    TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").expect("hex")
}

/// A span from and to milliseconds after [`START`].
pub(crate) fn timed(name: &str, of: &str, ids: (u64, u64), from_ms: f64, to_ms: f64) -> Span {
    let at = |ms: f64| START + (ms * MS as f64) as u64;
    Span {
        trace_id: trace_id(),
        resource: service(of),
        ..span(name, 0x387b_bc33_bd6a_0000 + ids.0, 0, at(from_ms), at(to_ms))
    }
    .below(ids.1)
}

trait Shape {
    fn below(self, parent: u64) -> Self;
    fn failed(self) -> Self;
    fn raised(self, kind: &str, message: &str, stack: &str) -> Self;
    fn with(self, attributes: Vec<(&str, Value)>) -> Self;
}

impl Shape for Span {
    fn below(mut self, parent: u64) -> Span {
        self.parent_span_id = (parent > 0).then(|| SpanId((0x387b_bc33_bd6a_0000 + parent).to_be_bytes()));
        self
    }

    fn failed(mut self) -> Span {
        self.status = Status { code: StatusCode::Error, message: Text::EMPTY };
        self
    }

    fn raised(mut self, kind: &str, message: &str, stack: &str) -> Span {
        let name = Text::from_static("exception");
        self.events.push(Event {
            time: self.end,
            name,
            attributes: exception(kind, message, stack),
            dropped_attributes: 0,
        });
        self.failed()
    }

    fn with(mut self, attributes: Vec<(&str, Value)>) -> Span {
        self.attributes = Attributes(attributes.into_iter().map(|(key, value)| (Text::from(key), value)).collect());
        self
    }
}

fn exception(kind: &str, message: &str, stack: &str) -> Attributes {
    let attributes = [("exception.type", kind), ("exception.message", message), ("exception.stacktrace", stack)];
    attributes.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

pub(super) const STACK: &str = r#"Traceback (most recent call last):
  File "/srv/app/main.py", line 12, in handle
    return charge(cart)
  File "/srv/app/.venv/lib/python3.12/site-packages/requests/api.py", line 115, in post
    return request("post", url)
  File "/srv/app/payments/http.py", line 41, in post
    response.raise_for_status()
  File "/srv/app/payments/stripe.py", line 88, in charge_card
    raise HTTPError(response)
payments.errors.HTTPError: 402 card_declined
"#;

/// The checkout of the mock-ups: 47 spans, a failed payment, a query asked 37 times.
pub(crate) fn checkout() -> TraceReport {
    let client = |mut span: Span| {
        span.kind = Kind::Client;
        span
    };
    let post = |number, from, to| client(timed("POST api.stripe.com", "payments", (number, 7), from, to));
    let mut spans = vec![
        timed("POST /checkout", "shop", (1, 0), 0.0, 1240.0).failed(),
        timed("auth.verify", "shop", (2, 1), 4.0, 31.0),
        client(timed("GET session", "redis", (3, 2), 8.0, 14.0)),
        timed("load_cart", "cart", (4, 1), 35.0, 612.0),
        timed("price.calculate", "cart", (6, 4), 592.0, 610.0),
        timed("charge", "payments", (7, 1), 620.0, 1218.0).failed(),
        post(8, 625.0, 905.0).raised("TimeoutError", "no answer in 280ms", ""),
        timed("backoff", "payments", (9, 7), 905.0, 955.0),
        post(10, 955.0, 1215.0).raised("HTTPError", "402 card_declined", STACK),
        timed("order.failed publish", "kafka", (11, 1), 1220.0, 1236.0),
    ];
    for n in 0..37 {
        let (from, takes) = (40.0 + n as f64 * 12.55, if n == 20 { 96.0 } else { 11.0 });
        let from = if n > 20 { from + 85.0 } else { from };
        let select = timed("SELECT cart_items", "postgres", (100 + n, 4), from, from + takes);
        spans.push(client(select).with(vec![("db.system.name", "postgresql".into())]));
    }
    let logs = vec![
        log(&spans[3], 17.0, Severity::Warn, "slow pricing rule \"bulk-3\" (17ms)"),
        log(&spans[7], 10.0, Severity::Warn, "retrying charge (2/2)"),
        log(&spans[1], 1.0, Severity::Info, "session ok"),
    ];
    TraceReport::new(Trace::new(trace_id(), spans, Vec::new(), logs).expect("spans"))
}

fn log(span: &Span, after_ms: f64, severity: Severity, message: &str) -> LogRecord {
    LogRecord {
        time: Nanos(span.start.0 + (after_ms * MS as f64) as u64),
        severity,
        message: Text::from(message),
        trace_id: Some(trace_id()),
        span_id: Some(span.span_id),
        resource: span.resource.clone(),
        ..LogRecord::default()
    }
}

/// The checkout with what its services logged: an exception some span recorded too, one nobody else tells of, a line
/// that belongs to no span; and the issues a store knows.
pub(crate) fn logged_checkout() -> TraceReport {
    let mut trace = checkout().trace;
    let post = trace
        .spans
        .iter()
        .find(|span| span.status.code == StatusCode::Error && span.name != "charge" && span.span_id.0[7] == 10);
    let post = post.expect("the payment that failed").clone();
    let failed = log(&post, 259.0, Severity::Error, "charge failed: 402 card_declined");
    trace.logs.push(LogRecord { attributes: exception("HTTPError", "402 card_declined", STACK), ..failed });
    // This span says what went wrong, and only the record says where.
    let find = |span: &&mut Span| span.name == "order.failed publish";
    let publish = trace.spans.iter_mut().find(find).expect("it");
    publish.status = Status { code: StatusCode::Error, message: Text::from("BrokenPipeError: [Errno 32] Broken pipe") };
    let publish = publish.clone();
    let unsent = log(&publish, 3.0, Severity::Error, "could not tell the warehouse");
    trace.logs.push(LogRecord { attributes: exception("BrokenPipeError", "[Errno 32] Broken pipe", STACK), ..unsent });
    trace.logs.push(LogRecord { span_id: None, ..log(&publish, 21.0, Severity::Warn, "order 77 kept for later") });
    let id = trace.summary.trace_id.clone();
    let mut report = TraceReport::new(Trace::new(id, trace.spans, Vec::new(), trace.logs).expect("spans"));
    report.issues = TraceIssues::knowing(&report.trace, |id| {
        // Which issue it is does not matter, as long as there are several.
        let mut known = super::issues().page.items.swap_remove(if id.0[0] % 2 == 0 { 0 } else { 2 });
        known.status = if known.is_regressed { IssueStatus::Ignored } else { IssueStatus::Open };
        Some(KnownIssue { short_id: known.id.to_string().chars().take(4).collect(), issue: known })
    });
    report
}

/// A trace of log records alone, of two services.
pub(crate) fn only_logs() -> TraceReport {
    let of = |service_name: &str, after_ms: u64, severity, message: &str| LogRecord {
        time: Nanos(START + after_ms * MS),
        severity,
        message: Text::from(message),
        trace_id: Some(trace_id()),
        resource: service(service_name),
        attributes: [("attempt", 2)].into_iter().collect(),
        ..LogRecord::default()
    };
    let failed = of("payments", 1_214, Severity::Error, "charge failed\nfor order 77\nof u-42");
    let logs = vec![
        of("shop", 0, Severity::Info, "POST /checkout"),
        of("shop", 14, Severity::Debug, "session ok user=u-42"),
        of("payments", 625, Severity::Warn, "retrying charge attempt=2/2"),
        LogRecord { attributes: exception("HTTPError", "402 card_declined", STACK), ..failed },
        of("shop", 1_240, Severity::Fatal, "order 77 failed"),
    ];
    TraceReport::new(Trace::new(trace_id(), Vec::new(), Vec::new(), logs).expect("logs"))
}

/// The agent run of the mock-ups.
pub(crate) fn agent() -> TraceReport {
    let chat = |ids, from, to, tokens: (i64, i64), cost: f64| {
        timed("chat gpt-4o-mini", "msgflux", ids, from, to).with(vec![
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.request.model", "gpt-4o-mini".into()),
            ("gen_ai.usage.input_tokens", tokens.0.into()),
            ("gen_ai.usage.output_tokens", tokens.1.into()),
            ("gen_ai.usage.cost.amount", cost.into()),
        ])
    };
    let spans = vec![
        timed("support_flow", "msgflux", (1, 0), 0.0, 8410.0).with(vec![("workflow.name", "support_flow".into())]),
        timed("triage", "msgflux", (2, 1), 20.0, 8370.0).with(vec![("gen_ai.operation.name", "invoke_agent".into())]),
        chat((3, 2), 30.0, 2130.0, (812, 64), 0.0016),
        timed("tool search", "msgflux", (4, 2), 2135.0, 2631.0).raised("ValueError", "no results", ""),
        chat((5, 2), 2640.0, 7840.0, (7_300, 348), 0.0045),
        timed("tool answer", "msgflux", (6, 2), 7950.0, 8360.0),
    ];
    TraceReport::new(Trace::new(trace_id(), spans, Vec::new(), Vec::new()).expect("spans"))
}

/// A checkpoint so many milliseconds after [`START`]; the first word of the name is the kind of operation.
pub(crate) fn checkpoint(source: &str, direction: &str, name: &str, after_ms: f64) -> Checkpoint {
    let (operation, endpoint) = name.split_once(' ').expect("two words");
    Checkpoint {
        source_id: Text::from(source),
        correlation_id: Text::from("cli-12345-abc"),
        trace_id: TraceId::Text(Text::from_static("cli-12345-abc")),
        timestamp_ms: (START / MS) as f64 + after_ms,
        suffix: Text::EMPTY,
        direction: Direction::parse(direction),
        operation: Text::from(operation),
        endpoint: Text::from(endpoint),
        data: None,
        hostname: Text::from("host-1"),
        raw_line: None,
        project: Text::EMPTY,
    }
}

/// Checkpoints of one trace; each line is time, source, direction, name and perhaps a payload behind two spaces.
fn checkpoints(lines: &[&str]) -> Vec<Checkpoint> {
    let read = |line: &&str| {
        let (line, data) = line.split_once("  ").map_or((*line, None), |(line, data)| (line, Some(data)));
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().expect("four words");
        let (after_ms, source, direction) = (word().parse().expect("a number"), word(), word());
        Checkpoint { data: data.map(Text::from), ..checkpoint(source, direction, word(), after_ms) }
    };
    lines.iter().map(read).collect()
}

fn of_checkpoints(checkpoints: Vec<Checkpoint>, logs: Vec<LogRecord>) -> TraceReport {
    let id = TraceId::Text(Text::from_static("cli-12345-abc"));
    TraceReport::new(Trace::new(id, Vec::new(), checkpoints, logs).expect("checkpoints"))
}

/// A request through two components, all of it done.
pub(crate) fn done() -> TraceReport {
    of_checkpoints(
        checkpoints(&[
            "0 MA -> REST GET /orders/7",
            "8 MA -> DB select_order",
            "31 MA <- DB select_order",
            "40 MA -> RPC price.quote",
            "62 WK -> RPC price.quote",
            "70 WK -> CACHE get_rate",
            "74 WK <- CACHE get_rate",
            "75 WK -> CACHE get_rate",
            "79 WK <- CACHE get_rate",
            "80 WK -> CACHE get_rate",
            "85 WK <- CACHE get_rate",
            "330 WK <- RPC price.quote",
            "350 MA <- RPC price.quote",
            "412 MA <- REST GET /orders/7",
        ]),
        Vec::new(),
    )
}

/// A request that hangs in its second component, with an exit nobody entered and a note.
pub(crate) fn stuck() -> TraceReport {
    let log = LogRecord {
        time: Nanos(START + 95 * MS),
        severity: Severity::Warn,
        message: Text::from("lock held by import-6"),
        resource: service("WK"),
        ..LogRecord::default()
    };
    of_checkpoints(
        checkpoints(&[
            "0 MA <- REST GET /health",
            "2 MA -> REST POST /import  {\"user_id\":42,\"file\":\"orders.csv\"}",
            "6 MA -> DB select_user  {\"user_id\":42}",
            "21 MA <- DB select_user  {\"rows\":1}",
            "30 WK -> JOB import",
            "42 WK -> DB begin",
            "60 WK <- DB begin",
            "75 WK => DB retry  {\"attempt\":2}",
            "90 WK -> DB lock_table  {\"table\":\"orders\"}",
            "120 MA -> REST notify",
            "160 MA <- REST notify",
        ]),
        vec![log],
    )
}

/// The checkout of the mock-ups with what a component without spans noted under the same id.
pub(crate) fn joined() -> TraceReport {
    let trace = checkout().trace;
    let checkpoints = checkpoints(&[
        "640 FR -> RULES check  {\"score\":0.2}",
        "655 FR -> DB blocklist",
        "690 FR <- DB blocklist",
        "720 FR <- RULES check  {\"verdict\":\"ok\"}",
        "1205 FR -> QUEUE report",
    ]);
    let id = trace.summary.trace_id.clone();
    TraceReport::new(Trace::new(id, trace.spans, checkpoints, trace.logs).expect("records"))
}
