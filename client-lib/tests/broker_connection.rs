//! The client against a broker over real TLS: whom it trusts, what it sends, what it makes of answers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod errands;
mod failover;
mod peer;

use std::collections::HashMap;
use std::time::Duration;

use lakegate_client::{AnswerFault, Client, ClientConfig, ClientError, ConfigFault, DelegationToken};
use lakegate_domain::{Operation, OperationSet};
use lakegate_proto::reason;
use peer::{Authority, Broker, Reply, config, sales};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

const PATH: &str = "gs://lake/wh/sales/part-0";

async fn read(client: &Client) -> Result<(), ClientError> {
    client.token_for(PATH, OperationSet::of(&[Operation::Read])).await.map(|_| ())
}

async fn broker(authority: &Authority, script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Broker {
    let identity = authority.identity("localhost", |_| {});
    Broker::start(authority, identity, move |_, number| script(number)).await
}

fn refusal(code: Code, reason: &str, retry: Option<Duration>) -> Status {
    let mut details = ErrorDetails::new();
    let metadata = HashMap::from([("audit_id".to_owned(), "a-7".to_owned())]);
    details.set_error_info(reason, reason::DOMAIN, metadata);
    if retry.is_some() {
        details.set_retry_info(retry);
    }
    Status::with_error_details(code, "refused", details)
}

#[tokio::test]
async fn a_token_is_fetched_once_over_mutual_tls_without_a_process_wide_provider() {
    let authority = Authority::new();
    let broker = broker(&authority, |_| Ok(sales())).await;
    let identity = authority.identity("job.example", |_| {});
    let client = Client::connect(config(vec![broker.uri()], &authority).with_identity(identity)).unwrap();
    read(&client).await.unwrap();
    read(&client).await.unwrap();
    let asked = broker.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].parts[0].path, PATH);
    assert_eq!(asked[0].parts[0].operations, [1]);
    assert!(asked[0].rejected_token_sha256.is_empty());
    assert!(broker.knew_everybody());
    assert!(rustls::crypto::CryptoProvider::get_default().is_none(), "a library sets no provider for others");
}

#[tokio::test]
async fn a_refused_token_is_reported_by_its_digest() {
    let authority = Authority::new();
    let broker = broker(&authority, |_| Ok(sales())).await;
    let client = Client::connect(config(vec![broker.uri()], &authority)).unwrap();
    let token = client.token_for(PATH, OperationSet::of(&[Operation::Read])).await.unwrap();
    let refused = client.invalidate(&token).await;
    assert!(matches!(refused, Err(ClientError::RefusedByStorage)), "the broker gave the same again");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"canary-6e0a");
    assert_eq!(broker.asked()[1].rejected_token_sha256, digest.as_ref());
    assert_eq!(broker.asked()[1].parts[0].path, "gs://lake/wh/sales/");
}

#[tokio::test]
async fn cl08_a_certificate_of_another_authority_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let broker = broker(&authority, |_| Ok(sales())).await;
    let client = Client::connect(config(vec![broker.uri()], &other)).unwrap();
    assert!(matches!(read(&client).await, Err(ClientError::Handshake(_))));
    assert!(broker.asked().is_empty());
}

#[tokio::test]
async fn cl08_a_certificate_for_another_name_is_refused_unless_the_name_is_configured() {
    let authority = Authority::new();
    let identity = authority.identity("broker.example", |_| {});
    let broker = Broker::start(&authority, identity, |_, _| Ok(sales())).await;
    let client = Client::connect(config(vec![broker.uri()], &authority)).unwrap();
    assert!(matches!(read(&client).await, Err(ClientError::Handshake(_))));
    let mut named = config(vec![broker.uri()], &authority);
    named.server_name = Some("broker.example".to_owned());
    read(&Client::connect(named).unwrap()).await.unwrap();
}

#[tokio::test]
async fn cl08_an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let identity = authority.identity("localhost", |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let broker = Broker::start(&authority, identity, |_, _| Ok(sales())).await;
    let client = Client::connect(config(vec![broker.uri()], &authority)).unwrap();
    let error = read(&client).await.unwrap_err();
    assert!(matches!(error, ClientError::Handshake(_)), "{error:?}");
}

#[tokio::test]
async fn cl08_there_is_no_way_to_plaintext_or_to_unchecked_certificates() {
    let authority = Authority::new();
    let fault = |endpoint: &str| match Client::connect(config(vec![endpoint.parse().unwrap()], &authority)) {
        Err(ClientError::Config(fault)) => fault,
        other => panic!("{endpoint}: {other:?}"),
    };
    for plaintext in
        ["http://broker.example:7443", "http://127.0.0.1:7443", "grpc://broker.example", "broker.example:1"]
    {
        assert!(matches!(fault(plaintext), ConfigFault::NotHttps), "{plaintext}");
    }
    assert!(matches!(fault("https://user@broker.example"), ConfigFault::EndpointParts));
    assert!(matches!(fault("https://broker.example/api"), ConfigFault::EndpointParts));
    let without = |endpoints, ca| Client::connect(ClientConfig::new(endpoints, ca)).unwrap_err();
    let endpoint = || vec!["https://broker.example".parse().unwrap()];
    assert!(matches!(without(endpoint(), vec![]), ClientError::Config(ConfigFault::NoAuthority)));
    let no_endpoint = without(vec![], vec![authority.certificate()]);
    assert!(matches!(no_endpoint, ClientError::Config(ConfigFault::NoEndpoint)));
}

#[test]
fn a_client_made_outside_a_runtime_is_an_error_and_not_a_panic() {
    let authority = Authority::new();
    let made = Client::connect(config(vec!["https://broker.example".parse().unwrap()], &authority));
    assert!(matches!(made, Err(ClientError::Config(ConfigFault::NoRuntime))));
}

