//! Tokens that are believed, and all the ways in which one is not.

use lakegate_domain::Principal;
use proptest::prelude::*;

use super::*;
use crate::hadoop::put_vlong;
use crate::{
    DelegationKey, Draft, Issued, KIND, KeyId, KeyLife, Malformed, Terms, TokenId, Untouched, issue,
};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_123);
const SKEW: Duration = Duration::from_secs(30);

fn key(number: u32) -> DelegationKey {
    DelegationKey::from_bytes(KeyId::new(number).unwrap(), [u8::try_from(number).unwrap(); 32])
}

fn ring() -> KeyRing {
    KeyRing::single("lake", key(3)).unwrap()
}

fn draft() -> Draft {
    Draft {
        owner: Principal::parse("alice").unwrap(),
        renewer: Some(Principal::parse("yarn").unwrap()),
        real_user: None,
        id: TokenId::from_bytes([1; 16]),
        sequence: 7,
        store_epoch: 0,
        binding: None,
    }
}

fn issued_by(ring: &KeyRing) -> Issued {
    issue(draft(), &Terms::default(), NOW, ring).unwrap()
}

fn at(now: Timestamp) -> Moment<'static> {
    Moment { now, skew: SKEW, views: &Untouched }
}

fn refusal(url: &str) -> Option<DelegationRefusal> {
    verify(url, &ring(), &[], &at(NOW)).err()
}

/// A token of these bytes with the MAC that the ring gives them: what only a holder of the key could make.
fn signed(identifier: &[u8], ring: &KeyRing) -> String {
    TokenView { identifier, password: ring.sign(identifier, None).unwrap().as_ref(), kind: KIND, service: "" }
        .to_url()
}

#[test]
fn a_token_is_believed_by_whoever_has_its_key() {
    let issued = issued_by(&ring());
    let verified = verify(issued.token.expose(), &ring(), &[], &at(NOW)).unwrap();
    assert_eq!(verified.identifier(), &issued.identifier);
    assert_eq!(verified.renew_before(&Untouched), issued.identifier.first_renew_date);
}

#[test]
fn the_service_is_the_clients_to_set() {
    let issued = issued_by(&ring());
    let bytes = decode_url(issued.token.expose()).unwrap();
    let view = TokenView { service: "broker.example.com:8443", ..TokenView::read(&bytes).unwrap() };
    assert_eq!(refusal(&view.to_url()), None);
}

