//! Watches whether a client has sent its HTTP/2 preface.
//!
//! hyper waits for the preface without end. A stream that counts what it read lets the connection's loop close one
//! that says nothing after its handshake.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The length of `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n` (RFC 9113, section 3.4).
const PREFACE: usize = 24;

/// A stream that counts the bytes it read.
#[derive(Debug)]
pub(super) struct Prefaced<S> {
    inner: S,
    read: Arc<AtomicUsize>,
}

/// Tells whether the preface is here.
#[derive(Debug, Clone)]
pub(super) struct PrefaceSeen(Arc<AtomicUsize>);

impl PrefaceSeen {
    pub(super) fn is_complete(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= PREFACE
    }
}

impl<S> Prefaced<S> {
    pub(super) fn new(inner: S) -> (Self, PrefaceSeen) {
        let read = Arc::new(AtomicUsize::new(0));
        (Self { inner, read: Arc::clone(&read) }, PrefaceSeen(read))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefaced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if self.read.load(Ordering::Relaxed) < PREFACE {
            self.read.fetch_add(buffer.filled().len() - before, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefaced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
