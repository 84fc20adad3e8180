//! `tracehub doctor`: what is wrong with the file, the server and those who send to it, with the line that mends it.
//! Exit code 0 when nothing is, 1 when something is.

use std::net::TcpStream;
use std::net::ToSocketAddrs as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::api::path;
use crate::cli::context::{Context, print};
use crate::cli::environment::variable_os;
use crate::cli::exit::{Code, Failure, Outcome, causes};
use crate::cli::flags::redaction::read_rules;
use crate::cli::http;
use crate::cli::paths::short_path;
use crate::model::json::{Document as _, FromJson as _};
use crate::model::sender::{Port, Sender};
use crate::query::doctor::wording::quoted;
use crate::query::doctor::{PortFacts, Report, ServerFacts, records};
use crate::query::facets;
use crate::store::redact::{Found, Redactor, Rules, look_through};
use crate::store::remote::without_credentials;
use crate::store::sqlite::examine::{self, FileFacts, State};
use crate::store::sqlite::lock;
use crate::store::{self, Mode, Target};
use crate::view;
use crate::view::doctor::{FILE_KEYS, FINDING_KEYS, SECRETS_KEYS, SERVER_KEYS};
use crate::view::machine::{Inner, Shape};

/// How long a port may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The document of `doctor`.
static DOCTOR: Shape = Shape {
    keys: &[Report::KEYS],
    inner: &[
        ("file", Inner::Object(&[FILE_KEYS])),
        ("server", Inner::Object(&[SERVER_KEYS])),
        ("secrets", Inner::Object(&[SECRETS_KEYS])),
        ("findings", Inner::Rows(&FINDING)),
        ("senders", Inner::Open),
    ],
    id: "status",
};

/// Elements of `findings`.
static FINDING: Shape = Shape { keys: &[FINDING_KEYS], inner: &[], id: "check" };

/// Say what is wrong with file, server and senders, and the line that mends it
#[derive(Debug, Args)]
#[command(after_help = "\
Looks at the file, asks the server that owns it or the one --url names, and
goes through all who send: what arrived, what was refused and why, clocks,
duplicates, wrong ports, missing spans. Exits with 0 when nothing is wrong,
with 1 when something is. --secrets reads every record, and says where secrets
stand and how many, never what they are; without --redact all kinds that are
known are looked for.

Examples:
  tracehub doctor
  tracehub doctor --secrets
  tracehub doctor --db ./traces.db
  tracehub doctor --url http://127.0.0.1:8099
  tracehub doctor --json | jq -r '.findings[].fix'")]
pub struct DoctorArgs {
    /// Look for secrets in all that is stored
    #[arg(long)]
    secrets: bool,

