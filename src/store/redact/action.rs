//! What becomes of a secret: nothing is left, a mask that names the rule, or a hash that tells equal secrets from others.

use ring::hmac;

use crate::model::id::to_hex;
use crate::model::words::words;

/// Bytes of a hash that are kept: enough to tell secrets apart, too few to be looked up anywhere.
const HASH_BYTES: usize = 8;
/// What every mask begins with.
const MASK: &str = "[redacted:";

words! {
    /// What becomes of a secret.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Action {
        /// Nothing is left of it; an attribute goes with its key.
        Drop = "drop",
        /// `[redacted:RULE]` takes its place.
        #[default]
        Mask = "mask",
        /// `[RULE#HASH]` takes its place, where equal secrets have equal hashes.
        Hash = "hash",
    }
}

/// What hashes are keyed with, so that nobody can try secrets against them who does not have the database.
#[derive(Clone)]
pub struct Salt(hmac::Key);

impl Salt {
    /// A salt of any bytes.
    pub fn new(bytes: &[u8]) -> Salt {
        Salt(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn hash(&self, secret: &str) -> String {
        let tag = hmac::sign(&self.0, secret.as_bytes());
        to_hex(tag.as_ref().get(..HASH_BYTES).unwrap_or_default())
    }
}

// By hand, because the salt must not get into a log this way.
impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(hidden)")
    }
}

impl Action {
    /// What stands in the place of `secret`. Without a salt there is no hash, and a mask takes its place.
    pub(super) fn replacement(self, rule: &str, secret: &str, salt: Option<&Salt>) -> String {
        match (self, salt) {
            (Action::Drop, _) => String::new(),
            (Action::Hash, Some(salt)) => format!("[{rule}#{}]", salt.hash(secret)),
            (Action::Mask | Action::Hash, _) => format!("{MASK}{rule}]"),
        }
    }
}

/// Whether a text is what a rule left behind; it is left as it is, so that redacting again changes nothing.
pub(super) fn is_replacement(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { return false };
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(is_name_byte);
    let is_hash = |hash: &str| hash.len() == 2 * HASH_BYTES && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match inner.split_once('#') {
        Some((name, hash)) => is_name(name) && is_hash(hash),
        None => inner.strip_prefix("redacted:").is_some_and(is_name),
    }
}

/// Whether names of rules may hold this byte.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_left_behind_is_known_again_and_says_nothing_of_the_secret() {
        let salt = Salt::new(b"salt");
        let hash = Action::Hash.replacement("email", "ann@example.com", Some(&salt));
        assert_eq!(hash.len(), "[email#]".len() + 16);
        assert_eq!(hash, Action::Hash.replacement("email", "ann@example.com", Some(&salt)));
        assert_ne!(hash, Action::Hash.replacement("email", "bob@example.com", Some(&salt)));
        assert_ne!(hash, Action::Hash.replacement("email", "ann@example.com", Some(&Salt::new(b"other"))));
        assert_eq!(Action::Hash.replacement("email", "x", None), "[redacted:email]");
        assert_eq!(Action::Drop.replacement("email", "x", Some(&salt)), "");
        assert!(is_replacement(&hash) && is_replacement("[redacted:my-rule_2]"));
        for text in [
            "[redacted:]",
            "[redacted]",
            "redacted:a",
            "[email#zz]",
            "[a#0123456789abcdeg]",
            "[a:0123456789abcdef]",
            "[]",
            "",
        ] {
            assert!(!is_replacement(text), "{text}");
        }
        assert_eq!(format!("{salt:?}"), "Salt(hidden)");
    }
}
