//! Counting errors: what some writes mean for each issue is summed up first, then each issue is touched once.
//!
//! New issues are limited, so that neither a broken rule of grouping nor a hostile sender can make them without end:
//! in an hour of our clock a project gets [`MOST_NEW`] of its own. What would need one more is counted in one issue of
//! its service that says so, of which there are at most [`MOST_SHARED`] new ones; what is still left, and everything
//! once [`MOST_NEW_IN_ALL`] came into the file within the hour, in a single one without project and service. Errors of
//! issues that are known are always counted there.
//!
//! A new fingerprint is no new issue when its error is one that was recorded elsewhere in its trace, with more or less of
//! the stack: spans of one trace come in several writes, and so do their log records. It then leads to that issue.

use std::collections::{BTreeMap, hash_map::Entry};

use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{
    errors::{Alias, Errors, Group},
    hour_ns, traces,
};
use crate::{
    model::{
        Fingerprint, IssueId, IssueStatus, Text, TraceId,
        grouping::{Grouping, Why},
        json::{why_from_json, why_to_json},
    },
    store::{
        Result,
        sqlite::keys::{from_column, to_column},
    },
};

/// New issues of a project in an hour.
pub(super) const MOST_NEW: u64 = 1_000;
/// More of them that services share among errors beyond that.
const MOST_SHARED: u64 = 100;
/// New issues of all projects in an hour.
const MOST_NEW_IN_ALL: u64 = 10_000;
/// Other fingerprints that are added to an issue at once at most.
const MOST_ALIASES: usize = 16;
/// How many issues of its service, those heard of last, are asked whether a new error of one of their traces is theirs.
const MOST_ASKED: i64 = 64;
/// Environments an issue names at most.
const MOST_ENVIRONMENTS: usize = 32;
/// What is hashed for issues that stand for many.
const SHARED: &str = "tracehub: errors beyond the limit of new issues";
/// Their title.
pub(super) const SHARED_TITLE: &str = "too many new issues in an hour: errors beyond 1,000 kinds are counted here";

/// Counts the errors of some writes; with each, when it was received, unix nanoseconds.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn apply<'a>(
    transaction: &Connection,
    writes: impl Iterator<Item = (&'a Errors, u64)>,
) -> Result<()> {
    let (tallies, received_ns) = Tally::sum(writes);
    if tallies.is_empty() {
        return Ok(());
    }
    let mut limit = Limit::new(transaction, received_ns);
    // Errors beyond the limit share their homes, and what thousands of kinds add to one issue is added once.
    let mut homes = Homes::default();
    for tally in tallies {
        let home = limit.home(&tally, &homes)?;
        if !home.is_shared {
            tally.aliases.iter().try_for_each(|alias| limit.add_fingerprint(alias, home.row, tally.group))?;
        }
        homes.add(home, tally);
    }
    homes.found.into_iter().try_for_each(|(home, tally)| count(transaction, &tally, home, received_ns))
}

/// What is to be added to each issue.
#[derive(Default)]
struct Homes<'a> {
    places: FxHashMap<i64, usize>,
    found: Vec<(Home, Tally<'a>)>,
}

impl<'a> Homes<'a> {
    fn add(&mut self, home: Home, tally: Tally<'a>) {
        let place = *self.places.entry(home.row).or_insert(self.found.len());
        match self.found.get_mut(place) {
            Some((_, known)) => known.merge(tally),
            None => self.found.push((home, tally)),
        }
    }

    /// Whether what is to be added to an issue was in one of the traces of a tally.
    fn share_trace(&self, row: i64, tally: &Tally<'_>) -> bool {
        let known = self.places.get(&row).and_then(|place| self.found.get(*place));
        known.is_some_and(|(_, known)| tally.traces.keys().any(|trace| known.traces.contains_key(*trace)))
    }
}

