//! Which features set selected traces apart, going by which traces have each: pure computation over sets of numbers.
//!
//! A cause is a feature, or two together where either adds to the other. What exactly the same traces have is one cause.

use std::cmp::Ordering;

use rustc_hash::{FxHashMap, FxHashSet};

use super::significance::{Exact, tries};

/// How likely it is at most that anything at all is found where there is nothing; half of it for pairs.
pub const LEVEL: f64 = 0.01;
/// Features that are tried with each other.
const MOST_PAIRED: usize = 40;
/// A share that is so many times that of the others is worth telling.
const LEAST_RATIO: f64 = 1.5;
/// A share that is so much larger than that of the others is worth telling, too.
const LEAST_DIFFERENCE: f64 = 0.2;

/// Which traces have a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// What the feature is called by whoever asks.
    pub feature: u64,
    /// The numbers of the traces, ascending, each once; the selected ones come before all others.
    pub traces: Vec<u32>,
}

/// What sets the selected traces apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// How many features could have been significant.
    pub candidates: usize,
    /// The causes, the most significant first.
    pub causes: Vec<FoundCause>,
}

/// A feature, or two, that selected traces have more often.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundCause {
    /// The features, one or two.
    pub features: Vec<u64>,
    /// How many selected traces have all of them.
    pub selected: usize,
    /// How many others have.
    pub others: usize,
    /// The chance of that, corrected for all that was tried.
    pub p_value: f64,
    /// Further features that exactly the traces of the first one have.
    pub same: Vec<u64>,
}

/// A significant feature, with its traces.
struct Single<'h> {
    cause: FoundCause,
    chance: f64,
    traces: &'h [u32],
}

/// Finds what the first `selected` of `total` traces have more often than the rest.
pub fn causes(holders: &[Holders], selected: usize, total: usize) -> Found {
    if selected == 0 || selected >= total {
        return Found::default();
    }
    let exact = Exact::new(total, selected);
    let mut least: FxHashMap<usize, f64> = FxHashMap::default();
    let of_count = |count: usize| *least.entry(count).or_insert_with(|| exact.least_chance(count));
    let candidates = tries(holders.iter().map(|held| held.traces.len()).map(of_count).collect(), LEVEL / 2.0);
    let singles = singles(holders, &exact, (selected, total), candidates);
    let pairs = pairs(&singles, &exact, (selected, total), candidates);
    let mut causes: Vec<FoundCause> = singles.into_iter().map(|single| single.cause).chain(pairs).collect();
    causes.sort_by(|a, b| order(a, b, (selected, total)));
    Found { candidates, causes }
}

/// The most significant first; of those alike, the larger difference, then the plainer.
fn order(a: &FoundCause, b: &FoundCause, (selected, total): (usize, usize)) -> Ordering {
    let difference =
        |cause: &FoundCause| share(cause.selected, selected) - share(cause.others, total.saturating_sub(selected));
    a.p_value
        .total_cmp(&b.p_value)
        .then(difference(b).total_cmp(&difference(a)))
        .then(a.features.len().cmp(&b.features.len()))
        .then(a.features.cmp(&b.features))
}

fn share(some: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { some as f64 / all as f64 }
}

/// Whether a difference is large enough to be told, however certain it is.
fn is_worth_telling(found: usize, others: usize, (selected, total): (usize, usize)) -> bool {
    let (own, other) = (share(found, selected), share(others, total.saturating_sub(selected)));
    own >= other * LEAST_RATIO || own - other >= LEAST_DIFFERENCE
}

fn count_selected(traces: &[u32], selected: usize) -> usize {
    traces.partition_point(|number| (*number as usize) < selected)
}

/// The significant features, those of the same traces as one.
fn singles<'h>(holders: &'h [Holders], exact: &Exact, sizes: (usize, usize), candidates: usize) -> Vec<Single<'h>> {
    let mut of_traces: FxHashMap<&[u32], usize> = FxHashMap::default();
    let mut singles: Vec<Single<'h>> = Vec::new();
    for Holders { feature, traces } in holders {
        let found = count_selected(traces, sizes.0);
        let others = traces.len() - found;
        let chance = exact.chance(found, traces.len());
        let p_value = chance * candidates as f64 * 2.0;
        if p_value > LEVEL || !is_worth_telling(found, others, sizes) {
            continue;
        }
        if let Some(known) = of_traces.get(traces.as_slice()).and_then(|place| singles.get_mut(*place)) {
            known.cause.same.push(*feature);
            continue;
        }
        of_traces.insert(traces, singles.len());
        let cause = FoundCause { features: vec![*feature], selected: found, others, p_value, same: Vec::new() };
        singles.push(Single { cause, chance, traces });
    }
    singles.sort_by(|a, b| order(&a.cause, &b.cause, sizes));
    singles
}

