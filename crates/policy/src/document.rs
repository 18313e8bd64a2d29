//! The policy document: what people write, in YAML or JSON.
//!
//! Unknown fields are errors everywhere: a misspelt `unless` must not widen a rule in silence. Nothing is
//! resolved here; [`crate::Snapshot::compile`] checks references, nesting and expressibility.

mod syntax;

use std::time::Duration;

use lakegate_domain::{
    Bucket, ClassName, DatasetName, Dialect, GroupName, ObjectPath, Operation, Prefix, ProjectName, RuleId,
    StorageId, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{LoadError, Subject, bounded};

/// How a policy document may be written in YAML: no merge keys, no duplicate keys, `true` and `false` alone, and
/// room for a million rules. Errors show no excerpt of the text.
fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 64_000_000,
            max_nodes: 32_000_000,
            max_total_scalar_bytes: 512 << 20,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_merge_keys: 0,
            max_documents: 1,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// A whole policy: storages, classes, projects, groups, datasets and rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// The document's own number; a source refuses one lower than it has in force.
    pub version: u64,
    /// The places that hold data.
    #[serde(deserialize_with = "bounded::list::<_, _, { bounded::NAMES }>")]
    pub storages: Vec<StorageRule>,
    /// Token life, attribution and staleness by name; `default` exists always and may be redefined.
    #[serde(default, deserialize_with = "bounded::list::<_, _, { bounded::NAMES }>")]
    pub classes: Vec<Class>,
    /// Tenants and who belongs to them.
    #[serde(default, deserialize_with = "bounded::list::<_, _, { bounded::DATASETS }>")]
    pub projects: Vec<Project>,
    /// Groups of principals; may nest, must not cycle.
    #[serde(default, deserialize_with = "bounded::list::<_, _, { bounded::DATASETS }>")]
    pub groups: Vec<Group>,
    /// Named prefixes.
    #[serde(default, deserialize_with = "bounded::list::<_, _, { bounded::DATASETS }>")]
    pub datasets: Vec<Dataset>,
    /// Who may and may not do what, where and when.
    #[serde(default, deserialize_with = "bounded::list::<_, _, { bounded::RULES }>")]
    pub rules: Vec<Rule>,
}

/// A storage as policy sees it. Endpoints, credentials and budgets are the operator's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageRule {
    /// Its name, also in the operator's configuration.
    pub id: StorageId,
    /// Its cloud's language.
    pub dialect: Dialect,
    /// Its buckets: provider names for gcs and s3, `container@account.dfs.core.windows.net` for azure. A bucket
    /// belongs to exactly one storage.
    #[serde(deserialize_with = "bounded::list::<_, _, { bounded::NAMES }>")]
    pub buckets: Vec<String>,
    /// Whether directories exist by themselves.
    #[serde(default)]
    pub namespace: Namespace,
    /// Rises when source, role table, builder or endpoint changes; part of every cache key.
    #[serde(default)]
    pub generation: u64,
    /// The sets to which operations are rounded up; `[read, list]` and all five when absent.
    #[serde(default, with = "crate::operation_words::sets")]
    pub operation_sets: Option<Vec<Vec<Operation>>>,
    /// No rounding: a token can do what was asked, and its closure.
    #[serde(default)]
    pub exact_operations: bool,
    /// Each allow rule also allows `read` on the exact objects named like its ancestors.
    #[serde(default)]
    pub traverse: bool,
}

impl StorageRule {
    /// The storage's buckets, checked by its dialect's grammar.
    ///
    /// # Errors
    /// When a name breaks the grammar.
    pub fn parsed_buckets(&self) -> Result<Vec<Bucket>, lakegate_domain::InvalidPath> {
        let scheme = self.dialect.scheme().as_str();
        self.buckets.iter().map(|name| Bucket::parse(&[scheme, "://", name].concat())).collect()
    }
}

/// How a storage arranges names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Namespace {
    /// Names are flat; a directory is a habit of clients.
    #[default]
    Flat,
    /// Directories exist by themselves.
    Hierarchical,
}

/// How tokens of a class of datasets live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name.
    pub name: ClassName,
    /// The longest a token of the class lives, in seconds; one hour when absent.
    #[serde(default = "default_token_life")]
    pub token_life_seconds: u64,
    /// Whether tokens are shared.
    #[serde(default)]
    pub attribution: Attribution,
    /// What happens when policy is stale.
    #[serde(default)]
    pub staleness: Staleness,
}

/// One hour, in seconds.
fn default_token_life() -> u64 {
    3600
}

