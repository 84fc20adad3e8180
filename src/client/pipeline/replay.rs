//! Sends dead letters to the server they are for, a few at a time, between what is new.
//!
//! A file is claimed, so that of many processes one replays it, and deleted when all its entries were taken. What is
//! no entry, such as the torn last line of a program that died, is passed over, and counted as lost with what the server
//! refuses for good.

use std::{
    collections::{HashSet, VecDeque},
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    dead_letter::{Claimed, DeadLetters, is_json},
    figures::ReplayCounts,
    settings::PipelineSettings,
    transport::{Delivery, Patience, Transport, is_about_content},
};

/// One attempt: the next comes when the server is expected back.
const PATIENCE: Patience = Patience { retries: 0, longest_pause: Duration::from_secs(30) };

/// How far the dead letters are gone through.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// When to go on; `None` when there is nothing to do.
    pub at: Option<Instant>,
    current: Option<Current>,
    /// Files the server refused as they are.
    skipped: HashSet<PathBuf>,
}

/// What came of one portion.
#[derive(Debug)]
pub(crate) enum Replayed {
    /// There is nothing left.
    Nothing,
    /// There may be more.
    Some(ReplayCounts),
    /// The server does not answer now.
    Later {
        /// The pause it asked for.
        retry_after: Option<Duration>,
    },
    /// The server does not want anything with this key.
    Denied,
}

#[derive(Debug)]
struct Current {
    file: Claimed,
    /// Read and not yet delivered.
    lines: VecDeque<Vec<u8>>,
    /// Entries in a request; halved when it is too much for the server.
    portion: usize,
    is_begun: bool,
    /// Lines that are no entries and are not counted yet.
    unreadable: u64,
}

impl Replay {
    /// Sends the next few.
    pub async fn portion<T: 'static>(&mut self, settings: &PipelineSettings<T>, transport: &mut Transport) -> Replayed {
        let Some(letters) = settings.wire.dead_letters() else { return Replayed::Nothing };
        if self.current.is_none() {
            let Some(file) = letters.claim(&self.skipped) else { return Replayed::Nothing };
            self.current = Some(Current::new(file, settings.batch_size));
        }
        let Some(current) = &mut self.current else { return Replayed::Nothing };
        let Ok(lines) = current.read() else {
            self.skip(letters);
            return Replayed::Some(ReplayCounts::default());
        };
        if lines.is_empty() {
            let portion = current.settle(0, settings.batch_size);
            if let Some(current) = self.current.take() {
                current.file.delete();
            }
            return Replayed::Some(portion);
        }
        if current.is_begun && current.unreadable > 0 {
            return Replayed::Some(current.settle(0, settings.batch_size));
        }
        let count = lines.len();
        match transport.deliver(settings.wire.body_of_lines(&lines), PATIENCE).await {
            Delivery::Delivered(answer) => {
                let portion = current.settle(count, settings.batch_size);
                // A line may be a whole batch, of which more are refused than there are lines.
                let (refused, reason) = settings.wire.refused(&answer).unzip();
                Replayed::Some(portion.with(count as u64, refused.unwrap_or_default(), reason))
            }
            Delivery::Refused { status, .. } if is_about_content(status) && count > 1 => {
                current.portion = count / 2;
                Replayed::Some(ReplayCounts::default())
            }
            Delivery::Refused { status, reason } if is_about_content(status) => {
                // Refused by itself: it would be for ever.
                let portion = current.settle(1, settings.batch_size);
                Replayed::Some(portion.with(1, 1, Some(reason)))
            }
            Delivery::Refused { status, .. } if status.as_u16() == 400 => {
                self.skip(letters);
                Replayed::Some(ReplayCounts::default())
            }
            Delivery::Refused { .. } => {
                self.put_back_to(letters);
                Replayed::Denied
            }
            Delivery::Exhausted { retry_after, .. } => {
                self.put_back_to(letters);
                Replayed::Later { retry_after }
            }
        }
    }

    /// Lets go of the file under way, of which others may then go on.
    pub fn put_back(&mut self, letters: Option<&DeadLetters>) {
        if let Some(letters) = letters {
            self.put_back_to(letters);
        }
    }

    /// Leaves the file under way to another program: this one cannot do anything with it.
    fn skip(&mut self, letters: &DeadLetters) {
        self.skipped.extend(self.current.as_ref().map(|current| current.file.path().to_owned()));
        self.put_back_to(letters);
    }

    fn put_back_to(&mut self, letters: &DeadLetters) {
        match self.current.take() {
            Some(current) if current.is_begun => letters.put_back(current.file, current.lines.into_iter()),
            Some(current) => current.file.unlock(),
            None => {}
        }
    }
}

impl Current {
    fn new(file: Claimed, portion: usize) -> Current {
        Current { file, lines: VecDeque::new(), portion, is_begun: false, unreadable: 0 }
    }

    /// Is done with `count` entries, and returns what was no entry before the ones that are left. What was too much
    /// for the server may be a few that are behind now.
    fn settle(&mut self, count: usize, largest_portion: usize) -> ReplayCounts {
        self.is_begun = true;
        self.lines.drain(..count.min(self.lines.len()));
        self.portion = self.portion.saturating_mul(2).min(largest_portion);
        let lost = std::mem::take(&mut self.unreadable);
        let reason = (lost > 0).then(|| "lines among the dead letters are no entries".to_owned());
        ReplayCounts { delivered: 0, lost, reason }
    }

    /// The next entries to send, which stay until they are delivered; none at the end of the file.
    fn read(&mut self) -> io::Result<Vec<Vec<u8>>> {
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

/// What Python writes and JSON is not, such as `NaN`, in an entry that is complete.
fn is_nearly_json(line: &[u8]) -> bool {
    (line.starts_with(b"{") && line.ends_with(b"}")) || (line.starts_with(b"[") && line.ends_with(b"]"))
}
