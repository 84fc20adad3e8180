//! `tracehub start`: the server in the foreground, from the ready line to the last acknowledged record on disk.

mod callers;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use self::callers::{CallerArgs, allowed_hosts};
use crate::cli::context::{Context, print};
use crate::cli::environment::{variable, variable_os};
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::redaction::{RedactArgs, read_rules};
use crate::cli::flags::values::{Keep, keep};
use crate::cli::logging;
use crate::cli::paths::short_path;
use crate::cli::signals::{Hangups, Signals};
use crate::cli::target;
use crate::secret::Hidden;
use crate::server::{self, Config, Limits, Openness, Running, SidePort, TlsFiles, Webhooks, descriptors};
use crate::store::sqlite::Durability;
use crate::view::out::{escape, format};

/// Run the server in the foreground
#[derive(Debug, Args)]
#[command(after_help = "\
Point OpenTelemetry SDKs at it with
OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318, or 4317 for gRPC; the main
port takes both as well. Ctrl-C or SIGTERM stops it; everything acknowledged is
on disk by then.

A server that other machines can reach, and every server after its first key,
wants a key of its callers: see `tracehub keys --help`. With --redact and
--tls-cert, SIGHUP has rules and certificate read anew; a certificate that
changes is noticed without it, too.

Examples:
  tracehub start
  tracehub start --db ./traces.db --retention 7d
  tracehub start --port 0 --otlp-grpc off --otlp-http off
  tracehub start --port 8100 --db http://traces.example:8099
  TRACEHUB_PORT=9000 tracehub start --host 0.0.0.0 --allowed-host traces.example")]
pub struct StartArgs {
    /// Address or name to listen on
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    host: String,

    /// Main port; 0 picks a free one [env: TRACEHUB_PORT] [default: 8099]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// How long to keep records after they were received, or `off` [env: TRACEHUB_RETENTION_HOURS] [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = keep)]
    retention: Option<Keep>,

    /// Also receive OTLP/gRPC there, or `off` [default: 127.0.0.1:4317, unless busy]
    #[arg(long, value_name = "ADDR|off", value_parser = side_port)]
    otlp_grpc: Option<SidePort>,

    /// Also receive OTLP/HTTP there, or `off` [default: 127.0.0.1:4318, unless busy]
    #[arg(long, value_name = "ADDR|off", value_parser = side_port)]
    otlp_http: Option<SidePort>,

    /// When a write counts as stored
    #[arg(long, value_enum, default_value_t)]
    durability: Durability,

    /// Write to a file on a network file system, which no other machine may open
    #[arg(long)]
    allow_network_fs: bool,

    /// Name that requests may use for this server, besides its address; repeat for more [env: TRACEHUB_ALLOWED_HOSTS]
    #[arg(long, value_name = "NAME")]
    allowed_host: Vec<String>,

    #[command(flatten)]
    callers: CallerArgs,

    /// Answer other machines without a key, which lets all of them read, send and delete: for closed networks
    #[arg(long)]
    open_network: bool,

    /// Answer callers on this machine without a key, also when others need one; not behind a proxy on this machine
    #[arg(long)]
    open_loopback: bool,

    /// Post every new or reopened issue there; repeat for more [env: TRACEHUB_WEBHOOKS, with commas]
    #[arg(long, value_name = "URL")]
    webhook: Vec<String>,

    /// What posts to webhooks are signed with, in X-TraceHub-Signature [env: TRACEHUB_WEBHOOK_SECRET]
    #[arg(long, value_name = "SECRET")]
    webhook_secret: Option<Hidden>,

    #[command(flatten)]
    redact: RedactArgs,

    /// Speak TLS on all ports, with the certificate and its chain in this file (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", value_hint = clap::ValueHint::FilePath)]
    tls_cert: Option<PathBuf>,

    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", value_hint = clap::ValueHint::FilePath)]
    tls_key: Option<PathBuf>,

    /// Taken for the sake of old scripts; there is no code here to load anew
    #[arg(long, hide = true)]
    reload: bool,

