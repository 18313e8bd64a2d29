//! Callers who say that the storage refused a token, truthfully or not.
//!
//! The broker cannot know. So a rejection costs its caller a part of its own share, brings that caller another token,
//! and leaves everybody else a token that is as good as the one they had.

use std::time::Duration;

use anyhow::Result;
use aws_lc_rs::digest::{SHA256, digest};
use lakegate_cloud_emulator::Endpoint;
use lakegate_proto::v1::{GetAccessTokenRequest, GetAccessTokenResponse};
use lakegate_testkit::{Caller, Deployment, Refused, bearer, part};

use crate::world::{READ, SALES, policy, start, start_with};

const SPENT: &str = "ResourceExhausted SCOPE_FRAGMENTED deny scope_fragmented";

/// Asks for the sales and says that the storage refused this token.
async fn reject(caller: &Caller, token: &str) -> Result<GetAccessTokenResponse, Refused> {
    let request = GetAccessTokenRequest {
        parts: vec![part(SALES, READ)],
        rejected_token_sha256: digest(&SHA256, token.as_bytes()).as_ref().to_vec(),
        ..Default::default()
    };
    caller.get(request).await
}

fn tier(lake: &Deployment, answer: &GetAccessTokenResponse) -> Result<String> {
    Ok(lake.audit().record(&answer.audit_id)?["token"]["tier"].as_str().unwrap_or_default().to_owned())
}

fn expiry(answer: &GetAccessTokenResponse) -> i64 {
    answer.expires_at.as_ref().map_or(0, |instant| instant.seconds)
}

/// What everybody is owed whatever a liar does: an answer from memory with a token that works and lives as long.
async fn is_served(lake: &Deployment, caller: &Caller, as_good_as: &GetAccessTokenResponse) -> Result<()> {
    let exchanges = lake.emulator().calls().sts;
    let answer = caller.ask(SALES, READ).await?;
    assert_eq!(tier(lake, &answer)?, "local");
    assert_eq!(lake.emulator().calls().sts, exchanges);
    assert!(expiry(&answer) >= expiry(as_good_as), "{} < {}", expiry(&answer), expiry(as_good_as));
    assert_eq!(answer.covered, as_good_as.covered);
    assert_eq!(lake.bearer(bearer(&answer)?)?.read("lake-one", "data/sales/x").await?, 404);
    Ok(())
}

#[tokio::test]
async fn cl03_a_rejection_replaces_the_token_for_all_and_nobody_is_worse_off() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, bob) = (lake.caller("alice")?, lake.caller("bob")?);
    let first = alice.ask(SALES, READ).await?;
    is_served(&lake, &bob, &first).await?;
    let second = reject(&alice, bearer(&first)?).await?;
    assert_eq!(tier(&lake, &second)?, "minted");
    assert_ne!(bearer(&first)?, bearer(&second)?);
    is_served(&lake, &bob, &first).await?;
    is_served(&lake, &alice, &first).await?;
    let held = lake.bearer(bearer(&first)?)?;
    assert_eq!(held.read("lake-one", "data/sales/x").await?, 404, "who holds the old one goes on with it");
    assert_eq!(lake.emulator().calls().sts, 2);
    Ok(())
}

#[tokio::test]
async fn cl03_a_caller_who_rejects_token_after_token_spends_his_own_share_and_nobody_elses() -> Result<()> {
    let lake = start_with(policy()?, |options| options.limits.narrowed_mints_per_minute = 3).await?;
    let (alice, bob) = (lake.caller("alice")?, lake.caller("bob")?);
    let first = alice.ask(SALES, READ).await?;
    let mut last = first.clone();
    for _ in 0..3 {
        last = reject(&alice, bearer(&last)?).await?;
    }
    for _ in 0..20 {
        let refused = reject(&alice, bearer(&last)?).await.unwrap_err();
        assert_eq!(lake.told(&refused)?, SPENT);
        assert!(refused.retry_after.is_some());
        is_served(&lake, &bob, &first).await?;
    }
    assert_eq!(lake.emulator().calls().sts, 4, "one token and three replacements");
    is_served(&lake, &alice, &first).await?;
    let replaced = reject(&bob, bearer(&last)?).await?;
    assert_ne!(bearer(&replaced)?, bearer(&last)?, "another caller's share is whole");
    Ok(())
}

#[tokio::test]
async fn cl03_a_rejection_of_a_token_that_is_not_in_use_changes_nothing() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, mallory) = (lake.caller("alice")?, lake.caller("mallory")?);
    let first = alice.ask(SALES, READ).await?;
    for unknown in ["", "guess", "Bearer", &bearer(&first)?.to_uppercase()] {
        let answer = reject(&alice, unknown).await?;
        assert_eq!((tier(&lake, &answer)?.as_str(), bearer(&answer)?), ("local", bearer(&first)?));
    }
    let refused = reject(&mallory, bearer(&first)?).await.unwrap_err();
    assert_eq!(lake.told(&refused)?, crate::world::DENIED, "who may not have it may not reject it either");
    assert_eq!(lake.emulator().calls().sts, 1);
    is_served(&lake, &alice, &first).await
}

#[tokio::test]
async fn cl03_nobody_waits_for_or_suffers_from_a_replacement_under_way() -> Result<()> {
    let lake = start(policy()?).await?;
    let (alice, bob) = (lake.caller("alice")?, lake.caller("bob")?);
    let first = alice.ask(SALES, READ).await?;
    lake.emulator().faults().delay(Endpoint::Sts, Duration::from_mins(1));
    let rejecting = reject(&alice, bearer(&first)?);
    tokio::pin!(rejecting);
    loop {
        tokio::select! {
            ended = &mut rejecting => {
                let refused = ended.unwrap_err();
                assert_eq!(lake.told(&refused)?, "Unavailable TOKEN_SERVICE_UNAVAILABLE error mint_failed");
                break;
            }
            served = bob.ask(SALES, READ) => assert_eq!(bearer(&served?)?, bearer(&first)?),
        }
    }
    lake.emulator().faults().clear_all();
    is_served(&lake, &bob, &first).await?;
    assert_eq!(
        bearer(&alice.ask(SALES, READ).await?)?,
        bearer(&first)?,
        "a replacement that failed took nothing"
    );
    Ok(())
}
