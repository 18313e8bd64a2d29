//! Paths that are paths, and what policy says of them.

use anyhow::Result;
use lakegate_domain::Operation;
use lakegate_proto::v1;
use lakegate_testkit::{bearer, part};

use crate::world::{DENIED, LIST, READ, World};

const NO_OPERATION: &str = "InvalidArgument INVALID_OPERATIONS deny request_form";

#[tokio::test]
async fn rp03_a_name_that_begins_alike_is_another_name() -> Result<()> {
    let world = World::start().await?;
    for path in ["gs://lake-one/data/sales_secret/x", "gs://lake-one/data/sales2", "gs://lake-one/data/"] {
        assert_eq!(world.read_is_refused(path).await?, DENIED, "{path}");
    }
    let token = world.alice.ask("gs://lake-one/data/sales/x", READ).await?;
    let storage = world.lake.bearer(bearer(&token)?)?;
    for (key, status) in [
        ("data/sales/x", 404),
        ("data/sales", 404),
        ("data/sales_secret/x", 403),
        ("data/sales2", 403),
        ("data/", 403),
    ] {
        assert_eq!(storage.read("lake-one", key).await?, status, "{key}");
    }
    Ok(())
}

#[tokio::test]
async fn rp04_an_object_is_not_the_prefix_of_its_name() -> Result<()> {
    let world = World::start().await?;
    for path in ["gs://lake-one/data/report/", "gs://lake-one/data/report/x", "gs://lake-one/data/report2"] {
        assert_eq!(world.read_is_refused(path).await?, DENIED, "{path}");
    }
    let token = world.alice.ask("gs://lake-one/data/report", READ).await?;
    assert_eq!(token.covered, [part("gs://lake-one/data/report", READ)]);
    let storage = world.lake.bearer(bearer(&token)?)?;
    for (key, status) in [("data/report", 404), ("data/report2", 403), ("data/report/x", 403)] {
        assert_eq!(storage.read("lake-one", key).await?, status, "{key}");
    }
    Ok(())
}

