//! The streams that are open, so that there are never too many and `/stats` can count them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The streams that are open, by correlation id.
#[derive(Debug, Default, Clone)]
pub(crate) struct OpenStreams(Arc<Mutex<BTreeMap<String, usize>>>);

/// An open stream; closing is dropping.
#[derive(Debug)]
pub(crate) struct OpenStream {
    all: OpenStreams,
    id: String,
}

impl OpenStreams {
    /// Notes that a stream of a correlation id opens; `None` when there are `most` already.
    pub(crate) fn enter(&self, id: &str, most: usize) -> Option<OpenStream> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= most {
            return None;
        }
        *open.entry(id.to_owned()).or_default() += 1;
        drop(open);
        Some(OpenStream { all: self.clone(), id: id.to_owned() })
    }

    /// How many correlation ids are watched, by how many streams.
    pub(crate) fn count(&self) -> (usize, usize) {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (open.len(), open.values().sum())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.id);
            }
        }
    }
}
