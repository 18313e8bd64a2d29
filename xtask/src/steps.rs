//! The steps that are one call of cargo.

use anyhow::{Context, Result};

use crate::process::{cargo, output, run};
use crate::{clients, helm, peers};

/// The version of cargo-deny that `deny` installs and expects.
const CARGO_DENY: &str = "0.20.2";

pub(crate) fn fmt() -> Result<()> {
    run(cargo(&["fmt", "--all", "--check"]))
}

pub(crate) fn clippy() -> Result<()> {
    run(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

pub(crate) fn doc() -> Result<()> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    run(command)
}

/// Checks bans, licences and sources. Advisories are not checked: their database is a repository that CI cannot
/// reach.
pub(crate) fn deny() -> Result<()> {
    let wanted = format!("cargo-deny {CARGO_DENY}");
    if output(cargo(&["deny", "--version"])).ok().as_deref().map(str::trim) != Some(wanted.as_str()) {
        // Unoptimised: it builds faster by minutes and runs slower by seconds.
        run(cargo(&["install", "--locked", "--debug", "--version", CARGO_DENY, "cargo-deny"]))
            .context("cargo-deny is missing and could not be installed")?;
    }
    run(cargo(&["deny", "check", "bans", "licenses", "sources"]))
}

/// Runs the chart's checks, then every test and doctest, against the programs of others that they ask for.
///
/// Features stay as a user gets them: what tests need more (`test-util`) is asked for by dev-dependencies.
pub(crate) fn test() -> Result<()> {
    helm::run()?;
    peers::install()?;
    let mut tests = cargo(&["test", "--workspace"]);
    let clients = clients::install()?;
    tests.env("LAKEGATE_PYTHON", clients.python).env("LAKEGATE_HADOOP_JARS", clients.jars);
    run(tests)
}
