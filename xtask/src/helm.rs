//! The chart, checked by Helm itself and by the Kubernetes schemas.

use anyhow::Result;

use crate::process;
use crate::python;

/// Runs `helm/check.py`, which renders, lints and validates `helm/lakegate`.
pub(crate) fn run() -> Result<()> {
    process::run(process::command(python::interpreter()?, &["helm/check.py"]))
}
