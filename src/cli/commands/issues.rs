//! `tracehub issues`: errors that are the same error, and what people decide about them.

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::context::{Context, print};
use crate::cli::exit::{Code, Failure, Outcome};
use crate::cli::flags::values::{RangeArgs, cursor};
use crate::model::{Issue, IssueChange, IssueQuery, IssueSort, IssueStatus, Page};
use crate::query::facets;
use crate::query::issues::{self, FindIssueError};
use crate::store::Backend;
use crate::view;
use crate::view::issues::{DetailOptions, IssueListContext, counts_since};
use crate::view::machine::{ISSUE, ISSUE_DETAIL};
use crate::view::out::{escape, text};

/// Issues a list has unless told otherwise.
const DEFAULT_LIMIT: usize = 20;

/// List errors, grouped into issues; show, resolve, reopen and ignore them
#[derive(Debug, Args)]
#[command(after_help = "\
An issue is open until it is resolved or ignored; a resolved one opens again
when it happens again. An id may be cut to its first characters, at least 4.

Examples:
  tracehub issues --since 24h
  tracehub issues --all --sort count
  tracehub issues show 7f3a --why
  tracehub issues resolve 7f3a c01d
  tracehub issues -q --service shop | xargs tracehub issues ignore")]
pub struct IssuesArgs {
    #[command(subcommand)]
    command: Option<IssuesCommand>,

    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum IssuesCommand {
    /// List issues; the same as `tracehub issues`
    #[command(after_help = "\
Examples:
  tracehub issues list --status resolved
  tracehub issues list --sort count --limit 0 -o csv")]
    List(ListArgs),
    Show(ShowArgs),
    /// Mark issues as mended; an event later than that opens them again
    #[command(after_help = "\
Says what changed on stderr; --json prints the issues.

Examples:
  tracehub issues resolve 7f3a c01d
  tracehub issues -q --service shop | xargs tracehub issues resolve")]
    Resolve(Chosen),
    /// Mark issues as open again
    #[command(after_help = "\
Examples:
  tracehub issues reopen 7f3a
  tracehub issues -q --status ignored | xargs tracehub issues reopen")]
    Reopen(Chosen),
    /// Mark issues as nothing to care about; their events go on counting
    #[command(after_help = "\
Examples:
  tracehub issues ignore 7f3a
  tracehub issues ignore 7f3a --url http://127.0.0.1:8099 --json")]
    Ignore(Chosen),
}

/// Which issues, in which order.
#[derive(Debug, Args)]
struct ListArgs {
    /// Only issues of this status [default: open]
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<StatusArg>,

    /// Issues of every status
    #[arg(long, conflicts_with = "status")]
    all: bool,

    /// Only issues of this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Only issues seen in this environment
    #[arg(long, value_name = "NAME")]
    env: Option<String>,

    /// Only issues of this project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,

    #[command(flatten)]
    range: RangeArgs,

    /// What comes first [default: last-seen]
    #[arg(long, value_enum, value_name = "ORDER")]
    sort: Option<IssueSort>,

    /// Turn the order round
    #[arg(long)]
    reverse: bool,

    /// At most this many; 0 is all [default: 20]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,

    /// Go on after this place; stderr then names the next one. Empty is the beginning
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StatusArg {
    /// Nothing decided, or it came back
    Open,
    /// Mended
    Resolved,
    /// May happen
    Ignored,
    /// Every status
    All,
}

impl ListArgs {
    /// A flag that was given, though what follows takes none. Not left to clap, because for it the global flags would
    /// be among them.
    fn given(&self) -> Option<&'static str> {
        let flags = [
            (self.status.is_some(), "--status"),
            (self.all, "--all"),
            (self.service.is_some(), "--service"),
            (self.env.is_some(), "--env"),
            (self.project.is_some(), "--project"),
            (!self.range.label().is_empty(), "--since and --until"),
            (self.sort.is_some(), "--sort"),
            (self.reverse, "--reverse"),
            (self.limit.is_some(), "--limit"),
            (self.cursor.is_some(), "--cursor"),
        ];
        flags.into_iter().find_map(|(is_given, name)| is_given.then_some(name))
    }

    fn status(&self) -> Option<IssueStatus> {
        match self.status {
            _ if self.all => None,
            None | Some(StatusArg::Open) => Some(IssueStatus::Open),
            Some(StatusArg::Resolved) => Some(IssueStatus::Resolved),
            Some(StatusArg::Ignored) => Some(IssueStatus::Ignored),
            Some(StatusArg::All) => None,
        }
    }

    fn query(&self, context: &Context) -> Result<IssueQuery, Failure> {
        let (since, until) = self.range.ends()?;
        Ok(IssueQuery {
            limit: self.limit.unwrap_or(DEFAULT_LIMIT),
            status: self.status(),
            service: self.service.clone(),
            environment: self.env.clone(),
            project: self.project.clone(),
            since,
            until,
            id_prefix: None,
            ids: Vec::new(),
            sort: self.sort.unwrap_or_default(),
            reverse: self.reverse,
            cursor: cursor(self.cursor.as_deref()),
            counts_since: Some(counts_since(context.style.now)),
        })
    }
}

/// Show one issue: its stack, traces to look at, and what became of it
#[derive(Debug, Args)]
#[command(after_help = "\
Frames of libraries are folded on a terminal; -v shows every line of the stack.

Examples:
  tracehub issues show 7f3a
  tracehub issues show 7f3a --why
  tracehub issues show latest --json | jq -r .stack_trace")]
struct ShowArgs {
    /// Full id, unique prefix of at least 4 characters, or `latest`
    id: String,

