//! What opens, and everything that must not.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::test_tokens::{bearer, key, keys, scopes, texts, token};
use lakegate_domain::{Credential, Secret, Timestamp};

fn sealer(number: u8) -> Sealer {
    Sealer::new(keys(number), "prod").unwrap()
}

fn nonce(value: &[u8]) -> [u8; 12] {
    Header::read(value).unwrap().nonce
}

fn salt(value: &[u8]) -> [u8; 32] {
    Header::read(value).unwrap().salt
}

#[test]
fn rd01_no_value_with_a_flipped_bit_opens() {
    let [scope] = scopes();
    let sealer = sealer(1);
    let value = sealer.seal(&scope, &bearer(&scope, "ya29.token")).unwrap();
    assert!(sealer.open(&scope.key(), value.clone()).is_ok());
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0 => Distrust::UnknownFormat,
            1..5 => Distrust::UnknownKey,
            _ => Distrust::Tampered,
        };
        assert_eq!(sealer.open(&scope.key(), flipped).unwrap_err(), expected, "bit {bit}");
    }
}

#[test]
fn rd01_no_cut_or_lengthened_value_opens() {
    let [scope] = scopes();
    let sealer = sealer(1);
    let value = sealer.seal(&scope, &bearer(&scope, "ya29.token")).unwrap();
    for len in 0..value.len() {
        let distrust = sealer.open(&scope.key(), value[..len].to_vec()).unwrap_err();
        assert_eq!(distrust, Distrust::Tampered, "cut to {len} bytes");
    }
    for longer in [value.len() + 1, MAX_VALUE_BYTES + 1, 64 << 20] {
        let mut value = value.clone();
        value.resize(longer, 0);
        assert_eq!(sealer.open(&scope.key(), value).unwrap_err(), Distrust::Tampered);
    }
}

#[test]
fn rd02_a_value_opens_under_its_own_key_and_in_its_own_cluster_only() {
    let [mine, other] = scopes();
    let prod = sealer(1);
    let value = prod.seal(&mine, &bearer(&mine, "t")).unwrap();
    assert_eq!(prod.open(&other.key(), value.clone()).unwrap_err(), Distrust::Tampered);
    let test = Sealer::new(keys(1), "test").unwrap();
    assert_eq!(test.open(&mine.key(), value).unwrap_err(), Distrust::Tampered);
}

/// Delegation tokens will have keys of their own purpose under the same master key.
#[test]
fn rd02_what_was_sealed_for_another_purpose_or_cluster_does_not_open_even_with_its_associated_data() {
    let [scope] = scopes();
    let mine = sealer(1);
    let value = mine.seal(&scope, &bearer(&scope, "t")).unwrap();
    let salt = salt(&value);
    let mut contexts = vec![mine.context.clone()];
    for (purpose, cluster) in [
        ("lakegate.delegation-token.v1", "prod"),
        ("lakegate.access-token.v2", "prod"),
        (PURPOSE, "test"),
        // The same letters, divided otherwise.
        ("lakegate.access-token.v1p", "rod"),
    ] {
        let other = Sealer::for_purpose(purpose, keys(1), cluster).unwrap();
        assert_eq!(other.open(&scope.key(), value.clone()).unwrap_err(), Distrust::Tampered);
        assert_eq!(
            mine.open(&scope.key(), other.seal(&scope, &bearer(&scope, "t")).unwrap()).unwrap_err(),
            Distrust::Tampered
        );
        contexts.push(other.context.clone());
    }
    // The keys themselves differ: each seals the same text under the same nonce to something else.
    let sealed: HashSet<Vec<u8>> = contexts
        .iter()
        .map(|context| {
            let key = derive(&key(1), &salt, context).unwrap();
            let mut text = b"one text".to_vec();
            key.seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), &mut text)
                .unwrap();
            text
        })
        .collect();
    assert_eq!(sealed.len(), contexts.len());
}

#[test]
fn rd03_there_is_no_other_format_to_fall_back_to() {
    let [scope] = scopes();
    let sealer = sealer(1);
    let mut value = sealer.seal(&scope, &bearer(&scope, "t")).unwrap();
    for version in (0..=u8::MAX).filter(|version| *version != 1) {
        value[0] = version;
        assert_eq!(sealer.open(&scope.key(), value.clone()).unwrap_err(), Distrust::UnknownFormat);
    }
}

