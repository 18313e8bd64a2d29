//! google-auth and google-cloud-storage: downscoping by Google's own code, and brokered tokens in its storage client.

use anyhow::Result;
use lakegate_testkit::Deployment;
use serde_json::{Value, json};

use crate::boundaries;
use crate::lake::{self, BUCKET, Cloud};
use crate::peer;

const SCRIPT: &str = "google_storage.py";

async fn with_own_boundary(case: &str, more: &Value) -> Result<()> {
    let cloud = Cloud::start(&[BUCKET]).await?;
    lake::fill(&cloud.emulator)?;
    peer::script(SCRIPT, case, &cloud.tell(more)?).await?;
    assert_eq!(
        cloud.emulator.object(BUCKET, "people/salaries.csv").as_deref(),
        Some(&b"person,salary\n"[..])
    );
    Ok(())
}

async fn with_a_brokered_token(case: &str) -> Result<()> {
    let lake: Deployment = lake::deployment().await?;
    peer::script(SCRIPT, case, &lake::tell(&lake)?).await?;
    let records = lake.audit().records()?;
    assert_eq!(records.len(), 1, "one token did all of it: {records:?}");
    assert_eq!(
        lake.emulator().object(BUCKET, "people/salaries.csv").as_deref(),
        Some(&b"person,salary\n"[..])
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn google_auth_cuts_its_token_down_and_the_storage_client_works_inside_and_is_refused_next_door()
-> Result<()> {
    with_own_boundary("downscoped_by_google_auth", &json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn our_boundary_document_does_the_same_in_google_auths_hands() -> Result<()> {
    let document = boundaries::document("wh/sales/", "read+list+write+delete").await?;
    with_own_boundary("downscoped_by_our_document", &json!({ "boundary": document })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulated_token_service_refuses_google_auth_what_the_real_one_would() -> Result<()> {
    with_own_boundary("refuses_what_google_refuses", &json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn googles_storage_client_does_a_workers_day_with_one_brokered_token() -> Result<()> {
    with_a_brokered_token("brokered_for_a_worker").await
}

#[tokio::test(flavor = "multi_thread")]
async fn googles_storage_client_reads_and_changes_nothing_with_a_readers_token() -> Result<()> {
    with_a_brokered_token("brokered_for_a_reader").await
}

#[tokio::test(flavor = "multi_thread")]
async fn googles_storage_client_sees_no_names_with_a_token_that_only_reads() -> Result<()> {
    with_a_brokered_token("brokered_without_listing").await
}
