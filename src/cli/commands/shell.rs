//! `tracehub completions` and `tracehub man`: what shells and readers of manuals want.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use clap::Args;
use clap_complete::Shell;

use crate::cli::{
    context::Context,
    exit::{Code, Failure, Outcome},
};

/// Print a completion script
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(tracehub completions bash)
  tracehub completions zsh > ~/.zfunc/_tracehub
  tracehub completions fish > ~/.config/fish/completions/tracehub.fish")]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print a manual page; on a terminal, show it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tracehub man
  tracehub man list
  tracehub man trace current > tracehub-trace-current.1")]
pub struct ManArgs {
    /// Which command; none is the whole program
    #[arg(value_name = "CMD")]
    command: Vec<String>,
}

/// Prints a completion script.
///
/// # Errors
/// Stdout is closed or failed.
pub fn completions(context: &Context, args: CompletionsArgs) -> Outcome {
    context.print(&completion_script(args.shell))
}

/// Prints a manual page as roff, or shows it on a terminal where there is a `man`.
///
/// # Errors
/// No such command, or stdout is closed or failed.
pub fn man(context: &Context, args: ManArgs) -> Outcome {
    let Some(page) = manual_page(&args.command) else {
        return Err(Failure::usage(format!("no command `{}`", args.command.join(" ")))
            .hint("`tracehub --help` lists the commands"));
    };
    if context.terminal.stdout && !context.args.no_pager && show_manual(&page) {
        return Ok(Code::Done);
    }
    context.print(&page)
}

/// The completion script of a shell.
pub fn completion_script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::command(), "tracehub", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page of a command, as roff; `None` when there is no such command.
pub fn manual_page(path: &[String]) -> Option<String> {
    let mut command = crate::cli::command();
    command.build();
    let mut command = &command;
    for word in path {
        command = command.find_subcommand(word)?;
    }
    let name = command.get_display_name().unwrap_or("tracehub").to_owned();
    let source = concat!("tracehub ", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = clap_mangen::Man::new(command.clone()).title(name).source(source).manual("tracehub").render(&mut page);
    Some(String::from_utf8_lossy(&page).into_owned())
}

/// Whether `man` showed the page.
fn show_manual(page: &str) -> bool {
    let shown = Command::new("man").args(["-l", "-"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = shown else { return false };
    if let Some(mut stdin) = child.stdin.take() {
        // A reader that quits early is all right.
        let _ = stdin.write_all(page.as_bytes());
    }
    child.wait().is_ok_and(|status| status.success())
}
