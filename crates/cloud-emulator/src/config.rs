//! What an emulator is made of: buckets, service accounts, quota, clock.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, SystemClock};

use crate::Role;

/// The whole configuration of an [`Emulator`](crate::Emulator).
#[derive(Debug, Clone)]
pub struct EmulatorConfig {
    /// Where to listen; port 0 takes a free one. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// The buckets that exist.
    pub buckets: Vec<String>,
    /// The service accounts that exist; the metadata server speaks for the first.
    pub service_accounts: Vec<ServiceAccount>,
    /// Token exchanges granted in any 60 seconds; Google's default is 6,000.
    pub sts_per_minute: u32,
    /// The life of a token from the OAuth endpoint or the metadata server. Default one hour. It is also the
    /// longest life that `generateAccessToken` grants, but never more than 12 hours and never capped below one.
    pub source_life: Duration,
    /// Wall time: tokens end by it and objects are stamped with it.
    pub clock: Arc<dyn Clock>,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            buckets: Vec::new(),
            service_accounts: Vec::new(),
            sts_per_minute: 6_000,
            source_life: Duration::from_hours(1),
            clock: Arc::new(SystemClock),
        }
    }
}

/// A service account: who may ask for source tokens, and what those can do.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// Its address, such as `lakegate@project.iam.gserviceaccount.com`.
    pub email: String,
    /// The id of its key, `kid` in the signed assertion.
    pub key_id: String,
    /// The public half of its RSA key, SPKI or PKCS#1 in PEM.
    pub public_key_pem: String,
    /// What it may do, on which buckets.
    pub roles: Vec<BucketRole>,
    /// The addresses of the accounts it may make tokens for (`roles/iam.serviceAccountTokenCreator`).
    pub may_impersonate: Vec<String>,
}

impl ServiceAccount {
    /// An account with every object permission and the bucket owner's on all buckets, that may impersonate nobody.
    pub fn new(email: &str, key_id: &str, public_key_pem: &str) -> Self {
        Self {
            email: email.to_owned(),
            key_id: key_id.to_owned(),
            public_key_pem: public_key_pem.to_owned(),
            roles: vec![
                BucketRole::everywhere(Role::ObjectAdmin),
                BucketRole::everywhere(Role::LegacyBucketOwner),
            ],
            may_impersonate: Vec::new(),
        }
    }
}

/// A role, bound on one bucket or on all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRole {
    /// The bucket; `None` is every bucket.
    pub bucket: Option<String>,
    /// The role.
    pub role: Role,
}

impl BucketRole {
    /// The role on every bucket.
    pub fn everywhere(role: Role) -> Self {
        Self { bucket: None, role }
    }

    /// The role on one bucket.
    pub fn on(bucket: &str, role: Role) -> Self {
        Self { bucket: Some(bucket.to_owned()), role }
    }
}
