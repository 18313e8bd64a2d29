//! What a token opens, tried out: the emulator evaluates the boundary with a real CEL evaluator.

use lakegate_cloud_emulator::{Endpoint, Fault};
use lakegate_domain::{ObjectPath, Target};
use lakegate_sts::probe::{Canary, Finding, negative_probe};
use proptest::prelude::*;

use crate::cloud::Cloud;

/// Names next to a prefix that a careless boundary would open.
fn neighbours(inner: &str) -> Vec<String> {
    let close = ["_private/x", "x", "0", "!", "-x/y", "%2Fx"].map(|tail| [inner, tail].concat());
    let far = ["other/x", "wh/other", "x", "wh2/x"].map(str::to_owned);
    close.into_iter().chain(far).collect()
}

#[tokio::test]
async fn in01_in09_hostile_names_open_exactly_their_prefix() {
    let cloud = Cloud::start().await;
    for inner in [
        "wh/x') || true || ('",
        "wh/'",
        "wh/\"",
        "wh/'''",
        "wh/' || resource.name.startsWith('projects",
        "wh/') || resource.name == ('x",
        "wh/größe=10%3A00 數據 \u{1f600}",
        "wh/{\"a\":[1]}",
        "wh/a+b&grant_type=x;y?z",
        "wh/*",
        "wh/$(id)`{{x}}",
    ] {
        let token = opens_exactly(&cloud, inner).await;
        assert_eq!(token, Ok(()), "{inner}");
    }
}

/// Mints for the prefix `inner/` and tries the inside, the slashless name and the neighbours.
async fn opens_exactly(cloud: &Cloud, inner: &str) -> Result<(), String> {
    let prefix = ["gs://lake/", inner, "/"].concat();
    let scope = cloud.scope(&[(&prefix, "read+list")]);
    let token = cloud.minter().mint(&scope, 1).await.map_err(|error| error.to_string())?;
    let target = Target::parse(&prefix).map_err(|error| error.to_string())?;
    let inside = ["", "/part-0", "/a/b'c", "/ü"].map(|tail| [inner, tail].concat());
    for key in inside.into_iter().chain(neighbours(inner)) {
        let Ok(object) = ObjectPath::parse(&["gs://lake/", &key].concat()) else { continue };
        let covered = target.covers(&Target::Object(object));
        cloud.put(&[&key]);
        let wanted = if covered { 200 } else { 403 };
        let got = cloud.reads(&key, &token).await;
        if got != wanted {
            return Err(["read of ", &key, " answers ", &got.to_string()].concat());
        }
    }
    let listed = [inner, "/"].concat();
    let within = [&listed, "a"].concat();
    for (prefix, wanted) in [(&*listed, 200), (&*within, 200), (inner, 403), ("", 403), ("other/", 403)] {
        let got = cloud.lists(prefix, &token).await;
        if got != wanted {
            return Err(["list of ", prefix, " answers ", &got.to_string()].concat());
        }
    }
    Ok(())
}

