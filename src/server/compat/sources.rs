//! How much each checkpoint source sends: totals since the start, and the last one and five minutes.
//!
//! Sources are names clients choose, so their number is bounded: what no longer sends makes room, and while there is
//! none, further sources are counted together.

use std::sync::{Mutex, PoisonError};

use indexmap::IndexMap;
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::model::{Checkpoint, Text};
use crate::server::rate::{Rate, SLOT_SECONDS};

/// Sources counted one by one.
const MOST_SOURCES: usize = 1_000;
/// Longest name kept of a source, in bytes.
const MOST_NAME_BYTES: usize = 200;
/// The name sources go under when there is no room for their own.
const OTHERS: &str = "(other sources)";

/// The rate of one source, as `/stats/sources` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SourceRate {
    /// The name of the source.
    pub(crate) source_id: String,
    /// Checkpoints received since the start, duplicates too.
    pub(crate) total: u64,
    /// Checkpoints received within the last minute.
    #[serde(rename = "rpm")]
    pub(crate) last_minute: u64,
    /// Checkpoints received within the last [`WINDOW_SECONDS`](crate::server::rate::WINDOW_SECONDS).
    #[serde(rename = "rp5m")]
    pub(crate) last_window: u64,
}

/// The rates of all sources.
#[derive(Debug, Default)]
pub(crate) struct Sources(Mutex<Rates>);

/// The project of a key that checkpoints came with, empty for none, and the name of their source.
type SourceKey = (Text, String);

#[derive(Debug, Default)]
struct Rates {
    /// The rate of each source of each project, with its place in the order they were first seen.
    by_source: FxHashMap<SourceKey, (u64, Rate)>,
    first_seen: u64,
    /// Second before which looking for room is of no use.
    full_until: u64,
}

impl Sources {
    /// Counts received checkpoints of a project, or of none.
    pub(crate) fn count(&self, project: Option<&Text>, checkpoints: &[Checkpoint], second: u64) {
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (project.cloned().unwrap_or_default(), String::new());
        for checkpoint in checkpoints {
            key.1.clear();
            key.1.push_str(shortened(&checkpoint.source_id));
            rates.count(&key, second);
        }
    }

    /// Every source of one project or of all, in the order they were first seen. A name that several projects have is one
    /// source to whoever may see all of them.
    pub(crate) fn all(&self, project: Option<&Text>, second: u64) -> Vec<SourceRate> {
        let rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_shown = |(of, _): &SourceKey| project.is_none_or(|project| of == project);
        let mut ordered: Vec<_> = rates.by_source.iter().filter(|(key, _)| is_shown(key)).collect();
        ordered.sort_by_key(|(_, (first_seen, _))| *first_seen);
        let mut sources: IndexMap<&str, SourceRate> = IndexMap::new();
        for ((_, source_id), (_, rate)) in ordered {
            let source = sources.entry(source_id.as_str()).or_insert_with(|| SourceRate {
                source_id: source_id.clone(),
                total: 0,
                last_minute: 0,
                last_window: 0,
            });
            source.total += rate.total();
            source.last_minute += rate.last_minute(second);
            source.last_window += rate.last_window(second);
        }
        sources.into_values().collect()
    }
}

impl Rates {
    fn count(&mut self, key: &SourceKey, second: u64) {
        if let Some((_, rate)) = self.by_source.get_mut(key) {
            return rate.add(second, 1);
        }
        // Those there is no room for are of no project, lest their number grow with that of the projects.
        let key = if self.has_room(second) { key.clone() } else { (Text::EMPTY, OTHERS.to_owned()) };
        self.first_seen += 1;
        self.by_source.entry(key).or_insert((self.first_seen, Rate::default())).1.add(second, 1);
    }

    fn has_room(&mut self, second: u64) -> bool {
        if self.by_source.len() < MOST_SOURCES {
            return true;
        }
        if second >= self.full_until {
            self.full_until = second + SLOT_SECONDS;
            self.by_source.retain(|_, (_, rate)| rate.last_window(second) > 0);
        }
        self.by_source.len() < MOST_SOURCES
    }
}

fn shortened(name: &str) -> &str {
    name.get(..name.floor_char_boundary(MOST_NAME_BYTES)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::rate::WINDOW_SECONDS;

    #[test]
    fn a_flood_of_sources_takes_bounded_room_and_old_ones_make_way() {
        let mut rates = Rates::default();
        (0..100_000).for_each(|number| rates.count(&(Text::EMPTY, format!("source {number}")), 7));
        assert_eq!(rates.by_source.len(), MOST_SOURCES + 1);
        assert_eq!(rates.by_source[&(Text::EMPTY, OTHERS.to_owned())].1.total(), 100_000 - MOST_SOURCES as u64);
        let late = (Text::EMPTY, "late".to_owned());
        rates.count(&late, 7 + WINDOW_SECONDS);
        assert!(rates.by_source.contains_key(&late) && rates.by_source.len() <= 2, "{:?}", rates.by_source.keys());
        assert_eq!(shortened(&"é".repeat(200)).len(), MOST_NAME_BYTES);
    }
}
