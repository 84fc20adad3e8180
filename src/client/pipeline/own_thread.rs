//! Which threads are the SDK's own: what these log themselves must not become records, or it would never end.

use std::cell::Cell;

thread_local! {
    static IS_OWN_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread, for the rest of its life, as one that ships records.
pub(crate) fn enter() {
    IS_OWN_THREAD.set(true);
}

/// Whether this thread ships records; also while a thread is torn down.
pub(crate) fn is_own_thread() -> bool {
    IS_OWN_THREAD.try_with(Cell::get).unwrap_or(true)
}
