//! Query parameters: which ones each route takes, and what is said to one it does not take. Ignoring such a name would
//! answer another question than the one that was asked, so none is ignored, but by the routes of the published Python
//! server, which ignores them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::api::Pairs;
use crate::server::api::table::Route;

/// Lists of query parameters by name; of each parameter its name, type and description.
pub(crate) type Parameters = BTreeMap<String, Vec<[String; 3]>>;

static PARAMETERS: LazyLock<Parameters> = LazyLock::new(|| {
    serde_json::from_str(include_str!("parameters.json")).expect("the file is part of the program, and a test reads it")
});

/// What other programs call a parameter of ours, and ours.
const CALLED: [(&str, &str); 34] = [
    ("offset", "cursor"),
    ("page", "cursor"),
    ("skip", "cursor"),
    ("after", "cursor"),
    ("next", "cursor"),
    ("page_token", "cursor"),
    ("page_size", "limit"),
    ("per_page", "limit"),
    ("size", "limit"),
    ("count", "limit"),
    ("n", "limit"),
    ("max", "limit"),
    ("status", "has_errors"),
    ("error", "has_errors"),
    ("errors", "has_errors"),
    ("failed", "has_errors"),
    ("start", "since"),
    ("from", "since"),
    ("start_time", "since"),
    ("lookback", "since"),
    ("end", "until"),
    ("to", "until"),
    ("end_time", "until"),
    ("operation", "name"),
    ("operation_name", "name"),
    ("min_duration", "min_duration_ms"),
    ("max_duration", "max_duration_ms"),
    ("tag", "attr"),
    ("tags", "attr"),
    ("attribute", "attr"),
    ("query", "q"),
    ("filter", "q"),
    ("trace_id", "trace"),
    ("trace_id", "id"),
];
/// How alike two names must be, from 0 to 1, for one to be taken for a misspelt other.
const LEAST_ALIKE: f64 = 0.7;
/// Longest part of a name that an answer repeats, in characters.
const MOST_SHOWN: usize = 80;

/// The lists of query parameters, for the documentation.
pub(crate) fn lists() -> &'static Parameters {
    &PARAMETERS
}

/// Looks for a name that a route does not take.
///
/// # Errors
/// The first such name, in one sentence that says what to write instead.
pub(crate) fn check(route: &Route, pairs: &Pairs) -> Result<(), String> {
    if route.is_of_original() {
        return Ok(());
    }
    let lists = route.parameters;
    let taken: Vec<&str> =
        lists.iter().filter_map(|list| PARAMETERS.get(*list)).flatten().map(|[name, ..]| name.as_str()).collect();
    match pairs.iter().find(|(name, _)| !taken.contains(&name.as_str())) {
        Some((name, _)) => Err(explain(name, &taken)),
        None => Ok(()),
    }
}

fn explain(name: &str, taken: &[&str]) -> String {
    let shown: String = name.chars().take(MOST_SHOWN).collect();
    match nearest(name, taken) {
        Some(meant) => format!("parameter `{shown}`: is not known here; `{meant}` is"),
        None if taken.is_empty() => format!("parameter `{shown}`: is not known here; this takes no parameters"),
        None => {
            let names: Vec<String> = taken.iter().map(|name| format!("`{name}`")).collect();
            format!("parameter `{shown}`: is not known here; known are {}", names.join(", "))
        }
    }
}

/// The name among those taken that was most likely meant.
fn nearest<'t>(name: &str, taken: &[&'t str]) -> Option<&'t str> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '.', ' '], "_");
    // Names are short, and comparing long ones would take long.
    let name = plain(&name.chars().take(MOST_SHOWN).collect::<String>());
    let is_taken = |wanted: &str| taken.iter().copied().find(|known| *known == wanted);
    let called = CALLED.iter().filter(|(other, _)| *other == name).find_map(|(_, ours)| is_taken(ours));
    let alike = || {
        let scored = taken.iter().map(|known| (strsim::jaro_winkler(&name, known), *known));
        let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.filter(|(score, _)| *score >= LEAST_ALIKE).map(|(_, known)| known)
    };
    is_taken(&name).or(called).or_else(alike)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::api::table::{GRPC_TABLE, http_routes};

    fn told(path: &str, name: &str) -> Option<String> {
        let route = http_routes().find(|route| route.path == path && route.method == "GET").expect("a route");
        check(route, &vec![(name.to_owned(), String::new())]).err()
    }

    #[test]
    fn a_name_that_is_not_taken_is_answered_with_the_one_that_was_meant() {
        for (path, name, meant) in [
            ("/api/v1/traces", "offset", "cursor"),
            ("/api/v1/traces", "page", "cursor"),
            ("/api/v1/traces", "status", "has_errors"),
            ("/api/v1/traces", "servce", "service"),
            ("/api/v1/traces", "has-errors", "has_errors"),
            ("/api/v1/traces", "Limit", "limit"),
            ("/api/v1/traces", "min_duration", "min_duration_ms"),
            ("/api/v1/logs", "query", "q"),
            ("/api/v1/logs", "trace_id", "trace"),
            ("/api/v1/trace", "trace_id", "id"),
            ("/api/v1/issues", "offset", "cursor"),
            ("/api/v1/stats", "start_time", "since"),
            ("/api/v1/scan", "wait", "wait_ms"),
        ] {
            let told = told(path, name).expect(name);
            assert_eq!(told, format!("parameter `{name}`: is not known here; `{meant}` is"), "{path}");
        }
        let told = told("/api/v1/stats", "colour").expect("unknown");
        assert!(told.starts_with("parameter `colour`: is not known here; known are `since`"), "{told}");
    }

    #[test]
    fn every_route_but_those_of_the_original_refuses_a_name_nobody_knows_and_all_take_those_of_its_lists() {
        for route in http_routes().chain(GRPC_TABLE) {
            let strange = vec![("zzzzzz".to_owned(), String::new())];
            assert_eq!(check(route, &strange).is_ok(), route.is_of_original(), "{}", route.path);
            for list in route.parameters {
                let named = PARAMETERS[*list].iter().map(|[name, ..]| (name.clone(), String::new())).collect();
                assert_eq!(check(route, &named), Ok(()), "{}", route.path);
            }
        }
    }
}
