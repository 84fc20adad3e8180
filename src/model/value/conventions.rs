//! Attributes that changed their name: the semantic conventions as programs of before and after a migration write them.
//!
//! Pairs are those of the migration guides of the OpenTelemetry semantic conventions
//! ([HTTP](https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/),
//! [databases](https://opentelemetry.io/docs/specs/semconv/non-normative/db-migration/),
//! [RPC](https://opentelemetry.io/docs/specs/semconv/non-normative/rpc-migration/)) and of the deprecated entries of the
//! [attribute registry](https://opentelemetry.io/docs/specs/semconv/registry/attributes/). Only pairs whose values mean
//! the same are here.

use super::Attributes;

/// The name of now, and those it had before.
const RENAMED: [(&str, &[&str]); 42] = [
    ("client.address", &["http.client_ip"]),
    ("code.column.number", &["code.column"]),
    ("code.file.path", &["code.filepath"]),
    ("code.function.name", &["code.function"]),
    ("code.line.number", &["code.lineno"]),
    ("db.collection.name", &["db.sql.table", "db.mongodb.collection", "db.cassandra.table", "db.cosmosdb.container"]),
    ("db.namespace", &["db.name", "db.redis.database_index"]),
    ("db.operation.name", &["db.operation"]),
    ("db.query.text", &["db.statement"]),
    ("db.response.status_code", &["db.cosmosdb.status_code"]),
    ("db.system.name", &["db.system"]),
    ("deployment.environment.name", &["deployment.environment"]),
    ("feature_flag.result.variant", &["feature_flag.variant"]),
    ("gen_ai.provider.name", &["gen_ai.system"]),
    ("gen_ai.request.seed", &["gen_ai.openai.request.seed"]),
    ("gen_ai.usage.input_tokens", &["gen_ai.usage.prompt_tokens"]),
    ("gen_ai.usage.output_tokens", &["gen_ai.usage.completion_tokens"]),
    ("http.request.body.size", &["http.request_content_length"]),
    ("http.request.method", &["http.method"]),
    ("http.request.resend_count", &["http.resend_count"]),
    ("http.response.body.size", &["http.response_content_length"]),
    ("http.response.status_code", &["http.status_code"]),
    ("messaging.client.id", &["messaging.client_id"]),
    ("messaging.destination.name", &["messaging.destination"]),
    ("messaging.message.body.size", &["messaging.message_payload_size_bytes"]),
    ("messaging.message.conversation_id", &["messaging.conversation_id"]),
    ("messaging.message.id", &["messaging.message_id"]),
    ("messaging.operation.type", &["messaging.operation"]),
    ("network.peer.address", &["net.sock.peer.addr", "net.peer.ip"]),
    ("network.peer.port", &["net.sock.peer.port"]),
    ("network.protocol.name", &["net.protocol.name", "net.app.protocol.name"]),
    ("network.protocol.version", &["net.protocol.version", "http.flavor"]),
    ("network.transport", &["net.transport"]),
    ("rpc.response.status_code", &["rpc.grpc.status_code", "rpc.connect_rpc.error_code"]),
    ("rpc.system.name", &["rpc.system"]),
    ("server.address", &["net.peer.name", "net.host.name", "http.server_name", "http.host"]),
    ("server.port", &["net.peer.port", "net.host.port"]),
    ("service.peer.name", &["peer.service"]),
    ("url.full", &["http.url"]),
    ("url.path", &["http.target"]),
    ("url.scheme", &["http.scheme"]),
    ("user_agent.original", &["http.user_agent"]),
];

/// Further keys that nearly every program sends, and that a lone word therefore means.
const USUAL: [&str; 30] = [
    "db.query.summary",
    "enduser.id",
    "error.type",
    "exception.message",
    "exception.stacktrace",
    "exception.type",
    "faas.trigger",
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    "gen_ai.operation.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.tool.name",
    "host.name",
    "http.route",
    "k8s.namespace.name",
    "k8s.pod.name",
    "messaging.system",
    "process.pid",
    "rpc.method",
    "rpc.service",
    "service.instance.id",
    "service.namespace",
    "service.version",
    "session.id",
    "telemetry.sdk.language",
    "tenant.id",
    "thread.id",
    "url.query",
    "user.id",
];

/// The keys that mean the same as a key, itself first.
pub fn same_meaning(key: &str) -> Vec<String> {
    let mut keys = vec![key.to_owned()];
    for (new, old) in RENAMED {
        if new == key {
            keys.extend(old.iter().map(|old| (*old).to_owned()));
        } else if old.contains(&key) {
            keys.push(new.to_owned());
        }
    }
    keys
}

/// The text of an attribute, by its name of now or one it had before; `None` where it is missing, empty or no text.
pub fn text<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a str> {
    let present = |key: &str| attributes.text(key).filter(|text| !text.is_empty());
    present(key).or_else(|| {
        let (_, old) = RENAMED.iter().find(|(new, _)| *new == key)?;
        old.iter().find_map(|old| present(old))
    })
}

/// Whether a word is the key of an attribute that programs usually send.
pub fn is_known_key(word: &str) -> bool {
    USUAL.contains(&word) || RENAMED.iter().any(|(new, old)| *new == word || old.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_names_find_each_other() {
        for (new, olds) in RENAMED {
            for old in olds {
                assert!(same_meaning(new).contains(&(*old).to_owned()), "{new} finds {old}");
                assert!(same_meaning(old).contains(&new.to_owned()), "{old} finds {new}");
                assert_eq!(same_meaning(old).len(), 2, "{old} has one name of now");
            }
        }
        assert_eq!(same_meaning("order.id"), ["order.id"]);
    }

    #[test]
    fn names_are_listed_once_and_in_order() {
        assert!(RENAMED.is_sorted_by(|(a, _), (b, _)| a < b) && USUAL.is_sorted_by(|a, b| a < b));
        assert!(USUAL.iter().all(|key| !RENAMED.iter().any(|(new, _)| new == key)));
    }
}
