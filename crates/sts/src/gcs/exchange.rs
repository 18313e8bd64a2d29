//! The token exchange: a source token and a boundary go in, a token that can do no more comes out.
//!
//! There is no exchange without a [`Boundary`], and no boundary without a rule. Wire format: RFC 8693 at
//! `https://sts.googleapis.com/v1/token`, with Google's `options` parameter, form-encoded once.

use std::time::Duration;

use lakegate_domain::Secret;
use tokio::time::Instant;
use url::form_urlencoded;

use super::boundary::Boundary;
use super::reply::{self, OAuthError};
use super::source::SourceToken;
use crate::http::{Endpoint, Fault, HttpClient, Reply};
use crate::{BadReply, MintError};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What to do after a 429 without `Retry-After`.
const DEFAULT_PAUSE: Duration = Duration::from_secs(5);

/// A downscoped token.
pub(super) struct Exchanged {
    pub(super) token: Secret,
    /// When it ends: what the STS says, and never after the source token.
    pub(super) ends_at: Instant,
}

/// An exchange without a token.
pub(super) enum Refused {
    /// The STS does not accept the source token (`invalid_grant`).
    Subject {
        /// The HTTP status.
        status: u16,
    },
    /// Anything else.
    Other(MintError),
}

impl<E: Into<MintError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Trades the source token for one that the boundary confines. One call, no retry.
pub(super) async fn exchange(
    http: &HttpClient,
    sts: &Endpoint,
    source: &SourceToken,
    boundary: &Boundary,
) -> Result<Exchanged, Refused> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", GRANT_TYPE)
        .append_pair("subject_token_type", ACCESS_TOKEN)
        .append_pair("requested_token_type", ACCESS_TOKEN)
        .append_pair("subject_token", source.secret().expose())
        .append_pair("options", boundary.as_json())
        .finish();
    match http.post_form(sts, form).await {
        Ok(reply) if reply.status == 200 => Ok(read(&reply, source)?),
        Ok(reply) => Err(refusal(&reply)),
        Err(Fault::TooLarge) => Err(BadReply::TooLarge.into()),
        Err(Fault::Unreachable) => Err(MintError::unavailable().into()),
    }
}

fn read(reply: &Reply, source: &SourceToken) -> Result<Exchanged, BadReply> {
    let granted = reply::granted(&reply.body, Some(ACCESS_TOKEN))?;
    if granted.token.expose() == source.secret().expose() {
        return Err(BadReply::NotDownscoped);
    }
    let said = granted.life.map_or(source.ends_at(), |life| reply.asked_at + life);
    Ok(Exchanged { token: granted.token, ends_at: said.min(source.ends_at()) })
}

fn refusal(reply: &Reply) -> Refused {
    let throttled = MintError::Throttled { retry_after: reply.retry_after.unwrap_or(DEFAULT_PAUSE) };
    match (reply.status, reply::refused(&reply.body)) {
        (429, _) | (400..=403, OAuthError::QuotaExceeded) => throttled.into(),
        (status @ (400 | 401), OAuthError::InvalidGrant) => Refused::Subject { status },
        (status @ (400 | 401 | 403), _) => MintError::BoundaryRefused { status }.into(),
        (408 | 500..=599, _) => match reply.retry_after {
            Some(retry_after) => MintError::Unavailable { retry_after }.into(),
            None => MintError::unavailable().into(),
        },
        _ => BadReply::Status.into(),
    }
}
