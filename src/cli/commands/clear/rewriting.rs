//! `tracehub clear --redact FILE`: everything stays but the secrets, which are taken out of the whole file.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::cli::context::{Context, print};
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::redaction::read_rules;
use crate::cli::paths::short_path;
use crate::query::facets;
use crate::store::redact::{Redactor, Rewritten, Rules, Salt, look_through};
use crate::store::sqlite::Options;
use crate::store::{self, Backend, Error, Target};
use crate::view::machine::{Format, REWRITTEN};
use crate::view::out::format::counted;

/// How the file is rewritten.
pub struct Rewriting<'a> {
    /// The file of rules.
    pub rules: &'a Path,
    /// Whether nobody is asked.
    pub yes: bool,
    /// Whether it is only said what would go.
    pub dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// The rules cannot be read, nobody can be asked, the store is no file of ours or in use, or it fails.
pub async fn run(context: &Context, Rewriting { rules, yes, dry_run }: Rewriting<'_>) -> Outcome {
    let output = context.output(&REWRITTEN)?;
    let rules = read_rules(rules)?;
    if !yes && !dry_run && !context.terminal.stdin {
        return Err(Failure::usage("rewriting needs --yes when there is no terminal to ask on")
            .hint("--dry-run says what would go"));
    }
    let target = context.target()?;
    let rewritten = match dry_run {
        true => count(context, rules).await?,
        false => {
            let location = short_path(&target.location());
            if !yes && !context.confirm(&format!("rewrite {location} without its secrets?")) {
                return Err(Failure::new(Code::No, "nothing changed"));
            }
            rewrite(context, &target, rules).await?
        }
    };
    match output.format {
        _ if output.is_drawn() => print(&sentence(&rewritten, dry_run)),
        // There are no ids to print, and quiet means no messages.
        Format::Id => Ok(Code::Done),
        _ => output.print_object(&json!({
            "dry_run": dry_run,
            "records": rewritten.records,
            "with_secrets": rewritten.with_secrets,
            "secrets": rewritten.secrets,
            "removed_unreadable": rewritten.removed_unreadable,
        })),
    }
}

async fn rewrite(context: &Context, target: &Target, rules: Rules) -> Result<Rewritten, Failure> {
    if let Some(path) = target.file()
        && !path.try_exists().unwrap_or(true)
    {
        return Err(Error::Missing(path.to_owned()).into());
    }
    let owned = store::own(target, Options::default()).await?;
    let rewritten = async {
        let redactor = redactor(owned.backend.as_ref(), rules).await?;
        owned.redact(redactor).await
    };
    let rewritten = context.wait("rewriting", rewritten).await;
    let closed = owned.backend.close().await;
    let rewritten = rewritten?;
    closed?;
    Ok(rewritten)
}

async fn count(context: &Context, rules: Rules) -> Result<Rewritten, Failure> {
    let backend = context.open().await?;
    let redactor = Redactor::new(Arc::new(rules), None);
    let found = look_through(facets::feed(backend.as_ref())?, &redactor, |_| {});
    let found = context.wait("looking", found).await?;
    Ok(Rewritten {
        records: found.records,
        with_secrets: found.with_secrets,
        secrets: found.places.iter().map(|place| place.count).sum(),
        removed_unreadable: 0,
    })
}

/// The rules with the salt of the store.
///
/// # Errors
/// [`Error::NoSalt`] when they need one and there is none.
async fn redactor(store: &dyn Backend, rules: Rules) -> store::Result<Redactor> {
    let needs_salt = rules.wants_salt();
    let salt = if needs_salt { store.salt().await?.map(|salt| Salt::new(&salt)) } else { None };
    match needs_salt && salt.is_none() {
        true => Err(Error::NoSalt),
        false => Ok(Redactor::new(Arc::new(rules), salt)),
    }
}

fn sentence(rewritten: &Rewritten, dry_run: bool) -> String {
    let Rewritten { records, with_secrets, secrets, removed_unreadable } = *rewritten;
    let looked = counted(records, "record");
    let removed = match removed_unreadable {
        0 => String::new(),
        count => format!("; removed {}, which nobody can look through", counted(count, "damaged row")),
    };
    match (secrets, dry_run) {
        (0, _) => format!("no secrets in {looked}{removed}\n"),
        (_, true) => format!(
            "would take {} out of {} of {looked}\n",
            counted(secrets, "secret"),
            counted(with_secrets, "record")
        ),
        (_, false) => {
            format!(
                "took {} out of {} of {looked}{removed}\n",
                counted(secrets, "secret"),
                counted(with_secrets, "record")
            )
        }
    }
}
