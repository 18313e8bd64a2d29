//! What is wrong with a profile.

use lakegate_domain::ProfileName;
use thiserror::Error;

/// Why profiles are refused when they are loaded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProfileFault {
    /// Two profiles have one name.
    #[error("another profile has this name")]
    Duplicate,
    /// The authority is none of those configured.
    #[error("authority is none of tls.authorities")]
    Authority,
    /// There are several authorities and the profile names none: each could give every name of it.
    #[error("authority is missing: there are several, and each could give the names of this profile")]
    AnyAuthority,
    /// There are several authorities and no profile at all: each could give every name.
    #[error(
        "there are several authorities and no profiles, so each could give every name: write a profile for each \
         authority, with authority = its name"
    )]
    NoProfiles,
    /// `spiffe-uri` without a trust domain, or a text that is none.
    #[error("spiffe-uri needs a trust_domain of [a-z0-9._-]")]
    TrustDomain,
    /// A text that is no object identifier.
    #[error("{0} is no object identifier such as 1.3.6.1.5.5.7.3.2")]
    Oid(&'static str),
    /// A key that says nothing for this field.
    #[error("{0} means nothing for this identity")]
    Misplaced(&'static str),
    /// A realm that no name could have, or a beginning.
    #[error("{0} is not of [A-Za-z0-9._@-], or a realm holds @")]
    Text(&'static str),
    /// A kind that the field cannot name.
    #[error("project-user names users, applications and carriers only")]
    Kind,
    /// Every certificate of this profile fits the other one too, which makes each of them ambiguous.
    #[error("every certificate of this profile fits profile {0} too")]
    Shadowed(ProfileName),
    /// One principal could come from both profiles.
    #[error("this profile and {0} can give the same name; set realm, name_prefix or projects")]
    Overlap(ProfileName),
}

impl ProfileFault {
    /// The key of the configuration to which the fault of the `number`th profile belongs.
    pub fn key(&self, number: usize) -> String {
        match self {
            Self::NoProfiles => "identity.profiles".to_owned(),
            _ => format!("identity.profiles[{number}]"),
        }
    }
}
