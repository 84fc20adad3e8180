//! Checkpoints: a service notes `->` when it enters an operation and `<-` when it leaves, joined by a correlation id.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::model::time::NANOS_PER_MS;
use crate::model::{Nanos, Text, TraceId};

/// The trace of records without a correlation id; clients use the same name for records outside any request.
const NO_CORRELATION: Text = Text::from_static("-");

/// How much of an overlong correlation id stays in the id of the trace, in bytes.
const KEPT_ID_BYTES: usize = 200;

/// The components that the checkpoints of the first programs named by two letters, in words. The ids are theirs, and a
/// program may use the same for something else.
const KNOWN_SOURCES: [(&str, &str); 7] = [
    ("MA", "Manager API"),
    ("WS", "WebSocket handlers"),
    ("WK", "Worker client"),
    ("VM", "VM Agent"),
    ("MB", "MessageBridge"),
    ("JW", "JWT Authority"),
    ("SP", "Spawner"),
];

/// What a source id stands for, when it is one of those that are known.
pub fn source_in_words(source_id: &str) -> Option<&'static str> {
    KNOWN_SOURCES.iter().find(|(id, _)| *id == source_id).map(|(_, words)| *words)
}

/// The trace a correlation id belongs to. Any text has one: clients send empty and overlong ids, too, and a batch must
/// not be lost for one. All records without an id share a trace, and an overlong id is cut and told apart by its hash.
pub fn trace_id(correlation_id: &str) -> TraceId {
    if let Ok(id) = TraceId::parse(correlation_id) {
        return id;
    }
    if correlation_id.is_empty() {
        return TraceId::Text(NO_CORRELATION);
    }
    let kept = correlation_id.get(..correlation_id.floor_char_boundary(KEPT_ID_BYTES)).unwrap_or_default();
    let hash = xxh3_128(correlation_id.as_bytes());
    TraceId::Text(Text::from(format!("{kept}…{hash:032x}")))
}

/// A record of a service entering an operation or leaving it.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Short name of the component that noted the checkpoint, such as `MA` or `WK`.
    pub source_id: Text,
    /// The correlation id exactly as it was sent.
    pub correlation_id: Text,
    /// The trace the correlation id belongs to, which joins checkpoints with spans and logs.
    pub trace_id: TraceId,
    /// When the checkpoint happened, in milliseconds since 1970, exactly as it was sent.
    pub timestamp_ms: f64,
    /// Text that tells checkpoints of one instant apart.
    pub suffix: Text,
    /// Whether the checkpoint is an entry, an exit or something else.
    pub direction: Direction,
    /// What kind of operation was entered or left, such as `REST`.
    pub operation: Text,
    /// Which operation of that kind was entered or left, such as `GET /users`.
    pub endpoint: Text,
    /// Payload as JSON text; `None` when there was none.
    pub data: Option<Text>,
    /// The machine that noted the checkpoint.
    pub hostname: Text,
    /// The log line the checkpoint was read from, if any.
    pub raw_line: Option<Text>,
    /// The project of whoever sent the checkpoint; empty for none. The server says so, never the sender.
    pub project: Text,
}

impl Checkpoint {
    /// What people call the operation: its kind and which one, `REST GET /users`.
    pub fn name(&self) -> Text {
        match (self.operation.is_empty(), self.endpoint.is_empty()) {
            (_, true) => self.operation.clone(),
            (true, false) => self.endpoint.clone(),
            (false, false) => Text::from(format!("{} {}", self.operation, self.endpoint)),
        }
    }

    /// A hash of source, operation and endpoint, which entries and exits that may belong together share. Stores keep
    /// the hash, so it never changes.
    pub fn operation_hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        for part in [&self.source_id, &self.operation, &self.endpoint] {
            // With its length, so that no two splits of one text are alike.
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.digest()
    }

    /// When the checkpoint happened; times before 1970 and what is no number count as 1970. A double of milliseconds
    /// resolves about a quarter of a microsecond, so the rest of the nanoseconds is not meaningful.
    pub fn time(&self) -> Nanos {
        let whole_ms = self.timestamp_ms.trunc();
        Nanos(
            (whole_ms as u64)
                .saturating_mul(NANOS_PER_MS)
                .saturating_add(((self.timestamp_ms - whole_ms) * 1e6) as u64),
        )
    }
}

/// Which side of an operation a checkpoint marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Direction {
    /// `->`
    Enter,
    /// `<-`
    Exit,
    /// Any other text a client sent.
    Other(Text),
}

impl Direction {
    /// The direction a text stands for.
    pub fn parse(text: &str) -> Direction {
        match text {
            "->" => Direction::Enter,
            "<-" => Direction::Exit,
            other => Direction::Other(Text::from(other)),
        }
    }

    /// The direction as clients write it.
    pub fn as_str(&self) -> &str {
        match self {
            Direction::Enter => "->",
            Direction::Exit => "<-",
            Direction::Other(text) => text,
        }
    }
}
