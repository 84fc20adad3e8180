//! Senders as a server tells of them, and as a file keeps them.

use super::document::document;
use super::scalar::{KnownWord, Lenient, NullIfEmpty};
use crate::model::sender::{Sender, SenderService, Trouble};

document! {
    Sender as sender {
        "address": address,
        "user_agent": agent as NullIfEmpty,
        "project": project as NullIfEmpty,
        "sdk" = sender.sdk().0,
        "sdk_version" = sender.sdk().1,
        "first_seen": first_seen,
        "last_seen": last_seen,
        "requests": requests,
        "refused_requests": refused_requests,
        "repeated_requests": repeated_requests,
        "accepted": accepted,
        "duplicates": duplicates,
        "rejected": rejected,
        "rejection": rejection as NullIfEmpty,
        "services": services,
        "troubles": troubles,
    }
    from(json) {}
}

document! {
    SenderService as service {
        "name": name,
        "last_seen": last_seen,
        "records": records,
        "duplicates": duplicates,
        "odd_times": odd_times,
        "odd_time_ns": odd_time_ns,
        "clock_offset_ns" = service.clock_offset_ns(),
        "clock_spread_ns" = service.clock_spread_ns(),
        "clock_offsets_ns": offsets_ns as Lenient,
    }
    from(json) {}
}

document! {
    Trouble as trouble {
        "reason": reason,
        "path": path as NullIfEmpty,
        "port": port as KnownWord,
        "count": count,
        "last_seen": last_seen,
        "detail": detail as NullIfEmpty,
    }
    from(json) {}
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::model::json::{object, read};
    use crate::model::sender::Port;
    use crate::model::{Nanos, Text};

    #[test]
    fn a_sender_reads_back_as_it_was_written() {
        let service = SenderService {
            name: Text::from("shop ✓"),
            last_seen: Nanos(2),
            records: 3,
            offsets_ns: vec![-5, 7_200_000_000_000],
            ..SenderService::default()
        };
        let trouble = Trouble {
            reason: Text::from("no_such_path"),
            path: Text::from("/v1/trace"),
            port: Port::OtlpHttp,
            count: 12,
            last_seen: Nanos(3),
            detail: Text::from("there is nothing at /v1/trace"),
        };
        let sender = Sender {
            address: Text::from("127.0.0.1"),
            agent: Text::from("OTel-OTLP-Exporter-Python/1.45.2"),
            requests: 1,
            services: vec![service],
            troubles: vec![trouble],
            ..Sender::default()
        };
        let json = Json::Object(object(&sender));
        assert_eq!(read::<Sender>(&json), Ok(sender));
        assert_eq!(json["services"][0]["clock_offset_ns"], 7_200_000_000_000_i64);
    }
}