/// What some writes add to one issue.
struct Tally<'a> {
    /// The first error of its kind.
    group: &'a Group,
    events: u64,
    first_ns: u64,
    last_ns: u64,
    /// The same, none later than it was received.
    heard_ns: u64,
    hours: BTreeMap<u64, u64>,
    /// When it was last seen in each trace.
    traces: FxHashMap<&'a TraceId, u64>,
    environments: FxHashSet<&'a Text>,
    /// Messages besides that of the group, one is enough.
    messages_differ: bool,
    stack: Option<(u64, &'a Text)>,
    /// Other fingerprints that lead to the issue.
    aliases: Vec<&'a Alias>,
}

impl<'a> Tally<'a> {
    /// One for each kind of error, in the order they came, and when the last was received.
    fn sum(writes: impl Iterator<Item = (&'a Errors, u64)>) -> (Vec<Tally<'a>>, u64) {
        let mut tallies: Vec<Tally<'a>> = Vec::new();
        let mut places: FxHashMap<IssueId, usize> = FxHashMap::default();
        let mut last_received_ns = 0;
        for (errors, received_ns) in writes {
            last_received_ns = received_ns.max(last_received_ns);
            for event in &errors.events {
                let Some(group) = errors.groups.get(event.group) else { continue };
                let place = *places.entry(group.grouping.issue).or_insert_with(|| {
                    tallies.push(Tally::new(group));
                    tallies.len() - 1
                });
                let Some(tally) = tallies.get_mut(place) else { continue };
                tally.learn(group);
                let time_ns = event.time.0;
                tally.events += 1;
                (tally.first_ns, tally.last_ns) = (tally.first_ns.min(time_ns), tally.last_ns.max(time_ns));
                tally.heard_ns = tally.heard_ns.max(time_ns.min(received_ns));
                *tally.hours.entry(hour_ns(time_ns)).or_default() += 1;
                tally.environments.extend(&event.environment);
                if let Some(trace) = &event.trace {
                    let seen_ns = tally.traces.entry(trace).or_default();
                    *seen_ns = time_ns.max(*seen_ns);
                }
            }
        }
        (tallies, last_received_ns)
    }

    fn new(group: &'a Group) -> Tally<'a> {
        Tally {
            group,
            events: 0,
            first_ns: u64::MAX,
            last_ns: 0,
            heard_ns: 0,
            hours: BTreeMap::new(),
            traces: FxHashMap::default(),
            environments: FxHashSet::default(),
            messages_differ: false,
            stack: None,
            aliases: Vec::new(),
        }
    }

    /// Adds errors that are counted in the same issue.
    fn merge(&mut self, other: Tally<'a>) {
        self.messages_differ |= other.messages_differ || other.group.grouping.message != self.group.grouping.message;
        self.events += other.events;
        (self.first_ns, self.last_ns) = (self.first_ns.min(other.first_ns), self.last_ns.max(other.last_ns));
        self.heard_ns = self.heard_ns.max(other.heard_ns);
        for (hour_ns, events) in other.hours {
            *self.hours.entry(hour_ns).or_default() += events;
        }
        for (trace, seen_ns) in other.traces {
            let known_ns = self.traces.entry(trace).or_default();
            *known_ns = seen_ns.max(*known_ns);
        }
        self.environments.extend(other.environments);
        if other.stack.is_some_and(|(time_ns, _)| self.stack.is_none_or(|(known_ns, _)| known_ns < time_ns)) {
            self.stack = other.stack;
        }
    }

    fn learn(&mut self, group: &'a Group) {
        self.messages_differ |= group.messages_differ || group.grouping.message != self.group.grouping.message;
        if let Some((time, stack)) = &group.stack
            && self.stack.is_none_or(|(known_ns, _)| known_ns < time.0)
        {
            self.stack = Some((time.0, stack));
        }
        for alias in &group.aliases {
            if self.aliases.len() < MOST_ALIASES && self.aliases.iter().all(|known| known.grouping != alias.grouping) {
                self.aliases.push(alias);
            }
        }
    }
}

/// Where errors are counted.
struct Home {
    /// The row of the issue.
    row: i64,
    /// Whether it stands for errors of many kinds.
    is_shared: bool,
}

/// How many issues may still be made.
struct Limit<'c> {
    transaction: &'c Connection,
    received_ns: u64,
    in_all: Option<u64>,
    of_projects: FxHashMap<Text, u64>,
    /// Of projects and services, what leads to those of their issues that were heard of last.
    recent: FxHashMap<(Text, Text), Vec<(i64, Why)>>,
}

impl<'c> Limit<'c> {
    fn new(transaction: &'c Connection, received_ns: u64) -> Limit<'c> {
        let (of_projects, recent) = (FxHashMap::default(), FxHashMap::default());
        Limit { transaction, received_ns, in_all: None, of_projects, recent }
    }

    /// The issue errors are counted in, which is made if need be.
    fn home(&mut self, tally: &Tally<'_>, homes: &Homes<'_>) -> Result<Home> {
        let group = tally.group;
        let grouping = &group.grouping;
        if let Some(row) = find(self.transaction, &grouping.issue)? {
            return Ok(Home { row, is_shared: false });
        }
        if self.has_room(&group.project, MOST_NEW)? {
            if let Some(row) = self.told_elsewhere(tally, homes)? {
                let Grouping { issue, fingerprint, ref why, .. } = *grouping;
                self.add_fingerprint(&Alias { grouping: issue, fingerprint, why: why.clone() }, row, group)?;
                return Ok(Home { row, is_shared: false });
            }
            let row = self.make(&New::of(group))?;
            self.remember(row, &grouping.why, group);
            return Ok(Home { row, is_shared: false });
        }
        let of_service = New::shared(group.project.clone(), group.service.clone());
        let row = match find(self.transaction, &of_service.id)? {
            Some(row) => row,
            None if self.has_room(&group.project, MOST_NEW + MOST_SHARED)? => self.make(&of_service)?,
            None => {
                let of_all = New::shared(Text::EMPTY, Text::EMPTY);
                match find(self.transaction, &of_all.id)? {
                    Some(row) => row,
                    None => self.make(&of_all)?,
                }
            }
        };
        Ok(Home { row, is_shared: true })
    }

    /// The issue of the same service that a trace of these errors has already, and whose stack begins or goes on as theirs.
    fn told_elsewhere(&mut self, tally: &Tally<'_>, homes: &Homes<'_>) -> Result<Option<i64>> {
        let Group { grouping, project, service, .. } = tally.group;
        if grouping.why.frames.is_empty() {
            return Ok(None);
        }
        let recent = match self.recent.entry((project.clone(), service.clone())) {
            Entry::Occupied(place) => place.into_mut(),
            Entry::Vacant(place) => place.insert(recent(self.transaction, project, service)?),
        };
        for (issue, known) in recent.iter() {
            let is_same = !known.frames.is_empty() && known.is_same_error(&grouping.why);
            if is_same
                && (homes.share_trace(*issue, tally)
                    || traces::samples(self.transaction, *issue)?.iter().any(|trace| tally.traces.contains_key(trace)))
            {
                return Ok(Some(*issue));
            }
        }
        Ok(None)
    }

    /// Makes a fingerprint lead to the issue of a group, unless it leads to one already.
    fn add_fingerprint(&mut self, alias: &Alias, row: i64, group: &Group) -> Result<()> {
        self.remember(row, &alias.why, group);
        add_fingerprint(self.transaction, alias, row)
    }

    fn remember(&mut self, row: i64, why: &Why, group: &Group) {
        if let Some(recent) = self.recent.get_mut(&(group.project.clone(), group.service.clone())) {
            recent.push((row, why.clone()));
        }
    }

    fn has_room(&mut self, project: &Text, most: u64) -> Result<bool> {
        let since = to_column(hour_ns(self.received_ns));
        let in_all = match self.in_all {
            Some(count) => count,
            None => {
                let mut select =
                    self.transaction.prepare_cached("SELECT COUNT(*) FROM issues WHERE created_ns >= ?1")?;
                *self.in_all.insert(select.query_row([since], |row| row.get(0)).map(from_column)?)
            }
        };
        let of_project = match self.of_projects.get(project) {
            Some(count) => *count,
            None => {
                let sql = "SELECT COUNT(*) FROM issues WHERE created_ns >= ?1 AND project = ?2";
                let mut select = self.transaction.prepare_cached(sql)?;
                let count = select.query_row(params![since, project.as_str()], |row| row.get(0)).map(from_column)?;
                self.of_projects.insert(project.clone(), count);
                count
            }
        };
        Ok(in_all < MOST_NEW_IN_ALL && of_project < most)
    }

    fn make(&mut self, new: &New) -> Result<i64> {
        let sql = "INSERT INTO issues(issue_id, project, service, status, is_regressed, changed_ns, error_type,
                                      message, pattern, messages_differ, culprit, environments, first_ns, last_ns,
                                      events, traces, fingerprint, created_ns, received_ns)
                   VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, 0, ?9, '[]', ?10, 0, 0, 0, ?11, ?5, ?5)";
        self.transaction.prepare_cached(sql)?.execute(params![
            new.id.0,
            new.project.as_str(),
            new.service.as_str(),
            IssueStatus::Open as u8,
            to_column(self.received_ns),
            new.error_type.as_deref(),
            new.message.as_str(),
            new.pattern.as_str(),
            new.culprit.as_deref(),
            i64::MAX,
            new.fingerprint.0,
        ])?;
        let row = self.transaction.last_insert_rowid();
        let own = Alias { grouping: new.id, fingerprint: new.fingerprint, why: new.why.clone() };
        add_fingerprint(self.transaction, &own, row)?;
        self.in_all = self.in_all.map(|count| count + 1);
        if let Some(count) = self.of_projects.get_mut(&new.project) {
            *count += 1;
        }
        Ok(row)
    }
}

