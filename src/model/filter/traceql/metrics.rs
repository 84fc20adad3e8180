//! Measures over time: spans of traces, one trace after the other, become series of numbers.
//!
//! A step of time is as long as whoever asks says; without one, everything is one step. Lengths of time are seconds
//! here. Which steps have spans is known at the end only, so what is kept is a cell for each series and step; series
//! beyond a number are counted and not kept.

use std::collections::{BTreeMap, BTreeSet};

use super::evaluate::{Place, evaluate, is_true, may_come_out, value_of};
use super::spansets::selected;
use super::structure::Structure;
use super::tree::{Aggregate, Expression, Field, Measure, Metrics, Narrowing};
use super::value::Static;
use crate::model::time::NANOS_PER_SECOND;
use crate::model::{Attributes, Nanos, Span, Trace};

/// Most series of a measure.
const MOST_SERIES: usize = 10_000;
/// Most steps of a series.
pub const MOST_STEPS: u64 = 1_000;
/// Most numbers that are kept for quantiles.
const MOST_NUMBERS: u64 = 20_000_000;

/// A query that measures spans over time, as it was written and made ready.
#[derive(Debug, Clone)]
pub struct MetricsQuery {
    /// The query as it was written.
    pub text: String,
    metrics: Metrics,
}

impl MetricsQuery {
    /// A query made ready.
    pub(super) fn new(text: String, metrics: Metrics) -> MetricsQuery {
        MetricsQuery { text, metrics }
    }

    /// Whether a span of whose trace nothing is known can be measured; false is certain.
    pub fn may_measure(&self, span: &Span) -> bool {
        let mut may = false;
        self.metrics.each_pipeline(&mut |pipeline| may |= may_come_out(pipeline, span));
        may
    }
}

/// Names with values, which spans of a series have in common.
type Labels = Vec<(String, Option<String>)>;

/// Numbers over time, and what their spans have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Names with values; empty when nothing was asked to be told apart.
    pub labels: Vec<(String, Option<String>)>,
    /// The number of each step; `None` where there is none.
    pub values: Vec<Option<f64>>,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SeriesTable {
    /// The series, by their labels.
    pub series: Vec<Series>,
    /// When the first step begins; `None` without spans.
    pub first_step: Option<Nanos>,
    /// How many spans were measured.
    pub spans: u64,
    /// How many spans belong to series that were not kept.
    pub dropped_spans: u64,
}

/// Over which time spans are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MetricsRange {
    /// Only spans that began at or after this.
    pub since: Option<Nanos>,
    /// Only spans that began before this.
    pub until: Option<Nanos>,
    /// Length of a step, in nanoseconds; `None` makes one step of everything.
    pub step_ns: Option<u64>,
}

impl MetricsRange {
    /// Whether a span that began then is measured.
    pub fn has(&self, start: Nanos) -> bool {
        self.since.is_none_or(|since| start >= since) && self.until.is_none_or(|until| start < until)
    }
}

/// What is known of the spans of a series in a step.
#[derive(Debug, Clone, Default)]
struct Cell {
    count: u64,
    numbers: u64,
    sum: f64,
    least: f64,
    most: f64,
    /// Each number, where all are needed.
    all: Vec<f64>,
}

/// What is known of one measure.
#[derive(Default)]
struct Cells(BTreeMap<Labels, BTreeMap<u64, Cell>>);

/// Numbers in the making.
pub struct MetricsFold<'q> {
    query: &'q MetricsQuery,
    range: MetricsRange,
    measured: Vec<Cells>,
    extent: Option<(Nanos, Nanos)>,
    spans: u64,
    dropped_spans: u64,
    kept_numbers: u64,
}

