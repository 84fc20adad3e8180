//! Which keys a rule means: globs and regular expressions over names of attributes, headers and fields.
//!
//! Names are compared in small letters, with `_` for `-`. A glob without a dot is also compared with what follows the
//! last dot of a name, so that `password` is `user.password`, too.

use regex::RegexSet;
use rustc_hash::FxHashSet;

/// The keys of a rule.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyPatterns {
    exact: FxHashSet<String>,
    exact_last: FxHashSet<String>,
    whole: Option<RegexSet>,
    last: Option<RegexSet>,
}

impl KeyPatterns {
    /// Reads globs (`*` is any text, `?` any character) and regular expressions.
    ///
    /// # Errors
    /// One of them is too large, or no regular expression.
    pub(super) fn new<'a>(
        globs: impl Iterator<Item = &'a str>,
        regexes: impl Iterator<Item = &'a str>,
    ) -> Result<KeyPatterns, regex::Error> {
        let mut patterns = KeyPatterns::default();
        let (mut whole, mut last) = (Vec::new(), Vec::new());
        for glob in globs {
            let glob = normal(glob);
            let is_exact = !glob.contains(['*', '?']);
            match (is_exact, glob.contains('.')) {
                (true, true) => drop(patterns.exact.insert(glob)),
                (true, false) => drop(patterns.exact_last.insert(glob)),
                (false, true) => whole.push(regex_of(&glob)),
                (false, false) => last.push(regex_of(&glob)),
            }
        }
        whole.extend(regexes.map(|regex| format!("(?i){regex}")));
        patterns.whole = (!whole.is_empty()).then(|| RegexSet::new(whole)).transpose()?;
        patterns.last = (!last.is_empty()).then(|| RegexSet::new(last)).transpose()?;
        Ok(patterns)
    }

    /// Whether there are no keys.
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.exact_last.is_empty() && self.whole.is_none() && self.last.is_none()
    }

    /// Whether a key is meant.
    pub(super) fn has(&self, key: &str) -> bool {
        let key = normal(key);
        let last = key.rsplit('.').next().unwrap_or_default();
        let is_match = |set: &Option<RegexSet>, text: &str| set.as_ref().is_some_and(|set| set.is_match(text));
        self.exact.contains(&key)
            || self.exact_last.contains(last)
            || self.exact_last.contains(&key)
            || is_match(&self.whole, &key)
            || is_match(&self.last, last)
            || (last.len() < key.len() && is_match(&self.last, &key))
    }
}

fn normal(key: &str) -> String {
    key.trim().to_lowercase().replace('-', "_")
}

fn regex_of(glob: &str) -> String {
    let part = |character: char| match character {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        other => regex::escape(&other.to_string()),
    };
    format!("(?s)^{}$", glob.chars().map(part).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_meant_in_any_case_whole_or_by_their_last_part() {
        let globs = ["password", "http.request.header.*", "*_token", "user.?d"];
        let keys = KeyPatterns::new(globs.into_iter(), ["^card\\d+$"].into_iter()).expect("patterns");
        for key in [
            "password",
            "user.Password",
            "http.request.header.x-api-key",
            "HTTP.request.header.cookie",
            "access-token",
            "a.b.refresh_token",
            "user.id",
            "card7",
        ] {
            assert!(keys.has(key), "{key}");
        }
        for key in ["passwords", "http.request.headers", "input_tokens", "token", "user.uid", "id", "discard7", ""] {
            assert!(!keys.has(key), "{key}");
        }
        assert!(KeyPatterns::default().is_empty() && !KeyPatterns::default().has("a"));
    }
}
