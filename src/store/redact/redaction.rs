//! The rules in force, which may be replaced while records arrive, and the counts of what they did.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use super::action::Salt;
use super::record_texts::RecordTexts;
use super::redactor::{Redactor, Tally};
use super::rules::Rules;
use crate::model::Batch;

/// Rules say `hash`, but neither they nor the store have a salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rules hash secrets, but this store keeps no salt and the rules name none")]
pub struct SaltMissing;

/// The rules in force.
#[derive(Debug)]
pub struct Redaction {
    rules: RwLock<Arc<Rules>>,
    salt: OnceLock<Salt>,
    /// How often each rule found something, with the word of its action.
    counts: Mutex<BTreeMap<(String, &'static str), u64>>,
}

impl Redaction {
    /// Puts rules in force.
    pub fn new(rules: Rules) -> Redaction {
        Redaction { rules: RwLock::new(Arc::new(rules)), salt: OnceLock::new(), counts: Mutex::default() }
    }

    /// Puts other rules in force for what arrives from now on; counts go on.
    ///
    /// # Errors
    /// [`SaltMissing`]; the old rules stay in force then.
    pub fn replace(&self, rules: Rules) -> Result<(), SaltMissing> {
        if rules.wants_salt() && self.salt.get().is_none() {
            return Err(SaltMissing);
        }
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        Ok(())
    }

    /// Takes the salt of the store, once; `None` when it keeps none.
    ///
    /// # Errors
    /// [`SaltMissing`] when the rules need one.
    pub(super) fn take_salt(&self, salt: Option<Salt>) -> Result<(), SaltMissing> {
        if let Some(salt) = salt {
            // A second store has a salt of its own, and hashes of one run have to be equal.
            let _ = self.salt.set(salt);
        }
        match self.salt.get().is_none() && self.rules().wants_salt() {
            true => Err(SaltMissing),
            false => Ok(()),
        }
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The rules as they are now, ready for texts.
    pub fn redactor(&self) -> Redactor {
        Redactor::new(self.rules(), self.salt.get().cloned())
    }

    /// Redacts a batch and counts what was found.
    pub fn redact(&self, batch: &mut Batch) {
        let redactor = self.redactor();
        let mut texts = RecordTexts::new(&redactor, Tally::default());
        texts.batch(batch);
        self.count(&redactor, &texts.tally);
    }

    fn count(&self, redactor: &Redactor, tally: &Tally) {
        if tally.is_empty() {
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, found) in tally.counts() {
            if let Some(label) = redactor.labels().get(place) {
                *counts.entry((label.name.clone(), label.action.as_str())).or_default() += found;
            }
        }
    }

    /// How often each rule found something since the start: its name, its action, the count.
    pub fn counts(&self) -> Vec<(String, &'static str, u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|((name, action), count)| (name.clone(), *action, *count)).collect()
    }
}
