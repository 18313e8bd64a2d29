//! What may differ between deployments.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lakegate_broker::audit::AuditSink;
use lakegate_broker::identity::Identities;
use lakegate_broker::tls::{Revocation, TlsVersions};
use lakegate_broker::{Limits, StalenessBounds};
use lakegate_domain::{Clock, SystemClock};
use lakegate_host::SnapshotCheck;
use lakegate_policy::{LoadError, PolicyDocument};
use lakegate_token_store::settings::RedisSettings;
use rustls_pki_types::CertificateDer;

use crate::Delegating;
use crate::acting::ActingOptions;
use crate::sample::sample_policy;

/// How the storage's source tokens are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A key file that may impersonate a storage account: tokens can end early.
    Impersonation,
    /// The key file itself: tokens live as long as the cloud says.
    KeyFile,
}

/// What a deployment is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// The policy; the sample lake's, unless set.
    pub policy: PolicyDocument,
    /// A file that the broker and the generator follow instead; `policy` then only says which buckets there are.
    pub policy_file: Option<PathBuf>,
    /// What a document in that file must pass besides.
    pub policy_check: PolicyCheck,
    /// How old the policy in force may be.
    pub staleness: StalenessBounds,
    /// Whether fresh tokens are tried out on an object outside of everything.
    pub canary: Canary,
    /// The broker's port; 0 picks one.
    pub port: u16,
    /// How source tokens are made.
    pub source: Source,
    /// Exchanges that the emulated STS allows in a minute.
    pub sts_per_minute: u32,
    /// Whether a generator fills the shared tier.
    pub generator: Generator,
    /// Where the shared tier is.
    pub store: Store,
    /// The broker's limits.
    pub limits: Limits,
    /// Principals who may ask about others.
    pub administrators: Vec<String>,
    /// Buckets with the broker's own state, refused above all policy: `gs://name`.
    pub own_buckets: Vec<String>,
    /// Where audit records go.
    pub audit: AuditTo,
    /// How peers are known.
    pub identities: Identities,
    /// How delegation tokens live; without it none is issued or believed.
    pub delegation: Option<Delegating>,
    /// Who acts, and for whom; nobody unless set.
    pub acting: ActingOptions,
    /// What clients may speak.
    pub tls_versions: TlsVersions,
    /// Issuers of client certificates beside the deployment's own one; the authority of all of them is `default`.
    pub more_issuers: Vec<CertificateDer<'static>>,
    /// Whether certificates of clients can be taken back; not, unless set.
    pub revocation: Revocation,
    /// Wall time for all parts.
    pub clock: Arc<dyn Clock>,
}

/// Whether fresh tokens are tried out on [`crate::CANARY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canary {
    /// Nobody looks.
    Absent,
    /// One look in so long; the deployment starts with the first one done.
    Every(Duration),
}

/// What a policy document must pass on the thread that loads it; nothing unless set.
#[derive(Clone)]
pub struct PolicyCheck(pub SnapshotCheck);

impl Default for PolicyCheck {
    fn default() -> Self {
        Self(Arc::new(|_| Ok(())))
    }
}

impl std::fmt::Debug for PolicyCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PolicyCheck")
    }
}

/// Where the shared tier is.
#[derive(Debug, Clone)]
pub enum Store {
    /// In memory.
    Memory,
    /// In a file of the deployment's folder.
    Folder,
    /// In this file, which outlives the deployment.
    File(PathBuf),
    /// On a server of the test's own, as `RedisServer::settings_toml` describes it.
    Redis(Box<RedisSettings>),
}

/// Whether a generator runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generator {
    /// One runs, and the deployment starts full.
    Running,
    /// None runs; the first request for a scope mints.
    Absent,
}

/// Where audit records go.
#[derive(Clone)]
pub enum AuditTo {
    /// A file in the deployment's folder; [`crate::AuditTrail`] reads it.
    File,
    /// A sink made for each deployment; the audit trail is then empty.
    Sink(Arc<dyn Fn() -> Box<dyn AuditSink> + Send + Sync>),
}

impl std::fmt::Debug for AuditTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File => "File",
            Self::Sink(_) => "Sink",
        })
    }
}

impl Options {
    /// The sample lake with everything in it.
    ///
    /// # Errors
    /// Never for the document that is shipped.
    pub fn sample() -> Result<Self, LoadError> {
        let canary = Canary::Every(Duration::from_mins(5));
        Ok(Self { store: Store::Folder, canary, ..Self::of(sample_policy(SystemClock.now())?) })
    }

    /// A deployment of one policy and the buckets it names.
    pub fn of(policy: PolicyDocument) -> Self {
        Self {
            policy,
            policy_file: None,
            policy_check: PolicyCheck::default(),
            staleness: StalenessBounds::default(),
            canary: Canary::Absent,
            port: 0,
            source: Source::Impersonation,
            sts_per_minute: 6_000,
            generator: Generator::Running,
            store: Store::Memory,
            // The store shares two cores with a whole cloud: a late answer must not look like a miss.
            limits: Limits { shared_tier_millis: 2_000, ..Limits::default() },
            administrators: vec!["root-admin".to_owned()],
            own_buckets: vec!["gs://lakegate-state".to_owned()],
            audit: AuditTo::File,
            acting: ActingOptions::default(),
            tls_versions: TlsVersions::Tls13,
            more_issuers: Vec::new(),
            revocation: Revocation::Unchecked,
            identities: Identities::default(),
            delegation: Some(Delegating::default()),
            clock: Arc::new(SystemClock),
        }
    }
}
