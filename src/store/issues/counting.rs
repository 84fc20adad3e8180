//! Counting errors: what some writes mean for each issue is summed up first, then each issue is touched once.

use rustc_hash::FxHashSet;

use super::errors::Errors;
use super::hours::hour_ns;
use super::limits::Limit;
use super::rows::{IssueRows, IssueState, IssueUpdate};
use super::sums::{Home, Homes, Tally};
use crate::model::{IssueChange, IssueStatus, Text};
use crate::store::Result;

/// Environments an issue names at most.
const MOST_ENVIRONMENTS: usize = 32;

/// Counts the errors of some writes; with each, when it was received, unix nanoseconds.
///
/// # Errors
/// The store fails.
pub fn count<'a>(rows: &impl IssueRows, writes: impl Iterator<Item = (&'a Errors, u64)>) -> Result<()> {
    let (tallies, received_ns) = Tally::sum(writes);
    if tallies.is_empty() {
        return Ok(());
    }
    let mut limit = Limit::new(rows, received_ns);
    // Errors beyond the limit share their homes, and what thousands of kinds add to one issue is added once.
    let mut homes = Homes::default();
    for tally in tallies {
        let home = limit.find_home(&tally, &homes)?;
        if !home.is_shared {
            tally.aliases.iter().try_for_each(|alias| limit.add_fingerprint(alias, home.row, tally.group))?;
        }
        homes.add(home, tally);
    }
    homes.found.into_iter().try_for_each(|(home, tally)| add_to_issue(rows, &tally, home, received_ns))
}

/// Does what a person asks of an issue whose status is `status`; whether that changes anything.
///
/// # Errors
/// The store fails.
pub fn change_status(
    rows: &impl IssueRows,
    row: i64,
    status: IssueStatus,
    change: IssueChange,
    now_ns: u64,
) -> Result<bool> {
    let IssueChange::Status(wanted) = change;
    if status == wanted {
        return Ok(false);
    }
    rows.set_status(row, wanted, false, now_ns)?;
    Ok(true)
}

fn add_to_issue(rows: &impl IssueRows, tally: &Tally<'_>, home: Home, received_ns: u64) -> Result<()> {
    let Home { row, is_shared } = home;
    let known = rows.issue_state(row)?;
    let mut traces = 0;
    if !tally.traces.is_empty() {
        let mut seen = rows.issue_traces(row)?;
        if seen.note(tally.traces.iter().map(|(trace, seen_ns)| (*trace, *seen_ns)), received_ns) {
            rows.set_issue_traces(row, &seen)?;
        }
        traces = seen.count();
    }
    let differs = tally.messages_differ || tally.group.grouping.message != known.message;
    rows.update_issue(
        row,
        &IssueUpdate {
            messages_differ: differs && !is_shared,
            environments: add_environments(&known.environments, &tally.environments),
            first_ns: tally.first_ns,
            last_ns: tally.last_ns,
            events: tally.events,
            hours: &tally.hours,
            traces,
            received_ns,
            stack: if is_shared { None } else { newer_stack(tally, &known) },
        },
    )?;
    // What happened before it was resolved, and arrives late, opens nothing.
    if known.status == IssueStatus::Resolved && tally.heard_ns > known.changed_ns {
        rows.set_status(row, IssueStatus::Open, true, received_ns)?;
    }
    Ok(())
}

/// The latest stack trace of a tally and its hour, when that is later than the hour of the stack trace that is kept.
fn newer_stack<'a>(tally: &Tally<'a>, known: &IssueState) -> Option<(u64, &'a str)> {
    let (time_ns, stack) = tally.stack?;
    let hour_ns = hour_ns(time_ns);
    known.stack_hour_ns.is_none_or(|known_ns| known_ns < hour_ns).then_some((hour_ns, stack.as_str()))
}

/// The environments an issue names from now on; `None` when none is new.
fn add_environments(known: &[String], seen: &FxHashSet<&Text>) -> Option<Vec<String>> {
    let mut names = known.to_vec();
    let mut seen: Vec<&str> = seen.iter().map(|name| name.as_str()).collect();
    // Of too many it must not depend on chance which are named.
    seen.sort_unstable();
    for name in seen {
        if names.len() < MOST_ENVIRONMENTS
            && let Err(place) = names.binary_search_by(|known| known.as_str().cmp(name))
        {
            names.insert(place, name.to_owned());
        }
    }
    (names.len() > known.len()).then_some(names)
}
