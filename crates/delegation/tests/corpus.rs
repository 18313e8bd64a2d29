//! A committed corpus in place of a fuzzer: tokens written by another implementation of the same page, good ones and
//! every kind of bad one, and all of them again with bytes cut and flipped.
//!
//! A refused token's file begins with the word of its refusal. Keys are 32 bytes of their own number.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use lakegate_delegation::{
    DelegationKey, DelegationRefusal, KeyId, KeyLife, KeyRing, Moment, Untouched, Verified, describe, verify,
};
use lakegate_domain::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_123);

fn ring() -> KeyRing {
    let lives = [KeyLife::Retired, KeyLife::Verifying, KeyLife::Current, KeyLife::Prepared];
    let key = |number: u8| DelegationKey::from_bytes(KeyId::new(number.into()).unwrap(), [number; 32]);
    KeyRing::new("lake", (1..).map(key).zip(lives)).unwrap()
}

fn outcome(token: &str, ring: &KeyRing) -> Result<Verified, DelegationRefusal> {
    verify(token, ring, &[], &Moment { now: NOW, skew: Duration::from_secs(30), views: &Untouched })
}

/// Names and contents of a folder of the corpus.
fn folder(name: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<_> = files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap().trim_end().to_owned())
        })
        .collect();
    assert!(found.len() > 5, "the corpus is gone");
    found
}

#[test]
fn tokens_of_the_corpus_are_believed() {
    let ring = ring();
    for (name, token) in folder("believed") {
        let verified = outcome(&token, &ring).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        assert_eq!(&describe(&token).unwrap().identifier, verified.identifier(), "{name}");
    }
}

#[test]
fn tokens_of_the_corpus_are_refused_for_what_is_wrong_with_them() {
    let ring = ring();
    for (name, token) in folder("refused") {
        let refusal = outcome(&token, &ring).err().unwrap_or_else(|| panic!("{name} is believed"));
        assert_eq!(Some(refusal.as_str()), name.split_once("--").map(|(word, _)| word), "{name}");
    }
}

#[test]
fn dt07_nothing_made_from_the_corpus_by_cutting_or_flipping_is_believed() {
    let ring = ring();
    for (name, token) in folder("believed") {
        for end in 0..token.len() {
            assert!(outcome(token.get(..end).unwrap(), &ring).is_err(), "{name} cut at {end}");
        }
        // The service stands outside the MAC and is anybody's to write.
        let authenticated = token.len() - if name == "with-a-service" { 32 } else { 0 };
        for index in 0..authenticated {
            let mut bytes = token.as_bytes().to_vec();
            let byte = bytes.get_mut(index).unwrap();
            *byte = if *byte == b'A' { b'B' } else { b'A' };
            let flipped = String::from_utf8(bytes).unwrap();
            assert!(outcome(&flipped, &ring).is_err(), "{name} changed at {index}");
        }
    }
}

#[test]
fn refused_tokens_of_the_corpus_are_cut_and_flipped_without_panic() {
    let ring = ring();
    for (_, token) in folder("refused") {
        for index in 0..token.len() {
            let _cut = outcome(token.get(..index).unwrap(), &ring);
            let mut bytes = token.as_bytes().to_vec();
            let byte = bytes.get_mut(index).unwrap();
            *byte = byte.wrapping_add(1) & 0x7f;
            let _flipped = outcome(&String::from_utf8(bytes).unwrap(), &ring);
        }
    }
}
