//! Token-storage files: what Hadoop 3.3.4 wrote, what it would refuse, and whatever else may lie in a file.

use lakegate_domain::{Principal, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{Identifier, KeyId, TokenId};

/// One token under `svc`, one secret under `k`, in both versions, as Hadoop 3.3.4 wrote them.
const V0: &[u8] = b"HDTS\x00\x01\x03svc\x02\x01\x02\x01\x03\x01K\x01S\x01\x01k\x03\x09\x08\x07";
const V1: &[u8] = b"HDTS\x01\x20\x0a\x14\x0a\x03svc\x12\x0d\x0a\x02\x01\x02\x12\x01\x03\x1a\x01K\x22\x01S\
                    \x12\x08\x0a\x01k\x1a\x03\x09\x08\x07";

const DAY: i64 = 86_400_000;

/// A url string of ours that ends so many days after 2026-09-21.
fn ours(cluster: &str, days: i64) -> String {
    let issued = 1_789_999_998_123;
    let identifier = Identifier {
        owner: Principal::parse("alice").unwrap(),
        renewer: None,
        real_user: None,
        issued: Timestamp::from_millis(issued),
        max_date: Timestamp::from_millis(issued + days * DAY),
        sequence: 7,
        key: KeyId::new(3).unwrap(),
        cluster: cluster.to_owned(),
        id: TokenId::from_bytes([9; 16]),
        first_renew_date: Timestamp::from_millis(issued + DAY),
        store_epoch: 1,
    };
    let identifier = identifier.to_bytes();
    TokenView { identifier: &identifier, password: &[5; 32], kind: KIND, service: "" }.to_url()
}

fn file(tokens: &[(&str, &str, i64)]) -> Credentials {
    let mut file = Credentials::read(V0).unwrap();
    for (service, cluster, days) in tokens {
        file.put_ours(&ours(cluster, *days), service).unwrap();
    }
    file
}

/// The max date, in days, of the token that is chosen for these services.
fn chosen(file: &Credentials, services: &[&str]) -> Result<i64, CredentialsError> {
    let services: Vec<String> = services.iter().map(ToString::to_string).collect();
    let (_, told) = file.ours(&services)?;
    Ok((told.identifier.max_date.as_millis() - told.identifier.issued.as_millis()) / DAY)
}

#[test]
fn both_versions_are_read_as_hadoop_wrote_them_and_version_0_is_written() {
    let (v0, v1) = (Credentials::read(V0).unwrap(), Credentials::read(V1).unwrap());
    assert_eq!(v0, v1);
    let token = TokenView { identifier: &[1, 2], password: &[3], kind: "K", service: "S" };
    assert_eq!(v0.tokens().collect::<Vec<_>>(), [("svc", token)]);
    assert_eq!(v0.secret_aliases().collect::<Vec<_>>(), ["k"]);
    assert_eq!((v0.secret("k"), v0.secret("svc")), (Some(&[9, 8, 7][..]), None));
    assert_eq!(*v1.to_bytes(), V0);
    assert_eq!(*Credentials::new().to_bytes(), b"HDTS\x00\x00\x00");
}

#[test]
fn a_bad_header_and_an_unknown_version_are_told_as_hadoop_tells_them() {
    for bad in [&b""[..], b"HDT", b"HDTX\x00\x00\x00", b"hdts\x00\x00\x00", b"AAAA"] {
        let error = Credentials::read(bad).unwrap_err();
        assert_eq!(error.to_string(), "bad header found in token storage", "{bad:?}");
        assert!(!Credentials::begin(bad));
    }
    for version in [2, 3, 127, 128, 255] {
        let error = Credentials::read(&[MAGIC, &[version, 0, 0]].concat()).unwrap_err();
        assert_eq!(error.to_string(), format!("unknown version {version} in token storage"));
    }
    assert_eq!(Credentials::read(MAGIC).unwrap_err(), CredentialsError::Form(Malformed::Short));
}

#[test]
fn a_file_that_ends_early_or_goes_on_is_refused_at_every_byte() {
    for whole in [V0, V1] {
        for len in MAGIC.len()..whole.len() {
            assert!(Credentials::read(&whole[..len]).is_err(), "{len} of {whole:?}");
        }
        let more = Credentials::read(&[whole, b"\x00"].concat());
        assert_eq!(more.unwrap_err(), CredentialsError::Form(Malformed::Trailing));
    }
}

#[test]
fn claimed_lengths_and_counts_are_not_believed() {
    let largest = b"\x8c\x7f\xff\xff\xff";
    for bytes in [
        [b"HDTS\x00", &largest[..]].concat(),
        [b"HDTS\x00\x01", &largest[..]].concat(),
        [b"HDTS\x00\x00", &largest[..]].concat(),
        [b"HDTS\x00\xff", &[0; 100][..]].concat(),
        [b"HDTS\x01", &b"\xff\xff\xff\xff\x0f"[..]].concat(),
        [b"HDTS\x01", &b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..]].concat(),
    ] {
        assert!(matches!(Credentials::read(&bytes), Err(CredentialsError::Form(_))), "{bytes:?}");
    }
    let long = [V0, &vec![0; MAX_CREDENTIALS_BYTES]].concat();
    assert_eq!(Credentials::read(&long).unwrap_err(), CredentialsError::TooLong);
}

