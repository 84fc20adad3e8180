//! What the tests of the views draw: a shop's checkout, a run of an AI agent, a list, statistics.

use jiff::tz::TimeZone;

use super::style::Style;
use crate::{
    model::{
        Attributes, Checkpoint, Cost, DatabaseInfo, Direction, Event, Fingerprint, HourCount, Issue, IssueDetail,
        IssueId, IssueStatus, Kind, LogRecord, Nanos, OperationStats, Page, Severity, Span, SpanId, Stats, Status,
        StatusChange, StatusCode, Text, Timeline, Tokens, Trace, TraceId, TraceStatus, TraceSummary, Value,
        ask::Operation, grouping::Why,
    },
    query::{
        TraceReport,
        issues::{IssueList, IssueReport, SampleTrace},
        show::sample::{service, span, trace},
        trace_issues::{KnownIssue, TraceIssues},
    },
};

/// 2026-11-21 09:14:02.117 UTC.
pub(super) const START: u64 = 1_795_252_442_117_000_000;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// A terminal of so many columns, no colours, twelve seconds after the sample trace began.
pub(super) fn style(width: usize) -> Style {
    Style {
        width,
        color: false,
        ascii: false,
        is_terminal: true,
        times: None,
        now: Nanos(START + 12 * SECOND),
        zone: TimeZone::UTC,
    }
}

fn trace_id() -> TraceId {
    TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").expect("hex")
}

/// A span from and to milliseconds after [`START`].
pub(super) fn timed(name: &str, of: &str, ids: (u64, u64), from_ms: f64, to_ms: f64) -> Span {
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
        let attributes = [("exception.type", kind), ("exception.message", message), ("exception.stacktrace", stack)];
        self.events.push(Event {
            time: self.end,
            name: Text::from("exception"),
            attributes: attributes.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            dropped_attributes: 0,
        });
        self.failed()
    }

    fn with(mut self, attributes: Vec<(&str, Value)>) -> Span {
        self.attributes = Attributes(attributes.into_iter().map(|(key, value)| (Text::from(key), value)).collect());
        self
    }
}