#[tokio::test]
async fn rp05_a_percent_sign_is_a_byte_like_any_other() -> Result<()> {
    let world = World::start().await?;
    for path in [
        "gs://lake-one/data/sales/hour=10%3A00/x",
        "gs://lake-one/data/sales/x=a%2Fb/",
        "gs://lake-one/data/sales/100%",
    ] {
        let answer = world.alice.ask(path, READ).await?;
        assert_eq!(answer.covered.first().unwrap().path, "gs://lake-one/data/sales/", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn rp05_an_encoded_slash_is_no_slash() -> Result<()> {
    let world = World::start().await?;
    assert_eq!(world.read_is_refused("gs://lake-one/data%2Fsales/x").await?, DENIED);
    assert_eq!(world.read_is_refused("gs://lake-one/data/sales%2Fx").await?, DENIED);
    Ok(())
}

#[tokio::test]
async fn rp06_names_that_look_alike_are_other_names() -> Result<()> {
    let world = World::start().await?;
    for path in [
        "gs://lake-one/d\u{430}ta/sales/x",
        "gs://lake-one/data\u{ff0f}sales/x",
        "gs://lake-one/data/sales\u{200b}/x",
        "gs://lake-one/data/sa\u{301}les/x",
        "gs://lake-one/DATA/sales/x",
    ] {
        assert_eq!(world.read_is_refused(path).await?, DENIED, "{path}");
    }
    world.serves().await;
    Ok(())
}

#[tokio::test]
async fn rp13_a_whole_bucket_needs_a_grant_of_its_root() -> Result<()> {
    let world = World::start().await?;
    for path in ["gs://lake-one", "gs://lake-one/", "gs://lake-two"] {
        assert_eq!(world.read_is_refused(path).await?, DENIED, "{path}");
        assert_eq!(world.told(&world.alice.ask(path, LIST).await.unwrap_err())?, DENIED, "{path}");
    }
    let ruth = world.lake.caller("ruth")?;
    let token = ruth.ask("gs://lake-two", &[Operation::Read, Operation::List]).await?;
    assert_eq!(token.covered.first().unwrap().path, "gs://lake-two/");
    let storage = world.lake.bearer(bearer(&token)?)?;
    assert_eq!(storage.read("lake-two", "anything").await?, 404);
    assert_eq!(storage.list("lake-two", "").await?, 200);
    assert_eq!(storage.read("lake-one", "data/sales/x").await?, 403, "another bucket");
    assert_eq!(storage.write("lake-two", "anything").await?, 403, "another operation");
    Ok(())
}

#[tokio::test]
async fn rp13_unknown_buckets_look_like_forbidden_ones() -> Result<()> {
    let world = World::start().await?;
    let told = world.read_is_refused("gs://nobodys-bucket/x").await?;
    assert_eq!(told, "PermissionDenied PERMISSION_DENIED deny unknown_bucket");
    Ok(())
}

#[tokio::test]
async fn rp15_a_deny_inside_narrows_and_is_never_cut_out() -> Result<()> {
    let world = World::start().await?;
    let carol = world.lake.caller("carol")?;
    for (path, operations) in [
        ("gs://lake-one/data/sales/", READ),
        ("gs://lake-one/data/sales/", LIST),
        ("gs://lake-one/data/sales/pii/x", READ),
        ("gs://lake-one/data/sales/pii", READ),
    ] {
        assert_eq!(world.told(&carol.ask(path, operations).await.unwrap_err())?, DENIED, "{path}");
    }
    let token = carol.ask("gs://lake-one/data/sales/us/x", READ).await?;
    assert_eq!(token.covered.first().unwrap().path, "gs://lake-one/data/sales/us/");
    let storage = world.lake.bearer(bearer(&token)?)?;
    assert_eq!(storage.read("lake-one", "data/sales/us/x").await?, 404);
    assert_eq!(storage.read("lake-one", "data/sales/pii/x").await?, 403);
    assert_eq!(storage.list("lake-one", "data/sales/").await?, 403);
    Ok(())
}

#[tokio::test]
async fn rp16_one_denied_part_denies_the_call() -> Result<()> {
    let world = World::start().await?;
    let good = part("gs://lake-one/data/sales/x", READ);
    for bad in ["gs://lake-one/hr/x", "gs://nobodys-bucket/x", "gs://lakegate-state/x"] {
        for parts in [vec![good.clone(), part(bad, READ)], vec![part(bad, READ), good.clone()]] {
            let refused = world.alice.ask_parts(parts).await.unwrap_err();
            assert!(world.told(&refused)?.starts_with("PermissionDenied PERMISSION_DENIED deny"), "{bad}");
            let record = world.lake.audit().record(&refused.audit_id)?;
            assert_eq!(record["parts"].as_array().unwrap().len(), 2, "both parts are on record");
        }
    }
    let two_storages = vec![good, part("gs://lake-two/x", READ)];
    let refused = world.lake.caller("ruth")?.ask_parts(two_storages).await.unwrap_err();
    assert!(["INVALID_PARTS", "PERMISSION_DENIED"].contains(&refused.reason.as_str()));
    world.serves().await;
    Ok(())
}

#[tokio::test]
async fn rp17_operations_have_no_default() -> Result<()> {
    let world = World::start().await?;
    let bob = world.lake.caller("bob")?;
    for operation in [Operation::Write, Operation::Create, Operation::Delete] {
        let refused = bob.ask("gs://lake-one/data/sales/x", &[operation]).await.unwrap_err();
        assert_eq!(world.told(&refused)?, DENIED, "{operation:?}");
    }
    for operations in [vec![], vec![0], vec![99], vec![1, 99], vec![-1], vec![i32::MAX]] {
        let asked = format!("{operations:?}");
        let path = "gs://lake-one/data/sales/x".to_owned();
        let refused = world.alice.ask_parts(vec![v1::Part { path, operations }]).await.unwrap_err();
        assert_eq!(world.told(&refused)?, NO_OPERATION, "{asked}");
    }
    world.serves().await;
    Ok(())
}

#[tokio::test]
async fn rp20_a_star_is_a_name() -> Result<()> {
    let world = World::start().await?;
    for path in
        ["gs://lake-one/data/*", "gs://lake-one/*/sales/x", "gs://lake-one/data/sale?/x", "gs://lake-one/**"]
    {
        assert_eq!(world.read_is_refused(path).await?, DENIED, "{path}");
    }
    let token = world.alice.ask("gs://lake-one/data/sales/*", READ).await?;
    let storage = world.lake.bearer(bearer(&token)?)?;
    assert_eq!(storage.read("lake-one", "data/sales/*").await?, 404);
    assert_eq!(storage.read("lake-one", "data/x").await?, 403);
    Ok(())
}

#[tokio::test]
async fn rp21_the_brokers_own_bucket_is_refused_above_all_policy() -> Result<()> {
    let world = World::start().await?;
    let own = "PermissionDenied PERMISSION_DENIED deny own_bucket";
    for path in ["gs://lakegate-state/policy.yaml", "gs://lakegate-state/", "gs://lakegate-state"] {
        assert_eq!(world.read_is_refused(path).await?, own, "{path}");
    }
    world.serves().await;
    Ok(())
}

#[tokio::test]
async fn between_one_and_four_parts_are_a_request() -> Result<()> {
    let world = World::start().await?;
    let of = |count| vec![part("gs://lake-one/data/sales/x", READ); count];
    for count in [0, 5, 50] {
        let refused = world.alice.ask_parts(of(count)).await.unwrap_err();
        assert_eq!(world.told(&refused)?, "InvalidArgument INVALID_PARTS deny request_form", "{count}");
    }
    let answer = world.alice.ask_parts(of(4)).await?;
    assert_eq!(answer.covered.len(), 1, "equal parts are one");
    Ok(())
}

#[tokio::test]
async fn in07_a_request_for_nothing_is_never_a_call_to_the_token_service() -> Result<()> {
    let world = World::start().await?;
    for path in ["", "/", "gs://lake-one", "gs://lake-one/", "gs://lakegate-state/", "gs://nobodys-bucket"] {
        for operations in [vec![], vec![1], vec![1, 2, 3, 4, 5]] {
            let request = vec![v1::Part { path: path.to_owned(), operations }];
            let refused = world.alice.ask_parts(request).await.unwrap_err();
            world.told(&refused)?;
        }
    }
    Ok(())
}
