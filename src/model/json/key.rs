//! API keys as people see them, and with their digests as programs pass them on.

use serde_json::{Map, Value as Json, json};

use super::document::{FromJson, JsonError, Result, document, object};
use crate::model::id::{from_hex, to_hex};
use crate::model::{Key, KeyScope, RateLimit};

document! {
    Key as key {
        "id": id,
        "project": project,
        "prefix": prefix,
        "scopes" = key.scopes,
        "limit_rate" = key.limit.is_any().then(|| key.limit.to_string()),
        "created": created,
        "last_used": last_used,
        "revoked": revoked,
    }
    from(json) {
        scopes: read_scopes(json)?,
        limit: read_limit(json)?,
        digest: json["digest"].as_str().and_then(|hex| from_hex(hex.as_bytes())).ok_or(JsonError { key: "digest" })?
    }
}

/// A key with its digest in hexadecimal, between a server and a program that uses it as its store. This alone can be
/// read back.
pub fn key_to_wire(key: &Key) -> Map<String, Json> {
    let mut json = object(key);
    json.insert("digest".to_owned(), json!(to_hex(&key.digest)));
    json
}

/// Reads a limit; none stands there for none, and in what older programs write.
fn read_limit(json: &Json) -> Result<RateLimit> {
    match &json["limit_rate"] {
        Json::Null => Ok(RateLimit::default()),
        Json::String(text) => RateLimit::parse(text).map_err(|_| JsonError { key: "limit_rate" }),
        _ => Err(JsonError { key: "limit_rate" }),
    }
}

/// Reads scopes in any order; none at all is an error.
fn read_scopes(json: &Json) -> Result<Vec<KeyScope>> {
    let scopes: Vec<KeyScope> = FromJson::from_json(&json["scopes"], "scopes")?;
    if scopes.is_empty() {
        return Err(JsonError { key: "scopes" });
    }
    Ok(KeyScope::ALL.into_iter().filter(|scope| scopes.contains(scope)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Nanos, Text, json::read};

    fn key() -> Key {
        Key {
            id: Text::from("0a1b2c3d"),
            project: Text::from("shop ✓"),
            prefix: Text::from("th_4fQz9A"),
            digest: [0xab; 32],
            scopes: vec![KeyScope::Ingest, KeyScope::Read],
            limit: RateLimit { records_per_second: Some(5_000), bytes_per_second: None },
            created: Nanos(1_795_252_442_117_000_000),
            last_used: None,
            revoked: Some(Nanos(1_795_252_443_000_000_001)),
        }
    }

    #[test]
    fn people_do_not_see_the_digest() {
        insta::assert_snapshot!(Json::Object(object(&key())), @r#"{"id":"0a1b2c3d","project":"shop ✓","prefix":"th_4fQz9A","scopes":["ingest","read"],"limit_rate":"5000","created":"2026-11-21T09:14:02.117000000Z","last_used":null,"revoked":"2026-11-21T09:14:03.000000001Z"}"#);
    }

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        assert_eq!(read(&Json::Object(key_to_wire(&key()))), Ok(key()));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (name, value) in [
            ("digest", json!("ab")),
            ("digest", Json::Null),
            ("scopes", json!([])),
            ("scopes", json!(["everything"])),
            ("limit_rate", json!("much")),
            ("limit_rate", json!(7)),
            ("created", json!(7)),
            ("revoked", json!("never")),
            ("project", Json::Null),
        ] {
            let mut wire = Json::Object(key_to_wire(&key()));
            wire[name] = value;
            assert_eq!(read::<Key>(&wire), Err(JsonError { key: name }));
        }
    }
}
