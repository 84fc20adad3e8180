//! Finds secrets in one text. Most texts hold none, so one look at the bytes says what is worth searching for at all.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;
use regex::Regex;
use regex_syntax::hir::literal::Extractor;

use super::action::is_replacement;
use super::keys::KeyPatterns;
use super::known::{Look, Mark, Marks, Seen};

/// Most patterns of one set of rules.
pub(super) const MOST_PATTERNS: usize = 512;
/// A pattern with more beginnings, or with shorter ones, is looked for in every text.
const MOST_BEGINNINGS: usize = 8;
const SHORTEST_BEGINNING: usize = 2;
/// Shorter texts hold no secret of a known kind.
const SHORTEST: usize = 6;

/// Values that are never secrets, wherever they stand.
const TRIVIAL: [&str; 8] = ["true", "false", "null", "none", "nil", "undefined", "required", "optional"];

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secret {
    /// The bytes of the secret.
    pub(super) range: Range<usize>,
    /// Which pattern found it.
    pub(super) pattern: usize,
}

/// What a text is, as far as rules ask.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    /// The key the text stands under, if any.
    pub(super) key: Option<&'a str>,
    /// Whether the text is an id, which looks drawn by lot because it is.
    pub(super) is_id: bool,
}

/// A pattern of a rule.
#[derive(Debug)]
pub(super) struct Pattern {
    how: How,
    /// Only below these keys; everywhere if there are none.
    only: KeyPatterns,
    /// Not below these keys.
    except: KeyPatterns,
    is_email: bool,
    is_guess: bool,
}

#[derive(Debug)]
enum How {
    Regex(Regex),
    Function(fn(&str) -> Vec<Range<usize>>),
}

/// Finds what a set of patterns means.
#[derive(Debug, Default)]
pub(super) struct Finder {
    patterns: Vec<Pattern>,
    words: Option<AhoCorasick>,
    /// The pattern of each of the words.
    pattern_of_word: Vec<usize>,
    everywhere: Vec<usize>,
    /// What a text must have for each of the patterns of one's own that begin with something plain.
    beginnings: Vec<Beginning>,
    /// What a text must have for each of the other patterns.
    marked: Vec<(Mark, usize)>,
}

/// What every match of a pattern begins with.
#[derive(Debug)]
struct Beginning {
    finder: memmem::Finder<'static>,
    /// What a text that holds it must show.
    seen: Seen,
    pattern: usize,
}

impl Pattern {
    /// A pattern of one's own.
    pub(super) fn own(regex: Regex, only: KeyPatterns, except: KeyPatterns) -> Pattern {
        Pattern { how: How::Regex(regex), only, except, is_email: false, is_guess: false }
    }

    /// What every match of the pattern begins with, one of few; `None` when that may be anything.
    fn beginnings(&self) -> Option<Vec<Vec<u8>>> {
        let How::Regex(regex) = &self.how else { return None };
        let parsed = regex_syntax::parse(regex.as_str()).ok()?;
        let literals = Extractor::new().limit_total(MOST_BEGINNINGS).extract(&parsed);
        let beginnings: Vec<Vec<u8>> = literals.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect();
        let is_plain = !beginnings.is_empty() && beginnings.iter().all(|one| one.len() >= SHORTEST_BEGINNING);
        is_plain.then_some(beginnings)
    }

    fn finds_in(&self, about: About<'_>) -> bool {
        if self.is_guess && about.is_id {
            return false;
        }
        match about.key {
            _ if self.only.is_empty() && self.except.is_empty() => true,
            Some(key) => (self.only.is_empty() || self.only.has(key)) && !self.except.has(key),
            None => self.only.is_empty(),
        }
    }

    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let regex = match &self.how {
            How::Function(find) => return find(text),
            How::Regex(regex) => regex,
        };
        if regex.captures_len() == 1 {
            return regex.find_iter(text).map(|found| found.range()).collect();
        }
        let secret = |captures: regex::Captures<'_>| {
            let group = captures.iter().skip(1).flatten().next();
            group.or_else(|| captures.get(0)).map(|found| found.range())
        };
        regex.captures_iter(text).filter_map(secret).collect()
    }
}

impl Finder {
    /// How many patterns there are.
    pub(super) fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there are patterns that a number may match.
    pub(super) fn may_match_numbers(&self) -> bool {
        let is_in_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let is_number = |beginning: &Beginning| beginning.finder.needle().iter().all(is_in_number);
        !self.everywhere.is_empty() || self.beginnings.iter().any(is_number)
    }

    /// Adds a pattern of one's own, which is looked for in every text that has one of the beginnings of what it matches.
    pub(super) fn add_own(&mut self, pattern: Pattern) {
        let place = self.patterns.len();
        match pattern.beginnings() {
            Some(beginnings) => {
                self.beginnings.extend(beginnings.iter().map(|beginning| Beginning {
                    finder: memmem::Finder::new(beginning).into_owned(),
                    seen: Seen::of(beginning),
                    pattern: place,
                }));
            }
            None => self.everywhere.push(place),
        }
        self.patterns.push(pattern);
    }

