//! Which log records a [`LogQuery`] names: decided here once for every store, for following and for tests.
//!
//! A store that keeps its fields apart asks the parts of a [`LogMatcher`] and reads no more than they need; everybody
//! else asks it for whole records. This knows no order and no page.

use std::borrow::Cow;

use crate::model::json::{self, named_keys};
use crate::model::{
    Attributes, FieldFilter, FieldOperator, LogQuery, LogRecord, Nanos, Needle, PROJECT_ATTRIBUTE, Text, Value,
    grouping,
};

/// Most dots of a name at which it is tried to reach into a map.
const MAX_DOTS: usize = 16;

impl LogQuery {
    /// Whether the query names a record, as far as the record itself says; order, limit and cursor aside. For many records
    /// make a [`LogMatcher`].
    pub fn matches(&self, log: &LogRecord) -> bool {
        LogMatcher::new(self).matches(log)
    }
}

/// A [`LogQuery`] made ready for many records.
#[derive(Debug)]
pub struct LogMatcher<'q> {
    /// The query that was made ready.
    pub query: &'q LogQuery,
    /// The text looked for; `None` is any.
    pub text: Option<TextFilter>,
    /// What else must hold of attributes and resources.
    pub conditions: Vec<Condition<'q>>,
}

impl<'q> LogMatcher<'q> {
    /// Makes a query ready for many records.
    pub fn new(query: &'q LogQuery) -> LogMatcher<'q> {
        let LogQuery { module, environment, host, pid, .. } = query;
        let named = [("module", module), ("environment", environment), ("host", host), ("pid", pid)];
        let is = |field, wanted| Condition::of_keys(named_keys(field), Test::Is(wanted));
        let named = named.into_iter().filter_map(|(field, wanted)| Some(is(field, wanted.as_ref()?)));
        let project = query.project.as_deref().map(Condition::project);
        let fields = query.fields.iter().map(Condition::field);
        let text = query.text.as_deref().filter(|text| !text.is_empty()).map(TextFilter::new);
        LogMatcher { query, text, conditions: named.chain(project).chain(fields).collect() }
    }

    /// Whether the query names a record.
    pub fn matches(&self, log: &LogRecord) -> bool {
        let LogQuery { level, service, trace, issues, .. } = self.query;
        self.is_in_time(log.time)
            && level.is_none_or(|least| log.severity >= least)
            && service.as_ref().is_none_or(|service| log.resource.service == service.as_str())
            && trace.as_ref().is_none_or(|trace| log.trace_id.as_ref() == Some(trace))
            && self.text.as_ref().is_none_or(|text| text.is_in(log))
            && self.conditions.iter().all(|condition| condition.holds(log))
            && self.is_filtered_in(log)
            && (issues.is_empty() || grouping::of_log(log).is_some_and(|grouping| issues.contains(&grouping.issue)))
    }

    /// Whether the filter of the query is true of a record, as far as the record says; what only its trace says is for
    /// those who read the trace.
    #[cfg(feature = "app")]
    fn is_filtered_in(&self, log: &LogRecord) -> bool {
        self.query.filter.as_ref().is_none_or(|filter| filter.may_match_log(log))
    }

    /// Without the program there are no filters.
    #[cfg(not(feature = "app"))]
    fn is_filtered_in(&self, _: &LogRecord) -> bool {
        true
    }

    fn is_in_time(&self, time: Nanos) -> bool {
        self.query.since.is_none_or(|since| time >= since) && self.query.until.is_none_or(|until| time < until)
    }

    /// Whether only records that tell of an error can match: those of level error or above, and those with one of
    /// [`ERROR_KEYS`].
    pub fn wants_errors(&self) -> bool {
        !self.query.issues.is_empty()
    }
}

/// Attributes that make a record of any level tell of an error.
pub const ERROR_KEYS: [&str; 3] = ["exception.type", "exception.message", "exception.stacktrace"];

/// Text that stands in the message, in type or message of the error, or in a value of `extra`.
#[derive(Debug)]
pub struct TextFilter {
    /// What is looked for.
    pub needle: Needle,
    /// Where the text may stand beside the message: in the type or the message of the error.
    pub elsewhere: [Condition<'static>; 2],
    /// Whether a number or a truth value may contain the text; there is no need to write them out when not.
    pub may_be_plain: bool,
}

/// What the texts of numbers, truth values and nothing are made of: `-1.5e300`, `Infinity`, `NaN`, `true`, `null`.
const PLAIN_TEXT: &str = "0123456789+-.einfatyrusl";

impl TextFilter {
    fn new(text: &str) -> TextFilter {
        let needle = Needle::new(text);
        let contains = |field| Condition::of_keys(named_keys(field), Test::Contains(needle.clone()));
        let may_be_plain = text.to_lowercase().chars().all(|c| PLAIN_TEXT.contains(c));
        TextFilter { elsewhere: [contains("error_type"), contains("error_message")], needle, may_be_plain }
    }

