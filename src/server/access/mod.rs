//! Who may do what: keys and their holders ([`rights`], [`keyring`]), where requests come from ([`origin`]), and what
//! becomes of answers under way when a key is revoked ([`revocation`]); what of the store a caller may see
//! ([`callers_store`]), what pages of other sites hear ([`cors`]), and how much each caller may do ([`caller_id`],
//! [`quota`], [`rates`]). Knows no route.

mod caller_id;
mod callers_store;
pub(crate) mod cors;
mod keyring;
mod origin;
mod quota;
mod rates;
mod revocation;
mod rights;

pub(crate) use caller_id::{CallerId, network_of};
pub(crate) use callers_store::CallersStore;
pub(crate) use keyring::Keyring;
pub(crate) use origin::{FOREIGN_SITE, Site};
pub(crate) use quota::Quota;
pub(crate) use revocation::Revocation;
pub use rights::Openness;
pub(crate) use rights::{Access, Caller, ENDED, Forbidden, Peer, Scope, has_credentials, hide_credentials, is_trusted};
