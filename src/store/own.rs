//! The store of a server: a file is owned by whoever serves it, and its lock tells other processes how to reach them.

use std::sync::Arc;

use super::redact::{Redactor, Rewritten};
use super::sqlite::lock::Owner;
use super::sqlite::{Options, Sqlite};
use super::{Backend, Error, Mode, Result, Target, old, open};

/// A store that is served.
#[derive(Debug)]
pub struct Owned {
    /// The store.
    pub backend: Arc<dyn Backend>,
    /// The file of the store, if it is one of ours.
    file: Option<Arc<Sqlite>>,
}

/// Opens the store of a server: a file of ours with its lock, made if it is not there, or any other store.
///
/// # Errors
/// Why it cannot be opened; [`Error::Locked`](super::Error::Locked) names the process that owns the file.
pub async fn own(target: &Target, options: Options) -> Result<Owned> {
    match target {
        Target::File(path) => {
            // What another program wrote is known by its kind, which says more than that it is none of ours.
            if let Err(Error::Lacks { .. }) = old::open(path, Mode::Write).await {
                let kind = old::open(path, Mode::Read).await?.map_or("", |store| store.info().kind);
                return Err(Error::Foreign { path: path.clone(), kind });
            }
            let file = Sqlite::open_for_writing(path.clone(), options).await?;
            Ok(Owned { backend: Arc::clone(&file) as _, file: Some(file) })
        }
        other => Ok(Owned { backend: open(other, Mode::Write).await?, file: None }),
    }
}

impl Owned {
    /// Takes the secrets that `redactor` finds out of everything in the file.
    ///
    /// # Errors
    /// [`Error::BadTarget`] for a store that is no file of ours, and what [`Sqlite::redact`] says.
    pub async fn redact(&self, redactor: Redactor) -> Result<Rewritten> {
        let Some(file) = &self.file else {
            let reason = "only a database file can be rewritten, by the command that owns it".to_owned();
            return Err(Error::BadTarget { target: self.backend.info().location.clone(), reason });
        };
        file.redact(redactor).await
    }

    /// Tells other processes under which URL the store is served and what opens everything there. Says nothing of
    /// stores that are no file of ours.
    ///
    /// # Errors
    /// The lock file cannot be written.
    pub fn publish(&self, url: &str, token: &str) -> Result<()> {
        let owner = Owner { pid: std::process::id(), url: Some(url.to_owned()), token: Some(token.to_owned()) };
        self.file.as_ref().map_or(Ok(()), |file| file.publish(&owner))
    }
}
