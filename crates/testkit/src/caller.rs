//! A caller without a client library: typed calls, raw calls, and refusals taken apart.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use lakegate_domain::{Operation, OperationSet};
use lakegate_proto::v1::access_token_service_client::AccessTokenServiceClient;
use lakegate_proto::v1::get_access_token_response::Credential;
use lakegate_proto::v1::policy_service_client::PolicyServiceClient;
use lakegate_proto::{operations_to_wire, v1};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::ServiceExt;

use crate::Deployment;
use crate::delegation::Presenting;

/// The method that most calls are for.
pub const GET_ACCESS_TOKEN: &str = "/lakegate.v1.AccessTokenService/GetAccessToken";

/// Somebody with a certificate and a connection.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) channel: Presenting,
}

/// A failed call as its caller sees it.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The gRPC code.
    pub code: Code,
    /// The text for people.
    pub text: String,
    /// `ErrorInfo.reason`; empty without one.
    pub reason: String,
    /// `ErrorInfo.metadata["audit_id"]`; empty without one.
    pub audit_id: String,
    /// `RetryInfo`.
    pub retry_after: Option<Duration>,
    /// Whether there is nothing in the details but what `docs/errors.md` promises.
    pub keeps_to_itself: bool,
}

/// The answer to a raw call.
#[derive(Debug)]
pub struct Raw {
    /// The HTTP status.
    pub http: u16,
    /// The gRPC status, from the headers or the trailers; none when there is none.
    pub status: Option<Status>,
    /// The body as it came, frames and all.
    pub body: Bytes,
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().cloned();
        let only_ours = info.as_ref().is_some_and(|info| {
            info.domain == lakegate_proto::reason::DOMAIN && info.metadata.keys().all(|key| key == "audit_id")
        });
        let nothing_else = status.get_details_error_info().is_some()
            && status.get_error_details_vec().len() == 1 + usize::from(details.retry_info().is_some());
        let (reason, mut metadata) = info.map(|info| (info.reason, info.metadata)).unwrap_or_default();
        Self {
            code: status.code(),
            text: status.message().to_owned(),
            reason,
            audit_id: metadata.remove("audit_id").unwrap_or_default(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
            keeps_to_itself: only_ours && nothing_else,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.code, self.reason)
    }
}

impl std::error::Error for Refused {}

/// One part of a request.
pub fn part(path: &str, operations: &[Operation]) -> v1::Part {
    v1::Part { path: path.to_owned(), operations: operations_to_wire(OperationSet::of(operations)) }
}

/// The bearer token of an answer.
///
/// # Errors
/// When it holds another credential or none.
pub fn bearer(answer: &v1::GetAccessTokenResponse) -> Result<&str> {
    match &answer.credential {
        Some(Credential::Bearer(bearer)) => Ok(&bearer.token),
        _ => anyhow::bail!("answer holds no bearer token"),
    }
}

impl Caller {
    /// Asks for one token for one part.
    ///
    /// # Errors
    /// The refusal.
    pub async fn ask(
        &self,
        path: &str,
        operations: &[Operation],
    ) -> Result<v1::GetAccessTokenResponse, Refused> {
        self.ask_parts(vec![part(path, operations)]).await
    }

    /// Asks for one token for several parts.
    ///
    /// # Errors
    /// The refusal.
    pub async fn ask_parts(&self, parts: Vec<v1::Part>) -> Result<v1::GetAccessTokenResponse, Refused> {
        self.get(v1::GetAccessTokenRequest { parts, ..Default::default() }).await
    }

    /// `GetAccessToken`.
    ///
    /// # Errors
    /// The refusal.
    pub async fn get(
        &self,
        request: v1::GetAccessTokenRequest,
    ) -> Result<v1::GetAccessTokenResponse, Refused> {
        let mut client = AccessTokenServiceClient::new(self.channel.clone());
        Ok(client.get_access_token(request).await?.into_inner())
    }

    /// `BatchGetAccessTokens`.
    ///
    /// # Errors
    /// The refusal.
    pub async fn batch(
        &self,
        requests: Vec<v1::GetAccessTokenRequest>,
    ) -> Result<v1::BatchGetAccessTokensResponse, Refused> {
        let mut client = AccessTokenServiceClient::new(self.channel.clone());
        let request = v1::BatchGetAccessTokensRequest { requests };
        Ok(client.batch_get_access_tokens(request).await?.into_inner())
    }

    /// `Explain`, about the caller when `principal` is empty.
    ///
    /// # Errors
    /// The refusal.
    pub async fn explain(&self, part: v1::Part, principal: &str) -> Result<v1::ExplainResponse, Refused> {
        let mut client = PolicyServiceClient::new(self.channel.clone());
        let request =
            v1::ExplainRequest { part: Some(part), principal: principal.to_owned(), ..Default::default() };
        Ok(client.explain(request).await?.into_inner())
    }

