//! Which threads ship records. What these threads log themselves must not become records, or sending would never end.

use std::cell::Cell;

thread_local! {
    static IS_OWN_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread, for the rest of its life, as one that ships records.
pub(crate) fn mark() {
    IS_OWN_THREAD.set(true);
}

/// Whether this thread ships records; true as well while a thread is torn down.
pub(crate) fn is_own_thread() -> bool {
    IS_OWN_THREAD.try_with(Cell::get).unwrap_or(true)
}
