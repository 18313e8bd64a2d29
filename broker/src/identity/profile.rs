//! One profile: which certificates it is for, and what it reads off them.

use std::collections::BTreeSet;

use lakegate_domain::{CallerKind, Principal, ProfileName};

use super::host::HostName;
use super::leaf::{Attribute, Leaf};
use super::names::Names;
use super::project_user::ProjectUser;
use super::settings::{IdentityField, Presence, ProfileKind, ProfileSettings};
use super::spiffe::{SpiffeId, check_usage};
use super::{Identity, IdentityError, Standing};
use crate::tls::AuthorityName;

/// A profile that was checked.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    settings: ProfileSettings,
    names: Names,
}

impl Profile {
    /// A profile of checked settings; `realms` are those of all profiles.
    pub(super) fn new(settings: ProfileSettings, realms: &BTreeSet<String>) -> Self {
        let names = Names::of(&settings, realms);
        Self { settings, names }
    }

    pub(super) fn name(&self) -> &ProfileName {
        &self.settings.name
    }

    /// Whether its identities are bound to hosts.
    pub(super) fn binds_hosts(&self) -> bool {
        self.settings.kind == ProfileKind::Service && self.settings.identity != IdentityField::SpiffeUri
    }

    /// The trust domain whose carriers it reads; none for any other profile.
    pub(super) fn carriers_domain(&self) -> Option<&str> {
        self.settings.trust_domain.as_deref().filter(|_| self.settings.kind == ProfileKind::Carrier)
    }

    /// Whether a certificate is one of the profile's, by what its authority says of it and not by whom it names.
    pub(super) fn is_for(&self, leaf: &Leaf, authority: Option<&AuthorityName>, policies: &[String]) -> bool {
        let ProfileSettings { extended_key_usage, policy, .. } = &self.settings;
        let holds = |values: &[String], wanted: &String| values.contains(wanted);
        let purposes = leaf.purposes.as_deref().unwrap_or_default();
        self.settings.authority.as_ref().is_none_or(|wanted| authority == Some(wanted))
            && extended_key_usage.as_ref().is_none_or(|wanted| holds(purposes, wanted))
            && policy.as_ref().is_none_or(|wanted| holds(policies, wanted))
            && self
                .settings
                .locality
                .is_none_or(|wanted| leaf.has(Attribute::Locality) == (wanted == Presence::Present))
    }

    /// Whether the field that the profile reads is there.
    ///
    /// # Errors
    /// When there are several URIs.
    pub(super) fn can_read(&self, leaf: &Leaf) -> Result<bool, IdentityError> {
        Ok(match self.settings.identity {
            IdentityField::CommonName | IdentityField::ProjectUser => leaf.has(Attribute::CommonName),
            IdentityField::DnsName => !leaf.dns_names.is_empty(),
            IdentityField::SpiffeUri => {
                let id = leaf.uri()?.and_then(|uri| SpiffeId::parse(uri).ok());
                id.is_some_and(|id| self.settings.trust_domain.as_deref() == Some(id.domain))
            }
        })
    }

    /// Whether every certificate that the other one is for is one of this profile's too, and both read one field.
    pub(super) fn shadows(&self, other: &Self) -> bool {
        fn within<T: PartialEq>(wide: Option<&T>, narrow: Option<&T>) -> bool {
            wide.is_none_or(|wide| narrow == Some(wide))
        }
        let (wide, narrow) = (&self.settings, &other.settings);
        let one_field = self.reads_common_name() == other.reads_common_name()
            && (self.reads_common_name() || wide.identity == narrow.identity);
        one_field
            && within(wide.authority.as_ref(), narrow.authority.as_ref())
            && within(wide.trust_domain.as_ref(), narrow.trust_domain.as_ref())
            && within(wide.extended_key_usage.as_ref(), narrow.extended_key_usage.as_ref())
            && within(wide.policy.as_ref(), narrow.policy.as_ref())
            && within(wide.locality.as_ref(), narrow.locality.as_ref())
    }

