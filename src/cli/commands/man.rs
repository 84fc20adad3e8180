//! `tracehub man`: prints or shows the manual page of a command, which is made from its flags.

use std::io::Write as _;
use std::process::{Command, Stdio};

use clap::Args;

use crate::cli::context::{Context, print};
use crate::cli::exit::{Code, Failure, Outcome};

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

/// Prints the manual page of a command of `program` as roff, or shows it on a terminal where there is a `man`.
///
/// # Errors
/// No such command, or stdout is closed or failed.
pub fn run(context: &Context, args: ManArgs, program: clap::Command) -> Outcome {
    let Some(page) = manual_page(program, &args.command) else {
        return Err(Failure::usage(format!("no command `{}`", args.command.join(" ")))
            .hint("`tracehub --help` lists the commands"));
    };
    if context.terminal.stdout && !context.args.no_pager && show_manual(&page) {
        return Ok(Code::Done);
    }
    print(&page)
}

/// The manual page of the command at `path` below `program`, as roff; `None` when there is no such command.
fn manual_page(mut program: clap::Command, path: &[String]) -> Option<String> {
    program.build();
    let mut command = &program;
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
