//! From where a proxy may call: addresses, networks and host names, as in Hadoop's `MachineList`.
//!
//! Names are resolved in the background, forwards only: who owns a reverse zone could name its machines as it likes. They
//! are complete and no search list applies: in a pod the owner of a namespace could put a host of that name into it. A
//! request never waits for it: a name that is not resolved, or was too long ago, is unknown, which is an outage and no
//! refusal; a name that is known not to exist lets nobody through.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::stream::{self, StreamExt};
use ipnet::IpNet;
use tokio::time::Instant;

use super::Verdict;
use super::rules::RuleFault;
use crate::identity::{Family, HostName, HostResolver};

/// How often names are resolved anew.
pub(super) const RESOLVE_EVERY: Duration = Duration::from_mins(1);

/// How long what was resolved is good for when resolving fails.
const GOOD_FOR: Duration = Duration::from_mins(10);

/// How long one name may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Names that are resolved at the same time.
const AT_ONCE: usize = 8;

/// Where somebody may call from. Without any entry: from nowhere.
#[derive(Debug, Clone, Default)]
pub(super) struct HostList {
    any: bool,
    networks: Vec<IpNet>,
    names: BTreeSet<HostName>,
}

impl HostList {
    /// Reads a list. An empty entry is no host; `any` allows `*` and networks of all addresses.
    pub(super) fn parse(entries: &[String], any: bool) -> Result<Self, RuleFault> {
        let mut list = Self::default();
        for entry in entries.iter().filter(|entry| !entry.is_empty()) {
            let network = entry.parse().ok().or_else(|| entry.parse::<IpAddr>().ok().map(single));
            match network {
                _ if entry == "*" => list.any = true,
                Some(network) if network.prefix_len() == 0 => list.any = true,
                Some(network) => list.networks.push(network),
                None => {
                    let name = HostName::parse(&entry.to_ascii_lowercase()).ok_or(RuleFault::Host)?;
                    let _twice = list.names.insert(name);
                }
            }
        }
        if list.any && !any { Err(RuleFault::AnyHost) } else { Ok(list) }
    }

    /// Whether somebody may call from an address.
    pub(super) fn admits(&self, address: IpAddr, known: &HostNames) -> Verdict {
        let address = address.to_canonical();
        if self.any || self.networks.iter().any(|network| network.contains(&address)) {
            return Verdict::Yes;
        }
        let (table, family) = (known.table.load(), Family::of(address));
        let of_name = |name: &HostName| match table.get(&(name.clone(), family)) {
            Some(resolved) if resolved.addresses.contains(&address) && resolved.is_good() => Verdict::Yes,
            Some(resolved) if resolved.is_good() => Verdict::No,
            _ => Verdict::Unknown,
        };
        self.names.iter().map(of_name).fold(Verdict::No, Verdict::or)
    }

    /// Whether it lets nobody through.
    pub(super) fn is_nowhere(&self) -> bool {
        !self.any && self.networks.is_empty() && self.names.is_empty()
    }

    /// The names in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &HostName> {
        self.names.iter()
    }
}

fn single(address: IpAddr) -> IpNet {
    IpNet::from(address.to_canonical())
}

/// What is known of host names.
#[derive(Debug, Default)]
pub(super) struct HostNames {
    table: ArcSwap<HashMap<(HostName, Family), Resolved>>,
}

#[derive(Debug, Clone)]
struct Resolved {
    addresses: Arc<[IpAddr]>,
    at: Instant,
}

impl Resolved {
    fn is_good(&self) -> bool {
        self.at.elapsed() <= GOOD_FOR
    }
}

impl HostNames {
    /// Resolves these names and forgets all others. What cannot be resolved stays as it was; tells whether all could.
    pub(super) async fn resolve(&self, names: BTreeSet<HostName>, resolver: &dyn HostResolver) -> bool {
        let at = Instant::now();
        let one = async |(name, family): (HostName, Family)| {
            let found = tokio::time::timeout(PATIENCE, resolver.addresses(&name, family)).await;
            ((name, family), found.ok().and_then(Result::ok))
        };
        let both = names.into_iter().flat_map(|name| [(name.clone(), Family::V4), (name, Family::V6)]);
        let found: Vec<_> = stream::iter(both).map(one).buffer_unordered(AT_ONCE).collect().await;
        let are_whole = found.iter().all(|(_, addresses)| addresses.is_some());
        let before = self.table.load();
        let entry = |(asked, found): ((HostName, Family), Option<Vec<IpAddr>>)| {
            let fresh = found.map(|addresses| Resolved {
                addresses: addresses.iter().map(IpAddr::to_canonical).collect(),
                at,
            });
            if fresh.is_none() {
                let (host, family) = &asked;
                tracing::warn!(%host, ?family, "host name of a proxy rule cannot be resolved");
            }
            let best = fresh.or_else(|| before.get(&asked).cloned())?;
            Some((asked, best))
        };
        self.table.store(Arc::new(found.into_iter().filter_map(entry).collect()));
        are_whole
    }
}

#[cfg(test)]
mod tests;
