//! Segments being made: records or rows of the inbox sealed into one, and its rows in the tables.

use rusqlite::{Connection, params};

use super::super::codec::{self, Arrival, Arrived, Segment};
use super::super::sql;
use super::super::tables::inbox::Waiting;
use super::super::tables::{kind_column, to_column};
use crate::model::RecordKind;
use crate::store::Result;

/// A segment ready to be stored.
#[derive(Debug)]
pub struct Sealed {
    kind: RecordKind,
    segment: Segment,
    arrivals: Vec<u8>,
    seqs: (i64, i64),
    received_ns: (u64, u64),
}

/// Seals records, all of this kind, into a segment; takes at least one.
///
/// # Errors
/// None that is known: what is sealed was read before.
pub fn seal(kind: RecordKind, records: &[Arrived]) -> Result<Sealed> {
    let mut rows: Vec<&Arrived> = records.iter().collect();
    rows.sort_by(|a, b| a.record.order(&b.record));
    let segment = codec::seal(kind, &rows.iter().map(|row| &row.record).collect::<Vec<_>>())?;
    Ok(sealed(kind, segment, &rows.iter().map(|row| row.arrival).collect::<Vec<_>>()))
}

/// Seals rows of the inbox, all of this kind, into a segment; takes at least one record.
///
/// # Errors
/// A row is damaged.
pub fn seal_waiting(kind: RecordKind, waiting: &[&Waiting]) -> Result<Sealed> {
    if kind != RecordKind::Spans {
        let mut records = Vec::new();
        for row in waiting {
            records.extend(row.decode()?.arrived());
        }
        return seal(kind, &records);
    }
    let payloads: Vec<&[u8]> = waiting.iter().map(|row| row.payload.as_slice()).collect();
    let (segment, payload_of_row) = codec::seal_span_payloads(&payloads)?;
    let arrival = |payload: &usize| waiting.get(*payload).map(|row| row.arrival());
    Ok(sealed(kind, segment, &payload_of_row.iter().filter_map(arrival).collect::<Vec<_>>()))
}

fn sealed(kind: RecordKind, segment: Segment, arrived: &[Arrival]) -> Sealed {
    let seqs = arrived.iter().fold((i64::MAX, 0), |(low, high), row| (low.min(row.seq), high.max(row.seq)));
    let received_ns =
        arrived.iter().fold((u64::MAX, 0), |(low, high), row| (low.min(row.received_ns), high.max(row.received_ns)));
    Sealed { kind, segment, arrivals: codec::encode_arrivals(arrived), seqs, received_ns }
}

/// Stores a segment.
pub fn insert(transaction: &Connection, sealed: &Sealed) -> Result<()> {
    let services = serde_json::to_string(&sealed.segment.services).unwrap_or_default();
    let sql = "INSERT INTO segments(kind, rows, first_seq, last_seq, min_received_ns, max_received_ns, min_start_ns,
                                    max_start_ns, services, blocks, trace_filter, arrivals)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let values = params![
        kind_column(sealed.kind),
        sealed.segment.rows,
        sealed.seqs.0,
        sealed.seqs.1,
        to_column(sealed.received_ns.0),
        to_column(sealed.received_ns.1),
        to_column(sealed.segment.min_start_ns),
        to_column(sealed.segment.max_start_ns),
        services,
        sealed.segment.blocks,
        sealed.segment.trace_filter,
        sealed.arrivals,
    ];
    sql::run(transaction, sql, values)?;
    let id = transaction.last_insert_rowid();
    for (name, data) in &sealed.segment.columns {
        let sql = "INSERT INTO segment_columns(segment, name, data) VALUES (?1, ?2, ?3)";
        sql::run(transaction, sql, params![id, name, data])?;
    }
    Ok(())
}

/// Removes a segment.
pub fn remove(transaction: &Connection, id: i64) -> Result<()> {
    sql::run(transaction, "DELETE FROM segment_columns WHERE segment = ?1", [id])?;
    sql::run(transaction, "DELETE FROM segments WHERE id = ?1", [id])?;
    sql::run(transaction, "DELETE FROM damaged WHERE segment = ?1", [id])?;
    Ok(())
}
