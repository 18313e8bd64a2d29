//! The command line of the load driver.

use std::process::Command;

#[test]
fn brokers_that_run_already_are_called_by_somebody_with_a_certificate() -> std::io::Result<()> {
    let program = env!("CARGO_BIN_EXE_lakegate-loadtest");
    let output = Command::new(program).args(["--endpoints", "https://localhost:1"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--ca") && said.contains("--cert") && said.contains("--key"), "{said}");
    Ok(())
}
