//! The one function, without transport.

use std::time::Duration;

use arc_swap::ArcSwap;
use lakegate_host::reload::Confirmed;
use lakegate_policy::PolicyDocument;

use super::*;

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
groups: [{ name: analysts, members: ["principal:bob"] }, { name: etl-ops, members: ["principal:olga"] }]
rules: [{ id: r, effect: allow, on: { prefix: "gs://lake-one/" }, to: ["principal:alice"], operations: [read] }]
"#;

const RULES: &str = r#"
blocked = ["hdfs", "spiffe:prod.example/kube-system/*"]
only_for_others = ["gateway"]

[[proxies]]
principal = "hive"
users = ["alice", "Hdfs", "oozie", "gateway"]
groups = ["analysts"]
hosts = ["10.0.0.0/8"]

[[proxies]]
principal = "knox"
users = ["*"]
hosts = ["10.0.0.0/8"]
allow_any_user = true

[[proxies]]
principal = "oozie"
users = ["alice"]
hosts = ["10.0.0.0/8"]

[[proxies]]
principal = "gateway"
users = ["alice"]
hosts = ["10.0.0.0/8"]

[[proxies]]
principal = "root"
users = ["alice"]
hosts = ["10.0.0.0/8"]

[[headless]]
principal = "etl"
groups = ["etl-ops"]
hosts = ["10.0.0.0/8"]

[[headless]]
principal = "hdfs"
groups = ["etl-ops"]
hosts = ["10.0.0.0/8"]
"#;

/// A directory service that cannot be asked.
#[derive(Debug)]
struct Down;

impl SystemGroups for Down {
    fn groups_of(&self, _: &str) -> std::io::Result<Option<Vec<String>>> {
        Err(std::io::ErrorKind::TimedOut.into())
    }
}

struct World {
    acting: Acting,
    rules: Arc<ArcSwap<Rules>>,
    snapshot: Snapshot,
}

fn name(text: &str) -> Principal {
    Principal::parse(text).unwrap()
}

fn world_with(groups: Groups) -> World {
    world_of(Followed::unaged, groups)
}

fn world_of(follow: impl FnOnce(Arc<ArcSwap<Rules>>) -> Followed<Rules>, groups: Groups) -> World {
    let rules = Arc::new(ArcSwap::from_pointee(Rules::parse(RULES).unwrap()));
    let terms = ActingTerms {
        blocked: Blocklist::new(&[PrincipalPattern::parse("root").unwrap()]),
        rules: follow(Arc::clone(&rules)),
        groups,
        mapping: Arc::new(Mapping::new(&toml::from_str("exact = { superman = 'hdfs' }").unwrap()).unwrap()),
        ..ActingTerms::default()
    };
    let snapshot = Snapshot::compile(&PolicyDocument::from_yaml(POLICY).unwrap()).unwrap();
    World { acting: Acting::new(terms), rules, snapshot }
}

fn world() -> World {
    world_with(Groups::default())
}

impl World {
    /// `real>effective` or why not.
    async fn made(&self, own: Caller, effective: &str) -> String {
        let asked = Asked { own: &own, address: [10, 0, 0, 1].into(), snapshot: &self.snapshot };
        let effective = match effective {
            "" => None,
            name => Some(self.acting.named(name).unwrap()),
        };
        match self.acting.caller(asked, effective.as_ref()).await {
            Ok(caller) => {
                let real = caller.real().map(|real| format!("{real}>")).unwrap_or_default();
                format!("{real}{}", caller.principal())
            }
            Err(failure) => failure.audit_reason().to_owned(),
        }
    }

    async fn by_certificate(&self, own: &str, effective: &str) -> String {
        self.made(Caller::new(name(own), Proof::ClientCertificate), effective).await
    }

    /// A token of `owner`, which `real` got.
    async fn by_token(&self, real: &str, owner: &str) -> String {
        self.made(Caller::new(name(real), Proof::DelegationToken).acting_for(name(owner)), "").await
    }
}

#[tokio::test]
async fn rights_are_ones_own_or_those_for_whom_a_rule_lets_one_act() {
    let world = world();
    assert_eq!(world.by_certificate("alice", "").await, "alice");
    assert_eq!(world.by_certificate("hive", "alice").await, "hive>alice");
    assert_eq!(world.by_certificate("hive", "bob").await, "hive>bob", "by a group of the policy");
    assert_eq!(world.by_certificate("hive", "carol").await, "proxy_rule");
    assert_eq!(world.by_certificate("spark", "alice").await, "proxy_rule");
    assert_eq!(world.by_certificate("alice", "alice").await, "alice", "for oneself is not for another");
    assert_eq!(world.by_certificate("olga", "etl").await, "olga>etl");
    assert_eq!(world.by_certificate("bob", "etl").await, "proxy_rule");
}

