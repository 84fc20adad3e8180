//! The present time as far as a store bears it out: what is removed by its age must not go because a clock is wrong.

use std::time::Duration;

use crate::model::Nanos;
use crate::store::{Backend, Result};

/// So much later than its newest record it may be without a doubt.
const UNDOUBTED: Duration = Duration::from_secs(3_600);

/// The time that ages count back from when records are removed: `now`, but that of the newest record of the store when
/// the clock is an hour or more ahead of it.
///
/// # Errors
/// The store fails.
pub async fn present(backend: &dyn Backend, now: Nanos) -> Result<Nanos> {
    Ok(match backend.newest_received().await? {
        Some(newest) if now.since(newest) > UNDOUBTED.as_nanos() as u64 => newest,
        _ => now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Batch,
        query::samples::span,
        store::{Mode, Target, open},
    };

    #[tokio::test]
    async fn ages_count_back_from_the_newest_record_when_the_clock_is_far_ahead_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&Target::File(folder.path().join("a.db")), Mode::Write).await.expect("a store");
        let later = |nanos: u64| Nanos(Nanos::now().0 + nanos);
        let (minute, day) = (60_000_000_000, 86_400_000_000_000);
        assert!(present(&*store, later(day)).await.expect("read") >= later(day - minute), "nothing says otherwise");
        store.sink().expect("a sink").write(Batch::of_spans(vec![span("old", 1, 0, 10, 20)])).await.expect("stored");
        assert!(present(&*store, later(day)).await.expect("read") <= Nanos::now());
        assert!(present(&*store, later(minute)).await.expect("read") > later(minute / 2));
        store.close().await.expect("a clean end");
    }
}
