//! The bytes of a connection, which report to its [`Activity`] that they move. Knows of HTTP only how HTTP/2 begins.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::server::http::connection::Activity;

/// What a client sends first over HTTP/2.
const HTTP2_GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a client that still sends may take to read its last answer.
const LINGER: Duration = Duration::from_secs(2);

/// A connection that is watched.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
    /// How much of the greeting of HTTP/2 the client has sent; `None` once it is certain whether it does.
    greeted_bytes: Option<usize>,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    /// A connection that reports to this activity.
    pub(crate) fn new(stream: S, activity: Arc<Activity>) -> Watched<S> {
        Watched { stream, activity, greeted_bytes: Some(0), lingering: None }
    }

    /// Looks at the first bytes of the client.
    fn look_for_greeting(&mut self, bytes: &[u8]) {
        let Some(before) = self.greeted_bytes else { return };
        let awaited = HTTP2_GREETING.get(before..).unwrap_or_default();
        let seen = bytes.len().min(awaited.len());
        if bytes.get(..seen) != awaited.get(..seen) {
            self.greeted_bytes = None;
        } else if before + seen == HTTP2_GREETING.len() {
            self.greeted_bytes = None;
            self.activity.note_http2();
        } else {
            self.greeted_bytes = Some(before + seen);
        }
    }

    fn note_written(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = result {
            self.activity.note_written(bytes);
        }
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            this.activity.note_read();
            this.look_for_greeting(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.note_written(result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        this.note_written(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    /// Closes our direction; where the client still sends, also takes what arrives until it closes its own, for a while.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        if !this.activity.is_lingering() {
            return Poll::Ready(Ok(()));
        }
        let timer = this.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut thrown_away = [0; 8_192];
        while timer.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;
    use crate::server::http::connection::Patience;

    /// How long an idle client of which these bytes are read may stay, in seconds.
    async fn stays(parts: &[&[u8]]) -> u64 {
        let second = Duration::from_secs(1);
        let (near, mut far) = duplex(64);
        let activity = Activity::new();
        let mut near = Watched::new(near, Arc::clone(&activity));
        for part in parts {
            far.write_all(part).await.expect("room");
            near.read_exact(&mut vec![0; part.len()]).await.expect("bytes");
        }
        let began = tokio::time::Instant::now();
        activity.ended(&Patience { idle: second, http2_idle: 5 * second, stalled: 9 * second }).await;
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_whole_greeting_of_http2_buys_the_time_of_http2() {
        assert_eq!(stays(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]).await, 5);
        assert_eq!(stays(&[b"PRI * HT", b"TP/2.0\r\n\r\nSM\r\n", b"\r\n\0\0\0"]).await, 5);
        for other in [&b""[..], b"PRI", b"POST / HTTP/1.1\r\n", b"\x16\x03\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            assert_eq!(stays(&[other]).await, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_still_sends_is_listened_to_until_it_closes_and_not_for_ever() {
        let (near, mut far) = duplex(16);
        let activity = Activity::new();
        activity.linger();
        let mut near = Watched::new(near, Arc::clone(&activity));
        let (closed, ()) = tokio::join!(near.shutdown(), async {
            far.write_all(&[0; 100_000]).await.expect("somebody reads");
            drop(far);
        });
        closed.expect("closed");
        let (near, _far) = duplex(16);
        Watched::new(near, activity).shutdown().await.expect("closed, although nobody else closes");
    }
}
