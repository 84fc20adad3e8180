//! What was acknowledged: a number for each request, so that hours of them fit into memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::unit::Unit;

/// What is known of a unit that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was answered with success: it is there from now on.
    Acknowledged,
    /// It was not answered: it may be there, all of it or nothing.
    InDoubt,
}

/// The units that were sent.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<BTreeMap<Unit, State>>);

impl Ledger {
    /// Notes what became of a unit. What was acknowledged once stays so.
    pub fn note(&self, unit: Unit, state: State) {
        let mut units = self.lock();
        let known = units.entry(unit).or_insert(state);
        if state == State::Acknowledged {
            *known = state;
        }
    }

    /// What is known of a unit; `None` when it was never sent.
    pub fn state(&self, unit: Unit) -> Option<State> {
        self.lock().get(&unit).copied()
    }

    /// Every unit and what is known of it.
    pub fn all(&self) -> Vec<(Unit, State)> {
        self.lock().iter().map(|(unit, state)| (*unit, *state)).collect()
    }

    /// How many requests were sent, repetitions not counted.
    pub fn requests(&self) -> u64 {
        self.lock().len() as u64
    }

    /// How many records were acknowledged.
    pub fn acknowledged(&self) -> u64 {
        let units = self.lock();
        units.iter().filter(|(_, state)| **state == State::Acknowledged).map(|(unit, _)| unit.records()).sum()
    }

    /// How many requests are in doubt.
    pub fn in_doubt(&self) -> u64 {
        self.lock().values().filter(|state| **state == State::InDoubt).count() as u64
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Unit, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