    fn is_in(&self, log: &LogRecord) -> bool {
        let is_in_extra = |(key, value): &(Text, Value)| Self::looks_into(key) && self.is_in_value(value);
        self.needle.is_in(&log.message)
            || self.elsewhere.iter().any(|condition| condition.holds(log))
            || log.attributes.iter().any(is_in_extra)
    }

    /// Whether the text is looked for in the attribute of this key, whatever record has it.
    pub fn looks_into(key: &str) -> bool {
        !json::has_field(key)
    }

    /// Whether the text stands in a value as it is written out.
    pub fn is_in_value(&self, value: &Value) -> bool {
        match value {
            Value::Empty => false,
            Value::Bool(_) | Value::Int(_) | Value::Double(_) if !self.may_be_plain => false,
            value => self.needle.is_in(&text_of(value)),
        }
    }
}

/// What must hold of a value that may stand in several places: the first place of the record that is there counts, else
/// the first of its resource.
#[derive(Debug)]
pub struct Condition<'q> {
    places: Vec<Place<'q>>,
    of_resource_only: bool,
    test: Test<'q>,
    is_negated: bool,
}

/// An attribute, or what lies in a map that an attribute is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'q> {
    /// The key of the attribute.
    pub key: &'q str,
    path: Option<&'q str>,
}

#[derive(Debug)]
enum Test<'q> {
    Is(&'q str),
    Contains(Needle),
}

impl<'q> Condition<'q> {
    fn of_keys(keys: &[&'q str], test: Test<'q>) -> Condition<'q> {
        let places = keys.iter().map(|key| Place { key, path: None }).collect();
        Condition { places, of_resource_only: false, test, is_negated: false }
    }