    /// Adds a known kind, and its words to `words`.
    ///
    /// # Errors
    /// None that is known: the patterns are our own.
    pub(super) fn add_kind(
        &mut self,
        name: &str,
        look: &Look,
        words: &mut Vec<&'static str>,
        (only, except): (KeyPatterns, KeyPatterns),
    ) -> Result<(), regex::Error> {
        let place = self.patterns.len();
        let how = match look {
            Look::Fields(_) => return Ok(()),
            Look::Checked { find, .. } => How::Function(*find),
            Look::Pattern { pattern, .. } | Look::Marked { pattern, .. } => How::Regex(Regex::new(pattern)?),
        };
        match look {
            Look::Pattern { words: of_kind, .. } => {
                words.extend(*of_kind);
                self.pattern_of_word.extend(of_kind.iter().map(|_| place));
            }
            Look::Marked { mark, .. } | Look::Checked { mark, .. } => self.marked.push((*mark, place)),
            Look::Fields(_) => {}
        }
        self.patterns.push(Pattern { how, only, except, is_email: name == "email", is_guess: name == "high_entropy" });
        Ok(())
    }

    /// Makes the search for the words of all kinds that were added.
    ///
    /// # Errors
    /// None that is known: the words are our own.
    pub(super) fn search_words(&mut self, words: &[&str]) -> Result<(), aho_corasick::BuildError> {
        if !words.is_empty() {
            let mut builder = AhoCorasick::builder();
            builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::DFA));
            self.words = Some(builder.build(words)?);
        }
        Ok(())
    }

    /// The secrets in a text, in order; no two overlap.
    pub(super) fn find(&self, text: &str, about: About<'_>) -> Vec<Secret> {
        let mut wanted = Wanted::default();
        self.everywhere.iter().for_each(|pattern| wanted.add(*pattern));
        if text.len() >= SHORTEST || !self.beginnings.is_empty() {
            let seen = Seen::of(text.as_bytes());
            for Beginning { finder, seen: own, pattern } in &self.beginnings {
                if seen.may_hold(own) && finder.find(text.as_bytes()).is_some() {
                    wanted.add(*pattern);
                }
            }
            if text.len() >= SHORTEST {
                self.want_kinds(text, &seen, &mut wanted);
            }
        }
        if wanted.is_empty() { Vec::new() } else { self.find_wanted(text, about, &wanted) }
    }

    fn find_wanted(&self, text: &str, about: About<'_>, wanted: &Wanted) -> Vec<Secret> {
        let mut found: Vec<Secret> = Vec::new();
        for place in wanted.patterns() {
            let Some(pattern) = self.patterns.get(place).filter(|pattern| pattern.finds_in(about)) else { continue };
            for range in pattern.find(text) {
                let secret = text.get(range.clone()).unwrap_or_default();
                let is_known = |known: &Secret| known.range.start < range.end && range.start < known.range.end;
                // The password in front of a host is no mailbox at that host.
                let is_in_another = pattern.is_email && found.iter().any(is_known);
                if !is_in_another && !is_no_secret(secret) {
                    found.push(Secret { range, pattern: place });
                }
            }
        }
        join_overlapping(found)
    }

    /// What [`Finder::find`] finds, by trying every pattern that the length of words, the digits and the signs of a text
    /// do not rule out; what is quicker has to come to the same.
    #[cfg(test)]
    pub(super) fn find_plainly(&self, text: &str, about: About<'_>) -> Vec<Secret> {
        let is_word = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
        let longest_word = text.split(|character| !is_word(character)).map(str::len).max().unwrap_or_default();
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let has_words = longest_word >= 16 || text.contains([':', '=']) || text.len() >= 128;
        let mut wanted = Wanted::default();
        (0..self.patterns.len()).filter(|_| has_words).for_each(|pattern| wanted.add(pattern));
        for (mark, pattern) in &self.marked {
            let is_wanted = match mark {
                Mark::At => text.contains(['@', '%']),
                Mark::Card | Mark::BankAccount | Mark::SocialSecurity => digits >= 9,
                Mark::LongRun | Mark::Drawn => longest_word >= 12,
            };
            wanted.set(*pattern, is_wanted);
        }
        if text.len() >= SHORTEST { self.find_wanted(text, about, &wanted) } else { Vec::new() }
    }

    fn want_kinds(&self, text: &str, seen: &Seen, wanted: &mut Wanted) {
        let marks = Marks::of(text.as_bytes(), seen);
        if !marks.is_empty() {
            let marked = self.marked.iter().filter(|(mark, _)| marks.has(*mark));
            marked.for_each(|(_, pattern)| wanted.add(*pattern));
        }
        if let Some(words) = self.words.as_ref().filter(|_| marks.may_have_words()) {
            for word in words.find_overlapping_iter(text) {
                if let Some(pattern) = self.pattern_of_word.get(word.pattern().as_usize()) {
                    wanted.add(*pattern);
                }
            }
        }
    }
}

