//! Floods of frames that cost their sender nothing.

use anyhow::Result;
use lakegate_testkit::Deployment;

use crate::raw::{
    ACK, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, PING, RST_STREAM, Raw, SETTINGS,
    WINDOW_UPDATE, block, frame, goaway,
};
use crate::world::{serves, start};

fn streams() -> impl Iterator<Item = u32> {
    (0..20_000_u32).map(|index| 2 * index + 1)
}

async fn is_told_to_calm_down(lake: &Deployment, frames: impl Iterator<Item = Vec<u8>>) -> Result<()> {
    let seen = Raw::connect(lake).await?.flood(frames, |frame| frame.kind == GOAWAY).await?;
    assert_eq!(goaway(&seen), Some(ENHANCE_YOUR_CALM), "{} frames came back", seen.len());
    serves(lake).await
}

#[tokio::test]
async fn gh04_rapid_resets_are_told_to_calm_down() -> Result<()> {
    let lake = start().await?;
    let reset = |stream| {
        let open = frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&[]));
        [open, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    };
    // Many at once, so that they wait to be accepted as in the real attack.
    let all: Vec<u8> = streams().take(2_000).flat_map(reset).collect();
    is_told_to_calm_down(&lake, std::iter::once(all)).await
}

#[tokio::test]
async fn gh04_resets_that_the_broker_is_made_to_send_are_told_to_calm_down() -> Result<()> {
    let lake = start().await?;
    let provoke = |stream| {
        let open = frame(HEADERS, END_HEADERS, stream, &block(&[("content-length", "5")]));
        [open, frame(DATA, END_STREAM, stream, b"less")].concat()
    };
    is_told_to_calm_down(&lake, streams().take(2_000).map(provoke)).await
}

#[tokio::test]
async fn a_body_that_comes_after_its_refusal_costs_the_connection_nothing() -> Result<()> {
    let lake = start().await?;
    let mut raw = Raw::connect(&lake).await?;
    for stream in streams().take(300) {
        let open = block(&[("grpc-timeout", "0S")]);
        raw.writer.frame(HEADERS, END_HEADERS, stream, &open).await?;
        assert!(raw.reader.next(HEADERS).await.is_some(), "stream {stream} has no answer");
        raw.writer.frame(DATA, END_STREAM, stream, &[0; 5]).await?;
    }
    let seen = raw.flood([frame(PING, 0, 0, b"the last")].into_iter(), |frame| frame.kind == PING).await?;
    let kinds: Vec<u8> = seen.iter().map(|frame| frame.kind).collect();
    assert!(kinds.contains(&PING) && !kinds.contains(&GOAWAY) && !kinds.contains(&RST_STREAM), "{kinds:?}");
    serves(&lake).await
}

/// The connection survives a flood: it answers the ping at the end of it. Or it is closed. The broker goes on.
async fn is_survived(frames: impl Iterator<Item = Vec<u8>>) -> Result<()> {
    let lake = start().await?;
    let last = *b"the last";
    let frames = frames.chain(std::iter::once(frame(PING, 0, 0, &last)));
    let raw = Raw::connect(&lake).await?;
    let seen = raw.flood(frames, |frame| frame.kind == PING && frame.payload == last).await?;
    let answered = seen.last().is_some_and(|frame| frame.kind == PING && frame.flags == ACK);
    assert!(answered || goaway(&seen).is_some(), "{} frames came back", seen.len());
    serves(&lake).await
}

#[tokio::test]
async fn gh04_a_flood_of_pings_is_survived() -> Result<()> {
    is_survived((0..20_000_u64).map(|index| frame(PING, 0, 0, &index.to_be_bytes()))).await
}

#[tokio::test]
async fn gh04_a_flood_of_settings_is_survived() -> Result<()> {
    is_survived(std::iter::repeat_with(|| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])).take(20_000)).await
}

#[tokio::test]
async fn gh04_a_flood_of_empty_data_is_survived() -> Result<()> {
    let open = frame(HEADERS, END_HEADERS, 1, &block(&[]));
    let empty = std::iter::repeat_with(|| frame(DATA, 0, 1, &[])).take(50_000);
    is_survived(std::iter::once(open).chain(empty)).await
}

#[tokio::test]
async fn gh04_a_flood_of_window_updates_is_survived() -> Result<()> {
    is_survived(std::iter::repeat_with(|| frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes())).take(50_000))
        .await
}

#[tokio::test]
async fn gh04_a_window_of_zero_holds_nobody_but_its_owner() -> Result<()> {
    let lake = start().await?;
    let mut raw = Raw::connect(&lake).await?;
    raw.writer.frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await?;
    let empty_message = [0; 5];
    for stream in streams().take(200) {
        raw.writer.frame(HEADERS, END_HEADERS, stream, &block(&[])).await?;
        raw.writer.frame(DATA, END_STREAM, stream, &empty_message).await?;
    }
    assert!(raw.reader.next(HEADERS).await.is_some());
    serves(&lake).await
}

#[tokio::test]
async fn gh05_streams_beyond_the_limit_are_refused() -> Result<()> {
    let lake = start().await?;
    let mut raw = Raw::connect(&lake).await?;
    for stream in streams().take(300) {
        raw.writer.frame(HEADERS, END_HEADERS, stream, &block(&[])).await?;
    }
    raw.writer.frame(PING, 0, 0, b"the last").await?;
    let mut refused = 0;
    while let Some(frame) = raw.reader.frame().await {
        if frame.kind == PING {
            break;
        }
        refused += usize::from(frame.kind == RST_STREAM && frame.payload == 7_u32.to_be_bytes());
    }
    assert_eq!(refused, 300 - 256, "streams reset with REFUSED_STREAM");
    serves(&lake).await
}
