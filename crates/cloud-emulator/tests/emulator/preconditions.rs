//! Preconditions and versions: a call that is told what it must find does nothing when it finds something else.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::World;

const OBJECTS: &str = "/storage/v1/b/lake/o";
const WRONG: u64 = 1;

/// A lake with the objects `a` and `b`, and the owner's token.
struct Lake {
    world: World,
    token: String,
}

impl Lake {
    async fn start() -> Self {
        let world = World::start().await;
        world.emulator.put_object("lake", "a", "alpha").unwrap();
        world.emulator.put_object("lake", "b", "beta").unwrap();
        let token = world.source();
        Self { world, token }
    }

    /// The status of a call with a body.
    async fn call(&self, method: Method, path: &str, body: Value) -> u16 {
        let request = self.world.request(method, path).bearer_auth(&self.token);
        request.json(&body).send().await.unwrap().status().as_u16()
    }

    /// The status of an XML copy of `a` to `b` with a header more.
    async fn xml_copy(&self, header: &str, value: &str) -> u16 {
        let request = self.world.request(Method::PUT, "/lake/b").bearer_auth(&self.token);
        let request = request.header("x-goog-copy-source", "lake/a").header(header, value);
        request.send().await.unwrap().status().as_u16()
    }

    async fn generation(&self, name: &str) -> String {
        let answer: Value =
            self.world.get(&self.token, &format!("{OBJECTS}/{name}")).await.json().await.unwrap();
        answer["generation"].as_str().unwrap().to_owned()
    }

    fn contents(&self) -> [Option<bytes::Bytes>; 2] {
        ["a", "b"].map(|name| self.world.emulator.object("lake", name))
    }
}

#[tokio::test]
async fn a_version_that_is_not_there_is_not_found_and_nothing_happens_to_the_present_one() {
    let lake = Lake::start().await;
    let before = lake.contents();
    for (method, path) in [
        (Method::GET, format!("{OBJECTS}/a?generation={WRONG}")),
        (Method::DELETE, format!("{OBJECTS}/a?generation={WRONG}")),
        (Method::PATCH, format!("{OBJECTS}/a?generation={WRONG}")),
        (Method::PUT, format!("{OBJECTS}/a?generation={WRONG}")),
        (Method::POST, format!("{OBJECTS}/a/rewriteTo/b/lake/o/b?sourceGeneration={WRONG}")),
        (Method::POST, format!("{OBJECTS}/a/copyTo/b/lake/o/b?sourceGeneration={WRONG}")),
        (Method::DELETE, format!("/lake/a?generation={WRONG}")),
        (Method::GET, format!("/lake/a?generation={WRONG}")),
    ] {
        assert_eq!(lake.call(method.clone(), &path, json!({})).await, 404, "{method} {path}");
    }
    assert_eq!(lake.xml_copy("x-goog-copy-source-generation", "1").await, 404);
    assert_eq!(lake.contents(), before);
    let present = lake.generation("a").await;
    let rewrite = format!("{OBJECTS}/a/rewriteTo/b/lake/o/b?sourceGeneration={present}");
    assert_eq!(lake.call(Method::POST, &rewrite, json!({})).await, 200);
    assert_eq!(lake.call(Method::DELETE, &format!("{OBJECTS}/a?generation={present}"), json!({})).await, 204);
}

#[tokio::test]
async fn a_precondition_on_the_source_of_a_copy_is_held() {
    let lake = Lake::start().await;
    let (before, present) = (lake.contents(), lake.generation("a").await);
    for condition in [
        format!("ifSourceGenerationMatch={WRONG}"),
        format!("ifSourceGenerationNotMatch={present}"),
        "ifSourceMetagenerationMatch=2".to_owned(),
        "ifSourceMetagenerationNotMatch=1".to_owned(),
    ] {
        for verb in ["rewriteTo", "copyTo"] {
            let path = format!("{OBJECTS}/a/{verb}/b/lake/o/b?{condition}");
            assert_eq!(lake.call(Method::POST, &path, json!({})).await, 412, "{path}");
        }
    }
    for (header, value) in [
        ("x-goog-copy-source-if-generation-match", "1"),
        ("x-goog-copy-source-if-metageneration-match", "2"),
        ("x-goog-copy-source-if-match", "\"other\""),
        ("x-goog-copy-source-if-none-match", "*"),
    ] {
        assert_eq!(lake.xml_copy(header, value).await, 412, "{header}: {value}");
    }
    assert_eq!(lake.contents(), before);
    assert_eq!(lake.xml_copy("x-goog-copy-source-if-generation-match", &present).await, 200);
    assert_eq!(lake.contents()[1].as_deref(), Some(&b"alpha"[..]));
}

#[tokio::test]
async fn the_version_of_the_metadata_is_a_precondition_both_ways() {
    let lake = Lake::start().await;
    let change = json!({ "contentType": "text/csv" });
    let path = |condition: &str| format!("{OBJECTS}/a?{condition}");
    let changed = async |condition: &str| lake.call(Method::PATCH, &path(condition), change.clone()).await;
    assert_eq!(changed("ifMetagenerationNotMatch=1").await, 412);
    assert_eq!(changed("ifMetagenerationMatch=2").await, 412);
    assert_eq!(changed("ifMetagenerationNotMatch=2").await, 200);
    assert_eq!(changed("ifMetagenerationMatch=2").await, 200);
    assert_eq!(lake.call(Method::GET, &path("ifMetagenerationNotMatch=3"), json!({})).await, 304);
    assert_eq!(lake.call(Method::DELETE, &path("ifMetagenerationNotMatch=3"), json!({})).await, 412);
}

#[tokio::test]
async fn components_of_a_composed_object_are_taken_in_the_version_that_is_asked_for() {
    let lake = Lake::start().await;
    let (before, present) = (lake.contents(), lake.generation("a").await);
    let number: u64 = present.parse().unwrap();
    let compose = async |component: Value| {
        let body = json!({ "sourceObjects": [component, { "name": "a", "generation": null }] });
        lake.call(Method::POST, &format!("{OBJECTS}/b/compose"), body).await
    };
    assert_eq!(compose(json!({ "name": "a", "generation": WRONG.to_string() })).await, 404);
    let conditional =
        |version: Value| json!({ "name": "a", "objectPreconditions": { "ifGenerationMatch": version } });
    assert_eq!(compose(conditional(json!(WRONG))).await, 412);
    assert_eq!(compose(json!({ "name": "a", "generation": "latest" })).await, 400);
    assert_eq!(lake.contents(), before);
    assert_eq!(compose(json!({ "name": "a", "generation": number })).await, 200);
    assert_eq!(compose(conditional(json!(present))).await, 200);
    assert_eq!(lake.contents()[1].as_deref(), Some(&b"alphaalpha"[..]));
}
