//! Everything that can be rotated is, while clients call without a pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lakegate_client::{Client, DelegationToken, issue_delegation_token};
use lakegate_testkit::{Authority, Issued};
use tokio::sync::watch;

use crate::read;
use crate::reload::{is_failing, metric, policy, rule, until};
use crate::site::{Running, Site};

pub(crate) const PATHS: [&str; 2] = ["gs://lake-process/sales/x", "gs://lake-process/hr/x"];

/// Makes clients of one identity.
pub(crate) type Identity = Arc<dyn Fn() -> Client + Send + Sync>;

/// Clients that call until they are stopped.
pub(crate) struct Load {
    identity: watch::Sender<Identity>,
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    pub(crate) fn start(identity: Identity) -> Self {
        let load = Self {
            identity: watch::Sender::new(identity),
            stop: Arc::default(),
            calls: Arc::default(),
            tasks: Vec::new(),
        };
        let task =
            || tokio::spawn(call(load.identity.subscribe(), Arc::clone(&load.stop), Arc::clone(&load.calls)));
        let tasks = vec![task(), task()];
        Self { tasks, ..load }
    }

    /// Goes on as somebody else, and waits until everybody does.
    pub(crate) async fn become_another(&self, identity: Identity) {
        self.identity.send_replace(identity);
        self.go_on().await;
    }

    /// Waits for some more calls of everybody.
    pub(crate) async fn go_on(&self) {
        let before = self.calls.load(Ordering::Relaxed);
        until("more calls", async || self.calls.load(Ordering::Relaxed) > before + 40).await;
    }

    /// How many calls there were, and what failed.
    pub(crate) async fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        for task in self.tasks {
            failures.extend(task.await.unwrap());
        }
        (self.calls.load(Ordering::Relaxed), failures)
    }
}

/// Calls on a connection that stays, and now and then on a new one.
async fn call(
    mut identity: watch::Receiver<Identity>,
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut client = (identity.borrow_and_update())();
    while !stop.load(Ordering::Relaxed) {
        if identity.has_changed().unwrap() {
            client = (identity.borrow_and_update())();
        }
        let fresh = (identity.borrow())();
        for (client, kind) in [(&client, "kept"), (&client, "kept"), (&client, "kept"), (&fresh, "new")] {
            for path in PATHS {
                let number = calls.fetch_add(1, Ordering::Relaxed);
                if let Err(error) = client.token_for(path, read()).await {
                    failures.push(format!("call {number} on a {kind} connection: {error:?}"));
                }
            }
        }
    }
    failures
}

