//! The attributes of a record of any kind, wherever on it they stand: what keys are listed of, and what may set traces
//! apart.

use crate::model::filter::{RecordRef, Scope};
use crate::model::json::attributes_from_json;
use crate::model::{Attributes, Value};

/// Calls `visit` with every attribute of a record: where it stands, its key and its value.
pub fn each_attribute(record: RecordRef<'_>, visit: &mut dyn FnMut(Scope, &str, &Value)) {
    let mut all = |scope: Scope, attributes: &Attributes| {
        attributes.iter().for_each(|(key, value)| visit(scope, key, value));
    };
    match record {
        RecordRef::Span(span) => {
            all(Scope::Span, &span.attributes);
            all(Scope::Resource, &span.resource.attributes);
            all(Scope::Scope, &span.scope.attributes);
            span.events.iter().for_each(|event| all(Scope::Event, &event.attributes));
            span.links.iter().for_each(|link| all(Scope::Link, &link.attributes));
        }
        RecordRef::Log(log) => {
            all(Scope::Log, &log.attributes);
            all(Scope::Resource, &log.resource.attributes);
            all(Scope::Scope, &log.scope.attributes);
        }
        RecordRef::Checkpoint(checkpoint) => {
            let json = checkpoint.data.as_ref().and_then(|data| serde_json::from_str(data).ok());
            if let Some(json) = json {
                all(Scope::Data, &attributes_from_json(&json));
            }
        }
    }
}
