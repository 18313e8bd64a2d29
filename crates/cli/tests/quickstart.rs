//! The tour is a test: it ends with status 0 only if every step held.

use std::process::Command;

#[test]
fn the_tour_holds_and_prints_no_secret() {
    let run = Command::new(env!("CARGO_BIN_EXE_lakegate")).args(["quickstart", "--exit"]).output();
    let run = run.expect("lakegate starts");
    let told = String::from_utf8_lossy(&run.stdout);
    let log = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{told}\n{log}");
    assert!(told.contains("0 exchanges since pre-fill"), "{told}");
    assert!(told.contains("steps held."), "{told}");
    for step in ["yarn, which runs the job, renews the token", "alice cancels it, and the job is refused"] {
        assert!(told.contains(step), "{step} is not in {told}");
    }
    for text in [&told, &log] {
        assert!(!text.contains("ya29.") && !text.contains("PRIVATE KEY"), "a secret is printed: {text}");
        // How alice's delegation tokens go on after their first bytes, by where her name falls.
        assert!(!text.contains("BWFsaWNl") && !text.contains("YWxpY2U"), "a secret is printed: {text}");
    }
}
