//! Who calls, and what of it is allowed.

use std::sync::Arc;

use crate::boundary::Resource;
use crate::boundary::roles::Permission;
use crate::cloud::Cloud;
use crate::tokens::TokenRecord;

use super::{Incoming, Missing, Refusal};

/// An authenticated caller of Cloud Storage; made only by [`Access::authenticate`].
pub(crate) struct Access<'a> {
    pub(super) cloud: &'a Cloud,
    token: Arc<TokenRecord>,
}

impl<'a> Access<'a> {
    /// Finds what stands behind the bearer token of the request.
    pub(crate) fn authenticate(cloud: &'a Cloud, incoming: &Incoming) -> Result<Self, Refusal> {
        let mut headers = incoming.headers.get_all(http::header::AUTHORIZATION).iter();
        let value = headers.next().ok_or(Refusal::LoginRequired)?;
        if headers.next().is_some() {
            return Err(Refusal::InvalidCredentials);
        }
        let (scheme, text) = value.to_str().ok().and_then(|v| v.split_once(' ')).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refusal::InvalidCredentials);
        }
        let token = cloud.tokens.find(text, cloud.now()).ok_or(Refusal::InvalidCredentials)?;
        Ok(Self { cloud, token })
    }

    /// Where the emulator is reached, for links in answers.
    pub(crate) fn url(&self) -> &'a str {
        &self.cloud.url
    }

    /// Refuses unless the source's roles give the permission *and* the boundary, if there is one, allows it.
    /// A bucket that does not exist is told as such only to source tokens.
    pub(crate) fn require(&self, permission: Permission, resource: Resource<'_>) -> Result<(), Refusal> {
        if self.token.boundary.is_none() && !self.cloud.storage.has_bucket(resource.bucket()) {
            return Err(Refusal::NotFound(Missing::Bucket));
        }
        if self.may(permission, resource) { Ok(()) } else { Err(Refusal::Forbidden(permission)) }
    }

    /// Whether source and boundary give the permission.
    pub(crate) fn may(&self, permission: Permission, resource: Resource<'_>) -> bool {
        self.token.account.holds(permission, resource.bucket())
            && self.token.boundary.as_ref().is_none_or(|boundary| boundary.allows(permission, resource))
    }
}
