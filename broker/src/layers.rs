//! What happens to every request, in order, before and after its method:
//!
//! 1. its address's bucket: who asks too often is told so before anything else is looked at;
//! 2. the methods that need no caller, which are listed in `open.rs`; all others do;
//! 3. an id, under which the request is found in the audit log;
//! 4. authenticate: a request without a caller goes no further, whatever its method;
//! 5. the blocklist, its identity's bucket, and the form of its metadata;
//! 6. a deadline and a net for panics, so that no request hangs or takes the process down;
//! 7. the method;
//! 8. a record, if the method did not come to write one (no caller, refused, undecodable, unknown, late, panicked,
//!    cancelled);
//! 9. one shape for errors that tonic made by itself.

mod deadline;
mod form;
mod lingering;
mod open;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use lakegate_domain::{Caller, Timestamp};
use tokio::sync::watch;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt;

use crate::Failure;
use crate::acting::Last;
use crate::audit::{AuditId, Decision, Record};
use crate::authenticate::{AuthenticationError, Rejected, authenticate};
use crate::delegation::PresentedTokens;
use crate::peer::Peer;
use crate::rpc::{
    Desk, INTERNAL, MALFORMED, RequestContext, UNIMPLEMENTED, Unfinished, Watches, fixed_status,
    to_bare_status, to_status,
};
use crate::server::{Phase, Shared};
use crate::tls::Tenure;
use lingering::Lingering;

/// What every request of a connection goes through to.
#[derive(Debug)]
pub(crate) struct Handler {
    desk: Arc<Desk>,
    routes: Routes,
    health: Routes,
    presented: Presented,
    /// The longest a request may take, its body included.
    longest: Duration,
    /// How far the connection is on its way to its end.
    phases: watch::Receiver<Phase>,
    watches: Watches,
}

/// What a connection showed of itself.
#[derive(Debug)]
pub(crate) struct Presented {
    pub(crate) peer: Peer,
    /// Whether the certificate that it showed is still good; none when it showed none.
    pub(crate) tenure: Option<Arc<Tenure>>,
    /// The delegation tokens that it presented, where any are believed.
    pub(crate) tokens: Option<PresentedTokens>,
    /// Whom its address had counted for it last.
    pub(crate) last: Arc<Last>,
}

/// The body of a request, whoever sends it.
pub(crate) trait AnyBody:
    http_body::Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send>
    + Send
    + Unpin
    + 'static
{
}

impl<B> AnyBody for B
where
    B: http_body::Body<Data = bytes::Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
}

impl Handler {
    /// The handler of one connection.
    pub(crate) fn new(shared: &Shared, presented: Presented, phases: watch::Receiver<Phase>) -> Self {
        Self {
            desk: Arc::clone(&shared.desk),
            routes: shared.routes.clone(),
            health: shared.health.clone(),
            presented,
            longest: shared.limits.request(),
            watches: Watches::of(phases.clone()),
            phases,
        }
    }

    /// Answers one request, whatever happens on the way.
    pub(crate) async fn handle<B: AnyBody>(
        self: Arc<Self>,
        request: Request<B>,
    ) -> Result<Response<Body>, Infallible> {
        let rpc = method_in(request.uri().path());
        let request = request.map(Lingering::new);
        match AssertUnwindSafe(self.admit(request, rpc)).catch_unwind().await {
            Ok(response) => Ok(response),
            Err(_panic) => Ok(self.panicked(rpc).await),
        }
    }

    async fn admit<B: AnyBody>(&self, request: Request<B>, rpc: &'static str) -> Response<Body> {
        if let Err(retry_after) = self.desk.rates.of_address(self.presented.peer.address().ip()) {
            self.desk.metrics.requests.with_label_values(&[rpc, "rate_limited"]).inc();
            return to_bare_status(&Failure::RateLimited { retry_after }).into_http();
        }
        if open::is_open(request.uri().path()) {
            return self.answer_anybody(request, rpc).await;
        }
        let (audit_id, now) = (self.desk.ids.next(), self.desk.pipeline.now());
        let Presented { peer, tokens, .. } = &self.presented;
        let authenticated = self.presented.check(now);
        match authenticated.and_then(|()| authenticate(peer, request.headers(), tokens.as_ref(), now)) {
            Ok(authenticated) => {
                let address = peer.address().ip();
                self.desk.acting.came_from(address, authenticated.caller.principal(), &self.presented.last);
                let context =
                    RequestContext::new(&self.presented, authenticated, audit_id, &self.desk.acting);
                self.answer(request, &context, rpc).await
            }
            Err(rejected) => unauthenticated(&self.desk, peer, (rpc, audit_id), rejected).await,
        }
    }