fn find(transaction: &Connection, grouping: &IssueId) -> Result<Option<i64>> {
    let mut select = transaction.prepare_cached("SELECT issue FROM issue_fingerprints WHERE grouping = ?1")?;
    Ok(select.query_row([grouping.0], |row| row.get(0)).optional()?)
}

/// Makes a fingerprint lead to an issue, unless it leads to one already.
fn add_fingerprint(transaction: &Connection, alias: &Alias, row: i64) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO issue_fingerprints(grouping, issue, fingerprint, why) VALUES (?1, ?2, ?3, ?4)";
    let why = why_to_json(&alias.why).to_string();
    transaction.prepare_cached(sql)?.execute(params![alias.grouping.0, row, alias.fingerprint.0, why])?;
    Ok(())
}

/// What leads to those issues of a service that were heard of last.
fn recent(transaction: &Connection, project: &str, service: &str) -> Result<Vec<(i64, Why)>> {
    let sql = "SELECT f.issue, f.why FROM issue_fingerprints f JOIN
                 (SELECT id FROM issues WHERE project = ?1 AND service = ?2 ORDER BY received_ns DESC LIMIT ?3) i
               ON f.issue = i.id";
    let mut select = transaction.prepare_cached(sql)?;
    let mut rows = select.query(params![project, service, MOST_ASKED])?;
    let mut recent = Vec::new();
    while let Some(row) = rows.next()? {
        let json: Json = serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default();
        if let Ok(why) = why_from_json(&json) {
            recent.push((row.get(0)?, why));
        }
    }
    Ok(recent)
}

