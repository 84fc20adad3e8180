//! What is wrong with a server, judged from what it says of itself and from whether its ports answer.

use std::net::IpAddr;

use serde_json::Value as Json;

use super::finding::{Finding, Verdict};
use super::mend::Endpoints;
use super::wording::{quoted, span_of};
use crate::model::sender::Port;

/// What is known of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerFacts {
    /// Where the server was asked.
    pub url: String,
    /// Whether storing works; `false` while it fails.
    pub is_degraded: bool,
    /// The version of the server.
    pub version: Option<String>,
    /// Whether it is a server of the Python tracehub, which takes checkpoints alone.
    pub is_python: bool,
    /// The process the server runs in.
    pub pid: Option<u64>,
    /// How long the server has been running, in seconds.
    pub uptime_seconds: Option<u64>,
    /// The address of the OTLP/gRPC side port, when there is one.
    pub otlp_grpc: Option<String>,
    /// The address of the OTLP/HTTP side port, when there is one.
    pub otlp_http: Option<String>,
    /// Whether other machines can reach the server; `None` when it does not say.
    pub is_exposed: Option<bool>,
    /// Whether everyone may do everything.
    pub is_open: Option<bool>,
    /// How many keys work.
    pub keys: Option<u64>,
    /// The names the server goes by besides its address.
    pub allowed_hosts: Vec<String>,
    /// The ports, and whether they answer.
    pub ports: Vec<PortFacts>,
}

/// A port of a server, and whether it answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortFacts {
    /// Which port it is.
    pub port: Port,
    /// The address that was tried.
    pub address: String,
    /// Why it does not answer; `None` when it does.
    pub trouble: Option<String>,
    /// Whether it answers gRPC; `None` when that was not tried.
    pub speaks_grpc: Option<bool>,
}

impl ServerFacts {
    /// Reads what a server answered about itself; `url` is where it was asked.
    pub fn from_json(url: &str, json: &Json) -> ServerFacts {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let names = json["allowed_hosts"].as_array().into_iter().flatten();
        ServerFacts {
            url: url.trim_end_matches('/').to_owned(),
            is_degraded: json["status"] == "degraded",
            version: text("version"),
            is_python: json["python"] == true,
            pid: json["pid"].as_u64(),
            uptime_seconds: json["uptime_seconds"].as_u64(),
            otlp_grpc: text("otlp_grpc"),
            otlp_http: text("otlp_http"),
            is_exposed: json["exposed"].as_bool(),
            is_open: json["open"].as_bool(),
            keys: json["keys"].as_u64(),
            allowed_hosts: names.filter_map(Json::as_str).map(str::to_owned).collect(),
            ports: Vec::new(),
        }
    }

    /// Where senders should send.
    pub fn endpoints(&self) -> Endpoints {
        let scheme = self.url.split_once("://").map_or("http", |(scheme, _)| scheme);
        let beside = |address: &Option<String>| {
            address.as_deref().map(|address| format!("{scheme}://{}", self.reachable(address)))
        };
        let of_main = |side: Option<String>| side.unwrap_or_else(|| self.url.clone());
        Endpoints { http: of_main(beside(&self.otlp_http)), grpc: of_main(beside(&self.otlp_grpc)) }
    }

    /// An address of the server as whoever asked it can reach it: one that stands for all is that of the URL.
    pub fn reachable(&self, address: &str) -> String {
        let Some((host, port)) = address.rsplit_once(':') else { return address.to_owned() };
        let authority = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        let own_host = match authority.rsplit_once(':') {
            Some((own_host, own_port)) if own_port.bytes().all(|byte| byte.is_ascii_digit()) => own_host,
            _ => authority,
        };
        match host {
            "0.0.0.0" | "[::]" => format!("{own_host}:{port}"),
            host => format!("{host}:{port}"),
        }
    }
}

/// The findings about a server, those that are fine included.
pub fn judge(server: &ServerFacts) -> Vec<Finding> {
    let mut findings = vec![running(server)];
    findings.extend(server.ports.iter().map(|port| answers(server, port)));
    findings.extend(who_gets_in(server));
    findings.extend(names(server));
    findings
}

/// The finding that no server owns a file.
pub fn none_runs(trouble: Option<&str>, looked_at: &str) -> Finding {
    match trouble {
        Some(trouble) => Finding::of_server("server_down", Verdict::Error, trouble)
            .fix(format!("tracehub start --db {}", quoted(looked_at))),
        None => Finding::of_server("server_down", Verdict::Note, "no server runs on this file, so it receives nothing")
            .fix(format!("tracehub start --db {}", quoted(looked_at))),
    }
}

fn running(server: &ServerFacts) -> Finding {
    if server.is_degraded {
        let text = "it runs, but the last records it was sent could not be stored";
        return Finding::of_server("server", Verdict::Error, text).fix("tracehub doctor");
    }
    if server.is_python {
        return Finding::of_server(
            "server",
            Verdict::Note,
            "it is a server of the Python tracehub: checkpoints can be read",
        )
        .fix(format!("tracehub import {} --db traces.db", quoted(&server.url)));
    }
    let version = server.version.as_deref().map(|version| format!("tracehub {version}"));
    let up = server.uptime_seconds.map(|seconds| format!("up {}", span_of(seconds.saturating_mul(1_000_000_000))));
    let pid = server.pid.map(|pid| format!("pid {pid}"));
    let facts: Vec<String> = [version, pid, up].into_iter().flatten().collect();
    Finding::of_server("server", Verdict::Fine, format!("it runs: {}", facts.join(", ")))
}

