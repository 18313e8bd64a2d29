//! Why a policy document is not taken into force.

use lakegate_domain::{InvalidName, InvalidPath};
use thiserror::Error;

/// A document that is refused whole; what was in force stays in force.
///
/// `holder` is the thing at fault with its name, such as `rule sales-read`; names are of the alphabet of names and
/// safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The text is no YAML or JSON of the document's shape; the message names key, line and column.
    #[error("syntax: {0}")]
    Syntax(String),
    /// A name breaks the alphabet.
    #[error("{key}: name is not valid")]
    Name {
        /// Where it stands.
        key: &'static str,
        /// What is wrong.
        #[source]
        source: InvalidName,
    },
    /// A bucket or path breaks its grammar.
    #[error("{key}: path is not valid")]
    Path {
        /// Where it stands.
        key: String,
        /// What is wrong.
        #[source]
        source: InvalidPath,
    },
    /// No storage, or no rule: such a document would deny everything and is surely not meant.
    #[error("{key}: an empty list is refused, the document would deny everything")]
    Empty {
        /// The empty list.
        key: &'static str,
    },
    /// Two things of one kind have the same name.
    #[error("{key}: {name} is there twice")]
    Duplicate {
        /// The list.
        key: &'static str,
        /// The name.
        name: String,
    },
    /// A list that must name something names nothing.
    #[error("{holder}: {key} is empty")]
    EmptyList {
        /// Whose list.
        holder: String,
        /// Which list.
        key: &'static str,
    },
    /// A dataset, group, project or class that is not in the document.
    #[error("{holder}: {key} names {name}, which is not in the document")]
    Unknown {
        /// Who refers to it.
        holder: String,
        /// In which field.
        key: &'static str,
        /// What is missing.
        name: String,
    },
    /// A member that such a list cannot have.
    #[error("{holder}: members are principals and groups, not {member}")]
    Member {
        /// Whose member.
        holder: String,
        /// The member.
        member: String,
    },
    /// A group that is a member of itself.
    #[error("group {group}: is a member of itself, directly or through others")]
    GroupCycle {
        /// A group on the cycle.
        group: String,
    },
    /// A bucket that two storages claim.
    #[error("storage {second}: bucket {bucket} belongs to storage {first} already")]
    BucketShared {
        /// The bucket.
        bucket: String,
        /// One storage.
        first: String,
        /// The other.
        second: String,
    },
    /// A path in a bucket that no storage has.
    #[error("{holder}: no storage has the bucket {bucket}")]
    UnknownBucket {
        /// Who refers to it.
        holder: String,
        /// The bucket.
        bucket: String,
    },
    /// Two datasets on one prefix.
    #[error("dataset {second}: has the prefix of dataset {first}")]
    SamePrefix {
        /// One dataset.
        first: String,
        /// The other.
        second: String,
    },
    /// A dataset inside one of another project that does not say so.
    #[error("dataset {inner}: lies inside dataset {outer} of another project without nests_other_projects")]
    ForeignNesting {
        /// The outer dataset.
        outer: String,
        /// The inner dataset.
        inner: String,
    },
    /// A dataset of a project with roles, around one of another project, which the roles would reach.
    #[error(
        "dataset {outer}: roles of its project would reach dataset {inner} of another one; write rules instead"
    )]
    RoleReach {
        /// The outer dataset.
        outer: String,
        /// The inner dataset.
        inner: String,
    },
    /// A class whose tokens would not live.
    #[error("class {class}: token_life_seconds is 0")]
    TokenLife {
        /// The class.
        class: String,
    },
    /// A window that holds no instant.
    #[error("rule {rule}: a window ends before or when it begins")]
    Window {
        /// The rule.
        rule: String,
    },
    /// A rule that names `everyone` without saying that it means to.
    #[error("rule {rule}: names everyone without allow_everyone")]
    Everyone {
        /// The rule.
        rule: String,
    },
    /// Overrun on a deny rule, which has no allowed end to outlive.
    #[error("rule {rule}: overrun_seconds belongs to allow rules only")]
    DenyOverrun {
        /// The rule.
        rule: String,
    },
    /// Something that no token of the storage can be made for: `SCOPE_NOT_EXPRESSIBLE`.
    #[error("{holder}: scope not expressible, {reason}")]
    NotExpressible {
        /// What cannot be expressed.
        holder: String,
        /// Why.
        reason: &'static str,
    },
}
