//! What is known about one request before its method runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lakegate_domain::{Caller, Timestamp};
use tonic::{Request, Status};

use crate::audit::{AuditId, Record};
use crate::authenticate::{Authenticated, AuthenticationError};
use crate::delegation::Bearer;
use crate::layers::Presented;
use crate::tls::Tenure;
use crate::{Failure, Peer, Proven};

/// One request: who asks, from where, and the id under which it is found later.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    pub(crate) peer: Peer,
    pub(crate) caller: Caller,
    /// The delegation token that the caller came by.
    pub(crate) token: Option<Bearer>,
    pub(crate) audit_id: AuditId,
    /// Whether the certificate of its connection is still good.
    tenure: Option<Arc<Tenure>>,
    audited: Arc<AtomicBool>,
}

impl RequestContext {
    pub(crate) fn new(presented: &Presented, authenticated: Authenticated, audit_id: AuditId) -> Self {
        let Authenticated { caller, token } = authenticated;
        let (peer, tenure) = (presented.peer.clone(), presented.tenure.clone());
        Self { peer, caller, token, audit_id, tenure, audited: Arc::new(AtomicBool::new(false)) }
    }

    /// The context that the layers put into a request.
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        request.extensions().get::<Self>().cloned().ok_or_else(|| Status::internal("request has no context"))
    }

    /// A record of this request, refused and without a token until told otherwise.
    pub(crate) fn record(&self, rpc: &'static str, time: Timestamp) -> Record {
        Record {
            principal: Some(self.caller.real().unwrap_or(self.caller.principal()).clone()),
            on_behalf_of: self.caller.real().map(|_| self.caller.principal().clone()),
            proof: Some(self.caller.proof().as_str()),
            delegation_token: self.token.as_ref().map(Bearer::id),
            bound_to: self.token.as_ref().map(Bearer::bound_to),
            ..Record::new(time, self.audit_id.clone(), rpc, self.peer.address()).of_peer(&self.peer)
        }
    }

    /// One item of a batch: the same request under an id, and with a record, of its own.
    pub(crate) fn item(&self, audit_id: AuditId) -> Self {
        Self { audit_id, audited: Arc::new(AtomicBool::new(false)), ..self.clone() }
    }

    /// Notes that a record was written.
    pub(crate) fn mark_audited(&self) {
        self.audited.store(true, Ordering::Relaxed);
    }

    /// Whether a record was written.
    pub(crate) fn is_audited(&self) -> bool {
        self.audited.load(Ordering::Relaxed)
    }
}

impl Proven for RequestContext {
    fn holds(&self, now: Timestamp) -> Result<(), Failure> {
        // The certificate may have been taken back, or have ended, since the request came.
        let tenure = self.tenure.as_ref().map_or(Ok(()), |tenure| tenure.check(now));
        tenure.map_err(AuthenticationError::Distrusted)?;
        self.token.as_ref().map_or(Ok(()), |token| token.holds(now))
    }

    fn is_certain(&self) -> Result<(), Failure> {
        self.token.as_ref().map_or(Ok(()), Bearer::is_certain)
    }
}
