//! Where hosts are: asked of a name service.

use std::fmt::Debug;
use std::net::IpAddr;

use async_trait::async_trait;
use thiserror::Error;

use super::HostName;

/// The kind of addresses that are asked for: that of the peer, so that one kind's trouble is not the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address in its canonical form.
    pub(crate) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// The name service does not say whether or where a host is.
#[derive(Debug, Error)]
#[error("name service does not answer")]
pub struct Unresolved(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Unresolved {
    /// The failure of a name service.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// A name service. Nothing is kept here: whoever asks decides how long an answer is good for.
#[async_trait]
pub trait HostResolver: Send + Sync + Debug {
    /// All addresses of a host; none when the service says that there is no such host or no such address of it. The
    /// name is complete: no search list applies.
    ///
    /// # Errors
    /// [`Unresolved`] when the service says neither.
    async fn addresses(&self, host: &HostName, family: Family) -> Result<Vec<IpAddr>, Unresolved>;
}

#[cfg(test)]
pub(super) mod tests {
    //! What every resolver does, and one that stands in for a name service whose time is the test's.

    use std::collections::HashMap;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What a name service that is told so answers.
    #[derive(Debug, Clone)]
    pub(in crate::identity) enum Told {
        /// These addresses, of both families.
        At(Vec<IpAddr>),
        /// That it cannot say.
        Broken,
        /// Nothing, ever.
        Silent,
    }

    /// Hosts that a test puts somewhere; others are nowhere.
    #[derive(Debug, Clone, Default)]
    pub(in crate::identity) struct KnownHosts {
        told: Arc<Mutex<HashMap<String, Told>>>,
        asked: Arc<AtomicUsize>,
    }

    impl KnownHosts {
        pub(in crate::identity) fn put(&self, host: &str, told: Told) {
            self.told.lock().unwrap().insert(host.to_owned(), told);
        }

        pub(in crate::identity) fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    #[async_trait]
    impl HostResolver for KnownHosts {
        async fn addresses(&self, host: &HostName, family: Family) -> Result<Vec<IpAddr>, Unresolved> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            // Like a real one it takes a moment, in which others can ask.
            tokio::task::yield_now().await;
            let told = self.told.lock().unwrap().get(host.as_str()).cloned();
            match told {
                Some(Told::At(all)) => Ok(all.into_iter().filter(|it| Family::of(*it) == family).collect()),
                Some(Told::Broken) => Err(Unresolved::new("told to fail")),
                Some(Told::Silent) => std::future::pending().await,
                None => Ok(Vec::new()),
            }
        }
    }

    /// A resolver over a name service with `many.lake.example` at `10.0.0.1`, `10.0.0.2` and `fd00::1`, and
    /// `broken.lake.example`, of which it cannot say anything.
    pub(in crate::identity) async fn conforms(resolver: &dyn HostResolver) {
        let many = HostName::parse("many.lake.example").unwrap();
        let mut four = resolver.addresses(&many, Family::V4).await.unwrap();
        four.sort_unstable();
        assert_eq!(four, ["10.0.0.1".parse::<IpAddr>().unwrap(), "10.0.0.2".parse().unwrap()]);
        let six = resolver.addresses(&many, Family::V6).await.unwrap();
        assert_eq!(six, ["fd00::1".parse::<IpAddr>().unwrap()]);
        let nowhere = HostName::parse("nowhere.lake.example").unwrap();
        assert!(resolver.addresses(&nowhere, Family::V4).await.unwrap().is_empty());
        let broken = HostName::parse("broken.lake.example").unwrap();
        resolver.addresses(&broken, Family::V4).await.unwrap_err();
    }

    #[tokio::test]
    async fn hosts_that_a_test_puts_somewhere_are_resolved_like_others() {
        let hosts = KnownHosts::default();
        let addresses = ["10.0.0.1", "10.0.0.2", "fd00::1"].map(|text| text.parse().unwrap());
        hosts.put("many.lake.example", Told::At(addresses.to_vec()));
        hosts.put("broken.lake.example", Told::Broken);
        conforms(&hosts).await;
    }
}
