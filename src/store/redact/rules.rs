//! Rules of redaction, as a TOML file says them; errors name the line.

use std::ops::Range;
use std::path::{Path, PathBuf};

use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::action::{Action, Salt, is_name_byte};
use super::finder::{Finder, MOST_PATTERNS, Pattern};
use super::keys::KeyPatterns;
use super::known::{KINDS, Kind, Look, kinds_named};

/// Largest file of rules, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Largest compiled pattern, in bytes.
const MOST_PATTERN_BYTES: usize = 4 << 20;
/// Longest name of a rule.
const MOST_NAME_BYTES: usize = 64;

/// Why rules cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the rules in `{}`{}: {reason}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct RulesError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; `None` when it is no matter of one line.
    pub line: Option<usize>,
    /// What is wrong, one plain clause.
    pub reason: String,
}

/// Rules that are ready for use.
#[derive(Debug, Default)]
pub struct Rules {
    /// What the rules are called and what they do, in the order of the file; a rule of kinds has one entry for each.
    pub(super) labels: Vec<Label>,
    /// The rules that go by keys alone.
    pub(super) by_key: Vec<ByKey>,
    /// The rules that go by what a text looks like.
    pub(super) finder: Finder,
    /// The label of each pattern of the finder.
    pub(super) label_of_pattern: Vec<usize>,
    /// The salt that the file of rules names.
    pub(super) salt: Option<Salt>,
}

/// The name of a rule, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    /// The name, as counts and masks have it.
    pub(super) name: String,
    /// What becomes of what it finds.
    pub(super) action: Action,
}

/// A rule that goes by keys alone.
#[derive(Debug)]
pub(super) struct ByKey {
    /// The rule's place among the labels.
    pub(super) label: usize,
    /// Whose values are secrets.
    pub(super) keys: KeyPatterns,
    /// Whose are none all the same.
    pub(super) except: KeyPatterns,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    action: Option<Spanned<String>>,
    #[serde(default)]
    salt: Option<Spanned<String>>,
    #[serde(default)]
    rule: Vec<Spanned<Entry>>,
}

/// One rule of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    name: Option<Spanned<String>>,
    #[serde(default)]
    action: Option<Spanned<String>>,
    #[serde(default)]
    keys: Vec<Spanned<String>>,
    #[serde(default)]
    key_patterns: Vec<Spanned<String>>,
    #[serde(default)]
    except_keys: Vec<Spanned<String>>,
    #[serde(default)]
    kinds: Vec<Spanned<String>>,
    #[serde(default)]
    patterns: Vec<Spanned<String>>,
}

/// What is wrong with a file, and where.
struct Fault {
    span: Option<Range<usize>>,
    reason: String,
}

fn fault(span: Range<usize>, reason: impl Into<String>) -> Fault {
    Fault { span: Some(span), reason: reason.into() }
}

impl Rules {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// It cannot be read, or a line of it makes no sense.
    pub fn read(path: &Path) -> Result<Rules, RulesError> {
        let failed = |reason: String| RulesError { path: path.to_owned(), line: None, reason };
        let size = std::fs::metadata(path).map_err(|error| failed(plain(&error)))?.len();
        if size > MOST_BYTES {
            return Err(failed(format!("it has {size} bytes, and the most are {MOST_BYTES}")));
        }
        let bytes = std::fs::read(path).map_err(|error| failed(plain(&error)))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line =
                error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count();
            RulesError { path: path.to_owned(), line: Some(line + 1), reason: "it is not UTF-8".to_owned() }
        })?;
        Rules::parse(&text).map_err(|Fault { span, reason }| {
            let line = span.map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            RulesError { path: path.to_owned(), line, reason }
        })
    }

    /// Rules that mask every known kind of secret.
    pub fn all_kinds() -> Rules {
        // Our own patterns are known to be fine.
        Rules::parse("[[rule]]\nkinds = [\"all\"]\n").unwrap_or_default()
    }

    fn parse(text: &str) -> Result<Rules, Fault> {
        let document: Document = toml::from_str(text)
            .map_err(|error| Fault { span: error.span(), reason: first_line(error.message()).to_owned() })?;
        if document.rule.is_empty() {
            return Err(Fault { span: None, reason: "there is no `[[rule]]` in it".to_owned() });
        }
        let usual = document.action.as_ref().map(read_action).transpose()?.unwrap_or_default();
        let mut reader = Reader { rules: Rules::default(), words: Vec::new(), usual };
        if let Some(salt) = &document.salt {
            if salt.get_ref().len() < 8 {
                return Err(fault(salt.span(), "a salt has at least 8 characters"));
            }
            reader.rules.salt = Some(Salt::new(salt.get_ref().as_bytes()));
        }
        for (place, entry) in document.rule.iter().enumerate() {
            reader.add(place + 1, entry)?;
        }
        let Reader { mut rules, words, .. } = reader;
        rules.finder.search_words(&words).map_err(|error| Fault { span: None, reason: error.to_string() })?;
        Ok(rules)
    }

    /// Whether any rule replaces secrets by hashes without the file of rules naming a salt: the store must have one.
    pub fn wants_salt(&self) -> bool {
        self.salt.is_none() && self.labels.iter().any(|label| label.action == Action::Hash)
    }
}

