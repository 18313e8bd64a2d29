//! Python environments under `target/`, for tools and clients that exist only as wheels.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::debian;
use crate::process::{command, root, run};

/// An environment with some wheels, made when it is first asked for.
pub(crate) struct Environment {
    /// Its folder, from the repository's root.
    pub(crate) folder: &'static str,
    /// What it holds.
    pub(crate) wheels: Wheels,
}

/// Wheels, at exact versions.
pub(crate) enum Wheels {
    /// These.
    Named(&'static [&'static str]),
    /// Those of a requirements file, named from the repository's root.
    File(&'static str),
}

impl Environment {
    /// The environment's interpreter; made and filled when it is not there yet, made anew when other wheels are
    /// wanted.
    ///
    /// # Errors
    /// When there is no python3, its `venv` module cannot be had, or the wheels cannot be installed; the text says
    /// which.
    pub(crate) fn interpreter(&self) -> Result<PathBuf> {
        let folder = root().join(self.folder);
        let python = folder.join("bin/python");
        // The list of wheels is written last: its presence means that the environment is whole.
        let stamp = folder.join("wheels.txt");
        let wanted = self.wheels.list()?;
        if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
            return Ok(python);
        }
        make(&folder)?;
        let mut install =
            command(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        self.wheels.name_to(&mut install);
        run(install).with_context(|| format!("the wheels of {} could not be installed", self.folder))?;
        std::fs::write(&stamp, wanted).with_context(|| format!("cannot write into {}", self.folder))?;
        Ok(python)
    }
}

impl Wheels {
    fn list(&self) -> Result<String> {
        match self {
            Self::Named(names) => Ok(names.join("\n")),
            Self::File(path) => std::fs::read_to_string(root().join(path)).context(*path),
        }
    }

    fn name_to(&self, install: &mut std::process::Command) {
        match self {
            Self::Named(names) => install.args(*names),
            Self::File(path) => install.args(["--requirement", path]),
        };
    }
}

fn make(folder: &Path) -> Result<()> {
    // Debian keeps `venv` in a package of its own.
    debian::provide(&["python3", "python3-venv"], || command("python3", &["-c", "import ensurepip, venv"]))?;
    let mut make = command("python3", &["-m", "venv", "--clear"]);
    make.arg(folder);
    run(make).context("python3 cannot make a venv")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_of_a_list_is_pinned() {
        let files = ["crates/testkit/tests/foreign/requirements.txt"];
        for list in files.map(|file| Wheels::File(file).list().unwrap()) {
            let wheels = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            let loose: Vec<&str> = wheels.filter(|line| !line.contains("==")).collect();
            assert!(loose.is_empty() && list.contains("=="), "not pinned: {loose:?}");
        }
    }

    #[test]
    fn a_list_that_is_not_there_is_an_error_that_names_it() {
        let error = Wheels::File("no/such/list.txt").list().unwrap_err().to_string();
        assert!(error.contains("no/such/list.txt"), "{error}");
    }
}
