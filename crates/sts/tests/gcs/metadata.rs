//! The metadata server as a source: the machine's own account, spoofed, slow, gone, and with little life to give.

use std::sync::Arc;
use std::time::Duration;

use lakegate_cloud_emulator::{Endpoint, Expiry, Fault};
use lakegate_sts::gcs::GcsMinter;
use lakegate_sts::gcs::source::{
    ImpersonationConfig, ImpersonationSource, MetadataSource, Source, WantedLife,
};
use lakegate_sts::{ConfigError, MintError, Minter};

use crate::cloud::{BROKER, Cloud, LAKE, http};

fn source_for(cloud: &Cloud, account: &str) -> Arc<dyn Source> {
    let host = cloud.emulator.url().replace("http://", "");
    Arc::new(MetadataSource::new(Some(&host), account, cloud.http.clone(), cloud.clock()).unwrap())
}

fn source(cloud: &Cloud) -> Arc<dyn Source> {
    source_for(cloud, "default")
}

fn minter(cloud: &Cloud) -> GcsMinter {
    GcsMinter::new(cloud.config(source(cloud))).unwrap()
}

#[tokio::test]
async fn a_machine_without_a_key_file_mints_with_its_own_account() {
    let cloud = Cloud::start().await;
    cloud.put(&["wh/sales/x", "wh/hr/x"]);
    let minter = minter(&cloud);
    let token = minter.mint(&cloud.scopes().plain, 1).await.unwrap();
    assert_eq!(cloud.reads("wh/sales/x", &token).await, 200);
    assert_eq!(cloud.reads("wh/hr/x", &token).await, 403);
    assert!(!minter.lives().ends_early);
    assert_eq!(minter.mint(&cloud.scopes().ended, 1).await.err(), Some(MintError::CannotEndEarly));
    let calls = cloud.calls();
    assert_eq!((calls.metadata, calls.oauth, calls.iam), (1, 0, 0));
}

#[tokio::test]
async fn st10_a_metadata_server_that_does_not_say_that_it_is_one_is_refused() {
    let cloud = Cloud::start().await;
    let spoofed = br#"{"access_token":"ya29.spoofed","expires_in":3599,"token_type":"Bearer"}"#;
    cloud.emulator.faults().next_calls(Endpoint::Metadata, &Fault::Body(spoofed.to_vec()), 1);
    let error = minter(&cloud).mint(&cloud.scopes().plain, 1).await.unwrap_err();
    assert_eq!(error, MintError::SourceRefused);
    assert_eq!(cloud.calls().sts, 0, "nothing was sent on");
    minter(&cloud).mint(&cloud.scopes().plain, 1).await.unwrap();
}

