//! What comes out of a pipeline: spansets that conditions select, operators relate, aggregates keep or drop, and `by`
//! divides.

use std::collections::BTreeMap;

use super::evaluate::{Place, evaluate, is_true};
use super::structure::Structure;
use super::tree::{Aggregate, Expression, Junction, Pipeline, Spanset, SpansetOperator, Stage};

/// Places of spans in their trace, in ascending order, each once.
type Places = Vec<usize>;

/// The places of all spans that come out of a pipeline, whatever spanset they are in.
pub fn selected(pipeline: &Pipeline, structure: &Structure<'_>) -> Places {
    let all = (0..structure.spans.len()).collect();
    union(run(pipeline, structure, vec![all]))
}

fn run(pipeline: &Pipeline, structure: &Structure<'_>, mut spansets: Vec<Places>) -> Vec<Places> {
    for stage in &pipeline.stages {
        spansets = match stage {
            Stage::Spans(spanset) => {
                let taken = spansets.into_iter().map(|input| take(spanset, structure, &input));
                taken.filter(|places| !places.is_empty()).collect()
            }
            Stage::Aggregate { aggregate, of, comparison, with } => {
                let compares = |places: &Places| {
                    let number = work_out(*aggregate, of.as_ref(), structure, places);
                    number.is_some_and(|number| comparison.of_numbers(number, *with))
                };
                spansets.into_iter().filter(compares).collect()
            }
            Stage::By(of) => spansets.into_iter().flat_map(|places| divide(of, structure, places)).collect(),
            Stage::Coalesce => vec![union(spansets)],
            Stage::Select(_) => spansets,
        };
    }
    spansets.retain(|places| !places.is_empty());
    spansets
}

fn union(spansets: Vec<Places>) -> Places {
    let mut places: Places = spansets.into_iter().flatten().collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn take(spanset: &Spanset, structure: &Structure<'_>, input: &Places) -> Places {
    match spanset {
        Spanset::Filter(condition) => {
            let is_true = |place: &usize| {
                Place::within(structure, *place).is_some_and(|place| is_true(condition.as_ref(), &place))
            };
            input.iter().copied().filter(is_true).collect()
        }
        Spanset::Pipeline(pipeline) => union(run(pipeline, structure, vec![input.clone()])),
        Spanset::Operation(operator, sides) => {
            let [left, right] = sides.as_ref();
            relate(*operator, structure, take(left, structure, input), take(right, structure, input))
        }
    }
}

fn relate(operator: SpansetOperator, structure: &Structure<'_>, left: Places, right: Places) -> Places {
    match operator {
        SpansetOperator::Join(Junction::And) if left.is_empty() || right.is_empty() => Places::new(),
        SpansetOperator::Join(_) => union(vec![left, right]),
        SpansetOperator::Structure { relation, is_negated, is_union } => {
            let is_related = structure.related(relation, &left);
            let is_at = |marks: &[bool], place: usize| marks.get(place).copied().unwrap_or(false);
            let found: Places =
                right.iter().copied().filter(|place| is_at(&is_related, *place) != is_negated).collect();
            if !is_union {
                return found;
            }
            // Of the left side those count that the right side lies so to: seen from there, the other way round.
            let is_reason = structure.related(relation.reversed(), &found);
            union(vec![left.into_iter().filter(|place| is_at(&is_reason, *place)).collect(), found])
        }
    }
}

fn divide(of: &Expression, structure: &Structure<'_>, places: Places) -> Vec<Places> {
    let mut groups: BTreeMap<Option<String>, Places> = BTreeMap::new();
    for place in places {
        let value = Place::within(structure, place).and_then(|place| evaluate(of, &place).label());
        groups.entry(value).or_default().push(place);
    }
    groups.into_values().collect()
}

/// The number of a spanset; `None` when none of its spans has the value.
fn work_out(aggregate: Aggregate, of: Option<&Expression>, structure: &Structure<'_>, places: &Places) -> Option<f64> {
    let Some(of) = of else { return Some(places.len() as f64) };
    let value = |place: &usize| evaluate(of, &Place::within(structure, *place)?).number();
    aggregate.of_numbers(places.iter().filter_map(value))
}