    /// Look for what these rules find, not for all kinds of secrets [env: TRACEHUB_REDACT]
    #[arg(long, value_name = "FILE", requires = "secrets", value_hint = clap::ValueHint::FilePath)]
    redact: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A wrong target, a server that was named denies access, or the records cannot be looked through for secrets.
pub async fn run(context: &Context, args: DoctorArgs) -> Outcome {
    let output = context.output(&DOCTOR)?;
    let rules = args.redact.or_else(|| variable_os("TRACEHUB_REDACT").map(PathBuf::from)).filter(|_| args.secrets);
    let redactor = match &rules {
        _ if !args.secrets => None,
        Some(file) => Some(Redactor::new(Arc::new(read_rules(file)?), None)),
        None => Some(Redactor::new(Arc::new(Rules::all_kinds()), None)),
    };
    let target = context.target()?;
    let mut report = context.wait("looking", report(context, &target)).await?;
    if let Some(redactor) = redactor {
        report.secrets = Some(context.wait("looking for secrets", look_for_secrets(&target, &redactor)).await?);
        report.redact(&redactor);
        report.secrets_fix = line_against_secrets(&target, rules.as_deref());
    }
    let report = report.judge(context.style.now);
    if output.is_drawn() {
        print(&view::doctor::render(&shortened(context, report.clone()), &context.style))?;
    } else {
        output.print_object(&report)?;
    }
    Ok(if report.is_fine() { Code::Done } else { Code::No })
}

async fn report(context: &Context, target: &Target) -> Result<Report, Failure> {
    let mut report = Report { looked_at: target.location(), ..Report::default() };
    if let Some(path) = target.file() {
        let path = path.to_owned();
        let looked = tokio::task::spawn_blocking(move || examine::examine(&path)).await;
        report.file = Some(looked.map_err(|error| Failure::from_error(Code::Failed, &error))?);
    }
    let named = target.server().map(|(url, key)| (url.to_owned(), key.map(str::to_owned)));
    let is_named = named.is_some();
    if let Some((url, key)) = named.or_else(|| owner_of(target)) {
        match ask_server(&mut report, &url, key.as_deref()).await {
            Err(error @ (store::Error::Denied { .. } | store::Error::BadTarget { .. })) if is_named => {
                return Err(error.into());
            }
            Err(error) => report.trouble = Some(in_one_line(&error)),
            Ok(()) => {}
        }
    }
    let can_be_read = match &report.file {
        Some(FileFacts { state, .. }) => matches!(state, State::Ours(_)),
        None => report.server.is_some(),
    };
    if can_be_read {
        read_store(context, target, &mut report).await;
    }
    Ok(report)
}

async fn look_for_secrets(target: &Target, redactor: &Redactor) -> Result<Found, Failure> {
    let backend = store::open(target, Mode::Read).await?;
    Ok(look_through(facets::feed(&*backend)?, redactor, |_| {}).await?)
}

/// The line to paste that takes secrets out of a file.
fn line_against_secrets(target: &Target, rules: Option<&Path>) -> String {
    let file = target.file().map(|path| format!(" --db {}", quoted(&path.display().to_string()))).unwrap_or_default();
    match rules {
        Some(rules) => format!("tracehub clear --redact {}{file}", quoted(&rules.display().to_string())),
        None => format!(
            "printf '[[rule]]\\nkinds = [\"all\"]\\n' > redact.toml && tracehub clear --redact redact.toml{file}"
        ),
    }
}

/// The server that owns a file, and its token.
fn owner_of(target: &Target) -> Option<(String, Option<String>)> {
    let owner = lock::owner(target.file()?)?;
    Some((owner.url?, owner.token))
}

/// Adds what a server says of itself, whether its ports answer, and who sends to it.
async fn ask_server(report: &mut Report, url: &str, key: Option<&str>) -> Result<(), store::Error> {
    let shown = without_credentials(url);
    let mut server = ServerFacts::from_json(&shown, &http::server_facts(url, key).await?);
    if server.is_python {
        report.server = Some(server);
        return Ok(());
    }
    let mut ports = vec![(Port::Main, server.url.split_once("://").map_or("", |(_, rest)| rest).to_owned())];
    ports.extend(server.otlp_grpc.as_deref().map(|address| (Port::OtlpGrpc, server.reachable(address))));
    ports.extend(server.otlp_http.as_deref().map(|address| (Port::OtlpHttp, server.reachable(address))));
    let scheme = server.url.split_once("://").map_or("http", |(scheme, _)| scheme).to_owned();
    for (port, address) in ports {
        server.ports.push(look_at_port(&scheme, port, address).await);
    }
    report.server = Some(server);
    match http::ask(url, key, path::SENDERS).await {
        Ok(json) => report.senders = Vec::<Sender>::from_json(&json, "senders").unwrap_or_default(),
        Err(store::Error::Denied { .. }) => {
            report.trouble = Some("it tells who sends only to those with a key of scope read".to_owned());
        }
        Err(error) => report.trouble = Some(format!("it does not tell who sends: {}", in_one_line(&error))),
    }
    Ok(())
}

/// Whether a port answers, and gRPC where that is expected.
async fn look_at_port(scheme: &str, port: Port, address: String) -> PortFacts {
    let to_connect = address.clone();
    let connected = tokio::task::spawn_blocking(move || {
        let mut addresses = to_connect.to_socket_addrs()?;
        let first = addresses.next().ok_or(std::io::ErrorKind::NotFound)?;
        TcpStream::connect_timeout(&first, PATIENCE).map(drop)
    });
    let trouble = match connected.await {
        // A URL without a port was asked a moment ago.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidInput => None,
        Ok(Err(error)) => Some(error.to_string()),
        Ok(Ok(())) | Err(_) => None,
    };
    let is_asked = trouble.is_none() && port != Port::OtlpHttp;
    let speaks_grpc = if is_asked { http::speaks_grpc(&format!("{scheme}://{address}")).await } else { None };
    PortFacts { port, address, trouble, speaks_grpc }
}

/// Adds what the records tell and, without a server, who sent them.
async fn read_store(context: &Context, target: &Target, report: &mut Report) {
    let read = async {
        let backend = store::open(target, Mode::Read).await?;
        if let (None, Some(senders)) = (&report.server, backend.senders()) {
            report.senders = senders.list_senders().await?;
        }
        report.records = Some(records::look_through(&*backend, context.style.now).await?);
        store::Result::Ok(())
    };
    if let Err(error) = read.await {
        report.trouble.get_or_insert_with(|| in_one_line(&error));
    }
}

/// An error and its causes.
fn in_one_line(error: &store::Error) -> String {
    causes(error).map(ToString::to_string).fold(error.to_string(), |text, cause| match text.contains(&cause) {
        true => text,
        false => format!("{text}: {cause}"),
    })
}

/// With paths as people write them, on a terminal; lines to paste keep theirs.
fn shortened(context: &Context, mut report: Report) -> Report {
    if context.terminal.stdout
        && let Some(file) = &mut report.file
    {
        file.path = short_path(&file.path.display().to_string()).into();
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    #[test]
    fn the_shape_is_that_of_the_document() {
        let document = json::object(&Report::default());
        assert_eq!(document.keys().collect::<Vec<_>>(), DOCTOR.names());
    }
}
