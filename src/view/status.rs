//! The state of a server and its database, as text and as JSON.

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr as _;

use super::out::escape;
use super::out::format::{age, bytes, count, counted, duration, rate, retention};
use super::out::style::Style;
use super::out::text::width;
use crate::model::json::SCHEMA;
use crate::model::json::document::document;
use crate::model::time::NANOS_PER_SECOND;
use crate::model::{DatabaseInfo, Nanos, Stats};

/// What is known of a server and its database; what is not known is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatusReport {
    /// The server, when one runs.
    pub server: Option<ServerFacts>,
    /// Where the server was looked for: a URL, or the file it would own.
    pub looked_at: String,
    /// Why the server cannot be asked, or the database not be read.
    pub trouble: Option<String>,
    /// The database.
    pub database: Option<Stats>,
    /// The traces of the last hour: how many, and how many of them failed.
    pub last_hour: Option<(u64, u64)>,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerFacts {
    /// `ok`, or `degraded` while storing fails.
    pub status: String,
    /// The base URL of the server.
    pub url: String,
    /// The process the server runs in.
    pub pid: Option<u64>,
    /// The version of the server.
    pub version: Option<String>,
    /// Whether it is a server of the Python tracehub, which takes checkpoints alone.
    pub is_python: bool,
    /// How long the server has been running, in seconds.
    pub uptime_seconds: Option<u64>,
    /// The address of the OTLP/gRPC side port, when there is one.
    pub otlp_grpc: Option<String>,
    /// The address of the OTLP/HTTP side port, when there is one.
    pub otlp_http: Option<String>,
    /// How many records were refused since the server started.
    pub rejected: Option<u64>,
    /// When the last record came in.
    pub last_received: Option<Nanos>,
}

impl ServerFacts {
    /// Reads what a server answered about itself; `url` is where it was asked.
    pub fn from_json(url: &str, json: &Json) -> ServerFacts {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        ServerFacts {
            status: text("status").unwrap_or_else(|| "ok".to_owned()),
            url: url.trim_end_matches('/').to_owned(),
            pid: json["pid"].as_u64(),
            version: text("version"),
            is_python: json["python"] == true,
            uptime_seconds: json["uptime_seconds"].as_f64().map(|seconds| seconds.max(0.0) as u64),
            otlp_grpc: text("otlp_grpc"),
            otlp_http: text("otlp_http"),
            rejected: json["rejected"].as_u64(),
            last_received: json["last_received_time"].as_str().and_then(Nanos::parse_rfc3339),
        }
    }
}

impl StatusReport {
    /// Whether a server runs.
    pub fn is_up(&self) -> bool {
        self.server.is_some()
    }
}

document! {
    StatusReport as report {
        let server = report.server.as_ref();
        "schema" = SCHEMA,
        "status" = server.map_or("down", |server| if server.status == "degraded" { "degraded" } else { "up" }),
        "url" = server.map(|server| &server.url),
        "pid" = server.and_then(|server| server.pid),
        "version" = server.and_then(|server| server.version.as_ref()),
        "uptime_seconds" = server.and_then(|server| server.uptime_seconds),
        "otlp_grpc" = server.and_then(|server| server.otlp_grpc.as_ref()),
        "otlp_http" = server.and_then(|server| server.otlp_http.as_ref()),
        "rejected" = server.and_then(|server| server.rejected),
        "last_received_time" = server.and_then(|server| server.last_received),
        "database" = report.database.as_ref().map(|stats| DatabaseFacts { database: &stats.database, stats }),
        "last_hour" = report.last_hour.map(|(traces, failed)| json!({ "traces": traces, "failed": failed })),
        "trouble" = report.trouble,
    }
}

/// What `status` says of a database: where it lies and what it holds.
pub struct DatabaseFacts<'s> {
    database: &'s DatabaseInfo,
    stats: &'s Stats,
}

document! {
    DatabaseFacts<'_> as facts {
        ..database,
        "traces" = facts.stats.traces,
        "spans" = facts.stats.spans,
        "checkpoints" = facts.stats.checkpoints,
        "logs" = facts.stats.logs,
        "errors" = facts.stats.errors,
        "last_time" = facts.stats.last,
    }
}

