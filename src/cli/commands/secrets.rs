//! `tracehub secrets`: which secrets a store holds already, and where. They are counted and never shown.

use std::sync::Arc;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::context::{Context, print};
use crate::cli::exit::{Code, Outcome};
use crate::cli::redaction::{RedactArgs, read_rules};
use crate::query::facets;
use crate::store::redact::{Found, FoundAt, Redactor, Rules, look_through};
use crate::view::machine::{Format, SECRET};
use crate::view::out::escape;
use crate::view::out::format::{count, counted};

/// Look for secrets in what is stored already
#[derive(Debug, Args)]
#[command(after_help = "\
Counts secrets by rule and place and shows none. Without --redact all kinds that
are known are looked for. Exit code 1 says that there are some; take them out
with `tracehub clear --redact FILE`.

Examples:
  tracehub secrets
  tracehub secrets --redact rules.toml --json")]
pub struct SecretsArgs {
    #[command(flatten)]
    redact: RedactArgs,
}

/// Runs the command.
///
/// # Errors
/// The rules cannot be read, or the store fails or cannot be gone through.
pub async fn run(context: &Context, args: SecretsArgs) -> Outcome {
    let output = context.output(&SECRET)?;
    let rules = args.redact.file().map_or_else(|| Ok(Rules::all_kinds()), |file| read_rules(&file))?;
    let backend = context.open().await?;
    let redactor = Redactor::new(Arc::new(rules), None);
    let found = look_through(facets::feed(backend.as_ref())?, &redactor, |_| {});
    let found = context.wait("looking", found).await?;
    match output.format {
        _ if output.is_drawn() => print(&table(&found))?,
        Format::Id if output.fields.is_none() => Code::Done,
        _ => output.print_rows(found.places.iter().map(row))?,
    };
    Ok(if found.with_secrets > 0 { Code::No } else { Code::Done })
}

fn row(FoundAt { rule, place, count, example }: &FoundAt) -> Json {
    json!({ "rule": rule, "place": place, "count": count, "example": example.as_ref().map(ToString::to_string) })
}

fn table(found: &Found) -> String {
    let records = counted(found.records, "record");
    if found.places.is_empty() {
        return format!("no secrets in {records}\n");
    }
    let width = found.places.iter().map(|place| place.rule.len()).max().unwrap_or_default();
    let line = |FoundAt { rule, place, count: times, .. }: &FoundAt| {
        format!("{:>9}  {rule:<width$}  {}\n", count(*times), escape(place))
    };
    let lines: String = found.places.iter().map(line).collect();
    format!("{lines}secrets in {} of {records}\n", counted(found.with_secrets, "record"))
}
