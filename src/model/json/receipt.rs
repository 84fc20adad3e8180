//! What became of a write or a deletion, in numbers.

use super::document::document;
use super::scalar::Lenient;
use crate::model::{Removed, Written};

document! {
    Written as written {
        "accepted": accepted,
        "duplicates": duplicates,
    }
    from(json) {}
}

document! {
    Removed as removed {
        "traces": traces,
        "spans": spans,
        "checkpoints": checkpoints,
        "logs": logs,
        "issues": issues as Lenient,
    }
    from(json) {}
}