/// Draws the state of a server in a few lines.
pub fn render(report: &StatusReport, style: &Style) -> String {
    let dot = if style.ascii { "-" } else { "·" };
    let mut lines = vec![head(report, style)];
    if let Some(server) = &report.server {
        lines.push(format!("  receives  {}", receives(server)));
    }
    if let Some(stats) = &report.database {
        lines.push(database(stats, style));
        if let Some(rows) = stats.database.damaged_rows.filter(|rows| *rows > 0) {
            let damaged = format!("{} that cannot be read", counted(rows, "row"));
            lines.push(format!("  damaged   {}", if style.color { damaged.yellow().to_string() } else { damaged }));
        }
    }
    if let Some((traces, failed)) = report.last_hour {
        let mut parts = vec![counted(traces, "trace")];
        if traces > 0 {
            let rate = if failed == 0 { "0%".to_owned() } else { rate(failed, traces) };
            parts.push(format!("{rate} failed"));
        }
        if let Some(rejected) = report.server.as_ref().and_then(|server| server.rejected) {
            parts.push(format!("{} rejected since start", count(rejected)));
        }
        if let Some(last) = report.database.as_ref().and_then(|stats| stats.last) {
            parts.push(format!("last trace {} ago", age(style.now.since(last))));
        }
        let mut line = "  last hour".to_owned();
        for (place, part) in parts.into_iter().enumerate() {
            let separator = if place == 0 { " ".to_owned() } else { format!(" {dot} ") };
            let end = width(&line) + width(&separator) + width(&part);
            let is_full = style.is_terminal && end > style.width;
            line += &if is_full && place > 0 { format!("\n            {part}") } else { separator + &part };
        }
        lines.push(line);
    }
    if let Some(trouble) = &report.trouble {
        lines.push(format!("  trouble   {}", escape(trouble)));
    }
    lines.join("\n") + "\n"
}

fn head(report: &StatusReport, style: &Style) -> String {
    let dot = if style.ascii { "-" } else { "·" };
    let Some(server) = &report.server else {
        let sign = if style.ascii { "o" } else { "○" };
        return format!("{sign} not running   {}", escape(&report.looked_at));
    };
    let sign = if style.ascii { "*" } else { "●" };
    let sign = match (style.color, server.status == "degraded") {
        (false, _) => sign.to_owned(),
        (true, false) => sign.green().to_string(),
        (true, true) => sign.yellow().to_string(),
    };
    let state = if server.status == "degraded" { "degraded" } else { "running" };
    let facts = [
        server.pid.map(|pid| format!("pid {pid}")),
        server.uptime_seconds.map(|seconds| format!("up {}", duration(seconds.saturating_mul(NANOS_PER_SECOND)))),
        server.version.as_ref().map(|version| format!("tracehub {}", escape(version))),
        server.is_python.then(|| "Python tracehub".to_owned()),
        Some(escape(&server.url).into_owned()),
    ];
    format!("{sign} {state}   {}", facts.into_iter().flatten().collect::<Vec<_>>().join(&format!(" {dot} ")))
}

fn receives(server: &ServerFacts) -> String {
    if server.is_python {
        return "/ingest".to_owned();
    }
    let port = |address: &str| address.rsplit(':').next().map(|port| escape(port).into_owned());
    let main = port(&server.url).unwrap_or_default();
    let beside = |side: &Option<String>| {
        let port = side.as_deref().and_then(port).map(|port| format!(" (+{port})"));
        port.unwrap_or_default()
    };
    format!("OTLP/HTTP :{main}{}  OTLP/gRPC :{main}{}  /ingest", beside(&server.otlp_http), beside(&server.otlp_grpc))
}