#[test]
fn dt01_any_bit_flipped_is_refused() {
    let issued = issued_by(&ring());
    let bytes = decode_url(issued.token.expose()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let url = base64(&flipped);
        assert!(refusal(&url).is_some(), "bit {bit}");
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn dt01_any_character_changed_is_refused() {
    let issued = issued_by(&ring());
    let url = issued.token.expose();
    for index in 0..url.len() {
        for other in [b'A', b'_', b'z', b'=', b'+'] {
            let mut changed = url.as_bytes().to_vec();
            if std::mem::replace(&mut changed[index], other) == other {
                continue;
            }
            assert!(refusal(&String::from_utf8(changed).unwrap()).is_some(), "{index}");
        }
    }
}

#[test]
fn dt02_the_mac_of_one_token_under_another_is_refused() {
    let ring = ring();
    let (first, second) = (issued_by(&ring), issued_by(&ring));
    let mut other = second.identifier;
    other.sequence += 1;
    let bytes = decode_url(first.token.expose()).unwrap();
    let view = TokenView::read(&bytes).unwrap();
    let swapped = TokenView { identifier: &other.to_bytes(), ..view };
    assert_eq!(refusal(&swapped.to_url()), Some(DelegationRefusal::Mac));
    other.sequence -= 1;
    other.owner = Principal::parse("root-admin").unwrap();
    let stolen = TokenView { identifier: &other.to_bytes(), ..view };
    assert_eq!(refusal(&stolen.to_url()), Some(DelegationRefusal::Mac));
}

#[test]
fn dt03_a_mac_of_any_other_length_is_refused() {
    let identifier = issued_by(&ring()).identifier.to_bytes();
    let mac = ring().sign(&identifier, None).unwrap();
    for length in [0, 1, 31, 33, 1_000] {
        let mut password = mac.as_ref().to_vec();
        password.resize(length, 0);
        let url =
            TokenView { identifier: &identifier, password: &password, kind: KIND, service: "" }.to_url();
        assert_eq!(refusal(&url), Some(DelegationRefusal::Form(Malformed::Password)), "{length}");
    }
    let password = vec![0; 1_000_000];
    let url = TokenView { identifier: &identifier, password: &password, kind: KIND, service: "" }.to_url();
    assert_eq!(refusal(&url), Some(DelegationRefusal::Form(Malformed::TooLong)));
}

#[test]
fn dt04_ten_thousand_unknown_keys_are_refused_from_what_is_in_memory() {
    let mut identifier = issued_by(&ring()).identifier;
    let ring = ring();
    for number in 4..10_004 {
        identifier.key = KeyId::new(number).unwrap();
        let url = signed(&identifier.to_bytes(), &ring);
        assert_eq!(verify(&url, &ring, &[], &at(NOW)).err(), Some(DelegationRefusal::UnknownKey));
    }
}

#[test]
fn dt05_only_current_and_verifying_keys_are_believed() {
    let tokens: Vec<Issued> =
        (1..=4).map(|number| issued_by(&KeyRing::single("lake", key(number)).unwrap())).collect();
    let lives = [KeyLife::Retired, KeyLife::Verifying, KeyLife::Current, KeyLife::Prepared];
    let ring = KeyRing::new("lake", (1..).map(key).zip(lives)).unwrap();
    let outcome: Vec<_> =
        tokens.iter().map(|issued| verify(issued.token.expose(), &ring, &[], &at(NOW)).err()).collect();
    let unknown = Some(DelegationRefusal::UnknownKey);
    assert_eq!(outcome, [unknown, None, None, unknown]);
}

#[test]
fn dt06_version_and_key_id_are_under_the_mac() {
    let ring = KeyRing::new("lake", [(key(3), KeyLife::Current), (key(4), KeyLife::Verifying)]).unwrap();
    let issued = issued_by(&ring);
    let bytes = decode_url(issued.token.expose()).unwrap();
    let view = TokenView::read(&bytes).unwrap();
    for version in [1, 255] {
        let mut other = view.identifier.to_vec();
        other[0] = version;
        assert_eq!(refusal(&signed(&other, &ring)), Some(DelegationRefusal::Form(Malformed::Version)));
    }
    let mut other = issued.identifier;
    other.key = KeyId::new(4).unwrap();
    let renamed = TokenView { identifier: &other.to_bytes(), ..view }.to_url();
    assert_eq!(verify(&renamed, &ring, &[], &at(NOW)).err(), Some(DelegationRefusal::Mac));
}

#[test]
fn dt07_another_spelling_is_refused_although_the_key_signed_it() {
    let ring = ring();
    let bytes = issued_by(&ring).identifier.to_bytes();
    let trailing = [&bytes, &[0][..]].concat();
    assert_eq!(refusal(&signed(&trailing, &ring)), Some(DelegationRefusal::Form(Malformed::Trailing)));
    // The sequence number 7 in two bytes and in three.
    let at = bytes.windows(3).position(|fields| fields == [7, 3, 1]).unwrap();
    for longer in [&[0x8f, 7][..], &[0x8e, 0, 7]] {
        let spelled = [&bytes[..at], longer, &bytes[at + 1..]].concat();
        assert_eq!(refusal(&signed(&spelled, &ring)), Some(DelegationRefusal::Form(Malformed::NotMinimal)));
    }
    let mut shortest = Vec::new();
    put_vlong(&mut shortest, 7);
    assert_eq!(refusal(&signed(&[&bytes[..at], &shortest[..], &bytes[at + 1..]].concat(), &ring)), None);
}

#[test]
fn dt08_a_date_that_has_come_is_past() {
    let ring = ring();
    let issued = issued_by(&ring);
    let check = |now| verify(issued.token.expose(), &ring, &[], &at(now)).err();
    let (first, max) = (issued.identifier.first_renew_date, issued.identifier.max_date);
    let millis = Duration::from_millis;
    assert_eq!(check(first.minus(millis(1))), None);
    assert_eq!(check(first), Some(DelegationRefusal::NotRenewed));
    assert_eq!(check(first.plus(millis(1))), Some(DelegationRefusal::NotRenewed));
    assert_eq!(check(max), Some(DelegationRefusal::Expired));
}

/// Says of every token that it was renewed until an instant.
#[derive(Debug)]
struct RenewedUntil(Timestamp);

impl Views for RenewedUntil {
    fn fate(&self, _: &TokenId) -> Fate {
        Fate { renewed_until: Some(self.0), cancelled: false, epoch: 0 }
    }

    fn binding(&self, _: &TokenId) -> Option<Binding> {
        None
    }
}

#[test]
fn dt08_a_renewal_extends_a_token_up_to_its_max_date_and_no_further() {
    let ring = ring();
    let issued = issued_by(&ring);
    let (first, max) = (issued.identifier.first_renew_date, issued.identifier.max_date);
    let check = |now, renewed| {
        let views = RenewedUntil(renewed);
        verify(issued.token.expose(), &ring, &[], &Moment { now, skew: SKEW, views: &views }).err()
    };
    let millis = Duration::from_millis;
    let half = first.plus(Duration::from_hours(24));
    assert_eq!(check(first, half), None);
    assert_eq!(check(half.minus(millis(1)), half), None);
    assert_eq!(check(half, half), Some(DelegationRefusal::NotRenewed));
    let beyond = max.plus(Duration::from_hours(24));
    assert_eq!(check(max.minus(millis(1)), beyond), None);
    for late in [max, max.plus(millis(1)), max.plus(SKEW)] {
        assert_eq!(check(late, beyond), Some(DelegationRefusal::Expired), "skew extends nothing");
    }
    let earlier = NOW;
    assert_eq!(check(first.minus(millis(1)), earlier), None, "a renewal never shortens");
    let verified = verify(issued.token.expose(), &ring, &[], &at(NOW)).unwrap();
    assert_eq!(verified.renew_before(&RenewedUntil(beyond)), max);
    assert_eq!(verified.renew_before(&RenewedUntil(Timestamp::from_millis(i64::MAX))), max);
}

#[test]
fn dt09_a_token_from_the_future_is_refused_beyond_the_skew() {
    let ring = ring();
    let issued = issued_by(&ring);
    let check = |now| verify(issued.token.expose(), &ring, &[], &at(now)).err();
    assert_eq!(check(NOW.minus(SKEW)), None);
    assert_eq!(check(NOW.minus(SKEW + Duration::from_millis(1))), Some(DelegationRefusal::Future));
    assert_eq!(check(Timestamp::from_millis(i64::MIN)), Some(DelegationRefusal::Future));
    assert_eq!(check(Timestamp::from_millis(i64::MAX)), Some(DelegationRefusal::Expired));
}

#[test]
fn dt10_extreme_dates_neither_wrap_nor_panic() {
    let ring = ring();
    let mut identifier = issued_by(&ring).identifier;
    identifier.max_date = Timestamp::from_millis(i64::MAX);
    identifier.first_renew_date = Timestamp::from_millis(i64::MAX);
    let url = signed(&identifier.to_bytes(), &ring);
    assert_eq!(refusal(&url), None);
    let end = at(Timestamp::from_millis(i64::MAX));
    assert_eq!(verify(&url, &ring, &[], &end).err(), Some(DelegationRefusal::Expired), "equal is expired");
    identifier.issued = Timestamp::from_millis(0);
    identifier.max_date = Timestamp::from_millis(0);
    identifier.first_renew_date = Timestamp::from_millis(0);
    let url = signed(&identifier.to_bytes(), &ring);
    assert_eq!(refusal(&url), Some(DelegationRefusal::Expired), "no life at all is expired");
}

#[test]
fn dt20_a_token_of_another_cluster_is_refused_even_with_the_same_key() {
    let staging = KeyRing::single("staging", key(3)).unwrap();
    let issued = issued_by(&staging);
    assert_eq!(refusal(issued.token.expose()), Some(DelegationRefusal::Cluster));
    let mut renamed = issued.identifier;
    renamed.cluster = "lake".to_owned();
    let bytes = decode_url(issued.token.expose()).unwrap();
    let view = TokenView { identifier: &renamed.to_bytes(), ..TokenView::read(&bytes).unwrap() };
    assert_eq!(refusal(&view.to_url()), Some(DelegationRefusal::Mac));
    // Signed by our own key with another cluster inside: nobody can make it, and it is not believed.
    renamed.cluster = "staging".to_owned();
    assert_eq!(refusal(&signed(&renamed.to_bytes(), &ring())), Some(DelegationRefusal::Cluster));
}

#[test]
fn dt21_a_name_outside_the_alphabet_is_refused_although_the_key_signed_it() {
    let ring = ring();
    let bytes = issued_by(&ring).identifier.to_bytes();
    for bad in [&b"al ce"[..], b"al\nce", b"al\0ce", b"al*ce"] {
        let forged = [&bytes[..2], bad, &bytes[7..]].concat();
        assert_eq!(refusal(&signed(&forged, &ring)), Some(DelegationRefusal::Form(Malformed::Principal)));
    }
}

#[test]
fn another_kind_is_refused() {
    let issued = issued_by(&ring());
    let bytes = decode_url(issued.token.expose()).unwrap();
    for kind in ["HDFS_DELEGATION_TOKEN", "", "LAKEGATE_DELEGATION_TOKEN2", "lakegate_delegation_token"] {
        let view = TokenView { kind, ..TokenView::read(&bytes).unwrap() };
        assert_eq!(refusal(&view.to_url()), Some(DelegationRefusal::Form(Malformed::Kind)), "{kind}");
    }
}

#[test]
fn every_refusal_has_a_word_of_its_own() {
    let all = [
        DelegationRefusal::Form(Malformed::Short),
        DelegationRefusal::UnknownKey,
        DelegationRefusal::Mac,
        DelegationRefusal::Cluster,
        DelegationRefusal::Future,
        DelegationRefusal::Expired,
        DelegationRefusal::NotRenewed,
        DelegationRefusal::Cancelled,
        DelegationRefusal::Epoch,
        DelegationRefusal::Bound,
        DelegationRefusal::Unknown,
    ];
    assert_eq!(all.map(DelegationRefusal::as_str), DelegationRefusal::WORDS);
}

/// Says of every token what became of it, and what it is bound to.
#[derive(Debug)]
struct Known(Fate, Option<Binding>);

impl Views for Known {
    fn fate(&self, _: &TokenId) -> Fate {
        self.0
    }

    fn binding(&self, _: &TokenId) -> Option<Binding> {
        self.1
    }
}

#[test]
fn a_token_that_was_cancelled_or_is_of_an_earlier_epoch_is_refused_before_its_date_and_after() {
    let ring = ring();
    let issued = issued_by(&ring);
    let check = |now, cancelled, epoch| {
        let views = Known(Fate { renewed_until: None, cancelled, epoch }, None);
        verify(issued.token.expose(), &ring, &[], &Moment { now, skew: SKEW, views: &views }).err()
    };
    let (first, max) = (issued.identifier.first_renew_date, issued.identifier.max_date);
    assert_eq!(check(NOW, false, 0), None);
    assert_eq!(check(NOW, true, 0), Some(DelegationRefusal::Cancelled));
    assert_eq!(check(first, true, 0), Some(DelegationRefusal::Cancelled));
    assert_eq!(check(NOW, false, 1), Some(DelegationRefusal::Epoch), "dt22");
    assert_eq!(check(max, true, 1), Some(DelegationRefusal::Expired));
}

#[test]
fn dt15_a_bound_token_is_believed_over_its_own_connection_and_no_other() {
    let ring = ring();
    let (mine, other) = (Binding::of_public_key(b"mine"), Binding::pod("lake.example", "mine"));
    let draft = Draft { binding: Some(mine), ..draft() };
    let issued = issue(draft, &Terms::default(), NOW, &ring).unwrap();
    let url = issued.token.expose();
    let moment = at(NOW);
    assert_eq!(verify(url, &ring, &[mine], &moment).unwrap().binding(), Some(mine));
    for bindings in [&[][..], &[other]] {
        assert_eq!(
            verify(url, &ring, bindings, &moment).err(),
            Some(DelegationRefusal::Mac),
            "never heard of"
        );
        let known = Known(Untouched.fate(&issued.identifier.id), Some(mine));
        let moment = Moment { views: &known, ..moment };
        assert_eq!(verify(url, &ring, bindings, &moment).err(), Some(DelegationRefusal::Bound));
    }
    let known = Known(Untouched.fate(&issued.identifier.id), Some(mine));
    assert_eq!(authentic_anywhere(url, &ring, &known).unwrap().identifier(), &issued.identifier);
    let unknown = authentic_anywhere(url, &ring, &Untouched).err();
    assert_eq!(unknown, Some(DelegationRefusal::Mac), "nobody can say without the record");
}

proptest! {
    #[test]
    fn every_issued_token_is_believed(
        owner in "[a-z0-9._@-]{1,40}x",
        renewer in proptest::option::of("[a-z]{1,40}"),
        real_user in proptest::option::of("hops:[a-z]{1,40}__[a-z]{1,10}"),
        id: [u8; 16],
        numbers in (0_u32..=2_147_483_647, 0_u32..=2_147_483_647),
        now in 0_i64..4_000_000_000_000,
    ) {
        let principal = |text: String| Principal::parse(&text).unwrap();
        let draft = Draft {
            owner: principal(owner),
            renewer: renewer.map(principal),
            real_user: real_user.map(principal),
            id: TokenId::from_bytes(id),
            sequence: numbers.0,
            store_epoch: numbers.1,
            binding: None,
        };
        let (ring, now) = (ring(), Timestamp::from_millis(now));
        let issued = issue(draft, &Terms::default(), now, &ring).unwrap();
        let verified = verify(issued.token.expose(), &ring, &[], &at(now)).unwrap();
        prop_assert_eq!(verified.identifier(), &issued.identifier);
    }

    #[test]
    fn dt07_a_token_with_bytes_put_in_taken_out_or_changed_is_refused(
        place in 0_usize..400, kind in 0..3, byte: u8,
    ) {
        let ring = ring();
        let bytes = decode_url(issued_by(&ring).token.expose()).unwrap();
        let mut mutated = bytes.to_vec();
        let place = place % mutated.len();
        match kind {
            0 => mutated.insert(place, byte),
            1 => { mutated.remove(place); }
            _ => mutated[place] = byte,
        }
        prop_assume!(mutated != **bytes);
        prop_assert!(refusal(&base64(&mutated)).is_some());
    }

    #[test]
    fn any_text_is_refused_without_panic(text in ".{0,300}") {
        prop_assert!(refusal(&text).is_some());
    }
}
