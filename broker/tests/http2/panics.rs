//! A handler that panics, and requests that try to make one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use lakegate_domain::{Clock, SystemClock, Timestamp};
use lakegate_proto::v1;
use lakegate_testkit::{Deployment, GET_ACCESS_TOKEN, framed, part, request};
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::world::{READ, SALES, serves, start, start_changed};

const METHODS: [&str; 5] = [
    GET_ACCESS_TOKEN,
    "/lakegate.v1.AccessTokenService/BatchGetAccessTokens",
    "/lakegate.v1.PolicyService/Explain",
    "/lakegate.v1.PolicyService/ListDatasets",
    "/grpc.health.v1.Health/Check",
];

/// A clock that panics once, when it is looked at for the so many-th time from now; never for 0.
#[derive(Debug, Default)]
struct Cracked(AtomicUsize);

impl Clock for Cracked {
    fn now(&self) -> Timestamp {
        let before = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert_ne!(before, Ok(1), "the clock is cracked");
        SystemClock.now()
    }
}

/// Keeps the panics of a cracked clock out of the output; all others are told as ever.
fn quietly() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload_as_str().is_some_and(|text| text.contains("the clock is cracked")) {
            usual(info);
        }
    }));
}

fn metric(lake: &Deployment, name: &str) -> String {
    let text = prometheus::TextEncoder::new().encode_to_string(&lake.registry().gather()).unwrap();
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    line.and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn gh13_a_handler_that_panics_is_audited_and_takes_nothing_along() -> Result<()> {
    let clock = Arc::new(Cracked::default());
    let lake = start_changed(|options| options.clock = clock.clone()).await?;
    let alice = lake.caller("alice")?;
    alice.ask(SALES, READ).await?;
    quietly();
    // More than a connection has streams: no seat of one that panicked is lost.
    let (mut panicked, mut asked) = (0, 1);
    while panicked < 260 {
        asked += 1;
        // The first look is before the caller is known, the second in the method.
        clock.0.store(1 + asked % 2, Ordering::SeqCst);
        // Now and then somebody else looks at the clock first.
        let Err(refused) = alice.ask(SALES, READ).await else { continue };
        panicked += 1;
        assert_eq!(refused.to_string(), "Internal INTERNAL");
        assert_eq!(refused.text, "internal error");
        if panicked % 100 == 0 {
            assert_eq!(lake.told(&refused)?, "Internal INTERNAL error internal");
        }
    }
    assert_eq!(metric(&lake, "lakegate_broker_panics_total"), "260");
    assert_eq!(lake.audit().records()?.len(), asked);
    clock.0.store(0, Ordering::SeqCst);
    let answer = alice.ask(SALES, READ).await?;
    assert_eq!(lake.audit().record(&answer.audit_id)?["token"]["tier"], "local", "on the same connection");
    serves(&lake).await
}

/// A message that was good, with something done to it.
fn broken(random: &mut StdRng) -> Vec<u8> {
    let parts = vec![part(SALES, READ), part("gs://lake-one/sales/\u{e9}", READ)];
    let good = v1::GetAccessTokenRequest { parts, on_behalf_of: "bob".to_owned(), ..Default::default() };
    let mut bytes = good.encode_to_vec();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.random()),
            2 => bytes.extend_from_within(at..),
            3 => bytes.splice(at.., [0xff; 11]).for_each(drop),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.random()),
        }
        bytes.truncate(4_096);
    }
    bytes
}

#[tokio::test]
async fn gh13_gh15_no_message_makes_a_handler_panic() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    let mut random = StdRng::seed_from_u64(13);
    let (mut sent, mut answered) = (0, 0);
    for _ in 0..120 {
        for method in METHODS {
            let mut body = framed(&broken(&mut random));
            if random.random_ratio(1, 8) {
                let at = random.random_range(0..5);
                body[at] = random.random();
            }
            let answer = alice.send(request(method, body)?).await?;
            let status = answer.status.unwrap();
            assert_ne!(i32::from(status.code()), 13, "{method}: {status:?}");
            let is_audited = method != METHODS[4];
            sent += usize::from(is_audited);
            answered += usize::from(is_audited && i32::from(status.code()) == 0);
        }
    }
    // A batch that was answered has a record for each of its items.
    assert!(lake.audit().records()?.len() >= sent, "{sent} were sent, {answered} were answered");
    assert_eq!(metric(&lake, "lakegate_broker_panics_total"), "0");
    serves(&lake).await
}

#[tokio::test]
async fn gh15_what_is_no_text_or_no_end_is_refused() -> Result<()> {
    let lake = start().await?;
    let alice = lake.caller("alice")?;
    let text = |bytes: &[u8]| {
        let part = [&[0x0a, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        [&[0x0a, u8::try_from(part.len()).unwrap()], &part[..]].concat()
    };
    let nested = (0..200).fold(Vec::new(), |inner: Vec<u8>, _| {
        let length =
            [u8::try_from(inner.len() % 128).unwrap() | 0x80, u8::try_from(inner.len() / 128).unwrap()];
        [&[0x7a], &length[..], &inner].concat()
    });
    for (message, wanted) in [
        (text(b"gs://lake-one/\xff"), "InvalidArgument MALFORMED_REQUEST deny request_form"),
        (text(b"gs://lake-one/\xed\xa0\x80"), "InvalidArgument MALFORMED_REQUEST deny request_form"),
        (nested, "InvalidArgument INVALID_PARTS deny request_form"),
        ([0x0a, 0x00].repeat(30_000), "InvalidArgument INVALID_PARTS deny request_form"),
        ([0x0a, 0x00].repeat(1_000_000), "ResourceExhausted MESSAGE_TOO_LARGE deny request_form"),
    ] {
        let refused = alice.post(GET_ACCESS_TOKEN, &message).await?.refused()?;
        assert_eq!(lake.told(&refused)?, wanted, "{} bytes", message.len());
    }
    serves(&lake).await
}
