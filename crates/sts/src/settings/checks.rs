//! What can be known of storages without a call: every fault at once, and what somebody should look at.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use lakegate_domain::{Clock, Dialect, Secret, StorageId, Target};
use lakegate_policy::Snapshot;

use super::{Budgets, SourceSettings, Spending, StorageSettings};
use crate::{Minter, misfits};

/// Something to say about a key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The key, such as `storages[0].source`.
    pub key: String,
    /// What is wrong with it, or worth a look.
    pub text: String,
    /// Which of the two.
    pub severity: Severity,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The process does not start with it, or does not serve.
    Error,
    /// Somebody should look at it.
    Warning,
}

/// Storages that were checked, and the minters of those that are good.
#[derive(Debug, Default)]
pub struct CheckedStorages {
    /// The minters.
    pub minters: HashMap<StorageId, Arc<dyn Minter>>,
    /// What there is to say.
    pub remarks: Vec<Remark>,
}

impl CheckedStorages {
    /// Checks storages. `read` reads one file with a secret, or says why not.
    pub fn new(
        storages: &[StorageSettings],
        spending: Spending,
        clock: &Arc<dyn Clock>,
        read: impl Fn(&Path) -> Result<Secret, String>,
    ) -> Self {
        let mut checked = Self::default();
        let mut budgets = Budgets::new(spending);
        let mut seen = HashSet::new();
        for (index, storage) in storages.iter().enumerate() {
            let key = format!("storages[{index}]");
            if !seen.insert(&storage.id) {
                checked.error(&format!("{key}.id"), format!("storage {} is configured twice", storage.id));
            }
            checked.warn_about(&key, storage);
            let secret = match storage.source.key_file().map(&read).transpose() {
                Ok(secret) => secret,
                Err(problem) => {
                    checked.error(&format!("{key}.source"), problem);
                    continue;
                }
            };
            let problems = storage.problems(secret.as_ref(), clock);
            for (part, problem) in &problems {
                checked.error(&format!("{key}.{part}"), problem.to_string());
            }
            if problems.is_empty() {
                match storage.minter(secret.as_ref(), &mut budgets, Arc::clone(clock)) {
                    Ok(minter) => drop(checked.minters.insert(storage.id.clone(), minter)),
                    Err(problem) => checked.error(&key, problem.to_string()),
                }
            }
        }
        checked
    }

    /// Checks a policy against the storages.
    pub fn with_policy(&mut self, storages: &[StorageSettings], policy_key: &str, snapshot: &Snapshot) {
        let found = misfits(snapshot, &self.minters);
        found.faults.into_iter().for_each(|fault| self.error(policy_key, fault));
        found.warnings.into_iter().for_each(|warning| self.warn(policy_key, warning));
        let configured: BTreeMap<&StorageId, usize> =
            storages.iter().enumerate().map(|(index, storage)| (&storage.id, index)).collect();
        for rule in snapshot.storages().filter(|rule| !configured.contains_key(&rule.id)) {
            let id = &rule.id;
            match rule.dialect {
                Dialect::Gcs => {
                    self.error("storages", format!("storage {id} of the policy has no source here"));
                }
                other => {
                    self.warn(policy_key, format!("storage {id}: {other} is not served by this version"));
                }
            }
        }
        for (id, index) in configured {
            let key = format!("storages[{index}]");
            if !snapshot.storages().any(|rule| rule.id == *id) {
                self.error(&format!("{key}.id"), format!("storage {id} is not in the policy"));
            }
        }
        for (index, storage) in storages.iter().enumerate() {
            self.canary_is_outside(&format!("storages[{index}].canary"), storage, snapshot);
        }
    }

    /// A canary that some dataset holds would be covered by that dataset's tokens.
    fn canary_is_outside(&mut self, key: &str, storage: &StorageSettings, snapshot: &Snapshot) {
        let Some(canary) = storage.canary.clone().map(Target::Object) else { return };
        let around =
            snapshot.datasets().find(|(_, prefix, ..)| Target::Prefix((*prefix).clone()).covers(&canary));
        if let Some((dataset, ..)) = around {
            self.error(key, format!("lies in dataset {dataset}, whose tokens may open it"));
        }
    }

    fn warn_about(&mut self, key: &str, storage: &StorageSettings) {
        let source = format!("{key}.source");
        match &storage.source {
            SourceSettings::KeyFile { .. } => self.warn(
                &source,
                "a key file cannot end tokens early and lasts until it is rotated; impersonation is the default",
            ),
            SourceSettings::MetadataServer { .. } => self.warn(
                &source,
                "the metadata server's tokens cannot be renewed early, so tokens may live much shorter than an hour, \
                 nor end early; impersonation with base = \"metadata-server\" can do both",
            ),
            SourceSettings::Impersonation { .. } => {}
        }
        if storage.canary.is_none() {
            let text = "no canary: nobody would see tokens that open more than their scope";
            self.warn(&format!("{key}.canary"), text);
        }
        for (name, url) in [("sts_url", &storage.sts_url), ("storage_url", &storage.storage_url)] {
            if url.as_ref().is_some_and(|url| url.scheme() == "http") {
                self.warn(
                    &format!("{key}.{name}"),
                    "plain http: only an emulator on this machine is reached so",
                );
            }
        }
        if !storage.extra_hosts.is_empty() {
            self.warn(&format!("{key}.extra_hosts"), "these hosts may see credentials besides Google's own");
        }
        if storage.sts_region.is_some() {
            let text = "that the token service has regional endpoints of this form is not confirmed; try it out first";
            self.warn(&format!("{key}.sts_region"), text);
        }
        if storage.settle_seconds < 60 {
            let text =
                "less than 60: after a restart more calls may be made in a minute than the budget allows";
            self.warn(&format!("{key}.settle_seconds"), text);
        }
    }

    fn error(&mut self, key: &str, text: impl Into<String>) {
        self.remarks.push(Remark { key: key.to_owned(), text: text.into(), severity: Severity::Error });
    }

    fn warn(&mut self, key: &str, text: impl Into<String>) {
        self.remarks.push(Remark { key: key.to_owned(), text: text.into(), severity: Severity::Warning });
    }
}
