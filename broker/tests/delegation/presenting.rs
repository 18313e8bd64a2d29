//! A job with a token and no certificate: what it may do, and every way in which it is nobody.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use lakegate_delegation::{DelegationKey, KeyId, KeyLife, KeyRing, describe};
use lakegate_proto::v1::{GetAccessTokenRequest, ListDatasetsRequest};
use lakegate_testkit::{CLUSTER, GET_ACCESS_TOKEN, framed, part, request};
use lakegate_token_store::record_log::MemoryLog;

use crate::world::{READ, SALES, World, unauthenticated};

/// A lake whose log of tokens is followed so rarely that every other look at it shows.
async fn hardly_followed() -> Result<(World, Arc<MemoryLog>)> {
    World::with_log(|delegating| delegating.follow_every = Duration::from_mins(10)).await
}

#[tokio::test]
async fn a_job_has_its_owners_rights_and_every_record_names_its_token() -> Result<()> {
    let world = World::start().await?;
    let token = world.alice.delegation_token("").await?;
    let id = describe(&token)?.identifier.id.to_string();
    let job = world.lake.caller_with_dt(&token)?;
    let answer = job.ask(SALES, READ).await?;
    let record = world.lake.audit().record(&answer.audit_id)?;
    assert_eq!(record["principal"], "alice");
    assert_eq!(record["proof"], "delegation_token");
    assert_eq!(record["delegation_token"], id.as_str());
    let refused = job.ask("gs://lake-one/hr/", READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, "PermissionDenied PERMISSION_DENIED deny policy_deny");
    assert_eq!(world.lake.audit().record(&refused.audit_id)?["delegation_token"], id.as_str());
    let datasets = job.datasets(ListDatasetsRequest::default()).await?;
    assert_eq!(datasets.datasets.len(), 1);
    job.explain(part(SALES, READ), "").await?;
    let one = GetAccessTokenRequest { parts: vec![part(SALES, READ)], ..Default::default() };
    job.batch(vec![one.clone(), one]).await?;
    let records = world.lake.audit().records()?;
    let by_token = records.iter().filter(|record| record["delegation_token"] == id.as_str()).count();
    assert_eq!(by_token, 6, "all but the issue");
    Ok(())
}

#[tokio::test]
async fn groups_of_the_policy_are_the_owners() -> Result<()> {
    let world = World::start().await?;
    let token = world.lake.caller("bob")?.delegation_token("").await?;
    world.lake.caller_with_dt(&token)?.ask(SALES, READ).await?;
    let mallory = world.lake.caller("mallory")?.delegation_token("").await?;
    let refused = world.lake.caller_with_dt(&mallory)?.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, unauthenticated("dt_owner_gone"), "the policy does not name mallory");
    Ok(())
}

#[tokio::test]
async fn dt01_dt02_a_token_that_was_changed_is_nobodys() -> Result<()> {
    let (world, log) = hardly_followed().await?;
    let token = world.alice.delegation_token("").await?;
    let other = world.lake.caller("mallory")?.delegation_token("").await?;
    let flipped = |place: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let reads = log.reads();
    // In the owner's name, in the token's id, in the MAC.
    for place in [5, 60, token.len() - 60] {
        assert_eq!(world.refusal_of(&flipped(place)).await?, unauthenticated("dt_mac"), "{place}");
    }
    let head = token.len() - 100;
    let swapped = [&token[..head], &other[other.len() - 100..]].concat();
    let refusal = world.refusal_of(&swapped).await?;
    assert!(refusal.starts_with("Unauthenticated UNAUTHENTICATED deny dt_"), "{refusal}");
    for _ in 0..100 {
        world.refusal_of(&flipped(60)).await?;
    }
    assert_eq!(log.reads(), reads, "nobody looks at the log for them");
    assert_eq!(world.lake.emulator().calls().sts, 0);
    Ok(())
}

