//! The real `object_store` client against the XML dialect.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};

use crate::support::World;

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

#[tokio::test]
async fn objects_are_put_read_in_parts_and_described() {
    let world = World::start().await;
    let store = world.store(&world.writer().await);
    let key = path("wh/sales/dt=1/hour=10%3A00/ä b+c.parquet");
    let put = store.put(&key, PutPayload::from_static(b"0123456789")).await.unwrap();
    assert!(put.e_tag.is_some() && put.version.is_some());
    assert_eq!(world.emulator.object("lake", key.as_ref()).unwrap(), Bytes::from_static(b"0123456789"));

    let read = store.get(&key).await.unwrap();
    assert_eq!((read.meta.size, &read.meta.e_tag, &read.meta.version), (10, &put.e_tag, &put.version));
    assert_eq!(read.bytes().await.unwrap(), Bytes::from_static(b"0123456789"));
    assert_eq!(store.get_range(&key, 2..5).await.unwrap(), Bytes::from_static(b"234"));
    let suffix = GetOptions { range: Some(GetRange::Suffix(3)), ..GetOptions::default() };
    assert_eq!(
        store.get_opts(&key, suffix).await.unwrap().bytes().await.unwrap(),
        Bytes::from_static(b"789")
    );
    let head = store.head(&key).await.unwrap();
    assert_eq!((head.size, head.e_tag), (10, put.e_tag));
    assert!(matches!(store.get(&path("wh/sales/none")).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn creating_and_conditional_replacing_hold_their_conditions() {
    let world = World::start().await;
    let store = world.store(&world.writer().await);
    let key = path("wh/sales/a");
    let create = PutOptions::from(PutMode::Create);
    let first = store.put_opts(&key, PutPayload::from_static(b"1"), create.clone()).await.unwrap();
    let again = store.put_opts(&key, PutPayload::from_static(b"2"), create).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    let update =
        PutMode::Update(UpdateVersion { e_tag: first.e_tag.clone(), version: first.version.clone() });
    store.put_opts(&key, PutPayload::from_static(b"3"), update.clone().into()).await.unwrap();
    let stale = store.put_opts(&key, PutPayload::from_static(b"4"), update.into()).await;
    assert!(matches!(stale, Err(Error::Precondition { .. })));
    assert_eq!(world.emulator.object("lake", "wh/sales/a").unwrap(), Bytes::from_static(b"3"));

    let known = GetOptions { if_none_match: first.e_tag.clone(), ..GetOptions::default() };
    assert!(store.get_opts(&key, known).await.is_ok(), "the object is another by now");
    let current = store.head(&key).await.unwrap().e_tag;
    let known = GetOptions { if_none_match: current, ..GetOptions::default() };
    assert!(matches!(store.get_opts(&key, known).await, Err(Error::NotModified { .. })));
    let other = GetOptions { if_match: first.e_tag, ..GetOptions::default() };
    assert!(matches!(store.get_opts(&key, other).await, Err(Error::Precondition { .. })));
    let changed = store.head(&key).await.unwrap().last_modified;
    let since = GetOptions { if_modified_since: Some(changed), ..GetOptions::default() };
    assert!(matches!(store.get_opts(&key, since).await, Err(Error::NotModified { .. })));
    let since = GetOptions { if_unmodified_since: Some(changed), ..GetOptions::default() };
    assert!(store.get_opts(&key, since).await.is_ok());
    let before = changed - Duration::from_secs(1);
    let since = GetOptions { if_modified_since: Some(before), ..GetOptions::default() };
    assert!(store.get_opts(&key, since).await.is_ok());
    let since = GetOptions { if_unmodified_since: Some(before), ..GetOptions::default() };
    assert!(matches!(store.get_opts(&key, since).await, Err(Error::Precondition { .. })));
    let version = GetOptions { version: first.version, ..GetOptions::default() };
    assert!(matches!(store.get_opts(&key, version).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn listings_are_grouped_bounded_and_paged() {
    let world = World::start().await;
    for index in 0..1203 {
        world.emulator.put_object("lake", &format!("wh/sales/day/{index:04}"), "x").unwrap();
    }
    world.emulator.put_object("lake", "wh/sales/top & <tail>", "x").unwrap();
    world.emulator.put_object("lake", "wh/sales2/secret", "x").unwrap();
    let store = world.store(&world.reader().await);
    let all: Vec<_> = store.list(Some(&path("wh/sales"))).try_collect().await.unwrap();
    assert_eq!(all.len(), 1204);
    let before = world.emulator.calls().storage_list;
    assert_eq!(before, 2, "the listing came in two pages");
    let grouped = store.list_with_delimiter(Some(&path("wh/sales"))).await.unwrap();
    assert_eq!(grouped.common_prefixes, [path("wh/sales/day")]);
    assert_eq!(grouped.objects.len(), 1);
    assert_eq!(grouped.objects[0].location.as_ref(), "wh/sales/top & <tail>");
    let after = path("wh/sales/day/1200");
    let rest: Vec<_> = store.list_with_offset(Some(&path("wh/sales")), &after).try_collect().await.unwrap();
    assert_eq!(rest.len(), 3);
}

#[tokio::test]
async fn objects_are_copied_renamed_and_deleted() {
    let world = World::start().await;
    world.emulator.put_object("lake", "wh/sales/a b", "1").unwrap();
    let store = world.store(&world.writer().await);
    let (from, to) = (path("wh/sales/a b"), path("wh/sales/c"));
    store.copy(&from, &to).await.unwrap();
    assert!(matches!(store.copy_if_not_exists(&from, &to).await, Err(Error::AlreadyExists { .. })));
    store.rename(&from, &path("wh/sales/d")).await.unwrap();
    store.delete(&to).await.unwrap();
    assert!(matches!(store.delete(&to).await, Err(Error::NotFound { .. })));
    assert_eq!(world.emulator.object_names("lake"), ["wh/sales/d"]);
}

#[tokio::test]
async fn multipart_uploads_are_completed_or_aborted() {
    let world = World::start().await;
    let store = world.store(&world.writer().await);
    let mut upload = store.put_multipart(&path("wh/sales/big")).await.unwrap();
    for text in ["first ", "second ", "third"] {
        upload.put_part(PutPayload::from(text)).await.unwrap();
    }
    assert!(world.emulator.object("lake", "wh/sales/big").is_none());
    let put = upload.complete().await.unwrap();
    assert!(put.e_tag.is_some() && put.version.is_some());
    assert_eq!(
        world.emulator.object("lake", "wh/sales/big").unwrap(),
        Bytes::from_static(b"first second third")
    );

    let mut upload = store.put_multipart(&path("wh/sales/gone")).await.unwrap();
    upload.put_part(PutPayload::from_static(b"x")).await.unwrap();
    upload.abort().await.unwrap();
    assert!(upload.complete().await.is_err());
    assert!(world.emulator.object("lake", "wh/sales/gone").is_none());
}

#[tokio::test]
async fn rp03_a_downscoped_client_stays_inside_its_prefix() {
    let world = World::start().await;
    world.emulator.put_object("lake", "wh/sales/a", "1").unwrap();
    world.emulator.put_object("lake", "wh/sales2/a", "1").unwrap();
    let store = world.store(&world.writer().await);
    let denied = |error: Error| matches!(error, Error::PermissionDenied { .. });
    assert!(denied(store.get(&path("wh/sales2/a")).await.unwrap_err()));
    assert!(denied(store.put(&path("wh/sales2/b"), PutPayload::new()).await.unwrap_err()));
    assert!(denied(store.delete(&path("wh/sales2/a")).await.unwrap_err()));
    assert!(denied(store.copy(&path("wh/sales2/a"), &path("wh/sales/b")).await.unwrap_err()));
    assert!(denied(store.copy(&path("wh/sales/a"), &path("wh/sales2/b")).await.unwrap_err()));
    assert!(store.list(None).try_collect::<Vec<_>>().await.is_err());
    assert!(store.list(Some(&path("wh"))).try_collect::<Vec<_>>().await.is_err());
    assert_eq!(world.emulator.object_names("lake"), ["wh/sales/a", "wh/sales2/a"]);
    let nobody = world.store("ya29.emu-made-up");
    assert!(matches!(nobody.get(&path("wh/sales/a")).await, Err(Error::Unauthenticated { .. })));
}
