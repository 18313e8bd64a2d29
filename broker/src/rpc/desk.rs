//! What all methods share: the pipeline, the audit log, the metrics, the administrators.

use std::collections::BTreeSet;
use std::sync::Arc;

use lakegate_delegation::is_token;
use lakegate_domain::{Caller, Part, Principal};
use lakegate_proto::v1;

use super::RequestContext;
use crate::acting::{Acting, Asked};
use crate::audit::{AuditIds, AuditLog, Decision, Record};
use crate::delegation::DelegationDesk;
use crate::identity::Identities;
use crate::metrics::Metrics;
use crate::rates::Rates;
use crate::rejects::Rejects;
use crate::tiers::Mirror;
use crate::{Failure, Pipeline};

/// The place where requests are answered.
#[derive(Debug)]
pub struct Desk {
    /// From caller to answer.
    pub pipeline: Pipeline,
    /// The plain scopes in memory; before it was loaded, this broker is of less use than others.
    pub mirror: Arc<Mirror>,
    /// Where records go.
    pub audit: AuditLog,
    /// Where their ids come from.
    pub ids: AuditIds,
    /// What is counted.
    pub metrics: Metrics,
    /// How peers are known.
    pub identities: Identities,
    /// Delegation tokens, where they are issued and believed.
    pub(crate) delegation: Option<Arc<DelegationDesk>>,
    /// Which rejects of unknown clients are put on record.
    pub(crate) rejects: Rejects,
    /// How often anybody may ask.
    pub rates: Rates,
    /// Who acts, and for whom.
    pub acting: Arc<Acting>,
    /// Who may ask about others.
    pub administrators: BTreeSet<Principal>,
}

impl Desk {
    /// Writes the record of a finished request. Only then may its answer leave.
    pub(crate) async fn close<T>(
        &self,
        context: &RequestContext,
        mut record: Record,
        outcome: Result<T, Failure>,
    ) -> Result<T, Failure> {
        match &outcome {
            Ok(_) => (record.decision, record.reason) = (Decision::Allow, "policy_allow"),
            Err(failure) => {
                record.decision = if failure.is_refusal() { Decision::Deny } else { Decision::Error };
                record.reason = failure.audit_reason();
                record.rule = failure.rule().cloned();
                tell_operator(context, failure);
            }
        }
        let written = self.write(context, &record).await;
        let counted = if written.is_ok() { record.reason } else { Failure::Audit.audit_reason() };
        self.metrics.requests.with_label_values(&[record.rpc, counted]).inc();
        written.and(outcome)
    }

    /// Hands a record to the audit log.
    pub(crate) async fn write(&self, context: &RequestContext, record: &Record) -> Result<(), Failure> {
        context.mark_audited();
        self.accept(record).await
    }

    /// Hands in a record of a request without a context.
    pub(crate) async fn accept(&self, record: &Record) -> Result<(), Failure> {
        self.audit.accept(record).await.map_err(|_| {
            self.metrics.audit_failures.inc();
            Failure::Audit
        })
    }

    /// On whose behalf a request asks. Methods read it first: from then on every record of the request has the name,
    /// whatever becomes of it.
    pub(crate) fn effective(
        &self,
        context: &RequestContext,
        on_behalf_of: &str,
    ) -> Result<Option<Principal>, Failure> {
        if on_behalf_of.is_empty() {
            return Ok(None);
        }
        let effective = self.principal(on_behalf_of, "on_behalf_of is no principal")?;
        context.asks_for(&effective);
        Ok(Some(effective))
    }

    /// The caller whose rights decide: who asks, or the principal on whose behalf it does.
    pub(crate) async fn caller(
        &self,
        context: &RequestContext,
        effective: Result<Option<Principal>, Failure>,
    ) -> Result<Caller, Failure> {
        let effective = effective?;
        let snapshot = self.pipeline.snapshot()?;
        let address = context.peer.address().ip();
        let asked = Asked { own: &context.caller, address, snapshot: &snapshot };
        self.acting.caller(asked, effective.as_ref()).await
    }

    /// The principal that a name in a request stands for. People paste tokens where names belong; a token has the
    /// alphabet of a name, and must not come to stand in an audit record as one.
    pub(crate) fn principal(&self, name: &str, fault: &'static str) -> Result<Principal, Failure> {
        if is_token(name) {
            return Err(Failure::Field("a token stands where a name belongs"));
        }
        self.acting.named(name).map_err(|_| Failure::Field(fault))
    }

    pub(crate) fn is_administrator(&self, principal: &Principal) -> bool {
        self.administrators.contains(principal)
    }
}

/// Says in the log what the caller is not told.
fn tell_operator(context: &RequestContext, failure: &Failure) {
    let audit_id = context.audit_id.as_str();
    let cause = std::error::Error::source(failure).map(ToString::to_string);
    if failure.is_refusal() {
        tracing::info!(audit_id, error = %failure, cause, "request refused");
    } else {
        tracing::warn!(audit_id, error = %failure, cause, "request failed");
    }
}

/// The parts of a message, or the first rule that one breaks.
pub(crate) fn parts_of(parts: &[v1::Part]) -> Result<Vec<Part>, Failure> {
    if !(1..=4).contains(&parts.len()) {
        return Err(lakegate_policy::Refusal::PartCount.into());
    }
    parts.iter().map(|part| lakegate_proto::part_from_wire(part).map_err(Failure::from)).collect()
}
