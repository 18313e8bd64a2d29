//! What policy says about a part, without a token: one call, nothing is kept.

use lakegate_domain::Part;
use lakegate_proto::v1::policy_service_client::PolicyServiceClient;
use lakegate_proto::{part_to_wire, v1};
use tonic::Request;

use crate::config::ClientConfig;
use crate::endpoints::errand;
use crate::error::ClientError;

/// A broker's explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The number of the policy that says so.
    pub snapshot: u64,
    /// The whole explanation, a JSON object.
    pub document: String,
}

/// Asks the brokers of a configuration, one after the other until one answers, why the caller, or for administrators
/// another principal, may or may not do something.
///
/// # Errors
/// [`ClientError::Denied`] when the caller asks about others and is no administrator; else see [`ClientError`].
pub async fn explain(
    config: ClientConfig,
    part: &Part,
    principal: Option<&str>,
) -> Result<Explained, ClientError> {
    let question = v1::ExplainRequest {
        part: Some(part_to_wire(part)),
        principal: principal.unwrap_or_default().to_owned(),
        on_behalf_of: config.on_behalf_of.clone().unwrap_or_default(),
    };
    let ask = |channel, left| {
        let mut request = Request::new(question.clone());
        request.set_timeout(left);
        async move { PolicyServiceClient::new(channel).explain(request).await }
    };
    let answer = errand(config, ask).await?.into_inner();
    Ok(Explained { allowed: answer.allowed, snapshot: answer.snapshot, document: answer.document })
}
