//! Short ways to say things in this crate's tests.

use lakegate_domain::{Caller, GroupName, OperationSet, Part, Principal, Proof, Target, Timestamp};

use crate::{Grant, LoadError, PolicyDocument, Refusal, Snapshot};

/// One storage on each side: `lake` (gcs), `s3lake` (aws), classes, a tenant, a group; rules and datasets follow.
pub(crate) const HEAD: &str = "
version: 7
storages:
- { id: lake, dialect: gcs, buckets: [lake] }
- { id: amazon, dialect: aws, buckets: [s3lake] }
classes:
- { name: short, token_life_seconds: 900, staleness: strict }
- { name: named, attribution: per-principal }
projects:
- { name: growth, members: ['principal:pat'] }
- { name: hr }
groups:
- { name: analysts, members: ['principal:ann'] }
";

/// Reads a document: [`HEAD`] and more.
pub(crate) fn document(more: &str) -> PolicyDocument {
    PolicyDocument::from_yaml(&[HEAD, more].concat()).unwrap()
}

/// Compiles [`HEAD`] and more.
pub(crate) fn policy(more: &str) -> Snapshot {
    Snapshot::compile(&document(more)).unwrap()
}

/// Why [`HEAD`] and more is refused.
pub(crate) fn refused(more: &str) -> LoadError {
    Snapshot::compile(&document(more)).unwrap_err()
}

/// Seconds after the epoch.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A caller by name.
pub(crate) fn caller(name: &str) -> Caller {
    Caller::new(Principal::parse(name).unwrap(), Proof::ClientCertificate)
}

/// A caller for whose groups authentication vouches.
pub(crate) fn caller_in(name: &str, groups: &[&str]) -> Caller {
    caller(name).with_groups(groups.iter().map(|group| GroupName::parse(group).unwrap()))
}

/// `path operations`, as in `gs://lake/wh/ read+list`.
pub(crate) fn part(text: &str) -> Part {
    let (path, operations) = text.split_once(' ').unwrap();
    Part::new(Target::parse(path).unwrap(), OperationSet::parse(operations).unwrap()).unwrap()
}

/// Decides on parts at the epoch.
pub(crate) fn decide(policy: &Snapshot, name: &str, parts: &[&str]) -> Result<Grant, Refusal> {
    let parts: Vec<Part> = parts.iter().map(|text| part(text)).collect();
    policy.decide(&caller(name), &parts, at(0))
}

/// The scope's parts as text, or the refusal's.
pub(crate) fn scope(policy: &Snapshot, name: &str, parts: &[&str]) -> String {
    match decide(policy, name, parts) {
        Ok(grant) => grant.scope().parts().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Err(refusal) => refusal.to_string(),
    }
}

/// What every refusal by policy says.
pub(crate) const DENIED: &str = "policy denies the request";
