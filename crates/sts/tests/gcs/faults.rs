//! An STS that is slow, wrong or gone (attacks, section 2.9).

use std::sync::Arc;
use std::time::Duration;

use lakegate_cloud_emulator::{Endpoint, Expiry, Fault};
use lakegate_domain::{Clock, ManualClock};
use lakegate_sts::gcs::{GcsConfig, GcsMinter};
use lakegate_sts::{BadReply, ConfigError, EndpointProblem, MintError, Minter, Party};
use tokio::time::Instant;
use url::Url;

use crate::cloud::{Cloud, http};

fn status(code: u16, retry_after: Option<&str>) -> Fault {
    Fault::Status { code, retry_after: retry_after.map(str::to_owned) }
}

#[tokio::test]
async fn st01_a_429_or_503_names_when_to_come_back_and_never_later_than_a_minute() {
    let cloud = Cloud::start().await;
    let seconds = Duration::from_secs;
    for (wish, wait) in [(Some("7"), 7), (Some("999999"), 60), (Some("-3"), 5), (None, 5)] {
        let outcome = cloud.mint_with(status(429, wish)).await;
        assert_eq!(outcome.err(), Some(MintError::Throttled { retry_after: seconds(wait) }), "{wish:?}");
    }
    for (wish, wait) in [(Some("7"), 7), (Some("soon"), 1), (None, 1)] {
        let outcome = cloud.mint_with(status(503, wish)).await;
        assert_eq!(outcome.err(), Some(MintError::Unavailable { retry_after: seconds(wait) }), "{wish:?}");
    }
}

#[tokio::test]
async fn st02_a_4xx_is_the_boundarys_fault_and_not_an_outage() {
    let cloud = Cloud::start().await;
    for code in [400, 401, 403] {
        let error = cloud.mint_with(status(code, None)).await.unwrap_err();
        assert_eq!(error, MintError::BoundaryRefused { status: code });
        assert_eq!((error.party(), error.retry_after()), (Party::Scope, None));
    }
}

#[tokio::test]
async fn st02_a_scope_for_which_the_sts_blames_the_source_comes_to_rest_too() {
    let cloud = Cloud::start().await;
    let (minter, scopes) = (cloud.minter(), cloud.scopes());
    minter.mint(&scopes.other, 1).await.unwrap();
    let body = Fault::Status { code: 400, retry_after: None };
    for wanted in [MintError::SourceRefused, MintError::BoundaryRefused { status: 400 }] {
        cloud.emulator.faults().next_calls(Endpoint::Sts, &body, 1);
        assert_eq!(minter.mint(&scopes.plain, 1).await.err(), Some(wanted));
    }
    minter.mint(&scopes.other, 1).await.unwrap();
}

#[tokio::test]
async fn st03_a_hanging_or_dripping_sts_costs_its_time_budget_and_no_more() {
    let mut cloud = Cloud::start().await;
    cloud.http = http(Duration::from_millis(400));
    let (minter, scope) = (cloud.minter(), cloud.scopes().plain);
    minter.mint(&scope, 1).await.unwrap();
    for fault in [Fault::SlowDrip(Duration::from_millis(100)), Fault::TruncatedBody, Fault::ConnectionReset] {
        cloud.emulator.faults().next_calls(Endpoint::Sts, &fault, 1);
        let began = Instant::now();
        let error = minter.mint(&scope, 1).await.unwrap_err();
        assert!(matches!(error, MintError::Unavailable { .. }), "{fault:?}: {error:?}");
        assert!(began.elapsed() < Duration::from_millis(1500), "{fault:?}");
    }
    cloud.emulator.faults().next_calls(Endpoint::Sts, &Fault::HugeBody(100_000), 1);
    assert_eq!(minter.mint(&scope, 1).await.err(), Some(BadReply::TooLarge.into()));
    minter.mint(&scope, 1).await.unwrap();
}

