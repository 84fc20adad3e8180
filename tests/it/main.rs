//! Everything that needs more than one module: the real binary, real servers, and rules about the source itself.

mod suite;
mod suite_kinds;
