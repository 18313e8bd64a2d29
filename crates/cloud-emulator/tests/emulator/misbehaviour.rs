//! Each planned fault, as a client sees it.

use std::time::Duration;

use lakegate_cloud_emulator::{Endpoint, Expiry, Fault, ServiceAccount};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{OBJECT_CLAUSE, World, boundary, key, parsed};

async fn exchange(world: &World) -> Result<Response, reqwest::Error> {
    let token_type = "urn:ietf:params:oauth:token-type:access_token";
    let (source, options) = (world.source(), boundary(&[("objectViewer", OBJECT_CLAUSE)]));
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token_type", token_type),
        ("requested_token_type", token_type),
        ("subject_token", source.as_str()),
        ("options", options.as_str()),
    ];
    world.request(Method::POST, "/v1/token").form(&form).send().await
}

/// The answer to the next exchange, with the fault in it.
async fn faulty(world: &World, fault: Fault) -> Response {
    world.emulator.faults().next_calls(Endpoint::Sts, &fault, 1);
    exchange(world).await.unwrap()
}

#[tokio::test]
async fn st01_an_error_status_has_the_body_of_its_endpoint() {
    let world = World::start().await;
    let planned = |code| Fault::Status { code, retry_after: Some("-5".to_owned()) };
    for (code, error) in [(429, "quota_exceeded"), (500, "server_error"), (503, "temporarily_unavailable")] {
        let response = faulty(&world, planned(code)).await;
        assert_eq!(response.headers()["retry-after"], "-5");
        let (status, body) = parsed(response).await;
        assert_eq!((status, body["error"].as_str()), (code, Some(error)));
    }
    world.emulator.faults().next_calls(Endpoint::Storage, &planned(429), 2);
    let xml = world.get("x", "/lake/a").await;
    assert_eq!(xml.status(), 429);
    assert!(xml.text().await.unwrap().contains("<Code>SlowDown</Code>"));
    let (status, body) = parsed(world.get("x", "/storage/v1/b/lake/o/a").await).await;
    assert_eq!((status, body["error"]["errors"][0]["reason"].as_str()), (429, Some("rateLimitExceeded")));
    assert_eq!(world.get("x", "/lake/a").await.status(), StatusCode::UNAUTHORIZED, "the plan is used up");
}

