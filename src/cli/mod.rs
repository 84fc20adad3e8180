//! Floor 5: the command line. Flags become a question, `query` answers it, `view` draws it.
//!
//! The only floor that touches arguments, environment, terminal, clock and working directory. Each command has a file in
//! [`commands`]; what several of them need lies here.
//!
//! A new command `x` takes:
//! 1. `cli/commands/x.rs`: `XArgs` with its flags and examples, and `run(&Context, XArgs) -> Outcome`; a line in `mod.rs`.
//! 2. here: a variant of `Command`, an arm in `dispatch`, its words in `HELP`.
//! 3. `query/x.rs` for what it finds out, `view/x.rs` for how that looks, `view/rows/documents.rs` for its JSON fields.
//! 4. `cli/exit.rs`, when it has an error of its own: its code and hint.
//! 5. `tests/it/cli_x.rs` (done, empty, bad input, `--json`), a row in `README.md`, and
//!    `TRACEHUB_UPDATE=1 cargo test generated` for its manual page and completions.

mod commands;
mod context;
mod environment;
mod exit;
mod flags;
mod global;
mod http;
mod logging;
mod paths;
mod signals;
mod stream;
mod target;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use commands::{
    attrs, clear, completions, demo, doctor, export, filters, import, issues, keys, list, log, logs, man, query,
    search, show, soak, spans, sql, start, stats, status, tail, trace, why,
};
use context::Context;
use environment::{Terminal, wants_color};
use exit::{Code, Failure, Outcome};
use flags::filter::FilterArgs;
use global::{ColorChoice, GlobalArgs};

/// The page of `tracehub --help`: commands in groups, commonest first.
const HELP: &str = "\
{about}

{usage-heading} {usage}

Look       list     recent traces            show    one trace as a waterfall
           logs     log records              issues  errors, grouped
           stats    latency and error rates  tail    follow what arrives
           spans    one line a span          search  text in everything
           why      what sets traces apart   attrs   keys and their values
Emit       log      send one log record      trace   current, new, list, show
Run        start    run the server           status  is it up, how big is it
           doctor   what is wrong, its fix   keys     create, list, revoke
           demo     see it work, no set-up
Data       import   bring in an old file       clear    delete traces
           query    filters under a name     sql    a SELECT over all of it
           export   for other programs
Shell      completions, man         filters  how to write filters

Options:
{options}{after-help}";

const EXAMPLES: &str = "\
Examples:
  tracehub demo
  tracehub start
  tracehub list --limit 20 --failed
  tracehub show latest
  tracehub list -o ndjson | jq -r 'select(.duration_ms > 500).trace_id'";

/// Collect, query and watch traces, in a SQLite file or on a server.
#[derive(Debug, Parser)]
#[command(
    name = "tracehub",
    version,
    help_template = HELP,
    after_help = EXAMPLES,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    infer_long_args = false
)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Start(start::StartArgs),
    Status(status::StatusArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Spans(spans::SpansArgs),
    Search(search::SearchArgs),
    Stats(stats::StatsArgs),
    Why(why::WhyArgs),
    Attrs(attrs::AttrsArgs),
    Sql(sql::SqlArgs),
    Export(export::ExportArgs),
    Query(query::QueryArgs),
    Logs(logs::LogsArgs),
    Issues(issues::IssuesArgs),
    Tail(tail::TailArgs),
    Clear(clear::ClearArgs),
    Import(import::ImportArgs),
    Keys(keys::KeysArgs),
    Trace(trace::TraceArgs),
    Log(log::LogArgs),
    Demo(demo::DemoArgs),
    Doctor(doctor::DoctorArgs),
    #[command(hide = true)]
    Soak(soak::SoakArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Filters(filters::FiltersArgs),
}

impl Command {
    /// The filter of the command, where it has one.
    fn filter(&mut self) -> Option<&mut FilterArgs> {
        match self {
            Command::List(args) => Some(args.filter()),
            Command::Spans(args) => Some(args.filter()),
            Command::Search(args) => Some(args.filter()),
            Command::Stats(args) => Some(args.filter()),
            Command::Why(args) => Some(args.filter()),
            Command::Attrs(args) => Some(args.filter()),
            Command::Logs(args) => Some(args.filter()),
            _ => None,
        }
    }

    /// Whether Ctrl-C ends the process at once; else the command runs until Ctrl-C and ends in its own way.
    fn ends_at_interrupt(&self) -> bool {
        match self {
            Command::Start(_) | Command::Tail(_) | Command::Soak(_) => false,
            Command::Logs(args) => !args.follows(),
            _ => true,
        }
    }
}

/// Reads `help` as a command: `tracehub help logs` is `tracehub logs --help`, as people know it from other programs; `tracehub help
/// filters` is `tracehub filters`.
fn asked_for_help(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|word| word == "help") {
        args.remove(1);
        // The page is what such a command prints.
        if args.get(1).is_none_or(|word| word != "filters") {
            args.push("--help".into());
        }
    }
    args
}