fn answers(server: &ServerFacts, port: &PortFacts) -> Finding {
    let (what, check) = match port.port {
        Port::Main => ("the main port", "port"),
        Port::OtlpGrpc => ("OTLP/gRPC", "port_otlp_grpc"),
        Port::OtlpHttp => ("OTLP/HTTP", "port_otlp_http"),
    };
    let address = &port.address;
    match (&port.trouble, port.speaks_grpc) {
        (Some(trouble), _) => {
            Finding::of_server(check, Verdict::Error, format!("{what} at {address} cannot be reached: {trouble}"))
                .fix(format!("curl -v http://{address}/health"))
        }
        (None, Some(false)) => {
            let text = format!("{what} at {address} answers, but not gRPC: something between drops HTTP/2");
            Finding::of_server(check, Verdict::Warning, text)
                .fix(format!("OTEL_EXPORTER_OTLP_ENDPOINT={} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", server.url))
        }
        (None, Some(true)) => {
            Finding::of_server(check, Verdict::Fine, format!("{what} at {address} answers, gRPC too"))
        }
        (None, None) => Finding::of_server(check, Verdict::Fine, format!("{what} at {address} answers")),
    }
}

fn who_gets_in(server: &ServerFacts) -> Option<Finding> {
    let is_exposed = server.is_exposed?;
    let keys = server.keys;
    Some(match (is_exposed, server.is_open, keys) {
        (true, Some(true), _) => {
            let text = "other machines can reach it, and everyone may read and delete everything";
            Finding::of_server("exposure", Verdict::Error, text)
                .fix("tracehub keys create --project NAME --scope admin")
        }
        (true, _, Some(0)) => {
            let text = "other machines can reach it, so it wants keys, and none works: it answers nobody";
            Finding::of_server("exposure", Verdict::Error, text).fix("tracehub keys create --project NAME")
        }
        (true, _, _) => {
            let text = "other machines can reach it, and everyone needs a key; keys travel unencrypted over plain HTTP";
            Finding::of_server("exposure", Verdict::Note, text)
        }
        (false, Some(true), _) => {
            let text = "only this machine can reach it, and nobody needs a key";
            Finding::of_server("exposure", Verdict::Fine, text)
        }
        (false, _, _) => {
            Finding::of_server("exposure", Verdict::Fine, "only this machine can reach it, and everyone needs a key")
        }
    })
}

fn names(server: &ServerFacts) -> Option<Finding> {
    let is_name = |name: &&str| name.parse::<IpAddr>().is_err() && *name != "localhost";
    let shown: Vec<&str> = server.allowed_hosts.iter().map(String::as_str).filter(is_name).collect();
    (!shown.is_empty()).then(|| {
        Finding::of_server("names", Verdict::Fine, format!("besides its address it goes by {}", shown.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(json: &Json) -> ServerFacts {
        ServerFacts::from_json("http://10.0.0.7:8099/", json)
    }

    fn verdicts(server: &ServerFacts) -> Vec<String> {
        judge(server).iter().map(|finding| format!("{} {}", finding.verdict.as_str(), finding.check)).collect()
    }

    #[test]
    fn addresses_that_stand_for_all_are_reached_where_the_server_was_asked() {
        let server = facts(&json!({ "otlp_grpc": "0.0.0.0:4317", "otlp_http": "127.0.0.1:4318" }));
        let endpoints = server.endpoints();
        assert_eq!(
            (endpoints.grpc.as_str(), endpoints.http.as_str()),
            ("http://10.0.0.7:4317", "http://127.0.0.1:4318")
        );
        let bare = facts(&json!({})).endpoints();
        assert_eq!((bare.grpc.as_str(), bare.http.as_str()), ("http://10.0.0.7:8099", "http://10.0.0.7:8099"));
    }

    #[test]
    fn exposure_is_judged_by_who_gets_in() {
        let of = |exposed: bool, open: bool, keys: u64| {
            verdicts(&facts(&json!({ "exposed": exposed, "open": open, "keys": keys }))).pop().unwrap_or_default()
        };
        assert_eq!(of(false, true, 0), "ok exposure");
        assert_eq!(of(false, false, 2), "ok exposure");
        assert_eq!(of(true, false, 2), "note exposure");
        assert_eq!(of(true, false, 0), "error exposure");
        assert_eq!(of(true, true, 0), "error exposure");
    }

    #[test]
    fn a_port_that_does_not_answer_or_lost_grpc_is_named() {
        let port = PortFacts { address: "h:4317".to_owned(), port: Port::OtlpGrpc, ..PortFacts::default() };
        let dead = PortFacts { trouble: Some("connection refused".to_owned()), ..port.clone() };
        let lost = PortFacts { speaks_grpc: Some(false), ..port };
        let server = ServerFacts { ports: vec![dead, lost], ..facts(&json!({ "status": "degraded" })) };
        assert_eq!(verdicts(&server), ["error server", "error port_otlp_grpc", "warning port_otlp_grpc"]);
    }
}
