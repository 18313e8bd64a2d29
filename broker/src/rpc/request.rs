//! What is known about one request before its method runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use lakegate_domain::{Caller, Principal, Timestamp};
use tonic::{Request, Status};

use crate::acting::{Acting, Last};
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
    /// Who gets nothing, and who comes from where.
    acting: Arc<Acting>,
    /// Whom its connection had counted last.
    last: Arc<Last>,
    /// On whose behalf the request asks, once that is read: on all its records from then on.
    effective: Arc<OnceLock<Principal>>,
    audited: Arc<AtomicBool>,
}

impl RequestContext {
    pub(crate) fn new(
        presented: &Presented,
        authenticated: Authenticated,
        audit_id: AuditId,
        acting: &Arc<Acting>,
    ) -> Self {
        let Authenticated { caller, token } = authenticated;
        let (peer, tenure, acting) = (presented.peer.clone(), presented.tenure.clone(), Arc::clone(acting));
        let (effective, audited, last) = (Arc::default(), Arc::default(), Arc::clone(&presented.last));
        Self { peer, caller, token, audit_id, tenure, acting, last, effective, audited }
    }

    /// The context that the layers put into a request.
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        request.extensions().get::<Self>().cloned().ok_or_else(|| Status::internal("request has no context"))
    }

    /// A record of this request, refused and without a token until told otherwise.
    pub(crate) fn record(&self, rpc: &'static str, time: Timestamp) -> Record {
        let owner = self.caller.real().map(|_| self.caller.principal());
        Record {
            principal: Some(self.caller.real().unwrap_or(self.caller.principal()).clone()),
            on_behalf_of: self.effective.get().or(owner).cloned(),
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

    /// Notes on whose behalf it asks. A batch says it once for each of its items, and the same each time.
    pub(crate) fn asks_for(&self, effective: &Principal) {
        if self.effective.set(effective.clone()).is_ok() {
            self.acting.came_from(self.peer.address().ip(), effective, &self.last);
        }
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
        // So may somebody have been blocked.
        self.acting.admit(&self.caller)?;
        if self.effective.get().is_some_and(|effective| self.acting.is_blocked(effective)) {
            return Err(Failure::Blocked);
        }
        self.token.as_ref().map_or(Ok(()), |token| token.holds(now))
    }

    fn is_certain(&self) -> Result<(), Failure> {
        self.token.as_ref().map_or(Ok(()), Bearer::is_certain)
    }
}
