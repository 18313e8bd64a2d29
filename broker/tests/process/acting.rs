//! Acting for others in a process that follows its rules and groups.

use lakegate_client::{Client, ClientError};

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
