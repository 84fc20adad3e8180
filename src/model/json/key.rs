//! Keys in the JSON of the public interface, and with their digests as programs pass them on.

use serde_json::{Map, Value as Json, json};

use super::{JsonError, Result, list, object, string, text, time};
use crate::model::{Key, KeyScope, Nanos, id::from_hex};

/// A key, for people and their programs.
pub fn key_to_json(key: &Key) -> Map<String, Json> {
    object([
        ("id", json!(key.id.as_str())),
        ("project", json!(key.project.as_str())),
        ("prefix", json!(key.prefix.as_str())),
        ("scopes", key.scopes.iter().map(|scope| json!(scope.as_str())).collect()),
        ("created", json!(key.created.to_rfc3339())),
        ("last_used", json!(key.last_used.map(Nanos::to_rfc3339))),
        ("revoked", json!(key.revoked.map(Nanos::to_rfc3339))),
    ])
}

/// A key with its digest in hexadecimal, between a server and a program that uses it as its store.
pub fn key_to_wire(key: &Key) -> Map<String, Json> {
    let mut object = key_to_json(key);
    let digest: String = key.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    object.insert("digest".to_owned(), json!(digest));
    object
}

/// Reads back what [`key_to_wire`] wrote.
///
/// # Errors
/// Names the first key that is missing or of the wrong type; `scopes` also when it is empty.
pub fn key_from_wire(json: &Json) -> Result<Key> {
    let scope = |word: &Json| word.as_str().and_then(KeyScope::parse);
    let scopes: Option<Vec<KeyScope>> = list(json, "scopes")?.iter().map(scope).collect();
    let scopes = scopes.filter(|scopes| !scopes.is_empty()).ok_or(JsonError { key: "scopes" })?;
    Ok(Key {
        id: text(json, "id")?,
        project: text(json, "project")?,
        prefix: text(json, "prefix")?,
        digest: from_hex(string(json, "digest")?.as_bytes()).ok_or(JsonError { key: "digest" })?,
        scopes: KeyScope::ALL.into_iter().filter(|scope| scopes.contains(scope)).collect(),
        created: time(json, "created")?,
        last_used: optional_time(json, "last_used")?,
        revoked: optional_time(json, "revoked")?,
    })
}

fn optional_time(json: &Json, key: &'static str) -> Result<Option<Nanos>> {
    match &json[key] {
        Json::Null => Ok(None),
        _ => time(json, key).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Text;

    fn key() -> Key {
        Key {
            id: Text::from("0a1b2c3d"),
            project: Text::from("shop ✓"),
            prefix: Text::from("th_4fQz9A"),
            digest: [0xab; 32],
            scopes: vec![KeyScope::Ingest, KeyScope::Read],
            created: Nanos(1_795_252_442_117_000_000),
            last_used: None,
            revoked: Some(Nanos(1_795_252_443_000_000_001)),
        }
    }

    #[test]
    fn people_do_not_see_the_digest() {
        insta::assert_snapshot!(Json::Object(key_to_json(&key())), @r#"{"id":"0a1b2c3d","project":"shop ✓","prefix":"th_4fQz9A","scopes":["ingest","read"],"created":"2026-11-21T09:14:02.117000000Z","last_used":null,"revoked":"2026-11-21T09:14:03.000000001Z"}"#);
    }

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        assert_eq!(key_from_wire(&Json::Object(key_to_wire(&key()))), Ok(key()));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (name, value) in [
            ("digest", json!("ab")),
            ("digest", Json::Null),
            ("scopes", json!([])),
            ("scopes", json!(["everything"])),
            ("created", json!(7)),
            ("revoked", json!("never")),
            ("project", Json::Null),
        ] {
            let mut wire = Json::Object(key_to_wire(&key()));
            wire[name] = value;
            assert_eq!(key_from_wire(&wire), Err(JsonError { key: name }));
        }
    }
}
