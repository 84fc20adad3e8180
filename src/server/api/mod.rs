//! The API. [`table`] says which routes there are and what each needs,
//! [`parameters`] which names each may be asked with, [`router`] what answers each, [`openapi`] documents
//! them; the other files are the answers, which read their question, ask the store, and write down what it says.

pub(crate) mod issues;
pub(crate) mod keys;
pub(crate) mod logs;
pub(crate) mod openapi;
pub(crate) mod paged_list;
pub(crate) mod parameters;
pub(crate) mod questions;
pub(crate) mod router;
pub(crate) mod scan;
pub(crate) mod senders;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod traces;
