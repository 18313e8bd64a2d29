//! Multipart uploads of the XML dialect under enforcement.

use reqwest::{Method, StatusCode};

use crate::support::{OBJECT_CLAUSE, World};

async fn begin(world: &World, token: &str, path: &str) -> String {
    let request = world.request(Method::POST, &format!("{path}?uploads")).bearer_auth(token);
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""));
    let (_, rest) = text.split_once("<UploadId>").unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

async fn send(world: &World, token: &str, method: Method, path: &str, body: String) -> (StatusCode, String) {
    let response = world.request(method, path).bearer_auth(token).body(body).send().await.unwrap();
    let etag = response.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned()).unwrap_or_default();
    (response.status(), etag)
}

fn completion(parts: &[(u32, &str)]) -> String {
    let part = |(number, etag): &(u32, &str)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    format!(
        "<CompleteMultipartUpload>{}</CompleteMultipartUpload>",
        parts.iter().map(part).collect::<String>()
    )
}

#[tokio::test]
async fn a_creator_uploads_in_parts_but_cannot_replace_so() {
    let world = World::start().await;
    let creator = world.downscoped(&[("objectCreator", OBJECT_CLAUSE)]).await;
    let path = "/lake/wh/sales/big";
    let id = begin(&world, &creator, path).await;
    let (status, first) =
        send(&world, &creator, Method::PUT, &format!("{path}?partNumber=1&uploadId={id}"), "a".into()).await;
    assert_eq!(status, StatusCode::OK);
    let (_, second) =
        send(&world, &creator, Method::PUT, &format!("{path}?partNumber=7&uploadId={id}"), "b".into()).await;
    let listed = world.get(&creator, &format!("{path}?uploadId={id}")).await;
    assert!(listed.text().await.unwrap().contains("<PartNumber>7</PartNumber>"));

    world.emulator.put_object("lake", "wh/sales/big", "old").unwrap();
    let body = completion(&[(1, &first), (7, &second)]);
    let complete = format!("{path}?uploadId={id}");
    assert_eq!(send(&world, &creator, Method::POST, &complete, body.clone()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.emulator.object("lake", "wh/sales/big").unwrap(), "old");
    let writer = world.writer().await;
    assert_eq!(send(&world, &writer, Method::POST, &complete, body.clone()).await.0, StatusCode::OK);
    assert_eq!(world.emulator.object("lake", "wh/sales/big").unwrap(), "ab");
    assert_eq!(send(&world, &writer, Method::POST, &complete, body).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn rp19_an_upload_id_is_no_key_to_another_name_or_caller() {
    let world = World::start().await;
    let (writer, reader) = (world.writer().await, world.reader().await);
    let path = "/lake/wh/sales/big";
    let id = begin(&world, &writer, path).await;
    let part = |path: &str| format!("{path}?partNumber=1&uploadId={id}");
    assert_eq!(send(&world, &reader, Method::PUT, &part(path), "a".into()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(
        send(&world, &writer, Method::PUT, &part("/lake/wh/sales/b"), "a".into()).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        send(&world, &writer, Method::PUT, &part("/lake/wh/sales2/b"), "a".into()).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        send(&world, &reader, Method::DELETE, &format!("{path}?uploadId={id}"), String::new()).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(world.get(&reader, &format!("{path}?uploadId={id}")).await.status(), StatusCode::FORBIDDEN);
    let source = world.source();
    let outside = begin(&world, &source, "/lake/wh/sales2/big").await;
    let path = format!("/lake/wh/sales2/big?uploadId={outside}");
    assert_eq!(send(&world, &writer, Method::DELETE, &path, String::new()).await.0, StatusCode::FORBIDDEN);
    let uploads = world.get(&source, "/lake?uploads").await.text().await.unwrap();
    assert!(uploads.contains("<Key>wh/sales2/big</Key>") && uploads.contains("<Key>wh/sales/big</Key>"));
}

#[tokio::test]
async fn a_part_is_answered_with_its_hashes_and_compared_with_the_declared_ones() {
    let world = World::start().await;
    let writer = world.writer().await;
    let path = "/lake/wh/sales/big";
    let id = begin(&world, &writer, path).await;
    let put = |hash: &'static str| {
        let request = world.request(Method::PUT, &format!("{path}?partNumber=1&uploadId={id}"));
        request.bearer_auth(&writer).header("x-goog-hash", hash).body("hello").send()
    };
    let good = put("crc32c=mnG7TA==").await.unwrap();
    assert_eq!(good.headers()["x-goog-hash"], "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==");
    assert_eq!(put("crc32c=AAAAAA==").await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(put("md5=AAAA").await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn unfit_parts_are_refused() {
    let world = World::start().await;
    let writer = world.writer().await;
    let path = "/lake/wh/sales/big";
    let id = begin(&world, &writer, path).await;
    let put = |number: &str| format!("{path}?partNumber={number}&uploadId={id}");
    for number in ["0", "10001", "x", ""] {
        assert_eq!(
            send(&world, &writer, Method::PUT, &put(number), "a".into()).await.0,
            StatusCode::BAD_REQUEST
        );
    }
    let (_, etag) = send(&world, &writer, Method::PUT, &put("1"), "a".into()).await;
    let complete = format!("{path}?uploadId={id}");
    let bodies = [
        completion(&[]),
        completion(&[(1, "\"0\"")]),
        completion(&[(2, &etag)]),
        completion(&[(1, &etag), (1, &etag)]),
        "<!DOCTYPE x [<!ENTITY a \"b\">]><CompleteMultipartUpload><Part>&a;</Part></CompleteMultipartUpload>"
            .to_owned(),
        "nonsense".to_owned(),
    ];
    for body in bodies {
        let (status, _) = send(&world, &writer, Method::POST, &complete, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert!(world.emulator.object_names("lake").is_empty());
}
