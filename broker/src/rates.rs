//! How many requests one address, and one identity, may make.
//!
//! Two buckets, because either alone is easily left: many certificates behind one address, or one identity from many
//! addresses. Both are looked at before a message is decoded. An address is looked at before its caller is known.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use lakegate_domain::Principal;

use crate::Limits;
use crate::buckets::Buckets;

/// The buckets of all addresses and of all identities.
#[derive(Debug)]
pub struct Rates {
    by_address: Buckets<IpAddr>,
    by_identity: Buckets<Principal>,
}

impl Rates {
    /// Buckets that hold a second's worth.
    pub fn new(limits: &Limits) -> Self {
        Self {
            by_address: Buckets::new(Quota::per_second(limits.requests_per_second_per_address)),
            by_identity: Buckets::new(Quota::per_second(limits.requests_per_second_per_identity)),
        }
    }

    /// One request from an address.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn of_address(&self, address: IpAddr) -> Result<(), Duration> {
        self.by_address.spend(&origin(address))
    }

    /// One request by an identity.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn of_identity(&self, principal: &Principal) -> Result<(), Duration> {
        self.by_identity.spend(principal)
    }

    /// What a batch holds beyond the one request that it was taken for.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn rest_of_batch(&self, principal: &Principal, requests: usize) -> Result<(), Duration> {
        let rest = u32::try_from(requests.saturating_sub(1)).unwrap_or(u32::MAX);
        NonZeroU32::new(rest).map_or(Ok(()), |rest| self.by_identity.spend_many(principal, rest))
    }
}

/// Whom an address stands for when it is counted: itself, or the network of 64 bits that one host of IPv6 usually
/// has to itself.
pub(crate) fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn gh14_an_address_is_itself_or_its_network_of_64_bits() {
        assert_eq!(origin(ip("10.0.0.7")), ip("10.0.0.7"));
        assert_eq!(origin(ip("::ffff:10.0.0.7")), ip("10.0.0.7"), "one host, two spellings");
        assert_eq!(origin(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_ne!(origin(ip("2001:db8:1:3::1")), origin(ip("2001:db8:1:2::1")));
    }
}