#[tokio::test]
async fn dt03_dt07_what_is_no_token_is_refused_and_nothing_of_it_comes_back() -> Result<()> {
    let world = World::start().await?;
    let token = world.alice.delegation_token("").await?;
    let cut = &token[..token.len() - 3];
    let padded = [&token, "="].concat();
    let trailing = [&token, "AAAA"].concat();
    let long = "A".repeat(8_000);
    for bad in ["", "x", "%%%", cut, &padded, &trailing, &long, "canary-7731"] {
        let refused = world.lake.caller_with_dt(bad)?.ask(SALES, READ).await.unwrap_err();
        assert_eq!(world.told(&refused)?, unauthenticated("dt_form"), "{bad:?}");
        assert!(!format!("{refused:?}").contains("canary"));
    }
    Ok(())
}

#[tokio::test]
async fn dt04_unknown_keys_are_refused_without_the_store_and_the_cloud() -> Result<()> {
    let (world, log) = hardly_followed().await?;
    let reads = log.reads();
    let key = |id| DelegationKey::generate(KeyId::new(id).unwrap()).unwrap();
    for id in 2..50 {
        let ring = KeyRing::single(CLUSTER, key(id))?;
        let refused =
            world.lake.caller_with_dt(&world.forge(&ring, |_| {}))?.ask(SALES, READ).await.unwrap_err();
        assert_eq!(world.told(&refused)?, unauthenticated("dt_unknown_key"));
    }
    assert_eq!(log.reads(), reads, "nobody looks at the log for them");
    assert_eq!(world.lake.emulator().calls().sts, 0);
    Ok(())
}

#[tokio::test]
async fn dt05_keys_change_while_the_broker_runs() -> Result<()> {
    let world = World::start().await?;
    let key = |id: u32| DelegationKey::from_bytes(KeyId::new(id).unwrap(), [u8::try_from(id).unwrap(); 32]);
    let ring = |lives: &[(u32, KeyLife)]| {
        KeyRing::new(CLUSTER, lives.iter().map(|(id, life)| (key(*id), *life))).unwrap()
    };
    let keys = world.lake.delegation_keys().unwrap();
    keys.replace(ring(&[(2, KeyLife::Current), (3, KeyLife::Prepared)]));
    let token = world.alice.delegation_token("").await?;
    let job = world.lake.caller_with_dt(&token)?;
    job.ask(SALES, READ).await?;
    let early = world.forge(&ring(&[(3, KeyLife::Current)]), |_| {});
    assert_eq!(world.refusal_of(&early).await?, unauthenticated("dt_unknown_key"), "not yet in use");
    keys.replace(ring(&[(2, KeyLife::Verifying), (3, KeyLife::Current)]));
    job.ask(SALES, READ).await?;
    assert_eq!(describe(&world.alice.delegation_token("").await?)?.identifier.key.as_u32(), 3);
    keys.replace(ring(&[(2, KeyLife::Retired), (3, KeyLife::Current)]));
    let refused = job.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, unauthenticated("dt_unknown_key"), "on a connection that was believed");
    Ok(())
}

#[tokio::test]
async fn dt08_a_token_ends_at_its_renew_date_on_an_open_connection_too() -> Result<()> {
    let world = World::start().await?;
    let token = world.alice.delegation_token("").await?;
    let job = world.lake.caller_with_dt(&token)?;
    job.explain(part(SALES, READ), "").await?;
    world.clock.advance(Duration::from_hours(24) - Duration::from_millis(1));
    job.explain(part(SALES, READ), "").await?;
    world.clock.advance(Duration::from_millis(1));
    let refused = job.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, unauthenticated("dt_not_renewed"));
    let record = world.lake.audit().record(&refused.audit_id)?;
    assert_eq!(record["principal"], "alice", "the record says whose token it was");
    assert_eq!(record["delegation_token"], describe(&token)?.identifier.id.to_string());
    world.clock.advance(Duration::from_hours(144));
    assert_eq!(world.refusal_of(&token).await?, unauthenticated("dt_expired"));
    Ok(())
}

