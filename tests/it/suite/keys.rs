//! The contract of [`tracehub::store::Backend`] where it speaks of keys and projects.

use std::sync::Arc;
use std::time::Duration;

use tracehub::model::grouping::PROJECT_ATTRIBUTE;
use tracehub::model::{
    Attributes, Batch, Checkpoint, Direction, Key, KeyScope, LogRecord, Nanos, RateLimit, RecordFilter, Resource,
    Scope, Severity, Span, SpanId, Text, TraceId, TraceQuery,
};
use tracehub::secret::ApiKey;
use tracehub::store::Error;

use super::Fixture;
use crate::support::whole::Whole as _;

fn key(project: &str, created: u64) -> Key {
    ApiKey::issue(project, &[KeyScope::Ingest, KeyScope::Read], Nanos(created)).expect("random numbers").1
}

async fn listed(fixture: &Fixture) -> Vec<Key> {
    fixture.backend.list_keys().await.expect("listed")
}

pub async fn keys_are_listed_as_they_were_issued_oldest_first(fixture: Fixture) {
    assert_eq!(listed(&fixture).await, []);
    let limit = RateLimit::parse("5000,10MB").expect("a rate");
    let (late, early) = (key("späť ✓", 2_000_000_001), Key { limit, ..key("shop", 1_000_000_000) });
    fixture.backend.add_key(late.clone()).await.expect("added");
    fixture.backend.add_key(early.clone()).await.expect("added");
    assert_eq!(listed(&fixture).await, [early, late]);
}

pub async fn a_key_whose_id_or_digest_another_has_is_refused(fixture: Fixture) {
    let first = key("shop", 1);
    fixture.backend.add_key(first.clone()).await.expect("added");
    let again = fixture.backend.add_key(Key { project: Text::from("other"), ..first.clone() }).await;
    assert!(matches!(again, Err(Error::KeyExists)), "{again:?}");
    let mut digest = first.digest;
    digest[31] ^= 1;
    let same_id = fixture.backend.add_key(Key { digest, ..first.clone() }).await;
    assert!(matches!(same_id, Err(Error::KeyExists)), "{same_id:?}");
    assert_eq!(listed(&fixture).await, [first]);
}

pub async fn a_revocation_is_for_good_and_of_one_key_only(fixture: Fixture) {
    let (gone, kept) = (key("shop", 1), key("shop", 2));
    for key in [&gone, &kept] {
        fixture.backend.add_key(key.clone()).await.expect("added");
    }
    let before = Nanos::now();
    let revoked = fixture.backend.revoke_key(&gone.id).await.expect("revoked").expect("there");
    assert!(revoked.revoked.is_some_and(|time| time >= before));
    assert_eq!(revoked, Key { revoked: revoked.revoked, ..gone.clone() });
    assert_eq!(fixture.backend.revoke_key(&gone.id).await.expect("no change"), Some(revoked.clone()));
    for nobody in ["00000000", "", "../keys", "%"] {
        assert_eq!(fixture.backend.revoke_key(nobody).await.expect("no key"), None, "{nobody}");
    }
    assert_eq!(listed(&fixture).await, [revoked, kept]);
}

pub async fn the_latest_use_is_noted_and_never_an_earlier_one(fixture: Fixture) {
    let (used, idle) = (key("shop", 1), key("shop", 2));
    for key in [&used, &idle] {
        fixture.backend.add_key(key.clone()).await.expect("added");
    }
    let nobody = (Text::from("00000000"), Nanos(9));
    fixture.backend.touch_keys(&[(used.id.clone(), Nanos(7_000_000_007)), nobody]).await.expect("noted");
    fixture.backend.touch_keys(&[(used.id.clone(), Nanos(5))]).await.expect("noted");
    fixture.backend.touch_keys(&[]).await.expect("nothing to note");
    assert_eq!(listed(&fixture).await, [Key { last_used: Some(Nanos(7_000_000_007)), ..used }, idle]);
}

fn id(number: u8) -> TraceId {
    TraceId::Otel([number; 16])
}

fn resource(project: &str) -> Arc<Resource> {
    let attributes: Attributes = [("service.name", "shop"), (PROJECT_ATTRIBUTE, project)].into_iter().collect();
    Arc::new(Resource::new(attributes))
}

/// Some time in November 2023.
const THEN: u64 = 1_700_000_000_000_000_000;

