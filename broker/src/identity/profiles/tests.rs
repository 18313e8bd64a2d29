//! How a profile is chosen, and which sets of profiles are refused.

use rcgen::{DnType, ExtendedKeyUsagePurpose};
use serde_json::{Value, json};

use super::super::tests::{Made, profiles};
use super::*;
use crate::identity::Presence;
use lakegate_domain::ProfileName;

fn authority(name: &str) -> AuthorityName {
    serde_json::from_value(json!(name)).unwrap()
}

/// Two authorities, each with users of its own.
fn tenants() -> Profiles {
    let settings = json!({"profiles": [
        {"name": "a", "authority": "ca-a", "identity": "project-user", "kind": "user", "projects": ["a1", "a2"]},
        {"name": "b", "authority": "ca-b", "identity": "project-user", "kind": "user", "projects": ["b1"]},
        {"name": "mesh-a", "authority": "ca-a", "trust_domain": "a.example", "identity": "spiffe-uri",
         "kind": "workload"},
        {"name": "mesh-b", "authority": "ca-b", "trust_domain": "b.example", "identity": "spiffe-uri",
         "kind": "workload"},
    ]});
    Profiles::new(&serde_json::from_value(settings).unwrap(), &[authority("ca-a"), authority("ca-b")])
        .unwrap()
}

fn faults(profiles: &Value, authorities: &[AuthorityName]) -> Vec<(usize, ProfileFault)> {
    let settings = serde_json::from_value(json!({ "profiles": profiles })).unwrap();
    Profiles::new(&settings, authorities).unwrap_err()
}

#[test]
fn xc24_an_authority_gives_only_the_names_of_its_tenant() {
    let tenants = tenants();
    let read = |made: Made, of: Option<AuthorityName>| {
        tenants.identify(&made.der(), of.as_ref(), &[]).map(|it| it.principal.to_string())
    };
    assert_eq!(read(Made::named("a1__bob"), Some(authority("ca-a"))).unwrap(), "hops:a1/bob");
    assert_eq!(read(Made::named("b1__bob"), Some(authority("ca-b"))).unwrap(), "hops:b1/bob");
    assert_eq!(read(Made::named("b1__bob"), Some(authority("ca-a"))), Err(IdentityError::Foreign));
    assert_eq!(read(Made::named("a1__bob"), Some(authority("ca-b"))), Err(IdentityError::Foreign));
    let of_b = || Made::new().uri("spiffe://b.example/ns/etl/sa/loader");
    assert_eq!(read(of_b(), Some(authority("ca-b"))).unwrap(), "spiffe:b.example/ns/etl/sa/loader");
    assert_eq!(read(of_b(), Some(authority("ca-a"))), Err(IdentityError::NoIdentity));
    assert_eq!(read(Made::named("a1__bob"), None), Err(IdentityError::NoProfile));
    assert_eq!(read(Made::named("a1__bob"), Some(authority("ca-c"))), Err(IdentityError::NoProfile));
}

#[test]
fn xc24_realms_and_prefixes_part_the_names_of_two_authorities() {
    let settings = json!({"profiles": [
        {"name": "users", "authority": "ca-a", "identity": "common-name", "kind": "user"},
        {"name": "services", "authority": "ca-b", "identity": "common-name", "kind": "service", "realm": "svc"},
    ]});
    let both =
        Profiles::new(&serde_json::from_value(settings).unwrap(), &[authority("ca-a"), authority("ca-b")])
            .unwrap();
    let user = |name: &str| {
        both.identify(&Made::named(name).der(), Some(&authority("ca-a")), &[])
            .map(|it| it.principal.to_string())
    };
    assert_eq!(user("alice@corp.example").unwrap(), "alice@corp.example");
    assert_eq!(user("yarn@svc"), Err(IdentityError::Foreign));
    let prefixed = profiles(&json!([
        {"name": "users", "identity": "common-name", "kind": "user", "name_prefix": "u-"}
    ]));
    assert_eq!(
        prefixed.identify(&Made::named("u-alice").der(), None, &[]).unwrap().principal.as_str(),
        "u-alice"
    );
    assert_eq!(prefixed.identify(&Made::named("alice").der(), None, &[]), Err(IdentityError::Foreign));
}

