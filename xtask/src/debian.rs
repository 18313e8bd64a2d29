//! Programs that come as Debian packages.

use anyhow::{Context, Result, ensure};

use crate::process::{command, run, succeeds};

/// Installs packages unless a command shows that they are there.
///
/// # Errors
/// When they are missing and cannot be installed; the text names them.
pub(crate) fn provide(packages: &[&str], proof: impl Fn() -> std::process::Command) -> Result<()> {
    if succeeds(proof()) {
        return Ok(());
    }
    let names = packages.join(" ");
    run(command("apt-get", &["update", "-qq"]))
        .with_context(|| format!("{names} is missing, and apt-get cannot help"))?;
    let mut install = command("apt-get", &["install", "-y", "-qq"]);
    install.args(packages);
    run(install).with_context(|| format!("{names} is missing and could not be installed"))?;
    ensure!(succeeds(proof()), "{names} is installed and does not work");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::cargo;

    #[test]
    fn what_is_there_is_not_installed() {
        assert!(provide(&["no-such-package-of-debian"], || cargo(&["--version"])).is_ok());
    }
}
