//! The walk-up against a linear scan, and what replacing and evicting leave behind.

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::answer::{self, Context};
use crate::freshness::Moment;
use crate::testing::{HOUR, MINUTE, answer, ops, part, start};
use crate::token::Origin;

fn now() -> Moment {
    Moment { wall: start(), monotonic: Instant::now() }
}

fn token_until(covered: &[Part], secret: &str, life: Duration) -> Arc<BrokeredToken> {
    let context = Context { asked: &[], received: now(), origin: Origin::Request };
    Arc::new(answer::read(answer(covered, secret, start().plus(life)), context).unwrap())
}

fn token(covered: &[Part], secret: &str) -> Arc<BrokeredToken> {
    token_until(covered, secret, HOUR)
}

fn secret(token: &BrokeredToken) -> &str {
    match token.credential() {
        lakegate_domain::Credential::Bearer(secret) => secret.expose(),
        _ => "",
    }
}

fn live(tier: &Tier, wanted: Wanted<'_>) -> Option<Arc<BrokeredToken>> {
    match tier.find(wanted, now) {
        Found::Live(slot) => Some(Arc::clone(&slot.token)),
        Found::Stale(_) | Found::Nothing => None,
    }
}

fn finds(tier: &Tier, path: &str, operations: &str) -> Option<String> {
    let target = Target::parse(path).unwrap();
    live(tier, Wanted::One(&target, ops(operations))).map(|token| secret(&token).to_owned())
}

#[test]
fn a_prefix_serves_what_is_below_it_and_its_slashless_object() {
    let tier = Tier::new(10);
    tier.put(token(&[part("gs://lake/wh/sales/", "read+list")], "t"), None, now());
    for covered in
        ["gs://lake/wh/sales/", "gs://lake/wh/sales", "gs://lake/wh/sales/a/b/c", "gs://lake/wh/sales/d/"]
    {
        assert_eq!(finds(&tier, covered, "read").as_deref(), Some("t"), "{covered}");
    }
    assert_eq!(finds(&tier, "gs://lake/wh/sales/a", "read+write"), None);
}

#[test]
fn cl09_a_token_is_not_offered_for_a_name_that_only_begins_alike() {
    let tier = Tier::new(10);
    tier.put(token(&[part("gs://lake/a/b/", "read")], "prefix"), None, now());
    tier.put(token(&[part("gs://lake/x/y", "read")], "object"), None, now());
    for other in [
        "gs://lake/a/bc",
        "gs://lake/a/bc/d",
        "gs://lake/a/",
        "gs://lake/a",
        "s3://lake/a/b/c",
        "gs://lake2/a/b/c",
        "gs://lake/x/y/z",
        "gs://lake/x/y/",
        "gs://lake/x/yz",
        "gs://lake/x",
    ] {
        assert_eq!(finds(&tier, other, "read"), None, "{other}");
    }
}

#[test]
fn cl09_the_tier_keeps_to_the_list_that_the_broker_is_held_to() {
    let list = include_str!("../../../crates/domain/vectors/reach.txt");
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [holder, asked, verdict] = words[..] else { panic!("{line}") };
        let tier = Tier::new(10);
        tier.put(token(&[part(holder, "read")], "t"), None, now());
        assert_eq!(finds(&tier, asked, "read").is_some(), verdict == "yes", "{line}");
        let removed = tier.remove_covering(&[part(asked, "read")]);
        assert_eq!(removed == 1, verdict == "yes", "a denial of what it covers takes it: {line}");
    }
}

#[test]
fn the_narrowest_covering_token_is_served() {
    let tier = Tier::new(10);
    tier.put(token(&[part("gs://lake/", "read")], "root"), None, now());
    tier.put(token(&[part("gs://lake/wh/", "read")], "wh"), None, now());
    tier.put(token(&[part("gs://lake/wh/sales/one", "read")], "one"), None, now());
    assert_eq!(finds(&tier, "gs://lake/wh/sales/one", "read").as_deref(), Some("one"));
    assert_eq!(finds(&tier, "gs://lake/wh/sales/two", "read").as_deref(), Some("wh"));
    assert_eq!(finds(&tier, "gs://lake/hr", "read").as_deref(), Some("root"));
    assert_eq!(finds(&tier, "gs://lake/", "read").as_deref(), Some("root"));
}

#[test]
fn a_token_of_several_parts_serves_only_requests_of_several_parts() {
    let tier = Tier::new(10);
    let copy = [part("gs://lake/a/", "read"), part("gs://lake/b/", "write")];
    tier.put(token(&copy, "copy"), None, now());
    assert_eq!(finds(&tier, "gs://lake/a/x", "read"), None);
    let other_file = [part("gs://lake/a/x", "read"), part("gs://lake/b/y", "write")];
    assert_eq!(
        live(&tier, Wanted::Parts(&other_file)).map(|t| secret(&t).to_owned()).as_deref(),
        Some("copy")
    );
    let elsewhere = [part("gs://lake/a/x", "read"), part("gs://lake/c/y", "write")];
    assert!(live(&tier, Wanted::Parts(&elsewhere)).is_none());
}

