//! The chart, checked by Helm itself and by the Kubernetes schemas.

use anyhow::Result;

use crate::process;
use crate::python::{Environment, Wheels};

/// What checks the chart.
const PYTHON: Environment = Environment {
    folder: "target/venv",
    wheels: Wheels::Named(&["helm-python-sdk==0.2.2", "kubernetes-validate==1.37.0", "PyYAML==6.0.3"]),
};

/// Runs `helm/check.py`, which renders, lints and validates `helm/lakegate`.
pub(crate) fn run() -> Result<()> {
    process::run(process::command(PYTHON.interpreter()?, &["helm/check.py"]))
}