#[tokio::test]
async fn st04_bodies_that_are_no_token() {
    let world = World::start().await;
    let html = faulty(&world, Fault::Html).await;
    assert_eq!(html.status(), StatusCode::OK);
    assert!(html.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(faulty(&world, Fault::MalformedJson).await.json::<Value>().await.is_err());
    let twice = b"{\"access_token\":\"a\",\"access_token\":\"b\",\"expires_in\":1}".to_vec();
    assert_eq!(faulty(&world, Fault::Body(twice.clone())).await.bytes().await.unwrap(), twice);
    let huge = faulty(&world, Fault::HugeBody(3 << 20)).await;
    assert_eq!(huge.content_length(), Some(3 << 20));
    assert!(faulty(&world, Fault::TruncatedBody).await.bytes().await.is_err());
    assert_eq!(exchange(&world).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn st04_st05_st08_st12_tokens_with_wrong_members() {
    let world = World::start().await;
    let with = async |fault: Fault| parsed(faulty(&world, fault).await).await.1;
    let expiry = |expiry| Fault::Expiry(expiry);
    assert!(with(expiry(Expiry::Missing)).await.get("expires_in").is_none());
    for seconds in [0, -1, 1_000_000_000_000] {
        assert_eq!(with(expiry(Expiry::Seconds(seconds))).await["expires_in"], seconds);
    }
    assert_eq!(with(expiry(Expiry::Text("3600".to_owned()))).await["expires_in"], "3600");
    assert_eq!(with(Fault::TokenType("MAC".to_owned())).await["token_type"], "MAC");
    assert_eq!(with(Fault::EmptyAccessToken).await["access_token"], "");
    assert!(with(Fault::AccessTokenWithLineBreak).await["access_token"].as_str().unwrap().contains("\r\n"));
    assert_eq!(with(Fault::LongAccessToken(1 << 20)).await["access_token"].as_str().unwrap().len(), 1 << 20);
    let both = with(Fault::ResultAndError).await;
    assert!(both["access_token"].is_string() && both["error"].is_string());
}

#[tokio::test]
async fn st05_wrong_expiries_reach_the_iam_endpoint_in_its_own_spelling() {
    let world = World::configured(|config| {
        config.service_accounts[0].may_impersonate = vec!["b@x".to_owned()];
        config.service_accounts.push(ServiceAccount::new("b@x", "k", &key().account().public_key_pem));
    })
    .await;
    let ask = async |expiry: Expiry| {
        world.emulator.faults().next_calls(Endpoint::Iam, &Fault::Expiry(expiry), 1);
        let request = world.request(Method::POST, "/v1/projects/-/serviceAccounts/b@x:generateAccessToken");
        let scope = json!({ "scope": ["https://www.googleapis.com/auth/cloud-platform"] });
        parsed(request.bearer_auth(world.source()).json(&scope).send().await.unwrap()).await.1
    };
    assert_eq!(ask(Expiry::Seconds(-60)).await["expireTime"], "2026-03-01T11:59:00Z");
    assert_eq!(ask(Expiry::Text("soon".to_owned())).await["expireTime"], "soon");
    assert!(ask(Expiry::Missing).await.get("expireTime").is_none());
}

#[tokio::test]
async fn st03_slow_reset_and_redirected_answers() {
    let world = World::start().await;
    let faults = world.emulator.faults().clone();
    faults.delay(Endpoint::Sts, Duration::from_mins(10));
    assert!(tokio::time::timeout(Duration::from_millis(50), exchange(&world)).await.is_err());
    faults.clear(Endpoint::Sts);

    let dripping = faulty(&world, Fault::SlowDrip(Duration::from_mins(10))).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), dripping.bytes()).await.is_err());
    let dripped = faulty(&world, Fault::SlowDrip(Duration::from_micros(1))).await;
    assert_eq!(parsed(dripped).await.1["token_type"], "Bearer");

    faults.next_calls(Endpoint::Sts, &Fault::ConnectionReset, 1);
    let mut error: &dyn std::error::Error = &exchange(&world).await.unwrap_err();
    let mut chain = error.to_string();
    while let Some(source) = error.source() {
        error = source;
        chain = format!("{chain}: {error}");
    }
    assert!(chain.to_lowercase().contains("reset"), "{chain}");

    let redirected = faulty(&world, Fault::Redirect("http://127.0.0.1:1/".to_owned())).await;
    assert_eq!(
        (redirected.status().as_u16(), &redirected.headers()["location"]),
        (307, &"http://127.0.0.1:1/".parse().unwrap())
    );
    assert_eq!(exchange(&world).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn st07_an_ignored_boundary_gives_a_token_that_can_do_too_much() {
    let world = World::start().await;
    world.emulator.put_object("lake", "canary", "1").unwrap();
    let token =
        async |response: Response| parsed(response).await.1["access_token"].as_str().unwrap().to_owned();
    let good = token(exchange(&world).await.unwrap()).await;
    let wide = token(faulty(&world, Fault::BoundaryIgnored).await).await;
    assert_eq!(world.get(&good, "/lake/canary").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(world.get(&wide, "/lake/canary").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_standing_fault_ends_when_cleared_and_calls_count_all_the_while() {
    let world = World::start().await;
    let faults = world.emulator.faults();
    faults.until_cleared(Endpoint::Sts, Fault::Status { code: 503, retry_after: None });
    for _ in 0..3 {
        assert_eq!(exchange(&world).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    faults.clear_all();
    assert_eq!(exchange(&world).await.unwrap().status(), StatusCode::OK);
    assert_eq!(world.emulator.calls().sts, 4);
}
