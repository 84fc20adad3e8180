//! What is left of a request's body when its answer is there. A client that listens only after it has sent everything
//! would see a reset connection instead of a refusal, so what nobody wanted is read on and thrown away, within bounds.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

/// How long, with which pauses, and how much is read on.
const LONGEST: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const MOST_BYTES: usize = 128 << 20;

/// The rest of a body that was handed out.
#[derive(Debug, Default)]
pub(crate) struct Leftover {
    /// Whether anybody asked for the body.
    is_asked_for: AtomicBool,
    /// The body, once nobody reads it any more; none when it was read to its end.
    rest: Mutex<Option<Body>>,
}

impl Leftover {
    /// A body to hand out, and what will be left of it.
    pub(crate) fn of(body: Body) -> (Body, Arc<Leftover>) {
        let leftover = Arc::<Leftover>::default();
        match body.is_end_stream() {
            true => (body, leftover),
            false => (Body::new(Lent { body, is_over: false, leftover: Arc::clone(&leftover) }), leftover),
        }
    }

    /// Reads on to the end of the body; whether the end was reached. A client that waits to hear whether it should send
    /// (`expects_answer`) is not made to.
    pub(crate) async fn discard(&self, expects_answer: bool) -> bool {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = rest else { return true };
        if expects_answer && !self.is_asked_for.load(Ordering::Relaxed) {
            return false;
        }
        let (end, mut seen) = (Instant::now() + LONGEST, 0);
        while seen <= MOST_BYTES {
            let deadline = end.min(Instant::now() + LONGEST_PAUSE);
            match timeout_at(deadline, body.frame()).await {
                Err(_) => return false,
                // Whoever broke off is not there to read an answer.
                Ok(None | Some(Err(_))) => return true,
                Ok(Some(Ok(frame))) => seen += frame.data_ref().map_or(0, Bytes::len),
            }
        }
        false
    }

    /// Whether all of the body was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

/// A body that is handed out, and comes back when it is dropped before its end.
#[derive(Debug)]
struct Lent {
    body: Body,
    is_over: bool,
    leftover: Arc<Leftover>,
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        this.leftover.is_asked_for.store(true, Ordering::Relaxed);
        let frame = Pin::new(&mut this.body).poll_frame(context);
        this.is_over |= matches!(frame, Poll::Ready(None | Some(Err(_))));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_over && !self.body.is_end_stream() {
            let body = std::mem::take(&mut self.body);
            *self.leftover.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt as _, stream};

    use super::*;

    fn parts(count: usize, bytes: usize) -> Body {
        let part = Bytes::from(vec![0; bytes]);
        Body::from_stream(stream::repeat(part).take(count).map(Ok::<_, std::io::Error>))
    }

    #[tokio::test]
    async fn what_nobody_read_is_read_on_to_its_end() {
        let (body, leftover) = Leftover::of(parts(100, 1_000));
        drop(body);
        assert!(!leftover.is_empty() && leftover.discard(false).await && leftover.is_empty());
        let (mut body, leftover) = Leftover::of(parts(100, 1_000));
        assert!(body.frame().await.is_some());
        drop(body);
        // Whoever was asked to go on does.
        assert!(!leftover.is_empty() && leftover.discard(true).await);
        let (body, leftover) = Leftover::of(parts(2, 10));
        body.collect().await.expect("two parts");
        assert!(leftover.is_empty() && leftover.discard(true).await);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_made_to_send_and_nothing_is_read_for_ever() {
        let (body, leftover) = Leftover::of(parts(1, 10));
        drop(body);
        assert!(!leftover.discard(true).await);
        let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let (body, leftover) = Leftover::of(endless);
        drop(body);
        let began = Instant::now();
        assert!(!leftover.discard(false).await && began.elapsed() <= LONGEST_PAUSE * 2);
        let (body, leftover) = Leftover::of(parts(usize::MAX, 1 << 20));
        drop(body);
        assert!(!leftover.discard(false).await);
    }
}
