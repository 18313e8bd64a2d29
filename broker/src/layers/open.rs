//! The methods that anybody may call who got through the handshake: health, and nothing else.
//!
//! They are counted and not audited: they tell one bit, and load balancers ask for it without end.

use http::{Request, Response};
use tonic::body::Body;
use tower::ServiceExt;

use super::{AnyBody, Handler, deadline, form, grpc_code, of_tonic};
use crate::Failure;
use crate::rpc::{HEALTHS_OWN, bare_fixed_status, to_bare_status};

pub(super) const CHECK: &str = "/grpc.health.v1.Health/Check";
pub(super) const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// Whether a method needs no caller.
pub(super) fn is_open(path: &str) -> bool {
    matches!(path, CHECK | WATCH)
}

impl Handler {
    /// Answers whoever it is. The deadline ends when the answer begins, so a stream of `Watch` lasts as long as its
    /// connection.
    pub(super) async fn answer_anybody<B: AnyBody>(
        &self,
        request: Request<B>,
        rpc: &'static str,
    ) -> Response<Body> {
        let (outcome, response) = match self.run_for_anybody(request).await {
            Ok(response) if grpc_code(response.headers()) <= 0 => ("answered", response),
            Ok(response) => ("refused", in_our_words(response)),
            Err(failure) => (failure.audit_reason(), to_bare_status(&failure).into_http()),
        };
        self.desk.metrics.requests.with_label_values(&[rpc, outcome]).inc();
        response
    }

    async fn run_for_anybody<B: AnyBody>(&self, mut request: Request<B>) -> Result<Response<Body>, Failure> {
        form::check(request.method(), request.headers())?;
        let deadline = deadline::of(request.headers(), self.longest);
        if deadline.is_zero() {
            return Err(Failure::Late);
        }
        request.extensions_mut().insert(self.watches.clone());
        match tokio::time::timeout(deadline, self.health.clone().oneshot(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(never)) => match never {},
            Err(_late) => Err(Failure::Late),
        }
    }
}

/// What tonic says of a message that it cannot read is not for strangers; what health says itself is.
fn in_our_words(response: Response<Body>) -> Response<Body> {
    let code = grpc_code(response.headers());
    if HEALTHS_OWN.contains(&code) { response } else { bare_fixed_status(of_tonic(code)).into_http() }
}
