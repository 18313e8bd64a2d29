//! A large document is loaded beside the requests, not before them (PS15).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use lakegate_domain::{DatasetName, Prefix, RuleId};
use lakegate_policy::{PolicyDocument, RuleTarget};
use lakegate_testkit::PolicyCheck;

use crate::world::{READ, SALES, policy, start_with, until};

const DATASETS: usize = 2_000;
const RULES: usize = 10_000;

/// The policy under the next number, with many datasets and rules more.
fn large() -> Result<PolicyDocument> {
    let mut policy = policy()?;
    policy.version = 2;
    let (dataset, rule) = (policy.datasets[0].clone(), policy.rules[0].clone());
    for index in 0..DATASETS {
        let mut more = dataset.clone();
        more.name = DatasetName::parse(&format!("more-{index}"))?;
        more.prefix = Prefix::parse(&format!("gs://lake-one/more/{index}/"))?;
        policy.datasets.push(more);
    }
    for index in 0..RULES {
        let mut more = rule.clone();
        more.id = RuleId::parse(&format!("more-{index}"))?;
        more.on = RuleTarget::Dataset(DatasetName::parse(&format!("more-{}", index % DATASETS))?);
        policy.rules.push(more);
    }
    Ok(policy)
}

/// One thread for everything that is not explicitly put elsewhere: a load on it would stop all requests.
#[tokio::test(flavor = "current_thread")]
async fn ps15_requests_go_on_while_a_large_policy_is_loaded() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("policy.json");
    std::fs::write(&file, serde_json::to_string(&policy()?)?)?;
    let loading = Arc::new(AtomicBool::new(false));
    let (release, held) = mpsc::channel::<()>();
    let check = {
        let (loading, held) = (Arc::clone(&loading), Mutex::new(held));
        move |snapshot: &lakegate_policy::Snapshot| {
            if snapshot.number() == 2 {
                loading.store(true, Ordering::SeqCst);
                // The load lasts until the test lets it end.
                let _ = held.lock().map(|held| held.recv());
            }
            Ok(())
        }
    };
    let lake = start_with(policy()?, |options| {
        options.policy_file = Some(file.clone());
        options.policy_check = PolicyCheck(Arc::new(check));
    })
    .await?;
    let alice = lake.caller("alice")?;
    alice.ask(SALES, READ).await?;

    std::fs::write(&file, serde_json::to_string(&large()?)?)?;
    until("the load", async || {
        // While the file is read and compiled, too.
        alice.ask(SALES, READ).await.is_ok() && loading.load(Ordering::SeqCst)
    })
    .await;
    for _ in 0..200 {
        let answer = alice.ask(SALES, READ).await?;
        assert_eq!(lake.audit().record(&answer.audit_id)?["snapshot"], 1);
    }
    release.send(())?;
    until("the large policy", async || lake.policy().current().is_some_and(|now| now.number() == 2)).await;
    let answer = alice.ask(SALES, READ).await?;
    assert_eq!(lake.audit().record(&answer.audit_id)?["snapshot"], 2);
    Ok(())
}
