//! The way of every request and the shapes of every answer, whatever is asked: ports and connections ([`listen`],
//! [`connection`]), checks and headers ([`front`], [`gate`]), bodies within limits ([`body`], [`budget`], [`limits`]), answers
//! and refusals ([`answer`], [`refusal`], [`error_style`], [`rpc_answer`]).

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod budget;
pub(crate) mod connection;
pub(crate) mod document;
pub(crate) mod error_style;
pub(crate) mod front;
pub(crate) mod gate;
pub mod limits;
pub(crate) mod listen;
pub(crate) mod proto;
pub(crate) mod refusal;
pub(crate) mod rpc_answer;

pub(crate) use answer::{Answer, Failure, PathId};
pub(crate) use budget::{Budget, Reservation};
pub(crate) use error_style::ErrorStyle;
pub(crate) use gate::Admitted;
pub use limits::Limits;
pub(crate) use limits::{Cap, Caps};
pub(crate) use refusal::Refusal;
