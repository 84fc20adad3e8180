//! Applies rules to single texts, and counts what they found and where.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::action::{Action, Salt, is_replacement};
use super::finder::About;
use super::json_text::{self, Editor, apply_edits, quote};
use super::rules::{Label, Rules};

/// Most places that are told apart.
const MOST_PLACES: usize = 1_000;
/// JSON within texts of JSON within texts is looked through this deep.
const MOST_WITHIN: usize = 4;

/// Rules and the salt their hashes are keyed with.
#[derive(Debug, Clone)]
pub struct Redactor {
    rules: Arc<Rules>,
    salt: Option<Salt>,
}

/// What rules found: how often each, and where, when that was asked for.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Vec<u64>,
    places: Option<BTreeMap<(usize, String), u64>>,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Which part of which kind of record: `span attribute`.
    pub(super) part: &'static str,
    /// The key it stands under, if any.
    pub(super) key: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// A part of a record that has no key.
    pub(super) fn of(part: &'static str) -> Place<'a> {
        Place { part, key: None }
    }
}

impl Tally {
    /// A tally that also says where.
    pub(super) fn with_places() -> Tally {
        Tally { places: Some(BTreeMap::new()), ..Tally::default() }
    }

    fn add(&mut self, label: usize, place: Place<'_>) {
        if self.counts.len() <= label {
            self.counts.resize(label + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(label) {
            *count += 1;
        }
        let Some(places) = &mut self.places else { return };
        let place = match place.key {
            Some(key) => format!("{} {key}", place.part),
            None => place.part.to_owned(),
        };
        let key = (label, place);
        if places.len() < MOST_PLACES || places.contains_key(&key) {
            *places.entry(key).or_default() += 1;
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    /// How many secrets were found.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How often each rule found something, by its place among the labels; only those that did.
    pub(super) fn counts(&self) -> impl Iterator<Item = (usize, u64)> {
        self.counts.iter().copied().enumerate().filter(|(_, count)| *count > 0)
    }

    /// How often each rule found something in each place.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, &str, u64)> {
        self.places.iter().flatten().map(|((label, place), count)| (*label, place.as_str(), *count))
    }
}

impl Redactor {
    /// A redactor; a salt of the rules' own goes before this one, and without any, hashes are masks.
    pub fn new(rules: Arc<Rules>, salt: Option<Salt>) -> Redactor {
        let salt = rules.salt.clone().or(salt);
        Redactor { rules, salt }
    }

    /// The names of the rules and what they do.
    pub(super) fn labels(&self) -> &[Label] {
        &self.rules.labels
    }

    /// A text without its secrets, which stands under `key` if it has one; `None` when there are none in it.
    pub fn text(&self, key: Option<&str>, text: &str, tally: &mut Tally) -> Option<String> {
        if let Some(label) = key.and_then(|key| self.rule_for_key(key)) {
            return self.replacement(label, text, Place { part: "text", key }, tally);
        }
        self.content(text, Place { part: "text", key }, tally, 0)
    }

    /// A text that comes from an attribute, without the secrets in it; `None` when there are none in it.
    pub(in crate::store) fn text_of(&self, key: &str, text: &str) -> Option<String> {
        self.text(Some(key), text, &mut Tally::default())
    }

    /// A JSON document of the store's own without the secrets in its texts; the names of its fields mean nothing. `None`
    /// when there are none in it.
    pub(in crate::store) fn document(&self, text: &str) -> Option<String> {
        json_text::edit(text, &mut Document { redactor: self, of_ids: false }).ok().flatten()
    }

    /// [`Redactor::document`] for one whose texts are ids.
    pub(in crate::store) fn document_of_ids(&self, text: &str) -> Option<String> {
        json_text::edit(text, &mut Document { redactor: self, of_ids: true }).ok().flatten()
    }

    /// The rule by which whatever stands under a key is a secret.
    pub(super) fn rule_for_key(&self, key: &str) -> Option<usize> {
        let rule = self.rules.by_key.iter().find(|rule| rule.keys.has(key) && !rule.except.has(key));
        rule.map(|rule| rule.label)
    }

    /// Whether a rule has a pattern of its own that a number may match.
    pub(super) fn may_match_numbers(&self) -> bool {
        self.rules.finder.may_match_numbers()
    }

    /// Whether a rule goes by keys alone.
    pub(super) fn has_key_rules(&self) -> bool {
        !self.rules.by_key.is_empty()
    }

    /// What a rule makes of a value; the whole of it is a secret.
    pub(super) fn replacement(
        &self,
        label: usize,
        secret: &str,
        place: Place<'_>,
        tally: &mut Tally,
    ) -> Option<String> {
        if secret.is_empty() || is_replacement(secret) {
            return None;
        }
        tally.add(label, place);
        let Label { name, action } = self.rules.labels.get(label)?;
        Some(action.replacement(name, secret, self.salt.as_ref()))
    }

    /// Whether a rule leaves nothing at all.
    pub(super) fn drops(&self, label: usize) -> bool {
        self.rules.labels.get(label).is_some_and(|label| label.action == Action::Drop)
    }

    /// A text without the secrets in it; JSON is looked through by its fields. `None` when there are none in it.
    pub(super) fn content(&self, text: &str, place: Place<'_>, tally: &mut Tally, within: usize) -> Option<String> {
        if within < MOST_WITHIN && json_text::may_be_json(text) {
            let mut looked = Tally { places: tally.places.as_ref().map(|_| BTreeMap::new()), ..Tally::default() };
            let mut editor = Fields { redactor: self, place, tally: &mut looked, within };
            if let Ok(edited) = json_text::edit(text, &mut editor) {
                tally.merge(looked);
                return edited;
            }
        }
        self.plain(text, place, tally, None)
    }

    /// An id without the secrets in it. A hash takes their place whatever the rule says, so that traces stay apart.
    pub(super) fn id(&self, id: &str, part: &'static str, tally: &mut Tally) -> Option<String> {
        self.plain(id, Place::of(part), tally, Some(Action::Hash))
    }

    /// Text in which only patterns find something; `action` goes before that of the rules.
    fn plain(&self, text: &str, place: Place<'_>, tally: &mut Tally, action: Option<Action>) -> Option<String> {
        let found = self.rules.finder.find(text, About { key: place.key, is_id: action.is_some() });
        let mut edits = Vec::with_capacity(found.len());
        for secret in found {
            let label = *self.rules.label_of_pattern.get(secret.pattern)?;
            let Label { name, action: usual } = self.rules.labels.get(label)?;
            let what = text.get(secret.range.clone())?;
            tally.add(label, place);
            edits.push((secret.range, action.unwrap_or(*usual).replacement(name, what, self.salt.as_ref())));
        }
        (!edits.is_empty()).then(|| apply_edits(text, &edits))
    }
}

impl Tally {
    fn merge(&mut self, other: Tally) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, more)| *sum += more);
        if let (Some(places), Some(more)) = (&mut self.places, other.places) {
            for (key, count) in more {
                if places.len() < MOST_PLACES || places.contains_key(&key) {
                    *places.entry(key).or_default() += count;
                }
            }
        }
    }
}

