//! Calls that are made once, without a client: they too find the broker that works.

use std::time::Duration;

use lakegate_client::{ClientError, Explained, explain};
use lakegate_domain::{Operation, OperationSet, Part, Target};
use lakegate_proto::reason;
use tokio::io::AsyncWriteExt;
use tonic::Code;

use crate::failover::Impostor;
use crate::peer::{Authority, Broker, acceptor, config, sales};
use crate::{PATH, broker, refusal};

async fn explained(uris: Vec<http::Uri>, authority: &Authority) -> Result<Explained, ClientError> {
    let part = Part::new(Target::parse(PATH).unwrap(), OperationSet::of(&[Operation::Read])).unwrap();
    let mut config = config(uris, authority);
    config.request_timeout = Duration::from_secs(8);
    explain(config, &part, None).await
}

#[tokio::test]
async fn cl02_an_explanation_comes_from_the_first_broker_that_can_give_one() {
    let authority = Authority::new();
    let gone: http::Uri = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("https://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap()
    };
    let other = Authority::new();
    let foreign = Broker::start(&other, other.identity("localhost", |_| {}), |_, _| Ok(sales())).await;
    let pause = Some(Duration::from_mins(1));
    let draining =
        broker(&authority, move |_| Err(refusal(Code::Unavailable, reason::DRAINING, pause))).await;
    let faulty = broker(&authority, |_| Err(refusal(Code::Internal, reason::INTERNAL, None))).await;
    let (healthy, last) =
        (broker(&authority, |_| Ok(sales())).await, broker(&authority, |_| Ok(sales())).await);
    let uris = vec![gone.clone(), foreign.uri(), draining.uri(), faulty.uri(), healthy.uri(), last.uri()];
    let answer = explained(uris, &authority).await.unwrap();
    assert_eq!((answer.allowed, answer.snapshot), (true, 7));
    let asked = [&foreign, &draining, &faulty, &healthy, &last].map(|broker| broker.asked().len());
    assert_eq!(asked, [0, 1, 1, 1, 0], "each once, in order, and nobody after the answer");
    let nobody = explained(vec![gone], &authority).await;
    assert!(matches!(nobody, Err(ClientError::Connect(_))), "{nobody:?}");
}

#[tokio::test]
async fn cl02_a_broker_that_takes_the_call_and_says_nothing_gets_its_share_of_the_time() {
    let authority = Authority::new();
    let tls = acceptor(&authority, authority.identity("localhost", |_| {}));
    let silent = Impostor::start(move |stream| {
        let tls = tls.clone();
        async move {
            let Ok(mut stream) = tls.accept(stream).await else { return };
            // Settings of a server, and not a word more.
            let _settings = stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
            std::future::pending::<()>().await;
        }
    })
    .await;
    let healthy = broker(&authority, |_| Ok(sales())).await;
    let answer = explained(vec![silent.uri.clone(), healthy.uri()], &authority).await;
    assert!(answer.is_ok(), "{answer:?}");
}

#[tokio::test]
async fn a_decision_is_not_asked_for_elsewhere() {
    let authority = Authority::new();
    let refused = |reason, code| move |_: usize| Err(refusal(code, reason, None));
    let denying = broker(&authority, refused(reason::PERMISSION_DENIED, Code::PermissionDenied)).await;
    let limiting = broker(&authority, refused(reason::RATE_LIMITED, Code::ResourceExhausted)).await;
    let other = broker(&authority, |_| Ok(sales())).await;
    let denied = explained(vec![denying.uri(), other.uri()], &authority).await;
    assert!(matches!(denied, Err(ClientError::Denied(_))), "{denied:?}");
    let limited = explained(vec![limiting.uri(), other.uri()], &authority).await;
    assert!(matches!(limited, Err(ClientError::RateLimited { .. })), "{limited:?}");
    assert!(other.asked().is_empty(), "another broker is no way around");
}
