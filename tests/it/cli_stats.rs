//! `tracehub stats` end to end.

use crate::support::Home;

#[test]
fn totals_and_operations_are_shown() {
    let (home, db) = Home::with_shop();
    let answer = home.run_on_terminal(&["stats", "--db", &db]);
    assert!(answer.stdout.starts_with("2 traces · 4 spans · 1 failed"), "{answer}");
    insta::assert_snapshot!(
        home.run(&["stats", "--db", &db, "-o", "csv", "--fields", "service,name,calls,errors,p50_ms,self_ms"]), @"
    service,name,calls,errors,p50_ms,self_ms
    shop,POST /checkout,1,0,1240.0,642.0
    payments,charge,1,1,598.0,598.0
    payments,SELECT cart,1,0,20.0,20.0
    shop,GET /cart,1,0,38.0,18.0
    --- exit 0
    "
    );
}

#[test]
fn json_has_totals_and_all_operations() {
    let (home, db) = Home::with_shop();
    let stats = home.run(&["stats", "--db", &db, "--json"]).json();
    assert_eq!((&stats["schema"], &stats["traces"], &stats["spans"]), (&1.into(), &2.into(), &4.into()));
    assert_eq!(stats["operations"].as_array().expect("rows").len(), 4);
    let by_service = home.run(&["stats", "--db", &db, "--json", "--by", "service", "--since", "20s"]).json();
    let services: Vec<_> =
        by_service["operations"].as_array().expect("rows").iter().map(|row| &row["service"]).collect();
    assert_eq!(services, ["shop", "payments"]);
}

#[test]
fn nothing_to_count_is_zeros_and_no_failure() {
    let (home, db) = Home::with_shop();
    let stats = home.run(&["stats", "--db", &db, "--json", "--since", "1s"]);
    assert_eq!((&stats.json()["traces"], stats.code), (&0.into(), Some(0)));
    assert_eq!(stats.json()["operations"], serde_json::json!([]));
}

#[test]
fn a_wrong_grouping_is_refused() {
    insta::assert_snapshot!(Home::new().run(&["stats", "--by", "service,"]), @"
    --- stderr
    error: --by takes up to 8 keys with commas between them
    hint: such as --by service,http.route
    --- exit 2
    ");
}
