//! gcsfs with nothing but a brokered token.

use anyhow::Result;

use crate::{lake, peer};

async fn run(case: &str) -> Result<()> {
    let lake = lake::deployment().await?;
    peer::script("gcsfs_lake.py", case, &lake::tell(&lake)?).await?;
    assert_eq!(lake.audit().records()?.len(), 1, "one token did all of it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn gcsfs_reads_and_lists_with_a_brokered_token_and_is_refused_next_door() -> Result<()> {
    run("reader").await
}

#[tokio::test(flavor = "multi_thread")]
async fn gcsfs_writes_moves_and_removes_with_a_brokered_token_and_is_refused_next_door() -> Result<()> {
    run("worker").await
}
