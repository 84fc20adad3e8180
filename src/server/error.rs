//! Why a server does not start.

use std::io;

use super::tls::TlsError;
use crate::secret::NoRandom;

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The store it should serve is the server itself.
    #[error("a server cannot relay to itself at {0}")]
    Itself(String),
    /// The certificate cannot be used.
    #[error("cannot speak TLS")]
    Tls(#[from] TlsError),
    /// An address could not be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system gives no random numbers, without which there is no secret to hand to the owner of the server.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}
