//! grpcio: the schema compiled by protoc, calls over mutual TLS, and failures taken apart by Google's own classes.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_cloud_emulator::{Endpoint, Fault};
use lakegate_domain::Operation;
use lakegate_testkit::Deployment;

use crate::{lake, peer};

/// Runs a case; how many audit records it says that it caused.
async fn run(lake: &Deployment, case: &str) -> Result<usize> {
    let said = peer::script("grpc_calls.py", case, &lake::tell(lake)?).await?;
    let count = said.lines().find_map(|line| line.strip_prefix("decisions: "));
    Ok(count.map_or(Ok(0), str::parse)?)
}

/// Runs a case, of whose decisions each must have its audit record, under an id of its own.
async fn audited(lake: &Deployment, case: &str) -> Result<()> {
    let decisions = run(lake, case).await?;
    assert!(decisions > 0, "the case tells how many decisions it asked for");
    let records = lake.audit().records()?;
    let ids: BTreeSet<&str> = records.iter().filter_map(|record| record["audit_id"].as_str()).collect();
    let told: Vec<String> =
        records.iter().map(|record| format!("{} {}", record["rpc"], record["reason"])).collect();
    assert_eq!((records.len(), ids.len()), (decisions, decisions), "{told:?}");
    Ok(())
}

/// The broker answers; while it says when to come again, it is asked again.
async fn serves(lake: &Deployment) -> Result<()> {
    let alice = lake.caller("alice")?;
    let served = async {
        loop {
            match alice.ask("gs://lake-foreign/wh/sales/", &[Operation::Read]).await {
                Ok(_) => return Ok(()),
                Err(refused) => tokio::time::sleep(refused.retry_after.context(refused)?).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), served).await.context("it does not serve")?
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcio_is_answered_by_every_method() -> Result<()> {
    audited(&lake::deployment().await?, "answers").await
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcio_reads_code_reason_and_audit_id_of_every_refusal() -> Result<()> {
    audited(&lake::deployment().await?, "refuses").await
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcio_gets_no_answer_without_a_certificate_of_the_right_authority() -> Result<()> {
    audited(&lake::deployment().await?, "handshakes").await
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcio_has_hundreds_of_calls_in_flight_on_one_channel() -> Result<()> {
    audited(&lake::deployment().await?, "many_at_once").await
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcio_is_told_that_compression_is_not_taken() -> Result<()> {
    let lake = lake::deployment().await?;
    run(&lake, "compressed").await?;
    serves(&lake).await
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcio_is_told_when_to_ask_again_while_the_token_service_is_away() -> Result<()> {
    let lake = lake::deployment().await?;
    lake.emulator().faults().until_cleared(Endpoint::Sts, Fault::Status { code: 503, retry_after: None });
    audited(&lake, "unavailable").await
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcio_may_give_up_or_cancel_while_the_token_service_hangs_and_nothing_is_stuck() -> Result<()> {
    let lake = lake::deployment().await?;
    lake.emulator().faults().delay(Endpoint::Sts, Duration::from_mins(10));
    run(&lake, "impatient").await?;
    lake.emulator().faults().clear_all();
    serves(&lake).await
}
