//! Tokens bound to what a carrier's certificate proves.

use anyhow::Result;
use lakegate_delegation::Binding;
use lakegate_proto::v1::IssueDelegationTokenRequest;
use lakegate_proto::v1::issue_delegation_token_request::BindTo;
use rcgen::DnType;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::world::{READ, SALES, lake, spiffe, subject, two_meshes};

const UID: &str = "0f4ac5b2-33a1-4c1e-9a57-0d6d1a3a7b11";
const OTHER_UID: &str = "1f4ac5b2-33a1-4c1e-9a57-0d6d1a3a7b11";

#[tokio::test]
async fn dt15_px09_a_bound_token_is_believed_beside_its_key_or_pod_and_beside_no_other() -> Result<()> {
    let lake = lake().await?;
    let alice = lake.caller_as(subject(&lake, &[(DnType::CommonName, "demo__alice")])?)?;
    let pod = |uid: &str| spiffe(&lake, &["mesh.example/ns/etl/pod/", uid].concat());
    let (mine, again, other) = (pod(UID)?, pod(UID)?, pod(OTHER_UID)?);
    let leaf = X509Certificate::from_der(&mine.chain[0])?.1;
    let key = Binding::of_public_key(leaf.public_key().raw);
    for (bind_to, word, also) in [
        (BindTo::PublicKeySha256(key.digest().to_vec()), "public_key", false),
        (BindTo::PodUid(UID.to_owned()), "pod", true),
    ] {
        let wish = IssueDelegationTokenRequest { bind_to: Some(bind_to), ..Default::default() };
        let token = alice.issue(wish).await?.token;
        let presented = ["Lakegate-DT ", &token].concat();
        let copy = |issued: &lakegate_testkit::Issued| lakegate_testkit::Issued {
            chain: issued.chain.clone(),
            key: issued.key.clone_key(),
            certificate_pem: issued.certificate_pem.clone(),
            key_pem: issued.key_pem.clone(),
            serial: issued.serial.clone(),
        };
        let job = lake.caller_as_with_authorization(copy(&mine), &presented)?;
        let record = lake.audit().record(&job.ask(SALES, READ).await?.audit_id)?;
        assert_eq!(record["bound_to"], word);
        let moved = lake.caller_as_with_authorization(copy(&again), &presented)?.ask(SALES, READ).await;
        assert_eq!(moved.is_ok(), also, "another key of the same pod");
        let thieves = [
            lake.caller_as_with_authorization(copy(&other), &presented)?,
            lake.caller_with_authorization(&presented)?,
        ];
        for thief in thieves {
            let refused = thief.ask(SALES, READ).await.unwrap_err();
            assert_eq!(lake.told(&refused)?, "Unauthenticated UNAUTHENTICATED deny dt_binding");
            assert_eq!(lake.audit().record(&refused.audit_id)?["principal"], "hops:demo/alice");
        }
        alice.cancel(&token).await?;
        let refused = job.ask(SALES, READ).await.unwrap_err();
        assert_eq!(lake.told(&refused)?, "Unauthenticated UNAUTHENTICATED deny dt_cancelled");
    }
    Ok(())
}

#[tokio::test]
async fn dt15_px09_a_second_mesh_vouches_for_none_of_the_firsts_pods() -> Result<()> {
    let lake = two_meshes().await?;
    let alice = lake.caller_as(subject(&lake, &[(DnType::CommonName, "demo__alice")])?)?;
    let wish = |pod: &str| IssueDelegationTokenRequest {
        bind_to: Some(BindTo::PodUid(pod.to_owned())),
        ..Default::default()
    };
    let refused = alice.issue(wish(UID)).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form", "of which mesh?");
    let refused = alice.issue(wish(&["third.example/", UID].concat())).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_FIELD deny request_form");
    let token = alice.issue(wish(&["mesh.example/", UID].concat())).await?.token;
    let presented = ["Lakegate-DT ", &token].concat();
    let beside = |domain: &str| {
        let pod = spiffe(&lake, &[domain, "/ns/etl/pod/", UID].concat())?;
        lake.caller_as_with_authorization(pod, &presented)
    };
    beside("mesh.example")?.ask(SALES, READ).await?;
    let refused = beside("other.example")?.ask(SALES, READ).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, "Unauthenticated UNAUTHENTICATED deny dt_binding");
    Ok(())
}
