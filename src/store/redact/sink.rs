//! A store with rules before it: what is written passes them, everything else goes to the store as it is.

use std::sync::Arc;

use async_trait::async_trait;

use super::redaction::{Redaction, SaltMissing};
use super::redactor::{Redactor, Tally};
use crate::model::sender::Sender;
use crate::model::{
    Batch, Nanos, Page, RecordFilter, Removed, Retention, Stats, StatsQuery, Text, Trace, TraceId, TraceQuery,
    TraceSummary, Written,
};
use crate::store::{
    Answers, Backend, DiskUse, Error, Feed, Info, Issues, Keys, Logs, Result, SavedFilters, Senders, Sink, Warning,
};

/// Batches of more records are redacted off the async threads.
const SMALL_BATCH: usize = 50;
/// Batches whose records take more memory are, too.
const SMALL_BYTES: usize = 64 << 10;

#[derive(Debug)]
struct Redacting {
    store: Arc<dyn Backend>,
    redaction: Arc<Redaction>,
}

/// The store with rules before it, whose hashes are keyed with the salt of the store.
///
/// # Errors
/// [`Error::NoSalt`] when the rules hash and there is no salt, or the store fails.
pub async fn redacting(store: Arc<dyn Backend>, redaction: Arc<Redaction>) -> Result<Arc<dyn Backend>> {
    let salt = store.salt().await?.map(|salt| super::Salt::new(&salt));
    redaction.take_salt(salt).map_err(|SaltMissing| Error::NoSalt)?;
    Ok(Arc::new(Redacting { store, redaction }))
}

impl Redacting {
    fn sink_of_store(&self) -> Result<&dyn Sink> {
        self.store.sink().ok_or_else(|| self.store.info().lacks(crate::store::Facet::Sink))
    }
}

#[async_trait]
impl Backend for Redacting {
    fn info(&self) -> &Info {
        self.store.info()
    }

    fn warnings(&self) -> Vec<Warning> {
        self.store.warnings()
    }

    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>> {
        self.store.traces(query).await
    }

    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        self.store.trace(id).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        self.store.stats(query).await
    }

    async fn record_count(&self) -> Result<u64> {
        self.store.record_count().await
    }

    async fn size_bytes(&self) -> Option<u64> {
        self.store.size_bytes().await
    }

    async fn newest_received(&self) -> Result<Option<Nanos>> {
        self.store.newest_received().await
    }

    fn disk_use(&self) -> Option<DiskUse> {
        self.store.disk_use()
    }

    async fn damaged_rows(&self) -> Option<u64> {
        self.store.damaged_rows().await
    }

    async fn salt(&self) -> Result<Option<[u8; 32]>> {
        self.store.salt().await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }

    fn feed(&self) -> Option<&dyn Feed> {
        self.store.feed()
    }

    fn sink(&self) -> Option<&dyn Sink> {
        self.store.sink().map(|_| self as &dyn Sink)
    }

    fn logs(&self) -> Option<&dyn Logs> {
        self.store.logs()
    }

    fn issues(&self) -> Option<&dyn Issues> {
        self.store.issues()
    }

    fn keys(&self) -> Option<&dyn Keys> {
        self.store.keys()
    }

    fn saved_filters(&self) -> Option<&dyn SavedFilters> {
        self.store.saved_filters()
    }

    fn answers(&self) -> Option<&dyn Answers> {
        self.store.answers()
    }

    fn senders(&self) -> Option<&dyn Senders> {
        self.store.senders().map(|_| self as &dyn Senders)
    }
}

#[async_trait]
impl Sink for Redacting {
    async fn write(&self, mut batch: Batch) -> Result<Written> {
        let sink = self.sink_of_store()?;
        if batch.len() <= SMALL_BATCH && batch.memory_bytes() <= SMALL_BYTES {
            self.redaction.redact(&mut batch);
            return sink.write(batch).await;
        }
        let redaction = Arc::clone(&self.redaction);
        sink.write_edited(batch, Box::new(move |batch| redaction.redact(batch))).await
    }

    async fn delete(&self, filter: &RecordFilter, dry_run: bool) -> Result<Removed> {
        self.sink_of_store()?.delete(filter, dry_run).await
    }

    async fn prune(&self, keep: &Retention, budget: usize) -> Result<Removed> {
        self.sink_of_store()?.prune(keep, budget).await
    }
}

#[async_trait]
impl Senders for Redacting {
    async fn list_senders(&self) -> Result<Vec<Sender>> {
        match self.store.senders() {
            Some(store) => store.list_senders().await,
            None => Ok(Vec::new()),
        }
    }

    async fn keep_senders(&self, senders: &[Sender]) -> Result<()> {
        let Some(store) = self.store.senders() else { return Ok(()) };
        let redactor = self.redaction.redactor();
        let mut senders = senders.to_vec();
        senders.iter_mut().for_each(|sender| redact_sender(&redactor, sender));
        store.keep_senders(&senders).await
    }
}

/// Takes the secrets out of what is known of a sender.
pub fn redact_sender(redactor: &Redactor, sender: &mut Sender) {
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
