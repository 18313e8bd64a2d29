//! The token around the identifier, against what Hadoop 3.3.4 wrote.

use proptest::prelude::*;

use super::*;

const IDENTIFIER: &[u8] =
    b"\x00\x05alice\x04yarn\x04hive\x8a\x01\x8b\xcf\xe5\x68\x00\x8a\x01\x8b\xf3\xf1\xec\x00\x07\x03";
const PASSWORD: &[u8] = b"\x4b\x54\x8f\x47\xcc\x38\x71\x5a\x8c\x2a\xde\x15\xba\x05\x35\x1c\x6d\x31\x15\x2f";
const URL: &str = "IQAFYWxpY2UEeWFybgRoaXZligGLz-VoAIoBi_Px7AAHAxRLVI9HzDhxWowq3hW6BTUcbTEVLxVMQUtFX0RFTEVHQVRJT05fVE9LRU4XYnJva2VyLmV4YW1wbGUuY29tOjg0NDM";

fn hadoops() -> TokenView<'static> {
    TokenView {
        identifier: IDENTIFIER,
        password: PASSWORD,
        kind: "LAKE_DELEGATION_TOKEN",
        service: "broker.example.com:8443",
    }
}

#[test]
fn a_token_is_written_and_read_as_hadoop_does() {
    assert_eq!(hadoops().to_url(), URL);
    let bytes = decode_url(URL).unwrap();
    assert_eq!(*hadoops().to_bytes(), *bytes);
    assert_eq!(TokenView::read(&bytes), Ok(hadoops()));
    assert_eq!(TokenView::read_ours(&bytes), Err(Malformed::Kind));
}

#[test]
fn dt07_a_url_string_has_one_spelling() {
    let standard = URL.replace('-', "+").replace('_', "/");
    let ours = "AAAAAA";
    assert!(decode_url(ours).is_ok());
    for bad in [standard.as_str(), "AAAAAA==", "AAAAAA=", "AAAAAB", "AAAA AA", "AAAAAA\n", "\u{e9}", "A"] {
        assert_eq!(decode_url(bad).err(), Some(Malformed::Base64), "{bad:?}");
    }
}

#[test]
fn dt03_a_token_longer_than_any_is_not_decoded() {
    assert_eq!(decode_url(&"A".repeat(MAX_URL_BYTES + 1)).err(), Some(Malformed::TooLong));
    assert_eq!(decode_url(&"A".repeat(1_400_000)).err(), Some(Malformed::TooLong));
}

#[test]
fn dt03_a_password_of_another_length_is_refused() {
    for length in [0, 1, 20, 31, 33, 64, 1_000] {
        let password = vec![1; length];
        let bytes = TokenView { password: &password, kind: KIND, ..hadoops() }.to_bytes();
        assert_eq!(TokenView::read_ours(&bytes), Err(Malformed::Password), "{length}");
    }
    let password = [1; 32];
    let bytes = TokenView { password: &password, kind: KIND, ..hadoops() }.to_bytes();
    assert!(TokenView::read_ours(&bytes).is_ok());
}

#[test]
fn dt07_nothing_may_follow_a_token() {
    let bytes = hadoops().to_bytes();
    assert_eq!(TokenView::read(&[&bytes, &[0][..]].concat()), Err(Malformed::Trailing));
    for end in 0..bytes.len() {
        assert!(TokenView::read(&bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn lg01_a_view_prints_without_its_password() {
    let shown = format!("{:?}", hadoops());
    assert_eq!(shown, "TokenView { kind: \"LAKE_DELEGATION_TOKEN\", .. }");
}

proptest! {
    #[test]
    fn every_token_comes_back(
        identifier in proptest::collection::vec(any::<u8>(), 0..300),
        password in proptest::collection::vec(any::<u8>(), 0..80),
        kind in "[A-Z_]{0,40}",
        service in ".{0,60}",
    ) {
        let view = TokenView { identifier: &identifier, password: &password, kind: &kind, service: &service };
        let bytes = decode_url(&view.to_url()).unwrap();
        prop_assert_eq!(TokenView::read(&bytes), Ok(view));
    }

    #[test]
    fn dt07_what_is_read_is_what_would_be_written(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(view) = TokenView::read(&bytes) {
            prop_assert_eq!(&**view.to_bytes(), bytes.as_slice());
        }
    }

    #[test]
    fn any_text_is_read_without_panic(text in ".{0,200}") {
        let _described = describe(&text);
    }
}