#[test]
fn xc24_a_name_brings_no_realm_of_its_own_and_a_path_begins_as_it_must() {
    let both = profiles(&json!([
        {"name": "names", "identity": "common-name", "kind": "user", "realm": "a"},
        {"name": "mesh", "identity": "spiffe-uri", "kind": "workload", "trust_domain": "a.example", "name_prefix": "ns/etl/"},
    ]));
    let read = |made: Made| both.identify(&made.der(), None, &[]).map(|it| it.principal.to_string());
    assert_eq!(read(Made::named("alice")).unwrap(), "alice@a");
    assert_eq!(read(Made::named("alice@b")), Err(IdentityError::Name));
    assert_eq!(read(Made::named("alice@a")), Err(IdentityError::Name));
    assert_eq!(read(Made::new().uri("spiffe://a.example/ns/etl/x")).unwrap(), "spiffe:a.example/ns/etl/x");
    assert_eq!(read(Made::new().uri("spiffe://a.example/ns/etl2/x")), Err(IdentityError::Foreign));
    assert_eq!(read(Made::new().uri("spiffe://a.example/x/ns/etl/x")), Err(IdentityError::Foreign));
}

#[test]
fn xc23_what_the_issuer_put_there_chooses_the_profile() {
    let by_policy = profiles(&json!([
        {"name": "users", "identity": "common-name", "kind": "user", "policy": "1.3.7.1", "realm": "users"},
        {"name": "services", "identity": "common-name", "kind": "service", "policy": "1.3.7.2"},
    ]));
    // A user's certificate that looks like a service's is a user's: its common name is a name.
    let posing = Made::named("node-1.lake.example").with(DnType::LocalityName, "hdfs").policy(&[7, 2]).der();
    let read = |policies: &[&str]| {
        let policies: Vec<String> = policies.iter().map(|id| (*id).to_owned()).collect();
        by_policy.identify(&posing, Some(&authority("default")), &policies)
    };
    assert_eq!(read(&["1.3.7.1"]).unwrap().principal.as_str(), "node-1.lake.example@users");
    assert_eq!(read(&["1.3.7.2"]).unwrap().principal.as_str(), "hdfs");
    assert_eq!(read(&["1.3.7.3"]), Err(IdentityError::NoProfile));
    assert_eq!(read(&[]), Err(IdentityError::NoProfile), "it names a policy that its issuers may not give");
}

#[test]
fn a_purpose_or_a_locality_chooses_too() {
    let own = profiles(&json!([
        {"name": "jobs", "identity": "common-name", "kind": "workload", "extended_key_usage": "1.3.6.1.4.1.7"}
    ]));
    let purposes =
        [ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 7])];
    assert!(own.identify(&Made::named("x").purposes(&purposes).der(), None, &[]).is_ok());
    assert_eq!(own.identify(&Made::named("x").der(), None, &[]), Err(IdentityError::NoProfile));
    let hopsworks = profiles(&json!([
        {"name": "users", "identity": "project-user", "kind": "user", "locality": "absent"},
        {"name": "hosts", "identity": "common-name", "kind": "service", "locality": "present"},
    ]));
    let host = Made::named("node-1.lake.example").with(DnType::LocalityName, "hdfs");
    assert_eq!(hopsworks.identify(&host.der(), None, &[]).unwrap().principal.as_str(), "hdfs");
    let user = hopsworks.identify(&Made::named("demo__alice").der(), None, &[]).unwrap();
    assert_eq!(user.principal.as_str(), "hops:demo/alice");
}

#[test]
fn xc17_a_certificate_that_two_profiles_read_is_refused() {
    let two = profiles(&json!([
        {"name": "mesh", "trust_domain": "a.example", "identity": "spiffe-uri", "kind": "workload"},
        {"name": "names", "identity": "common-name", "kind": "user"},
        {"name": "hosts", "identity": "dns-name", "kind": "workload", "realm": "hosts"},
    ]));
    let read = |made: Made| two.identify(&made.der(), None, &[]).map(|it| it.profile.unwrap().to_string());
    assert_eq!(read(Made::new().uri("spiffe://a.example/x")).unwrap(), "mesh");
    assert_eq!(read(Made::named("alice")).unwrap(), "names");
    assert_eq!(read(Made::new().dns("a.example")).unwrap(), "hosts");
    assert_eq!(read(Made::named("alice").uri("spiffe://a.example/x")), Err(IdentityError::Ambiguous));
    assert_eq!(read(Made::named("alice").dns("a.example")), Err(IdentityError::Ambiguous));
    assert_eq!(read(Made::new().dns("a.example").dns("b.example")), Err(IdentityError::Ambiguous));
    // No profile reads this SPIFFE ID; that does not make the common name one.
    assert_eq!(read(Made::named("alice").uri("spiffe://b.example/x")), Err(IdentityError::Ambiguous));
    assert_eq!(read(Made::named("alice").uri("https://b.example/x")).unwrap(), "names");
}

