//! What is wrong with those who send, judged from the tally of a server.

use super::finding::{Finding, Verdict};
use super::mend::{Client, Endpoints, client_of, newer, smaller, with_key};
use super::wording::{counted, quoted, span_of};
use crate::model::sender::{Port, Sender, SenderService, Trouble};
use crate::model::time::{NANOS_PER_DAY, NANOS_PER_SECOND};
use crate::model::{Nanos, Text};

/// How long something that went wrong is worth telling.
const RECENT_NS: u64 = NANOS_PER_DAY;
/// How far a clock may be ahead: records of the future cannot be.
const AHEAD_NS: i64 = 5_000_000_000;
/// How late records may be, because they wait for a batch and for spans to end.
const LATE_NS: i64 = 120_000_000_000;
/// How many requests show that a clock is behind, and not a backlog sent.
const FEW: usize = 3;
/// How far the differences of a clock may lie apart, unless that is a small part of them.
const STEADY_NS: u64 = 60 * NANOS_PER_SECOND;
/// One record in so many that was there already is no accident.
const REPEATED: u64 = 5;
/// Times before this count from elsewhere or in another unit: 2000-01-01.
const OLDEST_NS: u64 = 946_684_800_000_000_000;
/// The line that sets a clock right.
const SET_CLOCK: &str = "sudo timedatectl set-ntp true";

/// The findings about a sender at a place of the report; none when nothing is wrong.
pub fn judge(place: usize, sender: &Sender, endpoints: &Endpoints, now: Nanos) -> Vec<Finding> {
    let place = Some(place);
    let recent = sender.troubles.iter().filter(|trouble| now.since(trouble.last_seen) <= RECENT_NS);
    let mut findings: Vec<Finding> = recent.map(|trouble| of_trouble(sender, trouble, endpoints, place)).collect();
    if sender.rejected > 0 {
        let text = format!(
            "{} refused while their neighbours were taken, such as: {}",
            counted(sender.rejected, "record"),
            sender.rejection
        );
        let finding = Finding::of_sender("rejected_records", Verdict::Error, place, text).count(sender.rejected);
        findings.push(finding.fix("tracehub trace new --export"));
    }
    findings.extend(duplicates(sender, place));
    for service in &sender.services {
        findings.extend(clock(service, place));
        findings.extend(odd_times(service, now, place));
    }
    findings
}

