//! What a store may offer besides lists and traces, or the one error that says that it does not.
//!
//! Everything above asks for facets here, so that a missing one is told the same way whatever was wanted of it, and
//! never looks like an empty answer.

use crate::store::{Backend, Error, Facet, Feed, Issues, Keys, Logs, Result, SavedFilters, Sink};

/// The records of a store in the order they arrived.
///
/// # Errors
/// [`Error::Lacks`]
pub fn feed(backend: &dyn Backend) -> Result<&dyn Feed> {
    backend.feed().ok_or_else(|| lacks(backend, Facet::Feed))
}

/// Writing to a store and removing from it.
///
/// # Errors
/// [`Error::Lacks`]
pub fn sink(backend: &dyn Backend) -> Result<&dyn Sink> {
    backend.sink().ok_or_else(|| lacks(backend, Facet::Sink))
}

/// The log records of a store.
///
/// # Errors
/// [`Error::Lacks`]
pub fn logs(backend: &dyn Backend) -> Result<&dyn Logs> {
    backend.logs().ok_or_else(|| lacks(backend, Facet::Logs))
}

/// The issues a store keeps.
///
/// # Errors
/// [`Error::Lacks`]
pub fn issues(backend: &dyn Backend) -> Result<&dyn Issues> {
    backend.issues().ok_or_else(|| lacks(backend, Facet::Issues))
}

/// The keys a store keeps.
///
/// # Errors
/// [`Error::Lacks`]
pub fn keys(backend: &dyn Backend) -> Result<&dyn Keys> {
    backend.keys().ok_or_else(|| lacks(backend, Facet::Keys))
}

/// The filters a store keeps under names.
///
/// # Errors
/// [`Error::Lacks`]
pub fn saved_filters(backend: &dyn Backend) -> Result<&dyn SavedFilters> {
    backend.saved_filters().ok_or_else(|| lacks(backend, Facet::SavedFilters))
}

/// An answer that is left out where the store lacks the facet it comes from: `None` then.
///
/// # Errors
/// Every other error of the answer.
pub fn if_offered<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(Error::Lacks { .. }) => Ok(None),
        answer => answer.map(Some),
    }
}

fn lacks(backend: &dyn Backend, facet: Facet) -> Error {
    backend.info().lacks(facet)
}
