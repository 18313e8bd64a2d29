//! What single certificates say, with and without profiles.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use serde_json::json;

use super::{Identity, IdentityError, IdentityField, ProfileKind, Profiles, Standing};
use crate::tls::AuthorityName;
use lakegate_domain::CallerKind;

/// A leaf in the making.
pub(super) struct Made(CertificateParams);

impl Made {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        Self(params)
    }

    pub(super) fn named(name: &str) -> Self {
        Self::new().with(DnType::CommonName, name)
    }

    pub(super) fn with(mut self, kind: DnType, value: impl Into<DnValue>) -> Self {
        self.0.distinguished_name.push(kind, value);
        self
    }

    pub(super) fn uri(mut self, uri: &str) -> Self {
        self.0.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        self
    }

    pub(super) fn dns(mut self, name: &str) -> Self {
        self.0.subject_alt_names.push(SanType::DnsName(name.try_into().unwrap()));
        self
    }

    pub(super) fn purposes(mut self, purposes: &[ExtendedKeyUsagePurpose]) -> Self {
        self.0.extended_key_usages = purposes.to_vec();
        self
    }

    /// A certificate policy: `SEQUENCE { SEQUENCE { OID } }`, with the arcs after 1.3 in one byte each.
    pub(super) fn policy(mut self, arcs: &[u8]) -> Self {
        let size = |extra: usize| u8::try_from(arcs.len() + extra).unwrap();
        let mut der = vec![0x30, size(5), 0x30, size(3), 0x06, size(1), 0x2b];
        der.extend_from_slice(arcs);
        self.0.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 32], der));
        self
    }

    pub(super) fn der(self) -> Vec<u8> {
        self.0.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }
}

/// A second value of an attribute: rcgen keeps one of each kind, and takes this for another kind.
fn again(arc: u64) -> DnType {
    DnType::CustomDnType(vec![2, 5, 4, arc])
}

/// Profiles of one authority.
pub(super) fn profiles(profiles: &serde_json::Value) -> Profiles {
    let settings = serde_json::from_value(json!({ "profiles": profiles })).unwrap();
    Profiles::new(&settings, &[AuthorityName::default_name()]).unwrap()
}

fn by_default(made: Made) -> Result<Identity, IdentityError> {
    Profiles::default().identify(&made.der(), None, &[])
}

fn principal(identity: Result<Identity, IdentityError>) -> String {
    identity.unwrap().principal.to_string()
}

#[test]
fn without_profiles_a_spiffe_uri_wins_over_a_common_name() {
    let both = by_default(Made::named("someone").uri("spiffe://prod.example.com/ns/etl/sa/loader")).unwrap();
    assert_eq!(both.principal.as_str(), "spiffe:prod.example.com/ns/etl/sa/loader");
    assert_eq!(both.standing, Standing::Caller(CallerKind::Workload));
    let alice = by_default(Made::named("alice")).unwrap();
    assert_eq!((alice.principal.as_str(), alice.standing), ("alice", Standing::Caller(CallerKind::User)));
    assert!(alice.profile.is_none() && alice.host.is_none() && alice.application.is_none());
}

#[test]
fn xc17_two_names_of_one_kind_are_refused_whatever_is_read() {
    let by_dns = profiles(&json!([{"name": "by-dns", "identity": "dns-name", "kind": "workload"}]));
    let two_uris = || Made::new().dns("a.example").uri("spiffe://a.example/x").uri("spiffe://a.example/y");
    let two_names = || Made::named("alice").with(again(3), "bob").dns("a.example");
    for profiles in [Profiles::default(), by_dns] {
        assert_eq!(profiles.identify(&two_uris().der(), None, &[]), Err(IdentityError::Ambiguous));
        assert_eq!(profiles.identify(&two_names().der(), None, &[]), Err(IdentityError::Ambiguous));
    }
}

#[test]
fn xc17_a_common_name_that_is_none_of_the_dns_names_is_a_second_name() {
    let of =
        |identity: &str, kind: &str| profiles(&json!([{"name": "one", "identity": identity, "kind": kind}]));
    let readers = [
        Profiles::default(),
        of("common-name", "user"),
        of("common-name", "workload"),
        of("common-name", "carrier"),
        of("dns-name", "workload"),
        of("dns-name", "user"),
    ];
    for profiles in readers {
        let read = |made: Made| profiles.identify(&made.der(), None, &[]).map(|it| it.principal.to_string());
        assert_eq!(read(Made::named("alice").dns("bob.example")), Err(IdentityError::Ambiguous));
        assert_eq!(read(Made::named("Bob.example").dns("bob.example")), Err(IdentityError::Ambiguous));
        assert_eq!(read(Made::named("bob.example").dns("bob.example")).unwrap(), "bob.example");
    }
    let by_name = of("common-name", "user");
    let several = Made::named("bob.example").dns("alice.example").dns("bob.example");
    assert_eq!(principal(by_name.identify(&several.der(), None, &[])), "bob.example");
    let project = of("project-user", "user");
    assert_eq!(
        project.identify(&Made::named("demo__alice").dns("bob.example").der(), None, &[]),
        Err(IdentityError::Ambiguous)
    );
    let unreadable =
        Made::new().with(DnType::CommonName, DnValue::BmpString("bob.example".try_into().unwrap()));
    let by_dns = of("dns-name", "workload");
    assert_eq!(by_dns.identify(&unreadable.dns("bob.example").der(), None, &[]), Err(IdentityError::Name));
}