#[test]
fn rd06_only_the_key_that_the_header_names_is_tried() {
    let [scope] = scopes();
    let old = sealer(1);
    let value = old.seal(&scope, &bearer(&scope, "t")).unwrap();

    let rotated = Sealer::new(SealingKeys { current: key(2), previous: Some(key(1)) }, "prod").unwrap();
    assert!(rotated.open(&scope.key(), value.clone()).is_ok(), "the previous key still opens");
    let retired = sealer(2);
    assert_eq!(retired.open(&scope.key(), value.clone()).unwrap_err(), Distrust::UnknownKey);

    let mut renamed = value;
    renamed[4] = 2;
    assert_eq!(rotated.open(&scope.key(), renamed).unwrap_err(), Distrust::Tampered);
    let twins = SealingKeys { current: key(1), previous: Some(key(1)) };
    assert!(matches!(Sealer::new(twins, "prod"), Err(StoreError::DuplicateKeyId)));
}

#[test]
fn rd07_nonces_differ_over_threads() {
    let [scope] = scopes();
    let sealer = Arc::new(sealer(1));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (sealer, scope) = (Arc::clone(&sealer), scope.clone());
            std::thread::spawn(move || {
                let token = bearer(&scope, "t");
                (0..500).map(|_| nonce(&sealer.seal(&scope, &token).unwrap())).collect::<Vec<_>>()
            })
        })
        .collect();
    let nonces: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let counters: HashSet<_> = nonces.iter().map(|nonce| nonce[..4].to_vec()).collect();
    assert_eq!(counters.len(), 2000, "the counter alone keeps them apart");
}

#[test]
fn rd07_every_start_has_a_subkey_of_its_own_and_reads_the_others() {
    let [scope] = scopes();
    let starts: Vec<_> = (0..20).map(|_| sealer(1)).collect();
    let values: Vec<_> = starts.iter().map(|s| s.seal(&scope, &bearer(&scope, "t")).unwrap()).collect();
    let salts: HashSet<_> = values.iter().map(|value| salt(value)).collect();
    assert_eq!(salts.len(), starts.len());
    for value in &values {
        for start in &starts {
            assert!(start.open(&scope.key(), value.clone()).is_ok());
        }
    }
    assert_eq!(starts[0].foreign.len(), starts.len() - 1, "own subkey is not foreign");
}

#[test]
fn rd07_a_forked_process_repeats_no_nonce() {
    let [scope] = scopes();
    let parent = sealer(1);
    let twin = parent.own.load().forked(&parent.keys.current, &parent.context).unwrap();
    let child = sealer(1);
    child.own.store(Arc::new(twin));
    let token = bearer(&scope, "t");
    let (of_parent, of_child) = (parent.seal(&scope, &token).unwrap(), child.seal(&scope, &token).unwrap());
    assert_eq!(salt(&of_parent), salt(&of_child), "they share the subkey");
    assert_eq!(nonce(&of_parent)[..4], nonce(&of_child)[..4], "and the counter");
    assert_ne!(nonce(&of_parent), nonce(&of_child));
}

#[test]
fn rd07_a_spent_subkey_is_replaced_before_its_counter_wraps() {
    let [scope] = scopes();
    let sealer = Arc::new(sealer(1));
    sealer.own.load().leave(3);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (sealer, scope) = (Arc::clone(&sealer), scope.clone());
            std::thread::spawn(move || {
                let token = bearer(&scope, "t");
                [(); 5].map(|()| sealer.seal(&scope, &token).unwrap())
            })
        })
        .collect();
    let values: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let pairs: HashSet<_> = values.iter().map(|value| (salt(value), nonce(value)[..4].to_vec())).collect();
    assert_eq!(pairs.len(), values.len());
    let salts: Vec<_> = values.iter().map(|value| salt(value)).collect();
    let distinct: HashSet<_> = salts.iter().collect();
    assert_eq!(distinct.len(), 2, "one replacement, however many ask for it");
    for value in values {
        assert!(sealer.open(&scope.key(), value).is_ok());
    }
}

#[test]
fn invented_salts_do_not_push_out_subkeys_that_work() {
    let [scope] = scopes();
    let (writer, reader) = (sealer(1), sealer(1));
    let value = writer.seal(&scope, &bearer(&scope, "t")).unwrap();
    assert!(reader.open(&scope.key(), value.clone()).is_ok());
    for n in 0..=255 {
        let mut forged = value.clone();
        forged[10] ^= n | 1;
        assert!(reader.open(&scope.key(), forged).is_err());
    }
    assert_eq!(reader.foreign.len(), 1);
}

