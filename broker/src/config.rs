//! The broker's configuration: a file, overlaid by the environment, overlaid by flags.

use std::net::SocketAddr;
use std::path::PathBuf;

use lakegate_domain::Principal;
use lakegate_sts::settings::StorageSettings;
use lakegate_token_store::settings::{SealingSettings, StoreSettings};
use serde::Deserialize;

use crate::acting::{ActingSettings, GroupsSettings, MappingSettings};
use crate::identity::IdentitySettings;
use crate::tls::{ClientCertificates, TlsSettings};
use crate::{DelegationSettings, Limits};

/// Everything an operator says. Unknown keys stop the start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerConfig {
    /// The public port.
    pub listen: SocketAddr,
    /// The admin port: `/livez`, `/readyz`, `/metrics`.
    pub admin_listen: SocketAddr,
    /// The name of this deployment; values sealed for one cluster do not open in another.
    pub cluster: String,
    /// The public port's certificate and whom it trusts.
    pub tls: TlsSettings,
    /// How client certificates are read.
    #[serde(default)]
    pub identity: IdentitySettings,
    /// The policy document and how long an old one is good for.
    pub policy: PolicySettings,
    /// The shared tier.
    pub store: StoreSettings,
    /// The keys that seal it.
    pub sealing: SealingSettings,
    /// Delegation tokens; without it none is issued or believed, and every client needs a certificate.
    #[serde(default)]
    pub delegation: Option<DelegationSettings>,
    /// How names become principals.
    #[serde(default)]
    pub mapping: MappingSettings,
    /// Acting for others, and who gets nothing.
    #[serde(default)]
    pub acting: ActingSettings,
    /// Groups from outside the policy document.
    #[serde(default)]
    pub groups: GroupsSettings,
    /// The storages and their source credentials.
    pub storages: Vec<StorageSettings>,
    /// The file that audit records are appended to.
    pub audit_file: PathBuf,
    /// Limits of connections and tiers.
    #[serde(default)]
    pub limits: Limits,
    /// Principals who may ask `Explain` about others.
    #[serde(default)]
    pub administrators: Vec<Principal>,
    /// Buckets with the broker's own policy, audit or state, `gs://name`: refused above all policy.
    #[serde(default)]
    pub own_buckets: Vec<String>,
    /// The most brokers that ever run at once: each has that part of the budget's reserve.
    pub max_brokers: std::num::NonZeroU32,
    /// Seconds for which a stopping broker still serves everybody, after it said that it is not ready: as long as load
    /// balancers need to see it.
    #[serde(default = "five")]
    pub drain_notice_seconds: u64,
    /// Seconds for which a stopping broker waits for its last requests.
    #[serde(default = "thirty")]
    pub drain_seconds: u64,
}

impl BrokerConfig {
    /// Whether clients must present a certificate: unless they can present a delegation token.
    pub(crate) fn clients(&self) -> ClientCertificates {
        match self.delegation {
            Some(_) => ClientCertificates::Optional,
            None => ClientCertificates::Required,
        }
    }
}

/// The policy document and how long an old one is good for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySettings {
    /// The document, YAML or JSON by its ending.
    pub file: PathBuf,
    /// Seconds between looks at the file.
    #[serde(default = "two")]
    pub reload_seconds: u64,
    /// Seconds for which a broker that cannot read the file goes on.
    #[serde(default = "half_an_hour")]
    pub max_stale_seconds: u64,
    /// Seconds for which classes marked strict are served by a broker that does not know that its policy is what the
    /// file says; 10 at most.
    #[serde(default = "ten")]
    pub strict_stale_seconds: u64,
}

fn two() -> u64 {
    2
}

fn ten() -> u64 {
    10
}

fn five() -> u64 {
    5
}

fn thirty() -> u64 {
    30
}

fn half_an_hour() -> u64 {
    1800
}
