//! Who may do what, where: every role against every call, inside and outside its prefix.

use lakegate_cloud_emulator::{BucketRole, Role};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{ACCOUNT, LIST_CLAUSE, OBJECT_CLAUSE, World, parsed};

/// Every kind of call; `new` and `over` tell a free name from a taken one.
const CALLS: [&str; 17] = [
    "xml get",
    "xml head",
    "xml list",
    "xml put new",
    "xml put over",
    "xml copy new",
    "xml delete",
    "xml upload",
    "json get",
    "json media",
    "json list",
    "json put new",
    "json put over",
    "json rewrite over",
    "json compose new",
    "json patch",
    "json delete",
];

const READS: [&str; 4] = ["xml get", "xml head", "json get", "json media"];
const LISTS: [&str; 2] = ["xml list", "json list"];
const CREATES: [&str; 3] = ["xml put new", "xml upload", "json put new"];
const REPLACES: [&str; 4] = ["xml put over", "json put over", "xml delete", "json delete"];

fn allowed(role: &str) -> Vec<&'static str> {
    match role {
        "legacyObjectReader" => READS.to_vec(),
        "objectViewer" => [READS.as_slice(), &LISTS].concat(),
        "legacyBucketReader" => LISTS.to_vec(),
        "objectCreator" => CREATES.to_vec(),
        "legacyBucketWriter" | "legacyBucketOwner" => [LISTS.as_slice(), &CREATES, &REPLACES].concat(),
        "legacyObjectOwner" => [READS.as_slice(), &["json patch"]].concat(),
        _ => CALLS.to_vec(),
    }
}

/// Makes a call below the folder, which holds the objects `taken` and `second`.
async fn attempt(world: &World, token: &str, call: &str, folder: &str) -> StatusCode {
    world.emulator.put_object("lake", &format!("{folder}taken"), "1").unwrap();
    world.emulator.put_object("lake", &format!("{folder}second"), "2").unwrap();
    let encode = |name: &str| format!("{folder}{name}").replace('/', "%2F");
    let free = format!("new {}", call.replace(' ', "-"));
    let (present, free) = (encode("taken"), encode(&free).replace(' ', "%20"));
    let prefix = folder.replace('/', "%2F");
    let (objects, uploads) = ("/storage/v1/b/lake/o", "/upload/storage/v1/b/lake/o?uploadType=media");
    let (method, path) = match call {
        "xml get" => (Method::GET, format!("/lake/{present}")),
        "xml head" => (Method::HEAD, format!("/lake/{present}")),
        "xml list" => (Method::GET, format!("/lake?list-type=2&prefix={prefix}")),
        "xml put over" => (Method::PUT, format!("/lake/{present}")),
        "xml put new" | "xml copy new" => (Method::PUT, format!("/lake/{free}")),
        "xml delete" => (Method::DELETE, format!("/lake/{present}")),
        "xml upload" => (Method::POST, format!("/lake/{free}?uploads=")),
        "json get" => (Method::GET, format!("{objects}/{present}")),
        "json media" => (Method::GET, format!("/download{objects}/{present}?alt=media")),
        "json list" => (Method::GET, format!("{objects}?prefix={prefix}&delimiter=%2F")),
        "json put new" => (Method::POST, format!("{uploads}&name={free}")),
        "json put over" => (Method::POST, format!("{uploads}&name={present}")),
        "json rewrite over" => {
            (Method::POST, format!("{objects}/{}/rewriteTo/b/lake/o/{present}", encode("second")))
        }
        "json compose new" => (Method::POST, format!("{objects}/{free}/compose")),
        "json patch" => (Method::PATCH, format!("{objects}/{present}")),
        _ => (Method::DELETE, format!("{objects}/{present}")),
    };
    let mut request = world.request(method, &path).bearer_auth(token);
    if call == "xml copy new" {
        request = request.header("x-goog-copy-source", format!("lake/{present}"));
    }
    if call == "json compose new" {
        request = request.json(&json!({ "sourceObjects": [
            { "name": format!("{folder}taken") }, { "name": format!("{folder}second") }] }));
    }
    if call == "json patch" {
        request = request.json(&json!({ "metadata": { "k": "v" } }));
    }
    request.send().await.unwrap().status()
}

const ROLES: [&str; 10] = [
    "legacyObjectReader",
    "legacyObjectOwner",
    "legacyBucketReader",
    "legacyBucketWriter",
    "legacyBucketOwner",
    "objectViewer",
    "objectCreator",
    "objectUser",
    "objectAdmin",
    "admin",
];

