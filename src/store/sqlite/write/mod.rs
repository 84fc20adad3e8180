//! Writing: the queue of what waits, what is known already, and the one thread that commits.

mod admission;
pub(crate) mod commit;
pub(crate) mod dedup;
pub(crate) mod write_queue;
pub(crate) mod writer;
