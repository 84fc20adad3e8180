//! What happens to an issue: changes of its status, and its end.

use super::*;
use crate::support::whole::Whole as _;

pub async fn a_later_event_reopens_a_resolved_issue_and_an_old_one_does_not(fixture: Fixture) {
    write(&fixture, vec![error("HTTPError", PAST)]).await;
    let id = only(&fixture).await.id;
    assert_eq!(set(&fixture, id, IssueStatus::Resolved).await.status, IssueStatus::Resolved);
    write(&fixture, vec![error("HTTPError", PAST + 1), error("HTTPError", PAST - 1)]).await;
    let issue = only(&fixture).await;
    assert_eq!((issue.status, issue.is_regressed, issue.event_count), (IssueStatus::Resolved, false, 3));
    write(&fixture, vec![error("HTTPError", PAST + 2), error("HTTPError", FUTURE)]).await;
    let issue = only(&fixture).await;
    assert_eq!((issue.status, issue.is_regressed, issue.event_count), (IssueStatus::Open, true, 5));
    write(&fixture, vec![error("HTTPError", FUTURE + 1)]).await;
    let history = detail(&fixture, id).await.history;
    let told: Vec<_> = history.iter().map(|change| (change.status, change.by_event)).collect();
    assert_eq!(told, [(IssueStatus::Resolved, false), (IssueStatus::Open, true)], "open is not opened again");
    assert!(history[0].time < history[1].time && history[1].time <= Nanos::now(), "by the store's clock");
    // What was seen in the future already does not keep it from being resolved, nor from coming back.
    assert!(!set(&fixture, id, IssueStatus::Resolved).await.is_regressed);
    assert_eq!(only(&fixture).await.status, IssueStatus::Resolved);
    write(&fixture, vec![error("HTTPError", FUTURE)]).await;
    assert_eq!(only(&fixture).await.status, IssueStatus::Resolved, "it was there before");
    write(&fixture, vec![error("HTTPError", FUTURE - 1)]).await;
    assert!(only(&fixture).await.is_regressed);
}

pub async fn an_ignored_issue_stays_ignored_and_counts(fixture: Fixture) {
    write(&fixture, vec![error("HTTPError", PAST)]).await;
    let id = only(&fixture).await.id;
    set(&fixture, id, IssueStatus::Ignored).await;
    let before = Nanos::now();
    write(&fixture, vec![error("HTTPError", FUTURE)]).await;
    let issue = only(&fixture).await;
    assert_eq!((issue.status, issue.event_count), (IssueStatus::Ignored, 2));
    assert!((before..=Nanos::now()).contains(&issue.last_seen), "it was seen when it was received");
}

pub async fn a_change_is_told_and_kept_and_what_is_so_already_is_none(fixture: Fixture) {
    write(&fixture, vec![in_trace(error("HTTPError", PAST), "req-1")]).await;
    let before = only(&fixture).await;
    let resolve = IssueChange::Status(IssueStatus::Resolved);
    assert_eq!(fixture.backend.set_issue(&IssueId([0; 8]), resolve).await.expect("looked up"), None);
    assert_eq!(set(&fixture, before.id, IssueStatus::Open).await, before);
    let resolved = Issue { status: IssueStatus::Resolved, ..before.clone() };
    for _ in 0..2 {
        assert_eq!(set(&fixture, before.id, IssueStatus::Resolved).await, resolved);
        assert_eq!(only(&fixture).await, resolved);
    }
    assert_eq!(set(&fixture, before.id, IssueStatus::Ignored).await.status, IssueStatus::Ignored);
    assert_eq!(
        set(&fixture, before.id, IssueStatus::Open).await,
        before,
        "a person opened it, so it did not come back"
    );
    let history = detail(&fixture, before.id).await.history;
    let statuses: Vec<IssueStatus> = history.iter().map(|change| change.status).collect();
    assert_eq!(statuses, [IssueStatus::Resolved, IssueStatus::Ignored, IssueStatus::Open]);
    assert!(history.iter().all(|change| !change.by_event));
}

pub async fn issues_outlive_their_records_and_go_with_everything(fixture: Fixture) {
    let logs = ["req-1", "req-2", "req-3"].map(|trace| in_trace(error("HTTPError", PAST), trace));
    write(&fixture, logs.to_vec()).await;
    let named = async || {
        let issue = only(&fixture).await;
        assert_eq!((issue.event_count, issue.trace_count), (3, 3), "what was is not undone");
        issue.sample_trace_ids.iter().map(TraceId::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(named().await, "req-3 req-2 req-1");
    let one = RecordFilter { trace: TraceId::parse("req-2").ok(), ..RecordFilter::default() };
    let removed = Removed { traces: 1, logs: 1, ..Removed::default() };
    assert_eq!(fixture.backend.delete(&one, true).await.expect("counted"), removed);
    assert_eq!(named().await, "req-3 req-2 req-1");
    assert_eq!(fixture.backend.delete(&one, false).await.expect("deleted"), removed);
    assert_eq!(named().await, "req-3 req-1");
    let logs = RecordFilter { kind: Some(RecordKind::Logs), ..RecordFilter::default() };
    fixture.backend.delete(&logs, false).await.expect("deleted");
    assert_eq!(named().await, "");
    // What was deleted is new again.
    write(&fixture, vec![in_trace(error("HTTPError", PAST), "req-1")]).await;
    assert_eq!(only(&fixture).await.event_count, 4);
    let keep = Retention { received_before: Nanos(Nanos::now().0 + 2 * HOUR) };
    while !fixture.backend.prune(&keep, 100).await.expect("pruned").is_empty() {}
    let issue = only(&fixture).await;
    assert_eq!((issue.event_count, issue.sample_trace_ids), (4, Vec::new()));
    write(&fixture, vec![error("KeyError", PAST)]).await;
    let everything = RecordFilter::default();
    let removed = Removed { logs: 1, issues: 2, ..Removed::default() };
    assert_eq!(fixture.backend.delete(&everything, true).await.expect("counted"), removed);
    assert_eq!(all(&fixture).await.len(), 2);
    assert_eq!(fixture.backend.delete(&everything, false).await.expect("deleted"), removed);
    assert_eq!(all(&fixture).await, []);
    assert_eq!(fixture.backend.issue(&issue.id).await.expect("looked up"), None);
}