/// The finding about one kind of trouble.
fn of_trouble(sender: &Sender, trouble: &Trouble, endpoints: &Endpoints, place: Option<usize>) -> Finding {
    let requests = counted(trouble.count, "request");
    let path = if trouble.path.is_empty() { "/" } else { trouble.path.as_str() };
    let client = client_of(sender, path);
    let told = if trouble.detail.is_empty() { String::new() } else { format!(": {}", trouble.detail) };
    let (check, verdict, text, fix) = match trouble.reason.as_str() {
        "tls_on_plain_port" => (
            "tls_on_plain_port",
            Verdict::Error,
            format!(
                "{} spoke TLS to {}, which is plain HTTP; `tracehub start --tls-cert CERT --tls-key KEY` makes it speak TLS",
                counted(trouble.count, "connection"),
                port(trouble.port)
            ),
            match trouble.port {
                Port::OtlpGrpc => {
                    format!("OTEL_EXPORTER_OTLP_ENDPOINT={} OTEL_EXPORTER_OTLP_INSECURE=true", endpoints.grpc)
                }
                Port::Main | Port::OtlpHttp => format!("OTEL_EXPORTER_OTLP_ENDPOINT={}", endpoints.http),
            },
        ),
        "plain_on_tls_port" => (
            "plain_on_tls_port",
            Verdict::Error,
            format!(
                "{} spoke in the clear to {}, which speaks TLS",
                counted(trouble.count, "connection"),
                port(trouble.port)
            ),
            match trouble.port {
                Port::OtlpGrpc => {
                    format!("OTEL_EXPORTER_OTLP_ENDPOINT={} OTEL_EXPORTER_OTLP_INSECURE=false", endpoints.grpc)
                }
                Port::Main | Port::OtlpHttp => format!("OTEL_EXPORTER_OTLP_ENDPOINT={}", endpoints.http),
            },
        ),
        "tls_handshake" => (
            "tls_handshake",
            Verdict::Warning,
            format!(
                "{} to {} broke off the TLS handshake, as who does not trust the certificate does",
                counted(trouble.count, "connection"),
                port(trouble.port)
            ),
            "OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem TRACEHUB_CA_CERT=ca.pem".to_owned(),
        ),
        "too_many_connections" => (
            "too_many_connections",
            Verdict::Warning,
            format!(
                "{} to {} were too many from one address",
                counted(trouble.count, "connection"),
                port(trouble.port)
            ),
            "OTEL_BSP_SCHEDULE_DELAY=5000 OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2048".to_owned(),
        ),
        "not_http" => (
            "not_http",
            Verdict::Error,
            format!(
                "{} spoke something to {} that is no HTTP",
                counted(trouble.count, "connection"),
                port(trouble.port)
            ),
            endpoints.over_http(),
        ),
        "grpc_on_http_port" => (
            "grpc_on_http_port",
            Verdict::Warning,
            format!("{requests} over gRPC came to {}; it is taken here, and nowhere else", port(trouble.port)),
            endpoints.over_grpc(),
        ),
        "http_on_grpc_port" => (
            "http_on_grpc_port",
            Verdict::Warning,
            format!("{requests} over HTTP came to {}; it is taken here, and nowhere else", port(trouble.port)),
            endpoints.over_http(),
        ),
        "no_such_path" | "no_such_call" | "wrong_method" => (
            "wrong_path",
            Verdict::Error,
            format!("{requests} went to {path}, where nothing takes records"),
            endpoints.instead_of(path),
        ),
        "media_type" => (
            "wrong_content_type",
            Verdict::Error,
            format!("{requests} to {path} had a content type that is not taken there{told}"),
            of_protocol(client, endpoints),
        ),
        "mislabelled" => (
            "mislabelled_body",
            Verdict::Error,
            format!("{requests} to {path} held something else than they said{told}"),
            of_protocol(client, endpoints),
        ),
        "bad_compression" => (
            "broken_compression",
            Verdict::Error,
            format!("{requests} to {path} could not be unpacked{told}"),
            "OTEL_EXPORTER_OTLP_COMPRESSION=none".to_owned(),
        ),
        "unknown_encoding" => (
            "unknown_compression",
            Verdict::Error,
            format!("{requests} to {path} were compressed in a way nobody here knows{told}"),
            "OTEL_EXPORTER_OTLP_COMPRESSION=gzip".to_owned(),
        ),
        "too_large" => (
            "too_large",
            Verdict::Error,
            format!("{requests} to {path} were too large{told}"),
            smaller(client).to_owned(),
        ),
        "no_key" => (
            "no_key",
            Verdict::Error,
            format!("{requests} to {path} had no key, and this server wants one"),
            with_key(client),
        ),
        "unknown_key" => (
            "wrong_key",
            Verdict::Error,
            format!("{requests} to {path} had a key that is not known here"),
            with_key(client),
        ),
        "revoked_key" => (
            "revoked_key",
            Verdict::Error,
            format!("{requests} to {path} had a key that was revoked"),
            with_key(client),
        ),
        "wrong_scope" => (
            "wrong_scope",
            Verdict::Error,
            format!("{requests} to {path} had a key that does not permit sending"),
            with_key(client),
        ),
        "foreign_host" => (
            "foreign_host",
            Verdict::Error,
            format!("{requests} to {path} used a name this server does not go by{told}"),
            format!("tracehub start --allowed-host {}", host(&trouble.detail)),
        ),
        "foreign_site" => (
            "foreign_site",
            Verdict::Error,
            format!("{requests} to {path} came from a page of another web site"),
            "tracehub start --cors-origin ORIGIN".to_owned(),
        ),
        "slow" => (
            "slow_body",
            Verdict::Error,
            format!("{requests} to {path} did not arrive in time"),
            "OTEL_EXPORTER_OTLP_COMPRESSION=gzip".to_owned(),
        ),
        "quota" => (
            "rate_limited",
            Verdict::Warning,
            format!("{requests} to {path} were more than this sender may send"),
            "OTEL_TRACES_SAMPLER=parentbased_traceidratio OTEL_TRACES_SAMPLER_ARG=0.1".to_owned(),
        ),
        "old_fields" => (
            "old_fields",
            Verdict::Warning,
            format!("{requests} to {path} had fields that OTLP gave up in 2022 (instrumentationLibrary…)"),
            newer(sender).to_owned(),
        ),
        "nothing_understood" => (
            "nothing_understood",
            Verdict::Error,
            format!(
                "{requests} to {path} had content, but no record that OTLP knows: they were answered, and nothing is stored"
            ),
            of_protocol(client, endpoints),
        ),
        "metrics_dropped" => (
            "metrics_dropped",
            Verdict::Note,
            format!("{requests} brought metrics, which are not kept"),
            "OTEL_METRICS_EXPORTER=none".to_owned(),
        ),
        "disk_full" => (
            "turned_away",
            Verdict::Error,
            format!("{requests} were told to come back{told}"),
            "tracehub clear --older-than 24h --yes".to_owned(),
        ),
        "malformed" => (
            "malformed_body",
            Verdict::Error,
            format!("{requests} to {path} could not be read{told}"),
            of_protocol(client, endpoints),
        ),
        // What may pass: overload, a lock, a panic.
        _ => (
            "turned_away",
            Verdict::Warning,
            format!("{requests} to {path} were told to come back{told}"),
            smaller(client).to_owned(),
        ),
    };
    Finding::of_sender(check, verdict, place, text).count(trouble.count).fix(fix)
}

