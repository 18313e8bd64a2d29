//! Calls and attributes that stay out, each with the place where it may stand and the reason.

use super::files::File;

/// Tokens that are refused in some files.
pub(super) struct Pattern {
    /// Tokens apart by spaces.
    pub(super) tokens: &'static str,
    /// Which code of which files it is refused in.
    pub(super) refused_in: Where,
    pub(super) why: &'static str,
}

/// The reach of a pattern.
pub(super) enum Where {
    /// All code, tests included.
    Everywhere,
    /// All code but tests and these files; a name that ends in `/` is a folder.
    ShippedExcept(&'static [&'static str]),
    /// The builders of boundary documents.
    BoundaryBuilders,
}

/// The files that map errors to gRPC codes, one for each side of the wire, and the folder with which tests look at
/// answers.
const STATUS_FILES: [&str; 3] = ["crates/testkit/", "broker/src/rpc/status.rs", "client-lib/src/status.rs"];

pub(super) const PATTERNS: [Pattern; 10] = [
    Pattern {
        tokens: "todo !",
        refused_in: Where::Everywhere,
        why: "write it, or say in the docs that it is absent",
    },
    Pattern {
        tokens: "unimplemented !",
        refused_in: Where::Everywhere,
        why: "write it, or say in the docs that it is absent",
    },
    Pattern { tokens: "# [ ignore", refused_in: Where::Everywhere, why: "a test runs or goes" },
    Pattern {
        tokens: "thread : : sleep",
        refused_in: Where::Everywhere,
        why: "wait for the event, or on paused tokio time",
    },
    Pattern { tokens: "# [ allow (", refused_in: Where::Everywhere, why: "use `expect` with a reason" },
    Pattern { tokens: "# ! [ allow (", refused_in: Where::Everywhere, why: "use `expect` with a reason" },
    Pattern {
        tokens: "Code : :",
        refused_in: Where::ShippedExcept(&STATUS_FILES),
        why: "gRPC codes are named by the one file that maps errors",
    },
    Pattern { tokens: "dbg !", refused_in: Where::Everywhere, why: "log with tracing, or not at all" },
    Pattern {
        tokens: "format !",
        refused_in: Where::BoundaryBuilders,
        why: "a boundary comes from typed builders, never from formatting a path",
    },
    Pattern {
        tokens: "concat !",
        refused_in: Where::BoundaryBuilders,
        why: "a boundary comes from typed builders, never from pasting text",
    },
];

impl Pattern {
    /// Whether test code of this file is under the rule.
    pub(super) fn reaches_tests(&self) -> bool {
        matches!(self.refused_in, Where::Everywhere)
    }

    /// Whether the file is under the rule at all.
    pub(super) fn reaches(&self, file: &File) -> bool {
        match self.refused_in {
            Where::Everywhere => true,
            Where::ShippedExcept(files) => {
                !file.is_test() && !files.iter().any(|name| names(name, &file.path))
            }
            Where::BoundaryBuilders => !file.is_test() && builds_boundaries(file),
        }
    }
}

fn names(name: &str, path: &str) -> bool {
    if name.ends_with('/') { path.starts_with(name) } else { path == name }
}

/// Files of `crates/sts` that are named after a boundary document, or lie in a folder that is.
fn builds_boundaries(file: &File) -> bool {
    let Some(path) = file.path.strip_prefix("crates/sts/src/") else { return false };
    path.split('/').any(|name| name.starts_with("boundary") || name.starts_with("cel"))
}
