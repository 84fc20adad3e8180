//! What is wrong with a file, a server and those who send to it, as text and as JSON: each finding a line with a mark, and
//! below it the line to paste, which is never cut.

use serde_json::{Value as Json, json};

use super::out::canvas::{Line, Paint, Sheet};
use super::out::format::{age, count, counted};
use super::out::style::Style;
use crate::model::json::SCHEMA;
use crate::model::json::document::document;
use crate::model::sender::Sender;
use crate::query::doctor::{Area, Finding, Report, ServerFacts, Verdict};
use crate::store::redact::{Found, FoundAt};
use crate::store::sqlite::examine::{FileFacts, State};

/// Most rows of a terminal that one sentence takes.
const MOST_ROWS: usize = 6;
/// Most services that are named in a heading.
const NAMED_SERVICES: usize = 3;

document! {
    Report as report {
        "schema" = SCHEMA,
        "status" = report.worst().as_str(),
        "errors" = report.count(Verdict::Error),
        "warnings" = report.count(Verdict::Warning),
        "location" = report.looked_at,
        "file" = report.file.as_ref().map(file_facts),
        "server" = report.server.as_ref().map(server_facts),
        "trouble" = report.trouble,
        "secrets" = report.secrets.as_ref().map(secrets),
        "findings" = findings(report),
        "senders" = report.senders.iter().map(|sender| json!(sender)).collect::<Vec<Json>>(),
    }
}

/// The keys of a finding in JSON.
pub const FINDING_KEYS: &[&str] = &[
    "check",
    "severity",
    "area",
    "address",
    "user_agent",
    "sdk",
    "sdk_version",
    "service",
    "services",
    "text",
    "count",
    "fix",
];

/// The findings that are not fine, the worst first.
fn findings(report: &Report) -> Vec<Json> {
    let mut found: Vec<&Finding> = report.findings.iter().filter(|finding| finding.verdict != Verdict::Fine).collect();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    found.into_iter().map(|finding| finding_json(report, finding)).collect()
}

fn finding_json(report: &Report, finding: &Finding) -> Json {
    let sender = finding.sender.and_then(|place| report.senders.get(place));
    let services = sender.map(|sender| sender.services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>());
    json!({
        "check": finding.check,
        "severity": finding.verdict.as_str(),
        "area": finding.area.as_str(),
        "address": sender.map(|sender| sender.address.as_str()),
        "user_agent": sender.map(|sender| sender.agent.as_str()).filter(|agent| !agent.is_empty()),
        "sdk": sender.and_then(|sender| sender.sdk().0),
        "sdk_version": sender.and_then(|sender| sender.sdk().1),
        "service": finding.service,
        "services": services,
        "text": finding.text,
        "count": finding.count,
        "fix": finding.fix,
    })
}

/// The keys of what is known of a file in JSON.
pub const FILE_KEYS: &[&str] =
    &["path", "schema", "size_bytes", "log_bytes", "free_bytes", "damaged_rows", "file_system", "owner_pid"];

fn file_facts(file: &FileFacts) -> Json {
    let schema = match file.state {
        State::Ours(schema) => Some(schema),
        _ => None,
    };
    json!({
        "path": file.path.display().to_string(),
        "schema": schema,
        "size_bytes": file.size_bytes,
        "log_bytes": file.log_bytes,
        "free_bytes": file.place.free_bytes,
        "damaged_rows": file.damaged.as_ref().map(|damaged| damaged.rows),
        "file_system": file.place.file_system.map(|kind| kind.name),
        "owner_pid": file.owner,
    })
}

/// The keys of what is known of secrets in JSON.
pub const SECRETS_KEYS: &[&str] = &["records", "with_secrets", "places"];

fn secrets(found: &Found) -> Json {
    let place = |at: &FoundAt| {
        let example = at.example.as_ref().map(ToString::to_string);
        json!({ "rule": at.rule, "place": at.place, "count": at.count, "example": example })
    };
    json!({
        "records": found.records,
        "with_secrets": found.with_secrets,
        "places": found.places.iter().map(place).collect::<Vec<_>>(),
    })
}

/// The keys of what is known of a server in JSON.
pub const SERVER_KEYS: &[&str] =
    &["url", "version", "pid", "otlp_grpc", "otlp_http", "exposed", "open", "keys", "allowed_hosts"];

fn server_facts(server: &ServerFacts) -> Json {
    json!({
        "url": server.url,
        "version": server.version,
        "pid": server.pid,
        "otlp_grpc": server.otlp_grpc,
        "otlp_http": server.otlp_http,
        "exposed": server.is_exposed,
        "open": server.is_open,
        "keys": server.keys,
        "allowed_hosts": server.allowed_hosts,
    })
}

