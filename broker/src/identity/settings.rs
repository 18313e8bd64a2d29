//! What an operator says about certificates.

use std::net::SocketAddr;

use lakegate_domain::{CallerKind, ProfileName, ProjectName};
use serde::Deserialize;

use crate::tls::AuthorityName;

/// How client certificates are read. Without profiles a SPIFFE URI names the caller, or else the common name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySettings {
    /// The profiles; when there is one, a certificate that fits none is refused.
    #[serde(default)]
    pub profiles: Vec<ProfileSettings>,
    /// The name servers that say where the hosts of services are, `address:port`; those of the machine, when empty.
    #[serde(default)]
    pub name_servers: Vec<SocketAddr>,
}

impl IdentitySettings {
    /// How many profiles make callers.
    pub(crate) fn callers(&self) -> usize {
        self.profiles.iter().filter(|profile| profile.kind != ProfileKind::Carrier).count()
    }
}

/// One profile: which certificates it is for, which field of them names the identity, and which names it may give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSettings {
    /// Its name, in audit records.
    pub name: ProfileName,
    /// The authority that must have vouched for the certificate, one of `tls.authorities`; may be left out when there
    /// is only one.
    #[serde(default)]
    pub authority: Option<AuthorityName>,
    /// The SPIFFE trust domain; for `spiffe-uri`, and needed there.
    #[serde(default)]
    pub trust_domain: Option<String>,
    /// A purpose that the certificate must name, as an object identifier.
    #[serde(default)]
    pub extended_key_usage: Option<String>,
    /// A certificate policy that the certificate must name, as an object identifier.
    #[serde(default)]
    pub policy: Option<String>,
    /// Whether the subject must have, or must not have, a locality (`L`): it tells hosts from users where one authority
    /// makes certificates for both.
    #[serde(default)]
    pub locality: Option<Presence>,
    /// The one field that names the identity.
    pub identity: IdentityField,
    /// What the holder is.
    pub kind: ProfileKind,
    /// The projects whose users it may name; all, when empty. For `project-user`.
    #[serde(default)]
    pub projects: Vec<ProjectName>,
    /// Put behind the name: `name@realm`. For `common-name` and `dns-name`.
    #[serde(default)]
    pub realm: Option<String>,
    /// What a name, or the path of a SPIFFE ID, must begin with.
    #[serde(default)]
    pub name_prefix: Option<String>,
}

/// Whether something must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It must be there.
    Present,
    /// It must not be there.
    Absent,
}

/// The field of a certificate that names the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityField {
    /// The one URI among the alternative names, a SPIFFE ID: `spiffe:domain/path`.
    SpiffeUri,
    /// The subject's common name.
    CommonName,
    /// The one DNS name among the alternative names.
    DnsName,
    /// A common name `PROJECT__USER`: `hops:PROJECT/USER`.
    ProjectUser,
}

/// What the holder of a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileKind {
    /// A person.
    User,
    /// A run of a job.
    Application,
    /// A service of the lake. By common or DNS name: that field names its host, which must be where it calls from, and
    /// the locality its login, which is the identity.
    Service,
    /// A workload known by where it runs.
    Workload,
    /// Nobody: the certificate admits a connection that brings delegation tokens.
    Carrier,
}

impl ProfileKind {
    /// The kind of caller; none for a carrier.
    pub(super) fn of_caller(self) -> Option<CallerKind> {
        match self {
            Self::User => Some(CallerKind::User),
            Self::Application => Some(CallerKind::Application),
            Self::Service => Some(CallerKind::Service),
            Self::Workload => Some(CallerKind::Workload),
            Self::Carrier => None,
        }
    }
}
