//! Project users: a common name `PROJECT__USER`, and the application in organization and unit.
//!
//! Source: the certificate authority of Hopsworks. A user's subject is `CN=PROJECT__USER` alone; that of an application
//! has `O` with the application's id and `OU` with a version in digits; a host has its login in `L`.

use lakegate_domain::{ApplicationId, Principal, ProjectName};

use super::IdentityError;
use super::leaf::{Attribute, Leaf};

/// What stands between project and user.
const SEPARATOR: &str = "__";

/// A user within a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProjectUser {
    pub(super) project: ProjectName,
    /// `hops:PROJECT/USER`.
    pub(super) principal: Principal,
    pub(super) application: Option<ApplicationId>,
}

impl ProjectUser {
    /// Reads the subject of a leaf.
    ///
    /// # Errors
    /// When it is not that of a project user or of its application: no, two or overlapping separators, a part outside the
    /// alphabet, a login as hosts have one, or half of an application.
    pub(super) fn of(leaf: &Leaf) -> Result<Self, IdentityError> {
        let name = leaf.only(Attribute::CommonName)?.ok_or(IdentityError::NoIdentity)?;
        if leaf.has(Attribute::Locality) {
            return Err(IdentityError::Name);
        }
        let (project, user) = split(name)?;
        let principal = Principal::parse(&["hops:", project, "/", user].concat());
        Ok(Self {
            project: ProjectName::parse(project).map_err(|_| IdentityError::Name)?,
            principal: principal.map_err(|_| IdentityError::Name)?,
            application: application(leaf)?,
        })
    }
}

/// Splits at the separator. `a___b` could be split at two places: it is refused, as is every second separator.
fn split(name: &str) -> Result<(&str, &str), IdentityError> {
    let places = name.as_bytes().windows(SEPARATOR.len()).filter(|window| *window == SEPARATOR.as_bytes());
    match (places.count(), name.split_once(SEPARATOR)) {
        (1, Some((project, user))) if !project.is_empty() && !user.is_empty() => Ok((project, user)),
        _ => Err(IdentityError::Name),
    }
}

fn application(leaf: &Leaf) -> Result<Option<ApplicationId>, IdentityError> {
    let id = leaf.only(Attribute::Organization)?;
    let version = leaf.only(Attribute::OrganizationalUnit)?;
    match (id, version) {
        (None, None) => Ok(None),
        (Some(id), Some(version)) if is_number(version) => {
            ApplicationId::parse(id).map(Some).map_err(|_| IdentityError::Name)
        }
        _ => Err(IdentityError::Name),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
