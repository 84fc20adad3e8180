//! Why nothing of a request was taken, in the words of no protocol: what failures are counted under, which HTTP status
//! they are, and one plain sentence. Everything that may pass is 503, which senders try again.

use std::time::Duration;

use http::StatusCode;

use crate::causes::with_causes;
use crate::decode::body::BodyError;
use crate::decode::{checkpoint, logs, otlp};
use crate::server::access::Forbidden;
use crate::store;
use crate::store::wire::WireError;

/// The word for refusals because of who the caller is.
const DENIED: &str = "denied";

/// Why nothing of a request was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The body is not what it says it is; what is wrong with it.
    Malformed(String),
    /// The body is another format than its head says; which, in one sentence.
    Mislabelled(&'static str),
    /// The body is not compressed the way its head says; what is wrong with it.
    BadCompression(String),
    /// The body is not what the checkpoint API takes; the answer in the words of that API.
    Invalid(checkpoint::Refusal),
    /// The content type is none that is taken here; which ones are, in one sentence.
    MediaType(&'static str),
    /// The body is, or becomes, larger than the cap.
    TooLarge,
    /// The body holds more records than one request may; one sentence.
    TooMany(String),
    /// The body is compressed in a way nobody here understands; what is understood.
    UnknownEncoding(String),
    /// The body did not arrive in time.
    Slow,
    /// The request may succeed later: why not now, in one word and one sentence.
    Later(&'static str, &'static str),
    /// The caller did too much of late: of what, in one word and one sentence, and the seconds to wait.
    TooOften(&'static str, &'static str, u64),
    /// The caller may not do this.
    Denied(Forbidden),
}

impl Refusal {
    /// The word that the failure is counted under.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Refusal::Malformed(_) | Refusal::Invalid(_) => "malformed",
            Refusal::Mislabelled(_) => "mislabelled",
            Refusal::BadCompression(_) => "bad_compression",
            Refusal::MediaType(_) => "media_type",
            Refusal::TooLarge | Refusal::TooMany(_) => "too_large",
            Refusal::UnknownEncoding(_) => "unknown_encoding",
            Refusal::Slow => "slow",
            Refusal::Later(reason, _) | Refusal::TooOften(reason, ..) => reason,
            Refusal::Denied(_) => DENIED,
        }
    }

    /// Whether the caller is refused for who they are, or for the keys they tried.
    pub(crate) fn is_denial(&self) -> bool {
        self.reason() == DENIED
    }

    /// The HTTP status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Refusal::Malformed(_) | Refusal::Mislabelled(_) | Refusal::BadCompression(_) => StatusCode::BAD_REQUEST,
            Refusal::Invalid(refusal) => {
                StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY)
            }
            Refusal::TooLarge | Refusal::TooMany(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::UnknownEncoding(_) | Refusal::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Slow => StatusCode::REQUEST_TIMEOUT,
            Refusal::Later(..) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::TooOften(..) => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Denied(forbidden) => forbidden.status,
        }
    }

    /// The seconds after which to try again; `None` when that is for the answer to say, or of no use.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Refusal::TooOften(.., seconds) => Some(*seconds),
            _ => None,
        }
    }

    /// The refusal of records beyond the quota of a caller, who may go on after a pause.
    pub(crate) fn quota(pause: Duration) -> Refusal {
        Refusal::TooOften("quota", "this is more than the quota of this caller", whole_seconds(pause))
    }

    /// The refusal of a wrong key from an address that tried many, and may try again after a pause.
    pub(crate) fn too_many_keys(pause: Duration) -> Refusal {
        Refusal::TooOften(DENIED, "too many wrong keys came from this address", whole_seconds(pause))
    }

    /// The refusal when the store failed: always that it may work later, because a client that hears anything else
    /// throws its batch away, and never where our files lie.
    pub(crate) fn from_store(error: &store::Error) -> Refusal {
        let (reason, sentence) = match error {
            store::Error::DiskFull => ("disk_full", "the disk is full"),
            store::Error::SizeLimit => ("disk_full", "the database is as large as a file may be here"),
            store::Error::LogHeld(_) => {
                ("log_held", "the log of the database cannot be emptied while someone reads it")
            }
            store::Error::Locked(_) => ("locked", "the database is locked"),
            store::Error::Busy => ("overload", "too much is waiting to be written, try again"),
            store::Error::TooSlow => ("slow", "the answer takes too long; ask for less, or try again later"),
            store::Error::Closed => ("stopping", "the server is stopping"),
            store::Error::Gone(_) => ("gone", "the database file was removed, replaced or overwritten"),
            store::Error::ReadOnly | store::Error::Lacks { .. } => ("read_only", "the database is read-only"),
            store::Error::Corrupt(_) => ("corrupt", "the database is corrupt"),
            _ => ("storage", "the database failed"),
        };
        Refusal::Later(reason, sentence)
    }

    /// The refusal in one plain sentence; `cap_bytes` is how large the body may be.
    pub(crate) fn message(&self, cap_bytes: usize) -> String {
        match self {
            Refusal::Malformed(detail)
            | Refusal::BadCompression(detail)
            | Refusal::UnknownEncoding(detail)
            | Refusal::TooMany(detail) => detail.clone(),
            Refusal::Invalid(refusal) => refusal.to_string(),
            Refusal::Mislabelled(sentence) | Refusal::MediaType(sentence) => (*sentence).to_owned(),
            Refusal::TooLarge => format!("the body is larger than {cap_bytes} bytes, as sent or inflated"),
            Refusal::Slow => "the body did not arrive in time".to_owned(),
            Refusal::Later(_, sentence) => (*sentence).to_owned(),
            Refusal::TooOften(_, sentence, seconds) => format!("{sentence}, try again in {seconds} s"),
            Refusal::Denied(forbidden) => forbidden.detail.to_owned(),
        }
    }
}