#[test]
fn a_token_opens_exactly_the_covered_objects_whatever_the_name() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cloud = runtime.block_on(Cloud::start());
    let names = "[a-c'\"|(){}:;,.=&+%*$ é\u{4e00}-]{1,24}(/[a-c' ]{1,6})?";
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&names.prop_map(|name| ["wh/", &name].concat()), |inner| {
        prop_assume!(Target::parse(&["gs://lake/", &inner, "/"].concat()).is_ok());
        prop_assert_eq!(runtime.block_on(opens_exactly(&cloud, &inner)), Ok(()));
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn operations_open_what_they_say_and_no_more() {
    let cloud = Cloud::start().await;
    // What is allowed of: read, list, a new name, an overwrite, delete.
    for (operations, allowed) in [
        ("read", [true, false, false, false, false]),
        ("list", [false, true, false, false, false]),
        ("create", [false, false, true, false, false]),
        ("create+write+delete", [false, false, true, true, true]),
        ("read+list+create+write+delete", [true, true, true, true, true]),
    ] {
        cloud.put(&["wh/sales/old", "wh/sales/doomed"]);
        let scope = cloud.scope(&[("gs://lake/wh/sales/", operations)]);
        let token = cloud.minter().mint(&scope, 1).await.unwrap();
        let new = ["wh/sales/new-", operations].concat();
        let got = [
            cloud.reads("wh/sales/old", &token).await,
            cloud.lists("wh/sales/", &token).await,
            cloud.writes(&new, &token).await,
            cloud.writes("wh/sales/old", &token).await,
            cloud.deletes("wh/sales/doomed", &token).await,
        ];
        assert_eq!(got.map(|status| status < 300), allowed, "{operations}: {got:?}");
        assert_eq!(cloud.writes("wh/other/new", &token).await, 403, "{operations}");
        assert_eq!(cloud.deletes("wh/other", &token).await, 403, "{operations}");
    }
}

#[tokio::test]
async fn listing_a_whole_bucket_does_not_open_its_objects() {
    let cloud = Cloud::start().await;
    cloud.put(&["wh/x"]);
    let token = cloud.minter().mint(&cloud.scope(&[("gs://lake/", "list")]), 1).await.unwrap();
    assert_eq!((cloud.lists("", &token).await, cloud.reads("wh/x", &token).await), (200, 403));
    let pond = cloud.storage(reqwest::Method::GET, &["pond", "?prefix", ""], &token).await;
    assert_eq!(pond, 403, "another bucket stays closed");
}

#[tokio::test]
async fn several_parts_in_two_buckets_open_their_union() {
    let cloud = Cloud::start().await;
    cloud.put(&["wh/a/x", "wh/b/x"]);
    cloud.emulator.put_object("pond", "wh/a/x", "old").unwrap();
    let scope = cloud.scope(&[
        ("gs://lake/wh/a/", "read"),
        ("gs://lake/wh/b/", "create+write+delete"),
        ("gs://pond/wh/a/x", "read"),
    ]);
    let token = cloud.minter().mint(&scope, 1).await.unwrap();
    assert_eq!(cloud.reads("wh/a/x", &token).await, 200);
    assert_eq!(cloud.reads("wh/b/x", &token).await, 403);
    assert_eq!(cloud.writes("wh/b/x", &token).await, 200);
    assert_eq!(cloud.writes("wh/a/x", &token).await, 403);
    assert_eq!(cloud.storage(reqwest::Method::GET, &["pond", "wh/a/x"], &token).await, 200);
    assert_eq!(cloud.storage(reqwest::Method::DELETE, &["pond", "wh/a/x"], &token).await, 403);
}

#[tokio::test]
async fn st07_the_negative_probe_tells_a_confined_token_from_a_wide_one() {
    let cloud = Cloud::start().await;
    cloud.put(&["canary", "wh/sales/x"]);
    let scope = cloud.scopes().plain;
    let object = |key: &str| ObjectPath::parse(&["gs://lake/", key].concat()).unwrap();
    let canary = |key: &str| Canary::new(cloud.http.clone(), &cloud.url("/"), object(key)).unwrap();
    let confined = cloud.minter().mint(&scope, 1).await.unwrap();
    assert_eq!(negative_probe(&canary("canary"), &scope, &confined).await, Finding::Confined);
    assert_eq!(negative_probe(&canary("wh/sales/x"), &scope, &confined).await, Finding::Unclear);

    let wide = cloud.mint_with(Fault::BoundaryIgnored).await.unwrap();
    assert_eq!(negative_probe(&canary("canary"), &scope, &wide).await, Finding::Escaped);
    cloud.emulator.faults().until_cleared(Endpoint::Storage, Fault::Status { code: 503, retry_after: None });
    assert_eq!(negative_probe(&canary("canary"), &scope, &wide).await, Finding::Unclear);
}
