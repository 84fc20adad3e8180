//! From a path or URL to a backend: one line per scheme.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{Backend, Error, Facet, Mode, Result, old, remote, sqlite};

/// Where records live.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A SQLite file.
    File(PathBuf),
    /// A tracehub server; `key` goes with every request.
    Server {
        /// Its base URL.
        url: String,
        /// API key or the token of a server's lock file.
        key: Option<String>,
    },
}

// By hand, because a key must not get into a log this way.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::File(path) => f.debug_tuple("File").field(path).finish(),
            Target::Server { url, key } => {
                let key = key.as_ref().map(|_| "(hidden)");
                f.debug_struct("Server").field("url", &remote::without_credentials(url)).field("key", &key).finish()
            }
        }
    }
}

impl Target {
    /// The target a text names: `http://` and `https://` are servers, other schemes are refused, the rest is a path.
    ///
    /// # Errors
    /// [`Error::BadTarget`] for a scheme this build does not know.
    pub fn parse(text: &str) -> Result<Target> {
        let bad =
            |reason: &str| Error::BadTarget { target: remote::without_credentials(text), reason: reason.to_owned() };
        match text.split_once("://") {
            Some(("http" | "https", _)) => Ok(Target::Server { url: text.to_owned(), key: None }),
            Some((scheme, _)) if scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') => {
                Err(bad("this build knows files, `http://` and `https://`"))
            }
            _ if text.is_empty() => Err(bad("it is empty")),
            _ => Ok(Target::File(PathBuf::from(text))),
        }
    }
}

/// Opens what `target` names.
///
/// # Errors
/// [`Error::Missing`] when reading a file that is not there, and every other reason it cannot be opened.
pub async fn open(target: &Target, mode: Mode) -> Result<Arc<dyn Backend>> {
    match target {
        Target::File(path) => match (old::open(path).await?, mode) {
            (Some(file), Mode::Read) => Ok(file),
            (Some(file), Mode::Write) => Err(Error::lacks(file.info().kind, Facet::Sink)),
            (None, _) => sqlite::open(path.clone(), mode).await,
        },
        Target::Server { url, key } => remote::open(url, key.as_deref()).await,
    }
}
