//! Who and what a snapshot still knows.
//!
//! A credential that outlives a policy, such as a delegation token, is believed only of somebody who is still there.

use lakegate_domain::{Caller, Principal, ProjectName};

use crate::Snapshot;

impl Snapshot {
    /// Whether the document has a project.
    pub fn has_project(&self, name: &ProjectName) -> bool {
        self.projects.binary_search(name).is_ok()
    }

    /// Whether the document names a principal, in a list of members or in a rule; a project user's project must be
    /// there too.
    pub fn names(&self, principal: &Principal) -> bool {
        self.memberships.principals.contains_key(principal) && self.has_project_of(principal)
    }

    /// Whether a caller is still there: the document names it, or names a group that authentication vouches for. Of
    /// people outside of projects it is enough that some rule is to everyone, since no list could hold their names; the
    /// rights of such a caller are those of any stranger with a certificate. A project user is there as long as its
    /// project is, and somebody named it.
    pub fn knows(&self, caller: &Caller) -> bool {
        let principal = caller.principal();
        self.names(principal)
            || (self.has_project_of(principal)
                && caller.groups().any(|group| self.memberships.groups.contains_key(group)))
            || (principal.project().is_none() && !self.memberships.everyone.is_empty())
    }

    /// Whether the project of a project user is there; nobody else needs one.
    fn has_project_of(&self, principal: &Principal) -> bool {
        principal
            .project()
            .is_none_or(|project| self.projects.binary_search_by(|name| name.as_str().cmp(project)).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{caller, caller_in, policy};
    use lakegate_domain::ProjectName;

    const RULE: &str = "
rules:
- { id: r, effect: allow, on: { prefix: 'gs://lake/wh/' }, to: ['principal:bob', 'principal:hops:growth/zoe'], operations: [read] }
- { id: left, effect: allow, on: { prefix: 'gs://lake/old/' }, to: ['principal:hops:gone/zoe'], operations: [read] }
";

    #[test]
    fn whoever_the_document_names_is_known() {
        let snapshot = policy(RULE);
        for known in ["bob", "pat", "ann", "hops:growth/zoe"] {
            assert!(snapshot.knows(&caller(known)), "{known}");
        }
        for stranger in ["zoe", "hops:growth/bob", "hops:gone/zoe", "hops:nowhere/zoe", "spiffe:a.example/x"]
        {
            assert!(!snapshot.knows(&caller(stranger)), "{stranger}");
        }
        assert!(snapshot.has_project(&ProjectName::parse("hr").unwrap()));
        assert!(!snapshot.has_project(&ProjectName::parse("gone").unwrap()));
    }

    #[test]
    fn a_group_from_outside_counts_when_the_document_has_it() {
        let snapshot = policy(RULE);
        assert!(snapshot.knows(&caller_in("zoe", &["analysts"])));
        assert!(snapshot.knows(&caller_in("hops:hr/zoe", &["analysts"])));
        assert!(!snapshot.knows(&caller_in("zoe", &["wheel"])));
        assert!(!snapshot.knows(&caller_in("hops:gone/zoe", &["analysts"])), "the project is gone");
    }

    #[test]
    fn a_rule_to_everyone_knows_everybody_but_users_of_projects() {
        let snapshot = policy(
            "rules: [{ id: all, effect: allow, allow_everyone: true, on: { prefix: 'gs://lake/wh/' }, to: [everyone], operations: [read] }]",
        );
        assert!(snapshot.knows(&caller("zoe")) && snapshot.knows(&caller("spiffe:a.example/x")));
        assert!(!snapshot.knows(&caller("hops:growth/zoe")) && !snapshot.knows(&caller("hops:gone/zoe")));
    }
}
