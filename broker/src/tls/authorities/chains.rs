//! Chains that nobody may vouch for, in the manner of x509-limbo; each beside a good one that differs in one thing.

use std::time::Duration;

use lakegate_domain::{Clock, SystemClock};
use lakegate_testkit::{Authority as Issuer, Issued, der_element};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};

use super::*;

pub(super) fn authorities(roots: &[&Issuer]) -> Authorities {
    let files = AuthorityFiles {
        name: AuthorityName::default_name(),
        certificates: roots.iter().map(|root| root.certificate()).collect(),
        revocation: Revocation::Unchecked,
    };
    Authorities::new(vec![files], algorithms()).unwrap()
}

pub(super) fn algorithms() -> WebPkiSupportedAlgorithms {
    rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms
}

pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// What is said of a chain that ends at this root.
fn word(root: &Issuer, chain: &[CertificateDer<'_>]) -> Result<(), Distrust> {
    authorities(&[root]).vouch(chain, now()).map(drop)
}

/// What is said of a client that differs from a good one.
fn client(change: impl FnOnce(&mut CertificateParams)) -> Result<(), Distrust> {
    let root = Issuer::new().unwrap();
    word(&root, &root.client_with("alice", change).unwrap().chain)
}

/// What is said of a client below an intermediate that differs from a good one.
fn below(change: impl FnOnce(&mut CertificateParams)) -> Result<(), Distrust> {
    let root = Issuer::new().unwrap();
    let intermediate = root.intermediate_with("Intermediate", change).unwrap();
    word(&root, &intermediate.client("alice").unwrap().chain)
}

fn extension(oid: &[u64], content: Vec<u8>, is_critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, content);
    extension.set_criticality(is_critical);
    extension
}

#[test]
fn good_chains_are_vouched_for() {
    assert_eq!(client(|_| ()), Ok(()));
    assert_eq!(client(|params| params.key_usages = Vec::new()), Ok(()), "no key usage is any");
    assert_eq!(client(|params| params.extended_key_usages = Vec::new()), Ok(()), "no purpose is any");
    assert_eq!(below(|_| ()), Ok(()));
    let root = Issuer::new().unwrap();
    let Issued { chain, .. } = root
        .intermediate_with("One", |_| ())
        .and_then(|one| one.intermediate_with("Two", |_| ()))
        .and_then(|two| two.client("alice"))
        .unwrap();
    assert_eq!(word(&root, &chain), Ok(()));
    let [leaf, two, one] = <[_; 3]>::try_from(chain).unwrap();
    assert_eq!(word(&root, &[leaf, one, two]), Ok(()), "in any order");
}

#[test]
fn xc01_self_signed_unknown_and_expired_authorities_vouch_for_nobody() {
    let (root, stranger) = (
        Issuer::new().unwrap(),
        Issuer::root_with(|params| {
            params.distinguished_name.push(DnType::OrganizationName, "Strangers");
        })
        .unwrap(),
    );
    assert_eq!(word(&root, &stranger.client("alice").unwrap().chain), Err(Distrust::UnknownIssuer));
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let self_signed = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    assert_eq!(word(&root, &[self_signed.der().clone()]), Err(Distrust::UnknownIssuer));
    let ended = root.twin_with(|params| params.not_after = date_time_ymd(2020, 1, 1)).unwrap();
    let not_begun = root.twin_with(|params| params.not_before = date_time_ymd(3000, 1, 1)).unwrap();
    let alice = root.client("alice").unwrap().chain;
    assert_eq!(word(&ended, &alice), Err(Distrust::Ended));
    assert_eq!(word(&not_begun, &alice), Err(Distrust::NotBegun));
    assert_eq!(word(&root, &alice), Ok(()));
    let both = authorities(&[&ended, &root]);
    assert_eq!(
        both.vouch(&alice, now()).map(drop),
        Ok(()),
        "beside the renewed one the old one does no harm"
    );
}

