//! Source tokens: whose, how long, how often.

use std::sync::Arc;
use std::time::Duration;

use lakegate_cloud_emulator::{Endpoint, Expiry, Fault};
use lakegate_domain::{Clock, Secret};
use lakegate_sts::gcs::source::{
    ImpersonationConfig, ImpersonationSource, KeyFileSource, Source, WantedLife,
};
use lakegate_sts::{ConfigError, EndpointProblem, MintError};
use serde_json::Value;

use crate::cloud::{Cloud, LAKE};

#[tokio::test]
async fn one_source_token_serves_many_exchanges_of_full_life() {
    let cloud = Cloud::start().await;
    let (minter, scope) = (cloud.minter(), cloud.scopes().plain);
    for _ in 0..5 {
        assert!(minter.mint(&scope, 1).await.unwrap().life() > Duration::from_mins(59));
    }
    let calls = cloud.calls();
    assert_eq!((calls.oauth, calls.iam, calls.sts), (1, 1, 5));
}

#[tokio::test]
async fn a_scope_that_ends_gets_a_source_token_of_its_own() {
    let cloud = Cloud::start().await;
    let (minter, scopes) = (cloud.minter(), cloud.scopes());
    for _ in 0..2 {
        let token = minter.mint(&scopes.ended, 1).await.unwrap();
        let end = scopes.ended.end().unwrap();
        assert!(token.expires_at <= end && end.since(token.expires_at) < Duration::from_secs(10));
    }
    minter.mint(&scopes.plain, 1).await.unwrap();
    let calls = cloud.calls();
    assert_eq!((calls.oauth, calls.iam, calls.sts), (1, 3, 3));
}

#[tokio::test]
async fn a_provider_that_does_not_keep_the_wanted_end_is_not_believed() {
    let cloud = Cloud::start().await;
    let (minter, scopes) = (cloud.minter(), cloud.scopes());
    let fault = Fault::Expiry(Expiry::Seconds(3600));
    cloud.emulator.faults().next_calls(Endpoint::Iam, &fault, 1);
    assert_eq!(minter.mint(&scopes.ended, 1).await.err(), Some(MintError::CannotEndEarly));
    assert_eq!(cloud.calls().sts, 0);
}

#[tokio::test]
async fn st05_an_absurd_end_of_a_source_token_is_not_believed() {
    let cloud = Cloud::start().await;
    let source = cloud.impersonation_source();
    for expiry in [Expiry::Missing, Expiry::Text("soon".to_owned())] {
        cloud.emulator.faults().next_calls(Endpoint::Iam, &Fault::Expiry(expiry), 1);
        let error = source.token(WantedLife::Longest).await.unwrap_err();
        assert!(matches!(error, MintError::SourceUnavailable { .. }), "{error:?}");
    }
    for seconds in [-60, 1_000_000_000] {
        cloud.emulator.faults().next_calls(Endpoint::Iam, &Fault::Expiry(Expiry::Seconds(seconds)), 1);
        let token = source.token(WantedLife::Longest).await.unwrap();
        assert!(token.remaining() <= Duration::from_hours(1), "{seconds}");
    }
    let key_file = cloud.key_file_source();
    cloud.emulator.faults().next_calls(Endpoint::Oauth, &Fault::Expiry(Expiry::Seconds(1_000_000_000)), 1);
    assert!(key_file.token(WantedLife::Longest).await.unwrap().remaining() <= Duration::from_hours(1));
}

#[tokio::test]
async fn a_key_file_source_says_that_it_cannot_end_early() {
    let cloud = Cloud::start().await;
    let source = cloud.key_file_source();
    let short = WantedLife::AtMost(Duration::from_mins(5));
    assert_eq!(source.token(short).await.err(), Some(MintError::CannotEndEarly));
    assert!(!source.ends_early());
    assert_eq!(cloud.calls().oauth, 0);
}

#[tokio::test]
async fn an_account_that_may_not_be_impersonated_is_refused() {
    let cloud = Cloud::start().await;
    let config =
        ImpersonationConfig::new(cloud.url("/"), "nobody@project.iam.gserviceaccount.com".to_owned());
    let source =
        ImpersonationSource::new(config, cloud.key_file_source(), cloud.http.clone(), cloud.clock()).unwrap();
    assert_eq!(source.token(WantedLife::Longest).await.err(), Some(MintError::SourceRefused));
}

#[tokio::test]
async fn st14_a_key_file_of_another_kind_or_cloud_is_refused_at_start() {
    let cloud = Cloud::start().await;
    let good: Value = serde_json::from_str(cloud.key.key_file(&cloud.emulator.url()).expose()).unwrap();
    let made = |member: &str, value: &str| {
        let mut file = good.clone();
        file[member] = value.into();
        let clock = Arc::clone(&cloud.clock) as Arc<dyn Clock>;
        KeyFileSource::new(&Secret::new(file.to_string()), cloud.http.clone(), clock).map(drop).unwrap_err()
    };
    for (member, value) in [
        ("type", "authorized_user"),
        ("universe_domain", "sovereign.example"),
        ("private_key", "canary-7f3a"),
        ("token_uri", "canary-no-address"),
    ] {
        let error = made(member, value);
        assert!(matches!(error, ConfigError::KeyFile(_)), "{member}: {error:?}");
        assert!(!error.to_string().contains(value), "{member}: {error}");
    }
    assert_eq!(
        made("token_uri", "https://evil.example/token"),
        ConfigError::Endpoint { name: "token_uri", problem: EndpointProblem::Host }
    );
}

#[tokio::test]
async fn what_to_impersonate_is_an_address_and_nothing_that_changes_the_path() {
    let cloud = Cloud::start().await;
    let make = |config: ImpersonationConfig| {
        let source =
            ImpersonationSource::new(config, cloud.key_file_source(), cloud.http.clone(), cloud.clock());
        source.map(drop)
    };
    let config = |account: &str| ImpersonationConfig::new(cloud.url("/"), account.to_owned());
    for bad in ["", "lake", "a@b@c", "../x@y", "a@b:generateIdToken", "a@b/c", "a b@c", "a@"] {
        assert_eq!(make(config(bad)), Err(ConfigError::Account), "{bad}");
    }
    let day = ImpersonationConfig { longest_life: Duration::from_hours(24), ..config(LAKE) };
    assert!(matches!(make(day), Err(ConfigError::Life(_))));
    assert_eq!(make(config(LAKE)), Ok(()));
}
