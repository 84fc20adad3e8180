//! Filters on the command line: the words of a command and its `--attr` flags, read into one filter; what is said of one
//! that cannot be read, and of one that finds nothing.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::environment;
use crate::cli::exit::Failure;
use crate::model::SavedFilter;
use crate::model::filter::traceql::{MetricsQuery, TraceQl, is_traceql};
use crate::model::filter::{Clock, Expression, Field, Filter, FilterError, Term};
use crate::query::records::known_keys;
use crate::query::{facets, saved};
use crate::store::Backend;
use crate::view::out::{escape, text};

/// Characters of a filter that are shown on either side of a fault.
const SHOWN: usize = 30;

/// Which records are asked for.
#[derive(Debug, Clone, Args)]
pub struct FilterArgs {
    /// Which records: words, `key=value`, `duration>1s`, `!term`, `OR`; see `tracehub help filters`
    #[arg(value_name = "FILTER")]
    words: Vec<String>,

    /// Only with this attribute: `k=v`, `k!=v`, `k~=regex`, `k>5`, `k`; repeat for more, all on one record
    #[arg(long, value_name = "KEY OP VALUE")]
    attr: Vec<String>,

    /// The saved filters, when the words name some.
    #[arg(skip)]
    saved: Vec<SavedFilter>,
}

impl FilterArgs {
    /// Looks up what was saved under names, if the words have any.
    ///
    /// # Errors
    /// The words are no filter, or the store fails or keeps no filters.
    pub async fn learn_saved(&mut self, context: &Context) -> Result<(), Failure> {
        self.saved = saved_for(context, &self.words).await?;
        Ok(())
    }

    /// Words and attributes as one filter; `None` when there are none.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn read(&self) -> Result<Option<Filter>, Failure> {
        let filter = read(&self.words)?;
        let mut filter = filter.map(|filter| saved::substitute(filter, &self.saved, &clock())).transpose()?;
        for text in &self.attr {
            let read = Filter::parse_attribute(text, &clock());
            let attribute = read.map_err(|error| failure("cannot read --attr", text, &error))?;
            filter = Some(match filter {
                Some(filter) => filter.and(attribute),
                None => attribute,
            });
        }
        Ok(filter)
    }

    /// As [`FilterArgs::read`], for a command that shows other records than spans and therefore takes no TraceQL.
    ///
    /// # Errors
    /// As [`FilterArgs::read`], or the filter is TraceQL, whether or not that can be read: here it is likelier a text.
    pub fn read_plain(&self) -> Result<Option<Filter>, Failure> {
        let filter = if is_traceql(&self.words.join(" ")) { None } else { Some(self.read()?) };
        match filter.filter(|filter| !filter.as_ref().is_some_and(Filter::selects_spans)) {
            Some(filter) => Ok(filter),
            None => Err(Failure::usage("a filter that begins with `{` is TraceQL, which selects spans alone")
                .hint("list, spans, tail and stats take TraceQL; a text that begins with `{` stands in quotes")),
        }
    }

    /// The words as a query that measures spans over time; `None` when they are any other filter.
    ///
    /// # Errors
    /// They are no query, or an attribute is asked for beside one that measures.
    pub fn measures(&self) -> Result<Option<MetricsQuery>, Failure> {
        let text = self.words.join(" ");
        if !is_traceql(&text) {
            return Ok(None);
        }
        match TraceQl::parse(&text).map_err(|error| failure("cannot read the filter", &text, &error))? {
            TraceQl::Spans(_) => Ok(None),
            TraceQl::Metrics(_) if !self.attr.is_empty() => {
                Err(Failure::usage("--attr does not go with a query that measures")
                    .hint("write the attribute into the braces, such as `{ span.key = \"value\" }`"))
            }
            TraceQl::Metrics(query) => Ok(Some(query)),
        }
    }

    /// As [`FilterArgs::read`], but plain pairs apart when there is nothing else: stores find those by columns alone.
    ///
    /// # Errors
    /// As [`FilterArgs::read`].
    pub fn read_apart(&self) -> Result<Asked, Failure> {
        let filter = self.read()?;
        let pairs: Option<Vec<_>> = self.attr.iter().map(|text| plain_pair(text)).collect();
        Ok(match pairs {
            Some(pairs) if self.words.is_empty() => Asked { filter: None, pairs },
            _ => Asked { filter, pairs: Vec::new() },
        })
    }
}

/// What is asked for, in the two ways that stores know.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What must be true of a record.
    pub filter: Option<Filter>,
    /// Attributes with their values, all on one span or its resource.
    pub pairs: Vec<(String, String)>,
}

/// The pair of `key=value` that means just that: no other operator, no pattern, no second name of the key.
fn plain_pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=')?;
    let is_plain_key = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "._-/".contains(c));
    let is_plain_value = value.starts_with(char::is_alphabetic) && !value.contains('*');
    let filter = Filter::parse_attribute(text, &clock()).ok()?;
    let has_one_name =
        filter.keys().first().is_some_and(|keys| keys.len() == 1 && keys.first().is_some_and(|one| one == key));
    (is_plain_key && is_plain_value && has_one_name).then(|| (key.to_owned(), value.to_owned()))
}

