//! Certificates that are taken back or end while their connections are open.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lakegate_broker::tls::{
    AuthorityFiles, AuthorityName, ClientCertificates, Revocation, RevocationBook, TlsFiles,
};
use lakegate_domain::{Clock, ManualClock, Operation, SystemClock};
use lakegate_testkit::{Authority, Caller, Deployment, Issued, Refused, RevocationDraft, tls_client};
use rustls::version::TLS13;
use rustls_pki_types::CertificateDer;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::world::{DEADLINE, end_of, files, metric, now, open, start_at, start_with};

const SALES: &str = "gs://lake-one/sales/";
const READ: &[Operation] = &[Operation::Read];
const GOAWAY: &[u8] = &[7, 0, 0, 0, 0, 0];

/// A lake whose authority has lists.
struct Checked {
    lake: Deployment,
    book: Arc<RevocationBook>,
}

impl Checked {
    /// No list is there yet.
    async fn start() -> Result<Self> {
        Self::start_beside(Vec::new()).await
    }

    /// The same, with these issuers beside the lake's own one.
    async fn start_beside(more_issuers: Vec<CertificateDer<'static>>) -> Result<Self> {
        let book = Arc::new(RevocationBook::new(AuthorityName::default_name(), Duration::ZERO));
        let revocation = Revocation::Lists(Arc::clone(&book));
        let lake = start_with(|options| {
            (options.more_issuers, options.revocation) = (more_issuers, revocation);
        });
        Ok(Self { lake: lake.await?, book })
    }

    /// What the broker says of itself to those who need no certificate.
    async fn is_serving(&self) -> Result<bool> {
        let mut client = HealthClient::new(self.lake.channel_as(None)?);
        let status = client.check(HealthCheckRequest::default()).await?.into_inner().status;
        Ok(status == ServingStatus::Serving as i32)
    }

    fn offer(&self, number: u64, revoked: &[&Issued]) -> Result<()> {
        let revoked: Vec<&[u8]> = revoked.iter().map(|issued| issued.serial.as_slice()).collect();
        self.offer_draft(&RevocationDraft::fresh(number, &revoked))
    }

    fn offer_draft(&self, draft: &RevocationDraft) -> Result<()> {
        let list = self.lake.authority().revocation_list(draft)?;
        let offered = self.book.offer(0, &[list], now());
        ensure!(offered.faults.is_empty(), "{offered:?}");
        if offered.moves {
            self.lake.tls().recheck();
        }
        Ok(())
    }
}

/// The same certificate once more.
fn again(issued: &Issued) -> Issued {
    let Issued { chain, serial, certificate_pem, key_pem, .. } = issued;
    let (chain, serial) = (chain.clone(), serial.clone());
    let (certificate_pem, key_pem) = (certificate_pem.clone(), key_pem.clone());
    Issued { chain, key: issued.key.clone_key(), serial, certificate_pem, key_pem }
}

/// What the audit log says of a refusal.
fn reason(lake: &Deployment, refused: &Refused) -> Result<String> {
    let record = lake.audit().record(&refused.audit_id)?;
    Ok(record["reason"].as_str().context("no reason")?.to_owned())
}

/// What a request is told that was refused on the connection that it used before; none when the connection was closed
/// before the request came.
async fn refused_on_its_connection(caller: &Caller) -> Result<Option<Refused>> {
    match caller.ask(SALES, READ).await {
        Ok(_) => bail!("a request was served"),
        Err(refused) if refused.code == Code::Unauthenticated => Ok(Some(refused)),
        Err(_closed) => Ok(None),
    }
}

#[tokio::test]
async fn xc04_xc06_a_revoked_certificate_is_served_no_more_from_the_moment_the_broker_knows() -> Result<()> {
    let checked = Checked::start().await?;
    checked.offer(1, &[])?;
    let (lake, bob) = (&checked.lake, checked.lake.caller("alice")?);
    bob.ask(SALES, READ).await?;
    let mut revoked = Vec::new();
    // The connection is told to go at the same moment, so now and then no request comes.
    for number in 2..20 {
        let alice = lake.authority().client("alice")?;
        let caller = lake.caller_as(again(&alice))?;
        caller.ask(SALES, READ).await?;
        revoked.push(alice);
        checked.offer(number, &revoked.iter().collect::<Vec<_>>())?;
        if let Some(refused) = refused_on_its_connection(&caller).await? {
            assert_eq!(reason(lake, &refused)?, "x509_revoked");
            assert!(lake.told(&refused)?.starts_with("Unauthenticated UNAUTHENTICATED deny"));
            bob.ask(SALES, READ).await?;
            let fresh = lake.caller_as(again(revoked.last().context("none")?))?.ask(SALES, READ).await;
            assert!(fresh.is_err_and(|refused| refused.code != Code::Unauthenticated), "TLS refuses it");
            assert!(metric(lake, "lakegate_broker_refused_certificates_total{reason=\"revoked\"} ") >= 1);
            return Ok(());
        }
    }
    bail!("no request came before its connection was closed")
}

#[tokio::test]
async fn xc04_a_connection_without_requests_is_told_to_go_when_its_certificate_is_revoked() -> Result<()> {
    let checked = Checked::start().await?;
    checked.offer(1, &[])?;
    let alice = checked.lake.authority().client("alice")?;
    let mut config = tls_client(checked.lake.authority(), Some(again(&alice)), &[&TLS13])?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = open(&checked.lake, config).await?.context("no connection")?;
    checked.offer(2, &[&alice])?;
    let said = end_of(stream).await?;
    assert!(said.windows(GOAWAY.len()).any(|bytes| bytes == GOAWAY), "no GOAWAY in {said:?}");
    assert_eq!(metric(&checked.lake, "lakegate_broker_distrusted_connections_total "), 1);
    Ok(())
}