/// An issue that is to be made.
struct New {
    id: IssueId,
    project: Text,
    service: Text,
    error_type: Option<Text>,
    message: Text,
    pattern: Text,
    culprit: Option<Text>,
    fingerprint: Fingerprint,
    why: Why,
}

impl New {
    fn of(Group { grouping, project, service, .. }: &Group) -> New {
        New {
            id: grouping.issue,
            project: project.clone(),
            service: service.clone(),
            error_type: grouping.error_type.clone(),
            message: grouping.message.clone(),
            pattern: grouping.message_pattern.clone(),
            culprit: grouping.culprit.clone(),
            fingerprint: grouping.fingerprint,
            why: grouping.why.clone(),
        }
    }

    fn shared(project: Text, service: Text) -> New {
        let fingerprint = Fingerprint(Sha256::digest(SHARED).into());
        let (error_type, culprit) = (None, None);
        let title = Text::from_static(SHARED_TITLE);
        New {
            id: IssueId::of(&project, &service, &fingerprint),
            project,
            service,
            error_type,
            message: title.clone(),
            pattern: title,
            culprit,
            fingerprint,
            why: Why { text: Text::from_static(SHARED), ..Why::default() },
        }
    }
}

/// What counting depends on of an issue as it is.
struct Known {
    status: IssueStatus,
    changed_ns: u64,
    message: String,
    environments: String,
    stack_hour_ns: Option<i64>,
}

