//! Files of earlier schemas, made of new ones by taking away what came later.

use super::*;

#[tokio::test]
async fn a_file_of_the_first_schema_is_brought_up_to_date_with_its_content() {
    let place = place();
    let store = open_small(&place.path).await;
    write(&store, spans(1, 20)).await;
    store.seal_now().await.expect("sealed");
    store.close().await.expect("closed");
    let connection = Connection::open(&place.path).expect("opened");
    connection.execute_batch(BACK_TO_SECOND_SCHEMA).expect("as it was");
    connection
        .execute_batch("DROP INDEX traces_received; ALTER TABLE traces DROP COLUMN received_s; PRAGMA user_version=1;")
        .expect("as it was");
    drop(connection);
    let by_receipt =
        TraceQuery { kind: Some(RecordKind::Checkpoints), sort: Sort::Received, limit: 5, ..TraceQuery::default() };
    let reader = Sqlite::open_for_reading(place.path.clone()).await.expect("opened");
    assert_eq!(reader.traces(&by_receipt).await.expect("listed").total, Some(0));
    reader.close().await.expect("closed");
    let store = open_small(&place.path).await;
    assert_eq!(write_checkpoints(&store, vec![checkpoint("req-1", 1)]).await.accepted, 1);
    store.seal_now().await.expect("sealed");
    assert_eq!(store.traces(&by_receipt).await.expect("listed").total, Some(1));
    assert_eq!(all(&*store).await.total, Some(2));
}

const BACK_TO_SECOND_SCHEMA: &str = "
    DROP TABLE trace_recent; DROP TABLE trace_runs; DROP TABLE trace_pieces; DROP INDEX traces_text;
    CREATE UNIQUE INDEX traces_key ON traces(trace_id);
    DROP TABLE issues; DROP TABLE issue_fingerprints; DROP TABLE issue_counts; DROP TABLE issue_traces;
    DROP TABLE issue_stacks; DROP TABLE issue_history; DROP TABLE keys; PRAGMA user_version=2;";

#[tokio::test]
async fn a_file_of_the_second_schema_is_read_as_one_without_issues_and_gets_their_tables_when_it_is_written() {
    let place = place();
    let store = open_small(&place.path).await;
    write(&store, spans(1, 20)).await;
    store.close().await.expect("closed");
    let connection = Connection::open(&place.path).expect("opened");
    connection.execute_batch(BACK_TO_SECOND_SCHEMA).expect("as it was");
    drop(connection);
    let reader = Sqlite::open_for_reading(place.path.clone()).await.expect("opened");
    assert_eq!(reader.list_issues(&IssueQuery::default()).await.expect("listed").total, Some(0));
    assert_eq!(reader.issue(&IssueId([1; 8])).await.expect("looked up"), None);
    assert_eq!(reader.list_keys().await.expect("listed"), []);
    assert_eq!(reader.stats(&StatsQuery::default()).await.expect("counted").issues, 0);
    assert_eq!(reader.delete(&RecordFilter::default(), true).await.expect("counted").spans, 20);
    reader.close().await.expect("closed");
    let store = open_small(&place.path).await;
    assert_eq!(store.list_issues(&IssueQuery::default()).await.expect("listed").total, Some(0));
    assert_eq!(all(&*store).await.total, Some(1));
    store.close().await.expect("closed");
    let connection = Connection::open(&place.path).expect("opened");
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND (name LIKE 'issue%' OR name = 'keys')";
    assert_eq!(connection.query_row(tables, [], |row| row.get::<_, i64>(0)).expect("counted"), 7);
}