#[tokio::test]
async fn xc04_a_request_after_the_end_of_its_certificate_is_refused_and_the_connection_closed() -> Result<()>
{
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let lake = start_at(Arc::<ManualClock>::clone(&clock)).await?;
    let end = clock.now().plus(Duration::from_mins(5));
    let alice = lake.authority().client_with("alice", |params| {
        params.not_after =
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(end.as_seconds().unsigned_abs());
    })?;
    let caller = lake.caller_as(again(&alice))?;
    caller.ask(SALES, READ).await?;
    clock.set(lakegate_domain::Timestamp::from_seconds(end.as_seconds()));
    caller.ask(SALES, READ).await?;
    clock.advance(Duration::from_secs(1));
    let refused = refused_on_its_connection(&caller).await?.context("no request came")?;
    assert_eq!(reason(&lake, &refused)?, "x509_ended");
    let closed = async {
        while metric(&lake, "lakegate_broker_connections ") > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, closed).await?;
    let anew = lake.caller_as(again(&alice))?.ask(SALES, READ).await;
    assert!(anew.is_err_and(|refused| refused.code != Code::Unauthenticated), "TLS refuses it");
    assert!(metric(&lake, "lakegate_broker_refused_certificates_total{reason=\"ended\"} ") >= 1);
    assert!(
        lakegate_broker::Limits::default().connection_age_seconds <= 3_600,
        "no connection lives for ever"
    );
    Ok(())
}

#[tokio::test]
async fn xc08_when_a_list_is_too_old_its_issuers_certificates_are_refused_and_tokens_go_on() -> Result<()> {
    let checked = Checked::start().await?;
    let draft =
        RevocationDraft { next_update: now().plus(Duration::from_secs(2)), ..RevocationDraft::fresh(1, &[]) };
    checked.offer_draft(&draft)?;
    let lake = &checked.lake;
    let caller = lake.caller("alice")?;
    caller.ask(SALES, READ).await?;
    let refused = async {
        loop {
            match caller.ask(SALES, READ).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(refused) => return refused,
            }
        }
    };
    let refused = tokio::time::timeout(DEADLINE, refused).await?;
    if refused.code == Code::Unauthenticated {
        assert_eq!(reason(lake, &refused)?, "x509_revocation_unknown");
    }
    assert!(now() >= draft.next_update, "not before its time");
    assert!(lake.caller("alice")?.ask(SALES, READ).await.is_err());
    assert!(metric(lake, "lakegate_broker_refused_certificates_total{reason=\"revocation_stale\"} ") >= 1);
    assert_eq!(metric(lake, "lakegate_broker_revocation_refusing_issuers{authority=\"default\"} "), 1);
    // Still of use to those who come by tokens.
    assert!(lake.tls().is_complete(now()));
    checked.offer(2, &[])?;
    lake.caller("alice")?.ask(SALES, READ).await?;
    assert_eq!(metric(lake, "lakegate_broker_revocation_refusing_issuers{authority=\"default\"} "), 0);
    Ok(())
}

#[tokio::test]
async fn xc09_a_broker_that_starts_without_a_list_of_every_issuer_is_not_serving_and_lets_nobody_in()
-> Result<()> {
    let second = Authority::new()?;
    let checked = Checked::start_beside(vec![second.certificate()]).await?;
    let lake = &checked.lake;
    assert!(!checked.is_serving().await?);
    assert!(lake.caller("alice")?.ask(SALES, READ).await.is_err());
    assert!(metric(lake, "lakegate_broker_refused_certificates_total{reason=\"revocation_unknown\"} ") >= 1);
    checked.offer(1, &[])?;
    assert!(!checked.is_serving().await?, "one of two");
    lake.caller("alice")?.ask(SALES, READ).await?;
    let list = second.revocation_list(&RevocationDraft::fresh(1, &[]))?;
    assert!(checked.book.offer(1, &[list], now()).faults.is_empty());
    assert!(checked.is_serving().await?);
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_comes_before_its_list_is_refused_and_takes_the_broker_from_nobody_else() -> Result<()>
{
    let checked = Checked::start().await?;
    checked.offer(1, &[])?;
    let (lake, early) = (&checked.lake, Authority::new()?);
    assert!(checked.is_serving().await?);
    let authorities = vec![AuthorityFiles {
        name: AuthorityName::default_name(),
        certificates: vec![lake.authority().certificate(), early.certificate()],
        revocation: Revocation::Lists(Arc::clone(&checked.book)),
    }];
    let usual = files(lake, &[lake.authority()])?;
    lake.tls().renew(TlsFiles { authorities, clients: ClientCertificates::Optional, ..usual }, now())?;
    assert!(checked.is_serving().await?, "all brokers would go at once");
    lake.caller("alice")?.ask(SALES, READ).await?;
    assert!(lake.caller_as(early.client("alice")?)?.ask(SALES, READ).await.is_err(), "nobody knows");
    let refusing = "lakegate_broker_revocation_refusing_issuers{authority=\"default\"} ";
    assert_eq!(metric(lake, refusing), 1, "the alarm");
    let list = early.revocation_list(&RevocationDraft::fresh(1, &[]))?;
    assert!(checked.book.offer(1, &[list], now()).faults.is_empty());
    lake.caller_as(early.client("alice")?)?.ask(SALES, READ).await?;
    assert_eq!(metric(lake, refusing), 0);
    Ok(())
}