#[test]
fn xc02_certificates_for_other_purposes_are_refused() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
    assert_eq!(client(|params| params.extended_key_usages = vec![ServerAuth, ClientAuth]), Ok(()));
    for purposes in [vec![ServerAuth], vec![Any], vec![ExtendedKeyUsagePurpose::CodeSigning]] {
        assert_eq!(client(|params| params.extended_key_usages = purposes), Err(Distrust::Usage));
    }
    let empty = || extension(&[2, 5, 29, 37], vec![0x30, 0], false);
    let with_empty = client(|params| {
        params.extended_key_usages = Vec::new();
        params.custom_extensions = vec![empty()];
    });
    assert_eq!(with_empty, Err(Distrust::Usage));
    assert_eq!(below(|params| params.extended_key_usages = vec![ServerAuth]), Err(Distrust::Usage));
    for usages in [
        vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign],
        vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign],
        vec![KeyUsagePurpose::KeyEncipherment],
    ] {
        assert_eq!(client(|params| params.key_usages = usages), Err(Distrust::Usage));
    }
    let as_client = client(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(as_client, Err(Distrust::Usage), "an authority's certificate as a client's");
    let root = Issuer::new().unwrap();
    assert!(word(&root, &[root.certificate()]).is_err(), "the root itself");
    assert_eq!(
        below(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]),
        Err(Distrust::Usage)
    );
}

#[test]
fn xc03_a_second_before_and_a_second_after_are_too_early_and_too_late() {
    let root = Issuer::new().unwrap();
    let from = Timestamp::from_seconds(1_800_000_000);
    let until = from.plus(Duration::from_hours(1));
    let in_that_hour = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(1970, 1, 1) + Duration::from_hours(500_000);
        params.not_after = params.not_before + Duration::from_hours(1);
    };
    let of_client = root.client_with("alice", in_that_hour).unwrap().chain;
    let of_intermediate =
        root.intermediate_with("Intermediate", in_that_hour).and_then(|it| it.client("alice")).unwrap().chain;
    let dated = Issuer::root_with(in_that_hour).unwrap();
    let of_root = dated.client("alice").unwrap().chain;
    let second = Duration::from_secs(1);
    for (what, root, chain) in
        [("client", &root, of_client), ("intermediate", &root, of_intermediate), ("root", &dated, of_root)]
    {
        let word_at = |at: Timestamp| authorities(&[root]).vouch(&chain, at).map(|vouched| vouched.until);
        assert_eq!(word_at(from.minus(second)), Err(Distrust::NotBegun), "{what}");
        assert_eq!(word_at(from), Ok(until), "{what}");
        assert_eq!(word_at(until), Ok(until), "{what}");
        assert_eq!(word_at(until.plus(second)), Err(Distrust::Ended), "{what}");
    }
}

#[test]
fn xc13_issuers_that_are_none_and_paths_that_are_too_long_are_refused() {
    assert_eq!(below(|params| params.is_ca = IsCa::NoCa), Err(Distrust::Constraint));
    assert_eq!(below(|params| params.is_ca = IsCa::ExplicitNoCa), Err(Distrust::Constraint));
    let none_below =
        |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    assert_eq!(below(none_below), Ok(()));
    let root = Issuer::new().unwrap();
    let two = root.intermediate_with("One", none_below).and_then(|one| one.intermediate_with("Two", |_| ()));
    assert_eq!(
        word(&root, &two.and_then(|two| two.client("alice")).unwrap().chain),
        Err(Distrust::Constraint)
    );
    let strict = Issuer::root_with(none_below).unwrap();
    assert_eq!(word(&strict, &strict.client("alice").unwrap().chain), Ok(()));
    let one = strict.intermediate_with("One", |_| ()).unwrap();
    assert_eq!(
        word(&strict, &one.client("alice").unwrap().chain),
        Err(Distrust::Constraint),
        "the root's length"
    );
}

