//! A segment as a scan goes through it: its records in commit order, decoded as long as they are no more than some
//! megabytes, and otherwise a list that says where each of them lies and how large it is.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rustc_hash::FxHashMap;

use super::scan_cursor::Within;
use crate::model::{Record, TraceId};
use crate::store::Result;
use crate::store::sqlite::codec::{self, Arrival, Arrived};
use crate::store::sqlite::options::Tuning;
use crate::store::sqlite::segments::{self, Extent};

/// The records of a segment in commit order.
#[derive(Debug)]
pub enum Sealed {
    /// The records themselves.
    Decoded(Vec<Arrived>),
    /// Where the records lie.
    Listed(Vec<Listed>),
}

/// Where a record of a segment lies, and how large it is.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// How the record came.
    arrival: Arrival,
    /// Where the record stands in its write.
    pub within: Within,
    /// The place of the record in the segment.
    pub row: usize,
    /// [`Record::bytes`] of the record.
    pub bytes: usize,
}

impl Sealed {
    /// Reads a segment, or one trace in it; decodes it if that is no more than so many bytes.
    fn read(connection: &Connection, extent: &Extent, only: Option<&TraceId>, most_bytes: usize) -> Result<Sealed> {
        let (mut sealed, mut bytes, mut first_row) = (Sealed::Decoded(Vec::new()), 0, None);
        segments::each_block(
            connection,
            extent,
            only,
            |_| true,
            |first, records| {
                let first_row = *first_row.get_or_insert(first);
                bytes += records.iter().map(|arrived| arrived.record.bytes()).sum::<usize>();
                match &mut sealed {
                    Sealed::Decoded(known) => known.extend(records),
                    Sealed::Listed(known) => known.extend(list(first, &records)),
                }
                if let Sealed::Decoded(known) = &sealed
                    && bytes > most_bytes
                {
                    sealed = Sealed::Listed(list(first_row, known).collect());
                }
                Ok(())
            },
        )?;
        let order = |arrival: &Arrival| (arrival.seq, arrival.position);
        match &mut sealed {
            Sealed::Decoded(records) => records.sort_by_key(|arrived| order(&arrived.arrival)),
            Sealed::Listed(rows) => rows.sort_by_key(|row| order(&row.arrival)),
        }
        Ok(sealed)
    }

    /// The write a record came with; `None` past the last.
    pub fn seq(&self, place: usize) -> Option<i64> {
        match self {
            Sealed::Decoded(records) => records.get(place).map(|arrived| arrived.arrival.seq),
            Sealed::Listed(rows) => rows.get(place).map(|row| row.arrival.seq),
        }
    }

    /// The first record of a later write.
    pub fn first_after(&self, seq: i64) -> usize {
        match self {
            Sealed::Decoded(records) => records.partition_point(|arrived| arrived.arrival.seq <= seq),
            Sealed::Listed(rows) => rows.partition_point(|row| row.arrival.seq <= seq),
        }
    }
}

fn list(first_row: usize, records: &[Arrived]) -> impl Iterator<Item = Listed> {
    records.iter().enumerate().map(move |(place, arrived)| Listed {
        arrival: arrived.arrival,
        within: Within::new(arrived),
        row: first_row + place,
        bytes: arrived.record.bytes(),
    })
}

/// Reads some rows of a segment, all of one trace if that is named, in the order given.
pub fn read_rows(
    connection: &Connection,
    extent: &Extent,
    only: Option<&TraceId>,
    rows: &[usize],
) -> Result<Vec<Record>> {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable();
    let range = |block: Range<usize>| {
        sorted.partition_point(|row| *row < block.start)..sorted.partition_point(|row| *row < block.end)
    };
    let mut found = FxHashMap::default();
    segments::each_block(
        connection,
        extent,
        only,
        |block| !range(block).is_empty(),
        |first, mut records| {
            let wanted = sorted.get(range(first..first + records.len())).unwrap_or_default();
            let mut row = first..;
            records.retain(|_| row.next().is_some_and(|row| wanted.binary_search(&row).is_ok()));
            let records: Vec<Record> = records.into_iter().map(|arrived| arrived.record).collect();
            // The rest of the block is not to be kept for the sake of these.
            found.extend(wanted.iter().copied().zip(codec::repack(extent.kind, &records)?));
            Ok(())
        },
    )?;
    Ok(rows.iter().filter_map(|row| found.remove(row)).collect())
}

/// The segment of each kind read last: the next chunk usually lies in it too.
#[derive(Debug)]
pub struct LastSegments {
    kept: Mutex<[Option<Kept>; 3]>,
    pub tuning: Tuning,
}

#[derive(Debug, Clone)]
struct Kept {
    segment: i64,
    only: Option<TraceId>,
    records: Arc<Sealed>,
}

impl LastSegments {
    /// A memory that holds no segment yet.
    pub fn new(tuning: Tuning) -> LastSegments {
        LastSegments { kept: Mutex::default(), tuning }
    }

    /// The records of a segment, or of one trace in it.
    pub fn read(&self, connection: &Connection, extent: &Extent, only: Option<&TraceId>) -> Result<Arc<Sealed>> {
        let place = extent.kind as usize;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned().flatten();
        if let Some(kept) = kept.filter(|kept| kept.segment == extent.id && kept.only.as_ref() == only) {
            return Ok(kept.records);
        }
        let records = Arc::new(Sealed::read(connection, extent, only, self.tuning.decoded_bytes)?);
        // A small part of a segment is as soon read as looked up.
        let is_worth_it = only.is_none() || matches!(*records, Sealed::Listed(_));
        if let Some(last) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place)
            && is_worth_it
        {
            *last = Some(Kept { segment: extent.id, only: only.cloned(), records: Arc::clone(&records) });
        }
        Ok(records)
    }

    /// Lets go of all segments.
    pub fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Default::default();
    }
}