#[test]
fn xc18_names_outside_the_alphabet_are_refused() {
    for bad in [
        "a b",
        "a\nb",
        "a\0b",
        "*",
        "spiffe:x",
        "hops:p/u",
        "\u{202e}x",
        &"x".repeat(300),
        &"x".repeat(10_240),
    ] {
        assert_eq!(by_default(Made::named(bad)), Err(IdentityError::Name), "{bad:?}");
    }
    for bad in [
        "https://a.example/x",
        "spiffe://A.example/x",
        "spiffe://a.example",
        "spiffe://a.example//b",
        "spiffe://a.example/",
        "spiffe://a.example/b/",
        "spiffe://a.example/../b",
        "spiffe://a.example/%61",
        "spiffe://a.example:8443/x",
        "spiffe://u@a.example/x",
        "spiffe://a.example/x?y",
        "SPIFFE://a.example/x",
    ] {
        assert_eq!(by_default(Made::named("alice").uri(bad)), Err(IdentityError::Name), "{bad}");
    }
    assert_eq!(by_default(Made::new()), Err(IdentityError::NoIdentity));
    assert_eq!(Profiles::default().identify(b"junk", None, &[]), Err(IdentityError::Malformed));
}

#[test]
fn xc18_texts_with_several_readings_are_refused() {
    let bmp = DnValue::BmpString("alice".try_into().unwrap());
    let teletex = DnValue::TeletexString("alice".try_into().unwrap());
    let universal = DnValue::UniversalString("alice".try_into().unwrap());
    for text in [bmp, teletex, universal] {
        let made = Made::new().with(DnType::CommonName, text.clone());
        assert_eq!(by_default(made), Err(IdentityError::Name), "{text:?}");
    }
    let printable = DnValue::PrintableString("alice".try_into().unwrap());
    assert_eq!(principal(by_default(Made::new().with(DnType::CommonName, printable))), "alice");
}

#[test]
fn xc02_a_certificate_that_may_sign_others_is_nobodys() {
    let mut authority = Made::named("alice");
    authority.0.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut certificates = Made::named("alice");
    certificates.0.key_usages.push(KeyUsagePurpose::KeyCertSign);
    let mut lists = Made::named("alice");
    lists.0.key_usages.push(KeyUsagePurpose::CrlSign);
    for made in [authority, certificates, lists] {
        assert_eq!(by_default(made), Err(IdentityError::Signs));
    }
}

#[test]
fn xc02_a_spiffe_certificate_is_held_to_its_key_usages() {
    use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    let profiles = profiles(&json!([
        {"name": "mesh", "trust_domain": "a.example", "identity": "spiffe-uri", "kind": "workload"}
    ]));
    let read =
        |made: Made| profiles.identify(&made.uri("spiffe://a.example/ns/etl/sa/loader").der(), None, &[]);
    for made in [Made::new(), Made::new().purposes(&[ClientAuth, ServerAuth])] {
        assert_eq!(principal(read(made)), "spiffe:a.example/ns/etl/sa/loader");
    }
    let mut unused = Made::new();
    unused.0.key_usages.clear();
    for made in [Made::new().purposes(&[ClientAuth]), Made::new().purposes(&[ServerAuth]), unused] {
        assert_eq!(read(made), Err(IdentityError::Spiffe));
    }
}

#[test]
fn a_project_user_is_a_user_within_a_project() {
    let profiles = profiles(&json!([{"name": "hops", "identity": "project-user", "kind": "user"}]));
    let read = |made: Made| profiles.identify(&made.der(), None, &[]);
    let user = read(Made::named("demo__alice")).unwrap();
    assert_eq!(
        (user.principal.as_str(), user.standing),
        ("hops:demo/alice", Standing::Caller(CallerKind::User))
    );
    assert_ne!(principal(read(Made::named("other__alice"))), "hops:demo/alice");
    let job = Made::named("demo__alice")
        .with(DnType::OrganizationName, "application_1704164645_0007")
        .with(DnType::OrganizationalUnitName, "3");
    let job = read(job).unwrap();
    assert_eq!(job.principal, user.principal);
    assert_eq!(job.standing, Standing::Caller(CallerKind::Application));
    assert_eq!(job.application.unwrap().as_str(), "application_1704164645_0007");
}

