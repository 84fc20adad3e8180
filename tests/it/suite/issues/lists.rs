//! Lists of issues, and how many are open.

use super::*;
use crate::support::whole::Whole as _;

/// Nine issues `E0` to `E8`; the later ones were seen earlier, three at a time in the same instant, and 1 to 3 times.
async fn write_nine(fixture: &Fixture) {
    for number in 0..9 {
        let time = PAST - number / 3 * 10;
        let error = |more: u64| {
            let resource = resource(if number % 2 == 0 { "shop" } else { "billing" }, &[]);
            LogRecord { resource, ..error(&format!("E{number}"), time + more) }
        };
        write(fixture, (0..=number % 3).map(error).collect()).await;
    }
}

pub async fn issues_are_ordered_totally_and_pages_visit_each_once(fixture: Fixture) {
    write_nine(&fixture).await;
    let key = |sort, issue: &Issue| match sort {
        IssueSort::LastSeen => issue.last_seen.0,
        IssueSort::FirstSeen => issue.first_seen.0,
        IssueSort::Count => issue.event_count,
    };
    for sort in [IssueSort::LastSeen, IssueSort::FirstSeen, IssueSort::Count] {
        for reverse in [false, true] {
            let query = |limit| IssueQuery { limit, sort, reverse, ..IssueQuery::default() };
            let mut expected = all(&fixture).await;
            expected.sort_by(|a, b| key(sort, b).cmp(&key(sort, a)).then(a.id.cmp(&b.id)));
            if reverse {
                expected.reverse();
            }
            assert_eq!(list(&fixture, query(0)).await.items, expected, "{sort:?} {reverse}");
            for limit in [1, 2, 4, 9, 10] {
                let mut found = Vec::new();
                let mut cursor = None;
                loop {
                    let page = list(&fixture, IssueQuery { cursor, ..query(limit) }).await;
                    assert!(page.items.len() <= limit && page.total == Some(9) && page.failed == Some(9));
                    found.extend(page.items);
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
                assert_eq!(found, expected, "{sort:?} {reverse} {limit}");
            }
        }
    }
    let first = list(&fixture, IssueQuery { limit: 3, ..IssueQuery::default() }).await;
    let of_other = IssueQuery { cursor: first.next, sort: IssueSort::Count, ..IssueQuery::default() };
    for query in [of_other, IssueQuery { cursor: Some(Cursor("?".into())), ..IssueQuery::default() }] {
        assert!(matches!(fixture.backend.list_issues(&query).await, Err(Error::BadCursor)));
    }
}

pub async fn every_filter_of_issues_keeps_what_it_names_and_nothing_else(fixture: Fixture) {
    write_nine(&fixture).await;
    let issues = all(&fixture).await;
    let named = |number: usize| issues.iter().find(|issue| issue.title.starts_with(&format!("E{number}"))).expect("it");
    set(&fixture, named(1).id, IssueStatus::Resolved).await;
    set(&fixture, named(2).id, IssueStatus::Ignored).await;
    let of = |query: IssueQuery| {
        let fixture = &fixture;
        async move {
            let mut types = error_types(fixture, query).await;
            types.sort();
            types.concat()
        }
    };
    let any = IssueQuery::default;
    assert_eq!(of(IssueQuery { status: Some(IssueStatus::Resolved), ..any() }).await, "E1");
    assert_eq!(of(IssueQuery { status: Some(IssueStatus::Ignored), ..any() }).await, "E2");
    assert_eq!(of(IssueQuery { status: Some(IssueStatus::Open), ..any() }).await, "E0E3E4E5E6E7E8");
    assert_eq!(list(&fixture, any()).await.failed, Some(7), "those that are open");
    assert_eq!(of(IssueQuery { service: Some("billing".into()), ..any() }).await, "E1E3E5E7");
    assert_eq!(of(IssueQuery { service: Some("bill".into()), ..any() }).await, "");
    // E0 to E2 were seen up to 2 ns after 0, E3 to E5 after -10, E6 to E8 after -20.
    assert_eq!(of(IssueQuery { since: Some(Nanos(PAST - 9)), ..any() }).await, "E0E1E2E4E5");
    assert_eq!(of(IssueQuery { since: Some(Nanos(PAST - 10)), ..any() }).await, "E0E1E2E3E4E5");
    assert_eq!(of(IssueQuery { until: Some(Nanos(PAST)), ..any() }).await, "E3E4E5E6E7E8");
    assert_eq!(of(IssueQuery { until: Some(Nanos(PAST + 1)), ..any() }).await, "E0E1E2E3E4E5E6E7E8");
    let id = named(4).id.to_string();
    assert_eq!(of(IssueQuery { id_prefix: Some(id[..9].to_uppercase()), ..any() }).await, "E4");
    assert_eq!(of(IssueQuery { id_prefix: Some(id.clone()), ..any() }).await, "E4");
    assert_eq!(list(&fixture, IssueQuery { id_prefix: Some(String::new()), ..any() }).await.total, Some(9));
    for nothing in [format!("{id}0"), "x".to_owned(), "é".to_owned()] {
        assert_eq!(of(IssueQuery { id_prefix: Some(nothing), ..any() }).await, "");
    }
    assert_eq!(of(IssueQuery { ids: vec![named(7).id, IssueId([0; 8]), named(2).id], ..any() }).await, "E2E7");
    let environment = |name: &str, time| with_attribute(error("E0", PAST + time), "deployment.environment.name", name);
    let project = resource("shop", &[(grouping::PROJECT_ATTRIBUTE, "p1"), ("deployment.environment", "eu")]);
    let elsewhere = LogRecord { resource: project, ..error("P", PAST) };
    write(&fixture, vec![environment("prod", 5), environment("a\"b", 6), environment("prod", 7), elsewhere]).await;
    assert_eq!(named(0).id, list(&fixture, IssueQuery { environment: Some("prod".into()), ..any() }).await.items[0].id);
    assert_eq!(of(IssueQuery { environment: Some("a\"b".into()), ..any() }).await, "E0");
    assert_eq!(of(IssueQuery { environment: Some("pro".into()), ..any() }).await, "");
    assert_eq!(of(IssueQuery { environment: Some("eu".into()), ..any() }).await, "P");
    assert_eq!(of(IssueQuery { project: Some("p1".into()), ..any() }).await, "P");
    assert_eq!(list(&fixture, IssueQuery { project: Some(String::new()), ..any() }).await.total, Some(9));
    let environments =
        list(&fixture, IssueQuery { ids: vec![named(0).id], ..any() }).await.items.remove(0).environments;
    assert_eq!(environments, ["a\"b", "prod"]);
}

pub async fn stats_count_open_issues(fixture: Fixture) {
    write_nine(&fixture).await;
    let open = async |query: StatsQuery| fixture.backend.stats(&query).await.expect("stats").issues;
    assert_eq!(open(StatsQuery::default()).await, 9);
    let id = all(&fixture).await[0].id;
    set(&fixture, id, IssueStatus::Resolved).await;
    assert_eq!(open(StatsQuery::default()).await, 8);
    let billing =
        StatsQuery { service: Some("billing".into()), since: Some(Nanos(PAST - 15)), ..StatsQuery::default() };
    set(&fixture, id, IssueStatus::Open).await;
    assert_eq!(open(billing).await, 3, "E1, E3 and E5");
}
