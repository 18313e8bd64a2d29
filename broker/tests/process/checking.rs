//! `--check-config`: all that is wrong, at once, with its place; and nothing opened or changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use crate::site::{Site, broker};

pub(crate) fn check(site: &Site, config: &str) -> Output {
    site.write("broker.toml", config);
    broker(&site.path("broker.toml")).arg("--check-config").output_of_both().unwrap()
}

/// Both streams are caught.
trait OutputOfBoth {
    fn output_of_both(&mut self) -> std::io::Result<Output>;
}

impl OutputOfBoth for std::process::Command {
    fn output_of_both(&mut self) -> std::io::Result<Output> {
        self.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).output()
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The site's configuration with the canary that it leaves out of running brokers.
pub(crate) fn good(site: &Site) -> String {
    let canary =
        format!("canary = \"gs://lake-process/canary\"\nstorage_url = \"{}\"\nsource =", site.emulator.url());
    site.config().replacen("source =", &canary, 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_configuration_ends_with_status_0_and_opens_nothing() {
    let site = Site::new().await;
    let output = check(&site, &good(&site));
    let text = said(&output);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("0 errors"), "{text}");
    assert!(!site.path("audit.jsonl").exists() && !site.path("tokens.redb").exists(), "nothing is made");
    assert_eq!(site.emulator.calls().oauth + site.emulator.calls().sts, 0, "nobody is called");
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_name_the_key_and_do_not_fail_the_check() {
    let site = Site::new().await;
    let config =
        site.config().replace("allow_tls12 = false", "").replace("[tls]", "[tls]\nallow_tls12 = true\n");
    let output = check(&site, &config);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    for named in [
        "storages[0].source: a key file cannot end tokens early",
        "storages[0].canary: no canary",
        "storages[0].sts_url: plain http",
        "storages[0].settle_seconds: less than 60",
        "tls.allow_tls12: clients may speak TLS 1.2",
    ] {
        assert!(text.contains(named), "{named} is not in: {text}");
    }
    let metadata = site.config().replacen(
        "source = { kind = \"key-file\"",
        "source = { kind = \"metadata-server\" }\n#",
        1,
    );
    let text = said(&check(&site, &metadata));
    assert!(text.contains("cannot be renewed early"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn px04_every_error_is_told_at_once_with_file_line_and_key() {
    let site = Site::new().await;
    let other = site.authority().client("somebody").unwrap();
    site.write("server.key", &other.key_pem);
    site.write("sealing.key", "not hexadecimal");
    site.write(
        "policy.yaml",
        "version: 1\nstorages:\n  - { id: lake, dialekt: gcs, buckets: [lake-process] }\n",
    );
    fs::set_permissions(site.path("source.json"), fs::Permissions::from_mode(0o644)).unwrap();
    let config = good(&site)
        .replace(
            "own_buckets = [\"gs://lakegate-state\"]",
            "own_buckets = [\"gs://lakegate-state\", \"no bucket\"]",
        )
        .replacen("strict_stale_seconds = 10", "strict_stale_seconds = 60", 1)
        .replace("/audit.jsonl", "/absent/audit.jsonl");
    let line = |key: &str| 1 + config.lines().position(|line| line.starts_with(key)).unwrap();
    let output = check(&site, &config);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let place = |key: &str| format!("{}:{}: ", site.path("broker.toml").display(), line(key));
    for named in [
        format!("error: {}audit_file: file", place("audit_file")),
        format!("error: {}own_buckets[1]: ", place("own_buckets")),
        format!("error: {}tls: server certificate", place("[tls]")),
        format!("error: {}policy.strict_stale_seconds: strict classes", place("strict_stale_seconds")),
        format!("error: {}sealing.current: sealing key is not 64", place("current")),
        format!("error: {}storages[0].source: file", place("source")),
        format!(
            "error: {}policy.file: {}: policy document is refused: syntax: ",
            place("file"),
            site.path("policy.yaml").display()
        ),
    ] {
        assert!(text.contains(&named), "{named} is not in: {text}");
    }
    assert!(text.contains("dialekt") && text.contains("line 3"), "{text}");
    assert!(text.contains("7 errors"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn storages_policy_and_canary_are_held_against_each_other() {
    let site = Site::new().await;
    let config = good(&site)
        .replace("id = \"lake\"", "id = \"pond\"")
        .replace("gs://lake-process/canary", "gs://lake-process/sales/canary");
    let twice = [config.as_str(), config.split_once("[[storages]]").unwrap().1].join("\n[[storages]]");
    let text = said(&check(&site, &twice));
    for named in [
        "storages: storage lake of the policy has no source here",
        "storage pond is not in the policy",
        "storages[1].id: storage pond is configured twice",
        "storages[0].canary: lies in dataset sales",
    ] {
        assert!(text.contains(named), "{named} is not in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_the_source_cannot_make_short_tokens_for_is_an_error() {
    let site = Site::new().await;
    let policy = fs::read_to_string(site.path("policy.yaml")).unwrap();
    let policy = policy
        .replace("sales/\", project: p }", "sales/\", project: p, class: short }")
        .replace("projects:", "classes: [{ name: short, token_life_seconds: 900 }]\nprojects:");
    site.write("policy.yaml", &policy);
    let text = said(&check(&site, &good(&site)));
    assert!(text.contains("policy.file: class short: token_life_seconds 900 is less than 3600"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_and_endpoints_that_are_not_pinned_are_errors() {
    let site = Site::new().await;
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_before = rcgen::date_time_ymd(2019, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let expired = parameters.self_signed(&key).unwrap();
    site.write("server.pem", &expired.pem());
    site.write("server.key", &key.serialize_pem());
    let config = good(&site)
        .replace("sts_url = \"http://127.0.0.1", "sts_url = \"http://198.51.100.7")
        .replace("storage_url = \"http://127.0.0.1", "storage_url = \"http://198.51.100.7");
    let text = said(&check(&site, &config));
    for named in [
        "certificate 1 ended at 2020-01-01",
        "storages[0].sts_url: endpoint sts_url",
        "storages[0].storage_url: ",
    ] {
        assert!(text.contains(named), "{named} is not in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn px04_a_configuration_of_the_wrong_shape_is_told_with_its_line() {
    let site = Site::new().await;
    let config = good(&site).replace("max_brokers", "max_borkers");
    let line = 1 + config.lines().position(|line| line.starts_with("max_borkers")).unwrap();
    let output = check(&site, &config);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.contains(&format!("broker.toml:{line}: max_borkers")), "{text}");
    let text = said(&check(&site, &good(&site).replacen("listen = \"127.0.0.1:0\"", "listen = 7", 1)));
    assert!(text.contains(": listen: wrong type or value"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_brokers_make_are_held_against_the_store_and_the_other_places_of_keys() {
    let site = Site::new().await;
    let folder = site.path("").display().to_string();
    let (good, own) =
        (good(&site), format!("current = 1\nkeys = [{{ id = 1, file = \"{folder}delegation.key\" }}]"));
    assert!(good.contains(&own), "{good}");
    let with = |keys: &str| good.replace(&own, keys);
    let moving = own.replace("current = 1", "stored = {}");
    for fits in [with("stored = {}"), with(&moving), with("stored = { least_key_id = 7 }")] {
        let output = check(&site, &fits);
        assert!(output.status.success(), "{}", said(&output));
    }
    let apart = with("stored = {}").replace("max_brokers = 1", "max_brokers = 2");
    for (config, named) in [
        (with(&[&own, "\nstored = {}"].concat()), "delegation.stored: exactly one of"),
        (
            with("stored = { roll_seconds = 60, distribution_seconds = 60 }"),
            "delegation.stored: keys are not rolled later",
        ),
        (with("stored = {}\nkeys = [{ id = 1, file = \"/nowhere\" }]"), "delegation.keys"),
        (apart, "delegation.stored: several brokers"),
    ] {
        let output = check(&site, &config);
        let text = said(&output);
        assert!(!output.status.success() && text.contains(named), "{named} is not in: {text}");
    }
    let hasty = check(&site, &with("stored = { distribution_seconds = 60 }"));
    assert!(
        hasty.status.success() && said(&hasty).contains("meets keys that it does not know"),
        "{}",
        said(&hasty)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn px02_px04_faults_of_acting_mapping_and_groups_are_told_with_their_place() {
    let site = Site::new().await;
    site.write("acting.toml", "blocked = []\nonly_for_others = []\n[[proxies]]\nprincipal = 'hive'\nusers = ['*']\nhosts = ['10.0.0.1']\n");
    site.write("groups.toml", "[groups]\nteam = ['a b']\n[end]\n");
    let config = good(&site).replace("[mapping]\n", "[mapping]\nauth_to_local = 'RULE:[1:$1]s/(?=a)b/c/'\n");
    let output = check(&site, &config);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for named in [
        "mapping: rule 1 of auth_to_local: the pattern does not parse, or has look-around",
        "acting.rules: rule 1 of proxies: * among users or groups is everybody",
        "groups.file.path: ",
        "3 errors",
    ] {
        assert!(text.contains(named), "{named} is not in: {text}");
    }
    site.write("acting.toml", "");
    site.write("groups.toml", "[groups]\nteam = ['alice']\n");
    let profile = |name| {
        let field = "identity = 'common-name'\nkind = 'user'\n";
        format!("[[identity.profiles]]\nname = '{name}'\n{field}realm = '{name}'\nlocality = '{name}'\n")
    };
    let profiles = [&profile("present"), &profile("absent"), "[policy]\n"].concat();
    let config = good(&site).replace("[policy]\n", &profiles).replace("# prefix =", "prefix =");
    let text = said(&check(&site, &config));
    for named in [
        "acting.rules: blocked is missing: write blocked = []",
        "groups.file.path: the last line is not [end]",
        "mapping: prefix and auth_to_local could make one principal",
    ] {
        assert!(text.contains(named), "{named} is not in: {text}");
    }
    site.write(
        "acting.toml",
        "blocked = []\nonly_for_others = []\n[[proxies]]\nprincipal = 'root'\nusers = ['alice']\n",
    );
    site.write("groups.toml", "[groups]\n[end]\n");
    let output = check(&site, &good(&site));
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    for named in ["proxy root is blocked", "proxy root has a rule without hosts"] {
        assert!(text.contains(named), "{named} is not in: {text}");
    }
    let short = good(&site).replace("max_stale_seconds = 600", "max_stale_seconds = 59");
    let text = said(&check(&site, &short));
    assert!(text.contains("groups.system.max_stale_seconds: less than twice refresh_seconds"), "{text}");
    let start = broker(&site.path("broker.toml")).output_of_both().unwrap();
    let told = String::from_utf8_lossy(&start.stderr).into_owned() + &said(&start);
    assert!(!start.status.success() && told.contains("less than twice refresh_seconds"), "{told}");
    assert!(text.contains("groups.system.canaries: none"), "{text}");
}
