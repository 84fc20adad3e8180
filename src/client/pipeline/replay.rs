//! Sends dead letters to the server they are for, a few at a time, between what is new.
//!
//! A file is claimed, so that of many processes one replays it, and deleted when all its entries were taken. What is
//! no entry, such as the torn last line of a program that died, is passed over, and counted as lost with what the server
//! refuses for good.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::dead_letter::{ClaimedFile, DeadLetters, is_json};
use super::figures::ReplayCounts;
use super::settings::PipelineSettings;
use super::transport::{Delivery, Patience, Transport, is_about_content};

/// Dead letters get one attempt: the next comes when the server is expected back.
const PATIENCE: Patience = Patience { retries: 0, longest_pause: Duration::from_secs(30) };

/// How far the dead letters are gone through.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// When to go on with the dead letters; `None` when there is nothing to do.
    pub at: Option<Instant>,
    /// The file under way.
    current: Option<OpenFile>,
    /// Files the server refused as they are.
    skipped: HashSet<PathBuf>,
}

/// What came of one portion.
#[derive(Debug)]
pub(crate) enum PortionOutcome {
    /// There are no dead letters left.
    Nothing,
    /// Entries were settled, and there may be more.
    Some(ReplayCounts),
    /// The server does not answer now.
    Later {
        /// The pause the server asked for.
        retry_after: Option<Duration>,
    },
    /// The server does not want anything with this key.
    Denied,
}

/// A file whose entries are being sent.
#[derive(Debug)]
struct OpenFile {
    file: ClaimedFile,
    /// Entries that are read and not yet delivered.
    lines: VecDeque<Vec<u8>>,
    /// Entries in a request; halved when they are too much for the server.
    portion: usize,
    /// Whether any of its entries is settled.
    is_begun: bool,
    /// Lines that are no entries and are not counted yet.
    unreadable: u64,
}

impl Replay {
    /// Sends the next few entries.
    pub async fn send_portion<T: 'static>(
        &mut self,
        settings: &PipelineSettings<T>,
        transport: &mut Transport,
    ) -> PortionOutcome {
        let Some(letters) = settings.encoding.dead_letters() else { return PortionOutcome::Nothing };
        if self.current.is_none() {
            let Some(file) = letters.claim(&self.skipped) else { return PortionOutcome::Nothing };
            self.current = Some(OpenFile::new(file, settings.pace.batch_size));
        }
        let Some(current) = &mut self.current else { return PortionOutcome::Nothing };
        let Ok(lines) = current.read_portion() else {
            self.skip_file(letters);
            return PortionOutcome::Some(ReplayCounts::default());
        };
        if lines.is_empty() {
            let portion = current.finish_entries(0, settings.pace.batch_size);
            if let Some(current) = self.current.take() {
                let _ = current.file.delete();
            }
            return PortionOutcome::Some(portion);
        }
        if current.is_begun && current.unreadable > 0 {
            return PortionOutcome::Some(current.finish_entries(0, settings.pace.batch_size));
        }
        let count = lines.len();
        match transport.deliver(settings.encoding.encode_lines(&lines), PATIENCE).await {
            Delivery::Delivered(answer) => {
                let portion = current.finish_entries(count, settings.pace.batch_size);
                // A line may be a whole batch, of which more are refused than there are lines.
                let (refused, reason) =
                    settings.encoding.read_refusals(&answer).map(|refusals| (refusals.count, refusals.reason)).unzip();
                PortionOutcome::Some(portion.add(count as u64, refused.unwrap_or_default(), reason))
            }
            Delivery::Refused { status, .. } if is_about_content(status) && count > 1 => {
                current.portion = count / 2;
                PortionOutcome::Some(ReplayCounts::default())
            }
            Delivery::Refused { status, reason } if is_about_content(status) => {
                // Refused by itself: it would be for ever.
                let portion = current.finish_entries(1, settings.pace.batch_size);
                PortionOutcome::Some(portion.add(1, 1, Some(reason)))
            }
            Delivery::Refused { status, .. } if status.as_u16() == 400 => {
                self.skip_file(letters);
                PortionOutcome::Some(ReplayCounts::default())
            }
            Delivery::Refused { .. } => {
                self.put_back(letters);
                PortionOutcome::Denied
            }
            Delivery::Exhausted { retry_after, .. } => {
                self.put_back(letters);
                PortionOutcome::Later { retry_after }
            }
        }
    }

    /// Leaves the file under way to another program: this one cannot do anything with it.
    fn skip_file(&mut self, letters: &DeadLetters) {
        self.skipped.extend(self.current.as_ref().map(|current| current.file.path.clone()));
        self.put_back(letters);
    }

    /// Lets go of the file under way, of which others may then go on.
    pub fn put_back(&mut self, letters: &DeadLetters) {
        match self.current.take() {
            Some(current) if current.is_begun => letters.put_back(current.file, current.lines.into_iter()),
            Some(current) => current.file.unlock(),
            None => {}
        }
    }
}

impl OpenFile {
    fn new(file: ClaimedFile, portion: usize) -> OpenFile {
        OpenFile { file, lines: VecDeque::new(), portion, is_begun: false, unreadable: 0 }
    }

    /// Is done with `count` entries, and counts the lines before those left that are no entries. The portion grows again:
    /// what was too much for the server may be a few entries that are behind now.
    fn finish_entries(&mut self, count: usize, largest_portion: usize) -> ReplayCounts {
        self.is_begun = true;
        self.lines.drain(..count.min(self.lines.len()));
        self.portion = self.portion.saturating_mul(2).min(largest_portion);
        let lost = std::mem::take(&mut self.unreadable);
        let reason = (lost > 0).then(|| "lines among the dead letters are no entries".to_owned());
        ReplayCounts { delivered: 0, lost, reason }
    }

    /// The next entries to send, which stay until they are delivered; none at the end of the file.
    fn read_portion(&mut self) -> io::Result<Vec<Vec<u8>>> {
        while self.lines.len() < self.portion {
            match self.file.next_line()? {
                Some(line) if is_json(&line) || is_nearly_json(&line) => self.lines.push_back(line),
                Some(_) => self.unreadable += 1,
                None => break,
            }
        }
        // What only a lenient server can read must not cost its neighbours.
        let mut lines = self.lines.iter().take(self.portion);
        Ok(match lines.next() {
            Some(first) if !is_json(first) => vec![first.clone()],
            first => first.into_iter().chain(lines.take_while(|line| is_json(line))).cloned().collect(),
        })
    }
}

/// Whether a line is a complete entry in Python's dialect, of which JSON does not know `NaN`, for one.
fn is_nearly_json(line: &[u8]) -> bool {
    (line.starts_with(b"{") && line.ends_with(b"}")) || (line.starts_with(b"[") && line.ends_with(b"]"))
}
