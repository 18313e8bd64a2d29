//! Snapshots whose datasets change places under load: whatever a token says it covers is what it opens.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result};
use lakegate_policy::PolicyDocument;
use lakegate_testkit::{Caller, Deployment, Options, bearer};

use crate::world::READ;

/// Tables, and callers of whom each may read one.
const TABLES: usize = 8;

/// Policies that come one after the other.
const SNAPSHOTS: u64 = 40;

/// In the snapshot of this version, table `n` stands at place `(n + version) % TABLES`, and caller `n` reads it.
/// Datasets and rules are written in another order each time.
fn policy(version: u64) -> Result<PolicyDocument> {
    let shift = usize::try_from(version)? % TABLES;
    let mut tables: Vec<usize> = (0..TABLES).collect();
    tables.rotate_left(shift);
    if version.is_multiple_of(2) {
        tables.reverse();
    }
    let dataset = |n: &usize| {
        let place = (n + shift) % TABLES;
        format!("  - {{ name: t{n}, prefix: \"gs://lake-one/place/{place}/\", project: p }}\n")
    };
    let rule = |n: &usize| {
        format!(
            "  - {{ id: r{n}, effect: allow, on: {{ dataset: t{n} }}, to: [\"principal:caller-{n}\"], operations: [read, list] }}\n"
        )
    };
    let text = format!(
        "version: {version}\nstorages:\n  - {{ id: lake, dialect: gcs, buckets: [lake-one] }}\nprojects:\n  - {{ name: p }}\n\
         datasets:\n{}rules:\n{}",
        tables.iter().map(dataset).collect::<String>(),
        tables.iter().map(rule).collect::<String>(),
    );
    Ok(PolicyDocument::from_yaml(&text)?)
}

/// Asks for every place again and again until told to stop; counts the answers that were tokens.
async fn ask_everywhere(lake: &Deployment, caller: &Caller, stop: &AtomicBool) -> Result<usize> {
    let mut tokens = 0;
    while !stop.load(Ordering::SeqCst) {
        for place in 0..TABLES {
            let path = format!("gs://lake-one/place/{place}/");
            let answer = match caller.ask(&path, READ).await {
                Ok(answer) => answer,
                Err(refused) => {
                    assert_eq!(lake.told(&refused)?, crate::world::DENIED, "{path}");
                    continue;
                }
            };
            tokens += 1;
            assert_eq!(answer.covered.len(), 1);
            assert_eq!(answer.covered[0].path, path, "another place than was asked for");
            let storage = lake.bearer(bearer(&answer)?)?;
            let next = (place + 1) % TABLES;
            assert_eq!(storage.read("lake-one", &format!("place/{place}/x")).await?, 404);
            assert_eq!(storage.read("lake-one", &format!("place/{next}/x")).await?, 403, "opens next door");
        }
    }
    Ok(tokens)
}

/// Puts one policy after the other into force, each seen by one call before the next comes.
async fn change(lake: &Deployment, callers: &[Caller]) -> Result<()> {
    for version in 2..=SNAPSHOTS {
        lake.replace_policy(&policy(version)?)?;
        let reader = (TABLES - usize::try_from(version)? % TABLES) % TABLES;
        callers[reader].ask("gs://lake-one/place/0/", READ).await.context("the new reader")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_what_its_answer_says_whatever_snapshot_comes() -> Result<()> {
    let lake = Deployment::start(Options::of(policy(1)?)).await?;
    let stop = AtomicBool::new(false);
    let asked = AtomicUsize::new(0);
    let callers: Vec<Caller> =
        (0..TABLES).map(|n| lake.caller(&format!("caller-{n}"))).collect::<Result<_>>()?;
    let asking = callers.iter().map(|caller| async {
        asked.fetch_add(ask_everywhere(&lake, caller, &stop).await?, Ordering::SeqCst);
        anyhow::Ok(())
    });
    let changing = async {
        let changed = change(&lake, &callers).await;
        stop.store(true, Ordering::SeqCst);
        changed
    };
    let (changed, asked_all) = futures_util::join!(changing, futures_util::future::join_all(asking));
    changed?;
    asked_all.into_iter().collect::<Result<Vec<()>>>()?;
    assert!(asked.load(Ordering::SeqCst) > TABLES, "{asked:?} tokens seen");
    Ok(())
}
