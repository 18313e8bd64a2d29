//! What cargo's resolver says about the binaries we ship: which features are on, which crates are in.

use anyhow::{Context, Result, bail};

use crate::process::{cargo, output, root};

/// Crates that would bring a second TLS stack.
const FOREIGN_TLS: [&str; 5] = ["ring", "openssl", "openssl-sys", "native-tls", "boring-sys"];

/// Fails when a release binary is built with a feature meant for tests.
pub(crate) fn features() -> Result<()> {
    for package in shipped_packages()? {
        let tree = output(cargo(&[
            "tree",
            "--locked",
            "-p",
            &package,
            "-e",
            "features,normal,build",
            "--prefix",
            "none",
        ]))?;
        let leaked = lines_with_test_features(&tree);
        if !leaked.is_empty() {
            bail!("`{package}` is shipped with features for tests: {}", leaked.join("; "));
        }
        println!("{package}: no feature for tests among {} lines", tree.lines().count());
    }
    Ok(())
}

/// Fails when a crate of another TLS stack is anywhere in the tree, tests included.
pub(crate) fn tree() -> Result<()> {
    let tree =
        output(cargo(&["tree", "--locked", "--workspace", "-e", "normal,build,dev", "--prefix", "none"]))?;
    let found = foreign_tls(&tree);
    if !found.is_empty() {
        bail!(
            "other TLS stacks in the tree: {}; `cargo tree -i <crate>` says who asks for them",
            found.join(", ")
        );
    }
    println!("one TLS stack: rustls on aws-lc-rs");
    Ok(())
}

fn lines_with_test_features(tree: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = tree.lines().filter(|line| line.contains("feature \"test-util\"")).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn foreign_tls(tree: &str) -> Vec<&'static str> {
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    FOREIGN_TLS.into_iter().filter(|foreign| names.contains(foreign)).collect()
}

/// Workspace members with a binary, developer commands aside.
fn shipped_packages() -> Result<Vec<String>> {
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml"))?)?;
    let members = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("members"))
        .and_then(toml::Value::as_array)
        .context("the root Cargo.toml lists no members")?;
    let mut packages = Vec::new();
    for folder in members.iter().filter_map(toml::Value::as_str) {
        let folder = root().join(folder);
        if !folder.join("src/main.rs").is_file() || folder.ends_with("xtask") {
            continue;
        }
        let member: toml::Table = toml::from_str(&std::fs::read_to_string(folder.join("Cargo.toml"))?)?;
        let name =
            member.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
        packages.push(name.with_context(|| format!("{} has no name", folder.display()))?.to_owned());
    }
    if packages.is_empty() {
        bail!("no member has a binary: nothing would be checked");
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_feature_in_the_tree_is_found() {
        let tree = "lakegate-cli v0.1.0\nlakegate-domain feature \"default\"\nlakegate-domain feature \"test-util\"\n\
                    lakegate-domain feature \"test-util\" (*)\n";
        assert_eq!(lines_with_test_features(tree).len(), 2);
        assert!(lines_with_test_features("tokio feature \"time\"\nlakegate-domain v0.1.0").is_empty());
    }

    #[test]
    fn another_tls_stack_in_the_tree_is_found_by_its_whole_name() {
        assert_eq!(
            foreign_tls("rustls v0.23.46\nring v0.17.14\nnative-tls v0.2.14 (*)"),
            ["ring", "native-tls"]
        );
        assert!(foreign_tls("rustls v0.23.46\nstring v1.0.0\nspringbok v0.1.0").is_empty());
    }

    #[test]
    fn the_command_line_is_shipped_and_this_is_not() {
        let shipped = shipped_packages().unwrap();
        assert!(shipped.contains(&"lakegate-cli".to_owned()), "{shipped:?}");
        assert!(!shipped.contains(&"xtask".to_owned()), "{shipped:?}");
    }
}
