//! Delegation tokens of nobody's, and files that hold them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lakegate_delegation::hadoop::Credentials;
use lakegate_delegation::{Identifier, KIND, KeyId, TokenId, TokenView};
use lakegate_domain::{Clock, ManualClock, Principal, SystemClock, Timestamp};

use super::{DelegationTokenSource, Held};
use crate::error::ConfigFault;

pub(crate) const DAY: Duration = Duration::from_hours(24);
pub(crate) const SERVICE: &str = "broker.example:8443";

/// When all tokens were issued: now. Files carry real times, so their clock has to be near.
pub(crate) fn issued() -> Timestamp {
    Timestamp::from_seconds(SystemClock.now().as_seconds())
}

/// A token of alice's in `lake`, to be renewed within a day, that ends so many days after an instant.
pub(crate) fn token(issued: Timestamp, days: u32) -> String {
    token_of("alice", "lake", (issued, days))
}

pub(crate) fn token_of(owner: &str, cluster: &str, (issued, days): (Timestamp, u32)) -> String {
    let identifier = Identifier {
        owner: Principal::parse(owner).unwrap(),
        renewer: None,
        real_user: None,
        issued,
        max_date: issued.plus(DAY * days),
        sequence: days,
        key: KeyId::new(1).unwrap(),
        cluster: cluster.to_owned(),
        id: TokenId::from_bytes([7; 16]),
        first_renew_date: issued.plus(DAY),
        store_epoch: 1,
    };
    let identifier = identifier.to_bytes();
    TokenView { identifier: &identifier, password: &[5; 32], kind: KIND, service: "" }.to_url()
}

/// The bytes of a token-storage file with these tokens, by their services.
pub(crate) fn storage(tokens: &[(&str, &str)]) -> Vec<u8> {
    let mut credentials = Credentials::new();
    for (service, token) in tokens {
        credentials.put_ours(token, service).unwrap();
    }
    credentials.to_bytes().to_vec()
}

/// A folder with a job's token in it.
pub(crate) struct JobFolder {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) issued: Timestamp,
}

impl JobFolder {
    pub(crate) fn new() -> Self {
        let issued = issued();
        Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(ManualClock::at(issued)), issued }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("job.token")
    }

    pub(crate) fn token(&self, days: u32) -> String {
        token(self.issued, days)
    }

    /// Writes into the file that is there.
    pub(crate) fn write(&self, bytes: impl AsRef<[u8]>) {
        write(&self.path(), bytes);
    }

    /// Puts another file into its place.
    pub(crate) fn replace(&self, bytes: impl AsRef<[u8]>) {
        let fresh = self.folder.path().join("job.token.new");
        write(&fresh, bytes);
        fs::rename(fresh, self.path()).unwrap();
    }

    pub(crate) fn open(&self) -> Result<Held, ConfigFault> {
        let source = DelegationTokenSource::File(self.path());
        Held::open(source, vec![SERVICE.to_owned()], Arc::clone(&self.clock) as _)
    }
}

pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path).unwrap().write_all(bytes.as_ref()).unwrap();
}
