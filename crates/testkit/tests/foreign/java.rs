//! Running the Java programs of this folder on Hadoop's jars.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::peer;

/// The program about tokens, which the `java` command compiles as it starts it.
const PROGRAM: &str = "HadoopTokens.java";

/// The program about names and proxies.
pub(crate) const RULES: &str = "HadoopRules.java";

/// Says how to get what is missing.
const INSTALL: &str = "`cargo xtask test` installs them";

/// What the program printed: facts by their names.
pub(crate) type Facts = BTreeMap<String, String>;

/// Runs one of its commands.
///
/// # Errors
/// With all it said, when something is missing or it does not end well in time.
pub(crate) async fn run<A: AsRef<OsStr>>(
    name: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Result<Facts> {
    facts(name, command(PROGRAM, name)?.args(arguments)).await
}

/// Runs one of a program's commands on cases, one a line.
///
/// # Errors
/// As [`run`].
pub(crate) async fn run_on(program: &str, name: &str, cases: &str) -> Result<Facts> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("cases");
    std::fs::write(&file, cases)?;
    facts(name, command(program, name)?.arg(&file)).await
}

/// Runs one of its commands where this file is the job's.
///
/// # Errors
/// As [`run`].
pub(crate) async fn run_as_job(name: &str, token_file: &Path) -> Result<Facts> {
    facts(name, command(PROGRAM, name)?.env("HADOOP_TOKEN_FILE_LOCATION", token_file)).await
}

fn command(program: &str, name: &str) -> Result<Command> {
    let jars = jars()?.join("*");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign");
    // The fewest threads: tests run several at once on few cores.
    let mut java = peer::installed("java", ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"]);
    java.env_remove("HADOOP_TOKEN_FILE_LOCATION").env_remove("JDK_JAVA_OPTIONS").env_remove("CLASSPATH");
    java.args(["-Dfile.encoding=UTF-8", "--class-path"]).arg(jars).arg(folder.join(program)).arg(name);
    Ok(java)
}

async fn facts(name: &str, java: &mut Command) -> Result<Facts> {
    let java = std::mem::replace(java, Command::new(""));
    let said = peer::run(java).await.with_context(|| format!("{PROGRAM} {name}"))?;
    // A program that ends before it did its work must not pass.
    ensure!(said.lines().last() == Some(&format!("held\t{name}")), "{PROGRAM} {name} ended early: {said}");
    let fact = |line: &str| line.split_once('\t').map(|(name, value)| (name.to_owned(), value.to_owned()));
    said.lines().map(|line| fact(line).with_context(|| format!("no fact: {line}"))).collect()
}

/// The folder with the jars: where `LAKEGATE_HADOOP_JARS` says, else where `cargo xtask` puts them.
fn jars() -> Result<PathBuf> {
    let told = std::env::var_os("LAKEGATE_HADOOP_JARS").filter(|path| !path.is_empty()).map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/hadoop");
    found(told.unwrap_or(usual))
}

fn found(jars: PathBuf) -> Result<PathBuf> {
    // The list is written last, when all of them are there.
    ensure!(jars.join("jars.txt").is_file(), "no jars of Hadoop at {}: {INSTALL}", jars.display());
    Ok(jars)
}

#[test]
fn jars_that_are_not_there_fail_and_say_who_installs_them() {
    let error = found(PathBuf::from("/nowhere/at/all")).unwrap_err().to_string();
    assert!(error.contains("cargo xtask test"), "{error}");
}

#[tokio::test]
async fn a_java_that_is_not_there_fails_and_says_who_installs_it() {
    let mut java = peer::installed("lakegate-no-such-java", ["-x"]);
    let error = format!("{:#}", facts("storage", &mut java).await.unwrap_err());
    assert!(error.contains("cargo xtask test"), "{error}");
}

#[tokio::test]
async fn a_command_that_fails_is_an_error_with_what_it_said() {
    let error = format!("{:#}", run("no-such-command", [""]).await.unwrap_err());
    assert!(error.contains("IllegalArgumentException"), "{error}");
}
