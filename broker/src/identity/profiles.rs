//! All profiles of a broker, and how one is chosen for a certificate.

use std::collections::BTreeSet;

use lakegate_domain::{CallerKind, Principal};

use super::fault::ProfileFault;
use super::leaf::{Attribute, Leaf};
use super::oid::is_oid;
use super::profile::Profile;
use super::settings::{IdentityField, IdentitySettings, Presence, ProfileKind, ProfileSettings};
use super::spiffe::{SpiffeId, is_path_byte, is_trust_domain};
use super::{Identity, IdentityError, Standing};
use crate::tls::AuthorityName;

/// How certificates are read. Without any profile, by SPIFFE URI or else by common name.
#[derive(Debug, Clone, Default)]
pub struct Profiles(Vec<Profile>);

impl Profiles {
    /// Checks the settings; `authorities` are the names of those that vouch for clients.
    ///
    /// # Errors
    /// Each fault with the number of its profile.
    pub fn new(
        settings: &IdentitySettings,
        authorities: &[AuthorityName],
    ) -> Result<Self, Vec<(usize, ProfileFault)>> {
        let mut faults: Vec<(usize, ProfileFault)> = Vec::new();
        if settings.profiles.is_empty() && authorities.len() > 1 {
            faults.push((0, ProfileFault::NoProfiles));
        }
        for (number, profile) in settings.profiles.iter().enumerate() {
            faults.extend(check(profile, authorities).into_iter().map(|fault| (number, fault)));
        }
        let makes_callers = |profile: &&ProfileSettings| profile.kind != ProfileKind::Carrier;
        let realms =
            settings.profiles.iter().filter(makes_callers).filter_map(|it| it.realm.clone()).collect();
        let profiles: Vec<Profile> =
            settings.profiles.iter().map(|profile| Profile::new(profile.clone(), &realms)).collect();
        for (number, profile) in profiles.iter().enumerate() {
            let between = profiles.iter().enumerate().filter(|(other, _)| *other != number);
            faults.extend(between.filter_map(|(at, other)| {
                let order = if at < number { Order::After } else { Order::Before };
                Some((number, clash(profile, other, order)?))
            }));
        }
        if faults.is_empty() { Ok(Self(profiles)) } else { Err(faults) }
    }

    /// Whether some profile's identities are bound to hosts, so that somebody must say where hosts are.
    pub fn bind_hosts(&self) -> bool {
        self.0.iter().any(Profile::binds_hosts)
    }

    /// How many profiles make callers.
    pub fn callers(&self) -> usize {
        self.0.iter().filter(|profile| profile.makes_callers()).count()
    }

    /// Whether a caller that one profile read is called as only certificates of another one may be.
    pub(super) fn is_anothers(&self, identity: &Identity) -> bool {
        let others = self.0.iter().filter(|profile| profile.makes_callers());
        let mut others = others.filter(|profile| identity.profile.as_ref() != Some(profile.name()));
        identity.standing != Standing::Carrier && others.any(|it| it.may_name(&identity.principal))
    }

    /// The trust domains whose carriers vouch for pods, each once.
    pub fn carriers_domains(&self) -> BTreeSet<&str> {
        self.0.iter().filter_map(Profile::carriers_domain).collect()
    }

    /// Whom a leaf names whose chain `authority` vouched for; `policies` are those of its certificate policies that all
    /// issuers of the chain may give, as object identifiers.
    ///
    /// # Errors
    /// Why it names nobody.
    pub fn identify(
        &self,
        der: &[u8],
        authority: Option<&AuthorityName>,
        policies: &[String],
    ) -> Result<Identity, IdentityError> {
        let leaf = Leaf::parse(der)?;
        // Two of either are two names, whichever field is read.
        leaf.only(Attribute::CommonName)?;
        leaf.uri()?;
        if self.0.is_empty() {
            return without_profile(&leaf);
        }
        let mut fitting = self.0.iter().filter(|it| it.is_for(&leaf, authority, policies)).peekable();
        fitting.peek().ok_or(IdentityError::NoProfile)?;
        let mut readers = Vec::new();
        for profile in fitting {
            if profile.can_read(&leaf)? {
                readers.push(profile);
            }
        }
        match &*readers {
            [] => Err(IdentityError::NoIdentity),
            [profile] => profile.read(&leaf),
            _ => Err(IdentityError::Ambiguous),
        }
    }
}

/// What a leaf would have itself called, by its SPIFFE ID or else its common name.
pub(super) fn claimed(der: &[u8]) -> Option<Principal> {
    let leaf = Leaf::parse(der).ok()?;
    let uri = leaf.uri().ok()?.and_then(|uri| SpiffeId::parse(uri).ok()?.principal().ok());
    uri.or_else(|| Principal::parse(leaf.only(Attribute::CommonName).ok()??).ok())
}

