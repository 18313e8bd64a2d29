//! Canaries: what tokens look like is searched for wherever a broker writes anything.
//!
//! One test, because a process has one subscriber; its log is everything that any crate says at any level.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use lakegate_cloud_emulator::{Endpoint, Expiry, Fault};
use lakegate_domain::{Clock, Operation, OperationSet, SystemClock};
use lakegate_proto::v1::{GetAccessTokenRequest, IssueDelegationTokenRequest};
use lakegate_testkit::{Deployment, GET_ACCESS_TOKEN, Options, bearer, framed, part, request, sample_policy};

const READ: &[Operation] = &[Operation::Read];
const SALES: &str = "gs://lake-sample/warehouse/sales/";

/// With what the emulated cloud begins every token, and what stands in every private key.
const CANARIES: [&str; 4] = ["ya29.", "PRIVATE KEY", "private_key", "subject_token="];

/// A log in memory.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn assert_clean(place: &str, text: &str, more: &[String]) {
    for canary in CANARIES.into_iter().chain(more.iter().map(String::as_str)) {
        let near = text.find(canary).map(|at| {
            let line = text.get(..at).and_then(|head| head.rfind('\n')).unwrap_or(0);
            text.get(line..at).unwrap_or_default()
        });
        assert!(near.is_none(), "{place} holds {canary} after {near:?}");
    }
}

/// Everything a caller can provoke, and what its own answers print as.
async fn provoke(lake: &Deployment) -> Result<(String, Vec<String>)> {
    let (alice, bob, carol) = (lake.caller("alice")?, lake.caller("bob")?, lake.caller("carol")?);
    let answer = alice.ask(SALES, READ).await?;
    let token = bearer(&answer)?.to_owned();
    assert!(token.starts_with("ya29."), "the canary is what tokens look like");
    let batch = alice.batch(vec![GetAccessTokenRequest::default(); 2]).await?;
    let mut printed = vec![format!("{answer:?} {lake:?} {alice:?} {batch:?}")];
    // A token where it does not belong: in a path, in a name, in metadata, as the message itself. What has the form of
    // a name or a path is one, and on record as one.
    let mut told = vec![
        bob.ask(SALES, READ).await.unwrap_err(),
        alice.ask(&["gs://lake-sample/../", &token].concat(), READ).await.unwrap_err(),
        alice.post(GET_ACCESS_TOKEN, token.as_bytes()).await?.refused()?,
        alice.explain(part(SALES, READ), &["Bearer ", &token].concat()).await.unwrap_err(),
    ];
    let mut doubled = request(GET_ACCESS_TOKEN, framed(b""))?;
    doubled.headers_mut().insert("authorization", ["Bearer ", &token].concat().parse()?);
    told.push(alice.send(doubled).await?.refused()?);
    for (index, fault) in faults().into_iter().enumerate() {
        lake.emulator().faults().until_cleared(Endpoint::Sts, fault);
        let path = format!("gs://lake-sample/warehouse/sales/{index}/x");
        told.push(carol.ask(&path, READ).await.unwrap_err());
        lake.emulator().faults().clear_all();
    }
    lake.emulator().faults().until_cleared(Endpoint::Iam, Fault::EmptyAccessToken);
    let (by_token, canaries) = provoke_by_token(lake).await?;
    printed.push(by_token);
    let dave = lake.caller("dave")?;
    told.push(dave.ask(SALES, READ).await.unwrap_err());
    lake.emulator().faults().clear_all();
    dave.ask(SALES, READ).await?;
    printed.extend(told.iter().map(|refused| format!("{refused:?} {refused}")));
    let client = lake.client("alice")?;
    printed.push(format!("{:?}", client.token_for(SALES, OperationSet::of(READ)).await?));
    Ok((printed.join("\n"), canaries))
}

/// A delegation token where it belongs and where it does not; and the parts of it that must be found nowhere.
async fn provoke_by_token(lake: &Deployment) -> Result<(String, Vec<String>)> {
    let alice = lake.caller("alice")?;
    let answer = alice.issue(IssueDelegationTokenRequest::default()).await?;
    let token = answer.token.clone();
    let job = lake.caller_with_dt(&token)?;
    job.ask(SALES, READ).await?;
    let forged = [&token[..token.len() - 44], "AAAA", &token[token.len() - 40..]].concat();
    let mut told = vec![
        job.delegation_token("").await.unwrap_err(),
        job.renew(&token).await.unwrap_err(),
        alice.renew(&token).await.unwrap_err(),
        lake.caller_with_dt(&forged)?.ask(SALES, READ).await.unwrap_err(),
        lake.caller_with_authorization(&["Bearer ", &token].concat())?.ask(SALES, READ).await.unwrap_err(),
    ];
    let mut doubled = request(GET_ACCESS_TOKEN, framed(b""))?;
    doubled.headers_mut().insert("authorization", ["Lakegate-DT ", &token].concat().parse()?);
    told.push(alice.send(doubled).await?.refused()?);
    let client = lake.client_with_dt(&token)?;
    client.token_for(SALES, OperationSet::of(READ)).await?;
    let config = lake.client_config_with_dt(&token)?;
    let printed = format!("{answer:?} {told:?} {job:?} {client:?} {config:?} {lake:?}");
    // The MAC stands before the kind and an empty service, which are the last 27 bytes: 36 characters.
    let mac = token.len() - 76;
    Ok((printed, vec![token[mac..mac + 16].to_owned(), token[mac + 16..mac + 32].to_owned()]))
}

fn faults() -> Vec<Fault> {
    vec![
        Fault::AccessTokenWithLineBreak,
        Fault::MalformedJson,
        Fault::TokenType("ya29.type".to_owned()),
        Fault::ResultAndError,
        Fault::Expiry(Expiry::Text("ya29.expiry".to_owned())),
        Fault::Body(br#"{"error":"invalid_request","error_description":"ya29.described"}"#.to_vec()),
        Fault::Redirect("http://127.0.0.1:1/?token=ya29.redirect".to_owned()),
        Fault::Status { code: 403, retry_after: Some("ya29.later".to_owned()) },
        Fault::TruncatedBody,
    ]
}

#[tokio::test]
async fn lg01_no_secret_is_in_logs_audit_metrics_errors_or_debug_output() -> Result<()> {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .try_init()
        .unwrap();
    let lake = Deployment::start(Options::of(sample_policy(SystemClock.now())?)).await?;
    let (printed, canaries) = provoke(&lake).await?;
    let audit = std::fs::read_to_string(lake.audit().path())?;
    let metrics = prometheus::TextEncoder::new().encode_to_string(&lake.registry().gather())?;
    assert!(lake.stop().await, "the broker did not drain");
    let log = log.text();
    for (place, text) in [("Debug", &printed), ("audit", &audit), ("metrics", &metrics), ("log", &log)] {
        assert!(!text.is_empty(), "{place} is empty");
        assert_clean(place, text, &canaries);
    }
    for name in ["alice", "carol", "warehouse", "lake-sample"] {
        assert!(!metrics.contains(name), "lg05: {name} is a label");
    }
    for line in log.lines().chain(audit.lines()) {
        let parsed: serde_json::Value = serde_json::from_str(line)?;
        assert!(parsed.is_object(), "lg02: {line}");
    }
    assert!(log.contains("request refused") && log.contains("request failed"), "the log says what happened");
    Ok(())
}
