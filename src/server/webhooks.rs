//! Webhooks: addresses that are told of every new issue, and of every issue that an event opened again.
//!
//! Each address has a task of its own that asks the store what it has not told yet, so nothing waits in memory, ingest
//! knows nothing of it, and what was not delivered when the server stopped is when it runs again. A message is signed,
//! tried again as long as that can help, and follows no redirect.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, StatusCode, Url};
use serde_json::json;
use sha2::Sha256;

use crate::causes::with_causes;
use crate::connect::client_for;
use crate::model::id::to_hex;
use crate::model::{Nanos, json};
use crate::query::facets;
use crate::secret::digest;
use crate::server::app::App;
use crate::server::stopping::stops_within;
use crate::store::issues::IssueNews;
use crate::store::remote::without_credentials;
use crate::store::{self, Backend};

/// How often the store is asked for news.
const POLL: Duration = Duration::from_secs(1);
/// Pause after the store failed.
const PAUSE: Duration = Duration::from_secs(5);
/// News read at once.
const STEP: usize = 16;
/// How long an address may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Attempts for one message; with the pauses between them about an hour.
const MOST_ATTEMPTS: u32 = 14;
/// Pause after the first attempt, which doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// Addresses that are told of issues.
#[derive(Clone, Default)]
pub struct Webhooks {
    /// The addresses, each `http://` or `https://`.
    pub urls: Vec<String>,
    /// What messages are signed with; `None` leaves them unsigned.
    pub secret: Option<String>,
}

// By hand, because neither secrets nor passwords must get into a log this way.
impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<String> = self.urls.iter().map(|url| without_credentials(url)).collect();
        f.debug_struct("Webhooks").field("urls", &urls).finish_non_exhaustive()
    }
}

/// One address, ready to be told.
pub(crate) struct Webhook {
    url: Url,
    client: Client,
    secret: Option<String>,
    /// What the store knows the address by.
    subscriber: String,
}

impl Webhooks {
    /// The addresses made ready, each known to the store from now on.
    ///
    /// # Errors
    /// [`store::Error::BadTarget`] for what is no address, and why the store cannot say what happens to issues.
    pub(crate) async fn open(self, backend: &dyn Backend) -> store::Result<Vec<Webhook>> {
        let mut hooks = Vec::new();
        for url in self.urls {
            let bad =
                |reason: &str| store::Error::BadTarget { target: without_credentials(&url), reason: reason.to_owned() };
            let address: Url = url.parse().map_err(|_| bad("it is not a URL"))?;
            if !address.has_host() || !matches!(address.scheme(), "http" | "https") {
                return Err(bad("a webhook has an http:// or https:// address"));
            }
            let client = client_for(&address, None, || {
                Client::builder().timeout(PATIENCE).user_agent(concat!("tracehub/", env!("CARGO_PKG_VERSION")))
            });
            let client = client.map_err(|error| bad(&error.to_string()))?;
            let subscriber = to_hex(&digest(&url)[..8]);
            facets::issues(backend)?.issue_news(&subscriber, 1).await?;
            hooks.push(Webhook { url: address, client, secret: self.secret.clone(), subscriber });
        }
        Ok(hooks)
    }
}

/// What became of an attempt.
enum Attempt {
    Delivered,
    /// The address does not want the message, and will not later.
    Refused(String),
    /// The attempt failed in a way that may pass.
    Failed(String),
}

impl Webhook {
    /// Tells the address what happens to issues until the server stops.
    pub(crate) async fn run(self, app: Arc<App>) {
        let mut pause = POLL;
        while !stops_within(pause, &app.stopping).await {
            pause = match self.tell_news(&app).await {
                Ok(()) => POLL,
                Err(error) => {
                    tracing::debug!("cannot read what happened to issues: {error}");
                    PAUSE
                }
            };
        }
    }

    /// Tells what happened since the last time, one after the other.
    async fn tell_news(&self, app: &App) -> store::Result<()> {
        let issues = facets::issues(&*app.backend)?;
        for news in issues.issue_news(&self.subscriber, STEP).await? {
            if !self.tell(app, &news).await {
                // The server stops; the message is sent by the next one.
                return Ok(());
            }
            issues.note_news(&self.subscriber, &news.place).await?;
        }
        Ok(())
    }

    /// Tells one thing, whatever that takes; false when the server stopped before it was known what became of it.
    async fn tell(&self, app: &App, news: &IssueNews) -> bool {
        let location = without_credentials(self.url.as_str());
        for attempt in 0..MOST_ATTEMPTS {
            let outcome = tokio::select! {
                () = crate::server::stopping::stopped(app.stopping.clone()) => return false,
                outcome = self.send(news, &app.url) => outcome,
            };
            let reason = match outcome {
                Attempt::Delivered => {
                    app.counters.webhook_called("delivered");
                    return true;
                }
                Attempt::Refused(reason) => {
                    app.counters.webhook_called("refused");
                    tracing::warn!("the webhook {location} refused a message: {reason}");
                    return true;
                }
                Attempt::Failed(reason) => reason,
            };
            app.counters.webhook_called("failed");
            if attempt == 0 {
                tracing::warn!("the webhook {location} cannot be called, it is tried again: {reason}");
            }
            let pause = FIRST_PAUSE.saturating_mul(1 << attempt.min(16)).min(LONGEST_PAUSE);
            if stops_within(pause, &app.stopping).await {
                return false;
            }
        }
        app.counters.webhook_called("given_up");
        tracing::warn!("the webhook {location} was called in vain {MOST_ATTEMPTS} times; the message is dropped");
        true
    }

    async fn send(&self, news: &IssueNews, server: &str) -> Attempt {
        let event = if news.is_new { "issue.new" } else { "issue.reopened" };
        let delivery = format!("{}-{}", if news.is_new { "new" } else { "reopened" }, news.number);
        let body = json::text(&json!({
            "event": event,
            "delivery": delivery,
            "sent_time": Nanos::now().to_rfc3339(),
            "server": server,
            "issue": news.issue,
        }));
        let mut request = self.client.post(self.url.clone()).header("content-type", "application/json");
        request = request.header("x-tracehub-event", event).header("x-tracehub-delivery", delivery);
        if let Some(signature) = self.secret.as_deref().and_then(|secret| sign(secret, body.as_bytes())) {
            request = request.header("x-tracehub-signature", signature);
        }
        match request.body(body).send().await {
            Ok(answer) if answer.status().is_success() => Attempt::Delivered,
            Ok(answer) => {
                let status = answer.status();
                let reason = format!("it says {status}");
                let may_pass = status.is_server_error()
                    || matches!(
                        status,
                        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
                    );
                if may_pass { Attempt::Failed(reason) } else { Attempt::Refused(reason) }
            }
            Err(error) => Attempt::Failed(with_causes(&error.without_url())),
        }
    }
}

/// The signature of a body: HMAC-SHA256 with the secret, in hexadecimal.
fn sign(secret: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(body);
    Some(format!("sha256={}", to_hex(&mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign("Jefe", b"what do ya want for nothing?").as_deref(), Some(expected));
    }

    #[test]
    fn neither_secret_nor_password_is_printed() {
        let hooks = Webhooks { urls: vec!["http://me:word@h/x".to_owned()], secret: Some("hush".to_owned()) };
        let text = format!("{hooks:?}");
        assert!(!text.contains("word") && !text.contains("hush"), "{text}");
    }
}
