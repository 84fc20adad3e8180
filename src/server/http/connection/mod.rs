//! Connections: what happens on one ([`activity`], told by its bytes, [`stream`], and its messages, [`messages`]), and
//! who gets the few there are ([`table`]). Knows nothing of what is asked.

pub(crate) mod activity;
pub(crate) mod messages;
pub(crate) mod stream;
pub(crate) mod table;

pub(crate) use activity::{Activity, Patience, Release};
pub(crate) use stream::Watched;
pub(crate) use table::{Connections, Entry, Slot};