#[test]
fn xc19_the_separator_stands_once_and_parts_one_way() {
    let profiles = profiles(&json!([{"name": "hops", "identity": "project-user", "kind": "user"}]));
    let bad =
        ["A__B__C", "a___b", "__a", "a__", "__", "ab", "a__b c", "a/b__c", "a__b:c", "..__a", "a__..", ""];
    for bad in bad {
        assert_eq!(profiles.identify(&Made::named(bad).der(), None, &[]), Err(IdentityError::Name), "{bad}");
    }
    assert_eq!(principal(profiles.identify(&Made::named("_a__b").der(), None, &[])), "hops:_a/b");
}

#[test]
fn half_an_application_is_refused() {
    let profiles = profiles(&json!([{"name": "hops", "identity": "project-user", "kind": "user"}]));
    let (organization, unit) = (DnType::OrganizationName, DnType::OrganizationalUnitName);
    let made = || Made::named("demo__alice");
    for made in [
        made().with(organization.clone(), "application_1"),
        made().with(unit.clone(), "3"),
        made().with(organization.clone(), "job_1").with(unit.clone(), "3"),
        made().with(organization.clone(), "application_1").with(unit.clone(), "three"),
        made().with(organization.clone(), "app lication").with(unit.clone(), "3"),
        made().with(DnType::LocalityName, "hdfs"),
    ] {
        assert_eq!(profiles.identify(&made.der(), None, &[]), Err(IdentityError::Name));
    }
    let twice = made().with(organization, "application_1").with(again(10), "application_2").with(unit, "3");
    assert_eq!(profiles.identify(&twice.der(), None, &[]), Err(IdentityError::Ambiguous));
}

#[test]
fn a_profile_of_applications_takes_no_users() {
    let profiles = profiles(&json!([{"name": "jobs", "identity": "project-user", "kind": "application"}]));
    let user = profiles.identify(&Made::named("demo__alice").der(), None, &[]);
    assert_eq!(user, Err(IdentityError::NoIdentity));
}

#[test]
fn a_service_is_its_login_and_is_bound_to_its_host() {
    let profiles = profiles(&json!([
        {"name": "services", "identity": "common-name", "kind": "service", "realm": "svc"}
    ]));
    let read = |made: Made| profiles.identify(&made.der(), None, &[]);
    let made = || Made::named("node-1.lake.example").with(DnType::LocalityName, "yarn");
    let yarn = read(made().dns("node-1.lake.example").dns("alias.lake.example")).unwrap();
    assert_eq!((yarn.principal.as_str(), yarn.standing), ("yarn@svc", Standing::Caller(CallerKind::Service)));
    assert_eq!(yarn.host.unwrap().as_str(), "node-1.lake.example");
    assert_eq!(read(made().dns("node-2.lake.example")), Err(IdentityError::Ambiguous));
    for host in ["127.0.0.1", "node-1", "*.lake.example", "node-1.lake.example."] {
        let made = Made::named(host).with(DnType::LocalityName, "yarn");
        assert_eq!(read(made), Err(IdentityError::Name), "{host}");
    }
}

#[test]
fn xc22_a_service_without_a_login_is_nobody() {
    let profiles = profiles(&json!([{"name": "services", "identity": "common-name", "kind": "service"}]));
    let without = profiles.identify(&Made::named("node-1.lake.example").der(), None, &[]);
    assert_eq!(without, Err(IdentityError::NoLogin));
    let two = Made::named("n.lake.example").with(DnType::LocalityName, "yarn").with(again(7), "hdfs");
    assert_eq!(profiles.identify(&two.der(), None, &[]), Err(IdentityError::Ambiguous));
}

#[test]
fn a_carrier_is_no_caller() {
    let profiles = profiles(&json!([
        {"name": "mesh", "trust_domain": "mesh.example", "identity": "spiffe-uri", "kind": "carrier"}
    ]));
    let sidecar =
        profiles.identify(&Made::new().uri("spiffe://mesh.example/sidecar").der(), None, &[]).unwrap();
    assert_eq!(sidecar.standing, Standing::Carrier);
    assert!(sidecar.credentials().is_none());
}

#[test]
fn settings_are_words_of_closed_lists() {
    let field: IdentityField = serde_json::from_str("\"dns-name\"").unwrap();
    assert_eq!(field, IdentityField::DnsName);
    assert!(serde_json::from_str::<ProfileKind>("\"superuser\"").is_err());
}