/// Pairs of significant features that say more together than each alone: within the traces of either, those with the
/// other are selected more often. Corrected for all pairs of candidates there could be.
fn pairs(singles: &[Single<'_>], exact: &Exact, sizes: (usize, usize), candidates: usize) -> Vec<FoundCause> {
    let possible = (candidates as f64 * candidates.saturating_sub(1) as f64 / 2.0).max(1.0);
    let tried = singles.get(..singles.len().min(MOST_PAIRED)).unwrap_or_default();
    let within = (tried.len() * tried.len()).max(1) as f64;
    let mut pairs: Vec<FoundCause> = Vec::new();
    for (place, first) in tried.iter().enumerate() {
        let known: FxHashSet<u32> = first.traces.iter().copied().collect();
        for second in tried.iter().skip(place + 1) {
            let both: Vec<u32> = second.traces.iter().copied().filter(|number| known.contains(number)).collect();
            let found = count_selected(&both, sizes.0);
            let chance = exact.chance(found, both.len());
            let p_value = chance * possible * 2.0;
            // What underflows is as significant as can be, and so is a pair of it.
            let is_better = chance < first.chance && chance < second.chance;
            let adds_to = |one: &Single<'_>| {
                let chance = exact.chance_within(found, both.len(), one.traces.len(), one.cause.selected);
                chance * within <= LEVEL
            };
            if p_value <= LEVEL && is_better && adds_to(first) && adds_to(second) {
                let features = [&first.cause, &second.cause].into_iter().flat_map(|cause| cause.features.clone());
                let (features, others) = (features.collect(), both.len() - found);
                pairs.push(FoundCause { features, selected: found, others, p_value, same: Vec::new() });
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence of numbers that look random, the same each time.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) % limit
        }
    }

    /// Traces of which every one has one value of each of several keys with so many values, whoever is selected.
    fn noise(numbers: &mut Numbers, keys: &[u64], total: u32) -> Vec<Holders> {
        let mut all: Vec<Holders> = Vec::new();
        for (key, values) in keys.iter().enumerate() {
            let mut of_key = vec![Vec::new(); *values as usize];
            for trace in 0..total {
                of_key[numbers.below(*values) as usize].push(trace);
            }
            let named = of_key.into_iter().enumerate().filter(|(_, traces)| !traces.is_empty());
            all.extend(named.map(|(value, traces)| Holders { feature: (key * 1_000_000 + value) as u64, traces }));
        }
        all
    }

    const KEYS: [u64; 8] = [2, 3, 5, 10, 40, 200, 1_000, 10_000];

    #[test]
    fn nothing_is_found_in_data_without_causes_more_often_than_the_level_says() {
        let mut alarms = 0;
        for seed in 0..400 {
            let mut numbers = Numbers(seed);
            let (selected, total) = (5 + numbers.below(60) as usize, 300 + numbers.below(500) as u32);
            let holders = noise(&mut numbers, &KEYS, total);
            alarms += usize::from(!causes(&holders, selected, total as usize).causes.is_empty());
        }
        // One in a hundred would be 4, and discrete data stay below.
        assert!(alarms <= 6, "{alarms} of 400");
    }

    #[test]
    fn a_planted_cause_is_the_first_of_all_with_its_counts() {
        for seed in 0..50 {
            let mut numbers = Numbers(seed);
            let mut holders = noise(&mut numbers, &KEYS, 430);
            let traces = (0..18).chain([50, 100, 400]).collect();
            holders.push(Holders { feature: 7_777_777, traces });
            let found = causes(&holders, 18, 430);
            let first = found.causes.first().expect("a cause");
            assert_eq!((first.features.as_slice(), first.selected, first.others), (&[7_777_777][..], 18, 3));
            assert!(first.p_value < 1e-15 && found.candidates > 10, "{found:?}");
        }
    }

    #[test]
    fn a_cause_of_half_of_the_selected_traces_is_found_too() {
        let mut holders = noise(&mut Numbers(3), &KEYS, 1_000);
        holders.push(Holders { feature: 7_777_777, traces: (0..20).chain(500..510).collect() });
        let found = causes(&holders, 40, 1_000);
        assert_eq!(found.causes.first().map(|cause| cause.features.clone()), Some(vec![7_777_777]));
    }

    #[test]
    fn a_planted_pair_is_found_before_its_halves_and_what_the_same_traces_have_is_one_cause() {
        // The selected ones have both; of the others many have either, and hardly any has both.
        let first: Vec<u32> = (0..30).chain(100..300).collect();
        let second: Vec<u32> = (0..30).chain(298..500).collect();
        let mut holders = noise(&mut Numbers(1), &KEYS, 900);
        for (feature, traces) in [(1_111, &first), (2_222, &second), (3_333, &second)] {
            holders.push(Holders { feature: 7_000_000 + feature, traces: traces.clone() });
        }
        let found = causes(&holders, 30, 900);
        let features: Vec<_> = found.causes.iter().map(|cause| cause.features.clone()).collect();
        assert_eq!(features, [vec![7_001_111, 7_002_222], vec![7_001_111], vec![7_002_222]]);
        assert_eq!(
            found.causes.iter().map(|cause| (cause.selected, cause.others)).collect::<Vec<_>>(),
            [(30, 2), (30, 200), (30, 202)]
        );
        assert_eq!(found.causes[2].same, [7_003_333]);
    }

    #[test]
    fn where_all_or_none_are_selected_nothing_sets_them_apart() {
        let holders = noise(&mut Numbers(1), &KEYS, 100);
        assert_eq!(causes(&holders, 0, 100), Found::default());
        assert_eq!(causes(&holders, 100, 100), Found::default());
        assert_eq!(causes(&[], 5, 100).causes, []);
    }
}
