//! What spans, events, links and traces have by themselves, by the names TraceQL has for it; and what type it is of.

use crate::model::words::words;

words! {
    /// A field that is no attribute.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Intrinsic {
        /// Name of the span.
        Name = "span:name",
        /// Role of the span in a call.
        Kind = "span:kind",
        /// Outcome of the span.
        Status = "span:status",
        /// What the span says of its outcome.
        StatusMessage = "span:statusMessage",
        /// How long the span took.
        Duration = "span:duration",
        /// Id of the span.
        Id = "span:id",
        /// Id of its parent.
        ParentId = "span:parentID",
        /// How many spans are right below it.
        ChildCount = "span:childCount",
        /// Id of the trace.
        TraceId = "trace:id",
        /// How long the trace took.
        TraceDuration = "trace:duration",
        /// Name of the root span.
        RootName = "trace:rootName",
        /// Service of the root span.
        RootService = "trace:rootService",
        /// Name of an event.
        EventName = "event:name",
        /// When an event happened, from the start of the span on.
        EventTime = "event:timeSinceStart",
        /// Trace a link leads to.
        LinkTraceId = "link:traceID",
        /// Span a link leads to.
        LinkSpanId = "link:spanID",
        /// Name of the instrumentation.
        InstrumentationName = "instrumentation:name",
        /// Version of the instrumentation.
        InstrumentationVersion = "instrumentation:version",
        /// Number at which a walk through the trace enters the span.
        NestedSetLeft = "nestedSetLeft",
        /// Number at which it leaves the span.
        NestedSetRight = "nestedSetRight",
        /// Number at which it entered the parent; -1 of a root.
        NestedSetParent = "nestedSetParent",
    }
}

/// Names without a scope, which are older.
const SHORT: [(&str, Intrinsic); 9] = [
    ("name", Intrinsic::Name),
    ("kind", Intrinsic::Kind),
    ("status", Intrinsic::Status),
    ("statusMessage", Intrinsic::StatusMessage),
    ("duration", Intrinsic::Duration),
    ("childCount", Intrinsic::ChildCount),
    ("traceDuration", Intrinsic::TraceDuration),
    ("rootName", Intrinsic::RootName),
    ("rootServiceName", Intrinsic::RootService),
];

/// What values an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Whatever an attribute holds.
    Any,
    /// Nothing.
    Nil,
    /// A number or a length of time.
    Number,
    /// True or false.
    Bool,
    /// Text.
    Text,
    /// Outcome of a span.
    Status,
    /// Role of a span.
    Kind,
}

impl Type {
    /// The type as an error names it.
    pub fn named(self) -> &'static str {
        match self {
            Type::Any => "an attribute",
            Type::Nil => "nil",
            Type::Number => "a number",
            Type::Bool => "true or false",
            Type::Text => "text",
            Type::Status => "a status",
            Type::Kind => "a kind",
        }
    }
}

impl Intrinsic {
    /// The intrinsic of a name, also of the names without a scope.
    pub fn named(name: &str) -> Option<Intrinsic> {
        let short = SHORT.iter().find(|(short, _)| *short == name);
        short.map(|(_, intrinsic)| *intrinsic).or_else(|| Intrinsic::parse(name))
    }

    /// The name without a scope, where there is one.
    pub fn short(self) -> &'static str {
        SHORT.iter().find(|(_, intrinsic)| *intrinsic == self).map_or(self.as_str(), |(short, _)| short)
    }

    /// What the values are.
    pub fn value_type(self) -> Type {
        match self {
            Intrinsic::Kind => Type::Kind,
            Intrinsic::Status => Type::Status,
            Intrinsic::Duration
            | Intrinsic::ChildCount
            | Intrinsic::TraceDuration
            | Intrinsic::EventTime
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => Type::Number,
            _ => Type::Text,
        }
    }

    /// Whether every span has a value.
    pub fn is_always_there(self) -> bool {
        !matches!(
            self,
            Intrinsic::ParentId
                | Intrinsic::RootName
                | Intrinsic::RootService
                | Intrinsic::EventName
                | Intrinsic::EventTime
                | Intrinsic::LinkTraceId
                | Intrinsic::LinkSpanId
        )
    }

    /// Whether only the rest of the trace tells the value.
    pub fn needs_trace(self) -> bool {
        matches!(
            self,
            Intrinsic::ChildCount
                | Intrinsic::TraceDuration
                | Intrinsic::RootName
                | Intrinsic::RootService
                | Intrinsic::NestedSetLeft
                | Intrinsic::NestedSetRight
                | Intrinsic::NestedSetParent
        )
    }
}
