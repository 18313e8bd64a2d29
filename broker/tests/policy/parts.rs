//! Requests for several things: parts of one token, and batches.

use anyhow::Result;
use lakegate_domain::Operation;
use lakegate_proto::v1;
use lakegate_proto::v1::batch_result::Outcome;
use lakegate_testkit::{bearer, part};

use crate::world::{DENIED, READ, SALARIES, SALES, policy, start};

const WRITE: &[Operation] = &[Operation::Write];
const EXPORT: &str = "gs://lake-one/data/exports/november";

fn one(path: &str) -> v1::GetAccessTokenRequest {
    v1::GetAccessTokenRequest { parts: vec![part(path, READ)], ..Default::default() }
}

#[tokio::test]
async fn one_token_reads_here_and_writes_there() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    let parts = vec![part("gs://lake-one/data/sales/x", READ), part(EXPORT, WRITE)];
    let token = alice.ask_parts(parts.clone()).await?;
    let covered: Vec<_> = token.covered.iter().map(|part| part.path.as_str()).collect();
    assert_eq!(covered, ["gs://lake-one/data/exports/", SALES]);
    let storage = lake.bearer(bearer(&token)?)?;
    assert_eq!(storage.read("lake-one", "data/sales/x").await?, 404);
    assert_eq!(storage.write("lake-one", "data/exports/november").await?, 200);
    assert_eq!(storage.write("lake-one", "data/sales/x").await?, 403, "each part has its own operations");
    let turned: Vec<_> = parts.into_iter().rev().collect();
    let again = alice.ask_parts(turned).await?;
    assert_eq!(bearer(&token)?, bearer(&again)?, "the order of parts does not matter");
    Ok(())
}

#[tokio::test]
async fn a_part_that_another_covers_is_dropped() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    let plain = alice.ask(SALES, READ).await?;
    let parts = vec![part("gs://lake-one/data/sales/x", READ), part("gs://lake-one/data/sales/y/z", READ)];
    let both = alice.ask_parts(parts).await?;
    assert_eq!(bearer(&plain)?, bearer(&both)?);
    Ok(())
}

#[tokio::test]
async fn a_batch_answers_each_request_by_itself() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    let requests =
        vec![one(SALES), one(SALARIES), one("gs://lake-one/data/sales/x"), one("no path"), one(EXPORT)];
    let answer = alice.batch(requests).await?;
    let outcomes: Vec<String> = answer
        .results
        .iter()
        .map(|result| match result.outcome.as_ref().unwrap() {
            Outcome::Token(index) => index.to_string(),
            Outcome::Error(error) => format!("{} {} {}", error.code, error.reason, error.retry_after_millis),
        })
        .collect();
    assert_eq!(outcomes, ["0", "7 PERMISSION_DENIED 0", "0", "3 INVALID_PATH 0", "1"]);
    assert_eq!(answer.tokens.len(), 2, "one scope, one token");
    let reasons: Vec<String> = answer
        .results
        .iter()
        .map(|result| lake.audit().record(&result.audit_id).unwrap()["reason"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(reasons, ["policy_allow", "policy_deny", "policy_allow", "path_form", "policy_allow"]);
    assert_eq!(lake.audit().records()?.len(), 5, "a record for each, none for the whole");
    assert_eq!(lake.emulator().calls().sts, 2);
    Ok(())
}

#[tokio::test]
async fn a_batch_holds_at_most_a_hundred_parts() -> Result<()> {
    let lake = start(policy()?).await?;
    let alice = lake.caller("alice")?;
    let full = alice.batch(vec![one(SALES); 100]).await?;
    assert_eq!((full.results.len(), full.tokens.len()), (100, 1));
    let doubled = v1::GetAccessTokenRequest { parts: vec![part(SALES, READ); 4], ..Default::default() };
    let before = lake.audit().records()?.len();
    for requests in
        [vec![], vec![one(SALES); 101], vec![doubled; 26], vec![v1::GetAccessTokenRequest::default(); 101]]
    {
        let refused = alice.batch(requests).await.unwrap_err();
        assert_eq!(lake.told(&refused)?, "InvalidArgument INVALID_PARTS deny request_form");
    }
    assert_eq!(lake.audit().records()?.len(), before + 4);
    assert_eq!(lake.told(&alice.ask(SALARIES, READ).await.unwrap_err())?, DENIED);
    Ok(())
}
