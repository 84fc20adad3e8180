//! Rules of redaction as commands take them: `--redact FILE`, or `TRACEHUB_REDACT`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::cli::environment::variable_os;
use crate::cli::exit::{Code, Failure};
use crate::store::redact::{Redaction, Rules};

/// The flag that names rules.
#[derive(Debug, Clone, Args)]
pub struct RedactArgs {
    /// Take secrets out before anything is written, by the rules in this file [env: TRACEHUB_REDACT]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    redact: Option<PathBuf>,
}

impl RedactArgs {
    /// The file that the flag or the variable names.
    pub fn file(&self) -> Option<PathBuf> {
        self.redact.clone().or_else(|| variable_os("TRACEHUB_REDACT").map(PathBuf::from))
    }

    /// The rules, ready to be put in force; `None` when none are named.
    ///
    /// # Errors
    /// They cannot be read: going on without them would store what should not be stored.
    pub fn redaction(&self) -> Result<Option<Arc<Redaction>>, Failure> {
        self.file().map(|file| Ok(Arc::new(Redaction::new(read_rules(&file)?)))).transpose()
    }
}

/// Reads a file of rules.
///
/// # Errors
/// It cannot be read, or a line of it makes no sense.
pub fn read_rules(file: &Path) -> Result<Rules, Failure> {
    Rules::read(file).map_err(|error| Failure::from_error(Code::Usage, &error))
}
