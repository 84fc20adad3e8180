//! Lists, statistics and issues, as stores answer with them.

use super::traces::{STACK, checkout};
use super::{MS, SECOND, START, span, trace};
use crate::model::grouping::Why;
use crate::model::{
    Cost, DatabaseInfo, Fingerprint, HourCount, Issue, IssueDetail, IssueId, IssueStatus, Nanos, Operation,
    OperationStats, Page, Stats, StatusChange, Text, Timeline, Tokens, TraceId, TraceStatus, TraceSummary,
};
use crate::query::issues::{IssueList, IssueReport, SampleTrace};

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
pub(crate) fn list() -> Page<TraceSummary> {
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
pub(crate) fn stats() -> Stats {
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
            damaged_rows: Some(0),
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
pub(crate) fn issues() -> IssueList {
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

/// The issues of the mock-ups and others that are done with, of several services.
pub(crate) fn all_issues() -> IssueList {
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
pub(crate) fn issue() -> IssueReport {
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
