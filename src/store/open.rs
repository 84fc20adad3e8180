//! From a path or URL to a store, through two tables: a new store is its folder and one row here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;

use super::sidecar::with_sidecar;
use super::{Backend, Error, Mode, Result, old, python_server, remote, sqlite};

/// A store, or `S` of one, that is being opened.
type Opening<S = Arc<dyn Backend>> = BoxFuture<'static, Result<S>>;

/// What may stand before `://` in a target.
struct Scheme {
    /// The scheme: `http`.
    name: &'static str,
    /// Whether a tracehub server answers there, which can be asked about itself and be sent log entries.
    is_server: bool,
    /// Makes a store of a URL and the key that goes with every request.
    open: fn(String, Option<String>) -> Opening,
}

/// All schemes.
static SCHEMES: [Scheme; 2] = [
    Scheme { name: "http", is_server: true, open: open_remote },
    Scheme { name: "https", is_server: true, open: open_remote },
];

/// Opens a file of one kind; `None` when it is none of these.
type OpenFile = fn(PathBuf, Mode) -> Opening<Option<Arc<dyn Backend>>>;

/// All kinds of files, those that can be known by a look first, and the one that is made when there is no file last.
static FILES: [OpenFile; 2] = [
    |path, mode| Box::pin(async move { old::open(&path, mode).await }),
    |path, mode| Box::pin(async move { sqlite::open(path, mode).await.map(Some) }),
];

fn open_remote(url: String, key: Option<String>) -> Opening {
    Box::pin(async move {
        match python_server::recognise(&url, key.as_deref()).await? {
            Some(server) => Ok(server),
            None => remote::open(&url, key.as_deref()).await,
        }
    })
}

/// What parts a target from the file beside it.
const META: &str = "?meta=";

/// Where records live.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A database file.
    File(PathBuf),
    /// A store behind a URL.
    Url {
        /// The URL.
        url: String,
        /// What goes with every request: an API key, or the token of a server's lock file.
        key: Option<String>,
    },
    /// A store whose issues and keys are kept in a database file beside it.
    Beside {
        /// The store.
        store: Box<Target>,
        /// The file.
        meta: PathBuf,
    },
}

// By hand, because a key must not get into a log this way.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::File(path) => f.debug_tuple("File").field(path).finish(),
            Target::Url { key, .. } => {
                let key = key.as_ref().map(|_| "(hidden)");
                f.debug_struct("Url").field("url", &self.location()).field("key", &key).finish()
            }
            Target::Beside { store, meta } => {
                f.debug_struct("Beside").field("store", store).field("meta", meta).finish()
            }
        }
    }
}

impl Target {
    /// The target a text names: a URL of a known scheme, or else a path. `?meta=FILE` behind either names a file beside
    /// it, unless there is a file whose name ends so.
    ///
    /// # Errors
    /// [`Error::BadTarget`] for a scheme this build does not know, and for no name of a file.
    pub fn parse(text: &str) -> Result<Target> {
        match text.rsplit_once(META) {
            Some((_, "")) => Err(bad_target(text, "`?meta=` names no file".to_owned())),
            Some((store, meta)) if !Path::new(text).exists() => {
                Ok(Target::parse_store(store)?.beside(Some(PathBuf::from(meta))))
            }
            _ => Target::parse_store(text),
        }
    }

    fn parse_store(text: &str) -> Result<Target> {
        match text.split_once("://") {
            Some((name, _)) if scheme(name).is_some() => Ok(Target::Url { url: text.to_owned(), key: None }),
            Some((name, _)) if name.len() > 1 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') => {
                Err(bad_target(text, format!("this build knows {}", known_schemes())))
            }
            _ if text.is_empty() => Err(bad_target(text, "it is empty".to_owned())),
            _ => Ok(Target::File(PathBuf::from(text))),
        }
    }

    /// The target with this key, if it is one that takes a key.
    pub fn with_key(self, key: Option<String>) -> Target {
        match self {
            Target::File(_) => self,
            Target::Url { url, .. } => Target::Url { url, key },
            Target::Beside { store, meta } => Target::Beside { store: Box::new(store.with_key(key)), meta },
        }
    }

    /// The target with this file beside it, if any.
    pub fn beside(self, meta: Option<PathBuf>) -> Target {
        match meta {
            Some(meta) => Target::Beside { store: Box::new(self), meta },
            None => self,
        }
    }

    /// The store itself, and the file beside it if there is one.
    pub fn into_parts(self) -> (Target, Option<PathBuf>) {
        match self {
            Target::Beside { store, meta } => (*store, Some(meta)),
            store => (store, None),
        }
    }

    /// The path of the store, if it is a file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Target::File(path) => Some(path),
            Target::Url { .. } => None,
            Target::Beside { store, .. } => store.file(),
        }
    }

    /// The URL of the store and the key for it, if it is a tracehub server.
    pub fn server(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Target::File(_) => None,
            Target::Url { url, key } => {
                scheme_of(url).filter(|scheme| scheme.is_server).map(|_| (url.as_str(), key.as_deref()))
            }
            Target::Beside { store, .. } => store.server(),
        }
    }

    /// Path or URL of the store, without secrets.
    pub fn location(&self) -> String {
        match self {
            Target::File(path) => path.display().to_string(),
            Target::Url { url, .. } => remote::without_credentials(url),
            Target::Beside { store, .. } => store.location(),
        }
    }
}

