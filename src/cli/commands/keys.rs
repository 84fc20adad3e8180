//! `tracehub keys`: issue, list and revoke the keys of a server or of a file. The key itself is made here and printed
//! here; only its digest goes anywhere else.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::context::{Context, print};
use crate::cli::environment::now;
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::paths::short_path;
use crate::cli::target;
use crate::model::{Key, KeyScope, RateLimit};
use crate::query::facets;
use crate::query::keys::find;
use crate::secret::ApiKey;
use crate::store::{self, Backend, Mode};
use crate::view;
use crate::view::machine::{Format, ISSUED, KEY};
use crate::view::out::escape;

/// How often another key is made when an older one has the same id, which one in four billion pairs does.
const TRIES: usize = 4;

/// Issue, list and revoke API keys
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
A server on loopback is open to everyone on the machine until the first key is
issued; one that other machines can reach answers nobody without a key.

Examples:
  tracehub keys create --project shop
  tracehub keys list
  tracehub keys revoke 0a1b2c3d"
)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    Create(CreateArgs),
    /// List the keys ever issued, oldest first
    #[command(after_help = "\
When a key was last used is known to about a minute.

Examples:
  tracehub keys list
  tracehub keys list --url http://traces.example:8099 --json
  tracehub keys list --json | jq -r '.[] | select(.last_used == null).id'")]
    List,
    Revoke(RevokeArgs),
}

/// Issue a key and print it, this once
#[derive(Debug, Args)]
#[command(after_help = "\
Only the SHA-256 of the key is stored, so nobody can show it again. It goes into
the header X-API-Key, or Authorization as `Bearer`. The database may be one that
no server has used yet.

Examples:
  tracehub keys create --project shop
  TRACEHUB_API_KEY=$(tracehub keys create --project ops --scope read,admin)
  tracehub keys create --project batch --limit-rate 5000,10MB
  tracehub keys create --project shop --db new.db --json
  OTEL_EXPORTER_OTLP_HEADERS=x-api-key=$(tracehub keys create --project a) ./app")]
struct CreateArgs {
    /// The project of everything sent with the key
    #[arg(long, value_name = "NAME", value_parser = project)]
    project: String,

    /// What it permits: ingest, read, admin, which includes the others
    #[arg(
        long,
        value_name = "A,B",
        value_enum,
        value_delimiter = ',',
        default_value = "ingest",
        hide_possible_values = true
    )]
    scope: Vec<KeyScope>,

    /// What may be sent with it in a second, in place of what `start --limit-rate` says: 5000, 10MB or 5000,10MB
    #[arg(long, value_name = "RECORDS/s", value_parser = RateLimit::parse)]
    limit_rate: Option<RateLimit>,
}

/// Revoke a key, for good
#[derive(Debug, Args)]
#[command(after_help = "\
Whoever uses the key is refused within a second, also on connections that are
open. Asks; without a terminal it needs --yes.

Examples:
  tracehub keys revoke 0a1b2c3d
  tracehub keys revoke 0a1b --yes")]
struct RevokeArgs {
    /// Id of the key, or at least 4 characters of it; or what `keys list` shows of the key itself
    #[arg(value_name = "ID")]
    id: String,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Reads the name of a project, for clap.
pub(super) fn project(text: &str) -> Result<String, String> {
    match Key::is_project(text) {
        true => Ok(text.to_owned()),
        false => Err("a project has a name of 1 to 100 characters, all of which can be seen".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// No such key, nobody to ask, or the store fails.
pub async fn run(context: &Context, args: KeysArgs) -> Outcome {
    match args.command {
        KeysCommand::Create(args) => create(context, &args).await,
        KeysCommand::List => list(context).await,
        KeysCommand::Revoke(args) => revoke(context, &args).await,
    }
}

async fn create(context: &Context, args: &CreateArgs) -> Outcome {
    let output = context.output(&ISSUED)?;
    let backend = store::open(&target::for_creating(context.target()?), Mode::Write).await?;
    let (secret, key) = issue(backend.as_ref(), args).await?;
    backend.close().await?;
    // Quiet scripts want the key, too: there is no second chance to see it.
    match output.is_drawn() || (output.format == Format::Id && output.fields.is_none()) {
        true => print(&format!("{}\n", secret.reveal()))?,
        false => output.print_object(&json!({
            "id": key.id,
            "project": key.project,
            "key": secret.reveal(),
            "scopes": key.scopes,
            "created": key.created,
            "limit_rate": args.limit_rate.map(|limit| limit.to_string()),
        }))?,
    };
    let scopes = key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    let limit = args.limit_rate.map(|limit| format!(", {limit} a second")).unwrap_or_default();
    let sentence = format!("key {} of project {} permits {scopes}{limit}; it is not shown again", key.id, key.project);
    context.remark(escape(&sentence));
    Ok(Code::Done)
}

async fn issue(backend: &dyn Backend, args: &CreateArgs) -> Result<(ApiKey, Key), Failure> {
    let mut tries = 1;
    loop {
        let made = ApiKey::issue(&args.project, &args.scope, now());
        let (secret, key) = made.map_err(|error| Failure::from_error(Code::Failed, &error))?;
        let key = Key { limit: args.limit_rate.unwrap_or_default(), ..key };
        match facets::keys(backend)?.add_key(key.clone()).await {
            Err(store::Error::KeyExists) if tries < TRIES => tries += 1,
            added => return Ok(added.map(|()| (secret, key))?),
        }
    }
}

async fn list(context: &Context) -> Outcome {
    let output = context.output(&KEY)?;
    let backend = context.open().await?;
    let keys = context.wait("reading", facets::keys(backend.as_ref())?.list_keys()).await?;
    if keys.is_empty() && context.terminal.stderr {
        context.remark("no keys yet; `tracehub keys create --project NAME` issues one");
    }
    if !output.is_drawn() {
        return output.print_rows(&keys);
    }
    print(&view::lists::keys::render(&keys, &short_path(&backend.info().location), &context.style))
}

async fn revoke(context: &Context, args: &RevokeArgs) -> Outcome {
    let output = context.output(&KEY)?;
    if !args.yes && !context.terminal.stdin {
        return Err(Failure::usage("revoking needs --yes when there is no terminal to ask on")
            .hint("`tracehub keys list` shows what there is"));
    }
    let backend = context.open_to_write().await?;
    let keys = facets::keys(backend.as_ref())?.list_keys().await?;
    let key = find(&keys, &args.id)?;
    let is_revoked = key.revoked.is_some();
    if !is_revoked && !args.yes && !context.confirm(&format!("revoke key {} of project {}?", key.id, key.project)) {
        backend.close().await?;
        return Err(Failure::new(Code::No, "nothing revoked"));
    }
    let revoked = facets::keys(backend.as_ref())?.revoke_key(&key.id).await?;
    let key = revoked.ok_or_else(|| Failure::new(Code::No, format!("key {} is gone", key.id)))?;
    backend.close().await?;
    if !output.is_drawn() {
        return output.print_object(&key);
    }
    let said = if is_revoked { "was revoked before" } else { "is revoked" };
    print(&format!("{}\n", escape(&format!("key {} of project {} {said}", key.id, key.project))))
}