/// Draws a report.
pub fn render(report: &Report, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    let is_file = report.file.is_some();
    if is_file || report.secrets.is_some() {
        let path = report.file.as_ref().map(|file| file.path.display().to_string()).unwrap_or_default();
        heading(&mut sheet, if is_file { "file" } else { "records" }, &path);
        report.of(Area::File).for_each(|finding| draw(&mut sheet, 2, finding));
        sheet.gap();
    }
    let url = report.server.as_ref().map_or(if is_file { "" } else { &report.looked_at }, |server| server.url.as_str());
    heading(&mut sheet, "server", url);
    report.of(Area::Server).for_each(|finding| draw(&mut sheet, 2, finding));
    sheet.gap();
    senders(&mut sheet, report, style);
    sheet.gap();
    sheet.line(summary(report));
    sheet.finish()
}

fn heading(sheet: &mut Sheet<'_>, name: &str, of: &str) {
    let mut line = Line::painted(name, Paint::Bold);
    line.pad(9).add(sheet.stored(of), Paint::Plain);
    sheet.line(line);
}

fn mark(verdict: Verdict) -> (&'static str, Paint) {
    match verdict {
        Verdict::Fine => ("✓", Paint::Good),
        Verdict::Note => ("·", Paint::Dim),
        Verdict::Warning => ("!", Paint::Warn),
        Verdict::Error => ("✗", Paint::Bad),
    }
}

/// Draws a finding behind so many spaces, and the line to paste below it.
fn draw(sheet: &mut Sheet<'_>, indent: usize, finding: &Finding) {
    let (mark, paint) = mark(finding.verdict);
    let text = sheet.stored(&finding.text);
    let mut line = Line::new();
    line.pad(indent).add(mark, paint).add(" ", Paint::Plain).add(text, Paint::Plain);
    sheet.wrapped(MOST_ROWS, indent + 2, line);
    if let Some(fix) = finding.fix.as_ref().filter(|_| finding.verdict != Verdict::Fine) {
        let fix = sheet.stored(fix);
        sheet.whole(Line::painted(fix, Paint::Hue(0)).indented(indent + 4));
    }
}

fn senders(sheet: &mut Sheet<'_>, report: &Report, style: &Style) {
    let unknown = report.of_sender(None);
    if report.senders.is_empty() && unknown.is_empty() {
        heading(sheet, "senders", "none heard of yet");
        return;
    }
    heading(sheet, "senders", &count(report.senders.len() as u64));
    for (place, sender) in report.senders.iter().enumerate() {
        sheet.wrapped(2, 4, sender_heading(sheet, sender));
        sheet.wrapped(2, 6, sender_counts(sender, style));
        report.of_sender(Some(place)).into_iter().for_each(|finding| draw(sheet, 4, finding));
    }
    if !unknown.is_empty() {
        sheet.line(Line::painted("services whose sender was not seen", Paint::Dim).indented(2));
        unknown.into_iter().for_each(|finding| draw(sheet, 4, finding));
    }
}

fn sender_heading(sheet: &Sheet<'_>, sender: &Sender) -> Line {
    let mut line = Line::new();
    line.pad(2).add(sheet.stored(&sender.address), Paint::Bold);
    if !sender.agent.is_empty() {
        line.add("  ", Paint::Plain).add(sheet.stored(&sender.agent), Paint::Plain);
    }
    let named: Vec<String> =
        sender.services.iter().take(NAMED_SERVICES).map(|service| sheet.stored(&service.name)).collect();
    if !named.is_empty() {
        line.add("  ", Paint::Plain).add(named.join(", "), Paint::Hue(0));
    }
    if let Some(more) = sender.services.len().checked_sub(NAMED_SERVICES).filter(|more| *more > 0) {
        line.add(format!(" and {more} more"), Paint::Dim);
    }
    line
}

fn sender_counts(sender: &Sender, style: &Style) -> Line {
    let (mark, paint) = if sender.requests > 0 { ("✓", Paint::Good) } else { ("·", Paint::Dim) };
    let mut facts = vec![format!("{} in {}", counted(sender.accepted, "record"), counted(sender.requests, "request"))];
    if sender.refused_requests > 0 {
        facts.push(format!("{} refused", count(sender.refused_requests)));
    }
    if sender.duplicates > 0 {
        facts.push(counted(sender.duplicates, "duplicate"));
    }
    facts.push(format!("last {} ago", age(style.now.since(sender.last_seen))));
    let mut line = Line::new();
    line.pad(4).add(mark, paint).add(" ", Paint::Plain).add(facts.join(" · "), Paint::Dim);
    line
}

