//! What a person calls a span: names made of attributes where the span's own is only a verb or a type.
//!
//! Programs call spans `POST`, `select` or `chat`, and a screen of those says nothing. Such a name, and no other, is
//! completed by what the span works on. No ids, query strings or values come in: a name must stay one of few. This knows
//! nothing of pictures; what was sent stays the name of the span, and whatever groups or filters by it.
//!
//! | what | only a verb or a type | becomes | by |
//! |---|---|---|---|
//! | HTTP server | `GET`, `HTTP GET` | `GET /cart/{id}` | [HTTP], `http.route`, else the path |
//! | HTTP client | `POST` | `POST api.stripe.com/v1/charges` | [HTTP], `url.template`, else the path |
//! | database | `select`, `SELECT shop` | `SELECT cart_items` | [databases], the summary, else verb and table |
//! | RPC | `Charge`, `grpc` | `shop.Payments/Charge` | [RPC] |
//! | messaging | `publish` | `publish orders` | [messaging] |
//! | model call | `chat`, `openai.chat` | `chat gpt-4o` | [generative AI], OpenLLMetry |
//! | model call | `ChatCompletion`, `ai.streamText` | `ChatCompletion gpt-4o` | OpenInference, Vercel AI SDK |
//! | tool, agent | `execute_tool`, `ai.toolCall` | `execute_tool search` | [generative AI], OpenInference, Vercel AI SDK |
//!
//! [HTTP]: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name
//! [databases]: https://opentelemetry.io/docs/specs/semconv/db/database-spans/#name
//! [RPC]: https://opentelemetry.io/docs/specs/semconv/rpc/rpc-spans/#span-name
//! [messaging]: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/#span-name
//! [generative AI]: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/

use std::borrow::Cow;

use crate::model::genai;
use crate::model::value::conventions::text;
use crate::model::{Attributes, Kind, Span};

/// The methods of HTTP, and what stands for one nobody knows.
const METHODS: [&str; 11] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "QUERY", "HTTP"];
/// What a sender or receiver does to messages.
const MESSAGE_VERBS: [&str; 11] =
    ["send", "publish", "create", "receive", "poll", "process", "consume", "deliver", "settle", "ack", "nack"];
/// The most parts of a path that a name has.
const MOST_PARTS: usize = 4;
/// The longest part of a path that can be a word.
const MOST_PART_BYTES: usize = 40;

/// What to call a span: its own name if that says something, else one made of its attributes.
pub fn display_name(span: &Span) -> Cow<'_, str> {
    complete(span.kind, &span.name, &span.attributes)
}

fn complete<'a>(kind: Kind, name: &'a str, attributes: &Attributes) -> Cow<'a, str> {
    // Nearly all names say something, and none of those is only one word, or a verb and a name of no use.
    if attributes.is_empty() || name.split_whitespace().count() > 2 {
        return Cow::Borrowed(name);
    }
    let made = http(kind, name, attributes)
        .or_else(|| database(name, attributes))
        .or_else(|| rpc(name, attributes))
        .or_else(|| messaging(name, attributes))
        .or_else(|| tool_or_agent(name, attributes))
        .or_else(|| model_call(name, attributes));
    made.map_or(Cow::Borrowed(name), Cow::Owned)
}

fn http(kind: Kind, name: &str, attributes: &Attributes) -> Option<String> {
    let name = name.strip_prefix("HTTP ").unwrap_or(name);
    let is_verb = METHODS.iter().any(|method| method.eq_ignore_ascii_case(name));
    let is_http =
        is_verb && text(attributes, "db.system.name").is_none() && text(attributes, "rpc.system.name").is_none();
    if !is_http {
        return None;
    }
    let method = text(attributes, "http.request.method").filter(|method| *method != "_OTHER").unwrap_or(name);
    let url = text(attributes, "url.full").and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
    let (authority, path) = url.map_or(("", ""), |url| url.split_at(url.find(['/', '?', '#']).unwrap_or(url.len())));
    let path = text(attributes, "url.path").filter(|_| path.is_empty()).unwrap_or(path);
    let is_server = kind == Kind::Server;
    let route = text(attributes, if is_server { "http.route" } else { "url.template" });
    let path = route.map_or_else(|| path_without_ids(path), |route| without_query(route).to_owned());
    if is_server || text(attributes, "http.route").is_some() && authority.is_empty() {
        let path = text(attributes, "http.route").map_or(path, str::to_owned);
        return (!path.is_empty()).then(|| format!("{method} {path}"));
    }
    // What stands before an @ is a name and a secret.
    let host = authority.rsplit('@').next().filter(|host| !host.is_empty()).map(str::to_owned);
    let host = host.or_else(|| address(attributes)).unwrap_or_default();
    let path = if path == "/" && !host.is_empty() { "" } else { &path };
    let target = format!("{host}{path}");
    (!target.is_empty()).then(|| format!("{method} {target}"))
}

