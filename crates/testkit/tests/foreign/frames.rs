//! nghttp2's programs: HTTP/2 frames by the library that half the world speaks it with, many at once.
//!
//! `nghttp` presents a client certificate itself, through OpenSSL. `h2load` cannot, so its connections go through a
//! relay that adds TLS and leaves every byte of HTTP/2 as it is.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::Result;
use lakegate_domain::Operation;
use lakegate_proto::v1::GetAccessTokenRequest;
use lakegate_testkit::{Deployment, GET_ACCESS_TOKEN, framed, part};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{lake, peer};

/// A framed request in a file.
fn body(lake: &Deployment, path: &str) -> Result<PathBuf> {
    let request = GetAccessTokenRequest { parts: vec![part(path, &[Operation::Read])], ..Default::default() };
    let file = lake.folder().join("request.bin");
    std::fs::write(&file, framed(&request.encode_to_vec()))?;
    Ok(file)
}

/// What both programs are told.
fn post(program: &str, arguments: &[&str], body: &PathBuf) -> Command {
    let mut command = peer::installed(program, arguments);
    command.args(["-H", "content-type: application/grpc", "-H", "te: trailers", "-d"]).arg(body);
    command
}

/// A port on which anybody is alice: what comes in goes on to the broker inside TLS with her certificate.
struct Relay {
    port: u16,
    task: JoinHandle<()>,
}

impl Relay {
    async fn start(lake: Arc<Deployment>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            while let Ok((mut plain, _)) = listener.accept().await {
                let lake = Arc::clone(&lake);
                tokio::spawn(async move {
                    let mut tls = lake.tls_stream("alice", &[b"h2"]).await.unwrap();
                    // How the connection ends is for h2load to judge.
                    let _ended = tokio::io::copy_bidirectional(&mut plain, &mut tls).await;
                });
            }
        });
        Ok(Self { port, task })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs h2load with so many requests, connections and streams on each; what it says of requests and statuses.
async fn h2load(lake: &Arc<Deployment>, path: &str, sizes: [&str; 3]) -> Result<Vec<String>> {
    let relay = Relay::start(Arc::clone(lake)).await?;
    let [requests, connections, streams] = sizes;
    let arguments = ["-n", requests, "-c", connections, "-m", streams, "-t", "1"];
    let mut command = post("h2load", &arguments, &body(lake, path)?);
    command.arg(format!("http://127.0.0.1:{}{GET_ACCESS_TOKEN}", relay.port));
    let said = peer::run(command).await?;
    let told = |line: &&str| line.starts_with("requests: ") || line.starts_with("status codes: ");
    Ok(said.lines().filter(told).map(str::to_owned).collect())
}

fn decided(lake: &Deployment, reason: &str) -> Result<usize> {
    let records = lake.audit().records()?;
    assert!(records.iter().all(|record| record["reason"] == reason), "another decision than {reason}");
    Ok(records.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn h2load_is_answered_on_many_streams_of_many_connections_and_each_request_is_audited() -> Result<()> {
    let lake = Arc::new(lake::deployment().await?);
    let told = h2load(&lake, "gs://lake-foreign/wh/sales/", ["6000", "24", "100"]).await?;
    assert_eq!(
        told,
        [
            "requests: 6000 total, 6000 started, 6000 done, 6000 succeeded, 0 failed, 0 errored, 0 timeout",
            "status codes: 6000 2xx, 0 3xx, 0 4xx, 0 5xx",
        ]
    );
    assert_eq!(decided(&lake, "policy_allow")?, 6000);
    assert_eq!(lake.emulator().calls().sts, 1, "one scope, one exchange");
    lake.caller("alice")?.ask("gs://lake-foreign/wh/sales/", &[Operation::Read]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn h2load_meets_refusals_in_trailers_only_answers_and_each_is_audited() -> Result<()> {
    let lake = Arc::new(lake::deployment().await?);
    let told = h2load(&lake, "gs://lake-foreign/people/salaries.csv", ["2000", "100", "10"]).await?;
    assert!(told[0].ends_with("2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout"), "{told:?}");
    assert_eq!(decided(&lake, "policy_deny")?, 2000);
    lake.caller("alice")?.ask("gs://lake-foreign/wh/sales/", &[Operation::Read]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nghttp_reads_a_grpc_status_in_the_trailers_of_every_stream() -> Result<()> {
    let lake = lake::deployment().await?;
    lake::tell(&lake)?;
    let file = |name: &str| lake.folder().join(name).display().to_string();
    let (certificate, key) =
        (format!("--cert={}", file("alice.pem")), format!("--key={}", file("alice.key")));
    let arguments = ["--verbose", "--null-out", "--multiply=200", &certificate, &key];
    let mut command = post("nghttp", &arguments, &body(&lake, "gs://lake-foreign/wh/sales/")?);
    command.arg(format!("https://localhost:{}{GET_ACCESS_TOKEN}", lake.address().port()));
    let said = peer::run(command).await?;
    let count = |text: &str| said.lines().filter(|line| line.ends_with(text)).count();
    assert_eq!(count(":status: 200"), 200);
    assert_eq!(count("grpc-status: 0"), 200);
    assert_eq!(count("content-type: application/grpc"), 400, "of the requests and of the answers");
    assert_eq!(decided(&lake, "policy_allow")?, 200);
    assert_eq!(said.lines().filter(|line| line.contains("recv GOAWAY")).count(), 0, "it was not sent away");
    Ok(())
}
