//! Our emulator and fake-gcs-server, an emulator by others: the same calls, the same answers.

use anyhow::Result;
use serde_json::json;

use crate::lake::{BUCKET, Cloud, OWNER};
use crate::peer;

async fn run(case: &str) -> Result<String> {
    let cloud = Cloud::start(&[BUCKET]).await?;
    let token = cloud.emulator.source_token(OWNER)?;
    peer::script("storage_difference.py", case, &cloud.tell(&json!({ "token": token.expose() }))?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn random_sequences_of_calls_are_answered_as_another_emulator_answers_them() -> Result<()> {
    println!("{}", run("sequences").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_come_on_the_pages_on_which_another_emulator_has_them() -> Result<()> {
    run("pages").await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn where_another_emulator_differs_is_known_and_said_why() -> Result<()> {
    run("differences").await.map(drop)
}
