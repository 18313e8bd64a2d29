//! The name service of the network: DNS, and the hosts file of the machine.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::{Resolver, TokioResolver};

use super::HostName;
use super::resolver::{Family, HostResolver, Unresolved};

/// How long one server is waited for, and how often it is asked again.
const PATIENCE: Duration = Duration::from_secs(1);
const ATTEMPTS: usize = 1;

/// DNS by the machine's configuration, or by servers of one's own. Answers are not kept.
#[derive(Clone)]
pub struct DnsResolver {
    four: TokioResolver,
    six: TokioResolver,
}

impl std::fmt::Debug for DnsResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DnsResolver")
    }
}

impl DnsResolver {
    /// A resolver over these servers; without any over those of `/etc/resolv.conf`, which is read now.
    ///
    /// # Errors
    /// When the machine's configuration cannot be used.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, Unresolved> {
        let build = |strategy| resolver(servers, strategy).map_err(Unresolved::new);
        Ok(Self { four: build(LookupIpStrategy::Ipv4Only)?, six: build(LookupIpStrategy::Ipv6Only)? })
    }
}

fn resolver(servers: &[SocketAddr], strategy: LookupIpStrategy) -> Result<TokioResolver, NetError> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = servers.iter().map(|server| server_at(*server)).collect();
        let config = ResolverConfig::from_parts(None, Vec::new(), servers);
        Resolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let ResolverOpts { ip_strategy, cache_size, timeout, attempts, .. } = builder.options_mut();
    (*ip_strategy, *cache_size, *timeout, *attempts) = (strategy, 0, PATIENCE, ATTEMPTS);
    builder.build()
}

fn server_at(server: SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        let ConnectionConfig { port, .. } = connection;
        *port = server.port();
    }
    config
}

#[async_trait]
impl HostResolver for DnsResolver {
    async fn addresses(&self, host: &HostName, family: Family) -> Result<Vec<IpAddr>, Unresolved> {
        let resolver = match family {
            Family::V4 => &self.four,
            Family::V6 => &self.six,
        };
        match resolver.lookup_ip(complete(host)).await {
            Ok(found) => Ok(found.iter().collect()),
            Err(error) if is_nowhere(&error) => Ok(Vec::new()),
            Err(error) => Err(Unresolved::new(error)),
        }
    }
}

/// A name as it is asked for: the dot at its end keeps search lists away.
fn complete(host: &HostName) -> String {
    [host.as_str(), "."].concat()
}

/// Whether a server said that there is no such host, or no address of this family. Everything else says nothing.
fn is_nowhere(error: &NetError) -> bool {
    let NetError::Dns(DnsError::NoRecordsFound(records)) = error else { return false };
    matches!(records.response_code, ResponseCode::NXDomain | ResponseCode::NoError)
}

#[cfg(test)]
mod tests {
    use lakegate_testkit::NameServer;

    use super::super::resolver::tests::conforms;
    use super::*;

    #[tokio::test]
    async fn dns_is_resolved_like_any_other_name_service() {
        let server = NameServer::start().await.unwrap();
        server.put("many.lake.example", &["10.0.0.1", "10.0.0.2", "fd00::1"]);
        server.break_off("broken.lake.example");
        conforms(&DnsResolver::new(&[server.address()]).unwrap()).await;
    }

    #[test]
    fn xc21_no_search_list_leads_to_another_host() {
        assert_eq!(complete(&HostName::parse("node.lake.example").unwrap()), "node.lake.example.");
    }

    #[tokio::test]
    async fn xc21_a_server_that_says_nothing_has_not_said_no() {
        let server = NameServer::start().await.unwrap();
        server.silence("silent.lake.example");
        let resolver = DnsResolver::new(&[server.address()]).unwrap();
        let silent = HostName::parse("silent.lake.example").unwrap();
        resolver.addresses(&silent, Family::V4).await.unwrap_err();
    }

    #[tokio::test]
    async fn answers_are_not_kept() {
        let server = NameServer::start().await.unwrap();
        let resolver = DnsResolver::new(&[server.address()]).unwrap();
        let host = HostName::parse("node.lake.example").unwrap();
        for address in ["10.0.0.1", "10.0.0.2"] {
            server.put("node.lake.example", &[address]);
            let found = resolver.addresses(&host, Family::V4).await.unwrap();
            assert_eq!(found, [address.parse::<IpAddr>().unwrap()]);
        }
    }
}
