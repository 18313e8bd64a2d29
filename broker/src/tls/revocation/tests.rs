//! What lists say of certificates, and which lists are taken.

use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, SystemClock, Timestamp};
use lakegate_testkit::{Authority, Issued, RevocationDraft, der_element};
use rcgen::{CertificateParams, CrlDistributionPoint, CrlScope, IsCa, KeyUsagePurpose};

use super::list::ListFault;
use super::{Revocation, RevocationBook};
use crate::tls::authorities::Authorities;
use crate::tls::authority::{AuthorityFiles, AuthorityName};
use crate::tls::distrust::Distrust;

const GRACE: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// An authority with lists.
struct Checked {
    authorities: Authorities,
    book: Arc<RevocationBook>,
}

impl Checked {
    /// The certificates of the file are those of these authorities.
    fn new(file: &[&Authority]) -> Self {
        let name = AuthorityName::parse("staff").unwrap();
        let book = Arc::new(RevocationBook::new(name, GRACE));
        let checked = Self { authorities: authorities(file, &book), book };
        checked.authorities.begin(now());
        checked
    }

    fn offer(&self, source: usize, by: &Authority, draft: &RevocationDraft) -> Result<(), ListFault> {
        self.offer_der(source, by.revocation_list(draft).unwrap())
    }

    fn offer_der(&self, source: usize, list: Vec<u8>) -> Result<(), ListFault> {
        let offered = self.book.offer(source, &[list], now());
        offered.faults.first().map_or(Ok(()), |fault| Err(*fault))
    }

    fn word_for(&self, client: &Issued, at: Timestamp) -> Result<(), Distrust> {
        self.authorities.vouch(&client.chain, at).map(drop)
    }

    fn word_now(&self, client: &Issued) -> Result<(), Distrust> {
        self.word_for(client, now())
    }
}

