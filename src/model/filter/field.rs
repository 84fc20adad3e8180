//! What a term asks for: the fields that records and traces have by themselves, and attributes by their keys.
//!
//! Names are the public interface of filters. How the value of a field is read from a record stands in `subject`.

use crate::model::value::conventions::same_meaning;
use crate::model::words::words;
use crate::model::{Keys, Parts};

/// Something of a record, or of its trace, that has a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// What every record of a kind has.
    Intrinsic(Intrinsic),
    /// An attribute, which records have or not.
    Attribute {
        /// Where the attribute stands; `None` is anywhere.
        scope: Option<Scope>,
        /// The key as it was written, then other names of the same thing; never empty.
        keys: Vec<String>,
    },
}

impl Field {
    /// The field of a name that was written without quotes.
    pub fn named(name: &str) -> Field {
        if let Some(intrinsic) = Intrinsic::parse(name).or_else(|| Intrinsic::called(name)) {
            return Field::Intrinsic(intrinsic);
        }
        let scoped = name.split_once('.').and_then(|(scope, key)| Some((Scope::parse(scope)?, key)));
        match scoped.filter(|(_, key)| !key.is_empty()) {
            Some((scope, key)) => Field::Attribute { scope: Some(scope), keys: same_meaning(key) },
            None => Field::attribute(name),
        }
    }

    /// The parts of a record in which the field can be.
    pub fn parts(&self) -> Parts {
        let Field::Attribute { scope, keys } = self else {
            let Field::Intrinsic(intrinsic) = self else { return Parts::ALL };
            return intrinsic.parts();
        };
        // A beginning of a key may name a map that the rest lies in.
        let beginnings = |key: &String| {
            let ends = key.match_indices('.').map(|(dot, _)| dot).chain([key.len()]);
            ends.filter_map(|end| key.get(..end)).map(str::to_owned).collect::<Vec<_>>()
        };
        Parts {
            keys: Keys::These(keys.iter().flat_map(beginnings).collect()),
            events: matches!(scope, None | Some(Scope::Event)),
            links: matches!(scope, None | Some(Scope::Link)),
            rest: false,
        }
    }

    /// The attribute of a key, wherever it stands.
    pub fn attribute(key: &str) -> Field {
        Field::Attribute { scope: None, keys: same_meaning(key) }
    }
}

words! {
    /// Where an attribute stands.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Scope {
        /// On a span itself.
        Span = "span",
        /// On the process that recorded.
        Resource = "resource",
        /// On an event of a span.
        Event = "event",
        /// On a link of a span.
        Link = "link",
        /// On the instrumentation that recorded.
        Scope = "scope",
        /// On a log record itself.
        Log = "log",
        /// In the payload of a checkpoint.
        Data = "data",
    }
}

words! {
    /// A field that is no attribute.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Intrinsic {
        /// Name of a span or of a checkpoint's operation.
        Name = "name",
        /// Service of a span or log record, source of a checkpoint.
        Service = "service",
        /// Kind of a span, or which kind of record: span, log, checkpoint.
        Kind = "kind",
        /// Outcome of a span: ok, error, unset.
        Status = "status",
        /// What a span says of its outcome.
        StatusMessage = "status.message",
        /// How long a span took.
        Duration = "duration",
        /// How long a span took without those below it.
        SelfTime = "self",
        /// Level of a log record.
        Level = "level",
        /// What a log record says.
        Message = "message",
        /// Id of a span or log record.
        Id = "id",
        /// Span a record is or belongs to.
        SpanId = "span.id",
        /// Trace a record belongs to.
        TraceId = "trace.id",
        /// Type of an error, wherever it stands.
        ErrorType = "error.type",
        /// Message of an error.
        ErrorMessage = "error.message",
        /// Stack trace of an error.
        Stack = "stack",
        /// Issue of an error.
        Issue = "issue",
        /// Module of the program.
        Module = "module",
        /// Environment the program runs in.
        Environment = "env",
        /// Machine the program runs on.
        Host = "host",
        /// Project of whoever sent a record.
        Project = "project",
        /// Source of a checkpoint.
        Source = "source",
        /// Kind of operation of a checkpoint.
        Operation = "operation",
        /// Which operation of a checkpoint.
        Endpoint = "endpoint",
        /// Side of an operation a checkpoint marks.
        Direction = "direction",
        /// When a record began.
        Time = "time",
        /// How long the trace took.
        TraceDuration = "trace.duration",
        /// Name of the trace.
        TraceName = "trace.name",
        /// Service the trace is named after.
        RootService = "root.service",
        /// Outcome of the root span: ok, error, unset.
        RootStatus = "root.status",
        /// How many spans the trace has.
        TraceSpans = "trace.spans",
        /// How many errors the trace has.
        TraceErrors = "trace.errors",
        /// Outcome of the trace: ok, error, open.
        TraceStatus = "trace.status",
        /// Workflow of the trace.
        Workflow = "workflow",
        /// Session or conversation that the trace is part of.
        Session = "session",
        /// Model an AI call asked or got.
        Model = "model",
        /// Tokens of an AI call.
        Tokens = "tokens",
        /// Tokens that went in.
        TokensIn = "tokens.in",
        /// Tokens that came out.
        TokensOut = "tokens.out",
        /// What an AI call cost.
        Cost = "cost",
    }
}

