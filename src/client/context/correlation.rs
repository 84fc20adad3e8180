//! The correlation id of what a program is doing right now, for threads and for async tasks alike.
//!
//! The id lives in the thread. A future that carries one puts it there for the time of each poll and takes it away
//! after, so tasks that share threads never see each other's, under any runtime.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::model::{SpanId, Text};

thread_local! {
    static CURRENT: RefCell<CurrentTrace> = const { RefCell::new(CurrentTrace { id: None, span_id: None }) };
}

/// Where a thread or task of a program is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CurrentTrace {
    /// The correlation id, which is the trace id.
    pub id: Option<Text>,
    /// The span within the trace, when it is known.
    pub span_id: Option<SpanId>,
}

impl CurrentTrace {
    /// What is set innermost for this thread or task; empty while a thread is torn down.
    pub fn get() -> CurrentTrace {
        CURRENT.try_with(|current| current.borrow().clone()).unwrap_or_default()
    }

    /// Sets trace and span for this thread until the guard is dropped.
    pub fn set(self) -> CorrelationGuard {
        CorrelationGuard { previous: replace(self), not_send: PhantomData }
    }

    /// Runs `future` with this trace and span.
    pub fn carry<F: Future>(self, future: F) -> WithCorrelationId<F> {
        WithCorrelationId { current: self, future: Box::pin(future) }
    }
}

impl From<Text> for CurrentTrace {
    fn from(id: Text) -> CurrentTrace {
        CurrentTrace { id: Some(id), span_id: None }
    }
}

/// The correlation id, which is the trace id, set innermost for this thread or task; `None` when none is, and while a
/// thread is torn down.
pub fn correlation_id() -> Option<Text> {
    CurrentTrace::get().id
}

/// Sets the correlation id, which is the trace id, for this thread until the guard is dropped, which brings the one before back.
///
/// A new thread starts without: hand [`correlation_id`] over and set it there. In async code use
/// [`with_correlation_id`]; the guard cannot be sent, so a spawned future that holds one over an `.await` does not
/// compile.
pub fn set_correlation_id(id: impl Into<Text>) -> CorrelationGuard {
    CurrentTrace::from(id.into()).set()
}

/// Runs `future` with the correlation id, which is the trace id, on whichever threads it is polled.
pub fn with_correlation_id<F: Future>(id: impl Into<Text>, future: F) -> WithCorrelationId<F> {
    CurrentTrace::from(id.into()).carry(future)
}

/// Runs `future` with the correlation id, which is the trace id, and the span that are set now: for what goes to
/// `spawn`, because a new task starts without.
pub fn with_current_correlation_id<F: Future>(future: F) -> WithCorrelationId<F> {
    CurrentTrace::get().carry(future)
}

fn replace(next: CurrentTrace) -> CurrentTrace {
    CURRENT.try_with(|current| current.replace(next)).unwrap_or_default()
}

/// Keeps a correlation id set; made by [`set_correlation_id`].
#[must_use = "the id is taken away when the guard is dropped"]
#[derive(Debug)]
pub struct CorrelationGuard {
    previous: CurrentTrace,
    not_send: PhantomData<*const ()>,
}

impl Drop for CorrelationGuard {
    fn drop(&mut self) {
        replace(std::mem::take(&mut self.previous));
    }
}

/// A future with a correlation id; made by [`with_correlation_id`].
#[must_use = "futures do nothing unless polled"]
pub struct WithCorrelationId<F> {
    current: CurrentTrace,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for WithCorrelationId<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _guard = self.current.clone().set();
        self.future.as_mut().poll(context)
    }
}

impl<F> fmt::Debug for WithCorrelationId<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithCorrelationId").field("id", &self.current.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn current() -> String {
        correlation_id().map_or_else(|| "none".to_owned(), |id| id.to_string())
    }

    #[test]
    fn guards_nest_and_a_new_thread_starts_without() {
        assert_eq!(current(), "none");
        let outer = set_correlation_id("outer");
        {
            let _inner = set_correlation_id("inner".to_owned());
            assert_eq!(current(), "inner");
            assert_eq!(thread::spawn(current).join().expect("no panic"), "none");
        }
        assert_eq!(current(), "outer");
        drop(outer);
        assert_eq!(current(), "none");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn tasks_on_one_thread_never_see_each_others_ids() {
        let tasks = (0..8).map(|number| {
            tokio::spawn(with_correlation_id(format!("req-{number}"), async move {
                for _ in 0..20 {
                    assert_eq!(current(), format!("req-{number}"));
                    tokio::task::yield_now().await;
                }
            }))
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("no panic");
        }
        assert_eq!(current(), "none");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_spawned_task_carries_the_id_when_asked_to() {
        with_correlation_id("req-1", async {
            let carried = tokio::spawn(with_current_correlation_id(async {
                tokio::task::yield_now().await;
                current()
            }));
            let bare = tokio::spawn(async { current() });
            assert_eq!(carried.await.expect("no panic"), "req-1");
            assert_eq!(bare.await.expect("no panic"), "none");
            assert_eq!(with_correlation_id("req-2", async { current() }).await, "req-2");
            assert_eq!(current(), "req-1");
        })
        .await;
    }
}
