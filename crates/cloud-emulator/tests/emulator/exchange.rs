//! The token exchange: what is asked, what is refused, how long it lasts.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{OBJECT_CLAUSE, World, boundary, parsed};

async fn refusal(world: &World, subject: &str, options: &str) -> String {
    let (status, answer) = parsed(world.exchange(subject, options).await).await;
    assert_eq!(status, 400);
    assert!(answer["error_description"].is_string() && answer.get("access_token").is_none());
    answer["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_downscoped_token_ends_with_its_source() {
    let world = World::start().await;
    world.emulator.put_object("lake", "wh/sales/a", "1").unwrap();
    let source = world.source();
    world.clock.advance(Duration::from_secs(1000));
    let options = boundary(&[("objectViewer", OBJECT_CLAUSE)]);
    let (status, answer) = parsed(world.exchange(&source, &options).await).await;
    assert_eq!((status, answer["expires_in"].as_u64()), (200, Some(2600)));
    assert_eq!(answer["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!(answer["token_type"], "Bearer");
    let token = answer["access_token"].as_str().unwrap();
    world.clock.advance(Duration::from_secs(2599));
    assert_eq!(world.get(token, "/lake/wh%2Fsales%2Fa").await.status(), StatusCode::OK);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.get(token, "/lake/wh%2Fsales%2Fa").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refusal(&world, &source, &options).await, "invalid_grant");
}

#[tokio::test]
async fn in07_an_exchange_without_a_boundary_is_refused() {
    let world = World::start().await;
    let source = world.source();
    for options in ["", "{}", "null", "{\"accessBoundary\":{\"accessBoundaryRules\":[]}}", "not json"] {
        assert_eq!(refusal(&world, &source, options).await, "invalid_request", "{options}");
    }
    let none = json!({ "accessBoundary": { "accessBoundaryRules": [{
        "availableResource": "//storage.googleapis.com/projects/_/buckets/lake", "availablePermissions": ["*"] }] } });
    assert_eq!(refusal(&world, &source, &none.to_string()).await, "invalid_request");
}

#[tokio::test]
async fn a_downscoped_token_cannot_be_downscoped_again() {
    let world = World::start().await;
    let reader = world.reader().await;
    let wider = boundary(&[("objectAdmin", "resource.name.startsWith('projects/_/buckets/lake/')")]);
    assert_eq!(refusal(&world, &reader, &wider).await, "invalid_grant");
    assert_eq!(refusal(&world, "ya29.emu-made-up", &wider).await, "invalid_grant");
}

#[tokio::test]
async fn in09_each_form_field_is_read_once_and_whole() {
    let world = World::start().await;
    let token_type = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    let types = format!("subject_token_type={token_type}&requested_token_type={token_type}");
    let options =
        boundary(&[("objectViewer", "resource.name == 'projects/_/buckets/lake/objects/a&b+c%26 d'")]);
    let encoded: String = url::form_urlencoded::byte_serialize(options.as_bytes()).collect();
    let send = async |body: String| {
        let request = world.request(Method::POST, "/v1/token").body(body);
        parsed(request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap())
            .await
    };
    let good = format!("{grant}&{types}&subject_token={}&options={encoded}", world.source());
    let (status, answer) = send(good.clone()).await;
    assert_eq!(status, 200);
    let token = answer["access_token"].as_str().unwrap();
    world.emulator.put_object("lake", "a&b+c%26 d", "1").unwrap();
    assert_eq!(world.get(token, "/lake/a%26b%2Bc%2526%20d").await.status(), StatusCode::OK);
    assert_eq!(world.get(token, "/lake/a%26b").await.status(), StatusCode::FORBIDDEN);
    for injected in [format!("{good}&{grant}"), format!("{good}&options=%7B%7D"), format!("options=&{good}")]
    {
        assert_eq!(send(injected).await.0, 400);
    }
}

#[tokio::test]
async fn options_may_come_encoded_twice_as_googles_library_sends_them() {
    let world = World::start().await;
    let text = format!(
        "{{\"accessBoundary\": {{\"accessBoundaryRules\": [{{\"availablePermissions\": \
         [\"inRole:roles/storage.objectViewer\"], \"availableResource\": \
         \"//storage.googleapis.com/projects/_/buckets/lake\", \"availabilityCondition\": \
         {{\"expression\": \"{OBJECT_CLAUSE}\"}}}}]}}}}"
    );
    let once: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let once = once.replace('+', "%20");
    assert_eq!(world.exchange(&world.source(), &once).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn in10_a_deep_condition_is_refused_and_the_server_lives() {
    let world = World::start().await;
    let source = world.source();
    for expression in ["(".repeat(1000), "!".repeat(2000), "-".repeat(2000), "[".repeat(2000)] {
        let options = boundary(&[("objectViewer", &expression)]);
        assert_eq!(refusal(&world, &source, &options).await, "invalid_request");
    }
    let deep = format!("{{\"accessBoundary\":{}", "[".repeat(100_000));
    assert_eq!(refusal(&world, &source, &deep).await, "invalid_request");
    assert_eq!(world.exchange(&source, &"x".repeat(9 << 20)).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn st01_the_quota_of_any_minute_holds() {
    let world = World::configured(|config| config.sts_per_minute = 3).await;
    let (source, options) = (world.source(), boundary(&[("objectViewer", OBJECT_CLAUSE)]));
    let ask = async || parsed(world.exchange(&source, &options).await).await;
    for _ in 0..3 {
        assert_eq!(ask().await.0, 200);
    }
    let (status, answer) = ask().await;
    assert_eq!((status, answer["error"].as_str()), (429, Some("quota_exceeded")));
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(ask().await.0, 429);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(ask().await.0, 200);
    let calls = world.emulator.calls();
    assert_eq!((calls.sts, calls.sts_peak_per_minute), (6, 5));
    assert_eq!(world.emulator.calls_per_minute().len(), 2);
}

#[tokio::test]
async fn wrong_grant_and_token_types_are_refused() {
    let world = World::start().await;
    let source = world.source();
    let options = boundary(&[("objectViewer", OBJECT_CLAUSE)]);
    let access = "urn:ietf:params:oauth:token-type:access_token";
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let cases = [
        ("password", access, access, "unsupported_grant_type"),
        (exchange, "urn:ietf:params:oauth:token-type:id_token", access, "unsupported_token_type"),
        (
            exchange,
            access,
            "urn:ietf:params:oauth:token-type:access_boundary_intermediary_token",
            "unsupported_token_type",
        ),
    ];
    for (grant, subject_type, requested_type, code) in cases {
        let form = [
            ("grant_type", grant),
            ("subject_token_type", subject_type),
            ("requested_token_type", requested_type),
            ("subject_token", &source),
            ("options", &options),
        ];
        let response = world.request(Method::POST, "/v1/token").form(&form).send().await.unwrap();
        let (status, answer): (u16, Value) = parsed(response).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(code)));
    }
}
