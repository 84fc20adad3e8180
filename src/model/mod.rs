//! Floor 0: plain data. Ids, times, values, spans, logs, checkpoints, traces, and the questions one can ask of them.
//!
//! Everything above speaks in these types. Nothing here does I/O, knows a wire format, a database, a terminal or a
//! runtime; the JSON of the public interface lives here too ([`json`]), because it *is* the model written down.

pub mod grouping;
pub mod issue;
pub mod json;
pub mod key;
pub mod query;
pub mod record;
pub mod stack;
pub mod stats;
pub mod trace;
pub mod value;
pub mod words;

pub use issue::{
    Fingerprint, HourCount, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, IssueSort, IssueStatus, StatusChange,
};
pub use key::{Key, KeyScope};
pub use query::{
    Cursor, FieldFilter, FieldOperator, LogPage, LogQuery, Operation, Page, RecordFilter, RecordKind, Retention, Sort,
    StatsBy, StatsQuery, TraceQuery,
    log_match::{self, LogMatcher},
    text_search::Needle,
    time_input,
};
pub use record::{
    Record,
    batch::{Batch, Rejection, Removed, Written},
    checkpoint::{self, Checkpoint, Direction},
    identities,
    log::{LogRecord, Severity},
    span::{Event, Kind, Link, PROJECT_ATTRIBUTE, Resource, Scope, Span, Status, StatusCode},
};
pub use stats::{DatabaseInfo, OperationStats, Stats, Timeline};
pub use trace::{Cost, Tokens, Trace, TraceFold, TraceStatus, TraceSummary, checkpoint_pairs, genai, self_time};
pub use value::{
    Attributes, Value,
    id::{self, SpanId, TraceId},
    text::Text,
    time::{self, Nanos},
    traceparent::Traceparent,
};
