//! Floor 1: secrets, which are random, compared without telling how alike they are, and never printed by accident.
//!
//! A key is made where it is shown, by whoever asks for one; only its digest goes anywhere else.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::model::id::to_hex;
use crate::model::{Key, KeyScope, Nanos, RateLimit, Text};

/// What every API key begins with.
pub const KEY_PREFIX: &str = "th_";
/// Characters of a key after its [`KEY_PREFIX`]: 43 of 62 hold more than 256 bits.
const KEY_CHARS: usize = 43;
/// Characters of a key that lists show, [`KEY_PREFIX`] included.
pub const SHOWN_CHARS: usize = 9;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The system gives no random numbers, without which there are no secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandom;

/// 256 random bits in hexadecimal.
///
/// # Errors
/// [`NoRandom`].
pub fn token() -> Result<String, NoRandom> {
    Ok(to_hex(&random::<32>()?))
}

/// 256 random bits.
///
/// # Errors
/// [`NoRandom`].
pub fn random_bytes() -> Result<[u8; 32], NoRandom> {
    random::<32>()
}

/// SHA-256 of a secret: all that is kept and compared of one.
pub fn digest(secret: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Compares digests, in a time that says nothing about them.
pub fn is_equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// A new API key. Whoever holds this can show it once; it is never stored.
pub struct ApiKey(String);

impl ApiKey {
    /// Makes a key for a project, and what a store keeps of it. `scopes` may be in any order and repeat.
    ///
    /// # Errors
    /// [`NoRandom`].
    pub fn issue(project: &str, scopes: &[KeyScope], now: Nanos) -> Result<(ApiKey, Key), NoRandom> {
        let secret = ApiKey(format!("{KEY_PREFIX}{}", random_text()?));
        let digest = digest(&secret.0);
        let key = Key {
            id: Text::from(id_of(&digest)),
            project: Text::from(project),
            prefix: Text::from(shown(&secret.0)),
            digest,
            scopes: KeyScope::ALL.into_iter().filter(|scope| scopes.contains(scope)).collect(),
            limit: RateLimit::default(),
            created: now,
            last_used: None,
            revoked: None,
        };
        Ok((secret, key))
    }

    /// The key itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

// By hand, because the key must not get into a log this way.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}…)", shown(&self.0))
    }
}

/// A secret somebody handed us; printing it for a look inside shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl std::str::FromStr for Hidden {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Hidden, Self::Err> {
        Ok(Hidden(text.to_owned()))
    }
}

/// The id of the key with this digest.
pub fn id_of(digest: &[u8; 32]) -> String {
    to_hex(digest.first_chunk::<4>().unwrap_or(&[0; 4]))
}

fn shown(secret: &str) -> &str {
    secret.get(..SHOWN_CHARS).unwrap_or_default()
}

fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

/// Characters, each as likely as all others.
fn random_text() -> Result<String, NoRandom> {
    let mut text = String::with_capacity(KEY_CHARS);
    while text.len() < KEY_CHARS {
        // Bytes past the last multiple of 62 would make the first characters likelier.
        let usable = random::<64>()?.into_iter().filter(|byte| *byte < 248);
        let chars = usable.filter_map(|byte| ALPHABET.get(usize::from(byte % 62)));
        text.extend(chars.map(|byte| char::from(*byte)).take(KEY_CHARS - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_have_one_length_and_every_character_of_the_alphabet_turns_up() {
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            let (secret, key) = ApiKey::issue("shop", &[KeyScope::Ingest], Nanos(7)).expect("random numbers");
            let text = secret.reveal();
            assert_eq!((text.len(), text.get(..3)), (46, Some("th_")));
            assert!(text.starts_with(key.prefix.as_str()) && key.prefix.len() == SHOWN_CHARS);
            seen.extend(text.bytes().skip(3));
        }
        assert_eq!(seen, ALPHABET.iter().copied().collect::<BTreeSet<u8>>());
    }

    #[test]
    fn no_two_secrets_are_equal() {
        let keys: BTreeSet<String> = (0..100)
            .map(|_| ApiKey::issue("p", &[], Nanos(0)).expect("random numbers").0.reveal().to_owned())
            .collect();
        let tokens: BTreeSet<String> = (0..100).map(|_| token().expect("random numbers")).collect();
        assert_eq!((keys.len(), tokens.len()), (100, 100));
        assert!(tokens.iter().all(|token| token.len() == 64));
    }

    #[test]
    fn what_is_kept_of_a_key_is_its_digest_and_what_is_printed_its_beginning() {
        let scopes = [KeyScope::Admin, KeyScope::Ingest, KeyScope::Admin];
        let (secret, key) = ApiKey::issue("shop", &scopes, Nanos(7)).expect("random numbers");
        assert_eq!(key.digest, digest(secret.reveal()));
        assert_eq!(key.id.as_str(), to_hex(&key.digest[..4]));
        assert_eq!(key.scopes, [KeyScope::Ingest, KeyScope::Admin]);
        let printed = format!("{secret:?} {key:?}");
        assert!(printed.contains(key.prefix.as_str()) && !printed.contains(secret.reveal()), "{printed}");
    }

    #[test]
    fn digests_that_differ_anywhere_are_unequal() {
        let one = digest("a");
        assert!(is_equal(&one, &digest("a")));
        for place in [0, 15, 31] {
            let mut other = one;
            other[place] ^= 1;
            assert!(!is_equal(&one, &other));
        }
    }
}