/// Reads rules one after another.
struct Reader {
    rules: Rules,
    words: Vec<&'static str>,
    usual: Action,
}

impl Reader {
    fn add(&mut self, number: usize, entry: &Spanned<Entry>) -> Result<(), Fault> {
        let span = entry.span();
        let entry = entry.get_ref();
        let action = entry.action.as_ref().map(read_action).transpose()?.unwrap_or(self.usual);
        let name = entry.name.as_ref().map(read_name).transpose()?;
        let keys = key_patterns(&entry.keys, &entry.key_patterns)?;
        let except = key_patterns(&entry.except_keys, &[])?;
        if entry.kinds.is_empty() && entry.patterns.is_empty() {
            if keys.is_empty() {
                return Err(fault(span, "a rule has `keys`, `key_patterns`, `kinds` or `patterns`"));
            }
            let label = self.label(name.unwrap_or_else(|| format!("rule-{number}")), action);
            self.rules.by_key.push(ByKey { label, keys, except });
            return Ok(());
        }
        for kind in &entry.kinds {
            let known = kinds_named(kind.get_ref());
            if known.is_empty() {
                return Err(fault(kind.span(), unknown_kind(kind.get_ref())));
            }
            for kind in known {
                let label = self.label(name.clone().unwrap_or_else(|| kind.name.to_owned()), action);
                self.add_kind(kind, label, (keys.clone(), except.clone()))
                    .map_err(|error| fault(span.clone(), plain(&error)))?;
            }
        }
        for pattern in &entry.patterns {
            let label = self.label(name.clone().unwrap_or_else(|| format!("rule-{number}")), action);
            self.rules.finder.add_own(Pattern::own(read_pattern(pattern)?, keys.clone(), except.clone()));
            self.rules.label_of_pattern.push(label);
        }
        match self.rules.finder.len() > MOST_PATTERNS {
            true => Err(fault(span, format!("these are too many patterns; the most are {MOST_PATTERNS}"))),
            false => Ok(()),
        }
    }

    fn add_kind(&mut self, kind: &Kind, label: usize, keys: (KeyPatterns, KeyPatterns)) -> Result<(), regex::Error> {
        if let Look::Fields(fields) = &kind.look {
            let fields = KeyPatterns::new(fields.iter().copied(), std::iter::empty())?;
            self.rules.by_key.push(ByKey { label, keys: fields, except: keys.1 });
            return Ok(());
        }
        self.rules.finder.add_kind(kind.name, &kind.look, &mut self.words, keys)?;
        self.rules.label_of_pattern.push(label);
        Ok(())
    }

    /// The place of a label, which is made unless it is there.
    fn label(&mut self, name: String, action: Action) -> usize {
        let label = Label { name, action };
        let labels = &mut self.rules.labels;
        labels.iter().position(|known| *known == label).unwrap_or_else(|| {
            labels.push(label);
            labels.len() - 1
        })
    }
}

fn read_action(word: &Spanned<String>) -> Result<Action, Fault> {
    let known = Action::ALL.into_iter().find(|action| action.as_str() == word.get_ref());
    known.ok_or_else(|| {
        fault(word.span(), format!("there is no action `{}`; the actions are drop, mask and hash", word.get_ref()))
    })
}

fn read_name(name: &Spanned<String>) -> Result<String, Fault> {
    let text = name.get_ref();
    let is_fine =
        !text.is_empty() && text.len() <= MOST_NAME_BYTES && text.bytes().all(is_name_byte) && text != "redacted";
    match is_fine {
        true => Ok(text.clone()),
        false => Err(fault(
            name.span(),
            format!(
                "a name has up to {MOST_NAME_BYTES} of the characters a-z, 0-9, `_` and `-`, and is not `redacted`"
            ),
        )),
    }
}

fn read_pattern(pattern: &Spanned<String>) -> Result<Regex, Fault> {
    let built = RegexBuilder::new(pattern.get_ref()).size_limit(MOST_PATTERN_BYTES).build();
    let regex = built.map_err(|error| fault(pattern.span(), no_regex(pattern.get_ref(), &error)))?;
    match regex.is_match("") {
        true => {
            Err(fault(pattern.span(), format!("`{}` matches nothing at all, and so everywhere", pattern.get_ref())))
        }
        false => Ok(regex),
    }
}

