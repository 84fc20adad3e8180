//! The first bytes of a connection: whether they are HTTP at all.
//!
//! HTTP libraries close a connection that is none without a word, so the first byte is noted before they see it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection begins with.
#[derive(Debug, Clone, Default)]
pub(crate) struct FirstByte(Arc<AtomicU8>);

/// The first byte of a TLS record that shakes hands.
const TLS_HANDSHAKE: u8 = 0x16;

impl FirstByte {
    /// Why what began this way cannot be HTTP: a reason in one word, and what is said of it. `None` when it can, and when
    /// nothing was sent.
    pub(crate) fn trouble(&self) -> Option<(&'static str, &'static str)> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            TLS_HANDSHAKE => {
                Some(("tls_on_plain_port", "the connection began with TLS, and this port speaks plain HTTP"))
            }
            // Methods are made of letters; browsers and old clients begin with line breaks.
            byte if byte.is_ascii_uppercase() || matches!(byte, b'\r' | b'\n') => None,
            _ => Some(("not_http", "the connection began with something that is no HTTP")),
        }
    }
}

/// A connection whose first byte is noted.
#[derive(Debug)]
pub(crate) struct Greeted<S> {
    stream: S,
    first: FirstByte,
}

impl<S> Greeted<S> {
    /// Notes the first byte of `stream` in `first`.
    pub(crate) fn new(stream: S, first: FirstByte) -> Greeted<S> {
        Greeted { stream, first }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.stream).poll_read(context, buffer);
        if this.first.0.load(Ordering::Relaxed) == 0
            && let Some(byte) = buffer.filled().get(before)
        {
            // A zero byte is no HTTP either, and zero here is that nothing came.
            this.first.0.store((*byte).max(1), Ordering::Relaxed);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
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

    async fn reason(bytes: &[u8]) -> Option<&'static str> {
        let (near, mut far) = duplex(64);
        far.write_all(bytes).await.expect("room");
        drop(far);
        let first = FirstByte::default();
        let mut read = Vec::new();
        Greeted::new(near, first.clone()).read_to_end(&mut read).await.expect("read");
        assert_eq!(read, bytes);
        first.trouble().map(|(reason, _)| reason)
    }

    #[tokio::test]
    async fn tls_and_other_protocols_are_told_from_http() {
        assert_eq!(reason(b"\x16\x03\x01\x02").await, Some("tls_on_plain_port"));
        for bytes in [&b"\x00\x00\x00\x10"[..], b"<34>1 syslog", b"{\"json\":1}", b"\x80\x01"] {
            assert_eq!(reason(bytes).await, Some("not_http"), "{bytes:?}");
        }
        for bytes in [&b""[..], b"POST / HTTP/1.1", b"PRI * HTTP/2.0", b"\r\nGET /"] {
            assert_eq!(reason(bytes).await, None, "{bytes:?}");
        }
    }
}
