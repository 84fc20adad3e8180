//! Who may do what: keys and their holders ([`rights`], [`keyring`]), where requests come from ([`origin`]), and what
//! becomes of answers under way when a key is revoked ([`revocation`]), and what of the store a caller may see
//! ([`callers_store`]). Knows no route.

mod callers_store;
mod keyring;
mod origin;
mod revocation;
mod rights;

pub(crate) use callers_store::CallersStore;
pub(crate) use keyring::Keyring;
pub(crate) use origin::{FOREIGN_SITE, Site};
pub(crate) use revocation::Revocation;
pub use rights::Openness;
pub(crate) use rights::{Access, Caller, ENDED, Forbidden, Peer, Scope, has_credentials, hide_credentials, is_trusted};