fn key_patterns(globs: &[Spanned<String>], regexes: &[Spanned<String>]) -> Result<KeyPatterns, Fault> {
    if let Some(empty) = globs.iter().find(|glob| glob.get_ref().trim().is_empty()) {
        return Err(fault(empty.span(), "a key is empty"));
    }
    for regex in regexes {
        RegexBuilder::new(regex.get_ref())
            .size_limit(MOST_PATTERN_BYTES)
            .build()
            .map_err(|error| fault(regex.span(), no_regex(regex.get_ref(), &error)))?;
    }
    let texts = |texts: &'_ [Spanned<String>]| texts.iter().map(|text| text.get_ref().clone()).collect::<Vec<_>>();
    let (globs_read, regexes_read) = (texts(globs), texts(regexes));
    let built = KeyPatterns::new(globs_read.iter().map(String::as_str), regexes_read.iter().map(String::as_str));
    built.map_err(|error| {
        let first = globs.first().or(regexes.first()).map_or(0..0, Spanned::span);
        fault(first, plain(&error))
    })
}

fn no_regex(pattern: &str, error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => format!("`{pattern}` is too large a pattern"),
        // The last line of several says what is wrong; those before it draw the place.
        error => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("`{pattern}` is no regular expression: {reason}")
        }
    }
}

fn unknown_kind(name: &str) -> String {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    format!("there is no kind `{name}`; there are all, credentials, personal, {}", names.join(", "))
}

/// An error as a clause.
fn plain(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    first_line(&format!("{first}{}", characters.as_str())).to_owned()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rules.toml");
        let cases: [(&str, Option<usize>, &str); 14] = [
            ("", None, "there is no `[[rule]]` in it"),
            ("[[rule]]\nkinds = [\"email\"]\naction = \"burn\"\n", Some(3), "there is no action `burn`"),
            ("# a\n\n[[rule]]\nkinds = [\"jwt\",\n  \"jvt\"]\n", Some(5), "there is no kind `jvt`"),
            (
                "[[rule]]\npatterns = ['a', 'EMP-(\\d+']\n",
                Some(2),
                "`EMP-(\\d+` is no regular expression: unclosed group",
            ),
            ("[[rule]]\nkey_patterns = ['(']\n", Some(2), "`(` is no regular expression"),
            ("[[rule]]\npatterns = ['a*']\n", Some(2), "`a*` matches nothing at all"),
            ("[[rule]]\npatterns = ['(?:a{500}){500}']\n", Some(2), "is too large a pattern"),
            ("[[rule]]\naction = \"drop\"\n", Some(1), "a rule has `keys`"),
            ("[[rule]]\nkeys = [\"a\"]\nname = \"A b\"\n", Some(3), "a name has up to 64"),
            ("[[rule]]\nkeys = [\"a\"]\nkeyz = [\"b\"]\n", Some(3), "unknown field `keyz`"),
            ("[[rule]]\nkeys = \"a\"\n", Some(2), "invalid type: string \"a\""),
            ("[[rule]]\nkeys = [\"a\"\n", Some(2), ""),
            ("salt = \"short\"\n[[rule]]\nkeys = [\"a\"]\n", Some(1), "a salt has at least 8 characters"),
            ("[[rule]]\nkeys = [\" \"]\n", Some(2), "a key is empty"),
        ];
        for (text, line, reason) in cases {
            std::fs::write(&path, text).expect("written");
            let error = Rules::read(&path).expect_err(text);
            assert!(error.reason.starts_with(reason) || error.reason.contains(reason), "{text}: {error}");
            // An array that is not closed is noticed at its end.
            let is_line = error.line == line || (reason.is_empty() && error.line.is_some());
            assert!(is_line, "{text}: {error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        std::fs::write(&path, b"# \xff").expect("written");
        assert!(Rules::read(&path).expect_err("no text").to_string().ends_with("line 1: it is not UTF-8"));
        let missing = Rules::read(&folder.path().join("none.toml")).expect_err("missing").to_string();
        assert!(missing.ends_with("none.toml`: no such file or directory"), "{missing}");
    }

    #[test]
    fn every_known_kind_is_read_and_named_once() {
        let rules = Rules::all_kinds();
        assert_eq!(rules.labels.len(), KINDS.len());
        assert!(rules.labels.iter().all(|label| label.action == Action::Mask && label.name.bytes().all(is_name_byte)));
        assert!(!rules.wants_salt());
        let hashing = Rules::parse("action = \"hash\"\n[[rule]]\nkinds = [\"personal\"]\n").unwrap_or_default();
        assert!(hashing.wants_salt() && hashing.labels.len() == 4);
    }
}
