//! Spans to send, as OTLP/JSON.

use serde_json::{Value as Json, json};

use super::NOW_NS;

/// Id of the failed trace of [`shop`].
pub const CHECKOUT: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Id of the fine trace of [`shop`], two characters off.
pub const CART: &str = "4bf900000000000000000000000000aa";

/// Two traces of two services: a fine one 40 s ago and a failed one 12 s ago.
pub fn shop() -> Json {
    let checkout = [
        span(CHECKOUT, 1, 0, "POST /checkout", (12_000, 1_240)),
        failed(span(CHECKOUT, 2, 1, "charge", (11_900, 598))),
    ];
    let query = with(span(CART, 12, 11, "SELECT cart", (39_990, 20)), "db.rows", json!({"intValue": "7"}));
    json!({"resourceSpans": [
        resource("shop", &[checkout[0].clone(), span(CART, 11, 0, "GET /cart", (40_000, 38))]),
        resource("payments", &[checkout[1].clone(), query]),
    ]})
}

/// The spans of one service.
pub fn resource(service: &str, spans: &[Json]) -> Json {
    json!({
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}],
    })
}

/// A span that began so many milliseconds ago and took so many.
pub fn span(trace: &str, id: u64, parent: u64, name: &str, (ago_ms, took_ms): (u64, u64)) -> Json {
    let start = NOW_NS - ago_ms * 1_000_000;
    let mut span = json!({
        "traceId": trace,
        "spanId": format!("{id:016x}"),
        "name": name,
        "kind": 2,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + took_ms * 1_000_000).to_string(),
    });
    if parent != 0 {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    span
}

/// The span with an attribute more.
pub fn with(mut span: Json, key: &str, value: Json) -> Json {
    span["attributes"] = json!([{"key": key, "value": value}]);
    span
}

fn failed(mut span: Json) -> Json {
    span["status"] = json!({"code": 2, "message": "402 card_declined"});
    span
}

/// A hundred checkouts, of which the ten of `u-7` are slow and fail at `charge`, and fifty carts like each other.
pub fn many() -> Json {
    let (mut of_shop, mut of_payments) = (Vec::new(), Vec::new());
    for number in 1..=150_u64 {
        let is_slow = number % 10 == 0 && number <= 100;
        let name = if number <= 100 { "POST /checkout" } else { "GET /cart" };
        let user = if is_slow { "u-7".to_owned() } else { format!("u-{}", number % 6) };
        let (trace, ago) = (format!("{number:032x}"), 3_600_000 - number * 10_000);
        let root = span(&trace, 1, 0, name, (ago, if is_slow { 900 } else { 20 }));
        of_shop.push(with(root, "user.id", json!({"stringValue": user})));
        let charge = span(&trace, 2, 1, "charge", (ago, 10));
        of_payments.push(if is_slow { failed(charge) } else { charge });
    }
    json!({"resourceSpans": [resource("shop", &of_shop), resource("payments", &of_payments)]})
}
