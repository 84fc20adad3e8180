//! Issues, alone and with all that is known of them.

use super::document::document;
use super::scalar::NullIfEmpty;
use crate::model::grouping::Why;
use crate::model::{HourCount, Issue, IssueDetail, StatusChange};

document! {
    Issue as issue {
        "id": id,
        "status": status,
        "title": title,
        "error_type": error_type,
        "message": message,
        "culprit": culprit,
        "service": service,
        "environments": environments,
        "first_seen": first_seen,
        "last_seen": last_seen,
        "event_count": event_count,
        "trace_count": trace_count,
        "fingerprint": fingerprint,
        "sample_trace_ids": sample_trace_ids,
        "project": project as NullIfEmpty,
        "regressed": is_regressed,
        "counts": counts,
    }
    from(json) {}
}

document! {
    IssueDetail as detail {
        ..issue,
        "stack_trace": stack_trace,
        "fingerprints": fingerprints,
        "history": history,
        "why": why,
    }
    from(json) {}
}

document! {
    HourCount as hour {
        "hour": hour,
        "count": count,
    }
    from(json) {}
}

document! {
    StatusChange as change {
        "time": time,
        "status": status,
        "by" = if change.by_event { "event" } else { "person" },
    }
    from(json) { by_event: String::from_json(&json["by"], "by")? == "event" }
}

document! {
    Why as why {
        "algorithm": algorithm,
        "error_type": error_type,
        "text": text,
        "frames": frames,
        "causes": causes,
        "custom": custom,
    }
    from(json) {}
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::model::{
        Fingerprint, IssueId, IssueStatus, Nanos, Text, TraceId,
        json::{object, read},
    };

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
        insta::assert_snapshot!(Json::Object(object(&bare)), @r#"{"id":"3f3f3f3f3f3f3f3f","status":"open","title":"HTTPError: 402 card_declined","error_type":null,"message":"402 card_declined","culprit":null,"service":"billing","environments":["prod","test"],"first_seen":"2026-11-21T09:14:02.117000000Z","last_seen":"2026-11-21T09:14:02.217000000Z","event_count":12,"trace_count":2,"fingerprint":"abababababababababababababababababababababababababababababababab","sample_trace_ids":["01010101010101010101010101010101","cli-12345-abc"],"project":null,"regressed":true,"counts":[{"hour":"2026-11-21T09:00:00.000000000Z","count":12}]}"#);
    }

    #[test]
    fn the_detail_adds_stack_trace_fingerprints_history_and_why() {
        let added = Json::Object(object(&detail()).into_iter().skip(17).collect());
        insta::assert_snapshot!(added, @r#"{"stack_trace":"Traceback …","fingerprints":["abababababababababababababababababababababababababababababababab","0101010101010101010101010101010101010101010101010101010101010101"],"history":[{"time":"1970-01-01T00:00:00.000000001Z","status":"resolved","by":"person"},{"time":"1970-01-01T00:00:00.000000002Z","status":"open","by":"event"}],"why":{"algorithm":1,"error_type":"HTTPError","text":"<int> card_declined","frames":["payments/stripe.py charge_card"],"causes":["OSError"],"custom":[]}}"#);
    }

    #[test]
    fn issues_read_back_equal() {
        for issue in [issue(), Issue { project: Text::EMPTY, error_type: None, culprit: None, ..issue() }] {
            assert_eq!(read(&Json::Object(object(&issue))), Ok(issue));
        }
        let bare = IssueDetail { stack_trace: None, history: Vec::new(), ..detail() };
        for detail in [detail(), bare] {
            assert_eq!(read(&Json::Object(object(&detail))), Ok(detail));
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
            let mut json = Json::Object(object(&detail()));
            json[key] = value;
            let error = read::<IssueDetail>(&json).expect_err(key);
            let expected = match key {
                "history" => "time",
                "why" => "algorithm",
                key => key,
            };
            assert_eq!(error.key, expected);
        }
    }
}
