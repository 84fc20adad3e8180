//! A store that only lists and shows traces: it implements what every store can do, stubs nothing, and is asked, served
//! and refused like any other.

use async_trait::async_trait;
use tracehub::model::{Cursor, Page, Stats, StatsQuery, Trace, TraceId, TraceQuery, TraceSummary};
use tracehub::query::{self, TraceReport, facets};
use tracehub::server::{self, Addresses, Listeners, Settings, SidePort};
use tracehub::store::{Backend, Error, Facet, Info, Result};

use crate::suite::traces::{trace_id, whole};
use crate::support::Home;

/// Traces in memory, the newest first.
#[derive(Debug)]
struct Memory {
    info: Info,
    traces: Vec<Trace>,
}

impl Memory {
    fn new(count: u8) -> Memory {
        let mut traces: Vec<Trace> = (0..count).map(|trace| whole(trace, u64::from(trace) + 1)).collect();
        traces.sort_by_key(|trace| std::cmp::Reverse((trace.summary.start, trace.summary.trace_id.to_string())));
        let location = "memory".to_owned();
        Memory { info: Info { kind: "a list in memory", location, read_only: true, schema: None }, traces }
    }
}

#[async_trait]
impl Backend for Memory {
    fn info(&self) -> &Info {
        &self.info
    }

    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>> {
        let begin: usize = match &query.cursor {
            Some(Cursor(place)) => place.parse().map_err(|_| Error::BadCursor)?,
            None => 0,
        };
        let prefix = query.id_prefix.as_deref().unwrap_or_default();
        let found: Vec<&Trace> =
            self.traces.iter().filter(|trace| trace.summary.trace_id.to_string().starts_with(prefix)).collect();
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        let items: Vec<TraceSummary> =
            found.iter().skip(begin).take(limit).map(|trace| trace.summary.clone()).collect();
        let end = begin + items.len();
        let next = (end < found.len()).then(|| Cursor(end.to_string()));
        Ok(Page { items, next, total: None, failed: None })
    }

    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        Ok(self.traces.iter().find(|trace| trace.summary.trace_id == *id).cloned())
    }

    async fn stats(&self, _query: &StatsQuery) -> Result<Stats> {
        let spans = self.traces.iter().map(|trace| trace.spans.len() as u64).sum();
        Ok(Stats { traces: self.traces.len() as u64, spans, ..Stats::default() })
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_it_has_is_found_and_shown() {
    let store = Memory::new(5);
    assert_eq!(query::resolve(&store, "latest").await.expect("found"), trace_id(4));
    assert_eq!(query::resolve(&store, "order").await.expect("found"), trace_id(3));
    let trace = store.trace(&trace_id(4)).await.expect("read").expect("there");
    let mut report = TraceReport::new(trace);
    // Where no issues are kept, none are named.
    report.issues = query::trace::issues::TraceIssues::look_up(&store, &report.trace).await.expect("looked up");
    assert_eq!(report.to_json()["span_count"], 5);
    let page = store.traces(&TraceQuery { limit: 2, ..TraceQuery::default() }).await.expect("listed");
    assert_eq!((page.items.len(), page.total), (2, None));
}

#[tokio::test]
async fn what_it_lacks_is_one_error_for_each_facet() {
    let store = Memory::new(1);
    let errors = [
        facets::feed(&store).map(|_| ()),
        facets::sink(&store).map(|_| ()),
        facets::logs(&store).map(|_| ()),
        facets::issues(&store).map(|_| ()),
        facets::keys(&store).map(|_| ()),
        facets::saved_filters(&store).map(|_| ()),
    ];
    let facets: Vec<(Facet, String)> = errors
        .into_iter()
        .map(|answer| match answer {
            Err(Error::Lacks { facet, reason, .. }) => (facet, reason),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(facets.iter().map(|(facet, _)| *facet).collect::<Vec<_>>(), Facet::ALL);
    insta::assert_snapshot!(facets.iter().map(|(_, reason)| format!("{reason}\n")).collect::<String>(), @r#"
    a list in memory cannot be followed, for it has no order of arrival
    a list in memory can only be read
    a list in memory holds no log records
    a list in memory keeps no issues
    a list in memory keeps no keys
    a list in memory keeps no filters
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_over_it_answers_what_it_can_and_names_what_it_cannot() {
    let side = SidePort::Off;
    let addresses = Addresses { host: "127.0.0.1".to_owned(), port: 0, otlp_grpc: side, otlp_http: side };
    let listeners = Listeners::bind(addresses).await.expect("a free port");
    let store = std::sync::Arc::new(Memory::new(5));
    let running = server::serve(listeners, store, Settings::default()).await.expect("a server");
    let url = running.url().to_owned();
    let ask = move || {
        let home = Home::new();
        let mut text = home.run_on_terminal(&["list", "-n", "2", "--url", &url]).to_string();
        for command in [
            &["list", "-q"][..],
            &["show", "order", "--fields", "name,duration_ns", "-o", "tsv"],
            &["stats", "--json", "--fields", "traces,spans,issues"],
            &["status", "--json", "--fields", "database,last_hour"],
            &["issues"],
            &["logs"],
            &["tail"],
            &["keys", "list"],
            &["clear", "--yes"],
        ] {
            text += &format!("$ {}\n{}", command.join(" "), home.run(&[command, &["--url", &url]].concat()));
        }
        text.replace(&url, "URL")
    };
    let text = tokio::task::spawn_blocking(ask).await.expect("no panic");
    insta::assert_snapshot!(text, @r#"
       TRACE       AGE  SERVICE   ROOT                    SPANS ERR    TIME
    ✗  0d0d0d0d  1102d  shop      Step 0 of 4                 5   1     3µs ████████
    ✓  order-3   1102d  shop      Step 0 of 3                 4   ·     2µs ██████▍
    2 traces · URL
    --- exit 0
    $ list -q
    0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d
    order-3
    87878787878787878787878787878787
    44444444444444444444444444444444
    01010101010101010101010101010101
    --- exit 0
    $ show order --fields name,duration_ns -o tsv
    name	duration_ns
    Step 0 of 3	2000
    Step 1 of 3	2000
    Step 2 of 3	2000
    Step 3 of 3	2000
    --- exit 0
    $ stats --json --fields traces,spans,issues
    {
      "traces": 5,
      "spans": 15,
      "issues": 0
    }
    --- exit 0
    $ status --json --fields database,last_hour
    {
      "database": {
        "location": "",
        "size_bytes": 0,
        "retention_hours": null,
        "damaged_rows": null,
        "traces": 5,
        "spans": 15,
        "checkpoints": 0,
        "logs": 0,
        "errors": 0,
        "last_time": null
      },
      "last_hour": null
    }
    --- exit 0
    $ issues
    --- stderr
    error: a list in memory keeps no issues
    hint: keep them in a file beside it with --db 'STORE?meta=FILE', or bring its records into a tracehub database with `tracehub import`
    --- exit 2
    $ logs
    --- stderr
    error: a list in memory holds no log records
    hint: bring its records into a tracehub database with `tracehub import`
    --- exit 2
    $ tail
    --- stderr
    error: a list in memory cannot be followed, for it has no order of arrival
    hint: name a tracehub database or server; they can
    --- exit 2
    $ keys list
    --- stderr
    error: a list in memory keeps no keys
    hint: keep them in a file beside it with --db 'STORE?meta=FILE', or bring its records into a tracehub database with `tracehub import`
    --- exit 2
    $ clear --yes
    --- stderr
    error: a list in memory can only be read
    hint: bring its records into a tracehub database with `tracehub import`
    --- exit 2
    "#);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("{}/api/v1/issues", running.url())).send().await.expect("an answer");
    assert_eq!(answer.status(), 501);
    let body = answer.text().await.expect("a body");
    assert_eq!(body, r#"{"detail":"a list in memory keeps no issues","lacks":"issues"}"#);
    running.stop().await.expect("a clean stop");
}
