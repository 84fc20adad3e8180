//! Writing: the queue of what waits, what is known already, and the one thread that commits.

mod admission;
pub mod commit;
pub mod dedup;
mod log_watch;
pub mod write_queue;
pub mod writer;