    /// The answer to a request that panicked before or beside its method. Its caller may not be known.
    async fn panicked(&self, rpc: &'static str) -> Response<Body> {
        let (desk, audit_id) = (&self.desk, self.desk.ids.next());
        desk.metrics.panics.inc();
        tracing::error!(audit_id = audit_id.as_str(), "a layer panicked");
        let failure = Failure::Internal("a layer panicked");
        let record = Record {
            principal: self.presented.peer.principal().cloned(),
            decision: Decision::Error,
            reason: failure.audit_reason(),
            ..Record::new(desk.pipeline.now(), audit_id.clone(), rpc, self.presented.peer.address())
                .of_peer(&self.presented.peer)
        };
        desk.metrics.requests.with_label_values(&[record.rpc, record.reason]).inc();
        let failure = desk.accept(&record).await.err().unwrap_or(failure);
        to_status(&failure, &audit_id).into_http()
    }

    /// Answers a known caller, and sees to it that there is a record.
    async fn answer<B: AnyBody>(
        &self,
        request: Request<B>,
        context: &RequestContext,
        rpc: &'static str,
    ) -> Response<Body> {
        let desk = &self.desk;
        let _unless_cancelled = Unfinished::new(desk, context, rpc);
        let failure = match self.run(request, context).await {
            Ok(response) if context.is_audited() => return response,
            Ok(response) => return ended_by_tonic(desk, context, rpc, response).await,
            Err(failure) => failure,
        };
        if context.is_audited() {
            return to_status(&failure, &context.audit_id).into_http();
        }
        let record = context.record(rpc, desk.pipeline.now());
        let closed = desk.close(context, record, Err::<(), _>(failure)).await;
        let failure = closed.err().unwrap_or(Failure::Internal("a failure was closed as a success"));
        to_status(&failure, &context.audit_id).into_http()
    }

    /// Runs the method, unless something speaks against it before.
    async fn run<B: AnyBody>(
        &self,
        mut request: Request<B>,
        context: &RequestContext,
    ) -> Result<Response<Body>, Failure> {
        let identity = context.caller.principal();
        self.desk.acting.admit(&context.caller)?;
        self.desk.rates.of_identity(identity).map_err(|retry_after| Failure::RateLimited { retry_after })?;
        form::check(request.method(), request.headers())?;
        self.is_still_there(context).await?;
        context.peer.check_residence().await?;
        let deadline = deadline::of(request.headers(), self.longest);
        if deadline.is_zero() {
            return Err(Failure::Late);
        }
        request.extensions_mut().insert(context.clone());
        let method = AssertUnwindSafe(self.routes.clone().oneshot(request)).catch_unwind();
        let ended = tokio::select! {
            biased;
            ended = tokio::time::timeout(deadline, method) => ended,
            () = time_is_up(self.phases.clone()) => return Err(Failure::Draining),
        };
        match ended {
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_panic)) => {
                self.desk.metrics.panics.inc();
                tracing::error!(audit_id = context.audit_id.as_str(), "a handler panicked");
                Err(Failure::Internal("a handler panicked"))
            }
            Err(_late) => Err(Failure::Late),
        }
    }
}

impl Presented {
    /// What one connection showed; nothing of it is counted yet.
    pub(crate) fn new(peer: Peer, tenure: Option<Arc<Tenure>>, tokens: Option<PresentedTokens>) -> Self {
        Self { peer, tenure, tokens, last: Arc::default() }
    }

    /// Whether the certificate, if there is one, is as good as it was in the handshake.
    fn check(&self, now: Timestamp) -> Result<(), Rejected> {
        let tenure = self.tenure.as_ref().map_or(Ok(()), |tenure| tenure.check(now));
        Ok(tenure.map_err(AuthenticationError::Distrusted)?)
    }
}

impl Handler {
    /// Refuses a delegation token whose owner has left the policy: it was issued when somebody was there. Groups from
    /// outside may be all that the policy knows of it.
    async fn is_still_there(&self, context: &RequestContext) -> Result<(), Failure> {
        if context.token.is_none() || self.desk.pipeline.snapshot()?.knows(&context.caller) {
            return Ok(());
        }
        let caller = self.desk.acting.with_groups(context.caller.clone()).await?;
        if self.desk.pipeline.snapshot()?.knows(&caller) {
            Ok(())
        } else {
            Err(AuthenticationError::OwnerGone.into())
        }
    }
}