#[tokio::test]
async fn px05_nobody_acts_through_somebody() {
    let world = world();
    assert_eq!(world.by_certificate("hive", "oozie").await, "hive>oozie");
    let through = Caller::new(name("hive"), Proof::ClientCertificate).acting_for(name("oozie"));
    assert_eq!(world.made(through, "alice").await, "not_primary");
    let token = Caller::new(name("hive"), Proof::DelegationToken);
    assert_eq!(world.made(token.clone(), "alice").await, "not_primary", "a token acts for its owner alone");
    assert_eq!(world.made(token.acting_for(name("oozie")), "alice").await, "not_primary");
}

#[tokio::test]
async fn px02_px03_the_blocklist_wins_over_everything_on_every_hop() {
    let world = world();
    for (own, effective) in [
        ("hdfs", ""),
        ("HDFS", ""),
        ("root", ""),
        ("root", "alice"),
        ("spiffe:prod.example/kube-system/x", ""),
        ("hdfs", "alice"),
        ("hive", "hdfs"),
        ("hive", "Hdfs"),
        ("knox", "hdfs"),
        ("knox", "hDFS"),
        ("knox", "root"),
        ("knox", "superman"),
        ("knox", "spiffe:prod.example/kube-system/x"),
        ("olga", "hdfs"),
    ] {
        assert_eq!(world.by_certificate(own, effective).await, "blocked", "{own} for {effective}");
    }
    assert_eq!(world.by_certificate("knox", "anybody").await, "knox>anybody");
    assert_eq!(world.by_token("knox", "hdfs").await, "blocked", "whose token it is");
    assert_eq!(world.by_token("root", "alice").await, "blocked", "who got it");
    let own = Caller::new(name("Root"), Proof::DelegationToken);
    assert_eq!(world.made(own, "").await, "blocked");
}

#[tokio::test]
async fn px06_a_token_got_by_a_proxy_is_as_good_as_the_right_is_now() {
    let world = world();
    assert_eq!(world.by_token("hive", "alice").await, "hive>alice");
    assert_eq!(world.by_token("hive", "bob").await, "hive>bob");
    assert_eq!(world.by_token("olga", "etl").await, "olga>etl");
    assert_eq!(world.by_token("spark", "alice").await, "proxy_rule");
    let stands = async |real: Option<&str>, owner: &str| {
        let real = real.map(name);
        let stands = world.acting.still_stands(&name(owner), real.as_ref(), &world.snapshot).await;
        stands.err().map(|failure| failure.audit_reason())
    };
    assert_eq!(stands(Some("hive"), "alice").await, None);
    assert_eq!(stands(None, "alice").await, None);
    assert_eq!(stands(None, "hdfs").await, Some("blocked"));
    world.rules.store(Arc::default());
    assert_eq!(world.by_token("hive", "alice").await, "proxy_rule");
    assert_eq!(stands(Some("hive"), "alice").await, Some("proxy_rule"));
    assert_eq!(stands(None, "alice").await, None, "a token of one's own needs no rule");
}

#[tokio::test]
async fn px07_groups_that_nobody_can_tell_are_an_outage_and_never_leave() {
    let bounds = SystemBounds {
        refresh: Duration::from_secs(30),
        max_stale: Duration::from_mins(1),
        patience: Duration::from_secs(1),
    };
    let down = CachedGroups::new(Arc::new(Down), bounds);
    let world = world_with(Groups { file: None, system: Some((Whose::Bare, down)) });
    for (own, effective) in
        [("alice", ""), ("hive", "alice"), ("hive", "bob"), ("hive", "carol"), ("olga", "etl")]
    {
        assert_eq!(world.by_certificate(own, effective).await, "groups_unavailable", "{own} for {effective}");
    }
    assert_eq!(world.by_certificate("spark", "alice").await, "proxy_rule", "no group would help");
    assert_eq!(world.by_certificate("mallory", "etl").await, "groups_unavailable");
    assert_eq!(
        world.by_certificate("spiffe:a.example/x", "").await,
        "spiffe:a.example/x",
        "asked for nobody's"
    );
}

#[tokio::test]
async fn who_names_thousands_takes_a_share_of_the_look_ups_of_groups_and_no_more() {
    let bounds = SystemBounds {
        refresh: Duration::from_secs(30),
        max_stale: Duration::from_mins(1),
        patience: Duration::from_secs(1),
    };
    let groups =
        Groups { file: None, system: Some((Whose::Bare, CachedGroups::new(Arc::new(Down), bounds))) };
    let own = |who: &str| Caller::new(name(who), Proof::ClientCertificate);
    let crowded = || groups.lookups().unwrap().by_outcome()[3].1;
    let ask = async |caller: Caller| {
        // Nobody gives way: all who ask wait at the same time.
        tokio::select! { biased; _ = groups.of(&caller) => {}, () = std::future::ready(()) => {} }
    };
    for number in 0..100 {
        ask(own("knox").acting_for(name(&format!("user-{number}")))).await;
    }
    assert_eq!(crowded(), 68);
    for number in 0..100 {
        ask(own(&format!("own-{number}"))).await;
    }
    assert_eq!(crowded(), 68, "others have shares of their own");
}