#[tokio::test]
async fn st10_a_metadata_server_that_is_away_slow_or_wrong_is_an_outage() {
    let cloud = Cloud::start().await;
    let source = source(&cloud);
    for fault in [
        Fault::Status { code: 503, retry_after: None },
        Fault::ConnectionReset,
        Fault::MalformedJson,
        Fault::Html,
        Fault::HugeBody(1 << 20),
        Fault::TruncatedBody,
        Fault::EmptyAccessToken,
        Fault::AccessTokenWithLineBreak,
        Fault::TokenType("mac".to_owned()),
        Fault::Expiry(Expiry::Missing),
        Fault::Expiry(Expiry::Seconds(0)),
        Fault::Redirect("http://127.0.0.1:1/elsewhere".to_owned()),
    ] {
        cloud.emulator.faults().next_calls(Endpoint::Metadata, &fault, 1);
        let error = source.token(WantedLife::Longest).await.unwrap_err();
        let is_outage = matches!(error, MintError::SourceUnavailable { .. } | MintError::SourceRefused);
        assert!(is_outage, "{fault:?}: {error:?}");
    }
    cloud.emulator.faults().delay(Endpoint::Metadata, Duration::from_secs(5));
    let host = cloud.emulator.url().replace("http://", "");
    let hasty = MetadataSource::new(Some(&host), "default", http(Duration::from_millis(200)), cloud.clock());
    let error = hasty.unwrap().token(WantedLife::Longest).await.unwrap_err();
    assert!(matches!(error, MintError::SourceUnavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn st10_an_account_that_the_machine_does_not_have_is_refused() {
    let cloud = Cloud::start().await;
    let error = source_for(&cloud, "other@project.iam.gserviceaccount.com").token(WantedLife::Longest).await;
    assert_eq!(error.err(), Some(MintError::SourceRefused));
}

#[tokio::test]
async fn st06_a_token_with_little_life_left_is_used_or_refused_by_what_is_left() {
    let cloud = Cloud::start().await;
    let (minter, scope) = (minter(&cloud), cloud.scopes().plain);
    let left = |seconds| {
        cloud.emulator.faults().until_cleared(Endpoint::Metadata, Fault::Expiry(Expiry::Seconds(seconds)));
    };
    left(30);
    let error = minter.mint(&scope, 1).await.unwrap_err();
    let MintError::SourceShortLived { retry_after } = error else { panic!("{error:?}") };
    assert!(retry_after <= Duration::from_secs(30), "{retry_after:?}");
    assert_eq!(cloud.calls().sts, 0, "no exchange is wasted on it");
    left(600);
    let token = minter.mint(&scope, 1).await.unwrap();
    assert!(
        (Duration::from_secs(590)..=Duration::from_mins(10)).contains(&token.life()),
        "{:?}",
        token.life()
    );
}

#[tokio::test]
async fn a_cached_token_is_asked_for_again_and_never_renewed_early() {
    let cloud = Cloud::start().await;
    let source = source(&cloud);
    let first = source.token(WantedLife::Longest).await.unwrap();
    cloud.clock.advance(Duration::from_mins(50));
    let again = source.token(WantedLife::Longest).await.unwrap();
    assert_eq!(first.secret().expose(), again.secret().expose(), "the server keeps its token");
    assert!(again.remaining() <= Duration::from_mins(10), "and the life is what is left of it");
    let short = source.token(WantedLife::AtMost(Duration::from_mins(5))).await;
    assert_eq!(short.err(), Some(MintError::CannotEndEarly));
}

#[tokio::test]
async fn the_machines_account_impersonates_another_and_then_tokens_end_early() {
    let cloud = Cloud::start().await;
    let config = ImpersonationConfig::new(cloud.url("/"), LAKE.to_owned());
    let source = ImpersonationSource::new(config, source(&cloud), cloud.http.clone(), cloud.clock()).unwrap();
    let minter = GcsMinter::new(cloud.config(Arc::new(source))).unwrap();
    let scopes = cloud.scopes();
    assert!(minter.mint(&scopes.ended, 1).await.unwrap().expires_at <= scopes.ended.end().unwrap());
    minter.mint(&scopes.plain, 1).await.unwrap();
    let calls = cloud.calls();
    assert_eq!((calls.metadata, calls.iam, calls.oauth), (1, 2, 0));
}

#[tokio::test]
async fn st10_st11_only_metadata_servers_and_this_machine_are_asked() {
    let cloud = Cloud::start().await;
    let make = |host: Option<&str>, account: &str| {
        MetadataSource::new(host, account, cloud.http.clone(), cloud.clock()).map(drop)
    };
    for good in [None, Some("metadata.google.internal"), Some("169.254.169.254"), Some("127.0.0.1:8080")] {
        assert_eq!(make(good, "default"), Ok(()), "{good:?}");
    }
    assert_eq!(make(None, BROKER), Ok(()));
    for bad in
        ["metadata.google.internal.evil.example", "10.0.0.1", "u@127.0.0.1", "127.0.0.1/x", "127.0.0.1?x", ""]
    {
        assert!(matches!(make(Some(bad), "default"), Err(ConfigError::Endpoint { .. })), "{bad}");
    }
    for account in ["", "../x", "a/b", "default/../other", "no-address"] {
        assert_eq!(make(None, account), Err(ConfigError::Account), "{account}");
    }
}
