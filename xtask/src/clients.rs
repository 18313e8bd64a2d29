//! Programs of others that tests run against us: Python clients of Google's and of gRPC, nghttp2's, and Hadoop's classes.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::command;
use crate::python::{Environment, Wheels};
use crate::{debian, hadoop};

/// The clients in Python, and a second emulator of Cloud Storage that comes as a wheel.
const PYTHON: Environment = Environment {
    folder: "target/clients",
    wheels: Wheels::File("crates/testkit/tests/foreign/requirements.txt"),
};

/// Where they are.
pub(crate) struct Clients {
    /// The interpreter that has the Python ones.
    pub(crate) python: PathBuf,
    /// The folder with Hadoop's jars.
    pub(crate) jars: PathBuf,
}

/// Installs them all.
///
/// # Errors
/// When something cannot be installed.
pub(crate) fn install() -> Result<Clients> {
    debian::provide(&["nghttp2-client"], || command("h2load", &["--version"]))?;
    let python = PYTHON.interpreter()?;
    let jars = hadoop::install(&python)?;
    Ok(Clients { python, jars })
}

/// The step of that name: installs, and says where.
///
/// # Errors
/// When something cannot be installed.
pub(crate) fn run() -> Result<()> {
    let Clients { python, jars } = install()?;
    println!("{}\n{}", python.display(), jars.display());
    Ok(())
}
