//! Everything that needs more than one module: the real binary, real servers, and rules about the source itself.

mod client_checkpoints;
mod python_answers;
mod server_api;
mod server_checkpoints;
mod server_grpc;
mod server_limits;
mod server_otlp;
mod server_security;
mod server_suite;
mod server_support;
mod suite;
mod suite_kinds;