/// The name of a host for a command line; a word to be replaced where none was told.
fn host(detail: &str) -> String {
    let is_name = !detail.is_empty() && !detail.contains(' ');
    if is_name { quoted(detail) } else { "NAME".to_owned() }
}

/// The line that makes a client speak what is taken.
fn of_protocol(client: Client, endpoints: &Endpoints) -> String {
    match client {
        Client::Otlp => endpoints.over_http(),
        Client::Ours => "Content-Type: application/json".to_owned(),
    }
}

fn port(port: Port) -> &'static str {
    match port {
        Port::Main => "the main port",
        Port::OtlpGrpc => "the port for OTLP/gRPC",
        Port::OtlpHttp => "the port for OTLP/HTTP",
    }
}

/// The names of the services that were sent twice, for a sentence.
fn repeated_services(sender: &Sender) -> String {
    let names: Vec<&str> =
        sender.services.iter().filter(|service| service.duplicates > 0).map(|service| service.name.as_str()).collect();
    if names.is_empty() { String::new() } else { format!(" of {}", names.join(", ")) }
}

fn duplicates(sender: &Sender, place: Option<usize>) -> Option<Finding> {
    let all = sender.accepted + sender.duplicates;
    if sender.repeated_requests == 0 || sender.duplicates * REPEATED < all {
        return None;
    }
    let (repeated, requests) = (sender.repeated_requests, sender.requests);
    // Every second request a repetition of the first means two exporters; anything else, answers that came too late.
    let is_twofold = repeated * 10 >= requests * 4 && repeated * 10 <= requests * 6;
    let (why, fix) = match is_twofold {
        true => ("two exporters send the same, one of which is enough", "OTEL_TRACES_EXPORTER=none"),
        false => {
            ("it sends again what was taken, as after answers it did not wait for", "OTEL_EXPORTER_OTLP_TIMEOUT=30000")
        }
    };
    let of = repeated_services(sender);
    let text = format!(
        "{} of {}{of} were here already, and {repeated} of {} brought nothing new: {why}",
        sender.duplicates,
        counted(all, "record"),
        counted(requests, "request"),
    );
    Some(Finding::of_sender("duplicates", Verdict::Warning, place, text).count(sender.duplicates).fix(fix))
}

