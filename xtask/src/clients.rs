//! Programs of others that tests run against us: Python clients of Google's and of gRPC, and nghttp2's.

use std::path::PathBuf;

use anyhow::Result;

use crate::debian;
use crate::process::command;
use crate::python::{Environment, Wheels};

/// The clients in Python, and a second emulator of Cloud Storage that comes as a wheel.
const PYTHON: Environment = Environment {
    folder: "target/clients",
    wheels: Wheels::File("crates/testkit/tests/foreign/requirements.txt"),
};

/// Installs them all; gives the interpreter that has the Python ones.
///
/// # Errors
/// When something cannot be installed.
pub(crate) fn install() -> Result<PathBuf> {
    debian::provide(&["nghttp2-client"], || command("h2load", &["--version"]))?;
    PYTHON.interpreter()
}

/// The step of that name: installs, and says where.
///
/// # Errors
/// When something cannot be installed.
pub(crate) fn run() -> Result<()> {
    println!("{}", install()?.display());
    Ok(())
}
