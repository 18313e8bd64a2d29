//! Gets revocation lists from the network.
//!
//! A list is signed, so whoever answers can only refuse to. What he must not do is lead the broker elsewhere, hold it up,
//! or fill its memory: no redirects, no proxies from the environment, one time limit for the whole call, a cap on what is
//! read, and no address at which clouds keep their instances' secrets, by whatever name it is asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use url::{Host, Url};

/// The longest time until a connection stands.
const CONNECT: Duration = Duration::from_secs(3);

/// The longest time for a whole call.
const WHOLE: Duration = Duration::from_secs(10);

/// The longest list, in bytes: nearly a million entries.
const MAX_BYTES: usize = 32 << 20;

/// Why nothing was got.
#[derive(Debug, Error)]
pub(crate) enum FetchFault {
    /// A place where no list may come from.
    #[error("revocation lists are not fetched from there")]
    Place(#[source] PlaceFault),
    /// No connection, or it broke.
    #[error("place of the revocation list cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The time was over.
    #[error("revocation list took longer than {} seconds", WHOLE.as_secs())]
    Late,
    /// Another answer than the list.
    #[error("place of the revocation list answers with status {0}; redirects are not followed")]
    Status(u16),
    /// The list is longer than the cap.
    #[error("revocation list is longer than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
}

/// Why no list may come from a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum PlaceFault {
    /// Another scheme.
    #[error("only http and https are spoken")]
    Scheme,
    /// A user or a password.
    #[error("a place holds no user and no password")]
    Credentials,
    /// An address of the machine's own link or of a metadata service.
    #[error("the address is that of a metadata service, of a link, or of nobody")]
    Address,
}

/// Whether a list may come from a place, as far as its text tells.
///
/// # Errors
/// Why not.
pub(crate) fn check_place(url: &Url) -> Result<(), PlaceFault> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(PlaceFault::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(PlaceFault::Credentials);
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) => None,
        None => return Err(PlaceFault::Address),
    };
    if address.is_some_and(is_forbidden) { Err(PlaceFault::Address) } else { Ok(()) }
}

/// Addresses of links, of nobody, and those at which clouds serve metadata and credentials to their instances.
fn is_forbidden(address: IpAddr) -> bool {
    const METADATA_V4: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
    const METADATA_V6: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            let own = v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                || METADATA_V6.contains(&v6);
            own || embedded(v6).is_some_and(|v4| is_forbidden(IpAddr::V4(v4)))
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped (RFC 4291, section 2.5.5), or by NAT64 (RFC 6052).
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let (network, host) = (v6.to_bits() >> 32, v6.to_bits() & u128::from(u32::MAX));
    let is_nat64 = network == 0x64_ff9b << 64;
    if is_nat64 { u32::try_from(host).ok().map(Ipv4Addr::from_bits) } else { v6.to_ipv4_mapped() }
}

/// Gets lists; clones share connections.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    client: reqwest::Client,
    whole: Duration,
    max_bytes: usize,
}

impl Fetcher {
    /// Makes a client that goes nowhere but where it is sent.
    ///
    /// # Errors
    /// When the TLS settings are not usable.
    pub(crate) fn new() -> Result<Self, FetchFault> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .dns_resolver(Arc::new(Careful))
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .user_agent(concat!("lakegate/", env!("CARGO_PKG_VERSION")));
        let client = match tls() {
            Ok(tls) => client.tls_backend_preconfigured(tls),
            Err(error) => {
                tracing::warn!(%error, "revocation lists cannot be fetched over https");
                client
            }
        };
        let client = client.build().map_err(FetchFault::Unreachable)?;
        Ok(Self { client, whole: WHOLE, max_bytes: MAX_BYTES })
    }

    /// Gets all that is at a place.
    pub(super) async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchFault> {
        check_place(url).map_err(FetchFault::Place)?;
        // The client's own limit is per request too; this one also holds when the answer drips.
        tokio::time::timeout(self.whole, self.read(url)).await.unwrap_or(Err(FetchFault::Late))
    }

    async fn read(&self, url: &Url) -> Result<Vec<u8>, FetchFault> {
        let failed = |error: reqwest::Error| {
            if error.is_timeout() && !error.is_connect() {
                FetchFault::Late
            } else {
                FetchFault::Unreachable(error)
            }
        };
        let mut response = self.client.get(url.clone()).send().await.map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchFault::Status(response.status().as_u16()));
        }
        if response.content_length().is_some_and(|announced| announced > self.max_bytes as u64) {
            return Err(FetchFault::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > self.max_bytes {
                return Err(FetchFault::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let _counts = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Resolves names, and forgets the addresses to which nobody may be led.
#[derive(Debug)]
struct Careful;

impl Resolve for Careful {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(allowed(found)?.into_iter()) as Addrs)
        })
    }
}

/// Those of the addresses to which one may go.
fn allowed(found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, PlaceFault> {
    let allowed: Vec<SocketAddr> = found.filter(|address| !is_forbidden(address.ip())).collect();
    if allowed.is_empty() { Err(PlaceFault::Address) } else { Ok(allowed) }
}

#[cfg(test)]
mod tests;
