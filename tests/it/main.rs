//! Everything that needs more than one module: the real binary, real servers, and rules about the source itself.

mod support;

mod cli_clear;
mod cli_demo;
mod cli_errors;
mod cli_import;
mod cli_list;
mod cli_output;
mod cli_show;
mod cli_start;
mod cli_stats;
mod cli_tail;
mod cli_trace;
mod client_checkpoints;
mod generated;
mod interop;
mod layers;
mod old_files;
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
