//! `DelegationTokenService.Renew`: not served yet; refused like any method that is not there, and on record.

use lakegate_proto::v1;

use super::issue_delegation_token::primary;
use super::{Desk, RequestContext};
use crate::Failure;

/// Refuses, and audits before it does.
pub(super) async fn handle(
    desk: &Desk,
    context: &RequestContext,
) -> Result<v1::RenewDelegationTokenResponse, Failure> {
    let record = context.record("RenewDelegationToken", desk.pipeline.now());
    let outcome = primary(context).and(Err(Failure::NotServed));
    desk.close(context, record, outcome).await
}
