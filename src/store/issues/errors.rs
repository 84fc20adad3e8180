//! The errors among the records of a write, grouped. They are found before the write reaches the writer, whose time is
//! dear. Errors may wait longer to be counted than their records to be stored, so they hold copies and keep no request
//! in memory.
//!
//! An exception on its way out through nested spans counts once. An exception that another write tells of again counts
//! again, and so does a log record about the error, for records of each kind are written by themselves; counting leads
//! all of them to one issue.

use rustc_hash::FxHashMap;

use crate::model::grouping::{self, Grouping, PROJECT_ATTRIBUTE, SpanError, Why};
use crate::model::{Attributes, Fingerprint, IssueId, LogRecord, Nanos, Record, Resource, Span, Text, TraceId};

/// Longest message and pattern that is kept, in bytes.
const MOST_MESSAGE_BYTES: usize = 1_024;
/// Longest type of an error, culprit and frame that is kept, in bytes.
const MOST_NAME_BYTES: usize = 512;
/// Longest stack trace that is kept, in bytes.
const MOST_STACK_BYTES: usize = 64 << 10;
/// Longest name of an environment that is kept, in bytes.
const MOST_ENVIRONMENT_BYTES: usize = 128;
/// Attributes that name the environment, the usual one first.
const ENVIRONMENT: [&str; 2] = ["deployment.environment.name", "deployment.environment"];
/// Other fingerprints of one group that are kept.
const MOST_ALIASES: usize = 16;

/// The errors among some records.
#[derive(Debug, Clone, Default)]
pub struct Errors {
    /// The kinds of error, each once.
    pub groups: Vec<Group>,
    /// Each error, in the order of the records.
    pub events: Vec<Occurrence>,
}

/// Errors of one fingerprint in one service of one project.
#[derive(Debug, Clone)]
pub struct Group {
    /// How the first of the errors was grouped.
    pub grouping: Grouping,
    /// The project of the errors; empty for none.
    pub project: Text,
    /// The service of the errors; empty for none.
    pub service: Text,
    /// Whether the errors differ in their messages.
    pub messages_differ: bool,
    /// The latest stack trace of the errors, and the time of its error.
    pub stack: Option<(Nanos, Text)>,
    /// What other records of these errors would have been grouped as.
    pub aliases: Vec<Alias>,
}

/// A fingerprint that leads to an issue besides its own.
#[derive(Debug, Clone)]
pub struct Alias {
    /// The issue that would have been made of it.
    pub grouping: IssueId,
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// What the fingerprint was made of.
    pub why: Why,
}

/// One error.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// Place of the error's record among the records.
    record: usize,
    /// Place of the error's group in [`Errors::groups`].
    pub group: usize,
    /// When the error happened.
    pub time: Nanos,
    /// The trace of the record, if it has one.
    pub trace: Option<TraceId>,
    /// The environment of the record, if it names one.
    pub environment: Option<Text>,
}

impl Alias {
    /// The fingerprint of an error that was grouped like this.
    pub(super) fn of(grouping: &Grouping) -> Alias {
        Alias { grouping: grouping.issue, fingerprint: grouping.fingerprint, why: grouping.why.clone() }
    }
}

/// The errors found so far, and which group is that of an issue.
#[derive(Default)]
struct Search {
    errors: Errors,
    places: FxHashMap<IssueId, usize>,
}

impl Search {
    fn add_log(&mut self, record: usize, log: &LogRecord) {
        let Some(grouping) = grouping::of_log(log) else { return };
        let group = self.find_group(grouping, log.time, &log.resource);
        self.errors.events.push(Occurrence {
            record,
            group,
            time: log.time,
            trace: log.trace_id.as_ref().map(copy),
            environment: environment(&log.attributes, &log.resource),
        });
    }

    /// Adds an error of a span; `outermost` is how the error was grouped where it left the outermost span.
    fn add_span(&mut self, record: usize, span: &Span, error: &SpanError, outermost: &Grouping) {
        if error.is_first {
            // Of what was told more than once the first time counts.
            let event = error.events.first().and_then(|event| span.events.get(*event));
            let time = event.map_or(span.end, |event| event.time);
            let group = self.find_group(outermost.clone(), time, &span.resource);
            self.errors.events.push(Occurrence {
                record,
                group,
                time,
                trace: Some(copy(&span.trace_id)),
                environment: environment(&span.attributes, &span.resource),
            });
        }
        self.add_alias(&error.grouping, outermost);
    }