fn authorities(file: &[&Authority], book: &Arc<RevocationBook>) -> Authorities {
    let certificates = file.iter().map(|authority| authority.certificate()).collect();
    let revocation = Revocation::Lists(Arc::clone(book));
    let files = AuthorityFiles { name: book.authority().clone(), certificates, revocation };
    let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    Authorities::new(vec![files], algorithms).unwrap()
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn nothing(number: u64) -> RevocationDraft {
    RevocationDraft::fresh(number, &[])
}

/// A root, an intermediate below it, and a client below that.
fn chain() -> (Authority, Authority, Issued) {
    let root = Authority::new().unwrap();
    let intermediate = root.intermediate_with("Intermediate", |_| ()).unwrap();
    let client = intermediate.client("alice").unwrap();
    (root, intermediate, client)
}

fn serial_of(authority: &Authority) -> Vec<u8> {
    use x509_parser::prelude::FromDer;
    let der = authority.certificate();
    x509_parser::certificate::X509Certificate::from_der(&der).unwrap().1.raw_serial().to_vec()
}

#[test]
fn xc06_a_client_on_its_issuers_list_is_refused_and_others_are_not() {
    let root = Authority::new().unwrap();
    let (alice, bob) = (root.client("alice").unwrap(), root.client("bob").unwrap());
    let checked = Checked::new(&[&root]);
    checked.offer(0, &root, &RevocationDraft::fresh(1, &[&alice.serial])).unwrap();
    assert_eq!(checked.word_now(&alice), Err(Distrust::Revoked));
    assert_eq!(checked.word_now(&bob), Ok(()));
    checked.offer(0, &root, &nothing(2)).unwrap();
    assert_eq!(checked.word_now(&alice), Ok(()), "given back");
}

#[test]
fn xc06_a_client_below_an_intermediate_that_was_taken_back_is_refused() {
    let (root, intermediate, client) = chain();
    let checked = Checked::new(&[&root, &intermediate]);
    checked.offer(0, &intermediate, &nothing(1)).unwrap();
    checked.offer(1, &root, &nothing(1)).unwrap();
    assert_eq!(checked.word_now(&client), Ok(()));
    checked.offer(1, &root, &RevocationDraft::fresh(2, &[&serial_of(&intermediate)])).unwrap();
    assert_eq!(checked.word_now(&client), Err(Distrust::Revoked));
}

#[test]
fn xc07_the_serial_number_of_another_issuer_is_another_certificate() {
    let (root, intermediate, client) = chain();
    let twin_serial =
        root.client_with("bob", |params| params.serial_number = Some(client.serial.clone().into()));
    let checked = Checked::new(&[&root, &intermediate]);
    checked.offer(0, &root, &RevocationDraft::fresh(1, &[&client.serial])).unwrap();
    checked.offer(1, &intermediate, &nothing(1)).unwrap();
    assert_eq!(checked.word_now(&client), Ok(()));
    assert_eq!(checked.word_now(&twin_serial.unwrap()), Err(Distrust::Revoked));
}

#[test]
fn xc07_two_keys_of_one_name_have_lists_of_their_own() {
    let (before, after) = (Authority::new().unwrap(), Authority::new().unwrap());
    let (old, new) = (before.client("alice").unwrap(), after.client("alice").unwrap());
    let checked = Checked::new(&[&before, &after]);
    checked.offer(0, &before, &RevocationDraft::fresh(7, &[&old.serial, &new.serial])).unwrap();
    assert_eq!(checked.word_now(&new), Err(Distrust::RevocationUnknown));
    checked.offer(1, &after, &nothing(1)).unwrap();
    assert_eq!((checked.word_now(&old), checked.word_now(&new)), (Err(Distrust::Revoked), Ok(())));
}

#[test]
fn xc08_a_list_is_good_until_its_next_update_and_the_grace_and_not_a_second_longer() {
    let root = Authority::new().unwrap();
    let client = root.client("alice").unwrap();
    let checked = Checked::new(&[&root]);
    let draft = nothing(1);
    checked.offer(0, &root, &draft).unwrap();
    let end = Timestamp::from_seconds(draft.next_update.as_seconds()).plus(GRACE);
    assert_eq!(checked.word_for(&client, draft.next_update.plus(Duration::from_secs(1))), Ok(()));
    assert_eq!(checked.word_for(&client, end.minus(Duration::from_secs(1))), Ok(()));
    assert_eq!(checked.word_for(&client, end), Err(Distrust::RevocationStale));
    assert_eq!(checked.book.health(end).refusing, 1);
    let until = checked.authorities.vouch(&client.chain, now()).unwrap().until;
    assert!(until <= end, "whoever asks again must ask when the list is stale");
    // A list that names a certificate does so for ever.
    checked.offer(0, &root, &RevocationDraft::fresh(2, &[&client.serial])).unwrap();
    assert_eq!(checked.word_for(&client, end.plus(DAY)), Err(Distrust::Revoked));
}

#[test]
fn xc09_without_a_list_of_every_issuer_nobody_knows() {
    let (root, intermediate, client) = chain();
    let checked = Checked::new(&[&root, &intermediate]);
    assert_eq!(checked.word_now(&client), Err(Distrust::RevocationUnknown));
    assert_eq!(checked.book.health(now()).missing, 2);
    checked.offer(0, &root, &nothing(1)).unwrap();
    assert_eq!(checked.word_now(&client), Err(Distrust::RevocationUnknown));
    assert_eq!(checked.book.health(now()).missing, 1);
    checked.offer(1, &intermediate, &nothing(1)).unwrap();
    assert_eq!(checked.word_now(&client), Ok(()));
    assert_eq!((checked.book.health(now()).missing, checked.book.health(now()).lists), (0, 2));
}

#[test]
fn xc09_an_intermediate_that_is_not_in_the_file_has_no_list_that_could_be_believed() {
    let (root, intermediate, client) = chain();
    let checked = Checked::new(&[&root]);
    checked.offer(0, &root, &nothing(1)).unwrap();
    assert_eq!(checked.offer(1, &intermediate, &nothing(1)), Err(ListFault::UnknownIssuer));
    assert_eq!(checked.word_now(&client), Err(Distrust::RevocationUnknown));
    // The list waits for the certificate.
    let grown = authorities(&[&root, &intermediate], &checked.book);
    grown.begin(now());
    assert_eq!(grown.vouch(&client.chain, now()).map(drop), Ok(()));
}

#[test]
fn xc10_an_older_list_never_takes_the_place_of_a_newer_one() {
    let root = Authority::new().unwrap();
    let client = root.client("alice").unwrap();
    let checked = Checked::new(&[&root]);
    let newer = RevocationDraft::fresh(256, &[&client.serial]);
    checked.offer(0, &root, &newer).unwrap();
    let earlier = newer.this_update.minus(DAY);
    for (what, older) in [
        ("number", nothing(255)),
        ("date", RevocationDraft { this_update: earlier, ..nothing(256) }),
        ("date, though the number is higher", RevocationDraft { this_update: earlier, ..nothing(257) }),
        ("neither, but another content", RevocationDraft { this_update: newer.this_update, ..nothing(256) }),
    ] {
        assert_eq!(checked.offer(0, &root, &older), Err(ListFault::Older), "{what}");
        assert_eq!(checked.word_now(&client), Err(Distrust::Revoked), "{what}");
    }
    assert_eq!(checked.book.refused(), [("older", 4)].into());
    checked.offer(1, &root, &newer).unwrap();
    let same_number =
        RevocationDraft { this_update: newer.this_update.plus(Duration::from_secs(2)), ..nothing(256) };
    checked.offer(0, &root, &same_number).unwrap();
    assert_eq!(checked.word_now(&client), Ok(()));
}

#[test]
fn xc11_what_is_no_list_is_refused_and_the_one_in_force_stays() {
    let root = Authority::new().unwrap();
    let client = root.client("alice").unwrap();
    let checked = Checked::new(&[&root]);
    let list = root.revocation_list(&RevocationDraft::fresh(1, &[&client.serial])).unwrap();
    checked.offer_der(0, list.clone()).unwrap();
    for length in 0..list.len() {
        assert_eq!(
            checked.offer_der(0, list[..length].to_vec()),
            Err(ListFault::Malformed),
            "{length} bytes"
        );
    }
    for place in 0..list.len() {
        for bit in 0..8 {
            let mut flipped = list.clone();
            flipped[place] ^= 1 << bit;
            assert!(checked.offer_der(0, flipped).is_err(), "bit {bit} of byte {place}");
        }
    }
    assert_eq!(checked.offer_der(0, [list, vec![0]].concat()), Err(ListFault::Malformed), "trailing bytes");
    assert_eq!(checked.word_now(&client), Err(Distrust::Revoked));
}

#[test]
fn xc12_a_list_signed_by_an_issuer_that_may_not_sign_lists_is_refused() {
    let signer = Authority::new().unwrap();
    let without = |params: &mut CertificateParams| params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root = signer.twin_with(without).unwrap();
    let client = root.client("alice").unwrap();
    let checked = Checked::new(&[&root]);
    assert_eq!(checked.offer(0, &signer, &nothing(1)), Err(ListFault::NotASigner));
    assert_eq!(checked.word_now(&client), Err(Distrust::RevocationUnknown));
}

#[test]
fn xc12_a_list_signed_by_somebody_else_of_the_same_name_is_refused() {
    let (root, impostor) = (Authority::new().unwrap(), Authority::new().unwrap());
    let checked = Checked::new(&[&root]);
    assert_eq!(checked.offer(0, &impostor, &nothing(1)), Err(ListFault::Signature));
}

#[test]
fn xc12_delta_and_indirect_lists_and_unknown_critical_extensions_are_refused() {
    let root = Authority::new().unwrap();
    let checked = Checked::new(&[&root]);
    let list = root.revocation_list(&nothing(1)).unwrap();
    // RFC 5280, sections 5.2.4 and 5.2.5; an extension that nobody knows, critical and not.
    let delta = [48, 13, 6, 3, 85, 29, 27, 1, 1, 255, 4, 3, 2, 1, 1];
    let indirect = [48, 15, 6, 3, 85, 29, 28, 1, 1, 255, 4, 5, 48, 3, 132, 1, 255];
    let some_reasons = [48, 16, 6, 3, 85, 29, 28, 1, 1, 255, 4, 6, 48, 4, 131, 2, 1, 2];
    let attributes = [48, 15, 6, 3, 85, 29, 28, 1, 1, 255, 4, 5, 48, 3, 133, 1, 255];
    let attributes = root.extend_list(&list, &attributes).unwrap();
    assert_eq!(checked.offer_der(0, attributes), Err(ListFault::Malformed));
    let unknown_critical = [48, 13, 6, 3, 85, 29, 99, 1, 1, 255, 4, 3, 2, 1, 1];
    let unknown = [48, 10, 6, 3, 85, 29, 99, 4, 3, 2, 1, 1];
    for extension in [&delta[..], &indirect, &some_reasons, &unknown_critical] {
        let extended = root.extend_list(&list, extension).unwrap();
        assert_eq!(checked.offer_der(0, extended), Err(ListFault::Unsupported), "{extension:?}");
    }
    checked.offer_der(0, root.extend_list(&list, &unknown).unwrap()).unwrap();
}

#[test]
fn xc12_a_scope_that_cannot_be_read_is_not_that_of_all_certificates() {
    let root = Authority::new().unwrap();
    let checked = Checked::new(&[&root]);
    let list = root.revocation_list(&nothing(1)).unwrap();
    let place = |name: &[u8]| der_element(0xa0, &der_element(0xa0, name));
    let uri = place(&der_element(0x86, b"http://ca.example/1.crl"));
    let clients_only = der_element(0x81, &[255]);
    for (what, fields, word) in [
        ("in order", [uri.clone(), clients_only.clone()].concat(), Ok(())),
        ("out of order", [clients_only.clone(), uri].concat(), Err(ListFault::Unsupported)),
        ("no name", place(&[255, 255]), Err(ListFault::Unsupported)),
        ("no URI", place(&der_element(0x82, b"ca.example")), Err(ListFault::Unsupported)),
        ("no place", clients_only, Err(ListFault::Unsupported)),
    ] {
        // RFC 5280, section 5.2.5.
        let point = der_element(4, &der_element(0x30, &fields));
        let extension = der_element(0x30, &[&[6, 3, 85, 29, 28, 1, 1, 255][..], &point].concat());
        assert_eq!(checked.offer_der(0, root.extend_list(&list, &extension).unwrap()), word, "{what}");
    }
    let client = root.client("alice").unwrap();
    assert_eq!(checked.word_now(&client), Err(Distrust::RevocationUnknown), "it names no place");
}

#[test]
fn xc12_a_list_for_some_certificates_says_nothing_of_others() {
    let (root, intermediate, _) = chain();
    let checked = Checked::new(&[&root, &intermediate]);
    checked.offer(0, &root, &nothing(1)).unwrap();
    let at = |places: Vec<&str>| {
        let points =
            places.iter().map(|uri| CrlDistributionPoint { uris: vec![(*uri).to_owned()] }).collect();
        intermediate.client_with("alice", |params| params.crl_distribution_points = points).unwrap()
    };
    let (first, second) = ("http://ca.example/1.crl", "http://ca.example/2.crl");
    let [here, there, both, nowhere] =
        [at(vec![first]), at(vec![second]), at(vec![second, first]), at(Vec::new())];
    let part = |number, revoked: &[&[u8]], uri: &str, scope| RevocationDraft {
        scope: Some((uri.to_owned(), scope)),
        ..RevocationDraft::fresh(number, revoked)
    };
    checked.offer(1, &intermediate, &part(1, &[], first, Some(CrlScope::CaCertsOnly))).unwrap();
    assert_eq!(checked.word_now(&here), Err(Distrust::RevocationUnknown), "a list for issuers");
    checked.offer(1, &intermediate, &part(1, &[&both.serial], first, Some(CrlScope::UserCertsOnly))).unwrap();
    let words = [&here, &there, &both, &nowhere].map(|client| checked.word_now(client));
    let unknown = Err(Distrust::RevocationUnknown);
    // The second place of a certificate counts like the first.
    assert_eq!(words, [Ok(()), unknown, Err(Distrust::Revoked), unknown]);
    checked.offer(2, &intermediate, &part(1, &[], second, None)).unwrap();
    assert_eq!(checked.word_now(&there), Ok(()));
    assert_eq!(checked.word_now(&both), Err(Distrust::Revoked), "one list that says so is enough");
}

#[test]
fn a_list_of_the_future_is_refused_until_then() {
    let root = Authority::new().unwrap();
    let checked = Checked::new(&[&root]);
    let draft =
        RevocationDraft { this_update: now().plus(GRACE), next_update: now().plus(DAY), ..nothing(1) };
    assert_eq!(checked.offer(0, &root, &draft), Err(ListFault::NotBegun));
    let list = root.revocation_list(&draft).unwrap();
    assert!(checked.book.offer(0, &[list], now().plus(GRACE)).faults.is_empty());
}

#[test]
fn a_renewed_list_moves_nobody_and_another_content_does() {
    let root = Authority::new().unwrap();
    let client = root.client("alice").unwrap();
    let checked = Checked::new(&[&root]);
    let offer = |draft: &RevocationDraft| {
        let offered = checked.book.offer(0, &[root.revocation_list(draft).unwrap()], now());
        (offered.is_new, offered.moves)
    };
    assert_eq!(offer(&nothing(1)), (true, true));
    assert_eq!(offer(&nothing(2)), (true, false));
    assert_eq!(offer(&RevocationDraft::fresh(3, &[&client.serial])), (true, true));
}

#[test]
fn a_long_list_costs_its_reader_and_no_handshake() {
    let root =
        Authority::root_with(|params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(1)))
            .unwrap();
    let client = root.client("alice").unwrap();
    let checked = Checked::new(&[&root]);
    let serials: Vec<[u8; 8]> = (1_u64..200_000).map(|serial| (serial << 20).to_be_bytes()).collect();
    let revoked: Vec<&[u8]> = serials.iter().map(|serial| &serial[2..]).collect();
    checked.offer(0, &root, &RevocationDraft::fresh(1, &revoked)).unwrap();
    let before = cpu_time();
    for _ in 0..200 {
        assert_eq!(checked.word_now(&client), Ok(()));
    }
    let each = cpu_time().saturating_sub(before) / 200;
    assert!(each < Duration::from_millis(2), "{each:?} for each look");
}

/// What this thread has computed so far.
pub(in crate::tls) fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
