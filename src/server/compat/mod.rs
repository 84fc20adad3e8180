//! The checkpoint API of the published Python `tracehub` server: same paths, same statuses, same JSON, so that its
//! clients notice nothing but that what they sent is really stored. `tests/it/data/python` lists where we differ.

pub(crate) mod checkpoint_feed;
pub(crate) mod checkpoint_stream;
pub(crate) mod checkpoints;
pub(crate) mod cleanup;
pub(crate) mod figures;
pub(crate) mod large_traces;
pub(crate) mod lookup;
pub(crate) mod paths;
pub(crate) mod replies;
pub(crate) mod sources;
pub(crate) mod stored;