/// The host that was called, with its port unless that is the usual one.
fn address(attributes: &Attributes) -> Option<String> {
    let host = text(attributes, "server.address")?;
    let port = ["server.port", "net.peer.port"].iter().find_map(|key| attributes.get(key)?.as_f64());
    Some(match port {
        Some(port) if port != 80.0 && port != 443.0 && !host.contains(':') => format!("{host}:{port}"),
        _ => host.to_owned(),
    })
}

fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or(path)
}

/// The first parts of a path, with `{id}` for those that are none of few.
fn path_without_ids(path: &str) -> String {
    let path = without_query(path);
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let mut shown: String =
        parts.by_ref().take(MOST_PARTS).flat_map(|part| ["/", if is_id(part) { "{id}" } else { part }]).collect();
    if parts.next().is_some() {
        shown.push_str("/…");
    }
    if shown.is_empty() && path.starts_with('/') { "/".to_owned() } else { shown }
}

/// Whether a part of a path is one of many: a number, a key, an address, an encoded text.
fn is_id(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let is_version = part.len() <= 6
        && part.strip_prefix(['v', 'V']).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let is_number = digits > 0 && digits == part.len();
    !is_version && (is_number || digits > 1 || part.len() > MOST_PART_BYTES || part.contains(['@', '%', '=']))
}