fn summary(report: &Report) -> Line {
    let (errors, warnings) = (report.count(Verdict::Error) as u64, report.count(Verdict::Warning) as u64);
    let mut line = Line::new();
    if report.is_fine() {
        return line.with("✓", Paint::Good).with(" nothing is wrong", Paint::Plain);
    }
    if errors > 0 {
        line.add("✗", Paint::Bad).add(format!(" {}", counted(errors, "error")), Paint::Plain);
    }
    if warnings > 0 {
        let gap = if errors > 0 { "  " } else { "" };
        line.add(gap, Paint::Plain)
            .add("!", Paint::Warn)
            .add(format!(" {}", counted(warnings, "warning")), Paint::Plain);
    }
    line
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::model::json::object;
    use crate::model::sender::{Port, SenderService, Trouble};
    use crate::model::{Nanos, Text};
    use crate::query::doctor::PortFacts;
    use crate::query::doctor::file::tests::fine;

    const NOW: Nanos = Nanos(1_795_252_442_000_000_000);

    fn style(width: usize) -> Style {
        Style { width, color: false, ascii: false, is_terminal: true, times: None, now: NOW, zone: TimeZone::UTC }
    }

    fn report() -> Report {
        let service = SenderService {
            name: Text::from("shop\x1b[2J"),
            records: 1_284,
            offsets_ns: vec![7_200_000_000_000],
            ..SenderService::default()
        };
        let trouble = |reason: &'static str, path: &'static str, port| Trouble {
            reason: Text::from_static(reason),
            path: Text::from_static(path),
            port,
            count: 12,
            last_seen: NOW,
            detail: Text::default(),
        };
        let python = Sender {
            address: Text::from("127.0.0.1"),
            agent: Text::from("OTel-OTLP-Exporter-Python/1.45.2"),
            last_seen: Nanos(NOW.0 - 2_000_000_000),
            requests: 31,
            refused_requests: 12,
            accepted: 1_284,
            services: vec![service],
            troubles: vec![trouble("no_such_path", "/v1/trace", Port::Main)],
            ..Sender::default()
        };
        let silent = Sender {
            address: Text::from("10.0.0.7"),
            last_seen: NOW,
            refused_requests: 12,
            troubles: vec![trouble("tls_on_plain_port", "", Port::OtlpHttp)],
            ..Sender::default()
        };
        let port = |port, address: &str, speaks_grpc| PortFacts {
            port,
            address: address.to_owned(),
            trouble: None,
            speaks_grpc,
        };
        let server = ServerFacts {
            url: "http://127.0.0.1:8099".to_owned(),
            version: Some("0.3.0".to_owned()),
            pid: Some(4_121),
            uptime_seconds: Some(11_520),
            otlp_http: Some("127.0.0.1:4318".to_owned()),
            is_exposed: Some(false),
            is_open: Some(true),
            keys: Some(0),
            ports: vec![port(Port::Main, "127.0.0.1:8099", Some(true)), port(Port::OtlpHttp, "127.0.0.1:4318", None)],
            ..ServerFacts::default()
        };
        let report = Report {
            looked_at: "/var/lib/t.db".to_owned(),
            file: Some(fine()),
            server: Some(server),
            senders: vec![python, silent],
            ..Report::default()
        };
        report.judge(NOW)
    }

    #[test]
    fn a_report_at_eighty_columns() {
        insta::assert_snapshot!(render(&report(), &style(80)));
    }

    #[test]
    fn a_report_at_a_hundred_and_twenty_columns_in_ascii() {
        insta::assert_snapshot!(render(&report(), &Style { ascii: true, ..style(120) }));
    }

    #[test]
    fn lines_to_paste_are_whole_however_narrow_the_terminal_is() {
        let text = render(&report(), &style(40));
        for finding in &report().findings {
            let fix = finding.fix.as_deref().unwrap_or_default();
            assert!(finding.verdict == Verdict::Fine || text.contains(fix), "{fix} is not in\n{text}");
        }
    }

    #[test]
    fn json_has_the_findings_that_are_not_fine_with_their_sender() {
        let report = report();
        let json = object(&report);
        let found = json["findings"].as_array().expect("a list");
        let checks: Vec<&str> = found.iter().filter_map(|finding| finding["check"].as_str()).collect();
        assert_eq!(checks, ["wrong_path", "tls_on_plain_port", "clock_ahead"]);
        assert_eq!(
            (&found[0]["sdk"], &found[0]["sdk_version"]),
            (&json!("OTel-OTLP-Exporter-Python"), &json!("1.45.2"))
        );
        let keys = |value: &Json| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&found[0]), FINDING_KEYS);
        assert_eq!(keys(&json["file"]), FILE_KEYS);
        assert_eq!(keys(&json["server"]), SERVER_KEYS);
        assert_eq!((&json["status"], &json["errors"], &json["warnings"]), (&json!("error"), &json!(2), &json!(1)));
    }
}
