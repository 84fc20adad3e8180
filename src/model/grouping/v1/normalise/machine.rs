//! What machines are called that a machine gave the name to: hardware addresses, and pods of Kubernetes.

use super::bytes::{count, ends_at};

/// Characters of the random parts of a pod's name: none of which words, or words anybody minds, could be made.
const POD: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Pairs of digits of the longest fingerprint.
const MOST_PAIRS: usize = 64;

/// How many bytes of a text are such a name, and what for. `previous` is the byte before.
pub fn at(rest: &[u8], previous: u8) -> Option<(usize, &'static str)> {
    let pod = || pod(rest).filter(|_| previous == b'-').map(|length| (length, "<id>"));
    hardware(rest).map(|length| (length, "<hex>")).or_else(pod)
}

/// `4f:f4:e4:8f:31:05`, and fingerprints, which are longer.
fn hardware(rest: &[u8]) -> Option<usize> {
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
    let [first, second, rest_of @ ..] = rest else { return None };
    let is_more = |piece: &&[u8]| matches!(piece, [b':', first, second] if is_digit(first) && is_digit(second));
    let more = rest_of.chunks(3).take(MOST_PAIRS).take_while(is_more).count();
    let length = 2 + 3 * more;
    (more >= 5 && is_digit(first) && is_digit(second) && ends_at(rest, length)).then_some(length)
}

/// `6h942zfvtv-lpz7p` of `checkout-6h942zfvtv-lpz7p`: the replica set and the pod.
fn pod(rest: &[u8]) -> Option<usize> {
    let set = count(rest.get(..11).unwrap_or(rest), |byte| POD.contains(&byte));
    let pod = rest.get(set..)?.strip_prefix(b"-")?;
    let is_whole = count(pod.get(..6).unwrap_or(pod), |byte| POD.contains(&byte)) == 5 && ends_at(pod, 5);
    ((8..=10).contains(&set) && is_whole).then_some(set + 6)
}
