//! Issues in the JSON of the public interface, alone and with all that is known of them.

use serde_json::{Map, Value as Json, json};

use super::{JsonError, Result, list, number, object, string, text, text_or_empty, text_or_null, time};
use crate::model::{
    Fingerprint, HourCount, Issue, IssueDetail, IssueId, IssueStatus, StatusChange, Text, TraceId, grouping::Why,
    id::from_hex,
};

/// An issue. `project` is null for none; `counts` holds what was asked for.
pub fn issue_to_json(issue: &Issue) -> Map<String, Json> {
    object([
        ("id", json!(issue.id.to_string())),
        ("status", json!(issue.status.as_str())),
        ("title", json!(issue.title.as_str())),
        ("error_type", json!(issue.error_type.as_deref())),
        ("message", json!(issue.message.as_str())),
        ("culprit", json!(issue.culprit.as_deref())),
        ("service", json!(issue.service.as_str())),
        ("environments", texts_to_json(&issue.environments)),
        ("first_seen", json!(issue.first_seen.to_rfc3339())),
        ("last_seen", json!(issue.last_seen.to_rfc3339())),
        ("event_count", json!(issue.event_count)),
        ("trace_count", json!(issue.trace_count)),
        ("fingerprint", json!(issue.fingerprint.to_string())),
        ("sample_trace_ids", issue.sample_trace_ids.iter().map(|id| json!(id.to_string())).collect()),
        ("project", text_or_null(&issue.project)),
        ("regressed", json!(issue.is_regressed)),
        ("counts", issue.counts.iter().map(hour_to_json).collect()),
    ])
}

/// Reads an issue back.
///
/// # Errors
/// Names the first key that is missing or of the wrong type.
pub fn issue_from_json(json: &Json) -> Result<Issue> {
    let trace_id = |id: &Json| id.as_str().and_then(|id| TraceId::parse(id).ok());
    let sample_trace_ids = list(json, "sample_trace_ids")?.iter().map(trace_id).collect::<Option<_>>();
    Ok(Issue {
        id: IssueId::parse(string(json, "id")?).map_err(|_| JsonError { key: "id" })?,
        project: text_or_empty(&json["project"]),
        service: text(json, "service")?,
        status: status(json)?,
        is_regressed: json["regressed"].as_bool().ok_or(JsonError { key: "regressed" })?,
        title: text(json, "title")?,
        error_type: optional_text(json, "error_type")?,
        message: text(json, "message")?,
        culprit: optional_text(json, "culprit")?,
        environments: texts(json, "environments")?,
        first_seen: time(json, "first_seen")?,
        last_seen: time(json, "last_seen")?,
        event_count: number(json, "event_count")?,
        trace_count: number(json, "trace_count")?,
        fingerprint: fingerprint(&json["fingerprint"]).ok_or(JsonError { key: "fingerprint" })?,
        sample_trace_ids: sample_trace_ids.ok_or(JsonError { key: "sample_trace_ids" })?,
        counts: list(json, "counts")?.iter().map(hour_from_json).collect::<Result<_>>()?,
    })
}

/// An issue with its stack trace, fingerprints and history, and with what the fingerprint was made of.
pub fn issue_detail_to_json(detail: &IssueDetail) -> Map<String, Json> {
    let mut json = issue_to_json(&detail.issue);
    json.extend(object([
        ("stack_trace", json!(detail.stack_trace.as_deref())),
        ("fingerprints", detail.fingerprints.iter().map(|fingerprint| json!(fingerprint.to_string())).collect()),
        ("history", detail.history.iter().map(change_to_json).collect()),
        ("why", why_to_json(&detail.why)),
    ]));
    json
}

/// Reads an issue back with all that is known of it.
///
/// # Errors
/// Names the first key that is missing or of the wrong type.
pub fn issue_detail_from_json(json: &Json) -> Result<IssueDetail> {
    let fingerprints = list(json, "fingerprints")?.iter().map(fingerprint).collect::<Option<_>>();
    Ok(IssueDetail {
        issue: issue_from_json(json)?,
        stack_trace: optional_text(json, "stack_trace")?,
        why: why_from_json(&json["why"])?,
        fingerprints: fingerprints.ok_or(JsonError { key: "fingerprints" })?,
        history: list(json, "history")?.iter().map(change_from_json).collect::<Result<_>>()?,
    })
}

fn hour_to_json(hour: &HourCount) -> Json {
    json!({ "hour": hour.hour.to_rfc3339(), "count": hour.count })
}

fn hour_from_json(json: &Json) -> Result<HourCount> {
    Ok(HourCount { hour: time(json, "hour")?, count: number(json, "count")? })
}

fn change_to_json(change: &StatusChange) -> Json {
    json!({
        "time": change.time.to_rfc3339(),
        "status": change.status.as_str(),
        "by": if change.by_event { "event" } else { "person" },
    })
}

fn change_from_json(json: &Json) -> Result<StatusChange> {
    Ok(StatusChange { time: time(json, "time")?, status: status(json)?, by_event: string(json, "by")? == "event" })
}

/// What a fingerprint was made of.
pub fn why_to_json(why: &Why) -> Json {
    json!({
        "algorithm": why.algorithm,
        "error_type": why.error_type.as_str(),
        "text": why.text.as_str(),
        "frames": texts_to_json(&why.frames),
        "causes": texts_to_json(&why.causes),
        "custom": texts_to_json(&why.custom),
    })
}

/// Reads back what a fingerprint was made of.
///
/// # Errors
/// Names the first key that is missing or of the wrong type.
pub fn why_from_json(json: &Json) -> Result<Why> {
    let algorithm = u32::try_from(number(json, "algorithm")?).map_err(|_| JsonError { key: "algorithm" })?;
    Ok(Why {
        algorithm,
        error_type: text(json, "error_type")?,
        text: text(json, "text")?,
        frames: texts(json, "frames")?,
        causes: texts(json, "causes")?,
        custom: texts(json, "custom")?,
    })
}

