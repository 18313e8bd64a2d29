//! A channel to one broker, with the credential that goes with every request on it.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use http::header::AUTHORIZATION;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;

use crate::delegation_token::Held;

/// A channel that presents the delegation token, if there is one. A client certificate is the connection's own affair.
#[derive(Debug, Clone)]
pub(crate) struct BrokerChannel {
    channel: Channel,
    token: Option<Arc<Held>>,
}

impl BrokerChannel {
    /// A channel and what its requests carry.
    pub(crate) fn new(channel: Channel, token: Option<Arc<Held>>) -> Self {
        Self { channel, token }
    }
}

impl Service<Request<Body>> for BrokerChannel {
    type Response = <Channel as Service<Request<Body>>>::Response;
    type Error = <Channel as Service<Request<Body>>>::Error;
    type Future = <Channel as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<Body>>::poll_ready(&mut self.channel, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, token.header());
        }
        self.channel.call(request)
    }
}
