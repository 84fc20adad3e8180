//! The request that log records came with, which tells equal lines of different requests apart.
//!
//! A request is known by what it holds, not by its bytes: sent again in another encoding it is the same one.

use super::identity::hash_of_logs;
use crate::model::Batch;

/// How far apart the requests of two equal parts of one lie.
const PART_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Gives the log records of a batch, just decoded, the request they came with: a hash of all of them, and of which part
/// of the request they are.
pub fn assign_requests(batch: &mut Batch, part: u64) {
    if batch.logs.is_empty() {
        return;
    }
    // Zero is no request.
    let request = hash_of_logs(&batch.logs).wrapping_add(part.wrapping_mul(PART_STEP)).max(1);
    batch.logs.iter_mut().for_each(|log| log.request = request);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{content_identities, identities};
    use crate::model::{LogRecord, Record, Text};

    fn observed(times: &[u64]) -> Batch {
        let log = |time: &u64| LogRecord { message: Text::from("down"), request: *time, ..LogRecord::default() };
        let mut batch = Batch { logs: times.iter().map(log).collect(), ..Batch::default() };
        assign_requests(&mut batch, 0);
        batch
    }

    fn log_identities(batch: &Batch) -> Vec<u64> {
        identities(batch.logs.iter().cloned().map(Record::Log).collect::<Vec<_>>().iter())
    }

    #[test]
    fn equal_log_records_of_different_requests_are_different_and_a_request_sent_again_is_not() {
        let (first, again) = (observed(&[5, 6]), observed(&[5, 6]));
        assert_eq!(log_identities(&first), log_identities(&again));
        for other in [&[5_u64, 7][..], &[6, 5], &[5], &[5, 6, 6], &[0, 0]] {
            let other = log_identities(&observed(other));
            assert!(log_identities(&first).iter().all(|one| !other.contains(one)), "{other:?}");
        }
        let of_part = |part| {
            let mut batch = observed(&[5]);
            assign_requests(&mut batch, part);
            log_identities(&batch)
        };
        assert_ne!(of_part(0), of_part(1), "equal records in two parts of one request are two");
    }

    #[test]
    fn what_came_with_no_request_is_compared_by_its_content() {
        let records = |batch: &Batch| batch.logs.iter().cloned().map(Record::Log).collect::<Vec<_>>();
        let stored = [records(&observed(&[5])), records(&observed(&[6, 6]))].concat();
        let plain = LogRecord { message: Text::from("down"), ..LogRecord::default() };
        let file = [plain.clone(), plain.clone(), plain.clone(), plain].map(Record::Log);
        let known = content_identities(stored.iter());
        let new = identities(file.iter()).into_iter().filter(|one| !known.contains(one)).count();
        assert_eq!(new, 1, "three of four are there");
    }
}
