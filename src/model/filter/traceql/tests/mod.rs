//! Queries as texts that can be read or not, and what they say of small traces.

mod meaning;
mod measures;
mod reading;