/// The fields of a JSON text.
struct Fields<'r, 'p, 't> {
    redactor: &'r Redactor,
    place: Place<'p>,
    tally: &'t mut Tally,
    within: usize,
}

impl Fields<'_, '_, '_> {
    fn place<'a>(&'a self, field: Option<&'a str>) -> Place<'a> {
        Place { part: self.place.part, key: field.or(self.place.key) }
    }
}

impl Editor for Fields<'_, '_, '_> {
    fn field(&mut self, name: &str, value: &str) -> Option<String> {
        let is_nothing = matches!(value, "null" | "true" | "false" | "\"\"" | "{}" | "[]");
        let label = self.redactor.rule_for_key(name).filter(|_| !is_nothing)?;
        let unquoted = serde_json::from_str::<String>(value).ok();
        let place = Place { part: self.place.part, key: Some(name) };
        let new = self.redactor.replacement(label, unquoted.as_deref().unwrap_or(value), place, self.tally)?;
        Some(if self.redactor.drops(label) { "null".to_owned() } else { quote(&new) })
    }

    fn name(&mut self, name: &str) -> Option<String> {
        self.redactor.plain(name, self.place, self.tally, None)
    }

    fn string(&mut self, field: Option<&str>, text: &str) -> Option<String> {
        let place = Place { part: self.place.part, key: field.or(self.place.key) };
        self.redactor.content(text, place, self.tally, self.within + 1)
    }

    fn number(&mut self, field: Option<&str>, number: &str) -> Option<String> {
        let mut tally = Tally::default();
        let new = self.redactor.plain(number, self.place(field), &mut tally, None)?;
        self.tally.merge(tally);
        Some(quote(&new))
    }
}