#[tokio::test]
async fn a_denial_arrives_with_its_reason_and_audit_id_and_is_not_retried() {
    let authority = Authority::new();
    let broker =
        broker(&authority, |_| Err(refusal(Code::PermissionDenied, reason::PERMISSION_DENIED, None))).await;
    let client = Client::connect(config(vec![broker.uri()], &authority)).unwrap();
    let error = read(&client).await.unwrap_err();
    assert!(matches!(error, ClientError::Denied(_)));
    assert_eq!(error.refusal().unwrap().audit_id.as_deref(), Some("a-7"));
    assert_eq!(broker.asked().len(), 1);
}

#[tokio::test]
async fn an_outage_with_a_pause_is_waited_out_within_the_budget_and_no_longer() {
    let authority = Authority::new();
    let pause = Some(Duration::from_millis(1));
    let draining = move || refusal(Code::Unavailable, reason::DRAINING, pause);
    let down = broker(&authority, move |_| Err(draining())).await;
    let client = Client::connect(config(vec![down.uri()], &authority)).unwrap();
    let error = read(&client).await.unwrap_err();
    assert_eq!(error.retry_after(), pause);
    assert_eq!(down.asked().len(), 4);
    let recovering =
        broker(&authority, move |number| if number < 2 { Err(draining()) } else { Ok(sales()) }).await;
    read(&Client::connect(config(vec![recovering.uri()], &authority)).unwrap()).await.unwrap();
}

#[tokio::test]
async fn an_outage_with_a_pause_beyond_the_deadline_is_told_at_once() {
    let authority = Authority::new();
    let pause = Some(Duration::from_hours(1));
    let broker = broker(&authority, move |_| Err(refusal(Code::Unavailable, reason::DRAINING, pause))).await;
    let client = Client::connect(config(vec![broker.uri()], &authority)).unwrap();
    assert!(matches!(read(&client).await, Err(ClientError::Unavailable { .. })));
    assert!(matches!(read(&client).await, Err(ClientError::Unavailable { .. })));
    assert_eq!(broker.asked().len(), 1, "it said when to come back");
}

#[tokio::test]
async fn a_draining_broker_is_left_for_the_next_one() {
    let authority = Authority::new();
    let pause = Some(Duration::from_millis(1));
    let draining =
        broker(&authority, move |_| Err(refusal(Code::Unavailable, reason::DRAINING, pause))).await;
    let healthy = broker(&authority, |_| Ok(sales())).await;
    for _ in 0..8 {
        let client = Client::connect(config(vec![draining.uri(), healthy.uri()], &authority)).unwrap();
        read(&client).await.unwrap();
    }
    assert_eq!(healthy.asked().len(), 8);
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_left_for_the_next_one() {
    let authority = Authority::new();
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("https://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap()
    };
    let alone = Client::connect(config(vec![gone], &authority)).unwrap();
    assert!(matches!(read(&alone).await, Err(ClientError::Connect(_))));
    let gone = "https://localhost:1".parse().unwrap();
    let healthy = broker(&authority, |_| Ok(sales())).await;
    let client = Client::connect(config(vec![gone, healthy.uri()], &authority)).unwrap();
    read(&client).await.unwrap();
}

#[tokio::test]
async fn a_broker_that_never_answers_is_given_up_at_the_deadline() {
    let authority = Authority::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("https://localhost:{}", silent.local_addr().unwrap().port()).parse().unwrap();
    let mut impatient = config(vec![uri], &authority);
    impatient.request_timeout = Duration::from_millis(200);
    let error = read(&Client::connect(impatient).unwrap()).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout | ClientError::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn cl11_an_answer_with_an_unknown_operation_or_without_a_credential_is_not_used() {
    let authority = Authority::new();
    let broker = broker(&authority, |number| {
        let mut answer = sales();
        if number == 0 {
            answer.covered[0].operations.push(77);
        } else {
            answer.credential = None;
        }
        Ok(answer)
    })
    .await;
    let client = Client::connect(config(vec![broker.uri()], &authority)).unwrap();
    assert!(matches!(read(&client).await, Err(ClientError::BadAnswer(AnswerFault::Covered))));
    assert!(matches!(read(&client).await, Err(ClientError::BadAnswer(AnswerFault::Credential))));
    assert_eq!(client.tier_len(), 0);
}

#[tokio::test]
async fn a_carrier_goes_beside_a_delegation_token_and_beside_nothing_else() {
    let authority = Authority::new();
    let broker = broker(&authority, |_| Ok(sales())).await;
    let carrier = || authority.identity("mesh.example", |_| {});
    let bare = || config(vec![broker.uri()], &authority);
    let token = || DelegationToken::parse("canary-1".to_owned()).unwrap();
    read(&Client::connect(bare().with_delegation_token(token()).with_carrier(carrier())).unwrap())
        .await
        .unwrap();
    assert!(broker.knew_everybody(), "it was shown");
    let fault = |config| match Client::connect(config) {
        Err(ClientError::Config(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert!(matches!(fault(bare().with_carrier(carrier())), ConfigFault::CarrierAlone));
    let two = bare().with_identity(carrier()).with_carrier(carrier());
    assert!(matches!(fault(two), ConfigFault::TwoIdentities));
}

#[tokio::test]
async fn lg01_configuration_prints_without_its_key() {
    let authority = Authority::new();
    let identity = authority.identity("job.example", |_| {});
    let key = format!("{:?}", identity.key.secret_der());
    let shown = format!("{identity:?}");
    assert!(!shown.contains(&key));
    assert!(shown.contains("[redacted]"));
}
