//! `--check-config` of the generator: the documented configuration, and one with several things wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = include_str!("../../docs/examples/generator.toml");

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake] }]
projects: [{ name: p }]
datasets: [{ name: sales, prefix: "gs://lake/sales/", project: p }]
rules:
  - { id: r, effect: allow, on: { dataset: sales }, to: ["principal:alice"], operations: [read, list] }
"#;

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Checks the documented configuration, changed, in a folder with everything it names.
fn check(change: impl Fn(&str) -> String, sealing: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("/etc/lakegate", &folder.path().display().to_string()).replace(
        r#"kind = "key-file", path"#,
        r#"kind = "impersonation", base = "metadata-server", account = "a@b.c" } # { path"#,
    );
    write(folder.path(), "generator.toml", &change(&config));
    write(folder.path(), "policy.yaml", POLICY);
    write(folder.path(), "sealing.key", sealing);
    write(folder.path(), "redis.password", "secret");
    let authority = rcgen::generate_simple_self_signed(vec!["redis.lake.example".to_owned()]).unwrap();
    write(folder.path(), "redis-ca.pem", &authority.cert.pem());
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakegate-generator"));
    command.arg("--config").arg(folder.path().join("generator.toml")).arg("--check-config").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_documented_configuration_passes_without_anything_to_call() {
    let output = check(str::to_owned, &"5a".repeat(32));
    let text = said(&output);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("0 errors"), "{text}");
}

#[test]
fn px04_every_error_is_told_at_once() {
    let change = |config: &str| {
        config
            .replace("gs://lakegate-state", "lakegate-state")
            .replace("policy.yaml", "absent.yaml")
            .replace("rediss://", "redis://")
            .replace("account = \"a@b.c\"", "account = \"nobody\"")
    };
    let output = check(change, "short");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for named in
        ["own_buckets[0]: ", "policy_file: ", "store: ", "sealing.current: ", "storages[0].source: account"]
    {
        assert!(text.contains(named), "{named} is not in: {text}");
    }
    assert!(text.contains("5 errors"), "{text}");
}
