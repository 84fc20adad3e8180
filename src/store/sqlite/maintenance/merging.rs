//! Merging: small neighbours among the segments become one, so that there are few of them however slowly records come in.

use std::ops::Range;

use rusqlite::Connection;

use super::super::damage::{Part, collect, tolerate};
use super::super::segments::{self, Extent};
use super::super::tables::damaged;
use super::super::write::write_queue::{Forget, Queue};
use super::mending;
use crate::model::RecordKind;
use crate::store::Result;

/// This many small neighbours are merged, if that lifts them into the next size.
const NEIGHBOURS: usize = 8;
/// This many small neighbours are merged whatever comes out.
const MANY_NEIGHBOURS: usize = 64;
/// No merge makes more than this many times `seal_records`.
const MOST_MERGED: u64 = 4;
/// No merge makes columns of more bytes than this: SQLite takes no value of a gigabyte.
const MOST_MERGED_BYTES: u64 = 512 << 20;
/// No merge takes more blocks than this: a block is a few megabytes before compression at most, and all records that
/// are merged are in memory at once.
const MOST_MERGED_BLOCKS: usize = 64;

/// Merges what can be merged; a segment of `seal_records` is not small.
pub fn merge(connection: &Connection, queue: &Queue, seal_records: usize) -> Result<()> {
    RecordKind::ALL.into_iter().try_for_each(|kind| merge_kind(connection, queue, kind, seal_records as u64))
}

fn merge_kind(connection: &Connection, queue: &Queue, kind: RecordKind, seal_records: u64) -> Result<()> {
    loop {
        let (extents, sizes) = mending::without_damage(connection, queue, || {
            let extents = segments::extents(connection, kind)?;
            let damaged = damaged::segments(connection)?;
            let size = |extent: &Extent| size_of(connection, extent, seal_records, &damaged);
            let sizes: Vec<Size> = extents.iter().map(size).collect::<Result<_>>()?;
            Ok((extents, sizes))
        })?;
        let Some(run) = run_to_merge(&sizes, seal_records) else { return Ok(()) };
        let run = extents.get(run).unwrap_or_default().to_vec();
        let mut records = Vec::new();
        let (read, damage) = collect(|| {
            run.iter().try_for_each(|extent| {
                let found = tolerate(Part::Segment(extent.id), segments::records(connection, extent))?;
                records.extend(found.into_iter().flatten());
                Result::Ok(())
            })
        });
        read?;
        if !damage.is_empty() {
            // Known from now on, it is not merged.
            mending::mend(connection, queue, damage)?;
            continue;
        }
        // Traces are untouched: their folds do not say where their records lie.
        let sealed = segments::seal(kind, &records)?;
        queue.change(Forget::Nothing, move |transaction| {
            // In this order no page that is freed is filled up again with less than was in it.
            segments::insert(transaction, &sealed)?;
            run.iter().try_for_each(|extent| segments::remove(transaction, extent.id))
        })?;
    }
}

fn size_of(connection: &Connection, extent: &Extent, seal_records: u64, damaged: &[i64]) -> Result<Size> {
    let rows = extent.rows;
    if rows >= seal_records {
        return Ok(Size { rows, blocks: 0 });
    }
    let large = Size { rows: seal_records, blocks: 0 };
    if damaged.contains(&extent.id) {
        // It cannot be rewritten.
        return Ok(large);
    }
    // What is large in bytes counts as large, so that no column comes near what SQLite can hold.
    let most_bytes = MOST_MERGED_BYTES / MANY_NEIGHBOURS as u64;
    let is_heavy = segments::column_bytes(connection, extent.id)? > most_bytes;
    let index = tolerate(Part::Segment(extent.id), segments::index(connection, extent.id))?;
    let Some(blocks) = index.map(|index| index.len()) else { return Ok(large) };
    Ok(Size { rows: if is_heavy { seal_records } else { rows }, blocks })
}