fn status(json: &Json) -> Result<IssueStatus> {
    IssueStatus::parse(string(json, "status")?).ok_or(JsonError { key: "status" })
}

fn fingerprint(json: &Json) -> Option<Fingerprint> {
    from_hex::<32>(json.as_str()?.as_bytes()).map(Fingerprint)
}

fn texts_to_json(texts: &[Text]) -> Json {
    texts.iter().map(|text| json!(text.as_str())).collect()
}

fn texts(json: &Json, key: &'static str) -> Result<Vec<Text>> {
    list(json, key)?.iter().map(|text| text.as_str().map(Text::from).ok_or(JsonError { key })).collect()
}

fn optional_text(json: &Json, key: &'static str) -> Result<Option<Text>> {
    match &json[key] {
        Json::Null => Ok(None),
        _ => text(json, key).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nanos;

    fn issue() -> Issue {
        Issue {
            id: IssueId([0x3f; 8]),
            project: Text::from("shop"),
            service: Text::from("billing"),
            status: IssueStatus::Open,
            is_regressed: true,
            title: Text::from("HTTPError: 402 card_declined"),
            error_type: Some(Text::from("HTTPError")),
            message: Text::from("402 card_declined"),
            culprit: Some(Text::from("payments/stripe.py in charge_card")),
            environments: vec![Text::from("prod"), Text::from("test")],
            first_seen: Nanos(1_795_252_442_117_000_000),
            last_seen: Nanos(1_795_252_442_217_000_000),
            event_count: 12,
            trace_count: 2,
            fingerprint: Fingerprint([0xab; 32]),
            sample_trace_ids: vec![TraceId::Otel([1; 16]), TraceId::Text(Text::from("cli-12345-abc"))],
            counts: vec![HourCount { hour: Nanos(1_795_251_600_000_000_000), count: 12 }],
        }
    }

    fn detail() -> IssueDetail {
        IssueDetail {
            issue: issue(),
            stack_trace: Some(Text::from("Traceback …")),
            why: Why {
                algorithm: 1,
                error_type: Text::from("HTTPError"),
                text: Text::from("<int> card_declined"),
                frames: vec![Text::from("payments/stripe.py charge_card")],
                causes: vec![Text::from("OSError")],
                custom: Vec::new(),
            },
            fingerprints: vec![Fingerprint([0xab; 32]), Fingerprint([1; 32])],
            history: vec![
                StatusChange { time: Nanos(1), status: IssueStatus::Resolved, by_event: false },
                StatusChange { time: Nanos(2), status: IssueStatus::Open, by_event: true },
            ],
        }
    }

    #[test]
    fn an_issue_has_all_its_keys_in_their_order() {
        let bare = Issue { project: Text::EMPTY, error_type: None, culprit: None, ..issue() };
        insta::assert_snapshot!(Json::Object(issue_to_json(&bare)), @r#"{"id":"3f3f3f3f3f3f3f3f","status":"open","title":"HTTPError: 402 card_declined","error_type":null,"message":"402 card_declined","culprit":null,"service":"billing","environments":["prod","test"],"first_seen":"2026-11-21T09:14:02.117000000Z","last_seen":"2026-11-21T09:14:02.217000000Z","event_count":12,"trace_count":2,"fingerprint":"abababababababababababababababababababababababababababababababab","sample_trace_ids":["01010101010101010101010101010101","cli-12345-abc"],"project":null,"regressed":true,"counts":[{"hour":"2026-11-21T09:00:00.000000000Z","count":12}]}"#);
    }

    #[test]
    fn the_detail_adds_stack_trace_fingerprints_history_and_why() {
        let added = Json::Object(issue_detail_to_json(&detail()).into_iter().skip(17).collect());
        insta::assert_snapshot!(added, @r#"{"stack_trace":"Traceback …","fingerprints":["abababababababababababababababababababababababababababababababab","0101010101010101010101010101010101010101010101010101010101010101"],"history":[{"time":"1970-01-01T00:00:00.000000001Z","status":"resolved","by":"person"},{"time":"1970-01-01T00:00:00.000000002Z","status":"open","by":"event"}],"why":{"algorithm":1,"error_type":"HTTPError","text":"<int> card_declined","frames":["payments/stripe.py charge_card"],"causes":["OSError"],"custom":[]}}"#);
    }

    #[test]
    fn issues_read_back_equal() {
        for issue in [issue(), Issue { project: Text::EMPTY, error_type: None, culprit: None, ..issue() }] {
            assert_eq!(issue_from_json(&Json::Object(issue_to_json(&issue))), Ok(issue));
        }
        let bare = IssueDetail { stack_trace: None, history: Vec::new(), ..detail() };
        for detail in [detail(), bare] {
            assert_eq!(issue_detail_from_json(&Json::Object(issue_detail_to_json(&detail))), Ok(detail));
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (key, value) in [
            ("id", json!("12")),
            ("status", json!("gone")),
            ("error_type", json!(1)),
            ("fingerprint", json!("ab")),
            ("sample_trace_ids", json!([""])),
            ("counts", Json::Null),
            ("history", json!([{}])),
            ("fingerprints", json!(["zz"])),
            ("why", json!({})),
        ] {
            let mut json = Json::Object(issue_detail_to_json(&detail()));
            json[key] = value;
            let error = issue_detail_from_json(&json).expect_err(key);
            let expected = match key {
                "history" => "time",
                "why" => "algorithm",
                key => key,
            };
            assert_eq!(error.key, expected);
        }
    }
}
