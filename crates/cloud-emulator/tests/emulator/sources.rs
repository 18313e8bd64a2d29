//! Source tokens: signed assertion, impersonation, metadata server.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lakegate_cloud_emulator::{Emulator, EmulatorConfig, EmulatorError, ServiceAccount, ServiceAccountKey};
use lakegate_domain::Clock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{ACCOUNT, OBJECT_CLAUSE, World, key, parsed};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

fn claims(world: &World) -> Value {
    let now = world.clock.now().as_seconds();
    json!({ "iss": ACCOUNT, "scope": SCOPE, "aud": "https://oauth2.googleapis.com/token", "iat": now, "exp": now + 3600 })
}

fn signed(key: &ServiceAccountKey, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(key.key_id().to_owned());
    let signer = EncodingKey::from_rsa_pem(key.private_key_pem().expose().as_bytes()).unwrap();
    jsonwebtoken::encode(&header, claims, &signer).unwrap()
}

async fn ask(world: &World, assertion: &str) -> (u16, Value) {
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)];
    parsed(world.request(Method::POST, "/token").form(&form).send().await.unwrap()).await
}

#[tokio::test]
async fn a_signed_assertion_earns_a_token_for_an_hour() {
    let world = World::start().await;
    world.emulator.put_object("lake", "a", "1").unwrap();
    for aud in ["https://oauth2.googleapis.com/token".to_owned(), format!("{}/token", world.emulator.url())] {
        let mut claims = claims(&world);
        claims["aud"] = aud.into();
        let (status, answer) = ask(&world, &signed(key(), &claims)).await;
        assert_eq!(
            (status, &answer["expires_in"], &answer["token_type"]),
            (200, &json!(3600), &json!("Bearer"))
        );
        let token = answer["access_token"].as_str().unwrap();
        assert!(token.starts_with("ya29.emu-") && token.len() > 40);
        assert_eq!(world.get(token, "/lake/a").await.status(), StatusCode::OK);
        world.clock.advance(Duration::from_secs(3599));
        assert_eq!(world.get(token, "/lake/a").await.status(), StatusCode::OK);
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(world.get(token, "/lake/a").await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.emulator.calls().oauth, 2);
}

#[tokio::test]
async fn st10_an_assertion_that_is_not_right_is_refused() {
    let world = World::start().await;
    let now = world.clock.now().as_seconds();
    let cases = [
        ("iss", json!("stranger@emulated.iam.gserviceaccount.com"), "invalid_grant"),
        ("aud", json!("https://evil.example/token"), "invalid_grant"),
        ("exp", json!(now), "invalid_grant"),
        ("exp", json!(now + 3601), "invalid_grant"),
        ("iat", json!(now + 301), "invalid_grant"),
        ("scope", json!("https://www.googleapis.com/auth/devstorage.read_only"), "invalid_scope"),
        ("sub", json!("boss@example.com"), "unauthorized_client"),
    ];
    for (claim, value, code) in cases {
        let mut claims = claims(&world);
        claims[claim] = value;
        let (status, answer) = ask(&world, &signed(key(), &claims)).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(code)), "{claim}");
    }
    let other = ServiceAccountKey::generate(ACCOUNT).unwrap();
    let forged = signed(&other, &claims(&world));
    let unsigned = forged.rsplit_once('.').unwrap().0.to_owned() + ".";
    for assertion in [forged.as_str(), unsigned.as_str(), "a.b.c", "nonsense"] {
        let (status, answer) = ask(&world, assertion).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")));
        assert!(!answer.to_string().contains(assertion));
    }
    let hmac = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims(&world),
        &EncodingKey::from_secret(key().account().public_key_pem.as_bytes()),
    );
    assert_eq!(ask(&world, &hmac.unwrap()).await.0, 400);
}

async fn impersonate(world: &World, token: &str, target: &str, body: &Value) -> (u16, Value) {
    let path = format!("/v1/projects/-/serviceAccounts/{target}:generateAccessToken");
    parsed(world.request(Method::POST, &path).bearer_auth(token).json(body).send().await.unwrap()).await
}

const TARGET: &str = "lake-reader@emulated.iam.gserviceaccount.com";
const MIDDLE: &str = "middle@emulated.iam.gserviceaccount.com";

async fn world_of_three() -> World {
    World::configured(|config| {
        let pem = key().account().public_key_pem;
        let mut middle = ServiceAccount::new(MIDDLE, "k2", &pem);
        middle.may_impersonate = vec![TARGET.to_owned()];
        middle.roles.clear();
        config.service_accounts[0].may_impersonate = vec![MIDDLE.to_owned()];
        config.service_accounts.push(middle);
        config.service_accounts.push(ServiceAccount::new(TARGET, "k3", &pem));
    })
    .await
}

