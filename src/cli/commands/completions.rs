//! `tracehub completions`: prints the script by which a shell completes the flags of every command.

use clap::Args;
use clap_complete::Shell;

use crate::cli::context::print;
use crate::cli::exit::Outcome;

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

/// Prints the completion script of `program`.
///
/// # Errors
/// Stdout is closed or failed.
pub fn run(args: CompletionsArgs, mut program: clap::Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "tracehub", &mut script);
    print(&String::from_utf8_lossy(&script))
}