    /// Taken for the sake of old scripts; what waits is bounded by bytes here
    #[arg(long, hide = true, value_name = "N")]
    queue_size: Option<u64>,
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// A wrong setting, a busy port, a database that cannot be opened or did not close cleanly.
pub async fn run(context: &Context, args: StartArgs) -> Outcome {
    if args.reload {
        context.remark("--reload does nothing here: there is no code to load anew");
    }
    if args.queue_size.is_some() {
        context.remark("--queue-size does nothing here: what waits is bounded by its bytes, and is never dropped");
    }
    let rules = args.redact.file();
    let config = config(context, args)?;
    if let Some(redaction) = &config.redaction {
        logging::redact_with(redaction);
    }
    let mut hangups = Hangups::listen(rules.is_some() || config.tls.is_some())
        .map_err(|error| Failure::from_error(Code::Failed, &error))?;
    descriptors::raise_limit();
    let mut signals = Signals::listen_to_all().map_err(|error| Failure::from_error(Code::Failed, &error))?;
    let running = tokio::select! {
        started = server::start(config.clone()) => started?,
        () = signals.next() => return Ok(Code::Interrupted),
    };
    running.warnings().iter().for_each(|warning| context.warn(warning));
    if running.is_open_to_network() {
        context
            .warn("--open-network: every machine that can reach this server may read, send and delete without a key");
    }
    if running.wants_a_key() {
        warn_of_missing_key(context, &running);
    }
    announce(context, &running, &config)?;
    loop {
        tokio::select! {
            () = signals.next() => break,
            () = hangups.next() => reload(context, &running, &config, rules.as_deref()),
        }
    }
    context.remark("stopping; once more to stop at once");
    tokio::select! {
        stopped = running.stop() => stopped?,
        // Someone lost patience. What was acknowledged is on disk.
        () = signals.next() => std::process::exit(i32::from(Code::Interrupted as u8)),
    }
    Ok(Code::Done)
}

/// Reads anew what is in files; what cannot be read stays as it was.
fn reload(context: &Context, running: &Running, config: &Config, rules: Option<&Path>) {
    if let Some(files) = &config.tls {
        match running.reload_certificate() {
            Ok(()) => {
                context.remark(escape(&format!("the certificate in {} is in use now", files.cert.display())));
            }
            Err(error) => {
                let failure = Failure::from_error(Code::Usage, &error);
                context.warn(format_args!("the old certificate stays in use: {}", failure.in_one_line()));
            }
        }
    }
    if let (Some(file), Some(redaction)) = (rules, &config.redaction) {
        let replaced = read_rules(file)
            .and_then(|rules| redaction.replace(rules).map_err(|error| Failure::from_error(Code::Usage, &error)));
        match replaced {
            Ok(()) => context.remark(escape(&format!("the rules in {} are in force now", file.display()))),
            Err(failure) => context.warn(format_args!("the old rules stay in force: {}", failure.in_one_line())),
        }
    }
}

fn config(context: &Context, args: StartArgs) -> Result<Config, Failure> {
    let port = match args.port {
        Some(port) => port,
        None => port_from_environment()?,
    };
    let store = target::served(&context.args)?;
    if store.server().is_some() && (args.retention.is_some() || args.durability != Durability::default()) {
        let location = store.location();
        return Err(Failure::usage(format!("the server at {location} decides what it keeps, and how"))
            .hint("leave out --retention and --durability, or give them to that server"));
    }
    let retention = match args.retention {
        Some(Keep(retention)) => retention,
        None if store.server().is_some() => None,
        None => retention_from_environment()?,
    };
    Ok(Config {
        store,
        host: args.host,
        port,
        otlp_grpc: args.otlp_grpc.unwrap_or(SidePort::Default),
        otlp_http: args.otlp_http.unwrap_or(SidePort::Default),
        retention,
        durability: args.durability,
        allows_network_fs: args.allow_network_fs,
        allowed_hosts: allowed_hosts(args.allowed_host),
        cors_origins: args.callers.cors_origins()?,
        secret: secret_from_environment()?,
        webhooks: webhooks(args.webhook, args.webhook_secret)?,
        openness: Openness { network: args.open_network, loopback: args.open_loopback },
        limits: Limits { rate: args.callers.rate()?, ..Limits::default() },
        redaction: args.redact.redaction()?,
        tls: args.tls_cert.zip(args.tls_key).map(|(cert, key)| TlsFiles { cert, key }),
    })
}

fn port_from_environment() -> Result<u16, Failure> {
    let Some(text) = variable("TRACEHUB_PORT") else { return Ok(8099) };
    text.trim().parse().map_err(|_| Failure::usage(format!("TRACEHUB_PORT is `{text}`, not a port")))
}

fn secret_from_environment() -> Result<Option<String>, Failure> {
    let Some(secret) = variable_os("TRACEHUB_SECRET") else { return Ok(None) };
    // Going on without it would open the server to everyone.
    secret.into_string().map(Some).map_err(|_| Failure::usage("TRACEHUB_SECRET is not text"))
}

/// Whom to tell of issues, by the flags and else by the environment.
fn webhooks(urls: Vec<String>, secret: Option<Hidden>) -> Result<Webhooks, Failure> {
    let named = || variable("TRACEHUB_WEBHOOKS").unwrap_or_default();
    let urls = match urls.is_empty() {
        true => named().split(',').map(|url| url.trim().to_owned()).filter(|url| !url.is_empty()).collect(),
        false => urls,
    };
    let secret = match secret {
        Some(secret) => Some(secret.reveal().to_owned()),
        None => variable_os("TRACEHUB_WEBHOOK_SECRET")
            .map(|secret| secret.into_string().map_err(|_| Failure::usage("TRACEHUB_WEBHOOK_SECRET is not text")))
            .transpose()?,
    };
    Ok(Webhooks { urls, secret: secret.filter(|secret| !secret.is_empty()) })
}

/// How long to keep records; `None` is for ever.
fn retention_from_environment() -> Result<Option<Duration>, Failure> {
    let Some(text) = variable("TRACEHUB_RETENTION_HOURS") else { return Ok(Some(Duration::from_secs(24 * 3_600))) };
    if text.trim().eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let hours = text.trim().parse::<f64>().ok().filter(|hours| *hours > 0.0);
    let retention = hours.and_then(|hours| Duration::try_from_secs_f64(hours * 3_600.0).ok());
    retention.map(Some).ok_or_else(|| {
        Failure::usage(format!("TRACEHUB_RETENTION_HOURS is `{text}`, not a number of hours above 0"))
            .hint("`off` keeps everything for ever")
    })
}

/// Reads where a side port listens, for clap.
fn side_port(text: &str) -> Result<SidePort, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(SidePort::Off);
    }
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return Ok(SidePort::At(SocketAddr::from(([127, 0, 0, 1], port))));
    }
    let address = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    address.map(SidePort::At).ok_or_else(|| "write an address such as `127.0.0.1:4317`, a port, or `off`".to_owned())
}

