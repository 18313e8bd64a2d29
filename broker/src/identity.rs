//! Who a client certificate is for.
//!
//! The chain was verified during the handshake; here the leaf is only read, once per connection. Where profiles are
//! configured, exactly one of them reads a certificate: it is chosen by what the issuer put there and never by the name
//! that is claimed (`profiles.rs`), it reads one field, and it says which names it may give (`names.rs`), so that a
//! principal comes from one profile only. Without profiles the identity is the SPIFFE URI or else the common name.
//! Sources: SPIFFE X509-SVID sections 2 to 5; RFC 5280 sections 4.1.2.6 and 4.2.1.

mod dns;
mod fault;
mod host;
mod leaf;
mod names;
mod oid;
mod profile;
mod profiles;
mod project_user;
mod residence;
mod resolver;
mod settings;
mod spiffe;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use lakegate_delegation::is_token;
use lakegate_domain::{ApplicationId, CallerKind, Credentials, Principal, ProfileName};
use thiserror::Error;

use crate::tls::Vouched;
use residence::HostBook;

pub use dns::DnsResolver;
pub use fault::ProfileFault;
pub use host::HostName;
pub use profiles::Profiles;
pub(crate) use residence::Residence;
pub use resolver::{Family, HostResolver, Unresolved};
pub use settings::{IdentityField, IdentitySettings, Presence, ProfileKind, ProfileSettings};

/// How a broker learns who its peers are.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    profiles: Profiles,
    book: Option<Arc<HostBook>>,
}

impl Identities {
    /// Reads certificates by profiles, and asks the resolver where the hosts of services are. Without a resolver nobody
    /// can say, and services are put off.
    pub fn new(profiles: Profiles, resolver: Option<Arc<dyn HostResolver>>) -> Self {
        Self { profiles, book: resolver.map(HostBook::new).map(Arc::new) }
    }

    /// The trust domains whose carriers vouch for pods, each once.
    pub(crate) fn carriers_domains(&self) -> BTreeSet<&str> {
        self.profiles.carriers_domains()
    }

    /// Whom a leaf names for whose chain an authority vouched so.
    ///
    /// # Errors
    /// Why it names nobody.
    pub(crate) fn identify(&self, leaf: &[u8], vouched: Option<&Vouched>) -> Result<Identity, IdentityError> {
        let policies = vouched.map(|vouched| &*vouched.policies).unwrap_or_default();
        self.profiles.identify(leaf, vouched.map(|vouched| &vouched.authority), policies)
    }

    /// The name that a leaf claims, whoever may give it; none when it is no principal. For records of those who are
    /// refused: nobody is believed by it.
    pub(crate) fn claimed(leaf: &[u8]) -> Option<Principal> {
        profiles::claimed(leaf).filter(|name| !is_token(name.as_str()))
    }

    /// How many profiles make callers.
    pub(crate) fn callers(&self) -> usize {
        self.profiles.callers()
    }

    /// Whether an identity is called, after mapping, as only certificates of another profile may be.
    pub(crate) fn is_anothers(&self, identity: &Identity) -> bool {
        self.profiles.is_anothers(identity)
    }

    /// Looks up the host of an identity that is bound to one, for a peer at this address.
    pub(crate) fn residence(&self, identity: &Identity, address: IpAddr) -> Option<Arc<Residence>> {
        let (book, host) = (self.book.as_ref()?, identity.host.as_ref()?);
        Some(Residence::begin(book, host, address))
    }
}

/// Why a verified certificate names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// No certificate was presented.
    #[error("no client certificate")]
    Missing,
    /// The certificate does not parse.
    #[error("client certificate does not parse")]
    Malformed,
    /// The certificate may sign others; such a one is nobody's.
    #[error("client certificate may sign others")]
    Signs,
    /// No profile is for certificates of its kind.
    #[error("client certificate fits no profile")]
    NoProfile,
    /// The field that would name the identity is not there.
    #[error("client certificate names no identity")]
    NoIdentity,
    /// A field is there twice, two profiles fit, or two fields name different identities.
    #[error("client certificate names more than one identity")]
    Ambiguous,
    /// The name is no principal.
    #[error("client certificate names an identity outside the alphabet")]
    Name,
    /// The name is one that the mapping of principals makes nobody of.
    #[error("client certificate names an identity that is mapped to nobody")]
    NotMapped,
    /// The name is one that certificates of its profile may not give.
    #[error("client certificate names an identity that its authority may not give")]
    Foreign,
    /// A SPIFFE certificate whose key usages are not those of one.
    #[error("client certificate breaks a rule of SPIFFE")]
    Spiffe,
    /// A service's certificate without its login.
    #[error("service certificate names no login")]
    NoLogin,
}

/// What whoever presents a certificate may do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may ask, as a caller of this kind.
    Caller(CallerKind),
    /// It may bring a delegation token, and has no rights of its own.
    Carrier,
}

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The one name.
    pub principal: Principal,
    /// What it may do at all.
    pub standing: Standing,
    /// The profile that read the certificate; none without configured profiles.
    pub profile: Option<ProfileName>,
    /// The application that the certificate was made for.
    pub application: Option<ApplicationId>,
    /// The host that the certificate is bound to: requests count only from its addresses.
    pub host: Option<HostName>,
}

impl Identity {
    /// What goes with the principal into a caller; none for a carrier.
    pub(crate) fn credentials(&self) -> Option<Credentials> {
        let Standing::Caller(kind) = self.standing else { return None };
        Some(Credentials { kind, profile: self.profile.clone(), application: self.application.clone() })
    }
}

#[cfg(test)]
mod tests;
