//! Where the data is: the flag, then `TRACEHUB_URL`, then `TRACEHUB_DB`, then the usual file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::environment::{data_dir, variable, variable_os};
use super::exit::{Code, Failure};
use super::global::GlobalArgs;
use super::http;
use crate::store::sqlite::lock;
use crate::store::{self, Error, Target};

/// Name of the usual database file.
const DEFAULT_FILE: &str = "tracehub.db";

/// How long the owner of a file may take to answer at all before it counts as stopped.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// The file or server that flags and variables name.
///
/// # Errors
/// Both flags at once, a target of no known kind, or no home directory to look in.
pub fn target(args: &GlobalArgs) -> Result<Target, Failure> {
    let target = match (&args.db, &args.url) {
        (Some(_), Some(_)) => return Err(both_flags()),
        (Some(db), None) => parse(db)?,
        (None, Some(url)) => server(url)?,
        (None, None) => match (variable("TRACEHUB_URL"), variable_os("TRACEHUB_DB")) {
            (Some(url), _) => server(&url)?,
            (None, Some(db)) => parse(&db)?,
            (None, None) => Target::File(default_file()?),
        },
    };
    Ok(target.with_key(key(args)))
}

fn key(args: &GlobalArgs) -> Option<String> {
    let given = args.api_key.as_ref().map(|key| key.reveal().to_owned()).filter(|key| !key.is_empty());
    given.or_else(|| variable("TRACEHUB_API_KEY"))
}

/// What a server should serve: `--db`, then `TRACEHUB_DB`, then the usual file, whose directory is made.
///
/// # Errors
/// `--url`, which names whom to ask; the directory cannot be made.
pub fn served(args: &GlobalArgs) -> Result<Target, Failure> {
    if args.url.is_some() {
        return Err(match args.db {
            Some(_) => both_flags(),
            None => Failure::usage("a server writes to a file of its own, so --url makes no sense here")
                .hint("name the file with --db"),
        });
    }
    match args.db.clone().or_else(|| variable_os("TRACEHUB_DB")) {
        Some(db) => Ok(parse(&db)?.with_key(key(args))),
        None => {
            let path = default_file()?;
            make_parent(&path)?;
            Ok(Target::File(path))
        }
    }
}

/// The target to write to: a server that owns the file is asked to do it, so that nobody writes behind its back.
///
/// # Errors
/// There is no such file, or the process that owns it does not answer.
pub fn for_writing(target: Target) -> Result<Target, store::Error> {
    let (store, meta) = target.into_parts();
    let Some(path) = store.file() else { return Ok(store.beside(meta)) };
    if let Some(lock::Owner { url: Some(url), token, pid }) = lock::owner(path) {
        if !http::answers(&url, ANSWER_WITHIN) {
            let path = path.display();
            let reason = format!("process {pid} writes to `{path}` and does not answer; is it stopped?");
            return Err(Error::Locked(reason));
        }
        return Ok(Target::Url { url, key: token }.beside(meta));
    }
    match path.try_exists() {
        Ok(false) => Err(Error::Missing(path.to_owned())),
        _ => Ok(store.beside(meta)),
    }
}

/// The target to write to, as [`for_writing`] says, but a file need not be there: opening it makes it.
pub fn for_creating(target: Target) -> Target {
    for_writing(target.clone()).unwrap_or(target)
}

/// Makes the directory a file lies in, for its owner only.
///
/// # Errors
/// The system refuses.
pub fn make_parent(path: &Path) -> Result<(), Failure> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(parent).map_err(|source| Failure::from(Error::Open { path: parent.to_owned(), source }))
}

fn default_file() -> Result<PathBuf, Failure> {
    let no_home = || Failure::new(Code::Usage, "no database named, and no home directory to look in");
    Ok(data_dir().ok_or_else(|| no_home().hint("name a file with --db, or set TRACEHUB_DB"))?.join(DEFAULT_FILE))
}

fn parse(db: &OsStr) -> Result<Target, Failure> {
    match db.to_str() {
        Some(text) => Ok(Target::parse(text)?),
        // A path need not be UTF-8, a URL is.
        None => Ok(Target::File(PathBuf::from(db))),
    }
}

fn server(url: &str) -> Result<Target, Failure> {
    let target = Target::parse(url)?;
    match target.file() {
        Some(_) => {
            Err(Failure::usage(format!("`{url}` is not the URL of a server")).hint("such as http://127.0.0.1:8099"))
        }
        None => Ok(target),
    }
}

fn both_flags() -> Failure {
    Failure::usage("--db and --url exclude each other").hint("name one place")
}
