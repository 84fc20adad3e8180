//! From what a person types for a key to the key: its id, the beginning of its id, the key itself, or what lists show
//! of the key.
//!
//! A key that is typed in full is recognised by its digest and never repeated, in no answer and no error.

use super::resolve::{MAX_CANDIDATES, MIN_PREFIX_CHARS};
use crate::model::Key;
use crate::secret::{self, KEY_PREFIX, SHOWN_CHARS};

/// Why a reference names no one key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No key matches the reference.
    #[error("no key `{0}`")]
    NotFound(String),
    /// More than one id of a key begins with the reference.
    #[error("`{reference}` is ambiguous")]
    Ambiguous {
        /// What was typed.
        reference: String,
        /// Up to five candidates, oldest first.
        candidates: Vec<Key>,
    },
    /// The reference is too short to look for.
    #[error("`{0}` is not the id of a key: it is shorter than 4 characters")]
    TooShort(String),
}

/// The key a reference names.
///
/// # Errors
/// See [`FindError`].
pub fn find<'k>(keys: &'k [Key], reference: &str) -> Result<&'k Key, FindError> {
    let is_key = reference.starts_with(KEY_PREFIX);
    if !is_key && reference.chars().count() < MIN_PREFIX_CHARS {
        return Err(FindError::TooShort(reference.to_owned()));
    }
    let (wanted, digest) = (reference.to_ascii_lowercase(), secret::digest(reference));
    let is_meant = |key: &&Key| match is_key {
        true => secret::is_equal(&key.digest, &digest) || key.prefix == reference,
        false => key.id.starts_with(&wanted),
    };
    let matches: Vec<&Key> = keys.iter().filter(is_meant).collect();
    match matches.as_slice() {
        [] if is_key => Err(FindError::NotFound(shortened(reference))),
        [] => Err(FindError::NotFound(reference.to_owned())),
        [key] => Ok(key),
        many => Err(FindError::Ambiguous {
            reference: reference.to_owned(),
            candidates: many.iter().take(MAX_CANDIDATES).map(|key| (*key).clone()).collect(),
        }),
    }
}

fn shortened(secret: &str) -> String {
    let shown: String = secret.chars().take(SHOWN_CHARS).collect();
    if shown.len() < secret.len() { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{KeyScope, Nanos, Text},
        secret::ApiKey,
    };

    #[test]
    fn ids_are_found_by_their_beginning_and_keys_by_their_digest() {
        let (secret, key) = ApiKey::issue("shop", &[KeyScope::Ingest], Nanos(1)).expect("random numbers");
        let id = |id: &str| Key { id: Text::from(id), ..ApiKey::issue("x", &[], Nanos(2)).expect("random numbers").1 };
        let keys = [id("abcd0001"), id("abcd0002"), id("beef0000"), key.clone()];
        assert_eq!(find(&keys, "abcd0001"), Ok(&keys[0]));
        assert_eq!(find(&keys, "BEEF"), Ok(&keys[2]));
        assert_eq!(find(&keys, secret.reveal()), Ok(&keys[3]));
        assert_eq!(find(&keys, &secret.reveal()[..SHOWN_CHARS]), Ok(&keys[3]));
        assert!(matches!(find(&keys, &secret.reveal()[..SHOWN_CHARS - 1]), Err(FindError::NotFound(_))));
        assert!(matches!(find(&keys, "abcd"), Err(FindError::Ambiguous { candidates, .. }) if candidates == keys[..2]));
        assert_eq!(find(&keys, "bee"), Err(FindError::TooShort("bee".to_owned())));
        assert_eq!(find(&keys, "cafe1234"), Err(FindError::NotFound("cafe1234".to_owned())));
    }

    #[test]
    fn a_key_nobody_knows_is_not_repeated() {
        let (secret, _) = ApiKey::issue("shop", &[], Nanos(1)).expect("random numbers");
        let said = format!("{0} {0:?}", find(&[], secret.reveal()).expect_err("unknown"));
        assert!(said.contains("no key `th_") && !said.contains(&secret.reveal()[SHOWN_CHARS..]), "{said}");
    }
}
