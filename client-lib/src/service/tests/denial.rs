//! What a denial takes from the tier, and that nothing is shared between clients.

use std::sync::Arc;

use crate::error::ClientError;
use crate::testing::{Bench, HOUR, answer, denied, ops, part, start};

/// A client that holds tokens for these parts, each asked for by itself, and whose broker denies everything from now
/// on.
async fn holding(tokens: &[&[(&str, &str)]]) -> Bench {
    let bench = Bench::new(|ask| Ok(answer(&ask.parts, "t", start().plus(HOUR))));
    for covered in tokens {
        let parts: Vec<_> = covered.iter().map(|(path, operations)| part(path, operations)).collect();
        bench.client.token_for_parts(&parts).await.unwrap();
    }
    assert_eq!(bench.client.tier_len(), tokens.len());
    bench.broker.rewrite(|_| Err(denied()));
    bench
}

fn holds(bench: &Bench, path: &str, operations: &str) -> bool {
    bench.client.cached(part(path, operations).target(), ops(operations)).is_some()
}

#[tokio::test(start_paused = true)]
async fn cl05_a_denial_drops_every_token_that_covers_what_was_denied_and_no_other() {
    let bench = holding(&[
        &[("gs://lake/wh/", "read")],
        &[("gs://lake/wh/sales/", "read+list")],
        &[("gs://lake/wh/sales/x", "read+list+write")],
        &[("gs://lake/wh/sales/", "write")],
        &[("gs://lake/wh_2/", "read")],
        &[("gs://lake/hr/", "read")],
    ])
    .await;
    let refused = bench.client.ask_anew(&[part("gs://lake/wh/sales/x", "read")]).await;
    assert!(matches!(refused, Err(ClientError::Denied(_))));
    assert!(!holds(&bench, "gs://lake/wh/sales/x", "read"));
    assert!(!holds(&bench, "gs://lake/wh/y", "read"), "the token for all of wh could read it too");
    assert!(!holds(&bench, "gs://lake/wh/sales/x", "list"));
    assert!(holds(&bench, "gs://lake/wh/sales/x", "write"), "a token that cannot read it");
    assert!(holds(&bench, "gs://lake/wh_2/x", "read"), "a name that only begins alike");
    assert!(holds(&bench, "gs://lake/hr/x", "read"));
    assert_eq!(bench.client.tier_len(), 3);
}

#[tokio::test(start_paused = true)]
async fn cl05_a_denied_pair_drops_what_covers_both_and_not_what_covers_one() {
    let (a, b) = (("gs://lake/a/", "read"), ("gs://lake/b/", "write"));
    let bench = holding(&[&[a], &[b], &[a, b]]).await;
    let pair = [part("gs://lake/a/1", "read"), part("gs://lake/b/1", "write")];
    assert!(bench.client.ask_anew(&pair).await.is_err());
    assert!(holds(&bench, "gs://lake/a/1", "read") && holds(&bench, "gs://lake/b/1", "write"));
    assert_eq!(bench.client.tier_len(), 2);
}

#[tokio::test(start_paused = true)]
async fn cl05_a_token_of_several_parts_goes_when_one_of_them_is_denied() {
    let bench = holding(&[&[("gs://lake/a/", "read"), ("gs://lake/b/", "write")]]).await;
    assert!(bench.client.token_for("gs://lake/a/1", ops("read")).await.is_err());
    assert_eq!(bench.client.tier_len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_decision_is_asked_for_although_the_tier_holds_a_token_and_keeps_it_when_it_is_the_same() {
    let bench = Bench::new(|_| Ok(answer(&[part("gs://lake/wh/", "read")], "t", start().plus(HOUR))));
    let held = bench.client.token_for("gs://lake/wh/x", ops("read")).await.unwrap();
    let anew = bench.client.ask_anew(&[part("gs://lake/wh/x", "read")]).await.unwrap();
    assert_eq!(anew.digest(), held.digest());
    assert_eq!((bench.broker.calls(), bench.client.tier_len()), (2, 1));
    assert!(matches!(bench.client.ask_anew(&[]).await, Err(ClientError::InvalidParts)));
}

#[tokio::test(start_paused = true)]
async fn cl06_clients_share_nothing_whatever_runs_in_one_process() {
    let token_of = |name: &'static str| {
        Bench::new(move |_| Ok(answer(&[part("gs://lake/wh/", "read")], name, start().plus(HOUR))))
    };
    let (alice, mallory) = (token_of("alice"), token_of("mallory"));
    let mine = alice.client.token_for("gs://lake/wh/x", ops("read")).await.unwrap();
    assert_eq!(mallory.client.tier_len(), 0);
    mallory.broker.rewrite(|_| Err(denied()));
    assert!(mallory.client.token_for("gs://lake/wh/x", ops("read")).await.is_err());
    let again = alice.client.token_for("gs://lake/wh/x", ops("read")).await.unwrap();
    assert!(Arc::ptr_eq(&mine, &again), "nor does a denial of one reach the other");
    let clone = alice.client.clone();
    assert!(Arc::ptr_eq(&mine, &clone.token_for("gs://lake/wh/x", ops("read")).await.unwrap()));
}
