//! From what a person types for a trace to its id: a full id, a unique prefix, `latest`, `latest~2`.
//!
//! An id may be typed as hex in any case, with or without the zeros before one of 64 bits, as a UUID with dashes, as a
//! whole header (`traceparent`, `b3`, `X-Amzn-Trace-Id`), as the decimal number Datadog makes of it, or as the correlation
//! id it is. Exact ids win over prefixes, so a correlation id that begins another one can still be named.

use super::current::Traceparent;
use crate::model::id::MAX_TRACE_ID_BYTES;
use crate::model::{Page, TraceId, TraceQuery, TraceSummary};
use crate::store::{self, Backend};

/// Shortest prefix that is looked for, in characters.
pub const MIN_PREFIX_CHARS: usize = 4;
/// How many traces an ambiguous prefix names at most.
pub const MAX_CANDIDATES: usize = 5;

/// Why a reference names no one trace.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No trace matches the reference.
    #[error("no trace `{0}`")]
    NotFound(String),
    /// More than one trace id begins with the reference.
    #[error("`{reference}` is ambiguous")]
    Ambiguous {
        /// What was typed.
        reference: String,
        /// Up to five candidates, newest first.
        candidates: Vec<TraceSummary>,
    },
    /// The reference is too short to look for, or none at all.
    #[error("`{reference}` is not a trace id: {reason}")]
    Invalid {
        /// What was typed.
        reference: String,
        /// What is wrong with the reference.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Finds the id of the trace a reference names.
///
/// # Errors
/// See [`ResolveError`].
pub async fn resolve(backend: &dyn Backend, reference: &str) -> Result<TraceId, ResolveError> {
    let spellings = match Reference::parse(reference)? {
        Reference::Latest(back) => return latest(backend, reference, back).await,
        Reference::Id(spellings) => spellings,
    };
    for spelling in &spellings {
        let query =
            TraceQuery { limit: MAX_CANDIDATES + 1, id_prefix: Some(spelling.clone()), ..TraceQuery::default() };
        let page = backend.traces(&query).await?;
        match choose(reference, spelling, page) {
            Choice::Nothing => {}
            Choice::One(id) => return Ok(id),
            Choice::Many { error, exact_may_hide } => {
                let exact = TraceId::parse(spelling).ok().filter(|_| exact_may_hide);
                return match exact {
                    Some(id) if backend.trace(&id).await?.is_some() => Ok(id),
                    _ => Err(error),
                };
            }
        }
    }
    Err(ResolveError::NotFound(reference.to_owned()))
}

/// What a reference says, as it is typed.
#[derive(Debug, PartialEq, Eq)]
enum Reference {
    /// The trace that is so many before the newest.
    Latest(usize),
    /// An id or a prefix, in the spellings to try.
    Id(Vec<String>),
}

impl Reference {
    fn parse(text: &str) -> Result<Reference, ResolveError> {
        let invalid =
            |reason: &str| Err(ResolveError::Invalid { reference: text.to_owned(), reason: reason.to_owned() });
        if text == "latest" {
            return Ok(Reference::Latest(0));
        }
        if let Some(back) = text.strip_prefix("latest~") {
            return match back.parse::<u32>() {
                Ok(back) => Ok(Reference::Latest(back as usize)),
                Err(_) => invalid("after `latest~` comes a whole number"),
            };
        }
        if text.is_empty() {
            return invalid("it is empty");
        }
        if text.len() > MAX_TRACE_ID_BYTES {
            return invalid("it is longer than 256 bytes");
        }
        let mut spellings = vec![text.to_owned()];
        spellings.extend(other_spellings(text));
        // A whole id of 64 bits wins over a longer one that begins with it.
        if is_hexadecimal(text) && text.len() == SHORT_DIGITS {
            spellings.swap(0, 1);
        }
        spellings.retain(|spelling| !spelling.is_empty());
        Ok(Reference::Id(spellings))
    }
}

/// How many digits an id of 64 bits has, and how many zeros OpenTelemetry writes before them.
const SHORT_DIGITS: usize = 16;

/// How else the id that a text names may be written, or begin.
fn other_spellings(text: &str) -> Vec<String> {
    let text = text.strip_prefix("Root=").unwrap_or(text);
    if let Some(parent) = Traceparent::parse(&text.to_lowercase()) {
        return vec![parent.trace_id.to_string()];
    }
    let padded = |digits: &str| format!("{}{digits}", "0".repeat(SHORT_DIGITS));
    let mut spellings = Vec::new();
    if is_hexadecimal(text) && text.len() <= SHORT_DIGITS {
        spellings.push(padded(text));
    }
    if text.contains('-') && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit()) {
        spellings.push(text.replace('-', ""));
        // X-Ray's ids begin with a version, `b3` headers with the id.
        spellings.extend(text.strip_prefix("1-").map(|rest| rest.replace('-', "")));
        match text.split_once('-') {
            Some((id, _)) if id.len() == SHORT_DIGITS => spellings.push(padded(id)),
            Some((id, _)) if id.len() == 2 * SHORT_DIGITS => spellings.push(id.to_owned()),
            _ => {}
        }
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() >= MIN_DECIMAL_DIGITS {
        spellings.extend(text.parse().ok().map(|number: u64| format!("{number:032x}")));
    }
    spellings
}

/// Fewest digits that are also read as a decimal number.
const MIN_DECIMAL_DIGITS: usize = 12;

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What a reference comes to among the traces whose ids begin with it.
enum Choice {
    Nothing,
    One(TraceId),
    Many {
        error: ResolveError,
        /// Whether one of the matches that were not fetched may be the reference itself.
        exact_may_hide: bool,
    },
}

/// What a page of traces whose ids begin with `spelling` says about `reference`.
fn choose(reference: &str, spelling: &str, page: Page<TraceSummary>) -> Choice {
    let asked = TraceId::parse(spelling).ok();
    if let Some(exact) = page.items.iter().find(|summary| Some(&summary.trace_id) == asked.as_ref()) {
        return Choice::One(exact.trace_id.clone());
    }
    let exact_may_hide = page.total.map_or(page.next.is_some(), |total| total > page.items.len() as u64);
    if spelling.chars().count() < MIN_PREFIX_CHARS {
        let reason = format!("a prefix has at least {MIN_PREFIX_CHARS} characters");
        let error = ResolveError::Invalid { reference: reference.to_owned(), reason };
        return Choice::Many { error, exact_may_hide };
    }
    let mut candidates = page.items;
    if candidates.len() <= 1 && !exact_may_hide {
        return candidates.pop().map_or(Choice::Nothing, |only| Choice::One(only.trace_id));
    }
    candidates.truncate(MAX_CANDIDATES);
    Choice::Many { error: ResolveError::Ambiguous { reference: reference.to_owned(), candidates }, exact_may_hide }
}

async fn latest(backend: &dyn Backend, reference: &str, back: usize) -> Result<TraceId, ResolveError> {
    let query = TraceQuery { limit: back.saturating_add(1), ..TraceQuery::default() };
    let mut page = backend.traces(&query).await?;
    if page.items.len() <= back {
        return Err(ResolveError::NotFound(reference.to_owned()));
    }
    Ok(page.items.swap_remove(back).trace_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Trace,
        query::samples::{span, trace},
    };

    fn page(ids: &[&str], total: u64) -> Page<TraceSummary> {
        let summary = |id: &&str| {
            let Trace { mut summary, .. } = trace(vec![span("s", 1, 0, 1, 2)]);
            summary.trace_id = TraceId::parse(id).expect("id");
            summary
        };
        Page { items: ids.iter().map(summary).collect(), next: None, total: Some(total), failed: Some(0) }
    }

    fn outcome(reference: &str, ids: &[&str], total: u64) -> String {
        match choose(reference, reference, page(ids, total)) {
            Choice::Nothing => "nothing".to_owned(),
            Choice::One(id) => format!("one {id}"),
            Choice::Many { error: ResolveError::Ambiguous { candidates, .. }, exact_may_hide } => {
                format!("{} of many, {exact_may_hide}", candidates.len())
            }
            Choice::Many { error, .. } => error.to_string(),
        }
    }

    fn spellings(text: &str) -> Vec<String> {
        match Reference::parse(text).expect("reference") {
            Reference::Id(spellings) => spellings,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn latest_counts_back_from_the_newest() {
        assert_eq!(Reference::parse("latest").expect("valid"), Reference::Latest(0));
        assert_eq!(Reference::parse("latest~12").expect("valid"), Reference::Latest(12));
        assert!(matches!(Reference::parse("latest~x"), Err(ResolveError::Invalid { .. })));
        assert!(matches!(Reference::parse("latest~-1"), Err(ResolveError::Invalid { .. })));
    }

    #[test]
    fn uuids_and_headers_are_read_as_the_id_they_hold_after_the_text_itself() {
        let hex = "4bf92f3577b34da6a3ce929d0e0e4736";
        let uuid = "4BF92F35-77b3-4da6-a3ce-929d0e0e4736";
        assert_eq!(spellings(uuid), [uuid.to_owned(), uuid.replace('-', "")]);
        let header = format!("00-{hex}-00f067aa0ba902b7-01");
        assert_eq!(spellings(&header), [header.clone(), hex.to_owned()]);
        assert_eq!(spellings("req/with slash?&"), ["req/with slash?&"]);
        assert_eq!(spellings("----"), ["----"]);
    }

    #[test]
    fn ids_of_64_bits_and_those_of_other_tracers_are_read_in_every_spelling() {
        let (short, long) = ("b7ad6b7169203331", "0000000000000000b7ad6b7169203331");
        assert_eq!(spellings(short), [long, short]);
        assert_eq!(spellings("b7ad6b71"), ["b7ad6b71", "0000000000000000b7ad6b71"]);
        assert_eq!(spellings(&format!("{short}-e457b5a2e4d86bd1-1"))[2], long);
        let hex = "5759e988bd862e3fe1be46a994272793";
        assert!(spellings(&format!("{hex}-e457b5a2e4d86bd1-1")).contains(&hex.to_owned()));
        for xray in ["1-5759e988-bd862e3fe1be46a994272793", "Root=1-5759e988-bd862e3fe1be46a994272793"] {
            assert!(spellings(xray).contains(&hex.to_owned()), "{xray}");
        }
        assert!(spellings("13235353014750950193").contains(&long.to_owned()));
    }

    #[test]
    fn the_exact_id_wins_over_longer_ones_that_begin_with_it() {
        assert_eq!(outcome("cli-1", &["cli-10", "cli-1", "cli-11"], 3), "one cli-1");
        assert_eq!(
            outcome("cli-1", &["cli-10", "cli-12", "cli-13", "cli-14", "cli-15", "cli-16"], 9),
            "5 of many, true"
        );
    }

    #[test]
    fn a_prefix_must_be_unique_and_four_characters_long() {
        assert_eq!(outcome("cli-", &["cli-10"], 1), "one cli-10");
        assert_eq!(outcome("cli-", &["cli-10", "cli-11"], 2), "2 of many, false");
        assert_eq!(outcome("cli-", &[], 0), "nothing");
        assert_eq!(outcome("cl", &["cli-10"], 1), "`cl` is not a trace id: a prefix has at least 4 characters");
        assert_eq!(outcome("abc", &["abc"], 1), "one abc");
    }
}
