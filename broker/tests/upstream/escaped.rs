//! An STS whose tokens open more than they were asked for (ST07): a whole deployment stops, and begins again.

use std::time::Duration;

use anyhow::Result;
use lakegate_cloud_emulator::{Endpoint, Fault};
use lakegate_policy::PolicyDocument;
use lakegate_proto::v1;
use lakegate_testkit::{Canary, Deployment, Options, RunGenerator, bearer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{OUTAGE, READ};

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: growth }]
datasets:
  - { name: a, prefix: "gs://lake-one/a/", project: growth }
  - { name: b, prefix: "gs://lake-one/b/", project: growth }
rules:
  - { id: all, effect: allow, on: { prefix: "gs://lake-one/" }, to: ["principal:alice"], operations: [read, list] }
"#;

async fn start(generator: RunGenerator) -> Result<Deployment> {
    let canary = Canary::Every(Duration::from_millis(100));
    let options = Options { canary, generator, ..Options::of(PolicyDocument::from_yaml(POLICY)?) };
    Deployment::start(options).await
}

/// The status line of `/readyz`.
async fn readiness(lake: &Deployment) -> Result<String> {
    let mut stream = tokio::net::TcpStream::connect(lake.admin_address()).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Waits until `/readyz` answers with a status; ten seconds at most.
async fn ready_is(lake: &Deployment, status: &str) -> Result<String> {
    for _ in 0..1_000 {
        let answer = readiness(lake).await?;
        if answer.starts_with(&["HTTP/1.1 ", status].concat()) {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("/readyz never answered {status}")
}

fn gauge(lake: &Deployment, name: &str) -> Option<f64> {
    let families = lake.registry().gather();
    let family = families.iter().find(|family| family.name() == name)?;
    Some(family.get_metric().first()?.get_gauge().get_value())
}

fn tier(lake: &Deployment, answer: &v1::GetAccessTokenResponse) -> Result<String> {
    let record = lake.audit().record(&answer.audit_id)?;
    Ok(record["token"]["tier"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn st07_tokens_that_open_too_much_stop_the_broker_until_the_fault_is_gone() -> Result<()> {
    let lake = start(RunGenerator::Absent).await?;
    let alice = lake.caller("alice")?;
    let held = alice.ask("gs://lake-one/a/x", READ).await?;
    assert_eq!(tier(&lake, &alice.ask("gs://lake-one/a/x", READ).await?)?, "local");
    assert!(readiness(&lake).await?.starts_with("HTTP/1.1 200"));

    lake.emulator().faults().until_cleared(Endpoint::Sts, Fault::BoundaryIgnored);
    let answer = ready_is(&lake, "503").await?;
    assert!(answer.contains("confinement"), "{answer}");
    assert_eq!(gauge(&lake, "lakegate_broker_storage_escaped"), Some(1.0));
    for path in ["gs://lake-one/a/x", "gs://lake-one/b/x"] {
        let refused = alice.ask(path, READ).await.unwrap_err();
        assert_eq!(lake.told(&refused)?, OUTAGE, "{path}");
        assert!(refused.retry_after.is_some());
    }

    lake.emulator().faults().clear(Endpoint::Sts);
    ready_is(&lake, "200").await?;
    assert_eq!(gauge(&lake, "lakegate_broker_storage_escaped"), Some(0.0));
    let fresh = alice.ask("gs://lake-one/b/x", READ).await?;
    let storage = lake.bearer(bearer(&fresh)?)?;
    assert_eq!(storage.read("lakegate-canary", "canary").await?, 403);
    assert_eq!(lake.bearer(bearer(&held)?)?.read("lakegate-canary", "canary").await?, 403);
    Ok(())
}

#[tokio::test]
async fn st07_a_token_minted_before_anybody_knew_is_not_served_afterwards() -> Result<()> {
    let lake = start(RunGenerator::Absent).await?;
    let alice = lake.caller("alice")?;
    lake.emulator().faults().until_cleared(Endpoint::Sts, Fault::BoundaryIgnored);
    // Either this one finds the escape itself, or a probe does a moment later.
    let wide = alice.ask("gs://lake-one/a/x", READ).await;
    ready_is(&lake, "503").await?;
    lake.emulator().faults().clear(Endpoint::Sts);
    ready_is(&lake, "200").await?;
    let after = alice.ask("gs://lake-one/a/x", READ).await?;
    assert_eq!(lake.bearer(bearer(&after)?)?.read("lakegate-canary", "canary").await?, 403);
    if let Ok(wide) = wide {
        assert_ne!(bearer(&wide)?, bearer(&after)?);
    }
    Ok(())
}

#[tokio::test]
async fn st07_the_generator_fills_nothing_while_tokens_open_too_much() -> Result<()> {
    let lake = start(RunGenerator::Running).await?;
    let generator = lake.generator().unwrap();
    assert_eq!(generator.progress().fresh, 2);
    lake.emulator().faults().until_cleared(Endpoint::Sts, Fault::BoundaryIgnored);
    let escaped = async |wanted| {
        for _ in 0..1_000 {
            if gauge(&lake, "lakegate_generator_storage_escaped") == Some(wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(gauge(&lake, "lakegate_generator_storage_escaped"), Some(wanted));
    };
    escaped(1.0).await;
    let minted = generator.progress().minted;
    let mut policy = PolicyDocument::from_yaml(POLICY)?;
    policy.version = 2;
    policy.datasets.push(lakegate_policy::Dataset {
        name: lakegate_domain::DatasetName::parse("c")?,
        prefix: lakegate_domain::Prefix::parse("gs://lake-one/c/")?,
        ..policy.datasets[0].clone()
    });
    lake.replace_policy(&policy)?;
    for _ in 0..1_000 {
        if generator.progress().snapshot == Some(2) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let failures = || -> f64 {
        let families = lake.registry().gather();
        let family = families.iter().find(|family| family.name() == "lakegate_generator_failures_total");
        family.map_or(0.0, |family| {
            family.get_metric().iter().map(|metric| metric.get_counter().get_value()).sum()
        })
    };
    for _ in 0..1_000 {
        if failures() > 0.0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(failures() > 0.0, "the new scope had its turn");
    assert_eq!((generator.progress().scopes, generator.progress().fresh), (3, 2));
    assert_eq!(generator.progress().minted, minted);
    lake.emulator().faults().clear(Endpoint::Sts);
    escaped(0.0).await;
    for _ in 0..1_000 {
        if generator.progress().fresh == 3 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("the new scope was never filled: {:?}", generator.progress())
}

#[tokio::test]
async fn st07_a_canary_that_finds_out_nothing_is_an_alarm_and_no_stop() -> Result<()> {
    let lake = start(RunGenerator::Absent).await?;
    let alice = lake.caller("alice")?;
    lake.emulator().faults().until_cleared(Endpoint::Storage, Fault::Status { code: 503, retry_after: None });
    for _ in 0..1_000 {
        if gauge(&lake, "lakegate_broker_storage_probe_unclear") == Some(1.0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(gauge(&lake, "lakegate_broker_storage_probe_unclear"), Some(1.0));
    alice.ask("gs://lake-one/a/x", READ).await?;
    assert!(readiness(&lake).await?.starts_with("HTTP/1.1 200"));
    Ok(())
}