/// A SPIFFE URI names a workload; without one the common name names a user.
fn without_profile(leaf: &Leaf) -> Result<Identity, IdentityError> {
    let (principal, kind) = if let Some(uri) = leaf.uri()? {
        (SpiffeId::parse(uri)?.principal()?, CallerKind::Workload)
    } else {
        leaf.check_names_agree()?;
        let name = leaf.only(Attribute::CommonName)?.ok_or(IdentityError::NoIdentity)?;
        if name.contains(':') {
            return Err(IdentityError::Name);
        }
        (Principal::parse(name).map_err(|_| IdentityError::Name)?, CallerKind::User)
    };
    Ok(Identity { principal, standing: Standing::Caller(kind), profile: None, application: None, host: None })
}

/// Which of two profiles stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Before,
    After,
}

/// What is wrong between a profile and another; what both share is told of the later one.
fn clash(profile: &Profile, other: &Profile, order: Order) -> Option<ProfileFault> {
    let later = order == Order::After;
    if profile.name() == other.name() {
        return later.then_some(ProfileFault::Duplicate);
    }
    if other.shadows(profile) && (later || !profile.shadows(other)) {
        return Some(ProfileFault::Shadowed(other.name().clone()));
    }
    (later && profile.overlaps(other)).then(|| ProfileFault::Overlap(other.name().clone()))
}

/// What is wrong with a profile by itself.
fn check(profile: &ProfileSettings, authorities: &[AuthorityName]) -> Vec<ProfileFault> {
    let mut faults = Faults(Vec::new());
    check_selection(profile, authorities, &mut faults);
    check_names(profile, &mut faults);
    faults.0
}

/// The faults found so far.
struct Faults(Vec<ProfileFault>);

impl Faults {
    fn unless(&mut self, holds: bool, fault: ProfileFault) {
        if !holds {
            self.0.push(fault);
        }
    }
}

/// Which certificates it is for.
fn check_selection(profile: &ProfileSettings, authorities: &[AuthorityName], faults: &mut Faults) {
    match &profile.authority {
        Some(name) => faults.unless(authorities.contains(name), ProfileFault::Authority),
        None => faults.unless(authorities.len() <= 1, ProfileFault::AnyAuthority),
    }
    let domain = profile.trust_domain.as_deref();
    match profile.identity {
        IdentityField::SpiffeUri => {
            faults.unless(domain.is_some_and(is_trust_domain), ProfileFault::TrustDomain);
        }
        _ => faults.unless(domain.is_none(), ProfileFault::Misplaced("trust_domain")),
    }
    for (key, oid) in [("extended_key_usage", &profile.extended_key_usage), ("policy", &profile.policy)] {
        faults.unless(oid.as_deref().is_none_or(is_oid), ProfileFault::Oid(key));
    }
    let needs_login = profile.kind == ProfileKind::Service && profile.identity != IdentityField::SpiffeUri;
    let has_none = profile.locality == Some(Presence::Absent);
    faults.unless(!(needs_login && has_none), ProfileFault::Misplaced("locality"));
}

/// Which names it may give.
fn check_names(profile: &ProfileSettings, faults: &mut Faults) {
    let (is_users, is_spiffe) =
        (profile.identity == IdentityField::ProjectUser, profile.identity == IdentityField::SpiffeUri);
    faults.unless(is_users || profile.projects.is_empty(), ProfileFault::Misplaced("projects"));
    faults.unless(!is_users || profile.name_prefix.is_none(), ProfileFault::Misplaced("name_prefix"));
    faults.unless(!(is_users || is_spiffe) || profile.realm.is_none(), ProfileFault::Misplaced("realm"));
    let is_realm = |realm: &str| !realm.contains(['@', ':']) && Principal::parse(realm).is_ok();
    faults.unless(profile.realm.as_deref().is_none_or(is_realm), ProfileFault::Text("realm"));
    let fits = |byte: u8| match byte {
        b'/' => is_spiffe,
        b'@' => !is_spiffe,
        _ => is_path_byte(byte),
    };
    let is_beginning = |prefix: &str| !prefix.is_empty() && prefix.bytes().all(fits);
    faults.unless(profile.name_prefix.as_deref().is_none_or(is_beginning), ProfileFault::Text("name_prefix"));
    let names_users = !matches!(profile.kind, ProfileKind::Service | ProfileKind::Workload);
    faults.unless(!is_users || names_users, ProfileFault::Kind);
}

#[cfg(test)]
mod tests;