fn clock(service: &SenderService, place: Option<usize>) -> Option<Finding> {
    let offset = service.clock_offset_ns()?;
    let by = span_of(offset.unsigned_abs());
    let name = &service.name;
    if offset > AHEAD_NS {
        let text = format!("the clock of {name} is ahead by {by}: its records are of the future when they arrive");
        let finding = Finding::of_sender("clock_ahead", Verdict::Warning, place, text).service(name);
        return Some(finding.fix(SET_CLOCK));
    }
    if offset >= -LATE_NS {
        return None;
    }
    let is_steady = service.clock_spread_ns() <= STEADY_NS.max(offset.unsigned_abs() / 10);
    let finding = match is_steady && service.offsets_ns.len() >= FEW {
        true => {
            let text =
                format!("the clock of {name} is behind by {by}: its records are that old when they arrive, each time");
            Finding::of_sender("clock_behind", Verdict::Warning, place, text).fix(SET_CLOCK)
        }
        false => {
            let text = format!("records of {name} arrive {by} late: a backlog, an import, or a clock that is behind");
            Finding::of_sender("late_records", Verdict::Note, place, text).fix("OTEL_BSP_SCHEDULE_DELAY=1000")
        }
    };
    Some(finding.service(name))
}

fn odd_times(service: &SenderService, now: Nanos, place: Option<usize>) -> Option<Finding> {
    if service.odd_times == 0 {
        return None;
    }
    let (why, fix) = what_time(service.odd_time_ns, now);
    let records = counted(service.odd_times, "record");
    let check = if service.odd_time_ns < OLDEST_NS { "clock_1970" } else { "clock_far_ahead" };
    let text =
        format!("a time that cannot be stands in {records} of {} ({}): {why}", service.name, service.odd_time_ns);
    let finding = Finding::of_sender(check, Verdict::Error, place, text).count(service.odd_times);
    Some(finding.service(&service.name).fix(fix))
}

/// What a time that cannot be may be instead, and the line that mends it.
fn what_time(time_ns: u64, now: Nanos) -> (String, &'static str) {
    /// How far a time in another unit may lie from now.
    const NEAR_NS: u64 = 3_660 * NANOS_PER_DAY;
    /// What counts from the start of a machine is less than this.
    const UPTIME_NS: u64 = 1_500 * NANOS_PER_DAY;
    let is_near = |factor: u64| time_ns.checked_mul(factor).is_some_and(|time| time.abs_diff(now.0) < NEAR_NS);
    let unit = [("seconds", 1_000_000_000), ("milliseconds", 1_000_000), ("microseconds", 1_000)];
    if let Some((unit, _)) = unit.iter().find(|(_, factor)| is_near(*factor)) {
        return (format!("they are {unit} where nanoseconds are wanted"), "startTimeUnixNano=$(date +%s%N)");
    }
    match time_ns {
        0 => ("they have none".to_owned(), "startTimeUnixNano=$(date +%s%N)"),
        _ if time_ns < UPTIME_NS => (
            "in 1970: a clock that was never set, or one that counts from the start of the machine".to_owned(),
            SET_CLOCK,
        ),
        _ if time_ns < now.0 => (format!("{} ago", span_of(now.since(Nanos(time_ns)))), SET_CLOCK),
        _ => (format!("{} ahead", span_of(time_ns - now.0)), SET_CLOCK),
    }
}

