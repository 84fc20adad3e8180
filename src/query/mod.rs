//! Floor 3: answers. Functions over `&dyn Backend` that no backend has to re-implement.

pub mod copy;
pub mod current;
pub mod dead_letters;
pub mod facets;
pub mod issues;
pub mod keys;
pub mod logs;
pub mod resolve;
pub mod show;
pub mod tail;
pub mod trace_issues;
pub mod tree;

pub use current::{Current, Environment, Source, Traceparent, current};
pub use resolve::{ResolveError, resolve};
pub use show::{TraceReport, Warning};
pub use tail::{Tail, TailQuery};
pub use tree::Tree;