/// A server that others can reach answers nobody without a key, so somebody should issue one.
fn warn_of_missing_key(context: &Context, running: &Running) {
    let file = short_path(&running.backend().info().location);
    context.warn("other machines can reach this server, so it answers nobody without a key, and there is none yet");
    context.remark(escape(&format!("hint: create one with `tracehub keys create --project NAME --db {file}`")));
}

/// Says on stdout that the server is ready: a banner for a person, one line of JSON for a program.
fn announce(context: &Context, running: &Running, config: &Config) -> Result<(), Failure> {
    let location = running.backend().info().location.clone();
    let text = if !context.terminal.stdout || context.args.json {
        let ready = json!({"event": "ready", "url": running.url(), "pid": std::process::id(), "db": location});
        format!("{ready}\n")
    } else if context.args.quiet {
        return Ok(());
    } else {
        banner(context, running, config, &location)
    };
    match print(&text) {
        Err(failure) if failure.code != Code::Done => Err(failure),
        // A server goes on when nobody reads its stdout any more.
        _ => Ok(()),
    }
}

fn banner(context: &Context, running: &Running, config: &Config, location: &str) -> String {
    let (grpc, http) = running.side_ports();
    let url = running.url();
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let endpoint = http.map_or_else(|| url.to_owned(), |address| format!("{scheme}://{address}"));
    let and_also =
        |side: Option<SocketAddr>| side.map(|address| format!("{scheme}://{address} and ")).unwrap_or_default();
    let store = match config.retention {
        _ if config.store.server().is_some() => format!("  relays to  {location}"),
        Some(retention) => {
            format!("  database   {}, keeps {}", short_path(location), format::retention(retention.as_secs()))
        }
        None => format!("  database   {}, keeps everything", short_path(location)),
    };
    let option = if context.args.db.is_some() { format!(" --db {}", short_path(location)) } else { String::new() };
    let lines = [
        format!("tracehub {} is ready at {url} (pid {})", env!("CARGO_PKG_VERSION"), std::process::id()),
        format!("  OTLP/HTTP  {}{url}", and_also(http)),
        format!("  OTLP/gRPC  {}{url}", and_also(grpc)),
        store,
        format!("  API        {url}/docs"),
        "Send to it:  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf".to_owned(),
        format!("             export OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}"),
        format!("Look at it:  tracehub list{option}"),
        "Ctrl-C stops it.".to_owned(),
    ];
    lines.map(|line| escape(&line).into_owned() + "\n").concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_port_is_an_address_a_port_or_off() {
        assert_eq!(side_port("off"), Ok(SidePort::Off));
        assert_eq!(side_port("0.0.0.0:1234"), Ok(SidePort::At(SocketAddr::from(([0, 0, 0, 0], 1234)))));
        assert_eq!(side_port("4317"), Ok(SidePort::At(SocketAddr::from(([127, 0, 0, 1], 4317)))));
        assert!(side_port("127.0.0.1").is_err() && side_port("99999").is_err());
    }
}
