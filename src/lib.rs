//! Collect, query and watch traces, in a SQLite file or on a server.

pub mod api;
pub mod cli;
pub mod client;
pub mod decode;
pub mod model;
pub mod query;
pub mod server;
pub mod store;
pub mod view;
