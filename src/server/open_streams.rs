//! Streams of server-sent events: how one is written until it ends or the server stops, and which are open, so that there
//! are never too many and `/stats` can count them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use futures::stream;
use http::{Response, StatusCode};
use tokio::sync::watch;

use crate::model::Text;
use crate::server::http::{Failure, answer};
use crate::server::stopping::stopped;
use crate::store;

/// The streams that are open, by correlation id and the only project they show.
#[derive(Debug, Default, Clone)]
pub(crate) struct OpenStreams(Arc<Mutex<BTreeMap<StreamKey, usize>>>);

/// A correlation id, and the only project that a stream of it shows; `None` for all.
type StreamKey = (String, Option<Text>);

/// An open stream; closing is dropping.
#[derive(Debug)]
pub(crate) struct OpenStream {
    all: OpenStreams,
    key: StreamKey,
}

impl OpenStreams {
    /// Notes that a stream of a correlation id opens, which shows one project or all.
    ///
    /// # Errors
    /// There are `most` already.
    pub(crate) fn enter(&self, id: &str, project: Option<&Text>, most: usize) -> Result<OpenStream, Failure> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= most {
            let detail = "too many streams are open, try again".to_owned();
            return Err(Failure::Problem(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
        let key = (id.to_owned(), project.cloned());
        *open.entry(key.clone()).or_default() += 1;
        drop(open);
        Ok(OpenStream { all: self.clone(), key })
    }

    /// How many correlation ids are watched, by how many streams: all of them, or those that show one project alone.
    pub(crate) fn count(&self, project: Option<&Text>) -> (usize, usize) {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = open.iter().filter(|((_, shown), _)| project.is_none() || shown.as_ref() == project);
        let ids: BTreeSet<&str> = counted.clone().map(|((id, _), _)| id.as_str()).collect();
        (ids.len(), counted.map(|(_, count)| count).sum())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

/// What writes a stream of events, piece by piece.
pub(crate) trait EventSource: Send + Sized + 'static {
    /// The piece to send next; `None` at the end.
    ///
    /// # Errors
    /// The store fails; the stream breaks off then.
    fn next_piece(&mut self) -> impl Future<Output = store::Result<Option<String>>> + Send;

    /// The answer that streams all pieces until the end, or until the server stops. After a failure the client sees a
    /// broken body, and not an end that looks like the usual one.
    fn into_answer(self, stopping: &watch::Receiver<bool>) -> Response<Body> {
        let pieces = stream::try_unfold((self, stopping.clone()), |(mut source, stopping)| async {
            let piece = tokio::select! {
                () = stopped(stopping.clone()) => None,
                piece = source.next_piece() => piece?,
            };
            Ok::<_, store::Error>(piece.map(|piece| (piece, (source, stopping))))
        });
        answer::events(Body::from_stream(pieces))
    }
}
