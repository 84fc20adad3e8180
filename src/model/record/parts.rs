//! Parts of records: what a question looks at, so that a store reads no more of them.

/// What is asked for of each record. What every record has (ids, times, kind, status, level, name, resource, scope) is
/// always there; the rest is there when it is asked for, and more of it does no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Attributes of the record and of its events and links.
    pub keys: Keys,
    /// Events of a span, with the attributes asked for.
    pub events: bool,
    /// Links of a span.
    pub links: bool,
    /// Messages, trace states and counts of what was dropped.
    pub rest: bool,
}

/// Keys of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// Every key.
    All,
    /// These keys.
    These(Vec<String>),
}

impl Keys {
    /// Whether a key is among them.
    pub fn has(&self, key: &str) -> bool {
        match self {
            Keys::All => true,
            Keys::These(keys) => keys.iter().any(|known| known == key),
        }
    }
}

impl Parts {
    /// Whole records.
    pub const ALL: Parts = Parts { keys: Keys::All, events: true, links: true, rest: true };
    /// What every record has, and no more.
    pub const NONE: Parts = Parts { keys: Keys::These(Vec::new()), events: false, links: false, rest: false };

    /// Adds what another question asks for.
    pub fn add(&mut self, other: Parts) {
        self.events |= other.events;
        self.links |= other.links;
        self.rest |= other.rest;
        match (&mut self.keys, other.keys) {
            (Keys::All, _) => {}
            (known, Keys::All) => *known = Keys::All,
            (Keys::These(known), Keys::These(keys)) => {
                known.extend(keys);
                known.sort_unstable();
                known.dedup();
            }
        }
    }
}
