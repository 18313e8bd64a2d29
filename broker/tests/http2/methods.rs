//! Methods that are not there, and credentials that do not belong.

use anyhow::Result;
use lakegate_testkit::{Deployment, GET_ACCESS_TOKEN, framed, request};

use crate::raw::{END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, Raw, literal};
use crate::world::{READ, SALES, serves, start};

const NO_METHOD: &str = "Unimplemented UNIMPLEMENTED deny unknown_method";

#[tokio::test]
async fn gh08_gh09_what_is_not_served_is_unimplemented_with_our_details() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    for path in [
        "/lakegate.v1.AccessTokenService/GetEverything",
        "/lakegate.v1.AccessTokenService/getaccesstoken",
        "/lakegate.v1.AccessTokenService/GetAccessToken/",
        "/lakegate.v1.AccessTokenService/",
        "/lakegate.v1.DelegationTokenService/Issue",
        "//lakegate.v1.AccessTokenService/GetAccessToken",
        "/lakegate.v1.AccessTokenService//GetAccessToken",
        "/lakegate.v1.AccessTokenService%2FGetAccessToken",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/List",
        "/grpc.health.v1.Health/Check/",
        "//grpc.health.v1.Health/Check",
        "/grpc.channelz.v1.Channelz/GetServers",
        "/metrics",
        "/debug/pprof",
        "/debug/pprof/heap",
        "/livez",
        "/readyz",
        "/healthz",
        "/",
    ] {
        let refused = alice.post(path, b"").await?.refused()?;
        assert_eq!(lake.told(&refused)?, NO_METHOD, "{path}");
        assert_eq!(refused.text, "method is not served");
        assert_eq!(lake.audit().record(&refused.audit_id)?["principal"], "alice");
    }
    serves(&lake).await
}

/// What the broker has for a call that opens with these pseudo-headers: whether its stream or connection ended.
async fn is_refused(lake: &Deployment, method: &str, path: &[(&str, &str)]) -> Result<bool> {
    let mut raw = Raw::connect(lake).await?;
    let usual = [(":method", method), (":scheme", "https"), (":authority", "localhost")];
    let more = [("content-type", "application/grpc"), ("te", "trailers")];
    let all = usual.iter().chain(path).chain(&more);
    let block: Vec<u8> = all.flat_map(|(name, value)| literal(name, value)).collect();
    raw.writer.frame(HEADERS, END_HEADERS | END_STREAM, 1, &block).await?;
    loop {
        match raw.reader.frame().await {
            Some(frame) if [HEADERS, RST_STREAM, GOAWAY].contains(&frame.kind) => return Ok(true),
            Some(_) => {}
            None => return Ok(true),
        }
    }
}

#[tokio::test]
async fn gh08_what_is_no_path_or_no_call_reaches_no_method() -> Result<()> {
    let lake = start().await?;
    let bare = GET_ACCESS_TOKEN.trim_start_matches('/');
    let twice = ["/", GET_ACCESS_TOKEN].concat();
    for path in [bare, "", "*", "?", "https://localhost/x", twice.as_str(), "/a b", "/\u{e9}", "/%00", "/.."]
    {
        assert!(is_refused(&lake, "POST", &[(":path", path)]).await?, "{path}");
    }
    assert!(is_refused(&lake, "POST", &[]).await?, "no path at all");
    for method in ["GET", "PUT", "OPTIONS", "CONNECT", "PRI"] {
        assert!(is_refused(&lake, method, &[(":path", GET_ACCESS_TOKEN)]).await?, "{method}");
    }
    for record in lake.audit().records()? {
        let reason = record["reason"].as_str().unwrap();
        assert!(["unknown_method", "request_form"].contains(&reason), "{record}");
    }
    assert_eq!(lake.emulator().calls().sts, 0);
    serves(&lake).await
}

#[tokio::test]
async fn gh08_other_content_types_get_no_token() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    for content_type in ["application/json", "text/plain", "application/x-protobuf"] {
        let mut request = request(GET_ACCESS_TOKEN, framed(b""))?;
        request.headers_mut().insert("content-type", content_type.parse()?);
        let answer = alice.send(request).await?;
        assert!(answer.http == 415 || answer.refused().is_ok(), "{content_type} was served");
    }
    assert_eq!(lake.audit().records()?.len(), 3);
    serves(&lake).await
}

#[tokio::test]
async fn dt25_a_second_credential_beside_the_certificate_is_refused() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    for value in ["Lakegate-DT abc", "Bearer abc", "", "Basic YTpi"] {
        for path in [GET_ACCESS_TOKEN, "/no.such/Method"] {
            let mut request = request(path, framed(b""))?;
            request.headers_mut().insert("authorization", value.parse()?);
            let refused = alice.send(request).await?.refused()?;
            let told = lake.told(&refused)?;
            assert_eq!(told, "Unauthenticated UNAUTHENTICATED deny two_identities", "{value} {path}");
            assert!(value.is_empty() || !refused.text.contains(value));
        }
    }
    serves(&lake).await
}

#[tokio::test]
async fn xc18_a_certificate_that_names_nobody_is_refused() -> Result<()> {
    let lake = start().await?;
    for name in
        ["a b", "a/b", "*", "root:alice", "\u{202e}ecila", "a\nb", &"x".repeat(60).replace('x', "\u{e9}")]
    {
        let refused = lake.caller(name)?.ask(SALES, READ).await.unwrap_err();
        let told = lake.told(&refused)?;
        assert_eq!(told, "Unauthenticated UNAUTHENTICATED deny x509_identity", "{name:?}");
        assert!(lake.audit().record(&refused.audit_id)?.get("principal").is_none());
    }
    for other in ["Alice", "alice.", "alice@corp", "ALICE"] {
        let refused = lake.caller(other)?.ask(SALES, READ).await.unwrap_err();
        let told = lake.told(&refused)?;
        assert_eq!(told, "PermissionDenied PERMISSION_DENIED deny policy_deny", "{other} is not alice");
    }
    serves(&lake).await
}

#[tokio::test]
async fn gh11_metadata_that_nobody_reads_goes_nowhere() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    let mut request = request(GET_ACCESS_TOKEN, framed(b""))?;
    for (name, value) in [
        ("user-agent", "\"},{\"decision\":\"allow"),
        ("x-forwarded-for", "10.0.0.1"),
        ("grpc-timeout", "-5 years"),
        ("x-lakegate-principal", "root-admin"),
    ] {
        request.headers_mut().insert(name, value.parse()?);
    }
    let refused = alice.send(request).await?.refused()?;
    assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_PARTS deny request_form");
    let text = std::fs::read_to_string(lake.audit().path())?;
    for trace in ["10.0.0.1", "root-admin", "allow", "years"] {
        assert!(!text.contains(trace), "{trace} is in the audit log");
    }
    serves(&lake).await
}