    /// `Explain` on somebody's behalf.
    ///
    /// # Errors
    /// The refusal.
    pub async fn explain_for(
        &self,
        part: v1::Part,
        on_behalf_of: &str,
    ) -> Result<v1::ExplainResponse, Refused> {
        let mut client = PolicyServiceClient::new(self.channel.clone());
        let on_behalf_of = on_behalf_of.to_owned();
        let request = v1::ExplainRequest { part: Some(part), on_behalf_of, ..Default::default() };
        Ok(client.explain(request).await?.into_inner())
    }

    /// Asks for one token for one part on somebody's behalf.
    ///
    /// # Errors
    /// The refusal.
    pub async fn ask_for(
        &self,
        on_behalf_of: &str,
        path: &str,
        operations: &[Operation],
    ) -> Result<v1::GetAccessTokenResponse, Refused> {
        let (parts, on_behalf_of) = (vec![part(path, operations)], on_behalf_of.to_owned());
        self.get(v1::GetAccessTokenRequest { parts, on_behalf_of, ..Default::default() }).await
    }

    /// `ListDatasets`.
    ///
    /// # Errors
    /// The refusal.
    pub async fn datasets(
        &self,
        request: v1::ListDatasetsRequest,
    ) -> Result<v1::ListDatasetsResponse, Refused> {
        let mut client = PolicyServiceClient::new(self.channel.clone());
        Ok(client.list_datasets(request).await?.into_inner())
    }

    /// Posts one message, framed as gRPC wants it, whatever its bytes are.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn post(&self, path: &str, message: &[u8]) -> Result<Raw> {
        self.send(request(path, framed(message))?).await
    }

    /// Sends a request as it is.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Raw> {
        let request = request.map(|bytes| tonic::body::Body::new(Full::new(bytes)));
        let response = self.channel.clone().oneshot(request).await.context("no answer")?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.context("answer breaks off")?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status = status_in(&parts.headers).or_else(|| status_in(&trailers));
        Ok(Raw { http: parts.status.as_u16(), status, body: body.to_bytes() })
    }
}

impl Raw {
    /// The refusal that it must be.
    ///
    /// # Errors
    /// When the call succeeded or ended without a status.
    pub fn refused(self) -> Result<Refused> {
        let status = self.status.context("answer without a gRPC status")?;
        ensure!(status.code() != Code::from(0), "the call succeeded");
        Ok(status.into())
    }
}

/// A gRPC request with a body of the caller's own.
///
/// # Errors
/// When the path is no path.
pub fn request(path: &str, body: Vec<u8>) -> Result<Request<Bytes>> {
    let request = Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
    Ok(request.body(body.into())?)
}

/// A message behind its five bytes: not compressed, and its length.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], message].concat()
}

fn status_in(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers)
}

impl Deployment {
    /// A caller that proves to be `name`.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn caller(&self, name: &str) -> Result<Caller> {
        Ok(Caller::over(self.channel(name)?.into()))
    }

    /// The same from an address of this machine, such as `127.0.0.2`.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn caller_from(&self, name: &str, from: Ipv4Addr) -> Result<Caller> {
        let identity = self.authority().client(name)?;
        Ok(Caller::over(self.channel_from(Some(identity), from)?.into()))
    }

    /// What a refusal told its caller and what the audit log says of it, in one line:
    /// `code reason decision audit-reason`.
    ///
    /// # Errors
    /// When the refusal says more than it may, says `UNAVAILABLE` without `RetryInfo` or `PERMISSION_DENIED` with it,
    /// or has not exactly one audit record, or one with a token.
    pub fn told(&self, refused: &Refused) -> Result<String> {
        ensure!(refused.keeps_to_itself, "details of {refused} hold more or less than they should");
        let retry = refused.retry_after.is_some();
        match refused.reason.as_str() {
            "PERMISSION_DENIED" => ensure!(!retry, "a refusal by policy asks to try again"),
            _ if i32::from(refused.code) == 14 => ensure!(retry, "{refused} does not say when to try again"),
            _ => {}
        }
        let records = self.audit().records()?;
        let mut mine = records.iter().filter(|record| record["audit_id"] == *refused.audit_id);
        let record = mine.next().with_context(|| format!("{refused} is not in the audit log"))?;
        ensure!(mine.next().is_none(), "{refused} has two audit records");
        ensure!(record.get("token").is_none(), "the audit record of {refused} holds a token");
        let word = |name: &str| record.get(name).and_then(|word| word.as_str()).unwrap_or("-").to_owned();
        Ok(format!("{refused} {} {}", word("decision"), word("reason")))
    }
}
