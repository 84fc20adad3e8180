//! Who sends to this server, and what becomes of it: enough to tell the owner of a program that sends in vain why, and
//! bounded, whatever is sent.
//!
//! A request is looked at in two places: its head ([`head`]) before it is answered, and what it held ([`contents`]) where
//! records are stored. The front puts both into the [`tally`] once there is an answer. What never became a request is known
//! by its first bytes ([`greeting`]). The [`keeper`] writes the tally into the store now and then.

pub(crate) mod contents;
pub(crate) mod greeting;
pub(crate) mod head;
pub(crate) mod keeper;
pub(crate) mod tally;

pub(crate) use self::contents::{Contents, Taken};
pub(crate) use self::head::{FOREIGN_HOST, Head, Refused};
pub(crate) use self::tally::Tally;