#[test]
fn xc13_an_unknown_critical_extension_is_refused_wherever_it_stands() {
    let unknown = |is_critical| vec![extension(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0], is_critical)];
    assert_eq!(client(|params| params.custom_extensions = unknown(false)), Ok(()));
    assert_eq!(client(|params| params.custom_extensions = unknown(true)), Err(Distrust::Constraint));
    assert_eq!(below(|params| params.custom_extensions = unknown(false)), Ok(()));
    assert_eq!(below(|params| params.custom_extensions = unknown(true)), Err(Distrust::Constraint));
}

/// What is said of a client with these names below an authority that may only name hosts below `example.com`.
fn constrained(common_name: &str, hosts: &[&str]) -> Result<(), Distrust> {
    let root = Issuer::new().unwrap();
    let constraints = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("team.example.com".to_owned())],
        excluded_subtrees: Vec::new(),
    };
    let below =
        root.intermediate_with("Constrained", |params| params.name_constraints = Some(constraints)).unwrap();
    let names = hosts.iter().map(|host| SanType::DnsName((*host).try_into().unwrap())).collect();
    word(&root, &below.client_with(common_name, |params| params.subject_alt_names = names).unwrap().chain)
}

#[test]
fn xc14_names_outside_of_constraints_are_refused_however_they_are_written() {
    assert_eq!(constrained("alice", &["job.team.example.com"]), Ok(()));
    assert_eq!(constrained("job.team.example.com", &["job.team.example.com"]), Ok(()));
    for (common_name, hosts) in [
        ("alice", vec!["job.other.example.com"]),
        ("alice", vec!["job.team.example.com", "other.example.com"]),
        ("alice", vec!["*.example.com"]),
        ("alice", vec!["*.other.example.com"]),
        ("job.other.example.com", vec![]),
        ("job.other.example.com", vec!["job.team.example.com"]),
        ("*", vec![]),
        ("b\u{fc}cher.other.example.com", vec![]),
        ("\u{ff4a}ob", vec!["job.team.example.com"]),
    ] {
        assert_eq!(constrained(common_name, &hosts), Err(Distrust::Constraint), "{common_name} {hosts:?}");
    }
    assert_eq!(constrained("alice", &[]), Ok(()), "a name that is no host's is not constrained");
}

#[test]
fn xc14_constraints_of_kinds_that_are_not_supported_admit_nobody() {
    // NameConstraints { permitted: [URI good.example] }, RFC 5280, section 4.2.1.10.
    let subtree = der_element(0xa0, &der_element(0x30, &der_element(0x86, b"good.example")));
    let uris = extension(&[2, 5, 29, 30], der_element(0x30, &subtree), true);
    let root = Issuer::new().unwrap();
    let below =
        root.intermediate_with("Constrained", |params| params.custom_extensions = vec![uris]).unwrap();
    let named = |uri: &str| {
        let names = vec![SanType::URI(uri.try_into().unwrap())];
        word(&root, &below.client_with("alice", |params| params.subject_alt_names = names).unwrap().chain)
    };
    assert_eq!(named("spiffe://evil.example/x"), Err(Distrust::Constraint));
    assert_eq!(named("spiffe://good.example/x"), Err(Distrust::Constraint));
    let mut name = rcgen::DistinguishedName::new();
    name.push(DnType::OrganizationName, "Team");
    let constraints = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DirectoryName(name)],
        excluded_subtrees: Vec::new(),
    };
    let below =
        root.intermediate_with("Constrained", |params| params.name_constraints = Some(constraints)).unwrap();
    assert_eq!(word(&root, &below.client("alice").unwrap().chain), Err(Distrust::Constraint));
}

/// An extension with certificate policies: RFC 5280, section 4.2.1.4. Arcs after 1.3, in one byte each; none: `anyPolicy`.
fn policies_of(ids: &[Option<u8>]) -> CustomExtension {
    let id = |id: &Option<u8>| match id {
        Some(arc) => der_element(0x30, &der_element(6, &[0x2b, 7, *arc])),
        None => der_element(0x30, &der_element(6, &[0x55, 0x1d, 0x20, 0])),
    };
    extension(&[2, 5, 29, 32], der_element(0x30, &ids.iter().map(id).collect::<Vec<_>>().concat()), false)
}

