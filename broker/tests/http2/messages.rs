//! Messages that are too long, claim to be, are compressed, or never come.

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_proto::v1;
use lakegate_testkit::{Caller, Deployment, GET_ACCESS_TOKEN, framed, part, request};

use crate::raw::{DATA, END_HEADERS, HEADERS, Raw, block};
use crate::world::{READ, SALES, serves, start, start_with};

const TOO_LARGE: &str = "ResourceExhausted MESSAGE_TOO_LARGE deny request_form";
const MALFORMED: &str = "InvalidArgument MALFORMED_REQUEST deny request_form";

/// A message of so many bytes that is nothing but one unknown field.
fn unknown_field(bytes: usize) -> Vec<u8> {
    let mut message = vec![0x7a, 0x80 | u8::try_from(bytes % 128).unwrap()];
    message
        .extend([0x80 | u8::try_from(bytes / 128 % 128).unwrap(), u8::try_from(bytes / 128 / 128).unwrap()]);
    message.resize(message.len() + bytes, 0);
    message
}

async fn told(lake: &Deployment, alice: &Caller, body: Vec<u8>) -> Result<String> {
    let refused = alice.send(request(GET_ACCESS_TOKEN, body)?).await?.refused()?;
    lake.told(&refused)
}

#[tokio::test]
async fn gh01_messages_over_the_limit_are_refused_by_their_length_alone() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    let over = framed(&unknown_field(128 * 1024));
    assert_eq!(told(&lake, &alice, over).await?, TOO_LARGE, "one kind's limit");
    assert_eq!(told(&lake, &alice, framed(&vec![0; 1 << 20])).await?, TOO_LARGE, "a megabyte");
    for claimed in [u32::MAX, 1 << 31, 128 * 1024 + 1] {
        let body = [&[0], &claimed.to_be_bytes()[..], b"short"].concat();
        assert_eq!(told(&lake, &alice, body).await?, TOO_LARGE, "{claimed} bytes claimed");
    }
    serves(&lake).await
}

#[tokio::test]
async fn gh01_a_message_within_the_batch_limit_can_be_too_large_for_its_kind() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    let parts = vec![part(&"x".repeat(70 * 1024), READ)];
    let refused = alice.ask_parts(parts).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, TOO_LARGE);
    serves(&lake).await
}

#[tokio::test]
async fn gh01_a_message_that_is_shorter_than_it_says_is_malformed() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    let short = [&[0], &100_u32.to_be_bytes()[..], b"short"].concat();
    for body in [short, vec![0, 0], Vec::new()] {
        assert_eq!(told(&lake, &alice, body.clone()).await?, MALFORMED, "{body:?}");
    }
    serves(&lake).await
}

#[tokio::test]
async fn gh02_compressed_messages_are_refused_before_they_are_unpacked() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    let mut flagged = framed(&[0x1f, 0x8b, 8, 0]);
    flagged[0] = 1;
    for encoding in ["gzip", "zstd", "deflate", "bomb"] {
        let mut request = request(GET_ACCESS_TOKEN, flagged.clone())?;
        request.headers_mut().insert("grpc-encoding", encoding.parse()?);
        let refused = alice.send(request).await?.refused()?;
        assert_eq!(lake.told(&refused)?, "Unimplemented UNIMPLEMENTED deny compressed", "{encoding}");
    }
    assert_eq!(told(&lake, &alice, flagged).await?, MALFORMED, "flagged, but no encoding is named");
    let mut absurd = framed(b"");
    absurd[0] = 7;
    assert_eq!(told(&lake, &alice, absurd).await?, MALFORMED, "no such flag");
    serves(&lake).await
}

#[tokio::test]
async fn gh05_a_body_that_does_not_come_is_waited_for_until_the_deadline() -> Result<()> {
    let lake = start_with(Limits { request_seconds: 1, ..Limits::default() }).await?;
    let mut raw = Raw::connect(&lake).await?;
    raw.writer.frame(HEADERS, END_HEADERS, 1, &block(&[])).await?;
    raw.writer.frame(DATA, 0, 1, &[0, 0, 0, 0, 100, 1]).await?;
    let before = tokio::time::Instant::now();
    let answer = raw.reader.next(HEADERS).await;
    assert_eq!(answer.map(|frame| frame.stream), Some(1), "no answer to the slow request");
    assert!(before.elapsed().as_millis() < 3_000);
    let records = lake.audit().records()?;
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["decision"], &records[0]["reason"]), (&"error".into(), &"deadline".into()));
    assert_eq!(records[0]["rpc"], "GetAccessToken");
    serves(&lake).await
}

#[tokio::test]
async fn gh15_a_million_of_nothing_is_refused() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    let operations = vec![1; 60_000];
    let many = v1::Part { path: SALES.to_owned(), operations };
    alice.ask_parts(vec![many]).await?;
    let empty_parts = [0x0a, 0x00].repeat(30_000);
    let refused = alice.post(GET_ACCESS_TOKEN, &empty_parts).await?.refused()?;
    assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_PARTS deny request_form");
    let nested = vec![0x7b; 60_000];
    let refused = alice.post(GET_ACCESS_TOKEN, &nested).await?.refused()?;
    assert_eq!(lake.told(&refused)?, MALFORMED, "groups without end");
    serves(&lake).await
}
