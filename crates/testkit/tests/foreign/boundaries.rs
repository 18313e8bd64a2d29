//! Our boundary documents, read by google-auth, and our exchanges, compared with those that google-auth makes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_domain::{Caller, Clock, OperationSet, Part, Principal, Proof, SystemClock, Target};
use lakegate_policy::{PolicyDocument, Scope, Snapshot};
use lakegate_sts::gcs::source::KeyFileSource;
use lakegate_sts::gcs::{GcsConfig, GcsMinter};
use lakegate_sts::{HttpClient, HttpConfig, Minter, Roots};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::lake::{BUCKET, Cloud};
use crate::peer::{self, Peer};

/// Everything is allowed, at places whose names a literal must escape. Exact, so that what is asked is minted.
const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-foreign], exact_operations: true }]
rules:
  - { id: sales, effect: allow, on: { prefix: "gs://lake-foreign/wh/sales/" }, to: ["principal:u"], operations: [read, list, write, delete] }
  - { id: odd, effect: allow, on: { prefix: "gs://lake-foreign/wh/it's \"odd\" käse/" }, to: ["principal:u"], operations: [read, list, write, delete] }
  - { id: one, effect: allow, on: { object: "gs://lake-foreign/one/it's" }, to: ["principal:u"], operations: [read, write, delete] }
"#;

/// The boundary that Lakegate writes for one prefix of the bucket.
pub(crate) async fn document(prefix: &str, operations: &str) -> Result<String> {
    let (cloud, google) = (Cloud::start(&[BUCKET]).await?, Google::start().await?);
    let path = format!("gs://{BUCKET}/{prefix}");
    google.minter(&cloud)?.mint(&scope(&[(&path, operations)])?, 1).await?;
    Ok(google.last().await?.to_string())
}

fn scope(parts: &[(&str, &str)]) -> Result<Scope> {
    let snapshot = Snapshot::compile(&PolicyDocument::from_yaml(POLICY)?)?;
    let part = |(path, operations): &(&str, &str)| -> Result<Part> {
        Ok(Part::new(Target::parse(path)?, OperationSet::parse(operations)?)?)
    };
    let parts = parts.iter().map(part).collect::<Result<Vec<_>>>()?;
    let caller = Caller::new(Principal::parse("u")?, Proof::ClientCertificate);
    Ok(snapshot.decide(&caller, &parts, SystemClock.now())?.scope().clone())
}

/// google-auth as a token service.
struct Google {
    _peer: Peer,
    url: String,
    http: reqwest::Client,
}

impl Google {
    async fn start() -> Result<Self> {
        let mut peer = Peer::start(peer::service("sts_reader.py")?)?;
        let out = peer.child.as_mut().and_then(|child| child.stdout.take()).context("its output")?;
        let mut url = String::new();
        let mut out = BufReader::new(out);
        let line = tokio::time::timeout(Duration::from_mins(1), out.read_line(&mut url));
        line.await.context("it does not start")??;
        let tls = lakegate_testkit::tls_client(
            &lakegate_testkit::Authority::new()?,
            None,
            &[&rustls::version::TLS13],
        )?;
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?;
        Ok(Self { _peer: peer, url: url.trim_end().to_owned(), http })
    }

    /// Lakegate's own minter, whose source is the cloud and whose token service is google-auth.
    fn minter(&self, cloud: &Cloud) -> Result<GcsMinter> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        // The first exchange waits until the interpreter has read its libraries.
        let patient = HttpConfig {
            roots: Roots::Only(Vec::new()),
            total_timeout: Duration::from_secs(30),
            ..HttpConfig::default()
        };
        let http = HttpClient::new(patient)?;
        let source = KeyFileSource::new(&cloud.key_file(), http.clone(), Arc::clone(&clock))?;
        let sts = format!("{}/v1/token", self.url).parse()?;
        Ok(GcsMinter::new(GcsConfig::new(sts, clock, Arc::new(source), http))?)
    }

    /// The last boundary that was taken.
    async fn last(&self) -> Result<Value> {
        Ok(self.http.get(&self.url).send().await?.json().await?)
    }

    /// The status and the answer to an exchange of this document.
    async fn exchange(&self, document: &Value) -> Result<(u16, String)> {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token", "ya29.source"),
            ("options", &document.to_string()),
        ];
        let answer = self.http.post(format!("{}/v1/token", self.url)).form(&form).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn google_auth_reads_every_boundary_as_we_mean_it_and_would_send_the_same_exchange() -> Result<()> {
    let (cloud, google) = (Cloud::start(&[BUCKET]).await?, Google::start().await?);
    let minter = google.minter(&cloud)?;
    let (sales, odd) = ("gs://lake-foreign/wh/sales/", "gs://lake-foreign/wh/it's \"odd\" käse/");
    let cases: [(&[(&str, &str)], usize); 8] = [
        (&[(sales, "read")], 1),
        (&[(sales, "list")], 1),
        (&[(sales, "read+list")], 2),
        (&[(sales, "create")], 1),
        (&[(sales, "read+list+create+write+delete")], 2),
        (&[(odd, "read+list+write+delete")], 2),
        (&[("gs://lake-foreign/one/it's", "read")], 1),
        (&[(sales, "read"), (odd, "write+delete+create")], 2),
    ];
    for (parts, rules) in cases {
        minter.mint(&scope(parts)?, 1).await.with_context(|| format!("{parts:?}"))?;
        let read = google.last().await?;
        let read = read["accessBoundary"]["accessBoundaryRules"].as_array().context("rules")?;
        assert_eq!(read.len(), rules, "{parts:?} as google-auth reads it: {read:#?}");
        assert!(read.iter().all(|rule| rule["availabilityCondition"]["expression"].is_string()));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn google_auth_refuses_what_is_no_boundary() -> Result<()> {
    let google = Google::start().await?;
    let rule = |permission: &str| {
        json!({
            "availableResource": "//storage.googleapis.com/projects/_/buckets/lake-foreign",
            "availablePermissions": [permission],
            "availabilityCondition": { "expression": "resource.name.startsWith('x')" },
        })
    };
    let document = |rules: Vec<Value>| json!({ "accessBoundary": { "accessBoundaryRules": rules } });
    let good = rule("inRole:roles/storage.objectViewer");
    assert_eq!(google.exchange(&document(vec![good.clone()])).await?.0, 200);
    for wrong in [
        document(vec![rule("storage.objects.get")]),
        document(vec![good.clone(); 11]),
        json!({ "accessBoundary": { "accessBoundaryRules": [good], "more": true } }),
    ] {
        let (status, answer) = google.exchange(&wrong).await?;
        assert_eq!(status, 400, "{wrong}: {answer}");
    }
    Ok(())
}
