//! The caller: a principal, its groups and how it proved itself.

use std::collections::BTreeSet;

use crate::{ApplicationId, GroupName, Principal, ProfileName};

/// How the caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// By a client certificate on this connection.
    ClientCertificate,
    /// By a delegation token.
    DelegationToken,
}

impl Proof {
    /// The word for it in audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCertificate => "certificate",
            Self::DelegationToken => "delegation_token",
        }
    }
}

/// What a caller is, as the profile of its certificate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallerKind {
    /// A person, or a person within a project.
    User,
    /// One run of a job of a user.
    Application,
    /// A service of the lake's own, such as a scheduler.
    Service,
    /// A workload known by where it runs.
    Workload,
}

impl CallerKind {
    /// The word for it in configuration and audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Application => "application",
            Self::Service => "service",
            Self::Workload => "workload",
        }
    }
}

/// What a certificate says of a caller besides whom it names. Nothing is decided by it but what kind of caller may do
/// at all; it is audited with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// What the caller is.
    pub kind: CallerKind,
    /// The profile that the certificate was read by; none without configured profiles.
    pub profile: Option<ProfileName>,
    /// The application on whose behalf the principal's job runs.
    pub application: Option<ApplicationId>,
}

/// Who is asking, after authentication. Made by the broker's authentication, read by policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    principal: Principal,
    groups: BTreeSet<GroupName>,
    proof: Proof,
    credentials: Option<Credentials>,
    real: Option<Principal>,
}

impl Caller {
    /// A caller that proved to be `principal`. Groups of the policy document are added by policy.
    pub fn new(principal: Principal, proof: Proof) -> Self {
        Self { principal, groups: BTreeSet::new(), proof, credentials: None, real: None }
    }

    /// The same caller with groups that a source outside the policy document vouches for.
    #[must_use]
    pub fn with_groups(mut self, groups: impl IntoIterator<Item = GroupName>) -> Self {
        self.groups.extend(groups);
        self
    }

    /// The same caller with what its certificate says besides.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Somebody for whom this caller acts: that one's rights alone decide, and who really called, with what its
    /// certificate says, stays known.
    #[must_use]
    pub fn acting_for(&self, principal: Principal) -> Self {
        let (credentials, real) = (self.credentials.clone(), Some(self.principal.clone()));
        Self { principal, groups: BTreeSet::new(), proof: self.proof, credentials, real }
    }

    /// Whose rights decide.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Groups known from outside the policy document.
    pub fn groups(&self) -> impl Iterator<Item = &GroupName> {
        self.groups.iter()
    }

    /// How the caller proved itself.
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// What the caller is; unknown of one who came by a delegation token, which does not say.
    pub fn kind(&self) -> Option<CallerKind> {
        self.credentials.as_ref().map(|credentials| credentials.kind)
    }

    /// The profile that the caller's certificate was read by.
    pub fn profile(&self) -> Option<&ProfileName> {
        self.credentials.as_ref()?.profile.as_ref()
    }

    /// The application that the caller's certificate was made for.
    pub fn application(&self) -> Option<&ApplicationId> {
        self.credentials.as_ref()?.application.as_ref()
    }

    /// The principal that really called, when it acts on behalf of [`Caller::principal`].
    pub fn real(&self) -> Option<&Principal> {
        self.real.as_ref()
    }
}
