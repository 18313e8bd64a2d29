//! A Python environment under `target/`, for tools that exist only as wheels.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process::{command, root, run, succeeds};

/// What the environment holds, at exactly these versions.
const WHEELS: [&str; 3] = ["helm-python-sdk==0.2.2", "kubernetes-validate==1.37.0", "PyYAML==6.0.3"];

/// The environment's interpreter; made and filled when it is not there yet.
///
/// # Errors
/// When there is no python3, its `venv` module cannot be had, or the wheels cannot be installed; the text says
/// which.
pub(crate) fn interpreter() -> Result<PathBuf> {
    let folder = root().join("target/venv");
    let python = folder.join("bin/python");
    // The list of wheels is written last: its presence means that the environment is whole.
    let stamp = folder.join("wheels.txt");
    let wanted = WHEELS.join("\n");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    make_environment(&folder)?;
    let mut install = command(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(WHEELS);
    run(install).context("the wheels that check the chart could not be installed")?;
    std::fs::write(&stamp, wanted).context("cannot write into target/venv")?;
    Ok(python)
}

fn make_environment(folder: &std::path::Path) -> Result<()> {
    let mut make = command("python3", &["-m", "venv", "--clear"]);
    make.arg(folder);
    if succeeds(make) {
        return Ok(());
    }
    // Debian keeps `venv` in a package of its own.
    run(command("apt-get", &["update", "-qq"]))
        .context("python3 cannot make a venv, and apt-get cannot help")?;
    run(command("apt-get", &["install", "-y", "-qq", "python3", "python3-venv"]))
        .context("python3-venv is missing and could not be installed")?;
    let mut make = command("python3", &["-m", "venv", "--clear"]);
    make.arg(folder);
    run(make).context("python3 cannot make a venv")
}