#[test]
fn the_room_for_foreign_subkeys_is_bounded() {
    let [scope] = scopes();
    let reader = sealer(1);
    for _ in 0..300 {
        let value = sealer(1).seal(&scope, &bearer(&scope, "t")).unwrap();
        assert!(reader.open(&scope.key(), value).is_ok());
    }
    assert_eq!(reader.foreign.len(), 256);
}

#[test]
fn a_token_that_would_not_fit_is_refused_before_it_is_sealed() {
    let [scope] = scopes();
    let sealer = sealer(1);
    let room = MAX_VALUE_BYTES - sealer.seal(&scope, &bearer(&scope, "")).unwrap().len();
    assert_eq!(sealer.seal(&scope, &bearer(&scope, &"x".repeat(room))).unwrap().len(), MAX_VALUE_BYTES);
    let refused = sealer.seal(&scope, &bearer(&scope, &"x".repeat(room + 1)));
    assert!(matches!(refused, Err(StoreError::TooLarge)));
}

#[test]
fn clusters_have_names() {
    for name in [String::new(), "x".repeat(257)] {
        assert!(matches!(Sealer::new(keys(1), &name), Err(StoreError::ClusterName)));
    }
}

#[test]
fn authentic_values_that_purport_otherwise_say_so() {
    let [asked, other] = scopes();
    let sealer = sealer(1);
    let purport = Purport { key: other.key(), generation: 3 };
    let value = sealer.seal_under(&asked.key(), purport, &bearer(&asked, "t")).unwrap();
    let opened = sealer.open(&asked.key(), value).unwrap();
    assert_eq!((&opened.key, opened.generation), (other.key().as_bytes(), 3));
}

fn credentials() -> impl Strategy<Value = Credential> {
    let secret = || any::<String>().prop_map(Secret::new);
    prop_oneof![
        secret().prop_map(Credential::Bearer),
        secret().prop_map(Credential::Sas),
        (any::<String>(), secret(), secret()).prop_map(
            |(access_key_id, secret_access_key, session_token)| {
                Credential::Aws { access_key_id, secret_access_key, session_token }
            }
        ),
    ]
}

proptest! {
    #[test]
    fn what_was_sealed_opens_to_the_same(credential in credentials(), times: (i64, i64), snapshot: u64) {
        let [scope] = scopes();
        let mut sealed = token(&scope, credential);
        sealed.minted_at = Timestamp::from_millis(times.0);
        sealed.expires_at = Timestamp::from_millis(times.1);
        sealed.snapshot = snapshot;
        let (writer, reader) = (sealer(1), sealer(1));
        let value = writer.seal(&scope, &sealed).unwrap();
        let opened = reader.open(&scope.key(), value).unwrap();
        prop_assert_eq!(opened.generation, scope.generation());
        let opened = opened.into_token(scope.key());
        prop_assert_eq!(texts(&opened.credential), texts(&sealed.credential));
        prop_assert_eq!(
            (opened.minted_at, opened.expires_at, opened.scope_tag, opened.snapshot),
            (sealed.minted_at, sealed.expires_at, sealed.scope_tag, snapshot)
        );
    }

    #[test]
    fn a_plaintext_has_one_encoding(credential in credentials(), extra: Vec<u8>, cut: prop::sample::Index) {
        let [scope] = scopes();
        let mut bytes = Vec::new();
        plaintext::encode((&scope).into(), &token(&scope, credential), &mut bytes);
        prop_assert!(plaintext::decode(&bytes).is_some());
        prop_assert!(plaintext::decode(&bytes[..cut.index(bytes.len())]).is_none());
        if !extra.is_empty() {
            bytes.extend(extra);
            prop_assert!(plaintext::decode(&bytes).is_none());
        }
    }

    #[test]
    fn no_bytes_make_the_reader_fail(bytes: Vec<u8>) {
        let [scope] = scopes();
        prop_assert!(sealer(1).open(&scope.key(), bytes.clone()).is_err());
        if let Some(opened) = plaintext::decode(&bytes) {
            let purport = Purport { key: scope.key(), generation: opened.generation };
            let mut again = Vec::new();
            plaintext::encode(purport, &opened.into_token(scope.key()), &mut again);
            prop_assert_eq!(&again[32..], &bytes[32..]);
        }
    }
}
