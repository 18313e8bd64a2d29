//! The lake that the clients of others are pointed at, and the file that tells them about it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use lakegate_cloud_emulator::{Emulator, EmulatorConfig, ServiceAccountKey};
use lakegate_domain::Secret;
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Authority, Deployment, Options, RunGenerator};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The only bucket.
pub(crate) const BUCKET: &str = "lake-foreign";

/// The service account of a [`Cloud`]; it may do everything.
pub(crate) const OWNER: &str = "owner@emulated.iam.gserviceaccount.com";

/// Alice works on the sales, bob reads them; nobody but heidi has anything next door.
const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-foreign] }]
projects: [{ name: growth, members: ["principal:alice", "principal:bob"] }, { name: people }]
datasets:
  - { name: sales, prefix: "gs://lake-foreign/wh/sales/", project: growth }
  - { name: margins, prefix: "gs://lake-foreign/wh/sales_private/", project: people }
rules:
  - id: alice-works
    effect: allow
    on: { dataset: sales }
    to: ["principal:alice"]
    operations: [read, list, write, delete]
  - { id: bob-reads, effect: allow, on: { dataset: sales }, to: ["principal:bob"], operations: [read, list] }
  - { id: walter-reads, effect: allow, on: { dataset: sales }, to: ["principal:walter"], operations: [read] }
  - { id: heidi-reads, effect: allow, on: { dataset: margins }, to: ["principal:heidi"], operations: [read, list] }
"#;

/// What lies in the bucket at first; names that others escape in other ways than we do among them.
const OBJECTS: [(&str, &str); 6] = [
    ("wh/sales", "the folder's own name"),
    ("wh/sales/part-0.csv", "order,amount\n1,10\n"),
    ("wh/sales/dt=2026-11-01/hour=10%3A00/it's a+b.csv", "2,20\n"),
    ("wh/sales/dt=2026-11-02/käse.csv", "3,30\n"),
    ("wh/sales_private/margins.csv", "product,margin\n"),
    ("people/salaries.csv", "person,salary\n"),
];

/// A pretend cloud with one service account, and no Lakegate.
pub(crate) struct Cloud {
    pub(crate) emulator: Emulator,
    key: ServiceAccountKey,
    folder: TempDir,
}

impl Cloud {
    pub(crate) async fn start(buckets: &[&str]) -> Result<Self> {
        let key = ServiceAccountKey::generate(OWNER)?;
        let config = EmulatorConfig {
            buckets: buckets.iter().map(ToString::to_string).collect(),
            service_accounts: vec![key.account()],
            ..EmulatorConfig::default()
        };
        let emulator = Emulator::start(config).await?;
        Ok(Self { emulator, key, folder: tempfile::tempdir()? })
    }

    /// The account's key file.
    pub(crate) fn key_file(&self) -> Secret {
        self.key.key_file(&self.emulator.url())
    }

    /// Tells a script about it, and whatever else it should know.
    pub(crate) fn tell(&self, more: &Value) -> Result<PathBuf> {
        let key = write(self.folder.path(), "key.json", self.key_file().expose())?;
        let facts = json!({ "cloud": self.emulator.url(), "bucket": BUCKET, "key_file": key, "more": more });
        write(self.folder.path(), "lake.json", &facts.to_string())
    }
}

/// Puts the objects that scripts expect.
pub(crate) fn fill(emulator: &Emulator) -> Result<()> {
    for (key, content) in OBJECTS {
        emulator.put_object(BUCKET, key, content)?;
    }
    Ok(())
}

/// A whole Lakegate on the same objects. The first request for a scope mints.
pub(crate) async fn deployment() -> Result<Deployment> {
    let policy = PolicyDocument::from_yaml(POLICY)?;
    let lake = Deployment::start(Options { generator: RunGenerator::Absent, ..Options::of(policy) }).await?;
    fill(lake.emulator())?;
    Ok(lake)
}

/// Tells a script about a deployment: its addresses, its schema, certificates of everybody, and one of a stranger.
pub(crate) fn tell(lake: &Deployment) -> Result<PathBuf> {
    let folder = lake.folder();
    let stranger = Authority::new()?;
    let mut certificates = serde_json::Map::new();
    for (file, authority, name) in [
        ("alice", lake.authority(), "alice"),
        ("bob", lake.authority(), "bob"),
        ("walter", lake.authority(), "walter"),
        ("heidi", lake.authority(), "heidi"),
        ("administrator", lake.authority(), "root-admin"),
        ("stranger", &stranger, "alice"),
    ] {
        let issued = authority.client(name)?;
        let certificate = write(folder, &format!("{file}.pem"), &issued.certificate_pem)?;
        let key = write(folder, &format!("{file}.key"), &issued.key_pem)?;
        certificates.insert(file.to_owned(), json!({ "certificate": certificate, "key": key }));
    }
    let facts = json!({
        "cloud": lake.emulator().url(),
        "bucket": BUCKET,
        "broker": format!("localhost:{}", lake.address().port()),
        "authority": write(folder, "ca.pem", &lake.authority().certificate_pem())?,
        "wrong_authority": write(folder, "wrong-ca.pem", &stranger.certificate_pem())?,
        "certificates": certificates,
        "schema": Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto").canonicalize()?,
        "generated": folder,
    });
    write(folder, "lake.json", &facts.to_string())
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}
