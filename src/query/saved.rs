//! Filters that were saved under a name, put in the place of `@NAME`.

use crate::model::SavedFilter;
use crate::model::filter::{Clock, Expression, Filter, FilterError, Term};
use crate::query::facets;
use crate::store::{Backend, Error};

/// Deepest that saved filters may name each other.
const MOST_NESTED: usize = 8;
/// How alike two names must be, from 0 to 1, for one to be taken for a misspelt other.
const LEAST_ALIKE: f64 = 0.7;

/// Why there is no filter for a name.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// Nobody saved one.
    #[error("no filter is saved as `@{name}`")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// A name that is spelt much like it.
        near: Option<String>,
    },
    /// What was saved cannot be read by this version.
    #[error("the filter saved as `@{name}` cannot be read")]
    Broken {
        /// The name.
        name: String,
        /// What was expected.
        #[source]
        source: FilterError,
    },
    /// Filters name each other without an end, or nearly so.
    #[error("`@{0}` names other saved filters deeper than {MOST_NESTED} levels, or itself")]
    TooDeep(String),
}

/// A filter with what the saved filters mean that it names.
///
/// # Errors
/// The store fails or keeps none, or a filter is not there or cannot be read.
pub async fn resolve(backend: &dyn Backend, filter: Filter, clock: &Clock) -> Result<Filter, SavedError> {
    if !names_saved(&filter) {
        return Ok(filter);
    }
    let saved = facets::saved_filters(backend)?.list_saved_filters().await?;
    substitute(filter, &saved, clock)
}

/// As [`resolve`], of a question that may have a filter.
///
/// # Errors
/// As [`resolve`].
pub async fn resolve_optional(
    backend: &dyn Backend,
    filter: &mut Option<Filter>,
    clock: &Clock,
) -> Result<(), SavedError> {
    if let Some(named) = filter.take() {
        *filter = Some(resolve(backend, named, clock).await?);
    }
    Ok(())
}

/// Whether a filter names saved ones.
pub fn names_saved(filter: &Filter) -> bool {
    let mut is_named = false;
    filter.expression.each_term(&mut |term| is_named |= matches!(term, Term::Saved(_)));
    is_named
}

/// A filter with what the saved filters mean that it names.
///
/// # Errors
/// A filter is not among the saved ones, or cannot be read.
pub fn substitute(filter: Filter, saved: &[SavedFilter], clock: &Clock) -> Result<Filter, SavedError> {
    let mut written = 0;
    let expression = replace(filter.expression, &Saved { saved, clock }, 0, &mut written)?;
    Ok(Filter { expression })
}

/// The saved filter of a name.
///
/// # Errors
/// There is none.
pub fn find<'s>(saved: &'s [SavedFilter], name: &str) -> Result<&'s SavedFilter, SavedError> {
    saved.iter().find(|one| one.name.as_str() == name).ok_or_else(|| {
        let scored = saved.iter().map(|other| (strsim::jaro_winkler(name, &other.name), other));
        let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(score, _)| *score >= LEAST_ALIKE);
        SavedError::Unknown { name: name.to_owned(), near: best.map(|(_, other)| other.name.to_string()) }
    })
}

struct Saved<'s> {
    saved: &'s [SavedFilter],
    clock: &'s Clock,
}

/// Most filters that stand for others in one: each of eight levels may name many.
const MOST_REPLACED: usize = 1_000;

fn replace(
    expression: Expression,
    known: &Saved<'_>,
    depth: usize,
    replaced: &mut usize,
) -> Result<Expression, SavedError> {
    let mut each = |parts: Vec<Expression>| -> Result<Vec<Expression>, SavedError> {
        parts.into_iter().map(|part| replace(part, known, depth, replaced)).collect()
    };
    match expression {
        Expression::All(parts) => Ok(Expression::all(each(parts)?)),
        Expression::Any(parts) => Ok(Expression::any(each(parts)?)),
        Expression::Not(part) => Ok(Expression::negated(replace(*part, known, depth, replaced)?)),
        Expression::Term(Term::Saved(name)) => {
            *replaced += 1;
            if depth >= MOST_NESTED || *replaced > MOST_REPLACED {
                return Err(SavedError::TooDeep(name));
            }
            let text = &find(known.saved, &name)?.filter;
            let read = Filter::parse(text, known.clock);
            let filter = read.map_err(|source| SavedError::Broken { name, source })?;
            replace(filter.expression, known, depth + 1, replaced)
        }
        Expression::Term(term) => Ok(Expression::Term(term)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Nanos, Text};

    fn clock() -> Clock {
        Clock { now: Nanos(0), zone: jiff::tz::TimeZone::UTC }
    }

    fn meant(text: &str, saved: &[(&str, &str)]) -> Result<String, SavedError> {
        let of_pair = |(name, filter): &(&str, &str)| SavedFilter {
            name: Text::from(*name),
            filter: Text::from(*filter),
            saved: Nanos(0),
        };
        let saved: Vec<SavedFilter> = saved.iter().map(of_pair).collect();
        let filter = Filter::parse(text, &clock()).expect("a filter");
        Ok(substitute(filter, &saved, &clock())?.to_string())
    }

    #[test]
    fn a_name_stands_for_its_filter_wherever_a_term_may_stand() {
        let saved = [("slow", "duration>500ms OR status=error"), ("shop", "service=shop"), ("both", "@slow @shop")];
        assert_eq!(meant("@shop", &saved).expect("known"), "service=shop");
        assert_eq!(meant("a !@slow", &saved).expect("known"), "a !(duration>500ms OR status=error)");
        assert_eq!(meant("@both OR b", &saved).expect("known"), "((duration>500ms OR status=error) service=shop) OR b");
        assert_eq!(meant("a \"@slow\"", &saved).expect("a text"), "a \"@slow\"");
    }

    #[test]
    fn names_that_nobody_saved_and_circles_are_errors() {
        let saved = [("slow", "duration>500ms"), ("a", "x @b"), ("b", "@a"), ("broken", "(x")];
        match meant("@slwo", &saved) {
            Err(SavedError::Unknown { name, near }) => {
                assert_eq!((name.as_str(), near.as_deref()), ("slwo", Some("slow")))
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(meant("@zzz", &saved), Err(SavedError::Unknown { near: None, .. })));
        assert!(matches!(meant("@a", &saved), Err(SavedError::TooDeep(_))));
        assert!(matches!(meant("@broken", &saved), Err(SavedError::Broken { .. })));
        let wide = "@w ".repeat(900);
        assert!(matches!(meant("@w", &[("w", &wide)]), Err(SavedError::TooDeep(_))));
    }
}
