//! A connection that ends when nothing moves on it.
//!
//! HTTP libraries time requests, not connections: a client that never sends its first byte, or stops reading its
//! answer, would hold a connection for ever. Progress in either direction starts the clock anew.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Bytes after which the protocol of a connection is certain; until then the shorter timeout holds.
const GREETING_BYTES: usize = 24;

/// A connection with a limit on idleness.
#[derive(Debug)]
pub(crate) struct Idle<S> {
    stream: S,
    timer: Pin<Box<Sleep>>,
    timeout: Duration,
    greeting_left: usize,
}

impl<S> Idle<S> {
    /// Closes `stream` when its first bytes take longer than `greeting`, or when it is idle for `timeout` later on.
    pub(crate) fn new(stream: S, greeting: Duration, timeout: Duration) -> Idle<S> {
        Idle { stream, timer: Box::pin(sleep(greeting)), timeout, greeting_left: GREETING_BYTES }
    }

    /// What to say of an operation that moved so many `bytes`, or waits: nothing yet then, or that it took too long.
    fn watch<T>(
        &mut self,
        result: Poll<io::Result<T>>,
        context: &mut Context<'_>,
        bytes: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        let Poll::Ready(done) = &result else {
            return self.timer.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()));
        };
        self.greeting_left = self.greeting_left.saturating_sub(done.as_ref().map_or(0, bytes));
        if self.greeting_left == 0 {
            let deadline = Instant::now() + self.timeout;
            self.timer.as_mut().reset(deadline);
        }
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Idle<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.watch(result, context, |()| buffer.filled().len() - before)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Idle<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch(result, context, |written| *written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        this.watch(result, context, |written| *written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const SOON: Duration = Duration::from_millis(5);
    const NEVER: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn a_silent_connection_ends_after_the_time_for_a_greeting() {
        let (near, _far) = duplex(64);
        let error = Idle::new(near, SOON, NEVER).read_u8().await.expect_err("silence");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn part_of_a_greeting_does_not_buy_more_time() {
        let (near, mut far) = duplex(64);
        far.write_all(b"P").await.expect("room");
        let error = Idle::new(near, SOON, NEVER).read_exact(&mut [0; 2]).await.expect_err("silence");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_whose_other_end_stops_reading_ends() {
        let (near, mut far) = duplex(64);
        far.write_all(&[0; GREETING_BYTES]).await.expect("room");
        let mut near = Idle::new(near, NEVER, SOON);
        near.read_exact(&mut [0; GREETING_BYTES]).await.expect("a greeting");
        let error = near.write_all(&[0; 1_000]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
