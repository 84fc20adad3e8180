//! Files of log entries that a logger could not deliver, brought into a store: one entry a line, and a last line that
//! may be torn, for programs die while they write.
//!
//! A line that is no entry costs itself alone. Entries a store has count as duplicates, so a file may be brought in
//! again.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read as _};
use std::sync::Arc;

use bytes::Bytes;

use super::copy::{self, Copied};
use crate::decode::logs::{DecodeError, entries};
use crate::model::{Batch, LogRecord, Nanos, Resource, Text};
use crate::store::{self, Backend};

/// How many records are written at once.
const BATCH_RECORDS: usize = 2_000;
/// How many bytes of lines are decoded before their records are written.
const BATCH_BYTES: usize = 8 << 20;
/// Longest line that is read.
const MAX_LINE_BYTES: usize = 32 << 20;
/// Of how many skipped entries the reason is kept; the rest is a count.
const MAX_REASONS: usize = 100;
/// With how many resources of earlier lines the resource of a record is compared.
const MAX_RESOURCES: usize = 16;

/// A line that was skipped, or an entry of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The number of the line, from 1.
    pub line: u64,
    /// Why it was skipped, in a few words.
    pub reason: String,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// How many entries were brought in.
    pub copied: Copied,
    /// How many entries were skipped.
    pub skipped: u64,
    /// Why the first hundred of the skipped entries were.
    pub reasons: Vec<Skipped>,
}

/// Why a file could not be brought in to its end.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The file could not be read.
    #[error("cannot read the file")]
    Read(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What entries get that do not say it themselves. A file that comes again must get the same, or its entries would be
/// others than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// The time of entries without one.
    pub received: Nanos,
    /// The project of entries without one, if any.
    pub project: Option<Text>,
}

/// Writes every entry of a file into `target`. `advanced` is told after every batch how many entries were taken.
///
/// # Errors
/// Reading or writing failed; what `advanced` was told last is in the target all the same.
pub async fn deliver(
    file: &mut (dyn BufRead + Send),
    target: &dyn Backend,
    defaults: &Defaults,
    mut advanced: impl FnMut(&Copied),
) -> Result<Delivered, DeliverError> {
    let mut delivered = Delivered::default();
    let mut reading = Reading { received: defaults.received, line: 0, resources: VecDeque::new() };
    loop {
        let mut batch = reading.read_batch(file, &mut delivered)?;
        if let Some(project) = &defaults.project {
            batch.assign_missing_project(project);
        }
        if batch.is_empty() {
            return Ok(delivered);
        }
        let read = batch.len() as u64;
        let written = copy::write(target, &batch).await?;
        delivered.copied.read += read;
        delivered.copied.accepted += written.accepted;
        delivered.copied.duplicates += written.duplicates;
        advanced(&delivered.copied);
    }
}

/// How far a file has been read.
struct Reading {
    received: Nanos,
    line: u64,
    resources: VecDeque<Arc<Resource>>,
}

impl Reading {
    /// Reads the next records; none at the end of the file.
    fn read_batch(&mut self, file: &mut dyn BufRead, delivered: &mut Delivered) -> io::Result<Batch> {
        let mut logs = Vec::new();
        let mut bytes = 0;
        // Only the end of the file makes an empty batch.
        while logs.is_empty() || (logs.len() < BATCH_RECORDS && bytes < BATCH_BYTES) {
            let Some(line) = read_line(file)? else { break };
            self.line += 1;
            bytes += line.bytes.len();
            self.decode_line(line, &mut logs, delivered);
        }
        Ok(Batch { logs, ..Batch::default() })
    }

    /// Adds the records of a line to `logs`, and to `delivered` what was skipped of it.
    fn decode_line(&mut self, line: Line, logs: &mut Vec<LogRecord>, delivered: &mut Delivered) {
        let mut skip = |count: u64, reason: String| {
            delivered.skipped += count;
            if delivered.reasons.len() < MAX_REASONS {
                delivered.reasons.push(Skipped { line: self.line, reason });
            }
        };
        if line.is_too_long {
            return skip(1, format!("it is longer than {} MiB", MAX_LINE_BYTES >> 20));
        }
        match entries(&Bytes::from(line.bytes), self.received) {
            Ok(decoded) => {
                let explained = decoded.errors.len() as u64;
                decoded.errors.into_iter().for_each(|rejection| skip(1, rejection.reason));
                let others = (decoded.rejected as u64).saturating_sub(explained);
                if others > 0 {
                    skip(others, "of the same line".to_owned());
                }
                logs.extend(decoded.batch.logs.into_iter().map(|log| self.share_resource(log)));
            }
            Err(DecodeError::Empty) => {}
            Err(_) if !line.has_end => skip(1, "it is the last line and torn".to_owned()),
            Err(DecodeError::NotEntries(reason)) => skip(1, reason),
            Err(error @ DecodeError::TooMany) => skip(1, error.to_string()),
        }
    }

