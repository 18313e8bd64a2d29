//! `--check-config`: everything that can be known of a configuration without opening a port or making a call.
//!
//! Each check is a function of its own that looks at one part and tells all that it finds; to check one more thing,
//! write one more and put it into the list.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use lakegate_domain::{Bucket, Clock, Secret};
use lakegate_host::config::KeyPlaces;
use lakegate_host::{Findings, HostError, files};
use lakegate_sts::settings::Spending;
use lakegate_sts::settings::checks::{CheckedStorages, Severity};
use lakegate_token_store::settings::StoreSettings;

use crate::GeneratorConfig;
use crate::app::PREFILL;

/// What a check looks at.
struct Subject<'a> {
    config: &'a GeneratorConfig,
    clock: Arc<dyn Clock>,
}

type Check = fn(&Subject<'_>, &mut Findings);

/// All checks, in the order in which an operator reads a configuration.
const CHECKS: &[Check] = &[store, own_buckets, workers, sealing, storages_and_policy];

/// Checks a configuration whose keys stand at `places`.
pub fn check(config: &GeneratorConfig, places: KeyPlaces, clock: Arc<dyn Clock>) -> Findings {
    let mut findings = Findings::new(places);
    let subject = Subject { config, clock };
    for check in CHECKS {
        check(&subject, &mut findings);
    }
    findings
}

fn store(subject: &Subject<'_>, findings: &mut Findings) {
    match &subject.config.store {
        StoreSettings::Embedded { path } => {
            findings.writable("store.path", path);
            findings.warn("store", "a file of this process's own: no broker reads what is filled in here");
        }
        StoreSettings::Redis(settings) => {
            let read = |path: &Path| -> anyhow::Result<_> { Ok(files::read_secret_text(path)?) };
            if let Err(error) = settings.terms(read) {
                findings.error("store", format_args!("{error:#}"));
            }
            if settings.insecure {
                findings.warn("store.insecure", "the store may be reached in the clear and by strangers");
            }
        }
    }
}

fn own_buckets(subject: &Subject<'_>, findings: &mut Findings) {
    for (index, bucket) in subject.config.own_buckets.iter().enumerate() {
        findings.take(&format!("own_buckets[{index}]"), Bucket::parse(bucket));
    }
}

fn workers(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.config.workers == 0 {
        findings.warn("workers", "0 is taken as 1");
    }
}

fn sealing(subject: &Subject<'_>, findings: &mut Findings) {
    for (key, problem) in subject.config.sealing.problems(read_secret) {
        findings.error(key, problem);
    }
}

fn storages_and_policy(subject: &Subject<'_>, findings: &mut Findings) {
    let config = subject.config;
    let spending = Spending { percent: PREFILL, over: NonZeroU32::MIN };
    let mut checked = CheckedStorages::new(&config.storages, spending, &subject.clock, read_secret);
    if let Some(snapshot) = findings.policy("policy_file", &config.policy_file) {
        checked.with_policy(&config.storages, "policy_file", &snapshot);
    }
    for remark in checked.remarks {
        match remark.severity {
            Severity::Error => findings.error(&remark.key, remark.text),
            Severity::Warning => findings.warn(&remark.key, remark.text),
        }
    }
}

/// A file with a secret, or why it cannot be read.
fn read_secret(file: &Path) -> Result<Secret, String> {
    files::read_secret_text(file).map_err(|error: HostError| lakegate_host::chain(&error))
}
