//! Which keys verify what.

use super::*;

const TEXT: &[u8] = b"identifier";

fn id(id: u32) -> KeyId {
    KeyId::new(id).unwrap()
}

fn key(number: u32) -> DelegationKey {
    DelegationKey::from_bytes(id(number), [u8::try_from(number).unwrap(); 32])
}

/// Whether the ring believes a MAC of a token that is bound to nothing.
fn believes(ring: &KeyRing, key: u32, text: &[u8], mac: &[u8]) -> Result<(), DelegationRefusal> {
    ring.check(id(key), text, mac, &[]).map(|binding| assert_eq!(binding, None))
}

#[test]
fn a_ring_believes_what_it_signed() {
    let ring = KeyRing::single("lake", key(1)).unwrap();
    let mac = ring.sign(TEXT, None).unwrap();
    assert_eq!(mac.as_ref().len(), crate::MAC_BYTES);
    assert_eq!(believes(&ring, 1, TEXT, mac.as_ref()), Ok(()));
    assert_eq!(believes(&ring, 1, b"other", mac.as_ref()), Err(DelegationRefusal::Mac));
    assert_eq!(believes(&ring, 2, TEXT, mac.as_ref()), Err(DelegationRefusal::UnknownKey));
}

#[test]
fn dt05_a_key_that_is_prepared_or_retired_verifies_nothing() {
    let signed = |number| KeyRing::single("lake", key(number)).unwrap().sign(TEXT, None).unwrap();
    let keys = [
        (key(1), KeyLife::Retired),
        (key(2), KeyLife::Verifying),
        (key(3), KeyLife::Current),
        (key(4), KeyLife::Prepared),
    ];
    let ring = KeyRing::new("lake", keys).unwrap();
    let check = |number| believes(&ring, number, TEXT, signed(number).as_ref());
    assert_eq!(check(1), Err(DelegationRefusal::UnknownKey));
    assert_eq!(check(2), Ok(()));
    assert_eq!(check(3), Ok(()));
    assert_eq!(check(4), Err(DelegationRefusal::UnknownKey));
    assert_eq!(ring.sign(TEXT, None).unwrap().as_ref(), signed(3).as_ref(), "the current key signs");
}

#[test]
fn dt05_the_same_bytes_for_another_purpose_or_cluster_are_another_key() {
    let ring = KeyRing::single("lake", key(1)).unwrap();
    let bare = hmac::sign(&hmac::Key::new(HMAC_SHA256, &[1; 32]), TEXT);
    assert_eq!(believes(&ring, 1, TEXT, bare.as_ref()), Err(DelegationRefusal::Mac), "the master key itself");
    for purpose in ["lakegate.access-token.v1", "lakegate.delegation-token.dummy", ""] {
        let other = hmac::sign(&derive(&key(1), purpose, "lake").unwrap(), TEXT);
        assert_eq!(believes(&ring, 1, TEXT, other.as_ref()), Err(DelegationRefusal::Mac), "{purpose}");
    }
    let staging = KeyRing::single("staging", key(1)).unwrap().sign(TEXT, None).unwrap();
    assert_eq!(
        believes(&ring, 1, TEXT, staging.as_ref()),
        Err(DelegationRefusal::Mac),
        "dt20: another cluster"
    );
}

#[test]
fn dt05_the_sealing_key_of_the_shared_tier_is_never_the_signing_key() {
    // The shared tier derives with a random salt and a purpose of its own; even without the salt the keys differ.
    let purpose = "lakegate.access-token.v1";
    let sealing = derive(&key(1), purpose, "lake").unwrap();
    let signing = derive(&key(1), PURPOSE, "lake").unwrap();
    assert_ne!(hmac::sign(&sealing, TEXT).as_ref(), hmac::sign(&signing, TEXT).as_ref());
}

#[test]
fn lg07_an_unknown_key_does_the_work_of_a_known_one_and_is_refused_with_any_mac() {
    let ring = KeyRing::single("lake", key(1)).unwrap();
    let with_the_dummy = ring.dummy.sign(TEXT, None);
    assert_eq!(believes(&ring, 9, TEXT, with_the_dummy.as_ref()), Err(DelegationRefusal::UnknownKey));
    assert_eq!(believes(&ring, 1, TEXT, with_the_dummy.as_ref()), Err(DelegationRefusal::Mac));
}

#[test]
fn dt03_a_mac_of_another_length_is_refused_and_nothing_panics() {
    let ring = KeyRing::single("lake", key(1)).unwrap();
    let mac = ring.sign(TEXT, None).unwrap();
    for length in [0, 1, 31] {
        assert_eq!(believes(&ring, 1, TEXT, &mac.as_ref()[..length]), Err(DelegationRefusal::Mac));
    }
    for length in [33, 1_000_000] {
        let mut longer = mac.as_ref().to_vec();
        longer.resize(length, 0);
        assert_eq!(believes(&ring, 1, TEXT, &longer), Err(DelegationRefusal::Mac));
    }
}

#[test]
fn keys_that_are_no_ring_are_refused() {
    let fault = |keys: Vec<(DelegationKey, KeyLife)>| KeyRing::new("lake", keys).err();
    assert_eq!(fault(vec![]), Some(KeyError::Current));
    assert_eq!(fault(vec![(key(1), KeyLife::Verifying)]), Some(KeyError::Current));
    assert_eq!(fault(vec![(key(1), KeyLife::Current), (key(2), KeyLife::Current)]), Some(KeyError::Current));
    let twice = vec![(key(1), KeyLife::Current), (key(1), KeyLife::Verifying)];
    assert_eq!(fault(twice), Some(KeyError::DuplicateId));
    assert_eq!(KeyRing::single("", key(1)).err(), Some(KeyError::Cluster));
    assert_eq!(KeyRing::single(&"x".repeat(257), key(1)).err(), Some(KeyError::Cluster));
}

#[test]
fn lg01_a_ring_prints_without_its_keys() {
    let shown = format!("{:?}", KeyRing::single("lake", key(1)).unwrap());
    assert_eq!(shown, "KeyRing { cluster: \"lake\", keys: [(KeyId(1), Current)], .. }");
}

#[test]
fn dt15_a_mac_for_one_binding_is_none_for_another_and_none_without() {
    let ring = KeyRing::single("lake", key(1)).unwrap();
    let (mine, other, pod) = (
        Binding::of_public_key(b"key"),
        Binding::of_public_key(b"other"),
        Binding::pod("lake.example", "key"),
    );
    let bound = ring.sign(TEXT, Some(&mine)).unwrap();
    let check = |bindings: &[Binding]| ring.check(id(1), TEXT, bound.as_ref(), bindings);
    assert_eq!(check(&[mine]), Ok(Some(mine)));
    assert_eq!(check(&[other, pod, mine]), Ok(Some(mine)));
    for bindings in [&[][..], &[other], &[pod], &[other, pod]] {
        assert_eq!(check(bindings), Err(DelegationRefusal::Mac), "{bindings:?}");
    }
    let free = ring.sign(TEXT, None).unwrap();
    assert_eq!(ring.check(id(1), TEXT, free.as_ref(), &[mine]), Ok(None), "a free token is anybody's");
    let same_bytes = [&[1][..], mine.digest(), TEXT].concat();
    assert_ne!(
        ring.sign(&same_bytes, None).unwrap().as_ref(),
        bound.as_ref(),
        "the purposes have keys of their own"
    );
}
