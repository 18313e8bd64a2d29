//! Why a policy document is not taken into force.

use lakegate_domain::{InvalidName, InvalidPath};
use thiserror::Error;

/// A document that is refused whole; what was in force stays in force.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The text is no YAML or JSON of the document's shape; the message names line and column.
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
}