#[tokio::test]
async fn every_role_does_inside_its_prefix_what_it_carries_and_nothing_outside() {
    for role in ROLES {
        let world = World::start().await;
        let token = world.downscoped(&[(role, &format!("{OBJECT_CLAUSE} || {LIST_CLAUSE}"))]).await;
        for call in CALLS {
            let inside = attempt(&world, &token, call, "wh/sales/").await;
            assert_eq!(inside.is_success(), allowed(role).contains(&call), "{role}: {call}: {inside}");
            if !inside.is_success() {
                assert_eq!(inside, StatusCode::FORBIDDEN, "{role}: {call}");
            }
            for folder in ["wh/sales2/", "wh/", "", "xwh/sales/"] {
                let outside = attempt(&world, &token, call, folder).await;
                assert_eq!(outside, StatusCode::FORBIDDEN, "{role}: {call} below {folder:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_boundary_never_adds_to_what_its_source_may() {
    for role in ROLES {
        let world = World::configured(|config| {
            config.service_accounts[0].roles =
                vec![BucketRole::on("lake", Role::parse(&format!("roles/storage.{role}")).unwrap())];
        })
        .await;
        let source = world.source();
        let token = world.downscoped(&[("admin", &format!("{OBJECT_CLAUSE} || {LIST_CLAUSE}"))]).await;
        for call in CALLS {
            for (token, folder) in [(&source, "wh/sales/"), (&token, "wh/sales/below/")] {
                let status = attempt(&world, token, call, folder).await;
                assert_eq!(status.is_success(), allowed(role).contains(&call), "{role}: {call}: {status}");
            }
        }
    }
}

#[tokio::test]
async fn rp18_a_listing_is_authorised_by_its_prefix() {
    let world = World::start().await;
    world.emulator.put_object("lake", "wh/sales/a", "1").unwrap();
    let reader = world.reader().await;
    for query in [
        "prefix=wh%2Fsales%2F",
        "prefix=wh%2Fsales%2Fx",
        "prefix=wh/sales/&delimiter=/",
        "prefix=wh%2fsales%2f",
    ] {
        assert_eq!(
            world.get(&reader, &format!("/lake?list-type=2&{query}")).await.status(),
            StatusCode::OK,
            "{query}"
        );
        let json = format!("/storage/v1/b/lake/o?{query}");
        assert_eq!(world.get(&reader, &json).await.status(), StatusCode::OK, "{query}");
    }
    let refused = [
        "",
        "prefix=",
        "prefix=wh%2Fsales",
        "prefix=wh%2F",
        "prefix=wh%2Fsales2%2F",
        "delimiter=%2F",
        "start-after=wh%2Fsales%2F",
        "startOffset=wh%2Fsales%2F",
        "prefix=wh%252Fsales%252F",
        "prefix=&prefix=wh%2Fsales%2F",
        "Prefix=wh%2Fsales%2F",
    ];
    for query in refused {
        assert_eq!(
            world.get(&reader, &format!("/lake?{query}")).await.status(),
            StatusCode::FORBIDDEN,
            "{query}"
        );
        let json = format!("/storage/v1/b/lake/o?{query}");
        assert_eq!(world.get(&reader, &json).await.status(), StatusCode::FORBIDDEN, "{query}");
    }
    assert_eq!(
        world
            .get(&reader, "/lake?list-type=2&prefix=wh%2Fsales%2F&continuation-token=bnhoL2E")
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn rp19_folders_and_upload_listings_are_denied_to_a_bounded_token() {
    let world = World::start().await;
    let writer = world.writer().await;
    for path in [
        "/lake?uploads",
        "/lake?uploads&prefix=wh%2Fsales%2F",
        "/storage/v1/b/lake/folders/wh%2Fsales%2F",
        "/storage/v1/b/lake/managedFolders",
        "/storage/v1/b/lake",
        "/storage/v1/b/lake/iam",
        "/storage/v1/b/other/o",
    ] {
        assert_eq!(world.get(&writer, path).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(world.get(&world.source(), "/lake?uploads").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_xml_would_do_to_an_acl_is_not_done_to_the_content() {
    let world = World::start().await;
    world.emulator.put_object("lake", "wh/sales/a", "1").unwrap();
    let writer = world.writer().await;
    for query in ["acl", "acl=", "compose", "tagging", "versions"] {
        let path = format!("/lake/wh%2Fsales%2Fa?{query}");
        let put = world.request(Method::PUT, &path).bearer_auth(&writer).body("<x/>").send().await.unwrap();
        assert_eq!(put.status(), StatusCode::FORBIDDEN, "{query}");
    }
    assert_eq!(world.emulator.object("lake", "wh/sales/a").unwrap(), "1");
}

#[tokio::test]
async fn a_missing_object_is_404_to_readers_and_403_to_all_others() {
    let world = World::start().await;
    let (reader, creator) =
        (world.reader().await, world.downscoped(&[("objectCreator", OBJECT_CLAUSE)]).await);
    for path in ["/lake/wh%2Fsales%2Fnone", "/storage/v1/b/lake/o/wh%2Fsales%2Fnone"] {
        assert_eq!(world.get(&reader, path).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(world.get(&creator, path).await.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(world.get(&world.source(), "/nowhere/a").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(world.get(&reader, "/nowhere/a").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_creator_is_told_of_a_failed_precondition_and_cannot_replace() {
    let world = World::start().await;
    world.emulator.put_object("lake", "wh/sales/a", "1").unwrap();
    let creator = world.downscoped(&[("objectCreator", OBJECT_CLAUSE)]).await;
    let put = || world.request(Method::PUT, "/lake/wh%2Fsales%2Fa").bearer_auth(&creator).body("2");
    let created = put().header("x-goog-if-generation-match", "0").send().await.unwrap();
    assert_eq!(created.status(), StatusCode::PRECONDITION_FAILED);
    assert!(created.text().await.unwrap().contains("<Code>PreconditionFailed</Code>"));
    let replaced = put().send().await.unwrap();
    assert_eq!(replaced.status(), StatusCode::FORBIDDEN);
    assert!(replaced.text().await.unwrap().contains("storage.objects.delete"));
    assert_eq!(world.emulator.object("lake", "wh/sales/a").unwrap(), "1");
}

#[tokio::test]
async fn refusals_have_the_body_of_their_dialect() {
    let world = World::start().await;
    let reader = world.reader().await;
    let (xml, json) = ("/lake/other", "/storage/v1/b/lake/o/other");
    let cases = [
        (None, 401, "AuthenticationRequired", "required"),
        (Some("ya29.emu-made-up"), 401, "AuthenticationRequired", "authError"),
        (Some(reader.as_str()), 403, "AccessDenied", "forbidden"),
    ];
    for (token, status, code, reason) in cases {
        let ask = |path: &str| {
            let request = world.request(Method::GET, path);
            token.iter().fold(request, reqwest::RequestBuilder::bearer_auth).send()
        };
        let response = ask(xml).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(response.text().await.unwrap().contains(&format!("<Error><Code>{code}</Code><Message>")));
        let (got, body) = parsed(ask(json).await.unwrap()).await;
        assert_eq!((got, body["error"]["code"].as_u64()), (status, Some(u64::from(status))));
        assert_eq!(body["error"]["errors"][0]["reason"], reason);
        assert!(!body.to_string().contains("ya29"));
    }
    let (status, body) = parsed(world.get(&reader, "/storage/v1/b/lake/o/wh%2Fsales%2Fx").await).await;
    assert_eq!((status, body["error"]["errors"][0]["reason"].as_str()), (404, Some("notFound")));
}

#[tokio::test]
async fn only_one_bearer_header_counts() {
    let world = World::start().await;
    world.emulator.put_object("lake", "a", "1").unwrap();
    let source = world.source();
    let twice =
        world.request(Method::GET, "/lake/a").header("authorization", "Bearer x").bearer_auth(&source);
    assert_eq!(twice.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    for value in ["Basic eDp5", "Bearer", &source, &format!("Basic {source}")] {
        let request = world.request(Method::GET, "/lake/a").header("authorization", value);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let in_query = world.request(Method::GET, &format!("/lake/a?access_token={source}"));
    assert_eq!(in_query.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn in01_a_name_with_quotes_is_covered_exactly() {
    let world = World::start().await;
    let name = "x') || true || ('/\\\"";
    let literal = name.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"");
    let clause = format!("resource.name.startsWith('projects/_/buckets/lake/objects/{literal}/')");
    let token = world.downscoped(&[("objectUser", &clause)]).await;
    let put = async |key: &str| {
        let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let path = format!("/lake/{}", encoded.replace('+', "%20"));
        world.request(Method::PUT, &path).bearer_auth(&token).body("1").send().await.unwrap().status()
    };
    assert_eq!(put(&format!("{name}/a")).await, StatusCode::OK);
    for outside in ["a", "x", "x'/a", &format!("{name}2/a"), name] {
        assert_eq!(put(outside).await, StatusCode::FORBIDDEN, "{outside}");
    }
}

#[tokio::test]
async fn secrets_do_not_show_in_debug_output() {
    let world = World::start().await;
    let token = world.emulator.source_token(ACCOUNT).unwrap();
    assert!(!format!("{:?} {token:?}", world.emulator).contains("ya29"));
}
