//! The peer: the other end of one connection, known as far as TLS tells.

use std::net::SocketAddr;

use lakegate_domain::{Principal, Timestamp};

use crate::tls::{IdentityError, end_of, principal_of};

/// The other end of a connection. Made once per connection, after the handshake.
#[derive(Debug, Clone)]
pub struct Peer {
    address: SocketAddr,
    identity: Result<Principal, IdentityError>,
    ends: Option<Timestamp>,
}

impl Peer {
    /// Reads the peer off a finished handshake.
    pub(crate) fn after_handshake(address: SocketAddr, connection: &rustls::ServerConnection) -> Self {
        let leaf = connection.peer_certificates().and_then(|chain| chain.first());
        let identity = leaf.ok_or(IdentityError::Missing).and_then(|leaf| principal_of(leaf));
        Self { address, identity, ends: leaf.and_then(|leaf| end_of(leaf)) }
    }

    /// Where it connects from.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it presented a certificate; one that did is verified.
    pub fn has_certificate(&self) -> bool {
        self.identity != Err(IdentityError::Missing)
    }

    /// When its certificate ends, and the connection with it.
    pub fn ends(&self) -> Option<Timestamp> {
        self.ends
    }

    /// Whom its certificate names.
    ///
    /// # Errors
    /// Why it names nobody.
    pub fn identity(&self) -> Result<&Principal, IdentityError> {
        self.identity.as_ref().map_err(|error| *error)
    }
}
