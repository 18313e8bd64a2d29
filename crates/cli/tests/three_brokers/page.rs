//! The documented commands, run as they stand on the page.

use std::process::Command;

use crate::processes::programs;

const PAGE: &str = include_str!("../../../../docs/three-brokers.md");

/// The shell blocks of the page, in order.
fn commands() -> String {
    let mut blocks = String::new();
    let mut rest = PAGE;
    while let Some((_, from)) = rest.split_once("```sh\n") {
        let (block, after) = from.split_once("```").expect("a block that is not closed");
        blocks.push_str(block);
        rest = after;
    }
    blocks
}

#[test]
fn the_commands_of_the_page_work_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    // Whatever happens, nothing stays behind; and nothing takes longer than two minutes.
    let script = format!(
        "set -euo pipefail\nexport PATH='{}':$PATH\ntrap 'kill -9 $(jobs -p) 2> kill.log || true' EXIT\n{}",
        programs().display(),
        commands()
    );
    assert!(script.contains("lakegate-generator") && script.contains("lakegate-loadtest"), "{script}");
    let output = Command::new("timeout")
        .args(["--kill-after=10", "120", "bash", "-x", "-c", &script])
        .current_dir(folder.path())
        .env_remove("LAKEGATE_LOG")
        .output()
        .unwrap();
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).join("\n");
    assert!(output.status.success(), "{}\n{said}", logs(folder.path()));
    assert!(said.contains("order,amount"), "the object was not read: {said}");
}

/// The logs of all processes, for a failure's report.
fn logs(folder: &std::path::Path) -> String {
    let Ok(entries) = std::fs::read_dir(folder.join("lake")) else { return "no folder".to_owned() };
    let logs = entries.filter_map(Result::ok).map(|entry| entry.path());
    let logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    let shown = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        ["== ", &path.display().to_string(), "\n", &text].concat()
    };
    logs.map(shown).collect::<Vec<_>>().concat()
}