    /// Notes that what would have been grouped as one thing is another, if enough is known of both.
    fn add_alias(&mut self, own: &Grouping, home: &Grouping) {
        let is_known = !own.why.frames.is_empty() && !home.why.frames.is_empty() && own.why.is_same_error(&home.why);
        if own.issue == home.issue || !is_known {
            return;
        }
        let Some(group) = self.places.get(&home.issue).and_then(|place| self.errors.groups.get_mut(*place)) else {
            return;
        };
        if group.aliases.len() < MOST_ALIASES && group.aliases.iter().all(|alias| alias.grouping != own.issue) {
            let mut own = own.clone();
            shorten(&mut own);
            group.aliases.push(Alias::of(&own));
        }
    }

    /// The place of the group of an error, which is made if it is the first of its kind.
    fn find_group(&mut self, mut grouping: Grouping, time: Nanos, resource: &Resource) -> usize {
        let stack = grouping.stack_trace.take().map(|stack| (time, Text::from(head(&stack, MOST_STACK_BYTES))));
        grouping.message = cut(&grouping.message, MOST_MESSAGE_BYTES);
        let place = *self.places.entry(grouping.issue).or_insert(self.errors.groups.len());
        if let Some(group) = self.errors.groups.get_mut(place) {
            group.messages_differ |= group.grouping.message != grouping.message;
            if stack.as_ref().is_some_and(|(time, _)| group.stack.as_ref().is_none_or(|(known, _)| known < time)) {
                group.stack = stack;
            }
            return place;
        }
        shorten(&mut grouping);
        self.errors.groups.push(Group {
            grouping,
            project: resource.attributes.text(PROJECT_ATTRIBUTE).map(Text::from).unwrap_or_default(),
            service: Text::from(resource.service.as_str()),
            messages_differ: false,
            stack,
            aliases: Vec::new(),
        });
        place
    }
}

impl Errors {
    /// The errors among records of one write.
    pub fn find(records: &[Record]) -> Errors {
        let mut search = Search::default();
        let (places, spans): (Vec<usize>, Vec<&Span>) = records
            .iter()
            .enumerate()
            .filter_map(|(place, record)| if let Record::Span(span) = record { Some((place, span)) } else { None })
            .unzip();
        let of_spans = grouping::of_spans(&spans);
        for error in &of_spans {
            let outermost = of_spans.get(error.outermost).map_or(&error.grouping, |outermost| &outermost.grouping);
            if let (Some(record), Some(span)) = (places.get(error.span), spans.get(error.span)) {
                search.add_span(*record, span, error, outermost);
            }
        }
        for (place, record) in records.iter().enumerate() {
            if let Record::Log(log) = record {
                search.add_log(place, log);
            }
        }
        search.errors
    }

    /// The errors of those records that are new.
    pub fn keep_new(&self, is_new: &[bool]) -> Errors {
        let is_new = |event: &&Occurrence| is_new.get(event.record).copied().unwrap_or(true);
        Errors { groups: self.groups.clone(), events: self.events.iter().filter(is_new).cloned().collect() }
    }

    /// About how much memory the errors take.
    pub fn memory_bytes(&self) -> usize {
        let stacks = self.groups.iter().filter_map(|group| group.stack.as_ref());
        let aliases: usize = self.groups.iter().map(|group| group.aliases.len()).sum();
        stacks.map(|(_, stack)| stack.len()).sum::<usize>()
            + (self.groups.len() + aliases) * 1_024
            + self.events.len() * 128
    }
}

fn environment(attributes: &Attributes, resource: &Resource) -> Option<Text> {
    let of = |attributes: &Attributes| ENVIRONMENT.iter().find_map(|key| attributes.text(key).map(Text::from));
    let environment = of(attributes).or_else(|| of(&resource.attributes));
    environment.filter(|name| !name.is_empty()).map(|name| cut(&name, MOST_ENVIRONMENT_BYTES))
}

/// Cuts what is kept of the first error of a kind; all of it has counted in the fingerprint.
fn shorten(grouping: &mut Grouping) {
    let Grouping { error_type, message_pattern, culprit, why, .. } = grouping;
    *message_pattern = cut(message_pattern, MOST_MESSAGE_BYTES);
    let names = error_type.iter_mut().chain(culprit).chain([&mut why.error_type]);
    names.chain(&mut why.frames).chain(&mut why.causes).for_each(|name| *name = cut(name, MOST_NAME_BYTES));
}

/// The text, or as much of its beginning as is kept.
fn cut(text: &Text, most_bytes: usize) -> Text {
    if text.len() <= most_bytes { text.clone() } else { Text::from(head(text, most_bytes)) }
}

fn head(text: &str, most_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(most_bytes)).unwrap_or_default()
}

fn copy(trace: &TraceId) -> TraceId {
    match trace {
        TraceId::Otel(raw) => TraceId::Otel(*raw),
        TraceId::Text(text) => TraceId::Text(Text::from(text.as_str())),
    }
}