impl Class {
    /// The class under which everything lives that no dataset claims.
    ///
    /// # Errors
    /// None in practice: the name `default` is in the alphabet.
    pub fn default_class() -> Result<Self, LoadError> {
        let name =
            ClassName::parse("default").map_err(|source| LoadError::Name { key: "classes", source })?;
        Ok(Self {
            name,
            token_life_seconds: default_token_life(),
            attribution: Attribution::Shared,
            staleness: Staleness::BestEffort,
        })
    }

    /// The longest life of a token.
    pub fn token_life(&self) -> Duration {
        Duration::from_secs(self.token_life_seconds)
    }
}

/// Whether one token serves everybody who may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attribution {
    /// One token serves all.
    #[default]
    Shared,
    /// Each principal has tokens of its own.
    PerPrincipal,
}

/// What a broker does that has been cut off from its policy source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Staleness {
    /// Goes on for the configured time, with an alarm.
    #[default]
    BestEffort,
    /// Refuses after ten seconds.
    Strict,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Its name.
    pub name: ProjectName,
    /// Members: principals and groups. A subject `project:NAME` means all of them.
    #[serde(default, deserialize_with = "bounded::list::<_, _, { bounded::MEMBERS }>")]
    pub members: Vec<Subject>,
    /// Members who may do everything with the project's own datasets.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { bounded::NAMES }>"
    )]
    pub data_owners: Vec<Subject>,
    /// Members who may read and list the project's own datasets.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounded::list::<_, _, { bounded::NAMES }>"
    )]
    pub data_scientists: Vec<Subject>,
}

impl Project {
    /// A project with members and without roles.
    pub fn new(name: ProjectName, members: Vec<Subject>) -> Self {
        Self { name, members, data_owners: Vec::new(), data_scientists: Vec::new() }
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// Members: principals and other groups.
    #[serde(default, deserialize_with = "bounded::list::<_, _, { bounded::MEMBERS }>")]
    pub members: Vec<Subject>,
}

/// A named prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its name.
    pub name: DatasetName,
    /// Everything under it is the dataset.
    pub prefix: Prefix,
    /// The owner.
    pub project: ProjectName,
    /// Its class; `default` when absent.
    #[serde(default)]
    pub class: Option<ClassName>,
    /// Whether datasets of other projects may lie inside.
    #[serde(default)]
    pub nests_other_projects: bool,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in audit and explanations; unique.
    pub id: RuleId,
    /// Allow or deny.
    pub effect: Effect,
    /// Where.
    pub on: RuleTarget,
    /// Whom it concerns.
    #[serde(deserialize_with = "bounded::list::<_, _, { bounded::NAMES }>")]
    pub to: Vec<Subject>,
    /// Whom of those it does not concern.
    #[serde(default, deserialize_with = "bounded::list::<_, _, { bounded::NAMES }>")]
    pub unless: Vec<Subject>,
    /// Which operations. In an allow rule `write` brings `create` with it: to write is to create or overwrite.
    #[serde(with = "crate::operation_words::list")]
    pub operations: Vec<Operation>,
    /// When; always, when absent. Half-open: `from` is inside, `until` is not.
    #[serde(default, deserialize_with = "bounded::list::<_, _, { bounded::NAMES }>")]
    pub windows: Vec<Window>,
    /// Normal or override.
    #[serde(default)]
    pub priority: Priority,
    /// How long a token may outlive this allow rule's end when the provider cannot end it earlier, in seconds.
    /// At most the class's token life counts.
    #[serde(default)]
    pub overrun_seconds: u64,
    /// Must be true for a rule that names `everyone`.
    #[serde(default)]
    pub allow_everyone: bool,
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The operations are allowed.
    Allow,
    /// The operations are denied.
    Deny,
}

/// Where a rule applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RuleTarget {
    /// A dataset's prefix.
    Dataset(DatasetName),
    /// The prefix, everything below it, and the one object whose name is the prefix without its slash.
    Prefix(Prefix),
    /// One exact object.
    Object(ObjectPath),
}

/// Which rules are asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Asked when no override rule has an answer.
    #[default]
    Normal,
    /// Asked first.
    Override,
}

/// A span of time, half-open, in UTC once read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First instant inside; since ever, when absent.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// First instant after; for ever, when absent.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

impl PolicyDocument {
    /// Reads a YAML document.
    ///
    /// # Errors
    /// [`LoadError::Syntax`] with key, line, column and what is wrong.
    pub fn from_yaml(text: &str) -> Result<Self, LoadError> {
        syntax::from_yaml(text)
    }

    /// Reads a JSON document.
    ///
    /// # Errors
    /// [`LoadError::Syntax`] with key, line, column and what is wrong.
    pub fn from_json(text: &str) -> Result<Self, LoadError> {
        syntax::from_json(text)
    }
}