fn count(transaction: &Connection, tally: &Tally<'_>, home: Home, received_ns: u64) -> Result<()> {
    let Home { row, is_shared } = home;
    let known = known(transaction, row)?;
    let seen = tally.traces.iter().map(|(trace, seen_ns)| (*trace, *seen_ns));
    let traces = match tally.traces.is_empty() {
        true => 0,
        false => traces::note_traces(transaction, row, seen, received_ns)?,
    };
    for (hour_ns, events) in &tally.hours {
        let sql = "INSERT INTO issue_counts(issue, hour_ns, count) VALUES (?1, ?2, ?3)
                   ON CONFLICT(issue, hour_ns) DO UPDATE SET count = count + excluded.count";
        transaction.prepare_cached(sql)?.execute(params![row, to_column(*hour_ns), to_column(*events)])?;
    }
    let stack_hour_ns = if is_shared { None } else { keep_stack(transaction, tally, row, &known)? };
    let differs =
        !is_shared && (tally.messages_differ || tally.group.grouping.message.as_str() != known.message.as_str());
    let comes_back = known.status == IssueStatus::Resolved && tally.heard_ns > known.changed_ns;
    let sql = "UPDATE issues SET messages_differ = messages_differ OR ?2, environments = COALESCE(?3, environments),
                                 first_ns = MIN(first_ns, ?4), last_ns = MAX(last_ns, ?5), events = events + ?6,
                                 traces = MAX(traces, ?7), received_ns = MAX(received_ns, ?8),
                                 stack_hour_ns = COALESCE(?9, stack_hour_ns)
               WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute(params![
        row,
        differs,
        environments(&known.environments, &tally.environments),
        to_column(tally.first_ns),
        to_column(tally.last_ns),
        to_column(tally.events),
        to_column(traces),
        to_column(received_ns),
        stack_hour_ns,
    ])?;
    if comes_back {
        super::change::note(transaction, row, (IssueStatus::Open, true), received_ns)?;
    }
    Ok(())
}

fn known(transaction: &Connection, row: i64) -> Result<Known> {
    let sql = "SELECT status, changed_ns, message, environments, stack_hour_ns FROM issues WHERE id = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Known {
            status: super::list::status_of(row.get(0)?),
            changed_ns: from_column(row.get(1)?),
            message: row.get(2)?,
            environments: row.get(3)?,
            stack_hour_ns: row.get(4)?,
        })
    };
    Ok(transaction.prepare_cached(sql)?.query_row([row], read)?)
}

/// Keeps the latest stack trace of a tally when it is of a later hour than the one that is kept; its hour if so.
fn keep_stack(transaction: &Connection, tally: &Tally<'_>, row: i64, known: &Known) -> Result<Option<i64>> {
    let Some((time_ns, stack)) = tally.stack else { return Ok(None) };
    let hour = to_column(hour_ns(time_ns));
    if known.stack_hour_ns.is_some_and(|known| known >= hour) {
        return Ok(None);
    }
    let sql = "INSERT OR REPLACE INTO issue_stacks(issue, stack_trace) VALUES (?1, ?2)";
    transaction.prepare_cached(sql)?.execute(params![row, stack.as_str()])?;
    Ok(Some(hour))
}

/// The environments an issue names from now on; `None` when none is new.
fn environments(known: &str, seen: &FxHashSet<&Text>) -> Option<String> {
    let mut names: Vec<String> = serde_json::from_str(known).unwrap_or_default();
    let before = names.len();
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
    (names.len() > before).then(|| Json::from(names).to_string())
}
