//! Who acts for whom, how names are mapped, and where groups come from.

use std::path::Path;

use lakegate_host::Findings;
use lakegate_host::files::FileContent;

use super::Subject;
use crate::acting::{Blocklist, FileGroups, Mapping, Rules};

/// What happens without a canary.
const NO_CANARY: &str = "none: when the directory is stopped, people whom nobody asked for before seem to be in no group, \
                         and rules that deny a group do not hold for them";

pub(super) fn mapping(subject: &Subject<'_>, findings: &mut Findings) {
    let settings = &subject.config.mapping;
    let blocked = Blocklist::new(&subject.config.acting.blocked);
    if let Some(mapping) = findings.take("mapping", Mapping::new(settings)) {
        findings.take("mapping", mapping.check_beside(subject.config.identity.callers()));
    }
    for (name, principal) in &settings.exact {
        if blocked.blocks(principal) {
            findings
                .warn(&format!("mapping.exact.{name}"), "becomes a blocked principal, which gets nothing");
        }
    }
    if settings.auth_to_local.is_none() && settings.default_realm.is_some() {
        findings.warn("mapping.default_realm", "means nothing without auth_to_local");
    }
}

pub(super) fn rules(subject: &Subject<'_>, findings: &mut Findings) {
    let key = "acting.rules";
    let settings = &subject.config.acting;
    let Some(file) = &settings.rules else { return };
    let Some(text) = text(key, file, findings) else { return };
    let Some(rules) = findings.take(key, Rules::parse(&text)) else { return };
    let blocked = Blocklist::new(&settings.blocked);
    for remark in rules.remarks(&blocked) {
        findings.warn(key, remark);
    }
}

pub(super) fn groups(subject: &Subject<'_>, findings: &mut Findings) {
    let settings = &subject.config.groups;
    if let Some(file) = &settings.file
        && let Some(text) = text("groups.file.path", &file.path, findings)
    {
        findings.take("groups.file.path", FileGroups::parse(&text));
    }
    if let Some(system) = &settings.system {
        findings.take("groups.system.max_stale_seconds", system.bounds());
        if system.canaries.is_empty() {
            findings.warn("groups.system.canaries", NO_CANARY);
        }
    }
}

fn text(key: &str, file: &Path, findings: &mut Findings) -> Option<String> {
    let content = findings.take(key, FileContent::public(file))?;
    findings.take(key, String::from_utf8(content.bytes().to_vec()))
}