#[tokio::test]
async fn px07_somebody_in_no_group_is_refused() {
    let file = Followed::unaged(Arc::new(ArcSwap::from_pointee(
        FileGroups::parse("[groups]\nanalysts = ['carol']\netl-ops = []\n[end]").unwrap(),
    )));
    let world = world_with(Groups { file: Some((Whose::Everybody, file)), system: None });
    assert_eq!(world.by_certificate("hive", "carol").await, "hive>carol", "by a group of the file");
    assert_eq!(world.by_certificate("hive", "dave").await, "proxy_rule");
    assert_eq!(world.by_certificate("dave", "etl").await, "proxy_rule");
}

/// What an operator allows.
const GOOD_FOR: Duration = Duration::from_mins(30);

#[tokio::test(start_paused = true)]
async fn ps07_rules_that_nobody_confirms_are_an_outage_in_time_and_block_on() {
    let confirmed = Arc::new(Confirmed::now());
    let world = world_of(|rules| Followed::new(rules, confirmed, GOOD_FOR), Groups::default());
    tokio::time::advance(GOOD_FOR).await;
    assert!(world.acting.rules_are_fresh());
    assert_eq!(world.by_certificate("hive", "alice").await, "hive>alice");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!world.acting.rules_are_fresh());
    let unknown = "proxy_rules_unavailable";
    assert_eq!(world.by_certificate("hive", "alice").await, unknown);
    assert_eq!(world.by_certificate("spark", "alice").await, unknown, "nobody knows who may");
    assert_eq!(world.by_token("hive", "alice").await, unknown);
    let stands = world.acting.still_stands(&name("alice"), Some(&name("hive")), &world.snapshot).await;
    assert_eq!(stands.unwrap_err().audit_reason(), unknown, "nor may a token be renewed by it");
    assert_eq!(world.by_certificate("alice", "").await, "alice", "rights of one's own need no rule");
    assert_eq!(world.by_certificate("knox", "hdfs").await, "blocked");
    assert_eq!(world.by_certificate("gateway", "").await, "on_behalf_of_required");
}

#[tokio::test(start_paused = true)]
async fn ps07_a_file_of_groups_that_nobody_confirms_is_an_outage_in_time() {
    let groups = FileGroups::parse("[groups]\nanalysts = ['carol']\n[end]").unwrap();
    let groups = Arc::new(ArcSwap::from_pointee(groups));
    let file = Followed::new(groups, Arc::new(Confirmed::now()), GOOD_FOR);
    let whose = Whose::These(vec![PrincipalPattern::parse("carol").unwrap()]);
    let world = world_with(Groups { file: Some((whose, file)), system: None });
    tokio::time::advance(GOOD_FOR).await;
    assert_eq!(world.by_certificate("hive", "carol").await, "hive>carol");
    assert_eq!(world.by_certificate("carol", "").await, "carol");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(world.by_certificate("hive", "carol").await, "groups_unavailable");
    assert_eq!(world.by_certificate("carol", "").await, "groups_unavailable");
    assert_eq!(world.by_certificate("hive", "bob").await, "hive>bob", "whose groups do not stand there");
}

#[tokio::test]
async fn px08_who_only_acts_for_others_never_uses_rights_of_its_own() {
    let world = world();
    assert_eq!(world.by_certificate("gateway", "").await, "on_behalf_of_required");
    assert_eq!(world.by_certificate("gateway", "gateway").await, "on_behalf_of_required");
    assert_eq!(world.by_certificate("hive", "gateway").await, "on_behalf_of_required");
    let token = Caller::new(name("gateway"), Proof::DelegationToken);
    assert_eq!(world.made(token, "").await, "on_behalf_of_required");
    assert_eq!(world.by_certificate("gateway", "alice").await, "gateway>alice");
}

#[tokio::test]
async fn px11_for_whom_a_proxy_acts_is_counted() {
    let world = world();
    for user in 0..2_000 {
        world.by_certificate("knox", &format!("user-{user}")).await;
        world.by_certificate("spark", &format!("user-{user}")).await;
    }
    for user in ["olga", "bob", "carol"] {
        world.by_certificate(user, "etl").await;
    }
    let counted = Counted { most: 1_001, alarms: 1, uncounted: 0 };
    assert_eq!(world.acting.by_proxy(), counted, "whoever is refused is no proxy");
}

#[tokio::test(start_paused = true)]
async fn px11_members_of_headless_accounts_are_no_proxies_and_crowd_nobody_out() {
    let members: Vec<String> = (0..20).map(|number| format!("'member-{number}'")).collect();
    let file = format!("[groups]\netl-ops = [{}]\n[end]", members.join(","));
    let file = Followed::unaged(Arc::new(ArcSwap::from_pointee(FileGroups::parse(&file).unwrap())));
    let world = world_with(Groups { file: Some((Whose::Everybody, file)), system: None });
    for number in 0..20 {
        let made = world.by_certificate(&format!("member-{number}"), "etl").await;
        assert_eq!(made, format!("member-{number}>etl"));
    }
    assert_eq!(world.acting.by_proxy(), Counted { most: 0, alarms: 0, uncounted: 0 });
}