/// The services of a sender for a heading, the one heard of last first.
pub fn service_names(sender: &Sender) -> impl Iterator<Item = &Text> {
    sender.services.iter().map(|service| &service.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = Nanos(1_795_252_442_000_000_000);
    const HOUR: i64 = 3_600_000_000_000;

    fn checks(sender: &Sender) -> Vec<String> {
        let findings = judge(0, sender, &Endpoints::default(), NOW);
        findings.iter().map(|finding| format!("{} {}", finding.verdict.as_str(), finding.check)).collect()
    }

    fn of_service(offsets_ns: &[i64]) -> Sender {
        let service = SenderService {
            name: Text::from_static("shop"),
            offsets_ns: offsets_ns.to_vec(),
            ..SenderService::default()
        };
        Sender { services: vec![service], ..Sender::default() }
    }

    #[test]
    fn a_clock_is_told_from_a_backlog() {
        assert_eq!(checks(&of_service(&[-5_000_000_000, -900_000_000])), Vec::<String>::new());
        assert_eq!(checks(&of_service(&[2 * HOUR])), ["warning clock_ahead"]);
        assert_eq!(checks(&of_service(&[-2 * HOUR, -2 * HOUR - 9, -2 * HOUR + 9])), ["warning clock_behind"]);
        assert_eq!(checks(&of_service(&[-2 * HOUR])), ["note late_records"]);
        assert_eq!(checks(&of_service(&[-9 * HOUR, -2 * HOUR, -HOUR])), ["note late_records"]);
    }

    #[test]
    fn the_unit_of_a_time_is_guessed_from_how_near_it_brings_it() {
        let of = |time_ns: u64| what_time(time_ns, NOW).0;
        assert!(of(NOW.0 / 1_000).contains("microseconds"), "{}", of(NOW.0 / 1_000));
        assert!(of(NOW.0 / 1_000_000).contains("milliseconds"));
        assert!(of(NOW.0 / 1_000_000_000).contains(" seconds"));
        assert!(of(44_511_913_730_532).contains("in 1970"));
        assert_eq!(of(0), "they have none");
        assert!(of(u64::MAX).contains("ahead"));
    }

    #[test]
    fn every_trouble_a_server_tells_of_has_a_sentence_and_a_line() {
        for reason in [
            "tls_on_plain_port",
            "plain_on_tls_port",
            "tls_handshake",
            "too_many_connections",
            "not_http",
            "grpc_on_http_port",
            "http_on_grpc_port",
            "no_such_path",
            "media_type",
            "mislabelled",
            "bad_compression",
            "unknown_encoding",
            "too_large",
            "no_key",
            "unknown_key",
            "revoked_key",
            "wrong_scope",
            "foreign_host",
            "foreign_site",
            "slow",
            "quota",
            "old_fields",
            "nothing_understood",
            "metrics_dropped",
            "disk_full",
            "malformed",
            "overload",
        ] {
            let trouble = Trouble { reason: Text::from_static(reason), count: 2, last_seen: NOW, ..Trouble::default() };
            let found = of_trouble(&Sender::default(), &trouble, &Endpoints::default(), Some(0));
            assert!(found.text.starts_with("2 ") && found.fix.is_some_and(|line| !line.is_empty()), "{reason}");
        }
    }

    #[test]
    fn what_went_wrong_days_ago_is_not_told() {
        let old = Trouble { reason: Text::from_static("no_key"), last_seen: NOW, ..Trouble::default() };
        let sender = Sender { troubles: vec![old], ..Sender::default() };
        assert_eq!(checks(&sender), ["error no_key"]);
        let later = Nanos(NOW.0 + 2 * NANOS_PER_DAY);
        assert_eq!(judge(0, &sender, &Endpoints::default(), later), []);
    }

    #[test]
    fn two_exporters_are_told_from_repetitions() {
        let sender = |requests, repeated_requests, accepted, duplicates| Sender {
            requests,
            repeated_requests,
            accepted,
            duplicates,
            ..Sender::default()
        };
        let fix = |sender: &Sender| duplicates(sender, None).and_then(|finding| finding.fix);
        assert_eq!(fix(&sender(10, 5, 50, 50)).as_deref(), Some("OTEL_TRACES_EXPORTER=none"));
        assert_eq!(fix(&sender(10, 9, 10, 90)).as_deref(), Some("OTEL_EXPORTER_OTLP_TIMEOUT=30000"));
        assert_eq!(fix(&sender(100, 1, 1_000, 10)), None);
        assert_eq!(fix(&sender(100, 0, 1_000, 0)), None);
    }
}
