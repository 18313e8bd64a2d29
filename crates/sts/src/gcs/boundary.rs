//! The boundary document: what of the source's power a token keeps.
//!
//! A [`Boundary`] is made from a scope and in no other way; it has at least one rule, each rule has at least one
//! role and a condition, and nothing in it is text that somebody else chose except literals inside conditions.
//! Titles and descriptions are left out. Wire format: Google IAM, "Credential Access Boundaries overview"; the
//! roles are those of the design: the narrowest predefined ones for each operation.
//!
//! A listing is authorised against the bucket, with the `prefix` parameter as an attribute. So the list rule tests
//! that attribute alone; except at a bucket's root, where every prefix would do and, since the attribute is
//! empty for anything but a listing, objects too: there the rule names the bucket itself as the resource.

use lakegate_domain::{Bucket, Dialect, Operation, OperationSet, Part, Target};
use lakegate_policy::{Namespace, Scope};
use serde::Serialize;

use super::cel::{Clause, Condition, Literal, Term, Test};
use crate::NotExpressible;

/// The most rules that Google takes.
const MAX_RULES: usize = 10;

/// The longest condition, in characters.
const MAX_CONDITION: usize = 2048;

/// The longest boundary as JSON, in characters.
const MAX_BOUNDARY: usize = 2048;

/// What a token may do, in Google's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Boundary {
    json: String,
}

impl Boundary {
    /// The boundary that opens exactly the scope.
    pub(super) fn of(scope: &Scope) -> Result<Self, NotExpressible> {
        if scope.dialect() != Dialect::Gcs {
            return Err(NotExpressible::Dialect);
        }
        Self::over(scope.parts(), scope.namespace())
    }

    fn over(parts: &[Part], namespace: Namespace) -> Result<Self, NotExpressible> {
        let mut rules = Vec::new();
        for part in parts {
            add_part(&mut rules, part, namespace)?;
        }
        check(&rules)?;
        let document = Options { access_boundary: AccessBoundary { access_boundary_rules: rules } };
        // Serialising our own types into memory cannot fail; if it did, nothing may be sent.
        let json = serde_json::to_string(&document).map_err(|_| NotExpressible::Character)?;
        if json.chars().count() > MAX_BOUNDARY {
            return Err(NotExpressible::BoundaryTooLong);
        }
        Ok(Self { json })
    }

    /// The document as the `options` parameter of the exchange.
    pub(super) fn as_json(&self) -> &str {
        &self.json
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    access_boundary: AccessBoundary,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessBoundary {
    access_boundary_rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    available_resource: String,
    available_permissions: Vec<Role>,
    availability_condition: Availability,
}

#[derive(Debug, Serialize)]
struct Availability {
    expression: Condition,
}

/// The predefined roles that boundaries name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Role {
    /// `storage.objects.get` and nothing else.
    #[serde(rename = "inRole:roles/storage.legacyObjectReader")]
    ObjectReader,
    /// `storage.objects.list` on the bucket; on a folder, to see it.
    #[serde(rename = "inRole:roles/storage.objectViewer")]
    ObjectViewer,
    /// `storage.objects.create`: new names only.
    #[serde(rename = "inRole:roles/storage.objectCreator")]
    ObjectCreator,
    /// `storage.objects.create` and `.delete`: together also overwriting.
    #[serde(rename = "inRole:roles/storage.legacyBucketWriter")]
    BucketWriter,
}

fn add_part(rules: &mut Vec<Rule>, part: &Part, namespace: Namespace) -> Result<(), NotExpressible> {
    let bucket = part.target().bucket();
    let wanted = object_roles(part.operations());
    if !wanted.is_empty() {
        add_rule(rules, bucket, wanted, object_condition(part.target(), namespace)?);
    }
    if part.operations().contains(Operation::List) {
        let Target::Prefix(prefix) = part.target() else { return Err(NotExpressible::ListOfObject) };
        add_rule(rules, bucket, vec![Role::ObjectViewer], list_condition(bucket, prefix.key(), namespace)?);
    }
    Ok(())
}

fn object_roles(operations: OperationSet) -> Vec<Role> {
    let mut roles = Vec::new();
    if operations.contains(Operation::Read) {
        roles.push(Role::ObjectReader);
    }
    if operations.intersects(OperationSet::of(&[Operation::Write, Operation::Delete])) {
        roles.push(Role::BucketWriter);
    } else if operations.contains(Operation::Create) {
        roles.push(Role::ObjectCreator);
    }
    roles
}

/// One rule per bucket and set of roles: parts that want the same share its fixed length.
fn add_rule(rules: &mut Vec<Rule>, bucket: &Bucket, permissions: Vec<Role>, condition: Condition) {
    let resource = ["//storage.googleapis.com/projects/_/buckets/", bucket.authority()].concat();
    let same = rules
        .iter_mut()
        .find(|rule| rule.available_resource == resource && rule.available_permissions == permissions);
    match same {
        Some(rule) => rule.availability_condition.expression.or_all(condition),
        None => rules.push(Rule {
            available_resource: resource,
            available_permissions: permissions,
            availability_condition: Availability { expression: condition },
        }),
    }
}

fn object_condition(target: &Target, namespace: Namespace) -> Result<Condition, NotExpressible> {
    let bucket = target.bucket();
    let object = |test, key| named(test, bucket, "/objects/", key);
    match target {
        Target::Object(path) => Ok(Condition::of(object(Test::Equals, path.key())?)),
        Target::Prefix(prefix) => {
            let mut condition = Condition::of(object(Test::StartsWith, prefix.key())?);
            if let Some(slashless) = prefix.slashless() {
                condition.or(object(Test::Equals, slashless.key())?);
            }
            if namespace == Namespace::Hierarchical {
                condition.or(named(Test::StartsWith, bucket, "/folders/", prefix.key())?);
            }
            Ok(condition)
        }
    }
}

fn list_condition(bucket: &Bucket, key: &str, namespace: Namespace) -> Result<Condition, NotExpressible> {
    let mut condition = Condition::of(if key.is_empty() {
        named(Test::Equals, bucket, "", "")?
    } else {
        Clause { term: Term::ListPrefix, test: Test::StartsWith, with: Literal::new(&[], key)? }
    });
    if namespace == Namespace::Hierarchical {
        condition.or(named(Test::StartsWith, bucket, "/folders/", key)?);
    }
    Ok(condition)
}

/// A clause on the name of a resource in a bucket.
fn named(test: Test, bucket: &Bucket, kind: &str, key: &str) -> Result<Clause, NotExpressible> {
    let head = ["projects/_/buckets/", bucket.authority(), kind];
    Ok(Clause { term: Term::ResourceName, test, with: Literal::new(&head, key)? })
}

fn check(rules: &[Rule]) -> Result<(), NotExpressible> {
    if rules.is_empty() {
        return Err(NotExpressible::Empty);
    }
    if rules.len() > MAX_RULES {
        return Err(NotExpressible::TooManyRules);
    }
    let too_long =
        |rule: &Rule| rule.availability_condition.expression.to_string().chars().count() > MAX_CONDITION;
    if rules.iter().any(too_long) { Err(NotExpressible::ConditionTooLong) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