impl<'q> MetricsFold<'q> {
    /// Nothing was measured yet.
    pub fn new(query: &'q MetricsQuery, range: MetricsRange) -> MetricsFold<'q> {
        let mut measured = Vec::new();
        query.metrics.each_pipeline(&mut |_| measured.push(Cells::default()));
        MetricsFold { query, range, measured, extent: None, spans: 0, dropped_spans: 0, kept_numbers: 0 }
    }

    /// Measures the spans of a trace.
    pub fn add_trace(&mut self, trace: &Trace) {
        let structure = Structure::new(trace);
        let mut seen = BTreeSet::new();
        let mut place_of_measure = 0;
        let query = self.query;
        each_measured(&query.metrics, &mut |metrics| {
            let Metrics::Measured { pipeline, measure, by } = metrics else { return };
            for place in selected(pipeline, &structure) {
                let Some(at) = Place::within(&structure, place) else { continue };
                if self.range.has(at.span.start) {
                    seen.insert(place);
                    self.observe(place_of_measure, (measure, by), &at);
                }
            }
            place_of_measure += 1;
        });
        self.spans += seen.len() as u64;
    }

    fn observe(&mut self, measured: usize, (measure, by): (&Measure, &[Field]), at: &Place<'_>) {
        let start = at.span.start;
        let extent = self.extent.get_or_insert((start, start));
        *extent = (extent.0.min(start), extent.1.max(start));
        let step_of = |start: Nanos| self.range.step_ns.map_or(0, |length| start.0 / length.max(1));
        // That there are too many is said in the end; until then they are not to fill the memory.
        if step_of(extent.1) - step_of(extent.0) >= MOST_STEPS {
            return;
        }
        let step = step_of(start);
        let labels: Labels = by.iter().map(|field| (field.to_string(), value_of(field, at).label())).collect();
        match measure {
            Measure::Rate | Measure::Count => self.note(measured, labels, step, None),
            Measure::Aggregate(_, of) => self.note_number(measured, (labels, step), (of, at), false),
            Measure::Quantiles(of, _) => self.note_number(measured, (labels, step), (of, at), true),
            Measure::Histogram(of) => {
                let Some(number) = number(of, at) else { return };
                let mut labels = labels;
                labels.push(("__bucket".to_owned(), Some(bucket(number).to_string())));
                self.note(measured, labels, step, None);
            }
            Measure::Compare { selection, window, .. } => {
                let is_in_window = window.is_none_or(|(from, until)| {
                    let start = i64::try_from(start.0).unwrap_or(i64::MAX);
                    start >= from && start < until
                });
                let is_selected = is_in_window && is_true(selection.as_ref(), at);
                let side = if is_selected { "selection" } else { "baseline" };
                for (name, value) in said_of(at.span) {
                    let labels = vec![("__meta_type".to_owned(), Some(side.to_owned())), (name, Some(value))];
                    self.note(measured, labels, step, None);
                }
            }
        }
    }

    fn note_number(
        &mut self,
        measured: usize,
        (labels, step): (Labels, u64),
        (of, at): (&Expression, &Place<'_>),
        keeps_all: bool,
    ) {
        let Some(number) = number(of, at) else { return };
        if keeps_all && self.kept_numbers >= MOST_NUMBERS {
            self.dropped_spans += 1;
            return;
        }
        self.kept_numbers += u64::from(keeps_all);
        self.note(measured, labels, step, Some((number, keeps_all)));
    }

    fn note(&mut self, measured: usize, labels: Labels, step: u64, number: Option<(f64, bool)>) {
        let Some(Cells(cells)) = self.measured.get_mut(measured) else { return };
        if cells.len() >= MOST_SERIES && !cells.contains_key(&labels) {
            self.dropped_spans += 1;
            return;
        }
        let cell = cells.entry(labels).or_default().entry(step).or_default();
        cell.count += 1;
        let Some((number, keeps_all)) = number else { return };
        let is_first = cell.numbers == 0;
        cell.numbers += 1;
        cell.sum += number;
        cell.least = if is_first { number } else { cell.least.min(number) };
        cell.most = if is_first { number } else { cell.most.max(number) };
        if keeps_all {
            cell.all.push(number);
        }
    }

    /// The numbers of all steps.
    ///
    /// # Errors
    /// How many steps there are, when that is too many.
    pub fn finish(mut self) -> Result<SeriesTable, u64> {
        let Some((first, last)) = self.extent else { return Ok(SeriesTable::default()) };
        let steps = match self.range.step_ns.map(|length| length.max(1)) {
            None => {
                let (since, until) = (self.range.since.unwrap_or(first), self.range.until.unwrap_or(last));
                let seconds = until.since(since).max(NANOS_PER_SECOND) as f64 / NANOS_PER_SECOND as f64;
                Steps { first: 0, count: 1, begins: since, seconds }
            }
            Some(length) => {
                let (first, last) = (first.0 / length, last.0 / length);
                let count = last - first + 1;
                if count > MOST_STEPS {
                    return Err(count);
                }
                let seconds = length as f64 / NANOS_PER_SECOND as f64;
                Steps { first, count, begins: Nanos(first * length), seconds }
            }
        };
        let measured = std::mem::take(&mut self.measured);
        let mut results = Vec::new();
        let mut cells = measured.into_iter();
        each_measured(&self.query.metrics, &mut |metrics| {
            if let (Metrics::Measured { measure, .. }, Some(cells)) = (metrics, cells.next()) {
                results.push(steps.series(measure, cells));
            }
        });
        let series = match compute(&self.query.metrics, &mut results.into_iter()) {
            Computed::Series(series) => series,
            Computed::Number(_) => Vec::new(),
        };
        let first_step = Some(steps.begins);
        Ok(SeriesTable { series, first_step, spans: self.spans, dropped_spans: self.dropped_spans })
    }
}

/// Calls `visit` with every measure, in the order they are written.
fn each_measured<'e>(metrics: &'e Metrics, visit: &mut dyn FnMut(&'e Metrics)) {
    match metrics {
        Metrics::Number(_) => {}
        Metrics::Measured { .. } => visit(metrics),
        Metrics::Arithmetic(_, sides) => sides.iter().for_each(|side| each_measured(side, visit)),
        Metrics::Narrowed(metrics, _) => each_measured(metrics, visit),
    }
}

fn number(of: &Expression, at: &Place<'_>) -> Option<f64> {
    let value = evaluate(of, at);
    let number = value.number().filter(|number| number.is_finite())?;
    Some(if matches!(value, Static::Duration(_)) { number / NANOS_PER_SECOND as f64 } else { number })
}

/// The smallest power of two that is not below a number.
fn bucket(number: f64) -> f64 {
    if number <= 0.0 { 0.0 } else { number.log2().ceil().exp2() }
}

/// The attributes and fields of a span that are compared, as text.
fn said_of(span: &Span) -> Vec<(String, String)> {
    let mut said = vec![
        ("name".to_owned(), span.name.to_string()),
        ("kind".to_owned(), span.kind.as_str().to_owned()),
        ("status".to_owned(), span.status.code.as_str().to_owned()),
    ];
    let mut add = |scope: &str, attributes: &Attributes| {
        for (key, value) in attributes.iter() {
            said.extend(Static::of_value(value).label().map(|value| (format!("{scope}.{key}"), value)));
        }
    };
    add("span", &span.attributes);
    add("resource", &span.resource.attributes);
    said
}

/// The steps of an answer.
struct Steps {
    first: u64,
    count: u64,
    begins: Nanos,
    seconds: f64,
}

impl Steps {
    fn series(&self, measure: &Measure, Cells(cells): Cells) -> Vec<Series> {
        let counts_nothing = matches!(measure, Measure::Rate | Measure::Count);
        let value = |cell: Option<&Cell>| match (measure, cell) {
            (Measure::Rate, cell) => Some(cell.map_or(0, |cell| cell.count) as f64 / self.seconds),
            (Measure::Aggregate(aggregate, _), Some(cell)) => Some(match aggregate {
                Aggregate::Count => cell.numbers as f64,
                Aggregate::Average => cell.sum / cell.numbers as f64,
                Aggregate::Minimum => cell.least,
                Aggregate::Maximum => cell.most,
                Aggregate::Sum => cell.sum,
            }),
            (Measure::Aggregate(..), None) => None,
            (_, cell) => Some(cell.map_or(0, |cell| cell.count) as f64),
        };
        let steps = || self.first..self.first + self.count;
        if let Measure::Compare { top, .. } = measure {
            return most_frequent(cells, *top)
                .into_iter()
                .map(|(labels, cells)| Series { values: steps().map(|step| value(cells.get(&step))).collect(), labels })
                .collect();
        }
        let mut found = Vec::new();
        for (labels, mut cells) in cells {
            if let Measure::Quantiles(_, quantiles) = measure {
                cells.values_mut().for_each(|cell| cell.all.sort_by(f64::total_cmp));
                for quantile in quantiles {
                    let mut labels = labels.clone();
                    labels.push(("p".to_owned(), Some(quantile.to_string())));
                    let values = steps().map(|step| quantile_of(&cells.get(&step)?.all, *quantile)).collect();
                    found.push(Series { labels, values });
                }
            } else {
                found.push(Series { labels, values: steps().map(|step| value(cells.get(&step))).collect() });
            }
        }
        if found.is_empty() && counts_nothing {
            found.push(Series { labels: Labels::new(), values: steps().map(|_| Some(0.0)).collect() });
        }
        found
    }
}

/// The nearest rank of sorted numbers.
fn quantile_of(sorted: &[f64], quantile: f64) -> Option<f64> {
    let rank = (quantile * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// Of each side and name the values that most spans have; where there are more, a series that says so.
fn most_frequent(cells: BTreeMap<Labels, BTreeMap<u64, Cell>>, top: usize) -> Vec<(Labels, BTreeMap<u64, Cell>)> {
    let mut counted: Vec<_> = cells
        .into_iter()
        .map(|(labels, cells)| (cells.values().map(|cell| cell.count).sum::<u64>(), labels, cells))
        .collect();
    counted.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
    let (mut found, mut too_many) = (Vec::new(), BTreeSet::new());
    let mut taken: BTreeMap<(Option<String>, String), usize> = BTreeMap::new();
    for (_, labels, cells) in counted {
        let [(_, side), (name, _)] = labels.as_slice() else { continue };
        let taken = taken.entry((side.clone(), name.clone())).or_default();
        *taken += 1;
        if *taken > top {
            too_many.insert(name.clone());
        } else {
            found.push((labels, cells));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    for name in too_many {
        let error = ("__meta_error".to_owned(), Some("__too_many_values__".to_owned()));
        found.push((vec![error, (name, None)], BTreeMap::new()));
    }
    found
}

/// Numbers of which more is worked out.
enum Computed {
    Number(f64),
    Series(Vec<Series>),
}

fn compute(metrics: &Metrics, measured: &mut dyn Iterator<Item = Vec<Series>>) -> Computed {
    match metrics {
        Metrics::Number(number) => Computed::Number(*number),
        Metrics::Measured { .. } => Computed::Series(measured.next().unwrap_or_default()),
        Metrics::Arithmetic(arithmetic, sides) => {
            let [left, right] = sides.as_ref();
            let (left, right) = (compute(left, measured), compute(right, measured));
            let of = |left: Option<f64>, right: Option<f64>| {
                Some(arithmetic.of(left?, right?)).filter(|number| number.is_finite())
            };
            let each = |series: Vec<Series>, of: &dyn Fn(Option<f64>) -> Option<f64>| {
                let changed = |one: Series| Series { values: one.values.into_iter().map(of).collect(), ..one };
                Computed::Series(series.into_iter().map(changed).collect())
            };
            match (left, right) {
                (Computed::Number(left), Computed::Number(right)) => Computed::Number(arithmetic.of(left, right)),
                (Computed::Number(left), Computed::Series(right)) => each(right, &|right| of(Some(left), right)),
                (Computed::Series(left), Computed::Number(right)) => each(left, &|left| of(left, Some(right))),
                (Computed::Series(left), Computed::Series(right)) => {
                    let right: BTreeMap<Labels, Vec<Option<f64>>> =
                        right.into_iter().map(|one| (one.labels, one.values)).collect();
                    let joined = left.into_iter().filter_map(|one| {
                        let others = right.get(&one.labels)?;
                        let values = one.values.iter().zip(others).map(|(left, right)| of(*left, *right)).collect();
                        Some(Series { labels: one.labels, values })
                    });
                    Computed::Series(joined.collect())
                }
            }
        }
        Metrics::Narrowed(metrics, narrowing) => match compute(metrics, measured) {
            Computed::Series(series) => Computed::Series(narrow(series, *narrowing)),
            number => number,
        },
    }
}

fn narrow(mut series: Vec<Series>, narrowing: Narrowing) -> Vec<Series> {
    match narrowing {
        Narrowing::Compare(comparison, with) => {
            for value in series.iter_mut().flat_map(|one| &mut one.values) {
                *value = value.filter(|number| comparison.of_numbers(*number, with));
            }
        }
        Narrowing::Top(count) | Narrowing::Bottom(count) => {
            let steps = series.iter().map(|one| one.values.len()).max().unwrap_or(0);
            for step in 0..steps {
                let mut ranked: Vec<(f64, usize)> = Vec::new();
                for (place, one) in series.iter().enumerate() {
                    ranked.extend(one.values.get(step).copied().flatten().map(|number| (number, place)));
                }
                ranked.sort_by(|(a, _), (b, _)| match narrowing {
                    Narrowing::Bottom(_) => a.total_cmp(b),
                    _ => b.total_cmp(a),
                });
                for (_, place) in ranked.into_iter().skip(count) {
                    if let Some(value) = series.get_mut(place).and_then(|one| one.values.get_mut(step)) {
                        *value = None;
                    }
                }
            }
        }
    }
    series.retain(|one| one.values.iter().any(Option::is_some));
    series
}
