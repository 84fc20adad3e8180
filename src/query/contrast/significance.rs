//! How likely it is that traces have something in common by chance.
//!
//! The test is Fisher's exact one, one-sided: of `total` traces, `holders` have a feature and `selected` were chosen; what
//! is the chance that as many of the chosen ones have it, or more, when the choice knows nothing of it? Exact, because
//! selections are small and where approximations (chi-squared, log-likelihood) err is just there.
//!
//! Where many features are looked at some are frequent by chance, so chances are corrected as Bonferroni does, for the
//! number of features that could come out as significant at all: one that two traces have cannot, whoever has it, and
//! counts as no try (Tarone 1990, "A modified Bonferroni method for discrete data"). What counts follows from how many
//! traces have a feature and never from which, so the correction is as strict as it says.

/// Logarithms of factorials, up to that of a number of traces.
#[derive(Debug)]
pub struct Exact {
    ln_factorials: Vec<f64>,
    total: usize,
    selected: usize,
}

impl Exact {
    /// The test for a selection of some traces among all of them.
    pub fn new(total: usize, selected: usize) -> Exact {
        let mut sum = 0.0;
        let rest = (1..=total).map(|number| {
            sum += (number as f64).ln();
            sum
        });
        Exact { ln_factorials: std::iter::once(0.0).chain(rest).collect(), total, selected: selected.min(total) }
    }

    /// The chance that as many selected traces as `found` have a feature that `holders` of all traces have, or more; 1
    /// when that is no more than their share.
    pub fn chance(&self, found: usize, holders: usize) -> f64 {
        self.chance_within(found, holders, self.total, self.selected)
    }

    /// The least chance that any distribution of a feature could have that `holders` of all traces have.
    pub fn least_chance(&self, holders: usize) -> f64 {
        self.chance(holders.min(self.selected), holders)
    }

    /// As [`Exact::chance`], among some of the traces.
    pub fn chance_within(&self, found: usize, holders: usize, total: usize, selected: usize) -> f64 {
        let most = holders.min(selected);
        let is_plausible = found <= most && holders <= total && selected <= total && total <= self.total;
        // From the expected number on, terms of the sum only become smaller.
        let is_more = (found as f64) * (total as f64) > (selected as f64) * (holders as f64);
        if !is_plausible || !is_more || total - holders + found < selected {
            return 1.0;
        }
        let choices = self.ln_choose(holders, found) + self.ln_choose(total - holders, selected - found);
        let mut term = (choices - self.ln_choose(total, selected)).exp();
        let mut sum = term;
        for more in found..most {
            let fewer_left = (total - holders + more + 1).saturating_sub(selected) as f64;
            term *= (holders - more) as f64 * (selected - more) as f64 / ((more + 1) as f64 * fewer_left);
            sum += term;
            if term < sum * 1e-16 {
                break;
            }
        }
        sum.min(1.0)
    }

    fn ln_choose(&self, all: usize, some: usize) -> f64 {
        let ln = |number: usize| self.ln_factorials.get(number).copied().unwrap_or(0.0);
        ln(all) - ln(some) - ln(all.saturating_sub(some))
    }
}

/// How many features count as tries at a level of significance, going by the least chance of each: the smallest number
/// that is no less than the features that can stay below the level divided by it.
pub fn tries(mut least_chances: Vec<f64>, level: f64) -> usize {
    least_chances.sort_unstable_by(f64::total_cmp);
    let below = |tries: usize| least_chances.partition_point(|chance| *chance <= level / tries as f64);
    let (mut low, mut high) = (1, least_chances.len().max(1));
    // Fewer features stay below a lower level, so the first number that suffices is found by halving.
    while low < high {
        let middle = low.midpoint(high);
        if below(middle) <= middle { high = middle } else { low = middle + 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_those_of_the_lady_tasting_tea_and_of_counting_by_hand() {
        let tea = Exact::new(8, 4);
        assert!((tea.chance(4, 4) - 1.0 / 70.0).abs() < 1e-12);
        assert!((tea.chance(3, 4) - 17.0 / 70.0).abs() < 1e-12);
        assert!((tea.chance(2, 4) - 1.0).abs() < 1e-12, "no more than the share");
        // One of three, chosen one of three: in a third of all cases it is the same.
        assert!((Exact::new(3, 1).chance(1, 1) - 1.0 / 3.0).abs() < 1e-12);
        let all = Exact::new(5, 5);
        assert!((all.chance(5, 5) - 1.0).abs() < 1e-12);
        assert!((Exact::new(5, 2).chance(2, 5) - 1.0).abs() < 1e-12, "what all have is no surprise");
    }

    #[test]
    fn sums_agree_with_adding_up_every_table() {
        let (total, selected) = (23, 9);
        let exact = Exact::new(total, selected);
        let choose = |all: usize, some: usize| -> f64 {
            if some > all { 0.0 } else { (0..some).fold(1.0, |product, i| product * (all - i) as f64 / (i + 1) as f64) }
        };
        for holders in 0..=total {
            for found in 0..=holders.min(selected) {
                if (found * total) <= selected * holders {
                    continue;
                }
                let tables = (found..=holders.min(selected))
                    .map(|x| choose(holders, x) * choose(total - holders, selected - x) / choose(total, selected));
                let wanted: f64 = tables.sum();
                assert!((exact.chance(found, holders) - wanted).abs() < 1e-9, "{found} of {holders}");
            }
        }
    }

    #[test]
    fn what_cannot_be_significant_is_no_try() {
        assert_eq!(tries(vec![], 0.01), 1);
        assert_eq!(tries(vec![0.5; 1_000], 0.01), 1);
        assert_eq!(tries(vec![1e-9; 1_000], 0.01), 1_000);
        let mixed = [vec![0.04; 1_000], vec![1e-9; 7]].concat();
        assert_eq!(tries(mixed, 0.05), 7);
    }

    #[test]
    fn huge_tables_neither_overflow_nor_come_out_as_certain() {
        let exact = Exact::new(200_000, 20_000);
        let chance = exact.chance(20_000, 20_000);
        assert!((0.0..1e-300).contains(&chance));
        assert!(exact.chance(2_000, 20_000) > 0.4);
    }
}