const STACK: &str = r#"Traceback (most recent call last):
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
pub(super) fn checkout() -> TraceReport {
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
pub(super) fn logged_checkout() -> TraceReport {
    let mut trace = checkout().trace;
    let raised = |kind: &str, message: &str, stack: &str| -> Attributes {
        [("exception.type", kind), ("exception.message", message), ("exception.stacktrace", stack)]
            .into_iter()
            .collect()
    };
    let post = trace
        .spans
        .iter()
        .find(|span| span.status.code == StatusCode::Error && span.name != "charge" && span.span_id.0[7] == 10);
    let post = post.expect("the payment that failed").clone();
    let failed = log(&post, 259.0, Severity::Error, "charge failed: 402 card_declined");
    trace.logs.push(LogRecord { attributes: raised("HTTPError", "402 card_declined", STACK), ..failed });
    // This span says what went wrong, and only the record says where.
    let find = |span: &&mut Span| span.name == "order.failed publish";
    let publish = trace.spans.iter_mut().find(find).expect("it");
    publish.status = Status { code: StatusCode::Error, message: Text::from("BrokenPipeError: [Errno 32] Broken pipe") };
    let publish = publish.clone();
    let unsent = log(&publish, 3.0, Severity::Error, "could not tell the warehouse");
    trace.logs.push(LogRecord { attributes: raised("BrokenPipeError", "[Errno 32] Broken pipe", STACK), ..unsent });
    trace.logs.push(LogRecord { span_id: None, ..log(&publish, 21.0, Severity::Warn, "order 77 kept for later") });
    let id = trace.summary.trace_id.clone();
    let mut report = TraceReport::new(Trace::new(id, trace.spans, Vec::new(), trace.logs).expect("spans"));
    report.issues = TraceIssues::knowing(&report.trace, |id| {
        // Whatever they are called: those of exceptions with a stack are told apart from the others.
        let mut known = issues().page.items.swap_remove(if id.0[0] % 2 == 0 { 0 } else { 2 });
        known.status = if known.is_regressed { IssueStatus::Ignored } else { IssueStatus::Open };
        Some(KnownIssue { short_id: known.id.to_string().chars().take(4).collect(), issue: known })
    });
    report
}

/// A trace of log records alone, of two services.
pub(super) fn only_logs() -> TraceReport {
    let of = |service_name: &str, after_ms: u64, severity, message: &str| LogRecord {
        time: Nanos(START + after_ms * MS),
        severity,
        message: Text::from(message),
        trace_id: Some(trace_id()),
        resource: service(service_name),
        attributes: [("attempt", 2)].into_iter().collect(),
        ..LogRecord::default()
    };
    let raised =
        [("exception.type", "HTTPError"), ("exception.message", "402 card_declined"), ("exception.stacktrace", STACK)];
    let failed = of("payments", 1_214, Severity::Error, "charge failed\nfor order 77\nof u-42");
    let logs = vec![
        of("shop", 0, Severity::Info, "POST /checkout"),
        of("shop", 14, Severity::Debug, "session ok user=u-42"),
        of("payments", 625, Severity::Warn, "retrying charge attempt=2/2"),
        LogRecord { attributes: raised.into_iter().collect(), ..failed },
        of("shop", 1_240, Severity::Fatal, "order 77 failed"),
    ];
    TraceReport::new(Trace::new(trace_id(), Vec::new(), Vec::new(), logs).expect("logs"))
}

/// The agent run of the mock-ups.
pub(super) fn agent() -> TraceReport {
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
pub(super) fn checkpoint(source: &str, direction: &str, name: &str, after_ms: f64) -> Checkpoint {
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
pub(super) fn done() -> TraceReport {
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
pub(super) fn stuck() -> TraceReport {
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
pub(super) fn joined() -> TraceReport {
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

fn summary(id: &str, age_ms: u64, service: &str, name: &str, duration_ms: f64, spans: u64) -> TraceSummary {
    let start = START + 12 * SECOND - age_ms * MS;
    let base = trace(vec![span(name, 1, 0, 1, 2)]).summary;
    TraceSummary {
        trace_id: TraceId::parse(id).expect("id"),
        service: Text::from(service),
        services: vec![Text::from(service)],
        start: Nanos(start),
        end: Nanos(start + (duration_ms * MS as f64) as u64),
        span_count: spans,
        ..base
    }
}

/// The list of the mock-ups.
pub(super) fn list() -> Page<TraceSummary> {
    let services = |names: &[&str]| names.iter().map(|name| Text::from(*name)).collect::<Vec<_>>();
    let mut items = vec![
        TraceSummary {
            status: TraceStatus::Error,
            error_count: 2,
            log_count: 5,
            services: services(&["cart", "kafka", "payments", "postgres", "redis", "shop"]),
            ..summary("4bf92f3577b34da6a3ce929d0e0e4736", 12_000, "shop", "POST /checkout", 1240.0, 47)
        },
        TraceSummary {
            log_count: 2,
            tokens: Some(Tokens { input: 8_100, output: 412 }),
            cost: Some(Cost { amount: 0.0061, currency: "USD".to_owned() }),
            ..summary("9c1e07a2000000000000000000000001", 39_215, "msgflux", "support_flow", 8410.0, 23)
        },
        summary("e40d1b77000000000000000000000002", 64_113, "shop", "GET /cart", 38.2, 6),
        TraceSummary {
            status: TraceStatus::Open,
            error_count: 0,
            log_count: 40,
            services: services(&["mailer", "worker"]),
            complete: false,
            ..summary("77aa02c9000000000000000000000003", 112_000, "worker", "nightly-import", 90_000.0, 1_812)
        },
        TraceSummary {
            services: services(&["MA", "WK"]),
            checkpoint_count: 12,
            ..summary("cli-12345-abc", 191_867, "MA", "cli-12345-abc", 412.0, 0)
        },
    ];
    for number in 0..14 {
        let id = format!("c2b9a6d0{:024x}", number + 1);
        items.push(summary(&id, 333_004 + number * 10, "msgflux", "Search", 3.8 - number as f64 / 10.0, 1));
    }
    Page { items, next: None, total: Some(1_284), failed: Some(31) }
}

/// The statistics of the mock-ups.
pub(super) fn stats() -> Stats {
    let row = |service: &str, name: &str, counts: (u64, u64), times_ms: [f64; 6], histogram: [u64; 12]| {
        let [p50_ns, p95_ns, p99_ns, max_ns, total_ns, self_ns] = times_ms.map(|ms| (ms * MS as f64) as u64);
        OperationStats {
            operation: Operation { service: Some(Text::from(service)), name: Some(Text::from(name)) },
            calls: counts.0,
            errors: counts.1,
            p50_ns,
            p95_ns,
            p99_ns,
            max_ns,
            total_ns,
            self_ns,
            histogram: histogram.into(),
            records: counts.0,
            open: 0,
        }
    };
    let mut operations = vec![
        row(
            "payments",
            "POST api.stripe.com",
            (612, 29),
            [262., 281., 1020., 2100., 161e3, 161e3],
            [0, 0, 0, 0, 0, 0, 4, 300, 400, 90, 40, 4],
        ),
        row(
            "postgres",
            "SELECT cart_items",
            (11_470, 0),
            [10.8, 31.2, 96., 412., 124e3, 124e3],
            [200, 900, 5000, 7000, 2000, 300, 200, 90, 3, 0, 0, 0],
        ),
        row(
            "shop",
            "POST /checkout",
            (598, 19),
            [1180., 1610., 2900., 5010., 707e3, 12e3],
            [0, 0, 0, 0, 0, 0, 0, 0, 60, 400, 120, 3],
        ),
        row(
            "redis",
            "GET session",
            (1_284, 0),
            [0.6, 2.1, 6., 11., 1.2e3, 1.2e3],
            [1000, 600, 80, 20, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
    ];
    for number in 0..48 {
        operations.push(row(
            "cart",
            &format!("step {}", number + 1),
            (48 - number, 0),
            [1., 2., 3., 4., 90., 80.],
            [0; 12],
        ));
    }
    Stats {
        traces: 1_284,
        failed: 31,
        spans: 38_112,
        checkpoints: 0,
        logs: 4_410,
        issues: 0,
        errors: 48,
        services: 6,
        first: Some(Nanos(START - 3_600 * SECOND)),
        last: Some(Nanos(START)),
        database: DatabaseInfo {
            location: "/home/ada/.local/share/tracehub/tracehub.db".to_owned(),
            size_bytes: 88_290_099,
            retention_seconds: Some(86_400),
        },
        timeline: Some(Timeline {
            start: Nanos(START - 3_600 * SECOND),
            step_ns: 150 * SECOND,
            traces: vec![5, 6, 20, 30, 32, 35, 60, 90, 102, 85, 70, 34, 33, 20, 18, 5, 6, 7, 20, 33, 41, 60, 33, 18],
            errors: vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 18, 23, 4, 0, 0, 0, 0, 0, 0, 0, 0],
        }),
        operations,
    }
}

/// An issue: its id, its age and when it was seen last, in seconds ago, and events by hours ago.
fn one_issue(id: &str, title: &str, culprit: &str, ages_seconds: (u64, u64), hours: &[(u64, u64)]) -> Issue {
    let now = START + 12 * SECOND;
    let hour = 3_600 * SECOND;
    let at =
        |(hours_ago, count): &(u64, u64)| HourCount { hour: Nanos((now / hour - hours_ago) * hour), count: *count };
    let (error_type, message) = title.split_once(": ").expect("type and message");
    Issue {
        id: IssueId::parse(id).expect("hex"),
        project: Text::EMPTY,
        service: Text::from("payments"),
        status: IssueStatus::Open,
        is_regressed: false,
        title: Text::from(title),
        error_type: Some(Text::from(error_type)),
        message: Text::from(message),
        culprit: Some(Text::from(culprit)),
        environments: vec![Text::from("production"), Text::from("staging")],
        first_seen: Nanos(now - ages_seconds.0 * SECOND),
        last_seen: Nanos(now - ages_seconds.1 * SECOND),
        event_count: hours.iter().map(|(_, count)| count).sum(),
        trace_count: hours.iter().map(|(_, count)| count).sum(),
        fingerprint: Fingerprint([0xab; 32]),
        sample_trace_ids: Vec::new(),
        counts: hours.iter().rev().map(at).collect(),
    }
}

const DAY: u64 = 86_400;

/// The issues of the mock-ups.
pub(super) fn issues() -> IssueList {
    let declined = [(60, 14), (23, 10), (20, 10), (16, 40), (12, 10), (9, 12), (6, 78), (3, 118), (0, 120)];
    let mut items = vec![
        Issue {
            trace_count: 398,
            ..one_issue(
                "7f3a9c01d2e4b5f6",
                "HTTPError: 402 card_declined",
                "payments/stripe.py:88 charge_card",
                (3 * DAY, 12),
                &declined,
            )
        },
        one_issue(
            "c01d000000000001",
            "TimeoutError: no answer in <int>ms",
            "payments/http.py:41 post",
            (7_200, 240),
            &[(3, 6), (0, 23)],
        ),
        Issue {
            is_regressed: true,
            ..one_issue(
                "e9b2000000000002",
                "ValueError: no results",
                "triage.py:20 search",
                (9 * DAY, 3_600),
                &[(23, 1), (19, 2), (4, 1), (1, 2)],
            )
        },
    ];
    let message = Text::from("no answer in 280ms");
    items.iter_mut().skip(1).take(1).for_each(|issue| issue.message = message.clone());
    let short_ids = items.iter().map(|issue| issue.id.to_string().chars().take(4).collect()).collect();
    IssueList {
        page: Page { items, next: None, total: Some(3), failed: Some(3) },
        short_ids,
        hidden: vec![(IssueStatus::Resolved, 2)],
    }
}

/// The same with those that are done with, of several services.
pub(super) fn all_issues() -> IssueList {
    let mut list = issues();
    let done = [
        ("0a11000000000003", "KeyError: <str>", "cart/rules.py:7 apply", IssueStatus::Resolved),
        ("0a12000000000004", "ClientDisconnect: ", "", IssueStatus::Ignored),
    ];
    for (id, title, culprit, status) in done {
        let issue = one_issue(id, title, culprit, (40 * DAY, 2 * DAY), &[(50, 1_234_567)]);
        list.page.items.push(Issue { status, service: Text::from("cart"), ..issue });
        list.short_ids.push(id[..4].to_owned());
    }
    list.page.total = Some(5);
    list.hidden.clear();
    list
}

/// The first of the issues with all that is known of it; the second of its traces is gone.
pub(super) fn issue() -> IssueReport {
    let issue = issues().page.items.swap_remove(0);
    let change = |days_ago: u64, status, by_event| StatusChange {
        time: Nanos(START - days_ago * DAY * SECOND),
        status,
        by_event,
    };
    let libraries =
        "  File \"/srv/app/.venv/lib/python3.12/site-packages/starlette/routing.py\", line 73, in app\n    \
        await response(scope)\n"
            .repeat(4);
    let found = checkout().trace.summary;
    let gone = TraceId::parse("0d5f8e11000000000000000000000009").expect("hex");
    IssueReport {
        detail: IssueDetail {
            why: Why {
                algorithm: 1,
                error_type: Text::from("HTTPError"),
                text: Text::from("<int> card_declined"),
                frames: vec![Text::from("payments/stripe.py charge_card"), Text::from("payments/http.py post")],
                causes: vec![Text::from("TimeoutError payments/http.py post")],
                custom: Vec::new(),
            },
            fingerprints: vec![Fingerprint([0xab; 32]), Fingerprint([0xcd; 32])],
            history: vec![
                change(3, IssueStatus::Open, true),
                change(2, IssueStatus::Resolved, false),
                change(1, IssueStatus::Open, true),
            ],
            stack_trace: Some(Text::from(STACK.replacen("last):\n", &format!("last):\n{libraries}"), 1))),
            issue,
        },
        short_id: "7f3a".to_owned(),
        samples: vec![
            SampleTrace { id: found.trace_id.clone(), summary: Some(found) },
            SampleTrace { id: gone, summary: None },
        ],
    }
}