#[test]
fn more_entries_than_the_limit_are_refused_and_the_limit_is_not() {
    let with = |count: usize| {
        let mut bytes = b"HDTS\x00\x00".to_vec();
        put_count(&mut bytes, count);
        for n in 0..count {
            put_text(&mut bytes, &format!("{n:05}"));
            put_bytes(&mut bytes, b"");
        }
        Credentials::read(&bytes)
    };
    assert!(with(MAX_CREDENTIALS_ENTRIES).is_ok());
    assert_eq!(with(MAX_CREDENTIALS_ENTRIES + 1).unwrap_err(), CredentialsError::TooMany);
}

#[test]
fn a_protobuf_field_that_is_unknown_missing_or_there_twice_is_refused() {
    let token = b"\x0a\x02\x01\x02\x12\x01\x03\x1a\x01K\x22\x01S";
    let after_len = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let entry = |token: &[u8]| [b"\x0a\x03svc\x12", &after_len(token)[..]].concat();
    let whole = |entry: &[u8]| {
        let field = [b"\x0a", &after_len(entry)[..]].concat();
        Credentials::read(&[b"HDTS\x01", &after_len(&field)[..]].concat())
    };
    assert!(whole(&entry(token)).is_ok());
    assert!(whole(&[b"\x12\x0d", &token[..], b"\x0a\x03svc"].concat()).is_ok(), "in any order");
    for bad in [
        &token[..token.len() - 3],
        &[&token[..], b"\x22\x01S"].concat(),
        &[&token[..], b"\x2a\x01S"].concat(),
        &[&token[..], b"\x28\x01"].concat(),
        &[&token[..], b"\x00"].concat(),
        b"",
    ] {
        let refused = whole(&entry(bad));
        assert!(matches!(refused, Err(CredentialsError::Form(Malformed::Field))), "{bad:?}: {refused:?}");
    }
    assert!(whole(b"\x0a\x03svc").is_err(), "no token");
    assert!(whole(&[&entry(token)[..], b"\x1a\x00"].concat()).is_err(), "a token and a secret");
    let long_form = whole(&entry(b"\x8a\x00\x02\x01\x02\x12\x01\x03\x1a\x01K\x22\x01S"));
    assert_eq!(long_form.unwrap_err(), CredentialsError::Form(Malformed::NotMinimal));
}

#[test]
fn of_two_entries_under_one_alias_the_later_one_counts() {
    let twice = b"HDTS\x00\x00\x02\x01k\x01\x01\x01k\x01\x02";
    assert_eq!(Credentials::read(twice).unwrap().secret("k"), Some(&[2][..]));
}

#[test]
fn our_token_is_added_under_its_service_and_everything_else_is_kept() {
    let before = Credentials::read(V0).unwrap();
    let mut after = Credentials::read(V0).unwrap();
    after.put_ours(&ours("lake", 7), "broker.example:8443").unwrap();
    after.put_ours(&ours("lake", 6), "broker.example:8443").unwrap();
    let after = Credentials::read(&after.to_bytes()).unwrap();
    let tokens: Vec<_> = after.tokens().collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[1], before.tokens().next().unwrap());
    assert_eq!(after.secret("k"), before.secret("k"));
    let (alias, token) = tokens[0];
    assert_eq!((alias, token.service, token.kind), ("broker.example:8443", "broker.example:8443", KIND));
    assert_eq!(chosen(&after, &[]), Ok(6), "the later one replaced the first");
}

