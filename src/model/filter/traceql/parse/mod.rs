//! Text to tree: TraceQL as people and editors write it, refused with the place and the reason where it is none.

mod arithmetic;
mod condition;
mod cursor;
mod number;
mod pipeline;
mod query;
mod token;

pub use query::parse;
