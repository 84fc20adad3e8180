//! Floor 0: plain data. Ids, times, values, spans, logs, checkpoints, traces, and the questions one can ask of them.
//!
//! Everything above speaks in these types. Nothing here does I/O, knows a wire format, a database, a terminal or a
//! runtime; the JSON of the public interface lives here too ([`json`]), because it *is* the model written down.

#[cfg(feature = "app")]
pub mod filter;
pub mod grouping;
pub mod issue;
pub mod json;
pub mod key;
pub mod query;
pub mod rate_limit;
pub mod record;
pub mod sender;
pub mod stack;
pub mod stats;
pub mod trace;
pub mod value;
pub mod words;

pub use issue::{
    Fingerprint, HourCount, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, IssueSort, IssueStatus, StatusChange,
};
pub use key::{Key, KeyScope};
#[cfg(feature = "app")]
pub use query::attributes::{AttributeCount, AttributeQuery};
#[cfg(feature = "app")]
pub use query::contrast::{Cause, CausePair, CauseTerm, Contrast, ContrastQuery};
pub use query::log_match::{self, LogMatcher};
pub use query::saved_filter::SavedFilter;
pub use query::text_search::Needle;
pub use query::{
    Cursor, FieldFilter, FieldOperator, LogPage, LogQuery, Operation, Page, RecordFilter, Retention, Sort, StatsBy,
    StatsQuery, TraceQuery, time_input,
};
pub use rate_limit::{NotARate, RateLimit};
pub use record::batch::{Batch, Rejection, Removed, Written};
pub use record::checkpoint::{self, Checkpoint, Direction};
pub use record::limits;
pub use record::log::{LogRecord, Severity};
pub use record::severity;
pub use record::span::{
    Event, INVALID_PARENT_ATTRIBUTE, Kind, Link, PROJECT_ATTRIBUTE, Resource, Scope, Span, Status, StatusCode,
};
pub use record::{Keys, Parts, Record, RecordKind, assign_requests, content_identities, identities};
pub use stats::{DatabaseInfo, OperationStats, Stats, Timeline};
pub use trace::{
    Cost, TimeBounds, Tokens, Trace, TraceFold, TraceStatus, TraceSummary, checkpoint_pairs, display_name, genai,
    self_time,
};
pub use value::id::{self, SpanId, TraceId};
pub use value::text::Text;
pub use value::time::{self, Nanos};
pub use value::traceparent::Traceparent;
pub use value::{Attributes, Value};