fn whole_seconds(pause: Duration) -> u64 {
    (pause.as_secs() + u64::from(pause.subsec_nanos() > 0)).max(1)
}

impl From<Forbidden> for Refusal {
    fn from(forbidden: Forbidden) -> Refusal {
        Refusal::Denied(forbidden)
    }
}

impl From<otlp::DecodeError> for Refusal {
    fn from(error: otlp::DecodeError) -> Refusal {
        Refusal::Malformed(error.to_string())
    }
}

impl From<checkpoint::Refusal> for Refusal {
    fn from(refusal: checkpoint::Refusal) -> Refusal {
        Refusal::Invalid(refusal)
    }
}

impl From<logs::DecodeError> for Refusal {
    fn from(error: logs::DecodeError) -> Refusal {
        match error {
            logs::DecodeError::TooMany => Refusal::TooMany(error.to_string()),
            logs::DecodeError::Empty | logs::DecodeError::NotEntries(_) => Refusal::Malformed(error.to_string()),
        }
    }
}

impl From<WireError> for Refusal {
    fn from(error: WireError) -> Refusal {
        Refusal::Malformed(error.to_string())
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Refusal {
        match error {
            BodyError::TooLarge { .. } => Refusal::TooLarge,
            BodyError::Unsupported(_) => Refusal::UnknownEncoding(error.to_string()),
            BodyError::Corrupt { .. } => Refusal::BadCompression(with_causes(&error)),
        }
    }
}

/// The refusal when the budget is used up.
pub(crate) const NO_ROOM: Refusal = Refusal::Later("overload", "too many bytes are under way, try again");
/// The refusal when a handler failed in a way nobody foresaw.
pub(crate) const PANIC: Refusal = Refusal::Later("panic", "the server failed on this request, try again");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_storage_error_is_one_to_try_again() {
        for error in [
            store::Error::DiskFull,
            store::Error::SizeLimit,
            store::Error::LogHeld("process 7".to_owned()),
            store::Error::Busy,
            store::Error::Closed,
            store::Error::ReadOnly,
            store::Error::Corrupt("page 7".to_owned()),
            store::Error::Gone("/secret/path".into()),
            store::Error::Io("/secret/path".into()),
        ] {
            let refusal = Refusal::from_store(&error);
            assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(!refusal.message(1).contains("secret"), "{refusal:?}");
        }
    }
}