/// What the values of an intrinsic are, and so what they can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// One of a few words.
    Words(&'static [&'static str]),
    /// A level, in the order of how bad it is.
    Level,
    /// A length of time.
    Duration,
    /// A number.
    Number,
    /// A point in time.
    Time,
}

/// What has to be known to decide about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Needs {
    /// The record alone.
    #[default]
    Record,
    /// The summary of its trace.
    Summary,
    /// All records of its trace.
    Trace,
}

const STATUS: Kind = Kind::Words(&["ok", "error", "unset"]);

impl Intrinsic {
    /// Further names of an intrinsic.
    fn called(name: &str) -> Option<Intrinsic> {
        Some(match name {
            "body" => Intrinsic::Message,
            "root.name" => Intrinsic::TraceName,
            _ => return None,
        })
    }

    /// What the values are.
    pub fn kind(self) -> Kind {
        match self {
            Intrinsic::Status | Intrinsic::RootStatus => STATUS,
            Intrinsic::TraceStatus => Kind::Words(&["ok", "error", "open"]),
            Intrinsic::Kind => Kind::Words(&[
                "span",
                "log",
                "checkpoint",
                "unspecified",
                "internal",
                "server",
                "client",
                "producer",
                "consumer",
            ]),
            Intrinsic::Level => Kind::Level,
            Intrinsic::Duration | Intrinsic::SelfTime | Intrinsic::TraceDuration => Kind::Duration,
            Intrinsic::TraceSpans
            | Intrinsic::TraceErrors
            | Intrinsic::Tokens
            | Intrinsic::TokensIn
            | Intrinsic::TokensOut
            | Intrinsic::Cost => Kind::Number,
            Intrinsic::Time => Kind::Time,
            _ => Kind::Text,
        }
    }

    /// The parts of a record in which the intrinsic can be.
    fn parts(self) -> Parts {
        match self {
            Intrinsic::Name
            | Intrinsic::Service
            | Intrinsic::Kind
            | Intrinsic::Status
            | Intrinsic::Duration
            | Intrinsic::SelfTime
            | Intrinsic::Level
            | Intrinsic::SpanId
            | Intrinsic::TraceId
            | Intrinsic::Time
            | Intrinsic::Project
            | Intrinsic::TraceDuration
            | Intrinsic::TraceName
            | Intrinsic::RootService
            | Intrinsic::RootStatus
            | Intrinsic::TraceSpans
            | Intrinsic::TraceErrors
            | Intrinsic::TraceStatus => Parts::NONE,
            Intrinsic::StatusMessage | Intrinsic::Message => Parts { rest: true, ..Parts::NONE },
            Intrinsic::Model | Intrinsic::Tokens | Intrinsic::TokensIn | Intrinsic::TokensOut | Intrinsic::Cost => {
                Parts { keys: Keys::All, ..Parts::NONE }
            }
            _ => Parts::ALL,
        }
    }

    /// What has to be known for the value of the intrinsic.
    pub fn needs(self) -> Needs {
        match self {
            Intrinsic::TraceDuration
            | Intrinsic::TraceName
            | Intrinsic::RootService
            | Intrinsic::TraceSpans
            | Intrinsic::TraceErrors
            | Intrinsic::TraceStatus
            | Intrinsic::Workflow => Needs::Summary,
            Intrinsic::SelfTime | Intrinsic::RootStatus | Intrinsic::Session | Intrinsic::Issue => Needs::Trace,
            _ => Needs::Record,
        }
    }
}
