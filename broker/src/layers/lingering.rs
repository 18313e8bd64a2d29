//! Reads to its end what a request still sends that was answered already.
//!
//! A refusal may be given before the request's body is there. Were the body dropped then, the stream would be reset; what
//! comes for it afterwards counts as the peer's fault, and enough of those end the connection, together with all the good
//! requests on it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tokio::runtime::Handle;

use super::AnyBody;

/// How much is read of what nobody wants, in bytes; a request has a few hundred as a rule.
const MOST: usize = 64 << 10;

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body that is read to its end even when its request is done with it.
#[derive(Debug)]
pub(super) struct Lingering<B: AnyBody> {
    /// None once it ended or failed.
    body: Option<B>,
}

impl<B: AnyBody> Lingering<B> {
    pub(super) fn new(body: B) -> Self {
        Self { body: Some(body) }
    }
}

impl<B: AnyBody> Body for Lingering<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: AnyBody> Drop for Lingering<B> {
    fn drop(&mut self) {
        if let Some(body) = self.body.take()
            && !body.is_end_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move { tokio::time::timeout(PATIENCE, read_on(body)).await });
        }
    }
}

/// Reads until the end, or until it is too much.
async fn read_on<B: AnyBody>(mut body: B) {
    let mut read = 0;
    while read <= MOST
        && let Some(Ok(frame)) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
    {
        read += frame.data_ref().map_or(0, Buf::remaining);
    }
}