/// Runs the program with the arguments of the process; what it returns is the exit code.
pub fn main() -> ExitCode {
    let terminal = Terminal::detect();
    let (outcome, color) = match Cli::try_parse_from(asked_for_help(std::env::args_os().collect())) {
        Ok(cli) => {
            let color = cli.global.color;
            (run(cli, terminal), color)
        }
        Err(error) => (answer_without_command(&error, &terminal), ColorChoice::Auto),
    };
    let code = outcome.unwrap_or_else(|failure| {
        let text = failure.render(wants_color(color, terminal.stderr));
        // With stderr gone there is nobody left to tell.
        let _ = std::io::stderr().write_all(text.as_bytes());
        failure.code
    });
    ExitCode::from(code as u8)
}

/// The whole command line as data, for completions and man pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Answers without a command: help, version, and everything clap refuses.
fn answer_without_command(error: &clap::Error, terminal: &Terminal) -> Outcome {
    let render = |is_terminal| {
        let text = error.render();
        if wants_color(ColorChoice::Auto, is_terminal) { text.ansi().to_string() } else { text.to_string() }
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => context::print(&render(terminal.stdout)),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = std::io::stderr().write_all(render(terminal.stderr).as_bytes());
            Ok(Code::Usage)
        }
        _ => Err(Failure::from_clap(error)),
    }
}

fn run(cli: Cli, terminal: Terminal) -> Outcome {
    let context = Context::new(cli.global, terminal)?;
    logging::start(&context);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::from_error(Code::Failed, &error))?;
    runtime.block_on(async {
        signals::outlive_file_size_limit();
        let ends_at_interrupt = cli.command.ends_at_interrupt();
        if ends_at_interrupt {
            signals::exit_on_interrupt();
        }
        let outcome = dispatch(&context, cli.command).await;
        if ends_at_interrupt {
            context.warn_of_opened();
        }
        outcome
    })
}

async fn dispatch(context: &Context, mut command: Command) -> Outcome {
    if let Some(filter) = command.filter() {
        filter.learn_saved(context).await?;
    }
    match command {
        Command::Start(args) => start::run(context, args).await,
        Command::Status(args) => status::run(context, args).await,
        Command::List(args) => list::run(context, args).await,
        Command::Show(args) => show::run(context, args).await,
        Command::Spans(args) => spans::run(context, args).await,
        Command::Search(args) => search::run(context, args).await,
        Command::Stats(args) => stats::run(context, args).await,
        Command::Why(args) => why::run(context, args).await,
        Command::Query(args) => query::run(context, args).await,
        Command::Attrs(args) => attrs::run(context, args).await,
        Command::Sql(args) => sql::run(context, args).await,
        Command::Export(args) => export::run(context, args).await,
        Command::Logs(args) if args.follows() => logs::follow(context, args).await,
        Command::Logs(args) => logs::run(context, args).await,
        Command::Issues(args) => issues::run(context, args).await,
        Command::Tail(args) => tail::run(context, args).await,
        Command::Clear(args) => clear::run(context, args).await,
        Command::Import(args) => import::run(context, args).await,
        Command::Keys(args) => keys::run(context, args).await,
        Command::Log(args) => log::run(context, args).await,
        Command::Trace(args) => trace::run(context, args).await,
        Command::Doctor(args) => doctor::run(context, args).await,
        Command::Soak(args) => soak::run(context, args).await,
        Command::Demo(args) => demo::run(context, args).await,
        Command::Completions(args) => completions::run(args, self::command()),
        Command::Filters(args) => filters::run(context, args),
        Command::Man(args) => man::run(context, args, self::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault_with_the_command_line() {
        command().debug_assert();
    }

    #[test]
    fn the_help_page_names_every_command_and_fits_on_a_screen() {
        let help = command().render_help().to_string();
        for subcommand in command().get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
            assert!(HELP.contains(subcommand.get_name()), "{}", subcommand.get_name());
        }
        assert!(help.lines().count() <= 45, "{help}");
    }

    #[test]
    fn what_follows_the_options_of_a_command_fits_eighty_columns() {
        let mut commands = vec![command()];
        while let Some(command) = commands.pop() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn help_is_a_word_as_well() {
        let asked = |words: &[&str]| -> Vec<String> {
            let words = asked_for_help(words.iter().map(OsString::from).collect());
            words.into_iter().map(|word| word.into_string().expect("text")).collect()
        };
        assert_eq!(asked(&["tracehub", "help", "logs"]), ["tracehub", "logs", "--help"]);
        assert_eq!(asked(&["tracehub", "help"]), ["tracehub", "--help"]);
        assert_eq!(asked(&["tracehub", "log", "help"]), ["tracehub", "log", "help"]);
    }

    #[test]
    fn every_command_shows_examples() {
        let mut commands: Vec<clap::Command> = command().get_subcommands().cloned().collect();
        while let Some(command) = commands.pop() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.lines().filter(|line| line.trim_start().contains("tracehub")).count();
            assert!((1..=6).contains(&examples), "{}", command.get_name());
            commands.extend(command.get_subcommands().cloned());
        }
    }
}