/// How often an item was taken.
pub(crate) async fn taken(broker: &Running, item: &str) -> f64 {
    metric(broker, &format!("lakegate_reloads_total{{item=\"{item}\",outcome=\"taken\"}}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_everything_under_load_loses_no_call() {
    let site = Arc::new(Site::new().await.mounted());
    let rules = [rule("sales", "alice"), rule("hr", "alice")].concat();
    site.swap("policy", &[("policy.yaml", &policy(1, &rules))]);
    let broker = Arc::new(site.start());
    let new = Arc::new(Authority::new().unwrap());
    let identity_of = |authority: Option<&Arc<Authority>>| -> Identity {
        let (site, broker, authority) = (Arc::clone(&site), Arc::clone(&broker), authority.cloned());
        Arc::new(move || site.client_from(authority.as_deref().unwrap_or(&site.authority), &broker, "alice"))
    };
    let change = async |item: &str, folder: &str, files: &[(&str, &str)], load: &Load| {
        let before = taken(&broker, item).await;
        site.swap(folder, files);
        until(item, async || taken(&broker, item).await > before).await;
        load.go_on().await;
    };
    let tls = async |bundle: String, load: &Load| {
        let Issued { certificate_pem, key_pem, .. } = site.authority.server().unwrap();
        let files =
            [("server.pem", &*certificate_pem), ("server.key", &*key_pem), ("client-ca.pem", &*bundle)];
        change("tls", "tls", &files, load).await;
    };
    let (old_ca, new_ca) = (site.authority.certificate_pem(), new.certificate_pem());
    let left_behind = identity_of(None)();
    left_behind.token_for(PATHS[0], read()).await.unwrap();

    let load = Load::start(identity_of(None));
    load.go_on().await;
    tls(old_ca.clone(), &load).await;
    tls([old_ca.as_str(), &new_ca].concat(), &load).await;
    load.become_another(identity_of(Some(&new))).await;
    tls(new_ca.clone(), &load).await;
    for version in 2..5 {
        let rules = [rules.as_str(), &rule("hr", &format!("p{version}"))].concat();
        change("policy", "policy", &[("policy.yaml", &policy(version, &rules))], &load).await;
        broker.signal("-HUP");
    }
    let (one, two) = (format!("1 {}", "5a".repeat(32)), format!("2 {}", "0f".repeat(32)));
    for ring in [
        format!("seals {one}\nopens {two}\n"),
        format!("seals {two}\nopens {one}\n"),
        format!("seals {two}\n"),
    ] {
        change("sealing-keys", "keys", &[("sealing.ring", &ring)], &load).await;
    }
    tls(new_ca, &load).await;
    let (calls, failures) = load.stop().await;
    assert!(failures.is_empty(), "{} of {calls} calls failed: {failures:#?}", failures.len());
    assert!(calls > 400, "{calls} calls");
    for item in ["tls", "policy", "sealing-keys"] {
        assert!(!is_failing(&broker, item).await, "{item}");
    }
    // Whoever kept the old authority's certificate is out, on the connection that was open as on a new one.
    assert!(metric(&broker, "lakegate_broker_distrusted_connections_total").await >= 1.0);
    let is_out = async || left_behind.token_for(PATHS[1], read()).await.is_err();
    until("xc05: the old connection closes", is_out).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealing_key_is_rotated_without_a_restart_and_what_it_sealed_is_read_until_it_leaves() {
    let site = Site::new().await.mounted();
    let rules = [rule("sales", "alice"), rule("hr", "alice")].concat();
    site.swap("policy", &[("policy.yaml", &policy(1, &rules))]);
    let ask = async |broker: &Running, path: &str| {
        site.client(broker, "alice").token_for(path, read()).await.unwrap();
        site.emulator.calls().sts
    };
    let (one, two) = (format!("1 {}", "5a".repeat(32)), format!("2 {}", "0f".repeat(32)));
    let first = site.start();
    let sales_by_one = ask(&first, PATHS[0]).await;
    site.swap("keys", &[("sealing.ring", &format!("seals {two}\nopens {one}\n"))]);
    until("the new key", async || taken(&first, "sealing-keys").await > 1.0).await;
    let hr_by_two = ask(&first, PATHS[1]).await;
    assert_eq!(hr_by_two, sales_by_one + 1);
    first.stop();

    let both = site.start();
    assert_eq!(ask(&both, PATHS[0]).await, hr_by_two, "the previous key opens");
    assert_eq!(ask(&both, PATHS[1]).await, hr_by_two, "the current key opens");
    both.stop();

    site.swap("keys", &[("sealing.ring", &format!("seals {two}\n"))]);
    let later = site.start();
    assert_eq!(ask(&later, PATHS[1]).await, hr_by_two, "sealed by the new key without a restart");
    assert_eq!(ask(&later, PATHS[0]).await, hr_by_two + 1, "the old key is gone, and that is a miss");
    later.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_key_is_rotated_without_a_restart_and_its_tokens_end_with_it() {
    let site = Site::new().await.mounted();
    let broker = site.start();
    let issue = async || {
        let issued = issue_delegation_token(site.client_config(&broker, "alice"), None).await.unwrap();
        issued.token.expose().to_owned()
    };
    let job = |token: &str| {
        let token = DelegationToken::parse(token.to_owned()).unwrap();
        Client::connect(site.bare_config(&broker).with_delegation_token(token)).unwrap()
    };
    let works = async |token: &str| job(token).token_for(PATHS[0], read()).await.is_ok();
    let (one, two) = (format!("1 {}", "d7".repeat(32)), format!("2 {}", "0f".repeat(32)));
    let by_one = issue().await;
    for ring in [format!("signs {one}\nverifies {two}\n"), format!("signs {two}\nverifies {one}\n")] {
        let before = taken(&broker, "delegation-keys").await;
        site.swap("jobs", &[("delegation.ring", &ring)]);
        until("the ring", async || taken(&broker, "delegation-keys").await > before).await;
        assert!(works(&by_one).await, "{ring}");
    }
    let by_two = issue().await;
    site.swap("jobs", &[("delegation.ring", &format!("signs {two}\n"))]);
    until("the old key is gone", async || !works(&by_one).await).await;
    assert!(works(&by_two).await, "issued by the new key without a restart");
    let (status, log) = broker.stop();
    assert!(status.success() && !log.contains(&by_two), "lg01");
}
