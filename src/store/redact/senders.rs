//! What a server keeps of its senders, without the secrets that stand in names and in what they were told.

use super::redactor::{Redactor, Tally};
use crate::model::Text;
use crate::model::sender::Sender;

/// Takes the secrets out of what is known of a sender.
pub(super) fn redact_sender(redactor: &Redactor, sender: &mut Sender) {
    let redact = |key: Option<&str>, text: &mut Text| {
        if let Some(redacted) = redactor.text(key, text, &mut Tally::default()) {
            *text = Text::from(redacted);
        }
    };
    redact(Some("user_agent.original"), &mut sender.agent);
    redact(None, &mut sender.rejection);
    sender.services.iter_mut().for_each(|service| redact(Some("service.name"), &mut service.name));
    for trouble in &mut sender.troubles {
        redact(None, &mut trouble.path);
        redact(None, &mut trouble.detail);
    }
}