#[test]
fn a_token_of_another_kind_is_not_replaced_and_what_is_no_token_is_not_added() {
    let mut file = Credentials::read(V0).unwrap();
    assert_eq!(file.put_ours(&ours("lake", 7), "svc"), Err(CredentialsError::AliasTaken));
    assert_eq!(file.put_ours("canary", "b:1"), Err(CredentialsError::Form(Malformed::Base64)));
    let theirs = TokenView { identifier: b"", password: &[1; 32], kind: "K", service: "" }.to_url();
    assert_eq!(file.put_ours(&theirs, "b:1"), Err(CredentialsError::Form(Malformed::Kind)));
    assert_eq!(*file.to_bytes(), V0);
}

#[test]
fn a_full_file_stays_as_it_is() {
    let mut file = Credentials::new();
    file.put_ours(&ours("lake", 1), "b:1").unwrap();
    file.keep_secret("s", &vec![0; MAX_CREDENTIALS_BYTES - 250]).unwrap();
    assert_eq!(file.put_ours(&ours("lake", 7), "b:2"), Err(CredentialsError::TooLong));
    let longer = "b:1".repeat(200);
    assert_eq!(file.put_ours(&ours("lake", 7), &longer), Err(CredentialsError::TooLong));
    assert_eq!((file.tokens().count(), chosen(&file, &[])), (1, Ok(1)));
    assert!(Credentials::read(&file.to_bytes()).is_ok());
}

#[test]
fn the_token_for_the_brokers_address_is_chosen_and_of_several_the_longest() {
    let services = ["b:1", "b:2"];
    assert_eq!(chosen(&file(&[]), &services), Err(CredentialsError::Absent), "K is not our kind");
    assert_eq!(chosen(&file(&[("x:1", "lake", 2)]), &services), Ok(2), "issued at another address");
    let both = [("x:1", "lake", 9), ("b:2", "lake", 3)];
    assert_eq!(chosen(&file(&both), &services), Ok(3), "the one that is meant for a broker");
    let several = [("b:1", "lake", 3), ("b:2", "lake", 5), ("x:1", "other", 9)];
    assert_eq!(chosen(&file(&several), &services), Ok(5));
    let nobodys = [("x:1", "lake", 3), ("x:2", "lake", 5)];
    assert_eq!(chosen(&file(&nobodys), &services), Ok(5));
    let two = [("x:1", "lake", 3), ("x:2", "other", 5)];
    assert_eq!(chosen(&file(&two), &services), Err(CredentialsError::Ambiguous));
    assert_eq!(chosen(&file(&two), &["x:1"]), Ok(3));
}

#[test]
fn lg01_credentials_print_without_their_secrets() {
    let mut file = Credentials::new();
    file.keep_secret("canary-alias", b"canary-secret").unwrap();
    file.put_ours(&ours("canary", 7), "canary:1").unwrap();
    assert_eq!(format!("{file:?}"), "Credentials(1 tokens, 1 secrets)");
}

prop_compose! {
    fn any_credentials()(
        tokens in prop::collection::vec((".{0,40}", any::<Vec<u8>>(), any::<Vec<u8>>(), ".{0,20}", ".{0,20}"), 0..6),
        secrets in prop::collection::vec((".{0,40}", any::<Vec<u8>>()), 0..6),
    ) -> Credentials {
        let mut file = Credentials::new();
        for (alias, identifier, password, kind, service) in &tokens {
            file.keep_token(alias, TokenView { identifier, password, kind, service }).unwrap();
        }
        for (alias, secret) in &secrets {
            file.keep_secret(alias, secret).unwrap();
        }
        file
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(file in any_credentials()) {
        let bytes = file.to_bytes();
        prop_assert!(bytes.len() <= file.most_bytes(), "the buffer grew");
        prop_assert_eq!(Credentials::read(&bytes).unwrap(), file);
    }

    #[test]
    fn one_changed_byte_never_panics_and_never_reads_as_another_spelling(
        file in any_credentials(), at in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let mut bytes = file.to_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(read) = Credentials::read(&bytes) && bytes[4] == WRITABLE {
            prop_assert_eq!(Credentials::read(&read.to_bytes()).unwrap(), read);
        }
    }

    #[test]
    fn garbage_never_panics(version in 0..3_u8, bytes in any::<Vec<u8>>()) {
        let _read = Credentials::read(&[MAGIC, &[version], &bytes].concat());
        let _read = Credentials::read(&bytes);
    }

    #[test]
    fn protobuf_with_garbage_in_it_never_panics(at in 5..V1.len(), bytes in any::<[u8; 4]>()) {
        let mut changed = V1.to_vec();
        for (place, byte) in changed[at..].iter_mut().zip(bytes) {
            *place = byte;
        }
        let _read = Credentials::read(&changed);
    }
}