/// The words of a command line as one filter; `None` when there are none.
///
/// # Errors
/// They are no filter.
pub fn read(words: &[String]) -> Result<Option<Filter>, Failure> {
    let text = words.join(" ");
    if text.trim().is_empty() {
        return Ok(None);
    }
    let filter = Filter::parse(&text, &clock()).map_err(|error| failure("cannot read the filter", &text, &error))?;
    Ok(Some(filter))
}

/// What is true of records that have a field of this name.
pub fn has(name: &str) -> Filter {
    Filter { expression: Expression::Term(Term::Has(Field::named(name))) }
}

/// The words of a command line as one filter, in which names stand for what was saved; `None` when there are none.
///
/// # Errors
/// They are no filter, or the store fails or has no filter of a name.
pub async fn read_with_saved(context: &Context, words: &[String]) -> Result<Option<Filter>, Failure> {
    let Some(filter) = read(words)? else { return Ok(None) };
    let saved = saved_for(context, words).await?;
    Ok(Some(saved::substitute(filter, &saved, &clock())?))
}

/// The saved filters, when words name some.
async fn saved_for(context: &Context, words: &[String]) -> Result<Vec<SavedFilter>, Failure> {
    // TraceQL names none, and may measure instead of select.
    if is_traceql(&words.join(" ")) {
        return Ok(Vec::new());
    }
    match read(words)? {
        Some(filter) if saved::names_saved(&filter) => {
            Ok(facets::saved_filters(context.open().await?.as_ref())?.list_saved_filters().await?)
        }
        _ => Ok(Vec::new()),
    }
}

/// By what times in filters are understood.
pub fn clock() -> Clock {
    Clock { now: environment::now(), zone: environment::zone() }
}

/// What is said to a filter that asks for whole traces where records are shown as they arrive.
pub fn not_while_following(filter: &Filter) -> Failure {
    let failure = Failure::usage("what a filter asks of the whole trace is not known while records arrive");
    failure.hint(match filter.selects_spans() {
        true => "of TraceQL, one `{ }` that asks for the span's own fields is known",
        false => "leave out what begins with `trace.` or `root.`, and `self`, `session`, `issue`, `workflow`",
    })
}

/// The text with a caret below the place of the fault.
fn failure(message: &str, filter: &str, error: &FilterError) -> Failure {
    let shown: Vec<char> = filter.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let (from, to) = (error.at.saturating_sub(SHOWN), shown.len().min(error.at + SHOWN));
    let part = |from: usize, to: usize| shown.get(from..to).unwrap_or_default().iter().collect::<String>();
    let lead = if from > 0 { "…" } else { "" };
    let rest = if to < shown.len() { "…" } else { "" };
    let before = format!("{lead}{}", part(from, error.at.min(to)));
    let line = format!("{before}{}{rest}", part(error.at.min(to), to));
    let caret = format!("{}^ {}", " ".repeat(text::width(&before)), error.reason);
    let failure = Failure::usage(message).note(line).note(caret);
    failure.hint(error.hint.clone().unwrap_or_else(|| "`tracehub help filters` shows how to write one".to_owned()))
}

/// Says of an empty answer which keys of the filter no record has, and what they may have been meant to be.
pub async fn explain_nothing(context: &Context, backend: &dyn Backend, filter: Option<&Filter>) {
    let Some(filter) = filter else { return };
    // An answer was given already; that it cannot be explained is no reason to fail.
    let Ok(unknown) = known_keys::unknown_keys(backend, filter).await else { return };
    for missing in unknown {
        let near = missing.near.map(|near| format!("; near: {}", escape(&near))).unwrap_or_default();
        let whose = if missing.is_of_all { "no record" } else { "no recent record" };
        context.to_stderr(&format!("hint: {whose} has '{}'{near}\n", escape(&missing.key)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        match read(&[text.to_owned()]) {
            Ok(_) => "read".to_owned(),
            Err(failure) => failure.render(false),
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_shown_with_a_caret_below_the_place() {
        insta::assert_snapshot!(words("checkout status=broken"), @r"
        error: cannot read the filter
          checkout status=broken
                          ^ `status` is ok, error or unset, not `broken`
        hint: `tracehub help filters` shows how to write one
        ");
        insta::assert_snapshot!(words("名前 duration>500"), @r"
        error: cannot read the filter
          名前 duration>500
                        ^ `500` has no unit; write `500ms`, `500s`, `500m`, `500h` or `500d`
        hint: `tracehub help filters` shows how to write one
        ");
        let long = words(&format!("{} a== {}", "word ".repeat(100), "word ".repeat(100)));
        assert!(long.lines().all(|line| line.chars().count() < 100), "{long}");
    }

    #[test]
    fn plain_pairs_are_found_by_columns_and_everything_else_by_the_filter() {
        let read = |attr: &[&str]| {
            let attr = attr.iter().map(|text| (*text).to_owned()).collect();
            FilterArgs { words: Vec::new(), attr, saved: Vec::new() }.read_apart().expect("legal")
        };
        let plain = Asked { filter: None, pairs: vec![("zone".to_owned(), "eu".to_owned())] };
        assert_eq!(read(&["zone=eu"]), plain);
        for attr in ["zone!=eu", "zone=e*", "http.method=GET", "order=4", "zone", "zone~=e"] {
            let Asked { filter, pairs } = read(&[attr]);
            assert!(filter.is_some() && pairs.is_empty(), "{attr}");
        }
        assert!(FilterArgs { words: Vec::new(), attr: vec!["=v".to_owned()], saved: Vec::new() }.read().is_err());
    }
}