fn span(number: u8, project: &str, attributes: Attributes) -> Span {
    Span {
        trace_id: id(number),
        span_id: SpanId([number; 8]),
        parent_span_id: None,
        trace_state: Text::EMPTY,
        flags: 0,
        name: Text::from("work"),
        kind: tracehub::model::Kind::Internal,
        start: Nanos(THEN + 1_000 + u64::from(number)),
        end: Nanos(THEN + 2_000 + u64::from(number)),
        attributes,
        dropped_attributes: 0,
        events: Vec::new(),
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Default::default(),
        resource: resource(project),
        scope: Arc::new(Scope::default()),
    }
}

fn log(number: u8, project: &str) -> LogRecord {
    LogRecord {
        time: Nanos(THEN + 1_500 + u64::from(number)),
        severity: Severity::Info,
        message: Text::from("hello"),
        trace_id: Some(id(number)),
        span_id: None,
        attributes: Attributes::EMPTY,
        resource: resource(project),
        scope: Arc::new(Scope::default()),
        request: 0,
    }
}

fn checkpoint(number: u8, project: &str) -> Checkpoint {
    Checkpoint {
        source_id: Text::from("MA"),
        correlation_id: Text::from(id(number).to_string()),
        trace_id: id(number),
        timestamp_ms: f64::from(number),
        suffix: Text::EMPTY,
        direction: Direction::Enter,
        operation: Text::from("REST"),
        endpoint: Text::from("/"),
        data: None,
        hostname: Text::from("h"),
        raw_line: None,
        project: Text::from(project),
    }
}

pub async fn checkpoints_keep_their_project(fixture: Fixture) {
    // In writes of their own, so that some are sealed already where that happens early.
    let all: Vec<Checkpoint> =
        (1..30).map(|number| checkpoint(number, ["shop", "", "ünï ✓"][number as usize % 3])).collect();
    for one in &all {
        let batch = Batch { checkpoints: vec![one.clone()], ..Batch::default() };
        assert_eq!(fixture.backend.write(batch).await.expect("written").accepted, 1);
    }
    for one in &all {
        let trace = fixture.backend.trace(&one.trace_id).await.expect("read").expect("stored");
        assert_eq!(trace.checkpoints, std::slice::from_ref(one));
    }
    let (mut scanned, mut after) = (Vec::new(), None);
    while scanned.len() < all.len() {
        let filter = RecordFilter::default();
        let chunk = fixture.backend.scan(&filter, after.as_ref(), 100, Duration::ZERO).await.expect("scanned");
        assert!(!chunk.batch.is_empty(), "the end too soon");
        scanned.extend(chunk.batch.checkpoints);
        after = Some(chunk.next);
    }
    assert_eq!(scanned, all);
    // Sent again with another key it is the same record.
    let again = Batch { checkpoints: vec![checkpoint(1, "bank")], ..Batch::default() };
    assert_eq!(fixture.backend.write(again).await.expect("written").duplicates, 1);
    let trace = fixture.backend.trace(&id(1)).await.expect("read").expect("stored");
    assert_eq!(trace.checkpoints, all[..1]);
}

pub async fn traces_are_listed_by_the_project_of_their_records(fixture: Fixture) {
    // The fourth says of itself what only its resource may say.
    let forged: Attributes = [(PROJECT_ATTRIBUTE, "shop")].into_iter().collect();
    let none = Attributes::EMPTY;
    let spans = vec![span(1, "shop", none.clone()), span(2, "bank", none.clone()), span(4, "bank", forged)];
    fixture.backend.write(Batch::of_spans(spans)).await.expect("written");
    for number in 10..30 {
        let spans = vec![span(number, "else", none.clone())];
        fixture.backend.write(Batch::of_spans(spans)).await.expect("written");
    }
    let logs = vec![log(2, "shop"), log(3, "shop"), LogRecord { trace_id: None, ..log(5, "shop") }];
    let checkpoints = vec![checkpoint(6, "shop"), checkpoint(4, ""), checkpoint(7, "bank"), checkpoint(8, "")];
    fixture.backend.write(Batch { logs, checkpoints, ..Batch::default() }).await.expect("written");
    for (project, expected) in [("shop", vec![6, 3, 2, 1]), ("bank", vec![7, 4, 2]), ("nobody", vec![]), ("", vec![])] {
        let query = TraceQuery { project: Some(project.to_owned()), limit: 50, ..TraceQuery::default() };
        let page = fixture.backend.traces(&query).await.expect("listed");
        let mut found: Vec<TraceId> = page.items.iter().map(|trace| trace.trace_id.clone()).collect();
        found.sort();
        let mut expected: Vec<TraceId> = expected.into_iter().map(id).collect();
        expected.sort();
        assert_eq!((found, page.total), (expected.clone(), Some(expected.len() as u64)), "{project}");
    }
}
