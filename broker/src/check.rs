//! `--check-config`: everything that can be known of a configuration without opening a port or making a call.
//!
//! Each check is a function of its own that looks at one part and tells all that it finds; to check one more thing,
//! write one more and put it into the list.

mod acting;
mod identity;
mod tls;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Bucket, Clock, Secret};
use lakegate_host::config::KeyPlaces;
use lakegate_host::{Findings, HostError, files};
use lakegate_sts::settings::Spending;
use lakegate_sts::settings::checks::{CheckedStorages, Severity};
use lakegate_token_store::settings::StoreSettings;

use crate::app::RESERVE;
use crate::{BrokerConfig, DelegationSettings, StalenessBounds};

/// What a check looks at.
struct Subject<'a> {
    config: &'a BrokerConfig,
    clock: Arc<dyn Clock>,
}

type Check = fn(&Subject<'_>, &mut Findings);

/// All checks, in the order in which an operator reads a configuration.
const CHECKS: &[Check] = &[
    audit_file,
    store,
    own_buckets,
    tls::check,
    identity::check,
    acting::mapping,
    acting::rules,
    acting::groups,
    staleness,
    sealing,
    delegation,
    storages_and_policy,
];

/// Checks a configuration whose keys stand at `places`.
pub fn check(config: &BrokerConfig, places: KeyPlaces, clock: Arc<dyn Clock>) -> Findings {
    let mut findings = Findings::new(places);
    let subject = Subject { config, clock };
    for check in CHECKS {
        check(&subject, &mut findings);
    }
    findings
}

fn audit_file(subject: &Subject<'_>, findings: &mut Findings) {
    findings.writable("audit_file", &subject.config.audit_file);
}

fn store(subject: &Subject<'_>, findings: &mut Findings) {
    match &subject.config.store {
        StoreSettings::Embedded { path } => {
            findings.writable("store.path", path);
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

fn staleness(subject: &Subject<'_>, findings: &mut Findings) {
    let policy = &subject.config.policy;
    let (cut_off, strict) = (policy.max_stale_seconds, policy.strict_stale_seconds);
    let bounds = StalenessBounds::new(Duration::from_secs(cut_off), Duration::from_secs(strict));
    findings.take("policy.strict_stale_seconds", bounds);
    if policy.reload_seconds >= strict {
        let text =
            "not shorter than strict_stale_seconds: strict classes would stop between two looks at the file";
        findings.error("policy.reload_seconds", text);
    } else if policy.reload_seconds > 5 {
        findings.warn("policy.reload_seconds", "a change of policy takes longer than the 5 seconds aimed at");
    }
    if cut_off < strict {
        findings.warn(
            "policy.max_stale_seconds",
            "less than strict_stale_seconds: all classes are stricter than strict",
        );
    }
}

fn sealing(subject: &Subject<'_>, findings: &mut Findings) {
    for (key, problem) in subject.config.sealing.problems(read_secret) {
        findings.error(key, problem);
    }
}

fn delegation(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(settings) = &subject.config.delegation else { return };
    let before = findings.errors().len();
    for (index, key) in settings.keys.iter().enumerate() {
        findings.secret(&format!("delegation.keys[{index}]"), &key.file);
    }
    findings.take("delegation.renew_interval_seconds", settings.terms());
    findings.take("delegation.view.follow_seconds", settings.view.follow_every());
    findings.take("delegation.view.strict_stale_seconds", settings.view.staleness());
    if settings.stored.is_some() {
        stored_keys(subject, settings, findings);
        return;
    }
    if has_brokers_apart(subject) {
        let text =
            "several brokers with a store of their own each do not learn of each other's cancellations";
        findings.warn("delegation", text);
    }
    let read = |path: &Path| -> anyhow::Result<_> { Ok(files::read_secret_text(path)?) };
    if findings.errors().len() == before
        && let Err(error) = settings.ring(&subject.config.cluster, read)
    {
        findings.error("delegation.keys", format_args!("{error:#}"));
    }
}

fn stored_keys(subject: &Subject<'_>, settings: &DelegationSettings, findings: &mut Findings) {
    findings.take("delegation.stored", settings.roll());
    let read = |path: &Path| -> anyhow::Result<_> { Ok(files::read_secret_text(path)?) };
    if let Err(error) = settings.file_keys(read) {
        findings.error("delegation.keys", format_args!("{error:#}"));
    }
    let Some(stored) = &settings.stored else { return };
    if stored.distribution_seconds < settings.view.max_stale_seconds {
        let text = "shorter than delegation.view.max_stale_seconds: a broker cut off for that \
                    long meets keys that it does not know";
        findings.warn("delegation.stored.distribution_seconds", text);
    }
    if has_brokers_apart(subject) {
        let text = "several brokers with a store of their own each would not believe each other's tokens";
        findings.error("delegation.stored", text);
    }
}

/// Whether there are several brokers and each keeps a store of its own.
fn has_brokers_apart(subject: &Subject<'_>) -> bool {
    matches!(subject.config.store, StoreSettings::Embedded { .. })
        && subject.config.max_brokers > NonZeroU32::MIN
}

fn storages_and_policy(subject: &Subject<'_>, findings: &mut Findings) {
    let (config, max) = (subject.config, subject.config.max_brokers);
    let spending = Spending { percent: RESERVE, over: NonZeroU32::max(max, NonZeroU32::MIN) };
    let mut checked = CheckedStorages::new(&config.storages, spending, &subject.clock, read_secret);
    if let Some(snapshot) = findings.policy("policy.file", &config.policy.file) {
        checked.with_policy(&config.storages, "policy.file", &snapshot);
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
