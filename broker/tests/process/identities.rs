//! `--check-config` and the start with profiles of certificates.

use crate::checking::{check, good, said};
use crate::site::{Site, broker};

/// The configuration with the profiles that its comments show.
fn with_profiles(site: &Site) -> String {
    let is_setting = |line: &str| line.starts_with("[[") || line.contains(" = ");
    let mut within = false;
    let mut lines = Vec::new();
    for line in good(site).lines() {
        within = (within || line == "[identity]") && line != "[policy]";
        let setting = line.strip_prefix("# ").filter(|rest| within && is_setting(rest));
        lines.push(setting.unwrap_or(line).to_owned());
    }
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profiles_that_the_example_shows_are_good() {
    let site = Site::new().await;
    let config = with_profiles(&site);
    assert_eq!(config.lines().filter(|line| *line == "[[identity.profiles]]").count(), 4, "{config}");
    let output = check(&site, &config);
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn px04_xc24_faults_of_profiles_are_told_with_their_places_and_stop_the_start() {
    let site = Site::new().await;
    let config = with_profiles(&site)
        .replacen("authority = \"default\"", "authority = \"nobody\"", 1)
        .replace("policy = \"1.3.6.1.4.1.99999.1\"", "policy = \"services\"")
        .replace("trust_domain = \"mesh.example.com\"", "trust_domain = \"Mesh\"");
    let text = said(&check(&site, &config));
    for named in [
        "identity.profiles[0]: authority is none of tls.authorities",
        "identity.profiles[2]: policy is no object identifier",
        "identity.profiles[3]: spiffe-uri needs a trust_domain",
    ] {
        assert!(text.contains(named), "{named} is not in: {text}");
    }
    assert!(text.contains("3 errors"), "{text}");
    site.write("broker.toml", &config);
    let output = broker(&site.path("broker.toml")).output().unwrap();
    assert!(!output.status.success(), "a broker starts with profiles that were refused");
    let misspelt = with_profiles(&site).replace("realm = ", "relm = ");
    assert!(!check(&site, &misspelt).status.success());
    let overlapping = with_profiles(&site).replace("kind = \"carrier\"", "kind = \"workload\"");
    let overlapping = overlapping.replace("mesh.example.com", "prod.example.com");
    let text = said(&check(&site, &overlapping));
    assert!(text.contains("identity.profiles[3]: "), "{text}");
}
