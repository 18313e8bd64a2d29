//! The JSON dialect, in the very bytes that Google's Python library and gcsfs send.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{World, parsed};

const UPLOAD: &str = "/upload/storage/v1/b/lake/o";

#[tokio::test]
async fn googles_library_uploads_in_one_request() {
    let world = World::start().await;
    let body = "--===============7330845974216740156==\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n\
        {\"name\": \"wh/sales/a b.txt\", \"crc32c\": \"mnG7TA==\"}\r\n--===============7330845974216740156==\r\n\
        content-type: text/plain\r\n\r\nhello\r\n--===============7330845974216740156==--";
    let send = async |body: String| {
        world
            .request(Method::POST, &format!("{UPLOAD}?uploadType=multipart"))
            .bearer_auth(world.writer().await)
            .header("content-type", "multipart/related; boundary=\"===============7330845974216740156==\"")
            .body(body)
            .send()
            .await
            .unwrap()
    };
    let (status, resource) = parsed(send(body.to_owned()).await).await;
    assert_eq!(status, 200);
    assert_eq!((resource["name"].as_str(), resource["size"].as_str()), (Some("wh/sales/a b.txt"), Some("5")));
    assert_eq!(
        (resource["crc32c"].as_str(), resource["md5Hash"].as_str()),
        (Some("mnG7TA=="), Some("XUFAKrxLKna5cZ2REBfFkg=="))
    );
    assert_eq!(
        (resource["contentType"].as_str(), resource["metageneration"].as_str()),
        (Some("text/plain"), Some("1"))
    );
    assert!(resource["generation"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(world.emulator.object("lake", "wh/sales/a b.txt").unwrap(), "hello");
    assert_eq!(send(body.replace("mnG7TA", "AAAAAA")).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn gcsfs_uploads_with_bare_line_feeds() {
    let world = World::start().await;
    let body = "--==0==\nContent-Type: application/json; charset=UTF-8\n\n{\"name\": \"wh/sales/b\", \"metadata\": {\"k\": \"v\"}}\
        \n--==0==\nContent-Type: application/octet-stream\n\nline\r\nend\r\n--==0==--";
    let request = world
        .request(Method::POST, &format!("{UPLOAD}?uploadType=multipart"))
        .bearer_auth(world.writer().await)
        .header("content-type", "multipart/related; boundary=\"==0==\"")
        .body(body);
    let (status, resource) = parsed(request.send().await.unwrap()).await;
    assert_eq!((status, &resource["metadata"]), (200, &json!({ "k": "v" })));
    assert_eq!(world.emulator.object("lake", "wh/sales/b").unwrap(), "line\r\nend\r");
}

async fn begin(world: &World, token: &str, path: &str, body: Value) -> String {
    let response = world
        .request(Method::POST, path)
        .bearer_auth(token)
        .header("x-upload-content-type", "text/csv")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    location.strip_prefix(&world.emulator.url()).unwrap().to_owned()
}

async fn chunk(
    world: &World,
    method: Method,
    session: &str,
    range: &str,
    body: &'static str,
) -> (StatusCode, Option<String>) {
    let request = world.request(method, session).header("content-range", range).body(body);
    let response = request.send().await.unwrap();
    let range = response.headers().get("range").map(|value| value.to_str().unwrap().to_owned());
    (response.status(), range)
}

#[tokio::test]
async fn a_resumable_upload_goes_on_by_put_or_post() {
    let world = World::start().await;
    let writer = world.writer().await;
    let named = json!({ "name": "wh/sales/big" });
    for (method, path, body) in [
        (Method::PUT, format!("{UPLOAD}?uploadType=resumable"), named),
        (Method::POST, format!("{UPLOAD}?name=wh%2Fsales%2Fbig&uploadType=resumable"), json!({})),
    ] {
        let session = begin(&world, &writer, &path, body).await;
        assert_eq!(
            chunk(&world, method.clone(), &session, "bytes */*", "").await,
            (StatusCode::PERMANENT_REDIRECT, None)
        );
        let (status, range) = chunk(&world, method.clone(), &session, "bytes 0-3/*", "0123").await;
        assert_eq!((status.as_u16(), range.as_deref()), (308, Some("bytes=0-3")));
        let (status, range) = chunk(&world, method.clone(), &session, "bytes 2-5/*", "2345").await;
        assert_eq!(
            (status.as_u16(), range.as_deref()),
            (308, Some("bytes=0-5")),
            "what is there is not taken twice"
        );
        assert_eq!(
            chunk(&world, method.clone(), &session, "bytes 8-9/10", "89").await.0,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(chunk(&world, method.clone(), &session, "bytes 6-9/10", "6789").await.0, StatusCode::OK);
        assert_eq!(
            chunk(&world, method, &session, "bytes */10", "").await.0,
            StatusCode::OK,
            "it stays done"
        );
        assert_eq!(world.emulator.object("lake", "wh/sales/big").unwrap(), "0123456789");
    }
    let (_, resource) = parsed(world.get(&writer, "/storage/v1/b/lake/o/wh%2Fsales%2Fbig").await).await;
    assert_eq!(resource["contentType"], "text/csv");
}

#[tokio::test]
async fn a_session_outlives_its_token_for_seven_days_with_the_rights_it_began_with() {
    let world = World::start().await;
    let creator = world.downscoped(&[("objectCreator", crate::support::OBJECT_CLAUSE)]).await;
    let path = format!("{UPLOAD}?uploadType=resumable");
    let outside =
        world.request(Method::POST, &path).bearer_auth(&creator).json(&json!({ "name": "wh/sales2/x" }));
    assert_eq!(outside.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(begin(&world, &creator, &path, json!({ "name": "wh/sales/x" })).await);
    }
    world.clock.advance(Duration::from_hours(7 * 24 - 1));
    assert_eq!(world.get(&creator, "/lake/wh%2Fsales%2Fx").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(chunk(&world, Method::PUT, &sessions[0], "bytes 0-0/1", "1").await.0, StatusCode::OK);
    let replacing = chunk(&world, Method::PUT, &sessions[1], "bytes 0-0/1", "2").await.0;
    assert_eq!(replacing, StatusCode::FORBIDDEN, "its creator could not replace");
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(chunk(&world, Method::PUT, &sessions[2], "bytes 0-0/1", "3").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.emulator.object("lake", "wh/sales/x").unwrap(), "1");
}

#[tokio::test]
async fn a_cancelled_or_unknown_session_is_gone() {
    let world = World::start().await;
    let session = begin(
        &world,
        &world.writer().await,
        &format!("{UPLOAD}?uploadType=resumable"),
        json!({ "name": "wh/sales/x" }),
    )
    .await;
    let cancel = world.request(Method::DELETE, &session).send().await.unwrap();
    assert_eq!(cancel.status().as_u16(), 499);
    assert_eq!(chunk(&world, Method::PUT, &session, "bytes */*", "").await.0, StatusCode::NOT_FOUND);
    let unknown = format!("{UPLOAD}?uploadType=resumable&upload_id=none");
    assert_eq!(chunk(&world, Method::PUT, &unknown, "bytes */*", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn downloads_carry_hash_generation_and_range() {
    let world = World::start().await;
    world.emulator.put_object("lake", "wh/sales/a", "hello").unwrap();
    let reader = world.reader().await;
    let path = "/download/storage/v1/b/lake/o/wh%2Fsales%2Fa?alt=media";
    let whole = world.get(&reader, path).await;
    assert_eq!(whole.headers()["x-goog-hash"], "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==");
    assert!(whole.headers().contains_key("x-goog-generation") && whole.headers().contains_key("etag"));
    assert_eq!(whole.text().await.unwrap(), "hello");
    for (range, content, part) in [("bytes=1-3", "ell", "bytes 1-3/5"), ("bytes=0-", "hello", "bytes 0-4/5")]
    {
        let response = world
            .request(Method::GET, path)
            .bearer_auth(&reader)
            .header("range", range)
            .send()
            .await
            .unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-range"]),
            (206, &part.parse().unwrap())
        );
        assert_eq!(response.text().await.unwrap(), content);
    }
    let outside = world
        .request(Method::GET, path)
        .bearer_auth(&reader)
        .header("range", "bytes=5-")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (outside.status().as_u16(), &outside.headers()["content-range"]),
        (416, &"bytes */5".parse().unwrap())
    );
}

#[tokio::test]
async fn listings_are_paged_and_grouped() {
    let world = World::start().await;
    for name in ["wh/sales/a/1", "wh/sales/b", "wh/sales/c"] {
        world.emulator.put_object("lake", name, "1").unwrap();
    }
    let reader = world.reader().await;
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let path =
            format!("/storage/v1/b/lake/o?delimiter=/&prefix=wh/sales/&maxResults=1&pageToken={token}");
        let (_, page) = parsed(world.get(&reader, &path).await).await;
        seen.extend(
            page["items"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        seen.extend(
            page["prefixes"].as_array().into_iter().flatten().map(|p| p.as_str().unwrap().to_owned()),
        );
        match page["nextPageToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["wh/sales/a/", "wh/sales/b", "wh/sales/c"]);
    let (_, empty) = parsed(
        world
            .get(&reader, "/storage/v1/b/lake/o?projection=noAcl&prefix=wh%2Fsales%2Fnone&delimiter=%2F")
            .await,
    )
    .await;
    assert_eq!(empty, json!({ "kind": "storage#objects" }));
}

#[tokio::test]
async fn objects_are_described_copied_changed_composed_and_deleted() {
    let world = World::start().await;
    world.emulator.put_object("lake", "wh/sales/a", "1").unwrap();
    let user = world.downscoped(&[("objectUser", crate::support::OBJECT_CLAUSE)]).await;
    let object = |name: &str| format!("/storage/v1/b/lake/o/wh%2Fsales%2F{name}");
    let send = async |method: Method, path: String, body: Value| {
        parsed(world.request(method, &path).bearer_auth(&user).json(&body).send().await.unwrap()).await
    };
    let (_, named) =
        parsed(world.get(&user, &format!("{}?fields=name&prettyPrint=false", object("a"))).await).await;
    assert_eq!(named["name"], "wh/sales/a");
    let copy = format!("{}/copyTo/b/lake/o/wh%2Fsales%2Fb?prettyPrint=false", object("a"));
    assert_eq!(send(Method::POST, copy, json!({})).await.1["name"], "wh/sales/b");
    let rewrite = format!("{}/rewriteTo/b/lake/o/wh%2Fsales%2Fc", object("a"));
    let (_, rewritten) = send(Method::POST, rewrite, json!({})).await;
    assert_eq!(
        (rewritten["done"].as_bool(), rewritten["resource"]["name"].as_str()),
        (Some(true), Some("wh/sales/c"))
    );
    let elsewhere = format!("{}/rewriteTo/b/other/o/wh%2Fsales%2Fc", object("a"));
    assert_eq!(send(Method::POST, elsewhere, json!({})).await.0, 403);

    let patch = format!("{}?projection=full&prettyPrint=false", object("a"));
    let (_, first) = send(
        Method::PATCH,
        patch.clone(),
        json!({ "metadata": { "k": "v", "l": "w" }, "contentType": "text/csv" }),
    )
    .await;
    assert_eq!((&first["metageneration"], &first["metadata"]["k"]), (&json!("2"), &json!("v")));
    let (_, second) = send(Method::PATCH, patch, json!({ "metadata": { "k": null } })).await;
    assert_eq!((&second["metadata"], &second["contentType"]), (&json!({ "l": "w" }), &json!("text/csv")));
    assert_eq!(first["generation"], second["generation"]);

    let sources = json!({ "sourceObjects": [{ "name": "wh/sales/a" }, { "name": "wh/sales/b" }], "destination": { "contentType": "text/plain" } });
    let (_, composed) = send(Method::POST, format!("{}/compose", object("d")), sources).await;
    assert_eq!((composed["size"].as_str(), composed.get("md5Hash")), (Some("2"), None));
    let outside = json!({ "sourceObjects": [{ "name": "wh/secret" }] });
    assert_eq!(send(Method::POST, format!("{}/compose", object("e")), outside).await.0, 403);

    let stale =
        world.request(Method::DELETE, &format!("{}?ifGenerationMatch=1", object("d"))).bearer_auth(&user);
    let (status, body) = parsed(stale.send().await.unwrap()).await;
    assert_eq!((status, body["error"]["errors"][0]["reason"].as_str()), (412, Some("conditionNotMet")));
    let delete = world.request(Method::DELETE, &object("d")).bearer_auth(&user).send().await.unwrap();
    assert_eq!(delete.status(), StatusCode::NO_CONTENT);
    assert_eq!(world.emulator.object_names("lake"), ["wh/sales/a", "wh/sales/b", "wh/sales/c"]);
}

#[tokio::test]
async fn a_bucket_is_described_to_who_may_know_it() {
    let world = World::start().await;
    let (status, bucket) =
        parsed(world.get(&world.source(), "/storage/v1/b/lake?projection=noAcl").await).await;
    assert_eq!((status, bucket["name"].as_str()), (200, Some("lake")));
    assert_eq!(
        world.get(&world.reader().await, "/storage/v1/b/lake?projection=noAcl").await.status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn names_that_the_cloud_refuses_are_refused() {
    let world = World::start().await;
    let source = world.source();
    for name in ["a%0Ab", "a%0Db", ".", "..", &"a".repeat(1025)] {
        let request = world
            .request(Method::POST, &format!("{UPLOAD}?uploadType=media&name={name}"))
            .bearer_auth(&source);
        assert_eq!(request.body("1").send().await.unwrap().status(), StatusCode::BAD_REQUEST, "{name}");
    }
    assert!(world.emulator.object_names("lake").is_empty());
}
