//! The heart: dataset-prefix policies in, decisions out. Pure: no I/O, no clock, no async.
//!
//! A [`PolicyDocument`] is what people write. [`Snapshot::compile`] turns it into an immutable, numbered
//! [`Snapshot`]; [`Snapshot::decide`] answers a caller's parts with a [`Grant`] or a [`Refusal`]. A grant holds
//! the [`Scope`] a token may be minted for. Nobody else can make a scope: its constructor is private to this
//! crate, so minting without a decision does not compile.

mod bounded;
mod closure;
mod compile;
mod compiled_rule;
mod decide;
mod departed;
mod document;
mod error;
mod explain;
mod grant;
mod key;
mod known;
mod lint;
mod members;
mod operation_words;
mod orphans;
mod plain;
mod possible;
mod posted;
mod schedule;
mod scope;
mod snapshot;
mod subject;
mod subjects;
#[cfg(test)]
mod testing;
mod tree;

pub use departed::Departed;
pub use document::{
    Attribution, Class, Dataset, Effect, Group, Namespace, PolicyDocument, Priority, Project, Rule,
    RuleTarget, Staleness, StorageRule, Window,
};
pub use error::LoadError;
pub use explain::{Explanation, OperationVerdict, Outcome, RuleVerdict};
pub use grant::{Grant, Refusal};
pub use orphans::{DatasetOrphan, Orphans};
pub use plain::PlainScope;
pub use possible::RuleScope;
pub use scope::{Scope, ScopeKey, Terms};
pub use snapshot::Snapshot;
pub use subject::Subject;
