//! Which names a profile may give: the sets of two profiles never meet, so a principal has one origin.

use std::collections::BTreeSet;

use lakegate_domain::{Principal, ProjectName};

use super::IdentityError;
use super::project_user::ProjectUser;
use super::settings::{IdentityField, ProfileSettings};
use super::spiffe::SpiffeId;

/// A set of principals.
#[derive(Debug, Clone)]
pub(super) enum Names {
    /// `spiffe:domain/...`, with paths that begin so.
    Spiffe { domain: String, prefix: String },
    /// `hops:project/...` of these projects; of all, when empty.
    Projects(BTreeSet<ProjectName>),
    /// Bare names that begin so, in a realm; without one, in none of the realms of others.
    Bare { prefix: String, realm: Option<String>, foreign: BTreeSet<String> },
}

impl Names {
    /// The names of a profile; `foreign` are the realms of all profiles.
    pub(super) fn of(settings: &ProfileSettings, foreign: &BTreeSet<String>) -> Self {
        let prefix = settings.name_prefix.clone().unwrap_or_default();
        match settings.identity {
            IdentityField::SpiffeUri => {
                Self::Spiffe { domain: settings.trust_domain.clone().unwrap_or_default(), prefix }
            }
            IdentityField::ProjectUser => Self::Projects(settings.projects.iter().cloned().collect()),
            IdentityField::CommonName | IdentityField::DnsName => {
                Self::Bare { prefix, realm: settings.realm.clone(), foreign: foreign.clone() }
            }
        }
    }

    /// Whether one principal could be of both.
    pub(super) fn meet(&self, other: &Self) -> bool {
        let one_begins_the_other = |a: &str, b: &str| a.starts_with(b) || b.starts_with(a);
        match (self, other) {
            (Self::Spiffe { domain: a, prefix: p }, Self::Spiffe { domain: b, prefix: q }) => {
                a == b && one_begins_the_other(p, q)
            }
            (Self::Projects(a), Self::Projects(b)) => a.is_empty() || b.is_empty() || !a.is_disjoint(b),
            (Self::Bare { prefix: p, realm: a, .. }, Self::Bare { prefix: q, realm: b, .. }) => {
                a == b && one_begins_the_other(p, q)
            }
            _ => false,
        }
    }

    /// Whether a principal is of the set.
    pub(super) fn hold(&self, principal: &Principal) -> bool {
        let text = principal.as_str();
        match self {
            Self::Spiffe { domain, prefix } => {
                let id = text.strip_prefix("spiffe:").and_then(|rest| rest.split_once('/'));
                id.is_some_and(|(of, path)| of == domain && path.starts_with(prefix))
            }
            Self::Projects(projects) => {
                let user = text.strip_prefix("hops:").and_then(|rest| rest.split_once('/'));
                let is_ours = |project: &str| projects.iter().any(|ours| ours.as_str() == project);
                user.is_some_and(|(project, _)| projects.is_empty() || is_ours(project))
            }
            Self::Bare { .. } if text.contains(':') => false,
            Self::Bare { prefix, realm: Some(realm), .. } => {
                text.rsplit_once('@').is_some_and(|(name, of)| of == realm && name.starts_with(prefix))
            }
            Self::Bare { prefix, realm: None, foreign } => {
                let is_foreign = text.rsplit_once('@').is_some_and(|(_, of)| foreign.contains(of));
                !is_foreign && text.starts_with(prefix)
            }
        }
    }

    /// The principal of a SPIFFE ID.
    pub(super) fn spiffe(&self, id: SpiffeId<'_>) -> Result<Principal, IdentityError> {
        match self {
            Self::Spiffe { domain, prefix } if id.domain == domain && id.path.starts_with(prefix) => {
                id.principal()
            }
            _ => Err(IdentityError::Foreign),
        }
    }

    /// Whether a project user is of the set.
    pub(super) fn check_project(&self, user: &ProjectUser) -> Result<(), IdentityError> {
        match self {
            Self::Projects(projects) if projects.is_empty() || projects.contains(&user.project) => Ok(()),
            _ => Err(IdentityError::Foreign),
        }
    }

    /// The principal of a bare name.
    pub(super) fn bare(&self, name: &str) -> Result<Principal, IdentityError> {
        let Self::Bare { prefix, realm, foreign } = self else { return Err(IdentityError::Foreign) };
        let principal = match realm {
            _ if name.contains(':') => return Err(IdentityError::Name),
            Some(_) if name.contains('@') => return Err(IdentityError::Name),
            Some(realm) => Principal::parse(&[name, "@", realm].concat()),
            None => Principal::parse(name),
        };
        let principal = principal.map_err(|_| IdentityError::Name)?;
        let in_foreign = realm.is_none() && name.rsplit_once('@').is_some_and(|(_, of)| foreign.contains(of));
        if in_foreign || !name.starts_with(prefix) {
            return Err(IdentityError::Foreign);
        }
        Ok(principal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(settings: serde_json::Value) -> Names {
        let settings: ProfileSettings = serde_json::from_value(settings).unwrap();
        Names::of(&settings, &BTreeSet::from(["CORP".to_owned()]))
    }

    #[test]
    fn xc24_a_set_holds_what_its_profile_may_name_and_nothing_else() {
        let profile = |identity: &str, more: serde_json::Value| {
            let mut all = serde_json::json!({"name": "p", "kind": "user", "identity": identity});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            names(all)
        };
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        for (set, inside, outside) in [
            (
                profile("common-name", json("{}")),
                vec!["alice", "alice@ELSEWHERE"],
                vec!["alice@CORP", "spiffe:a/x", "hops:a/b"],
            ),
            (
                profile("common-name", json(r#"{"realm": "CORP", "name_prefix": "svc-"}"#)),
                vec!["svc-x@CORP"],
                vec!["svc-x", "x@CORP", "svc-x@CORP2", "svc-x@corp"],
            ),
            (
                profile("spiffe-uri", json(r#"{"trust_domain": "a.example", "name_prefix": "ns/"}"#)),
                vec!["spiffe:a.example/ns/x"],
                vec!["spiffe:a.example/x", "spiffe:b.example/ns/x", "alice"],
            ),
            (
                profile("project-user", json(r#"{"projects": ["growth"]}"#)),
                vec!["hops:growth/alice"],
                vec!["hops:growth2/alice", "hops:hr/alice", "alice"],
            ),
            (profile("project-user", json("{}")), vec!["hops:hr/alice"], vec!["spiffe:hr/alice"]),
        ] {
            for (names, is_in) in [(inside, true), (outside, false)] {
                for name in names {
                    let principal = Principal::parse(name).unwrap();
                    assert_eq!(set.hold(&principal), is_in, "{name} in {set:?}");
                }
            }
        }
    }
}