/// The line about the database; two lines where one is too narrow.
fn database(stats: &Stats, style: &Style) -> String {
    let kept = match stats.database.retention_seconds {
        Some(seconds) => format!("keeps {}", retention(seconds)),
        None => "keeps everything".to_owned(),
    };
    let kinds =
        [(stats.spans, "span"), (stats.checkpoints, "checkpoint"), (stats.logs, "log"), (stats.traces, "trace")];
    let is_shown = |(number, what): &(u64, &str)| *number > 0 || matches!(*what, "span" | "trace");
    let counts = kinds.into_iter().filter(is_shown).map(|(number, what)| format!("{}  ", counted(number, what)));
    let place = format!("  database  {}  {}", escape(&stats.database.location), bytes(stats.database.size_bytes));
    let counts = format!("{}{kept}", counts.collect::<String>());
    let fits = place.width() + counts.width() + 2 <= style.width;
    format!("{place}{}{counts}", if fits || !style.is_terminal { "  " } else { "\n            " })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::model::json::object;

    fn style(ascii: bool) -> Style {
        let now = Nanos(1_795_252_442_117_000_000);
        Style { width: 80, color: false, ascii, is_terminal: true, times: None, now, zone: TimeZone::UTC }
    }

    fn report() -> StatusReport {
        let facts = json!({"status": "ok", "pid": 4121, "version": "0.3.0", "uptime_seconds": 11_520.5, "rejected": 0,
            "otlp_grpc": "127.0.0.1:4317", "otlp_http": "127.0.0.1:4318", "last_received_time": null});
        let database = DatabaseInfo {
            location: "~/traces.db".into(),
            size_bytes: 88_290_000,
            retention_seconds: Some(86_400),
            damaged_rows: Some(0),
        };
        StatusReport {
            server: Some(ServerFacts::from_json("http://127.0.0.1:8099/", &facts)),
            looked_at: "~/traces.db".into(),
            trouble: None,
            database: Some(Stats {
                traces: 1_284,
                spans: 38_112,
                last: Some(Nanos(1_795_252_440_000_000_000)),
                database,
                ..Stats::default()
            }),
            last_hour: Some((1_284, 31)),
        }
    }

    #[test]
    fn a_running_server_says_what_it_receives_and_holds() {
        insta::assert_snapshot!(render(&report(), &style(false)), @r"
        ● running   pid 4121 · up 3h12m · tracehub 0.3.0 · http://127.0.0.1:8099
          receives  OTLP/HTTP :8099 (+4318)  OTLP/gRPC :8099 (+4317)  /ingest
          database  ~/traces.db  84.2 MiB  38,112 spans  1,284 traces  keeps 24h
          last hour 1,284 traces · 2.4% failed · 0 rejected since start
                    last trace 2s ago
        ");
    }

    #[test]
    fn damaged_rows_have_a_line_when_there_are_some() {
        let mut report = report();
        if let Some(stats) = &mut report.database {
            stats.database.damaged_rows = Some(2);
        }
        let text = render(&report, &style(false));
        assert_eq!(text.lines().nth(3), Some("  damaged   2 rows that cannot be read"));
        assert_eq!(object(&report)["database"]["damaged_rows"], json!(2));
    }

    #[test]
    fn one_of_each_is_singular() {
        let mut report = report();
        let one = Stats { traces: 1, spans: 1, checkpoints: 1, logs: 1, ..report.database.take().unwrap_or_default() };
        (report.database, report.last_hour) = (Some(one), Some((1, 0)));
        let text = render(&report, &Style { width: 120, ..style(false) });
        let lines: Vec<&str> = text.lines().skip(2).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
          database  ~/traces.db  84.2 MiB  1 span  1 checkpoint  1 log  1 trace  keeps 24h
          last hour 1 trace · 0% failed · 0 rejected since start · last trace 2s ago
        ");
    }

    #[test]
    fn a_server_that_is_down_says_where_it_was_looked_for() {
        let report = StatusReport { looked_at: "http://h\x1b[2J".into(), ..StatusReport::default() };
        assert_eq!(render(&report, &style(true)), "o not running   http://h\\x1b[2J\n");
        assert_eq!(
            (object(&report)["status"].clone(), object(&report).len()),
            (json!("down"), object(&self::report()).len())
        );
    }
}
