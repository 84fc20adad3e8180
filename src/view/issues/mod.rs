//! Issues: the list with a line or two for each, and one with its stack, its traces and its history.
//!
//! What both share stands here: how an issue is marked, and its events as a row of small columns.

mod detail;
mod list;

use super::out::canvas::Paint;
use super::out::style::Style;
use crate::model::time::{NANOS_PER_DAY as DAY, NANOS_PER_HOUR as HOUR};
use crate::model::{HourCount, Issue, IssueStatus, Nanos};

pub use detail::{DetailOptions, detail};
pub use list::{IssueListContext, list};

/// From when on [`Issue::counts`] are needed for the list: the beginning of the hour 23 hours ago.
pub fn counts_since(now: Nanos) -> Nanos {
    Nanos((now.0 / HOUR * HOUR).saturating_sub(23 * HOUR))
}

/// The mark of an issue and the paint of the mark.
pub fn issue_mark(issue: &Issue, now: Nanos) -> (&'static str, Paint) {
    match issue.status {
        IssueStatus::Resolved => (" ✓", Paint::Good),
        IssueStatus::Ignored => (" ⊘", Paint::Dim),
        IssueStatus::Open if issue.is_regressed => (" ↺", Paint::Warn),
        IssueStatus::Open if now.since(issue.first_seen) < DAY => ("new", Paint::Warn),
        IssueStatus::Open => (" ✗", Paint::Bad),
    }
}

/// Counts events in so many cells of so many hours, the last of which holds the present.
fn cells(counts: &[HourCount], now: Nanos, cells: usize, hours_each: u64) -> Vec<u64> {
    let mut sums = vec![0_u64; cells];
    let end = now.0 / HOUR;
    for count in counts {
        // What a clock that is ahead counted lies in the present.
        let cells_ago = end.saturating_sub(count.hour.0 / HOUR) / hours_each;
        let place = usize::try_from(cells_ago).ok().and_then(|ago| cells.checked_sub(ago + 1));
        if let Some(sum) = place.and_then(|place| sums.get_mut(place)) {
            *sum = sum.saturating_add(count.count);
        }
    }
    sums
}

/// Draws values as small columns relative to the largest; a value of zero is a dot.
fn columns(values: &[u64], style: &Style) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let largest = values.iter().copied().max().unwrap_or(0).max(1);
    let level = |value: &u64| match value {
        // The dot stands for one of the columns in ASCII.
        0 if style.ascii => ' ',
        0 => '·',
        value => {
            let place = (*value as f64 / largest as f64 * LEVELS.len() as f64).ceil() as usize;
            LEVELS[place.clamp(1, LEVELS.len()) - 1]
        }
    };
    values.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{query::samples::START, view::out::style::sample_style as style};

    #[test]
    fn events_fall_into_cells_that_end_with_the_present() {
        let now = Nanos(START);
        let at = |hours_ago: u64, count| HourCount { hour: Nanos((START / HOUR - hours_ago) * HOUR), count };
        let counts = [at(24, 90), at(23, 1), at(21, 2), at(20, 4), at(3, 8), at(2, 16), at(0, 32)];
        assert_eq!(cells(&counts, now, 8, 3), [3, 4, 0, 0, 0, 0, 8, 48]);
        assert!(counts.iter().filter(|count| count.hour >= counts_since(now)).count() == 6);
        let ahead = HourCount { hour: Nanos(START + 9 * HOUR), count: 5 };
        assert_eq!(cells(&[ahead], now, 2, 3), [0, 5]);
    }

    #[test]
    fn columns_show_the_smallest_count_and_nothing_as_a_dot() {
        assert_eq!(columns(&[0, 1, 50, 100], &style(80)), "·▁▄█");
        assert_eq!(columns(&[0, 0], &style(80)), "··");
    }
}
