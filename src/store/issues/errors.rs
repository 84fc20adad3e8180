//! The errors among the records of a write, grouped. Made before the write reaches the writer, whose time is dear. They
//! may wait longer to be counted than their records to be stored, so they hold copies and keep no request in memory.
//!
//! An exception on its way out through nested spans counts once. What comes in another write is not seen here and counts
//! again, and so does a log record about the error, for records of each kind are written by themselves; counting leads
//! them to the same issue.

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
    /// The project; empty for none.
    pub project: Text,
    /// The service.
    pub service: Text,
    /// Whether the errors differ in their messages.
    pub messages_differ: bool,
    /// The latest stack trace, and its time.
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
    /// What it was made of.
    pub why: Why,
}

/// One error.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// Place of its record among the records.
    record: usize,
    /// Place of its group.
    pub group: usize,
    /// When it happened.
    pub time: Nanos,
    /// Its trace, if it has one.
    pub trace: Option<TraceId>,
    /// Its environment, if it says so.
    pub environment: Option<Text>,
}

impl Errors {
    /// The errors among records of one write.
    pub fn find(records: &[Record]) -> Errors {
        let mut errors = Errors::default();
        let mut places: FxHashMap<IssueId, usize> = FxHashMap::default();
        let (at, spans): (Vec<usize>, Vec<&Span>) = records
            .iter()
            .enumerate()
            .filter_map(|(place, record)| if let Record::Span(span) = record { Some((place, span)) } else { None })
            .unzip();
        let of_spans = grouping::of_spans(&spans);
        for error in &of_spans {
            let outermost = of_spans.get(error.outermost).map_or(&error.grouping, |outermost| &outermost.grouping);
            if let (Some(record), Some(span)) = (at.get(error.span), spans.get(error.span)) {
                errors.add_span(&mut places, *record, (span, error, outermost));
            }
        }
        for (place, record) in records.iter().enumerate() {
            if let Record::Log(log) = record {
                errors.add_log(&mut places, place, log);
            }
        }
        errors
    }

    fn add_log(&mut self, places: &mut FxHashMap<IssueId, usize>, record: usize, log: &LogRecord) {
        let Some(grouping) = grouping::of_log(log) else { return };
        let environment = environment(&log.attributes, &log.resource);
        let group = self.group(places, (grouping, log.time), &log.resource);
        self.events.push(Occurrence {
            record,
            group,
            time: log.time,
            trace: log.trace_id.as_ref().map(copy),
            environment,
        });
    }

    fn add_span(
        &mut self,
        places: &mut FxHashMap<IssueId, usize>,
        record: usize,
        (span, error, outermost): (&Span, &SpanError, &Grouping),
    ) {
        if error.is_first {
            // Of what was told more than once the first time counts.
            let event = error.events.first().and_then(|event| span.events.get(*event));
            let time = event.map_or(span.end, |event| event.time);
            let group = self.group(places, (outermost.clone(), time), &span.resource);
            let environment = environment(&span.attributes, &span.resource);
            self.events.push(Occurrence { record, group, time, trace: Some(copy(&span.trace_id)), environment });
        }
        self.add_alias(places, &error.grouping, outermost);
    }

    /// Notes that what would have been grouped as one thing is another, if enough is known of both.
    fn add_alias(&mut self, places: &FxHashMap<IssueId, usize>, own: &Grouping, home: &Grouping) {
        let is_known = !own.why.frames.is_empty() && !home.why.frames.is_empty() && own.why.is_same_error(&home.why);
        if own.issue == home.issue || !is_known {
            return;
        }
        let Some(group) = places.get(&home.issue).and_then(|place| self.groups.get_mut(*place)) else { return };
        if group.aliases.len() < MOST_ALIASES && group.aliases.iter().all(|alias| alias.grouping != own.issue) {
            let mut own = own.clone();
            shorten(&mut own);
            group.aliases.push(Alias { grouping: own.issue, fingerprint: own.fingerprint, why: own.why });
        }
    }

    /// The place of the group of an error.
    fn group(
        &mut self,
        places: &mut FxHashMap<IssueId, usize>,
        (mut grouping, time): (Grouping, Nanos),
        resource: &Resource,
    ) -> usize {
        let stack = grouping.stack_trace.take().map(|stack| (time, Text::from(head(&stack, MOST_STACK_BYTES))));
        grouping.message = cut(&grouping.message, MOST_MESSAGE_BYTES);
        if let Some(place) = places.get(&grouping.issue)
            && let Some(group) = self.groups.get_mut(*place)
        {
            group.messages_differ |= group.grouping.message != grouping.message;
            if stack.as_ref().is_some_and(|(time, _)| group.stack.as_ref().is_none_or(|(known, _)| known < time)) {
                group.stack = stack;
            }
            return *place;
        }
        let place = self.groups.len();
        places.insert(grouping.issue, place);
        shorten(&mut grouping);
        self.groups.push(Group {
            grouping,
            project: resource.attributes.text(PROJECT_ATTRIBUTE).map(Text::from).unwrap_or_default(),
            service: Text::from(resource.service.as_str()),
            messages_differ: false,
            stack,
            aliases: Vec::new(),
        });
        place
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
