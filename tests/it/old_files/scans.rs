//! Scans of old files, pages of their lists, and what can be asked of their spans.

use super::*;

#[tokio::test]
async fn a_scan_resumes_at_its_cursor_and_yields_every_record_once() {
    let home = Home::new();
    let backend = open(&fixture(&home, "python-0.1.0.db")).await;
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let chunk = backend.scan(&RecordFilter::default(), after.as_ref(), 5, Duration::ZERO).await.expect("scanned");
        assert!(chunk.batch.len() <= 5);
        all.extend(chunk.batch.checkpoints);
        after = Some(chunk.next);
        if chunk.at_end {
            break;
        }
    }
    let suffixes: Vec<&str> = all.iter().map(|checkpoint| checkpoint.suffix.as_str()).collect();
    assert_eq!(suffixes, ["a0", "a1", "a2", "a3", "a4", "a5", "b0", "b1", "c0", "d0", "d1", "e0"]);
    let rest = backend.scan(&RecordFilter::default(), after.as_ref(), 5, Duration::ZERO).await.expect("scanned");
    assert!(rest.batch.is_empty() && rest.at_end);
    let foreign = Cursor("s1.2".to_owned());
    let refused = backend.scan(&RecordFilter::default(), Some(&foreign), 5, Duration::ZERO).await;
    assert!(matches!(refused, Err(Error::BadCursor)));
}

#[tokio::test]
async fn a_scan_keeps_to_its_filter() {
    let home = Home::new();
    let backend = open(&fixture(&home, "python-0.1.0.db")).await;
    let count = async |filter: RecordFilter| {
        backend.scan(&filter, None, 100, Duration::ZERO).await.expect("scanned").batch.len()
    };
    let trace = TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").ok();
    assert_eq!(count(RecordFilter { trace, ..RecordFilter::default() }).await, 2);
    assert_eq!(count(RecordFilter { kind: Some(RecordKind::Spans), ..RecordFilter::default() }).await, 0);
    assert_eq!(count(RecordFilter { kind: Some(RecordKind::Checkpoints), ..RecordFilter::default() }).await, 12);
    let ended_before = Nanos::parse_rfc3339("2026-11-21T09:14:05Z");
    assert_eq!(count(RecordFilter { ended_before, ..RecordFilter::default() }).await, 8);
}

#[tokio::test]
async fn pages_are_the_whole_list_in_parts() {
    let home = Home::new();
    let backend = open(&fixture(&home, "python-0.1.0.db")).await;
    for (sort, reverse) in [(Sort::Start, false), (Sort::Duration, true), (Sort::Errors, false)] {
        let query = TraceQuery { sort, reverse, ..TraceQuery::default() };
        let all = backend.traces(&query).await.expect("listed").items;
        assert_eq!(all.len(), 5);
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let page = backend.traces(&TraceQuery { limit: 2, cursor, ..query.clone() }).await.expect("listed");
            assert_eq!(page.total, Some(5));
            paged.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, all);
    }
}

#[tokio::test]
async fn attributes_and_workflows_of_old_spans_can_be_asked_for() {
    let home = Home::new();
    let backend = open(&fixture(&home, "msgtrace.db")).await;
    let found = async |query: TraceQuery| backend.traces(&query).await.expect("listed").total;
    let attribute = |key: &str, value: &str| TraceQuery {
        attributes: vec![(key.to_owned(), value.to_owned())],
        ..TraceQuery::default()
    };
    assert_eq!(found(attribute("http.status_code", "200")).await, Some(1));
    assert_eq!(found(attribute("service.name", "assistant")).await, Some(2));
    assert_eq!(found(attribute("http.status_code", "404")).await, Some(0));
    assert_eq!(found(TraceQuery { workflow: Some("travel".into()), ..TraceQuery::default() }).await, Some(1));
    assert_eq!(found(TraceQuery { has_errors: Some(true), ..TraceQuery::default() }).await, Some(1));
}
