//! What a token opens when it is presented to a storage that enforces its boundary.

use anyhow::Result;
use http::Method;
use lakegate_domain::Operation;
use lakegate_testkit::{Bearer, bearer};

use crate::world::{DENIED, LIST, READ, World};

async fn writer(world: &World) -> Result<Bearer> {
    world.lake.emulator().put_object("lake-one", "data/sales/x", "1")?;
    world.lake.emulator().put_object("lake-one", "data/sales_secret/x", "2")?;
    world.lake.emulator().put_object("lake-one", "hr/x", "3")?;
    let all = [Operation::Read, Operation::List, Operation::Write, Operation::Delete];
    let token = world.alice.ask("gs://lake-one/data/sales/", &all).await?;
    world.lake.bearer(bearer(&token)?)
}

#[tokio::test]
async fn rp18_siblings_cannot_be_listed() -> Result<()> {
    let world = World::start().await?;
    let storage = writer(&world).await?;
    for prefix in ["", "d", "data/", "data/sales", "data/sales_", "hr/"] {
        assert_eq!(storage.list("lake-one", prefix).await?, 403, "{prefix}");
        let json = format!("/storage/v1/b/lake-one/o?prefix={}", prefix.replace('/', "%2F"));
        assert_eq!(storage.call(Method::GET, &json, "").await?.0, 403, "{prefix}");
    }
    for bare in ["/lake-one?list-type=2", "/lake-one", "/storage/v1/b/lake-one/o", "/storage/v1/b/lake-one"] {
        assert_eq!(storage.call(Method::GET, bare, "").await?.0, 403, "{bare}");
    }
    let (status, listing) =
        storage.call(Method::GET, "/lake-one?list-type=2&prefix=data%2Fsales%2F", "").await?;
    assert_eq!(status, 200);
    assert!(listing.contains("data/sales/x") && !listing.contains("secret"));
    Ok(())
}

#[tokio::test]
async fn rp19_nothing_outside_can_be_written_by_any_call() -> Result<()> {
    let world = World::start().await?;
    let storage = writer(&world).await?;
    let (inside, outside) = ("data%2Fsales%2Fx", "hr%2Fy");
    let to = |from: &str, to: &str| format!("/storage/v1/b/lake-one/o/{from}/rewriteTo/b/lake-one/o/{to}");
    for (method, path) in [
        (Method::POST, to(inside, outside)),
        (Method::POST, to("hr%2Fx", "data%2Fsales%2Fstolen")),
        (Method::POST, format!("/lake-one/{outside}?uploads")),
        (Method::GET, "/lake-one?uploads".to_owned()),
        (Method::POST, format!("/storage/v1/b/lake-one/o/{outside}/compose")),
        (Method::POST, "/upload/storage/v1/b/lake-one/o?uploadType=resumable&name=hr%2Fy".to_owned()),
        (Method::POST, "/storage/v1/b/lake-one/folders?name=hr%2Fy%2F".to_owned()),
        (Method::DELETE, "/lake-one/hr%2Fx".to_owned()),
        (Method::PUT, format!("/lake-one/{outside}")),
    ] {
        let (status, _) = storage.call(method.clone(), &path, "{}").await?;
        assert!((400..500).contains(&status), "{method} {path}: {status}");
    }
    assert_eq!(
        world.lake.emulator().object_names("lake-one"),
        ["data/sales/x", "data/sales_secret/x", "hr/x"]
    );
    let (status, _) = storage.call(Method::POST, &to(inside, "data%2Fsales%2Fy"), "{}").await?;
    assert_eq!(status, 200, "inside, a copy works");
    Ok(())
}

/// Hadoop's connector asks for a directory by its name without a slash, by its name with one, and by listing it.
#[tokio::test]
async fn a_datasets_root_opens_in_all_the_ways_that_hadoop_asks_for_it() -> Result<()> {
    let world = World::start().await?;
    let bob = world.lake.caller("bob")?;
    for (path, operations) in [
        ("gs://lake-one/data/sales", READ),
        ("gs://lake-one/data/sales/", READ),
        ("gs://lake-one/data/sales/", LIST),
        ("gs://lake-one/data/sales", LIST),
    ] {
        let token = bob.ask(path, operations).await?;
        assert_eq!(token.covered.first().unwrap().path, "gs://lake-one/data/sales/", "{path}");
        let storage = world.lake.bearer(bearer(&token)?)?;
        assert_eq!(storage.read("lake-one", "data/sales").await?, 404, "missing, not forbidden");
        assert_eq!(storage.read("lake-one", "data/sales/").await?, 404, "missing, not forbidden");
        assert_eq!(storage.list("lake-one", "data/sales/").await?, 200);
        assert_eq!(storage.write("lake-one", "data/sales/x").await?, 403);
    }
    assert_eq!(world.lake.emulator().calls().sts, 1, "one token served all four");
    Ok(())
}

#[tokio::test]
async fn a_datasets_root_is_refused_in_all_the_ways_that_hadoop_asks_for_it() -> Result<()> {
    let world = World::start().await?;
    let mallory = world.lake.caller("mallory")?;
    for path in ["gs://lake-one/data/sales", "gs://lake-one/data/sales/"] {
        for operations in [READ, LIST] {
            assert_eq!(world.told(&mallory.ask(path, operations).await.unwrap_err())?, DENIED, "{path}");
        }
    }
    Ok(())
}
