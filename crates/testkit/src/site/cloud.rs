//! The emulated cloud of a site: written down when the site is laid out, started from that by a process of its own.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use lakegate_cloud_emulator::{Emulator, EmulatorConfig, ServiceAccount, ServiceAccountKey};
use serde::{Deserialize, Serialize};

use super::Site;
use crate::{SAMPLE_BUCKET, sample_objects};

/// The file that describes it.
const FILE: &str = "cloud.json";

/// The account whose key brokers and generator hold.
const BROKER_ACCOUNT: &str = "lakegate@emulated.iam.gserviceaccount.com";

/// The account that may use the bucket, and that the other one may impersonate.
pub(super) const STORAGE_ACCOUNT: &str = "lake-storage@emulated.iam.gserviceaccount.com";

/// An object in a bucket that no dataset names; no token may open it.
pub(super) const CANARY: &str = "gs://lakegate-canary/canary";
const CANARY_BUCKET: &str = "lakegate-canary";

/// What the emulated cloud is made of, without any private key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloudFile {
    listen: SocketAddr,
    buckets: Vec<String>,
    accounts: Vec<AccountEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountEntry {
    email: String,
    key_id: String,
    public_key_pem: String,
    may_impersonate: Vec<String>,
}

/// Writes the cloud's description, and the key file that brokers and generator read.
pub(super) fn lay_out(site: &Site) -> Result<()> {
    let broker = ServiceAccountKey::generate(BROKER_ACCOUNT)?;
    let storage = ServiceAccountKey::generate(STORAGE_ACCOUNT)?;
    let cloud = CloudFile {
        listen: site.ports.cloud,
        buckets: vec![SAMPLE_BUCKET.to_owned(), CANARY_BUCKET.to_owned()],
        accounts: vec![
            AccountEntry::of(broker.account(), &[STORAGE_ACCOUNT]),
            AccountEntry::of(storage.account(), &[]),
        ],
    };
    site.write(FILE, &serde_json::to_string_pretty(&cloud)?)?;
    site.write("source.json", broker.key_file(&format!("http://{}", site.ports.cloud)).expose())
}

/// Starts the cloud of a site, with the sample lake's objects in it.
///
/// # Errors
/// When the folder is no site, or the port is taken.
pub async fn emulate(folder: &Path) -> Result<Emulator> {
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let cloud: CloudFile = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let config = EmulatorConfig {
        listen: cloud.listen,
        buckets: cloud.buckets,
        service_accounts: cloud.accounts.into_iter().map(AccountEntry::account).collect(),
        ..EmulatorConfig::default()
    };
    let emulator = Emulator::start(config).await?;
    for (key, content) in sample_objects() {
        emulator.put_object(SAMPLE_BUCKET, key, content)?;
    }
    emulator.put_object(CANARY_BUCKET, "canary", "nobody reads this\n")?;
    Ok(emulator)
}

impl AccountEntry {
    fn of(account: ServiceAccount, may_impersonate: &[&str]) -> Self {
        let may_impersonate = may_impersonate.iter().map(|&email| email.to_owned()).collect();
        let ServiceAccount { email, key_id, public_key_pem, .. } = account;
        Self { email, key_id, public_key_pem, may_impersonate }
    }

    fn account(self) -> ServiceAccount {
        let account = ServiceAccount::new(&self.email, &self.key_id, &self.public_key_pem);
        ServiceAccount { may_impersonate: self.may_impersonate, ..account }
    }
}