    fn reads_common_name(&self) -> bool {
        matches!(self.settings.identity, IdentityField::CommonName | IdentityField::ProjectUser)
    }

    /// Whether both make callers, and one principal could come from both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.makes_callers() && other.makes_callers() && self.names.meet(&other.names)
    }

    /// Whether its certificates give rights.
    pub(super) fn makes_callers(&self) -> bool {
        self.settings.kind != ProfileKind::Carrier
    }

    /// Whether a principal could be one of its certificates'.
    pub(super) fn may_name(&self, principal: &Principal) -> bool {
        self.names.hold(principal)
    }

    /// Reads the identity off a certificate of this profile.
    ///
    /// # Errors
    /// Why it names nobody, or nobody of this profile.
    pub(super) fn read(&self, leaf: &Leaf) -> Result<Identity, IdentityError> {
        if self.settings.identity != IdentityField::SpiffeUri {
            if has_spiffe_id(leaf)? {
                // A certificate with a SPIFFE ID has no other name.
                return Err(IdentityError::Ambiguous);
            }
            leaf.check_names_agree()?;
        }
        match self.settings.identity {
            IdentityField::SpiffeUri => {
                check_usage(leaf)?;
                let id = SpiffeId::parse(leaf.uri()?.ok_or(IdentityError::NoIdentity)?)?;
                Ok(self.identity(self.names.spiffe(id)?))
            }
            IdentityField::ProjectUser => self.read_project_user(leaf),
            IdentityField::CommonName => self.read_name(leaf, common_name(leaf)?),
            IdentityField::DnsName => self.read_name(leaf, dns_name(leaf)?),
        }
    }

    fn read_project_user(&self, leaf: &Leaf) -> Result<Identity, IdentityError> {
        let user = ProjectUser::of(leaf)?;
        self.names.check_project(&user)?;
        let mut identity = self.identity(user.principal);
        match (self.settings.kind, &user.application) {
            (ProfileKind::Application, None) => return Err(IdentityError::NoIdentity),
            (ProfileKind::User, Some(_)) => identity.standing = Standing::Caller(CallerKind::Application),
            _ => {}
        }
        identity.application = user.application;
        Ok(identity)
    }

    /// A bare name is the identity; with a service it is the host's, and the identity is the login.
    fn read_name(&self, leaf: &Leaf, name: &str) -> Result<Identity, IdentityError> {
        if !self.binds_hosts() {
            return Ok(self.identity(self.names.bare(name)?));
        }
        let host = HostName::parse(name).ok_or(IdentityError::Name)?;
        let login = leaf.only(Attribute::Locality)?.ok_or(IdentityError::NoLogin)?;
        Ok(Identity { host: Some(host), ..self.identity(self.names.bare(login)?) })
    }

    fn identity(&self, principal: Principal) -> Identity {
        let standing = self.settings.kind.of_caller().map_or(Standing::Carrier, Standing::Caller);
        Identity {
            principal,
            standing,
            profile: Some(self.settings.name.clone()),
            application: None,
            host: None,
        }
    }
}

fn common_name(leaf: &Leaf) -> Result<&str, IdentityError> {
    leaf.only(Attribute::CommonName)?.ok_or(IdentityError::NoIdentity)
}

fn dns_name(leaf: &Leaf) -> Result<&str, IdentityError> {
    match &*leaf.dns_names {
        [] => Err(IdentityError::NoIdentity),
        [name] => Ok(name),
        _ => Err(IdentityError::Ambiguous),
    }
}

fn has_spiffe_id(leaf: &Leaf) -> Result<bool, IdentityError> {
    const SCHEME: &[u8] = b"spiffe:";
    let uri = leaf.uri()?.map(str::as_bytes);
    Ok(uri.and_then(|uri| uri.get(..SCHEME.len())).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME)))
}
