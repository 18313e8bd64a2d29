//! Hadoop's own `KerberosName` and `DefaultImpersonationProvider` against our mapping and rules, on random cases. What we refuse to load is left out; what we load must mean the same.

use anyhow::Result;
use lakegate_broker::acting::{Mapping, MappingSettings, NotMapped};
use lakegate_domain::{Operation, Principal};
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{ActingOptions, Deployment, Options, RunGenerator};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::java::{self, RULES};

/// How many random names are mapped by random rules.
const NAMES: usize = 4_000;

fn pick(random: &mut StdRng, from: &[&'static str]) -> &'static str {
    from.choose(random).copied().unwrap_or_default()
}

fn repeated(random: &mut StdRng, most: usize, mut piece: impl FnMut(&mut StdRng) -> String) -> String {
    let count = random.random_range(1..=most);
    (0..count).map(|_| piece(random)).collect()
}

/// A pattern of what both languages have, and sometimes of what they have not.
fn pattern(random: &mut StdRng, groups: bool) -> String {
    const ATOMS: [&str; 16] =
        ["a", "b", "A", "x", "0", "-", "_", ".", r"\.", "@", ";", "[a-c]", "[^@]", r"\d", r"\w", r"[x\-0]"];
    const TIMES: [&str; 14] = ["", "", "", "", "", "*", "+", "?", "*?", "+?", "??", "{1,2}", "{2}", "*+"];
    repeated(random, 4, |random| {
        let atom = pick(random, &ATOMS).to_owned();
        let atom = match random.random_range(0..8) {
            0 if groups => format!("({atom})"),
            1 if groups => format!("({atom}|{})", pick(random, &ATOMS)),
            2 if groups => format!("(?:{atom})"),
            3 => format!("{atom}|{}", pick(random, &ATOMS)),
            4 => format!("{}{atom}", pick(random, &["^", r"\b", "", "(?i)"])),
            _ => atom,
        };
        let end = if random.random_range(0..12) == 0 { "$" } else { "" };
        [&atom, pick(random, &TIMES), end].concat()
    })
}

fn rule(random: &mut StdRng) -> String {
    if random.random_range(0..6) == 0 {
        return "DEFAULT".to_owned();
    }
    let (count, format) = match random.random_range(0..8) {
        0 => ("1", "$1@$0"),
        1 => ("2", "$1;$2"),
        2 => ("2", "$1@$0"),
        3 => ("2", "$0$2-$1"),
        4 => ("2", "$1"),
        5 => ("1", "x$1"),
        _ => ("1", "$1"),
    };
    let filter = match random.random_range(0..3) {
        0 => String::new(),
        1 => "(.*)".to_owned(),
        _ => format!("({})", pattern(random, false)),
    };
    let to = |random: &mut StdRng| {
        let pieces = ["", "q", "Q", "$0", "$1", "$2", r"\$", r"\\", "-", "$10"];
        repeated(random, 3, |random| pick(random, &pieces).to_owned())
    };
    let change = match random.random_range(0..3) {
        0 => String::new(),
        _ => format!("s/{}/{}/{}", pattern(random, true), to(random), pick(random, &["", "g"])),
    };
    format!("RULE:[{count}:{format}]{filter}{change}{}", pick(random, &["", "", "/L"]))
}

fn name(random: &mut StdRng) -> String {
    let part = |random: &mut StdRng| {
        repeated(random, 4, |random| pick(random, &["a", "b", "A", "x", "0", "-", "_", "."]).to_owned())
    };
    let (first, second) = (part(random), part(random));
    let realm = pick(random, &["EXAMPLE.COM", "EXAMPLE.COM", "A.B", "x"]);
    match random.random_range(0..10) {
        0 => first,
        1 => format!("{first}/{second}/x@{realm}"),
        2 => format!("{first}@{second}@{realm}"),
        3..6 => format!("{first}/{second}@{realm}"),
        _ => format!("{first}@{realm}"),
    }
}

/// Our verdict on a name, as Hadoop's program words its own.
fn ours(mapping: &Mapping, name: &str) -> Result<String, NotMapped> {
    mapping.apply(name).map(|principal| principal.to_string())
}

#[tokio::test]
async fn names_are_mapped_as_hadoop_maps_them() -> Result<()> {
    let mut random = StdRng::seed_from_u64(7731);
    let mut cases = Vec::new();
    while cases.len() < NAMES {
        let rules: Vec<String> = (0..random.random_range(1..4)).map(|_| rule(&mut random)).collect();
        let mechanism = pick(&mut random, &["hadoop", "mit"]);
        cases.push((mechanism, rules.join(" "), name(&mut random)));
    }
    let lines: Vec<String> =
        cases.iter().map(|(mechanism, rules, name)| [*mechanism, rules, name].join("\t")).collect();
    let facts = java::run_on(RULES, "names", &lines.join("\n")).await?;
    let (mut compared, mut mapped) = (0, 0);
    for (number, (mechanism, rules, name)) in cases.iter().enumerate() {
        let theirs = facts[&number.to_string()].as_str();
        let settings = MappingSettings {
            auth_to_local: Some(rules.clone()),
            default_realm: Some("EXAMPLE.COM".to_owned()),
            mechanism: serde_json::from_value((*mechanism).into())?,
            ..MappingSettings::default()
        };
        // What Java refuses as it is asked, we refuse as it is loaded; what we refuse beyond that is said in docs/acting.md.
        let Ok(mapping) = Mapping::new(&settings) else { continue };
        assert!(!theirs.starts_with("-rules"), "{rules}: {theirs}");
        compared += 1;
        let ours = ours(&mapping, name);
        let context = format!("case {number}: {rules} on {name}: {theirs}, ours {ours:?}");
        match theirs.strip_prefix('+') {
            Some(short) if Principal::parse(short).is_ok() => {
                assert_eq!(ours.as_deref(), Ok(short), "{context}");
            }
            Some(_) => assert_eq!(ours, Err(NotMapped::NoPrincipal), "{context}"),
            None => assert_eq!(ours, Err(NotMapped::NoRule), "{context}"),
        }
        mapped += usize::from(theirs.starts_with('+'));
    }
    assert!(compared > NAMES / 3 && mapped > NAMES / 8, "only {compared} compared, {mapped} mapped");
    Ok(())
}

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
groups: [{ name: g1, members: ["principal:u1", "principal:u2"] }, { name: g2, members: ["principal:u2"] }]
rules:
  - { id: r, effect: allow, on: { prefix: "gs://lake-one/x/" }, to: ["principal:u0", "principal:u1", "principal:u2"], operations: [read] }
"#;

/// The groups of a user in that policy.
fn groups_of(user: &str) -> &'static str {
    match user {
        "u1" => "g1",
        "u2" => "g1,g2",
        _ => "none",
    }
}

fn list(entries: &str) -> String {
    let quoted: Vec<String> = entries.split(',').map(|entry| format!("'{entry}'")).collect();
    if entries == "-" { "[]".to_owned() } else { format!("[{}]", quoted.join(", ")) }
}

#[tokio::test]
async fn proxies_may_act_for_whom_and_from_where_they_may_in_hadoop() -> Result<()> {
    let users = ["-", "u0", "u1,u2", "*"];
    let groups = ["-", "g1", "g2", "g1,g2"];
    let hosts = ["-", "127.0.0.1", "127.0.0.2,10.0.0.0/8", "127.0.0.0/30", "127.0.0.0/31,::1", "*"];
    let mut random = StdRng::seed_from_u64(11);
    let mut cases = Vec::new();
    for _ in 0..60 {
        let rule = [pick(&mut random, &users), pick(&mut random, &groups), pick(&mut random, &hosts)];
        for _ in 0..4 {
            let who = pick(&mut random, &["hive", "hive", "hive", "spark"]);
            let user = pick(&mut random, &["u0", "u1", "u2"]);
            let from = pick(&mut random, &["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]);
            cases.push((rule, who, user, from));
        }
    }
    let line = |(rule, who, user, from): &([&str; 3], &str, &str, &str)| {
        [&rule.join("\t"), *who, *user, groups_of(user), *from].join("\t")
    };
    let lines: Vec<String> = cases.iter().map(line).collect();
    let facts = java::run_on(RULES, "proxies", &lines.join("\n")).await?;
    let acting = ActingOptions::default();
    let options = Options {
        generator: RunGenerator::Absent,
        acting: acting.clone(),
        ..Options::of(PolicyDocument::from_yaml(POLICY)?)
    };
    let lake = Deployment::start(options).await?;
    let mut allowed = 0;
    for (number, ([users, groups, hosts], who, user, from)) in cases.iter().enumerate() {
        acting.replace_rules(&format!(
            "blocked = []\nonly_for_others = []\n[[proxies]]\nprincipal = 'hive'\nusers = {}\ngroups = {}\nhosts = {}\nallow_any_user = true\nallow_any_host = true",
            list(users),
            list(groups),
            list(hosts)
        ))?;
        let caller = lake.caller_from(who, from.parse()?)?;
        let ours = caller.ask_for(user, "gs://lake-one/x/", &[Operation::Read]).await.is_ok();
        assert_eq!(ours.to_string(), facts[&number.to_string()], "case {number}: {:?}", lines.get(number));
        allowed += usize::from(ours);
    }
    assert!(allowed > 20, "only {allowed} of {} were allowed", cases.len());
    Ok(())
}
