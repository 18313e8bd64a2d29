//! Rules as they are read, and what they let through.

use super::*;

const HADOOPS_EXAMPLE: &str = r#"
[[proxies]]
principal = "hive"
groups = ["analysts"]
hosts = ["10.0.0.0/24", "10.1.2.3"]

[[proxies]]
principal = "nohost"
users = ["*"]
allow_any_user = true
"#;

fn name(text: &str) -> Principal {
    Principal::parse(text).unwrap()
}

/// The two lists that a file must have.
const NOBODY: &str = "blocked = []\nonly_for_others = []\n";

fn parse(rules: &str) -> Result<Rules, RulesError> {
    Rules::parse(&[NOBODY, rules].concat())
}

fn fault(text: &str) -> RuleFault {
    match parse(text) {
        Err(RulesError::Rule { fault, .. }) => fault,
        other => unreachable!("{other:?}"),
    }
}

/// Whether `real` may act for `effective`, who is in `groups`, from an address.
fn may(rules: &Rules, real: &str, (effective, groups): (&str, &[&str]), address: &str) -> Verdict {
    let names = HostNames::default();
    let from = Origin::Address(address.parse().unwrap(), &names);
    let is_member =
        |group: &GroupName| if groups.contains(&group.as_str()) { Verdict::Yes } else { Verdict::No };
    rules.proxy(&name(real), (&name(effective), &is_member), from)
}

#[test]
fn px01_proxies_are_what_they_are_to_hadoop() {
    let rules = parse(HADOOPS_EXAMPLE).unwrap();
    let alice: (&str, &[&str]) = ("alice", &["analysts"]);
    assert_eq!(may(&rules, "hive", alice, "10.0.0.9"), Verdict::Yes);
    assert_eq!(may(&rules, "hive", alice, "10.1.2.3"), Verdict::Yes);
    assert_eq!(may(&rules, "hive", alice, "10.0.1.9"), Verdict::No, "another host");
    assert_eq!(may(&rules, "hive", ("bob", &["other"]), "10.0.0.9"), Verdict::No, "another group");
    assert_eq!(may(&rules, "spark", alice, "10.0.0.9"), Verdict::No, "no rule");
    assert_eq!(may(&rules, "nohost", alice, "10.0.0.9"), Verdict::No, "no hosts are no host");
    assert_eq!(may(&rules, "Hive", alice, "10.0.0.9"), Verdict::No, "case counts");
}

#[test]
fn px01_users_and_groups_are_one_list_and_hosts_another() {
    let rules = parse(
        "[[proxies]]\nprincipal = 'p'\nusers = ['alice']\ngroups = ['g']\nhosts = ['10.0.0.1']\n\
         [[proxies]]\nprincipal = 'p'\nusers = ['carol']\nhosts = ['10.0.0.2']\n\
         [[proxies]]\nprincipal = 'q'\nhosts = ['10.0.0.1']",
    )
    .unwrap();
    assert_eq!(may(&rules, "p", ("alice", &[]), "10.0.0.1"), Verdict::Yes);
    assert_eq!(may(&rules, "p", ("bob", &["g"]), "10.0.0.1"), Verdict::Yes);
    assert_eq!(may(&rules, "p", ("bob", &[]), "10.0.0.1"), Verdict::No);
    assert_eq!(may(&rules, "p", ("carol", &[]), "10.0.0.2"), Verdict::Yes);
    assert_eq!(may(&rules, "p", ("carol", &[]), "10.0.0.1"), Verdict::No, "hosts are the rule's own");
    assert_eq!(may(&rules, "q", ("alice", &["g"]), "10.0.0.1"), Verdict::No, "nobody named is nobody");
}

#[test]
fn px02_everybody_and_everywhere_want_a_flag() {
    for list in ["users", "groups"] {
        let text = format!("[[proxies]]\nprincipal = 'p'\n{list} = ['alice', '*']\nhosts = ['10.0.0.1']\n");
        assert_eq!(fault(&text), RuleFault::AnyUser, "{list}");
        let rules = parse(&[&text, "allow_any_user = true"].concat()).unwrap();
        assert_eq!(may(&rules, "p", ("anybody", &[]), "10.0.0.1"), Verdict::Yes);
    }
    let text = "[[proxies]]\nprincipal = 'p'\nusers = ['alice']\nhosts = ['*']\nallow_any_user = true\n";
    assert_eq!(fault(text), RuleFault::AnyHost);
    parse(&[text, "allow_any_host = true"].concat()).unwrap();
    assert_eq!(fault("[[headless]]\nprincipal = 'e'\ngroups = ['*']"), RuleFault::AnyMember);
}

