//! `BatchGetAccessTokens`: its bounds, its order, and what it makes once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::{Endpoint, Fault};
use lakegate_domain::Operation;
use lakegate_policy::PolicyDocument;
use lakegate_proto::v1;
use lakegate_proto::v1::batch_result::Outcome;
use lakegate_testkit::{Caller, Deployment, Options, RunGenerator, part};
use prost::Message;

const READ: &[Operation] = &[Operation::Read];
const TOO_LARGE: &str = "ResourceExhausted MESSAGE_TOO_LARGE deny request_form";
const PARTS: &str = "InvalidArgument INVALID_PARTS deny request_form";

/// Forty datasets that alice and, but for one folder in each, carol may read.
async fn lake() -> Result<(Deployment, Caller)> {
    let dataset =
        |index| format!("  - {{ name: d{index}, prefix: 'gs://lake-one/d{index}/', project: growth }}");
    let datasets = (0..40).map(dataset).collect::<Vec<_>>().join("\n");
    let policy = format!(
        "version: 1\nstorages: [{{ id: lake, dialect: gcs, buckets: [lake-one] }}]\n\
        projects: [{{ name: growth }}]\n\
        rules:\n  - {{ id: all, effect: allow, on: {{ prefix: 'gs://lake-one/' }},\n    \
        to: ['principal:alice', 'principal:carol'], operations: [read, list] }}\n  \
        - {{ id: not-carol, effect: deny, on: {{ prefix: 'gs://lake-one/d0/secret/' }}, to: ['principal:carol'],\n    \
        operations: [read, list] }}\ndatasets:\n{datasets}\n"
    );
    let policy = PolicyDocument::from_yaml(&policy)?;
    let mut options = Options { generator: RunGenerator::Absent, ..Options::of(policy) };
    options.limits.narrowed_mints_per_minute = 2;
    let lake = Deployment::start(options).await?;
    let alice = lake.caller("alice")?;
    Ok((lake, alice))
}

fn of(path: impl AsRef<str>) -> v1::GetAccessTokenRequest {
    v1::GetAccessTokenRequest { parts: vec![part(path.as_ref(), READ)], ..Default::default() }
}

fn dataset(index: usize) -> v1::GetAccessTokenRequest {
    of(format!("gs://lake-one/d{index}/x"))
}

/// What an item was told: the index of its token, or the reason of its error.
fn told(result: &v1::BatchResult) -> String {
    match result.outcome.as_ref().unwrap() {
        Outcome::Token(index) => format!("token {index}"),
        Outcome::Error(error) => error.reason.clone(),
    }
}

