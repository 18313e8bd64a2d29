//! What policy says about a part, without a token: one call, nothing is kept.

use lakegate_domain::Part;
use lakegate_proto::v1::policy_service_client::PolicyServiceClient;
use lakegate_proto::{part_to_wire, v1};

use crate::config::ClientConfig;
use crate::error::{ClientError, ConfigFault};
use crate::{status, transport};

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

/// Asks the first broker of a configuration why the caller, or for administrators another principal, may or may
/// not do something.
///
/// # Errors
/// [`ClientError::Denied`] when the caller asks about others and is no administrator; else see [`ClientError`].
pub async fn explain(
    config: ClientConfig,
    part: &Part,
    principal: Option<&str>,
) -> Result<Explained, ClientError> {
    let timeout = config.request_timeout;
    let channel = transport::channels(config)?.into_iter().next().ok_or(ConfigFault::NoEndpoint)?;
    let mut request = tonic::Request::new(v1::ExplainRequest {
        part: Some(part_to_wire(part)),
        principal: principal.unwrap_or_default().to_owned(),
    });
    request.set_timeout(timeout);
    let answer = PolicyServiceClient::new(channel).explain(request).await;
    let answer = answer.map_err(|refused| status::to_error(&refused))?.into_inner();
    Ok(Explained { allowed: answer.allowed, snapshot: answer.snapshot, document: answer.document })
}
