//! The commands, and what each one runs.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{audit, ci, clients, helm, peers, steps, tidy};

/// Developer commands of Lakegate.
#[derive(Parser)]
#[command(name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    /// Everything CI runs: fmt, clippy, doc, tidy, features, tree, deny, test
    Ci,
    /// Formatting, checked and not changed
    Fmt,
    /// Lints of all targets, warnings refused
    Clippy,
    /// API documentation, warnings refused
    Doc,
    /// House rules: floors, sizes, openings, forbidden words, links
    Tidy,
    /// No `test-util` feature in a release binary
    Features,
    /// No second TLS stack in the dependency tree
    Tree,
    /// Bans, licences and sources of dependencies, by cargo-deny
    Deny,
    /// The chart: schema, lint, rendering, Kubernetes schemas
    Helm,
    /// Clients of others that tests run: installed, not run
    Clients,
    /// Installs the servers that tests drive: Redis, Valkey
    Peers,
    /// All tests: the chart's, and those of every crate with their doctests
    Test,
}

impl Command {
    /// The steps of [`Command::Ci`], cheap ones first.
    pub(crate) const CI: [Self; 8] =
        [Self::Fmt, Self::Tidy, Self::Features, Self::Tree, Self::Clippy, Self::Doc, Self::Deny, Self::Test];

    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Ci => ci::run(),
            Self::Fmt => steps::fmt(),
            Self::Clippy => steps::clippy(),
            Self::Doc => steps::doc(),
            Self::Tidy => tidy::run(),
            Self::Features => audit::features(),
            Self::Tree => audit::tree(),
            Self::Deny => steps::deny(),
            Self::Helm => helm::run(),
            Self::Clients => clients::run(),
            Self::Peers => peers::install(),
            Self::Test => steps::test(),
        }
    }

    /// The command as it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Doc => "doc",
            Self::Tidy => "tidy",
            Self::Features => "features",
            Self::Tree => "tree",
            Self::Deny => "deny",
            Self::Helm => "helm",
            Self::Clients => "clients",
            Self::Peers => "peers",
            Self::Test => "test",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_typed_by_its_name() {
        for command in
            Command::CI.into_iter().chain([Command::Ci, Command::Helm, Command::Clients, Command::Peers])
        {
            let parsed = Cli::try_parse_from(["cargo xtask", command.name()]).unwrap();
            assert_eq!(parsed.command, command);
        }
    }

    #[test]
    fn ci_ends_with_the_tests_so_that_their_results_are_read_last() {
        assert_eq!(Command::CI.last(), Some(&Command::Test));
    }
}
