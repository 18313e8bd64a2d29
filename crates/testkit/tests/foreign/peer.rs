//! Starting a program of others, waiting for it with a limit, and leaving nothing of it behind.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

/// Long enough for two busy cores, short enough that a client which retries for ever does not hold up the tests.
const LIMIT: Duration = Duration::from_mins(2);

/// Says how to get what is missing.
const INSTALL: &str = "`cargo xtask test` installs it";

/// Runs one case of a script of this folder; gives what it printed.
///
/// # Errors
/// With all it said, when it does not end well in time.
pub(crate) async fn script(name: &str, case: &str, lake: &Path) -> Result<String> {
    let python = python()?;
    let mut command = std::process::Command::new(python);
    command.arg(folder().join(name)).arg(case).arg(lake);
    let said = run(command).await.with_context(|| format!("{name} {case}"))?;
    // A script that ends before its case has run must not pass.
    ensure!(said.lines().last() == Some(&format!("held: {case}")), "{name} {case} ended early: {said}");
    Ok(said)
}

/// A script as a command of its own, for those that go on running.
///
/// # Errors
/// When there is no interpreter.
pub(crate) fn service(name: &str) -> Result<std::process::Command> {
    let mut command = std::process::Command::new(python()?);
    command.arg(folder().join(name));
    Ok(command)
}

/// Runs a program to its end; gives its standard output.
///
/// # Errors
/// With all it said, when it is missing, fails, or does not end in time.
pub(crate) async fn run(command: std::process::Command) -> Result<String> {
    let mut peer = Peer::start(command)?;
    let child = peer.child.take().context("a child")?;
    let Ok(output) = tokio::time::timeout(LIMIT, child.wait_with_output()).await else {
        bail!("it did not end within {} s", LIMIT.as_secs());
    };
    let Output { status, stdout, stderr } = output?;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "it ended with {status}\n{stdout}\n{stderr}");
    Ok(stdout.into_owned())
}

/// A running program; when this is dropped, it and all that it started are gone.
pub(crate) struct Peer {
    pub(crate) child: Option<tokio::process::Child>,
    group: Option<Pid>,
}

impl Peer {
    /// Starts a program in a process group of its own.
    ///
    /// # Errors
    /// When it is not installed or cannot be started.
    pub(crate) fn start(mut command: std::process::Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        // Proxies of the machine are not for the loopback.
        for variable in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
            command.env_remove(variable);
        }
        let child = match tokio::process::Command::from(command).kill_on_drop(true).spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("{name} is missing: {INSTALL}"),
            started => started.with_context(|| format!("{name} cannot be started"))?,
        };
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self { child: Some(child), group })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Fails when nothing is left of the group, as it should be.
            let _nothing_left = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The interpreter with the clients: where `LAKEGATE_PYTHON` says, else where `cargo xtask` puts it.
fn python() -> Result<PathBuf> {
    let told = std::env::var_os("LAKEGATE_PYTHON").filter(|path| !path.is_empty()).map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients/bin/python");
    let python = told.unwrap_or(usual);
    ensure!(python.is_file(), "no Python with the clients of others at {}: {INSTALL}", python.display());
    Ok(python)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign")
}

/// A command for a program that the path leads to.
pub(crate) fn installed<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.args(arguments);
    command
}

#[tokio::test]
async fn a_program_that_is_not_there_fails_and_says_who_installs_it() {
    let error = run(installed("lakegate-no-such-program", ["-x"])).await.unwrap_err().to_string();
    assert!(error.contains("cargo xtask test"), "{error}");
}

#[tokio::test]
async fn what_a_program_started_is_gone_with_it() {
    let mut peer = Peer::start(installed("sh", ["-c", "sleep 600 & echo $!; wait"])).unwrap();
    let mut line = String::new();
    let out = peer.child.as_mut().unwrap().stdout.take().unwrap();
    tokio::io::AsyncBufReadExt::read_line(&mut tokio::io::BufReader::new(out), &mut line).await.unwrap();
    let started = PathBuf::from(format!("/proc/{}/stat", line.trim()));
    assert!(started.exists());
    drop(peer);
    let gone = async {
        while std::fs::read_to_string(&started).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
}
