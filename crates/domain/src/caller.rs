//! The caller: a principal, its groups and how it proved itself.

use std::collections::BTreeSet;

use crate::{GroupName, Principal};

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

/// Who is asking, after authentication. Made by the broker's authentication, read by policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    principal: Principal,
    groups: BTreeSet<GroupName>,
    proof: Proof,
    real: Option<Principal>,
}

impl Caller {
    /// A caller that proved to be `principal`. Groups of the policy document are added by policy.
    pub fn new(principal: Principal, proof: Proof) -> Self {
        Self { principal, groups: BTreeSet::new(), proof, real: None }
    }

    /// The same caller with groups that a source outside the policy document vouches for.
    #[must_use]
    pub fn with_groups(mut self, groups: impl IntoIterator<Item = GroupName>) -> Self {
        self.groups.extend(groups);
        self
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

    /// The principal that really called, when it acts on behalf of [`Caller::principal`].
    pub fn real(&self) -> Option<&Principal> {
        self.real.as_ref()
    }
}