    /// Say what makes events the same issue
    #[arg(long)]
    why: bool,
}

#[derive(Debug, Args)]
struct Chosen {
    /// Full ids or unique prefixes of at least 4 characters
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// A wrong range or field, an id that names no one issue, or the store fails.
pub async fn run(context: &Context, args: IssuesArgs) -> Outcome {
    if let (Some(_), Some(flag)) = (&args.command, args.list.given()) {
        return Err(Failure::usage(format!("{flag} belongs to a list of issues"))
            .hint("write it behind the last word, or leave it out"));
    }
    match args.command {
        None => list(context, args.list).await,
        Some(IssuesCommand::List(args)) => list(context, args).await,
        Some(IssuesCommand::Show(args)) => show(context, args).await,
        Some(IssuesCommand::Resolve(args)) => change(context, &args.ids, IssueStatus::Resolved).await,
        Some(IssuesCommand::Reopen(args)) => change(context, &args.ids, IssueStatus::Open).await,
        Some(IssuesCommand::Ignore(args)) => change(context, &args.ids, IssueStatus::Ignored).await,
    }
}

async fn list(context: &Context, args: ListArgs) -> Outcome {
    let output = context.output(&ISSUE)?;
    let query = args.query(context)?;
    let backend = context.open().await?;
    if !output.is_drawn() {
        let page = context.wait("reading", facets::issues(backend.as_ref())?.list_issues(&query)).await?;
        remark_on(context, &args, &page, false);
        return output.print_rows(&page.items);
    }
    let issues = context.wait("reading", issues::list(backend.as_ref(), &query)).await?;
    remark_on(context, &args, &issues.page, !issues.hidden.is_empty());
    let shown = IssueListContext { status: query.status, range: args.range.label() };
    print(&view::issues::list(&issues, &shown, &context.style))
}

/// What a person should know that is not data.
fn remark_on(context: &Context, args: &ListArgs, page: &Page<Issue>, hides_others: bool) {
    if page.items.is_empty() && !hides_others && context.terminal.stderr {
        context.remark("no issues; errors of spans and log records become some");
    }
    context.remark_on_next(page.next.as_ref(), args.cursor.is_some());
}

async fn show(context: &Context, args: ShowArgs) -> Outcome {
    let output = context.output(&ISSUE_DETAIL)?;
    let backend = context.open().await?;
    let report = context.wait("reading", issues::report(backend.as_ref(), &args.id)).await?;
    if !output.is_drawn() {
        return output.print_object(&report.detail);
    }
    let options = DetailOptions { why: args.why, full_stack: context.args.verbose > 0 };
    context.page(&view::issues::detail(&report, options, &context.style))
}

/// Changes the status of issues. Nothing is changed when a reference is no id or an ambiguous one; those nobody knows
/// do not keep the others from being changed.
async fn change(context: &Context, references: &[String], status: IssueStatus) -> Outcome {
    let output = context.output(&ISSUE)?;
    let backend = context.open_to_write().await?;
    let changed = context.wait("writing", change_all(context, backend.as_ref(), references, status)).await;
    let closed = backend.close().await;
    let (issues, unknown) = changed?;
    closed?;
    if !output.is_drawn() {
        output.print_rows(&issues)?;
    }
    match unknown.as_slice() {
        [] => Ok(Code::Done),
        unknown => Err(FindIssueError::NotFound(unknown.join("`, `")).into()),
    }
}

/// The issues as they are then, each once, and the references that name none.
async fn change_all(
    context: &Context,
    backend: &dyn Backend,
    references: &[String],
    status: IssueStatus,
) -> Result<(Vec<Issue>, Vec<String>), Failure> {
    let (mut found, mut unknown): (Vec<Issue>, _) = (Vec::new(), Vec::new());
    for reference in references {
        match issues::find(backend, reference).await {
            Ok(issue) if found.iter().any(|known| known.id == issue.id) => {}
            Ok(issue) => found.push(issue),
            Err(FindIssueError::NotFound(reference)) => unknown.push(reference),
            Err(error) => return Err(error.into()),
        }
    }
    let short_ids = issues::short_ids(backend, &found).await?;
    let columns = if context.terminal.stderr { context.style.width } else { usize::MAX };
    let mut changed = Vec::new();
    for (before, short_id) in found.into_iter().zip(short_ids) {
        match facets::issues(backend)?.set_issue(&before.id, IssueChange::Status(status)).await? {
            Some(after) => {
                context.remark(text::cut(&sentence(&before, &after, &short_id), columns));
                changed.push(after);
            }
            // Deleted in between.
            None => unknown.push(short_id),
        }
    }
    Ok((changed, unknown))
}

/// `resolved 7f3a  HTTPError: 402 card_declined`
fn sentence(before: &Issue, after: &Issue, short_id: &str) -> String {
    let title = escape(&after.title).into_owned();
    let done = match after.status {
        status if status == before.status => return format!("{} already: {short_id}  {title}", status.as_str()),
        IssueStatus::Open => "reopened",
        status => status.as_str(),
    };
    format!("{done} {short_id}  {title}")
}
