//! Floor 3: answers. Functions over `&dyn Backend` that no backend has to re-implement.

pub mod contrast;
pub mod copy;
pub mod current;
pub mod dead_letters;
pub mod doctor;
pub mod facets;
pub mod issues;
pub mod keys;
pub mod logs;
pub mod present;
pub mod project_view;
pub mod records;
pub mod resolve;
#[cfg(test)]
pub(crate) mod samples;
pub mod saved;
pub mod sql;
pub mod tail;
pub mod trace;

pub use current::{Current, Environment, Source, Traceparent, current};
pub use project_view::ProjectView;
pub use resolve::{ResolveError, resolve};
pub use tail::{Tail, TailQuery};
pub use trace::{TraceReport, Tree, Warning};
