//! What is wrong when records hold secrets: where they stand, never what they are.

use super::finding::{Finding, Verdict};
use super::wording::counted;
use crate::store::redact::{Found, FoundAt};

/// Places that are told one by one.
const MOST_TOLD: usize = 20;

/// The findings about secrets; `fix` is the line that takes them out.
pub fn judge(found: &Found, fix: &str) -> Vec<Finding> {
    let looked = counted(found.records, "record");
    if found.places.is_empty() {
        return vec![Finding::of_file("secrets", Verdict::Fine, format!("no secrets in {looked}"))];
    }
    let text = format!("secrets in {} of {looked}", found.with_secrets);
    let sum = Finding::of_file("secrets", Verdict::Warning, text).count(found.with_secrets).fix(fix);
    let told = found.places.iter().take(MOST_TOLD).map(judge_place);
    let rest = found.places.len().saturating_sub(MOST_TOLD) as u64;
    let more = (rest > 0).then(|| {
        Finding::of_file("secrets", Verdict::Note, format!("secrets in {} more", counted(rest, "place"))).count(rest)
    });
    std::iter::once(sum).chain(told).chain(more).collect()
}

fn judge_place(FoundAt { rule, place, count, example }: &FoundAt) -> Finding {
    let example = example.as_ref().map(|trace| format!(", as in trace {trace}")).unwrap_or_default();
    Finding::of_file("secret", Verdict::Note, format!("{count} × {rule} in {place}{example}")).count(*count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TraceId;

    #[test]
    fn secrets_are_told_by_rule_and_place_and_the_fix_once() {
        assert_eq!(judge(&Found { records: 7, ..Found::default() }, "fix")[0].text, "no secrets in 7 records");
        let place = |number: u64| FoundAt {
            rule: "email".to_owned(),
            place: format!("span attribute user.{number}"),
            count: 30 - number,
            example: TraceId::parse("cli-1").ok(),
        };
        let found = Found { records: 90, with_secrets: 41, places: (0..22).map(place).collect() };
        let findings = judge(&found, "fix");
        let told: Vec<_> = findings.iter().map(|one| (one.text.as_str(), one.count, one.fix.as_deref())).collect();
        assert_eq!(told[0], ("secrets in 41 of 90 records", Some(41), Some("fix")));
        assert_eq!(told[1], ("30 × email in span attribute user.0, as in trace cli-1", Some(30), None));
        assert_eq!((told.len(), told[21]), (22, ("secrets in 2 places more", Some(2), None)));
    }
}