    /// Gives a record the resource of an earlier record where both are equal, so that it lies in memory once.
    fn share_resource(&mut self, log: LogRecord) -> LogRecord {
        if let Some(earlier) = self.resources.iter().find(|earlier| **earlier == log.resource) {
            return LogRecord { resource: Arc::clone(earlier), ..log };
        }
        self.resources.truncate(MAX_RESOURCES - 1);
        self.resources.push_front(Arc::clone(&log.resource));
        log
    }
}

/// One line of a file.
struct Line {
    bytes: Vec<u8>,
    has_end: bool,
    is_too_long: bool,
}

/// Reads the next line, without its text when it is too long; `None` at the end of the file.
fn read_line(file: &mut dyn BufRead) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let read = file.take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut bytes)?;
    let has_end = bytes.last() == Some(&b'\n');
    if read == 0 {
        return Ok(None);
    }
    if has_end || read < MAX_LINE_BYTES {
        return Ok(Some(Line { bytes, has_end, is_too_long: false }));
    }
    file.skip_until(b'\n')?;
    Ok(Some(Line { bytes: Vec::new(), has_end: true, is_too_long: true }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> (Vec<String>, Delivered) {
        let mut reading = Reading { received: Nanos(7), line: 0, resources: VecDeque::new() };
        let (mut delivered, mut messages, mut file) = (Delivered::default(), Vec::new(), text);
        loop {
            let batch = reading.read_batch(&mut file, &mut delivered).expect("memory can be read");
            if batch.is_empty() {
                return (messages, delivered);
            }
            messages.extend(batch.logs.iter().map(|log| log.message.to_string()));
        }
    }

    fn skipped(delivered: &Delivered) -> Vec<String> {
        delivered.reasons.iter().map(|skipped| format!("{}: {}", skipped.line, skipped.reason)).collect()
    }

    #[test]
    fn each_line_is_an_entry_or_a_batch_of_them_and_empty_ones_are_nothing() {
        let text = b"{\"message\":\"a\"}\r\n\n[{\"message\":\"b\"},{\"message\":\"c\"}]\n{\"message\":\"d\"}";
        let (messages, delivered) = read(text);
        assert_eq!((messages.as_slice(), delivered.skipped), (&["a", "b", "c", "d"].map(str::to_owned)[..], 0));
    }

    #[test]
    fn a_torn_last_line_and_lines_that_are_no_entries_cost_themselves_alone() {
        let (messages, delivered) = read(b"{\"message\":\"a\"}\noops\n7\n{\"message\":\"b\"}\n{\"message\":\"c");
        assert_eq!(messages, ["a", "b"]);
        assert_eq!(delivered.skipped, 3);
        insta::assert_snapshot!(skipped(&delivered).join("\n"), @"
        2: it is not JSON: Expecting value, byte 0 of the entry
        3: this is a number
        5: it is the last line and torn
        ");
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut text = vec![b'x'; MAX_LINE_BYTES + 10];
        text.extend_from_slice(b"\n{\"message\":\"a\"}\n");
        let (messages, delivered) = read(&text);
        assert_eq!(
            (messages, skipped(&delivered)),
            (vec!["a".to_owned()], vec!["1: it is longer than 32 MiB".to_owned()])
        );
    }

    #[test]
    fn records_of_one_sender_share_its_resource() {
        let mut reading = Reading { received: Nanos(7), line: 0, resources: VecDeque::new() };
        let mut file = &b"{\"message\":\"a\",\"service\":\"s\"}\n{\"message\":\"b\",\"service\":\"s\"}\n"[..];
        let batch = reading.read_batch(&mut file, &mut Delivered::default()).expect("readable");
        assert!(Arc::ptr_eq(&batch.logs[0].resource, &batch.logs[1].resource));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_every_line_is_taken_or_skipped_for_a_reason(lines in prop::collection::vec("[^\n]{0,20}", 0..8)) {
            let (messages, delivered) = read(lines.join("\n").as_bytes());
            let full = lines.iter().filter(|line| !line.trim().is_empty()).count() as u64;
            prop_assert!(messages.len() as u64 + delivered.skipped >= full.min(1) || full == 0);
            prop_assert_eq!(delivered.reasons.len() as u64, delivered.skipped.min(100));
        }
    }
}
