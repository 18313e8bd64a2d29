//! Callers of brokers that are no part of a [`crate::Deployment`].

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;

use crate::delegation::Presenting;
use crate::wire::channel;
use crate::{Authority, Caller};

impl Caller {
    /// A caller with a certificate that says `name`, at a broker that trusts the same authority.
    ///
    /// # Errors
    /// When no certificate or channel can be made.
    pub fn by_certificate(authority: &Authority, broker: SocketAddr, name: &str) -> Result<Self> {
        let identity = Some(authority.client(name)?);
        Ok(Self::over(channel(authority, identity, Ipv4Addr::UNSPECIFIED, broker)?.into()))
    }

    /// A caller without a certificate who comes by a delegation token.
    ///
    /// # Errors
    /// When it cannot stand in a header.
    pub fn by_token(authority: &Authority, broker: SocketAddr, token: &str) -> Result<Self> {
        let channel = channel(authority, None, Ipv4Addr::UNSPECIFIED, broker)?;
        Ok(Self::over(Presenting::dt(channel, token)?))
    }
}