fn database(name: &str, attributes: &Attributes) -> Option<String> {
    let (system, statement) = (text(attributes, "db.system.name"), text(attributes, "db.query.text"));
    if system.is_none() && statement.is_none() {
        return None;
    }
    let verb = text(attributes, "db.operation.name").or_else(|| statement?.split_whitespace().next());
    let namespace = text(attributes, "db.namespace");
    let (first, rest) = name.split_once(' ').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let is = |word: &str, other: Option<&str>| other.is_some_and(|other| other.eq_ignore_ascii_case(word));
    let is_verb = is(first, verb) || is(first, system) || matches!(first, "query" | "execute" | "DB");
    if !is_verb || rest.is_some_and(|rest| !is(rest, namespace)) {
        return None;
    }
    if let Some(summary) = text(attributes, "db.query.summary") {
        return Some(summary.to_owned());
    }
    let verb = verb.filter(|verb| verb.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_'))?;
    let table = text(attributes, "db.collection.name").map(str::to_owned).or_else(|| statement.and_then(table_of));
    match (table, system) {
        (Some(table), _) => Some(format!("{} {table}", verb.to_uppercase())),
        (None, Some(system)) if rest.is_none() => Some(format!("{system} {verb}")),
        _ => None,
    }
}

/// The first table a statement names.
fn table_of(statement: &str) -> Option<String> {
    let mut words = statement.split_whitespace();
    words
        .by_ref()
        .find(|word| ["FROM", "INTO", "UPDATE", "TABLE"].iter().any(|before| word.eq_ignore_ascii_case(before)))?;
    let is_filler =
        |word: &&str| ["ONLY", "IF", "NOT", "EXISTS", "IGNORE"].iter().any(|f| word.eq_ignore_ascii_case(f));
    let word = words.find(|word| !is_filler(word))?;
    let table = word.split(['(', ',', ';', ')']).next()?.replace(['"', '`', '[', ']'], "");
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    (!table.is_empty() && table.chars().all(is_name)).then_some(table)
}

fn rpc(name: &str, attributes: &Attributes) -> Option<String> {
    let system = text(attributes, "rpc.system.name")?;
    let method = text(attributes, "rpc.method")?;
    if !(name == method || name.eq_ignore_ascii_case(system) || METHODS.contains(&name)) {
        return None;
    }
    let service = text(attributes, "rpc.service").filter(|_| !method.contains('/'));
    Some(service.map_or_else(|| method.to_owned(), |service| format!("{service}/{method}")))
}

fn messaging(name: &str, attributes: &Attributes) -> Option<String> {
    let system = text(attributes, "messaging.system")?;
    let destination = text(attributes, "messaging.destination.template")
        .or_else(|| text(attributes, "messaging.destination.name"))?;
    let operation =
        text(attributes, "messaging.operation.name").or_else(|| text(attributes, "messaging.operation.type"));
    let is_verb = MESSAGE_VERBS.contains(&name) || operation == Some(name);
    let verb = match name == system {
        true => operation.unwrap_or(name),
        false if is_verb => name,
        false => return None,
    };
    let is_one_of_many =
        destination.len() > MOST_PART_BYTES || destination.bytes().filter(u8::is_ascii_digit).count() > 3;
    Some(format!("{verb} {}", if is_one_of_many { "{id}" } else { destination }))
}

fn tool_or_agent(name: &str, attributes: &Attributes) -> Option<String> {
    let subject = |keys: &[&str]| keys.iter().find_map(|key| text(attributes, key)).filter(|subject| *subject != name);
    let verb = match name {
        "execute_tool" | "tool" | "Tool" | "tool_call" | "ai.toolCall" | "FunctionCall" => "execute_tool",
        "invoke_agent" | "create_agent" => name,
        "agent" | "Agent" => "invoke_agent",
        _ => return None,
    };
    let subject = match verb {
        "execute_tool" => subject(&["gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name"]),
        _ => subject(&["gen_ai.agent.name", "agent.name", "traceloop.entity.name"]),
    };
    Some(format!("{verb} {}", subject?))
}

fn model_call(name: &str, attributes: &Attributes) -> Option<String> {
    if name.contains(' ') {
        return None;
    }
    let operation = text(attributes, "gen_ai.operation.name").or_else(|| text(attributes, "llm.request.type"));
    let provider = text(attributes, "gen_ai.provider.name");
    // `openai.chat` is how OpenLLMetry says `chat`.
    let last =
        name.rsplit_once('.').filter(|(before, _)| provider.is_some_and(|name| name.eq_ignore_ascii_case(before)));
    let verb = last.map_or(name, |(_, verb)| verb);
    let kind = text(attributes, "openinference.span.kind");
    let is_type = operation == Some(verb)
        || last.is_some() && operation.is_some()
        || kind.is_some_and(|kind| matches!(kind, "LLM" | "EMBEDDING"))
        || name.starts_with("ai.") && attributes.get("ai.model.id").is_some();
    if !is_type {
        return None;
    }
    // What was asked for is one of fewer than what answered, and failed calls have it too.
    let asked = text(attributes, "gen_ai.request.model").map(str::to_owned);
    let model = asked.or_else(|| genai::model(attributes).map(|model| model.to_string()))?;
    Some(format!("{verb} {model}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Text, Value};

    /// What a span of a kind is called, by its name and `key=value` words.
    fn called(kind: Kind, name: &str, words: &[&str]) -> String {
        let pairs = words.iter().filter_map(|word| word.split_once('='));
        let attributes = pairs.map(|(key, value)| (Text::from(key), Value::from(value))).collect();
        complete(kind, name, &Attributes(attributes)).into_owned()
    }

    #[test]
    fn a_verb_of_http_is_completed_by_the_route_or_by_host_and_path() {
        use Kind::{Client, Server};
        let rows: [(Kind, &str, &[&str], &str); 11] = [
            (
                Client,
                "POST",
                &["http.method=POST", "http.url=http://127.0.0.1:5003/charge"],
                "POST 127.0.0.1:5003/charge",
            ),
            (
                Client,
                "POST",
                &["url.full=https://me:pw@api.stripe.com/v1/charges?key=s"],
                "POST api.stripe.com/v1/charges",
            ),
            (Client, "HTTP GET", &["http.method=GET", "http.url=http://shop/"], "GET shop"),
            (Client, "GET", &["url.full=http://shop/a/77/b-1f00/c/d/e"], "GET shop/a/{id}/{id}/c/…"),
            (Client, "GET", &["url.full=http://shop/a/77", "url.template=/a/{number}"], "GET shop/a/{number}"),
            (Client, "GET", &["net.peer.name=shop", "net.peer.port=8080", "http.target=/x?q=1"], "GET shop:8080/x"),
            (Client, "GET", &["server.address=shop", "server.port=443"], "GET shop"),
            (Server, "POST", &["http.route=/cart/<id>", "http.target=/cart/7", "http.host=a"], "POST /cart/<id>"),
            (Server, "GET", &["url.path=/users/ann@example.org/v2", "url.query=a=b"], "GET /users/{id}/v2"),
            (Server, "GET", &["http.request.method=GET"], "GET"),
            (Client, "GET", &["url.full=not a url"], "GET"),
        ];
        for (kind, name, words, expected) in rows {
            assert_eq!(called(kind, name, words), expected, "{words:?}");
        }
    }

    #[test]
    fn a_verb_of_a_database_is_completed_by_the_summary_or_the_table() {
        let rows: [(&str, &[&str], &str); 11] = [
            ("select", &["db.system=sqlite", "db.statement=select id, price from items where id=?"], "SELECT items"),
            (
                "SELECT shop",
                &["db.system=postgresql", "db.name=shop", "db.statement=SELECT 1 FROM \"a\".\"b\""],
                "SELECT a.b",
            ),
            (
                "INSERT",
                &["db.system.name=mysql", "db.query.text=INSERT IGNORE INTO `orders`(a) VALUES (?)"],
                "INSERT orders",
            ),
            ("CREATE", &["db.system=sqlite", "db.statement=CREATE TABLE IF NOT EXISTS t (a)"], "CREATE t"),
            ("postgresql", &["db.system.name=postgresql", "db.query.summary=SELECT a b"], "SELECT a b"),
            ("find", &["db.system=mongodb", "db.operation=find", "db.mongodb.collection=carts"], "FIND carts"),
            ("GET", &["db.system=redis", "db.statement=GET ?"], "redis GET"),
            ("SELECT", &["db.system=sqlite", "db.statement=SELECT * FROM (SELECT 1)"], "sqlite SELECT"),
            ("load_cart", &["db.system=sqlite", "db.statement=SELECT 1 FROM t"], "load_cart"),
            ("SELECT items", &["db.system.name=postgresql", "db.query.text=SELECT * FROM other"], "SELECT items"),
            ("pg.query:SELECT shop", &["db.system=postgresql", "db.name=shop"], "pg.query:SELECT shop"),
        ];
        for (name, words, expected) in rows {
            assert_eq!(called(Kind::Client, name, words), expected, "{words:?}");
        }
    }

    #[test]
    fn a_verb_of_rpc_or_messaging_is_completed_by_what_it_works_on() {
        let rows: [(&str, &[&str], &str); 6] = [
            ("Charge", &["rpc.system=grpc", "rpc.service=shop.Payments", "rpc.method=Charge"], "shop.Payments/Charge"),
            ("POST", &["rpc.system.name=grpc", "rpc.method=shop.Payments/Charge"], "shop.Payments/Charge"),
            ("S3.PutObject", &["rpc.system=aws-api", "rpc.service=S3", "rpc.method=PutObject"], "S3.PutObject"),
            ("publish", &["messaging.system=kafka", "messaging.destination=orders"], "publish orders"),
            ("receive", &["messaging.system=rabbitmq", "messaging.destination.name=amq.gen-8a7f6e5d"], "receive {id}"),
            ("orders publish", &["messaging.system=kafka", "messaging.destination=orders"], "orders publish"),
        ];
        for (name, words, expected) in rows {
            assert_eq!(called(Kind::Producer, name, words), expected, "{words:?}");
        }
    }

    #[test]
    fn calls_of_models_tools_and_agents_name_the_model_the_tool_and_the_agent() {
        let rows: [(&str, &[&str], &str); 10] = [
            (
                "chat",
                &[
                    "gen_ai.operation.name=chat",
                    "gen_ai.request.model=gpt-4o",
                    "gen_ai.response.model=gpt-4o-2024-07-18",
                ],
                "chat gpt-4o",
            ),
            ("chat gpt-4o", &["gen_ai.operation.name=chat", "gen_ai.request.model=gpt-4o"], "chat gpt-4o"),
            (
                "openai.chat",
                &["gen_ai.system=OpenAI", "llm.request.type=chat", "gen_ai.request.model=gpt-4o"],
                "chat gpt-4o",
            ),
            ("ChatCompletion", &["openinference.span.kind=LLM", "llm.model_name=gpt-4o"], "ChatCompletion gpt-4o"),
            ("StrOutputParser", &["openinference.span.kind=CHAIN", "llm.model_name=gpt-4o"], "StrOutputParser"),
            ("ai.streamText", &["ai.model.id=gpt-4o"], "ai.streamText gpt-4o"),
            ("ai.toolCall", &["ai.toolCall.name=search"], "execute_tool search"),
            ("execute_tool", &["gen_ai.tool.name=search"], "execute_tool search"),
            ("invoke_agent", &["gen_ai.agent.name=oncall"], "invoke_agent oncall"),
            ("activated_root", &["gen_ai.request.model=gpt-4o"], "activated_root"),
        ];
        for (name, words, expected) in rows {
            assert_eq!(called(Kind::Internal, name, words), expected, "{words:?}");
        }
    }
}