/// How large a segment is to whoever may merge it; a large one has any number of blocks.
#[derive(Debug, Clone, Copy)]
struct Size {
    rows: u64,
    blocks: usize,
}

/// The next neighbours to merge: small ones that together reach the next size, so that a record is rewritten only a few
/// times however slowly records come in.
fn run_to_merge(segments: &[Size], seal_records: u64) -> Option<Range<usize>> {
    let sizes = [seal_records / 128, seal_records / 16, seal_records / 2];
    sizes.into_iter().filter(|size| *size > 1).find_map(|size| {
        let (mut start, mut sum, mut blocks) = (0, 0, 0);
        for (place, segment) in segments.iter().enumerate() {
            if segment.rows >= size || segment.blocks > MOST_MERGED_BLOCKS / NEIGHBOURS {
                (start, sum, blocks) = (place + 1, 0, 0);
                continue;
            }
            if blocks + segment.blocks > MOST_MERGED_BLOCKS {
                (start, sum, blocks) = (place, 0, 0);
            }
            (sum, blocks) = (sum + segment.rows, blocks + segment.blocks);
            let length = place + 1 - start;
            let is_worth_it = length >= NEIGHBOURS && sum >= size;
            if is_worth_it || length >= MANY_NEIGHBOURS || sum >= seal_records * MOST_MERGED {
                return Some(start..place + 1);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of so many rows, of a thousand to a block.
    fn light(rows: &[u64]) -> Vec<Size> {
        rows.iter().map(|rows| Size { rows: *rows, blocks: (*rows as usize).div_ceil(1_024) }).collect()
    }

    #[test]
    fn eight_small_neighbours_are_merged_and_fewer_are_not() {
        assert_eq!(run_to_merge(&light(&[7_000; 7]), 16_384), None);
        let rows = [16_384, 7_000, 7_000, 7_000, 7_000, 7_000, 7_000, 7_000, 7_000];
        assert_eq!(run_to_merge(&light(&rows), 16_384), Some(1..9));
    }

    #[test]
    fn no_more_is_merged_at_once_than_fits_into_memory() {
        let of_blocks = |blocks: &[usize]| blocks.iter().map(|blocks| Size { rows: 100, blocks: *blocks }).collect();
        let run = |blocks: &[usize]| -> Option<Range<usize>> {
            let segments: Vec<Size> = of_blocks(blocks);
            run_to_merge(&segments, 16_384)
        };
        assert_eq!(run(&[32; 500]), None);
        assert_eq!(run(&[8; 500]), Some(0..8));
        assert_eq!(run(&[8, 8, 32, 1, 1, 1, 1, 1, 1, 1, 1]), Some(3..11));
        for blocks in 1..=8 {
            let run = run(&[blocks; 500]).expect("small enough");
            assert!(run.len() * blocks <= MOST_MERGED_BLOCKS && run.len() >= NEIGHBOURS, "{run:?} of {blocks}");
        }
    }

    #[test]
    fn a_large_segment_is_not_rewritten_for_the_sake_of_small_ones() {
        let rows = [7_000, 20, 20, 20, 20, 20, 20, 20, 20];
        assert!(run_to_merge(&light(&rows), 16_384).is_some_and(|run| run.start == 1));
    }

    #[test]
    fn merging_ends_and_rewrites_a_record_a_few_times_at_most() {
        let (mut sizes, mut rewritten) = (Vec::new(), 0);
        for rows in [10].repeat(5_000) {
            sizes.push(rows);
            while let Some(run) = run_to_merge(&light(&sizes), 16_384) {
                let rows: u64 = sizes[run.clone()].iter().sum();
                sizes.splice(run, [rows]);
                rewritten += rows;
            }
        }
        assert!(rewritten <= 4 * 50_000, "{rewritten}");
        assert!(sizes.len() < 64, "{}", sizes.len());
    }
}