#[tokio::test]
async fn dt09_a_token_from_the_future_is_refused() -> Result<()> {
    let world = World::start().await?;
    world.clock.advance(Duration::from_secs(31));
    let token = world.alice.delegation_token("").await?;
    world.clock.set(lakegate_domain::Clock::now(&*world.clock).minus(Duration::from_secs(31)));
    assert_eq!(world.refusal_of(&token).await?, unauthenticated("dt_future"));
    world.clock.advance(Duration::from_secs(1));
    world.lake.caller_with_dt(&token)?.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn dt20_a_token_of_another_cluster_is_refused_with_the_same_key_bytes() -> Result<()> {
    let world = World::start().await?;
    let key = || DelegationKey::from_bytes(KeyId::new(1).unwrap(), [9; 32]);
    world.lake.delegation_keys().unwrap().replace(KeyRing::single(CLUSTER, key())?);
    let staging = KeyRing::single("staging", key())?;
    assert_eq!(world.refusal_of(&world.forge(&staging, |_| {})).await?, unauthenticated("dt_cluster"));
    let ours = world.forge(&world.ring(), |_| {});
    world.lake.caller_with_dt(&ours)?.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn dt25_two_credentials_are_one_too_many() -> Result<()> {
    let world = World::start().await?;
    let token = world.alice.delegation_token("").await?;
    let entry = ["Lakegate-DT ", &token].concat();
    let two = unauthenticated("two_identities");
    // A token beside a certificate, even the owner's own.
    for name in ["alice", "bob"] {
        let mut doubled = request(GET_ACCESS_TOKEN, framed(b""))?;
        doubled.headers_mut().insert("authorization", entry.parse()?);
        let refused = world.lake.caller(name)?.send(doubled).await?.refused()?;
        assert_eq!(world.told(&refused)?, two, "{name}");
    }
    // Two entries, the first or the last of them good, or both.
    let job = world.lake.caller_with_dt(&token)?;
    for second in ["Bearer x", "Lakegate-DT x", &entry] {
        let mut doubled = request(GET_ACCESS_TOKEN, framed(b""))?;
        doubled.headers_mut().insert("authorization", second.parse()?);
        assert_eq!(world.told(&job.send(doubled).await?.refused()?)?, two, "{second}");
    }
    let joined = world.lake.caller_with_authorization(&[&entry, ", ", &entry].concat())?;
    assert_eq!(world.told(&joined.ask(SALES, READ).await.unwrap_err())?, unauthenticated("dt_form"));
    job.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn other_schemes_are_refused_and_ours_in_any_case_is_taken() -> Result<()> {
    let world = World::start().await?;
    let token = world.alice.delegation_token("").await?;
    let scheme = |scheme: &str| world.lake.caller_with_authorization(&[scheme, &token].concat());
    for other in ["Bearer ", "Basic ", "Negotiate ", "", "Lakegate-DT", "Lakegate-DT2 "] {
        let refused = scheme(other)?.ask(SALES, READ).await.unwrap_err();
        assert_eq!(world.told(&refused)?, unauthenticated("authorization_scheme"), "{other:?}");
    }
    scheme("lakegate-dt ")?.ask(SALES, READ).await?;
    let refused = scheme("Lakegate-DT  ")?.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, unauthenticated("dt_form"), "one space");
    Ok(())
}

/// A cluster's token says who runs a pod, to whoever asks the cluster whether it still does. Nobody asks here, so it is
/// worth nothing, whatever stands in it and beside it.
#[tokio::test]
async fn px10_a_kubernetes_token_is_no_credential_and_no_header_names_anybody() -> Result<()> {
    let world = World::start().await?;
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6ZXRsOmFsaWNlIn0.c2ln";
    let pod = world.lake.caller_with_authorization(&["Bearer ", jwt].concat())?;
    let refused = pod.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, unauthenticated("authorization_scheme"));
    let nobody = world.lake.anonymous()?;
    for name in ["x-remote-user", "x-forwarded-user", "impersonate-user", "x-lakegate-principal"] {
        let mut request = request(GET_ACCESS_TOKEN, framed(&[]))?;
        request.headers_mut().insert(name, "alice".parse()?);
        let refused = nobody.send(request).await?.refused()?;
        assert_eq!(world.told(&refused)?, unauthenticated("no_credential"), "{name}");
    }
    Ok(())
}