#[test]
fn px04_an_empty_string_matches_nothing_and_unknown_keys_are_refused() {
    let rules = parse(
        "[[proxies]]\nprincipal = 'p'\nusers = ['']\ngroups = ['']\nhosts = ['', '10.0.0.1']\n\
         [[headless]]\nprincipal = 'e'\ngroups = ['']\nhosts = ['10.0.0.1']",
    )
    .unwrap();
    assert_eq!(may(&rules, "p", ("alice", &["g"]), "10.0.0.1"), Verdict::No);
    assert_eq!(rules.headless(&name("e"), &|_| Verdict::Yes, Origin::Token), Verdict::No);
    for bad in [
        "blokked = []",
        "[[proxies]]\nprincipal = 'p'\nuser = ['alice']",
        "[[headless]]\nprincipal = 'e'\nmembers = ['g']",
        "[[proxies]]\nusers = ['alice']",
        "[[proxies]]\nprincipal = '*'",
    ] {
        assert!(matches!(parse(bad), Err(RulesError::Syntax(_))), "{bad}");
    }
    for bad in ["blocked = ['*']", "blocked = ['']"] {
        let error = Rules::parse(&[bad, "\nonly_for_others = []"].concat()).unwrap_err();
        assert!(matches!(error, RulesError::Syntax(_)), "{bad}");
    }
    assert_eq!(fault("[[proxies]]\nprincipal = 'p'\nusers = ['a b']"), RuleFault::User);
    assert_eq!(fault("[[proxies]]\nprincipal = 'p'\ngroups = ['a b']"), RuleFault::Group);
    assert_eq!(fault("[[proxies]]\nprincipal = 'p'\nhosts = ['a b']"), RuleFault::Host);
}

#[test]
fn px07_an_unknown_membership_is_neither_yes_nor_no() {
    let rules = parse(
        "[[proxies]]\nprincipal = 'p'\nusers = ['alice']\ngroups = ['g']\nhosts = ['10.0.0.1']\n\
         [[headless]]\nprincipal = 'e'\ngroups = ['g']\nhosts = ['10.0.0.1']",
    )
    .unwrap();
    let names = HostNames::default();
    let unknown = |_: &GroupName| Verdict::Unknown;
    let proxy = |effective: &str, address: &str| {
        let from = Origin::Address(address.parse().unwrap(), &names);
        rules.proxy(&name("p"), (&name(effective), &unknown), from)
    };
    assert_eq!(proxy("bob", "10.0.0.1"), Verdict::Unknown);
    assert_eq!(proxy("bob", "10.0.0.2"), Verdict::No, "whatever the groups are");
    assert_eq!(proxy("alice", "10.0.0.1"), Verdict::Yes, "named by itself");
    assert_eq!(rules.headless(&name("e"), &unknown, Origin::Token), Verdict::Unknown);
}

#[test]
fn members_of_a_group_may_act_as_a_headless_account() {
    let rules =
        parse("[[headless]]\nprincipal = 'etl'\ngroups = ['ops', 'oncall']\nhosts = ['10.0.0.0/8']").unwrap();
    let names = HostNames::default();
    let from = |address: &str| Origin::Address(address.parse().unwrap(), &names);
    let ops = |group: &GroupName| if group.as_str() == "oncall" { Verdict::Yes } else { Verdict::No };
    assert!(rules.is_headless(&name("etl")) && !rules.is_headless(&name("alice")));
    assert_eq!(rules.headless(&name("etl"), &ops, from("10.0.0.1")), Verdict::Yes);
    assert_eq!(rules.headless(&name("etl"), &ops, from("11.0.0.1")), Verdict::No);
    assert_eq!(rules.headless(&name("etl"), &|_| Verdict::No, from("10.0.0.1")), Verdict::No);
    assert_eq!(rules.headless(&name("alice"), &ops, from("10.0.0.1")), Verdict::No);
}

#[test]
fn px06_a_rule_whose_hosts_are_taken_away_gives_no_right_to_tokens_either() {
    let rule = "[[proxies]]\nprincipal = 'p'\nusers = ['alice']\n";
    let stands = |text: &str| {
        let rules = parse(text).unwrap();
        rules.proxy(&name("p"), (&name("alice"), &|_| Verdict::No), Origin::Token)
    };
    assert_eq!(stands(&[rule, "hosts = ['10.0.0.1']"].concat()), Verdict::Yes);
    assert_eq!(stands(&[rule, "hosts = ['']"].concat()), Verdict::No);
    assert_eq!(stands(rule), Verdict::No);
}

#[test]
fn px03_a_file_that_is_cut_off_anywhere_lets_nobody_do_more() {
    let whole = "blocked = ['hdfs', 'root']\nonly_for_others = ['knox']\n\n[[proxies]]\nprincipal = 'hive'\n\
                 users = [\n 'alice',\n 'bob',\n]\nhosts = ['10.0.0.1', '10.0.0.2']\nallow_any_host = false\n\
                 [[headless]]\nprincipal = 'etl'\ngroups = ['ops']\nhosts = ['10.0.0.1']\n";
    let all = Rules::parse(whole).unwrap();
    let mut taken = 0;
    for length in 0..whole.len() {
        let Ok(rules) = Rules::parse(&whole[..length]) else { continue };
        taken += 1;
        for blocked in ["hdfs", "root"] {
            assert!(rules.blocks(&name(blocked)), "{blocked} is free at {length}");
        }
        assert!(rules.is_only_for_others(&name("knox")), "at {length}");
        for user in ["alice", "bob", "carol"] {
            for address in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
                let allowed = may(&all, "hive", (user, &[]), address);
                assert!([Verdict::No, allowed].contains(&may(&rules, "hive", (user, &[]), address)));
            }
        }
    }
    assert!(taken > 3, "cut off between rules it is a file like any other");
    for (cut, missing) in
        [("", "blocked"), ("# blocked\n", "blocked"), ("blocked = ['hdfs']\n", "only_for_others")]
    {
        let error = Rules::parse(cut).unwrap_err().to_string();
        assert_eq!(error, format!("{missing} is missing: write {missing} = [] where nobody stands in it"));
    }
}
