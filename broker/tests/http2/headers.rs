//! Settings that the broker announces, and headers beyond them.

use anyhow::Result;
use lakegate_broker::Limits;

use crate::raw::{
    CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, Raw, SETTINGS, block, frame, goaway,
    in_frames, literal, settings,
};
use crate::world::{serves, start, start_with};

const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_HEADER_LIST_SIZE: u16 = 6;

#[tokio::test]
async fn gh03_gh04_the_limits_stand_in_the_settings_on_the_wire() -> Result<()> {
    let lake = start().await?;
    let announced = settings(&Raw::connect(&lake).await?.reader.next(SETTINGS).await.unwrap());
    assert!(announced.contains(&(MAX_CONCURRENT_STREAMS, 256)), "{announced:?}");
    assert!(announced.contains(&(MAX_HEADER_LIST_SIZE, 16 * 1024)), "{announced:?}");
    assert!(announced.contains(&(INITIAL_WINDOW_SIZE, 128 * 1024)), "{announced:?}");
    let small = start_with(Limits { streams: 7, header_bytes: 4096, ..Limits::default() }).await?;
    let announced = settings(&Raw::connect(&small).await?.reader.next(SETTINGS).await.unwrap());
    assert!(announced.contains(&(MAX_CONCURRENT_STREAMS, 7)), "{announced:?}");
    assert!(announced.contains(&(MAX_HEADER_LIST_SIZE, 4096)), "{announced:?}");
    Ok(())
}

/// Sends a request with these headers and tells whether the broker refused it: an answer without a record, a reset, or
/// the end of the connection.
async fn is_refused(more: &[(&str, &str)]) -> Result<()> {
    let lake = start().await?;
    let raw = Raw::connect(&lake).await?;
    let frames = in_frames(1, &block(more));
    let seen =
        raw.flood(frames.into_iter(), |frame| [HEADERS, RST_STREAM, GOAWAY].contains(&frame.kind)).await?;
    let ended = seen.last().is_none_or(|frame| [HEADERS, RST_STREAM, GOAWAY].contains(&frame.kind));
    assert!(ended, "{seen:?}");
    assert!(lake.audit().records()?.is_empty(), "the request came through");
    serves(&lake).await
}

#[tokio::test]
async fn gh03_ten_thousand_headers_are_refused() -> Result<()> {
    is_refused(&vec![("x", "y"); 10_000]).await
}

#[tokio::test]
async fn gh03_a_header_of_a_megabyte_is_refused() -> Result<()> {
    is_refused(&[("x-long", &"y".repeat(1 << 20))]).await
}

#[tokio::test]
async fn gh03_headers_a_little_over_the_limit_are_refused() -> Result<()> {
    is_refused(&[("x-long", &"y".repeat(16 * 1024))]).await
}

#[tokio::test]
async fn gh03_a_bomb_of_references_is_refused() -> Result<()> {
    let lake = start().await?;
    let raw = Raw::connect(&lake).await?;
    // A header of 4,000 bytes put into the table once (with indexing: 0x40), then named 10,000 times (0xbe: entry 62).
    let mut bomb = block(&[]);
    let mut entry = literal("x-bomb", &"y".repeat(3_900));
    entry[0] = 0x40;
    bomb.extend(entry);
    bomb.extend(std::iter::repeat_n(0xbe, 10_000));
    let seen = raw
        .flood(in_frames(1, &bomb).into_iter(), |frame| [HEADERS, RST_STREAM, GOAWAY].contains(&frame.kind))
        .await?;
    assert!(seen.iter().all(|frame| frame.kind != HEADERS || !frame.payload.is_empty()));
    assert!(lake.audit().records()?.is_empty(), "the request came through");
    serves(&lake).await
}

#[tokio::test]
async fn gh03_continuations_without_end_close_the_connection() -> Result<()> {
    let lake = start().await?;
    let raw = Raw::connect(&lake).await?;
    let first = frame(HEADERS, END_STREAM, 1, &block(&[]));
    let filler: Vec<u8> = literal("x", &"y".repeat(100)).repeat(100);
    let more = std::iter::repeat_with(move || frame(CONTINUATION, 0, 1, &filler)).take(50_000);
    let seen = raw.flood(std::iter::once(first).chain(more), |frame| frame.kind == GOAWAY).await?;
    assert!(goaway(&seen).is_none_or(|code| code != 0), "{seen:?}");
    assert!(lake.audit().records()?.is_empty());
    serves(&lake).await
}

#[tokio::test]
async fn gh03_empty_continuations_without_end_close_the_connection() -> Result<()> {
    let lake = start().await?;
    let raw = Raw::connect(&lake).await?;
    let first = frame(HEADERS, END_STREAM, 1, &block(&[]));
    let more = std::iter::repeat_with(|| frame(CONTINUATION, 0, 1, &[])).take(100_000);
    let seen = raw.flood(std::iter::once(first).chain(more), |frame| frame.kind == GOAWAY).await?;
    assert!(goaway(&seen).is_none_or(|code| code != 0), "{seen:?}");
    serves(&lake).await
}

#[tokio::test]
async fn gh08_headers_that_break_http2_reset_the_stream() -> Result<()> {
    for bad in [
        &[("Upper-Case", "x")][..],
        &[("connection", "keep-alive")],
        &[(":path", "/twice")],
        &[("x-line", "a\r\nb: c")],
        &[("x-nul", "a\0b")],
    ] {
        let lake = start().await?;
        let mut raw = Raw::connect(&lake).await?;
        raw.writer.frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(bad)).await?;
        let refused = loop {
            match raw.reader.frame().await {
                Some(frame) if [RST_STREAM, GOAWAY].contains(&frame.kind) => break true,
                Some(frame) if frame.kind == HEADERS => break false,
                Some(_) => {}
                None => break true,
            }
        };
        assert!(refused, "{bad:?} was answered");
        assert!(lake.audit().records()?.is_empty(), "{bad:?} came through");
        serves(&lake).await?;
    }
    Ok(())
}