/// A JSON document of the store's own.
struct Document<'r> {
    redactor: &'r Redactor,
    of_ids: bool,
}

impl Editor for Document<'_> {
    fn field(&mut self, _name: &str, _value: &str) -> Option<String> {
        None
    }

    fn name(&mut self, _name: &str) -> Option<String> {
        None
    }

    fn string(&mut self, _field: Option<&str>, text: &str) -> Option<String> {
        match self.of_ids {
            true => self.redactor.id(text, "trace id", &mut Tally::default()),
            false => self.redactor.plain(text, Place::of("document"), &mut Tally::default(), None),
        }
    }

    fn number(&mut self, _field: Option<&str>, _number: &str) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static ALL: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::all_kinds()));

    fn redactor(rules: &str) -> Redactor {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rules.toml");
        std::fs::write(&path, rules).expect("written");
        Redactor::new(Arc::new(Rules::read(&path).expect("rules")), Some(Salt::new(b"a salt")))
    }

    fn text(redactor: &Redactor, text: &str) -> String {
        redactor.text(None, text, &mut Tally::default()).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn a_secret_is_taken_out_of_the_middle_of_a_text_and_the_rest_stays() {
        let all = Redactor::new(Arc::clone(&ALL), None);
        for (before, after) in [
            ("mail ann@example.com now", "mail [redacted:email] now"),
            ("postgres://app:pa55@word@db.example/x", "postgres://app:[redacted:url_password]@db.example/x"),
            ("paid with 4242 4242 4242 4242.", "paid with [redacted:card]."),
            ("password=hunter2&user=ann", "password=[redacted:assigned_secret]&user=ann"),
            (
                "clientkey=hunter2&accountKey=x7y",
                "clientkey=[redacted:assigned_secret]&accountKey=[redacted:assigned_secret]",
            ),
            ("DB_PASSWORD: 'two words'", "DB_PASSWORD: '[redacted:assigned_secret]'"),
            ("Authorization: Bearer abc.def-123", "Authorization: [redacted:authorization]"),
            ("got {\\\"token\\\":\\\"a b c\\\"}", "got {\\\"token\\\":\\\"[redacted:assigned_secret]\\\"}"),
            ("Cookie: a=b; sid=1234", "Cookie: [redacted:cookie]"),
            (
                "{\"user\":{\"password\":\"x y\"},\"n\":1}",
                "{\"user\":{\"password\":\"[redacted:secret_field]\"},\"n\":1}",
            ),
            ("{\"m\":\"ann\\u0040example.com\"}", "{\"m\":\"[redacted:email]\"}"),
            ("{\"card\":4242424242424242}", "{\"card\":\"[redacted:card]\"}"),
            (
                "{\"body\":\"{\\\"pwd\\\":\\\"x y\\\"}\"}",
                "{\"body\":\"{\\\"pwd\\\":\\\"[redacted:secret_field]\\\"}\"}",
            ),
        ] {
            let once = text(&all, before);
            assert_eq!(once, after);
            assert_eq!(text(&all, &once), once, "a second time changes nothing");
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        let all = Redactor::new(Arc::clone(&ALL), None);
        for text_ in [
            "GET /api/v1/users/550e8400-e29b-41d4-a716-446655440000?page=2",
            "http://localhost:8099/v1/traces",
            "SELECT id, name FROM users WHERE token IS NOT NULL",
            "input_tokens: 1523, output_tokens=17",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "at com.example.shop.OrderService.placeOrder(OrderService.java:117)",
            "File \"/usr/lib/python3.12/site-packages/requests/sessions.py\", line 589, in request",
            "1795219200000000000",
            "git checkout -b feature/ABC-123-some-new-thing",
            "password: null",
            "foo@1.2.3",
            "secrets are kept elsewhere",
            "{\"password\":null,\"token\":\"\",\"ok\":true}",
            "KeyError: 'password'",
        ] {
            assert_eq!(text(&all, text_), text_);
        }
    }

    #[test]
    fn rules_of_ones_own_go_by_keys_and_patterns_and_may_drop_or_hash() {
        let own = redactor(
            "[[rule]]\nname = \"employee\"\npatterns = ['EMP-\\d{6}', 'staff=(\\w+)']\naction = \"hash\"\n\
             [[rule]]\nname = \"secret\"\nkeys = [\"session.*\"]\naction = \"drop\"\n\
             [[rule]]\nkinds = [\"email\"]\nkeys = [\"user.*\"]\nexcept_keys = [\"user.public\"]\n",
        );
        let hashed = text(&own, "EMP-123456 and EMP-123456 and staff=bob");
        let parts: Vec<&str> = hashed.split(" and ").collect();
        assert!(parts[0].starts_with("[employee#") && parts[0] == parts[1] && parts[2].starts_with("staff=[employee#"));
        let under = |key, value| own.text(Some(key), value, &mut Tally::default());
        assert_eq!(under("session.id", "abc"), Some(String::new()));
        assert_eq!(under("user.mail", "a@b.example"), Some("[redacted:email]".to_owned()));
        assert_eq!((under("user.public", "a@b.example"), under("mail", "a@b.example")), (None, None));
        assert_eq!(text(&own, "a@b.example"), "a@b.example");
    }

    #[test]
    fn a_hash_is_no_secret_of_any_kind_itself() {
        for kind in crate::store::redact::KINDS {
            let hashed = Action::Hash.replacement(kind.name, "x", Some(&Salt::new(b"a salt")));
            let all = Redactor::new(Arc::clone(&ALL), None);
            for within in
                [hashed.clone(), format!("a: {hashed}"), format!("{{\"a\":\"{hashed}\"}}"), format!("x={hashed} y")]
            {
                assert_eq!(text(&all, &within), within);
            }
        }
    }

    #[test]
    fn ids_are_hashed_whatever_the_rule_says_and_are_no_guess() {
        let all = Redactor::new(Arc::clone(&ALL), Some(Salt::new(b"a salt")));
        let id = |text| all.id(text, "id", &mut Tally::default());
        assert_eq!(id("9aF3kLm2QzX7vB1nR8tY4wE6"), None);
        let one = id("cart-ann@example.com").expect("an address");
        assert!(one.starts_with("[email#") && one == id("cart-ann@example.com").expect("again"), "{one}");
        assert_ne!(id("bob@example.com"), id("ann@example.com"));
    }

    /// Pieces of texts: secrets whole, nearly and by half, ids, words, and signs that part or join them.
    const PIECES: &str = "[0-9]{1,9}|[0-9]{3}-[0-9]{2}-[0-9]{4}|078-05-1120|4242 ?4242-?4242 ?4242|37828224631000[0-9]\
        |GB82 ?WEST ?1234 ?5698 ?7654 ?32|DE[0-9]{2}( ?[0-9]{4}){4}[0-9]{2}|[A-Z]{2}[0-9]{2}[A-Z0-9]{4,26}\
        |[0-9]{8,10}:A[AB][A-Za-z0-9_-]{32,34}|(SK|AC|sk)[a-f0-9]{31,33}|[A-Za-z0-9+/_-]{18,26}=?|[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}\
        |https://[a-z]{1,5}:[a-z0-9]{1,9}@[a-z]{3}\\.example|[a-z]{1,6}(@|%40)[a-z]{1,6}\\.(com|example)\
        |(token|secret|(api|client|account)[-_]?key|Password)[=: ]{1,2}[a-z0-9]{0,9}|Bearer [A-Za-z0-9]{7,12}|th_[A-Za-z0-9]{43}|AKIA[A-Z0-9]{16}\
        |Cookie: [a-z]{1,3}=[a-z0-9]{2,5}|eyJ[a-z0-9]{5}\\.[a-z0-9]{5}|[a-z]{1,9}|é|[ .,:=@%/_-]|\"";

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_rules_panic_and_none_is_left_half_redacted(given in "(?s).{0,80}(password=|@|Bearer |\\{\"token\":\")?.{0,40}") {
            let all = Redactor::new(Arc::clone(&ALL), None);
            let _ = text(&all, &given);
        }

        #[test]
        fn a_quick_look_finds_what_trying_every_pattern_finds(pieces in proptest::collection::vec(PIECES, 0..8), is_id in proptest::bool::ANY) {
            let (text, about) = (pieces.concat(), About { key: None, is_id });
            proptest::prop_assert_eq!(ALL.finder.find(&text, about), ALL.finder.find_plainly(&text, about), "{}", text);
        }
    }
}