fn is_no_secret(text: &str) -> bool {
    text.is_empty() || is_replacement(text) || TRIVIAL.iter().any(|trivial| trivial.eq_ignore_ascii_case(text))
}

/// Makes one of secrets that overlap: nothing of either may be left.
fn join_overlapping(mut found: Vec<Secret>) -> Vec<Secret> {
    found.sort_by_key(|secret| (secret.range.start, secret.pattern));
    let mut joined: Vec<Secret> = Vec::with_capacity(found.len());
    for secret in found {
        match joined.last_mut().filter(|last| secret.range.start < last.range.end) {
            Some(last) => {
                last.range.end = last.range.end.max(secret.range.end);
                last.pattern = last.pattern.min(secret.pattern);
            }
            None => joined.push(secret),
        }
    }
    joined
}

/// Which patterns are worth a search in a text.
#[derive(Default)]
struct Wanted([u64; MOST_PATTERNS / 64]);

impl Wanted {
    fn add(&mut self, pattern: usize) {
        if let Some(word) = self.0.get_mut(pattern / 64) {
            *word |= 1 << (pattern % 64);
        }
    }

    #[cfg(test)]
    fn set(&mut self, pattern: usize, is_wanted: bool) {
        if let Some(word) = self.0.get_mut(pattern / 64) {
            *word = *word & !(1 << (pattern % 64)) | u64::from(is_wanted) << (pattern % 64);
        }
    }

    /// The patterns, in order.
    fn patterns(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(place, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.checked_sub(1)?;
                Some(place * 64 + bit)
            })
        })
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pattern: &str) -> Pattern {
        Pattern::own(Regex::new(pattern).expect("a pattern"), KeyPatterns::default(), KeyPatterns::default())
    }

    #[test]
    fn what_a_pattern_begins_with_is_known_where_it_is_plain() {
        let beginnings = |pattern: &str| {
            let found = own(pattern).beginnings()?;
            Some(found.into_iter().map(|one| String::from_utf8(one).expect("text")).collect::<Vec<_>>())
        };
        assert_eq!(beginnings(r"\bEMP-\d{6}\b"), Some(vec!["EMP-".to_owned()]));
        assert_eq!(beginnings(r"badge=(\w+)"), Some(vec!["badge=".to_owned()]));
        assert_eq!(beginnings("(?:ab1|cd2)[a-z]"), Some(vec!["ab1".to_owned(), "cd2".to_owned()]));
        for any in [r"\d{4}", ".*secret", "x", "", "(?:a|b|c|d|e|f|g|h|i)(?:1|2|3)"] {
            assert_eq!(beginnings(any), None, "{any}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_of_ones_own_finds_all_that_it_matches(before in "[A-Z0-9@:=a-g-]{0,20}", number in 100_000..999_999_u32, behind in ".{0,9}") {
            let mut finder = Finder::default();
            finder.add_own(own(r"EMP-\d{6}"));
            finder.add_own(own(r"ad\d{6}"));
            for secret in [format!("EMP-{number}"), format!("ad{number}")] {
                let text = format!("{before}{secret}{behind}");
                let found = finder.find(&text, About::default());
                proptest::prop_assert!(found.iter().any(|found| text[found.range.clone()].contains(&secret)), "{text}");
            }
        }
    }

    #[test]
    fn numbers_are_looked_through_when_a_pattern_may_mean_them() {
        for (pattern, may) in [(r"EMP-\d+", false), (r"\d{6}", true), ("4711[0-9]", true), ("-1[0-9]", true)] {
            let mut finder = Finder::default();
            finder.add_own(own(pattern));
            assert_eq!(finder.may_match_numbers(), may, "{pattern}");
        }
    }

    #[test]
    fn secrets_that_overlap_become_one_that_covers_both() {
        let secret = |start, end, pattern| Secret { range: start..end, pattern };
        let joined = join_overlapping(vec![secret(5, 9, 3), secret(0, 6, 7), secret(9, 12, 1), secret(20, 22, 0)]);
        assert_eq!(joined, [secret(0, 9, 3), secret(9, 12, 1), secret(20, 22, 0)]);
    }

    #[test]
    fn patterns_that_are_wanted_come_in_order() {
        let mut wanted = Wanted::default();
        assert!(wanted.is_empty() && wanted.patterns().next().is_none());
        [511, 0, 64, 63, 3, 9_999].into_iter().for_each(|pattern| wanted.add(pattern));
        assert_eq!(wanted.patterns().collect::<Vec<_>>(), [0, 3, 63, 64, 511]);
    }
}