    /// Who sent a record does not say its project; the server that took it does, on the resource.
    fn project(wanted: &'q str) -> Condition<'q> {
        Condition { of_resource_only: true, ..Condition::of_keys(&[PROJECT_ATTRIBUTE], Test::Is(wanted)) }
    }

    fn field(filter: &'q FieldFilter) -> Condition<'q> {
        let name = filter.name.as_str();
        let within = name.match_indices('.').take(MAX_DOTS).filter_map(|(dot, _)| {
            let (key, path) = (name.get(..dot)?, name.get(dot + 1..)?);
            Some(Place { key, path: Some(path) })
        });
        let named = named_keys(name).iter().map(|key| Place { key, path: None });
        let places = std::iter::once(Place { key: name, path: None }).chain(within).chain(named).collect();
        let test = match filter.operator {
            FieldOperator::Is | FieldOperator::IsNot => Test::Is(&filter.value),
            FieldOperator::Contains => Test::Contains(Needle::new(&filter.value)),
        };
        Condition { places, of_resource_only: false, test, is_negated: filter.operator == FieldOperator::IsNot }
    }

    /// Whether the condition holds of a record.
    pub fn holds(&self, log: &LogRecord) -> bool {
        let own = if self.of_resource_only { None } else { self.verdict(&log.attributes) };
        self.concludes(own.or_else(|| self.verdict(&log.resource.attributes)))
    }

    /// Where the value may stand in the record itself, the first that is there counts.
    pub fn own_places(&self) -> &[Place<'q>] {
        if self.of_resource_only { &[] } else { &self.places }
    }

    /// What attributes say; `None` when the value does not stand there.
    pub fn verdict(&self, attributes: &Attributes) -> Option<bool> {
        self.places.iter().find_map(|place| self.verdict_at(place, attributes.get(place.key)?))
    }

    /// What the attribute of a place says; `None` when the value does not stand there. Of a list any element may be what
    /// is wanted.
    pub fn verdict_at(&self, place: &Place<'_>, attribute: &Value) -> Option<bool> {
        match place.path {
            None => Some(self.test.holds(attribute)),
            Some(path) => self.test.holds_within(attribute, path),
        }
    }

    /// Whether the condition holds, by what record and resource said.
    pub fn concludes(&self, verdict: Option<bool>) -> bool {
        verdict.unwrap_or(false) != self.is_negated
    }
}

impl Test<'_> {
    /// Whether the test holds of a value, or of an element when it is a list.
    fn holds(&self, value: &Value) -> bool {
        let text = text_of(value);
        let holds = match self {
            Test::Is(wanted) => text == *wanted,
            Test::Contains(needle) => needle.is_in(&text),
        };
        holds || matches!(value, Value::Array(elements) if elements.iter().any(|element| self.holds(element)))
    }

    /// Whether the test holds of what lies in a map, or in a map of a list; `None` when nothing lies there. A part of the
    /// path may hold dots itself only where it is the last.
    fn holds_within(&self, value: &Value, path: &str) -> Option<bool> {
        match value {
            Value::Array(elements) => {
                let verdicts = elements.iter().filter_map(|element| self.holds_within(element, path));
                verdicts.reduce(|one, other| one || other)
            }
            Value::Map(pairs) => {
                let get = |key: &str| pairs.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value);
                match get(path) {
                    Some(found) => Some(self.holds(found)),
                    None => {
                        let (head, rest) = path.split_once('.')?;
                        self.holds_within(get(head)?, rest)
                    }
                }
            }
            _ => None,
        }
    }
}

fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(json::value_to_text(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Resource, Severity, TraceId};

    fn log() -> LogRecord {
        let user = Value::Map(vec![
            (Text::from("id"), Value::Int(7)),
            (Text::from("a.b"), Value::Bool(true)),
            (Text::from("at"), Value::Map(vec![(Text::from("home"), Value::Double(f64::NAN))])),
        ]);
        let article = |sku: &str, lots: Value| Value::Map(vec![("sku".into(), sku.into()), ("lots".into(), lots)]);
        let lots = Value::Array(vec![Value::Int(7), Value::Int(8)]);
        let attributes = [
            ("user", user),
            ("tags", Value::Array(vec!["milk".into(), "bread".into()])),
            ("cart", Value::Array(vec![article("b-1", lots), Value::Int(1), article("b-2", "x".into())])),
            ("http.status", Value::Int(402)),
            ("host.name", Value::from("a2")),
            ("process.pid", Value::Int(4_121)),
            ("exception.type", Value::from("HTTPError")),
            ("exception.message", Value::from("Card declined")),
        ];
        let resource = [
            ("service.name", "shop"),
            ("host.name", "a1"),
            ("deployment.environment", "prod"),
            ("code.namespace", "pay"),
            (PROJECT_ATTRIBUTE, "p1"),
        ];
        LogRecord {
            time: Nanos(1_000),
            severity: Severity::Warn,
            message: Text::from("Charge FAILED für Ünal"),
            trace_id: TraceId::parse("cli-1").ok(),
            attributes: attributes.into_iter().collect(),
            resource: Arc::new(Resource::new(resource.into_iter().collect())),
            ..LogRecord::default()
        }
    }

    fn field(text: &str) -> bool {
        let fields = vec![FieldFilter::parse(text).expect("a filter")];
        LogQuery { fields, ..LogQuery::default() }.matches(&log())
    }

    fn asked(change: impl FnOnce(&mut LogQuery)) -> bool {
        let mut query = LogQuery::default();
        change(&mut query);
        query.matches(&log())
    }

    #[test]
    fn text_is_looked_for_in_message_error_and_the_values_of_extra() {
        let in_extra = ["402", "40", "nan", "true", "bread", "\"sku\":\"b-1"];
        for text in ["charge failed", "ÜNAL", "httperror", "DECLINED", ""].into_iter().chain(in_extra) {
            assert!(asked(|query| query.text = Some(text.to_owned())), "{text}");
        }
        // Neither the names of attributes, nor what has a field of its own, nor what the resource says.
        for text in ["stripe", "a2", "4121", "http.status", "prod", "403", "null"] {
            assert!(!asked(|query| query.text = Some(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn an_element_of_a_list_is_found_like_a_single_value() {
        for text in
            ["tags=bread", "tags~=EA", "cart.sku=b-2", "cart.lots=8", "cart.sku!=b-3", "tags=[\"milk\",\"bread\"]"]
        {
            assert!(field(text), "{text}");
        }
        for text in ["tags=brea", "tags!=milk", "cart.sku=b", "cart.lots!=7", "cart.size=1", "tags.milk=1"] {
            assert!(!field(text), "{text}");
        }
    }

    #[test]
    fn a_name_with_dots_is_an_attribute_or_reaches_into_maps() {
        for text in [
            "http.status=402",
            "user.id=7",
            "user.a.b=true",
            "user.at.home=NaN",
            "user~=\"ID\":7",
            "host.name=a2",
            "host=a2",
            "error_type~=http",
            "deployment.environment=prod",
            "user.id!=8",
            "nothing!=x",
            "user.at!=x",
        ] {
            assert!(field(text), "{text}");
        }
        for text in [
            "host.name=a1",
            "user.id=07",
            "user.id!=7",
            "nothing=",
            "nothing~=",
            "user.=7",
            "user.id.x=7",
            ".user=7",
            "http=402",
        ] {
            assert!(!field(text), "{text}");
        }
        assert!(!field(&format!("{}=1", "user.".repeat(4_000))));
    }

    #[test]
    fn the_record_itself_counts_before_its_resource_but_for_the_project() {
        assert!(asked(|query| query.host = Some("a2".into())) && !asked(|query| query.host = Some("a1".into())));
        assert!(asked(|query| query.module = Some("pay".into())) && asked(|query| query.pid = Some("4121".into())));
        assert!(asked(|query| query.environment = Some("prod".into())));
        assert!(
            asked(|query| query.project = Some("p1".into())) && !asked(|query| query.project = Some(String::new()))
        );
        let forged = LogRecord { attributes: [(PROJECT_ATTRIBUTE, "p2")].into_iter().collect(), ..log() };
        assert!(!LogQuery { project: Some("p2".into()), ..LogQuery::default() }.matches(&forged));
    }

    #[test]
    fn a_range_takes_in_its_beginning_and_leaves_out_its_end() {
        let within = |since, until| {
            asked(|query| {
                query.since = Some(Nanos(since));
                query.until = Some(Nanos(until));
            })
        };
        assert!(within(1_000, 1_001) && !within(1_001, 2_000) && !within(0, 1_000));
        assert!(asked(|query| query.level = Some(Severity::Warn)));
        assert!(!asked(|query| query.level = Some(Severity::Error)));
        assert!(asked(|query| query.trace = TraceId::parse("cli-1").ok()));
        assert!(!asked(|query| query.trace = TraceId::parse("cli-2").ok()));
        assert!(
            asked(|query| query.service = Some("shop".into())) && !asked(|query| query.service = Some("Shop".into()))
        );
    }
}
