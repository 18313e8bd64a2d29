//! Acting for others in a process that follows its rules and groups.

use lakegate_client::{Client, ClientError};
use lakegate_testkit::NameServer;

use crate::read;
use crate::reload::{TEN_SECONDS, is_failing, metric, policy, rule, until};
use crate::site::{Running, Site};

/// A file that gives nobody anything and takes nothing from anybody.
const NOTHING: &str = "blocked = []\nonly_for_others = []\n";
const RULES: &str = "blocked = []\nonly_for_others = []\n[[proxies]]\nprincipal = 'hive'\nusers = ['alice']\nhosts = ['127.0.0.1', '::1']\n";
const SALES: &str = "gs://lake-process/sales/x";

/// What `own` gets on behalf of somebody, from a client that holds nothing yet.
async fn ask(site: &Site, broker: &Running, own: &str, effective: &str) -> Result<(), ClientError> {
    let config = site.client_config(broker, own).with_on_behalf_of(effective);
    Client::connect(config)?.token_for(SALES, read()).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn px06_a_right_that_is_taken_out_of_the_file_is_gone_in_time_and_a_bad_file_changes_nothing() {
    let site = Site::new().await;
    site.write("acting.toml", RULES);
    let broker = site.start();
    let may = async |effective: &str| ask(&site, &broker, "hive", effective).await.is_ok();
    assert!(may("alice").await);
    assert!(matches!(ask(&site, &broker, "hive", "bob").await, Err(ClientError::Denied(_))));
    site.write("acting.toml", &RULES.replace("users", "user"));
    until("the alarm", async || is_failing(&broker, "acting-rules").await).await;
    assert!(may("alice").await, "what was in force stays");
    site.write("acting.toml", NOTHING);
    let took = until("withdrawn", async || !may("alice").await).await;
    assert!(took < TEN_SECONDS, "{took:?}");
    assert!(!is_failing(&broker, "acting-rules").await);
    site.write("acting.toml", RULES);
    until("given again", async || may("alice").await).await;
    site.write("acting.toml", &RULES.replace("blocked = []", "blocked = ['ALICE']"));
    let took = until("blocked", async || !may("alice").await).await;
    assert!(took < TEN_SECONDS, "{took:?}");
    for half in ["", "blocked = []\n"] {
        site.write("acting.toml", half);
        until("the alarm", async || is_failing(&broker, "acting-rules").await).await;
        assert!(ask(&site, &broker, "alice", "").await.is_err(), "an emptied file frees nobody");
        site.write("acting.toml", &RULES.replace("blocked = []", "blocked = ['ALICE']"));
        until("no alarm", async || !is_failing(&broker, "acting-rules").await).await;
    }
    assert!(ask(&site, &broker, "alice", "").await.is_err(), "by its own certificate too");
    assert!(metric(&broker, "lakegate_broker_acting_identities").await >= 1.0);
    broker.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_the_file_counts_in_rules_and_changes_in_time() {
    let site = Site::new().await;
    site.write("acting.toml", &RULES.replace("users = ['alice']", "groups = ['team']"));
    site.write("groups.toml", "[groups]\nteam = ['alice']\n[end]\n");
    let broker = site.start();
    let may = async || ask(&site, &broker, "hive", "alice").await.is_ok();
    assert!(may().await);
    site.write("groups.toml", "[groups]\nteam = []\n[end]\n");
    let took = until("the member left", async || !may().await).await;
    assert!(took < TEN_SECONDS, "{took:?}");
    site.write("groups.toml", "[groups]\nteam = ['alice', '']\n[end]\n");
    until("the alarm", async || is_failing(&broker, "groups").await).await;
    assert!(!may().await);
    broker.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_the_machine_count_and_only_for_the_users_that_it_knows() {
    let site = Site::new().await;
    // Every Debian has the user `daemon` in a group of that name.
    let rules = rule("sales", "nobody-else").replace("principal:nobody-else", "group:daemon");
    site.write("policy.yaml", &[&policy(1, &rules), "groups: [{ name: daemon }]\n"].concat());
    let broker = site.start();
    let may = async |own: &str| ask(&site, &broker, own, "").await.is_ok();
    assert!(may("daemon").await);
    for other in ["alice", "DAEMON", "daemon2"] {
        assert!(matches!(ask(&site, &broker, other, "").await, Err(ClientError::Denied(_))), "{other}");
    }
    let asked = metric(&broker, "lakegate_broker_group_lookups{outcome=\"answered\"}").await;
    assert!(asked >= 4.0, "{asked}");
    broker.stop();
}

/// The configuration with something else in it.
fn start_with(site: &Site, from: &str, to: &str) -> Running {
    let config = site.config();
    assert!(config.contains(from), "{from}");
    site.write("broker.toml", &config.replacen(from, to, 1));
    site.start()
}

#[tokio::test(flavor = "multi_thread")]
async fn ps07_rules_and_groups_whose_files_are_gone_serve_for_as_long_as_is_said() {
    let site = Site::new().await;
    site.write("acting.toml", RULES);
    site.write("groups.toml", "[groups]\nteam = ['alice']\n[end]\n");
    let config = site.config();
    let (before, acting) = config.split_once("[acting]").unwrap();
    let acting = acting.replace("max_stale_seconds = 1800", "max_stale_seconds = 4");
    site.write("broker.toml", &[before, "[acting]", &acting].concat());
    let broker = site.start();
    let fresh = async || metric(&broker, "lakegate_broker_acting_rules_fresh").await;
    assert!(ask(&site, &broker, "hive", "alice").await.is_ok());
    std::fs::remove_file(site.path("acting.toml")).unwrap();
    until("rules that are too old", async || fresh().await < 1.0).await;
    let told = ask(&site, &broker, "hive", "alice").await;
    assert!(matches!(told, Err(ClientError::Unavailable { .. })), "{told:?}");
    assert!(ask(&site, &broker, "alice", "").await.is_ok());
    site.write("acting.toml", RULES);
    until("rules", async || ask(&site, &broker, "hive", "alice").await.is_ok()).await;
    std::fs::remove_file(site.path("groups.toml")).unwrap();
    until("groups that are too old", async || {
        matches!(ask(&site, &broker, "alice", "").await, Err(ClientError::Unavailable { .. }))
    })
    .await;
    broker.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn px07_a_machine_that_does_not_know_its_canary_is_not_believed() {
    let site = Site::new().await;
    for (group, is_believed) in [("root", true), ("no-such-group-7731", false)] {
        let canaries = format!("canaries = [{{ user = 'root', group = '{group}' }}]\nrefresh_seconds = 30");
        let broker = start_with(&site, "refresh_seconds = 30", &canaries);
        let told = ask(&site, &broker, "alice", "").await;
        assert_eq!(told.is_ok(), is_believed, "{told:?}");
        assert!(is_believed || matches!(told, Err(ClientError::Unavailable { .. })), "{told:?}");
        broker.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn px01_hosts_of_rules_are_asked_of_the_name_servers_that_are_configured() {
    let site = Site::new().await;
    let names = NameServer::start().await.unwrap();
    names.put("hive.lake.example", &["127.0.0.1", "::1"]);
    site.write("acting.toml", &RULES.replace("'127.0.0.1', '::1'", "'hive.lake.example'"));
    let servers = format!("[identity]\nname_servers = ['{}']\n", names.address());
    let broker = start_with(&site, "[identity]\n", &servers);
    until("the host", async || ask(&site, &broker, "hive", "alice").await.is_ok()).await;
    broker.stop();
}