#[test]
fn a_successor_takes_the_place_of_what_covers_the_same() {
    let tier = Tier::new(10);
    let sales = [part("gs://lake/wh/sales/", "read")];
    tier.put(token(&sales, "old"), None, now());
    tier.put(token(&sales, "new"), None, now());
    assert_eq!(tier.len(), 1);
    assert_eq!(finds(&tier, "gs://lake/wh/sales/x", "read").as_deref(), Some("new"));
}

#[test]
fn a_narrower_successor_ends_the_use_of_the_wider_token() {
    let tier = Tier::new(10);
    tier.put(token(&[part("gs://lake/wh/", "read")], "wide"), None, now());
    let Found::Live(wide) = tier.find(Wanted::Parts(&[part("gs://lake/wh/", "read")]), now) else { panic!() };
    tier.put(token(&[part("gs://lake/wh/sales/", "read")], "narrow"), Some(&wide), now());
    assert_eq!(finds(&tier, "gs://lake/wh/hr/x", "read"), None);
    assert_eq!(finds(&tier, "gs://lake/wh/sales/x", "read").as_deref(), Some("narrow"));
}

#[test]
fn a_full_tier_gives_up_what_ends_soonest() {
    let tier = Tier::new(32);
    for index in 0..100_u32 {
        let covered = [part(&format!("gs://lake/t{index}/"), "read")];
        tier.put(token_until(&covered, "t", MINUTE * (100 - index + 1)), None, now());
        assert!(tier.len() <= 32);
    }
    assert!(finds(&tier, "gs://lake/t99/x", "read").is_some(), "the newest is there whatever its end");
    let held = |index: u32| finds(&tier, &format!("gs://lake/t{index}/x"), "read").is_some();
    assert!((0..25).all(held), "those that live longest stay");
    assert!(!(40..95).any(held), "those that end soonest go");
}

#[test]
fn a_removed_token_leaves_nothing_behind() {
    let tier = Tier::new(10);
    let held = token(&[part("gs://lake/a/", "read"), part("gs://pond/b", "write")], "t");
    tier.put(Arc::clone(&held), None, now());
    tier.remove(&held);
    assert_eq!(tier.len(), 0);
    assert!(tier.index.load().is_empty());
}

fn any_key() -> impl Strategy<Value = String> {
    vec(prop::sample::select(vec!["a", "b", "ab", "a_b", "aa"]), 0..4).prop_map(|segments| segments.join("/"))
}

fn any_part() -> impl Strategy<Value = Part> {
    (any_key(), any::<bool>(), 1..32_u8, prop::sample::select(vec!["gs://lake", "s3://lake"])).prop_map(
        |(key, is_prefix, bits, bucket)| {
            let slash = if is_prefix && !key.is_empty() { "/" } else { "" };
            let target = Target::parse(&format!("{bucket}/{key}{slash}")).unwrap();
            let operations: OperationSet = lakegate_domain::Operation::ALL
                .into_iter()
                .filter(|operation| bits & 1 << *operation as u8 != 0)
                .collect();
            Part::new(target, operations).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn cl09_walking_up_finds_a_token_exactly_when_a_scan_with_the_domains_matcher_does(
        held in vec(vec(any_part(), 1..3), 0..8),
        leaving in 0..8_usize,
        asked in vec(any_part(), 1..3),
    ) {
        let tier = Tier::new(100);
        let mut scanned: Vec<Arc<BrokeredToken>> = Vec::new();
        for covered in &held {
            let token = token(covered, "t");
            scanned.retain(|other| other.covered() != token.covered());
            scanned.push(Arc::clone(&token));
            tier.put(token, None, now());
        }
        if leaving < scanned.len() {
            tier.remove(&scanned.swap_remove(leaving));
        }
        let by_scan = scanned.iter().any(|token| {
            (token.covered().len() == 1 || asked.len() > 1)
                && asked.iter().all(|wanted| token.covered().iter().any(|mine| mine.covers(wanted)))
        });
        let found = live(&tier, Wanted::Parts(&asked));
        prop_assert_eq!(found.is_some(), by_scan);
        if let [one] = asked.as_slice() {
            let borrowed = tier.hit(Wanted::One(one.target(), one.operations()), now, |_, _| ());
            prop_assert_eq!(borrowed.is_some(), by_scan);
        }
        prop_assert_eq!(tier.len(), scanned.len());
    }
}
