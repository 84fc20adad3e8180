//! `tracehub query`: filters under a name, which everybody who uses the database shares.

use clap::{Args, Subcommand};

use crate::cli::context::{Context, print};
use crate::cli::environment::now;
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::filter;
use crate::model::{SavedFilter, Text};
use crate::query::saved::{self, SavedError};
use crate::query::{facets, saved::find};
use crate::store::Backend;
use crate::view;
use crate::view::machine::SAVED_FILTER;
use crate::view::out::escape;

/// Save filters under a name, to be used as @NAME
#[derive(Debug, Args)]
#[command(after_help = "\
`@NAME` stands wherever a filter may, also within another one and in the HTTP
API. Filters are kept in the database, so all who use a server share them.

Examples:
  tracehub query save slow 'duration>500ms OR trace.status=error'
  tracehub list @slow service=shop
  tracehub query list")]
pub struct QueryArgs {
    #[command(subcommand)]
    command: QueryCommand,
}

#[derive(Debug, Subcommand)]
enum QueryCommand {
    Save(SaveArgs),
    List(ListArgs),
    Show(NameArgs),
    Delete(DeleteArgs),
}

/// Save a filter, in place of what had the name
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tracehub query save slow 'duration>500ms'
  tracehub query save bad @slow OR status=error")]
struct SaveArgs {
    /// The name: letters, digits, `_`, `-`, `.`
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,

    /// The filter; see `tracehub help filters`
    #[arg(value_name = "FILTER", required = true)]
    words: Vec<String>,
}

/// List saved filters
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tracehub query list
  tracehub query list --json")]
struct ListArgs {}

/// Show a saved filter
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tracehub query show slow")]
struct NameArgs {
    /// The name
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
}

/// Delete a saved filter
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tracehub query delete slow")]
struct DeleteArgs {
    /// The name
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
}

/// Reads a name, which may be written as in a filter, for clap.
fn name(text: &str) -> Result<String, String> {
    let name = text.strip_prefix('@').unwrap_or(text);
    match SavedFilter::is_name(name) {
        true => Ok(name.to_owned()),
        false => {
            Err("a name has up to 64 letters, digits, `_`, `-` and `.`, and begins with a letter or digit".to_owned())
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A wrong filter, no filter of the name, or the store fails.
pub async fn run(context: &Context, args: QueryArgs) -> Outcome {
    match args.command {
        QueryCommand::Save(args) => save(context, args).await,
        QueryCommand::List(_) => list(context).await,
        QueryCommand::Show(args) => show(context, &args.name).await,
        QueryCommand::Delete(args) => delete(context, &args.name).await,
    }
}

async fn save(context: &Context, args: SaveArgs) -> Outcome {
    let output = context.output(&SAVED_FILTER)?;
    let Some(filter) = filter::read(&args.words)? else {
        return Err(Failure::usage("nothing to save").hint("`tracehub query save NAME FILTER` saves a filter"));
    };
    let saved = SavedFilter {
        name: Text::from(args.name),
        filter: Text::from(args.words.join(" ").trim().to_owned()),
        saved: now(),
    };
    let backend = context.open_to_write().await?;
    let outcome = keep(backend.as_ref(), filter, &saved).await;
    backend.close().await?;
    outcome?;
    if !output.is_drawn() {
        return output.print_object(&saved);
    }
    context.remark(format_args!("saved; `tracehub list @{}` uses it", saved.name));
    Ok(Code::Done)
}

/// Saves a filter that can be resolved once it is saved.
async fn keep(backend: &dyn Backend, filter: crate::model::filter::Filter, saved: &SavedFilter) -> Result<(), Failure> {
    let store = facets::saved_filters(backend)?;
    let mut known = store.list_saved_filters().await?;
    known.retain(|one| one.name != saved.name);
    known.push(saved.clone());
    saved::substitute(filter, &known, &filter::clock())?;
    Ok(store.save_filter(saved.clone()).await?)
}

async fn list(context: &Context) -> Outcome {
    let output = context.output(&SAVED_FILTER)?;
    let backend = context.open().await?;
    let saved = context.wait("reading", facets::saved_filters(backend.as_ref())?.list_saved_filters()).await?;
    if saved.is_empty() && context.terminal.stderr {
        context.remark("no filters yet; `tracehub query save NAME FILTER` saves one");
    }
    if !output.is_drawn() {
        return output.print_rows(&saved);
    }
    print(&view::lists::saved_filters::render(&saved, &context.style))
}

async fn show(context: &Context, name: &str) -> Outcome {
    let output = context.output(&SAVED_FILTER)?;
    let backend = context.open().await?;
    let saved = facets::saved_filters(backend.as_ref())?.list_saved_filters().await?;
    let found = find(&saved, name).map_err(not_found)?;
    if !output.is_drawn() {
        return output.print_object(found);
    }
    print(&format!("{}\n", escape(&found.filter)))
}

async fn delete(context: &Context, name: &str) -> Outcome {
    let backend = context.open_to_write().await?;
    let store = facets::saved_filters(backend.as_ref())?;
    let saved = store.list_saved_filters().await?;
    let is_deleted = store.delete_saved_filter(name).await?;
    backend.close().await?;
    if !is_deleted {
        find(&saved, name).map_err(not_found)?;
    }
    context.remark(format_args!("@{name} is deleted"));
    Ok(Code::Done)
}

/// A filter that is asked for by its name alone and is not there: the answer is no.
fn not_found(error: SavedError) -> Failure {
    let mut failure = Failure::from(error);
    failure.code = Code::No;
    failure
}
