//! What is no path: refused before policy, with a fixed text, and in the audit log.

use anyhow::Result;
use lakegate_testkit::GET_ACCESS_TOKEN;

use crate::world::{READ, World};

const NO_PATH: &str = "InvalidArgument INVALID_PATH deny path_form";
const TOO_LARGE: &str = "ResourceExhausted MESSAGE_TOO_LARGE deny request_form";

async fn are_no_paths(paths: &[&str]) -> Result<()> {
    let world = World::start().await?;
    for path in paths {
        assert_eq!(world.read_is_refused(path).await?, NO_PATH, "{path:?}");
    }
    world.serves().await;
    Ok(())
}

#[tokio::test]
async fn rp01_dot_segments_are_refused_and_not_cleaned_up() -> Result<()> {
    are_no_paths(&[
        "gs://lake-one/data/sales/./x",
        "gs://lake-one/data/sales/../sales/x",
        "gs://lake-one/..",
        "gs://lake-one/data/sales/%2e%2e/x",
        "gs://lake-one/data/sales/%2E./x",
        "gs://lake-one/data/sales/%252e%252e/x",
        "gs://lake-one/data/sales/%2e/",
    ])
    .await
}

#[tokio::test]
async fn rp02_empty_segments_are_refused() -> Result<()> {
    are_no_paths(&[
        "gs://lake-one//data/sales/x",
        "gs://lake-one/data//sales/x",
        "gs://lake-one/data/sales//",
        "gs://lake-one//",
    ])
    .await
}

#[tokio::test]
async fn rp05_encoded_control_characters_are_refused() -> Result<()> {
    are_no_paths(&["gs://lake-one/data/sales/a%00b", "gs://lake-one/a%0Ab", "gs://lake-one/a%250ab"]).await
}

#[tokio::test]
async fn rp08_control_characters_and_backslashes_are_refused() -> Result<()> {
    are_no_paths(&[
        "gs://lake-one/data/sales/a\nb",
        "gs://lake-one/data/sales/a\0b",
        "gs://lake-one/data/sales/a\u{7f}b",
        "gs://lake-one/data/sales/a\u{85}b",
        "gs://lake-one/data/sales/a\u{2028}b",
        "gs://lake-one/data/sales\\x",
        "gs://lake-one/data/sales/\u{1b}[31mred",
    ])
    .await
}

#[tokio::test]
async fn rp09_parts_of_urls_are_refused_and_not_stripped() -> Result<()> {
    are_no_paths(&[
        "gs://lake-one/data/sales/x?y=1",
        "gs://lake-one/data/sales/x#frag",
        "gs://lake-one/data/sales/x;v=1",
        "gs://user@lake-one/data/sales/x",
        "gs://lake-one:443/data/sales/x",
    ])
    .await
}

#[tokio::test]
async fn rp10_unknown_schemes_are_refused() -> Result<()> {
    are_no_paths(&[
        "s3a://lake-one/data/sales/x",
        "GS://lake-one/data/sales/x",
        "hdfs://lake-one/data/sales/x",
        "file:///etc/passwd",
        "lake-one/data/sales/x",
        "//lake-one/data/sales/x",
        "gs:/lake-one/data/sales/x",
    ])
    .await
}

#[tokio::test]
async fn rp10_another_scheme_is_another_bucket() -> Result<()> {
    let world = World::start().await?;
    let denied = "PermissionDenied PERMISSION_DENIED deny";
    assert!(world.read_is_refused("s3://lake-one/data/sales/x").await?.starts_with(denied));
    world.serves().await;
    Ok(())
}

#[tokio::test]
async fn rp11_azure_hosts_are_an_exact_list() -> Result<()> {
    are_no_paths(&[
        "abfss://lake@acct.dfs.core.windows.net.evil.com/x",
        "abfss://lake@acct.blob.core.windows.net/x",
        "abfss://$root@acct.dfs.core.windows.net/x",
    ])
    .await
}

#[tokio::test]
async fn rp12_bucket_names_follow_their_provider() -> Result<()> {
    let long = format!("gs://{}/x", "a".repeat(64));
    are_no_paths(&[
        "gs://ab/x",
        &long,
        "gs://Lake-one/x",
        "gs://10.0.0.1/x",
        "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/x",
        "s3://lake-1a2b-s3alias/x",
    ])
    .await
}

#[tokio::test]
async fn rp13_nothing_and_a_lone_slash_are_no_paths() -> Result<()> {
    are_no_paths(&["", "/", "gs://", "gs:///"]).await
}

#[tokio::test]
async fn rp14_long_paths_are_refused_before_policy() -> Result<()> {
    let world = World::start().await?;
    let of = |bytes: usize| format!("gs://lake-one/data/sales/{}", "a".repeat(bytes - "data/sales/".len()));
    assert!(world.alice.ask(&of(1024), READ).await.is_ok());
    let segments = format!("gs://lake-one/{}x", "a/".repeat(10_000));
    let world = World::start().await?;
    for path in [&of(1025), &of(60_000), &segments] {
        assert_eq!(world.read_is_refused(path).await?, NO_PATH, "{} bytes", path.len());
    }
    for path in [&of(100_000), &of(1 << 20)] {
        assert_eq!(world.read_is_refused(path).await?, TOO_LARGE, "{} bytes", path.len());
    }
    world.serves().await;
    Ok(())
}

/// A request with one part whose path is these bytes, written as protobuf by hand.
fn request_with_path(path: &[u8]) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    let part = [&[0x0a, length], path, &[0x12, 0x01, 0x01]].concat();
    [&[0x0a, u8::try_from(part.len()).unwrap()], &part[..]].concat()
}

#[tokio::test]
async fn rp07_bytes_that_are_no_text_are_refused_and_not_mended() -> Result<()> {
    let world = World::start().await?;
    let head = b"gs://lake-one/data/sales/".as_slice();
    for bad in [b"\xff".as_slice(), b"\xed\xa0\x80", b"\xc0\xae\xc0\xae", b"a\x80", b"\xf5\x80\x80\x80"] {
        let message = request_with_path(&[head, bad].concat());
        let refused = world.alice.post(GET_ACCESS_TOKEN, &message).await?.refused()?;
        let told = world.told(&refused)?;
        assert_eq!(told, "InvalidArgument MALFORMED_REQUEST deny request_form", "{bad:x?}");
    }
    let good = world.alice.post(GET_ACCESS_TOKEN, &request_with_path(&[head, b"x"].concat())).await?;
    assert!(good.refused().is_err(), "the same bytes with a good name are a request");
    world.serves().await;
    Ok(())
}

#[tokio::test]
async fn gh15_messages_that_are_none_are_refused() -> Result<()> {
    let world = World::start().await?;
    let cut = [0x0a, 0x7f, 0x01];
    let group = [0x0b; 200];
    let endless_varint = [0xff; 11];
    let wrong_type = [0x08, 0x01];
    for bad in [&cut[..], &group, &endless_varint, &wrong_type] {
        let refused = world.alice.post(GET_ACCESS_TOKEN, bad).await?.refused()?;
        assert_eq!(world.told(&refused)?, "InvalidArgument MALFORMED_REQUEST deny request_form", "{bad:x?}");
    }
    world.serves().await;
    Ok(())
}