/// Waits until the broker waits no longer. A connection that is gone takes its requests along by itself.
async fn time_is_up(mut phases: watch::Receiver<Phase>) {
    if phases.wait_for(|phase| *phase >= Phase::Over).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Writes the record of a request that tonic answered before its method could, and gives the answer our shape.
async fn ended_by_tonic(
    desk: &Desk,
    context: &RequestContext,
    rpc: &'static str,
    response: Response<Body>,
) -> Response<Body> {
    let code = of_tonic(grpc_code(response.headers()));
    let mut record = context.record(rpc, desk.pipeline.now());
    (record.decision, record.reason) = match code {
        UNIMPLEMENTED => (Decision::Deny, "unknown_method"),
        _ => (Decision::Deny, "request_form"),
    };
    desk.metrics.requests.with_label_values(&[record.rpc, record.reason]).inc();
    if let Err(failure) = desk.write(context, &record).await {
        return to_status(&failure, &context.audit_id).into_http();
    }
    if response.status() == http::StatusCode::OK {
        fixed_status(code, &context.audit_id).into_http()
    } else {
        response
    }
}

/// What tonic calls internal is a request whose frames do not fit together; its own panics do not come here.
fn of_tonic(code: i32) -> i32 {
    if code == INTERNAL { MALFORMED } else { code }
}

/// The gRPC code that a response without a body carries; -1 for none.
fn grpc_code(headers: &HeaderMap) -> i32 {
    let text = headers.get("grpc-status").map(HeaderValue::to_str);
    text.and_then(Result::ok).and_then(|code| code.parse().ok()).unwrap_or(-1)
}

/// The method that a path is for; `unknown` for all that are not ours.
fn method_in(path: &str) -> &'static str {
    match path {
        "/lakegate.v1.AccessTokenService/GetAccessToken" => "GetAccessToken",
        "/lakegate.v1.AccessTokenService/BatchGetAccessTokens" => "BatchGetAccessTokens",
        "/lakegate.v1.DelegationTokenService/Issue" => "IssueDelegationToken",
        "/lakegate.v1.DelegationTokenService/Renew" => "RenewDelegationToken",
        "/lakegate.v1.DelegationTokenService/Cancel" => "CancelDelegationToken",
        "/lakegate.v1.PolicyService/Explain" => "Explain",
        "/lakegate.v1.PolicyService/ListDatasets" => "ListDatasets",
        open::CHECK => "Check",
        open::WATCH => "Watch",
        _ => "unknown",
    }
}

/// Refuses a request without a caller. A peer with a certificate is on record like any other; of those without, as many
/// as are reasonable.
async fn unauthenticated(
    desk: &Desk,
    peer: &Peer,
    (rpc, audit_id): (&'static str, AuditId),
    rejected: Rejected,
) -> Response<Body> {
    let failure = Failure::Unauthenticated(rejected.error);
    desk.metrics.requests.with_label_values(&[rpc, failure.audit_reason()]).inc();
    if !peer.has_certificate() && !desk.rejects.may_be_recorded() {
        desk.metrics.unrecorded_rejects.inc();
        return to_status(&failure, &audit_id).into_http();
    }
    let (bearer, delegation_token) = rejected.bearer.map(|it| *it).unzip();
    let claimed = peer.nameless().and_then(|nameless| nameless.claimed.as_ref());
    for named in bearer.as_ref().map(Caller::principal).into_iter().chain(claimed) {
        desk.acting.came_from(peer.address().ip(), named, &Last::default());
    }
    let owner = bearer.as_ref().map(|bearer| bearer.real().unwrap_or(bearer.principal()).clone());
    let record = Record {
        principal: peer.principal().cloned().or(owner),
        on_behalf_of: bearer.filter(|it| it.real().is_some()).map(|it| it.principal().clone()),
        delegation_token,
        decision: if failure.is_refusal() { Decision::Deny } else { Decision::Error },
        reason: failure.audit_reason(),
        ..Record::new(desk.pipeline.now(), audit_id.clone(), rpc, peer.address()).of_peer(peer)
    };
    let failure = desk.accept(&record).await.err().unwrap_or(failure);
    to_status(&failure, &audit_id).into_http()
}