#[tokio::test]
async fn a_hundred_parts_are_served_and_one_more_is_not() -> Result<()> {
    let (lake, alice) = lake().await?;
    let answer = alice.batch((0..100).map(|index| dataset(index % 40)).collect()).await?;
    assert_eq!((answer.results.len(), answer.tokens.len()), (100, 40));
    for (index, result) in answer.results.iter().enumerate() {
        assert_eq!(told(result), format!("token {}", index % 40));
    }
    assert_eq!(lake.emulator().calls().sts, 40, "each scope is minted once");
    let four = || {
        let parts = vec![part("gs://lake-one/d1/x", READ); 4];
        v1::GetAccessTokenRequest { parts, ..Default::default() }
    };
    assert_eq!(alice.batch((0..25).map(|_| four()).collect()).await?.results.len(), 25, "4 parts each");
    for over in [
        (0..101).map(|_| dataset(1)).collect::<Vec<_>>(),
        (0..25).map(|_| four()).chain([dataset(1)]).collect(),
        vec![v1::GetAccessTokenRequest::default(); 101],
    ] {
        assert_eq!(lake.told(&alice.batch(over).await.unwrap_err())?, PARTS);
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_of_nothing_is_refused() -> Result<()> {
    let (lake, alice) = lake().await?;
    assert_eq!(lake.told(&alice.batch(Vec::new()).await.unwrap_err())?, PARTS);
    let nothing = alice.batch(vec![v1::GetAccessTokenRequest::default()]).await?;
    assert_eq!(told(&nothing.results[0]), "INVALID_PARTS", "an item of nothing is its own affair");
    Ok(())
}

#[tokio::test]
async fn gh01_a_batch_may_have_128_kib_and_not_a_byte_more() -> Result<()> {
    let (lake, alice) = lake().await?;
    let with_filler = |filler: usize| {
        let mut request = dataset(1);
        request.on_behalf_of = "x".repeat(filler);
        vec![request]
    };
    let length = |filler| v1::BatchGetAccessTokensRequest { requests: with_filler(filler) }.encoded_len();
    let fits = (120_000..131_072).find(|filler| length(*filler) == 128 * 1024).unwrap();
    // One item may be no larger than it may be alone.
    let answer = alice.batch(with_filler(fits)).await?;
    assert_eq!(told(&answer.results[0]), "MESSAGE_TOO_LARGE");
    assert_eq!(lake.told(&alice.batch(with_filler(fits + 1)).await.unwrap_err())?, TOO_LARGE);
    // As large as a batch may be, of items that are small enough.
    let mut requests: Vec<_> =
        (0..100).map(|_| of(format!("gs://lake-one/d1/{}", "x".repeat(1_000)))).collect();
    while (v1::BatchGetAccessTokensRequest { requests: requests.clone() }).encoded_len() > 128 * 1024 {
        requests.pop();
    }
    assert_eq!(alice.batch(requests.clone()).await?.results.len(), requests.len());
    Ok(())
}

#[tokio::test]
async fn items_are_answered_in_order_each_with_its_own_error_and_record() -> Result<()> {
    let (lake, alice) = lake().await?;
    let requests = vec![
        dataset(3),
        of("gs://lake-two/x"),
        dataset(2),
        of("gs://lake-one/../x"),
        dataset(3),
        of("gs://lake-one/d3/another/../x"),
        of("gs://lake-one/d3/another"),
    ];
    let answer = alice.batch(requests).await?;
    let all: Vec<_> = answer.results.iter().map(told).collect();
    let wanted =
        ["token 0", "PERMISSION_DENIED", "token 1", "INVALID_PATH", "token 0", "INVALID_PATH", "token 0"];
    assert_eq!(all, wanted);
    assert_eq!(answer.tokens.len(), 2, "what is the same is sent once");
    assert_eq!(lake.emulator().calls().sts, 2);
    let records = lake.audit().records()?;
    assert_eq!(records.len(), 7, "one record for each item, none for the batch");
    for result in &answer.results {
        let record = lake.audit().record(&result.audit_id)?;
        assert_eq!((&record["rpc"], &record["principal"]), (&"GetAccessToken".into(), &"alice".into()));
        assert_eq!(record.get("token").is_some(), told(result).starts_with("token"));
    }
    Ok(())
}

#[tokio::test]
async fn items_that_wait_for_the_cloud_wait_together_and_a_failure_is_its_items_own() -> Result<()> {
    let (lake, alice) = lake().await?;
    // Eight are served at once, so forty one after the other would take longer than a request may.
    lake.emulator().faults().delay(Endpoint::Sts, Duration::from_millis(700));
    let answer = alice.batch((0..40).map(dataset).collect()).await?;
    assert_eq!(answer.tokens.len(), 40);
    lake.emulator().faults().clear_all();
    let (lake, alice) = self::lake().await?;
    alice.ask("gs://lake-one/d1/", READ).await?;
    lake.emulator().faults().until_cleared(Endpoint::Sts, Fault::Html);
    let answer = alice.batch(vec![dataset(1), dataset(2), dataset(1)]).await?;
    let all: Vec<_> = answer.results.iter().map(told).collect();
    assert_eq!(all, ["token 0", "TOKEN_SERVICE_UNAVAILABLE", "token 0"]);
    let Some(Outcome::Error(error)) = &answer.results[1].outcome else { panic!("an error") };
    assert!(error.retry_after_millis > 0);
    Ok(())
}

#[tokio::test]
async fn a_narrowed_scope_is_spent_once_for_all_items_that_want_it() -> Result<()> {
    let (lake, _) = lake().await?;
    let carol = lake.caller("carol")?;
    // Beside what is denied to her, carol gets a scope of her own; two of those may be minted in a minute.
    let beside = |folder: &str, file: usize| of(format!("gs://lake-one/d0/{folder}/{file}"));
    let answer = carol.batch((0..50).map(|file| beside("open", file)).collect()).await?;
    let kinds: std::collections::BTreeSet<_> = answer.results.iter().map(told).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["token 0"]);
    assert_eq!(lake.emulator().calls().sts, 1);
    let answer = carol.batch(vec![beside("other", 1), beside("third", 1)]).await?;
    let mut all: Vec<_> = answer.results.iter().map(told).collect();
    all.sort();
    assert_eq!(all, ["SCOPE_FRAGMENTED", "token 0"]);
    Ok(())
}