fn scheme(name: &str) -> Option<&'static Scheme> {
    SCHEMES.iter().find(|scheme| scheme.name == name)
}

fn scheme_of(url: &str) -> Option<&'static Scheme> {
    scheme(url.split_once("://")?.0)
}

/// ``files, `http://` and `https://` ``.
fn known_schemes() -> String {
    let names: Vec<String> = SCHEMES.iter().map(|scheme| format!("`{}://`", scheme.name)).collect();
    match names.split_last() {
        Some((last, others)) => format!("files, {} and {last}", others.join(", ")),
        None => "files".to_owned(),
    }
}

fn bad_target(text: &str, reason: String) -> Error {
    Error::BadTarget { target: remote::without_credentials(text), reason }
}

/// Opens what `target` names.
///
/// # Errors
/// [`Error::Missing`] when reading a file that is not there, and every other reason it cannot be opened.
pub async fn open(target: &Target, mode: Mode) -> Result<Arc<dyn Backend>> {
    match target {
        Target::File(path) => open_file(path, mode).await,
        Target::Url { url, key } => match scheme_of(url) {
            Some(scheme) => (scheme.open)(url.clone(), key.clone()).await,
            None => Err(bad_target(url, format!("this build knows {}", known_schemes()))),
        },
        Target::Beside { store, meta } => {
            let opened = match Box::pin(open(store, mode)).await {
                // What only can be read may have issues and keys that change.
                Err(Error::Lacks { .. }) => Box::pin(open(store, Mode::Read)).await?,
                opened => opened?,
            };
            with_sidecar(opened, meta.clone()).await
        }
    }
}

async fn open_file(path: &Path, mode: Mode) -> Result<Arc<dyn Backend>> {
    for open in &FILES {
        if let Some(store) = open(path.to_owned(), mode).await? {
            return Ok(store);
        }
    }
    Err(Error::NotOurs(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_told_the_known_ones() {
        let error = Target::parse("jaeger://host").expect_err("unknown");
        assert_eq!(error.to_string(), "cannot use `jaeger://host`: this build knows files, `http://` and `https://`");
    }

    #[test]
    fn a_file_beside_a_store_is_named_behind_it() {
        let parts = |text: &str| Target::parse(text).map(|target| (target.location(), target.into_parts().1));
        let meta = || Some(PathBuf::from("m.db"));
        assert_eq!(parts("old.db?meta=m.db").expect("a target"), ("old.db".to_owned(), meta()));
        assert_eq!(parts("http://h:1/x?meta=m.db").expect("a target"), ("http://h:1/x".to_owned(), meta()));
        assert_eq!(parts("a?b.db").expect("a target"), ("a?b.db".to_owned(), None));
        assert!(parts("old.db?meta=").is_err() && parts("?meta=m.db").is_err() && parts("xy://z?meta=m.db").is_err());
    }

    #[test]
    fn a_file_whose_name_ends_like_that_is_that_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db?meta=m.db");
        std::fs::write(&path, "").expect("written");
        assert_eq!(Target::parse(path.to_str().expect("text")).expect("a path"), Target::File(path));
    }

    #[test]
    fn a_key_is_in_no_log() {
        let target =
            Target::parse("http://me:secret@h?meta=m.db").expect("a target").with_key(Some("th_key".to_owned()));
        let text = format!("{target:?}");
        assert!(!text.contains("secret") && !text.contains("th_key"), "{text}");
        assert_eq!(target.server(), Some(("http://me:secret@h", Some("th_key"))));
    }
}