#[tokio::test]
async fn an_impersonated_token_lives_as_long_as_asked_and_has_its_own_rights() {
    let world = world_of_three().await;
    world.emulator.put_object("lake", "a", "1").unwrap();
    let wish = json!({ "delegates": [], "scope": [SCOPE], "lifetime": "600s" });
    let (status, answer) = impersonate(&world, &world.source(), MIDDLE, &wish).await;
    assert_eq!((status, answer["expireTime"].as_str()), (200, Some("2026-03-01T12:10:00Z")));
    let token = answer["accessToken"].as_str().unwrap();
    assert_eq!(world.get(token, "/lake/a").await.status(), StatusCode::FORBIDDEN, "it has no roles");
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(world.get(token, "/lake/a").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn impersonation_follows_a_chain_and_only_that() {
    let world = world_of_three().await;
    let source = world.source();
    let direct = json!({ "scope": [SCOPE] });
    assert_eq!(impersonate(&world, &source, TARGET, &direct).await.0, 403);
    let chain = json!({ "scope": [SCOPE], "delegates": [format!("projects/-/serviceAccounts/{MIDDLE}")] });
    assert_eq!(impersonate(&world, &source, TARGET, &chain).await.0, 200);
    assert_eq!(impersonate(&world, &source, "nobody@x", &direct).await.0, 403);
    for bad in [json!({}), json!({ "scope": ["x"] }), json!({ "scope": [SCOPE], "lifetime": "3601s" })] {
        let (status, answer) = impersonate(&world, &source, MIDDLE, &bad).await;
        assert_eq!((status, answer["error"]["status"].as_str()), (400, Some("INVALID_ARGUMENT")), "{bad}");
    }
    let (status, answer) = impersonate(&world, "made-up", MIDDLE, &direct).await;
    assert_eq!((status, answer["error"]["status"].as_str()), (401, Some("UNAUTHENTICATED")));
    let downscoped = world.downscoped(&[("objectViewer", OBJECT_CLAUSE)]).await;
    assert_eq!(impersonate(&world, &downscoped, MIDDLE, &direct).await.0, 403);
}

#[tokio::test]
async fn the_metadata_server_hands_out_one_cached_token() {
    let world = World::start().await;
    let path = "/computeMetadata/v1/instance/service-accounts/default/token?scopes=a";
    let ask = async |flavor: &str, forwarded: Option<&str>| {
        let mut request = world.request(Method::GET, path).header("metadata-flavor", flavor);
        if let Some(forwarded) = forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        request.send().await.unwrap()
    };
    let first = parsed(ask("Google", None).await).await.1;
    world.clock.advance(Duration::from_mins(50));
    let second = parsed(ask("Google", None).await).await.1;
    assert_eq!(first["access_token"], second["access_token"]);
    assert_eq!((first["expires_in"].as_u64(), second["expires_in"].as_u64()), (Some(3600), Some(600)));
    world.clock.advance(Duration::from_secs(301));
    assert_ne!(parsed(ask("Google", None).await).await.1["access_token"], first["access_token"]);
    assert_eq!(ask("Amazon", None).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(ask("Google", Some("10.0.0.1")).await.status(), StatusCode::FORBIDDEN);
    let elsewhere = world.request(Method::GET, "/computeMetadata/v1/project/attributes/ssh-keys");
    let elsewhere = elsewhere.header("metadata-flavor", "Google").send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_unsound_configuration_does_not_start() {
    let with = |change: fn(&mut EmulatorConfig)| {
        let mut config =
            EmulatorConfig { service_accounts: vec![key().account()], ..EmulatorConfig::default() };
        change(&mut config);
        Emulator::start(config)
    };
    let reserved = with(|config| config.buckets = vec!["storage".to_owned()]).await;
    assert!(matches!(reserved, Err(EmulatorError::Bucket)));
    let twice = with(|config| config.service_accounts.push(key().account())).await;
    assert!(matches!(twice, Err(EmulatorError::DuplicateAccount)));
    let no_key = with(|config| config.service_accounts[0].public_key_pem = "x".to_owned()).await;
    assert!(matches!(no_key, Err(EmulatorError::PublicKey(_))));
}

#[tokio::test]
async fn a_stopped_emulator_frees_its_port() {
    let world = World::start().await;
    let address: std::net::SocketAddr = world.emulator.url().trim_start_matches("http://").parse().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_ok());
    world.emulator.shutdown().await;
    world.emulator.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    drop(world);
    let again = EmulatorConfig { listen: address, ..EmulatorConfig::default() };
    assert!(Emulator::start(again).await.is_ok());
}
