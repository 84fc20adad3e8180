//! API keys, without their secrets: a store knows the digest of a key and never the key.

use crate::model::words::words;
use crate::model::{Nanos, RateLimit, Text};

words! {
    /// What a key permits.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum KeyScope {
        /// Send records.
        Ingest = "ingest",
        /// Look.
        Read = "read",
        /// Everything.
        /// To delete, resolve and issue keys, and what the others permit.
        Admin = "admin",
    }
}

/// An API key that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The id of the key, which names it in commands: 8 hex digits.
    pub id: Text,
    /// The project of everything sent with the key.
    pub project: Text,
    /// The first characters of the key, enough to recognise it by.
    pub prefix: Text,
    /// SHA-256 of the key.
    pub digest: [u8; 32],
    /// What the key permits, in the order of [`KeyScope::ALL`], each once.
    pub scopes: Vec<KeyScope>,
    /// What may be sent with the key in a second, in place of what the server lets everyone.
    pub limit: RateLimit,
    /// When the key was issued.
    pub created: Nanos,
    /// When the key was last used, to about a minute; `None` for never.
    pub last_used: Option<Nanos>,
    /// When the key was revoked; `None` while it works.
    pub revoked: Option<Nanos>,
}

/// Longest name of a project, in characters.
const MOST_PROJECT_CHARS: usize = 100;

impl Key {
    /// Whether a text can be the name of a project: not empty, not long, nothing in it that cannot be seen.
    pub fn is_project(name: &str) -> bool {
        let is_hidden = |c: char| {
            c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        };
        !name.is_empty()
            && name.trim() == name
            && name.chars().count() <= MOST_PROJECT_CHARS
            && !name.contains(is_hidden)
    }

    /// Whether the key works and permits this.
    pub fn permits(&self, scope: KeyScope) -> bool {
        self.revoked.is_none() && (self.scopes.contains(&scope) || self.scopes.contains(&KeyScope::Admin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_a_short_name_that_can_be_printed() {
        for (name, is_one) in [
            ("shop", true),
            ("Käse & Söhne", true),
            ("", false),
            (" shop", false),
            ("shop\n", false),
            ("a\u{1b}[2Jb", false),
            ("a\u{202e}b", false),
        ] {
            assert_eq!(Key::is_project(name), is_one, "{name:?}");
        }
        assert!(Key::is_project(&"x".repeat(100)) && !Key::is_project(&"x".repeat(101)));
    }
}
