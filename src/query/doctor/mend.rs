//! Lines that mend what senders do: variables of the OpenTelemetry SDKs, of our own clients, and commands.
//!
//! The variables are those of the
//! [specification](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/), which every SDK and
//! the Collector's receivers know.

use crate::model::sender::Sender;

/// Where senders should send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The base URL for OTLP over HTTP, checkpoints and logs.
    pub http: String,
    /// The URL for OTLP over gRPC.
    pub grpc: String,
}

impl Default for Endpoints {
    fn default() -> Endpoints {
        Endpoints { http: "http://127.0.0.1:8099".to_owned(), grpc: "http://127.0.0.1:8099".to_owned() }
    }
}

/// What an exporter speaks.
const HTTP_PROTOBUF: &str = "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf";

impl Endpoints {
    /// The line that sends everything over HTTP to the right place.
    pub fn over_http(&self) -> String {
        format!("OTEL_EXPORTER_OTLP_ENDPOINT={} {HTTP_PROTOBUF}", self.http)
    }

    /// The line that sends everything over gRPC to the right place.
    pub fn over_grpc(&self) -> String {
        format!("OTEL_EXPORTER_OTLP_ENDPOINT={} OTEL_EXPORTER_OTLP_PROTOCOL=grpc", self.grpc)
    }

    /// The line for a sender that used a path where there is nothing.
    pub fn instead_of(&self, path: &str) -> String {
        let lower = path.to_lowercase();
        let is_of = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if lower.contains(".service/") || lower.contains("service/export") {
            return self.over_http();
        }
        if is_of(&["ingest", "checkpoint"]) {
            return format!("TRACEHUB_URL={}", self.http);
        }
        // An endpoint for all signals gets the path of each put behind it, one for a signal is used as it is.
        if lower.matches("/v1/").count() > 1 {
            return format!("OTEL_EXPORTER_OTLP_ENDPOINT={}", self.http);
        }
        if is_of(&["zipkin", "/api/v2/spans", "/api/traces", "jaeger", "loki", "push", "profiles"]) {
            return format!("OTEL_TRACES_EXPORTER=otlp {}", self.over_http());
        }
        let (signal, path) = match (is_of(&["log"]), is_of(&["metric"])) {
            (true, _) => ("LOGS", "/v1/logs"),
            (_, true) => ("METRICS", "/v1/metrics"),
            _ => ("TRACES", "/v1/traces"),
        };
        format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT={}{path}", self.http)
    }
}

/// What a sender is, as far as it matters for the line it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Something that sends OTLP.
    Otlp,
    /// One of our own clients for checkpoints or logs.
    Ours,
}

/// What sends to a path.
pub fn client_of(sender: &Sender, path: &str) -> Client {
    let is_ours =
        path.starts_with("/ingest") || path.starts_with("/api/v1/ingest") || path.starts_with("/api/v1/records");
    match is_ours || sender.agent.to_lowercase().starts_with("tracehub") {
        true => Client::Ours,
        false => Client::Otlp,
    }
}

/// The line with a key for a sender.
pub fn with_key(client: Client) -> String {
    match client {
        Client::Otlp => "OTEL_EXPORTER_OTLP_HEADERS=x-api-key=$(tracehub keys create --project NAME)".to_owned(),
        Client::Ours => "TRACEHUB_API_KEY=$(tracehub keys create --project NAME)".to_owned(),
    }
}

/// The line that makes requests smaller.
pub fn smaller(client: Client) -> &'static str {
    match client {
        Client::Otlp => "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=128 OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=128",
        Client::Ours => "TRACEHUB_BATCH_SIZE=10",
    }
}

/// The line that brings an SDK up to date, as far as its `User-Agent` says which it is.
pub fn newer(sender: &Sender) -> &'static str {
    let agent = sender.agent.to_lowercase();
    let lines = [
        ("collector", "docker pull otel/opentelemetry-collector-contrib:latest"),
        ("python", "pip install -U opentelemetry-sdk opentelemetry-exporter-otlp"),
        ("javascript", "npm install @opentelemetry/sdk-node@latest @opentelemetry/exporter-trace-otlp-http@latest"),
        ("node", "npm install @opentelemetry/sdk-node@latest @opentelemetry/exporter-trace-otlp-http@latest"),
        (
            "java",
            "curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar",
        ),
        ("dotnet", "dotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol"),
        (".net", "dotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol"),
        ("ruby", "bundle update opentelemetry-sdk opentelemetry-exporter-otlp"),
        ("php", "composer update open-telemetry/sdk open-telemetry/exporter-otlp"),
        ("rust", "cargo update -p opentelemetry-otlp"),
        ("go", "go get -u go.opentelemetry.io/otel go.opentelemetry.io/otel/exporters/otlp/otlptrace"),
    ];
    let found = lines.iter().find(|(word, _)| agent.contains(word));
    found.map_or("update the OpenTelemetry SDK or Collector to one that speaks OTLP 0.19 or later", |(_, line)| line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Text;

    #[test]
    fn each_wrong_path_has_its_own_line() {
        let endpoints = Endpoints { http: "http://h:4318".to_owned(), grpc: "http://h:4317".to_owned() };
        for (path, line) in [
            ("/v1/trace", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://h:4318/v1/traces"),
            ("/v1/log", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://h:4318/v1/logs"),
            ("/v1/traces/v1/traces", "OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318"),
            ("/ingests", "TRACEHUB_URL=http://h:4318"),
            (
                "/api/v2/spans",
                "OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            ),
        ] {
            assert_eq!(endpoints.instead_of(path), line, "{path}");
        }
    }

    #[test]
    fn an_sdk_is_updated_with_the_command_of_its_language() {
        let of = |agent: &'static str| newer(&Sender { agent: Text::from_static(agent), ..Sender::default() });
        assert!(of("OTel-OTLP-Exporter-Python/1.5").starts_with("pip "));
        assert!(of("OTel-OTLP-Exporter-JavaScript/0.2").starts_with("npm "));
        assert!(of("OTel-OTLP-Exporter-Java/1.2").starts_with("curl "));
        assert!(of("something").starts_with("update "));
    }
}
