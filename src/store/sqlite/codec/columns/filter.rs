//! Which traces a segment may hold, and which keys a run of the index of traces: a Bloom filter of eleven bits for each,
//! wrong once in 200 times.

use xxhash_rust::xxh3::xxh3_64;

use super::super::bytes::put_trace_id;
use crate::model::TraceId;

/// Bits per trace id.
const BITS_PER_ID: usize = 11;
/// Bits set for each trace id.
const PROBES: u64 = 7;
/// First byte of a filter.
const VERSION: u8 = 1;

/// A filter over these ids; repeated ids cost room but no harm.
pub fn build<'a>(ids: impl ExactSizeIterator<Item = &'a TraceId>) -> Vec<u8> {
    build_of_hashes(ids.map(hash_of))
}

/// A filter over keys.
pub fn build_of_keys(keys: impl ExactSizeIterator<Item = u64>) -> Vec<u8> {
    build_of_hashes(keys.map(|key| xxh3_64(&key.to_le_bytes())))
}

fn build_of_hashes(hashes: impl ExactSizeIterator<Item = u64>) -> Vec<u8> {
    let mut filter = vec![0; 1 + (hashes.len() * BITS_PER_ID).div_ceil(8).max(1)];
    filter[0] = VERSION;
    for hash in hashes {
        for bit in probes(hash, filter.len() - 1) {
            filter[1 + bit / 8] |= 1 << (bit % 8);
        }
    }
    filter
}

/// Whether the trace may be among those the filter was built from; false is certain. True for anything that is no
/// filter, because a damaged filter must not hide a trace.
pub fn may_contain(trace_filter: &[u8], id: &TraceId) -> bool {
    may_contain_hash(trace_filter, hash_of(id))
}

/// Whether the key may be among those the filter was built from; false is certain, as for [`may_contain`].
pub fn may_contain_key(filter: &[u8], key: u64) -> bool {
    may_contain_hash(filter, xxh3_64(&key.to_le_bytes()))
}

fn may_contain_hash(filter: &[u8], hash: u64) -> bool {
    match filter {
        [VERSION, bits @ ..] if !bits.is_empty() => {
            probes(hash, bits.len()).all(|bit| bits.get(bit / 8).is_none_or(|byte| byte & (1 << (bit % 8)) != 0))
        }
        _ => true,
    }
}

fn hash_of(id: &TraceId) -> u64 {
    let mut raw = Vec::with_capacity(32);
    put_trace_id(&mut raw, id);
    xxh3_64(&raw)
}

fn probes(hash: u64, bytes: usize) -> impl Iterator<Item = usize> {
    let (first, step) = (hash & 0xffff_ffff, (hash >> 32) | 1);
    let bits = bytes as u64 * 8;
    (0..PROBES).map(move |probe| (first.wrapping_add(probe.wrapping_mul(step)) % bits) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(from: u8) -> Vec<TraceId> {
        (0..=255).map(|low| TraceId::Otel([from, low, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7])).collect()
    }

    #[test]
    fn every_id_put_in_is_found_and_few_others_are() {
        let filter = build(ids(1).iter());
        assert!(ids(1).iter().all(|id| may_contain(&filter, id)));
        assert!(ids(2).iter().filter(|id| may_contain(&filter, id)).count() < 8);
    }

    #[test]
    fn what_is_no_filter_hides_nothing() {
        let id = TraceId::parse("order-1").expect("valid");
        for damaged in [&[][..], &[VERSION], &[9, 0, 0]] {
            assert!(may_contain(damaged, &id));
        }
    }
}
