//! The client library beside a carrier: a job in a mesh, with a token bound to its pod.

use anyhow::Result;
use lakegate_client::{
    Client, ClientError, ClientIdentity, DelegationToken, TokenBinding, TokenEnd,
    issue_bound_delegation_token,
};
use lakegate_domain::OperationSet;
use lakegate_testkit::Issued;
use rcgen::DnType;

use crate::world::{READ, SALES, lake, spiffe, subject};

const UID: &str = "0f4ac5b2-33a1-4c1e-9a57-0d6d1a3a7b11";

fn identity(issued: Issued) -> ClientIdentity {
    ClientIdentity { chain: issued.chain, key: issued.key }
}

#[tokio::test]
async fn dt15_a_client_works_by_a_token_that_is_bound_to_its_carrier_and_not_without_it() -> Result<()> {
    let lake = lake().await?;
    let alice = identity(subject(&lake, &[(DnType::CommonName, "demo__alice")])?);
    let binding = TokenBinding::PodUid(UID.to_owned());
    let issued =
        issue_bound_delegation_token(lake.bare_config()?.with_identity(alice), None, binding).await?;
    let bare = || -> Result<_> {
        let token = DelegationToken::parse(issued.token.expose().to_owned())?;
        Ok(lake.bare_config()?.with_delegation_token(token))
    };
    let pod = identity(spiffe(&lake, &["mesh.example/ns/etl/pod/", UID].concat())?);
    let job = Client::connect(bare()?.with_carrier(pod))?;
    let token = job.token_for(SALES, OperationSet::of(READ)).await?;
    let record = lake.audit().record(token.audit_id())?;
    assert_eq!((&record["principal"], &record["bound_to"]), (&"hops:demo/alice".into(), &"pod".into()));
    let sidecar = identity(spiffe(&lake, "mesh.example/sidecar")?);
    for thief in [bare()?, bare()?.with_carrier(sidecar)] {
        let refused = Client::connect(thief)?.token_for(SALES, OperationSet::of(READ)).await.unwrap_err();
        let is_refused = matches!(refused, ClientError::DelegationToken { end: TokenEnd::Refused, .. });
        assert!(is_refused, "{refused:?}");
    }
    Ok(())
}
