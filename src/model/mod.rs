//! Floor 0: plain data. Ids, times, values, spans, logs, checkpoints, traces, and the questions one can ask of them.
//!
//! Everything above speaks in these types. Nothing here does I/O, knows a wire format, a database, a terminal or a
//! runtime; the JSON of the public interface lives here too ([`json`]), because it *is* the model written down.

pub mod ask;
pub mod batch;
pub mod checkpoint;
pub mod genai;
pub mod grouping;
pub mod id;
pub mod identity;
pub mod issue;
pub mod json;
pub mod key;
pub mod log;
pub mod log_match;
pub mod needle;
pub mod pair;
pub mod record;
pub mod self_time;
pub mod span;
pub mod stats;
pub mod text;
pub mod time;
pub mod trace;
pub mod traceparent;
pub mod value;
pub mod when;

pub use ask::{
    Cursor, FieldFilter, FieldOperator, LogPage, LogQuery, Page, RecordFilter, RecordKind, Retention, Sort, StatsBy,
    StatsQuery, TraceQuery,
};
pub use batch::{Batch, Rejection, Removed, Written};
pub use checkpoint::{Checkpoint, Direction};
pub use id::{SpanId, TraceId};
pub use identity::identities;
pub use issue::{
    Fingerprint, HourCount, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, IssueSort, IssueStatus, StatusChange,
};
pub use key::{Key, KeyScope};
pub use log::{LogRecord, Severity};
pub use log_match::LogMatcher;
pub use needle::Needle;
pub use record::Record;
pub use span::{Event, Kind, Link, Resource, Scope, Span, Status, StatusCode};
pub use stats::{DatabaseInfo, OperationStats, Stats, Timeline};
pub use text::Text;
pub use time::Nanos;
pub use trace::{Cost, Tokens, Trace, TraceFold, TraceStatus, TraceSummary};
pub use traceparent::Traceparent;
pub use value::{Attributes, Value};
