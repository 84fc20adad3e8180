//! Flags every command takes.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use super::exit::Failure;
use crate::secret::Hidden;
use crate::view::machine::Format;
use crate::view::out::style::TimeStyle;

/// Widths that can be drawn.
pub const WIDTHS: RangeInclusive<u16> = 40..=1_000;

/// Flags every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Database file, or the URL of a server [env: TRACEHUB_DB]
    #[arg(long, alias = "db-path", value_name = "PATH|URL", global = true, value_hint = clap::ValueHint::FilePath)]
    pub db: Option<OsString>,

    /// Ask this server instead of a file [env: TRACEHUB_URL]
    #[arg(long, value_name = "URL", global = true, value_hint = clap::ValueHint::Url)]
    pub url: Option<String>,

    /// Key for the server [env: TRACEHUB_API_KEY]
    #[arg(long, value_name = "KEY", global = true)]
    pub api_key: Option<Hidden>,

    /// Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]
    #[arg(long, value_name = "FILE", global = true, value_hint = clap::ValueHint::FilePath)]
    pub ca_cert: Option<PathBuf>,

    /// What to print: table, json, ndjson, csv, tsv, id [default: table]
    #[arg(short, long, value_name = "FORMAT", global = true, value_enum, hide_possible_values = true)]
    pub output: Option<Format>,

    /// Print JSON, the same as `-o json`
    #[arg(long, global = true)]
    pub json: bool,

    /// Print only these fields, such as `trace_id,duration_ms,tokens.input`
    #[arg(long, value_name = "A,B", global = true)]
    pub fields: Option<String>,

    /// Print only ids, and no messages
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Say more on stderr; twice for even more
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,

    /// When to colour: auto, always, never
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t, hide_possible_values = true)]
    pub color: ColorChoice,

    /// How to write times: relative, local, utc [default: relative on a terminal, else utc]
    #[arg(long, value_name = "STYLE", global = true, value_enum, hide_possible_values = true)]
    pub time: Option<TimeStyle>,

    /// Columns to fill [default: the terminal's]
    #[arg(long, value_name = "N", global = true, value_parser = width)]
    pub width: Option<u16>,

    /// Draw with ASCII only
    #[arg(long, global = true)]
    pub ascii: bool,

    /// Do not page long output
    #[arg(long, global = true)]
    pub no_pager: bool,
}

impl GlobalArgs {
    /// Refuses flags that contradict each other. Not clap's own rules, because those overlook flags that stand on
    /// different sides of a subcommand.
    ///
    /// # Errors
    /// Names the two flags.
    pub fn check(&self) -> Result<(), Failure> {
        let exclude = |a: &str, b: &str| Err(Failure::usage(format!("{a} and {b} exclude each other")));
        match (self.json, self.quiet, self.output) {
            (true, true, _) => exclude("--json", "--quiet"),
            (true, _, Some(output)) if output != Format::Json => exclude("--json", "--output"),
            (_, true, Some(output)) if output != Format::Id => exclude("--quiet", "--output"),
            _ => Ok(()),
        }
    }

    /// The format all flags together ask for.
    pub fn format(&self) -> Format {
        match (self.json, self.quiet, self.output) {
            (true, _, _) => Format::Json,
            (_, true, _) => Format::Id,
            (_, _, Some(output)) => output,
            (_, _, None) => Format::Table,
        }
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR and the like say otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn width(text: &str) -> Result<u16, String> {
    let width = text.parse::<u16>().ok().filter(|width| WIDTHS.contains(width));
    width.ok_or_else(|| format!("a width is a number from {} to {}", WIDTHS.start(), WIDTHS.end()))
}
