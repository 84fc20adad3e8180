//! `tracehub status`: is a server up, and what does its database hold. Exit code 0 up, 1 down.

use std::sync::Arc;

use clap::Args;

use crate::cli::context::{Context, print};
use crate::cli::exit::{Code, Failure, Outcome, causes, database_beside};
use crate::cli::http;
use crate::cli::paths::short_path;
use crate::model::json::Document;
use crate::model::time::NANOS_PER_HOUR;
use crate::model::{DatabaseInfo, Nanos, StatsQuery, TraceQuery};
use crate::store::remote::without_credentials;
use crate::store::sqlite::lock;
use crate::store::{self, Backend, Mode, Target};
use crate::view;
use crate::view::machine::{Inner, Shape};
use crate::view::status::{DatabaseFacts, ServerFacts, StatusReport};

/// The document of `status`.
static STATUS: Shape = Shape {
    keys: &[StatusReport::KEYS],
    inner: &[
        ("database", Inner::Object(&[DatabaseInfo::KEYS, DatabaseFacts::KEYS])),
        ("last_hour", Inner::Object(&[&["traces", "failed"]])),
    ],
    id: "url",
};

/// Say whether a server is up, and what its database holds
#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 0 when a server is up, with 1 when not.

Examples:
  tracehub status
  tracehub status --url http://127.0.0.1:8099
  tracehub status --json | jq .database.spans")]
pub struct StatusArgs {}

/// Runs the command.
///
/// # Errors
/// A wrong target, or access was denied.
pub async fn run(context: &Context, _args: StatusArgs) -> Outcome {
    let output = context.output(&STATUS)?;
    let report = report(context, &context.target()?).await?;
    if output.is_drawn() {
        print(&view::status::render(&shortened(context, report.clone()), &context.style))?;
    } else {
        output.print_object(&report)?;
    }
    if report.is_up() {
        return Ok(Code::Done);
    }
    if let Some(hint) = database_beside(&report.looked_at) {
        context.remark(format!("hint: {hint}"));
    } else if context.terminal.stderr {
        context.remark("hint: start a server with `tracehub start`");
    }
    Ok(Code::No)
}

async fn report(context: &Context, target: &Target) -> Result<StatusReport, Failure> {
    let mut report = StatusReport { looked_at: target.location(), ..StatusReport::default() };
    let named = target.server().map(|(url, key)| (url.to_owned(), key.map(str::to_owned)));
    let is_named = named.is_some();
    if let Some((url, key)) = named.or_else(|| owner_of(target)) {
        match http::server_facts(&url, key.as_deref()).await {
            Ok(facts) => report.server = Some(ServerFacts::from_json(&without_credentials(&url), &facts)),
            Err(error @ (store::Error::Denied { .. } | store::Error::BadTarget { .. })) if is_named => {
                return Err(error.into());
            }
            Err(error) => report.trouble = Some(in_one_line(&error)),
        }
    }
    // A server that says nothing of itself says nothing of its database either.
    if !is_named || report.server.is_some() {
        count(context, target, &mut report).await;
    }
    Ok(report)
}

/// The server that owns a file, and its token.
fn owner_of(target: &Target) -> Option<(String, Option<String>)> {
    let owner = lock::owner(target.file()?)?;
    Some((owner.url?, owner.token))
}

/// Adds what the database holds.
async fn count(context: &Context, target: &Target, report: &mut StatusReport) {
    let counted = async {
        let backend: Arc<dyn Backend> = store::open(target, Mode::Read).await?;
        report.database = Some(context.wait("counting", backend.stats(&StatsQuery::totals())).await?);
        let hour_ago = Nanos(context.style.now.0.saturating_sub(NANOS_PER_HOUR));
        let last_hour = TraceQuery { since: Some(hour_ago), limit: 1, ..TraceQuery::default() };
        let page = backend.traces(&last_hour).await?;
        report.last_hour = page.total.zip(page.failed);
        context.warn_of(&*backend);
        store::Result::Ok(())
    };
    if let Err(error) = counted.await {
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

/// With paths as people write them, on a terminal.
fn shortened(context: &Context, mut report: StatusReport) -> StatusReport {
    if context.terminal.stdout {
        report.looked_at = short_path(&report.looked_at);
        if let Some(stats) = &mut report.database {
            stats.database.location = short_path(&stats.database.location);
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    #[test]
    fn the_shape_is_that_of_the_document() {
        let report = StatusReport { database: Some(Default::default()), last_hour: Some((0, 0)), ..Default::default() };
        let document = json::object(&report);
        assert_eq!(document.keys().collect::<Vec<_>>(), STATUS.names());
        for (name, inner) in STATUS.inner {
            if let (Inner::Object(fields), Some(object)) = (inner, document[*name].as_object()) {
                assert_eq!(object.keys().map(String::as_str).collect::<Vec<_>>(), fields.concat(), "{name}");
            }
        }
    }
}
