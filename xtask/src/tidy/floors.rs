//! Arrows between crates point down only, and some crates keep out of some trees.
//!
//! Dev-dependencies are free: a test may look up.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::files::Tree;
use super::manifests::{self, Manifest};

/// The floor of every crate, as `ARCHITECTURE.md` draws them.
const FLOORS: [(&str, u8); 15] = [
    ("lakegate-domain", 0),
    ("lakegate-policy", 1),
    ("lakegate-delegation", 1),
    ("lakegate-proto", 1),
    ("lakegate-token-store", 2),
    ("lakegate-host", 2),
    ("lakegate-sts", 3),
    ("lakegate-client", 3),
    ("lakegate-cloud-emulator", 3),
    ("lakegate-broker", 4),
    ("lakegate-generator", 4),
    ("lakegate-testkit", 5),
    ("lakegate-cli", 6),
    ("lakegate-loadtest", 6),
    ("lakegate-benches", 6),
];

/// Crates outside the house: they use none of it, and nothing uses them.
const OUTSIDE: [&str; 1] = ["xtask"];

/// What a crate may not link, itself or through the house below it. A name that ends in `*` is a beginning.
const BANS: [(&str, &[&str], &str); 4] = [
    (
        "lakegate-client",
        &[
            "redis",
            "redb",
            "lakegate-policy",
            "lakegate-token-store",
            "lakegate-host",
            "aws-config",
            "aws-sdk-*",
            "aws-sigv4",
            "google-cloud-*",
            "gcloud-*",
            "azure_*",
        ],
        "jobs link the client: no store, no policy engine, no cloud SDK",
    ),
    ("lakegate-domain", &IO, "the words do no I/O"),
    ("lakegate-policy", &IO, "decisions do no I/O"),
    ("lakegate-delegation", &IO, "token bytes need no I/O"),
];

const IO: [&str; 9] =
    ["tokio", "async-trait", "futures-util", "reqwest", "hyper", "tonic", "axum", "redis", "redb"];

/// The only crates that may link a CEL interpreter: Lakegate writes CEL and never runs it.
const CEL_IN: &str = "lakegate-cloud-emulator";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let manifests = manifests::read(tree);
    let mut findings = Vec::new();
    for manifest in &manifests {
        findings.extend(arrows(manifest));
    }
    findings.extend(banned(&manifests));
    findings
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}

fn arrows(manifest: &Manifest<'_>) -> Vec<Finding> {
    let finding = |text: String| Finding::new(&manifest.file.path, 0, text);
    let dependencies = manifest.shipped_dependencies();
    let mut findings = Vec::new();
    if dependencies.iter().any(|name| name == "cel") && manifest.name != CEL_IN {
        findings.push(finding(format!("links `cel`, which only `{CEL_IN}` may")));
    }
    let own = floor(&manifest.name);
    let outside = OUTSIDE.contains(&manifest.name.as_str());
    if own.is_none() && !outside {
        findings.push(finding(format!("`{}` stands on no floor", manifest.name)));
    }
    for dependency in &dependencies {
        let below = floor(dependency);
        if OUTSIDE.contains(&dependency.as_str()) || (outside && below.is_some()) {
            findings.push(finding(format!("`{dependency}` and `{}` do not belong together", manifest.name)));
        }
        if let (Some(own), Some(below)) = (own, below)
            && below >= own
        {
            findings.push(finding(format!("an arrow from floor {own} to `{dependency}` on floor {below}")));
        }
    }
    findings
}

fn banned(manifests: &[Manifest<'_>]) -> Vec<Finding> {
    let links: BTreeMap<&str, Vec<String>> =
        manifests.iter().map(|manifest| (manifest.name.as_str(), manifest.shipped_dependencies())).collect();
    let mut findings = Vec::new();
    for manifest in manifests {
        for (_, names, why) in BANS.iter().filter(|(name, _, _)| *name == manifest.name) {
            let reached = reach(&manifest.name, &links);
            let bad = reached.iter().filter(|name| names.iter().any(|ban| matches(ban, name)));
            findings.extend(
                bad.map(|name| Finding::new(&manifest.file.path, 0, format!("reaches `{name}`: {why}"))),
            );
        }
    }
    findings
}

fn matches(ban: &str, name: &str) -> bool {
    ban.strip_suffix('*').map_or(ban == name, |beginning| name.starts_with(beginning))
}

/// Everything that a crate links through crates of the house.
fn reach(from: &str, links: &BTreeMap<&str, Vec<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![from.to_owned()];
    while let Some(name) = waiting.pop() {
        for dependency in links.get(name.as_str()).into_iter().flatten() {
            if reached.insert(dependency.clone()) {
                waiting.push(dependency.clone());
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, dependencies: &[&str]) -> String {
        let lines: Vec<String> = dependencies.iter().map(|name| format!("{name} = \"1\"\n")).collect();
        format!("[package]\nname = \"{name}\"\n[dependencies]\n{}", lines.concat())
    }

    fn findings(crates: &[(&str, &[&str])]) -> Vec<String> {
        let texts: Vec<(String, String)> = crates
            .iter()
            .map(|(name, dependencies)| (format!("{name}/Cargo.toml"), manifest(name, dependencies)))
            .collect();
        let samples: Vec<(&str, &str)> =
            texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        check(&Tree::of(&samples)).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn an_arrow_down_is_fine() {
        assert!(
            findings(&[("lakegate-broker", &["lakegate-policy", "tokio"]), ("lakegate-policy", &[])])
                .is_empty()
        );
    }

    #[test]
    fn an_arrow_up_or_sideways_is_found() {
        assert_eq!(findings(&[("lakegate-policy", &["lakegate-token-store"])]).len(), 1);
        assert_eq!(findings(&[("lakegate-host", &["lakegate-token-store"])]).len(), 1);
    }

    #[test]
    fn a_crate_without_a_floor_is_found() {
        assert_eq!(findings(&[("lakegate-attic", &[])]), ["`lakegate-attic` stands on no floor"]);
    }

    #[test]
    fn a_developer_command_uses_nothing_of_the_house() {
        assert_eq!(findings(&[("xtask", &["lakegate-domain"])]).len(), 1);
        assert_eq!(findings(&[("lakegate-cli", &["xtask"])]).len(), 1);
    }

    #[test]
    fn the_client_reaches_no_store_even_through_another_crate() {
        let found = findings(&[("lakegate-client", &["lakegate-proto"]), ("lakegate-proto", &["redis"])]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(findings(&[("lakegate-client", &["aws-sdk-s3"])]).len(), 1);
    }

    #[test]
    fn policy_links_no_io_and_only_the_emulator_links_cel() {
        assert_eq!(findings(&[("lakegate-policy", &["tokio"])]).len(), 1);
        assert_eq!(findings(&[("lakegate-sts", &["cel"])]).len(), 1);
        assert!(findings(&[("lakegate-cloud-emulator", &["cel"])]).is_empty());
    }
}
