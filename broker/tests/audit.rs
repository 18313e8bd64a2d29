//! The audit log: before every answer, once for every request, whatever becomes of it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use anyhow::Result;
use lakegate_broker::Limits;
use lakegate_broker::audit::AuditSink;
use lakegate_cloud_emulator::Endpoint;
use lakegate_domain::Operation;
use lakegate_policy::PolicyDocument;
use lakegate_proto::v1::{GetAccessTokenRequest, ListDatasetsRequest};
use lakegate_testkit::{
    AuditTo, Caller, Deployment, GET_ACCESS_TOKEN, Options, Refused, RunGenerator, framed, part, request,
};

const READ: &[Operation] = &[Operation::Read];
const SALES: &str = "gs://lake-one/sales/";

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: growth }]
datasets:
  - { name: sales, prefix: "gs://lake-one/sales/", project: growth }
  - { name: slow, prefix: "gs://lake-one/slow/", project: growth }
rules: [{ id: all, effect: allow, on: { prefix: "gs://lake-one/" }, to: ["principal:alice"], operations: [read, list] }]
"#;

async fn start(change: impl FnOnce(&mut Options)) -> Result<(Deployment, Caller)> {
    let policy = PolicyDocument::from_yaml(POLICY)?;
    let mut options = Options { generator: RunGenerator::Absent, ..Options::of(policy) };
    change(&mut options);
    let lake = Deployment::start(options).await?;
    let alice = lake.caller("alice")?;
    Ok((lake, alice))
}

fn is_withheld(refused: &Refused) {
    assert_eq!(refused.to_string(), "Unavailable AUDIT_UNAVAILABLE");
    assert!(refused.retry_after.is_some() && refused.keeps_to_itself);
}

/// A sink that fails while it is told to.
#[derive(Clone, Default)]
struct Fickle {
    fails: Arc<AtomicBool>,
    lines: Arc<Mutex<Vec<u8>>>,
}

impl Write for Fickle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.lines.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn lg03_nothing_leaves_while_the_sink_fails_and_all_is_well_afterwards() -> Result<()> {
    let sink = Fickle::default();
    let made = sink.clone();
    let to_sink = AuditTo::Sink(Arc::new(move || -> Box<dyn AuditSink> { Box::new(made.clone()) }));
    let (lake, alice) = start(|options| options.audit = to_sink).await?;
    let mallory = lake.caller("mallory")?;
    alice.ask(SALES, READ).await?;
    sink.fails.store(true, Ordering::SeqCst);
    is_withheld(&alice.ask(SALES, READ).await.unwrap_err());
    is_withheld(&mallory.ask(SALES, READ).await.unwrap_err());
    is_withheld(&alice.explain(part(SALES, READ), "").await.unwrap_err());
    is_withheld(&alice.datasets(ListDatasetsRequest::default()).await.unwrap_err());
    is_withheld(&alice.post("/no.such/Method", b"").await?.refused()?);
    is_withheld(&alice.post(GET_ACCESS_TOKEN, &[0xff]).await?.refused()?);
    let mut doubled = request(GET_ACCESS_TOKEN, framed(b""))?;
    doubled.headers_mut().insert("authorization", "Bearer x".parse()?);
    is_withheld(&alice.send(doubled).await?.refused()?);
    let batch =
        alice.batch(vec![GetAccessTokenRequest { parts: vec![part(SALES, READ)], ..Default::default() }]);
    let batch = batch.await?;
    assert!(batch.tokens.is_empty(), "a batch let a token out");
    let written = sink.lines.lock().unwrap().len();
    sink.fails.store(false, Ordering::SeqCst);
    alice.ask(SALES, READ).await?;
    assert!(sink.lines.lock().unwrap().len() > written);
    Ok(())
}

/// A sink that blocks until its other end is gone.
struct Blocked(mpsc::Receiver<()>);

