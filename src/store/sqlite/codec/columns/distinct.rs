//! Things that many rows share, each once.

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

/// Distinct things, numbered from 0 as they first come.
pub type Distinct<T> = IndexSet<T, FxBuildHasher>;