#[test]
fn xc23_a_policy_holds_that_every_issuer_of_the_path_may_give() {
    let (users, services) = (Some(1), Some(2));
    let with = |ids: Vec<Option<u8>>| {
        move |params: &mut CertificateParams| params.custom_extensions = vec![policies_of(&ids)]
    };
    let held = |root: &Issuer, chain: &[CertificateDer<'_>]| {
        authorities(&[root]).vouch(chain, now()).map(|vouched| vouched.policies.join(" "))
    };
    let root = Issuer::new().unwrap();
    let leaf_below = |by: &Issuer| by.client_with("alice", with(vec![users, services])).unwrap().chain;
    let below = |change: &dyn Fn(&mut CertificateParams)| {
        let intermediate = root.intermediate_with("Intermediate", |params| change(params)).unwrap();
        held(&root, &leaf_below(&intermediate)).unwrap()
    };
    assert_eq!(held(&root, &leaf_below(&root)).unwrap(), "1.3.7.1 1.3.7.2", "a root may give any");
    assert_eq!(below(&with(vec![users])), "1.3.7.1");
    assert_eq!(below(&with(vec![users, services])), "1.3.7.1 1.3.7.2");
    assert_eq!(below(&with(vec![None])), "1.3.7.1 1.3.7.2", "anyPolicy");
    assert_eq!(below(&|_| ()), "", "an intermediate that names none gives none");
    assert_eq!(below(&with(vec![Some(3)])), "");
    let mapping = |oid: u64| {
        move |params: &mut CertificateParams| {
            let pair = der_element(0x30, &der_element(6, &[0x2b, 7, 1]).repeat(2));
            let content = if oid == 33 { der_element(0x30, &pair) } else { der_element(2, &[0]) };
            params.custom_extensions =
                vec![policies_of(&[None]), extension(&[2, 5, 29, oid], content, false)];
        }
    };
    assert_eq!((below(&mapping(33)), below(&mapping(54))), (String::new(), String::new()), "not supported");
    let twice = |params: &mut CertificateParams| {
        params.custom_extensions = vec![policies_of(&[users]), policies_of(&[services])];
    };
    assert_ne!(
        root.intermediate_with("Twice", twice)
            .map(|it| held(&root, &leaf_below(&it)))
            .unwrap()
            .unwrap_or_default(),
        "1.3.7.1 1.3.7.2"
    );
    let limited = Issuer::root_with(with(vec![users])).unwrap();
    assert_eq!(held(&limited, &leaf_below(&limited)).unwrap(), "1.3.7.1", "a root that limits itself");
    let plain = root.client("alice").unwrap().chain;
    assert_eq!(held(&root, &plain).unwrap(), "", "a leaf that names none has none");
    // Two intermediates: what the upper one may not give, the lower one cannot.
    let upper = root.intermediate_with("Upper", with(vec![users])).unwrap();
    let lower = upper.intermediate_with("Lower", with(vec![services, users])).unwrap();
    assert_eq!(held(&root, &leaf_below(&lower)).unwrap(), "1.3.7.1");
    let upper = root.intermediate_with("Upper", with(vec![services, users])).unwrap();
    let lower = upper.intermediate_with("Lower", with(vec![users])).unwrap();
    assert_eq!(held(&root, &leaf_below(&lower)).unwrap(), "1.3.7.1");
}

#[test]
fn xc01_what_is_no_certificate_is_refused() {
    let root = Issuer::new().unwrap();
    let leaf = root.client("alice").unwrap().chain.remove(0);
    for length in (0..leaf.len()).step_by(7) {
        assert!(word(&root, &[leaf[..length].to_vec().into()]).is_err(), "{length}");
    }
    assert!(word(&root, &[[leaf.as_ref(), &[0]].concat().into()]).is_err(), "trailing bytes");
}