impl Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _gone = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn lg03_a_sink_that_blocks_is_waited_for_a_moment_only() -> Result<()> {
    let (unblock, gate) = mpsc::channel();
    let gate = Mutex::new(Some(gate));
    let to_sink = AuditTo::Sink(Arc::new(move || -> Box<dyn AuditSink> {
        Box::new(Blocked(gate.lock().unwrap().take().unwrap()))
    }));
    let (lake, alice) = start(|options| options.audit = to_sink).await?;
    let before = tokio::time::Instant::now();
    is_withheld(&alice.ask(SALES, READ).await.unwrap_err());
    is_withheld(&lake.caller("mallory")?.ask(SALES, READ).await.unwrap_err());
    assert!(before.elapsed() < Duration::from_secs(3));
    drop(unblock);
    for _ in 0..100 {
        if alice.ask(SALES, READ).await.is_ok() {
            return Ok(());
        }
    }
    alice.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn every_request_has_one_record_whatever_becomes_of_it() -> Result<()> {
    let (lake, alice) =
        start(|options| options.limits = Limits { request_seconds: 1, ..options.limits }).await?;
    let nobody = lake.caller("no body")?;
    let one = GetAccessTokenRequest { parts: vec![part(SALES, READ)], ..Default::default() };
    let slow = GetAccessTokenRequest { parts: vec![part("gs://lake-one/slow/", READ)], ..Default::default() };
    alice.ask(SALES, READ).await?;
    let told = [
        alice.ask("gs://lake-two/", READ).await.unwrap_err(),
        alice.ask("gs://lake-one/../", READ).await.unwrap_err(),
        alice.ask_parts(vec![]).await.unwrap_err(),
        alice.post(GET_ACCESS_TOKEN, &[0xff]).await?.refused()?,
        alice.post(GET_ACCESS_TOKEN, &vec![0; 200_000]).await?.refused()?,
        alice.send(request(GET_ACCESS_TOKEN, Vec::new())?).await?.refused()?,
        alice.post("/lakegate.v1.PolicyService/Explain", &[0xff]).await?.refused()?,
        alice.post("/no.such/Method", b"").await?.refused()?,
        alice.batch(vec![]).await.unwrap_err(),
        nobody.ask(SALES, READ).await.unwrap_err(),
    ];
    alice.explain(part(SALES, READ), "").await?;
    alice.datasets(ListDatasetsRequest::default()).await?;
    alice.batch(vec![one.clone(), one.clone()]).await?;
    lake.emulator().faults().delay(Endpoint::Sts, Duration::from_secs(5));
    let overdue =
        [alice.get(slow.clone()).await.unwrap_err(), alice.batch(vec![one, slow]).await.unwrap_err()];
    for refused in told.iter().chain(&overdue) {
        lake.told(refused)?;
    }
    for refused in &overdue {
        assert_eq!(lake.told(refused)?, "DeadlineExceeded INTERNAL error deadline");
    }
    let records = lake.audit().records()?;
    // 1 token, 10 refusals, explain, list, 2 of a batch, a deadline, the answered half of a batch and its deadline.
    assert_eq!(records.len(), 1 + 10 + 2 + 2 + 1 + 2);
    let by_method: Vec<_> = records.iter().map(|record| record["rpc"].as_str().unwrap()).collect();
    assert_eq!(by_method.iter().filter(|rpc| **rpc == "unknown").count(), 1, "{by_method:?}");
    assert_complete(&records);
    Ok(())
}

/// Every record has what security people look for, and ids are not used twice.
fn assert_complete(records: &[serde_json::Value]) {
    let mut ids = BTreeSet::new();
    for record in records {
        for field in ["time", "audit_id", "rpc", "peer", "decision", "reason"] {
            assert!(record[field].as_str().is_some_and(|text| !text.is_empty()), "no {field} in {record}");
        }
        assert_eq!(record["decision"] == "allow", record["reason"] == "policy_allow", "{record}");
        assert!(ids.insert(record["audit_id"].as_str().unwrap()), "{record} has an id of another");
    }
}

#[tokio::test]
async fn lg04_ids_of_a_process_are_its_number_and_a_sequence_without_gaps() -> Result<()> {
    let (lake, alice) = start(|_| {}).await?;
    let mut asking = tokio::task::JoinSet::new();
    for index in 0..300 {
        let alice = alice.clone();
        let path = if index % 2 == 0 { SALES } else { "gs://lake-two/x" };
        asking.spawn(async move { alice.ask(path, READ).await.is_ok() });
    }
    let answered = asking.join_all().await;
    assert_eq!(answered.iter().filter(|ok| **ok).count(), 150);
    let records = lake.audit().records()?;
    assert_complete(&records);
    let ids: Vec<(&str, u64)> = records
        .iter()
        .map(|record| record["audit_id"].as_str().unwrap().split_once('-').unwrap())
        .map(|(process, sequence)| (process, sequence.parse().unwrap()))
        .collect();
    assert!(ids.iter().all(|(process, _)| *process == ids[0].0 && process.len() == 16));
    let sequences: BTreeSet<u64> = ids.iter().map(|(_, sequence)| *sequence).collect();
    assert_eq!(sequences, (0..300).collect());
    Ok(())
}

#[tokio::test]
async fn a_record_says_what_was_handed_out() -> Result<()> {
    let (lake, alice) = start(|_| {}).await?;
    let answer = alice.ask("gs://lake-one/sales/x", READ).await?;
    let record = lake.audit().record(&answer.audit_id)?;
    assert_eq!(record["principal"], "alice");
    assert_eq!(record["parts"], serde_json::json!(["gs://lake-one/sales/x [read]"]));
    assert_eq!(record["snapshot"], 1);
    let token = &record["token"];
    assert_eq!(token["covered"], serde_json::json!(["gs://lake-one/sales/ [read+list]"]));
    assert_eq!(token["datasets"], serde_json::json!(["sales"]));
    assert_eq!(token["tier"], "minted");
    assert!(token["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(token["scope"].as_str().unwrap().len(), 64);
    Ok(())
}