#[test]
fn xc17_overlapping_profiles_are_refused_when_they_are_loaded() {
    let users = |name: &str, authority: &str| json!({"name": name, "authority": authority, "identity": "common-name", "kind": "user"});
    let named = |name: &str| ProfileName::parse(name).unwrap();
    let both = &[authority("ca-a"), authority("ca-b")];
    assert_eq!(
        faults(&json!([users("one", "ca-a"), users("two", "ca-b")]), both),
        [(1, ProfileFault::Overlap(named("one")))]
    );
    assert_eq!(
        faults(&json!([users("one", "ca-a"), users("two", "ca-a")]), both),
        [(1, ProfileFault::Shadowed(named("one")))]
    );
    let mut stricter = users("two", "ca-a");
    stricter["policy"] = json!("1.3.7");
    assert_eq!(
        faults(&json!([stricter, users("one", "ca-a")]), both),
        [(0, ProfileFault::Shadowed(named("one"))), (1, ProfileFault::Overlap(named("two")))]
    );
    let (mut a, mut b) = (users("a", "ca-a"), users("b", "ca-b"));
    (a["name_prefix"], b["name_prefix"]) = (json!("etl-"), json!("etl-x-"));
    assert_eq!(faults(&json!([a, b]), both), [(1, ProfileFault::Overlap(named("a")))]);
    assert_eq!(
        faults(&json!([users("a", "ca-a"), users("a", "ca-b")]), both),
        [(1, ProfileFault::Duplicate)]
    );
}

#[test]
fn xc24_a_profile_of_several_authorities_names_one_of_them() {
    let profile = |authority: Value| json!([{"name": "users", "identity": "common-name", "kind": "user", "authority": authority}]);
    assert_eq!(
        faults(&profile(json!(null)), &[authority("ca-a"), authority("ca-b")]),
        [(0, ProfileFault::AnyAuthority)]
    );
    assert_eq!(
        faults(&profile(json!("ca-c")), &[authority("ca-a"), authority("ca-b")]),
        [(0, ProfileFault::Authority)]
    );
}

#[test]
fn xc24_several_authorities_without_any_profile_are_refused() {
    let both = [authority("ca-a"), authority("ca-b")];
    let found = faults(&json!([]), &both);
    assert_eq!(found, [(0, ProfileFault::NoProfiles)]);
    assert_eq!(found[0].1.key(0), "identity.profiles");
    assert!(Profiles::new(&serde_json::from_value(json!({})).unwrap(), &both[..1]).is_ok());
}

#[test]
fn each_key_has_its_identity_and_its_form() {
    let fault = |extra: Value| {
        let mut profile = json!({"name": "x", "identity": "common-name", "kind": "user"});
        profile.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let found = faults(&json!([profile]), &[authority("default")]);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].1.clone()
    };
    assert_eq!(fault(json!({"identity": "spiffe-uri"})), ProfileFault::TrustDomain);
    assert_eq!(
        fault(json!({"identity": "spiffe-uri", "trust_domain": "A.example"})),
        ProfileFault::TrustDomain
    );
    assert_eq!(fault(json!({"trust_domain": "a.example"})), ProfileFault::Misplaced("trust_domain"));
    assert_eq!(fault(json!({"projects": ["p"]})), ProfileFault::Misplaced("projects"));
    assert_eq!(fault(json!({"identity": "project-user", "realm": "r"})), ProfileFault::Misplaced("realm"));
    assert_eq!(fault(json!({"identity": "project-user", "kind": "service"})), ProfileFault::Kind);
    assert_eq!(fault(json!({"kind": "service", "locality": "absent"})), ProfileFault::Misplaced("locality"));
    assert_eq!(fault(json!({"policy": "users"})), ProfileFault::Oid("policy"));
    assert_eq!(fault(json!({"extended_key_usage": ""})), ProfileFault::Oid("extended_key_usage"));
    for realm in ["", "a b", "a@b", "hops:x/y"] {
        assert_eq!(fault(json!({"realm": realm})), ProfileFault::Text("realm"), "{realm}");
    }
    for prefix in ["", "a b", "a/"] {
        assert_eq!(fault(json!({"name_prefix": prefix})), ProfileFault::Text("name_prefix"), "{prefix}");
    }
    let presence: Presence = serde_json::from_str("\"absent\"").unwrap();
    assert_eq!(presence, Presence::Absent);
}
