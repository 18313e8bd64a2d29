//! The commands as people type them: what they print and how they end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broker;
mod credentials;
mod delegation;
mod policy_diff;

use std::io::Write;
use std::process::{Command, Output};

/// Runs the command without anything of the environment that it reads.
pub(crate) fn lakegate(args: &[&str]) -> Output {
    lakegate_with(&[], args)
}

/// Runs the command with these variables and nothing else of the environment that it reads.
pub(crate) fn lakegate_with(variables: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakegate"));
    for variable in [
        "BROKER",
        "CA",
        "CERT",
        "KEY",
        "DELEGATION_TOKEN_FILE",
        "DELEGATION_TOKEN",
        "CARRIER_CERT",
        "CARRIER_KEY",
        "LOG",
    ] {
        command.env_remove(["LAKEGATE_", variable].concat());
    }
    command.env_remove("HADOOP_TOKEN_FILE_LOCATION").envs(variables.iter().copied());
    command.args(args).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const GOOD: &str = r#"
version: 3
storages: [{ id: lake, dialect: gcs, buckets: [lake-cli] }]
projects: [{ name: p }]
datasets: [{ name: sales, prefix: "gs://lake-cli/sales/", project: p }]
rules:
  - { id: sales-read, effect: allow, on: { dataset: sales }, to: ["principal:alice"], operations: [read, list] }
  - { id: no-pii, effect: deny, on: { prefix: "gs://lake-cli/sales/pii/" }, to: ["principal:alice"], operations: [read] }
"#;

pub(crate) fn file(text: &str, ending: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn a_good_policy_is_counted_and_its_nested_deny_remarked() {
    let policy = file(GOOD, ".yaml");
    let run = lakegate(&["policy", "check", policy.path().to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert!(stdout(&run).contains("no-pii"), "{}", stdout(&run));
    let run = lakegate(&["-o", "json", "policy", "check", policy.path().to_str().unwrap()]);
    let document: serde_json::Value = serde_json::from_str(&stdout(&run)).unwrap();
    assert_eq!(document["version"], 3);
    assert_eq!(document["datasets"], 1);
}

#[test]
fn a_bad_policy_is_refused_with_file_and_cause_and_status_5() {
    let cases = [
        (GOOD.replace("effect: deny", "effekt: deny"), "effekt"),
        (GOOD.replace("id: no-pii", "id: sales-read"), "sales-read"),
        (GOOD.replace("dataset: sales }", "dataset: absent }"), "absent"),
        (GOOD.replace("gs://lake-cli/sales/pii/", "gs://lake-cli/sales/../pii/"), "dot segment"),
    ];
    for (text, named) in cases {
        let policy = file(&text, ".yaml");
        let run = lakegate(&["policy", "check", policy.path().to_str().unwrap()]);
        assert_eq!(run.status.code(), Some(5), "{named}: {}", stdout(&run));
        assert!(stderr(&run).contains(named), "{named} is not in: {}", stderr(&run));
        assert!(stderr(&run).contains(policy.path().to_str().unwrap()));
    }
}

#[test]
fn an_explanation_from_a_document_names_the_rule_and_ends_with_3_when_denied() {
    let policy = file(GOOD, ".yaml");
    let explain = |path, principal| {
        lakegate(&[
            "explain",
            path,
            "--op",
            "read",
            "--principal",
            principal,
            "--policy",
            policy.path().to_str().unwrap(),
        ])
    };
    let allowed = explain("gs://lake-cli/sales/x", "alice");
    assert_eq!(allowed.status.code(), Some(0), "{}", stderr(&allowed));
    assert!(stdout(&allowed).contains("sales-read"));
    let denied = explain("gs://lake-cli/sales/pii/x", "alice");
    assert_eq!(denied.status.code(), Some(3));
    assert!(stdout(&denied).contains("no-pii"));
    assert_eq!(explain("gs://lake-cli/sales/x", "bob").status.code(), Some(3));
}

#[test]
fn bad_words_end_with_5_and_a_bad_command_line_with_2() {
    let policy = file(GOOD, ".yaml");
    let policy = policy.path().to_str().unwrap();
    let explain =
        |path, op| lakegate(&["explain", path, "--op", op, "--principal", "alice", "--policy", policy]);
    assert_eq!(explain("gs://lake-cli/a/../b", "read").status.code(), Some(5));
    assert_eq!(explain("gs://lake-cli/a", "fly").status.code(), Some(5));
    assert_eq!(lakegate(&["explain"]).status.code(), Some(2));
    assert_eq!(lakegate(&["fly"]).status.code(), Some(2));
    assert_eq!(lakegate(&["token", "get", "gs://lake-cli/a"]).status.code(), Some(5));
}

#[test]
fn help_lists_the_exit_codes() {
    let help = stdout(&lakegate(&["--help"]));
    assert!(help.contains("3  denied by policy") && help.contains("quickstart"), "{help}");
}
