//! The `tracehub` program. Everything lies in the library; see `tracehub::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tracehub::cli::main()
}