#[tokio::test]
async fn st04_st08_st12_a_reply_that_is_not_right_is_not_used() {
    let cloud = Cloud::start().await;
    for (fault, reason) in [
        (Fault::Body(Vec::new()), BadReply::Malformed),
        (Fault::Body(b"{\"access_token\":\"\xff\"}".to_vec()), BadReply::Malformed),
        (Fault::Html, BadReply::Malformed),
        (Fault::MalformedJson, BadReply::Malformed),
        (Fault::TokenType("mac".to_owned()), BadReply::TokenType),
        (Fault::EmptyAccessToken, BadReply::TokenText),
        (Fault::AccessTokenWithLineBreak, BadReply::TokenText),
        (Fault::LongAccessToken(12_289), BadReply::TokenText),
        (Fault::ResultAndError, BadReply::ErrorBesideToken),
    ] {
        let error = cloud.mint_with(fault.clone()).await.unwrap_err();
        assert_eq!(error, MintError::BadReply(reason), "{fault:?}");
        assert_eq!(error.party(), Party::Sts);
        assert!(error.retry_after().is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn st05_an_expiry_is_positive_and_never_after_the_sources() {
    let cloud = Cloud::start().await;
    for (expiry, reason) in [
        (Expiry::Seconds(0), BadReply::Expiry),
        (Expiry::Seconds(-60), BadReply::Expiry),
        (Expiry::Text("3600".to_owned()), BadReply::Malformed),
        (Expiry::Text("NaN".to_owned()), BadReply::Malformed),
    ] {
        let outcome = cloud.mint_with(Fault::Expiry(expiry.clone())).await;
        assert_eq!(outcome.err(), Some(MintError::BadReply(reason)), "{expiry:?}");
    }
    for expiry in [Expiry::Missing, Expiry::Seconds(1_000_000_000_000)] {
        let token = cloud.mint_with(Fault::Expiry(expiry.clone())).await.unwrap();
        let life = token.life();
        assert!(life <= Duration::from_hours(1), "{expiry:?}: {life:?}");
        assert!(life > Duration::from_mins(59), "{expiry:?}: {life:?}");
    }
}

#[tokio::test]
async fn st06_a_token_that_arrives_dying_is_an_error() {
    let cloud = Cloud::start().await;
    let outcome = cloud.mint_with(Fault::Expiry(Expiry::Seconds(30))).await;
    assert_eq!(outcome.err(), Some(BadReply::ShortLived.into()));
}

#[tokio::test]
async fn st09_our_own_wall_clock_does_not_stretch_a_token() {
    let cloud = Cloud::start().await;
    for (skew, ahead) in [(Duration::from_mins(10), true), (Duration::from_mins(10), false)] {
        let now = cloud.clock.now();
        let ours = if ahead { now.plus(skew) } else { now.minus(skew) };
        let mut config = cloud.config(cloud.key_file_source());
        config.clock = Arc::new(ManualClock::at(ours));
        let token = GcsMinter::new(config).unwrap().mint(&cloud.scopes().plain, 1).await.unwrap();
        let life = token.expires_at.since(ours);
        assert!(life <= Duration::from_hours(1) && life > Duration::from_mins(59), "{life:?}");
    }
}

#[tokio::test]
async fn st10_a_refused_source_token_is_the_sources_fault_and_is_replaced() {
    let cloud = Cloud::start_with_clocks_apart().await;
    let (minter, scope) = (cloud.minter(), cloud.scopes().plain);
    minter.mint(&scope, 1).await.unwrap();
    // The source token ends by the cloud's clock while ours still trusts it.
    cloud.clock.advance(Duration::from_hours(2));
    let error = minter.mint(&scope, 1).await.unwrap_err();
    assert_eq!((error.party(), error.clone()), (Party::Source, MintError::SourceRefused));
    // The base token ended too; it is replaced when IAM says so.
    assert_eq!(minter.mint(&scope, 1).await.err(), Some(MintError::SourceRefused));
    let before = cloud.calls();
    cloud.ours.advance(Duration::from_hours(2));
    minter.mint(&scope, 1).await.unwrap();
    assert_eq!((cloud.calls().iam, cloud.calls().oauth), (before.iam + 1, before.oauth + 1));
}

#[tokio::test]
async fn cl07_source_tokens_that_ended_while_the_machine_slept_cost_nobody_an_answer() {
    let cloud = Cloud::start().await;
    let (minter, scope) = (cloud.minter(), cloud.scopes().plain);
    minter.mint(&scope, 1).await.unwrap();
    cloud.clock.advance(Duration::from_hours(2));
    minter.mint(&scope, 1).await.unwrap();
}

#[tokio::test]
async fn st10_without_a_source_there_is_no_token_and_no_call_to_the_sts() {
    let cloud = Cloud::start().await;
    let (minter, scope) = (cloud.minter(), cloud.scopes().plain);
    for (endpoint, code, refused) in [
        (Endpoint::Oauth, 400, true),
        (Endpoint::Oauth, 503, false),
        (Endpoint::Iam, 403, true),
        (Endpoint::Iam, 500, false),
    ] {
        cloud.emulator.faults().next_calls(endpoint, &status(code, Some("4")), 1);
        let error = minter.mint(&scope, 1).await.unwrap_err();
        let outage = MintError::SourceUnavailable { retry_after: Duration::from_secs(4) };
        assert_eq!(error, if refused { MintError::SourceRefused } else { outage }, "{endpoint:?} {code}");
        assert_eq!(error.party(), Party::Source);
    }
    assert_eq!(cloud.calls().sts, 0);
    minter.mint(&scope, 1).await.unwrap();
}

#[tokio::test]
async fn st11_a_redirect_carries_no_credential_anywhere() {
    let (cloud, other) = (Cloud::start().await, Cloud::start().await);
    let target = other.url("/v1/token").to_string();
    let outcome = cloud.mint_with(Fault::Redirect(target)).await;
    assert_eq!(outcome.err(), Some(BadReply::Status.into()));
    assert_eq!(other.calls().sts, 0);
}

#[tokio::test]
async fn st14_a_wrong_endpoint_is_found_when_the_minter_is_made() {
    let cloud = Cloud::start().await;
    for (url, problem) in [
        ("http://sts.googleapis.com/v1/token", EndpointProblem::Scheme),
        ("https://sts.amazonaws.com/v1/token", EndpointProblem::Host),
        ("https://sts.googleapis.com/v1/token?x=y", EndpointProblem::Extra),
    ] {
        let mut config = cloud.config(cloud.key_file_source());
        config.sts_url = Url::parse(url).unwrap();
        let error = GcsMinter::new(config).unwrap_err();
        assert_eq!(error, ConfigError::Endpoint { name: "sts_url", problem }, "{url}");
    }
    let mut config = cloud.config(cloud.key_file_source());
    config.sts_url = Url::parse(GcsConfig::STS_URL).unwrap();
    assert!(GcsMinter::new(config).is_ok());
}
