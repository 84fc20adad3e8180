//! All records of one store brought into another: what import is.
//!
//! Stores take a record they have for a duplicate, so a copy that was cut short is finished by making it again.

use std::time::Duration;

use super::facets;
use crate::model::{Batch, RecordFilter, Text, Written};
use crate::store::{self, Backend, Error};

/// How many records are read and written at once.
const BATCH: usize = 2_000;
/// How often a store that is busy is asked again.
const MOST_RETRIES: u32 = 8;
/// How long after the first refusal a busy store is asked again; each further wait is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// How far a copy got; `accepted + duplicates` is `read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Records read from the source.
    pub read: u64,
    /// Records that were new in the target and are on disk there.
    pub accepted: u64,
    /// Records the target had.
    pub duplicates: u64,
}

/// Writes every record of `source` into `target`, the next ones being read meanwhile; those in no project come into
/// `project`, if one is named. `advanced` is told after every batch how far it got.
///
/// # Errors
/// Reading or writing failed; what `advanced` was told last is in the target all the same.
pub async fn copy(
    source: &dyn Backend,
    target: &dyn Backend,
    project: Option<&Text>,
    mut advanced: impl FnMut(&Copied),
) -> store::Result<Copied> {
    let (feed, everything) = (facets::feed(source)?, RecordFilter::default());
    let mut copied = Copied::default();
    let mut chunk = feed.scan(&everything, None, BATCH, Duration::ZERO).await?;
    loop {
        if let Some(project) = project {
            chunk.batch.assign_missing_project(project);
        }
        let next = async {
            match chunk.at_end {
                true => Ok(None),
                false => feed.scan(&everything, Some(&chunk.next), BATCH, Duration::ZERO).await.map(Some),
            }
        };
        let (written, next) = tokio::join!(write(target, &chunk.batch), next);
        let written = written?;
        copied.read += chunk.batch.len() as u64;
        copied.accepted += written.accepted;
        copied.duplicates += written.duplicates;
        advanced(&copied);
        match next? {
            Some(next) => chunk = next,
            None => return Ok(copied),
        }
    }
}

/// Writes a batch to a store, cut to the limits of records, again and again for a while when the store is busy.
pub(super) async fn write(target: &dyn Backend, batch: &Batch) -> store::Result<Written> {
    if batch.is_empty() {
        return Ok(Written::default());
    }
    let sink = facets::sink(target)?;
    let mut batch = batch.clone();
    batch.cut_to_limits();
    let mut pause = FIRST_PAUSE;
    for _ in 0..MOST_RETRIES {
        match sink.write(batch.clone()).await {
            Err(Error::Busy) => tokio::time::sleep(pause).await,
            answer => return answer,
        }
        pause *= 2;
    }
    sink.write(batch.clone()).await
}
