//! The peer: the other end of one connection, known as far as TLS tells.

use std::net::SocketAddr;
use std::sync::Arc;

use lakegate_delegation::Binding;
use lakegate_domain::{Principal, Timestamp};

use crate::Failure;
use crate::acting::Mapping;
use crate::delegation::bindings_of;
use crate::identity::{Identities, Identity, IdentityError, Residence, Standing, Unresolved};
use crate::nameless::Nameless;
use crate::tls::{AuthorityName, Vouched, end_of};

/// The other end of a connection. Made once per connection, after the handshake.
#[derive(Debug, Clone)]
pub struct Peer {
    address: SocketAddr,
    identity: Result<Arc<Identity>, IdentityError>,
    /// Where its host is looked up, when its certificate is bound to one.
    residence: Option<Arc<Residence>>,
    authority: Option<AuthorityName>,
    /// What is known of a certificate that names nobody.
    nameless: Option<Arc<Nameless>>,
    ends: Option<Timestamp>,
    bindings: Arc<[Binding]>,
}

/// What a certificate names, as the principal that it stands for. What one profile may name does not become by a pattern
/// what another one may: a tenant's authority would name people of another tenant. A whole name that an operator wrote
/// down may.
fn mapped(identity: Identity, identities: &Identities, mapping: &Mapping) -> Result<Identity, IdentityError> {
    let name = identity.principal.as_str();
    let is_listed = mapping.lists(name);
    let principal = mapping.apply(name).map_err(|_| IdentityError::NotMapped)?;
    let identity = Identity { principal, ..identity };
    if !is_listed && identities.is_anothers(&identity) {
        return Err(IdentityError::Foreign);
    }
    Ok(identity)
}

impl Peer {
    /// Reads the peer off a finished handshake, in which an authority vouched for its certificate, if it had one.
    pub(crate) fn after_handshake(
        address: SocketAddr,
        connection: &rustls::ServerConnection,
        vouched: Option<&Vouched>,
        identities: &Identities,
        mapping: &Mapping,
    ) -> Self {
        let leaf = connection.peer_certificates().and_then(|chain| chain.first());
        let authority = vouched.map(|vouched| vouched.authority.clone());
        let read = leaf.ok_or(IdentityError::Missing).and_then(|leaf| identities.identify(leaf, vouched));
        let name = read.as_ref().ok().map(|identity| identity.principal.clone());
        let identity = read.and_then(|identity| mapped(identity, identities, mapping)).map(Arc::new);
        let refused = leaf.filter(|_| identity.is_err());
        let nameless = refused.map(|leaf| Arc::new(Nameless::of(leaf, authority.as_ref(), name)));
        let named = identity.as_deref().ok();
        let residence = named.and_then(|identity| identities.residence(identity, address.ip()));
        let standing = named.map(|identity| identity.standing);
        let bindings = leaf.map(|leaf| bindings_of(leaf, standing)).unwrap_or_default().into();
        let ends = leaf.and_then(|leaf| end_of(leaf));
        Self { address, identity, residence, authority, nameless, ends, bindings }
    }

    /// What its certificate proves that a delegation token may be bound to.
    pub(crate) fn bindings(&self) -> &Arc<[Binding]> {
        &self.bindings
    }

    /// Where it connects from.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it presented a certificate; one that did is verified.
    pub fn has_certificate(&self) -> bool {
        !matches!(self.identity, Err(IdentityError::Missing))
    }

    /// The configured authority that vouched for its certificate; none when it presented none. It stays the same for
    /// the life of the connection: one for which another authority comes to vouch is asked to go.
    pub fn authority(&self) -> Option<&AuthorityName> {
        self.authority.as_ref()
    }

    /// What is known of its certificate, when that names nobody.
    pub(crate) fn nameless(&self) -> Option<&Nameless> {
        self.nameless.as_deref()
    }

    /// Whether it is where its certificate says that it must be. Waits only when nobody knows yet.
    ///
    /// # Errors
    /// [`Failure::Elsewhere`], or that nobody can say.
    pub(crate) async fn check_residence(&self) -> Result<(), Failure> {
        let is_bound = self.identity.as_deref().is_ok_and(|identity| identity.host.is_some());
        match &self.residence {
            Some(residence) => residence.check().await,
            None if is_bound => {
                Err(Failure::HostUnknown(Arc::new(Unresolved::new("no name service is asked"))))
            }
            None => Ok(()),
        }
    }

    /// When its certificate ends, and the connection with it.
    pub fn ends(&self) -> Option<Timestamp> {
        self.ends
    }

    /// The principal that asks by the certificate alone; none for a carrier, and when it names nobody.
    pub fn principal(&self) -> Option<&Principal> {
        let identity = self.identity.as_deref().ok()?;
        matches!(identity.standing, Standing::Caller(_)).then_some(&identity.principal)
    }

    /// Whom its certificate names, and what that one may do at all.
    ///
    /// # Errors
    /// Why it names nobody.
    pub fn identity(&self) -> Result<&Identity, IdentityError> {
        self.identity.as_deref().map_err(|error| *error)
    }
}
